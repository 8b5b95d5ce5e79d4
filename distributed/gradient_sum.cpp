#include "distributed/gradient_sum.h"

#include <algorithm>
#include <chrono>

#include "kernels/machine/trace.h"

namespace tweed {

GradientSum::GradientSum(ProcessGroup& group, const Tensor& grads,
                         const std::vector<int64_t>& offsets, int64_t bucket_bytes)
    : group_(group), grads_(grads), offsets_(offsets), bucket_of_(offsets.size()) {
  if (bucket_bytes == 0)
    bucket_bytes = std::clamp<int64_t>(grads.bytes() / 8, int64_t(256) << 10, int64_t(4) << 20);
  const int64_t most = std::max<int64_t>(1, bucket_bytes / int64_t(size_of(grads.dtype())));
  int64_t end = grads.size();
  int count = 0;
  for (std::size_t i = offsets.size(); i-- > 0;) {
    bucket_of_[i] = buckets_.size();
    ++count;
    if (i > 0 && end - offsets[i] < most) continue;
    const int64_t first = i > 0 ? offsets[i] : 0;
    buckets_.push_back({.grads = grads.slice(first, end), .all = count});
    end = first;
    count = 0;
  }
}

void GradientSum::start() {
  for (auto& bucket : buckets_) bucket.missing = bucket.all;
  next_ = 0;
  started_ = overlaps_;
}

// Others than those of parameters are none of the sum's.
void GradientSum::complete(const Tensor& gradient) {
  if (!started_) return;
  const auto* begin = static_cast<const char*>(grads_.address());
  const auto* at = static_cast<const char*>(gradient.address());
  if (at < begin || at >= begin + grads_.bytes()) return;
  const int64_t offset = (at - begin) / int64_t(size_of(grads_.dtype()));
  const auto found = std::upper_bound(offsets_.begin(), offsets_.end(), offset);
  --buckets_[bucket_of_[std::size_t(found - offsets_.begin()) - 1]].missing;
  for (; next_ < buckets_.size() && buckets_[next_].missing <= 0; ++next_) send(buckets_[next_]);
}

void GradientSum::send(Bucket& bucket) {
  const trace::Timed timed({.name = "gradients sent", .bytes = int64_t(bucket.grads.bytes())});
  if (size_of(grads_.dtype()) == 2) bucket.sums = bucket.grads.to(DType::float32);
  bucket.pending = group_.begin_sum(bucket.sums.defined() ? bucket.sums : bucket.grads);
}

// MPI goes on with sums only while somebody calls it.
void GradientSum::worked() {
  for (std::size_t i = 0; i < next_; ++i)
    if (buckets_[i].pending) buckets_[i].pending->progress();
}

void GradientSum::finish() {
  const trace::Timed timed({.name = "gradients waited for", .bytes = int64_t(grads_.bytes())});
  const auto begin = std::chrono::steady_clock::now();
  gone_early_ = int64_t(next_);
  for (; next_ < buckets_.size(); ++next_) send(buckets_[next_]);
  for (auto& bucket : buckets_) {
    bucket.pending->wait();
    bucket.pending.reset();
    if (bucket.sums.defined()) bucket.grads.copy_from(bucket.sums);
    bucket.sums = {};
  }
  grads_.changed();
  started_ = false;
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace tweed
