// Winograd's algorithm on `cpu`, on the same register tile.
#include "kernels/conv/winograd.h"

#include "autograd/conv/on_cpu.h"

namespace tweed {
namespace {

struct Winograd {
  template <class T>
  static void forward(auto&&... arguments) {
    conv_winograd_forward<T>(arguments...);
  }
  template <class T>
  static void input(auto&&... arguments) {
    conv_winograd_backward_input<T>(arguments...);
  }
  template <class T>
  static void weight(auto&&... arguments) {
    conv_winograd_backward_weight<T>(arguments...);
  }
};

bool winograd_can(const AnyConv& c, ConvPass, DType) {
  return conv_has_winograd(c) && c.window.C > 0 && c.out_channels > 0;
}

}  // namespace

constinit const ConvAlgorithm conv::winograd = {
    .name = "winograd",
    .about = "3x3 windows with a quarter of the multiplications; tiled for others",
    .machines = {.cpu = true, .gpus = false},
    .can = winograd_can,
    .otherwise = &conv::tiled,
    .forward = on_cpu::forward<Winograd, true>,
    .input_gradient = on_cpu::input_gradient<Winograd>,
    .weight_gradient = on_cpu::weight_gradient<Winograd>,
};

}  // namespace tweed
