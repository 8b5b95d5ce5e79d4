"""ops_math.safetensors: functions of one number, maximum, minimum, where, and folds over axes.

All in float64, as cases.py describes.
"""

import numpy as np
import torch
import torch.nn.functional as F

from cases import Cases
from formula import integers

SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 3.0, -3.0, 25.0, -25.0]


def functions(cases):
    # Op, function, attributes, whether it needs positive x.
    rows = [
        ("leaky_relu", lambda x: F.leaky_relu(x, 0.1), dict(p=0.1), False),
        ("sigmoid", torch.sigmoid, {}, False),
        ("tanh", torch.tanh, {}, False),
        ("gelu", F.gelu, {}, False),
        ("gelu_tanh", lambda x: F.gelu(x, approximate="tanh"), {}, False),
        ("silu", F.silu, {}, False),
        ("mish", F.mish, {}, False),
        ("softplus", F.softplus, {}, False),
        ("elu", lambda x: F.elu(x, 1.5), dict(p=1.5), False),
        ("hardswish", F.hardswish, {}, False),
        ("exp", torch.exp, {}, False),
        ("log", torch.log, {}, True),
        ("sqrt", torch.sqrt, {}, True),
        ("abs", torch.abs, {}, False),
        ("pow", lambda x: x**2.5, dict(p=2.5), True),
        ("pow", lambda x: x**-1.0, dict(p=-1.0), True),
        ("pow", lambda x: x**3.0, dict(p=3.0), False),
        ("clamp", lambda x: x.clamp(-1.5, 2.0), dict(p=-1.5, q=2.0), False),
    ]
    for op, function, attributes, positive in rows:
        case = op + "".join(f"_{value:g}" for value in attributes.values())
        x = cases.values(case, "x", (3, 7)) * 5
        cases.add(case, op, {"x": np.abs(x) + 0.1 if positive else x}, function, **attributes)
        # Square roots and powers of negative numbers are NaN. Large powers and exponentials would
        # drown the rest. mish: PyTorch's gradient at infinity is NaN, ours the limit.
        if op not in ("exp", "pow", "mish"):
            special = np.array(SPECIAL)
            cases.add(case + "_special", op, {"x": special}, function, **attributes)


def pairs(cases):
    shapes = {
        "same": ((3, 4), (3, 4)),
        "trailing": ((2, 3, 4), (4,)),
        "rows": ((6, 1), (6, 4)),
        "apart": ((2, 3, 4), (1, 3, 1)),
        "both": ((3, 1), (1, 4)),
    }
    for op in ("maximum", "minimum"):
        function = getattr(torch, op)
        for kind, (a, b) in shapes.items():
            cases.add(f"{op}_{kind}", op, {"a": a, "b": b}, function)
        few = {n: integers((5, 6), i, 3).astype(np.float64) for i, n in enumerate("ab")}
        cases.add(f"{op}_ties", op, few, function)
        nan, inf = np.nan, np.inf
        special = {
            "a": np.array([nan, 1, nan, inf, -inf, inf, 0, 2]),
            "b": np.array([1, nan, nan, inf, inf, 2, -0.0, -inf]),
        }
        cases.add(f"{op}_special", op, special, function)
    for kind, (condition, a, b) in {
        "same": ((3, 4), (3, 4), (3, 4)),
        "scalar": ((3, 4), (3, 4), ()),
        "apart": ((2, 3, 4), (1, 3, 1), (4,)),
        "narrow": ((3, 1), (2, 3, 4), (2, 1, 4)),
    }.items():
        mask = integers(condition, 5, 2).astype(np.uint8)
        cases.add(f"where_{kind}", "where", {"a": a, "b": b},
                  lambda a, b, c: torch.where(c != 0, a, b), {"condition": mask})  # fmt: skip


def folds(cases):
    norm = torch.linalg.vector_norm
    rows = {
        "max": torch.amax,
        "min": torch.amin,
        "var": lambda x, axes, keep: x.var(axes, correction=1, keepdim=keep),
        "var_all": lambda x, axes, keep: x.var(axes, correction=0, keepdim=keep),
        "norm_l1": lambda x, axes, keep: norm(x, 1, axes, keep),
        "norm_l2": lambda x, axes, keep: norm(x, 2, axes, keep),
        "norm_linf": lambda x, axes, keep: norm(x, np.inf, axes, keep),
    }
    ties = integers((4, 6), 11, 3).astype(np.float64) - 1
    ties[2] = 0
    for op, function in rows.items():
        for axes, keep in [((0, 1, 2), False), ((0,), False), ((2,), True), ((0, 2), True)]:
            case = f"{op}_{''.join(map(str, axes))}"
            cases.add(case, op, {"x": (3, 4, 5)}, lambda x, f=function: f(x, axes, keep),
                      axes=axes, keep=keep)  # fmt: skip
        cases.add(f"{op}_ties", op, {"x": ties}, lambda x, f=function: f(x, (1,), False),
                  axes=[1], keep=False)  # fmt: skip


def tops(cases):
    for k in (1, 3):
        x = cases.values(f"top_k_{k}", "x", (4, 9))
        cases.add(f"top_k_{k}", "top_k", {"x": x}, lambda x, indexes: x.topk(k, -1).values,
                  {"indexes": np.argsort(-x, -1)[:, :k].astype(np.int32)}, k=k)  # fmt: skip


def make():
    """Returns (tensors, metadata) of ops_math.safetensors."""
    cases = Cases()
    for part in (functions, pairs, folds, tops):
        part(cases)
    return cases.tensors, cases.metadata
