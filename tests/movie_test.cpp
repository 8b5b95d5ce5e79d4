// Movies: what the recorder keeps of a launch, and the steps of warps that are made of it.
#include "kernels/machine/sim/movie.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <optional>
#include <vector>

#include "apps/paths.h"
#include "docs/examples/race.h"
#include "record/movie/steps.h"
#include "tests/catch.h"
#include "tests/kernels/bank_patterns.h"
#include "tests/kernels/planted.h"

using namespace tweed;

// With the sanitizers of the host, kernels are compiled without the simulator's hooks.
#ifndef __SANITIZE_ADDRESS__

namespace {

std::optional<sim::Movie> film(const std::string& kernel, const sim::MovieLimits& limits,
                               const std::function<void()>& run) {
  std::optional<sim::Movie> made;
  sim::film_next(
      kernel, [&](const sim::Movie& movie) { made = movie; }, limits);
  run();
  sim::stop_waiting_for_film();
  return made;
}

/// What a launch computes and is accused of.
struct Result {
  std::vector<float> y;
  std::string error;
  bool operator==(const Result& o) const {
    return error == o.error && y.size() == o.y.size() &&
           std::memcmp(y.data(), o.y.data(), y.size() * sizeof(float)) == 0;
  }
};
Result run_planted(PlantedBug which) {
  std::vector<float> x(128, 1.f);
  Result result{std::vector<float>(128, 0.f), ""};
  Sim sim{.max_errors = 10};
  try {
    planted<Sim>(sim, which, x, result.y);
  } catch (const SimulatorError& e) {
    result.error = e.what();
  }
  return result;
}
Result run_sum(bool barrier) {
  std::vector<float> x;
  for (int i = 0; i < 64; ++i) x.push_back(0.1f * float(i));
  Result result{std::vector<float>(1), ""};
  Sim sim;
  try {
    barrier ? sum_with_barrier(sim, x, result.y) : sum_without_barrier(sim, x, result.y);
  } catch (const SimulatorError& e) {
    result.error = e.what();
  }
  return result;
}

int line_of(const std::string& text) {
  std::ifstream file(source_path("docs/examples/race.cu"));
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.find(text) != std::string::npos) return number;
  }
  return -1;
}
/// "load global 4 @12": what a thread did, memory with its offset.
std::vector<std::string> told(const sim::Movie& movie, const std::vector<sim::MovieEvent>& events) {
  std::vector<std::string> lines;
  for (auto& e : events) {
    const sim::MovieSite& site = movie.sites[e.site];
    std::string text = site.what;
    if (site.space == sim::Space::global)
      text += " argument " + std::to_string(site.argument) + " + " + std::to_string(e.offset);
    if (site.space == sim::Space::static_shared) text += " shared " + std::to_string(e.offset);
    if (!site.frames.empty())
      text += " @" + site.frames[0].place.substr(site.frames[0].place.rfind(':') + 1);
    lines.push_back(text);
  }
  return lines;
}

constexpr PlantedBug every_bug[] = {
#define BOTH(name) PlantedBug::name, PlantedBug::name##_right,
    FOR_PLANTED_BUGS(BOTH) FOR_PLANTED_ASYNC_BUGS(BOTH)
#undef BOTH
};

}  // namespace

TEST_CASE("A movie has what each thread did, in its order and with its line", "[movie]") {
  const auto movie = film("sum_kernel", {}, [] { run_sum(true); });
  REQUIRE(movie);
  CHECK(movie->kernel.find("sum_kernel") == 0);
  CHECK(movie->findings.empty());
  REQUIRE(movie->arguments.size() == 2);
  CHECK(movie->arguments[0].bytes == 256);
  CHECK(!movie->arguments[0].writable);
  CHECK(movie->arguments[1].writable);
  REQUIRE(movie->blocks.size() == 1);
  CHECK(!movie->blocks[0].cut);
  REQUIRE(movie->blocks[0].threads.size() == 64);

  auto at = [](const char* text) { return " @" + std::to_string(line_of(text)); };
  const std::string first = at("s[t] = x[t]"), loop = at("if (t < d)"), last = at("y[0] = s[0]");
  const std::string barrier = "__syncthreads" + at("  __syncthreads();"),
                    inner = "__syncthreads" + at("if (barrier)");
  std::vector<std::string> thread3{"load argument 1 + 12" + first, "store shared 12" + first,
                                   barrier};
  for (int d = 32; d > 0; d /= 2) {
    if (3 < d) {
      thread3.push_back("load shared " + std::to_string(4 * (3 + d)) + loop);
      thread3.push_back("load shared 12" + loop);
      thread3.push_back("store shared 12" + loop);
    }
    thread3.push_back(inner);
  }
  thread3.push_back("end");
  auto got = told(*movie, movie->blocks[0].threads[3]);
  // Which of the two loads comes first is the compiler's choice.
  std::vector<std::string> sorted = got;
  std::sort(sorted.begin(), sorted.end());
  std::sort(thread3.begin(), thread3.end());
  CHECK(sorted == thread3);
  CHECK(got.front() == "load argument 1 + 12" + first);
  CHECK(got.back() == "end");

  const auto thread0 = told(*movie, movie->blocks[0].threads[0]);
  CHECK(thread0[thread0.size() - 2] == "store argument 2 + 0" + last);
}

TEST_CASE("A launch that is filmed computes and is accused as one that is not", "[movie]") {
  for (const bool barrier : {true, false}) {
    Result filmed;
    CHECK(film("", {}, [&] { filmed = run_sum(barrier); }));
    CHECK(filmed == run_sum(barrier));
  }
  for (const PlantedBug bug : every_bug) {
    INFO(int(bug));
    Result filmed;
    const auto movie = film("", {}, [&] { filmed = run_planted(bug); });
    REQUIRE(movie);
    const Result plain = run_planted(bug);
    CHECK(filmed.error == plain.error);
    // A kernel that reads what nobody wrote gets what the launch before left in shared memory.
    if (plain.error.empty()) CHECK(filmed == plain);
    std::string texts;
    for (auto& finding : movie->findings) texts += "\n  " + finding.text;
    CHECK(filmed.error == (texts.empty() ? "" : "[sim] in kernel " + movie->kernel + ":" + texts));
  }
}

TEST_CASE("Steps have all events of a block once, each thread's in order", "[movie]") {
  for (const PlantedBug bug : every_bug) {
    INFO(int(bug));
    const auto movie = film("", {}, [&] { run_planted(bug); });
    REQUIRE(movie);
    std::vector<bool> seen(movie->findings.size());
    for (auto& block : movie->blocks) {
      REQUIRE(!block.cut);
      std::vector<std::size_t> next(block.threads.size());
      for (auto& step : steps_of(*movie, block)) {
        REQUIRE(step.lanes);
        for (std::size_t lane = 0; lane < 32; ++lane) {
          if (!(step.lanes >> lane & 1)) continue;
          const std::size_t thread = std::size_t(step.warp) * 32 + lane;
          REQUIRE(next[thread] < block.threads[thread].size());
          const sim::MovieEvent& event = block.threads[thread][next[thread]++];
          CHECK(event.site == step.site);
          CHECK(event.offset == step.offsets[lane]);
        }
        for (int finding : step.findings) seen[std::size_t(finding)] = true;
      }
      for (std::size_t thread = 0; thread < next.size(); ++thread)
        CHECK(next[thread] == block.threads[thread].size());
    }
    // The limits are wide enough for every block that something is found in.
    CHECK(std::count(seen.begin(), seen.end(), false) == 0);
  }
}

TEST_CASE("A finding stands at the access it is about", "[movie]") {
  const auto movie = film("", {}, [] { run_sum(false); });
  REQUIRE(movie);
  REQUIRE(movie->findings.size() >= 1);
  const sim::MovieFinding& finding = movie->findings[0];
  CHECK(finding.text.find("data race on shared memory at race.cu:") == 0);
  REQUIRE(finding.thread >= 0);
  const auto name = "block 0 thread (" + std::to_string(finding.thread) + ",0)";
  CHECK(finding.text.find(": " + name) != std::string::npos);
  const auto& events = movie->blocks[0].threads[std::size_t(finding.thread)];
  REQUIRE(finding.event < int64_t(events.size()));
  const sim::MovieSite& site = movie->sites[events[std::size_t(finding.event)].site];
  REQUIRE(!site.frames.empty());
  const std::string place = site.frames[0].place;
  CHECK(finding.text.find(place.substr(place.rfind('/') + 1)) != std::string::npos);
}

TEST_CASE("A movie is bounded: blocks, and events of each thread", "[movie]") {
  const auto cut = film("", {.blocks = 1, .events = 64 * 5}, [] { run_sum(true); });
  REQUIRE(cut);
  CHECK(cut->most_events == 5);
  CHECK(cut->blocks[0].cut);
  for (auto& events : cut->blocks[0].threads) CHECK(events.size() == 5);
  CHECK(!steps_of(*cut, cut->blocks[0]).empty());
  // Of two blocks one is kept: the first, unless something is found in the other.
  const auto right = film("", {.blocks = 1}, [] { run_planted(PlantedBug::read_past_end_right); });
  REQUIRE(right);
  REQUIRE(right->config.grid == 2);
  REQUIRE(right->blocks.size() == 1);
  CHECK(right->blocks[0].index == 0);
  const auto wrong = film("", {.blocks = 1}, [] { run_planted(PlantedBug::read_past_end); });
  REQUIRE(wrong);
  REQUIRE(wrong->blocks.size() == 1);
  CHECK(wrong->blocks[0].index == 1);
  REQUIRE(wrong->findings.size() == 1);
  CHECK(wrong->findings[0].thread == 63);
}

TEST_CASE("Wavefronts and sectors of a step are those of the pattern", "[movie]") {
  std::vector<float> x(4096, 1.f), y(4096);
  Sim sim;
  const auto movie = film("", {}, [&] { bank_pattern<Sim>(sim, BankPattern::columns, x, y); });
  REQUIRE(movie);
  int most = 0, global = 0;
  for (auto& step : steps_of(*movie, movie->blocks[0])) {
    const sim::MovieSite& site = movie->sites[step.site];
    if (site.space == sim::Space::static_shared) most = std::max(most, step.fronts.conflicts);
    if (site.space != sim::Space::global) continue;
    ++global;
    CHECK(step.sectors.touched == step.sectors.needed);
  }
  CHECK(most == 31);  // a column of 32 x 32 floats lies in one bank
  CHECK(global > 0);
}

TEST_CASE("One launch is filmed: the first with that name", "[movie]") {
  int count = 0;
  sim::film_next("sum_kernel", [&](const sim::Movie&) { ++count; });
  run_planted(PlantedBug::read_past_end_right);
  CHECK(sim::waiting_for_film());
  CHECK(count == 0);
  run_sum(true);
  run_sum(true);
  CHECK(count == 1);
  CHECK(!sim::waiting_for_film());
  sim::film_next("no_such_kernel", [&](const sim::Movie&) { ++count; });
  run_sum(true);
  run_sum(true);
  const auto others = sim::stop_waiting_for_film();
  REQUIRE(others.size() == 1);
  CHECK(others[0].find("sum_kernel") == 0);
  CHECK(count == 1);
}

#endif
