"""ops_extremes.safetensors: functions of one number, products and quotients at arguments that are
zero, tiny, huge or infinite, in float32 and float64.

CASE/x (or a and b), CASE/y, CASE/dy and CASE/dx in the dtype that CASE ends with. Functions are
computed in float64 and rounded, products and quotients in their own dtype. Where a slope in PyTorch
is NaN although the argument is finite, the file has the slope at +-1e6, which is the same. So it has
for mish at infinity.
"""

import json

import numpy as np
import torch

from ops_functions import FUNCTIONS, POSITIVE

DTYPES = {"float32": torch.float32, "float64": torch.float64}
# Magnitudes, around the places where exp, erf and tanh leave the range of a dtype, too.
EVERYWHERE = [
    0.0, 1e-10, 1e-4, 0.1, 1.0, 3.5, 5.0, 8.0, 10.0, 15.0, 19.5, 20.5, 30.0, 41.0, 60.0, 86.0, 89.0,
    100.0, 106.0, 300.0, 708.0, 712.0, 750.0, 1e3, 1e4, np.inf,
]  # fmt: skip
OWN = {
    "float32": [1e-45, 1e-40, 2e-38, 1e-30, 1e-20, 1e7, 1e10, 1e13, 1e19, 1e20, 1e25, 3e38],
    "float64": [5e-324, 1e-310, 3e-308, 1e-200, 1e-100, 1e10, 1e20, 1e103, 1e154, 1e200, 1e307],
}
MORE = {
    "relu": torch.relu,
    "pow_1": lambda x: x.pow(1),
    "pow_2": lambda x: x.pow(2),
}
MORE_POSITIVE = {"pow_2.5": lambda x: x.pow(2.5), "pow_0.5": lambda x: x.pow(0.5)}
PAIRS = {"mul": torch.mul, "div": torch.div}
PAIR_VALUES = {
    "float32": [0.0, 1e-45, 1e-38, 1e-34, 1e-20, 1.0, 3.0, 1e20, 3e38, np.inf, np.nan],
    "float64": [0.0, 5e-324, 1e-308, 1e-300, 1e-160, 1.0, 3.0, 1e160, 1.7e308, np.inf, np.nan],
}


def both_signs(values):
    return np.array(values + [-v for v in values])


def run(function, inputs, slope):
    """y and the gradients of sum(slope * y)."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    y = function(*leaves)
    gradients = torch.autograd.grad(y, leaves, torch.full_like(y, slope))
    return [t.detach().numpy() for t in (y, *gradients)]


def without_overflow(op, results, function, x, slope):
    """Replaces what is NaN because a formula of PyTorch overflows on the way."""
    for result, limit in zip(results[1:], run(function, [x.clamp(-1e6, 1e6)], slope)[1:]):
        odd = np.isnan(result) & (np.isfinite(x.numpy()) | ((op == "mish") & (x.numpy() > 0)))
        result[odd] = limit[odd]


def store(tensors, case, names, inputs, slope, results):
    for name, value in zip(names, inputs):
        tensors[f"{case}/{name}"] = value.numpy()
    tensors[f"{case}/y"] = results[0]
    tensors[f"{case}/dy"] = np.full_like(results[0], slope)
    for name, value in zip(names, results[1:]):
        tensors[f"{case}/d{name}"] = value


def functions(tensors, metadata, dtype):
    for op, function in {**FUNCTIONS, **POSITIVE, **MORE_POSITIVE, **MORE}.items():
        positive = op in POSITIVE or op in MORE_POSITIVE
        values = np.array(EVERYWHERE + OWN[dtype])
        x = torch.from_numpy(values if positive else both_signs(list(values))).to(DTYPES[dtype])
        for slope in (1.0, 1e5):
            results = run(function, [x.double()], slope)
            without_overflow(op, results, function, x.double(), slope)
            if op == "elu":  # PyTorch takes 1 from exp(x), which leaves no digit of a small x
                results[0] = np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x.double(), 0)))
            case = f"{op}_{slope:g}_{dtype}"
            with np.errstate(over="ignore"):
                rounded = [r.astype(dtype) for r in results]
            store(tensors, case, ["x"], [x], slope, rounded)
            metadata[case] = json.dumps(dict(op=op, inputs=["x"]))


def pairs(tensors, metadata, dtype):
    values = torch.from_numpy(both_signs(PAIR_VALUES[dtype])).to(DTYPES[dtype])
    a, b = (t.reshape(-1).clone() for t in torch.meshgrid(values, values, indexing="ij"))
    for op, function in PAIRS.items():
        for slope in (1.0, 1e5):
            case = f"{op}_{slope:g}_{dtype}"
            store(tensors, case, ["a", "b"], [a, b], slope, run(function, [a, b], slope))
            metadata[case] = json.dumps(dict(op=op, inputs=["a", "b"]))


def make():
    """Returns (tensors, metadata) of ops_extremes.safetensors."""
    tensors, metadata = {}, {}
    for dtype in DTYPES:
        functions(tensors, metadata, dtype)
        pairs(tensors, metadata, dtype)
    return tensors, metadata
