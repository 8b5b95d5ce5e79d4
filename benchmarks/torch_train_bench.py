#!/usr/bin/env python3
"""Times PyTorch's training: the rival of benchmarks/train_bench.

A step is zero_grad, forward, cross-entropy, backward and an SGD step with momentum and weight
decay, on one fixed batch that is already on the device and in the right layout. --precision bf16
is autocast (AMP), --mode how the step runs:

    eager      as written
    compiled   network and loss through torch.compile
    graph      the whole step captured in a CUDA graph and replayed; cuda only

By default: some steps to warm up, then one JSON line per step. With --serve another program drives
it, so that steps of both can alternate on the same machine: it prints
    ready {"torch": "1.13.1", "model": "simplenet", ...}
once warm, then answers each line "step N" with the median milliseconds of N steps, as a plain
number on a line; on cuda with their mean, so that launches are hidden. "quit" or the end of input
ends it. Anything else is answered "error ...".

With --epoch IMAGES it times a whole epoch: that many uint8 images, a little larger than the network
takes, lie on the device; each batch is a random choice of them, cropped, mirrored and normalised
there. It prints one JSON line with seconds and images a second.

On the CPU PyTorch is at its best with these set by the caller, before the process starts:
    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000
They keep glibc from giving freed activations back to the system and faulting them in again.
"""

import argparse
import json
import os
import statistics
import sys
from pathlib import Path

try:
    import torch
    import torch.nn.functional as F
except ModuleNotFoundError as missing:
    print(f"it has no {missing.name} (pip install torch)")
    sys.exit(1)

sys.path.append(str(Path(__file__).resolve().parent))

from torch_device import add_device_flags, describe, open_device, seconds, serve  # noqa: E402
from torch_models import MEAN, MODELS, STD  # noqa: E402

LAYOUTS = {"channels_last": torch.channels_last, "contiguous": torch.contiguous_format}
MODES = ("eager", "compiled", "graph")


class Training:
    """A model, a batch and an optimizer; step() does one training step."""

    def __init__(self, arguments, device):
        torch.manual_seed(arguments.seed)
        self.device, self.bf16 = device, arguments.precision == "bf16"
        self.layout = LAYOUTS[arguments.format]
        model = MODELS[arguments.model](arguments.classes, arguments.image_size).train()
        self.model = model.to(device, memory_format=self.layout)
        shape = (arguments.batch_size, 3, arguments.image_size, arguments.image_size)
        self.images = torch.randn(shape).to(device, memory_format=self.layout)
        self.labels = torch.randint(arguments.classes, (arguments.batch_size,)).to(device)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, **fused(device)
        )
        self.loss_of = torch.compile(self.forward) if arguments.mode == "compiled" else self.forward
        self.step = self.plain_step
        if arguments.mode == "graph":
            self.capture()

    def forward(self, images, labels):
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            return F.cross_entropy(self.model(images), labels)

    def plain_step(self):
        self.optimizer.zero_grad(set_to_none=True)
        self.loss = self.loss_of(self.images, self.labels)
        self.loss.backward()
        self.optimizer.step()

    def capture(self):
        """Records a step; replaying it reads self.images and self.labels where they lie."""
        stream = torch.cuda.Stream(self.device)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                self.plain_step()
        torch.cuda.current_stream().wait_stream(stream)
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.plain_step()
        self.step = graph.replay

    def times(self, steps):
        """Milliseconds of each of some steps; on cuda all the same, their mean."""

        def several():
            for _ in range(steps):
                self.step()

        def one():
            self.step()
            self.loss.item()

        if self.device.type == "cuda":
            return [seconds(self.device, several) / steps * 1e3] * steps
        return [seconds(self.device, one) * 1e3 for _ in range(steps)]


def fused(device):
    """SGD's one-kernel form, where this PyTorch has it."""
    try:
        parameter = torch.nn.Parameter(torch.zeros(1, device=device))
        torch.optim.SGD([parameter], lr=0.1, fused=True)
    except (TypeError, RuntimeError):
        return {}
    return {"fused": True}


class Epoch:
    """Images that lie on the device, and an epoch of training on them."""

    def __init__(self, arguments, training):
        self.training, self.size = training, arguments.image_size
        self.batch_size = arguments.batch_size
        self.device = training.device
        load_size = self.size * 9 // 8
        self.shift = load_size - self.size
        shape = (arguments.epoch, load_size, load_size, 3)
        self.images = torch.randint(256, shape, dtype=torch.uint8, device=self.device)
        self.labels = torch.randint(arguments.classes, shape[:1], device=self.device)
        scale = 1 / (255 * torch.tensor(STD, device=self.device))
        self.scale, self.offset = scale, -torch.tensor(MEAN, device=self.device) * 255 * scale
        self.places = torch.arange(self.size, device=self.device)
        compiled = arguments.mode == "compiled"
        self.prepare = torch.compile(self.augment) if compiled else self.augment

    def augment(self, chosen):
        """A crop of each chosen image, half of them mirrored, normalised: channels last."""
        n = chosen.shape[0]
        top, left = torch.randint(self.shift + 1, (2, n, 1), device=self.device)
        mirrored = torch.rand(n, 1, device=self.device) < 0.5
        columns = torch.where(mirrored, self.size - 1 - self.places, self.places) + left
        rows = self.places + top
        crops = self.images[chosen[:, None, None], rows[:, :, None], columns[:, None, :]]
        return (crops * self.scale + self.offset).permute(0, 3, 1, 2)

    def run(self):
        order = torch.randperm(len(self.images), device=self.device)
        whole = len(order) // self.batch_size * self.batch_size
        for chosen in order[:whole].split(self.batch_size):
            self.training.images.copy_(self.prepare(chosen))
            self.training.labels.copy_(self.labels[chosen])
            self.training.step()


def measure_epoch(arguments, training, description):
    """Prints a line for an epoch after another one of a few batches to warm up."""
    epoch = Epoch(arguments, training)
    order = torch.arange(arguments.batch_size, device=training.device)
    for _ in range(arguments.warmup):
        training.images.copy_(epoch.prepare(order))
        training.step()
    duration = seconds(training.device, epoch.run)
    images = arguments.epoch // arguments.batch_size * arguments.batch_size
    rate = {"seconds": round(duration, 3), "images_a_second": round(images / duration, 1)}
    print(json.dumps(dict(description, images=images, **rate)))


def measure_steps(training, steps, description):
    """Prints a line for each step and a last one with the median."""
    times = training.times(steps)
    for step, ms in enumerate(times):
        print(json.dumps({"step": step, "ms": round(ms, 3)}))
    loss = training.loss.item()
    print(json.dumps(dict(description, loss=loss, median_ms=round(statistics.median(times), 3))))


def positive(text):
    number = int(text)
    if number < 1:
        raise ValueError(f"{number} is below 1")
    return number


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_device_flags(parser)
    parser.add_argument("--model", choices=MODELS, default="simplenet")
    parser.add_argument("--mode", choices=MODES, default="eager")
    parser.add_argument("--format", choices=LAYOUTS, default="channels_last")
    parser.add_argument("--batch-size", type=positive, default=32)
    parser.add_argument("--image-size", type=positive, default=128)
    parser.add_argument("--classes", type=positive, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--warmup", type=positive, default=3, help="steps before any is timed")
    parser.add_argument("--steps", type=positive, default=10)
    parser.add_argument("--epoch", type=positive, metavar="IMAGES", help="time an epoch instead")
    parser.add_argument("--serve", action="store_true", help="take orders on stdin")
    arguments = parser.parse_args()
    device = open_device(parser, arguments)
    if arguments.mode == "graph" and device.type != "cuda":
        parser.error("--mode graph is for cuda")
    if arguments.mode == "compiled" and not hasattr(torch, "compile"):
        parser.error(f"PyTorch {torch.__version__} has no torch.compile")
    if arguments.epoch and arguments.serve:
        parser.error("--epoch is no order to --serve")
    if arguments.epoch and arguments.epoch < arguments.batch_size:
        parser.error("--epoch needs at least a batch of images")
    return arguments, device


def main():
    arguments, device = parse()
    torch.backends.cudnn.benchmark = True
    training = Training(arguments, device)
    for _ in range(arguments.warmup):
        training.step()
    description = dict(
        describe(device),
        model=arguments.model,
        mode=arguments.mode,
        precision=arguments.precision,
        format=arguments.format,
        batch_size=arguments.batch_size,
        image_size=arguments.image_size,
        malloc_tuned=os.environ.get("MALLOC_MMAP_MAX_") == "0",
    )
    if arguments.serve:
        step = {"step": lambda n: f"{statistics.median(training.times(positive(n))):.3f}"}
        serve(description, step)
    elif arguments.epoch:
        measure_epoch(arguments, training, description)
    else:
        measure_steps(training, arguments.steps, description)


if __name__ == "__main__":
    main()
