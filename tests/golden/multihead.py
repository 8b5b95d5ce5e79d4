"""multihead.safetensors: torch.nn.MultiheadAttention, on itself and on another sequence, float64.

The module's parameters under its own names; x, and y, what x attending to itself gives; query, key,
value and mask (uint8, 1: may attend) and z, what they give; and, after "grad/", the gradients of
sum(y * dy) + sum(z * dz).
"""

import numpy as np
import torch
from torch import nn

from formula import integers, uniform

SHAPES = {"x": (2, 6, 8), "query": (2, 4, 8), "key": (2, 5, 8), "value": (2, 5, 8)}


def make():
    """Returns (tensors, metadata) of multihead.safetensors."""
    module = nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        for salt, parameter in enumerate(module.parameters()):
            parameter.copy_(torch.from_numpy(uniform(tuple(parameter.shape), 7000 + salt)))
    tensors = {name: parameter.detach().numpy() for name, parameter in module.named_parameters()}
    inputs = {}
    for salt, (name, shape) in enumerate(SHAPES.items()):
        tensors[name] = np.asarray(uniform(shape, 7100 + salt))
        inputs[name] = torch.from_numpy(tensors[name].copy()).requires_grad_()
    tensors["mask"] = np.asarray(integers((4, 5), 7200, 4) > 0, np.uint8)
    hidden = torch.from_numpy(tensors["mask"] == 0)
    results = {
        "y": module(inputs["x"], inputs["x"], inputs["x"], need_weights=False)[0],
        "z": module(inputs["query"], inputs["key"], inputs["value"], attn_mask=hidden,
                    need_weights=False)[0],
    }  # fmt: skip
    loss = 0
    for salt, (name, result) in enumerate(results.items()):
        tensors[name] = result.detach().numpy()
        tensors["d" + name] = np.asarray(uniform(tuple(result.shape), 7300 + salt))
        loss = loss + (result * torch.from_numpy(tensors["d" + name])).sum()
    loss.backward()
    for name, leaf in [*inputs.items(), *module.named_parameters()]:
        tensors["grad/" + name] = leaf.grad.numpy()
    return tensors, {}
