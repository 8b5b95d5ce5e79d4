#!/usr/bin/env python3
"""Compares exported networks with onnxruntime, PyTorch and safetensors.

    python3 scripts/check_export.py             all registered networks
    python3 scripts/check_export.py resnet18 simplevit

Makes each network by `train_miniplaces --iterations`, so that running statistics are not those of a
new one; export_weights writes .onnx, .pth and .safetensors of it. onnxruntime runs the first on random
images; our own logits for them are what build/features keeps in its cache. PyTorch loads the .pth
with weights_only=True, pip's safetensors the third: the same numbers. Networks that PyTorch's own
modules make (simplenet here, torchvision's networks) run there, too. Exit 1 if logits differ by more
than 1e-4 of the largest.

Needs numpy, pillow, onnx, onnxruntime, safetensors, torch and torchvision.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

BUILD = Path(__file__).resolve().parents[1] / "build"
# Exported pools have windows of one size: VGG's last map has to be 7x7.
SIZES = {"vgg11_bn": 224, "vgg16_bn": 224, "densenet121": 64, "mobilenet_v2": 64, "efficientnet_b0": 64, "convnext_tiny": 64, "resnet18": 64, "resnet34": 64, "resnet50": 64, "inception": 64, "simplenet": 64, "simplenet_bn": 64,
         "simplevit": 128, "squeezenet1_0": 64, "squeezenet1_0_caffe": 64}  # fmt: skip
TOLERANCE = 1e-4


def run(program, *words):
    command = [str(BUILD / program), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def names():
    help_text = " ".join(run("train_miniplaces", "--help").split())
    listed = help_text.split("the network: ")[1].split(", or a JSON")[0]
    return [name for name in listed.split(", ")]


def write_photos(folder, size):
    """Noise, as PNG, of the size that the network sees: nothing is resized."""
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        for label in ("a", "b", "c"):
            (folder / split / label).mkdir(parents=True)
            for i in range(4):
                pixels = random.integers(0, 256, (size, size, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / label / f"{i}.png")


def images(folder, metadata):
    paths = sorted((folder / "val").glob("*/*.png"))
    pixels = np.stack([np.asarray(Image.open(p), np.float32) / 255 for p in paths])
    mean, std = (np.float32(json.loads(metadata[key])) for key in ("mean", "std"))
    return np.ascontiguousarray(((pixels - mean) / std).transpose(0, 3, 1, 2))


def simplenet():
    def conv(i, o, k, s=1):
        return nn.Conv2d(i, o, k, s, k // 2)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            sizes = [(3, 64, 7, 2), (64, 64, 1), (64, 64, 3), (64, 256, 1), (256, 128, 1), (128, 128, 3), (128, 512, 1)]
            for number, size in enumerate(sizes, 1):
                setattr(self, f"conv{number}", conv(*size))
            self.fc = nn.Linear(512, 3)

        def forward(self, x):
            for number in range(1, 8):
                x = getattr(self, f"conv{number}")(x).relu()
                if number in (1, 4):
                    x = nn.functional.max_pool2d(x, 3, 2, 1)
            return self.fc(x.mean((2, 3)))

    return Net()


def in_torch(name):
    if name == "simplenet":
        return simplenet()
    if name in ("resnet18", "resnet34", "resnet50", "vgg11_bn", "vgg16_bn", "densenet121", "mobilenet_v2", "efficientnet_b0",
                "convnext_tiny"):  # fmt: skip
        import torchvision

        return getattr(torchvision.models, name)(num_classes=3)
    return None


def check(name, folder):
    size = SIZES.get(name, 32)
    data, run_folder, cache = folder / "data", folder / "run", folder / "features.safetensors"
    write_photos(data, size)
    sizes = ["--image-size", size, "--load-size", size]
    run("train_miniplaces", data, "--model", name, *sizes, "--iterations", 3, "--batch-size", 4, "--lr", 1e-4,
        "--warmup", 0, "--augment", "mirror", "--out", run_folder)  # fmt: skip
    best = run_folder / "last.safetensors"
    run("features", best, data, *sizes, "--cache", cache, "--epochs", 1)
    ours = load_file(cache)["validation.logits"].numpy()
    for end in ("onnx", "pth", "safetensors"):
        run("export_weights", best, folder / f"net.{end}")
    with safe_open(best, "np") as file:
        x = images(data, file.metadata())

    onnx.checker.check_model(onnx.load(folder / "net.onnx"), full_check=True)
    theirs = onnxruntime.InferenceSession(folder / "net.onnx").run(None, {"images": x})[0]
    largest = np.abs(ours).max()
    differences = {"onnxruntime": np.abs(theirs - ours).max() / largest}
    state = torch.load(folder / "net.pth", weights_only=True)
    plain = load_file(folder / "net.safetensors")
    same = state.keys() == plain.keys() and all(torch.equal(state[k], plain[k]) for k in state)
    network = in_torch(name)
    if network:
        network.load_state_dict(state, strict=False)
        missing = network.load_state_dict(plain, strict=False)
        same = same and not missing.unexpected_keys and not missing.missing_keys
        with torch.no_grad():
            differences["torch"] = np.abs(network.eval()(torch.from_numpy(x)).numpy() - ours).max() / largest
    shown = "  ".join(f"{who} {value:.1e}" for who, value in differences.items())
    print(f"{name:20} {shown}  {'' if same else '.pth and .safetensors DIFFER'}", flush=True)
    return same and max(differences.values()) <= TOLERANCE


def main():
    good = True
    for name in sys.argv[1:] or names():
        with tempfile.TemporaryDirectory() as folder:
            good = check(name, Path(folder)) and good
    print("all agree" if good else "some DIFFER")
    sys.exit(not good)


main()
