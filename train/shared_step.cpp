#include "train/shared_step.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"

namespace tweed {

SharedStep::SharedStep(std::shared_ptr<ProcessGroup> group, const ParameterBuffer& parameters,
                       int64_t batch, const BatchShare& share, bool sync_bn)
    : group_(std::move(group)),
      batch_(batch),
      share_(share),
      gradients_(*group_, parameters.grads(), parameters.offsets()),
      own_score_(parameters.grads().device()) {
  const int64_t part = batch / share.parts, own = share.last(batch) - share.first(batch);
  if (batch % share.parts != 0)
    throw Error("[train] a batch of " + std::to_string(batch) + " images cannot be cut into " +
                std::to_string(share.parts) + " parts");
  if (part < share.size)
    throw Error("[train] " + std::to_string(part) + " images" +
                (share.parts > 1 ? " of a part of a batch" : " of a batch") + " are too few for " +
                std::to_string(share.size) + " processes: each takes at least one");
  weight_ = double(own) / double(part);
  if (sync_bn) parts_ = std::make_unique<GroupParts>(*group_, part, own);
}

RandomStep SharedStep::place(RandomStep random) const {
  random.first = uint32_t(share_.first(batch_));
  random.images = uint32_t(share_.last(batch_) - share_.first(batch_));
  return random;
}

void SharedStep::add_to(RunningScore& score) {
  group_->sum(own_score_.totals());
  accumulate(score.totals(), own_score_.totals());
  own_score_.totals().zero();
}

// Shares differ by an image at most, so all processes send as many rows as the largest has.
Tensor SharedStep::of_all(const Tensor& own) const {
  std::vector<int64_t> sides;
  for (int i = 0; i < own.ndim(); ++i) sides.push_back(own.dim(i));
  sides[0] = ceil_div(batch_ / share_.parts, share_.size) * share_.parts;
  const Tensor padded = Tensor::zeros(Shape(sides), own.dtype(), own.device());
  padded.slice(0, own.dim(0)).copy_from(own);
  const Tensor gathered = group_->gather(padded);
  sides[0] = batch_;
  const Tensor all = Tensor::zeros(Shape(sides), own.dtype(), own.device());
  for (int rank = 0; rank < share_.size; ++rank) {
    const Tensor rows = gathered.slice(rank, rank + 1).reshape(padded.shape());
    const BatchShare theirs{rank, share_.size, share_.parts};
    for (int64_t i = 0; i < theirs.images(batch_); ++i) {
      const int64_t at = theirs.place(batch_, i);
      all.slice(at, at + 1).copy_from(rows.slice(i, i + 1));
    }
  }
  return all;
}
Tensor SharedStep::of_own(const Tensor& all) const {
  std::vector<int64_t> sides;
  for (int i = 0; i < all.ndim(); ++i) sides.push_back(all.dim(i));
  sides[0] = share_.images(batch_);
  const Tensor own = Tensor::zeros(Shape(sides), all.dtype(), all.device());
  for (int64_t i = 0; i < sides[0]; ++i) {
    const int64_t at = share_.place(batch_, i);
    own.slice(i, i + 1).copy_from(all.slice(at, at + 1));
  }
  return own;
}

void SharedStep::join_statistics(const Module& network) const {
  if (parts_) return;
  const NoGrad no_grad;
  for (auto& [name, buffer] : network.buffers()) {
    if (!is_floating(buffer.dtype()) || buffer.size() == 0) continue;
    const Tensor sum = buffer.to(DType::float64);
    group_->sum(sum);
    buffer.copy_from((sum * (1. / share_.size)).to(buffer.dtype()));
    buffer.changed();
  }
}

}  // namespace tweed
