// Functions of numbers under one name for float and double. For kernel files.
#pragma once
#include <cmath>

#include "kernels/machine/inline.h"

namespace tweed {

#define TWEED_FUNCTION(name)                                \
  TWEED_INLINE float name(float x) { return ::name##f(x); } \
  TWEED_INLINE double name(double x) { return ::name(x); }
TWEED_FUNCTION(exp)
TWEED_FUNCTION(expm1)
TWEED_FUNCTION(log)
TWEED_FUNCTION(log1p)
TWEED_FUNCTION(tanh)
TWEED_FUNCTION(erf)
TWEED_FUNCTION(sqrt)
TWEED_FUNCTION(fabs)
#undef TWEED_FUNCTION
TWEED_INLINE float pow(float x, float y) { return ::powf(x, y); }
TWEED_INLINE double pow(double x, double y) { return ::pow(x, y); }

}  // namespace tweed
