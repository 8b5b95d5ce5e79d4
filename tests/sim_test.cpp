// The simulator: every planted bug is found and named by file, line, block and thread; its correct
// twin is not reported.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

#include "apps/paths.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/run.h"
#include "tests/catch.h"
#include "tests/kernels/planted.h"
#include "tests/apps/process.h"

using namespace tweed;

// With the sanitizers of the host, kernels are compiled without the simulator's checks.
#ifndef __SANITIZE_ADDRESS__

namespace {

struct Case {
  const char* name;
  PlantedBug bug, twin;
};
#define CASE(name) {#name, PlantedBug::name, PlantedBug::name##_right},
const Case cases[] = {FOR_PLANTED_BUGS(CASE) FOR_PLANTED_ASYNC_BUGS(CASE)};
#undef CASE

/// What the launch is accused of; empty if nothing.
std::string findings(PlantedBug which, int64_t n = 128, int max_errors = 2) {
  std::vector<float> x(std::size_t(n), 1.f), y(std::size_t(n), 0.f);
  Sim sim{max_errors};
  try {
    planted<Sim>(sim, which, x, y);
  } catch (const SimulatorError& e) {
    return e.what();
  }
  return "";
}

/// "planted.cu:LINE" of the line with the marker "BUG: name", in that file or the other.
std::string marked_line(const std::string& name) {
  for (const std::string source : {"planted.cu", "planted_async.cu"}) {
    std::ifstream file(source_path("tests/kernels/" + source));
    int number = 0;
    for (std::string line; std::getline(file, line);) {
      ++number;
      const auto at = line.find("// BUG: " + name);
      if (at != std::string::npos && line.substr(at + 8) == name)
        return source + ":" + std::to_string(number);
    }
  }
  return "no marker for " + name;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Bugs that a warning tells of, not an error.
bool only_warned_of(PlantedBug bug) { return bug == PlantedBug::flat_in_rows; }

}  // namespace

TEST_CASE("planted bugs are found, and named by file, line, block and thread", "[sim]") {
  // What is said of each; the rest, block and thread of the accused, is a fact of the schedule.
  const std::map<std::string, std::vector<const char*>> said = {
      {"read_past_end",
       {"out of bounds read", "block 1 thread (63,0)", "element 128 of argument 1, which has 128"}},
      {"far_read", {"out of bounds read", "block 1 thread (63,0)", "element 128 of argument 1"}},
      {"write_past_end", {"out of bounds write", "block 1 thread (63,0)", "argument 2"}},
      {"write_to_input", {"write to a read-only argument", "block 0 thread (0,0)"}},
      {"barrier_in_loop",
       {"divergence", "block 1 thread (0,0) waits", "block 1 thread (63,0) has ended"}},
      {"exit_before_barrier",
       {"divergence", "block 0 thread (0,0) waits", "thread (40,0) has ended"}},
      {"two_barriers", {"barrier divergence", "block 0 thread (63,0)", "block 0 thread (0,0)"}},
      {"half_warp_shuffle", {"divergence", "__shfl_xor_sync", "block 0 thread (1,0) waits"}},
      {"absent_lane", {"reads from lane 30, which takes no part", "block 0 thread (31,0)"}},
      {"two_shuffles", {"warp divergence", "block 0 thread (31,0)", "block 0 thread (0,0)"}},
      {"uninitialised_shared", {"uninitialised shared memory", "block 0 thread (0,0)"}},
      {"uninitialised_dynamic", {"uninitialised shared memory", "block 0 thread (0,0)"}},
      {"dynamic_overrun",
       {"out of bounds write", "block 0 thread (63,0)", "dynamic shared memory"}},
      {"shared_index", {"array index 64 out of bounds", "block 0 thread (63,0)"}},
      {"stale_shared", {"data race on shared memory", "block 0 thread"}},
      {"reused_shared", {"data race on shared memory", "block 0 thread", "read with no barrier"}},
      {"missing_syncwarp", {"data race on shared memory", "block 0 thread (1,0)", "thread (0,0)"}},
      {"scatter_race",
       {"data race on global memory", "block 0 thread (1,0)", "thread (0,0) wrote"}},
      {"block_race",
       {"data race on global memory", "block 1 thread (0,0) writes", "in the same launch"}},
      {"count_race", {"data race on global memory", "block 0 thread (1,0)"}},
      {"byte_race", {"data race on global memory", "block 0 thread (6,0)", "thread (5,0) wrote"}},
      {"bf16_race", {"data race on global memory", "block 0 thread (1,0)"}},
      {"shared_byte_race",
       {"data race on shared memory", "block 0 thread (63,0)", "thread (0,0) wrote"}},
      {"struct_overrun", {"out of bounds read", "block 0 thread (0,0)", "argument 1"}},
      {"memcpy_overrun", {"out of bounds read", "block 0 thread (0,0)", "argument 1"}},
      {"memset_overrun", {"out of bounds write", "block 0 thread (0,0)", "argument 2"}},
      {"misaligned_vector", {"misaligned access to 8 bytes", "block 0 thread (0,0)"}},
      {"foreign_local", {"another thread's local variable", "block 0 thread (1,0)"}},
      {"broken_warp", {"takes no part", "block 0 thread (47,0)"}},
      {"copy_not_awaited", {"thread (0,0) while block 0 thread (0,0)'s cp.async is on its way"}},
      {"copy_no_barrier",
       {"data race on shared memory", "block 0 thread (1,0) reads", "thread (0,0) wrote"}},
      {"copy_into_read",
       {"data race on shared memory", "thread (40,0) writes what block 0 thread (20,0) read"}},
      {"too_few_groups", {"block 0 thread (63,0) while block 0 thread (0,0)'s cp.async"}},
      {"uncommitted_copy", {"thread (0,0) while block 0 thread (0,0)'s cp.async is on its way"}},
      {"ended_copy", {"block 0 thread (32,0) while block 0 thread (0,0)'s cp.async"}},
      {"misaligned_copy", {"cp.async", "no multiple of 16", "block 0 thread (0,0)"}},
      {"copy_past_end",
       {"out of bounds read", "block 0 thread (63,0)", "element 128 of argument 1"}},
      {"copy_to_local", {"cp.async", "not in shared memory", "block 0 thread (0,0)"}},
      {"copy_from_shared", {"cp.async", "not in global memory", "block 0 thread (0,0)"}},
      {"misaligned_row", {"ldmatrix", "no multiple of 16", "block 0 thread (63,0)"}},
      {"uninitialised_row", {"uninitialised shared memory", "block 0 thread (63,0)"}},
      {"row_in_global", {"ldmatrix", "not in shared memory", "block 0 thread (0,0)"}},
      {"two_mmas", {"warp divergence", "mma", "block 0 thread (31,0)", "block 0 thread (0,0)"}},
  };
  for (const Case& c : cases) {
    if (only_warned_of(c.bug)) continue;
    INFO(c.name);
    const std::string text = findings(c.bug);
    INFO(text);
    CHECK(contains(text, marked_line(c.name)));
    CHECK(contains(text, std::string("in kernel ") + c.name + ":"));
    REQUIRE(said.count(c.name));
    for (const char* part : said.at(c.name)) {
      INFO("wanted: " << part);
      CHECK(contains(text, part));
    }
  }
}

TEST_CASE("correct kernels are not reported", "[sim]") {
  for (const Case& c : cases) {
    INFO(c.name);
    CHECK(findings(c.twin) == "");
    CHECK(findings(c.twin, 1000) == "");
    CHECK(sim::warnings().empty());
  }
}

TEST_CASE("README.md shows what is said of a race, and its right twin is silent", "[sim]") {
  const Outcome o = run_program({program_path("race")});
  INFO(o.out << o.err);
  REQUIRE(o.code == 0);
  CHECK(o.err == "");
  CHECK(o.out.starts_with("with the barrier: 64\nwithout: [sim] "));
  std::ifstream kernel(source_path("docs/examples/race.cu"));
  std::string line;
  int number = 1;
  while (std::getline(kernel, line) && line.find("s[t] += ") == std::string::npos) ++number;
  CHECK(line.ends_with("// line " + std::to_string(number)));
  CHECK_THAT(o.out, Contains("data race on shared memory at race.cu:" + std::to_string(number)));
  std::ifstream page(source_path("README.md"));
  const std::string readme{std::istreambuf_iterator<char>(page), {}};
  CHECK_THAT(readme, Contains("```\n" + o.out + "```\n"));
}

TEST_CASE("values of all types travel between lanes", "[sim]") {
  std::vector<float> x(128, 1.f), y(128);
  Sim sim;
  planted<Sim>(sim, PlantedBug::absent_lane_right, x, y);
  for (int i = 0; i < 128; ++i) CHECK(y[std::size_t(i)] == float(3 * (i % 64 ^ 1)));
}

TEST_CASE("a block of a shape that a function does not support brings a warning", "[sim]") {
  const std::string before = findings(PlantedBug::flat_in_rows);
  CHECK(before == "");
  const auto warned = sim::warnings();
  REQUIRE(warned.size() == 1);
  INFO(warned[0]);
  CHECK(contains(warned[0], "grid_stride at " + marked_line("flat_in_rows")));
  CHECK(contains(warned[0], "wants a block with y = 1, not 32x2 (kernel flat_in_rows)"));

  findings(PlantedBug::broken_warp);
  REQUIRE(sim::warnings().size() == 1);
  CHECK(contains(sim::warnings()[0], "block_reduce at " + marked_line("broken_warp")));
  CHECK(contains(sim::warnings()[0], "whole warps, not 48x1"));
  findings(PlantedBug::read_past_end_right);
  CHECK(sim::warnings().empty());
}

TEST_CASE("spans of more than 2^31 elements cost only what is touched", "[sim]") {
  const int64_t n = (int64_t(1) << 31) + 1000;
  void* p = mmap(nullptr, std::size_t(n) * 4, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(p != MAP_FAILED);
  Sim sim;
  const Span<float> all(static_cast<float*>(p), n);
  const auto elsewhere = [&] {
    try {
      planted<Sim>(sim, PlantedBug::far_read, all, all);
    } catch (const SimulatorError& e) {
      return std::string(e.what());
    }
    return std::string();
  }();
  INFO(elsewhere);
  CHECK(contains(elsewhere, "element " + std::to_string(n) + " of argument"));
  CHECK(contains(elsewhere, "block 1 thread (63,0)"));
  CHECK_NOTHROW(planted<Sim>(sim, PlantedBug::write_past_end_right, all, all));
  CHECK(all[n - 1] == 1);
  munmap(p, std::size_t(n) * 4);
}

TEST_CASE("a launch after one that failed starts afresh", "[sim]") {
  for (const Case& c : cases) {
    INFO(c.name);
    findings(c.bug);
    std::vector<float> x(128, 2.f), y(128);
    Sim sim;
    planted<Sim>(sim, PlantedBug::stale_shared_right, x, y);
    CHECK(y[0] == 128);
    CHECK(y[1] == 128);
  }
}

TEST_CASE("no more findings are named than asked for", "[sim]") {
  auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  CHECK(lines(findings(PlantedBug::shared_byte_race, 128, 1)) == 1);
  CHECK(lines(findings(PlantedBug::count_race, 128, 1)) == 1);
  CHECK(lines(findings(PlantedBug::count_race, 128, 2)) == 2);
}

TEST_CASE("spans may overlap, and be null or empty", "[sim]") {
  std::vector<float> memory(256, 1.f);
  Sim sim;
  const Span<const float> x(memory.data(), 192);
  CHECK_THROWS_AS(planted<Sim>(sim, PlantedBug::write_to_input, x, Span<float>()), SimulatorError);
  CHECK_NOTHROW(planted<Sim>(sim, PlantedBug::write_to_input, x, Span<float>(memory.data(), 256)));
  // y[i] = x[i + 1] of the same memory: thread i + 1 writes what thread i has read.
  try {
    planted<Sim>(sim, PlantedBug::read_past_end_right, x, Span<float>(memory.data(), 191));
    FAIL("not found");
  } catch (const SimulatorError& e) {
    INFO(e.what());
    CHECK(contains(e.what(), "block 0 thread (1,0) writes what block 0 thread (0,0) read"));
  }
}

TEST_CASE("one launch at a time", "[sim]") {
  struct Context {
    bool other_thread;
    int refused = 0;
  };
  const auto launch_within = [](const void* p) {
    auto& context = *const_cast<Context*>(static_cast<const Context*>(p));
    auto once = [&] {
      try {
        findings(PlantedBug::stale_shared_right);
      } catch (const DeviceError& e) {
        context.refused += contains(e.what(), "running a kernel already");
      }
    };
    context.other_thread ? std::thread(once).join() : once();
  };
  for (bool other_thread : {false, true}) {
    Context context{other_thread};
    Sim sim;
    sim::run({nullptr, {.grid = 1, .block = {1}}, nullptr, 0, launch_within, &context}, sim);
    CHECK(context.refused == 1);
    CHECK(findings(PlantedBug::stale_shared_right) == "");
  }
  SECTION("threads may take turns") {
    for (int i = 0; i < 3; ++i) {
      std::string text = "not run", bug;
      std::thread([&] {
        text = findings(PlantedBug::missing_syncwarp_right);
        bug = findings(PlantedBug::missing_syncwarp);
      }).join();
      CHECK(text == "");
      CHECK(contains(bug, marked_line("missing_syncwarp")));
    }
  }
}

TEST_CASE("what a launch may not be", "[sim]") {
  struct Never {
    static void run(const void*) { FAIL("the kernel ran"); }
  };
  Sim sim;
  auto launch = [&](Config config) {
    sim::run({nullptr, config, nullptr, 0, Never::run, nullptr}, sim);
  };
  CHECK_NOTHROW(launch({.grid = 0}));
  CHECK_THROWS_AS(launch({.grid = -1}), DeviceError);
  CHECK_THROWS_AS(launch({.grid = int64_t(1) << 31}), DeviceError);
  CHECK_THROWS_AS(launch({.block = {1025}}), DeviceError);
  CHECK_THROWS_AS(launch({.block = {32, 33}}), DeviceError);
  CHECK_THROWS_AS(launch({.block = {0}}), DeviceError);
  CHECK_THROWS_AS(launch({.shared = shared_bytes_most + 1}), DeviceError);
}

// addr2line would read addresses from there if it were given none.
TEST_CASE("a report leaves the standard input alone", "[sim]") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(write(ends[1], "0x1", 3) == 3);
  close(ends[1]);
  const int input = dup(STDIN_FILENO);
  dup2(ends[0], STDIN_FILENO);
  const std::string text = findings(PlantedBug::shared_index, 128, 1);
  char left[4] = {};
  CHECK(read(STDIN_FILENO, left, 3) == 3);
  CHECK(std::string(left) == "0x1");
  dup2(input, STDIN_FILENO);
  close(input);
  close(ends[0]);
  CHECK(contains(text, "array index 64 out of bounds"));
}

TEST_CASE("without addr2line the address is named", "[sim]") {
  const std::string path = getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const std::string text = findings(PlantedBug::read_past_end);
  setenv("PATH", path.c_str(), 1);
  INFO(text);
  CHECK(contains(text, "out of bounds read at address 0x"));
  CHECK(contains(text, "addr2line"));
  CHECK(contains(text, "block 1 thread (63,0)"));
}

#endif
