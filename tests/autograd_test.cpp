// The graph: what it computes, what it holds, what it refuses.

#include "autograd/elementwise.h"
#include "autograd/gradcheck.h"
#include "autograd/gradient_observer.h"
#include "autograd/graph_stats.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/support.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;

Tensor leaf(const Doubles& values) {
  return require_grad(Tensor::from(values, {int64_t(values.size())}));
}

}  // namespace

TEST_CASE("gradients flow through shared parts once for each use", "[graph]") {
  Tensor x = leaf({2, 3});
  Tensor y = x * x;           // used twice
  Tensor z = sum(y * y + y);  // x^4 + x^2
  backward(z);
  CHECK(grad(x).to_doubles() == Doubles{4 * 8 + 4, 4 * 27 + 6});
}

TEST_CASE("gradients accumulate until they are cleared", "[graph]") {
  Tensor x = leaf({2, 3});
  CHECK(!grad(x).defined());
  backward(sum(x * x));
  backward(sum(x * 10));
  CHECK(grad(x).to_doubles() == Doubles{14, 16});
  clear_grad(x);
  backward(sum(x));
  CHECK(grad(x).to_doubles() == Doubles{1, 1});

  Tensor buffer = Tensor::zeros({4}, DType::float64);
  set_grad(x, buffer.slice(1, 3));
  backward(sum(x * 3));
  CHECK(buffer.to_doubles() == Doubles{0, 3, 3, 0});
  CHECK_THROWS_WITH(set_grad(x, buffer), Contains("[set_grad]"));
}

TEST_CASE("an observer hears of each leaf once, when its gradient is whole", "[graph]") {
  struct Noted : GradientObserver {
    std::vector<std::pair<Tensor, Doubles>> heard;
    std::vector<std::size_t> after_each;
    void complete(const Tensor& gradient) override {
      heard.emplace_back(gradient, gradient.to_doubles());
    }
    void worked() override { after_each.push_back(heard.size()); }
  };
  for (const bool with_buffers : {false, true}) {
    const Tensor twice = leaf({2, 3}), late = leaf({5, 7}), unused = leaf({1, 1});
    const Tensor large = require_grad(Tensor::full({5000, 2}, 1, DType::float64));
    if (with_buffers)
      for (auto& t : {twice, late, large}) set_grad(t, Tensor::zeros(t.shape(), t.dtype()));
    const Tensor y = sum((large * twice), {0});  // the first to be computed, the last to go back
    const Tensor z = sum(y * twice + late * late);
    Noted noted;
    backward(z, false, {}, &noted);
    REQUIRE(noted.heard.size() == 3);
    for (auto& [gradient, values] : noted.heard) CHECK(gradient.to_doubles() == values);
    CHECK(noted.heard[0].first.same(grad(late)));
    CHECK(grad(late).to_doubles() == Doubles{10, 14});
    CHECK(grad(twice).to_doubles() == Doubles{2 * 2 * 5000, 2 * 3 * 5000});
    // Of `late` while the others' operations are still to come.
    CHECK(noted.after_each.size() == 6);
    CHECK(noted.after_each[3] == 1);
    CHECK(noted.after_each.back() == 3);
    CHECK_FALSE(grad(unused).defined());
  }
}

TEST_CASE("many leaves' gradients accumulate, short and long, in buffers of their own or shared",
          "[graph]") {
  for (Device device : test_devices())
    for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
      INFO(device.name() << " " << name_of(dtype));
      // More of them than one kernel takes; lengths about where a kernel of its own begins.
      std::vector<Tensor> leaves;
      for (int64_t i = 0; i < 40; ++i) {
        const int64_t n = i == 20 ? 4097 : i == 21 ? 4096 : i == 22 ? 0 : i + 1;
        leaves.push_back(require_grad(Tensor::full({n}, double(i), dtype, device)));
      }
      Tensor shared = Tensor::zeros({4}, dtype, device);
      set_grad(leaves[1], shared.slice(0, 2));
      set_grad(leaves[2], shared.slice(1, 4));  // of which one element is the other's, too
      for (int times = 0; times < 3; ++times) {
        Tensor total = sum(leaves[0] * 0.5);
        for (std::size_t i = 1; i < leaves.size(); ++i) total = total + sum(leaves[i] * double(i));
        backward(total);
      }
      CHECK(grad(leaves[0]).to_doubles() == Doubles{1.5});
      CHECK(shared.to_doubles() == Doubles{3, 9, 6, 6});
      for (std::size_t i = 3; i < leaves.size(); ++i) {
        INFO("leaf " << i);
        const Tensor g = grad(leaves[i]);
        CHECK(g.to_doubles() == Doubles(std::size_t(g.size()), 3.0 * double(i)));
      }
    }
}

TEST_CASE("an addition's shared gradient is not changed for its other input", "[graph]") {
  Tensor a = leaf({1}), b = leaf({1});
  Tensor s = a + b;
  backward(sum(s + a * 5));
  CHECK(grad(a).item() == 6);
  CHECK(grad(b).item() == 1);
  Tensor dy = Tensor::from(Doubles{1}, {1});
  clear_grad(a);
  backward(a + a + a, false, dy);
  CHECK(grad(a).item() == 3);
  CHECK(dy.item() == 1);
}

TEST_CASE("an operation writes over the gradient that it is given, but not over anybody's else",
          "[graph]") {
  for (Device device : test_devices()) {
    const Tensor x = random_tensor({6, 5}, DType::float64, device, 1, -1, 1);
    const Tensor w = random_tensor({4, 5}, DType::float64, device, 2, -1, 1);
    const Tensor b = random_tensor({4}, DType::float64, device, 3, -1, 1);
    const Tensor dy = random_tensor({6, 4}, DType::float64, device, 4, -1, 1);
    const auto given = dy.to_doubles();
    for (auto& t : {x, w, b}) require_grad(t);
    const Tensor y = linear(x, w, b, Activation::relu);
    // dy itself, what grad_of() gives for y, and what a hook keeps.
    Tensor kept;
    on_gradient(y, [&](const Tensor& g) {
      kept = g;
      return Tensor();
    });
    const auto grads = grad_of(y * 1.0, {y, x, w, b}, true, dy);
    CHECK(dy.to_doubles() == given);
    CHECK(grads[0].to_doubles() == given);
    CHECK(kept.to_doubles() == given);
    // Both inputs of a sum get the same gradient.
    const Tensor other = linear(x, w, b, Activation::relu);
    const auto twice = grad_of(other + linear(x, w, b, Activation::relu), {x, w, b}, false, dy);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(difference(twice[i].to_doubles(), (grads[i + 1] * 2).to_doubles(), 1e-12) == "");
  }
}

TEST_CASE("a graph 100,000 operations deep runs and is freed", "[graph]") {
  const std::size_t before = memory_stats().current;
  for (bool walk : {true, false}) {
    Tensor x = leaf({1});
    Tensor y = x;
    for (int i = 0; i < 100000; ++i) y = y + x;
    if (walk) {
      backward(y);
      CHECK(grad(x).item() == 100001);
    }
  }
  CHECK(memory_stats().current == before);
}

TEST_CASE("a graph dropped without backward gives its memory back", "[graph]") {
  const std::size_t before = memory_stats().current;
  {
    Tensor x = require_grad(Tensor::zeros({1000}));
    Tensor y = relu(x * x);  // relu saves its own result: no cycle
    Tensor loss = sum(y);
    CHECK(graph_stats(loss).operations == 3);
    CHECK(graph_stats(loss).saved_bytes == 3 * 4000);
  }
  CHECK(memory_stats().current == before);
}

TEST_CASE("backward frees what the graph held, node by node", "[graph]") {
  Tensor x = require_grad(Tensor::zeros({1000}));
  Tensor loss = sum(relu(x * x));
  backward(loss);
  CHECK(graph_stats(loss).saved_bytes == 0);
  CHECK(graph_stats(loss).operations == 1);  // its own, emptied
}

TEST_CASE("walking a graph twice needs keep_graph", "[graph]") {
  Tensor x = leaf({2});
  Tensor y = sum(x * x);
  backward(y);
  CHECK_THROWS_WITH(backward(y), Contains("freed by an earlier walk") && Contains("keep_graph"));
  CHECK_THROWS_WITH(grad_of(y, {x}), Contains("freed by an earlier walk"));
  Tensor z = sum(x * x);
  backward(z, true);
  backward(z);
  CHECK(grad(x).item() == 12);

  Tensor shared = x * x;
  Tensor first = sum(shared * 2), second = sum(shared * 3);
  backward(first);
  CHECK_THROWS_WITH(backward(second), Contains("freed"));
}

TEST_CASE("changing a saved tensor in place is noticed", "[graph]") {
  Tensor x = leaf({2, 3}), w = leaf({4, 5});
  Tensor y = sum(x * w);
  w.fill(1);
  CHECK_THROWS_WITH(backward(y), Contains("[mul]") && Contains("changed in place"));

  // All parameters live in one buffer: changing one of them concerns the others in no way.
  Tensor flat = Tensor::from(Doubles{1, 2, 3, 4}, {4});
  Tensor a = require_grad(flat.slice(0, 2)), b = require_grad(flat.slice(2, 4));
  Tensor z = sum(a * a);
  b.fill(9);
  backward(z);
  CHECK(grad(a).to_doubles() == Doubles{2, 4});
  Tensor again = sum(a * a);
  a.detach().fill(9);  // a handle of the same elements
  CHECK_THROWS_WITH(backward(again), Contains("changed in place"));
  Tensor reshaped = sum(a * a);
  a.reshape({2, 1}).fill(3);
  CHECK_THROWS_WITH(backward(reshaped), Contains("changed in place"));
}

TEST_CASE("nothing is recorded inside NoGrad, nor behind detach", "[graph]") {
  Tensor x = leaf({2});
  {
    NoGrad no_grad;
    CHECK(!grad_enabled());
    CHECK(!requires_grad(x * x));
    { NoGrad nested; }
    CHECK(!grad_enabled());
  }
  CHECK(grad_enabled());
  Tensor y = x * x.detach();
  backward(sum(y));
  CHECK(grad(x).item() == 2);
  CHECK(!requires_grad(y.detach()));
  CHECK_THROWS_WITH(backward(x.detach()), Contains("requires gradients"));
}

TEST_CASE("grad_of computes what is asked, and touches no gradient", "[graph]") {
  Tensor x = leaf({2}), w = leaf({5});
  Tensor h = x * w, y = sum(h * h);
  int calls = 0;
  on_gradient(w, [&](const Tensor&) {
    ++calls;
    return Tensor();
  });
  const auto gradients = grad_of(y, {x, h}, true);
  CHECK(gradients[0].item() == 2 * 10 * 5);
  CHECK(gradients[1].item() == 20);
  CHECK(calls == 0);  // nobody asked for w's
  CHECK(!grad(x).defined());
  CHECK(!grad(w).defined());
  Tensor other = leaf({1});
  CHECK(!grad_of(y, {other}, true)[0].defined());
  CHECK_THROWS_WITH(grad_of(y, {Tensor::zeros({1})}), Contains("[grad_of]"));
  Tensor dy = Tensor::full({}, 3, DType::float64);
  CHECK(grad_of(y, {w}, false, dy)[0].item() == 3 * 2 * 10 * 2);
}

TEST_CASE("hooks see and may replace a gradient, once it is complete", "[graph]") {
  Tensor x = leaf({2});
  Tensor h = x * 3;
  double seen = 0;
  on_gradient(h, [&](const Tensor& dh) {
    seen = dh.item();
    return dh * 10;
  });
  backward(sum(h * 2 + h));
  CHECK(seen == 3);
  CHECK(grad(x).item() == 3 * 10 * 3);
}

TEST_CASE("misuse is named", "[graph]") {
  Tensor x = leaf({2, 3});
  CHECK_THROWS_WITH(backward(x * x), Contains("y is (2)") && Contains("one element"));
  CHECK_THROWS_WITH(backward(x * x, false, Tensor::zeros({3}, DType::float64)), Contains("dy is"));
  CHECK_THROWS_WITH(require_grad(Tensor::zeros({1}, DType::int32)), Contains("int32"));
  CHECK_THROWS_WITH(require_grad(x * x), Contains("result of mul"));
  CHECK_THROWS_WITH(grad(x * x), Contains("not a leaf"));
  Tensor y = sum(x * x);
  const Tensor dx = grad_of(y, {x})[0];
  CHECK_THROWS_WITH(backward(sum(dx)), Contains("first derivatives only"));
}

TEST_CASE("an operation that returns no fitting gradient is named", "[graph]") {
  Tensor x = leaf({2, 3});
  Tensor y = record("broken", {x}, x.clone(), {},
                    [](const Saved&, const Tensor&, Want) { return Grads{Tensor::zeros({1})}; });
  CHECK_THROWS_WITH(backward(sum(y)), Contains("[broken]"));
}

TEST_CASE("gradcheck finds a wrong gradient and steps around kinks", "[gradcheck]") {
  auto wrong = [](const std::vector<Tensor>& in) {
    return record("wrong", {in[0]}, in[0].detach() * 2, {},
                  [](const Saved&, const Tensor& dy, Want) { return Grads{dy * 2.01}; });
  };
  Tensor x = random_tensor({5}, DType::float64);
  const GradcheckResult result = gradcheck(wrong, {x});
  CHECK(!result.ok);
  CHECK_THAT(result.message, Contains("analytic") && Contains("numeric"));

  auto kinked = [](const std::vector<Tensor>& in) { return relu(in[0]); };
  Tensor zeros = Tensor::zeros({3}, DType::float64);
  CHECK(!gradcheck(kinked, {zeros}).ok);
  GradcheckOptions options;
  options.near_kink = [](double v) { return std::abs(v) < 1e-5; };
  CHECK(gradcheck(kinked, {zeros}, options).ok);
  CHECK_THROWS_WITH(gradcheck(kinked, {Tensor::zeros({3})}), Contains("float64"));
}

TEST_CASE(
    "gradients to start from, buffers and hooks have their tensor's shape, dtype and device") {
  const Tensor x = require_grad(Tensor::from<float>({1, 2}, {2})), y = x * 3;
  const Tensor wide = Tensor::zeros({2}, DType::float64), other = Tensor::zeros({3});
  const Tensor there = Tensor::zeros({2}, DType::float32, Device::parse("sim"));
  const std::string of_y = ", y is (2) float32 on cpu";
  CHECK_THROWS_WITH(backward(y, true, wide), "[backward] dy is (2) float64 on cpu" + of_y);
  CHECK_THROWS_WITH(backward(y, true, there), "[backward] dy is (2) float32 on sim" + of_y);
  CHECK_THROWS_WITH(backward(y, true, other), "[backward] dy is (3) float32 on cpu" + of_y);
  CHECK_THROWS_WITH(grad_of(y, {x}, true, wide), "[grad_of] dy is (2) float64 on cpu" + of_y);
  CHECK_THROWS_WITH(grad_of(y, {x}, true, there), "[grad_of] dy is (2) float32 on sim" + of_y);
  for (const Tensor& wrong : {wide, there, other}) {
    CHECK_THROWS_AS(set_grad(x, wrong), ShapeError);
    const Tensor z = x * 2;
    on_gradient(z, [=](const Tensor&) { return wrong; });
    CHECK_THROWS_WITH(backward(z, false, Tensor::zeros({2})), Contains("[on_gradient] the result"));
    CHECK_THROWS_AS(accumulate(Tensor::zeros({2}), wrong), ShapeError);
  }
  CHECK(!grad(x).defined());
}

}  // namespace tweed
