// What operations and the graph check of the tensors that they are given.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// Checks that `given`, called `name`, has the shape, dtype and device of `wanted`.
/// @throws ShapeError  "[backward] dy is (2) float64 on cpu, y is (2) float32 on cpu"
void check_fits(const char* op, const char* name, const Tensor& given, const char* wanted_name,
                const Tensor& wanted);

}  // namespace tweed
