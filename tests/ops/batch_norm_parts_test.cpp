// Batch norm of a batch of which several processes have parts: it must be that of the whole batch.
#include <map>

#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "autograd/norm.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

// All parts in one process, one after another. What a part gives for the n-th question does not
// depend on the answers to later ones, so that after some rounds every answer is there.
class Exchange {
 public:
  explicit Exchange(int parts) : parts_(parts) {}
  bool complete() const { return complete_; }
  void begin_round() { complete_ = true; }

  class Part : public BatchParts {
   public:
    Part(Exchange& all, int rank, int64_t images, int64_t own)
        : all_(all), rank_(rank), images_(images), own_(own) {}
    int64_t images() const override { return images_; }
    int64_t own_images() const override { return own_; }
    Tensor gather(const Tensor& own) const override { return all_.gather(rank_, asked_++, own); }

   private:
    Exchange& all_;
    int rank_;
    int64_t images_, own_;
    mutable int asked_ = 0;
  };

 private:
  Tensor gather(int rank, int question, const Tensor& own) {
    const auto known = given_.find({question, rank});
    if (known == given_.end() || !same_bits(known->second, own)) complete_ = false;
    given_[{question, rank}] = own.clone();
    std::vector<double> values;
    for (int part = 0; part < parts_; ++part) {
      const auto found = given_.find({question, part});
      const auto of_part = (found == given_.end() ? own : found->second).to_doubles();
      values.insert(values.end(), of_part.begin(), of_part.end());
    }
    return Tensor::from(values, {parts_, own.dim(0), own.dim(1)}).to(own.dtype()).to(own.device());
  }

  int parts_;
  bool complete_ = false;
  std::map<std::pair<int, int>, Tensor> given_;
};

struct Result {
  std::vector<double> y, dx, dgamma, dbeta, mean, var;
};

struct Case {
  Tensor x, dy, gamma, beta;
  Activation activation;
};

void append(std::vector<double>& to, const Tensor& t) {
  const auto values = t.to_doubles();
  to.insert(to.end(), values.begin(), values.end());
}
void add(std::vector<double>& to, const Tensor& t) {
  const auto values = t.to_doubles();
  to.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) to[i] += values[i];
}

// Images [first, last) of the case.
void run(const Case& c, int64_t first, int64_t last, const BatchParts* parts, Result& result) {
  const Tensor x = c.x.slice(first, last).clone(), gamma = c.gamma.clone(), beta = c.beta.clone();
  for (const Tensor& t : {x, gamma, beta}) require_grad(t);
  const Shape channels{c.x.dim(-1)};
  const DType dtype = accumulator_dtype(x);
  const Tensor mean = Tensor::full(channels, 0.5, dtype, x.device());
  const Tensor var = Tensor::full(channels, 2, dtype, x.device());
  const Tensor y = batch_norm(x, gamma, beta, mean, var,
                              {.training = true, .activation = c.activation, .parts = parts});
  const auto grads = grad_of(y, {x, gamma, beta}, false, c.dy.slice(first, last).clone());
  append(result.y, y);
  append(result.dx, grads[0]);
  add(result.dgamma, grads[1]);
  add(result.dbeta, grads[2]);
  result.mean = mean.to_doubles();
  result.var = var.to_doubles();
}

Result in_parts(const Case& c, int parts) {
  const int64_t images = c.x.dim(0);
  Exchange exchange(parts);
  for (int round = 0; round < 5; ++round) {
    Result result;
    exchange.begin_round();
    for (int p = 0; p < parts; ++p) {
      const int64_t first = images * p / parts, last = images * (p + 1) / parts;
      const Exchange::Part part(exchange, p, images, last - first);
      run(c, first, last, &part, result);
    }
    if (exchange.complete()) return result;
  }
  FAIL("the parts never agreed");
  return {};
}

}  // namespace

TEST_CASE("batch norm in parts is that of the whole batch", "[ops]") {
  for (Device device : test_devices())
    for (const DType dtype : {DType::float64, DType::float32})
      for (const Activation activation : {Activation::none, Activation::relu})
        for (const int64_t images : {4, 7})
          for (const int parts : {2, 3, 4}) {
            INFO(device.name() << " " << name_of(dtype) << " " << images << " images in " << parts);
            auto noise = [&](const Shape& shape, uint64_t seed, double shift) {
              return random_tensor(shape, dtype, device, seed, -1 + shift, 1 + shift);
            };
            // Means far from zero: what parts are joined from must not cancel.
            const Case c{noise({images, 3, 2, 5}, 1, 3), noise({images, 3, 2, 5}, 2, 0),
                         noise({5}, 3, 1.5), noise({5}, 4, 0), activation};
            Result whole;
            run(c, 0, images, nullptr, whole);
            const Result joined = in_parts(c, parts);
            const double tolerance = dtype == DType::float64 ? 1e-13 : 2e-6;
            CHECK(difference(joined.y, whole.y, tolerance) == "");
            CHECK(difference(joined.dx, whole.dx, tolerance) == "");
            CHECK(difference(joined.dgamma, whole.dgamma, tolerance) == "");
            CHECK(difference(joined.dbeta, whole.dbeta, tolerance) == "");
            CHECK(difference(joined.mean, whole.mean, tolerance) == "");
            CHECK(difference(joined.var, whole.var, tolerance) == "");
          }
}
