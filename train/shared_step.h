// What a training step has to do with other processes that take it together.
#pragma once
#include <memory>
#include <vector>

#include "data/loader.h"
#include "distributed/batch_parts.h"
#include "distributed/gradient_sum.h"
#include "nn/module.h"
#include "optim/parameter_buffer.h"
#include "train/score.h"

namespace tweed {

/// One of several processes' part of training steps: the sum of the gradients over all processes is
/// the gradient of the whole batch's mean loss, every process counts the score of all images, and
/// random numbers are those that its images would have in a batch of one process.
class SharedStep {
 public:
  /// @param batch    images of the whole batch
  /// @param sync_bn  whether batch norms take the statistics of all processes' images
  /// @throws Error   if the batch cannot be cut so that each process has an image of each part
  SharedStep(std::shared_ptr<ProcessGroup> group, const ParameterBuffer& parameters, int64_t batch,
             const BatchShare& share, bool sync_bn);

  ProcessGroup& group() const { return *group_; }
  /// What the mean loss of this process's images of a part counts in that of all.
  double weight() const { return weight_; }
  /// The random numbers of this process's images within those of a part.
  RandomStep place(RandomStep random) const;
  const BatchParts* parts() const { return parts_.get(); }  ///< null without sync_bn
  GradientSum& gradients() { return gradients_; }
  /// Of this process's images in the step under way.
  RunningScore& own_score() { return own_score_; }
  /// Adds the score of all processes' images to `score`.
  void add_to(RunningScore& score);

  /// Rows for this process's images, as a tensor for those of the whole batch; and back.
  Tensor of_all(const Tensor& own) const;
  Tensor of_own(const Tensor& all) const;
  /// Makes the running statistics of batch norms the mean over the processes, unless sync_bn keeps
  /// them equal. (They follow the batches linearly: when it is done changes their last bits alone.)
  void join_statistics(const Module& network) const;

 private:
  std::shared_ptr<ProcessGroup> group_;
  int64_t batch_;
  BatchShare share_;
  double weight_;
  std::unique_ptr<GroupParts> parts_;
  GradientSum gradients_;
  RunningScore own_score_;
};

}  // namespace tweed
