#!/usr/bin/env python3
"""Prints what adding up gradients over several GPUs costs by a model, as a Markdown table.

    scripts/predict_ring.py

Nothing here was measured on several GPUs. A ring of N sends 2 (N-1)/N of the gradient's bytes through
each link, in 2 (N-1) hops a bucket; it is as quick as its slowest link. A tree of M machines, each a ring
within, sends as much in 2 log2(M) hops between them; NCCL takes whichever is quicker, and so does the model.
All but the last bucket may hide behind the backward pass, taken as two thirds of the step.
"""
import math

# Bytes a second, one way. NVLink 4: 900 GB/s both ways together (H200); InfiniBand NDR: 400 Gb/s a GPU.
NVLINK, INFINIBAND = 450e9, 50e9
# Seconds a hop: assumed, not published.
NVLINK_HOP, INFINIBAND_HOP = 1e-6, 5e-6
GPUS_A_MACHINE = 8
SUM_BYTES = 4  # gradients of 16 bits are added up as float32
# Parameters, and seconds of a step of 256 images of 128x128 in bfloat16 (docs/results/h200.md).
# ResNet-50's is ResNet-18's 6.43 ms times its multiplications (4.09 G against 1.81 G): a guess.
NETWORKS = [("SimpleNet", 365_028, 2.29e-3), ("ResNet-50", 25_557_032, 6.43e-3 * 4.09 / 1.81)]


def bucket_count(size):
    """As distributed/gradient_sum.cpp cuts: an eighth of all, from 256 KB to 4 MB."""
    return max(1, size // min(max(size // 8, 256 << 10), 4 << 20))


def all_reduce(size, gpus):
    """Seconds for `size` bytes over `gpus` GPUs."""
    machines = math.ceil(gpus / GPUS_A_MACHINE)
    if machines == 1:
        return 2 * (gpus - 1) / gpus * size / NVLINK + 2 * (gpus - 1) * NVLINK_HOP
    hops_within = 2 * (GPUS_A_MACHINE - 1) * NVLINK_HOP
    ring_hops = 2 * (gpus - machines) * NVLINK_HOP + 2 * machines * INFINIBAND_HOP
    tree_hops = hops_within + 2 * math.log2(machines) * INFINIBAND_HOP
    return 2 * (gpus - 1) / gpus * size / INFINIBAND + min(ring_hops, tree_hops)


def step(parameters, compute, gpus):
    """(all-reduce, exposed, step) in seconds; `compute` is the step without messages."""
    size = parameters * SUM_BYTES
    buckets = bucket_count(size)
    one = all_reduce(size / buckets, gpus)
    hidden = compute * 2 / 3 * (buckets - 1) / buckets
    exposed = max(one, buckets * one - hidden)
    return buckets * one, exposed, compute + exposed


def best_shared(parameters, compute):
    """(GPUs, times as fast as one) where a batch of 256 that they share takes least."""
    times = {n: compute / step(parameters, compute / n, n)[2] for n in (2, 4, 8, 16, 32, 64, 128, 256)}
    return max(times.items(), key=lambda item: item[1])


def main():
    print("| network | GPUs | MB a step | all-reduce, ms | not hidden, ms | 256 images each: efficiency | "
          "256 images shared: times as fast |")
    print("|---|---|---|---|---|---|---|")
    for name, parameters, compute in NETWORKS:
        for gpus in (8, 64, 512):
            total, exposed, each = step(parameters, compute, gpus)
            shared = step(parameters, compute / gpus, gpus)[2]
            times = f"{compute / shared:.2f}" if gpus <= 256 else "-"
            print(f"| {name} | {gpus} | {2 * (gpus - 1) / gpus * parameters * SUM_BYTES / 1e6:.1f} | "
                  f"{total * 1e3:.3f} | {exposed * 1e3:.3f} | {compute / each:.0%} | {times} |")
    for name, parameters, compute in NETWORKS:
        gpus, times = best_shared(parameters, compute)
        print(f"\n{name}, 256 images shared: most with {gpus} GPUs, {times:.1f} times as fast as one.")


if __name__ == "__main__":
    main()
