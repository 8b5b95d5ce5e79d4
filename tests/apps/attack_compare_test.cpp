// pgd_attack --compare: two networks side by side.
#include <nlohmann/json.hpp>

#include "data/image.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;

namespace {

// What pgd_attack says of one network: clean, then each eps.
std::vector<double> alone(const Words& words) {
  const auto found = nlohmann::json::parse(succeeded("pgd_attack", words).out);
  std::vector<double> top1{found["clean"]["top1"]};
  for (auto& entry : found["table"]) top1.push_back(entry["top1"]);
  return top1;
}

std::vector<double> figures(const nlohmann::json& compared) {
  std::vector<double> top1{compared["clean"]["top1"]};
  for (auto& entry : compared["table"]) top1.push_back(entry["top1"]);
  return top1;
}

}  // namespace

TEST_CASE("--compare has of each network the figures that it has alone, and draws both") {
  TemporaryFolder root;
  const std::string folder = root.path(), second = folder + "/second", curve = folder + "/c.png";
  REQUIRE(train(second, Words{"--seed", "9", "--epochs", "2"}).code == 0);
  const Words usual = Words{"tiny", "--out", folder + "/p.png", "--curve", curve, "--json"} +
                      split("--eps 2/255,16/255 --steps 2 --images 10");
  const std::string first = folder + "/first";
  REQUIRE(train(first, split("--epochs 1")).code == 0);
  const auto both = nlohmann::json::parse(
      succeeded("pgd_attack", Words{first} + usual + Words{"--compare", second}).out);
  REQUIRE(both["compared"].size() == 2);
  CHECK(both["compared"][0]["weights"] == first);
  CHECK(both["compared"][1]["weights"] == second);
  CHECK(figures(both["compared"][0]) == alone(Words{first} + usual));
  CHECK(figures(both["compared"][1]) == alone(Words{second} + usual));
  CHECK(decode_image(curve).width > 100);
}

TEST_CASE("--compare refuses what is not there, and networks of other classes or sizes") {
  TemporaryFolder folder;
  const std::string first = folder / "first";
  REQUIRE(train(first, split("--epochs 1")).code == 0);
  auto trained = [&](const std::string& flags) {
    REQUIRE(train(folder / "other", split("--epochs 1 --overwrite " + flags)).code == 0);
    return folder / "other";
  };
  const Words start{first, "tiny", "--out", folder / "p.png", "--compare"};
  auto refused = [&](const std::string& other, const std::string& what) {
    check_refused(run_app("pgd_attack", start + Words{other}), what);
  };
  refused(folder / "nowhere", "cannot be read");
  write_text(folder / "broken.safetensors", "none");
  refused(folder / "broken.safetensors", "broken.safetensors");
  refused("", "the name of the checkpoint is empty");
  refused(trained("--classes 4"), "know 4 and 3 classes, and cannot be compared");
  refused(trained("--image-size 24"), "see images of 24x24 and 16x16; --image-size gives both");
  CHECK(run_app("pgd_attack", start + Words{folder / "other"} +
                                  split("--image-size 24 --steps 1 --curve " + (folder / "c.png")))
            .code == 0);
  const TrainedNetwork t;  // of classes a, b, c
  refused(t.best, "know other classes, or in another order");
}
