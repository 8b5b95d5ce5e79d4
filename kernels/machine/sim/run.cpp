// The scheduler: runs the blocks of a launch one after the other, their threads in turn.
#include "kernels/machine/sim/run.h"

#include <atomic>
#include <exception>
#include <string>

#include "kernels/machine/sim/banks.h"
#include "kernels/machine/sim/film.h"
#include "kernels/machine/sim/memory.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"
#include "kernels/machine/trace.h"

namespace tweed::sim {

Running now;
bool watching = false;
Index3 thread_index, block_index, block_size, grid_size;

namespace {

std::exception_ptr thrown;  // by a kernel, which should not, or by a launch within one

// The life of a fiber: it is used again for the same thread of the next block.
[[noreturn]] void live() {
  for (;;) {
    try {
      now.launch->body(now.launch->context);
    } catch (...) {
      thrown = std::current_exception();
    }
    if (thrown) die();
    now.thread().state = State::done;
    now.thread().fiber.pause();
  }
}

/// Held during a launch.
class Turn {
 public:
  Turn() {
    if (busy_.test_and_set())
      throw DeviceError(
          "[launch] the simulator is running a kernel already: launches cannot be nested, and one "
          "host thread at a time uses it");
  }
  ~Turn() { busy_.clear(); }

 private:
  static inline std::atomic_flag busy_;
};

void start_launch(const Launch& launch) {
  map_stacks();
  const Dim block = launch.config.block;
  now.launch = &launch;
  now.count = block.x * block.y;
  now.warps.clear();
  now.warps.resize(std::size_t(now.count + 31) / 32);
  ++now.launch_turn;
  grid_size = {unsigned(launch.config.grid), 1, 1};
  block_size = {unsigned(block.x), unsigned(block.y), 1};
  thrown = nullptr;
}

void start_block(uint32_t block) {
  now.block = block;
  block_index = {block, 0, 0};
  ++now.block_turn;
  now.epoch = 0;
  now.waiting = 0;
  now.alive = now.count;
  if (filming) film_block(block);
  for (Warp& w : now.warps) {
    w.epoch = 0;
    for (auto& m : w.meetings) m->arrived = 0;
  }
  for (int i = 0; i < now.count; ++i) {
    Thread& t = now.threads[std::size_t(i)];
    if (!t.prepared) t.fiber.prepare(i, live);
    t.prepared = true;
    t.state = State::ready;
    t.copies.clear();
    t.committed = 0;
  }
}

// Resumes ready threads until there are none. Whether all came to their end well.
bool run_threads() {
  bool well = true;
  const int width = int(block_size.x);
  for (bool progress = true; progress && now.alive;) {
    progress = false;
    for (int i = 0; i < now.count; ++i) {
      Thread& t = now.threads[std::size_t(i)];
      if (t.state != State::ready) continue;
      progress = true;
      now.current = i;
      thread_index = {unsigned(i % width), unsigned(i / width), 0};
      t.fiber.resume();
      if (t.state != State::done && t.state != State::dead) continue;
      --now.alive;
      if (filming) film_end(t.state == State::done ? Act::end : Act::died);
      if (t.state == State::dead) {
        t.prepared = well = false;
      }
    }
  }
  now.current = -1;
  return well;
}

// Threads wait for others that never come: names one that waits, and one that has ended or, if none
// has, is elsewhere.
void report_stuck() {
  auto waits = [](const Thread& t) {
    return t.state == State::at_barrier || t.state == State::at_warp;
  };
  auto thread = [](int i) -> const Thread& { return now.threads[std::size_t(i)]; };
  int one = 0, other = 0;
  while (!waits(thread(one))) ++one;
  while (other < now.count && thread(other).state != State::done) ++other;
  if (other == now.count) other = 0;
  while (other < now.count && thread(other).state == thread(one).state &&
         thread(other).site.same_text(thread(one).site))
    ++other;
  if (!wanted(Bug::barrier, nullptr)) return;
  std::vector<const void*> places;
  auto say = [&](int i) {
    const Thread& t = thread(i);
    if (!waits(t)) return thread_name(now.block, i) + " has ended";
    places.push_back(t.site.pc);
    return thread_name(now.block, i) + " waits at " + t.site.what + " @";
  };
  std::string text = "divergence: " + say(one) + ", but ";
  text += other < now.count ? say(other) : "not all that it waits for are there";
  add_finding(text, places);
}

int64_t bytes_of(const Launch& launch) {
  int64_t bytes = 0;
  for (int i = 0; i < launch.region_count; ++i) bytes += launch.regions[i].bytes;
  return bytes;
}

}  // namespace

void die() {
  now.thread().state = State::dead;
  for (;;) now.thread().fiber.pause();
}

std::atomic<int64_t> launches = 0;

void run(const Launch& launch, Sim& machine) {
  check_launch(launch.config);
  ++launches;
  if (launch.config.grid == 0) return;
  if (machine.recording) return note(launch, machine);
  const trace::Timed timed({.kernel = launch.kernel, .bytes = bytes_of(launch)});
  const Turn turn;
  start_report(machine.max_errors);
  start_memory(launch);
  start_launch(launch);
  counting_banks = machine.count_banks;
  filming = start_filming(launch);
  watching = counting_banks || filming;
  bool well = true;
  for (uint32_t block = 0; block < uint32_t(launch.config.grid) && well; ++block) {
    start_block(block);
    well = run_threads();
    if (counting_banks) end_accesses();
    if (!now.alive) continue;
    if (well) report_stuck();
    well = false;
    for (Thread& t : now.threads) t.prepared = false;  // their stacks are given up
  }
  end_memory();
  if (filming) end_filming(finding_texts());
  if (thrown) std::rethrow_exception(thrown);
  throw_findings(launch.kernel);
}

}  // namespace tweed::sim
