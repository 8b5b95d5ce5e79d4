"""SimpleNet in PyTorch, and the learning-rate schedule, as Tweed has them."""

import math
from collections import OrderedDict

from torch import nn

# Name, input channels, output channels, kernel size, stride, padding.
CONVOLUTIONS = [
    ("conv1", 3, 64, 7, 2, 3),
    ("conv2", 64, 64, 1, 1, 0),
    ("conv3", 64, 64, 3, 1, 1),
    ("conv4", 64, 256, 1, 1, 0),
    ("conv5", 256, 128, 1, 1, 0),
    ("conv6", 128, 128, 3, 1, 1),
    ("conv7", 128, 512, 1, 1, 0),
]
POOL_AFTER = ("conv1", "conv4")
DROPOUT_AFTER = ("conv4", "conv7")
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


def simplenet(classes=100, batch_norm=False, dropout=0.1):
    """SimpleNet; parameters conv1..conv7 and fc, each .weight and .bias.

    With `batch_norm`, Tweed's simplenet_bn: a BatchNorm2d (bn1..bn7) after each convolution, whose
    bias it replaces, and a Dropout2d before each of the last two pools. PyTorch initialises weights
    and biases with U(+-1/sqrt(fan_in)), which is what the coursework asks for.
    """
    layers = OrderedDict()
    for name, c_in, c_out, kernel, stride, padding in CONVOLUTIONS:
        number = name[-1]
        layers[name] = nn.Conv2d(c_in, c_out, kernel, stride, padding, bias=not batch_norm)
        if batch_norm:
            layers["bn" + number] = nn.BatchNorm2d(c_out)
        layers["relu" + number] = nn.ReLU(inplace=True)
        if batch_norm and name in DROPOUT_AFTER:
            layers["drop" + number] = nn.Dropout2d(dropout)
        if name in POOL_AFTER:
            layers["pool" + number] = nn.MaxPool2d(3, stride=2, padding=1)
    layers["global_pool"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(512, classes)
    return nn.Sequential(layers)


def learning_rate(step, peak, warmup_steps, total_steps, floor=1e-8):
    """The rate of iteration `step` = 0, 1, ..., total_steps - 1.

    Linear from 0 (at step 0) to `peak` (at step `warmup_steps`), then half a cosine that reaches
    `floor` exactly at the last iteration.
    """
    if step < warmup_steps:
        return peak * step / warmup_steps
    span = max(1, total_steps - 1 - warmup_steps)
    progress = min(1.0, (step - warmup_steps) / span)
    return floor + (peak - floor) * 0.5 * (1 + math.cos(math.pi * progress))
