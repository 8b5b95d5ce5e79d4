// Functions of one number under one name for float and double. For kernel files.
#pragma once
#include <cmath>

#include "kernels/machine/inline.h"

namespace tweed {

TWEED_INLINE float exp(float x) { return ::expf(x); }
TWEED_INLINE double exp(double x) { return ::exp(x); }
TWEED_INLINE float log(float x) { return ::logf(x); }
TWEED_INLINE double log(double x) { return ::log(x); }
TWEED_INLINE float tanh(float x) { return ::tanhf(x); }
TWEED_INLINE double tanh(double x) { return ::tanh(x); }
TWEED_INLINE float sqrt(float x) { return ::sqrtf(x); }
TWEED_INLINE double sqrt(double x) { return ::sqrt(x); }

}  // namespace tweed
