// vanishing_gradients as a user runs it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "data/image.h"
#include "tests/apps/apps_support.h"
#include "tests/catch.h"

using namespace tweed;
using nlohmann::json;

namespace {

double largest(const json& numbers) {
  double result = 0;
  for (auto& v : numbers) result = std::max(result, v.get<double>());
  return result;
}

}  // namespace

TEST_CASE("vanishing_gradients: they vanish with depth, and not with the cures") {
  const TemporaryFolder folder;
  const std::string data = folder / "data", out = folder / "v.png";
  write_data(data);
  const Words start{data, "--out", out, "--iterations", "2", "-b", "6", "--json"};
  const json all = json::parse(succeeded("vanishing_gradients", start).out);
  REQUIRE(all["networks"].size() == 4);
  auto gradient = [&](std::size_t i) { return largest(all["networks"][i]["first_gradient"]); };
  CHECK(all["networks"][1]["model"] == "conv_only_deep");
  CHECK(gradient(1) < 1e-5 * gradient(0));
  CHECK(gradient(2) > 1e-2 * gradient(0));
  CHECK(gradient(3) > 1e-2 * gradient(0));
  for (auto& network : all["networks"]) CHECK(network["loss"].size() == 2);
  CHECK(decode_image(out).width > 1000);

  auto course = [&](const char* more) {
    return json::parse(
        succeeded("vanishing_gradients", start + split("--models conv_only") + split(more)).out);
  };
  const json usual = course("");
  CHECK(usual["networks"][0]["loss"] == all["networks"][0]["loss"]);
  for (const char* flag : {"--iterations 3", "-b 4", "--lr 0.5", "--seed 3", "--classes 2"}) {
    INFO(flag);
    CHECK(course(flag)["networks"] != usual["networks"]);
  }
  CHECK(course("--workers 0")["networks"] == usual["networks"]);
}

TEST_CASE("vanishing_gradients: what cannot be is refused in a line") {
  const TemporaryFolder folder;
  const Words start{"tiny", "--out", folder / "v.png"};
  auto refused = [&](const char* flags, const char* what) {
    check_refused(run_app("vanishing_gradients", start + split(flags)), what);
  };
  refused("--models conv_only,nothing", "nothing");
  refused("--lr 0", "--lr");
  refused("--iterations 0", "--iterations");
  refused("--image-size 16 --models conv_only", "cannot take images of 16x16");
}
