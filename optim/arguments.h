// Checks of the numbers that optimizers, averages and schedules are given.
#pragma once
#include <cstdint>

namespace tweed {

/// Throws Error("[op] name is VALUE, not WANTED") unless `good`.
void check_argument(const char* op, const char* name, double value, bool good, const char* wanted);

/// A finite number from 0: rates, momentum, weight decay and the like. NaN is refused.
void check_not_negative(const char* op, const char* name, double value);
/// A number from 0 and below 1, such as Adam's betas. NaN is refused.
void check_below_1(const char* op, const char* name, double value);
/// From `least` on.
void check_count(const char* op, const char* name, int64_t value, int64_t least);

}  // namespace tweed
