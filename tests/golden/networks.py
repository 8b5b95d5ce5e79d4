"""simplenet.safetensors and sgd_steps.safetensors: whole networks, float32."""

import json
from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from formula import fill_parameters, integers, pixels, to_nchw, to_nhwc, uniform
from torch_models import learning_rate, simplenet


def centred(images):
    """uint8 pixels to float32 in [-1, 1]: v / 127.5 - 1, NCHW."""
    return to_nchw(images.astype(np.float32) / np.float32(127.5) - np.float32(1))


def make_simplenet():
    """SimpleNet with 100 classes on four 64x64 images: logits, loss and every gradient.

    The weights are not stored: parameter number p (conv1.weight 0, conv1.bias 1, ..., fc.bias 15)
    is uniform(i, p) * bound, see formula.fill_parameters.
    """
    model = simplenet(100)
    fill_parameters(model)
    images, labels = pixels(4, 64, salt=1000), integers((4,), 1002, 100)
    x = centred(images).requires_grad_()
    logits = model(x)
    loss = F.cross_entropy(logits, torch.from_numpy(labels).long())
    loss.backward()
    tensors = {
        "images": images,
        "labels": labels,
        "logits": logits.detach().numpy(),
        "loss": loss.detach().numpy(),
        "grad/images_0": to_nhwc(x.grad[:1]),
    }
    for name, parameter in model.named_parameters():
        tensors["grad/" + name] = parameter.grad.numpy()
    for name in ("conv1.weight", "conv3.bias", "fc.weight"):
        tensors["first8/" + name] = model.state_dict()[name].flatten()[:8].numpy()
    return tensors, {"model": "simplenet", "input": "images / 127.5 - 1", "loss": "mean"}


def small_network():
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 8, 3, padding=1),
            bn1=nn.BatchNorm2d(8),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(8, 16, 3, padding=1),
            bn2=nn.BatchNorm2d(16),
            relu2=nn.ReLU(),
            global_pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc=nn.Linear(16, 5),
        )
    )


def fill_small_network(model):
    """Convolutions and linear as in SimpleNet; batch norm's weight 1 + 0.2 u, bias 0.2 u."""
    fill_parameters(model, 100)
    with torch.no_grad():
        for number, layer in enumerate((model.bn1, model.bn2)):
            shape = tuple(layer.weight.shape)
            layer.weight.copy_(torch.from_numpy(1 + 0.2 * uniform(shape, 120 + number)))
            layer.bias.copy_(torch.from_numpy(0.2 * uniform(shape, 130 + number)))


def make_sgd_steps():
    """Ten steps of torch.optim.SGD on ten batches: losses, rates, weights before and after."""
    steps, batch, warmup, peak = 10, 8, 3, 0.1
    options = dict(momentum=0.9, weight_decay=1e-4)
    model = small_network()
    fill_small_network(model)
    images = pixels(steps * batch, 16, salt=2000, cell=4)
    labels = integers((steps * batch,), 2002, 5)
    tensors = {"images": images, "labels": labels}
    for name, value in model.state_dict().items():
        tensors["initial/" + name] = value.clone().numpy()

    optimizer = torch.optim.SGD(model.parameters(), lr=peak, **options)
    losses, rates = [], []
    x, y = centred(images), torch.from_numpy(labels).long()
    for step in range(steps):
        rates.append(learning_rate(step, peak, warmup, steps))
        optimizer.param_groups[0]["lr"] = rates[-1]
        rows = slice(step * batch, (step + 1) * batch)
        loss = F.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    tensors["losses"] = np.array(losses, np.float32)
    tensors["learning_rates"] = np.array(rates)
    for name, value in model.state_dict().items():
        tensors["final/" + name] = value.numpy()
    model.eval()
    with torch.no_grad():
        tensors["eval_logits"] = model(x[:batch]).numpy()
    attributes = dict(steps=steps, batch=batch, warmup_steps=warmup, lr=peak, **options)
    return tensors, {"attributes": json.dumps(attributes), "input": "images / 127.5 - 1"}
