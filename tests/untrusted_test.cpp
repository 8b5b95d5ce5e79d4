// What the library does with text and files that it cannot trust: making them printable, refusing
// what is no regular file, and finding out what a file is.
#include <sys/stat.h>

#include <fstream>

#include "data/file_kind.h"
#include "data/read_file.h"
#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;
using namespace std::string_literals;

TEST_CASE("names are printed on one line, without what a terminal would act upon") {
  CHECK(printable("beach") == "beach");
  CHECK(printable("café 蜂") == "café 蜂");
  CHECK(printable("a\nerror: forged\r\t") == "a\\nerror: forged\\r\\t");
  CHECK(printable("\x1b[31mred\x7f") == "\\x1b[31mred\\x7f");
  CHECK(printable("caf\xe9") == "caf\\xe9");
  CHECK(printable("\xc0\xaf") == "\\xc0\\xaf");           // overlong
  CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // a surrogate
  CHECK(printable("a\u202eb") == "a\\u{202e}b");          // turns the direction of writing
  CHECK(printable("\u0085") == "\\u{85}");                // a control character of two bytes
  CHECK(printable("a\0b"s) == "a\\x00b");
  CHECK(in_quotes("x y") == "'x y'");
}

TEST_CASE("long text loses its middle, between whole characters") {
  const std::string long_text(1'000'000, 'x');
  CHECK(printable(long_text).size() < 240);
  CHECK(printable(long_text).find(" bytes ...]") != std::string::npos);
  std::string umlauts;
  for (int i = 0; i < 1000; ++i) umlauts += "ä";
  for (std::size_t most = 30; most < 40; ++most) {
    INFO(printable(umlauts, most));
    CHECK(is_utf8(printable(umlauts, most)));
    CHECK(printable(umlauts, most).find("\\x") == std::string::npos);
  }
}

TEST_CASE("a pipe, a device, a folder in place of a file is refused at once") {
  TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_file(pipe, 100), Contains("it is a pipe"));
  CHECK_THROWS_WITH(read_file("/dev/zero", 100), Contains("it is a device"));
  CHECK_THROWS_WITH(read_file(folder.path(), 100), Contains("it is a folder"));
  CHECK_THROWS_WITH(read_file(folder / "none", 100), Contains("No such file"));
}

TEST_CASE("a file is read whole, or refused for its size") {
  TemporaryFolder folder;
  const std::string path = folder / "file";
  std::ofstream(path) << "twelve bytes";
  CHECK(read_file(path, 12) == "twelve bytes");
  CHECK_THROWS_WITH(read_file(path, 11), Contains("has 12 bytes, more than 11"));
  const InputFile file(path);
  CHECK(file.head(6) == "twelve");
  CHECK(file.head(100).size() == 12);
  char after[4];
  CHECK_THROWS_WITH(file.read(10, after, 4), Contains("at byte 12: the file ends here"));
}

TEST_CASE("files are told apart by their first bytes") {
  auto zip_of = [](const std::string& name) {
    std::string zip(30, '\0');
    zip.replace(0, 4, "PK\3\4");
    return zip.append(name);
  };
  CHECK(file_kind("") == FileKind::empty);
  CHECK(file_kind("\xff\xd8\xff\xe0") == FileKind::jpeg);
  CHECK(file_kind("RIFF\1\2\3\4WEBPVP8 ") == FileKind::webp);
  CHECK(file_kind("GIF89a") == FileKind::gif);
  CHECK(file_kind("BM\1\2\3\4\0\0\0\0\x36\0\0\0"s) == FileKind::bmp);
  CHECK(file_kind("BMW is a make of cars") == FileKind::text);
  CHECK(file_kind(zip_of("archive/data.pkl")) == FileKind::pytorch);
  CHECK(file_kind(zip_of("conv1.weight.npy")) == FileKind::npz);
  CHECK(file_kind(zip_of("photos/1.jpg")) == FileKind::zip);
  CHECK(file_kind("\x80\2\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."s) ==
        FileKind::pytorch_old);
  CHECK(file_kind("\x80\4\x95\0\0"s) == FileKind::pickle);
  CHECK(file_kind("  <!DOCTYPE html><html>") == FileKind::html);
  CHECK(file_kind("version https://git-lfs.github.com/spec/v1\noid") == FileKind::lfs_pointer);
  CHECK(file_kind("\xef\xbb\xbfname") == FileKind::utf8_bom);
  CHECK(file_kind("\xff\xfen\0a\0"s) == FileKind::utf16);
  CHECK(file_kind("{\"a\": 1}") == FileKind::json);
  CHECK(file_kind("train/a/abbey/1.jpg 0\n") == FileKind::text);
  CHECK(file_kind("caf\xc3") == FileKind::text);  // cut within a character
  CHECK(file_kind("\x10\0\0\0\0\0\0\0{\"a\""s) == FileKind::unknown);
}
