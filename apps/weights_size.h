// How large a file of weights is, since coursework that is handed in may not be large.
#pragma once
#include <cstdint>
#include <string>

namespace tweed::app {

/// "best.safetensors: 1.5 MB, 365,028 parameters", and on stderr a note with ways out where it is
/// larger than coursework may be. Nothing if there is no such file.
/// @param shown  what the file is called
/// @param half   whether it is in half precision already
void say_weights_size(const std::string& path, const std::string& shown, int64_t parameters,
                      bool half);

/// "1,234,567"
std::string with_commas(int64_t number);

}  // namespace tweed::app
