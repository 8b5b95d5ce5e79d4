"""models.safetensors: larger networks, forward and all gradients, float64 from float32 weights.

A network's gradients would fill many megabytes. So only four projections of each are stored: its
products with fixed random directions, which are wrong if anything in it is.
"""

import numpy as np
import torch
import torch.nn.functional as F

import torch_models
from formula import integers, pixels, to_nchw, to_nhwc, uniform

CLASSES = 10
# Name, constructor, image size, whether batch norm uses the batch's statistics.
NETWORKS = [
    ("resnet18", torch_models.ResNet18, 64, True),
    ("squeezenet1_0", torch_models.SqueezeNet, 64, False),
    ("inception", torch_models.GoogLeNet, 64, False),
    ("simplevit", torch_models.SimpleViT, 128, False),
]
PROJECTIONS = 4
FIRST_DIRECTION = 1_000_000  # of the directions' salts


def fill(model):
    """Parameter number p in PyTorch's order: u = uniform(i, p), rounded to float32.

    u sqrt(6 / fan_in) for weights, 1 + 0.2 u for the weights of norms, 0.2 u for all else.
    """
    with torch.no_grad():
        for number, (name, parameter) in enumerate(model.named_parameters()):
            values = uniform(tuple(parameter.shape), number)
            if parameter.ndim > 1 and name.endswith("weight"):
                values *= np.sqrt(6.0 / np.prod(parameter.shape[1:]))
            else:
                values = values * 0.2 + name.endswith("weight")
            parameter.copy_(torch.from_numpy(values.astype(np.float32)))


def projections(gradient, number):
    """(PROJECTIONS) products of a gradient with directions made of the formula."""
    flat = gradient.numpy().reshape(-1)
    first = FIRST_DIRECTION + number * PROJECTIONS
    return [float(flat @ uniform(flat.shape, first + k)) for k in range(PROJECTIONS)]


def run(tensors, name, make, size, train):
    model = make(CLASSES)
    fill(model)
    model = model.double().train(train)
    count = 4 if size < 128 else 2
    images, labels = pixels(count, size, salt=3000), integers((count,), 3002, CLASSES)
    x = to_nchw(images.astype(np.float64) / 127.5 - 1).requires_grad_()
    logits = model(x)
    loss = F.cross_entropy(logits, torch.from_numpy(labels).long())
    loss.backward()
    gradients = [p.grad for p in model.parameters()]
    tensors[f"{name}/images"] = images
    tensors[f"{name}/labels"] = labels
    tensors[f"{name}/logits"] = logits.detach().numpy()
    tensors[f"{name}/loss"] = loss.detach().numpy()
    tensors[f"{name}/dx_0"] = to_nhwc(x.grad[:1]).astype(np.float32)
    tensors[f"{name}/norms"] = np.array([float(g.norm()) for g in gradients])
    tensors[f"{name}/projections"] = np.array([projections(g, i) for i, g in enumerate(gradients)])


def make():
    """Returns (tensors, metadata) of models.safetensors."""
    tensors = {}
    for network in NETWORKS:
        run(tensors, *network)
    return tensors, {"input": "images / 127.5 - 1", "loss": "mean"}
