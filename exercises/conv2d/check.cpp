#include "autograd/conv.h"
#include "autograd/describe.h"
#include "conv2d.h"
#include "exercises/sheet.h"

namespace tweed::exercise {
namespace {

struct Case {
  Tensor x, w, b, y;
  int64_t stride, padding;
  // Tweed's own, whose values and gradients are PyTorch's.
  Case(const Shape& images, int64_t channels, int64_t kernel, int64_t s, int64_t p)
      : stride(s), padding(p) {
    x = made(images, 1);
    w = made({channels, kernel, kernel, images[3]}, 2);
    b = made({channels}, 3);
    y = conv2d(x, w, b, {.stride = s, .padding = p});
  }
  static Tensor made(const Shape& shape, uint32_t seed) {
    const auto values = numbers(std::size_t(shape.size()), seed);
    return require_grad(Tensor::from(std::vector<double>(values.begin(), values.end()), shape));
  }
};
// The usual test of this exercise, and another whose numbers are all different.
Case usual() { return {{2, 12, 12, 3}, 64, 7, 2, 3}; }
Case uneven() { return {{3, 9, 6, 2}, 5, 3, 1, 0}; }

void expect_tensor(const std::string& what, const Tensor& got, const Tensor& wanted) {
  expect(got.defined() && got.shape() == wanted.shape(),
         what + " is " + (got.defined() ? got.shape().str() : "undefined") + ", not " +
             wanted.shape().str() + ".");
  const auto values = got.to_doubles();
  expect_equal(what, std::vector<float>(values.begin(), values.end()), wanted.to_doubles(), 1e-5);
}

void forward_of(const Case& c) {
  const OperationWatch watch;
  const Tensor y = convolution(c.x, c.w, c.b, c.stride, c.padding);
  for (auto& operation : watch.operations())
    expect(operation.name != "conv2d",
           "This is conv2d itself: it is to be written from unfold and matmul.");
  expect_tensor("y", y, c.y);
}

void backward_of(const Case& c) {
  const Tensor dy = Case::made(c.y.shape(), 4).detach();
  const auto wanted = grad_of(c.y, {c.x, c.w, c.b}, false, dy);
  const NoGrad no_grad;
  const ConvGradients got =
      convolution_backward(c.x.detach(), c.w.detach(), dy, c.stride, c.padding);
  expect_tensor("db", got.db, wanted[2]);
  expect_tensor("dw", got.dw, wanted[1]);
  expect_tensor("dx", got.dx, wanted[0]);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("forward: 2 images of 12x12, 3 to 64 channels, 7x7, stride 2, padding 3", 3,
             [] { forward_of(usual()); });
  sheet.part("forward: another size, without padding", 2, [] { forward_of(uneven()); });
  sheet.part("backward: the same", 3, [] { backward_of(usual()); });
  sheet.part("backward: another size, without padding", 2, [] { backward_of(uneven()); });
  const Case c = usual();
  sheet.time([&] { convolution(c.x, c.w, c.b, c.stride, c.padding); },
             [&] { conv2d(c.x, c.w, c.b, {.stride = c.stride, .padding = c.padding}); });
}

}  // namespace tweed::exercise
