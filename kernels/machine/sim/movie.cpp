#include "kernels/machine/sim/movie.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "kernels/machine/sim/film.h"
#include "kernels/machine/sim/memory.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {

bool filming = false;

namespace {

struct Wish {
  bool open = false;
  std::string kernel;
  std::function<void(const Movie&)> done;
  MovieLimits limits;
  std::vector<std::pair<const void*, std::string>> others;  // kernels that are not the one
};
Wish wish;

/// What makes a site.
struct Key {
  const void* pc;
  const char* what;
  Act act;
  Space space;
  int argument;
  uint32_t bytes;
  // Ends first, then in the order of the program.
  auto order() const {
    return std::make_tuple(act != Act::end, pc, act, what, space, argument, bytes);
  }
  bool operator<(const Key& o) const { return order() < o.order(); }
};
std::map<Key, uint32_t> sites;
std::vector<const Key*> keys;  // of each site, as they came up
Movie movie;
bool kept;  // what was noted last

// How many blocks to keep, such that a thread of each has room for a few hundred events.
int64_t blocks_to_keep(const Config& config, const MovieLimits& limits) {
  const int64_t threads = int64_t(config.block.x) * config.block.y;
  const int64_t room = std::max<int64_t>(limits.events / (threads * 256), 1);
  return std::min({int64_t(limits.blocks), config.grid, room});
}

void add(const Key& key, int64_t offset) {
  if (now.current < 0) return;
  MovieBlock& block = movie.blocks.back();
  auto& events = block.threads[std::size_t(now.current)];
  kept = int64_t(events.size()) < movie.most_events;
  block.cut |= !kept;
  if (!kept) return;
  const auto [site, first] = sites.try_emplace(key, uint32_t(keys.size()));
  if (first) keys.push_back(&site->first);
  events.push_back({site->second, offset});
}

bool has_finding(uint32_t block) {
  return std::any_of(movie.findings.begin(), movie.findings.end(),
                     [&](auto& finding) { return finding.block == block; });
}

std::size_t most_blocks() { return std::size_t(blocks_to_keep(movie.config, wish.limits)); }

// The newest block may be one too many. The last place is for the newest, and so in the end for the
// grid's last, unless something was found in the block that has it. A single place is for the first
// block, unless something was found elsewhere.
void drop_block() {
  auto& blocks = movie.blocks;
  if (blocks.size() <= most_blocks()) return;
  const auto newest = blocks.end() - 1, before = newest - 1;
  const bool wanted = most_blocks() > 1 || has_finding(newest->index);
  blocks.erase(wanted && !has_finding(before->index) ? before : newest);
}

// Sites in the order of their keys, with their lines.
void finish_sites() {
  std::vector<uint32_t> place(keys.size());
  std::vector<std::uintptr_t> addresses;
  for (auto& [key, came] : sites) {
    place[came] = uint32_t(movie.sites.size());
    movie.sites.push_back({key.what, key.act, key.space, key.argument, key.bytes, {}});
    // One less: a return address may already belong to the next line.
    if (key.pc) addresses.push_back(std::uintptr_t(key.pc) - 1);
  }
  auto frames = frames_at(addresses);
  auto next = frames.begin();
  for (auto& [key, came] : sites)
    if (key.pc) movie.sites[place[came]].frames = std::move(*next++);
  for (MovieBlock& block : movie.blocks)
    for (auto& events : block.threads)
      for (MovieEvent& event : events) event.site = place[event.site];
}

// Where the linker put the kernel's __shared__ variables among others says nothing: the first one
// that was used begins at 0.
void move_statics() {
  int64_t first = INT64_MAX;
  auto for_statics = [](auto f) {
    for (MovieBlock& block : movie.blocks)
      for (auto& events : block.threads)
        for (MovieEvent& event : events)
          if (movie.sites[event.site].space == Space::static_shared) f(event.offset);
  };
  for_statics([&](int64_t offset) { first = std::min(first, offset); });
  for_statics([&](int64_t& offset) { offset -= first; });
}

}  // namespace

void film_next(const std::string& kernel, std::function<void(const Movie&)> done,
               const MovieLimits& limits) {
  wish = {true, kernel, std::move(done), limits, {}};
}
bool waiting_for_film() { return wish.open; }
std::vector<std::string> stop_waiting_for_film() {
  std::vector<std::string> names;
  for (auto& [kernel, name] : wish.others) names.push_back(name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  wish = {};
  return names;
}

bool start_filming(const Launch& launch) {
  if (!wish.open) return false;
  for (auto& [kernel, name] : wish.others)
    if (kernel == launch.kernel) return false;
  const std::string name = function_names({launch.kernel})[0];
  if (name.find(wish.kernel) == std::string::npos) {
    wish.others.emplace_back(launch.kernel, name);
    return false;
  }
  sites.clear();
  keys.clear();
  movie = {};
  movie.kernel = name;
  movie.config = launch.config;
  movie.most_events =
      std::max<int64_t>(wish.limits.events / (int64_t(most_blocks()) * now.count), 1);
  for (int i = 0; i < launch.region_count; ++i) {
    const Region& r = launch.regions[i];
    if (r.begin) movie.arguments.push_back({r.argument, r.bytes, r.element, r.writable});
  }
  return true;
}

void film_block(uint32_t index) {
  drop_block();
  movie.blocks.push_back({index, {}, false});
  movie.blocks.back().threads.resize(std::size_t(now.count));
}

void film_access(const char* what, Act act, const void* p, std::size_t bytes, const void* pc) {
  if (in_stacks(p)) return;
  const Place place = place_of(p);
  if (place.space == Space::none) return;
  add({pc, what, act, place.space, place.argument, uint32_t(bytes)}, place.offset);
}
void film_act(const char* what, Act act, const void* pc) {
  add({pc, what, act, Space::none, 0, 0}, 0);
}
void film_end(Act act) {
  if (act == Act::end) return film_act("end", act, nullptr);
  auto& events = movie.blocks.back().threads[std::size_t(now.current)];
  const Key* last = events.empty() ? nullptr : keys[events.back().site];
  if (!last || last->act != Act::died) film_act("stopped", act, last ? last->pc : nullptr);
}

void film_finding() {
  int64_t event = -1;
  if (now.current >= 0) {
    const MovieBlock& block = movie.blocks.back();
    event = int64_t(block.threads[std::size_t(now.current)].size()) - (kept ? 1 : 0);
  }
  movie.findings.push_back({"", now.block, now.current, event});
}

void end_filming(const std::vector<std::string>& texts) {
  filming = false;
  drop_block();
  for (std::size_t i = 0; i < movie.findings.size(); ++i) movie.findings[i].text = texts.at(i);
  finish_sites();
  move_statics();
  const auto done = std::move(wish.done);
  wish = {};
  const Movie made = std::move(movie);
  movie = {};
  done(made);
}

}  // namespace tweed::sim
