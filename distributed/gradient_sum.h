// Gradients of several processes, added up while the backward pass still goes on.
#pragma once
#include <memory>
#include <vector>

#include "autograd/gradient_observer.h"
#include "autograd/graph.h"
#include "distributed/process_group.h"

namespace tweed {

/// Adds up a buffer of gradients over all processes, in buckets of neighbouring parameters, the
/// last parameters first: their gradients are there first. A bucket goes once its last gradient is
/// there and all buckets before it have gone, so that the processes send them in one order;
/// operations that go back meanwhile give the engine time.
///
/// Gradients of 16 bits are added up as float32, and rounded once.
///
///   sum.start();
///   backward(loss, false, {}, &sum);
///   sum.finish();
class GradientSum : public GradientObserver {
 public:
  /// @param grads    (n), with all gradients
  /// @param offsets  where those of each parameter begin, ascending
  /// @param bucket_bytes  at least so many in a bucket, but for the last; 0: an eighth of them all,
  ///                      between 256 KB and 4 MB
  GradientSum(ProcessGroup& group, const Tensor& grads, const std::vector<int64_t>& offsets,
              int64_t bucket_bytes = 0);

  /// Before the backward pass after which nothing will be added any more.
  void start();
  void complete(const Tensor& gradient) override;
  void worked() override;
  /// Sends what has not gone, such as gradients of parameters that had no part in the loss, and
  /// waits for all sums.
  void finish();
  int64_t buckets() const { return int64_t(buckets_.size()); }
  /// Buckets that had gone when finish() was called last.
  int64_t gone_early() const { return gone_early_; }
  /// Seconds that all calls of finish() took.
  double waited() const { return waited_; }
  /// Whether buckets go while the walk back goes on; true unless somebody wants to see what that
  /// saves.
  void set_overlap(bool on) { overlaps_ = on; }

 private:
  struct Bucket {
    Tensor grads;     // a part of the buffer
    int missing = 0;  // gradients
    int all = 0;
    Tensor sums;  // float32, where the gradients have 16 bits
    std::unique_ptr<ProcessGroup::Pending> pending;
  };
  void send(Bucket& bucket);

  ProcessGroup& group_;
  Tensor grads_;
  std::vector<int64_t> offsets_;
  std::vector<std::size_t> bucket_of_;  // of each parameter
  std::vector<Bucket> buckets_;         // in the order in which they go
  std::size_t next_ = 0;                // to go
  int64_t gone_early_ = 0;
  bool started_ = false, overlaps_ = true;
  double waited_ = 0;
};

}  // namespace tweed
