"""ops_fold.safetensors: extremes, variances, norms and top-k over axes, as cases.py describes."""

import numpy as np
import torch

from cases import Cases
from formula import integers


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
    """Returns (tensors, metadata) of ops_fold.safetensors."""
    cases = Cases()
    for part in (folds, tops):
        part(cases)
    return cases.tensors, cases.metadata
