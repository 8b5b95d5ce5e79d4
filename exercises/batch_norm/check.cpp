#include "autograd/norm.h"
#include "autograd/reduce.h"
#include "batch_norm.h"
#include "exercises/sheet.h"

namespace tweed::exercise {
namespace {

constexpr int rows = 12, channels = 5;
constexpr float eps = 1e-3f;

struct Case {
  Floats x = numbers(rows * channels, 1), gamma = numbers(channels, 2), beta = numbers(channels, 3),
         dy = numbers(rows * channels, 4);
  Normalised normalised() const { return batch_norm(rows, channels, x, gamma, beta, eps); }
};

// Tweed's own, whose values and gradients are PyTorch's.
struct Reference {
  Tensor x, gamma, beta, y;
  explicit Reference(const Case& c)
      : x(require_grad(Tensor::from(c.x, {rows, channels}))),
        gamma(require_grad(Tensor::from(c.gamma, {channels}))),
        beta(require_grad(Tensor::from(c.beta, {channels}))),
        y(tweed::batch_norm(x, gamma, beta, {}, {}, {.training = true, .eps = double(eps)})) {}
};

NormGradients gradients_of(const Case& c) {
  return batch_norm_backward(rows, channels, c.x, c.gamma, c.normalised(), c.dy);
}
Reference walked_back(const Case& c) {
  Reference reference(c);
  backward(reference.y, false, Tensor::from(c.dy, {rows, channels}));
  return reference;
}

void time_forward(Sheet& sheet) {
  const int many = 4096, wide = 64;
  const Floats x = numbers(many * wide, 1), gamma = numbers(wide, 2), beta = numbers(wide, 3);
  const Tensor in = Tensor::from(x, {many, wide}), scale = Tensor::from(gamma, {wide}),
               shift = Tensor::from(beta, {wide});
  sheet.time(
      [&] { batch_norm(many, wide, x, gamma, beta, eps); },
      [&] { tweed::batch_norm(in, scale, shift, {}, {}, {.training = true, .eps = double(eps)}); });
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("y, by the batch's mean and its biased variance", 4, [] {
    const Case c;
    expect_equal("y", c.normalised().y, Reference(c).y.to_doubles(), 1e-4);
  });
  sheet.part("dgamma and dbeta", 2, [] {
    const Case c;
    const NormGradients got = gradients_of(c);
    const Reference wanted = walked_back(c);
    expect_equal("dbeta", got.dbeta, grad(wanted.beta).to_doubles(), 1e-4);
    expect_equal("dgamma", got.dgamma, grad(wanted.gamma).to_doubles(), 1e-4);
  });
  sheet.part("dx", 4, [] {
    const Case c;
    const NormGradients got = gradients_of(c);
    const Reference wanted = walked_back(c);
    expect(got.dx.size() == c.x.size(), "dx has not as many numbers as x.");
    for (int channel = 0; channel < channels; ++channel) {
      double sum = 0, along = 0;
      for (int r = 0; r < rows; ++r) {
        const std::size_t i = std::size_t(r * channels + channel);
        sum += double(got.dx[i]);
        along += double(got.dx[i]) * (double(c.x[i]));
      }
      const std::string where = "In channel " + std::to_string(channel);
      expect(std::abs(sum) < 1e-3, where + " dx has the sum " + std::to_string(sum) +
                                       ", not 0: the mean moves with x, too.");
      expect(
          std::abs(along) < 1e-1 * std::abs(1 / double(c.normalised().rstd[std::size_t(channel)])),
          where +
              " dx grows along x, though stretching x changes nothing: the variance moves "
              "with x, too.");
    }
    expect_equal("dx", got.dx, grad(wanted.x).to_doubles(), 1e-4);
  });
  time_forward(sheet);
}

}  // namespace tweed::exercise
