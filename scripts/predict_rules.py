"""The rules by which predict_table.py turns counts into time."""

import re

RULES = """
# Predicted: training steps on an H100 and an H200

    scripts/predict

Nothing here was measured but the columns that say so, which are of the code that [h200.md](h200.md) names: a kernel
that has changed since then has none, and a step is measured as it was. The emulator ran steps of 256 images of
128x128 in bfloat16, as `train_bench --epoch` has them (loading, augmentation, forward, backward, SGD, launched as
a graph), sixteen blocks of each launch, and counted what they did; these rules make time of it. No rule was
fitted to a kernel: a GPU can prove them wrong.

1. **Bytes.** *Least* is every 32-byte sector that a launch touches, once: what the GPU's memory must move if its L2 cache
   keeps everything that two blocks share. *Moved* counts a sector once for each block. Memory moves 87 % of its nominal rate,
   as a copy does; what blocks read again comes from the L2 cache at 5.5 TB/s.
2. **Instructions** are those of the PTX, a warp's each, without moves and reads of parameters, which ptxas removes;
   64-bit sums count twice, 64-bit products four times, whole divisions 20 times, special functions (exponentials,
   roots) four times and divisions of floats eight times. The four schedulers of a multiprocessor issue one each a cycle.
3. **Tensor cores.** `mma.sync` reaches 62 % of the peak on Hopper.
4. **Multiprocessors.** Fewer blocks than there are leave some idle; a last wave that is not full takes as long as a
   full one.
5. A launch takes as long as the slowest of its parts, and 1.5 us more, as kernels of a graph follow each other.
6. A product of cuBLAS takes as long as its bytes or, at 70 % of the peak, its operations, and 1.5 us. Copies and memsets
   on the device move at the memory's rate, with 1.5 us each.

*Issue / memory* is how long the instructions take beside the least bytes: above 1 a kernel is held back by its instructions.

The rules are bounds, and no kernel can be quicker. Where memory holds a kernel back, the bound is what an H200 takes.
Where instructions do, none issues one in each cycle, for it also waits for what it asked: an H200 takes about
twice as long as the rule says, which is where the difference between the sums comes from.
"""

NOMINAL = {
    "H100": {"bytes": 3.35e12, "clock": 1.755e9, "peak": 989e12},
    "H200": {"bytes": 4.8e12, "clock": 1.755e9, "peak": 989e12},
}
MULTIPROCESSORS, SCHEDULERS = 132, 4
LAUNCH = 1.5e-6
L2 = 5.5e12
GPUS = {
    name: {
        "memory": 0.87 * g["bytes"], "l2": L2, "peak": g["peak"], "mma": 0.62 * g["peak"],
        "issue": g["clock"] * MULTIPROCESSORS * SCHEDULERS,
    }
    for name, g in NOMINAL.items()
}

# Kernels that are not what h200.md measured, under the names that they had there: what was measured is left
# out until it is measured again.
CHANGED = ("conv_mma_kernel", "conv_mma_weight_kernel", "layer_norm_rows_backward_kernel",
           "layer_norm_sums_packs_kernel")

# The first that fits counts.
WEIGHTS = [(re.compile(pattern), weight) for pattern, weight in (
    (r"mov|ld\.param|cvta|ret$|cvt\.u64\.u32|cvt\.u32\.u64|cvt\.u32\.u16|cvt\.s64\.s32", 0),
    (r"(div|rem)\.[us](32|64)", 20),
    (r"div\..*f(32|64)", 8),
    (r"(ex2|lg2|rcp|rsqrt|sqrt|sin|cos|tanh)", 4),
    (r"(mul|mad)\.lo\.[us]64", 4),
    (r"mul\.wide", 1),
    (r"(add|sub|setp\.\w+|shl|shr|and|or|xor|min|max|selp)\.[bsu]64", 2),
    (r".*f64", 2),
)]


def weight(opcode):
    for pattern, w in WEIGHTS:
        if pattern.match(opcode):
            return w
    return 1


def instructions(line):
    """Of all warps of a launch."""
    return sum(weight(opcode) * n for opcode, n in line["instructions"].items())


def operations_of_mma(line):
    total = 0
    for opcode, n in line["instructions"].items():
        shape = re.match(r"mma\.sync\.aligned\.m(\d+)n(\d+)k(\d+)", opcode)
        if shape:
            m, n_, k = map(int, shape.groups())
            # TF32's peak is half of bfloat16's.
            total += 2 * m * n_ * k * n * (2 if ".tf32" in opcode else 1)
    return total


def used(line):
    """The share of multiprocessors that have work, over the launch."""
    blocks = line["grid"][0] * line["grid"][1] * line["grid"][2]
    threads = line["block"][0] * line["block"][1] * line["block"][2]
    if blocks >= MULTIPROCESSORS and threads <= 512:
        return 1  # several blocks share a multiprocessor, and waves blur
    waves = -(-blocks // MULTIPROCESSORS)
    return blocks / (waves * MULTIPROCESSORS)


def parts(gpu, line):
    """Seconds that each part of a GPU works on one launch."""
    read, written = line["read"], line["written"]
    least = read["distinct"] + written["distinct"]
    moved = read["of_blocks"] + written["of_blocks"]
    busy = used(line)
    return {
        "memory": least / gpu["memory"],
        "L2 cache": moved / gpu["l2"],
        "instructions": instructions(line) / gpu["issue"] / busy,
        "tensor cores": operations_of_mma(line) / gpu["mma"] / busy,
    }


def kernel_time(gpu, line):
    """Seconds of one launch."""
    return LAUNCH + max(parts(gpu, line).values())


def product_time(gpu, numbers):
    operations = 2 * numbers["m"] * numbers["n"] * numbers["k"] * numbers["batch"]
    size = numbers["a"] + numbers["b"] + numbers["c"]
    return LAUNCH + max(size / gpu["memory"], operations / (0.7 * gpu["peak"]))


def transfer_time(gpu, numbers):
    return LAUNCH + 2 * numbers["bytes"] / gpu["memory"]
