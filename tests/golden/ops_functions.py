"""ops_functions.safetensors: functions of one number, maximum, minimum and where, as cases.py says."""

import numpy as np
import torch
import torch.nn.functional as F

from cases import Cases

FUNCTIONS = {
    "leaky_relu": lambda x: F.leaky_relu(x, 0.1),
    "elu": lambda x: F.elu(x, 1.5),
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "hardswish": F.hardswish,
    "relu6": F.relu6,
    "hardsigmoid": lambda x: F.relu6(x + 3) / 6,  # F.hardsigmoid has a float's sixth for a slope
    "hardtanh": lambda x: F.hardtanh(x, -2.0, 1.5),
    "exp": torch.exp,
    "abs": torch.abs,
    "clamp": lambda x: torch.clamp(x, -2.0, 1.5),
    "pow_3": lambda x: x.pow(3),
    "pow_0": lambda x: x.pow(0),
}
POSITIVE = {"log": torch.log, "sqrt": torch.sqrt, "pow_-0.5": lambda x: x.pow(-0.5)}
# Without the bounds of clamp, whose gradients differ between versions of PyTorch.
SPECIAL = np.array([np.nan, 0.0, -0.0, 25.0, -25.0, 90.0, -90.0, -2.5, 1.25, 1e-30])
# Those whose formulas in PyTorch do not give NaN for an infinite argument.
INFINITE = ("leaky_relu", "elu", "sigmoid", "tanh", "exp", "abs", "clamp", "pow_3", "relu6",
            "hardsigmoid", "hardtanh")  # fmt: skip


def functions(cases):
    for op, function in FUNCTIONS.items():
        cases.add(op, op, {"x": cases.values(op, "x", (4, 11)) * 6}, function)
        cases.add(f"{op}_special", op, {"x": SPECIAL}, function)
        if op in INFINITE:
            cases.add(f"{op}_infinite", op, {"x": np.array([np.inf, -np.inf])}, function)
    for op, function in POSITIVE.items():
        cases.add(op, op, {"x": np.abs(cases.values(op, "x", (4, 11))) * 6}, function)
        cases.add(f"{op}_special", op, {"x": np.array([np.nan, 0.0, np.inf])}, function)


def extremes(cases):
    shapes = {"same": ((3, 5), (3, 5)), "trailing": ((2, 3, 4), (4,)), "both": ((3, 1), (1, 4))}
    for op, function in {"maximum": torch.maximum, "minimum": torch.minimum}.items():
        for kind, (a, b) in shapes.items():
            cases.add(f"{op}_{kind}", op, {"a": a, "b": b}, function)
        a = np.array([1.0, 2.0, np.nan, 3.0, np.inf, -np.inf, 0.0])
        b = np.array([1.0, 3.0, 3.0, np.nan, np.inf, np.inf, -0.0])
        cases.add(f"{op}_ties", op, {"a": a, "b": b}, function)


def prelu(cases):
    x = np.array([[1.0, -2.0, 0.0, np.nan], [np.inf, -np.inf, -0.5, 3.0]])
    for kind, slope in {"one": (1,), "channels": (4,)}.items():
        cases.add(f"prelu_{kind}", "prelu", {"x": (2, 3, 4), "slope": slope}, by_channels)
        cases.add(f"prelu_{kind}_special", "prelu", {"x": x, "slope": slope}, by_channels)


def by_channels(x, slope):
    return F.prelu(x.movedim(-1, 1), slope).movedim(1, -1)


def where(cases):
    shapes = {"same": ((3, 4),) * 3, "spread": ((4,), (2, 3, 1), (3, 4))}
    for kind, (condition, a, b) in shapes.items():
        case = f"where_{kind}"
        mask = (cases.values(case, "condition", condition) > 0).astype(np.uint8)
        cases.add(case, "where", {"a": a, "b": b}, lambda a, b, c: torch.where(c > 0, a, b),
                  {"condition": mask})  # fmt: skip


def make():
    """Returns (tensors, metadata) of ops_functions.safetensors."""
    cases = Cases()
    for part in (functions, extremes, prelu, where):
        part(cases)
    return cases.tensors, cases.metadata
