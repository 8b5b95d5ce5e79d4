"""ops_loss.safetensors: losses, float64, as cases.py describes."""

import zlib

import numpy as np
import torch
import torch.nn.functional as F

from cases import Cases
from formula import integers


def cross_entropies(cases):
    """Classes and probabilities as targets, with smoothing and weights of classes."""
    for smoothing in (0.0, 0.1, 1.0):
        for weighted in (False, True):
            suffix = f"_{smoothing:g}" + ("_weighted" if weighted else "")
            for n, classes in [(6, 7), (1, 1), (2, 130)]:
                case = f"cross_entropy_{n}x{classes}{suffix}"
                weights = cases.values(case, "weights", (classes,)) + 1.25
                salt = zlib.crc32(case.encode())
                constants = {"targets": integers((n,), salt, classes)}
                if weighted:
                    constants["weights"] = weights
                cases.add(
                    case,
                    "cross_entropy",
                    {"logits": cases.values(case, "logits", (n, classes)) * 4},
                    lambda x, targets, w=None: F.cross_entropy(
                        x, targets.long(), w, label_smoothing=smoothing
                    ),
                    constants,
                    smoothing=smoothing,
                )
                case = f"cross_entropy_soft_{n}x{classes}{suffix}"
                constants["targets"] = cases.values(case, "targets", (n, classes)) + 1
                cases.add(
                    case,
                    "cross_entropy_soft",
                    {"logits": cases.values(case, "logits", (n, classes)) * 4},
                    lambda x, p, w=None: F.cross_entropy(x, p, w, label_smoothing=smoothing),
                    constants,
                    smoothing=smoothing,
                )


def pairs(cases):
    """Losses between two tensors."""
    for shape in [(3, 5), (1,), (2, 3, 4)]:
        name = "x".join(map(str, shape))
        cases.add(f"mse_loss_{name}", "mse_loss", {"a": shape, "b": shape}, F.mse_loss)
        case = f"kl_div_{name}"
        p = cases.values(case, "p", shape) + 1.01
        cases.add(case, "kl_div", {"log_q": shape, "p": p},
                  lambda q, p: F.kl_div(q, p, reduction="batchmean"))  # fmt: skip
    # Where p is 0 its own gradient is NaN, and nothing else is.
    p = np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    cases.add("kl_div_zeros", "kl_div", {"log_q": (2, 3), "p": p},
              lambda q, p: F.kl_div(q, p, reduction="batchmean"))  # fmt: skip


def margin_loss(logits, targets, kappa, targeted):
    """f6 of Carlini and Wagner; the first of equal largest others gets the gradient.

    where() and not clamp(), whose gradient at its bound differs between versions of PyTorch.
    """
    rows = torch.arange(len(logits))
    own = logits[rows, targets]
    others = logits.scatter(1, targets[:, None], -torch.inf).max(1).values
    margin = others - own if targeted else own - others
    return torch.where(margin < -kappa, -kappa, margin).mean()


def margins(cases):
    ties = np.array([[1.0, 2, 2, 0], [3, 3, 1, 3], [0, 0, 0, 0], [2, 2, 5, 4]])
    kinds = {"6x7": (6, 7), "3x2": (3, 2), "2x130": (2, 130), "ties": ties}
    for targeted in (False, True):
        for kappa in (0.0, 1.0, 50.0):
            for kind, logits in kinds.items():
                case = f"margin_loss_{kind}_{kappa:g}" + ("_targeted" if targeted else "")
                if kind != "ties":
                    logits = cases.values(case, "logits", logits) * 4
                targets = integers((len(logits),), zlib.crc32(case.encode()), logits.shape[1])
                cases.add(case, "margin_loss", {"logits": logits},
                          lambda x, t: margin_loss(x, t.long(), kappa, targeted),
                          {"targets": targets}, kappa=kappa, targeted=targeted)  # fmt: skip


def make():
    """Returns (tensors, metadata) of ops_loss.safetensors."""
    cases = Cases()
    for part in (cross_entropies, pairs, margins):
        part(cases)
    return cases.tensors, cases.metadata
