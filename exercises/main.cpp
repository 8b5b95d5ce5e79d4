// Prints what a checker finds; --json writes it as Gradescope and GitHub Classroom read it.
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "exercises/sheet.h"

using namespace tweed::exercise;

namespace {

void print(const Sheet& sheet) {
  for (auto& f : sheet.findings()) {
    std::printf("%s  %s  (%g of %g)\n", f.advice.empty() ? "ok   " : "WRONG", f.name.c_str(),
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
                     {"output", f.advice}});
  const nlohmann::ordered_json all{
      {"score", sheet.points()}, {"max_score", sheet.most()}, {"tests", tests}};
  std::puts(all.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  const bool json = argc == 2 && std::strcmp(argv[1], "--json") == 0;
  if (argc > 1 && !json) {
    std::fprintf(stderr, "usage: %s [--json]\n", argv[0]);
    return 2;
  }
  Sheet sheet;
  check(sheet);
  json ? print_json(sheet) : print(sheet);
  return sheet.points() == sheet.most() ? 0 : 1;
}
