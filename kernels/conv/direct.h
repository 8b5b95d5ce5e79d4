// Convolution on `cpu` by oneDNN, on float images in NHWC: by its direct algorithms, or Winograd's.
#pragma once
#include <string>
#include <vector>

#include "kernels/allocate.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// Winograd's algorithm does 3x3 windows of stride 1 with a quarter of the multiplications, on
/// transformed tiles; the images are reordered for it. It rounds more.
enum class Method : uint8_t { direct, winograd };

/// y = conv(x, weight) + bias.
/// @param x       (N, H, W, Ci);   @param weight  (Co, KH, KW, Ci / groups)
/// @param bias    (Co), or empty;  @param y       (N, OH, OW, Co)
void conv_direct_forward(Cpu&, const AnyConv&, Span<const float> x, Span<const float> weight,
                         Span<const float> bias, Span<float> y, const Allocate&,
                         Method method = Method::direct);
/// dweight, and dbias if it is not empty.
void conv_direct_backward_weight(Cpu&, const AnyConv&, Span<const float> x, Span<const float> dy,
                                 Span<float> dweight, Span<float> dbias, const Allocate&);
void conv_direct_backward_input(Cpu&, const AnyConv&, Span<const float> dy,
                                Span<const float> weight, Span<float> dx, const Allocate&,
                                Method method = Method::direct);

/// The names of oneDNN's implementations of forward, weight and input gradient for a shape. Those
/// that start with "ref" are a thousand times slower than the others.
std::vector<std::string> conv_direct_implementations(const AnyConv&);
/// False if one of them would be reference code, or missing.
bool conv_direct_is_fast(const AnyConv&);
/// False if it has no implementation of one of the passes; it has all of square windows.
bool conv_has_direct(const AnyConv&);
/// True if Method::winograd has the forward pass and the input gradient of a shape.
bool conv_has_winograd(const AnyConv&);
/// True if it has them for any shape: oneDNN 2 on processors with AVX-512 does; oneDNN 3 has no
/// Winograd for float32 on x86-64.
bool has_winograd();

}  // namespace tweed
