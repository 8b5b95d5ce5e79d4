// Image files, whole and damaged, against what Pillow and browsers show; golden/images.py made
// them.
#include <sys/stat.h>

#include <sstream>

#include "apps/paths.h"
#include "data/image.h"
#include "data/orientation.h"
#include "data/read_file.h"
#include "kernels/machine/error.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using namespace std::string_literals;

namespace {

std::string golden(const std::string& name) { return source_path("tests/golden/images/" + name); }
std::string bytes_of(const std::string& name) { return read_file(golden(name), 1 << 20); }

// zlib's.
uint32_t crc32(const std::vector<uint8_t>& bytes) {
  uint32_t sum = ~0u;
  for (uint8_t byte : bytes) {
    sum ^= byte;
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xEDB88320u : 0);
  }
  return ~sum;
}

// "24 18 266217d5", or "refused".
std::string outcome(const std::string& path) {
  try {
    const Image image = decode_image(path);
    char text[60];
    std::snprintf(text, sizeof text, "%d %d %08x", image.width, image.height, crc32(image.pixels));
    return text;
  } catch (const FormatError&) {
    return "refused";
  }
}

struct File {
  TemporaryFolder folder;
  std::string path = folder / "image.jpg";
  std::string refusal(const std::string& bytes) {
    put_text(path, bytes);
    return message_of([&] { decode_image(path); });
  }
};

std::string with(std::string bytes, std::size_t place, const std::string& value) {
  REQUIRE(place + value.size() <= bytes.size());
  return bytes.replace(place, value.size(), value);
}

}  // namespace

TEST_CASE("images are what a browser shows, bit by bit, and what Pillow refuses is refused") {
  std::istringstream truth(bytes_of("truth.txt"));
  int files = 0;
  for (std::string name, wanted; truth >> name && std::getline(truth >> std::ws, wanted); ++files) {
    INFO(name << ": " << message_of([&] { decode_image(golden(name)); }));
    CHECK(outcome(golden(name)) == wanted);
  }
  CHECK(files > 40);
}

TEST_CASE("what is wrong with an image is said, by its own kind") {
  const std::pair<const char*, const char*> cases[] = {
      {"half.jpg", "the JPEG ends here, before its end marker"},
      {"without_scan.jpg", "is a damaged JPEG: "},
      {"two_channels.jpg", "JPEG"},
      {"12_bits.jpg", "is a damaged JPEG: "},
      {"half.png", "the PNG is damaged: it ends here"},
      {"chunk_of_1gb.png", "the PNG is damaged: it ends here"},
      {"flipped_byte.png", "is a damaged PNG: "},
      {"wrong_pixel_sum.png", "is a damaged PNG: "},
      {"wrong_header_sum.png", "is a damaged PNG: IHDR: CRC error"}};
  for (auto& [name, wanted] : cases)
    CHECK_THAT(message_of([&, name = name] { decode_image(golden(name)); }), Contains(wanted));
}

TEST_CASE("a JPEG's Huffman table of more than 256 codes is refused before it is filled") {
  File file;
  const std::string plain = bytes_of("plain.jpg");
  const std::size_t table = plain.find("\xff\xc4");
  REQUIRE(table != std::string::npos);
  for (const std::string& counts :
       {std::string(16, '\xff'), "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\2"s}) {
    const std::string message = file.refusal(with(plain, table + 5, counts));
    CHECK_THAT(message, Contains("is a damaged JPEG: "));
    CHECK_THAT(message, Contains("Huffman"));
  }
  // Tables that a scan names and nobody defined.
  const std::size_t quantisation = plain.find("\xff\xdb");
  CHECK_THAT(file.refusal(with(plain, quantisation, "\xff\xfe")), Contains("is a damaged JPEG: "));
}

TEST_CASE("images that claim more than their bytes can hold are refused before memory is taken") {
  File file;
  const std::string plain = bytes_of("plain.jpg");
  const std::size_t frame = plain.find("\xff\xc0");
  CHECK_THAT(file.refusal(with(plain, frame + 5, "\xea\x60\xea\x60")),
             Contains("claims 60000 x 60000 pixels, more than 100 million"));
  CHECK_THAT(file.refusal(with(plain, frame + 5, "\x23\x28\x23\x28")),
             Contains("claims 9000 x 9000 pixels, more than its " + std::to_string(plain.size()) +
                      " bytes can hold"));
  // Flat images of real files are far below that.
  const Image flat{2000, 3000, std::vector<uint8_t>(2000 * 3000 * 3, 7)};
  write_png(file.path, flat);
  CHECK(decode_image(file.path) == flat);
}

TEST_CASE("a JPEG cannot ask for thousands of passes over its pixels") {
  File file;
  const std::string whole = bytes_of("progressive.jpg");
  const std::size_t scan = whole.rfind("\xff\xda");
  const std::string head = whole.substr(0, scan),
                    last = whole.substr(scan, whole.size() - scan - 2);
  std::string many = head;
  for (int i = 0; i < 2000; ++i) many += last;
  CHECK_THAT(file.refusal(many + "\xff\xd9"), Contains("is a damaged JPEG: "));
  CHECK_THAT(file.refusal(head + last + last + "\xff\xd9"), Contains("nothing was thrown"));
}

TEST_CASE("files of other kinds are called what they are, whatever their names") {
  File file;
  const std::pair<std::string, const char*> cases[] = {
      {"RIFF\1\2\3\4WEBPVP8 ", "is neither a JPEG nor a PNG: it is a WebP image; convert it"},
      {"GIF89a", "it is a GIF image; convert it"},
      {"BM\1\2\3\4\0\0\0\0\x36\0\0\0"s, "it is a BMP image; convert it"},
      {"II*\0\1\1\1\1"s, "it is a TIFF image; convert it"},
      {"<!DOCTYPE html><html>404",
       "it is an HTML page, such as a server's error message; download"},
      {"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"},
      {"\0\5\x16\7\0\2\0\0Mac OS X"s, "it is a file that macOS left"},
      {"", "is empty"}};
  for (auto& [bytes, wanted] : cases) CHECK_THAT(file.refusal(bytes), Contains(wanted));
}

TEST_CASE("a pipe or a device in place of an image is refused at once") {
  TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe.jpg").c_str(), 0600) == 0);
  for (const std::string& path : {folder / "pipe.jpg", "/dev/zero"s, folder.path()})
    CHECK_THAT(message_of([&] { decode_image(path); }), Contains("cannot be read: it is a"));
}

TEST_CASE("an orientation that is damaged, cut off or none is upright") {
  const auto with_value = [](const std::string& value) {
    return "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0"s + value;
  };
  CHECK(exif_orientation(with_value("\6\0\0\0"s)) == 6);
  CHECK(exif_orientation(with_value("\6")) == 1);  // cut off
  CHECK(exif_orientation(with_value("\x09\0\0\0"s)) == 1);
  CHECK(exif_orientation(with_value("\0\0\0\0"s)) == 1);
  CHECK(exif_orientation("") == 1);
  CHECK(exif_orientation("II*\0\xff\xff\xff\xff"s) == 1);
  CHECK(exif_orientation("MM\0*\0\0\0\x04\xff\xff"s) == 1);  // of 65,535 entries that are not there
  std::string wrong_type = with_value("\6\0\0\0"s);
  wrong_type[12] = 2;
  CHECK(exif_orientation(wrong_type) == 1);
}
