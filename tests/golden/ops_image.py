"""ops_image.safetensors: image operations, float64, as cases.py describes."""

import math

import torch
import torch.nn.functional as F

from cases import Cases, nchw, nhwc


def rotate(x, degrees):
    """torchvision's rotate() with bilinear interpolation: a turn in pixels, whatever the aspect."""
    height, width = x.shape[1:3]
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    theta = [[cos, -sin * height / width, 0.0], [sin * width / height, cos, 0.0]]
    theta = torch.tensor([theta] * x.shape[0], dtype=x.dtype)
    grid = F.affine_grid(theta, nchw(x).shape, align_corners=False)
    return nhwc(F.grid_sample(nchw(x), grid, mode="bilinear", padding_mode="zeros",
                              align_corners=False))  # fmt: skip


def resizes(cases):
    sizes = [(3, 4, 7, 9), (9, 8, 4, 3), (1, 3, 4, 2), (6, 5, 1, 1), (17, 2, 3, 11)]
    for height, width, to_h, to_w in sizes:
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
            smooth = mode.startswith("bi")
            for more in ({}, dict(align_corners=True), dict(antialias=True)):
                if (more and not smooth) or (mode == "bilinear" and not more):
                    continue
                name = "_".join([f"resize_{mode}_{height}x{width}_to_{to_h}x{to_w}", *more])
                cases.add(name.replace("-", "_"), "resize", {"x": (2, height, width, 3)},
                          lambda x: nhwc(F.interpolate(nchw(x), (to_h, to_w), mode=mode, **more)),
                          mode=mode, height=to_h, width=to_w, align_corners="align_corners" in more,
                          antialias="antialias" in more, factor=[0.0, 0.0])  # fmt: skip
    for mode in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        for antialias in (False, True)[: 2 if mode.startswith("bi") else 1]:
            factor = [1.7, 0.6]
            more = dict(antialias=True) if antialias else {}
            name = f"resize_{mode}_factor" + ("_antialias" if antialias else "")
            cases.add(name.replace("-", "_"), "resize", {"x": (2, 5, 6, 3)},
                      lambda x: nhwc(F.interpolate(nchw(x), scale_factor=factor, mode=mode, **more)),
                      mode=mode, height=8, width=3, align_corners=False, antialias=antialias,
                      factor=factor)  # fmt: skip


def make():
    """Returns (tensors, metadata) of ops_image.safetensors."""
    cases = Cases()
    for height, width, to_h, to_w in [(3, 4, 7, 9), (9, 8, 4, 3), (5, 4, 3, 8), (1, 3, 4, 2),
                                      (6, 5, 1, 1), (4, 4, 4, 4), (17, 2, 3, 11)]:  # fmt: skip
        cases.add(f"resize_bilinear_{height}x{width}_to_{to_h}x{to_w}", "resize_bilinear",
                  {"x": (2, height, width, 3)},
                  lambda x: nhwc(F.interpolate(nchw(x), (to_h, to_w), mode="bilinear",
                                               align_corners=False)),
                  height=to_h, width=to_w)  # fmt: skip
    resizes(cases)
    for height, width, degrees in [(5, 6, 30.0), (6, 6, 90.0), (4, 7, -135.0), (5, 4, 0.0),
                                   (5, 5, 45.0), (8, 3, 3.0)]:  # fmt: skip
        name = f"rotate_{height}x{width}_{degrees:g}".replace("-", "m")
        cases.add(name, "rotate", {"x": (2, height, width, 3)},
                  lambda x: rotate(x, degrees), degrees=degrees)  # fmt: skip
    cases.add("crop", "crop", {"x": (2, 5, 6, 3)}, lambda x: x[:, 1:4, 2:6],
              top=1, left=2, height=3, width=4)  # fmt: skip
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64)
    cases.add("grey", "grey", {"x": (2, 4, 3, 3)},
              lambda x: (x * weights).sum(-1, keepdim=True).expand(x.shape))  # fmt: skip
    return cases.tensors, cases.metadata
