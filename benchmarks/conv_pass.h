// One pass of a convolution by one of our algorithms.
#pragma once

#include "autograd/conv.h"
#include "benchmarks/conv_data.h"

namespace tweed::bench {

/// y, dweight or dx. The one place of the benchmark that knows how an algorithm is asked for.
Tensor run_pass(ConvAlgorithm algorithm, Pass pass, const ConvInputs& in);

}  // namespace tweed::bench
