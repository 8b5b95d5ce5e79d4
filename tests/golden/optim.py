"""optim.safetensors: optimizers, averages and schedules of PyTorch over 50 steps."""

from contextlib import contextmanager

import numpy as np
import torch
import torch.optim._muon as torch_muon
from torch.optim import SGD, Adam, AdamW, Muon, RMSprop, lr_scheduler, swa_utils

from formula import uniform

STEPS = 50
KEPT = (1, 10, 50)
# Three parameters of a problem without a network, and how far from the other its optimum lies.
SHAPES = {"conv.weight": (5, 7), "conv.bias": (5,), "fc.weight": (3, 4)}
# What Muon tells apart: filters, vectors, tall and wide matrices.
MUON_SHAPES = {
    "conv.weight": (6, 2, 3, 3), "conv.bias": (6,), "tall.weight": (9, 4), "wide.weight": (3, 8),
}  # fmt: skip


def problem(shapes=SHAPES):
    """Parameters by the formula: salts 500, 501, ..."""
    return {
        name: torch.nn.Parameter(torch.from_numpy(uniform(shape, 500 + p)))
        for p, (name, shape) in enumerate(shapes.items())
    }


def set_gradients(parameters, step):
    """w - 0.5, and noise by the formula: salts 1000 + 10 step + p."""
    for p, w in enumerate(parameters.values()):
        noise = torch.from_numpy(uniform(tuple(w.shape), 1000 + 10 * step + p))
        w.grad = w.detach() - 0.5 + noise


def groups(parameters, lr, weight_decay, **_):
    """No weight decay on the bias, a tenth of the learning rate for the last."""
    first, bias, last = parameters.values()
    return [
        {"params": [first], "weight_decay": weight_decay},
        {"params": [bias], "weight_decay": 0.0},
        {"params": [last], "lr": lr * 0.1},
    ]


class Lion(torch.optim.Optimizer):
    """The paper's algorithm 2 (arXiv:2302.06675)."""

    def __init__(self, parameters, lr, betas=(0.9, 0.99), weight_decay=0.0):
        super().__init__(parameters, dict(lr=lr, betas=betas, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (beta1, beta2), lr = group["betas"], group["lr"]
            for w in group["params"]:
                m = self.state[w].setdefault("m", torch.zeros_like(w))
                update = (beta1 * m + (1 - beta1) * w.grad).sign() + group["weight_decay"] * w
                w -= lr * update
                m.copy_(beta2 * m + (1 - beta2) * w.grad)


OPTIMIZERS = {
    "sgd": (SGD, dict(lr=0.05, momentum=0.9)),
    "sgd_plain": (SGD, dict(lr=0.05)),
    "sgd_decay": (SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.1)),
    "sgd_nesterov": (SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True)),
    "sgd_groups": (SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.1)),
    "sgd_clipped": (SGD, dict(lr=0.05, momentum=0.9)),
    "sgd_dampened": (SGD, dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.1)),
    "rmsprop": (RMSprop, dict(lr=0.01)),
    "rmsprop_momentum": (RMSprop, dict(lr=0.01, alpha=0.9, eps=1e-3, momentum=0.8)),
    "rmsprop_centered": (RMSprop, dict(lr=0.01, momentum=0.5, weight_decay=0.1, centered=True)),
    "rmsprop_groups": (RMSprop, dict(lr=0.01, weight_decay=0.1)),
    "lion": (Lion, dict(lr=0.01)),
    "lion_groups": (Lion, dict(lr=0.01, betas=(0.8, 0.95), weight_decay=0.1)),
    "adam": (Adam, dict(lr=0.02)),
    "adam_decay": (Adam, dict(lr=0.02, betas=(0.8, 0.99), eps=1e-3, weight_decay=0.1)),
    "adamw": (AdamW, dict(lr=0.02)),
    "adamw_groups": (AdamW, dict(lr=0.02, weight_decay=0.1)),
}


def trajectory(name, tensors):
    make, options = OPTIMIZERS[name]
    parameters = problem()
    given = list(parameters.values())
    if name.endswith("groups"):
        given = groups(parameters, **options)
    optimizer = make(given, **options)
    for step in range(1, STEPS + 1):
        set_gradients(parameters, step)
        if name == "sgd_clipped":
            torch.nn.utils.clip_grad_norm_(parameters.values(), 1.5)
        optimizer.step()
        if step in KEPT:
            for key, w in parameters.items():
                tensors[f"{name}/{step}/{key}"] = w.detach().numpy().copy()


@contextmanager
def without_rounding():
    """Lets torch.optim.Muon iterate in float64, where it asks for bfloat16."""

    class InDouble:
        bfloat16 = torch.float64

        def __getattr__(self, name):
            return getattr(torch, name)

    torch_muon.torch = InDouble()
    yield
    torch_muon.torch = torch


MUONS = {
    "muon": dict(weight_decay=0.01, momentum=0.95),
    "muon_plain": dict(weight_decay=0.0, momentum=0.8, nesterov=False, ns_steps=3),
    "muon_head": dict(weight_decay=0.1, momentum=0.9),  # AdamW for the last matrix
    "muon_rounded": dict(weight_decay=0.01, momentum=0.95),  # in bfloat16, as PyTorch does it
}


def muon(name, tensors):
    """torch.optim.Muon on matrices and on filters as matrices, AdamW on the rest."""
    options = MUONS[name]
    parameters = problem(MUON_SHAPES)
    filters = parameters["conv.weight"]
    matrices = {"conv.weight": torch.nn.Parameter(filters.detach().reshape(6, 18).clone())}
    matrices |= {k: w for k, w in parameters.items() if w.ndim == 2}
    if name == "muon_head":
        del matrices["wide.weight"]
    rest = [w for k, w in parameters.items() if k not in matrices]
    optimizers = [
        Muon(matrices.values(), lr=0.02, **options),
        AdamW(rest, lr=0.02 * 0.015, betas=(0.9, 0.95), eps=1e-10,
              weight_decay=options["weight_decay"]),
    ]  # fmt: skip
    for step in range(1, STEPS + 1):
        set_gradients(parameters, step)
        matrices["conv.weight"].grad = filters.grad.reshape(6, 18)
        for optimizer in optimizers:
            if name == "muon_rounded":
                optimizer.step()
            else:
                with without_rounding():
                    optimizer.step()
        with torch.no_grad():
            filters.copy_(matrices["conv.weight"].reshape(filters.shape))
        if step in KEPT:
            for key, w in parameters.items():
                tensors[f"{name}/{step}/{key}"] = w.detach().numpy().copy()


def averages(tensors):
    """The moving average with decay 0.9 of SGD's weights."""
    parameters = problem()
    holder = torch.nn.ParameterDict({k.replace(".", "_"): w for k, w in parameters.items()})
    average = swa_utils.AveragedModel(holder, multi_avg_fn=swa_utils.get_ema_multi_avg_fn(0.9))
    optimizer = SGD(parameters.values(), lr=0.05, momentum=0.9)
    for step in range(1, STEPS + 1):
        set_gradients(parameters, step)
        optimizer.step()
        average.update_parameters(holder)
        if step in KEPT:
            for key in parameters:
                value = average.module[key.replace(".", "_")]
                tensors[f"ema/{step}/{key}"] = value.detach().numpy().copy()


SCHEDULES = {
    "step": lambda o: lr_scheduler.StepLR(o, 15, 0.5),
    "multi_step": lambda o: lr_scheduler.MultiStepLR(o, [10, 11, 40], 0.1),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, STEPS - 1, 1e-3),
    "one_cycle": lambda o: lr_scheduler.OneCycleLR(o, 0.1, total_steps=STEPS),
    "one_cycle_early": lambda o: lr_scheduler.OneCycleLR(
        o, 0.1, total_steps=STEPS, pct_start=0.11, div_factor=10, final_div_factor=100
    ),
    "warm_step": lambda o: lr_scheduler.SequentialLR(
        o,
        [lr_scheduler.LinearLR(o, 0.1, total_iters=8), lr_scheduler.StepLR(o, 20, 0.5)],
        milestones=[8],
    ),
    "constant": lambda o: lr_scheduler.ConstantLR(o, 1.0),
}


def rates(tensors):
    for name, make in SCHEDULES.items():
        optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
        schedule = make(optimizer)
        lrs, momenta = [], []
        for step in range(STEPS):
            if step > 0:
                optimizer.step()
                schedule.step()
            lrs.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["momentum"])
        tensors[f"lr/{name}"] = np.array(lrs)
        if name.startswith("one_cycle"):
            tensors[f"momentum/{name}"] = np.array(momenta)


def small_network(tensors):
    """AdamW with one cycle on x (8, 6) -> Linear 5, ReLU, Linear 3; float64."""
    network = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    network.double()
    with torch.no_grad():
        for p, w in enumerate(network.parameters()):
            w.copy_(torch.from_numpy(uniform(tuple(w.shape), 600 + p)))
    decayed = [w for w in network.parameters() if w.ndim > 1]
    others = [w for w in network.parameters() if w.ndim == 1]
    optimizer = AdamW(
        [{"params": decayed}, {"params": others, "weight_decay": 0.0}], lr=0.1, weight_decay=0.05
    )
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=STEPS)
    x = torch.from_numpy(uniform((8, 6), 700))
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    losses = []
    for step in range(1, STEPS + 1):
        loss = torch.nn.functional.cross_entropy(network(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step < STEPS:
            schedule.step()
        losses.append(loss.item())
        if step in KEPT:
            for key, w in network.named_parameters():
                tensors[f"network/{step}/{key}"] = w.detach().numpy().copy()
    tensors["network/losses"] = np.array(losses)


def make():
    tensors = {}
    for name in OPTIMIZERS:
        trajectory(name, tensors)
    for name in MUONS:
        muon(name, tensors)
    averages(tensors)
    rates(tensors)
    small_network(tensors)
    return tensors, {"steps": str(STEPS)}
