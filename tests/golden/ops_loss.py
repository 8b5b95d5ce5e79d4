"""ops_loss.safetensors: losses, float64, as cases.py describes."""

import zlib
from functools import partial

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


def rows(cases):
    """Losses of classes with ignored rows and all reductions; hinge losses."""
    shapes = {"9x4": (9, 4), "2x3x2x5": (2, 3, 2, 5)}
    for reduction in ("mean", "sum", "none"):
        for weighted in (False, True):
            suffix = f"_{reduction}" + ("_weighted" if weighted else "")
            for kind, shape in shapes.items():
                for ignored in (None, 1, -100) if kind == "9x4" else (2,):
                    for op, smoothing in (("cross_entropy", 0.0), ("cross_entropy", 0.1),
                                          ("nll_loss", 0.0)):  # fmt: skip
                        case = f"{op}_{kind}{suffix}_{smoothing:g}_ignore_{ignored}"
                        constants = classes_of(cases, case, shape, weighted, ignored)
                        cases.add(case, op, {"logits": shape},
                                  row_loss(op, smoothing, reduction, ignored), constants,
                                  smoothing=smoothing, reduce=reduction, ignore=ignored)  # fmt: skip
                for p in (1, 2):
                    case = f"multi_margin_{kind}{suffix}_{p}"
                    constants = classes_of(cases, case, shape, weighted, None)
                    cases.add(case, "multi_margin_loss", {"logits": shape},
                              hinge_loss(p, 0.8, reduction), constants,
                              p=p, margin=0.8, reduce=reduction)  # fmt: skip


def classes_of(cases, case, shape, weighted, ignored):
    """Targets of rows, every third of which is ignored, and weights of classes."""
    targets = integers(shape[:-1], zlib.crc32(case.encode()), shape[-1])
    if ignored is not None:
        targets.reshape(-1)[::3] = ignored
    constants = {"targets": targets}
    if weighted:
        constants["weights"] = cases.values(case, "weights", shape[-1:]) + 1.25
    return constants


def row_loss(op, smoothing, reduction, ignored):
    options = dict(reduction=reduction, ignore_index=-7 if ignored is None else ignored)

    def loss(x, targets, weights=None):
        x, targets = x.movedim(-1, 1).contiguous(), targets.long()
        if op == "nll_loss":
            return F.nll_loss(x, targets, weights, **options)
        return F.cross_entropy(x, targets, weights, label_smoothing=smoothing, **options)

    return loss


def hinge_loss(p, margin, reduction):
    def loss(x, targets, weights=None):
        y = F.multi_margin_loss(x.reshape(-1, x.shape[-1]), targets.reshape(-1).long(), p, margin,
                                weights, reduction=reduction)  # fmt: skip
        return y.reshape(targets.shape) if reduction == "none" else y

    return loss


def differences(cases):
    """Losses of pairs of elements with all reductions, at kinks too."""
    functions = {
        "mse_loss": {"": F.mse_loss},
        "l1_loss": {"": F.l1_loss},
        "smooth_l1_loss": {"_1": F.smooth_l1_loss, "_0": with_beta(0.0), "_0.3": with_beta(0.3)},
        "bce_with_logits": {"": F.binary_cross_entropy_with_logits},
    }
    kinks = np.array([0.0, 1.0, -1.0, 2.0, -0.5, 0.3, 30.0, -30.0])
    for op, variants in functions.items():
        for suffix, function in variants.items():
            beta = float(suffix[1:]) if suffix else 0.0
            for reduction in ("mean", "sum", "none"):
                case = f"{op}{suffix}_{reduction}"
                y = np.abs(cases.values(case, "b", (3, 5)))
                cases.add(case, op, {"a": (3, 5), "b": y}, partial(function, reduction=reduction),
                          reduce=reduction, beta=beta)  # fmt: skip
            cases.add(f"{op}{suffix}_kinks", op, {"a": kinks, "b": np.zeros(8)},
                      partial(function, reduction="none"), reduce="none", beta=beta)  # fmt: skip
    for reduction in ("mean", "sum", "none"):
        for names in (("weight",), ("pos_weight",), ("weight", "pos_weight")):
            case = f"bce_{'_'.join(names)}_{reduction}"
            y = np.abs(cases.values(case, "b", (3, 5)))
            constants = {name: cases.values(case, name, (5,)) + 1.25 for name in names}
            cases.add(case, "bce_with_logits", {"a": cases.values(case, "a", (3, 5)) * 40, "b": y},
                      weighted_bce(names, reduction), constants, reduce=reduction)  # fmt: skip


def with_beta(beta):
    return partial(F.smooth_l1_loss, beta=beta)


def weighted_bce(names, reduction):
    return lambda a, b, *weights: F.binary_cross_entropy_with_logits(
        a, b, reduction=reduction, **dict(zip(names, weights))
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
    for part in (cross_entropies, rows, pairs, differences, margins):
        part(cases)
    return cases.tensors, cases.metadata
