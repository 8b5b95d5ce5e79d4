// The proof of every operation: a table with a row for each way an operation can be used.
//
// A row alone makes ops_test check the operation on each device: its gradients against central
// differences in float64, its result against the reference below in float64, float32 and bfloat16,
// and the gradients of float32 and bfloat16 against those of float64. A test fails if an operation
// of docs/operations.md, or one that another row's graph holds, has no row.
#pragma once
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "autograd/graph.h"

namespace tweed {

/// An input: random values in [lo, hi), all different and far apart if `distinct`.
struct CaseInput {
  Shape shape;
  double lo = -1, hi = 1;
  bool distinct = false;
};

/// What references compute with: a shape and its elements.
struct Array {
  Shape shape;
  std::vector<double> v;

  Array() = default;
  explicit Array(const Shape& s) : shape(s), v(static_cast<std::size_t>(s.size())) {}
  double& operator[](int64_t i) { return v[static_cast<std::size_t>(i)]; }
  double operator[](int64_t i) const { return v[static_cast<std::size_t>(i)]; }
  /// The element at (n, h, w, c) of four axes.
  double& at(int64_t n, int64_t h, int64_t w, int64_t c) { return (*this)[index(n, h, w, c)]; }
  double at(int64_t n, int64_t h, int64_t w, int64_t c) const { return (*this)[index(n, h, w, c)]; }

 private:
  int64_t index(int64_t n, int64_t h, int64_t w, int64_t c) const {
    return ((n * shape[1] + h) * shape[2] + w) * shape[3] + c;
  }
};
using Arrays = std::vector<Array>;

/// The shape that two shapes broadcast to.
inline Shape broadcast_shape(const Shape& a, const Shape& b) {
  std::vector<int64_t> sizes;
  for (int i = std::max(a.ndim(), b.ndim()); i >= 1; --i) {
    const int64_t m = i <= a.ndim() ? a[-i] : 1, n = i <= b.ndim() ? b[-i] : 1;
    sizes.push_back(m == 1 ? n : m);
  }
  return Shape(sizes);
}
/// The element of an array of shape `from` that stands at element i of one of shape `to`.
inline int64_t broadcast_index(const Shape& from, const Shape& to, int64_t i) {
  int64_t index = 0, step = 1;
  for (int axis = 1; axis <= to.ndim(); ++axis) {
    const int64_t at = i % to[-axis];
    i /= to[-axis];
    if (axis > from.ndim()) continue;
    if (from[-axis] != 1) index += at * step;
    step *= from[-axis];
  }
  return index;
}

struct OpCase {
  std::string op;    ///< the name that the operation is recorded under
  std::string what;  ///< what is special about this row
  std::vector<CaseInput> inputs;
  std::function<Tensor(const std::vector<Tensor>&)> f;
  std::function<Array(const Arrays&)> reference;  ///< plain loops
  std::function<bool(double)> near_kink = {};     ///< for gradcheck
  double tolerance = 1;                           ///< a factor on ops_test's tolerances
};

/// All rows.
std::vector<OpCase> op_cases();

// A file each.
std::vector<OpCase> elementwise_cases();
std::vector<OpCase> function_cases();
std::vector<OpCase> fold_cases();
std::vector<OpCase> top_cases();
std::vector<OpCase> reduce_cases();
std::vector<OpCase> conv_cases();
std::vector<OpCase> window_cases();
std::vector<OpCase> pool_cases();
std::vector<OpCase> resize_cases();
std::vector<OpCase> product_cases();
std::vector<OpCase> row_cases();
std::vector<OpCase> norm_cases();
std::vector<OpCase> attention_cases();
std::vector<OpCase> move_cases();
std::vector<OpCase> shape_cases();
std::vector<OpCase> line_cases();
std::vector<OpCase> einsum_cases();
std::vector<OpCase> image_cases();
std::vector<OpCase> norm_cases();
std::vector<OpCase> loss_cases();

}  // namespace tweed
