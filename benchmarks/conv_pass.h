// One pass of a convolution by one of our algorithms.
#pragma once

#include "autograd/conv/algorithm.h"
#include "benchmarks/conv_data.h"

namespace tweed::bench {

/// y, dweight or dx; by whom the algorithm leaves a pass to, if it never can. The one place of the
/// benchmark that knows how an algorithm is asked for.
Tensor run_pass(const ConvAlgorithm& algorithm, Pass pass, const ConvInputs& in);

}  // namespace tweed::bench
