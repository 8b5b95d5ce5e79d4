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
/// With a compute dtype of bfloat16, the network computes in that and its gradients are in that,
/// while the optimizer keeps and changes float32 master weights; one kernel casts them all after
/// each change.
///
/// backward() adds to the gradients until zero_grad(). So a large batch can be taken in k parts
/// of equal size: k times forward and backward of the mean loss / k, then one step.
///
/// Keeps the parameters alive. Make it after Module::to(), and one per network: where parameters
/// have left the buffer, the optimizer's next step says so.
class ParameterBuffer {
 public:
  explicit ParameterBuffer(const std::vector<Named>& parameters,
                           const std::vector<ParameterRule>& rules = {});
  /// @param compute  what the network computes in: the parameters' own dtype, or bfloat16 for
  ///                 float32 parameters. @throws ShapeError  for anything else
  ParameterBuffer(const std::vector<Named>& parameters, const std::vector<ParameterRule>& rules,
                  DType compute);
  /// Group by group, within each in the order given.
  const std::vector<Named>& parameters() const { return parameters_; }
  /// The first element of each in the buffers.
  const std::vector<int64_t>& offsets() const { return offsets_; }
  /// What the optimizer changes: the parameters themselves, or their float32 masters.
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
  /// Scales all gradients so that their norm is at most `max_norm`. Returns the norm before, one
  /// element on the device: nothing waits for it.
  /// @throws Error  "[clip_grad_norm] max_norm is nan, not a number from 0"
  Tensor clip_grad_norm(double max_norm) const;
  /// To be called when values() were changed: casts them for the network if need be, and tells the
  /// graph.
  void changed() const;
  /// @throws Error  "[optim] conv1.weight has left the buffer that the optimizer changes: to()
  /// comes
  ///                before it, and a network has one"
  void check_parameters() const;

 private:
  friend class MasterWeights;
  Tensor squares() const;
  void rebind(bool to_masters) const;
  void order_by_groups(const std::vector<Named>& parameters,
                       const std::vector<ParameterRule>& rules);

  // A parameter that is not trained, in both dtypes.
  struct Frozen {
    Tensor parameter, master, computed_with;
  };

  std::vector<Named> parameters_;
  std::vector<Frozen> frozen_;
  std::vector<Group> groups_;
  std::vector<int64_t> offsets_;
  Tensor values_, grads_;
  Tensor computed_with_;  // values_ itself, or its bfloat16 copy
};

/// The network has its float32 master weights for the length of a scope, to be saved or evaluated;
/// its own if there are no others.
class MasterWeights {
 public:
  explicit MasterWeights(const ParameterBuffer& parameters) : parameters_(parameters) {
    parameters_.rebind(true);
  }
  ~MasterWeights() { parameters_.rebind(false); }
  MasterWeights(const MasterWeights&) = delete;
  MasterWeights& operator=(const MasterWeights&) = delete;

 private:
  const ParameterBuffer& parameters_;
};

}  // namespace tweed
