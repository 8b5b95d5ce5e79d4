// Initial values of parameters. The numbers depend on an InitKey alone.
//
// Shapes are those of layers: weights (out, in) or (Co, K, K, Ci), so that
// fan_in = in or K K Ci, and fan_out = out or K K Co.
#pragma once
#include "kernels/philox.h"
#include "tensor/tensor.h"

namespace tweed {

/// Names the random numbers of one parameter.
struct InitKey {
  uint64_t seed = 0;
  uint32_t layer = 0;  ///< counts the layers of a network, from 1 on
  uint32_t which = 0;  ///< counts the parameters of a layer
};

/// The seed of the layers that are made while it lives. They number themselves from 1 on, and what
/// one draws for its weights depends on the seed and its number alone. Scopes may lie in each
/// other.
///
///   InitSeed seed(7);
///   Sequential net{Linear(2, 16), ReLU(), Linear(16, 2)};
///
/// (Braces give layers their numbers from left to right; in parentheses the order is the
/// compiler's.) Outside of any scope layers count on from the start of the thread, with seed 0.
class InitSeed {
 public:
  explicit InitSeed(uint64_t seed);
  ~InitSeed();
  InitSeed(const InitSeed&) = delete;
  InitSeed& operator=(const InitSeed&) = delete;

 private:
  InitKey before_;
};
/// While one lives, this thread's layers begin with zeros: for networks that draw all of their
/// weights themselves, which else would be drawn twice.
class NothingDrawn {
 public:
  NothingDrawn();
  ~NothingDrawn();
  NothingDrawn(const NothingDrawn&) = delete;
  NothingDrawn& operator=(const NothingDrawn&) = delete;

 private:
  bool before_;
};
/// The key of the next layer's first parameter.
InitKey next_layer();

enum class Fan { in, out };
/// How much an activation shrinks the standard deviation of normal values: sqrt(2) for ReLU, 1 for
/// none.
constexpr double relu_gain = 1.41421356237309504880;
/// The same for leaky_relu(x, slope).
double leaky_relu_gain(double slope);

/// Uniform in [-bound, bound).
Tensor uniform_init(const Shape& shape, double bound, const InitKey& key);
/// Normal with mean 0.
Tensor normal_init(const Shape& shape, double std, const InitKey& key);
/// Normal with mean 0, drawn again until it lies within [-bound, bound]; by default [-2, 2], as in
/// PyTorch, whatever std is.
Tensor truncated_normal_init(const Shape& shape, double std, const InitKey& key, double bound = 2);

/// With standard deviation gain / sqrt(fan): keeps the size of activations (Fan::in) or gradients
/// (Fan::out) through layers. Source: He 2015, arXiv:1502.01852
Tensor kaiming_uniform(const Shape& shape, const InitKey& key, Fan fan = Fan::in,
                       double gain = relu_gain);
Tensor kaiming_normal(const Shape& shape, const InitKey& key, Fan fan = Fan::in,
                      double gain = relu_gain);
/// With standard deviation gain * sqrt(2 / (fan_in + fan_out)), a compromise between both.
/// Source: Glorot, Bengio 2010
Tensor xavier_uniform(const Shape& shape, const InitKey& key, double gain = 1);
Tensor xavier_normal(const Shape& shape, const InitKey& key, double gain = 1);

/// A matrix (out, fan_in) with orthonormal rows, or columns where it has more rows, times gain: a
/// layer that keeps lengths. It is Q of the QR decomposition of a normal matrix, turned if it is
/// wide, with the signs for which R's diagonal is positive, as PyTorch's orthogonal_.
/// Source: Saxe, McClelland, Ganguli 2013, arXiv:1312.6120
Tensor orthogonal_init(const Shape& shape, const InitKey& key, double gain = 1);

/// A convolution that passes its input on: the middle pixel of channel c goes to channel c, and
/// channels beyond the input's are 0. @param shape (Co, K, K, Ci), K odd
Tensor dirac_init(const Shape& shape);

}  // namespace tweed
