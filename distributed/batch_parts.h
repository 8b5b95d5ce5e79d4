// Batch norm over the parts of a batch that several processes have.
#pragma once
#include "autograd/norm.h"
#include "distributed/process_group.h"

namespace tweed {

/// The parts of a batch of `images`, of which each process has `own`.
class GroupParts : public BatchParts {
 public:
  GroupParts(ProcessGroup& group, int64_t images, int64_t own)
      : group_(group), images_(images), own_(own) {}
  int64_t images() const override { return images_; }
  int64_t own_images() const override { return own_; }
  Tensor gather(const Tensor& own) const override { return group_.gather(own); }

 private:
  ProcessGroup& group_;
  int64_t images_, own_;
};

}  // namespace tweed
