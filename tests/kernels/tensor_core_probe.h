// Each instruction of machine/tensor_cores.h alone in a kernel, so that a test can try it on `sim`
// and `cuda`: a block is one warp, and what its lanes hold in registers lies in the arguments.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// sums += a b, for as many cases as `sums` has room for. The registers of lane l in case i:
/// @param a  a[j]   at (32 i + l) 4 + j;    @param b     b[j] at (32 i + l) 2 + j
/// @param sums  sums[j] at (32 i + l) 4 + j, before and after
/// @param bf16  mma.m16n8k16 on bf16, or else mma.m16n8k8 on tf32
template <class M>
void probe_mma(M&, bool bf16, Span<const int32_t> a, Span<const int32_t> b, Span<float> sums);

/// @param tile  512 bytes, which are copied to shared memory
/// @param rows  which of the tile's 32 rows of 16 bytes lane l names
/// @param to    register j of lane l at 4 l + j
template <class M>
void probe_ldmatrix(M&, bool trans, Span<const int32_t> tile, Span<const int32_t> rows,
                    Span<int32_t> to);

/// Lane l copies the 16 bytes at x + 4 l, or zeros where wanted[l] is 0, and puts them in y.
template <class M>
void probe_cp_async(M&, Span<const float> x, Span<const int32_t> wanted, Span<float> y);

/// Each lane commits four groups of one copy, then `empty` groups without, waits until all but
/// `pending` (0 to 3) have arrived, and puts the first `count` copies in y.
/// @param x, y  lane l's group g: 16 bytes at (32 g + l) 4
template <class M>
void probe_groups(M&, int empty, int pending, int count, Span<const float> x, Span<float> y);

/// y = the bits of to_tf32(x).
template <class M>
void probe_to_tf32(M&, Span<const float> x, Span<int32_t> y);

}  // namespace tweed
