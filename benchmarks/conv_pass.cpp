#include "benchmarks/conv_pass.h"

#include "autograd/conv/passes.h"

namespace tweed::bench {

Tensor run_pass(ConvAlgorithm algorithm, Pass pass, const ConvInputs& in) {
  if (pass == Pass::input) return conv_backward_input(in.conv, algorithm, in.dz, in.weight);
  if (pass == Pass::weight) return conv_backward_weight(in.conv, algorithm, in.x, in.dz);
  const Tensor y = Tensor::empty_like(in.dz);
  conv_forward(in.conv, algorithm, Activation::none, in.x, in.weight, {}, y);
  return y;
}

}  // namespace tweed::bench
