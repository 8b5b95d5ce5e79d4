// One pass of a convolution by one of our algorithms.
#pragma once
#include <string>
#include <vector>

#include "autograd/conv.h"
#include "benchmarks/conv_data.h"

namespace tweed::bench {

/// y, dweight or dx. The one place of the benchmark that knows how an algorithm is asked for.
Tensor run_pass(ConvAlgorithm algorithm, Pass pass, const ConvInputs& in);

/// The algorithms that conv2d has on a device, by the names of parse_conv_algorithm().
std::vector<std::string> algorithms_of(Device device);

}  // namespace tweed::bench
