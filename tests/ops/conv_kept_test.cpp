// Filters that are kept from one forward pass to the next while nothing records a graph.
#include <atomic>
#include <thread>

#include "autograd/conv/choice.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "kernels/conv/register_tile.h"
#include "optim/ema.h"
#include "optim/sgd.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/support.h"

namespace tweed {
namespace {

// Channels enough for Winograd's algorithm, and for oneDNN's reordered filters.
Tensor noise(const Shape& shape, uint64_t seed) {
  return random_tensor(shape, DType::float32, {}, seed);
}
Tensor image() { return noise({2, 9, 9, 16}, 1); }
Tensor filters(uint64_t seed) { return noise({24, 3, 3, 16}, seed); }

// Of a weight that has never been seen, so that nothing is kept of it.
std::vector<float> fresh(const ConvAlgorithm& algorithm, const Tensor& weight, const Tensor& x) {
  return conv2d(x, weight.clone(), {}, {.padding = 1, .algorithm = &algorithm}).to_vector<float>();
}
std::vector<float> again(const ConvAlgorithm& algorithm, const Tensor& weight, const Tensor& x) {
  return conv2d(x, weight, {}, {.padding = 1, .algorithm = &algorithm}).to_vector<float>();
}

}  // namespace

TEST_CASE("kept filters give the same bits, and new weights new ones", "[kept]") {
  for (const ConvAlgorithm* algorithm : {&conv::winograd, &conv::direct}) {
    INFO(algorithm->name);
    const Tensor x = image();
    const auto check = [&](const Tensor& weight) {
      CHECK(again(*algorithm, weight, x) == fresh(*algorithm, weight, x));
    };
    const Tensor weight = filters(2);
    const auto trained = again(*algorithm, weight, x);
    CHECK(!weight.annotation());  // a graph is recorded
    {
      const NoGrad no_grad;
      CHECK(again(*algorithm, weight, x) == trained);
      const auto kept = weight.annotation();
      REQUIRE(kept);
      CHECK(again(*algorithm, weight, x) == trained);
      CHECK(weight.annotation() == kept);

      weight.copy_from(filters(3));
      check(weight);
      check(weight);
      CHECK(weight.annotation() != kept);
      weight.fill(0.5);
      check(weight);
      weight.rebind(filters(4));
      check(weight);
      accumulate(weight, filters(5));
      check(weight);
      // Another size of images, other instructions.
      CHECK(again(*algorithm, weight, noise({1, 6, 6, 16}, 6)) ==
            fresh(*algorithm, weight, noise({1, 6, 6, 16}, 6)));
      check(weight);
      const SimdLevel before = simd_level();
      set_simd_level(SimdLevel::baseline);
      check(weight);
      set_simd_level(before);
      check(weight);
      CHECK(weight.annotation());
    }
    again(*algorithm, weight, x);
    CHECK(!weight.annotation());  // training has no use for them
  }
}

TEST_CASE("kept filters follow what is written through other tensors of the same memory",
          "[kept]") {
  const Tensor x = image(), weight = filters(2);
  const NoGrad no_grad;
  const auto check = [&](const char* how) {
    INFO(how);
    CHECK(again(conv::winograd, weight, x) == fresh(conv::winograd, weight, x));
    CHECK(weight.annotation());
  };
  check("at first");
  weight.slice(0, 1).fill(7);
  check("a slice");
  weight.reshape({24, -1}).slice(3, 4).copy_from(noise({1, 9 * 16}, 3));
  check("a slice of another shape");
  weight.detach().slice(5, 9).zero();
  check("a slice of a detached one");
  weight.write<float>()[5] = 3;
  check("an element");
  const Span<float> elements = weight.write<float>();
  check("as before");
  elements[6] = -3;
  weight.changed();
  check("an element, said by changed()");

  require_grad(weight);
  ParameterBuffer buffer({{"weight", weight}});
  check("moved");
  buffer.values().fill(0.25);
  check("the whole buffer");
  buffer.values().slice(0, 10).fill(4);
  check("a part of it");
}

TEST_CASE("kept filters follow an optimizer, averages and weights that move", "[kept]") {
  const Tensor x = image(), weight = filters(2);
  require_grad(weight);
  ParameterBuffer buffer({{"weight", weight}});
  SGD sgd(buffer, {.lr = 0.5});
  Ema ema(buffer, 0.5);
  const auto check = [&] {
    const NoGrad no_grad;
    const auto seen = again(conv::winograd, weight, x);
    CHECK(seen == fresh(conv::winograd, weight, x));
    return seen;
  };
  auto before = check();
  for (int step = 0; step < 2; ++step) {
    buffer.zero_grad();
    const Tensor y = conv2d(x, weight, {}, {.padding = 1});
    backward(mean(y * y));
    check();
    sgd.step();
    ema.update();
    const auto after = check();
    CHECK(after != before);
    before = after;
  }
  ema.swap();
  CHECK(check() != before);
  ema.swap();
  CHECK(check() == before);
}

TEST_CASE("threads may answer with one network at a time", "[kept]") {
  const Tensor weight = filters(2), small = noise({1, 6, 6, 16}, 6);
  const auto x = image();
  std::vector<float> expected, expected_small;
  {
    const NoGrad no_grad;
    expected = fresh(conv::winograd, weight, x);
    expected_small = fresh(conv::winograd, weight, small);
  }
  std::atomic<int> wrong = 0;
  auto answer = [&](const Tensor& of, const std::vector<float>& right) {
    const NoGrad no_grad;
    for (int i = 0; i < 200; ++i) wrong += again(conv::winograd, weight, of) != right;
  };
  std::thread other([&] { answer(small, expected_small); });
  answer(x, expected);
  other.join();
  CHECK(wrong == 0);
}

TEST_CASE("auto takes Winograd's algorithm for few pixels where filters are kept", "[kept]") {
  const Tensor x = noise({1, 7, 7, 64}, 1), weight = noise({64, 3, 3, 64}, 2);
  const AnyConv c{make_window("conv2d", x.shape(), {3, 3}, {1, 1}, 1, {1, 1}), 64, 1};
  const auto forward = [&] { return plan_conv(c, DType::float32, Device()).forward; };
  CHECK(forward() == &conv::direct);
  const NoGrad no_grad;
  CHECK(forward() == &conv::winograd);
}

}  // namespace tweed
