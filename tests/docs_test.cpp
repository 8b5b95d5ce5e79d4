// The documentation's code is the code that is compiled.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

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

// The functions of the headers that users include, and those in the tables of operations.md.
static std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (auto i = std::sregex_iterator(text.begin(), text.end(), expression);
       i != std::sregex_iterator(); ++i)
    found.insert((*i)[1]);
  return found;
}

TEST_CASE("operations.md lists the functions of every header, and no others") {
  // For those who write operations or use the graph, not operations themselves.
  const std::set<std::string> others{"graph.h", "dispatch.h", "gradcheck.h", "conv_passes.h",
                                     "bias_backward.h"};
  const std::string page = text_of("docs/operations.md");
  std::set<std::string> headers;
  for (auto& entry : std::filesystem::directory_iterator(TWEED_SOURCE_DIR "/autograd")) {
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
