// Operations that move elements: permute, slice, split, pad, flip, gather_rows.
#include "autograd/shape_ops.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

using Index = std::vector<int64_t>;

// The index along each axis of element i, and back.
Index unravel(int64_t i, const Shape& shape) {
  Index index(std::size_t(shape.ndim()));
  for (int k = shape.ndim() - 1; k >= 0; --k) {
    index[std::size_t(k)] = i % shape[k];
    i /= shape[k];
  }
  return index;
}
int64_t ravel(const Index& index, const Shape& shape) {
  int64_t i = 0;
  for (int k = 0; k < shape.ndim(); ++k) i = i * shape[k] + index[std::size_t(k)];
  return i;
}

// y of `shape`, where element `index` comes from element source(index) of x, or is `fill` where
// that lies outside.
template <class F>
Array moved(const Array& x, const Shape& shape, double fill, F source) {
  Array y(shape);
  for (int64_t i = 0; i < shape.size(); ++i) {
    const Index from = source(unravel(i, shape));
    bool inside = true;
    for (int k = 0; k < x.shape.ndim(); ++k)
      inside &= from[std::size_t(k)] >= 0 && from[std::size_t(k)] < x.shape[k];
    y[i] = inside ? x[ravel(from, x.shape)] : fill;
  }
  return y;
}

OpCase permute_case(const Shape& x, const std::vector<int>& axes) {
  std::string what = x.str() + " by";
  for (int a : axes) what.append(" ").append(std::to_string(a));
  return {"permute",
          what,
          {{x}},
          [=](auto& in) { return permute(in[0], axes); },
          [=](const Arrays& in) {
            Shape shape;
            for (int a : axes) shape.append(x[a]);
            return moved(in[0], shape, 0, [&](const Index& to) {
              Index from(to.size());
              for (std::size_t k = 0; k < to.size(); ++k)
                from[std::size_t(axes[k] < 0 ? axes[k] + x.ndim() : axes[k])] = to[k];
              return from;
            });
          }};
}

OpCase slice_case(const Shape& x, int axis, int64_t first, int64_t last) {
  const auto along = std::size_t(axis < 0 ? axis + x.ndim() : axis);
  return {"slice",
          x.str() + " axis " + std::to_string(axis) + " from " + std::to_string(first),
          {{x}},
          [=](auto& in) { return slice(in[0], axis, first, last); },
          [=](const Arrays& in) {
            Shape shape = x;
            shape.set(axis, last - first);
            return moved(in[0], shape, 0, [&](Index to) {
              to[along] += first;
              return to;
            });
          }};
}

// The parts swapped: both parts' gradients meet in x.
OpCase split_case(const Shape& x, int axis, int64_t at) {
  const auto along = std::size_t(axis);
  const int64_t size = x[axis];
  return {"slice",
          "split " + x.str() + " at " + std::to_string(at),
          {{x}},
          [=](auto& in) {
            const auto parts = split(in[0], {at, size - at}, axis);
            return concat({parts[1], parts[0]}, axis);
          },
          [=](const Arrays& in) {
            return moved(in[0], x, 0, [&](Index to) {
              to[along] = (to[along] + at) % size;
              return to;
            });
          }};
}

OpCase pad_case(const Shape& x, const std::vector<std::pair<int64_t, int64_t>>& amounts,
                double value) {
  return {"pad",
          x.str() + " by " + std::to_string(amounts[0].first) + " ...",
          {{x}},
          [=](auto& in) { return pad(in[0], amounts, value); },
          [=](const Arrays& in) {
            Shape shape;
            for (int k = 0; k < x.ndim(); ++k) {
              const auto& [before, after] = amounts[std::size_t(k)];
              shape.append(before + x[k] + after);
            }
            return moved(in[0], shape, value, [&](Index to) {
              for (std::size_t k = 0; k < to.size(); ++k) to[k] -= amounts[k].first;
              return to;
            });
          }};
}

OpCase flip_case(const Shape& x, int axis) {
  const auto along = std::size_t(axis < 0 ? axis + x.ndim() : axis);
  return {"flip",
          x.str() + " axis " + std::to_string(axis),
          {{x}},
          [=](auto& in) { return flip(in[0], axis); },
          [=](const Arrays& in) {
            return moved(in[0], x, 0, [&](Index to) {
              to[along] = x[axis] - 1 - to[along];
              return to;
            });
          }};
}

OpCase gather_case(const Shape& x, const std::vector<int32_t>& indexes) {
  return {"gather_rows",
          x.str() + " at " + std::to_string(indexes.size()),
          {{x}},
          [=](auto& in) {
            const Tensor at = Tensor::from(indexes, {int64_t(indexes.size())}, in[0].device());
            return gather_rows(in[0], at);
          },
          [=](const Arrays& in) {
            Shape shape = x;
            shape.set(0, int64_t(indexes.size()));
            return moved(in[0], shape, 0, [&](Index to) {
              to[0] = indexes[std::size_t(to[0])];
              return to;
            });
          }};
}

}  // namespace

std::vector<OpCase> shape_cases() {
  std::vector<OpCase> rows = {
      // The last axis stays, moves, moves far; tiles that are not full; axes that merge.
      permute_case({2, 5, 3, 4}, {0, 2, 1, 3}),
      permute_case({2, 3, 4}, {0, 2, 1}),
      permute_case({37, 70}, {1, 0}),
      permute_case({2, 3, 4, 5}, {3, 1, 0, 2}),
      permute_case({2, 3, 4, 5}, {2, 3, 0, 1}),
      permute_case({3, 33, 2, 5}, {0, 3, 1, 2}),
      permute_case({3, 1, 4}, {-1, 0, 1}),
      permute_case({2, 3, 4}, {0, 1, 2}),
      permute_case({2, 2, 1, 2, 3, 2, 1, 2}, {7, 1, 5, 3, 4, 2, 6, 0}),
      permute_case({5}, {0}),
      permute_case({1, 1, 1}, {2, 0, 1}),
      permute_case({}, {}),
      permute_case({4, 0, 3}, {2, 0, 1}),
      permute_case({2, 3, 1100}, {1, 0, 2}),
      slice_case({4, 5}, 0, 1, 3),
      slice_case({4, 5}, 1, 2, 5),
      slice_case({4, 5}, -1, 3, 4),
      slice_case({2, 4, 3, 2}, 2, 0, 2),
      slice_case({2, 4, 3}, 1, 1, 4),
      slice_case({3, 2}, 0, 1, 1),
      slice_case({1}, 0, 0, 1),
      slice_case({0, 4}, 1, 1, 3),
      split_case({5, 3}, 0, 2),
      split_case({2, 7, 3}, 1, 4),
      split_case({3, 4}, 1, 0),
      pad_case({2, 3, 4, 2}, {{0, 0}, {1, 2}, {2, 1}, {0, 0}}, 0),
      pad_case({3, 2}, {{1, 0}, {0, 3}}, -1.5),
      pad_case({2, 2, 3}, {{0, 1}, {0, 0}, {2, 2}}, 1),
      pad_case({3}, {{0, 0}}, 7),
      pad_case({1}, {{2, 3}}, 0.5),
      pad_case({0, 2}, {{0, 0}, {1, 1}}, 2),
      pad_case({0, 2}, {{1, 1}, {1, 0}}, 2),
      flip_case({2, 3, 4, 3}, 2),
      flip_case({2, 3, 4, 3}, 1),
      flip_case({4, 5}, -1),
      flip_case({4, 5}, 0),
      flip_case({1, 1}, 1),
      flip_case({2, 0, 3}, 1),
      // Rows named once, several times and never; ties of neighbours; wide rows.
      gather_case({5, 3}, {4, 1, 1, 0, 1, 4}),
      gather_case({4}, {3, 3, 0}),
      gather_case({3, 2, 2}, {0, 1, 2}),
      gather_case({2, 300}, {1, 1, 0, 1}),
      gather_case({1, 1}, {0}),
      gather_case({3, 2}, {}),
      gather_case({3, 0}, {1, 1}),
      gather_case({300, 1}, {299, 0, 150, 299}),
  };
  return rows;
}

}  // namespace tweed
