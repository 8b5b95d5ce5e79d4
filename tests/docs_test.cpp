// The documentation's code is the code that is compiled.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <regex>
#include <sstream>

#include "nn/activation.h"
#include "nn/models/models.h"
#include "nn/summary.h"

using namespace tweed;

static std::string text_of(const std::string& path) {
  std::ifstream file(std::string(TWEED_SOURCE_DIR) + "/" + path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST_CASE("adding-an-op.md shows the files that are compiled") {
  std::string page = text_of("docs/adding-an-op.md");
  for (const char* name : {"swish.h", "swish.cu", "swish_op.h", "swish_op.cpp", "swish_test.cpp"}) {
    INFO(name);
    CHECK(page.find("```cpp\n" + text_of("docs/examples/swish/" + std::string(name)) + "```") !=
          std::string::npos);
  }
}

TEST_CASE("README.md shows the program that is compiled") {
  CHECK(text_of("README.md").find(text_of("docs/examples/ten_lines.cpp")) != std::string::npos);
}

TEST_CASE("models.md has every network with its size, and the JSON file that is tested") {
  const std::string page = text_of("docs/models.md");
  CHECK(page.find("```json\n" + text_of("docs/examples/network.json") + "```") !=
        std::string::npos);
  for (auto& name : activation_names()) CHECK(page.find("`" + name + "`") != std::string::npos);

  std::istringstream numbers(std::regex_replace(page, std::regex("(\\d),(?=\\d{3})"), "$1"));
  const std::regex row(R"(\| `(\w+)` \| .* \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|)");
  std::smatch found;
  std::vector<std::string> names;
  for (std::string line; std::getline(numbers, line);) {
    if (!std::regex_match(line, found, row)) continue;
    INFO(line);
    names.push_back(found[1]);
    const int64_t size = std::stoll(found[2]);
    auto network = make_model(found[1], {.classes = std::stoll(found[3])});
    int64_t multiply_adds = 0;
    for (auto& cost : layer_costs(*network, {1, size, size, 3}))
      multiply_adds += cost.multiply_adds;
    CHECK(network->parameter_count() == std::stoll(found[4]));
    CHECK((multiply_adds + 500'000) / 1'000'000 == std::stoll(found[5]));
  }
  std::sort(names.begin(), names.end());
  CHECK(names == model_names());
}
