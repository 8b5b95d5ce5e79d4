// All parameters of a network in one buffer, in groups that are trained differently.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// Multiplies the learning rate and the weight decay of some parameters. Where several rules fit a
/// parameter, their factors multiply.
///
///   {.pattern = "*.bias", .weight_decay = 0}     {.pattern = "layer4.*", .lr = 0.1}
struct ParameterRule {
  std::string pattern = "*";  ///< as for matches() in nn/freeze.h
  double lr = 1, weight_decay = 1;
  int most_axes = 8;  ///< parameters with more are passed over

  bool fits(const Named& parameter) const;
};
/// No weight decay on biases and on the scales of norms, which have one axis.
inline const ParameterRule no_decay_of_vectors{.weight_decay = 0, .most_axes = 1};

/// Puts all parameters of a network, and their gradients, into one buffer each, so that the
/// optimizer is one kernel over everything, or one a group. The parameters become views of the
/// buffer; each starts at a multiple of 64 bytes, and the gaps are zero and stay zero. Parameters
/// that require no gradient (see freeze()) are passed over.
///
/// backward() adds to the gradients until zero_grad(). So a large batch can be taken in k parts
/// of equal size: k times forward and backward of the mean loss / k, then one step.
///
/// Keeps the parameters alive. Make it after Module::to(), and one per network.
class ParameterBuffer {
 public:
  explicit ParameterBuffer(const std::vector<Named>& parameters,
                           const std::vector<ParameterRule>& rules = {});
  /// Group by group, within each in the order given.
  const std::vector<Named>& parameters() const { return parameters_; }
  const Tensor& values() const { return values_; }
  const Tensor& grads() const { return grads_; }
  /// A new buffer of zeros for one more number per parameter, and its parts under their names.
  Tensor zeros() const { return Tensor::zeros_like(values_); }
  std::vector<Named> parts(const Tensor& buffer) const;

  /// Elements [first, last) of the buffers, and the factors of their parameters.
  struct Group {
    int64_t first = 0, last = 0;
    double lr = 1, weight_decay = 1;
  };
  const std::vector<Group>& groups() const { return groups_; }

  void zero_grad() const { grads_.zero(); }
  /// The Euclidean norm of all gradients together.
  double grad_norm() const;
  /// Scales all gradients so that their norm is at most `max_norm`. Returns the norm before.
  double clip_grad_norm(double max_norm) const;
  /// Tells the graph that the parameters were changed in place.
  void changed() const;

 private:
  void order_by_groups(const std::vector<Named>& parameters,
                       const std::vector<ParameterRule>& rules);

  std::vector<Named> parameters_;
  std::vector<Group> groups_;
  std::vector<int64_t> offsets_;
  Tensor values_, grads_;
};

}  // namespace tweed
