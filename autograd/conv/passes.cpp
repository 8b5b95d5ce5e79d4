#include "autograd/conv/passes.h"

#include "autograd/conv/packing.h"
#include "kernels/machine/trace_notes.h"

namespace tweed {
namespace {

// Images packed otherwise than an algorithm wants them, as when it was changed after they were
// made, are taken apart again.
Tensor images_for(const ConvAlgorithm& algorithm, const AnyConv& c, const Tensor& x) {
  const auto packed = PackedImages::of(x);
  const bool fits = !packed || packed->packing == wanted_packing(algorithm, c, x.dtype());
  return fits ? x : unpacked(x);
}

}  // namespace

Packing wanted_packing(const ConvAlgorithm& algorithm, const AnyConv& c, DType dtype) {
  return algorithm.packing ? algorithm.packing(c, dtype) : plain_pixels(c.window.C);
}

void conv_forward(const AnyConv& c, const ConvAlgorithm& algorithm, Activation activation,
                  const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& y,
                  bool moments) {
  const trace::Way way(algorithm.name, c.flops());
  if (y.size() > 0)
    algorithm.forward(c, activation, images_for(algorithm, c, x), weight, bias, y, moments);
}

Tensor conv_backward_input(const AnyConv& c, const ConvAlgorithm& algorithm, const Tensor& dz,
                           const Tensor& weight, const Tensor& begun) {
  const trace::Way way(algorithm.name, c.flops());
  const Shape shape = image_shape(c);
  if (shape.size() == 0) return Tensor::empty(shape, dz.dtype(), dz.device());
  return algorithm.input_gradient(c, dz, weight, begun);
}

// A sum over no windows is 0.
Tensor conv_backward_weight(const AnyConv& c, const ConvAlgorithm& algorithm, const Tensor& x,
                            const Tensor& dz, const Tensor& dbias, const Tensor& begun) {
  const trace::Way way(algorithm.name, c.flops());
  const Shape shape = weight_shape(c);
  if (shape.size() == 0 || dz.size() == 0) return Tensor::zeros(shape, x.dtype(), x.device());
  return algorithm.weight_gradient(c, images_for(algorithm, c, x), dz, dbias, begun);
}

}  // namespace tweed
