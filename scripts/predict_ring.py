#!/usr/bin/env python3
"""Prints what adding up gradients over several GPUs costs by a model, as a Markdown table.

    scripts/predict_ring.py

Nothing here was measured on several GPUs. A ring of N sends 2 (N-1)/N of the gradient's bytes through
each link, in 2 (N-1) hops a bucket; it is as quick as its slowest link. All but the last bucket may
hide behind the backward pass, taken as two thirds of the step.
"""
import math

# Bytes a second, one way. NVLink 4: 900 GB/s both ways together (H200); InfiniBand NDR: 400 Gb/s a GPU.
NVLINK, INFINIBAND = 450e9, 50e9
# Seconds a hop: assumed, not published.
NVLINK_HOP, INFINIBAND_HOP = 1e-6, 5e-6
GPUS_A_MACHINE = 8
BUCKET = 4 << 20
SUM_BYTES = 4  # gradients of 16 bits are added up as float32
# Parameters, and seconds of a step of 256 images of 128x128 in bfloat16 (docs/results/h200.md).
# ResNet-50's is ResNet-18's 6.43 ms times its multiplications (4.09 G against 1.81 G): a guess.
NETWORKS = [("SimpleNet", 365_028, 2.29e-3), ("ResNet-50", 25_557_032, 6.43e-3 * 4.09 / 1.81)]


def ring(size, gpus):
    """Seconds of an all-reduce of `size` bytes over `gpus` GPUs."""
    machines = math.ceil(gpus / GPUS_A_MACHINE)
    slowest = NVLINK if machines == 1 else INFINIBAND
    slow_share = 0 if machines == 1 else machines / gpus
    hop = NVLINK_HOP * (1 - slow_share) + INFINIBAND_HOP * slow_share
    return 2 * (gpus - 1) / gpus * size / slowest + 2 * (gpus - 1) * hop


def step(parameters, compute, gpus):
    """(ring, exposed, step) in seconds; `compute` is the step without messages."""
    size = parameters * SUM_BYTES
    buckets = math.ceil(size / BUCKET)
    one = ring(size / buckets, gpus)
    hidden = compute * 2 / 3 * (buckets - 1) / buckets
    exposed = max(one, buckets * one - hidden)
    return buckets * one, exposed, compute + exposed


def pays_from(parameters, compute):
    """The GPUs from which a batch of 256 that they share takes less time than one GPU needs."""
    return next((n for n in range(2, 257) if step(parameters, compute / n, n)[2] < compute), None)


def main():
    print("| network | GPUs | MB a step | ring, ms | not hidden, ms | 256 images each: efficiency | "
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
        print(f"\n{name}, 256 images shared: pays from {pays_from(parameters, compute)} GPUs.")


if __name__ == "__main__":
    main()
