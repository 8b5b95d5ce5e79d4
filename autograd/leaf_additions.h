// Many small additions to gradients, made together.
#pragma once
#include <vector>

#include "autograd/graph.h"
#include "kernels/elementwise.h"

namespace tweed {

/// Additions to the gradients of leaves, for graph.cpp. Short ones, as those of biases, are put off
/// and made together: a network has dozens of them, and each is less work for a GPU than its
/// launch.
class LeafAdditions {
 public:
  /// Whether additions to y are put off.
  static bool puts_off(const Tensor& y) {
    return is_computed(y.dtype()) && y.size() > 0 && y.size() <= Additions<float>::longest;
  }
  void add(const Tensor& y, const Tensor& x) {
    const bool alike = x.shape() == y.shape() && x.dtype() == y.dtype() && x.device() == y.device();
    if (!puts_off(y) || !alike) return accumulate(y, x);  // which may throw
    if (!fits(y)) finish();
    put_off_.push_back({y, x});
  }
  void finish() {
    if (put_off_.empty()) return;
    const Tensor& first = put_off_[0].y;
    with_floating(first.dtype(), "accumulate", [&]<class T>() {
      Additions<T> all;
      for (const Sum& sum : put_off_) {
        all.y[all.count] = sum.y.write<T>();
        all.x[all.count++] = sum.x.read<T>();
      }
      on(first.device(), [&](auto& here) { add_all(here, all); });
    });
    for (const Sum& sum : put_off_) sum.y.changed();
    put_off_.clear();
  }

 private:
  // Whether an addition to y may be made beside the others: leaves might share a buffer.
  bool fits(const Tensor& y) const {
    for (const Sum& sum : put_off_) {
      if (y.dtype() != sum.y.dtype() || !(y.device() == sum.y.device())) return false;
      bool apart = true;
      with_floating(y.dtype(), "accumulate", [&]<class T>() {
        const Span<const T> a = y.read<T>(), b = sum.y.read<T>();
        apart = a.data() + a.size() <= b.data() || b.data() + b.size() <= a.data();
      });
      if (!apart) return false;
    }
    return put_off_.size() < std::size_t(Additions<float>::most);
  }

  struct Sum {
    Tensor y, x;
  };
  std::vector<Sum> put_off_;
};

}  // namespace tweed
