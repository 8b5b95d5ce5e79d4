#include "kernels/machine/sim/memory.h"

#include <link.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/machine/sim/cells.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {
namespace {

/// A span, and where the cells of its bytes are. Overlapping spans share cells.
struct Spanned {
  Region region;
  const char* base;
  int64_t first_word;
};
std::vector<Spanned> spaces;

struct Range {
  const char *begin = nullptr, *end = nullptr;
  bool has(const char* p) const {
    return std::uintptr_t(p) - std::uintptr_t(begin) < std::uintptr_t(end) - std::uintptr_t(begin);
  }
};
Range image;    // the executable
Range statics;  // its thread-local segment, where __shared__ variables are
alignas(64) char dynamic_memory[shared_bytes_most];
int64_t dynamic_bytes;

Cells global_cells, static_cells, dynamic_cells;

void find_image() {
  image = statics = {};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void*) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          auto& h = info->dlpi_phdr[i];
          auto begin = reinterpret_cast<const char*>(info->dlpi_addr + h.p_vaddr);
          if (h.p_type == PT_TLS) {
            auto tls = static_cast<const char*>(info->dlpi_tls_data);
            statics = {tls, tls + h.p_memsz};
          } else if (h.p_type == PT_LOAD) {
            if (!image.begin || begin < image.begin) image.begin = begin;
            image.end = std::max(image.end, begin + h.p_memsz);
          }
        }
        return 1;  // the executable comes first
      },
      nullptr);
}

// Cells are laid out along the addresses, so that overlapping spans find the same ones.
int64_t place_spaces(const Launch& launch) {
  spaces.clear();
  for (int i = 0; i < launch.region_count; ++i) {
    const Region& r = launch.regions[i];
    if (r.begin && r.bytes > 0) spaces.push_back({r, nullptr, 0});
  }
  auto by_address = [](const Spanned& a, const Spanned& b) {
    return a.region.begin < b.region.begin;
  };
  std::sort(spaces.begin(), spaces.end(), by_address);
  int64_t words = 0;
  const char *base = nullptr, *end = nullptr;
  int64_t first = 0;
  for (Spanned& s : spaces) {
    if (!base || s.region.begin >= end + 8) {
      base = s.region.begin - std::uintptr_t(s.region.begin) % 4;
      first = words;
      end = base;
    }
    s.base = base;
    s.first_word = first;
    end = std::max(end, s.region.begin + s.region.bytes);
    words = first + (end - base) / 4 + 1;
  }
  return words;
}

std::string describe(const char* p) {
  auto text = [](const std::string& what, int64_t offset, int64_t size, const char* unit) {
    return unit + (" " + std::to_string(offset)) + " of " + what + ", which has " +
           std::to_string(size);
  };
  if (p >= dynamic_memory && p < dynamic_memory + sizeof dynamic_memory)
    return text("dynamic shared memory", p - dynamic_memory, dynamic_bytes, "byte");
  if (!p) return "a null pointer";
  const Spanned* nearest = nullptr;
  int64_t best = 4096;
  for (const Spanned& s : spaces) {
    const int64_t offset = p - s.region.begin;
    const int64_t away = offset < 0                 ? -offset
                         : offset >= s.region.bytes ? offset - s.region.bytes
                                                    : 0;
    if (away < best) best = away, nearest = &s;
  }
  if (!nearest) return "no argument of the kernel is near";
  const Region& r = nearest->region;
  const int64_t offset = p - r.begin;
  return text("argument " + std::to_string(r.argument),
              offset >= 0 ? offset / r.element : -((r.element - 1 - offset) / r.element),
              r.bytes / r.element, "element");
}

[[noreturn]] void refuse(Bug bug, const char* what, const char* p, void* pc) {
  if (wanted(bug, pc))
    add_finding(
        std::string(what) + " at @ by " + thread_name(now.block, now.current) + ": " +
            (bug == Bug::local ? "a variable may be used by its own thread only" : describe(p)),
        {pc});
  die();
}

void check_global(const char* p, std::size_t bytes, Access kind, void* pc) {
  bool inside = false;
  for (const Spanned& s : spaces) {
    const uint64_t offset = std::uintptr_t(p) - std::uintptr_t(s.region.begin);
    if (offset >= uint64_t(s.region.bytes) || offset + bytes > uint64_t(s.region.bytes)) continue;
    inside = true;
    if (kind != Access::read && !s.region.writable) continue;
    return touch(global_cells, uint64_t(s.first_word) * 4 + uint64_t(p - s.base), bytes,
                 {kind, false, now.launch_turn, p, pc});
  }
  if (inside) refuse(Bug::read_only, "write to a read-only argument", p, pc);
  refuse(Bug::outside, kind == Access::read ? "out of bounds read" : "out of bounds write", p, pc);
}

}  // namespace

void check(const void* address, std::size_t bytes, Access kind, void* pc) {
#ifdef __SANITIZE_ADDRESS__  // such kernels have no hooks: of their loads and stores nothing is
                             // known
  return;
#endif
  auto p = static_cast<const char*>(address);
  if (in_stacks(p)) {
    if (int((p - stacks) / int64_t(stack_bytes)) != now.current)
      refuse(Bug::local, "access to another thread's local variable", p, pc);
    return;
  }
  if (statics.has(p))
    return touch(static_cells, uint64_t(p - statics.begin), bytes,
                 {kind, true, now.block_turn, p, pc});
  const uint64_t offset = std::uintptr_t(p) - std::uintptr_t(dynamic_memory);
  if (offset < uint64_t(dynamic_bytes)) {
    if (offset + bytes <= uint64_t(dynamic_bytes))
      return touch(dynamic_cells, offset, bytes, {kind, true, now.block_turn, p, pc});
    refuse(Bug::outside, "out of bounds access", p + bytes - 1, pc);
  }
  // Tables of constants. The dynamic shared memory lies in the image, too.
  if (kind == Access::read && image.has(p) && offset >= sizeof dynamic_memory) return;
  check_global(p, bytes, kind, pc);
}

bool in_shared(const void* address) {
  auto p = static_cast<const char*>(address);
  return statics.has(p) || Range{dynamic_memory, dynamic_memory + dynamic_bytes}.has(p);
}

Place place_of(const void* address) {
  auto p = static_cast<const char*>(address);
  if (statics.has(p)) {
    const auto begin = std::uintptr_t(statics.begin) / 128 * 128;
    return {Space::static_shared, 0, int64_t(std::uintptr_t(p) - begin)};
  }
  if (Range{dynamic_memory, dynamic_memory + sizeof dynamic_memory}.has(p))
    return {Space::dynamic_shared, 0, p - dynamic_memory};
  for (const Spanned& s : spaces)
    if (Range{s.region.begin, s.region.begin + s.region.bytes}.has(p))
      return {Space::global, s.region.argument, p - s.region.begin};
  if (image.has(p)) return {};
  return {Space::outside, 0, 0};
}

void* dynamic_shared_memory() { return dynamic_memory; }

void start_memory(const Launch& launch) {
  // __shared__ variables are thread-local: each host thread has its own.
  static pid_t host = 0;
  if (host != gettid()) {
    host = gettid();
    find_image();
    static_cells.reserve((statics.end - statics.begin) / 4 + 1);
  }
  global_cells.reserve(place_spaces(launch));
  dynamic_bytes = int64_t(launch.config.shared);
  dynamic_cells.reserve(int64_t(sizeof dynamic_memory) / 4);
  std::memset(dynamic_memory, 0xff, launch.config.shared);  // NaN, if it is read all the same
}
void end_memory() { global_cells.shrink(); }

}  // namespace tweed::sim
