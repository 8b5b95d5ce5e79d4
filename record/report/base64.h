// Base64 (RFC 4648), for pictures within a page.
#pragma once
#include <string>
#include <string_view>

namespace tweed {

std::string base64(std::string_view bytes);

}  // namespace tweed
