#!/usr/bin/env python3
"""autoattack.safetensors: which images withstand others' AutoAttack and its four parts.

    autoattack.py small [--auto-attack FOLDER]                     writes autoattack.safetensors
    autoattack.py resnet20 WEIGHTS.th DATA_BATCH.bin --auto-attack FOLDER [--eps 0.5] [--images 200]

small attacks 100 images on the network of torchattacks.safetensors, which attack_values_test holds
Tweed's against; resnet20 prints the figures of docs/attacks.md. FOLDER is a checkout of the code
of the paper's authors (github.com/fra31/auto-attack, a39220048b3c9f2cca9a4d3a54604793c68eca7e);
without it torchattacks makes the attacks. Needs torch, torchattacks for that, and safetensors.
"""

import argparse
import pathlib
import sys
import time

import numpy as np
import torch

from attacks_resnet20 import ResNet20, load_images

HERE = pathlib.Path(__file__).parent
PARTS = ["apgd-ce", "apgd-t", "fab-t", "square"]


def squares_anywhere(attack):
    """Both packages draw places below height - side, so that no square reaches the last row or
    column; with this, Square alone draws them as the paper does."""
    attack.random_int = lambda low=0, high=1, shape=(1,): (
        low + (high - low + 1) * torch.rand(shape)).long()  # fmt: skip
    return attack


def authors(net, norm, eps, steps, classes, parts, x, labels):
    """By the code of the paper's authors: the standard version's parts, with so many steps."""
    from autoattack import AutoAttack

    whole = AutoAttack(net, norm, eps, seed=0, verbose=False, attacks_to_run=list(parts),
                       version="custom", device="cpu")  # fmt: skip
    targets = min(9, classes - 1)
    whole.apgd.n_restarts, whole.apgd.n_iter = 1, steps
    whole.apgd_targeted.n_restarts, whole.apgd_targeted.n_iter = 1, steps
    whole.apgd_targeted.n_target_classes = whole.fab.n_target_classes = targets
    whole.fab.n_restarts, whole.fab.n_iter = 1, steps
    whole.square.n_queries = 50 * steps
    # Alone its squares shrink over the queries that it has, as Tweed's and torchattacks' do; within
    # AutoAttack the authors shrink them as if it had 10,000.
    if len(parts) == 1:
        squares_anywhere(whole.square).rescale_schedule = True
    return whole.run_standard_evaluation(x, labels, bs=len(x))


def torchattacks(net, norm, eps, steps, classes, parts, x, labels):
    import torchattacks as ta

    bounds = dict(norm=norm, eps=eps, seed=0)
    made = {
        "apgd-ce": ta.APGD(net, **bounds, steps=steps, loss="ce", n_restarts=1),
        "apgd-t": ta.APGDT(net, **bounds, steps=steps, n_classes=classes, n_restarts=1),
        "fab-t": ta.FAB(net, **bounds, steps=steps, n_classes=classes, n_restarts=1,
                        multi_targeted=True),
        "square": ta.Square(net, **bounds, n_queries=50 * steps, n_restarts=1),
    }  # fmt: skip
    chosen = [made[p] for p in parts]
    if parts == ["square"]:
        squares_anywhere(chosen[0])
    return (ta.MultiAttack(chosen) if len(chosen) > 1 else chosen[0])(x, labels)


def withstand(net, x, changed, labels, norm, eps):
    """A mask. What lies outside eps does not count as an attack."""
    change = (changed - x).flatten(1)
    size = change.abs().amax(1) if norm == "Linf" else change.norm(dim=1)
    with torch.no_grad():
        right = net(changed).argmax(1) == labels
        return torch.where(size <= eps * (1 + 1e-4) + 1e-6, right, net(x).argmax(1) == labels)


def measure(attack, net, norm, eps, steps, classes, parts, x, labels):
    began = time.time()
    changed = attack(net, norm, eps, steps, classes, parts, x, labels).detach()
    kept = withstand(net, x, changed, labels, norm, eps)
    name = parts[0] if len(parts) == 1 else "autoattack"
    print(f"{attack.__name__} {name} {norm} {eps:.5f}: {100 * kept.float().mean():.1f} % right,"
          f" {time.time() - began:.0f} s", flush=True)  # fmt: skip
    return name, kept


def small(attacks):
    from safetensors.numpy import load_file, save_file
    from torchattacks_images import CLASSES, Net, images

    stored = load_file(HERE / "torchattacks.safetensors")
    net = Net().eval()
    net.load_state_dict({k[4:]: torch.from_numpy(v) for k, v in stored.items() if k.startswith("net/")})
    for p in net.parameters():
        p.requires_grad_(False)
    pixels, x, labels = images(100, 300)
    tensors = {"images": pixels.transpose(0, 2, 3, 1), "labels": labels.numpy().astype(np.int32)}
    print(f"clean {100 * (net(x).argmax(1) == labels).float().mean():.1f} %")
    for attack in attacks:
        for norm, eps in [("Linf", 4 / 255), ("L2", 0.15)]:
            for parts in [[p] for p in PARTS] + [PARTS]:
                name, kept = measure(attack, net, norm, eps, 20, CLASSES, parts, x, labels)
                tensors[f"{attack.__name__}/{norm}/{name}"] = kept.numpy().astype(np.int32)
    return {k: np.ascontiguousarray(v) for k, v in tensors.items()}, save_file


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["small", "resnet20"])
    parser.add_argument("files", nargs="*")
    parser.add_argument("--auto-attack", help="a checkout of fra31/auto-attack")
    parser.add_argument("--eps", default="0.5", help="in 255ths, separated by commas")
    parser.add_argument("--norm", default="Linf")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--parts", default="", help="of " + ", ".join(PARTS) + "; default: all in turn")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.auto_attack:
        sys.path.insert(0, arguments.auto_attack)
    if arguments.what == "small":
        tensors, save = small([torchattacks] + [authors] * bool(arguments.auto_attack))
        made_by = "torchattacks 3.5.1; fra31/auto-attack a39220048b3c9f2cca9a4d3a54604793c68eca7e"
        save(tensors, HERE / "autoattack.safetensors", {"made by": made_by})
        return
    weights, path = arguments.files
    net = ResNet20()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    state = state.get("state_dict", state)
    net.load_state_dict({k.removeprefix("module."): v for k, v in state.items()})
    net.eval()
    for p in net.parameters():
        p.requires_grad_(False)
    x, labels = load_images(path, arguments.images)
    attack = authors if arguments.auto_attack else torchattacks
    for eps in arguments.eps.split(","):
        size = float(eps) / 255 if arguments.norm == "Linf" else float(eps)
        parts = arguments.parts.split(",") if arguments.parts else PARTS
        measure(attack, net, arguments.norm, size, arguments.steps, 10, parts, x, labels)


if __name__ == "__main__":
    main()
