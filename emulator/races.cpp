#include "races.h"

#include <sys/mman.h>

#include <algorithm>

namespace emulator {

constexpr uint32_t many = ~0u;

// The kernel hands out zeros when they are first touched: most of it never is.
Cell* new_cells(std::size_t bytes) {
  if (!modes().races) return nullptr;
  void* p = mmap(nullptr, bytes * sizeof(Cell), PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : static_cast<Cell*>(p);
}
void free_cells(Cell* cells, std::size_t bytes) {
  if (cells) munmap(cells, bytes * sizeof(Cell));
}

static std::string other(const Warp& w, uint32_t block, const char* does, uint16_t instr) {
  const Program& p = *w.block->program;
  const Size3& g = w.block->launch->grid;
  const uint64_t n = block - 1;
  return (block == many ? "several blocks "
                        : "block " + triple(n % g.x, n / g.x % g.y, n / g.x / g.y) + " ") +
         does + " in the same launch, at " + place_of(p, p.code[instr]);
}

void check_race(Warp& w, const Instr& i, int lane, const Range& range, int64_t address, int bytes,
                Access access) {
  if (!range.cells) return;
  const Block& b = *w.block;
  const Size3& g = b.launch->grid;
  const auto me = uint32_t((uint64_t(b.index.z) * g.y + b.index.y) * g.x + b.index.x + 1);
  const auto here = uint16_t(std::min<std::ptrdiff_t>(&i - b.program->code.data(), 0xffff));
  Cell* cell = range.cells + (address - range.begin);
  for (Cell* c = cell; c != cell + bytes; ++c) {
    if (c->launch != b.turn) *c = {.launch = b.turn};
    const bool both_update = access == Access::updates && c->updates;
    if (c->writer && c->writer != me && !both_update)
      fail(w, i, lane,
           std::string(access == Access::reads ? "read" : "write") + " of what " +
               other(w, c->writer, "wrote", c->wrote));
    if (access == Access::reads) {
      c->reader = c->reader == 0 || c->reader == me ? me : many;
      c->read = here;
      continue;
    }
    if (c->reader && c->reader != me)
      fail(w, i, lane, "write of what " + other(w, c->reader, "read", c->read));
    c->updates = access == Access::updates && (c->updates || !c->writer);
    c->writer = c->writer == 0 || c->writer == me ? me : many;
    c->wrote = here;
  }
}

}  // namespace emulator
