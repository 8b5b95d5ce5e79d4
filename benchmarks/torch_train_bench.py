#!/usr/bin/env python3
"""Times PyTorch's training step on the CPU: the rival of benchmarks/train_bench.

A step is zero_grad, forward, cross-entropy, backward and an SGD step with momentum and weight
decay, on one fixed batch that is already in memory and in the right layout.

By default: some steps to warm up, then one JSON line per step. With --serve another program drives
it, so that steps of both can alternate on the same machine: it prints
    ready {"torch": "1.13.1", "model": "simplenet", ...}
once warm, then answers each line "step N" with the median milliseconds of N steps, as a plain
number on a line; "quit" or the end of input ends it. Anything else is answered "error ...".

PyTorch is at its best with these set by the caller, before the process starts:
    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000
They keep glibc from giving freed activations back to the system and faulting them in again.
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.append(str(Path(__file__).resolve().parent))

from torch_models import MODELS  # noqa: E402

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}


class Training:
    """A model, a batch and an optimizer; step() does one training step and returns milliseconds."""

    def __init__(self, arguments):
        torch.manual_seed(arguments.seed)
        layout = LAYOUTS[arguments.format]
        self.model = MODELS[arguments.model](arguments.classes, arguments.image_size).train()
        self.model.to(memory_format=layout)
        shape = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)
        self.images = torch.randn(shape).contiguous(memory_format=layout)
        self.labels = torch.randint(arguments.classes, (arguments.batch_size,))
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4
        )

    def step(self):
        begin = time.perf_counter()
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        self.loss = loss.item()
        return (time.perf_counter() - begin) * 1e3


def serve(training, description):
    """Answers "step N" lines on stdin until "quit" or the end of input."""
    print("ready", json.dumps(description), flush=True)
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        if len(words) == 2 and words[0] == "step" and words[1].isdigit() and int(words[1]) > 0:
            times = [training.step() for _ in range(int(words[1]))]
            print(f"{statistics.median(times):.3f}", flush=True)
        else:
            print(f'error: "{line.strip()}" is neither "step N" nor "quit"', flush=True)


def measure(training, steps, description):
    """Prints a line for each step and a last one with the median."""
    times = []
    for step in range(steps):
        times.append(training.step())
        print(json.dumps({"step": step, "ms": round(times[-1], 3), "loss": training.loss}))
    print(json.dumps(dict(description, median_ms=round(statistics.median(times), 3))))


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=MODELS, default="simplenet")
    parser.add_argument("--format", choices=LAYOUTS, default="channels_last")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--image-size", type=int, default=128)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warmup", type=int, default=3, help="steps before anything is timed")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--serve", action="store_true", help="take orders on stdin")
    return parser.parse_args()


def main():
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    training = Training(arguments)
    for _ in range(arguments.warmup):
        training.step()
    description = {
        "torch": torch.__version__,
        "model": arguments.model,
        "format": arguments.format,
        "batch_size": arguments.batch_size,
        "image_size": arguments.image_size,
        "threads": torch.get_num_threads(),
        "malloc_tuned": os.environ.get("MALLOC_MMAP_MAX_") == "0",
    }
    if arguments.serve:
        serve(training, description)
    else:
        measure(training, arguments.steps, description)


if __name__ == "__main__":
    main()
