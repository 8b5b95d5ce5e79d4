#!/usr/bin/env python3
"""Times the passes of convolutions in PyTorch: the rival of benchmarks/conv_bench.

On the CPU that is oneDNN behind PyTorch, on a GPU cuDNN: with --search the best of the ten
algorithms that its rules put first, found by trying them, else the first. Images are channels last, the
bias is left out, and each pass is asked for alone.

It takes orders on stdin, after it has printed "ready {...}":
    conv N H W Ci Co K S P IMAGES    gets a convolution ready; answers "ok"
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

    def __init__(self, device, dtype, numbers):
        n, h, w, c_in, c_out, kernel, self.stride, self.padding, self.images = numbers
        self.device = device
        out_h, out_w = ((s + 2 * self.padding - kernel) // self.stride + 1 for s in (h, w))
        generator = torch.Generator().manual_seed(1)

        def values(*shape):
            t = 2 * torch.rand(shape, generator=generator) - 1
            return t.to(device, dtype, memory_format=torch.channels_last)

        self.x = values(n, c_in, h, w)
        self.weight = values(c_out, c_in, kernel, kernel)
        self.dy = values(n, c_out, out_h, out_w)

    def compute(self, name, x, weight, dy):
        if name == "forward":
            return torch.nn.functional.conv2d(x, weight, None, self.stride, self.padding)
        stride, padding = [self.stride] * 2, [self.padding] * 2
        results = torch.ops.aten.convolution_backward(
            dy, x, weight, None, stride, padding, [1, 1], False, [0, 0], 1, WANTED[name]
        )
        return results[0 if name == "input" else 1]

    @torch.no_grad()
    def time(self, name, repeats):
        def run():
            for _ in range(repeats):
                self.compute(name, self.x, self.weight, self.dy)

        return seconds(self.device, run) / repeats

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
    arguments = parser.parse_args()
    return arguments, open_device(parser, arguments)


def main():
    arguments, device = parse()
    torch.backends.cudnn.benchmark = arguments.search
    torch.backends.cudnn.benchmark_limit = 10  # all of them can take minutes a shape
    dtype = torch.bfloat16 if arguments.precision == "bf16" else torch.float32
    current = []

    def conv(*numbers):
        if len(numbers) != 9:
            raise ValueError("nine numbers, please")
        current[:] = [Convolution(device, dtype, [int(n) for n in numbers])]
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
    description = dict(describe(device), precision=arguments.precision, search=arguments.search)
    serve(description, commands)


if __name__ == "__main__":
    main()
