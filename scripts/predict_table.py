#!/usr/bin/env python3
"""Predicts how long training steps take on a GPU from what the emulator counted.

usage: predict_table.py FOLDER [--measured docs/results/h200.md]

FOLDER has MODEL.jsonl for each network: a line for each launch and product of a few steps, as
EMULATOR_COUNT writes them. Prints a Markdown page. Of --measured the tables of kernels that ncu
measured are put beside the predictions.
"""

import argparse
import json
import re
import statistics
import sys
from collections import defaultdict
from pathlib import Path

from predict_rules import CHANGED, GPUS, RULES, instructions, kernel_time, operations_of_mma, parts, \
    product_time, transfer_time

STEP_MARK = "sgd_kernel"
IMAGES = 100_000
BATCH = 256
TITLES = {"simplenet": "SimpleNet", "simplenet_bn": "SimpleNet with batch norm",
          "resnet18": "ResNet-18", "simplevit": "SimpleViT"}


def last_step(path):
    """The lines between the optimizer's last two launches: one step, in a circle."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    marks = [i for i, line in enumerate(lines) if STEP_MARK in line.get("kernel", "")]
    if len(marks) < 2:
        sys.exit(f"{path} has fewer than two steps")
    return lines[marks[-2] + 1:marks[-1] + 1]


def short(name):
    """A kernel's name without what every instance has in common."""
    name = re.sub(r"\((?:[^()]|\([^()]*\))*\)$", "", name.replace("(anonymous namespace)::", ""))
    name = re.sub(r"tweed::|cuda::|^void |\(\w+\)(?=\d)", "", name)
    return name.replace("true", "1").replace("false", "0").replace("> >", ">>")


class Row:
    """Launches of one kernel with one grid in a step; figures are of one launch."""

    def __init__(self, name, blocks):
        self.name, self.blocks, self.launches = name, blocks, 0
        self.least = self.moved = self.instructions = 0
        self.times = defaultdict(float)
        self.tensor = False
        self.bounds = defaultdict(float)

    def add(self, line):
        self.launches += 1
        sums = {k: line["read"][k] + line["written"][k] for k in ("distinct", "of_blocks")}
        self.least += sums["distinct"]
        self.moved += sums["of_blocks"]
        self.instructions += instructions(line)
        self.tensor = self.tensor or operations_of_mma(line) > 0
        for gpu in GPUS:
            self.times[gpu] += kernel_time(GPUS[gpu], line)
        for part, seconds in parts(GPUS["H200"], line).items():
            self.bounds[part] += seconds

    def bound(self):
        return max(self.bounds, key=self.bounds.get)

    def mean(self, total):
        return total / self.launches


def rows_of(step):
    """Rows of kernels, and what else a step does: seconds on each GPU and how many of it."""
    kernels, other = {}, defaultdict(lambda: [0, defaultdict(float)])
    for line in step:
        if "kernel" in line:
            blocks = line["grid"][0] * line["grid"][1] * line["grid"][2]
            key = short(line["kernel"]), blocks
            kernels.setdefault(key, Row(*key)).add(line)
            continue
        (what, numbers), = line.items()
        for name, gpu in GPUS.items():
            kind = what if what in ("copy", "memset") else "product"
            time = (product_time if kind == "product" else transfer_time)(gpu, numbers)
            other[kind][1][name] += time
        other[kind][0] += 1
    return sorted(kernels.values(), key=lambda r: -r.times["H200"]), other


def measured(path):
    """Of a page: {(kernel, blocks): (microseconds, million instructions)}, and {network: ms}."""
    kernels, steps = {}, {}
    for line in Path(path).read_text().splitlines() if path else ():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if len(cells) == 8 and cells[0].startswith("`") and cells[1].isdigit():
            name = cells[0].strip("`")
            if not name.startswith(CHANGED):
                kernels[name, int(cells[1])] = float(cells[3]), float(cells[6])
        if len(cells) == 5 and cells[0] in TITLES.values():
            steps[cells[0]] = float(cells[2])
    return kernels, steps


def sum_of(rows, other, gpu):
    return sum(r.times[gpu] for r in rows) + sum(o[1][gpu] for o in other.values())


def print_steps(models, steps):
    print("\n## Steps\n")
    print("| network | launches | H100: ms a step | s an epoch of 100,000 | H200: ms a step "
          "| s an epoch | measured on an H200: ms a step | predicted / measured |")
    print("|---|---|---|---|---|---|---|---|")
    for title, (rows, other) in models.items():
        h100, h200 = (sum_of(rows, other, gpu) for gpu in ("H100", "H200"))
        epochs = IMAGES / BATCH
        ms = steps.get(title)
        ratio = f"{ms} | {1e3 * h200 / ms:.2f}" if ms else " | "
        print(f"| {title} | {sum(r.launches for r in rows)} | {1e3 * h100:.2f} | {epochs * h100:.2f} "
              f"| {1e3 * h200:.2f} | {epochs * h200:.2f} | {ratio} |")


def print_verdict(models, seen):
    """Predicted by measured time of the kernels that were measured, by what holds them back."""
    ratios, counts = defaultdict(list), []
    for title in ("SimpleNet", "SimpleViT"):  # the two that were profiled
        for r in models.get(title, ([],))[0]:
            if (r.name, r.blocks) in seen and r.least > 1e6:
                us, count = seen[r.name, r.blocks]
                ratios[r.bound()].append(1e6 * r.mean(r.times["H200"]) / us)
                counts.append(r.mean(r.instructions) / 1e6 / count)
    if not ratios:
        return
    print("\n## What a GPU said to the rules\n")
    print("| held back by | kernels measured | predicted / measured: least | median | most |")
    print("|---|---|---|---|---|")
    for bound, all_ in [*sorted(ratios.items()), ("(instructions counted)", counts)]:
        print(f"| {bound} | {len(all_)} | {min(all_):.2f} | {statistics.median(all_):.2f} | {max(all_):.2f} |")


def print_beyond(models):
    """Kernels without products that move more, or compute more, than the memory's time allows."""
    gpu = GPUS["H200"]
    found = {}
    for title, (rows, _) in models.items():
        for r in rows:
            issue = r.instructions / gpu["issue"] / (r.least / gpu["memory"])
            moved = r.moved / max(1, r.least)
            if r.tensor or r.mean(r.least) < 4e6 or (issue <= 1 and moved <= 1.25):
                continue
            key = r.name, r.blocks
            entry = found.setdefault(key, [r, issue, moved, []])
            entry[3].append(f"{title} {r.launches}")
    print("\n## Beyond the bounds\n")
    print("Kernels without tensor cores that touch more than 4 MB, and move more than 1.25 of the least bytes or "
          "need more cycles to issue than the memory needs time:" + ("" if found else " none."))
    if not found:
        return
    print("\n| kernel | blocks | moved / least | issue / memory | launches a step |")
    print("|---|---|---|---|---|")
    for (name, blocks), (_, issue, moved, where) in sorted(found.items(), key=lambda f: -f[1][1]):
        print(f"| `{name}` | {blocks} | {moved:.2f} | {issue:.2f} | {', '.join(where)} |")


def print_model(title, rows, other, seen):
    print(f"\n## {title}\n")
    total = sum_of(rows, other, "H200")
    print(f"{sum(r.launches for r in rows)} launches, " + ", ".join(
        f"{n} {k if n == 1 else 'copies' if k == 'copy' else k + 's'} ({1e6 * t['H200']:.0f} us)"
        for k, (n, t) in sorted(other.items())) + " on an H200.\n")
    print("| kernel | blocks | launches | least MB | moved / least | M instructions | issue / memory "
          "| us, H100 | us, H200 | measured us | measured M instructions |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    shown = [r for r in rows if r.times["H200"] >= 0.004 * total]
    for r in shown:
        gpu = GPUS["H200"]
        memory = r.least / gpu["memory"]
        issue = r.instructions / gpu["issue"]
        us, count = seen.get((r.name, r.blocks), (None, None))
        print(f"| `{r.name}` | {r.blocks} | {r.launches} | {r.mean(r.least) / 1e6:.1f} "
              f"| {r.moved / max(1, r.least):.2f} | {r.mean(r.instructions) / 1e6:.2f} "
              f"| {issue / max(1e-12, memory):.2f} "
              f"| {1e6 * r.mean(r.times['H100']):.1f} | {1e6 * r.mean(r.times['H200']):.1f} "
              f"| {'' if us is None else us} | {'' if count is None else count} |")
    rest = [r for r in rows if r not in shown]
    print(f"\n{sum(r.launches for r in rest)} launches more take "
          f"{1e6 * sum(r.times['H200'] for r in rest):.0f} us together.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--measured")
    args = parser.parse_args()
    seen, steps = measured(args.measured)
    models = {title: rows_of(last_step(args.folder / f"{model}.jsonl"))
              for model, title in TITLES.items() if (args.folder / f"{model}.jsonl").exists()}
    if not models:
        sys.exit(f"{args.folder} has no counts of a network")
    print(RULES.strip())
    print_steps(models, steps)
    print_verdict(models, seen)
    print_beyond(models)
    for title, (rows, other) in models.items():
        print_model(title, rows, other, seen)


if __name__ == "__main__":
    main()
