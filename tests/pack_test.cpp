// Packs: decoded once, mapped after that, made again when their sources change.
#include "data/pack.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "data/feed.h"
#include "data/read_file.h"
#include "kernels/machine/error.h"
#include "tests/catch.h"
#include "tests/data_support.h"
#include "tests/temporary_folder.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

// Two classes of `count` images each.
std::string folder_of_images(const TemporaryFolder& folder, int count = 12) {
  put_images(folder.path() + "/data/a", count);
  put_images(folder.path() + "/data/b", count);
  return folder.path() + "/data";
}

DataOptions packed() {
  DataOptions options = small();
  options.pack = true;
  return options;
}

std::vector<fs::path> packs_in(const std::string& folder) {
  std::vector<fs::path> files;
  for (auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<uint8_t> bytes_of(const Dataset& data) {
  const auto pixels = data.pixels();
  return {pixels.data(), pixels.data() + pixels.size()};
}

// How often an image was decoded meanwhile.
struct Counted {
  DataSplits data;
  int64_t decoded = 0;
};
Counted opened(const std::string& folder, DataOptions options) {
  Counted result;
  options.progress = [&](int64_t done, int64_t) { result.decoded = done; };
  result.data = open_dataset(folder, options);
  return result;
}

}  // namespace

TEST_CASE("A packed data set is the one that is not, and is decoded once", "[pack]") {
  const TemporaryFolder folder;
  const std::string place = folder_of_images(folder);
  const DataSplits plain = open_dataset(place, small());
  for (const bool first : {true, false}) {
    const auto [data, decoded] = opened(place, packed());
    CHECK(decoded == (first ? 24 : 0));
    for (auto [a, b] :
         {std::pair{&data.train, &plain.train}, {&data.validation, &plain.validation}}) {
      REQUIRE(a->size() == b->size());
      CHECK(a->in_memory());
      CHECK(bytes_of(*a) == bytes_of(*b));
      CHECK(a->normalization().mean == b->normalization().mean);
      CHECK(a->normalization().std == b->normalization().std);
      for (int64_t i = 0; i < a->size(); ++i) CHECK(a->path(i) == b->path(i));
    }
  }
  CHECK(packs_in(place + "/.tweed-pack").size() == 2);
  // Other images of the same folder have a pack of their own.
  DataOptions one_class = packed();
  one_class.classes = "b";
  CHECK(opened(place, one_class).decoded == 12);
  CHECK(packs_in(place + "/.tweed-pack").size() == 4);
  CHECK(opened(place, packed()).decoded == 0);
}

TEST_CASE("A pack is made again when a source changes", "[pack]") {
  const TemporaryFolder folder;
  const std::string place = folder_of_images(folder);
  open_dataset(place, packed());
  auto changed = [&](const char* what) {
    INFO(what);
    const auto [data, decoded] = opened(place, packed());
    CHECK(decoded > 0);
    CHECK(bytes_of(data.train) == bytes_of(open_dataset(place, small()).train));
    REQUIRE_FALSE(data.notes.empty());
    CHECK_THAT(data.notes.back(), Contains("images or their list have changed"));
    CHECK(opened(place, packed()).decoded == 0);
  };
  write_png(place + "/a/03.png", pattern(30, 30, 99));
  changed("another image in its place");
  const auto time = fs::last_write_time(place + "/b/00.png");
  fs::last_write_time(place + "/b/00.png", time + std::chrono::seconds(2));
  changed("touched");
  fs::remove(place + "/a/05.png");
  changed("an image less");
  write_png(place + "/a/77.png", pattern(20, 20, 5));
  changed("an image more");
  DataOptions larger = packed();
  larger.load_size = 20;
  CHECK(opened(place, larger).decoded > 0);
}

TEST_CASE("A pack that is damaged, or no pack, is made again", "[pack]") {
  const TemporaryFolder folder;
  const std::string place = folder_of_images(folder);
  open_dataset(place, packed());
  const std::string train = packs_in(place + "/.tweed-pack")[0].string();
  const std::string whole = read_file(train, 1 << 24);
  std::vector<std::string> others{"",
                                  "no pack",
                                  whole.substr(1),
                                  whole.substr(0, whole.size() - 1),
                                  whole.substr(0, 100),
                                  whole + "x"};
  std::string wrong = whole;
  wrong[whole.size() - 15] = 1;  // a longer description
  others.push_back(wrong);
  wrong = whole;
  wrong.replace(whole.find("\"listed\""), 8, "\"lasted\"");
  others.push_back(wrong);
  wrong = whole;
  wrong.replace(whole.find("\"side\":18"), 9, "\"side\":17");
  others.push_back(wrong);
  for (auto& content : others) {
    put_text(train, content);
    CHECK_THROWS_AS(read_pack(train), FormatError);
    CHECK(opened(place, packed()).decoded > 0);
    CHECK(read_file(train, 1 << 24) == whole);
  }
  fs::remove(train);
  fs::create_symlink("/nowhere", train);
  CHECK(opened(place, packed()).decoded > 0);
  CHECK(read_file(train, 1 << 24) == whole);
}

TEST_CASE("Damaged images are left out of a pack, and named each time", "[pack]") {
  const TemporaryFolder folder;
  const std::string place = folder_of_images(folder, 60);
  put_text(place + "/b/07.png", read_file(place + "/b/07.png", 1 << 20).substr(0, 60));
  for (int i = 0; i < 2; ++i) {
    const auto [data, decoded] = opened(place, packed());
    CHECK(decoded == (i ? 0 : 120));
    REQUIRE(data.damaged.size() == 1);
    CHECK_THAT(data.damaged[0].file, Contains("07.png"));
    CHECK_THAT(data.damaged[0].reason, Contains("PNG is damaged"));
    CHECK(data.train.size() + data.validation.size() == 119);
    CHECK(bytes_of(data.train) == bytes_of(open_dataset(place, small()).train));
  }
  for (const char* name : {"/b/08.png", "/a/09.png"}) put_text(place + name, "nothing");
  for (int i = 0; i < 2; ++i)
    CHECK_THROWS_WITH(open_dataset(place, packed()), Contains("3 of 120 images are damaged"));
}

TEST_CASE("Who stops packing finds no pack; one elsewhere needs no room beside the data",
          "[pack]") {
  const TemporaryFolder folder;
  const std::string place = folder_of_images(folder);
  DataOptions options = packed();
  options.pack_folder = folder.path() + "/elsewhere/packs";
  options.cancelled = [] { return true; };
  CHECK_THROWS_WITH(open_dataset(place, options), Contains("stopped"));
  CHECK(packs_in(options.pack_folder).empty());
  options.cancelled = {};
  open_dataset(place, options);
  CHECK(packs_in(options.pack_folder).size() == 2);
  CHECK_FALSE(fs::exists(place + "/.tweed-pack"));
  options.pack_folder = place + "/a/00.png";
  CHECK_THROWS_WITH(open_dataset(place, options), Contains("cannot be written"));
  // A data set outlives what it is opened from.
  options.pack_folder = folder.path() + "/elsewhere/packs";
  const Dataset train = open_dataset(place, options).train;
  for (auto& file : packs_in(options.pack_folder)) fs::remove(file);
  CHECK(train.image(3) == Dataset(train).image(3));
}
