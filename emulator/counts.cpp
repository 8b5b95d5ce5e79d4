#include "counts.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "switches.h"

namespace emulator {

static std::FILE* file() {
  static std::FILE* f = [] {
    const char* name = std::getenv("EMULATOR_COUNT");
    std::FILE* opened = name && *name ? std::fopen(name, "a") : nullptr;
    if (name && *name && !opened) {
      std::fprintf(stderr, "[emulator] EMULATOR_COUNT: cannot write to %s\n", name);
      std::exit(1);
    }
    return opened;
  }();
  return f;
}
bool counting() { return file() != nullptr; }
long sample() {
  static const long n = switched("EMULATOR_SAMPLE", 0);
  return n;
}

void count_other(const char* what, const std::string& numbers) {
  if (!counting()) return;
  std::fprintf(file(), "{\"%s\": {%s}}\n", what, numbers.c_str());
  std::fflush(file());
}

Counts::Counts(const Launch& launch) : executed(launch.program->code.size()), launch_(launch) {}

Counts::Allocation* Counts::find(int64_t address) {
  for (auto& a : allocations_)
    if (address >= a.begin && address < a.end) return &a;
  const Range* r = memory().find(uint64_t(address));
  if (!r) return nullptr;
  allocations_.push_back({.begin = r->begin, .end = r->end});
  for (auto& t : allocations_.back().traffic)
    t.last.assign(std::size_t((r->end - r->begin + sector - 1) / sector), 0);
  return &allocations_.back();
}

void Counts::access(const Warp& w, const Addresses& address, Access access) {
  int64_t sectors[lanes_of_warp];
  int count = 0;
  for (uint32_t m = w.exec; m; m &= m - 1) {
    // An allocation begins at a multiple of 256 bytes, and an access crosses no sector.
    const int64_t s = address[__builtin_ctz(m)] / sector;
    if (count == 0 || s != sectors[count - 1]) sectors[count++] = s;
  }
  std::sort(sectors, sectors + count);
  count = int(std::unique(sectors, sectors + count) - sectors);
  for (int k = 0; k < count; ++k) {
    Allocation* a = find(sectors[k] * sector);
    if (!a) return;  // the access itself will say so
    const std::size_t at = std::size_t(sectors[k] - a->begin / sector);
    for (int written = 0; written < 2; ++written) {
      if (access != Access::updates && (access == Access::writes) != (written == 1)) continue;
      Traffic& t = a->traffic[written];
      ++t.asked;
      t.distinct += t.last[at] == 0;
      t.of_blocks += t.last[at] != w.block->counted;
      t.last[at] = w.block->counted;
    }
  }
}

// The opcode of an instruction that stands for a statement; empty for what decoding added to it.
static std::string opcode(const Program& p, std::size_t i) {
  if (i && p.code[i - 1].place == p.code[i].place) return {};
  const std::string& text = p.places[p.code[i].place].text;
  return text.substr(0, text.find(' '));
}

void Counts::write() const {
  const Program& p = *launch_.program;
  const double scale = double(launch_.grid.count()) / std::max(1.0, double(block_));
  std::map<std::string, uint64_t> by_opcode;
  for (std::size_t i = 0; i < executed.size(); ++i)
    if (const std::string name = opcode(p, i); executed[i] && !name.empty())
      by_opcode[name] += executed[i];
  // A tensor that all blocks share, or whose borders they do, counts once however many blocks ran.
  double asked[2] = {}, of_blocks[2] = {}, least[2] = {};
  for (auto& a : allocations_)
    for (int k = 0; k < 2; ++k) {
      const Traffic& t = a.traffic[k];
      asked[k] += scale * double(t.asked * sector);
      of_blocks[k] += scale * double(t.of_blocks * sector);
      least[k] += std::min(scale * double(t.distinct * sector), double(a.end - a.begin));
    }
  std::FILE* f = file();
  const Size3 &g = launch_.grid, &b = launch_.block;
  std::fprintf(f, "{\"kernel\": \"%s\", \"grid\": [%u, %u, %u], \"block\": [%u, %u, %u], ",
               plain_name(p.name).c_str(), g.x, g.y, g.z, b.x, b.y, b.z);
  std::fprintf(f, "\"shared\": %u, \"ran\": %u", p.static_shared + launch_.dynamic_shared, block_);
  const char* names[] = {"read", "written"};
  for (int k = 0; k < 2; ++k)
    std::fprintf(f, ", \"%s\": {\"asked\": %.0f, \"of_blocks\": %.0f, \"distinct\": %.0f}",
                 names[k], asked[k], of_blocks[k], least[k]);
  std::fprintf(f, ", \"instructions\": {");
  const char* comma = "";
  for (auto& [name, n] : by_opcode) {
    std::fprintf(f, "%s\"%s\": %.0f", comma, name.c_str(), scale * double(n));
    comma = ", ";
  }
  std::fprintf(f, "}}\n");
  std::fflush(f);
}

}  // namespace emulator
