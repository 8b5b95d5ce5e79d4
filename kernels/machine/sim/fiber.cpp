#include "kernels/machine/sim/fiber.h"

#include <sys/mman.h>

#include "kernels/machine/error.h"

extern "C" void tweed_switch_stack(void** save, void* load);

#if !defined(__x86_64__)
#error "write tweed_switch_stack for this processor"
#endif
// Everything that a function must keep goes to the old stack and comes from the new one.
asm(R"(
.text
.globl tweed_switch_stack
.type tweed_switch_stack, @function
tweed_switch_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret
.size tweed_switch_stack, .-tweed_switch_stack
)");

namespace tweed::sim {

char* stacks = nullptr;
static void* scheduler_stack_pointer;

void map_stacks() {
  if (stacks) return;
  constexpr std::size_t guard = 4096, bytes = stack_bytes * most_threads;
  void* p = mmap(nullptr, guard + bytes, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) throw DeviceError("[launch] no memory for the stacks of simulated threads");
  mprotect(p, guard, PROT_NONE);
  stacks = static_cast<char*>(p) + guard;
}

void Fiber::prepare(int index, void (*entry)()) {
  // Tops at different offsets: with equal low address bits, all would share a few cache sets.
  char* end = stacks + std::size_t(index + 1) * stack_bytes - std::size_t(index % 61) * 192;
  auto top = reinterpret_cast<void**>(end);
  *--top = nullptr;  // the return address of entry; it also aligns the stack
  *--top = reinterpret_cast<void*>(entry);
  stack_pointer_ = top - 6;
}
void Fiber::resume() { tweed_switch_stack(&scheduler_stack_pointer, stack_pointer_); }
void Fiber::pause() { tweed_switch_stack(&stack_pointer_, scheduler_stack_pointer); }

}  // namespace tweed::sim
