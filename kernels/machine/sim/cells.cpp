#include "kernels/machine/sim/cells.h"

#include <sys/mman.h>

#include <algorithm>
#include <string>

#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {
namespace {

Cell* map_cells(int64_t count) {
  void* p = mmap(nullptr, std::size_t(count) * sizeof(Cell), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    throw DeviceError("[launch] the simulator cannot reserve " +
                      std::to_string(uint64_t(count) * sizeof(Cell) >> 20) +
                      " MiB of address space");
  return static_cast<Cell*>(p);
}

void report_race(const Cell& c, const Touch& t, bool with_write) {
  const Bug bug = !with_write              ? Bug::wrote_read
                  : t.kind == Access::read ? Bug::read_written
                                           : Bug::wrote_written;
  if (!wanted(bug, t.pc)) return;
  const uint32_t block = with_write ? c.write_block : c.read_block;
  const int other = with_write ? c.writer : c.reader != now.current ? c.reader : c.other_reader;
  add_finding(std::string("data race on ") + (t.shared ? "shared" : "global") +
                  " memory at @: " + thread_name(now.block, now.current) +
                  (t.kind == Access::read ? " reads what " : " writes what ") +
                  thread_name(block, other) + (with_write ? " wrote" : " read") +
                  (block == now.block ? " with no barrier between" : " in the same launch"),
              {t.pc});
}

// Whether an access is over before one by the current thread begins: the same thread, or a barrier
// between them. Blocks are never in order.
inline bool ordered(uint32_t block, uint32_t epoch, int thread, uint16_t warp_epoch) {
  if (block != now.block) return false;
  return epoch != now.epoch || thread == now.current ||
         (thread / 32 == now.current / 32 && warp_epoch != now.warp().epoch);
}
inline bool reads_ordered(const Cell& c) {
  if (!c.many) return ordered(c.read_block, c.read_epoch, c.reader, c.read_warp_epoch);
  if (c.read_block != now.block) return false;
  return c.read_epoch != now.epoch || (!c.many_warps && c.reader / 32 == now.current / 32 &&
                                       c.read_warp_epoch != now.warp().epoch);
}

inline void remember_read(Cell& c) {
  if (!c.read || reads_ordered(c)) {
    c.read = true;
    c.many = c.many_warps = false;
    c.other_reader = uint16_t(now.current);
  } else {
    // Blocks run one after another, so that every later write comes from another block than the
    // remembered read and races with it: a second reader adds nothing.
    if (c.read_block != now.block) return;
    c.many = true;
    c.many_warps |= c.reader / 32 != now.current / 32;
    c.other_reader = c.reader;
  }
  c.read_block = now.block;
  c.reader = uint16_t(now.current);
  c.read_epoch = now.epoch;
  c.read_warp_epoch = now.warp().epoch;
}

inline void touch_cell(Cell& c, const Touch& t) {
  if (c.copying && t.kind != Access::copy_arrived && wanted(Bug::not_arrived, t.pc))
    add_finding("shared memory used at @ by " + thread_name(now.block, now.current) + " while " +
                    thread_name(now.block, c.writer) +
                    "'s cp.async is on its way there: cp_async_wait, then a barrier",
                {t.pc});
  if (c.written) {
    if (!(t.kind == Access::atomic && c.atomic) &&
        !ordered(c.write_block, c.write_epoch, c.writer, c.write_warp_epoch))
      report_race(c, t, true);
  } else if (t.shared && (t.kind == Access::read || t.kind == Access::atomic) &&
             wanted(Bug::uninitialised, t.pc)) {
    add_finding("uninitialised shared memory read at @ by " + thread_name(now.block, now.current),
                {t.pc});
  }
  if (t.kind == Access::read) return remember_read(c);
  if (c.read && !reads_ordered(c)) report_race(c, t, false);
  c.written = true;
  c.atomic = t.kind == Access::atomic;
  c.copying = t.kind == Access::copy_issued;
  c.write_block = now.block;
  c.writer = uint16_t(now.current);
  c.write_epoch = now.epoch;
  c.write_warp_epoch = now.warp().epoch;
}

// The bytes [from, to) of a word.
void touch_part(Cells& cells, uint64_t word, unsigned from, unsigned to, const Touch& t) {
  Cell& c = cells.word(word);
  if (c.turn != t.turn) {
    c = Cell{};
    c.turn = t.turn;
  }
  if (!c.split) {
    if (to - from == 4) return touch_cell(c, t);
    std::fill_n(cells.bytes(word), 4, c);
    c.split = true;
  }
  for (unsigned i = from; i < to; ++i) touch_cell(cells.bytes(word)[i], t);
}

}  // namespace

void touch(Cells& cells, uint64_t offset, std::size_t bytes, const Touch& t) {
  const uint64_t end = offset + bytes;
  for (uint64_t word = offset / 4; word * 4 < end; ++word) {
    const uint64_t first = word * 4;
    touch_part(cells, word, unsigned(offset > first ? offset - first : 0),
               unsigned(std::min<uint64_t>(end - first, 4)), t);
  }
}

void Cells::reserve(int64_t words) {
  if (words <= room_) return;
  unmap();
  const int64_t room = std::max<int64_t>(words, 1 << 20);
  words_ = map_cells(room);
  bytes_ = map_cells(4 * room);
  room_ = room;
}
void Cells::shrink() {
  if (room_ > 1 << 21) unmap();
}
void Cells::unmap() {
  if (words_) munmap(words_, std::size_t(room_) * sizeof(Cell));
  if (bytes_) munmap(bytes_, std::size_t(room_) * 4 * sizeof(Cell));
  words_ = bytes_ = nullptr;
  room_ = 0;
}

}  // namespace tweed::sim
