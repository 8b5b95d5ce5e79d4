// How a kernel on `cpu` asks its caller for scratch memory.
#pragma once
#include <cstddef>
#include <functional>

namespace tweed {

/// Gives memory that lives until the call returns, aligned to 64 bytes.
using Allocate = std::function<void*(std::size_t bytes)>;

}  // namespace tweed
