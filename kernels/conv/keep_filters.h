// Filters in the form that a pass reads them in, kept from one call to the next.
#pragma once
#include <cstddef>
#include <functional>

#include "kernels/allocate.h"

namespace tweed {

/// Memory for filters in another form than the weights'.
struct FilterMemory {
  void* data;   ///< aligned to 64 bytes
  bool filled;  ///< by an earlier call with the same weights and form; else the call has to do it
};

/// Asks for such memory. `form` tells a pass's forms apart: calls with the same weights that name
/// the same form make the same bytes of them.
using KeepFilters = std::function<FilterMemory(const void* form, std::size_t bytes)>;

/// Keeps nothing.
inline KeepFilters as_scratch(const Allocate& allocate) {
  return [&allocate](const void*, std::size_t bytes) {
    return FilterMemory{allocate(bytes), false};
  };
}

}  // namespace tweed
