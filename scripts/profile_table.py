#!/usr/bin/env python3
"""Prints a table of the kernels of training steps from what ncu counted.

usage: profile_table.py FILE.csv

FILE.csv has a row for each launch and counter. The steps are told by the optimizer's launches, of
which each has one; kernels that ran less often than that (who measures a peak first) are left out.
Launches of one kernel with one grid are one row: its launches a step, and means of its counters.
"""

import csv
import re
import sys
from collections import defaultdict

STEP_MARK = "sgd"


def launches(path):
    """A dictionary for each launch, in order: name, grid, block and the counters in base units."""
    with open(path, newline="") as file:
        lines = [line for line in file if line.startswith('"')]
    by_id = {}
    for row in csv.DictReader(lines):
        launch = by_id.setdefault(
            row["ID"],
            {"name": row["Kernel Name"], "grid": row["Grid Size"], "block": row["Block Size"]},
        )
        launch[row["Metric Name"]] = base(row["Metric Value"], row["Metric Unit"])
    return list(by_id.values())


def base(text, unit):
    """Seconds, bytes or a count, whatever prefix ncu chose."""
    value = float(text.replace(",", ""))
    scales = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    if unit in ("nsecond", "usecond", "msecond", "ns", "us", "ms"):
        return value * scales[unit[0]]
    if unit.endswith("byte") and unit[0] in scales:
        return value * scales[unit[0]]
    return value


def short(name):
    """A kernel's name without what every instance has in common."""
    name = re.sub(r"\((?:[^()]|\([^()]*\))*\)$", "", name)
    name = re.sub(r"tweed::|\(anonymous namespace\)::|<unnamed>::|^void |__nv_bfloat16", "", name)
    return name if len(name) <= 70 else name[:67] + "..."


def table(path):
    groups = defaultdict(list)
    for launch in launches(path):
        groups[short(launch["name"]), launch["grid"], launch["block"]].append(launch)
    marks = [len(found) for (name, *_), found in groups.items() if STEP_MARK in name.lower()]
    if not marks:
        sys.exit(f"{path} has no launch of the optimizer")
    steps = max(marks)
    rows = []
    for (name, grid, block), found in groups.items():
        if len(found) < steps:
            continue

        def mean(metric):
            return sum(launch.get(metric, 0) for launch in found) / len(found)

        rows.append({
            "kernel": name, "grid": grid, "block": block, "launches": len(found) / steps,
            "time": mean("gpu__time_duration.sum"),
            "bytes": mean("dram__bytes_read.sum") + mean("dram__bytes_write.sum"),
            "instructions": mean("smsp__inst_executed.sum"),
            "registers": mean("launch__registers_per_thread"),
            "active": mean("sm__warps_active.avg.pct_of_peak_sustained_active"),
        })
    return sorted(rows, key=lambda r: -r["time"] * r["launches"]), steps


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows, steps = table(sys.argv[1])
    total = sum(r["time"] * r["launches"] for r in rows)
    print("| kernel | grid | block | launches | us each | share | MB | GB/s | M instructions "
          "| registers | active |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['kernel'].replace('|', '/')} | {r['grid']} | {r['block']} | {r['launches']:.3g} "
              f"| {1e6 * r['time']:.1f} | {100 * r['time'] * r['launches'] / total:.1f} % "
              f"| {r['bytes'] / 1e6:.1f} | {r['bytes'] / r['time'] / 1e9:.0f} "
              f"| {r['instructions'] / 1e6:.2f} | {r['registers']:.0f} | {r['active']:.0f} % |")
    count = sum(r["launches"] for r in rows)
    print(f"\nAll kernels of a step: {count:.0f} launches, {1e3 * total:.3f} ms, "
          f"{sum(r['bytes'] * r['launches'] for r in rows) / 1e6:.0f} MB; {steps} steps.")


if __name__ == "__main__":
    main()
