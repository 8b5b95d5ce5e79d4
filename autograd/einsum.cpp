// einsum() of autograd/matmul.h: sums, permutations and products of matrices.
#include <algorithm>
#include <cctype>

#include "autograd/elementwise.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

using Letters = std::string;

bool has(const Letters& letters, char c) { return letters.find(c) != Letters::npos; }

// A tensor and the letters of its axes.
struct Term {
  Tensor t;
  Letters letters;

  int64_t size(const Letters& of) const {
    int64_t n = 1;
    for (char c : of) n *= t.dim(int(letters.find(c)));
    return n;
  }
};

Term summed_to(const Term& term, const Letters& kept) {
  std::vector<int> axes;
  Letters rest;
  for (std::size_t i = 0; i < term.letters.size(); ++i)
    if (has(kept, term.letters[i]))
      rest += term.letters[i];
    else
      axes.push_back(int(i));
  return axes.empty() ? term : Term{sum(term.t, axes), rest};
}

Tensor in_order(const Term& term, const Letters& order) {
  if (order == term.letters) return term.t;
  std::vector<int> axes;
  for (char c : order) axes.push_back(int(term.letters.find(c)));
  return permute(term.t, axes);
}

// The product of two, summed over the letters that are not kept.
Term product(Term a, Term b, const Letters& kept) {
  a = summed_to(a, kept + b.letters);
  b = summed_to(b, kept + a.letters);
  Letters batch, inner, left, right;
  for (char c : a.letters)
    if (!has(b.letters, c))
      left += c;
    else
      (has(kept, c) ? batch : inner) += c;
  for (char c : b.letters)
    if (!has(a.letters, c)) right += c;
  const int64_t B = a.size(batch), M = a.size(left), K = a.size(inner), N = b.size(right);
  const Tensor x = in_order(a, batch + left + inner), y = in_order(b, batch + inner + right);
  const Tensor z = inner.empty() ? mul(reshape(x, {B, M, 1}), reshape(y, {B, 1, N}))
                                 : matmul(reshape(x, {B, M, K}), reshape(y, {B, K, N}));
  const Letters letters = batch + left + right;
  std::vector<int64_t> sizes;
  for (char c : letters) sizes.push_back(has(a.letters, c) ? a.size({c}) : b.size({c}));
  return {reshape(z, sizes), letters};
}

// What stands in quotes: letters of operands, and those of the result.
struct Sentence {
  std::string text;
  std::vector<Letters> operands = {""};
  Letters result;

  explicit Sentence(const std::string& text) : text(text) {
    const std::size_t arrow = text.find("->");
    for (char c : text.substr(0, arrow))
      if (c == ',')
        operands.emplace_back();
      else if (!std::isspace(static_cast<unsigned char>(c)))
        add(operands.back(), c);
    if (arrow != std::string::npos) {
      for (char c : text.substr(arrow + 2))
        if (!std::isspace(static_cast<unsigned char>(c))) add(result, c);
    } else {
      result = letters_that_stand_once();
    }
    for (char c : result)
      if (!std::any_of(operands.begin(), operands.end(), [&](auto& o) { return has(o, c); }))
        refuse(std::string("no operand has the result's ") + c);
  }
  template <class... A>
  [[noreturn]] void refuse(const A&... what) const {
    fail("einsum", '"', text, "\": ", what...);
  }

 private:
  void add(Letters& letters, char c) const {
    if (!std::isalpha(static_cast<unsigned char>(c))) refuse("'", c, "' is no letter");
    if (has(letters, c)) refuse(c, " stands twice in one place");
    letters += c;
  }
  Letters letters_that_stand_once() const {
    Letters all, once;
    for (auto& o : operands) all += o;
    std::sort(all.begin(), all.end());
    for (char c : all)
      if (std::count(all.begin(), all.end(), c) == 1) once += c;
    return once;
  }
};

std::vector<Term> terms_of(const Sentence& s, const std::vector<Tensor>& operands) {
  if (s.operands.size() != operands.size())
    s.refuse("it names ", s.operands.size(), " operands, and is given ", operands.size());
  std::vector<Term> terms;
  for (std::size_t i = 0; i < operands.size(); ++i) {
    const Tensor& t = operands[i];
    if (int(s.operands[i].size()) != t.ndim()) s.refuse(s.operands[i], " is ", t.shape());
    for (auto& before : terms)
      for (char c : s.operands[i])
        if (has(before.letters, c) && before.size({c}) != Term{t, s.operands[i]}.size({c}))
          s.refuse(c, " is ", before.size({c}), " in ", before.t.shape(), " and ",
                   Term{t, s.operands[i]}.size({c}), " in ", t.shape());
    terms.push_back({t, s.operands[i]});
  }
  return terms;
}

}  // namespace

Tensor einsum(const std::string& axes, const std::vector<Tensor>& operands) {
  const Sentence s(axes);
  const std::vector<Term> terms = terms_of(s, operands);
  check_alike("einsum", operands);
  Term all = terms[0];
  for (std::size_t i = 1; i < terms.size(); ++i) {
    Letters kept = s.result;
    for (std::size_t k = i + 1; k < terms.size(); ++k) kept += terms[k].letters;
    all = product(all, terms[i], kept);
  }
  return in_order(summed_to(all, s.result), s.result);
}

}  // namespace tweed
