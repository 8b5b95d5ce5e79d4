// The functions that -fsanitize=thread,bounds calls in kernel files, with our meaning: libtsan and
// libubsan are not linked. They also come from host code in those files, and then do nothing.
#include <cstdio>
#include <cstring>
#include <string>

#include "kernels/machine/sim/banks.h"
#include "kernels/machine/sim/film.h"
#include "kernels/machine/sim/memory.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {
namespace {

// Not a flag: other host threads may run code of kernel files while a launch is under way.
inline __attribute__((always_inline)) bool on_fiber() {
  return in_stacks(__builtin_frame_address(0));
}

// For those who look on: not in the way of the others.
[[gnu::noinline]] void watch(const void* p, std::size_t bytes, Access kind, const void* pc) {
  const bool reads = kind == Access::read, atomic = kind == Access::atomic;
  const char* const what = atomic ? "atomicAdd" : reads ? "load" : "store";
  if (filming)
    film_access(what, atomic ? Act::atomic : reads ? Act::read : Act::write, p, bytes, pc);
  if (counting_banks && !atomic) count_access(what, p, bytes, pc);
}
inline __attribute__((always_inline)) void hook(const void* p, std::size_t bytes, Access kind,
                                                void* pc) {
  if (!on_fiber()) return;
  if (watching) watch(p, bytes, kind, pc);
  check(p, bytes, kind, pc);
}
// A GPU loads and stores whole elements only. 16 bytes may be two elements of 8.
inline __attribute__((always_inline)) void aligned_hook(const void* p, std::size_t bytes,
                                                        Access kind, void* pc) {
  if (!on_fiber()) return;
  if (watching) watch(p, bytes, kind, pc);
  if (std::uintptr_t(p) % (bytes < 8 ? bytes : 8) && wanted(Bug::misaligned, pc))
    add_finding("misaligned access to " + std::to_string(bytes) + " bytes at @ by " +
                    thread_name(now.block, now.current),
                {pc});
  check(p, bytes, kind, pc);
}

}  // namespace

#define RETURN_ADDRESS __builtin_return_address(0)

void* memmove(void* to, const void* from, std::size_t bytes) {
  hook(from, bytes, Access::read, RETURN_ADDRESS);
  hook(to, bytes, Access::write, RETURN_ADDRESS);
  return std::memmove(to, from, bytes);
}
void* memcpy(void* to, const void* from, std::size_t bytes) {
  hook(from, bytes, Access::read, RETURN_ADDRESS);
  hook(to, bytes, Access::write, RETURN_ADDRESS);
  return std::memcpy(to, from, bytes);
}
void* memset(void* to, int byte, std::size_t bytes) {
  hook(to, bytes, Access::write, RETURN_ADDRESS);
  return std::memset(to, byte, bytes);
}
int atomicAdd(int* p, int v) {
  hook(p, sizeof *p, Access::atomic, RETURN_ADDRESS);
  const int old = *p;
  *p += v;
  return old;
}

}  // namespace tweed::sim

using tweed::sim::Access;

extern "C" {

void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void*, void*) {}

#define HOOKS(n)                                                                                   \
  void __tsan_read##n(void* p) { tweed::sim::aligned_hook(p, n, Access::read, RETURN_ADDRESS); }   \
  void __tsan_write##n(void* p) { tweed::sim::aligned_hook(p, n, Access::write, RETURN_ADDRESS); } \
  void __tsan_unaligned_read##n(void* p) { tweed::sim::hook(p, n, Access::read, RETURN_ADDRESS); } \
  void __tsan_unaligned_write##n(void* p) { tweed::sim::hook(p, n, Access::write, RETURN_ADDRESS); }
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)
void __tsan_read_range(void* p, std::size_t n) {
  tweed::sim::hook(p, n, Access::read, RETURN_ADDRESS);
}
void __tsan_write_range(void* p, std::size_t n) {
  tweed::sim::hook(p, n, Access::write, RETURN_ADDRESS);
}

#ifndef __SANITIZE_ADDRESS__  // then the real libubsan is there, for the host's code
struct UbsanPlace {
  const char* file;
  unsigned line, column;
};
void __ubsan_handle_out_of_bounds(void* data, std::uintptr_t index) {
  using namespace tweed::sim;
  auto& place = *static_cast<UbsanPlace*>(data);
  const char* slash = std::strrchr(place.file, '/');
  const std::string text = "array index " + std::to_string(int64_t(index)) + " out of bounds at " +
                           (slash ? slash + 1 : place.file) + ":" + std::to_string(place.line);
  if (!on_fiber()) {
    std::fprintf(stderr, "[sim] %s, in host code\n", text.c_str());
    return;
  }
  if (filming) film_act("array index", Act::died, RETURN_ADDRESS);
  if (wanted(Bug::array_index, &place))
    add_finding(text + " by " + thread_name(now.block, now.current), {});
  die();
}
#endif

}  // extern "C"
