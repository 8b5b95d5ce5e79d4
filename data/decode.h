// Decoders of image files in memory, on top of libjpeg and libpng; image.h has what users call.
//
// Both give what a browser shows, bit by bit, as docs/results/decoding.md shows.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "data/image.h"

namespace tweed {

/// The most pixels that an image may have: what a small damaged file claims must not take all
/// memory.
constexpr int64_t most_pixels = 100'000'000;

/// @param path   for messages
/// @throws FormatError  if the image is damaged, cut short, of a kind that is not known, or claims
///                      more pixels than most_pixels or than its bytes can hold
Image decode_jpeg(const std::string& path, std::string_view bytes);
Image decode_png(const std::string& path, std::string_view bytes);

/// Checks what a header claims. @param most_a_byte  pixels that a byte of the file can stand for
void check_claim(const std::string& path, int64_t width, int64_t height, std::size_t bytes,
                 int64_t most_a_byte);

}  // namespace tweed
