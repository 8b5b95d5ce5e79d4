"""zoo.safetensors: networks as torchvision has them, and those of others, in float64.

Only their logits, losses and, of each gradient, its norm and four projections are stored: products
with fixed random directions, which are wrong if anything in it is. Gradient 0 is that of the
images, the others are the parameters' in PyTorch's order. Batch norm uses the batch's statistics;
dropout and stochastic depth are off.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from formula import integers, pixels, to_nchw, uniform
from models import CLASSES, FIRST_DIRECTION, PROJECTIONS, fill

IMAGES = 2
# Of larger gradients every STRIDEth element is looked at.
LARGE, STRIDE = 1 << 23, 31
RANDOM_LAYERS = ("Dropout", "StochasticDepth")


class PreActBlock(nn.Module):
    """That of kuangliu/pytorch-cifar, and with `wide` that of xternalz/WideResNet-pytorch."""

    def __init__(self, c_in, c_out, stride, wide):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(c_in)
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.name = None
        if stride != 1 or c_in != c_out:
            conv = nn.Conv2d(c_in, c_out, 1, stride, bias=False)
            self.name = "convShortcut" if wide else "shortcut"
            setattr(self, self.name, conv if wide else nn.Sequential(conv))

    def forward(self, x):
        seen = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(seen))))
        return y + (getattr(self, self.name)(seen) if self.name else x)


def stage(blocks, c_in, c_out, stride, wide):
    first = PreActBlock(c_in, c_out, stride, wide)
    return nn.Sequential(first, *(PreActBlock(c_out, c_out, 1, wide) for _ in range(blocks - 1)))


class PreActResNet18(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        for s, (c_in, c_out) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)]):
            setattr(self, f"layer{s + 1}", stage(2, c_in, c_out, 2 if s else 1, False))
        self.linear = nn.Linear(512, classes)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear(x.mean((2, 3)))


class WideResNet(nn.Module):
    def __init__(self, classes, depth=28, widen=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        c_in = 16
        for s in range(3):
            c_out = 16 * widen << s
            block = nn.Module()
            block.layer = stage((depth - 4) // 6, c_in, c_out, 2 if s else 1, True)
            setattr(self, f"block{s + 1}", block)
            c_in = c_out
        self.bn1 = nn.BatchNorm2d(c_in)
        self.fc = nn.Linear(c_in, classes)

    def forward(self, x):
        x = self.conv1(x)
        for block in (self.block1, self.block2, self.block3):
            x = block.layer(x)
        return self.fc(F.relu(self.bn1(x)).mean((2, 3)))


def of_torchvision(name):
    def make(classes):
        import torchvision

        return getattr(torchvision.models, name)(num_classes=classes)

    return make


# Name, constructor, image size.
NETWORKS = [
    ("vgg11_bn", of_torchvision("vgg11_bn"), 64),
    ("vgg16_bn", of_torchvision("vgg16_bn"), 64),
    ("densenet121", of_torchvision("densenet121"), 64),
    ("mobilenet_v2", of_torchvision("mobilenet_v2"), 64),
    ("efficientnet_b0", of_torchvision("efficientnet_b0"), 64),
    ("convnext_tiny", of_torchvision("convnext_tiny"), 64),
    ("preact_resnet18", PreActResNet18, 16),
    ("wide_resnet28_10", WideResNet, 16),
]


def projections(gradient, number):
    """(PROJECTIONS) products of a gradient with directions made of the formula."""
    flat = gradient.reshape(-1).numpy()
    if flat.size > LARGE:
        flat = flat[::STRIDE]
    first = FIRST_DIRECTION + number * PROJECTIONS
    return [float(flat @ uniform(flat.shape, first + k)) for k in range(PROJECTIONS)]


def run(tensors, metadata, name, make, size):
    model = make(CLASSES)
    fill(model)
    model = model.double().train()
    for module in model.modules():
        if type(module).__name__ in RANDOM_LAYERS:
            module.eval()
    images, labels = pixels(IMAGES, size, salt=3000), integers((IMAGES,), 3002, CLASSES)
    x = to_nchw(images.astype(np.float64) / 127.5 - 1).requires_grad_()
    logits = model(x)
    loss = F.cross_entropy(logits, torch.from_numpy(labels).long())
    loss.backward()
    gradients = [x.grad.permute(0, 2, 3, 1).contiguous()] + [p.grad for p in model.parameters()]
    tensors[f"images_{size}"] = images
    tensors[f"{name}/labels"] = labels
    tensors[f"{name}/logits"] = logits.detach().numpy()
    tensors[f"{name}/loss"] = loss.detach().numpy()
    tensors[f"{name}/norms"] = np.array([float(g.norm()) for g in gradients])
    tensors[f"{name}/projections"] = np.array([projections(g, i) for i, g in enumerate(gradients)])
    metadata[name] = " ".join(model.state_dict())


def make():
    """Returns (tensors, metadata) of zoo.safetensors; metadata has each network's names."""
    tensors, metadata = {}, {"input": "images / 127.5 - 1", "loss": "mean"}
    for network in NETWORKS:
        run(tensors, metadata, *network)
    return tensors, metadata
