// The ways to compute a convolution, a row each. A new one is a file beside this one with its row,
// and the row's name in the two lists below: --conv and its help, the tests of all algorithms and
// the benchmarks go through that list. `auto` takes it where a table of choice.cpp has it.
#pragma once
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/conv.h"
#include "kernels/conv/pack_pixels.h"
#include "kernels/window.h"

namespace tweed {

/// What there is to compute: y, the image's gradient, the weights' gradient.
enum class ConvPass : uint8_t { forward, input, weight };

/// Which machines have an algorithm.
struct ConvMachines {
  bool cpu, gpus;   ///< gpus: `cuda`, and `sim`, which runs the same kernels
  bool sim = gpus;  ///< false where it has no twins of the kernels' instructions
};

struct ConvAlgorithm {
  const char* name;
  const char* about;  ///< for --conv's help
  ConvMachines machines;
  /// What a device of these machines lacks, as the end of the sentence "[conv2d] 'mma' ...", or
  /// nothing. Null: no such device lacks anything.
  std::string (*lacking)(Device) = nullptr;

  /// Whether it can compute a pass of this shape in this dtype; null: true for all.
  bool (*can)(const AnyConv&, ConvPass, DType) = nullptr;
  /// Who computes the rest where this algorithm is asked for by name; needed where `can` is.
  const ConvAlgorithm* otherwise = nullptr;
  /// False for shapes that it can compute, but that `auto` and the benchmarks should not give it;
  /// null: true for all.
  bool (*sensible)(const AnyConv&) = nullptr;

  bool gives_bias_gradient = false;  ///< the float32 weight gradient can give it on the way
  bool rounds_to_tf32 = false;       ///< it multiplies float32 as TF32, asked or not
  bool adds = false;                 ///< its gradients can be added to sums that others have begun

  /// How it wants images to lie for `forward` and `weight_gradient`, which take them plain as well,
  /// but then have to pack them. Null: plain.
  Packing (*packing)(const AnyConv&, DType) = nullptr;

  // The passes, all of whose results have elements. `dz` is the gradient before bias and
  // activation. Null for a pass that it never can.

  /// y (N, OH, OW, Co) = activation(conv(x, weight) + bias); bias may be undefined. `moments` are
  /// wanted as ConvOptions says.
  void (*forward)(const AnyConv&, Activation, const Tensor& x, const Tensor& weight,
                  const Tensor& bias, const Tensor& y, bool moments) = nullptr;
  // Where it `adds` and `begun` is defined, a gradient is added to that, which is the result.

  /// dx (N, H, W, Ci).
  Tensor (*input_gradient)(const AnyConv&, const Tensor& dz, const Tensor& weight,
                           const Tensor& begun) = nullptr;
  /// dweight (Co, KH, KW, Ci / groups). With gives_bias_gradient: dbias too, where it is defined.
  Tensor (*weight_gradient)(const AnyConv&, const Tensor& x, const Tensor& dz, const Tensor& dbias,
                            const Tensor& begun) = nullptr;
};

/// The rows, each at the end of its file.
namespace conv {
extern const ConvAlgorithm naive, im2col, depthwise, implicit, mma, wgmma, direct, winograd, tiled;
}

/// All rows, in the order in which --conv names them.
inline constexpr const ConvAlgorithm* conv_rows[] = {
    &conv::naive, &conv::im2col, &conv::depthwise, &conv::implicit, &conv::mma,
    &conv::wgmma, &conv::direct, &conv::winograd,  &conv::tiled,
};

/// Where a gradient goes: `begun` if that is defined.
inline Tensor begun_or_new(const Tensor& begun, const Shape& shape, const Tensor& like) {
  return begun.defined() ? begun : Tensor::empty(shape, like.dtype(), like.device());
}
inline Shape image_shape(const AnyConv& c) {
  return {c.window.N, c.window.H, c.window.W, c.window.C};
}
inline Shape weight_shape(const AnyConv& c) {
  return {c.out_channels, c.window.rows.kernel, c.window.columns.kernel, c.group_in()};
}

/// A pass, or another function of a row, that is written for square convolutions, as a row has it:
/// `.forward = of_square<mma_forward>`. Its `can` is false for others.
template <auto f>
struct OfSquare;
template <class R, class... A, R (*f)(const Conv&, A...)>
struct OfSquare<f> {
  static R call(const AnyConv& c, A... arguments) {
    if constexpr (std::is_same_v<R, bool>)
      if (!c.is_square()) return false;
    return f(c.square(), std::forward<A>(arguments)...);
  }
};
template <auto f>
inline constexpr auto of_square = OfSquare<f>::call;

/// @throws DeviceError  "[conv2d] 'implicit' works on cuda, sim, not on cpu"
void check_conv_algorithm(const ConvAlgorithm& algorithm, Device device);
/// The rows that a device has.
std::vector<const ConvAlgorithm*> conv_rows_of(Device device);
/// `algorithm`, or the first of those behind it (`otherwise`) that can compute the pass.
const ConvAlgorithm& able(const ConvAlgorithm& algorithm, const AnyConv& c, ConvPass pass,
                          DType dtype);

}  // namespace tweed
