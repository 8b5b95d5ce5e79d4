#include "benchmarks/conv_pass.h"

#include "autograd/conv/passes.h"

namespace tweed::bench {

Tensor run_pass(const ConvAlgorithm& algorithm, Pass pass, const ConvInputs& in) {
  const AnyConv& c = in.conv;
  auto by = [&](ConvPass p) -> const ConvAlgorithm& { return able(algorithm, c, p, in.x.dtype()); };
  if (pass == Pass::input) return conv_backward_input(c, by(ConvPass::input), in.dz, in.weight);
  if (pass == Pass::weight) return conv_backward_weight(c, by(ConvPass::weight), in.x, in.dz);
  const Tensor y = Tensor::empty_like(in.dz);
  conv_forward(c, by(ConvPass::forward), Activation::none, in.x, in.weight, {}, y);
  return y;
}

}  // namespace tweed::bench
