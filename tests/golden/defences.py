"""defences.safetensors: what training against attacks minimises, float64.

The losses of TRADES and MART as their authors' code has them, but for two of MART's small numbers:
1e-12 that keeps logarithms finite, which log_softmax does by itself. AWP on a small network.
"""

import json
import zlib

import torch
import torch.nn.functional as F

from cases import Cases
from formula import integers, uniform


def divergence(clean, attacked):
    """Of each image: KL(softmax(clean) || softmax(attacked))."""
    return F.kl_div(
        F.log_softmax(attacked, 1), F.softmax(clean, 1), reduction="none"
    ).sum(1)


def trades(clean, attacked, labels, beta):
    return F.cross_entropy(clean, labels) + beta * divergence(clean, attacked).mean()


def mart(clean, attacked, labels, weight):
    q = F.softmax(attacked, 1)
    order = torch.argsort(q, dim=1)
    rival = torch.where(order[:, -1] == labels, order[:, -2], order[:, -1])
    adversarial = F.cross_entropy(attacked, labels) + F.nll_loss(torch.log(1.0001 - q), rival)
    own = F.softmax(clean, 1).gather(1, labels[:, None]).squeeze(1)
    return adversarial + weight * (divergence(clean, attacked) * (1.0000001 - own)).mean()


def losses(cases):
    for op, function, weights in [("trades", trades, (1.0, 6.0)), ("mart", mart, (1.0, 5.0))]:
        for shape in [(1, 2), (5, 7), (4, 130)]:
            for weight in weights:
                case = f"{op}_{shape[0]}x{shape[1]}_{weight:g}"
                labels = integers((shape[0],), zlib.crc32(case.encode()), shape[1])
                inputs = {name: 4 * cases.values(case, name, shape) for name in ("clean", "attacked")}
                cases.add(case, op, inputs, lambda c, a, y: function(c, a, y.long(), weight),
                          {"labels": labels}, weight=weight)  # fmt: skip


def awp(cases):
    """Weights of linear 6-5, ReLU, linear 5-3 moved up the loss, and every gradient there."""
    shapes = {"0.weight": (5, 6), "0.bias": (5,), "2.weight": (3, 5), "2.bias": (3,)}
    gamma = 0.1
    weights = {
        name: torch.from_numpy(uniform(shape, 800 + p)).requires_grad_()
        for p, (name, shape) in enumerate(shapes.items())
    }
    x, labels = torch.from_numpy(uniform((8, 6), 810)), integers((8,), 811, 3)

    def loss(w):
        hidden = F.relu(F.linear(x, w["0.weight"], w["0.bias"]))
        logits = F.linear(hidden, w["2.weight"], w["2.bias"])
        return F.cross_entropy(logits, torch.from_numpy(labels).long())

    gradients = torch.autograd.grad(loss(weights), list(weights.values()))
    moved = {}
    for (name, w), g in zip(weights.items(), gradients):
        by = gamma * w.norm() * g / g.norm() if w.dim() > 1 else 0 * w
        moved[name] = (w + by).detach().requires_grad_()
    there = loss(moved)
    at = torch.autograd.grad(there, list(moved.values()))
    cases.store("awp", labels=labels, loss=there.detach().numpy())
    for (name, w), g in zip(moved.items(), at):
        cases.store("awp", **{f"moved/{name}": w.detach().numpy(), f"grad/{name}": g.numpy()})
    cases.metadata["awp"] = json.dumps(dict(op="awp", gamma=gamma))


def make():
    """Returns (tensors, metadata) of defences.safetensors."""
    cases = Cases()
    losses(cases)
    awp(cases)
    return cases.tensors, cases.metadata
