// fool as a user runs it.
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "data/image.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;

namespace {

int largest_change(const Image& a, const Image& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i)
    largest = std::max(largest, std::abs(int(a.pixels[i]) - int(b.pixels[i])));
  return largest;
}

// Exactly the target's probability that `classify` gives the file.
double classified(const TrainedNetwork& t, const std::string& file, const std::string& name) {
  const json all = json::parse(succeeded("classify", {file, "--weights", t.best, "--top", "3",
                                                      "--resize", "32", "--crop", "32", "--json"})
                                   .out);
  for (auto& answer : all["photos"][0]["answers"])
    if (answer["class"] == name) return answer["probability"];
  return -1;
}

}  // namespace

TEST_CASE("fool: a photo becomes what it is asked to be, and its file is taken for that") {
  const TrainedNetwork t;
  const std::string out = t.folder / "fool.png", kept = t.folder / "kept";
  const Words start{t.photo, "--weights", t.best, "--out", out, "--save", kept, "--json"};
  const std::string first =
      json::parse(succeeded("fool", start).out)["images"][0]["before"]["answer"]["class"];
  const std::string wanted = first == "c" ? "a" : "c";
  const json all = json::parse(succeeded("fool", start + Words{"--target", wanted, "--eps", "0.9",
                                                               "--steps", "300", "--until", "0.5"})
                                   .out);
  const json image = all["images"][0];
  CHECK(image["before"]["answer"]["class"] == first);
  CHECK(image["after"]["answer"]["class"] == wanted);
  CHECK(image["reached"].get<double>() >= 0.5);
  CHECK(image["steps"].get<int>() > 0);
  CHECK(decode_image(out).width > 300);
  // What was said of the picture is so of the file.
  const std::string file = kept + "/01-photo.png";
  CHECK(classified(t, file, wanted) == Approx(image["after"]["target"].get<double>()).margin(1e-4));
  CHECK(image["reached"].get<double>() ==
        Approx(image["after"]["target"].get<double>()).margin(1e-4));
}

TEST_CASE("fool: each flag counts") {
  const TrainedNetwork t;
  const std::string out = t.folder / "fool.png", kept = t.folder / "kept";
  const Words start{t.photo, "--weights", t.best, "--out", out, "--steps", "5", "--json"};
  const std::string usual = succeeded("fool", start).out;
  for (const char* flag : {"--sign", "--lambda 0.5", "--until 0.3", "--steps 2", "--step 3/255",
                           "--eps 1/255", "--target least", "--transforms", "--mean 0.3",
                           "--std 0.5", "--resize 40x40", "--crop 24"}) {
    INFO(flag << "\n" << usual);
    CHECK(succeeded("fool", start + split(flag)).out != usual);
  }
  succeeded("fool", start + Words{"--eps", "2/255", "--save", kept});
  const std::string file = kept + "/01-photo.png";
  const Image saved = decode_image(file);
  const Image original =
      center_crop(resize_short_side(decode_image(t.photo), saved.height * 9 / 8), saved.height);
  CHECK(largest_change(saved, original) == 2);
  const Outcome changed = succeeded("fool", start + Words{"--transforms"});
  for (const char* name : {"mirrored", "80 % of it", "turned by 30 degrees", "grey"})
    CHECK_THAT(changed.out, Contains(name));
}

TEST_CASE("fool: images of each class, and another network") {
  const TrainedNetwork t;
  const std::string other = t.folder / "other";
  train(other, {"--seed", "9"});
  const json all = json::parse(
      succeeded("fool", {t.data, "--per-class", "2", "--weights", t.best, "--sign", "--until",
                         "0.8", "--transfer", t.best, "--out", t.folder / "f.png", "--json"})
          .out);
  CHECK(all["images"].size() == 6);
  for (auto& image : all["images"]) CHECK(image["target"] != image["label"]);
  // The network itself is as good an other network as any: it has to be fooled as often.
  CHECK(all["networks"].size() == 2);
  CHECK(all["networks"][0]["as_target"] == all["networks"][1]["as_target"]);
  CHECK(all["networks"][0]["as_target"].get<double>() > 50);
}

TEST_CASE("fool: what cannot be is refused in a line") {
  const TrainedNetwork t;
  const Words start{t.photo, "--weights", t.best, "--out", t.folder / "f.png"};
  auto refused = [&](const char* flags, const char* what) {
    INFO(flags);
    check_refused(run_app("fool", start + split(flags)), what);
  };
  refused("--target 3", "--target takes second, least, or a class of the network");
  refused("--target dog", "0 to 2, not 'dog'");
  refused("--eps 8", "--eps takes a number");
  refused("--eps -1/255", "--eps");
  refused("--lambda 2 --step 1/255", "--step has no effect with --lambda");
  refused("--sign --lambda 2", "--sign and --lambda are two ways");
  refused("--transfer-model resnet20", "--transfer-model");
  refused("--transfer nothing.safetensors", "nothing.safetensors");
  refused("--until 0", "--until");
  check_refused(
      run_app("fool", {t.folder / "none.png", "--weights", t.best, "--out", t.folder / "f.png"}),
      "none.png", 2);
}
