// Bank conflicts, counted where they are known by hand.
#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "apps/paths.h"
#include "kernels/machine/sim/banks.h"
#include "tests/catch.h"
#include "tests/kernels/bank_patterns.h"

using namespace tweed;

#ifndef __SANITIZE_ADDRESS__  // without the hooks there is nothing to count

namespace {

constexpr BankPattern patterns[] = {
#define PATTERN(name) BankPattern::name,
    FOR_BANK_PATTERNS(PATTERN)
#undef PATTERN
};

void run(BankPattern pattern, bool count_banks) {
  std::vector<float> x(4096, 1.f), y(4096);
  Sim sim{.count_banks = count_banks};
  bank_pattern<Sim>(sim, pattern, x, y);
}

/// "bank_patterns.cu:LINE load 2 4 2", as the file's markers have it.
std::vector<std::string> marked(const std::string& marker) {
  std::vector<std::string> rows;
  std::ifstream file(source_path("tests/kernels/bank_patterns.cu"));
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (const auto at = line.find(marker); at != std::string::npos)
      rows.push_back("bank_patterns.cu:" + std::to_string(number) + " " +
                     line.substr(at + marker.size(), line.find(" //", at) - at - marker.size()));
  }
  return rows;
}
std::vector<std::string> counted() {
  std::vector<std::string> rows;
  for (const sim::BankCount& c : sim::take_bank_counts()) {
    std::ostringstream row;
    row << c.line << ' ' << c.what << ' ' << c.accesses << ' ' << c.wavefronts << ' '
        << c.conflicts;
    rows.push_back(row.str());
  }
  return rows;
}

}  // namespace

TEST_CASE("bank conflicts are counted by line", "[banks]") {
  for (BankPattern pattern : patterns) run(pattern, true);
  std::vector<std::string> wanted = marked("// ROW: "), got = counted();
  std::sort(wanted.begin(), wanted.end());
  std::sort(got.begin(), got.end());
  REQUIRE(wanted.size() > 20);
  CHECK(got == wanted);
}

TEST_CASE("sectors of global memory are counted by line", "[banks]") {
  sim::take_sector_counts();
  run(BankPattern::sectors, true);
  std::vector<std::string> got;
  for (const sim::SectorCount& c : sim::take_sector_counts())
    got.push_back(c.line + " " + c.what + " " + std::to_string(c.accesses) + " " +
                  std::to_string(c.sectors));
  std::vector<std::string> wanted = marked("// SECTORS: ");
  std::sort(wanted.begin(), wanted.end());
  std::sort(got.begin(), got.end());
  REQUIRE(wanted.size() == 10);
  CHECK(got == wanted);
  CHECK(sim::take_sector_counts().empty());
  sim::take_bank_counts();
}

TEST_CASE("barriers are counted by blocks, meetings of lanes by warps", "[banks]") {
  sim::take_meeting_counts();
  run(BankPattern::columns, true);
  run(BankPattern::narrow, true);
  const sim::MeetingCount count = sim::take_meeting_counts();
  CHECK(count.barriers == 1);
  CHECK(count.warps == 2);
  CHECK(sim::take_meeting_counts().warps == 0);
  sim::take_bank_counts();
  sim::take_sector_counts();
}

TEST_CASE("counts add up over launches until they are taken", "[banks]") {
  run(BankPattern::columns, true);
  const auto once = sim::take_bank_counts();
  CHECK(sim::take_bank_counts().empty());
  run(BankPattern::columns, true);
  run(BankPattern::columns, true);
  const auto twice = sim::take_bank_counts();
  REQUIRE(once.size() == 4);
  REQUIRE(twice.size() == 4);
  for (std::size_t i = 0; i < once.size(); ++i) {
    CHECK(twice[i].line == once[i].line);
    CHECK(twice[i].wavefronts == 2 * once[i].wavefronts);
  }
}

TEST_CASE("banks are counted only where that is asked for", "[banks]") {
  run(BankPattern::columns, false);
  CHECK(sim::take_bank_counts().empty());
}

#endif
