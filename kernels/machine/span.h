// A sized pointer: what a launcher takes instead of a tensor.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/machine/inline.h"

namespace tweed {

/// Converts to a raw pointer, so that kernels stay textbook CUDA; the simulator uses the size to
/// know which bytes a launch may touch, and constness to know which it may write.
template <class T>
class Span {
 public:
  Span() = default;
  TWEED_INLINE Span(T* data, int64_t size) : data_(data), size_(size) {}
  template <class U>
    requires std::is_same_v<T, const U>
  TWEED_INLINE Span(Span<U> s) : data_(s.data()), size_(s.size()) {}
  /// From a contiguous container such as std::vector.
  template <class A>
    requires requires(A& a) {
      { a.data() } -> std::convertible_to<T*>;
      a.resize(1);
    }
  Span(A& a) : data_(a.data()), size_(int64_t(a.size())) {}

  TWEED_INLINE operator T*() const { return data_; }
  TWEED_INLINE T* data() const { return data_; }
  TWEED_INLINE int64_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace tweed
