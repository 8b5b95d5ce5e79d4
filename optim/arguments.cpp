#include "optim/arguments.h"

#include <cmath>
#include <sstream>

#include "kernels/machine/error.h"

namespace tweed {

template <class T>
[[noreturn]] static void refuse(const char* op, const char* name, T value, const char* wanted) {
  std::ostringstream text;
  text << "[" << op << "] " << name << " is " << value << ", not " << wanted;
  throw Error(text.str());
}

void check_argument(const char* op, const char* name, double value, bool good, const char* wanted) {
  if (!good) refuse(op, name, value, wanted);
}

void check_not_negative(const char* op, const char* name, double value) {
  check_argument(op, name, value, std::isfinite(value) && value >= 0, "a finite number from 0");
}

void check_below_1(const char* op, const char* name, double value) {
  check_argument(op, name, value, value >= 0 && value < 1, "from 0 to below 1");
}

void check_count(const char* op, const char* name, int64_t value, int64_t least) {
  if (value < least) refuse(op, name, value, least == 0 ? "0 or more" : "1 or more");
}

}  // namespace tweed
