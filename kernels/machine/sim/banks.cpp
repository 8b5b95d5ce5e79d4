#include "kernels/machine/sim/banks.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "kernels/machine/sim/memory.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {

bool counting_banks = false;

namespace {

constexpr std::size_t most_times = 1024, most_bytes = 16;

struct Instruction {
  std::array<std::size_t, 32> times{};  ///< of each lane
  std::vector<WarpAccess> accesses;
};
/// Where it is, and what it does there: a memcpy is a load and a store at one address.
using Key = std::pair<const void*, const char*>;
std::array<std::map<Key, Instruction>, most_threads / 32> pending;

struct Count {
  int64_t accesses = 0, wavefronts = 0, conflicts = 0;
};
std::map<Key, Count> counts;

// Of the lanes [first, last).
int wavefronts(const WarpAccess& a, int first, int last) {
  std::array<uint32_t, 32> words;  // as many as a phase can want
  auto end = words.begin();
  for (int lane = first; lane < last; ++lane)
    if (a.lanes >> lane & 1)
      for (uint32_t i = 0; i < (a.bytes + 3) / 4; ++i) *end++ = a.at[lane] / 4 + i;
  std::sort(words.begin(), end);
  end = std::unique(words.begin(), end);
  std::array<int, 32> in_bank{};
  for (auto word = words.begin(); word < end; ++word) ++in_bank[*word % 32];
  return *std::max_element(in_bank.begin(), in_bank.end());
}

void add(const WarpAccess& a, Count& count) {
  const Wavefronts fronts = wavefronts_of(a);
  ++count.accesses;
  count.wavefronts += fronts.taken;
  count.conflicts += fronts.conflicts;
}

}  // namespace

Wavefronts wavefronts_of(const WarpAccess& a) {
  const int together = a.bytes <= 4 ? 32 : a.bytes <= 8 ? 16 : 8;
  Wavefronts sum;
  for (int first = 0; first < 32; first += together) {
    const int taken = wavefronts(a, first, first + together);
    sum.taken += taken;
    sum.conflicts += std::max(taken - 1, 0);
  }
  return sum;
}

void count_access(const char* what, const void* p, std::size_t bytes, const void* pc) {
  if (!in_shared(p)) return;
  const std::size_t lane = std::size_t(now.current) % 32;
  Instruction& instruction = pending[std::size_t(now.current) / 32][{pc, what}];
  // More bytes than an instruction can move take several.
  for (std::size_t done = 0; done < bytes; done += most_bytes) {
    const std::size_t time = instruction.times[lane]++;
    if (time >= most_times) return;
    if (time >= instruction.accesses.size()) instruction.accesses.resize(time + 1);
    WarpAccess& a = instruction.accesses[time];
    a.lanes |= 1u << lane;
    a.bytes = std::max(a.bytes, uint32_t(std::min(bytes - done, most_bytes)));
    a.at[lane] = uint32_t(std::uintptr_t(p) + done);
  }
}

void end_accesses() {
  for (auto& warp : pending) {
    for (auto& [key, instruction] : warp)
      for (const WarpAccess& a : instruction.accesses) add(a, counts[key]);
    warp.clear();
  }
}

std::vector<BankCount> take_bank_counts() {
  std::vector<const void*> pcs;
  for (auto& [key, count] : counts) pcs.push_back(key.first);
  const auto lines = source_lines(pcs);
  std::map<std::pair<std::string, std::string>, BankCount> by_line;
  auto line = lines.begin();
  for (auto& [key, count] : counts) {
    BankCount& sum = by_line[{*line, key.second}];
    sum.line = *line++;
    sum.what = key.second;
    sum.accesses += count.accesses;
    sum.wavefronts += count.wavefronts;
    sum.conflicts += count.conflicts;
  }
  counts.clear();
  std::vector<BankCount> result;
  for (auto& [key, sum] : by_line) result.push_back(std::move(sum));
  return result;
}

}  // namespace tweed::sim
