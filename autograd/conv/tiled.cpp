// Our register tile on `cpu`.
#include "kernels/conv/tiled.h"

#include "autograd/conv/on_cpu.h"

namespace tweed {
namespace {

struct Tiled {
  template <class T>
  static void forward(auto&&... arguments) {
    conv_tiled_forward<T>(arguments...);
  }
  template <class T>
  static void input(auto&&... arguments) {
    conv_tiled_backward_input<T>(arguments...);
  }
  template <class T>
  static void weight(auto&&... arguments) {
    conv_tiled_backward_weight<T>(arguments...);
  }
};

bool tiled_can(const AnyConv& c, ConvPass, DType) { return c.groups == 1; }

}  // namespace

constinit const ConvAlgorithm conv::tiled = {
    .name = "tiled",
    .about = "a register tile of ours",
    .machines = {.cpu = true, .gpus = false},
    .can = tiled_can,
    .otherwise = &conv::im2col,
    .forward = on_cpu::forward<Tiled>,
    .input_gradient = on_cpu::input_gradient<Tiled>,
    .weight_gradient = on_cpu::weight_gradient<Tiled>,
};

}  // namespace tweed
