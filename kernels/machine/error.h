// The exceptions that the library throws. A message starts with "[op]" and shows actual values.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>

#include "kernels/machine/printable.h"

namespace tweed {

/// Base of every exception that Tweed throws on purpose.
struct Error : std::runtime_error {
  using runtime_error::runtime_error;
};

/// Shapes, dtypes or arguments that do not fit together.
struct ShapeError : Error {
  using Error::Error;
};

/// A device that is not there, cannot do what was asked, or is out of memory.
struct DeviceError : Error {
  using Error::Error;
};

/// A damaged or unsupported file; names the file and, where known, the byte offset.
struct FormatError : Error {
  FormatError(const std::string& file, const std::string& what) : Error(printable(file) + ": " + what) {}
  FormatError(const std::string& file, int64_t offset, const std::string& what)
      : Error(printable(file) + ": at byte " + std::to_string(offset) + ": " + what) {}
};

}  // namespace tweed
