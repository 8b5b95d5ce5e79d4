"""Tweed's networks in PyTorch, and the learning-rate schedule."""

import math
from collections import OrderedDict

import torch
import torch.nn.functional as F
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


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut, as in resnet18."""

    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(c_out)
        self.conv2 = nn.Conv2d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(c_out)
        self.downsample = None
        if stride != 1 or c_in != c_out:
            convolution = nn.Conv2d(c_in, c_out, 1, stride, bias=False)
            self.downsample = nn.Sequential(convolution, nn.BatchNorm2d(c_out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)), inplace=True)


class ResNet18(nn.Module):
    """torchvision's resnet18, without its initialisation."""

    def __init__(self, classes=1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        c_in = 64
        for stage in range(4):
            c_out = 64 << stage
            blocks = BasicBlock(c_in, c_out, 2 if stage else 1), BasicBlock(c_out, c_out, 1)
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
            c_in = c_out
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x)), inplace=True), 3, 2, 1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


class Fire(nn.Module):
    def __init__(self, c_in, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(c_in, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat((F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))), 1)


def pool(kernel=3):
    return nn.MaxPool2d(kernel, 2, ceil_mode=True)


class SqueezeNet(nn.Module):
    """torchvision's squeezenet1_0, without its initialisation."""

    def __init__(self, classes=1000):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, 7, 2), nn.ReLU(), pool(),
            Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), pool(),
            Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool(),
            Fire(512, 64, 256),
        )  # fmt: skip
        self.classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, classes, 1), nn.ReLU())

    def forward(self, x):
        return self.classifier(self.features(x)).mean((2, 3))


class BasicConv2d(nn.Module):
    def __init__(self, c_in, c_out, kernel, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(c_out, eps=1e-3)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    def __init__(self, c_in, one, reduce3, three, reduce5, five, pooled):
        super().__init__()
        self.branch1 = BasicConv2d(c_in, one, 1)
        self.branch2 = nn.Sequential(BasicConv2d(c_in, reduce3, 1), BasicConv2d(reduce3, three, 3))
        self.branch3 = nn.Sequential(BasicConv2d(c_in, reduce5, 1), BasicConv2d(reduce5, five, 3))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), BasicConv2d(c_in, pooled, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNet(nn.Module):
    """torchvision's googlenet, without auxiliary classifiers and its initialisation."""

    MODULES = {
        "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
        "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64),
        "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
        "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128),
        "5b": (832, 384, 192, 384, 48, 128, 128),
    }  # fmt: skip

    def __init__(self, classes=1000):
        super().__init__()
        self.conv1 = BasicConv2d(3, 64, 7, 2)
        self.conv2 = BasicConv2d(64, 64, 1)
        self.conv3 = BasicConv2d(64, 192, 3)
        for name, channels in self.MODULES.items():
            setattr(self, "inception" + name, Inception(*channels))
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(1024, classes)
        self.pool, self.last_pool = pool(3), pool(2)

    def forward(self, x):
        x = self.pool(self.conv3(self.conv2(self.pool(self.conv1(x)))))
        for name in self.MODULES:
            if name == "4a":
                x = self.pool(x)
            if name == "5a":
                x = self.last_pool(x)
            x = getattr(self, "inception" + name)(x)
        return self.fc(self.dropout(x.mean((2, 3))))


class Attention(nn.Module):
    """Multi-head attention on (N, H, W, C), within squares of `window` tokens, or all if it is 0."""

    def __init__(self, width, heads, window):
        super().__init__()
        self.heads, self.window = heads, window
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        n, h, w, c = x.shape
        side = self.window or h
        rows, columns = h // side, w // side
        qkv = self.qkv(x).reshape(n, rows, side, columns, side, 3, self.heads, c // self.heads)
        # (3, N, rows, columns, heads, tokens, C / heads)
        qkv = qkv.permute(5, 0, 1, 3, 6, 2, 4, 7)
        qkv = qkv.reshape(3, -1, self.heads, side * side, c // self.heads)
        y = F.scaled_dot_product_attention(*qkv)
        y = y.reshape(n, rows, columns, self.heads, side, side, -1).permute(0, 1, 4, 2, 5, 3, 6)
        return self.proj(y.reshape(n, h, w, c))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class DropPath(nn.Module):
    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        keep = torch.rand((x.shape[0],) + (1,) * (x.ndim - 1), device=x.device) >= self.p
        return x * keep / (1 - self.p)


class Block(nn.Module):
    def __init__(self, width, heads, window, dropped):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads, window)
        self.drop_path1 = DropPath(dropped)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)
        self.drop_path2 = DropPath(dropped)

    def forward(self, x):
        x = x + self.drop_path1(self.attn(self.norm1(x)))
        return x + self.drop_path2(self.mlp(self.norm2(x)))


class SimpleViT(nn.Module):
    """Tweed's simplevit, without its initialisation."""

    def __init__(self, classes=100, image_size=128, width=192, depth=4, heads=4):
        super().__init__()
        self.side = image_size // 16
        self.pos_embed = nn.Parameter(torch.zeros(1, self.side**2, width))
        self.patch_embed = nn.Sequential(OrderedDict(proj=nn.Conv2d(3, width, 16, 16)))
        dropped = [0.1 * i / (depth - 1) for i in range(depth)]
        self.blocks = nn.Sequential(
            *(Block(width, heads, 0 if i % 2 else 4, dropped[i]) for i in range(depth))
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.fc = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch_embed(x).permute(0, 2, 3, 1)
        x = x + self.pos_embed.reshape(1, self.side, self.side, -1)
        return self.fc(self.norm(self.blocks(x)).mean((1, 2)))


# Name: a function of the number of classes and the image size.
MODELS = {
    "simplenet": lambda classes, size: simplenet(classes),
    "simplenet_bn": lambda classes, size: simplenet(classes, batch_norm=True),
    "resnet18": lambda classes, size: ResNet18(classes),
    "squeezenet1_0": lambda classes, size: SqueezeNet(classes),
    "inception": lambda classes, size: GoogLeNet(classes),
    "simplevit": SimpleViT,
}
