"""ops_shape.safetensors: operations that move elements, pools, and products of transposed matrices.

Float64, as cases.py describes.
"""

import torch
import torch.nn.functional as F

from cases import Cases, nchw, nhwc
from formula import integers


def pools(cases):
    # Kernel, stride, padding, height, width.
    rows = [(3, 2, 0, 6, 7), (2, 2, 1, 5, 4), (3, 2, 0, 2, 2), (3, 3, 1, 6, 5), (5, 2, 2, 7, 8)]
    for kernel, stride, padding, height, width in rows:
        suffix = f"k{kernel}s{stride}p{padding}_{height}x{width}"
        x = {"x": (2, height, width, 3)}
        attributes = dict(kernel_size=kernel, stride=stride, padding=padding, ceil_mode=True)
        cases.add(f"max_pool2d_{suffix}", "max_pool2d", x,
                  lambda x: nhwc(F.max_pool2d(nchw(x), **attributes)), **attributes)  # fmt: skip
        for count_include_pad in (True, False):
            attributes["count_include_pad"] = count_include_pad
            name = f"avg_pool2d_{suffix}" + ("" if count_include_pad else "_inside")
            cases.add(name, "avg_pool2d", x,
                      lambda x: nhwc(F.avg_pool2d(nchw(x), **attributes)),
                      **attributes)  # fmt: skip
    attributes = dict(kernel_size=3, stride=2, padding=1, ceil_mode=False, count_include_pad=False)
    cases.add("avg_pool2d_inside", "avg_pool2d", {"x": (2, 6, 5, 3)},
              lambda x: nhwc(F.avg_pool2d(nchw(x), **attributes)), **attributes)  # fmt: skip
    for height, width, out_h, out_w in [(7, 5, 3, 2), (6, 4, 3, 2), (3, 2, 5, 4), (5, 3, 1, 1)]:
        cases.add(f"adaptive_avg_pool2d_{height}x{width}_to_{out_h}x{out_w}",
                  "adaptive_avg_pool2d", {"x": (2, height, width, 3)},
                  lambda x: nhwc(F.adaptive_avg_pool2d(nchw(x), (out_h, out_w))),
                  height=out_h, width=out_w)  # fmt: skip


def add_max(cases, name, size, kernel, stride, padding, dilation, ceil_mode):
    """Padding above, left, below, right; -inf there. Ceil mode takes equal padding, as PyTorch."""
    top, left, bottom, right = padding
    attributes = dict(kernel_size=kernel, stride=stride, dilation=dilation, ceil_mode=ceil_mode)

    def pool(x):
        if (top, left) == (bottom, right):
            return nhwc(F.max_pool2d(nchw(x), padding=(top, left), **attributes))
        x = F.pad(nchw(x), (left, right, top, bottom), value=-torch.inf)
        return nhwc(F.max_pool2d(x, **attributes))

    cases.add(f"max_pool2d_{name}", "max_pool2d_any", {"x": (2, *size, 3)}, pool, padding=padding,
              **attributes)  # fmt: skip


def add_avg(cases, name, size, kernel, stride, padding, ceil_mode):
    """As add_max(); an uneven border that does not count: means of x over those of ones."""
    top, left, bottom, right = padding
    for inside in (False, True):
        attributes = dict(kernel_size=kernel, stride=stride, ceil_mode=ceil_mode)

        def pool(x):
            x = nchw(x)
            if (top, left) == (bottom, right):
                return nhwc(F.avg_pool2d(x, padding=(top, left), count_include_pad=not inside,
                                         **attributes))  # fmt: skip
            ones = torch.ones_like(x)
            x, ones = (F.pad(t, (left, right, top, bottom)) for t in (x, ones))
            mean = F.avg_pool2d(x, **attributes)
            return nhwc(mean / F.avg_pool2d(ones, **attributes) if inside else mean)

        cases.add(f"avg_pool2d_{name}" + ("_inside" if inside else ""), "avg_pool2d_any",
                  {"x": (2, *size, 3)}, pool, padding=padding, count_include_pad=not inside,
                  **attributes)  # fmt: skip


def uneven_pools(cases):
    # Name, size, kernel, stride, padding, dilation, ceil mode.
    rows = [("wide", (5, 7), (2, 3), (1, 2), (0, 1, 0, 1), (1, 1), False),
            ("tall_ceil", (8, 5), (4, 2), (3, 2), (2, 1, 2, 1), (1, 1), True),
            ("uneven", (6, 6), (3, 3), (2, 2), (0, 1, 1, 0), (1, 1), False),
            ("dilated", (9, 8), (3, 2), (2, 1), (1, 1, 1, 1), (2, 3), False),
            ("dilated_ceil", (7, 8), (2, 3), (3, 2), (1, 1, 1, 1), (2, 2), True),
            ("many_taps", (18, 17), (16, 17), (1, 1), (0, 0, 0, 0), (1, 1), False)]  # fmt: skip
    for name, size, kernel, stride, padding, dilation, ceil_mode in rows:
        add_max(cases, name, size, kernel, stride, padding, dilation, ceil_mode)
        if dilation == (1, 1):
            add_avg(cases, name, size, kernel, stride, padding, ceil_mode)
    for height, width, out_h, out_w in [(7, 5, 3, 2), (6, 4, 3, 2), (3, 2, 5, 4), (5, 3, 1, 1)]:
        cases.add(f"adaptive_max_pool2d_{height}x{width}_to_{out_h}x{out_w}",
                  "adaptive_max_pool2d", {"x": (2, height, width, 3)},
                  lambda x: nhwc(F.adaptive_max_pool2d(nchw(x), (out_h, out_w))),
                  height=out_h, width=out_w)  # fmt: skip
    turned = dict(kernel_size=3, stride=2, padding=1, ceil_mode=True)
    cases.add("max_pool1d", "max_pool1d", {"x": (2, 8, 3)},
              lambda x: F.max_pool1d(x.mT, dilation=2, **turned).mT, dilation=2,
              **turned)  # fmt: skip
    cases.add("avg_pool1d", "avg_pool1d", {"x": (2, 8, 3)},
              lambda x: F.avg_pool1d(x.mT, count_include_pad=False, **turned).mT,
              count_include_pad=False, **turned)  # fmt: skip
    cases.add("adaptive_avg_pool1d", "adaptive_avg_pool1d", {"x": (2, 8, 3)},
              lambda x: F.adaptive_avg_pool1d(x.mT, 3).mT, size=3)  # fmt: skip


def moves(cases):
    orders = [((2, 5, 3, 4), [0, 2, 1, 3]), ((2, 3, 4), [0, 2, 1]), ((3, 4, 2, 5), [3, 1, 0, 2])]
    for shape, axes in orders:
        cases.add("permute_" + "".join(map(str, axes)), "permute", {"x": shape},
                  lambda x: x.permute(axes), axes=axes)  # fmt: skip
    for axis, first, last in [(0, 1, 3), (1, 2, 5), (2, 0, 1), (-1, 1, 4)]:
        cases.add(f"slice_{axis}_{first}_{last}".replace("-", "m"), "slice", {"x": (3, 5, 4)},
                  lambda x: x.narrow(axis, first, last - first),
                  axis=axis, first=first, last=last)  # fmt: skip
    # The products of neighbouring parts: each part has a gradient of its own.
    cases.add("split", "split", {"x": (3, 6, 2)},
              lambda x: torch.prod(torch.stack(x.split([2, 2, 2], 1)), 0),
              axis=1, sizes=[2, 2, 2])  # fmt: skip
    amounts = [[0, 0], [1, 2], [2, 1], [0, 3]]
    flat = [n for pair in reversed(amounts) for n in pair]
    for name, value in {"pad": 0.0, "pad_value": -1.5}.items():
        cases.add(name, "pad", {"x": (2, 3, 2, 3)}, lambda x: F.pad(x, flat, value=value),
                  amounts=amounts, value=value)  # fmt: skip
    # PyTorch's modes take the last axes alone: the amounts of (N, H, W, C) as (N, C, H, W).
    amounts = [[0, 0], [1, 2], [2, 1], [0, 0]]
    for mode in ("reflect", "replicate", "circular"):
        cases.add(f"pad_{mode}", "pad_mode", {"x": (2, 3, 4, 3)},
                  lambda x: nhwc(F.pad(nchw(x), (2, 1, 1, 2), mode=mode)),
                  amounts=amounts, mode=mode)  # fmt: skip
    cases.add("pad_replicate_wide", "pad_mode", {"x": (2, 3, 4, 3)},
              lambda x: nhwc(F.pad(nchw(x), (7, 0, 0, 5), mode="replicate")),
              amounts=[[0, 0], [0, 5], [7, 0], [0, 0]], mode="replicate")  # fmt: skip
    for axis in (0, 1, 2, -1):
        cases.add(f"flip_{axis}".replace("-", "m"), "flip", {"x": (2, 3, 4, 3)},
                  lambda x: x.flip(axis), axis=axis)  # fmt: skip
    for name, shape, count in [("gather_rows", (5, 3), 9), ("gather_rows_wide", (4, 2, 7), 3)]:
        indexes = integers((count,), 11, shape[0])
        cases.add(name, "gather_rows", {"x": shape},
                  lambda x, indexes: x[indexes.long()], {"indexes": indexes})  # fmt: skip


def products(cases):
    for transpose_a in (False, True):
        for transpose_b in (False, True):
            for leading in [(), (3,), (2, 3)]:
                for shared in (False, True):
                    if shared and not leading:
                        continue
                    a = (*leading, 4, 5)
                    b = (5, 6) if shared else (*leading, 5, 6)
                    a = (*a[:-2], a[-1], a[-2]) if transpose_a else a
                    b = (*b[:-2], b[-1], b[-2]) if transpose_b else b
                    kind = ("t" if transpose_a else "n") + ("t" if transpose_b else "n")
                    name = f"matmul_{kind}_{len(leading)}" + ("_shared" if shared else "")
                    cases.add(name, "matmul", {"a": a, "b": b},
                              lambda a, b: (a.mT if transpose_a else a)
                              @ (b.mT if transpose_b else b),
                              transpose_a=transpose_a, transpose_b=transpose_b)  # fmt: skip


def make():
    """Returns (tensors, metadata) of ops_shape.safetensors."""
    cases = Cases()
    pools(cases)
    uneven_pools(cases)
    moves(cases)
    products(cases)
    return cases.tensors, cases.metadata
