// libpng reports errors by calling a function that must not return. Ours jumps back to the setjmp
// of the method that called libpng; so these methods hold nothing that has a destructor.
#include <png.h>

#include <cstdio>
#include <cstring>
#include <vector>

#include "data/decode.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, this, fail, warn);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
  }
  ~Reader() { png_destroy_read_struct(&png_, &info_, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Each is false after an error.
  bool read_header() {
    if (!info_) return false;
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, read);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // ours are asked for instead
    // Colours are taken as they are stored; what else files say is not looked at, right or wrong.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_read_info(png_, info_);
    return true;
  }
  bool start() {
    if (setjmp(png_jmpbuf(png_))) return false;
    // As in Pillow, zlib's sum over the pixels counts, not the one over the compressed bytes.
    png_set_crc_action(png_, PNG_CRC_QUIET_USE, PNG_CRC_QUIET_USE);
    transparent_ =
        colour_type() & PNG_COLOR_MASK_ALPHA || png_get_valid(png_, info_, PNG_INFO_tRNS);
    png_set_expand(png_);  // palettes to RGB, fewer bits than 8 to 8, transparent colours to alpha
    if (bits() == 16) png_set_strip_16(png_);
    png_set_gray_to_rgb(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    return true;
  }
  bool read_rows(uint8_t** rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_image(png_, rows);
    return true;
  }

  int64_t width() const { return png_get_image_width(png_, info_); }
  int64_t height() const { return png_get_image_height(png_, info_); }
  int bits() const { return png_get_bit_depth(png_, info_); }
  int colour_type() const { return png_get_color_type(png_, info_); }
  bool transparent() const { return transparent_; }
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }
  bool ran_out() const { return ran_out_; }
  bool wrong_sum() const { return wrong_sum_; }
  const char* message() const { return message_; }

 private:
  static Reader& of(png_structp png) { return *static_cast<Reader*>(png_get_error_ptr(png)); }
  [[noreturn]] static void fail(png_structp png, png_const_charp message) {
    std::snprintf(of(png).message_, sizeof message_, "%s", message);
    png_longjmp(png, 1);
  }
  // Damage at the end of the pixels is only warned of, since all of them have been read by then.
  static void warn(png_structp png, png_const_charp message) {
    if (std::strstr(message, "incorrect data check")) of(png).wrong_sum_ = true;
  }
  static void read(png_structp png, png_bytep to, std::size_t count) {
    Reader& reader = *static_cast<Reader*>(png_get_io_ptr(png));
    if (count > reader.rest_.size()) {
      reader.ran_out_ = true;
      png_error(png, "the file ends");
    }
    std::memcpy(to, reader.rest_.data(), count);
    reader.rest_.remove_prefix(count);
  }

  std::string_view rest_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  bool ran_out_ = false, wrong_sum_ = false, transparent_ = false;
  char message_[160] = "no memory";
};

FormatError failure(const std::string& path, std::string_view bytes, const Reader& reader) {
  if (reader.ran_out())
    return FormatError(path, int64_t(bytes.size()),
                       "the PNG is damaged: it ends here, inside a chunk");
  return FormatError(path, std::string("is a damaged PNG: ") + printable(reader.message()));
}

// (pixels, 4) to (pixels, 3): what shows where the image lies on white.
std::vector<uint8_t> on_white(const std::vector<uint8_t>& rgba) {
  std::vector<uint8_t> rgb;
  rgb.reserve(rgba.size() / 4 * 3);
  for (std::size_t i = 0; i < rgba.size(); i += 4)
    for (std::size_t c = 0; c < 3; ++c) {
      const int alpha = rgba[i + 3];
      rgb.push_back(uint8_t((rgba[i + c] * alpha + 255 * (255 - alpha) + 127) / 255));
    }
  return rgb;
}

}  // namespace

Image decode_png(const std::string& path, std::string_view bytes) {
  Reader reader(bytes);
  if (!reader.read_header()) throw failure(path, bytes, reader);
  const int64_t width = reader.width(), height = reader.height();
  // zlib turns a byte into 1032 at most; of one bit a pixel there are eight in a byte.
  check_claim(path, width, height, bytes.size(), 1032 * 8);
  if (!reader.start()) throw failure(path, bytes, reader);
  const std::size_t row = reader.row_bytes();
  Image image{int(height), int(width), std::vector<uint8_t>(std::size_t(height) * row)};
  std::vector<uint8_t*> rows;
  for (int64_t y = 0; y < height; ++y) rows.push_back(image.pixels.data() + std::size_t(y) * row);
  if (row != std::size_t(width) * (reader.transparent() ? 4 : 3))
    throw FormatError(path, "is a PNG whose rows take " + std::to_string(row) + " bytes");
  if (!reader.read_rows(rows.data())) throw failure(path, bytes, reader);
  if (reader.wrong_sum())
    throw FormatError(path, "is a damaged PNG: its pixels do not have the sum that it names");
  if (reader.transparent()) image.pixels = on_white(image.pixels);
  return image;
}

}  // namespace tweed
