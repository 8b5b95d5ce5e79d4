// Convolution on tensor cores: what surrounds the kernels. In bfloat16, and in float32 by TF32's
// products; `cuda` and `sim`.
#include "kernels/conv/mma.h"

#include <algorithm>

#include "autograd/channel_moments.h"
#include "autograd/conv/algorithm.h"
#include "autograd/dispatch.h"
#include "kernels/conv/turn_filters.h"
#include "tensor/packed_images.h"

namespace tweed {
namespace {

// Calls f<T>(here) for t's dtype and device.
template <class F>
void dispatch_mma(const Tensor& t, F f) {
  on<Cuda, Sim>(t.device(), [&](auto& here) {
    if (t.dtype() == DType::bfloat16)
      f.template operator()<bf16>(here);
    else
      f.template operator()<float>(here);
  });
}

int64_t element_bytes(const Tensor& t) { return int64_t(size_of(t.dtype())); }
int64_t chunk_of(const Tensor& t) { return mma_chunk_numbers(element_bytes(t)); }
Tensor floats_like(const Tensor& t, const Shape& shape) {
  return Tensor::empty(shape, DType::float32, t.device());
}

// ---- packing ------------------------------------------------------------------------------------

// Few channels, as a stem has, would leave most of a chunk empty. Where the window moves by an even
// number of pixels, two of them share a chunk: 7x7 / 2 over 3 channels becomes 7x4 / (2, 1) over 8,
// of which 66 % are used, instead of 38 %. The border makes all windows begin at the first of two.
Packing packing_of(const Conv& c, int64_t chunk) {
  const Window& w = c.window;
  if (w.C > 0 && w.C <= chunk / 2 && w.stride % 2 == 0)
    return {.pixels = 2, .channels = chunk / 2, .border = w.padding % 2};
  return pack_channels(w.C, chunk);
}

// The slide of c over packed images.
Slide packed_slide(const Conv& c, const Packing& p) {
  Slide s = forward_slide(c);
  const int pixels = int(p.pixels);
  s.C = int(p.depth());
  s.W = int(p.columns(s.W));
  s.width = (s.width + pixels - 1) / pixels;
  s.step_w /= pixels;
  s.left = (s.left + int(p.border)) / pixels;
  return s;
}

Packing mma_packing(const Conv& c, DType dtype) {
  return packing_of(c, mma_chunk_numbers(int64_t(size_of(dtype))));
}

// Images as they are where they fill whole chunks, and a slice has not broken their alignment.
Tensor packed(const Packing& p, const Tensor& images) {
  const int64_t C = images.dim(3);
  bool aligned = false;
  dispatch_mma(images, [&]<class T>(auto&) {
    aligned = reinterpret_cast<std::uintptr_t>(images.read<T>().data()) % 16 == 0;
  });
  if (p.pixels == 1 && p.channels == C && aligned) return images;
  const int64_t N = images.dim(0), H = images.dim(1), W = images.dim(2), columns = p.columns(W);
  check_mma_size({.N = N, .H = int(H), .W = int(columns), .C = int(p.depth())},
                 element_bytes(images));
  const Tensor all = Tensor::empty({N, H, columns, p.depth()}, images.dtype(), images.device());
  dispatch_mma(images, [&]<class T>(auto& here) {
    pack_pixels(here, p, W, C, images.read<T>(), all.write<T>());
  });
  return all;
}

// What the forward pass has packed, for the weight gradient that follows it: an annotation of the
// images, which goes with its first use.
struct PackedBefore : Attachment {
  Packing packing;
  Tensor images;
};
std::shared_ptr<const PackedBefore> packed_before(const Tensor& x) {
  return std::dynamic_pointer_cast<const PackedBefore>(x.annotation());
}
void keep_packed(const Packing& p, const Tensor& x, const Tensor& images) {
  if (images.same(x) || (x.annotation() && !packed_before(x))) return;
  auto kept = std::make_shared<PackedBefore>();
  kept->packing = p;
  kept->images = images;
  x.annotate(kept);
}
// The images of the convolution, which may have come packed.
Tensor images_of(const Packing& p, const Tensor& x) {
  return PackedImages::of(x) ? x : packed(p, x);
}
Tensor images_again(const Packing& p, const Tensor& x) {
  const auto kept = packed_before(x);
  if (!kept || kept->packing != p) return images_of(p, x);
  x.annotate(nullptr);
  return kept->images;
}

// ---- the product --------------------------------------------------------------------------------

// With `moments`, and where one slice makes the whole sums, y is annotated with them.
void multiply(const Slide& s, Activation activation, const Tensor& images, const Tensor& filters,
              const Tensor& bias, const Tensor& y, bool moments = false) {
  check_mma_size(s, element_bytes(y));
  const MmaPlan plan = mma_plan(s, element_bytes(y));
  Tensor partial;
  if (plan.slices > 1) partial = floats_like(y, {plan.slices, s.places(), s.results()});
  std::shared_ptr<ChannelMoments> found;
  if (moments && plan.slices == 1 && activation == Activation::none)
    found = room_for_moments(y, plan.tile.rows);
  dispatch_mma(y, [&]<class T>(auto& here) {
    conv_mma(here, s, plan, activation, images.read<T>(), filters.read<T>(), read_or_empty<T>(bias),
             y.write<T>(), write_or_empty<float>(partial),
             found ? found->moments.write<float>() : Span<float>());
  });
  if (found) y.annotate(found);
}

// Whether the results of all phases fit into the thinnest tile: then one product computes them all,
// and reads dz once. A stem's 7x7 / 2 takes 4x4 taps of dz and 12 results, of which 57 % of the
// products are with filters that exist; four products with a tile of 16 for 3 results take 9 + 12 +
// 12 + 16 taps, and so three times the time.
bool phases_fit(const Window& w) { return w.stride > 1 && w.stride * w.stride * w.C <= 16; }

void mma_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                 const Tensor& bias, const Tensor& y, bool moments) {
  const Packing packing = packing_of(c, chunk_of(x));
  Packing of_filters = packing;
  of_filters.border = 0;
  const Tensor images = images_of(packing, x);
  if (grad_enabled() && requires_grad(weight)) keep_packed(packing, x, images);
  multiply(packed_slide(c, packing), activation, images, packed(of_filters, weight), bias, y,
           moments);
}

Tensor mma_input_gradient(const Conv& c, const Tensor& dz, const Tensor& weight,
                          const Tensor& begun) {
  const Tensor dx = begun_or_new(begun, image_shape(c), dz);
  const Packing packing = pack_channels(c.out_channels, chunk_of(dz));
  const Tensor gradients = packed(packing, dz);
  const int stride = int(c.window.stride), phases = phases_fit(c.window) ? stride : 1;
  for (int row = 0; row < stride; row += phases)
    for (int column = 0; column < stride; column += phases) {
      InputGradient g = input_gradient_slide(c, row, column, phases);
      g.turn.padded_Co = packing.channels;
      g.slide.C = int(packing.channels);
      g.slide.adds = begun.defined();
      if (g.slide.adds && g.slide.patch() == 0) continue;  // pixels that no window has
      const Tensor turned = Tensor::empty({g.turn.size()}, weight.dtype(), weight.device());
      dispatch_mma(weight, [&]<class T>(auto& here) {
        turn_filters(here, g.turn, weight.read<T>(), turned.write<T>());
      });
      multiply(g.slide, Activation::none, gradients, turned, {}, dx);
    }
  return dx;
}

Tensor mma_weight_gradient(const Conv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                           const Tensor& begun) {
  const Tensor dweight = begun_or_new(begun, weight_shape(c), x);
  const Packing packing = packing_of(c, chunk_of(x));
  const Packing of_dz = pack_channels(c.out_channels, chunk_of(x));
  const Slide s = packed_slide(c, packing);
  check_mma_size(s, element_bytes(x));
  const MmaPlan plan = mma_weight_plan(s, of_dz.channels, element_bytes(x));
  const Tensor images = images_again(packing, x), gradients = packed(of_dz, dz);
  const Tensor partial = floats_like(x, {plan.slices, of_dz.channels, s.patch()});
  dispatch_mma(x, [&]<class T>(auto& here) {
    conv_mma_weight(here, s, plan, of_dz.channels, images.read<T>(), gradients.read<T>(),
                    partial.write<float>());
    add_weight_slices(here, c, packing, of_dz.channels, plan.slices, partial.read<float>(),
                      dweight.write<T>(), begun.defined());
  });
  return dweight;
}

// ---- where it computes --------------------------------------------------------------------------

bool mma_can(const Conv& c, ConvPass, DType dtype) {
  return dtype != DType::float64 && c.window.kernel <= mma_most_taps;
}
// Whether pixels and chunks of at least four numbers are fewer than 2^31: see check_mma_size().
bool mma_can_count(const Conv& c) {
  const Window& w = c.window;
  const int64_t pixels = w.N * w.H * w.W, places = w.places(), limit = int64_t(1) << 31;
  return std::max({pixels, pixels * w.C / 4, places, places * c.out_channels / 4}) < limit;
}
std::string mma_lacks(Device device) {
  if (has_tensor_cores(device)) return "";
  return "works on GPUs since sm_80, not on " + device.name();
}

}  // namespace

constinit const ConvAlgorithm conv::mma = {
    .name = "mma",
    .about = "implicit on tensor cores, f32 as TF32",
    .machines = {.cpu = false, .gpus = true},
    .lacking = mma_lacks,
    .can = of_square<mma_can>,
    .otherwise = &conv::implicit,
    .sensible = of_square<mma_can_count>,
    .rounds_to_tf32 = true,
    .adds = true,
    .packing = of_square<mma_packing>,
    .forward = of_square<mma_forward>,
    .input_gradient = of_square<mma_input_gradient>,
    .weight_gradient = of_square<mma_weight_gradient>,
};

}  // namespace tweed
