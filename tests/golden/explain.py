"""explain.safetensors: maps of a small network by captum, float64.

The network has its ReLUs where Tweed has them inside a convolution, a batch norm and a linear
layer, and one as a module. Images and weights are by the formula (formula.py, models.fill).
"""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from formula import to_nchw, to_nhwc, uniform
from models import fill

SIZE, CLASSES, STEPS, SAMPLES, NOISE = 12, 5, 20, 6, 0.3
WINDOW, STRIDE = 4, 3  # the last windows of a row stick out


def network():
    model = nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 6, 3, padding=1),
            relu1=nn.ReLU(),
            pool=nn.MaxPool2d(2),
            conv2=nn.Conv2d(6, 8, 3, padding=1, bias=False),
            bn2=nn.BatchNorm2d(8),
            relu2=nn.ReLU(),
            conv3=nn.Conv2d(8, 8, 3, padding=1),
            relu3=nn.ReLU(),
            average=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            fc1=nn.Linear(8, 8),
            relu4=nn.ReLU(),
            fc2=nn.Linear(8, CLASSES),
        )
    )
    fill(model)
    return model.double().eval()


def smooth(attr, model, x, target, noise, kind):
    """captum's NoiseTunnel over gradients, with this noise instead of its own."""
    drawn = torch.normal
    torch.normal = lambda *_: noise
    try:
        return attr.NoiseTunnel(attr.Saliency(model)).attribute(
            x, nt_type=kind, nt_samples=SAMPLES, stdevs=1.0, target=target, abs=False
        )
    finally:
        torch.normal = drawn


def cam(attr, model, layer, x, target):
    maps = attr.LayerGradCam(model, getattr(model, layer)).attribute(
        x, target=target, relu_attributions=True
    )
    return F.interpolate(maps, (SIZE, SIZE), mode="bilinear", align_corners=False)


def maps_of(attr, model, x, target, noise):
    ig = attr.IntegratedGradients(model).attribute(
        x, torch.zeros_like(x), target, n_steps=STEPS, method="riemann_middle"
    )
    occluded = attr.Occlusion(model).attribute(
        x, (3, WINDOW, WINDOW), (3, STRIDE, STRIDE), baselines=0, target=target
    )
    return {
        "gradient": attr.Saliency(model).attribute(x, target, abs=False),
        "input_x_gradient": attr.InputXGradient(model).attribute(x, target),
        "integrated_gradients": ig,
        "smoothgrad": smooth(attr, model, x, target, noise, "smoothgrad"),
        "vargrad": smooth(attr, model, x, target, noise, "vargrad"),
        "guided": attr.GuidedBackprop(model).attribute(x, target),
        "grad_cam/conv1": cam(attr, model, "relu1", x, target),
        "grad_cam/bn2": cam(attr, model, "relu2", x, target),
        "grad_cam/relu3": cam(attr, model, "relu3", x, target),
        "occlusion": occluded[:, :1],
    }


def make():
    """Returns (tensors, metadata) of explain.safetensors."""
    import captum
    from captum import attr

    model = network()
    images = uniform((2, SIZE, SIZE, 3), 6000) * 2
    noise = (uniform((2 * SAMPLES, SIZE, SIZE, 3), 6001) * NOISE).astype(np.float32)
    x = to_nchw(images)
    logits = model(x)
    predicted = logits.argmax(1)
    tensors = {
        "logits": logits.detach().numpy(),
        "predicted": predicted.numpy().astype(np.int32),
        "others": ((predicted + 2) % CLASSES).numpy().astype(np.int32),
    }
    for name in ("predicted", "others"):
        target = torch.from_numpy(tensors[name]).long()
        for method, map_ in maps_of(attr, model, x, target, to_nchw(noise).double()).items():
            tensors[f"{name}/{method}"] = to_nhwc(map_)
    return tensors, {"captum": captum.__version__, "steps": str(STEPS), "samples": str(SAMPLES)}
