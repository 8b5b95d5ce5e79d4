// Convolution by Hopper's wgmma and TMA: what surrounds the kernels. bfloat16, `cuda`. Never run on
// a GPU, so `auto` does not take it.
#include "kernels/conv/wgmma.h"

#include "autograd/channel_moments.h"
#include "autograd/conv/algorithm.h"
#include "autograd/dispatch.h"
#include "kernels/conv/mma.h"
#include "kernels/conv/turn_filters.h"

namespace tweed {
namespace {

// TMA wants addresses that are multiples of 16: what a slice has put out of line is copied.
Tensor in_line(const Tensor& t) {
  if (reinterpret_cast<std::uintptr_t>(t.read<bf16>().data()) % 16 == 0) return t;
  return t.clone();
}

// With `moments`, and where one slice makes the whole sums, y is annotated with them.
void multiply_by_wgmma(const Slide& s, Activation activation, const Tensor& images,
                       const Tensor& filters, const Tensor& bias, const Tensor& y,
                       bool moments = false) {
  if (s.places() == 0) return;
  const WgmmaPlan plan = wgmma_plan(s);
  Tensor partial;
  if (plan.slices > 1)
    partial = Tensor::empty({plan.slices, s.places(), s.channels}, DType::float32, y.device());
  std::shared_ptr<ChannelMoments> found;
  if (moments && plan.slices == 1 && activation == Activation::none)
    found = room_for_moments(y, wgmma_rows);
  on<Cuda>(y.device(), [&](auto& here) {
    conv_wgmma(here, s, plan, activation, images.read<bf16>(), filters.read<bf16>(),
               read_or_empty<bf16>(bias), y.write<bf16>(), write_or_empty<float>(partial),
               found ? found->moments.write<float>() : Span<float>());
  });
  if (found) y.annotate(found);
}

void wgmma_forward(const Conv& c, Activation activation, const Tensor& x, const Tensor& weight,
                   const Tensor& bias, const Tensor& y, bool moments) {
  multiply_by_wgmma(forward_slide(c), activation, in_line(x), in_line(weight), bias, y, moments);
}

Tensor wgmma_input_gradient(const Conv& c, const Tensor& dz, const Tensor& weight,
                            const Tensor& begun) {
  const Tensor dx = begun_or_new(begun, image_shape(c), dz);
  const Tensor gradients = in_line(dz);
  for (int row = 0; row < int(c.window.stride); ++row)
    for (int column = 0; column < int(c.window.stride); ++column) {
      InputGradient g = input_gradient_slide(c, row, column);
      g.slide.adds = begun.defined();
      if (g.slide.places() == 0) continue;
      const Tensor turned = Tensor::empty({g.turn.size()}, weight.dtype(), weight.device());
      on<Cuda>(dz.device(), [&](auto& here) {
        turn_filters(here, g.turn, weight.read<bf16>(), turned.write<bf16>());
      });
      multiply_by_wgmma(g.slide, Activation::none, gradients, turned, {}, dx);
    }
  return dx;
}

Tensor wgmma_weight_gradient(const Conv& c, const Tensor& x, const Tensor& dz, const Tensor&,
                             const Tensor& begun) {
  const Tensor dweight = begun_or_new(begun, weight_shape(c), x);
  const Slide s = forward_slide(c);
  const WgmmaWeightPlan plan = wgmma_weight_plan(s);
  const Tensor partial = Tensor::empty({plan.slices, dweight.size()}, DType::float32, x.device());
  const Tensor images = in_line(x), gradients = in_line(dz);
  on<Cuda>(x.device(), [&](auto& here) {
    conv_wgmma_weight(here, s, plan, images.read<bf16>(), gradients.read<bf16>(),
                      partial.write<float>());
    add_weight_slices(here, c, pack_channels(c.window.C, 8), c.out_channels, plan.slices,
                      partial.read<float>(), dweight.write<bf16>(), begun.defined());
  });
  return dweight;
}

bool wgmma_can_pass(const Conv& c, ConvPass pass, DType dtype) {
  const Window& w = c.window;
  if (dtype != DType::bfloat16 || w.places() == 0 || w.N * w.H * w.W == 0) return false;
  if (pass != ConvPass::input) return wgmma_can(forward_slide(c));
  for (int row = 0; row < int(w.stride); ++row)
    for (int column = 0; column < int(w.stride); ++column)
      if (!wgmma_can(input_gradient_slide(c, row, column).slide)) return false;
  return true;
}

// Not before a GPU has passed conv_wgmma_test: an error of a kernel ends the program that times
// all.
bool wgmma_is_tried(const Conv&) { return false; }

std::string wgmma_lacks(Device device) {
  if (on(device, [](auto& here) { return has_conv_wgmma(here); })) return "";
  return "works on GPUs of sm_90, in a build for sm_90a, not on " + device.name();
}

}  // namespace

constinit const ConvAlgorithm conv::wgmma = {
    .name = "wgmma",
    .about = "mma by Hopper's wgmma and TMA, bf16; never run on a GPU",
    .machines = {.cpu = false, .gpus = true, .sim = false},
    .lacking = wgmma_lacks,
    .can = of_square<wgmma_can_pass>,
    .otherwise = &conv::mma,
    .sensible = of_square<wgmma_is_tried>,
    .rounds_to_tf32 = true,  // by way of mma
    .adds = true,
    .forward = of_square<wgmma_forward>,
    .input_gradient = of_square<wgmma_input_gradient>,
    .weight_gradient = of_square<wgmma_weight_gradient>,
};

}  // namespace tweed
