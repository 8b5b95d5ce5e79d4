// Attention rollout: which parts of an image a vision transformer's tokens have looked at.
#pragma once
#include "nn/module.h"

namespace tweed {

/// Each block mixes tokens by its attention, the mean over heads, and passes them on beside it:
/// half attention, half identity. The product over all blocks says what of each patch has come into
/// each token at the end; what the answer takes of these (the class token if there is one, else the
/// mean of all tokens) is the map. Windows are what they are: no attention beyond them.
///
/// It does not depend on the class, and MLPs have no part in it.
///
/// @param x        (N, H, W, C)
/// @return         (N, H, W), not negative, enlarged by bilinear interpolation
/// @throws Error   if the network has no layer of attention (see Attention)
/// Source: Abnar, Zuidema 2020, arXiv:2005.00928
Tensor attention_rollout(Module& network, const Tensor& x);

}  // namespace tweed
