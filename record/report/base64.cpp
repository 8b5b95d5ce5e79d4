#include "record/report/base64.h"

#include <cstdint>

namespace tweed {

std::string base64(std::string_view bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (k < count ? uint32_t(uint8_t(bytes[i + k])) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= count ? digits[three >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

}  // namespace tweed
