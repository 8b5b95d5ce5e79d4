// libjpeg reports errors by calling a function that must not return. Ours jumps back to the setjmp
// of the method that called libjpeg; so these methods hold nothing that has a destructor.
#include <csetjmp>
#include <cstdio>  // jpeglib.h needs it
#include <vector>

// clang-format off: in this order
#include <jerror.h>
#include <jpeglib.h>
// clang-format on

#include "data/decode.h"
#include "data/orientation.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

struct ErrorManager {
  jpeg_error_mgr base;  // first: libjpeg knows this part alone
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
  bool ran_out;  // more bytes were wanted than there are
};

ErrorManager& errors_of(j_common_ptr info) { return *reinterpret_cast<ErrorManager*>(info->err); }

[[noreturn]] void fail(j_common_ptr info) {
  ErrorManager& errors = errors_of(info);
  errors.base.format_message(info, errors.message);
  std::longjmp(errors.back, 1);
}

// Warnings are about damage that libjpeg gets over, as Pillow does, except for a missing rest.
void take_message(j_common_ptr info, int level) {
  if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) errors_of(info).ran_out = true;
}
void say_nothing(j_common_ptr) {}

// A progressive file of some kilobytes can ask for thousands of passes over a large image.
void count_scans(j_common_ptr info) {
  constexpr int most_scans = 500;
  if (info->is_decompressor &&
      reinterpret_cast<j_decompress_ptr>(info)->input_scan_number > most_scans)
    ERREXIT(info, JERR_BAD_PROGRESSION);
}

class Reader {
 public:
  Reader() {
    info_.err = jpeg_std_error(&errors_.base);
    errors_.base.error_exit = fail;
    errors_.base.emit_message = take_message;
    errors_.base.output_message = say_nothing;
    progress_.progress_monitor = count_scans;
  }
  ~Reader() { jpeg_destroy_decompress(&info_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // Each is false after an error.
  bool read_header(std::string_view bytes) {
    if (setjmp(errors_.back)) return false;
    jpeg_create_decompress(&info_);
    info_.progress = &progress_;
    jpeg_save_markers(&info_, JPEG_APP0 + 1, 0xffff);
    jpeg_mem_src(&info_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
    jpeg_read_header(&info_, TRUE);
    return true;
  }
  bool start() {
    if (setjmp(errors_.back)) return false;
    info_.out_color_space = info_.num_components == 4 ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&info_);
    return true;
  }
  bool read_row(uint8_t* row) {
    if (setjmp(errors_.back)) return false;
    jpeg_read_scanlines(&info_, &row, 1);
    return true;
  }

  // What the first marker of Exif has behind its name; "" if there is none.
  std::string_view exif() const {
    constexpr std::string_view name("Exif\0\0", 6);
    for (auto marker = info_.marker_list; marker; marker = marker->next) {
      const std::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (marker->marker == JPEG_APP0 + 1 && data.starts_with(name))
        return data.substr(name.size());
    }
    return {};
  }
  int width() const { return int(info_.image_width); }
  int height() const { return int(info_.image_height); }
  int channels() const { return info_.num_components; }
  bool ran_out() const { return errors_.ran_out; }
  const char* message() const { return errors_.message; }

 private:
  jpeg_decompress_struct info_{};
  ErrorManager errors_{};
  jpeg_progress_mgr progress_{};
};

// round(a * b / 255)
int product(int a, int b) {
  const int t = a * b + 128;
  return ((t >> 8) + t) >> 8;
}

// CMYK is taken as inverted, with Adobe's marker or without, as Pillow takes it: Photoshop writes
// it so, and other programs do the same.
void cmyk_to_rgb(const uint8_t* from, uint8_t* to, int width) {
  for (int x = 0; x < width; ++x, from += 4, to += 3)
    for (int c = 0; c < 3; ++c) to[c] = uint8_t(from[3] - product(255 - from[c], from[3]));
}

FormatError damaged(const std::string& path, const Reader& reader) {
  return FormatError(path, std::string("is a damaged JPEG: ") + reader.message());
}

FormatError cut_short(const std::string& path, std::size_t bytes) {
  return FormatError(path, int64_t(bytes), "the JPEG ends here, before its end marker");
}

}  // namespace

Image decode_jpeg(const std::string& path, std::string_view bytes) {
  Reader reader;
  if (!reader.read_header(bytes))
    throw reader.ran_out() ? cut_short(path, bytes.size()) : damaged(path, reader);
  const int width = reader.width(), height = reader.height(), channels = reader.channels();
  if (channels != 1 && channels != 3 && channels != 4)
    throw FormatError(path, "is a JPEG of " + std::to_string(channels) + " channels");
  // A block of 8 x 8 pixels takes a bit at least, and of larger ones there are more.
  check_claim(path, width, height, bytes.size(), 8 * 64);
  Image image{height, width, std::vector<uint8_t>(std::size_t(height) * std::size_t(width) * 3)};
  std::vector<uint8_t> cmyk(channels == 4 ? std::size_t(width) * 4 : 0);
  if (!reader.start()) throw damaged(path, reader);
  for (int y = 0; y < height; ++y) {
    if (!reader.read_row(channels == 4 ? cmyk.data() : image.at(y, 0))) throw damaged(path, reader);
    if (reader.ran_out()) throw cut_short(path, bytes.size());
    if (channels == 4) cmyk_to_rgb(cmyk.data(), image.at(y, 0), width);
  }
  return upright(std::move(image), exif_orientation(reader.exif()));
}

}  // namespace tweed
