#!/usr/bin/env python3
"""Trains SimpleNet in PyTorch on MiniPlaces photos: what Tweed's train_miniplaces is held against.

    torch_photos.py ROOT                    the whole run: loss of each epoch, validation accuracy
    torch_photos.py --first-batches 50 --weights W --batches B --out LOSSES
                                            the losses of the first steps on given data
    torch_photos.py ROOT --dump-batches 50 --weights W --batches B
                                            writes such data from this program's own start

ROOT holds train.txt, val.txt and images/ (or train/ and val/ directly). The run: the first
--classes categories, the first --limit training images of each, resized to 144, cropped at random
to 128 and flipped at random; validation images are resized and cropped in the middle. SGD with
momentum and weight decay; the rate rises linearly over --warmup epochs and falls along a cosine,
iteration by iteration; the last partial batch of an epoch is dropped.

Files of the second form, all safetensors:
    W        weights under PyTorch's names (conv1.weight ... fc.bias), float32
    B        "images" (N * batch, 128, 128, 3) uint8 in RGB, cropped and flipped already;
             "labels" (N * batch) int32; batch k is rows k * batch to (k + 1) * batch - 1
    LOSSES   "losses" (N) float32 and "learning_rates" (N) float64; or JSON if named *.json

The network sees (v / 255 - mean) / std. Learning rates are those of the whole run: give the same
--classes, --limit, --batch-size, --epochs, --warmup and --lr.
"""

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.append(str(Path(__file__).resolve().parent))

import safetensors_numpy  # noqa: E402
from torch_models import MEAN, STD, learning_rate, simplenet  # noqa: E402

RESIZED, CROPPED = 144, 128


def read_list(root, name, classes, limit):
    """[(path, label)] of the first `classes` labels, at most `limit` of each (0: all)."""
    folder = root / "images" if (root / "images").is_dir() else root
    counts, rows = {}, []
    for line in (root / name).read_text().splitlines():
        path, label = line.split()
        label = int(label)
        counts[label] = counts.get(label, 0) + 1
        if label < classes and (not limit or counts[label] <= limit):
            rows.append((folder / path, label))
    return rows


def decode(path):
    """(144, 144, 3) uint8: short side to 144, then the middle square."""
    from PIL import Image

    with Image.open(path) as image:
        image = image.convert("RGB")
        scale = RESIZED / min(image.size)
        size = [max(RESIZED, round(side * scale)) for side in image.size]
        image = image.resize(size, Image.BILINEAR)
        left, top = (size[0] - RESIZED) // 2, (size[1] - RESIZED) // 2
        return np.asarray(image.crop((left, top, left + RESIZED, top + RESIZED)))


def load_images(rows, threads):
    """All images and labels in memory, uint8 and int64."""
    with ThreadPoolExecutor(threads) as pool:
        images = np.stack(list(pool.map(decode, [path for path, _ in rows])))
    return images, np.array([label for _, label in rows])


def augment(images, generator):
    """A random 128x128 crop of each image, mirrored half of the time."""
    cropped = np.empty((len(images), CROPPED, CROPPED, 3), np.uint8)
    for i, image in enumerate(images):
        y, x = generator.integers(0, RESIZED - CROPPED + 1, 2)
        piece = image[y : y + CROPPED, x : x + CROPPED]
        cropped[i] = piece[:, ::-1] if generator.random() < 0.5 else piece
    return cropped


def centre(images):
    margin = (RESIZED - CROPPED) // 2
    return images[:, margin : margin + CROPPED, margin : margin + CROPPED]


def to_input(images):
    """uint8 (N, H, W, 3) to the network's float32 input, channels last."""
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    x = (images.astype(np.float32) / np.float32(255) - mean) / std
    return torch.from_numpy(x).permute(0, 3, 1, 2)  # NHWC in memory: channels_last


class Run:
    """The model, its optimizer, and the place in the schedule."""

    def __init__(self, arguments, weights=None):
        self.arguments = arguments
        torch.manual_seed(arguments.seed)
        self.model = simplenet(arguments.classes)
        if weights:
            self.model.load_state_dict({n: torch.from_numpy(w) for n, w in weights.items()})
        self.model.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=arguments.lr,
            momentum=arguments.momentum,
            weight_decay=arguments.wd,
        )
        self.epoch_steps = arguments.classes * arguments.limit // arguments.batch_size
        self.done, self.rates = 0, []

    def step(self, images, labels):
        """One training step on uint8 images; returns the loss before it."""
        a = self.arguments
        total, warmup = self.epoch_steps * a.epochs, self.epoch_steps * a.warmup
        self.rates.append(learning_rate(self.done, a.lr, warmup, total))
        self.optimizer.param_groups[0]["lr"] = self.rates[-1]
        loss = F.cross_entropy(self.model(to_input(images)), torch.from_numpy(labels).long())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.done += 1
        return loss.item()

    @torch.no_grad()
    def accuracy(self, images, labels):
        """Top-1 and top-5 in percent."""
        self.model.eval()
        batches = [slice(i, i + 100) for i in range(0, len(images), 100)]
        logits = torch.cat([self.model(to_input(centre(images[b]))) for b in batches])
        self.model.train()
        best = logits.topk(min(5, logits.shape[1])).indices.numpy()
        hits = best == labels[:, None]
        return 100 * hits[:, 0].mean(), 100 * hits.any(1).mean()


def epoch_batches(images, labels, batch_size, generator):
    """Shuffled, augmented batches of one epoch."""
    order = generator.permutation(len(labels))
    for begin in range(0, len(order) - batch_size + 1, batch_size):
        rows = order[begin : begin + batch_size]
        yield augment(images[rows], generator), labels[rows]


def load_training(arguments):
    rows = read_list(arguments.root, "train.txt", arguments.classes, arguments.limit)
    if len(rows) != arguments.classes * arguments.limit:
        sys.exit(f"{arguments.root}: {len(rows)} training images, not classes times limit")
    return load_images(rows, arguments.threads)


def train(arguments):
    """The whole run."""
    images, labels = load_training(arguments)
    held_out = load_images(
        read_list(arguments.root, "val.txt", arguments.classes, 0), arguments.threads
    )
    print(f"torch {torch.__version__}: {len(labels)} + {len(held_out[1])} images", flush=True)
    run, generator = Run(arguments), np.random.default_rng(arguments.seed)
    for epoch in range(arguments.epochs):
        begin = time.time()
        batches = epoch_batches(images, labels, arguments.batch_size, generator)
        losses = [run.step(*batch) for batch in batches]
        top1, top5 = run.accuracy(*held_out)
        line = dict(epoch=epoch + 1, loss=round(float(np.mean(losses)), 4), top1=round(top1, 2),
                    top5=round(top5, 2), seconds=round(time.time() - begin, 1))  # fmt: skip
        print(json.dumps(line), flush=True)


def first_batches(arguments):
    """Trains on the batches of a file and writes the losses."""
    data, _ = safetensors_numpy.load(arguments.batches)
    weights, _ = safetensors_numpy.load(arguments.weights)
    images, labels = data["images"], data["labels"]
    n, batch = arguments.first_batches, arguments.batch_size
    if images.shape != (len(labels), CROPPED, CROPPED, 3) or len(labels) < n * batch:
        sys.exit(f"{arguments.batches}: images {images.shape} are not {n} batches of {batch}")
    run, losses = Run(arguments, weights), []
    for k in range(n):
        rows = slice(k * batch, (k + 1) * batch)
        losses.append(run.step(images[rows], labels[rows]))
    if arguments.out.suffix == ".json":
        result = dict(torch=torch.__version__, losses=losses, learning_rates=run.rates)
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    else:
        tensors = {"losses": np.array(losses, np.float32), "learning_rates": np.array(run.rates)}
        safetensors_numpy.save(arguments.out, tensors, {"torch": torch.__version__})
    print(f"{n} steps, loss {losses[0]:.6f} to {losses[-1]:.6f}, written to {arguments.out}")


def dump_batches(arguments):
    """Writes this program's first weights and batches as --first-batches reads them."""
    images, labels = load_training(arguments)
    generator, batches = np.random.default_rng(arguments.seed), []
    while len(batches) < arguments.dump_batches:
        batches += epoch_batches(images, labels, arguments.batch_size, generator)
    batches = batches[: arguments.dump_batches]
    tensors = {
        "images": np.concatenate([b[0] for b in batches]),
        "labels": np.concatenate([b[1] for b in batches]).astype(np.int32),
    }
    safetensors_numpy.save(arguments.batches, tensors)
    weights = {n: w.numpy() for n, w in Run(arguments).model.state_dict().items()}
    safetensors_numpy.save(arguments.weights, weights, {"model": "simplenet"})


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", nargs="?", type=Path)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--limit", type=int, default=200, help="training images a category")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--warmup", type=int, default=2, help="epochs")
    parser.add_argument("--lr", type=float, default=0.05)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--wd", type=float, default=1e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--first-batches", type=int, metavar="N")
    parser.add_argument("--dump-batches", type=int, metavar="N")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--batches", type=Path)
    parser.add_argument("--out", type=Path, default=Path("losses.json"))
    arguments = parser.parse_args()
    if arguments.first_batches is None and arguments.root is None:
        parser.error("ROOT is missing")
    given = arguments.first_batches is not None or arguments.dump_batches is not None
    if given and not (arguments.weights and arguments.batches):
        parser.error("--weights and --batches are missing")
    return arguments


def main():
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    if arguments.first_batches is not None:
        first_batches(arguments)
    elif arguments.dump_batches is not None:
        dump_batches(arguments)
    else:
        train(arguments)


if __name__ == "__main__":
    main()
