"""saliency_pgd.safetensors: the input's gradient put to use, float32.

The network is SimpleNet with 10 classes and formula weights (salts 0 to 15, formula.py), the
images are four of 32x32, and the network sees (v / 255 - mean) / std.
"""

import json

import numpy as np
import torch
import torch.nn.functional as F

from formula import fill_parameters, integers, pixels, to_nchw, to_nhwc
from torch_models import MEAN, STD, simplenet

# Rounding can turn the sign of a gradient near zero, or push an activation over a ReLU's kink and
# turn many. With this salt, found by trying, the attacked images stay the same in double, and in
# float when every weight is disturbed by 3e-7 of itself (12 random disturbances of 12).
IMAGE_SALT = 8720


def normalise(x):
    mean = torch.tensor(MEAN, dtype=x.dtype).view(1, 3, 1, 1)
    std = torch.tensor(STD, dtype=x.dtype).view(1, 3, 1, 1)
    return (x - mean) / std


def gradient(function, x, labels, reduction):
    """Cross-entropy at x, and its gradient there."""
    x = x.detach().requires_grad_()
    loss = F.cross_entropy(function(x), labels, reduction=reduction)
    return loss.item(), torch.autograd.grad(loss, x)[0]


def pgd(function, x, labels, eps, step, steps, direction, low=None, high=None):
    """Sign steps up (direction 1) or down (-1) the loss, each projected on the ball and range.

    Returns images after each step, the mean loss before each step and after the last, and the
    gradients of all steps.
    """
    adversarial, images, losses, gradients = x, [], [], []
    for _ in range(steps):
        loss, g = gradient(function, adversarial, labels, "mean")
        adversarial = adversarial + direction * step * g.sign()
        adversarial = x + (adversarial - x).clamp(-eps, eps)
        if low is not None:
            adversarial = adversarial.clamp(low, high)
        images.append(adversarial)
        losses.append(loss)
        gradients.append(g.numpy())
    losses.append(gradient(function, adversarial, labels, "mean")[0])
    return images, losses, np.stack(gradients)


def make(salt=IMAGE_SALT, dtype=torch.float32):
    """Returns (tensors, metadata) of saliency_pgd.safetensors."""
    model = simplenet(10).to(dtype).eval()
    fill_parameters(model)
    images, labels = pixels(4, 32, salt), integers((4,), salt + 2, 10)
    x = to_nchw(images.astype(np.float32)).to(dtype) / 255
    normalised = normalise(x)
    with torch.no_grad():
        logits = model(normalised)
    predicted, least = logits.argmax(1), logits.argmin(1)

    tensors = {
        "images": images,
        "labels": labels,
        "logits": logits.numpy(),
        "predicted": predicted.numpy().astype(np.int32),
        "least_likely": least.numpy().astype(np.int32),
    }
    _, g = gradient(model, normalised, predicted, "sum")
    tensors["saliency"] = g.abs().amax(1).numpy()
    runs = {
        "pixel": (lambda v: model(normalise(v)), x, torch.from_numpy(labels).long(),
                  dict(eps=8 / 255, step=2 / 255, steps=10, direction=1, low=0.0, high=1.0)),
        "normalized": (model, normalised, least,
                       dict(eps=0.1, step=0.01, steps=10, direction=-1)),
    }  # fmt: skip
    metadata = {"model": "simplenet, 10 classes", "input": "(images / 255 - mean) / std"}
    for name, (function, start, targets, options) in runs.items():
        results, losses, gradients = pgd(function, start, targets, **options)
        sizes = np.abs(gradients)
        tensors[f"pgd_{name}/after_1"] = to_nhwc(results[0])
        tensors[f"pgd_{name}/after_10"] = to_nhwc(results[-1])
        tensors[f"pgd_{name}/losses"] = np.array(losses, np.float32)
        tensors[f"pgd_{name}/near_zero"] = (sizes < 1e-9).sum((1, 2, 3, 4)).astype(np.int32)
        extent = [sizes.min((1, 2, 3, 4)), np.median(sizes, (1, 2, 3, 4))]
        tensors[f"pgd_{name}/smallest_and_median"] = np.stack(extent, 1)
        metadata[f"pgd_{name}"] = json.dumps(options)
    return tensors, metadata
