// Networks filled by a formula, as the scripts in tests/golden do, and what is stored of their
// gradients.
#pragma once
#include <vector>

#include "nn/module.h"

namespace tweed {

/// As fill() in tests/golden/models.py; element numbers follow PyTorch's axes.
void fill_by_formula(Module& network);
/// The products of a gradient (or of each `stride`th element of it) with the stored directions.
/// @param gradient  with the axes of files; @param number  of the parameter
std::vector<double> projections(const Tensor& gradient, uint32_t number, int64_t count,
                                int64_t stride = 1);

}  // namespace tweed
