#!/usr/bin/env python3
"""Times the passes of convolutions in PyTorch: the rival of benchmarks/conv_bench.

On the CPU that is oneDNN behind PyTorch, on a GPU cuDNN: with --search the best of the ten
algorithms that its rules put first, found by trying them, else the first. Images are channels last
unless --channels-first is given, the bias is left out, and each pass is asked for alone.

On a GPU the passes of a turn are recorded as a CUDA graph, whose replay is timed between two events,
so that the host's time does not count; they take sets of operands in turn. The CPU takes the same
ones, unrecorded; this is all that was tested of it where there is no GPU.

It takes orders on stdin, after it has printed "ready {...}":
    conv N H W Ci Co K S P IMAGES SETS    gets a convolution ready; answers "ok"
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

import torch

sys.path.append(str(Path(__file__).resolve().parent))

from torch_device import add_device_flags, describe, open_device, seconds, serve  # noqa: E402

# What aten::convolution_backward computes: gradients of input, weight and bias.
WANTED = {"input": [True, False, False], "weight": [False, True, False]}


class Convolution:
    """Random images, weights and gradients of one convolution, and its passes."""

    def __init__(self, device, dtype, layout, numbers):
        n, h, w, c_in, c_out, kernel, self.stride, self.padding, self.images, sets = numbers
        if sets < 1:
            raise ValueError("there must be a set of operands")
        self.device = device
        self.graph, self.recorded = None, None
        out_h, out_w = ((s + 2 * self.padding - kernel) // self.stride + 1 for s in (h, w))
        generator = torch.Generator().manual_seed(1)

        def values(*shape):
            t = 2 * torch.rand(shape, generator=generator) - 1
            return t.to(device, dtype, memory_format=layout)

        self.x = values(n, c_in, h, w)
        self.weight = values(c_out, c_in, kernel, kernel)
        self.dy = values(n, c_out, out_h, out_w)
        first = self.x, self.weight, self.dy
        self.sets = [first] + [tuple(t.clone() for t in first) for _ in range(sets - 1)]

    def compute(self, name, x, weight, dy):
        if name == "forward":
            return torch.nn.functional.conv2d(x, weight, None, self.stride, self.padding)
        stride, padding = [self.stride] * 2, [self.padding] * 2
        results = torch.ops.aten.convolution_backward(
            dy, x, weight, None, stride, padding, [1, 1], False, [0, 0], 1, WANTED[name]
        )
        return results[0 if name == "input" else 1]

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
        if len(numbers) != 10:
            raise ValueError("ten numbers, please")
        current.clear()  # its memory, before the next one's
        current.append(Convolution(device, dtype, layout, [int(n) for n in numbers]))
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
