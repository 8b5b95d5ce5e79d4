// What is handed in: predictions.txt for the MiniPlaces challenge's test images, by
// scripts/zip_submission, on a tree like the official one; and how large weights are.
#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/paths.h"
#include "kernels/machine/printable.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// In no order of their names; one is nested.
const Words categories = {"w/waterfall",    "a/abbey",       "b/bakery/shop", "c/coast",
                          "b/beauty_salon", "p/phone_booth", "k/kitchen"};

std::string file_name(int number) { return formatted("%08d.jpg", number); }

// Seven classes of photos with lists, and test images of which nobody says what they show.
void write_miniplaces(const std::string& root) {
  std::string names, train, val;
  fs::create_directories(root + "/images/val");
  fs::create_directories(root + "/images/test");
  for (std::size_t c = 0; c < categories.size(); ++c) {
    const std::string folder = "train/" + categories[c], label = " " + std::to_string(c) + "\n";
    fs::create_directories(root + "/images/" + folder);
    names += "/" + categories[c] + label;
    for (int i = 1; i <= 4; ++i) {
      write_photo(root + "/images/" + folder + "/" + file_name(i), int(c) + 7 * i);
      train += folder + "/" + file_name(i) + label;
    }
    const std::string image = "val/" + file_name(int(c) + 1);
    write_photo(root + "/images/" + image, int(c));
    val += image + label;
  }
  for (int i : {11, 2, 1, 10, 3, 9, 12}) write_photo(root + "/images/test/" + file_name(i), i);
  write_text(root + "/categories.txt", names);
  write_text(root + "/train.txt", train);
  write_text(root + "/val.txt", val);
}

std::string script() { return source_path("scripts/zip_submission"); }

Outcome pack(const Words& arguments) {
  return run_program(
      Words{"/usr/bin/env", "OMP_NUM_THREADS=1",
            "TWEED_PROGRAMS=" + fs::path(program_path("classify")).parent_path().string(),
            script()} +
      arguments);
}

std::string unpacked(const std::string& archive, const std::string& name) {
  TemporaryFolder folder;
  const Outcome o = run_program(
      {"/bin/sh", "-c", "cd '" + folder.path() + "' && cmake -E tar xf '" + archive + "'"});
  INFO(o.err);
  REQUIRE(o.code == 0);
  return bytes_of(folder / name);
}

// What classify says, in the challenge's lines: labels are places in `categories`.
std::string lines_of_classify(const std::string& run, const std::string& images) {
  const Outcome o = run_app("classify", {images, "--weights", run, "--top", "5", "--json"});
  std::map<std::string, std::string> lines;  // by name, so in its order
  const json answered = json::parse(o.out);
  for (auto& photo : answered.at("photos")) {
    const std::string name =
        "test/" + fs::path(photo.at("file").get<std::string>()).filename().string();
    lines[name] = name;
    for (auto& answer : photo.at("answers")) {
      const std::string is = answer.at("class");
      const auto found = std::find_if(categories.begin(), categories.end(),
                                      [&](auto& c) { return c.substr(2) == is; });
      lines[name] += " " + std::to_string(found - categories.begin());
    }
  }
  std::string all;
  for (auto& [name, line] : lines) all += line + "\n";
  return all;
}

}  // namespace

TEST_CASE("zip_submission --test writes the challenge's lines for a tree like MiniPlaces") {
  if (!fs::exists(script())) {
    WARN("skipped: the scripts are not here");
    return;
  }
  TemporaryFolder folder;
  const std::string data = folder / "mini places", test = data + "/images/test";
  write_miniplaces(data);
  const auto train_on = [&](const std::string& name, const Words& more) {
    const Words words =
        Words{data, "--out", folder / name} +
        split("--image-size 32 --batch-size 4 --epochs 1 --warmup 0 --model simplenet");
    REQUIRE(run_app("train_miniplaces", words + more).code == 0);
    return folder / name;
  };
  const std::string all = train_on("all", {});
  // A network that counts its own classes otherwise.
  const std::string some =
      train_on("some", {"--classes", "kitchen,coast,abbey,phone_booth,bakery/shop"});
  for (auto& run : {all, some}) {
    const Outcome o = pack({run, folder / "mine.zip", "--test", test});
    INFO(o.err);
    REQUIRE(o.code == 0);
    CHECK_THAT(o.out,
               Contains("predictions.txt: 7 images, labels as in " + data + "/categories.txt"));
    const std::string lines = unpacked(folder / "mine.zip", "predictions.txt");
    CHECK(lines == lines_of_classify(run, test));
    std::istringstream in(lines);
    Words names;
    for (std::string line; std::getline(in, line);) {
      const Words words = split(line);
      CHECK(words.size() == 6);
      CHECK(std::set<std::string>(words.begin() + 1, words.end()).size() == 5);
      names.push_back(words[0]);
    }
    CHECK(names.size() == 7);
    CHECK(names.front() == "test/00000001.jpg");
    CHECK(names.back() == "test/00000012.jpg");
    CHECK(std::is_sorted(names.begin(), names.end()));
  }
  // Of "some", kitchen is the first: in the lists it is the last.
  CHECK_THAT(unpacked(folder / "mine.zip", "predictions.txt"), Contains(" 6"));
}

TEST_CASE("zip_submission refuses what would be no submission") {
  if (!fs::exists(script())) {
    WARN("skipped: the scripts are not here");
    return;
  }
  TemporaryFolder folder;
  const TrainedNetwork t;
  const std::string test = folder / "images/test", zip = folder / "mine.zip";
  fs::create_directories(test);
  const auto refused = [&](const std::string& what, int code = 1) {
    const Outcome o = pack({t.out, zip, "--test", test});
    INFO(o.err);
    CHECK(o.code == code);
    CHECK_THAT(o.err, Contains(what));
    CHECK(!fs::exists(zip));
  };
  refused("has no images");
  write_photo(test + "/1.jpg", 1);
  refused("the network knows 3 classes, and the challenge wants the five best");
  write_text(folder / "categories.txt", "/x/elsewhere 0\n");
  refused("has no category ");
  write_text(test + "/2.jpg", "no photo");
  refused("skipped ");
  fs::remove_all(test);
  refused("There is no folder", 2);
}

TEST_CASE("How large weights are is said, with ways out where they are too large to hand in") {
  const TrainedNetwork small;
  const std::string size = formatted("%.1f MB", double(fs::file_size(small.best)) / 1e6);
  const Outcome o = run_app("evaluate", {small.out, small.data});
  CHECK(o.err == "");
  CHECK_THAT(o.out, Contains(small.best + ": " + size + ", 1,587 parameters\n"));
  const json said = json::parse(run_app("evaluate", {small.out, small.data, "--json"}).out);
  CHECK(said.at("weights").at("bytes") == fs::file_size(small.best));
  CHECK(said.at("weights").at("parameters") == 1587);

  // 2.6 million parameters: 10.4 MB, or half of that.
  TemporaryFolder folder;
  write_text(folder / "large.json", R"({"layers": [{"type": "AdaptiveAvgPool2d", "output_size": 8},
    {"type": "Flatten"}, {"type": "Linear", "in_features": 192, "out_features": 13300},
    {"type": "Linear", "in_features": 13300, "out_features": "classes"}]})");
  const auto train_large = [&](const Words& more) {
    return run_app("train_miniplaces",
                   Words{small.data, "--model", folder / "large.json", "--overwrite", "--out",
                         folder / "large"} +
                       split("--image-size 16 --batch-size 4 --epochs 1 --warmup 0 --lr 1e-4") +
                       more);
  };
  const std::string note =
      "note: best.safetensors is larger than the 10.0 MB that coursework may be "
      "handed in with: --half-weights";
  const Outcome large = train_large({});
  INFO(large.out);
  CHECK(large.err.starts_with(note));
  CHECK(line_count(large.err) == 1);
  CHECK_THAT(large.out, Contains("best.safetensors: 10.4 MB, 2,606,803 parameters\n"));
  CHECK_THAT(run_app("evaluate", {folder / "large", small.data}).err,
             Contains("larger than the 10.0 MB"));
  const Outcome half = train_large({"--half-weights"});
  CHECK(half.err == "");
  CHECK_THAT(half.out, Contains("best.safetensors: 5.2 MB, 2,606,803 parameters\n"));
}
