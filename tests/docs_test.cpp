// The documentation's code is the code that is compiled.
#include <catch2/catch.hpp>
#include <fstream>
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
