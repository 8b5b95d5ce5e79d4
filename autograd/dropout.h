// Dropout.
#pragma once
#include "autograd/graph.h"
#include "kernels/philox.h"

namespace tweed {

/// In training, zeros each element with probability p and divides the others by 1 - p. Otherwise
/// returns x itself.
///
/// @param p    in [0, 1]
/// @param key  names the random numbers: element i is dropped if number i of the key is below p.
///             The same key gives the same mask; use a new step for each training step
/// @param clock  (1), int32, on x's device: its value is added to the key's step when the kernel
///             runs, so that recorded work (see Replay) drops other elements each time
/// @throws ShapeError  if p is out of range
/// Saves the clock alone: the backward pass draws the mask again.
Tensor dropout(const Tensor& x, double p, const RandomKey& key, bool training,
               const Tensor& clock = {});

/// The same for whole channels of each sample: number n * C + c of the key decides for channel c of
/// sample n. @param x (N, ..., C)
Tensor dropout2d(const Tensor& x, double p, const RandomKey& key, bool training,
                 const Tensor& clock = {});

/// The same for whole samples, by which a residual branch is skipped: number n of the key decides
/// for sample n. @param x (N, ...). Source: Huang et al. 2016, arXiv:1603.09382 (stochastic depth)
Tensor drop_path(const Tensor& x, double p, const RandomKey& key, bool training,
                 const Tensor& clock = {});

}  // namespace tweed
