// Gradients that are added to what others have begun: each operation that asks for that gives the
// sum which a pass of its own would give, and nobody else's memory changes.
#include <algorithm>
#include <utility>

#include "autograd/conv.h"
#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/gradcheck.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/norm.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "nn/models/models.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/ops/op_cases.h"
#include "tests/support.h"
#include "train/trace.h"

using namespace tweed;

namespace {

using Tensors = std::vector<Tensor>;
using Function = std::function<Tensor(const Tensors&)>;

constexpr DType dtypes[] = {DType::float64, DType::float32, DType::bfloat16};

// Of the largest magnitude, or of 1.
double tolerance_of(DType dtype) {
  return dtype == DType::float64 ? 1e-12 : dtype == DType::float32 ? 1e-5 : 2e-2;
}

Tensors leaves_of(const Tensors& inputs) {
  Tensors leaves;
  for (auto& t : inputs) leaves.push_back(require_grad(t.clone()));
  return leaves;
}
// Numbers that bfloat16 holds.
Tensor random_like(const Tensor& t, uint64_t seed) {
  return random_tensor(t.shape(), DType::bfloat16, {}, seed).to(t.dtype()).to(t.device());
}

// The gradients of f, alone and where a product has begun each with what `others` are: f's
// operations are older, so that they come second.
struct Sums {
  Tensors alone, together, others;

  Sums(const Function& f, const Tensors& inputs) {
    const Tensors leaves = leaves_of(inputs);
    const Tensor y = f(leaves), dy = random_like(y, 99);
    alone = grad_of(y, leaves, true, dy);
    Tensor total = sum(y * dy);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      others.push_back(random_like(leaves[i], 100 + i));
      total = total + sum(leaves[i] * others[i]);
    }
    together = grad_of(total, leaves);
  }
};

// `same`: to the last bit in float32, for who adds in the same order.
void check_sums(const Function& f, const Tensors& inputs, double tolerance, bool same = false) {
  const Sums s(f, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    INFO("gradient " << i);
    std::vector<double> wanted = s.alone[i].to_doubles();
    const auto others = s.others[i].to_doubles();
    for (std::size_t k = 0; k < wanted.size(); ++k) wanted[k] += others[k];
    CHECK(difference(s.together[i].to_doubles(), wanted, tolerance) == "");
    if (same) CHECK(same_bits(s.together[i], s.alone[i] + s.others[i]));
  }
}

Tensors inputs_of(const OpCase& row, DType dtype, Device device) {
  Tensors inputs;
  for (auto& in : row.inputs)
    inputs.push_back(random_tensor(in.shape, dtype, device, inputs.size() + 1, in.lo, in.hi));
  return inputs;
}

// How often the walk added up gradients by a kernel of their own, but for short ones'.
int additions(const std::function<void()>& work) {
  Trace trace;
  work();
  trace.stop();
  int count = 0;
  for (auto& operation : trace.operations())
    for (auto& call : operation.calls) count += call.name.find("axpy") != std::string::npos;
  return count;
}

const ConvCase windows[] = {
    {{2, 9, 7, 16}, 24, 3, 1, 1}, {{2, 9, 8, 16}, 24, 3, 2, 1}, {{2, 8, 8, 16}, 24, 1, 1, 0},
    {{2, 8, 7, 16}, 24, 1, 2, 0}, {{2, 11, 9, 3}, 16, 7, 2, 3}, {{1, 4, 4, 72}, 72, 3, 1, 1},
};

}  // namespace

TEST_CASE("every operation's gradients are right where others have begun their sums", "[begun]") {
  for (Device device : test_devices())
    for (DType dtype : dtypes)
      for (auto& row : op_cases()) {
        INFO(row.op << " " << row.what << ", " << name_of(dtype) << " on " << device.name());
        check_sums(row.f, inputs_of(row, dtype, device), 5 * row.tolerance * tolerance_of(dtype));
      }
}

TEST_CASE("every rung adds its gradients to begun sums", "[begun]") {
  for (Device device : test_devices())
    for (const ConvAlgorithm* rung : conv_rows_of(device))
      for (DType dtype : {DType::float32, DType::bfloat16})
        for (const ConvCase& c : windows) {
          INFO(rung->name << " " << name_of(dtype) << " on " << device.name() << ", " << c.x.str()
                          << ", " << c.kernel << " / " << c.stride);
          const Tensors inputs = {random_tensor(c.x, dtype, device, 1),
                                  random_tensor(c.weight(), dtype, device, 2, -0.1, 0.1)};
          auto f = [&](const Tensors& in) { return conv2d(in[0], in[1], {}, c.options(*rung)); };
          // A library's product begins with the sum.
          const bool same = dtype == DType::float32 && device.kind() == Device::Kind::sim;
          check_sums(f, inputs, tolerance_of(dtype), same);
        }
}

TEST_CASE("the gradients of large leaves add up in their buffers", "[begun]") {
  for (Device device : test_devices())
    for (const ConvAlgorithm* rung : conv_rows_of(device))
      for (DType dtype : {DType::float32, DType::bfloat16}) {
        INFO(rung->name << " " << name_of(dtype) << " on " << device.name());
        const ConvCase c = {{2, 5, 5, 40}, 40, 3, 1, 1};
        const Tensor x = random_tensor(c.x, dtype, device, 1);
        const Tensor w = require_grad(random_tensor(c.weight(), dtype, device, 2));
        const Tensor v = require_grad(random_tensor({5, 1000}, dtype, device, 3));
        auto step = [&] {
          const Tensor y = conv2d(x, w, {}, c.options(*rung));
          backward(sum(linear(reshape(y, {2, 1000}), v, {})));
        };
        step();
        const auto first_w = grad(w).clone(), first_v = grad(v).clone();
        const Tensor buffers = Tensor::zeros({w.size() + v.size()}, dtype, device);
        const Tensor of_w = buffers.slice(0, w.size()).reshape(w.shape());
        set_grad(w, of_w);
        set_grad(v, buffers.slice(w.size(), buffers.size()).reshape(v.shape()));
        const uint32_t before = of_w.version();
        step();
        CHECK(same_bits(of_w, first_w));
        CHECK(of_w.version() > before);
        step();
        CHECK(difference(of_w.to_doubles(), (first_w * 2).to_doubles(), tolerance_of(dtype)) == "");
        CHECK(difference(grad(v).to_doubles(), (first_v * 2).to_doubles(), tolerance_of(dtype)) ==
              "");
      }
}

TEST_CASE("residual blocks have the gradients that differences give", "[begun]") {
  auto tensor = [](const Shape& shape, Device device, uint64_t seed) {
    return random_tensor(shape, DType::float64, device, seed);
  };
  for (Device device : test_devices()) {
    INFO(device.name());
    for (auto [kernel, stride] : {std::pair(3, 1), std::pair(1, 1), std::pair(3, 2)}) {
      INFO(kernel << "x" << kernel << " / " << stride);
      const int64_t k = kernel, s = stride;
      auto block = [&](const Tensors& in) {
        const ConvOptions resized = {.stride = s}, padded = {.stride = s, .padding = k / 2};
        const Tensor y = conv2d(in[0], in[1], {}, padded);
        return y + (s > 1 ? conv2d(in[0], in[2], {}, resized) : in[0] * 0.5);
      };
      Tensors inputs = {tensor({2, 5, 5, 3}, device, 1), tensor({3, k, k, 3}, device, 2)};
      if (s > 1) inputs.push_back(tensor({3, 1, 1, 3}, device, 3));
      const auto result = gradcheck(block, inputs);
      INFO(result.message);
      CHECK(result);
    }
    auto transformer = [](const Tensors& in) {
      return in[0] + linear(layer_norm(in[0], in[1], in[2], 1e-5), in[3], {});
    };
    const auto result = gradcheck(transformer, {tensor({3, 6}, device, 1), tensor({6}, device, 2),
                                                tensor({6}, device, 3), tensor({6, 6}, device, 4)});
    INFO(result.message);
    CHECK(result);
  }
}

TEST_CASE("a sum that somebody else knows does not change under him", "[begun]") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const Tensor x = random_tensor({4, 4}, DType::float64, device, 1), w = random_like(x, 2);
    require_grad(x);
    require_grad(w);
    // x + x w: of dy, which is the caller's, and which x's sum begins with.
    const Tensor dy = random_like(x, 3), kept = dy.clone(), y = x * 1;
    Tensor seen, seen_then;
    on_gradient(y, [&](const Tensor& g) {
      seen = g;
      seen_then = g.clone();
      return Tensor();
    });
    const Tensor z = matmul(y, w) + y;
    const auto first = grad_of(z, {x, y, w}, true, dy), again = grad_of(z, {x, y, w}, true, dy);
    CHECK(same_bits(dy, kept));
    CHECK(same_bits(seen, seen_then));
    for (std::size_t i = 0; i < 3; ++i) CHECK(same_bits(first[i], again[i]));
    const auto part = grad_of(matmul(y, w), {y}, true, dy)[0];
    CHECK(difference(first[1].to_doubles(), (part + dy).to_doubles(), 1e-14) == "");
    // Twice in an operation, and begun before.
    const Tensor square = matmul(y, y), both = sum(square * dy) + sum(y * kept);
    const auto halves = grad_of(sum(square * dy), {y}, true)[0];
    CHECK(difference(grad_of(both, {y}, true)[0].to_doubles(), (halves + kept).to_doubles(),
                     1e-14) == "");
  }
}

TEST_CASE("a leaf's buffer that an operation reads is left until the operation is done",
          "[begun]") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const Tensor x = random_tensor({70, 70}, DType::float32, device, 1), w = random_like(x, 2);
    require_grad(w);
    backward(linear(x, w, {}), false, random_like(x, 3));
    const Tensor first = grad(w).clone();
    // The gradient itself is what comes back, and then what the weights were multiplied with.
    backward(linear(x, w, {}), false, grad(w));
    const Tensor second = first + matmul(first, x, {.transpose_a = true});
    CHECK(difference(grad(w).to_doubles(), second.to_doubles(), 1e-4) == "");
    const Tensor known = grad(w).clone(), dy = random_like(x, 4);
    backward(linear(grad(w), w, {}), false, dy);
    const Tensor third = known + matmul(dy, known, {.transpose_a = true});
    CHECK(difference(grad(w).to_doubles(), third.to_doubles(), 1e-4) == "");
  }
}

TEST_CASE("a leaf's buffer that the rest of the walk reads is left until it is the leaf's turn",
          "[begun]") {
  for (Device device : test_devices()) {
    INFO(device.name());
    const Tensor x = random_tensor({70, 70}, DType::float32, device, 1), w = random_like(x, 2);
    const Tensor u = random_like(x, 5);
    require_grad(u);
    require_grad(w);
    backward(linear(x, w, {}), false, random_like(x, 3));
    Tensor known = grad(w).clone();
    // It comes back, and waits for another leaf's operation while the product's is done.
    const Tensor b = u * 3;
    backward(linear(x, w, {}) * 2 + b, false, grad(w));
    CHECK(difference(grad(u).to_doubles(), (known * 3).to_doubles(), 1e-6) == "");
    // An older operation has saved it.
    known = grad(w).clone();
    clear_grad(u);
    const Tensor z = u * grad(w);
    backward(sum(z) + sum(linear(x, w, {})));
    CHECK(same_bits(grad(u), known));
    // It is what two leaves get, of which it is the first's.
    for (const Shape& shape : {Shape{70, 70}, Shape{4, 4}}) {
      const Tensor v = require_grad(Tensor::zeros(shape, DType::float32, device));
      const Tensor t = require_grad(Tensor::zeros(shape, DType::float32, device));
      const Tensor g = random_tensor(shape, DType::float32, device, 6);
      for (const Tensor& leaf : {v, t}) set_grad(leaf, g.clone());
      backward(v + t, false, grad(v));
      for (const Tensor& leaf : {v, t}) CHECK(same_bits(grad(leaf), g + g));
      backward(v + t, false, grad(t));
      for (const Tensor& leaf : {v, t}) CHECK(same_bits(grad(leaf), g * 4));
    }
  }
}

TEST_CASE("a step through blocks with shortcuts makes no pass to add up gradients", "[begun]") {
  for (Device device : test_devices())
    for (const ConvAlgorithm* rung : conv_rows_of(device)) {
      if (!rung->adds) continue;
      INFO(rung->name << " on " << device.name());
      uint64_t seed = 0;
      auto weights = [&](const Shape& shape) {
        return require_grad(random_tensor(shape, DType::float32, device, ++seed, -0.1, 0.1));
      };
      const Tensor x = weights({2, 6, 6, 24}), a = weights({24, 3, 3, 24}),
                   b = weights({24, 3, 3, 24}), down = weights({24, 3, 3, 24}),
                   shortcut = weights({24, 1, 1, 24}), gamma = weights({24}), beta = weights({24}),
                   v = weights({192, 24}), u = weights({24, 192});
      const ConvOptions same = {.padding = 1, .algorithm = rung},
                        half = {.stride = 2, .padding = 1, .algorithm = rung},
                        pixels = {.stride = 2, .algorithm = rung};
      auto step = [&] {
        const Tensor first = relu(x);
        const Tensor y = first + conv2d(relu(conv2d(first, a, {}, same)), b, {}, same);
        const Tensor z = conv2d(y, down, {}, half) + conv2d(y, shortcut, {}, pixels);
        backward(sum(z + linear(linear(layer_norm(z, gamma, beta, 1e-5), v, {}), u, {})));
      };
      step();
      CHECK(additions(step) == 0);
    }
}

TEST_CASE("a step of a network with shortcuts makes no pass to add up gradients", "[begun]") {
  const auto devices = test_devices();
  if (std::find(devices.begin(), devices.end(), Device()) == devices.end()) return;
  const Using im2col(conv::im2col, {});  // oneDNN and the register tile leave that to the walk
  for (const char* name : {"resnet18", "resnet20", "simplevit", "inception", "squeezenet1_0"}) {
    INFO(name);
    const ModulePtr network = make_model(name, {.classes = 10, .image_size = 32});
    const Tensor images = random_tensor({2, 32, 32, 3});
    const Tensor labels = Tensor::from(std::vector<int32_t>{1, 2}, {2});
    auto step = [&] { backward(cross_entropy((*network)(images), labels)); };
    step();
    CHECK(additions(step) == 0);
  }
}
