// What attacks average over that should survive small changes of a picture (EOT).
#pragma once
#include "attacks/pgd.h"

namespace tweed {

/// A random small turn (up to 15 degrees), shift (up to a sixteenth of the size), and for half of
/// the draws the mirror image: the same for all images of a batch. What is turned or shifted in
/// from outside is a normalised 0. Source: Athalye, Engstrom, Ilyas, Kwok 2017, arXiv:1707.07397
Transform random_view(uint64_t seed);

}  // namespace tweed
