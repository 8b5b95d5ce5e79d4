#!/usr/bin/env python3
"""Times the passes of convolutions in PyTorch: the rival of benchmarks/conv_bench.

On the CPU that is oneDNN behind PyTorch, on a GPU cuDNN: with --search the best of the ten
algorithms that its rules put first, found by trying them, else the first. Images are channels last
unless --channels-first is given, the bias is left out, and each pass is asked for alone.

On a GPU the passes of a turn are recorded as a CUDA graph, whose replay is timed between two events,
so that the host's time does not count; they take sets of operands in turn. The CPU takes the same
ones, unrecorded; this is all that was tested of it where there is no GPU.

It takes orders on stdin, after it has printed "ready {...}":
    conv N H W Ci Co K S P [G D] IMAGES SETS    gets a convolution ready; answers "ok". K, S, P and D
                                     may be two numbers as 1x7, P also four as 0,0,1,1: top, left,
                                     bottom, right
    time PASS REPEATS                the mean seconds of a pass: forward, weight or input
    facts PASS                       the largest difference from float64 on the first IMAGES, in
                                     units of the largest magnitude, and the bytes of workspace
                                     (-1 where PyTorch does not tell)
    quit

On the CPU PyTorch is at its best with these set by the caller, before the process starts:
    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=8000000000
"""

import argparse
import sys
from pathlib import Path

try:
    import torch
except ModuleNotFoundError as missing:
    print(f"it has no {missing.name} (pip install torch)")
    sys.exit(1)

sys.path.append(str(Path(__file__).resolve().parent))

from torch_device import add_device_flags, describe, open_device, seconds, serve  # noqa: E402

# What aten::convolution_backward computes: gradients of input, weight and bias.
WANTED = {"input": [True, False, False], "weight": [False, True, False]}


def pair(word):
    """[7, 7] of "7", and [1, 7] of "1x7"."""
    numbers = [int(number) for number in word.split("x")]
    return numbers * 2 if len(numbers) == 1 else numbers


def padding(word):
    """What conv2d pads, and what has to be padded before: left, right, top and bottom."""
    if "," not in word:
        return pair(word), (0, 0, 0, 0)
    top, left, bottom, right = (int(number) for number in word.split(","))
    return [0, 0], (left, right, top, bottom)


class Convolution:
    """Random images, weights and gradients of one convolution, and its passes."""

    def __init__(self, device, dtype, layout, numbers):
        n, h, w, c_in, c_out = (int(word) for word in numbers[:5])
        kernel, self.stride, self.dilation = pair(numbers[5]), pair(numbers[6]), pair(numbers[9])
        self.padding, self.border = padding(numbers[7])
        self.groups, self.images, sets = int(numbers[8]), int(numbers[10]), int(numbers[11])
        if sets < 1:
            raise ValueError("there must be a set of operands")
        self.device = device
        self.graph, self.recorded = None, None
        left, right, top, bottom = self.border
        sizes = h + top + bottom, w + left + right
        out_h, out_w = (
            (size + 2 * p - d * (k - 1) - 1) // s + 1
            for size, p, d, k, s in zip(sizes, self.padding, self.dilation, kernel, self.stride)
        )
        generator = torch.Generator().manual_seed(1)

        def values(*shape):
            t = 2 * torch.rand(shape, generator=generator) - 1
            return t.to(device, dtype, memory_format=layout)

        self.x = values(n, c_in, h, w)
        self.weight = values(c_out, c_in // self.groups, *kernel)
        self.dy = values(n, c_out, out_h, out_w)
        first = self.x, self.weight, self.dy
        self.sets = [first] + [tuple(t.clone() for t in first) for _ in range(sets - 1)]

    def compute(self, name, x, weight, dy):
        if any(self.border):  # which PyTorch has no other way to do
            x = torch.nn.functional.pad(x, self.border)
        where = self.stride, self.padding, self.dilation
        if name == "forward":
            return torch.nn.functional.conv2d(x, weight, None, *where, self.groups)
        results = torch.ops.aten.convolution_backward(
            dy, x, weight, None, *where, False, [0, 0], self.groups, WANTED[name]
        )
        if name == "weight":
            return results[1]
        left, right, top, bottom = self.border
        height, width = x.shape[2:]
        return results[0][:, :, top : height - bottom, left : width - right]

    def repeat(self, name, repeats):
        for i in range(repeats):
            self.compute(name, *self.sets[i % len(self.sets)])

    def record(self, name, repeats):
        """Notes the passes in a CUDA graph, after cuDNN has chosen its algorithm."""
        self.graph = None  # its memory, before the next one's
        beside = torch.cuda.Stream(self.device)
        beside.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(beside):
            self.repeat(name, min(repeats, 3))
        torch.cuda.current_stream(self.device).wait_stream(beside)
        self.graph, self.recorded = torch.cuda.CUDAGraph(), (name, repeats)
        with torch.cuda.graph(self.graph):
            self.repeat(name, repeats)
        self.graph.replay()

    @torch.no_grad()
    def time(self, name, repeats):
        if repeats < 1:
            raise ValueError("there must be a pass to time")
        if self.device.type == "cpu":
            return seconds(self.device, lambda: self.repeat(name, repeats)) / repeats
        if self.graph is None or self.recorded != (name, repeats):
            self.record(name, repeats)
        return seconds(self.device, self.graph.replay) / repeats

    @torch.no_grad()
    def error(self, name):
        few = self.x[: self.images], self.weight, self.dy[: self.images]
        result = self.compute(name, *few).cpu().double()
        exact = self.compute(name, *(t.cpu().double() for t in few))
        return ((result - exact).abs().max() / exact.abs().max()).item()

    @torch.no_grad()
    def workspace(self, name):
        if self.device.type == "cpu":
            return -1
        torch.cuda.reset_peak_memory_stats(self.device)
        result = self.compute(name, self.x, self.weight, self.dy)
        torch.cuda.synchronize(self.device)
        bytes_after = torch.cuda.memory_allocated(self.device)
        del result
        return torch.cuda.max_memory_allocated(self.device) - bytes_after


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_device_flags(parser)
    parser.add_argument("--search", action="store_true", help="let cuDNN try ten algorithms")
    parser.add_argument("--channels-first", action="store_true", help="NCHW, not NHWC")
    arguments = parser.parse_args()
    return arguments, open_device(parser, arguments)


def main():
    arguments, device = parse()
    torch.backends.cudnn.benchmark = arguments.search
    torch.backends.cudnn.benchmark_limit = 10  # all of them can take minutes a shape
    dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
    layout = torch.contiguous_format if arguments.channels_first else torch.channels_last
    current = []

    def conv(*numbers):
        if len(numbers) == 10:
            numbers = (*numbers[:8], "1", "1", *numbers[8:])
        if len(numbers) != 12:
            raise ValueError("ten or twelve numbers, please")
        current.clear()  # its memory, before the next one's
        current.append(Convolution(device, dtype, layout, numbers))
        return "ok"

    def ready():
        if not current:
            raise ValueError("no convolution yet")
        return current[0]

    commands = {
        "conv": conv,
        "time": lambda name, repeats: f"{ready().time(name, int(repeats)):.9f}",
        "facts": lambda name: f"{ready().error(name):.9g} {ready().workspace(name)}",
    }
    description = dict(
        describe(device),
        precision=arguments.precision,
        search=arguments.search,
        channels="first" if arguments.channels_first else "last",
    )
    serve(description, commands)


if __name__ == "__main__":
    main()
