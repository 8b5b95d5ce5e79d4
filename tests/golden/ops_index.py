"""ops_index.safetensors: running sums, products, picks and places by index, batches that broadcast,
einsum, float64, as cases.py describes."""

import zlib

import numpy as np
import torch

from cases import Cases
from formula import integers


def lines(cases):
    for axis in (0, 1, -1):
        for exclusive in (False, True):
            for reverse in (False, True):
                cases.add(f"cumsum_{axis}_{exclusive:d}{reverse:d}", "cumsum", {"x": (2, 4, 3)},
                          running_sum(axis, exclusive, reverse),
                          axis=axis, exclusive=exclusive, reverse=reverse)  # fmt: skip
    zeros = np.array([[1.5, 0.0, 2.0], [0.0, 3.0, 0.0], [0.5, 2.5, -1.0]])
    for name, x in {"plain": (2, 3, 4), "zeros": zeros}.items():
        for axis in (0, 1):
            cases.add(f"prod_{name}_{axis}", "prod", {"x": x}, lambda x: x.prod(axis),
                      axes=[axis], keep=False)  # fmt: skip
        cases.add(f"prod_{name}_all", "prod", {"x": x}, lambda x: x.prod(), axes=None, keep=False)


def running_sum(axis, exclusive, reverse):
    def run(x):
        x = x.flip(axis) if reverse else x
        y = x.cumsum(axis) - (x if exclusive else 0)
        return y.flip(axis) if reverse else y

    return run


def picks(cases):
    for x, index, axis in [((4, 5), (4, 3), 1), ((3, 4, 5), (3, 6, 5), 1), ((3, 4, 5), (2, 4, 3), 1),
                           ((6, 2), (4, 2), 0), ((5,), (9,), 0)]:  # fmt: skip
        case = f"gather_{'x'.join(map(str, index))}_of_{'x'.join(map(str, x))}"
        places = integers(index, zlib.crc32(case.encode()), x[axis])
        cases.add(case, "gather", {"x": x}, lambda x, i: x.gather(axis, i.long()),
                  {"index": places}, axis=axis)  # fmt: skip
        if all(i == n for k, (i, n) in enumerate(zip(index, x)) if k != axis):
            cases.add(f"scatter_add_{case[7:]}", "scatter_add", {"x": x, "values": index},
                      lambda x, v, i: x.scatter_add(axis, i.long(), v),
                      {"index": places}, axis=axis)  # fmt: skip
    # PyTorch does not say which of several values stays, so all places differ.
    places = np.array([[2, 0, 4], [4, 3, 1], [0, 1, 2], [3, 2, 0]], np.int32)
    cases.add("scatter", "scatter", {"x": (4, 5), "values": (4, 3)},
              lambda x, v, i: x.scatter(1, i.long(), v), {"index": places}, axis=1)  # fmt: skip
    for axis in (0, 1, -1):
        places = np.array([1, 0, 1, 1], np.int32)
        cases.add(f"index_select_{axis}", "index_select", {"x": (2, 3, 4)},
                  lambda x, i: x.index_select(axis, i.long()), {"index": places}, axis=axis)  # fmt: skip


def products(cases):
    for a, b in [((3, 4), (2, 4, 5)), ((2, 1, 3, 4), (3, 4, 5)), ((2, 3, 4), (1, 4, 2)),
                 ((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((4,), (4,))]:  # fmt: skip
        name = "_by_".join("x".join(map(str, s)) for s in (a, b))
        cases.add(f"matmul_{name}", "matmul", {"a": a, "b": b}, torch.matmul)
    for text, *shapes in [("ij,jk->ik", (3, 4), (4, 5)), ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
                          ("nhwc->nc", (2, 3, 2, 4)), ("ai,bj->ab", (2, 3), (4, 2)),
                          ("bi,bij,bj->b", (2, 3), (2, 3, 4), (2, 4))]:  # fmt: skip
        inputs = dict(zip("abc", shapes))
        cases.add(f"einsum_{text}", "einsum", inputs, lambda *t: torch.einsum(text, *t), text=text)


def make():
    """Returns (tensors, metadata) of ops_index.safetensors."""
    cases = Cases()
    for part in (lines, picks, products):
        part(cases)
    return cases.tensors, cases.metadata
