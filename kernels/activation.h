// What follows a layer in the same kernel.
#pragma once
#include <cstdint>

namespace tweed {

enum class Activation : uint8_t { none, relu };

}  // namespace tweed
