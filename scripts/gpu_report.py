#!/usr/bin/env python3
"""Writes gpu_check.json and gpu_check.md from what scripts/gpu_check left in a folder.

usage: gpu_report.py FOLDER

FOLDER has facts (KEY=VALUE lines), parts (name, seconds), steps (part, name, exit code or reason
for skipping, seconds), both with tabs between, and logs/PART.NAME.log. Prints the table; exits 1 if
a part failed.
"""

import json
import re
import sys
from pathlib import Path

# What a step's log is searched for: its main figures.
FIGURES = {
    "tests": r"All tests passed .*|test cases: .*",
    "sanitizer": r"(?:ERROR|RACECHECK) SUMMARY: .*",
    "conv": r".*geometric mean.*",
    "epoch": r".*: an epoch of .*",
    "profile": r"^All kernels .*",
    "train": r"^(?:Tweed|PyTorch) .*",
    "precisions": r"^(?:Tweed|PyTorch) .*|.*geometric mean.*",
    "run": r"^Epoch .* train.*|self-test on .*",
}
TIME_RAN_OUT = (124, 137)


def figures(part, log):
    """The lines of a log that a reader wants to see, the last few of them."""
    text = log.read_text(errors="replace") if log.exists() else ""
    if part == "kernels":
        return kernel_figures(text)
    found = re.findall(FIGURES[part], text, re.MULTILINE)
    return [" ".join(line.split()) for line in found][-3:]


def kernel_figures(text):
    """How many kernels reach 80 % of a copy's bandwidth, and three that are far from it."""
    shares = re.findall(r"^(\S.*?) {2,}.* (\d+) % of copy", text, re.MULTILINE)
    if not shares:
        return []
    slow = sorted((int(share), name) for name, share in shares if int(share) < 80)
    furthest = ", ".join(f"{name} {share} %" for share, name in slow[:3])
    return [f"{len(shares) - len(slow)} of {len(shares)} kernels at 80 % of copy bandwidth or more"
            + (f"; furthest: {furthest}" if slow else "")]


def read_step(line, folder):
    part, name, outcome, seconds = line.split("\t")
    step = {"part": part, "name": name, "seconds": round(float(seconds), 1)}
    if not outcome.isdigit():
        return dict(step, result="skipped", figures=[outcome])
    code = int(outcome)
    found = figures(part, folder / "logs" / f"{part}.{name}.log")
    # A sanitizer that attaches to nothing also ends well.
    blind = part == "sanitizer" and not found
    if code:
        found.append("time ran out" if code in TIME_RAN_OUT else f"exit code {code}")
    elif blind:
        found.append("it says nothing of errors")
    result = "failed" if code or blind else "passed"
    return dict(step, exit_code=code, result=result, figures=found)


def summary(part, steps):
    """A part's result, seconds and main figures, from its steps."""
    results = {step["result"] for step in steps}
    result = next(r for r in ("failed", "passed", "skipped") if r in results)
    shown = [step for step in steps if step["result"] == "failed"] or steps
    told = [f"{step['name']}: {'; '.join(step['figures'])}" for step in shown if step["figures"]]
    if result == "passed" and part in ("tests", "sanitizer"):
        told = [f"{len(steps)} runs{assertions(told)}"]
    elif result == "passed" and part == "run":
        told.append("the same seed leaves the same bytes, with a CUDA graph and without")
    return {"part": part, "result": result, "figures": told}


def assertions(lines):
    count = sum(int(n) for n in re.findall(r"(\d+) assertions? in", " ".join(lines)))
    return f", {count} assertions" if count else ""


def page(facts, parts):
    """The table in Markdown."""
    lines = [f"# gpu_check: {facts['gpu']}", ""]
    lines += ["| | |", "|---|---|"]
    lines += [f"| {key} | {value} |" for key, value in facts.items()]
    lines += ["", "| part | result | seconds | figures |", "|---|---|---|---|"]
    for part in parts:
        cells = "<br>".join(text.replace("|", "/") for text in part["figures"])
        lines.append(f"| {part['part']} | {part['result']} | {part['seconds']} | {cells} |")
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    facts = dict(line.split("=", 1) for line in (folder / "facts").read_text().splitlines())
    steps = [read_step(line, folder) for line in (folder / "steps").read_text().splitlines()]
    parts = []
    for line in (folder / "parts").read_text().splitlines():
        part, seconds = line.split("\t")
        of_part = [step for step in steps if step["part"] == part]
        parts.append(dict(summary(part, of_part), seconds=int(seconds)))
    result = dict(facts, parts=parts, steps=steps)
    (folder / "gpu_check.json").write_text(json.dumps(result, indent=1) + "\n")
    text = page(facts, parts)
    (folder / "gpu_check.md").write_text(text)
    print(text)
    sys.exit(any(part["result"] == "failed" for part in parts))


if __name__ == "__main__":
    main()
