// Pages show code that is compiled and link to what is there; the chapters of docs/course, what
// programs really print.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "apps/paths.h"
#include "tests/apps/process.h"
#include "tests/catch.h"

using namespace tweed;
namespace fs = std::filesystem;

namespace {

using Lines = std::vector<std::string>;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}
Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The pages of the course: its contents and the chapters.
std::vector<fs::path> pages() {
  std::vector<fs::path> found;
  for (auto& entry : fs::directory_iterator(source_path("docs/course")))
    if (entry.path().extension() == ".md") found.push_back(entry.path());
  std::sort(found.begin(), found.end());
  REQUIRE(found.size() >= 2);
  return found;
}
// Those, and every other page of the tree.
std::vector<fs::path> all_pages() {
  std::vector<fs::path> found{source_path("README.md"), source_path("emulator/README.md")};
  for (const char* folder : {"docs", "exercises"})
    for (auto& entry : fs::recursive_directory_iterator(source_path(folder)))
      if (entry.path().extension() == ".md") found.push_back(entry.path());
  return found;
}
bool is_chapter(const fs::path& page) { return page.filename() != "README.md"; }

// A fenced block, with the line above it.
struct Block {
  std::string above, language;
  Lines lines;
};
std::vector<Block> blocks_of(const fs::path& page) {
  std::vector<Block> blocks;
  bool open = false;
  std::string before;
  for (auto& line : lines_of(text_of(page))) {
    if (line.rfind("```", 0) == 0) {
      open = !open;
      if (open) blocks.push_back({before, line.substr(3), {}});
    } else if (open) {
      blocks.back().lines.push_back(line);
    }
    before = line;
  }
  INFO(page);
  CHECK_FALSE(open);
  return blocks;
}

// Whether the lines stand in the file one after another, all indented by the same number of spaces.
bool stands_in(const Lines& file, const Lines& part) {
  const auto fits = [&](std::size_t at) {
    const std::size_t size = file[at].size();
    if (size < part[0].size()) return false;
    const std::string indent = file[at].substr(0, size - part[0].size());
    if (indent.find_first_not_of(' ') != std::string::npos) return false;
    for (std::size_t i = 0; i < part.size(); ++i)
      if (file[at + i] != (part[i].empty() ? "" : indent + part[i])) return false;
    return true;
  };
  for (std::size_t at = 0; at + part.size() <= file.size(); ++at)
    if (fits(at)) return true;
  return false;
}

// The text without what is fenced, which may look like links and headings.
std::string without_blocks(const fs::path& page) {
  std::string text;
  bool open = false;
  for (auto& line : lines_of(text_of(page))) {
    if (line.rfind("```", 0) == 0)
      open = !open;
    else if (!open)
      text += line + "\n";
  }
  return text;
}

// The anchors of a page's headings, as GitHub and the built site make them.
std::set<std::string> anchors_of(const fs::path& page) {
  std::set<std::string> anchors;
  for (auto& line : lines_of(without_blocks(page))) {
    const auto start = line.find_first_not_of('#');
    if (start == 0 || start == std::string::npos || line[start] != ' ') continue;
    std::string anchor;
    for (unsigned char c : line.substr(start + 1)) {
      if (std::isalnum(c) || c == '-' || c == '_') anchor += char(std::tolower(c));
      if (c == ' ') anchor += '-';
    }
    anchors.insert(anchor);
  }
  return anchors;
}

struct Link {
  std::string target, anchor;
};
std::vector<Link> links_of(const fs::path& page) {
  const std::string text = without_blocks(page);
  const std::regex link(R"(\]\(([^)#\s]*)(?:#([^)\s]*))?\))");
  std::vector<Link> links;
  for (auto i = std::sregex_iterator(text.begin(), text.end(), link); i != std::sregex_iterator();
       ++i)
    links.push_back({(*i)[1], (*i)[2]});
  return links;
}
bool is_elsewhere(const Link& link) { return link.target.rfind("http", 0) == 0; }
fs::path file_of(const fs::path& page, const Link& link) {
  return link.target.empty() ? page : (page.parent_path() / link.target).lexically_normal();
}

}  // namespace

TEST_CASE("Every listing of a page is a piece of the file that it names") {
  const std::regex comment("<!-- from (\\S+) -->");
  int listings = 0;
  for (auto& page : all_pages())
    for (auto& block : blocks_of(page)) {
      if (block.language != "cpp") continue;
      INFO(page << ": " << (block.lines.empty() ? "an empty block" : block.lines[0]));
      std::smatch file;
      REQUIRE(std::regex_match(block.above, file, comment));
      REQUIRE_FALSE(block.lines.empty());
      CHECK(stands_in(lines_of(text_of(source_path(file[1]))), block.lines));
      ++listings;
    }
  CHECK(listings > 0);
}

TEST_CASE("The course shows what its programs print") {
  const std::regex comment("<!-- printed by course_(\\w+) -->");
  std::map<std::string, Lines> shown;
  for (auto& page : pages())
    for (auto& block : blocks_of(page)) {
      std::smatch program;
      if (std::regex_match(block.above, program, comment)) shown[program[1]] = block.lines;
    }
  for (auto& entry : fs::directory_iterator(source_path("docs/examples/course"))) {
    const std::string name = entry.path().stem().string();
    INFO(name);
    REQUIRE(shown.count(name) == 1);
    // With blocks of other sizes the pool would say other things.
    const Outcome o =
        run_program({"/usr/bin/env", "-u", "TWEED_EXACT_POOL", program_path("course_" + name)});
    CHECK(o.code == 0);
    CHECK(o.err == "");
    CHECK(lines_of(o.out) == shown[name]);
    shown.erase(name);
  }
  for (auto& [name, lines] : shown) CHECK(name == "a program of docs/examples/course");
}

TEST_CASE("What a page links to is there") {
  for (auto& page : all_pages())
    for (auto& link : links_of(page)) {
      if (is_elsewhere(link)) continue;
      INFO(page << ": " << link.target << "#" << link.anchor);
      const fs::path file = file_of(page, link);
      CHECK(fs::exists(file));
      if (!link.anchor.empty()) CHECK(anchors_of(file).count(link.anchor) == 1);
    }
}

TEST_CASE("Every exercise belongs to a chapter, and every chapter to the contents") {
  std::set<fs::path> linked, contents;
  for (auto& page : pages())
    for (auto& link : links_of(page))
      if (!is_elsewhere(link)) (is_chapter(page) ? linked : contents).insert(file_of(page, link));
  for (auto& entry : fs::directory_iterator(source_path("exercises"))) {
    const fs::path sheet = (entry.path() / "README.md").lexically_normal();
    INFO(sheet);
    if (fs::exists(sheet)) CHECK(linked.count(sheet) == 1);
  }
  for (auto& page : pages()) {
    if (!is_chapter(page)) continue;
    INFO(page);
    CHECK(contents.count(page.lexically_normal()) == 1);
    const auto anchors = anchors_of(page);
    CHECK(anchors.count("exercises") == 1);
    CHECK(anchors.count("read-on") == 1);
  }
}
