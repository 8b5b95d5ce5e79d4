// Prints what a checker finds; --json writes it as Gradescope and GitHub Classroom read it. --movie
// makes a page of the first launch, or of that of --kernel NAME.
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "exercises/sheet.h"
#include "record/movie/movie_page.h"

using namespace tweed::exercise;

namespace {

void print(const Sheet& sheet) {
  for (auto& f : sheet.findings()) {
    const std::string text = f.note.empty() ? f.name : f.name + ": " + f.note;
    if (f.most == 0) {
      std::printf("       %s\n", text.c_str());
      continue;
    }
    std::printf("%s  %s  (%g of %g)\n", f.advice.empty() ? "ok   " : "WRONG", text.c_str(),
                f.points, f.most);
    if (!f.advice.empty()) std::printf("       %s\n", f.advice.c_str());
  }
  std::printf("%g of %g points\n", sheet.points(), sheet.most());
}

void print_json(const Sheet& sheet) {
  nlohmann::ordered_json tests = nlohmann::ordered_json::array();
  for (auto& f : sheet.findings())
    tests.push_back({{"name", f.name},
                     {"score", f.points},
                     {"max_score", f.most},
                     {"status", f.advice.empty() ? "passed" : "failed"},
                     {"output", f.advice.empty() ? f.note : f.advice}});
  const nlohmann::ordered_json all{
      {"score", sheet.points()}, {"max_score", sheet.most()}, {"tests", tests}};
  std::puts(all.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

struct Flags {
  bool json = false;
  std::string movie, kernel;
};
std::optional<Flags> flags_of(int argc, char** argv) {
  Flags flags;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--json")
      flags.json = true;
    else if (word == "--movie" && i + 1 < argc)
      flags.movie = argv[++i];
    else if (word == "--kernel" && i + 1 < argc)
      flags.kernel = argv[++i];
    else
      return {};
  }
  if (!flags.kernel.empty() && flags.movie.empty()) return {};
  return flags;
}

// What is said of the movie leaves stdout to the sheet.
void say(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

}  // namespace

int main(int argc, char** argv) {
  const auto flags = flags_of(argc, argv);
  if (!flags) {
    say("usage: " + std::string(argv[0]) + " [--json] [--movie FILE.html [--kernel NAME]]");
    return 2;
  }
  try {
    if (!flags->movie.empty()) tweed::film_to(flags->movie, flags->kernel, say);
  } catch (const tweed::Error& e) {
    say(e.what());
    return 2;
  }
  Sheet sheet;
  check(sheet);
  flags->json ? print_json(sheet) : print(sheet);
  const std::string missing = tweed::why_no_movie();
  if (!missing.empty()) say(missing);
  return sheet.points() == sheet.most() && missing.empty() ? 0 : 1;
}
