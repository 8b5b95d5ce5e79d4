"""blocks.safetensors: the network of docs/examples/blocks.json, forward and all gradients, float64."""

import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from formula import integers, to_nchw, to_nhwc, uniform
from models import fill

DESCRIPTION = Path(__file__).resolve().parents[2] / "docs" / "examples" / "blocks.json"
CLASSES = 5


class Residual(nn.Module):
    def __init__(self, layers, shortcut=None):
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x):
        return (self.shortcut(x) if self.shortcut else x) + self.layers(x)


class Concat(nn.ModuleList):
    def forward(self, x):
        return torch.cat([branch(x) for branch in self], dim=1)


def layer(text):
    """The module that one object of the description stands for."""
    text = {key: CLASSES if value == "classes" else value for key, value in text.items()}
    kind = text.pop("type")
    if kind == "Residual":
        return Residual(*(layers(text[key]) for key in ("layers", "shortcut") if key in text))
    if kind == "Concat":
        return Concat([layers(branch) for branch in text["branches"]])
    if kind == "GlobalAvgPool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return getattr(nn, kind)(**text)


def layers(texts):
    return nn.Sequential(*map(layer, texts))


def make():
    """Returns (tensors, metadata) of blocks.safetensors."""
    network = layers(json.loads(DESCRIPTION.read_text())["layers"])
    fill(network)
    network = network.double()
    x, labels = uniform((3, 9, 7, 3), 5000), integers((3,), 5001, CLASSES)
    images = to_nchw(x).requires_grad_()
    logits = network(images)
    loss = F.cross_entropy(logits, torch.from_numpy(labels).long())
    loss.backward()
    tensors = {
        "x": np.ascontiguousarray(x),
        "labels": labels,
        "logits": logits.detach().numpy(),
        "loss": loss.detach().numpy(),
        "dx": to_nhwc(images.grad),
    }
    for name, parameter in network.named_parameters():
        tensors["grad/" + name] = parameter.grad.numpy()
    return tensors, {"loss": "mean"}
