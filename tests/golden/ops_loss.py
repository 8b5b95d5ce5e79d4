"""ops_loss.safetensors: losses, float64, as cases.py describes."""

import zlib

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


def make():
    """Returns (tensors, metadata) of ops_loss.safetensors."""
    cases = Cases()
    cross_entropies(cases)
    return cases.tensors, cases.metadata
