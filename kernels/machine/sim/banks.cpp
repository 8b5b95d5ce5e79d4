#include "kernels/machine/sim/banks.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <utility>

#include "kernels/machine/sim/memory.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {

bool counting_banks = false;
MeetingCount meetings;

namespace {

constexpr std::size_t most_times_shared = 1024, most_times_global = 16384, most_bytes = 16;

struct Instruction {
  std::array<std::size_t, 32> times{};  ///< of each lane
  std::vector<WarpAccess> accesses;
};
/// Where it is, and what it does there: a memcpy is a load and a store at one address.
struct Key {
  bool shared;
  const void* pc;
  const char* what;
  bool operator<(const Key& o) const {
    return std::tie(shared, pc, what) < std::tie(o.shared, o.pc, o.what);
  }
};
std::array<std::map<Key, Instruction>, most_threads / 32> pending;

struct Count {
  int64_t accesses = 0, wavefronts = 0, conflicts = 0, sectors = 0;
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

void add(const WarpAccess& a, bool shared, Count& count) {
  ++count.accesses;
  if (!shared) {
    count.sectors += sectors_of(a);
    return;
  }
  const Wavefronts fronts = wavefronts_of(a);
  count.wavefronts += fronts.taken;
  count.conflicts += fronts.conflicts;
}

/// Where an access is among those to the same kind of memory; false if it does not count.
bool place_for_counting(const void* p, bool& shared, uint32_t& at) {
  shared = in_shared(p);
  at = uint32_t(std::uintptr_t(p));
  if (shared) return true;
  const Place place = place_of(p);
  at = uint32_t(place.offset) + (uint32_t(place.argument) << 27);
  return place.space == Space::global;
}

// Takes the counts of one kind of memory, lines and kinds of access in order.
template <class Sum, class Add>
std::vector<Sum> take(bool shared, Add add_to) {
  std::vector<const void*> pcs;
  for (auto& [key, count] : counts)
    if (key.shared == shared) pcs.push_back(key.pc);
  const auto lines = source_lines(pcs);
  std::map<std::pair<std::string, std::string>, Sum> by_line;
  auto line = lines.begin();
  for (auto i = counts.begin(); i != counts.end();) {
    if (i->first.shared != shared) {
      ++i;
      continue;
    }
    Sum& sum = by_line[{*line, i->first.what}];
    sum.line = *line++;
    sum.what = i->first.what;
    sum.accesses += i->second.accesses;
    add_to(sum, i->second);
    i = counts.erase(i);
  }
  std::vector<Sum> result;
  for (auto& [key, sum] : by_line) result.push_back(std::move(sum));
  return result;
}

}  // namespace

int sectors_of(const WarpAccess& a) {
  std::array<uint32_t, 64> sectors;  // up to 16 bytes a lane
  auto end = sectors.begin();
  for (int lane = 0; lane < 32; ++lane)
    if (a.lanes >> lane & 1) {
      *end++ = a.at[lane] / uint32_t(sector_bytes);
      *end++ = (a.at[lane] + a.bytes - 1) / uint32_t(sector_bytes);
    }
  std::sort(sectors.begin(), end);
  return int(std::unique(sectors.begin(), end) - sectors.begin());
}

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
  bool shared;
  uint32_t at;
  if (!place_for_counting(p, shared, at)) return;
  const std::size_t lane = std::size_t(now.current) % 32;
  const std::size_t most_times = shared ? most_times_shared : most_times_global;
  Instruction& instruction = pending[std::size_t(now.current) / 32][{shared, pc, what}];
  // More bytes than an instruction can move take several.
  for (std::size_t done = 0; done < bytes; done += most_bytes) {
    const std::size_t time = instruction.times[lane]++;
    if (time >= most_times) return;
    if (time >= instruction.accesses.size()) instruction.accesses.resize(time + 1);
    WarpAccess& a = instruction.accesses[time];
    a.lanes |= 1u << lane;
    a.bytes = std::max(a.bytes, uint32_t(std::min(bytes - done, most_bytes)));
    a.at[lane] = at + uint32_t(done);
  }
}

void end_accesses() {
  for (auto& warp : pending) {
    for (auto& [key, instruction] : warp)
      for (const WarpAccess& a : instruction.accesses) add(a, key.shared, counts[key]);
    warp.clear();
  }
}

std::vector<BankCount> take_bank_counts() {
  return take<BankCount>(true, [](BankCount& sum, const Count& count) {
    sum.wavefronts += count.wavefronts;
    sum.conflicts += count.conflicts;
  });
}
std::vector<SectorCount> take_sector_counts() {
  return take<SectorCount>(
      false, [](SectorCount& sum, const Count& count) { sum.sectors += count.sectors; });
}
MeetingCount take_meeting_counts() { return std::exchange(meetings, {}); }

}  // namespace tweed::sim
