"""ops.safetensors: every operation of the first networks, float64, as cases.py describes.

Convolution weights are (Co, Ci, Kh, Kw).
"""

import zlib

import numpy as np
import torch
import torch.nn.functional as F

from cases import Cases, nchw, nhwc
from formula import bits, integers, uniform


def elementwise(cases):
    shapes = {
        "same": ((2, 3, 4), (2, 3, 4)),
        "trailing": ((2, 3, 4), (4,)),
        "trailing2": ((2, 3, 4), (3, 4)),
        "leading": ((4,), (2, 3, 4)),
        "rows": ((6, 4), (6, 1)),
        "rows3": ((2, 3, 4), (2, 3, 1)),
        "images": ((2, 3, 3, 4), (2, 1, 1, 4)),
        "scalar": ((2, 3, 4), (1,)),
    }
    operations = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div}
    for op, function in operations.items():
        for kind, (a, b) in shapes.items():
            case = f"{op}_{kind}"
            divisor = cases.values(case, "b", b)
            if op == "div":
                divisor = np.where(divisor < 0, divisor - 0.5, divisor + 0.5)
            cases.add(case, op, {"a": a, "b": divisor}, lambda a, b, f=function: f(a, b))
    cases.add("relu", "relu", {"x": (3, 7)}, F.relu)
    special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 1e308, -1e308, 5e-324])
    cases.add("relu_special", "relu", {"x": special}, F.relu)


def products(cases):
    cases.add("matmul", "matmul", {"a": (5, 7), "b": (7, 4)}, lambda a, b: a @ b)
    cases.add("matmul_row", "matmul", {"a": (1, 7), "b": (7, 1)}, lambda a, b: a @ b)
    cases.add("matmul_batched", "matmul", {"a": (3, 4, 5), "b": (3, 5, 2)}, lambda a, b: a @ b)
    cases.add("linear", "linear", {"x": (5, 7), "weight": (4, 7), "bias": (4,)}, F.linear)
    cases.add("linear_nobias", "linear", {"x": (5, 7), "weight": (4, 7)}, F.linear)


def convolutions(cases):
    # Kernel, stride, padding, channels in, channels out, height, width, bias.
    rows = [
        (1, 1, 0, 4, 6, 5, 4, True),
        (1, 2, 0, 3, 5, 5, 5, True),
        (1, 1, 1, 2, 3, 3, 4, True),
        (2, 2, 0, 3, 4, 6, 5, True),
        (3, 1, 0, 3, 4, 5, 6, True),
        (3, 1, 1, 3, 4, 5, 6, True),
        (3, 2, 1, 3, 4, 7, 6, True),
        (3, 3, 2, 2, 3, 7, 8, True),
        (4, 3, 1, 2, 3, 8, 7, True),
        (5, 1, 2, 1, 3, 6, 5, True),
        (5, 2, 0, 2, 1, 8, 7, True),
        (7, 2, 3, 3, 4, 12, 10, True),
        (3, 1, 1, 1, 1, 3, 3, True),
        (3, 1, 1, 17, 9, 3, 4, True),
        (3, 1, 1, 3, 4, 5, 6, False),
        (7, 2, 3, 3, 4, 12, 10, False),
    ]
    for kernel, stride, padding, c_in, c_out, height, width, bias in rows:
        case = f"conv2d_k{kernel}s{stride}p{padding}_{c_in}to{c_out}" + ("" if bias else "_nobias")
        inputs = {"x": (2, height, width, c_in), "weight": (c_out, c_in, kernel, kernel)}
        if bias:
            inputs["bias"] = (c_out,)

        def convolve(x, weight, bias=None, stride=stride, padding=padding):
            return nhwc(F.conv2d(nchw(x), weight, bias, stride, padding))

        cases.add(case, "conv2d", inputs, convolve, stride=stride, padding=padding)


def patches(cases):
    """im2col and col2im. Columns are a matrix of N * OH * OW rows and K * K * C columns:

    row (n * OH + oh) * OW + ow, column (kh * K + kw) * C + c
    """
    for kernel, stride, padding in [(1, 1, 0), (2, 2, 0), (3, 1, 1), (3, 2, 1), (7, 2, 3)]:
        n, height, width, channels = 2, 6, 7, 3
        oh = (height + 2 * padding - kernel) // stride + 1
        ow = (width + 2 * padding - kernel) // stride + 1
        attributes = dict(kernel_size=kernel, stride=stride, padding=padding)

        def unfold(x, a=attributes):
            columns = F.unfold(nchw(x), **a)  # (N, C * K * K, OH * OW)
            columns = columns.reshape(n, channels, kernel, kernel, oh * ow)
            return columns.permute(0, 4, 2, 3, 1).reshape(n * oh * ow, -1)

        def fold(columns, a=attributes):
            columns = columns.reshape(n, oh * ow, kernel, kernel, channels)
            columns = columns.permute(0, 4, 2, 3, 1).reshape(n, -1, oh * ow)
            return nhwc(F.fold(columns, (height, width), **a))

        suffix = f"k{kernel}s{stride}p{padding}"
        cases.add(f"unfold_{suffix}", "unfold", {"x": (n, height, width, channels)}, unfold,
                  **attributes)  # fmt: skip
        cases.add(f"fold_{suffix}", "fold",
                  {"columns": (n * oh * ow, kernel * kernel * channels)}, fold,
                  height=height, width=width, **attributes)  # fmt: skip


def max_pools(cases):
    def add(case, x, kernel, stride, padding):
        attributes = dict(kernel_size=kernel, stride=stride, padding=padding)
        cases.add(case, "max_pool2d", {"x": x},
                  lambda x: nhwc(F.max_pool2d(nchw(x), **attributes)), **attributes)  # fmt: skip

    for kernel, stride, padding in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (3, 3, 0), (2, 1, 0)]:
        add(f"max_pool2d_k{kernel}s{stride}p{padding}", (2, 7, 6, 3), kernel, stride, padding)
    # Four different values only: ties everywhere. The first maximum in row order gets the gradient.
    ties = integers((2, 7, 6, 3), 7, 4).astype(np.float64)
    add("max_pool2d_ties", ties, 3, 2, 1)
    # All values are negative, so that padding taken for zero would show.
    add("max_pool2d_negative", cases.values("max_pool2d_negative", "x", (2, 6, 6, 3)) - 2, 3, 2, 1)
    special = cases.values("max_pool2d_special", "x", (1, 9, 9, 2))
    special[0, 4, 4, 0] = np.nan
    special[0, 0, 8, 0] = np.inf
    special[0, 8, 8, 1] = np.nan
    special[0, 0:5, 0:5, 1] = -np.inf  # whole windows of minus infinity
    add("max_pool2d_special", special, 3, 2, 1)


def average_pools(cases):
    for kernel, stride, padding in [(2, 2, 0), (3, 2, 1), (3, 1, 1), (4, 3, 0), (2, 2, 1)]:
        attributes = dict(kernel_size=kernel, stride=stride, padding=padding)
        cases.add(f"avg_pool2d_k{kernel}s{stride}p{padding}", "avg_pool2d", {"x": (2, 7, 6, 3)},
                  lambda x: nhwc(F.avg_pool2d(nchw(x), **attributes)), **attributes)  # fmt: skip
    cases.add("global_avg_pool", "global_avg_pool", {"x": (2, 5, 4, 3)}, lambda x: x.mean((1, 2)))


def batch_norms(cases):
    eps, momentum = 1e-5, 0.1
    for train in (True, False):
        for shape in [(4, 3, 2, 5), (2, 1, 1, 3)]:
            case = f"batch_norm_{'train' if train else 'eval'}_n{shape[0]}"
            channels = shape[-1]
            mean = cases.values(case, "running_mean", (channels,))
            var = cases.values(case, "running_var", (channels,)) + 1.5
            x = cases.values(case, "x", shape) * 2 + 0.7
            weight = cases.values(case, "weight", (channels,)) + 1

            layer = torch.nn.BatchNorm2d(channels, eps, momentum).double().train(train)
            layer.running_mean.copy_(torch.from_numpy(mean))
            layer.running_var.copy_(torch.from_numpy(var))
            layer.num_batches_tracked.fill_(6)
            layer(nchw(torch.from_numpy(x)))  # for the statistics after it

            def normalise(x, weight, bias, mean=mean, var=var, train=train):
                statistics = torch.from_numpy(mean.copy()), torch.from_numpy(var.copy())
                return nhwc(F.batch_norm(nchw(x), *statistics, weight, bias, train, momentum, eps))

            inputs = {"x": x, "weight": weight, "bias": (channels,)}
            attributes = dict(train=train, eps=eps, momentum=momentum)
            cases.add(case, "batch_norm", inputs, normalise, **attributes)
            cases.store(
                case,
                running_mean=mean,
                running_var=var,
                num_batches_tracked=np.array(6, np.int64),
                running_mean_after=layer.running_mean.numpy(),
                running_var_after=layer.running_var.numpy(),
                num_batches_tracked_after=layer.num_batches_tracked.numpy(),
            )


def shapes(cases):
    cases.add("reshape", "reshape", {"x": (2, 3, 4)}, lambda x: x.reshape(6, 4), shape=[6, 4])
    cases.add("flatten", "flatten", {"x": (2, 3, 4, 5)}, lambda x: nchw(x).flatten(1))
    cases.add("flatten_1x1", "flatten", {"x": (3, 1, 1, 5)}, lambda x: nchw(x).flatten(1))

    def concat(axis):
        return lambda a, b, c: torch.cat((a, b, c), axis)

    channels = {"a": (2, 3, 2, 1), "b": (2, 3, 2, 4), "c": (2, 3, 2, 2)}
    cases.add("concat_channels", "concat", channels, concat(3), axis=3)
    rows = {"a": (1, 5), "b": (3, 5), "c": (2, 5)}
    cases.add("concat_rows", "concat", rows, concat(0), axis=0)
    middle = {"a": (2, 1, 3), "b": (2, 2, 3), "c": (2, 3, 3)}
    cases.add("concat_middle", "concat", middle, concat(1), axis=1)


def reductions(cases):
    for op in ("sum", "mean"):
        for axes in ([0, 1, 2, 3], [0], [3], [1, 2], [0, 1, 2], [2, 3]):
            name = "all" if len(axes) == 4 else "".join(map(str, axes))
            cases.add(f"{op}_{name}", op, {"x": (3, 2, 4, 5)},
                      lambda x: getattr(x, op)(axes), axes=axes, keepdim=False)  # fmt: skip


def classification(cases):
    large = cases.values("large", "x", (4, 5)) * 1000
    for op, function in {"softmax": F.softmax, "log_softmax": F.log_softmax}.items():
        for case, x in {op: (4, 7), f"{op}_wide": (2, 130), f"{op}_large": large}.items():
            cases.add(case, op, {"x": x}, lambda x, f=function: f(x, -1), axis=-1)
    for case, x in {"cross_entropy": (6, 7), "cross_entropy_large": large}.items():
        n, classes = np.shape(x) if isinstance(x, np.ndarray) else x
        targets = integers((n,), zlib.crc32(case.encode()), classes)
        cases.add(case, "cross_entropy", {"logits": x},
                  lambda logits, targets: F.cross_entropy(logits, targets.long()),
                  {"targets": targets}, reduction="mean")  # fmt: skip


def make():
    """Returns (tensors, metadata) of ops.safetensors."""
    cases = Cases()
    for part in (elementwise, products, convolutions, patches, max_pools, average_pools,
                 batch_norms, shapes, reductions, classification):  # fmt: skip
        part(cases)
    # A port of the formula can be checked against these before anything else.
    cases.store("formula", bits=bits((8,), 3).astype(np.float64), uniform=uniform((8,), 3))
    return cases.tensors, cases.metadata
