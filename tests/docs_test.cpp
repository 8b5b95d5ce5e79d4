// The documentation's code is the code that is compiled.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "apps/paths.h"
#include "attacks/attack.h"
#include "nn/activation.h"
#include "nn/models/models.h"
#include "nn/summary.h"
#include "tests/catch.h"

using namespace tweed;

static std::string text_of(const std::string& path) {
  std::ifstream file(source_path(path));
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What the pattern's first group matches, anywhere in a text.
static std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (auto i = std::sregex_iterator(text.begin(), text.end(), expression);
       i != std::sregex_iterator(); ++i)
    found.insert((*i)[1]);
  return found;
}

TEST_CASE("adding-an-op.md shows the files that are compiled") {
  std::string page = text_of("docs/adding-an-op.md");
  for (const char* name : {"swish.h", "swish.cu", "swish_op.h", "swish_op.cpp", "swish_test.cpp"}) {
    INFO(name);
    CHECK(page.find("```cpp\n" + text_of("docs/examples/swish/" + std::string(name)) + "```") !=
          std::string::npos);
  }
}

TEST_CASE("README.md and your-own.md show the programs that are compiled") {
  auto shows = [](const char* page, const char* program) {
    INFO(page << " " << program);
    CHECK(text_of(page).find("```cpp\n" + text_of(std::string("docs/examples/") + program) +
                             "```") != std::string::npos);
  };
  shows("README.md", "ten_lines.cpp");
  shows("README.md", "places.cpp");
  shows("docs/your-own.md", "my_network.cpp");
  shows("docs/your-own.md", "my_conv/my_conv.cpp");
  shows("docs/your-own.md", "my_conv/main.cpp");
}

TEST_CASE("The files that README.md explains the framework by have at most 1,500 lines") {
  const std::string page = text_of("README.md");
  const auto at = page.find("\n## The framework in 1,500 lines\n");
  REQUIRE(at != std::string::npos);
  const std::string section = page.substr(at, page.find("\n## ", at + 1) - at);
  const std::regex file("`([\\w/]+\\.(?:h|cpp|cu))`");
  std::ptrdiff_t lines = 0, files = 0;
  for (auto i = std::sregex_iterator(section.begin(), section.end(), file);
       i != std::sregex_iterator(); ++i, ++files) {
    INFO(std::string((*i)[1]));
    const std::string text = text_of((*i)[1]);  // which requires that it is there
    lines += std::count(text.begin(), text.end(), '\n');
  }
  CHECK(files >= 10);
  CHECK(lines <= 1500);
  CHECK(lines >= 1350);  // "about 1,400"
}

TEST_CASE("operations.md lists the functions of every header, and no others") {
  // For those who write operations or use the graph, not operations themselves.
  const std::set<std::string> others{
      "graph.h",           "describe.h",     "dispatch.h",         "gradcheck.h",   "products.h",
      "channel_moments.h", "non_finite.h",   "leaf_additions.h",   "graph_stats.h", "node.h",
      "shapes_text.h",     "saved_memory.h", "window_options.h",   "loss_parts.h",  "broadcast.h",
      "batches.h",         "checks.h",       "gradient_observer.h"};
  const std::string page = text_of("docs/operations.md");
  std::set<std::string> headers;
  for (auto& entry : std::filesystem::directory_iterator(source_path("autograd"))) {
    const std::string name = entry.path().filename().string();
    if (entry.path().extension() != ".h" || others.count(name)) continue;
    headers.insert(name);
    INFO(name);
    const auto declared = matches(text_of("autograd/" + name),
                                  "\n(?:Tensor|TopK|std::vector<Tensor>|int64_t) (\\w+)\\(");
    const auto start = page.find("\n## " + name + "\n");
    REQUIRE(start != std::string::npos);
    const std::string section = page.substr(start, page.find("\n## ", start + 1) - start);
    std::set<std::string> listed;
    std::istringstream lines(section);
    for (std::string line; std::getline(lines, line);)
      if (line.rfind("| `", 0) == 0)
        listed.merge(matches(line.substr(0, line.find('|', 1)), "`(\\w+)`"));
    CHECK(listed == declared);
  }
  for (auto& title : matches(page, "\n## (\\w+\\.h)\n")) CHECK(headers.count(title) == 1);
}

TEST_CASE("models.md has every network with its size, and the JSON file that is tested") {
  const std::string page = text_of("docs/models.md");
  for (const char* example : {"network.json", "blocks.json"})
    CHECK(page.find("```json\n" + text_of(std::string("docs/examples/") + example) + "```") !=
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

TEST_CASE("attacks.md has a row for every attack, with its norms") {
  const std::string page = text_of("docs/attacks.md");
  for (auto& name : attack_names()) {
    INFO(name);
    const std::regex row("\n\\| [^|]*`" + name + "`[^|]*\\| ([^|]*) \\|");
    std::smatch found;
    REQUIRE(std::regex_search(page, found, row));
    const AttackKind& kind = attack_kind(name);
    const std::string norms =
        std::string(found[1]) == "all" ? "Linf, L2, L1" : std::string(found[1]);
    CHECK(norms == kind.norms + (kind.bounded ? "" : ", no eps"));
  }
}
