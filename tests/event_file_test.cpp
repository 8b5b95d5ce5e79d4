// Event files byte by byte against TensorBoard's own (tests/golden/events.py), and their ends.
#include "record/event_file.h"

#include <sys/stat.h>

#include <cmath>
#include <fstream>
#include <iterator>

#include "apps/paths.h"
#include "kernels/machine/error.h"
#include "record/report/base64.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;

namespace {

constexpr double time_of_golden = 1.7e9;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Where the first record, which has the time of its writing, ends: 12 bytes, the event, 4 bytes.
constexpr std::size_t first_record = 12 + 9 + 15 + 4;

void add_all(EventFile& events) {
  events.set_time(time_of_golden);
  events.text("command", 0, "train *tiny*");
  events.scalar("data/training_loss", 10, 2.25);
  events.scalar("data/learning_rate", 300, 0.1);
  const float values[] = {-1.5f, 0.25f, 0.5f, 0.5f, 3.f};
  events.histogram("weights/conv1.weight", 300, values);
  events.scalar("data/training_loss", 100'000, std::nan(""));
  events.flush();
}

}  // namespace

TEST_CASE("crc32c is that of RFC 3720's examples") {
  CHECK(crc32c("") == 0);
  CHECK(crc32c("123456789") == 0xe3069283u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8a9136aau);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62a8ab43u);
}

TEST_CASE("base64 is that of RFC 4648's examples") {
  const char* const wanted[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (std::size_t n = 0; n <= 6; ++n)
    CHECK(base64(std::string("foobar").substr(0, n)) == wanted[n]);
  CHECK(base64("\xff\xfe\x00") == "//4=");
}

TEST_CASE("An event file has the bytes that TensorBoard writes") {
  TemporaryFolder folder;
  const std::string path = folder / EventFile::name;
  {
    EventFile events(path);
    add_all(events);
  }
  const std::string golden = read(source_path("tests/golden/events.tfevents"));
  REQUIRE(golden.size() > first_record);
  CHECK(read(path).size() == golden.size());
  CHECK(read(path).substr(first_record) == golden.substr(first_record));
}

TEST_CASE("An event file goes on after the steps kept, and after whole records only") {
  TemporaryFolder folder;
  const std::string path = folder / EventFile::name;
  {
    EventFile events(path);
    add_all(events);
  }
  const std::string whole = read(path);
  auto kept = [&](const std::string& bytes, int64_t steps) {
    write(path, bytes);
    { EventFile events(path, steps); }
    return read(path);
  };
  CHECK(kept(whole, 100'000) == whole);
  CHECK(kept(whole + "half a record", 100'000) == whole);
  const std::string to_300 = kept(whole, 99'999), to_10 = kept(whole, 299), to_0 = kept(whole, 9);
  CHECK(whole.substr(0, to_300.size()) == to_300);
  CHECK(to_300.size() > to_10.size());
  CHECK(to_10.size() > to_0.size());
  CHECK(to_0.size() > first_record);
  CHECK(kept(whole.substr(0, to_300.size() - 1), 300).size() < to_300.size());
  // A damaged byte anywhere ends it before the record that it is in.
  for (std::size_t at : {std::size_t(0), first_record + 3, first_record + 20, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[at] ^= 1;
    const std::string left = kept(damaged, 100'000);
    INFO(at);
    CHECK(left.size() < whole.size());
    if (at >= first_record) CHECK(left.substr(0, first_record) == whole.substr(0, first_record));
  }
  // A new file, and one that goes on, end the same.
  write(path, to_10);
  {
    EventFile events(path, 299);
    events.set_time(time_of_golden);
    events.scalar("data/learning_rate", 300, 0.1);
    events.flush();
  }
  CHECK(read(path) == to_300.substr(0, read(path).size()));
}

TEST_CASE("Images are PNG files in events, and odd values are left out of histograms") {
  TemporaryFolder folder;
  const std::string path = folder / EventFile::name;
  const Image image{1, 2, {255, 0, 0, 0, 0, 255}};
  EventFile events(path);
  events.image("Image", 1, image);
  events.flush();
  CHECK(read(path).find(encode_png(image)) != std::string::npos);
  const std::string before = read(path);
  const float odd[] = {NAN, INFINITY};
  events.histogram("none", 2, odd);
  events.histogram("empty", 2, {});
  events.flush();
  CHECK(read(path) == before);
  const float same[] = {2, 2, NAN};
  events.histogram("same", 2, same);
  events.flush();
  CHECK(read(path).size() > before.size());
}

TEST_CASE("What stands in an event file's place is refused") {
  TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "pipe.tfevents").c_str(), 0600) == 0);
  CHECK_THROWS_AS(EventFile(folder / "pipe.tfevents"), FormatError);
  CHECK_THROWS_AS(EventFile(folder / "no/where.tfevents"), Error);
}
