// Reading and writing of image files.
#include <stb/stb_image_write.h>

#include "data/decode.h"
#include "data/file_kind.h"
#include "data/image.h"
#include "data/read_file.h"
#include "data/whole_file.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

// What to do about a file that is no image of ours.
const char* advice(FileKind kind) {
  switch (kind) {
    case FileKind::webp:
    case FileKind::gif:
    case FileKind::bmp:
    case FileKind::tiff:
    case FileKind::heif:
      return "; convert it to one of them, whatever its name says";
    case FileKind::apple_double:
      return "; it may be deleted";
    case FileKind::html:
      return "; download it again";
    default:
      return "";
  }
}

[[noreturn]] void refuse(const std::string& path, FileKind kind) {
  if (kind == FileKind::empty) throw FormatError(path, "is empty");
  std::string what = "is neither a JPEG nor a PNG";
  if (kind != FileKind::unknown) what += std::string(": it is ") + description(kind) + advice(kind);
  throw FormatError(path, what);
}

void append(void* to, void* data, int size) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(data), std::size_t(size));
}

}  // namespace

void check_claim(const std::string& path, int64_t width, int64_t height, std::size_t bytes,
                 int64_t most_a_byte) {
  const std::string claim =
      "claims " + std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (width > most_pixels || height > most_pixels || width * height > most_pixels)
    throw FormatError(path, claim + ", more than 100 million");
  if (width * height > most_a_byte * int64_t(bytes))
    throw FormatError(path, claim + ", more than its " + std::to_string(bytes) + " bytes can hold");
}

Image decode_image(const std::string& path) {
  constexpr uint64_t most_bytes = uint64_t(1) << 30;
  const InputFile file(path);
  const FileKind kind = file_kind(file.head(512));  // before a large file of another kind is read
  if (kind != FileKind::jpeg && kind != FileKind::png) refuse(path, kind);
  const std::string bytes = file.read_all(most_bytes);
  return kind == FileKind::jpeg ? decode_jpeg(path, bytes) : decode_png(path, bytes);
}

std::string encode_png(const Image& image) {
  std::string bytes;
  if (!stbi_write_png_to_func(append, &bytes, image.width, image.height, 3, image.pixels.data(),
                              image.width * 3))
    throw Error("an image of " + std::to_string(image.height) + " x " +
                std::to_string(image.width) + " cannot be encoded");
  return bytes;
}

void write_png(const std::string& path, const Image& image, bool synced) {
  WholeFile file(path);
  file.write(encode_png(image));
  file.commit(synced);
}

}  // namespace tweed
