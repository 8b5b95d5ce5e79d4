#!/usr/bin/env python3
"""Makes the stored PyTorch results in this folder: make_golden.py [--check] [NAME...]

    ops           each operation with its gradients, float64 (ops.py, cases.py)
    ops_attention attention: packed, in windows, general and causal (ops_attention.py)
    ops_conv      convolutions of any window, in groups, turned round, of sequences (ops_conv.py)
    ops_extremes  functions and quotients of zero, tiny, huge and infinite arguments (ops_extremes.py)
    ops_fold      extremes, variances, norms and top-k over axes (ops_fold.py)
    ops_functions functions of one number, maximum, minimum, where (ops_functions.py)
    ops_shape     moves, pools with all options, transposed products, float64 (ops_shape.py)
    ops_image     image operations, float64 (ops_image.py)
    ops_index     running sums, products, picks by index, einsum, float64 (ops_index.py)
    ops_norm      layer norm and group norm, float64 (ops_norm.py)
    simplenet     SimpleNet, forward and every gradient, float32 (networks.py)
    models        larger networks: loss and projections of all gradients (models.py)
    zoo           other networks, as torchvision and their authors have them (zoo.py); needs torchvision
    blocks        docs/examples/blocks.json, forward and every gradient, float64 (blocks.py)
    multihead     torch.nn.MultiheadAttention, forward and every gradient, float64 (multihead.py)
    optim         optimizers, averages and schedules over 50 steps, float64 (optim.py)
    sgd_steps     ten SGD steps of a small network with batch norm, float32 (networks.py)
    saliency_pgd  gradient saliency and PGD on SimpleNet, float32 (attacks.py)
    defences      losses of TRADES and MART, weights moved by AWP, float64 (defences.py)
    torchattacks  other attacks on a small network, by torchattacks (torchattacks_images.py)
    explain       maps by captum of a small network, float64 (explain.py); needs captum

Needs torch (1.13 and 2.x give the same within rounding) and numpy. --check writes nothing: it
compares new results with the stored files and prints, for each, the largest difference relative
to the largest value of its tensor; exit 1 if any is above --tolerance. README.md lists all tensors.
"""

import argparse
import importlib.util
import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path += [str(HERE), str(HERE.parents[1] / "benchmarks")]

import attacks  # noqa: E402
import blocks  # noqa: E402
import defences  # noqa: E402
import explain  # noqa: E402
import models  # noqa: E402
import multihead  # noqa: E402
import networks  # noqa: E402
import ops  # noqa: E402
import ops_attention  # noqa: E402
import ops_conv  # noqa: E402
import ops_extremes  # noqa: E402
import ops_fold  # noqa: E402
import ops_functions  # noqa: E402
import ops_image  # noqa: E402
import ops_index  # noqa: E402
import ops_norm  # noqa: E402
import ops_loss  # noqa: E402
import ops_shape  # noqa: E402
import optim  # noqa: E402
import safetensors_numpy  # noqa: E402
import torchattacks_images  # noqa: E402
import zoo  # noqa: E402

MAKERS = {
    "ops": ops.make,
    "ops_attention": ops_attention.make,
    "ops_conv": ops_conv.make,
    "ops_extremes": ops_extremes.make,
    "ops_fold": ops_fold.make,
    "ops_functions": ops_functions.make,
    "ops_shape": ops_shape.make,
    "ops_image": ops_image.make,
    "ops_index": ops_index.make,
    "ops_norm": ops_norm.make,
    "ops_loss": ops_loss.make,
    "simplenet": networks.make_simplenet,
    "models": models.make,
    "zoo": zoo.make,
    "blocks": blocks.make,
    "multihead": multihead.make,
    "optim": optim.make,
    "sgd_steps": networks.make_sgd_steps,
    "saliency_pgd": attacks.make,
    "defences": defences.make,
    "torchattacks": torchattacks_images.make,
    "explain": explain.make,
}
NEEDS = {"explain": "captum", "zoo": "torchvision"}  # where it is missing, that name is left out unless it is asked for


def difference(new, stored):
    """Largest difference over the largest finite stored value; infinite where NaNs differ."""
    if new.shape != stored.shape or new.dtype != stored.dtype:
        return np.inf
    new, stored = new.astype(np.float64), stored.astype(np.float64)
    finite = np.isfinite(stored)
    if not np.array_equal(new[~finite], stored[~finite], equal_nan=True):
        return np.inf
    if not finite.any():
        return 0.0
    scale = np.abs(stored[finite]).max()
    return np.abs(new[finite] - stored[finite]).max() / (scale if scale > 0 else 1.0)


def check(name, path, tensors, tolerance):
    """Prints how far new results are from the stored ones; true if near enough."""
    stored, _ = safetensors_numpy.load(path)
    if stored.keys() != tensors.keys():
        print(f"{name}: other tensors: {sorted(stored.keys() ^ tensors.keys())}")
        return False
    errors = {key: difference(np.asarray(tensors[key]), stored[key]) for key in stored}
    worst = max(errors, key=errors.get)
    print(f"{name}: {len(errors)} tensors, largest difference {errors[worst]:.1e} in {worst}")
    return errors[worst] <= tolerance


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--tolerance", type=float, default=1e-5)
    parser.add_argument("--out", type=Path, default=HERE, help="folder of the files")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(MAKERS)
    if unknown:
        parser.error(f"unknown name {sorted(unknown)[0]}; there are {', '.join(MAKERS)}")

    torch.set_num_threads(2)
    good = True
    here = [name for name in MAKERS if importlib.util.find_spec(NEEDS.get(name, "torch"))]
    for name in arguments.names or here:
        tensors, metadata = MAKERS[name]()
        path = arguments.out / f"{name}.safetensors"
        if arguments.check:
            good &= check(name, path, tensors, arguments.tolerance)
            continue
        metadata["torch"] = torch.__version__
        safetensors_numpy.save(path, tensors, metadata)
        print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size:,} bytes")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
