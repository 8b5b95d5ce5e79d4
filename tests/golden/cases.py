"""What the files of stored operation results have in common.

A case writes CASE/INPUT for each input, CASE/y, a random cotangent CASE/dy and CASE/dINPUT for
each floating input: dINPUT is the gradient of sum(y * dy). Metadata has, for each CASE, a JSON map
with "op", "inputs" (the names of those with gradients, in order) and the attributes. Images are
NHWC. Values come from formula.uniform with the CRC-32 of "CASE/INPUT" as the salt.
"""

import json
import zlib

import numpy as np
import torch

from formula import uniform


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


class Cases:
    """Collects tensors and attributes of the file, case by case."""

    def __init__(self):
        self.tensors = {}
        self.metadata = {}

    def values(self, case, name, shape):
        """Small random values for input `name` of `case`."""
        return np.asarray(uniform(shape, zlib.crc32(f"{case}/{name}".encode())))

    def add(self, case, op, inputs, function, constants=None, **attributes):
        """Runs function(inputs..., constants...), stores everything; inputs get gradients.

        An input is a shape, to be filled with random values, or an array.
        """
        arrays = {}
        for name, value in inputs.items():
            given = isinstance(value, np.ndarray)
            arrays[name] = value if given else self.values(case, name, value)
        leaves = {n: torch.from_numpy(a.copy()).requires_grad_() for n, a in arrays.items()}
        constants = constants or {}
        fixed = {n: torch.from_numpy(np.array(a)) for n, a in constants.items()}
        y = function(*leaves.values(), *fixed.values())
        dy = self.values(case, "dy", tuple(y.shape))
        gradients = torch.autograd.grad(y, list(leaves.values()), torch.from_numpy(dy))
        self.store(case, **arrays, **constants, dy=dy, y=y.detach().numpy())
        for name, gradient in zip(leaves, gradients):
            self.store(case, **{"d" + name: gradient.numpy()})
        self.metadata[case] = json.dumps(dict(op=op, inputs=list(arrays), **attributes))

    def store(self, case, **arrays):
        for name, array in arrays.items():
            self.tensors[f"{case}/{name}"] = np.asarray(array)
