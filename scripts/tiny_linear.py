#!/usr/bin/env python3
"""How hard TinyPlaces is: a linear classifier on its pixels, and a small convolutional network.

    build/tiny_places_sheet --size 64 --dump /tmp/tiny
    scripts/tiny_linear.py /tmp/tiny [--epochs 20]

needs PyTorch and numpy. The images are drawn at 64 x 64 and used whole: 800 training and 100
validation images of each of 10 classes.

Linear: softmax regression on all 3 x 64 x 64 pixels, each standardised over the training set, by
AdamW with cosine decay, 20 epochs of batches of 256; AdamW's weight decays 0.01 ... 30, and the same on images
averaged down to 16 x 16 and 8 x 8, which regularises too. All are printed; the best on the
validation set is the figure, so it is an upper estimate.

Network: five 3x3 convolutions (32, 64, 128, 256, 256 channels), each with batch norm and ReLU,
the first with stride 2, the next three followed by max pooling; global average, dropout 0.2, linear;
trained with SGD, one-cycle learning rate, mirroring and shifts of up to 4 pixels. The accuracy after
the last epoch is the figure, with seed 0.
"""
import argparse
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def load(prefix, split):
    labels = np.fromfile(f"{prefix}.{split}.labels", np.uint8)
    images = np.fromfile(f"{prefix}.{split}.images", np.uint8)
    size = int(round((images.size / labels.size / 3) ** 0.5))
    images = images.reshape(labels.size, size, size, 3).transpose(0, 3, 1, 2)
    return torch.from_numpy(images.astype(np.float32) / 255), torch.from_numpy(labels.astype(np.int64))


def linear(train, val, side, decay, epochs=20):
    (x, y), (vx, vy) = train, val
    x, vx = (F.adaptive_avg_pool2d(t, side).flatten(1) for t in (x, vx))
    mean, std = x.mean(0), x.std(0) + 1e-3
    x, vx = (x - mean) / std, (vx - mean) / std
    torch.manual_seed(0)
    model = nn.Linear(x.shape[1], 10)
    optimizer = torch.optim.AdamW(model.parameters(), 3e-4 if side > 16 else 3e-3, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for i in torch.randperm(len(x)).split(256):
            optimizer.zero_grad()
            F.cross_entropy(model(x[i]), y[i]).backward()
            optimizer.step()
        schedule.step()
    with torch.no_grad():
        accuracy = lambda a, b: 100 * (model(a).argmax(1) == b).float().mean().item()
        return accuracy(x, y), accuracy(vx, vy)


def block(inputs, outputs, stride=1, pool=False):
    layers = [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return layers + ([nn.MaxPool2d(2)] if pool else [])


def network():
    return nn.Sequential(*block(3, 32, stride=2), *block(32, 64, pool=True), *block(64, 128, pool=True),
                         *block(128, 256, pool=True), *block(256, 256), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Dropout(0.2), nn.Linear(256, 10))


def augmented(x):
    if torch.rand(()) < 0.5:
        x = x.flip(3)
    dy, dx = torch.randint(-4, 5, (2,)).tolist()
    return torch.roll(F.pad(x, (4, 4, 4, 4), mode="replicate"), (dy, dx), (2, 3))[:, :, 4:-4, 4:-4]


def convolutional(train, val, epochs):
    (x, y), (vx, vy) = train, val
    torch.manual_seed(0)
    x, vx = x - 0.5, vx - 0.5
    model = network().to(memory_format=torch.channels_last)
    steps = epochs * (len(x) // 64)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=5e-4, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
    for epoch in range(epochs):
        model.train()
        start, correct = time.time(), 0
        for i in torch.randperm(len(x)).split(64)[:len(x) // 64]:
            optimizer.zero_grad()
            logits = model(augmented(x[i]).contiguous(memory_format=torch.channels_last))
            F.cross_entropy(logits, y[i]).backward()
            optimizer.step()
            schedule.step()
            correct += (logits.argmax(1) == y[i]).sum().item()
        model.eval()
        with torch.no_grad():
            answers = torch.cat([model(b).argmax(1) for b in vx.split(100)])
        accuracy = 100 * (answers == vy).float().mean().item()
        print(f"network, epoch {epoch + 1}: train {100 * correct / len(x):.1f} %, val {accuracy:.1f} % "
              f"({time.time() - start:.0f} s)", flush=True)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (vy.numpy(), answers.numpy()), 1)
    print("true classes down, answers across:\n", confusion)
    return accuracy


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("prefix", help="as given to tiny_places_sheet --dump")
    parser.add_argument("--epochs", type=int, default=20, help="of the network; 0: linear only")
    flags = parser.parse_args()
    train, val = load(flags.prefix, "train"), load(flags.prefix, "val")
    best = 0
    for side in (8, 16, 64):
        for decay in (0.01, 3, 30):
            fit, accuracy = linear(train, val, min(side, train[0].shape[2]), decay)
            best = max(best, accuracy)
            print(f"linear on {side} x {side}, decay {decay:g}: train {fit:.1f} %, val {accuracy:.1f} %", flush=True)
    print(f"linear classifier, best: {best:.1f} %")
    if flags.epochs:
        print(f"small network: {convolutional(train, val, flags.epochs):.1f} %")


if __name__ == "__main__":
    main()
