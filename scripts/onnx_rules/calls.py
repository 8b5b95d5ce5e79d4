"""The calls that a case is said in, and the table of rules."""

import json

import numpy as np


class No(Exception):
    """Why a case cannot be said in Tweed's operations."""


FLOATS = ("float32", "float64", "bfloat16")
WHOLES = ("int32", "uint8", "bool")


class Calls:
    """The calls of a case, and the arrays that it begins with."""

    def __init__(self, opset, results, place):
        self.opset, self.results, self.place = opset, results, place
        self.values, self.calls = {}, []
        self.widened = False  # inputs were cast, so that the result is cast back

    def text(self):
        return json.dumps(self.calls)

    def new(self, array):
        """A name for an array, in a dtype that Tweed has."""
        name = f"v{len(self.values)}"
        if array.dtype.name == "bfloat16":
            self.values[name] = array.astype(np.float32)
            return self("cast", name, dtype="bfloat16")
        if array.dtype == bool:
            array = array.astype(np.uint8)
        if array.dtype.name not in ("float32", "float64", "float16", "int32", "uint8"):
            raise No(f"{array.dtype.name}")
        self.values[name] = array
        return name

    def floats(self, array):
        """An array that operations compute with; float16 is cast to float32."""
        if array is None:
            return ""
        if array.dtype == np.float16:
            return self.wide(array, "float32")
        if array.dtype.name not in FLOATS:
            raise No(f"arithmetic of {array.dtype.name}")
        return self.new(array)

    def numbers(self, array):
        """The same for what is exact with whole numbers in float64."""
        if array is not None and array.dtype.name in WHOLES:
            return self.wide(array, "float64")
        return self.floats(array)

    def wide(self, array, dtype):
        self.widened = True
        return self("cast", self.new(array), dtype=dtype)

    def indexes(self, array, size):
        """Indexes along an axis of `size`, of which negative ones count from its end."""
        array = np.where(array < 0, array + size, array)
        return self.new(array.astype(np.int32))

    def __call__(self, op, *inputs, **attributes):
        name = f"t{len(self.calls)}"
        self.calls.append({"op": op, "in": list(inputs), "out": name, **attributes})
        return name

    def finish(self, result, dtype):
        """Leaves the calls up to the result. An input as result is handed on by reshape."""
        if result in self.values:
            result = self("reshape", result, shape=list(self.values[result].shape))
        self.calls = self.calls[: 1 + [call["out"] for call in self.calls].index(result)]
        dtype = "uint8" if dtype == "bool" else dtype
        if self.widened and dtype in ("float16", "int32", "uint8"):
            self("cast", result, dtype=dtype)

    def first_result_only(self, name="result"):
        if self.place:
            raise No(f"its {name} number {self.place + 1}")


def channels_last(c, v, ndim):
    return c("permute", v, axes=[0, *range(2, ndim), 1])


def channels_first(c, v, ndim):
    return c("permute", v, axes=[0, ndim - 1, *range(1, ndim - 1)])


def normal(axis, ndim):
    return axis + ndim if axis < 0 else axis


RULES = {}


def rule(*names):
    def add(function):
        for name in names:
            RULES[name] = function
        return function

    return add
