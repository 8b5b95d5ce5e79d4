// The sum of gradients over processes: which buckets go when. One process stands for two equal
// ones.
#include "distributed/gradient_sum.h"

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/products.h"
#include "autograd/reduce.h"
#include "nn/models/models.h"
#include "optim/parameter_buffer.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// Doubles what it is given, once it is waited for.
class TwoEqual : public ProcessGroup {
 public:
  TwoEqual() { size_ = 2; }
  std::string engine() const override { return "two equal processes"; }
  std::unique_ptr<Pending> begin_sum(const Tensor& t) override {
    begun.push_back(t);
    return std::make_unique<Twice>(t, *this);
  }
  Tensor gather(const Tensor&) override { throw Error("not asked for"); }
  std::vector<std::string> gather(const std::string& bytes) override { return {bytes, bytes}; }
  std::string broadcast(const std::string& bytes) override { return bytes; }
  void abort(int) override { std::abort(); }

  std::vector<Tensor> begun;
  int waited = 0, looked_at = 0;

 private:
  struct Twice : Pending {
    Twice(const Tensor& t, TwoEqual& all) : t(t), all(all) {}
    void progress() override { ++all.looked_at; }
    void wait() override {
      ++all.waited;
      accumulate(t, t.clone());
    }
    const Tensor t;
    TwoEqual& all;
  };
};

struct Trained {
  Trained() : network(make_model("simplenet", {.classes = 5, .image_size = 32})) {
    buffer = std::make_unique<ParameterBuffer>(network->parameters());
  }
  // A backward pass of `images`, which starts the sum.
  void back(uint64_t images, GradientSum* sum) {
    const Tensor x = random_tensor({2, 32, 32, 3}, DType::float32, {}, images);
    const Tensor loss = cross_entropy((*network)(x), Tensor::from(std::vector<int32_t>{1, 3}, {2}));
    if (sum) sum->start();
    backward(loss, false, {}, sum);
  }
  ModulePtr network;
  std::unique_ptr<ParameterBuffer> buffer;
};

std::vector<double> doubled(std::vector<double> values) {
  for (double& v : values) v *= 2;
  return values;
}

}  // namespace

TEST_CASE("buckets of gradients go in one order, while the walk back goes on", "[distributed]") {
  Trained t;
  t.buffer->zero_grad();
  t.back(1, nullptr);
  const auto alone = t.buffer->grads().to_doubles();

  TwoEqual group;
  GradientSum sum(group, t.buffer->grads(), t.buffer->offsets(), 64 << 10);
  REQUIRE(sum.buckets() > 3);
  for (int step = 0; step < 2; ++step) {
    group.begun.clear();
    group.looked_at = group.waited = 0;
    t.buffer->zero_grad();
    t.back(1, &sum);
    const auto early = group.begun.size();
    CHECK(early > 0);
    CHECK(group.looked_at > 0);
    CHECK(group.waited == 0);
    sum.finish();
    CHECK(sum.gone_early() == int64_t(early));
    CHECK(group.waited == sum.buckets());
    CHECK(difference(t.buffer->grads().to_doubles(), doubled(alone), 1e-6) == "");
    // Neighbours, from the end of the buffer to its beginning.
    REQUIRE(int64_t(group.begun.size()) == sum.buckets());
    const char* end =
        static_cast<const char*>(t.buffer->grads().address()) + t.buffer->grads().bytes();
    for (auto& bucket : group.begun) {
      CHECK(static_cast<const char*>(bucket.address()) + bucket.bytes() == end);
      end = static_cast<const char*>(bucket.address());
    }
    CHECK(end == t.buffer->grads().address());
  }
}

TEST_CASE("gradients of several parts are summed once, and those of nobody too", "[distributed]") {
  Trained t;
  t.buffer->zero_grad();
  t.back(1, nullptr);
  t.back(2, nullptr);
  const auto alone = t.buffer->grads().to_doubles();
  TwoEqual group;
  GradientSum sum(group, t.buffer->grads(), t.buffer->offsets(), 64 << 10);
  t.buffer->zero_grad();
  t.back(1, nullptr);  // an earlier part: nothing may go
  CHECK(group.begun.empty());
  t.back(2, &sum);
  sum.finish();
  CHECK(difference(t.buffer->grads().to_doubles(), doubled(alone), 1e-6) == "");

  // A loss in which no parameter has a part.
  t.buffer->zero_grad();
  group.begun.clear();
  const Tensor other = Tensor::full({1}, 1);
  require_grad(other);
  sum.start();
  backward(other * other, false, {}, &sum);
  CHECK(group.begun.empty());
  sum.finish();
  CHECK(sum.gone_early() == 0);
  CHECK(int64_t(group.begun.size()) == sum.buckets());
}
