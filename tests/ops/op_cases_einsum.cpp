// Products of batches that broadcast, and Einstein's sums.
#include <map>

#include "autograd/matmul.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

// The product of each pair of matrices, whose leading axes broadcast.
OpCase broadcast_matmul_case(const Shape& a, const Shape& b, const MatmulOptions& options = {}) {
  const auto [ta, tb] = options;
  auto reference = [=](const Arrays& in) {
    // Vectors as matrices.
    const bool row = a.ndim() == 1, column = b.ndim() == 1;
    const Shape left = row ? Shape{1, a[0]} : a, right = column ? Shape{b[0], 1} : b;
    const bool tl = ta && !row, tr = tb && !column;
    const int64_t M = left[tl ? -1 : -2], K = left[tl ? -2 : -1], N = right[tr ? -2 : -1];
    const Shape a_batch = left.part(0, left.ndim() - 2), b_batch = right.part(0, right.ndim() - 2);
    const Shape batch = broadcast_shape(a_batch, b_batch);
    Shape shape = batch;
    if (!row) shape.append(M);
    if (!column) shape.append(N);
    Array y(shape);
    for (int64_t t = 0; t < batch.size(); ++t)
      for (int64_t m = 0; m < M; ++m)
        for (int64_t n = 0; n < N; ++n)
          for (int64_t k = 0; k < K; ++k) {
            const int64_t i = tl ? k * M + m : m * K + k, j = tr ? n * K + k : k * N + n;
            y[(t * M + m) * N + n] += in[0][broadcast_index(a_batch, batch, t) * M * K + i] *
                                      in[1][broadcast_index(b_batch, batch, t) * K * N + j];
          }
    return y;
  };
  return {
      "matmul",
      "broadcast " + a.str() + (ta ? " transposed " : " ") + b.str() + (tb ? " transposed" : ""),
      {{a}, {b}},
      [=](auto& in) { return matmul(in[0], in[1], options); },
      reference};
}

// For every index of every letter, the product of the operands' elements, added up.
OpCase einsum_case(const char* op, const std::string& sentence, const std::string& result,
                   const std::vector<std::pair<std::string, Shape>>& operands) {
  std::map<char, int64_t> size;
  std::string letters;
  std::vector<CaseInput> inputs;
  for (auto& [axes, shape] : operands) {
    for (std::size_t k = 0; k < axes.size(); ++k)
      if (size.emplace(axes[k], shape[int(k)]).second) letters += axes[k];
    inputs.push_back({shape});
  }
  auto reference = [=](const Arrays& in) {
    Shape shape;
    for (char c : result) shape.append(size.at(c));
    int64_t all = 1;
    for (char c : letters) all *= size.at(c);
    Array y(shape);
    for (int64_t i = 0; i < all; ++i) {
      std::map<char, int64_t> at;
      int64_t rest = i;
      for (char c : letters) {
        at[c] = rest % size.at(c);
        rest /= size.at(c);
      }
      auto place = [&](const std::string& axes) {
        int64_t n = 0;
        for (char c : axes) n = n * size.at(c) + at[c];
        return n;
      };
      double v = 1;
      for (std::size_t k = 0; k < operands.size(); ++k) v *= in[k][place(operands[k].first)];
      y[place(result)] += v;
    }
    return y;
  };
  return {op,        "einsum " + sentence,
          inputs,    [=](auto& in) { return einsum(sentence, in); },
          reference, {},
          4};
}

}  // namespace

std::vector<OpCase> einsum_cases() {
  return {
      broadcast_matmul_case({3, 4}, {2, 4, 5}),
      broadcast_matmul_case({1, 3, 4}, {2, 4, 5}),
      broadcast_matmul_case({2, 3, 4}, {1, 4, 5}),
      broadcast_matmul_case({2, 1, 3, 4}, {3, 4, 5}),
      broadcast_matmul_case({2, 1, 3, 4}, {1, 3, 4, 2}),
      broadcast_matmul_case({3, 3, 4}, {2, 1, 4, 5}),
      broadcast_matmul_case({1, 1, 3, 4}, {1, 4, 5}),
      broadcast_matmul_case({1, 3, 4}, {4, 5}),
      broadcast_matmul_case({4, 3}, {2, 4, 5}, {.transpose_a = true}),
      broadcast_matmul_case({4, 3}, {2, 5, 4}, {true, true}),
      broadcast_matmul_case({2, 1, 4, 3}, {3, 5, 4}, {true, true}),
      broadcast_matmul_case({0, 3, 4}, {1, 4, 2}),
      broadcast_matmul_case({3, 4}, {0, 4, 2}),
      broadcast_matmul_case({4}, {4}),
      broadcast_matmul_case({4}, {4, 3}),
      broadcast_matmul_case({4}, {2, 4, 3}),
      broadcast_matmul_case({2, 3, 4}, {4}),
      broadcast_matmul_case({4}, {3, 4}, {.transpose_b = true}),
      broadcast_matmul_case({4, 3}, {4}, {.transpose_a = true}),
      einsum_case("matmul", "ij,jk->ik", "ik", {{"ij", {3, 4}}, {"jk", {4, 5}}}),
      einsum_case("matmul", "ij,jk", "ik", {{"ij", {3, 4}}, {"jk", {4, 5}}}),
      einsum_case("matmul", "bqd,bkd->bqk", "bqk", {{"bqd", {2, 3, 4}}, {"bkd", {2, 5, 4}}}),
      einsum_case("matmul", "b q h d, b k h d -> b h q k", "bhqk",
                  {{"bqhd", {2, 3, 2, 4}}, {"bkhd", {2, 5, 2, 4}}}),
      einsum_case("matmul", "nhwc,oc->nohw", "nohw", {{"nhwc", {2, 3, 2, 4}}, {"oc", {3, 4}}}),
      einsum_case("matmul", "abc,cbd->d", "d", {{"abc", {2, 3, 4}}, {"cbd", {4, 3, 2}}}),
      einsum_case("mul", "i,j->ji", "ji", {{"i", {3}}, {"j", {4}}}),
      einsum_case("mul", "bi,bi->bi", "bi", {{"bi", {3, 4}}, {"bi", {3, 4}}}),
      einsum_case("mul", "ai,bj->ab", "ab", {{"ai", {2, 3}}, {"bj", {4, 2}}}),
      einsum_case("matmul", "i,i->", "", {{"i", {5}}, {"i", {5}}}),
      einsum_case("mul", ",ij->ij", "ij", {{"", {}}, {"ij", {2, 3}}}),
      einsum_case("matmul", "ij,jk,kl->il", "il", {{"ij", {2, 3}}, {"jk", {3, 4}}, {"kl", {4, 2}}}),
      einsum_case("matmul", "bi,bij,bj->b", "b",
                  {{"bi", {2, 3}}, {"bij", {2, 3, 4}}, {"bj", {2, 4}}}),
      einsum_case("permute", "ij->ji", "ji", {{"ij", {3, 4}}}),
      einsum_case("sum", "nhwc->nc", "nc", {{"nhwc", {2, 3, 2, 4}}}),
      einsum_case("sum", "ijk->ki", "ki", {{"ijk", {2, 3, 4}}}),
      einsum_case("matmul", "ij,jk->ik", "ik", {{"ij", {0, 4}}, {"jk", {4, 5}}}),
  };
}

}  // namespace tweed
