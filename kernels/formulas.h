// The elementwise operations, each a line: kernels, launchers and dispatch follow from these lists.
#pragma once
#include <cstdint>

#include "kernels/machine/inline.h"

/// X(name, saved, y, dx): y as a formula of x and a parameter p; dx as a formula of dy, p and s,
/// where s is the operation's `input` or `output`, whichever was saved (dy itself for `nothing`).
/// A is the type computed in. NaN must pass through.
#define FOR_UNARY_FORMULAS(X)                            \
  X(relu, output, x <= 0 ? A(0) : x, s <= 0 ? A(0) : dy) \
  X(scale, nothing, p* x, p* dy)                         \
  X(shift, nothing, x + p, dy)

/// X(name, y): y as a formula of a and b. The reversed ones serve where b is the larger operand.
#define FOR_BINARY_FORMULAS(X) \
  X(add, a + b)                \
  X(subtract, a - b)           \
  X(subtract_from, b - a)      \
  X(multiply, a* b)            \
  X(divide, a / b)             \
  X(divide_into, b / a)

namespace tweed {

enum class Kept : uint8_t { nothing, input, output };

#define NAME(name, ...) name,
enum class Unary : uint8_t { FOR_UNARY_FORMULAS(NAME) };
enum class Binary : uint8_t { FOR_BINARY_FORMULAS(NAME) };
#undef NAME

/// What an operation saves for its way back.
constexpr Kept kept_by(Unary f) {
#define KEPT(name, saved, y, dx) \
  if (f == Unary::name) return Kept::saved;
  FOR_UNARY_FORMULAS(KEPT)
#undef KEPT
  return Kept::nothing;
}

template <Unary f>
struct UnaryFormula;
#define FORMULA(name, saved, y, dx)                                                    \
  template <>                                                                          \
  struct UnaryFormula<Unary::name> {                                                   \
    template <class A>                                                                 \
    TWEED_INLINE static A value(A x, [[maybe_unused]] A p) {                           \
      return y;                                                                        \
    }                                                                                  \
    template <class A>                                                                 \
    TWEED_INLINE static A gradient([[maybe_unused]] A s, A dy, [[maybe_unused]] A p) { \
      return dx;                                                                       \
    }                                                                                  \
  };
FOR_UNARY_FORMULAS(FORMULA)
#undef FORMULA

template <Binary f>
struct BinaryFormula;
#define FORMULA(name, y)                    \
  template <>                               \
  struct BinaryFormula<Binary::name> {      \
    template <class A>                      \
    TWEED_INLINE static A value(A a, A b) { \
      return y;                             \
    }                                       \
  };
FOR_BINARY_FORMULAS(FORMULA)
#undef FORMULA

}  // namespace tweed
