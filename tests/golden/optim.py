"""optim.safetensors: optimizers, averages and schedules of PyTorch over 50 steps."""

import numpy as np
import torch
from torch.optim import SGD, Adam, AdamW, lr_scheduler, swa_utils

from formula import uniform

STEPS = 50
KEPT = (1, 10, 50)
# Three parameters of a problem without a network, and how far from the other its optimum lies.
SHAPES = {"conv.weight": (5, 7), "conv.bias": (5,), "fc.weight": (3, 4)}


def problem():
    """Parameters by the formula: salts 500, 501, 502."""
    return {
        name: torch.nn.Parameter(torch.from_numpy(uniform(shape, 500 + p)))
        for p, (name, shape) in enumerate(SHAPES.items())
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


OPTIMIZERS = {
    "sgd": (SGD, dict(lr=0.05, momentum=0.9)),
    "sgd_plain": (SGD, dict(lr=0.05)),
    "sgd_decay": (SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.1)),
    "sgd_nesterov": (SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True)),
    "sgd_groups": (SGD, dict(lr=0.05, momentum=0.9, weight_decay=0.1)),
    "sgd_clipped": (SGD, dict(lr=0.05, momentum=0.9)),
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
    averages(tensors)
    rates(tensors)
    small_network(tensors)
    return tensors, {"steps": str(STEPS)}
