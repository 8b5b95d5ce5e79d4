// A bound on what a network may ask for, for descriptions that cannot be trusted.
#pragma once
#include <cstdint>
#include <string>

#include "tensor/tensor.h"

namespace tweed {

/// While it lives, the networks that this thread makes may have at most so many weights, counted
/// before they are allocated: a few bytes of text can ask for gigabytes, and a class list for a
/// last layer that the file does not hold. Limits nest; the tightest holds.
class WeightLimit {
 public:
  /// @param what  ends the sentence "has more weights than ..."
  WeightLimit(int64_t weights, std::string what);
  ~WeightLimit();
  WeightLimit(const WeightLimit&) = delete;
  WeightLimit& operator=(const WeightLimit&) = delete;

  /// "" if a tensor of so many elements is within the limits; else "has more weights than ...".
  /// A double, since a damaged description's product may be beyond every integer.
  static std::string excess(double weights);
  /// Checks a tensor that is about to be made. @throws Error
  static void check(const Shape& shape);
  /// Counts one that was made. @throws Error
  static void take(const Shape& shape);

 private:
  int64_t left_;
  std::string what_;
  WeightLimit* outer_;
};

}  // namespace tweed
