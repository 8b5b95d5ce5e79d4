#include "record/movie/steps.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace tweed {
namespace {

using namespace sim;

constexpr int64_t sector_bytes = 32;

Sectors sectors_of(const WarpStep& step, uint32_t bytes) {
  std::set<int64_t> sectors, all;
  for (int lane = 0; lane < 32; ++lane) {
    if (!(step.lanes >> lane & 1)) continue;
    for (int64_t i = 0; i < bytes; ++i) {
      all.insert(step.offsets[std::size_t(lane)] + i);
      sectors.insert((step.offsets[std::size_t(lane)] + i) / sector_bytes);
    }
  }
  return {int(sectors.size()), int(ceil_div(int64_t(all.size()), sector_bytes))};
}

Wavefronts fronts_of(const WarpStep& step, uint32_t bytes) {
  Wavefronts sum;
  // More bytes than an instruction can move take several.
  for (uint32_t done = 0; done < bytes; done += 16) {
    WarpAccess access;
    access.lanes = step.lanes;
    access.bytes = std::min(bytes - done, 16u);
    for (std::size_t lane = 0; lane < 32; ++lane)
      access.at[lane] = uint32_t(step.offsets[lane]) + done;
    const Wavefronts fronts = wavefronts_of(access);
    sum.taken += fronts.taken;
    sum.conflicts += fronts.conflicts;
  }
  return sum;
}

class Player {
 public:
  Player(const Movie& movie, const MovieBlock& block)
      : movie_(movie), block_(block), next_(block.threads.size()), waits_(block.threads.size()) {
    for (std::size_t i = 0; i < movie.findings.size(); ++i) {
      const MovieFinding& finding = movie.findings[i];
      if (finding.block == block.index)
        findings_[{finding.thread, finding.event}].push_back(int(i));
    }
  }

  std::vector<WarpStep> play() {
    const int warps = (int(next_.size()) + 31) / 32;
    for (bool progress = true; progress;) {
      progress = false;
      for (int warp = 0; warp < warps; ++warp) progress |= step(warp);
    }
    if (steps_.empty()) return {};
    // What is not about an event that was kept comes where the block ends.
    for (auto& [place, left] : findings_)
      steps_.back().findings.insert(steps_.back().findings.end(), left.begin(), left.end());
    return std::move(steps_);
  }

 private:
  const MovieEvent* event(std::size_t thread) const {
    auto& events = block_.threads[thread];
    return next_[thread] < events.size() && !waits_[thread] ? &events[next_[thread]] : nullptr;
  }

  bool step(int warp) {
    const std::size_t first = std::size_t(warp) * 32;
    const std::size_t last = std::min(first + 32, next_.size());
    uint32_t site = UINT32_MAX;
    for (std::size_t thread = first; thread < last; ++thread)
      if (const MovieEvent* e = event(thread)) site = std::min(site, e->site);
    if (site == UINT32_MAX) return false;
    WarpStep& step = steps_.emplace_back();
    step.warp = warp;
    step.site = site;
    for (std::size_t thread = first; thread < last; ++thread)
      if (const MovieEvent* e = event(thread); e && e->site == site) take(step, thread, e->offset);
    const MovieSite& what = movie_.sites[site];
    if (what.space == Space::static_shared || what.space == Space::dynamic_shared)
      step.fronts = fronts_of(step, what.bytes);
    if (what.space == Space::global) step.sectors = sectors_of(step, what.bytes);
    if (what.act == Act::barrier) arrive(step, first);
    return true;
  }

  void take(WarpStep& step, std::size_t thread, int64_t offset) {
    step.lanes |= 1u << thread % 32;
    step.offsets[thread % 32] = offset;
    const auto found = findings_.find({int(thread), int64_t(next_[thread])});
    if (found != findings_.end()) {
      step.findings.insert(step.findings.end(), found->second.begin(), found->second.end());
      findings_.erase(found);
    }
    ++next_[thread];
  }

  void arrive(const WarpStep& step, std::size_t first) {
    for (std::size_t lane = 0; lane < 32; ++lane)
      if (step.lanes >> lane & 1) waits_[first + lane] = true;
    if (std::find(waits_.begin(), waits_.end(), false) == waits_.end())
      waits_.assign(waits_.size(), false);
  }

  const Movie& movie_;
  const MovieBlock& block_;
  std::vector<std::size_t> next_;  // event of each thread
  std::vector<bool> waits_;        // at the barrier
  std::map<std::pair<int, int64_t>, std::vector<int>> findings_;
  std::vector<WarpStep> steps_;
};

}  // namespace

std::vector<WarpStep> steps_of(const Movie& movie, const MovieBlock& block) {
  return Player(movie, block).play();
}

}  // namespace tweed
