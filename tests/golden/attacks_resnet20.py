#!/usr/bin/env python3
"""Accuracy of a CIFAR-10 ResNet-20 under torchattacks' attacks, to hold pgd_attack against.

    attacks_resnet20.py WEIGHTS.th DATA_BATCH.bin [--images 200]

docs/attacks.md has the figures of both. WEIGHTS are a state_dict under the names of the usual
CIFAR ResNet-20 (layerK.N.convM, linear), DATA_BATCH is of CIFAR-10's binary version; the images
are those that `evaluate --images` takes of such a file. Needs torch and torchattacks.
"""

import argparse
import time

import numpy as np
import torch
import torch.nn.functional as F
import torchattacks as ta

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Block(torch.nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(outputs)
        self.conv2 = torch.nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = torch.nn.BatchNorm2d(outputs)
        self.more = outputs - inputs

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.more:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more // 2, self.more // 2))
        return F.relu(x + y)


class ResNet20(torch.nn.Module):
    """Sees pixels of 0..1."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(16)
        widths, inputs = (16, 32, 64), 16
        for number, width in enumerate(widths, 1):
            blocks = [Block(inputs if i == 0 else width, width, 2 if i == 0 and number > 1 else 1)
                      for i in range(3)]  # fmt: skip
            setattr(self, f"layer{number}", torch.nn.Sequential(*blocks))
            inputs = width
        self.linear = torch.nn.Linear(64, 10)

    def forward(self, x):
        mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (MEAN, STD))
        y = F.relu(self.bn1(self.conv1((x - mean) / std)))
        y = self.layer3(self.layer2(self.layer1(y)))
        return self.linear(y.mean((2, 3)))


def load_images(path, count):
    """The first of each class among every tenth of it, which are validation images of such a file."""
    records = np.fromfile(path, np.uint8).reshape(-1, 3073)
    order = [np.flatnonzero(records[:, 0] == c)[9::10] for c in range(10)]
    chosen = [order[c][k] for k in range(count // 10) for c in range(10)]
    pixels = torch.from_numpy(records[chosen, 1:].reshape(-1, 3, 32, 32)).float() / 255
    return pixels, torch.from_numpy(records[chosen, 0].astype(np.int64))


def runs(net, eps):
    pgd = dict(eps=eps, alpha=eps / 4, steps=10, random_start=False)
    l2 = dict(eps=0.1, alpha=0.025, steps=10, random_start=False)
    least = ta.PGD(net, **pgd)
    least.set_mode_targeted_by_function(lambda x, labels: net(x).argmin(1))
    return {
        "fgsm": ta.FGSM(net, eps=eps),
        "ifgsm": ta.BIM(net, eps=eps, alpha=eps / 4, steps=10),
        "mifgsm": ta.MIFGSM(net, eps=eps, alpha=eps / 4, steps=10),
        "pgd": ta.PGD(net, **pgd),
        "pgd least likely": least,
        "pgd L2 0.1": ta.PGDL2(net, **l2),
        "deepfool": ta.DeepFool(net, steps=50),
        "cw": ta.CW(net, c=1, steps=50, lr=0.01),
        "apgd-ce": ta.APGD(net, eps=eps, steps=20, loss="ce"),
        "apgd-dlr": ta.APGD(net, eps=eps, steps=20, loss="dlr"),
        "fab": ta.FAB(net, eps=eps, steps=20, n_classes=10),
        "square": ta.Square(net, eps=eps, n_queries=300),
        "autoattack": ta.AutoAttack(net, eps=eps, n_classes=10, seed=0),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("weights")
    parser.add_argument("images")
    parser.add_argument("--images", dest="count", type=int, default=200)
    parser.add_argument("--eps", type=float, default=1, help="in 255ths")
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    net = ResNet20()
    state = torch.load(arguments.weights, map_location="cpu", weights_only=True)
    state = {k.removeprefix("module."): v for k, v in state.get("state_dict", state).items()}
    net.load_state_dict(state)
    net.eval()
    for p in net.parameters():
        p.requires_grad_(False)
    x, labels = load_images(arguments.images, arguments.count)
    print(f"clean {100 * (net(x).argmax(1) == labels).float().mean():.2f}", flush=True)
    for name, attack in runs(net, arguments.eps / 255).items():
        if arguments.only and name not in arguments.only.split(","):
            continue
        began, changed = time.time(), []
        for part, answer in zip(x.split(100), labels.split(100)):
            changed.append(attack(part, answer).detach())
        changed = torch.cat(changed)
        sizes = (changed - x).flatten(1).norm(dim=1)
        right = 100 * (net(changed).argmax(1) == labels).float().mean()
        print(f"{name}: top-1 {right:.2f}, mean L2 {sizes.mean():.4f}, {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
