// The shape of a tensor: up to 8 sizes, row-major, last axis contiguous.
#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "kernels/machine/error.h"

namespace tweed {

/// A plain value without heap memory, so that a recorded operation may capture it.
class Shape {
 public:
  static constexpr int max_axes = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) {
    for (int64_t n : sizes) append(n);
  }
  explicit Shape(const std::vector<int64_t>& sizes) {
    for (int64_t n : sizes) append(n);
  }

  int ndim() const { return ndim_; }
  /// The size of an axis; negative axes count from the end.
  int64_t operator[](int axis) const { return sizes_[checked(axis)]; }
  void set(int axis, int64_t n) { sizes_[checked(axis)] = n; }
  void append(int64_t n) {
    if (ndim_ == max_axes) throw ShapeError("[shape] more than 8 axes");
    if (n < 0) throw ShapeError("[shape] negative size " + std::to_string(n));
    sizes_[ndim_++] = n;
  }
  /// The number of elements.
  int64_t size() const { return product(0, ndim_); }
  /// The product of the sizes of axes [first, last).
  int64_t product(int first, int last) const {
    int64_t n = 1;
    for (int i = first; i < last; ++i) n *= sizes_[i];
    return n;
  }
  /// Axes [first, last) as a shape of their own.
  Shape part(int first, int last) const {
    Shape s;
    for (int i = first; i < last; ++i) s.append(sizes_[i]);
    return s;
  }

  const int64_t* begin() const { return sizes_; }
  const int64_t* end() const { return sizes_ + ndim_; }
  bool operator==(const Shape& o) const {
    if (ndim_ != o.ndim_) return false;
    for (int i = 0; i < ndim_; ++i)
      if (sizes_[i] != o.sizes_[i]) return false;
    return true;
  }
  /// "(8, 32, 32, 3)"
  std::string str() const {
    std::string s = "(";
    for (int i = 0; i < ndim_; ++i) s += (i ? ", " : "") + std::to_string(sizes_[i]);
    return s + ")";
  }

 private:
  int checked(int axis) const {
    int i = axis < 0 ? axis + ndim_ : axis;
    if (i < 0 || i >= ndim_)
      throw ShapeError("[shape] axis " + std::to_string(axis) + " of " + str());
    return i;
  }

  int64_t sizes_[max_axes] = {};
  int ndim_ = 0;
};

}  // namespace tweed
