"""torchattacks.safetensors: what torchattacks 3.5.1 makes of 24 small images, float32.

The network is trained here for a moment, so that attacks have something to fool; its weights and
the images are stored beside the results. Needs torch and torchattacks, of which no other file here
has need: `make` imports it.
"""

import numpy as np
import torch
import torch.nn.functional as F

from formula import uniform

MEAN, STD = (0.5, 0.375, 0.5), (0.25, 0.5, 0.25)
CLASSES, SIZE, IMAGES = 5, 8, 24
EPS, STEP, STEPS = 8 / 255, 2 / 255, 10


def images(count, salt):
    """Faint patterns, one a class, under noise: (count, 3, SIZE, SIZE) in 0..1, and labels."""
    labels = np.arange(count) % CLASSES
    patterns = np.sign(uniform((CLASSES, 3, SIZE, SIZE), 9000))
    noise = sum(uniform((count, 3, SIZE, SIZE), salt + i) for i in range(3))
    pixels = np.clip(0.5 + 0.045 * patterns[labels] + 0.12 * noise, 0, 1)
    pixels = np.round(255 * pixels).astype(np.uint8)
    x = torch.from_numpy(pixels).to(torch.float32) / 255
    return pixels, x, torch.from_numpy(labels)


class Net(torch.nn.Module):
    """Sees pixels of 0..1."""

    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.conv2 = torch.nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.fc = torch.nn.Linear(16 * SIZE * SIZE // 4, CLASSES)

    def forward(self, x):
        mean = torch.tensor(MEAN).view(1, 3, 1, 1)
        std = torch.tensor(STD).view(1, 3, 1, 1)
        y = F.relu(self.conv1((x - mean) / std))
        return self.fc(torch.flatten(F.relu(self.conv2(y)), 1))


def trained():
    torch.manual_seed(0)
    net = Net()
    _, x, labels = images(500, 100)
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(net(x), labels).backward()
        optimizer.step()
    # torchattacks' Carlini-Wagner takes 0 for a rival's logit; where all are positive that is none.
    with torch.no_grad():
        net.fc.bias += 20
    for p in net.parameters():
        p.requires_grad_(False)
    return net.eval()


def runs(net):
    import torchattacks as ta

    def towards(attack, choose):
        attack.set_mode_targeted_by_function(choose)
        return attack

    pgd = dict(eps=EPS, alpha=STEP, steps=STEPS, random_start=False)
    l2 = dict(eps=0.5, alpha=0.1, steps=STEPS, random_start=False)
    # (Its own least likely leaves out the true label; ours may be any. Here they are the same.)
    least = lambda x, labels: net(x).argmin(1)  # noqa: E731
    chosen = lambda x, labels: torch.full_like(labels, 2)  # noqa: E731
    return {
        "fgsm": ta.FGSM(net, eps=EPS),
        "ifgsm": ta.BIM(net, eps=EPS, alpha=STEP, steps=STEPS),
        "mifgsm": ta.MIFGSM(net, eps=EPS, alpha=STEP, steps=STEPS, decay=1.0),
        "pgd": ta.PGD(net, **pgd),
        "pgd_least": towards(ta.PGD(net, **pgd), least),
        "pgd_chosen": towards(ta.PGD(net, **pgd), chosen),
        "pgd_l2": ta.PGDL2(net, **l2),
        "pgd_l2_chosen": towards(ta.PGDL2(net, **l2), chosen),
        "deepfool": ta.DeepFool(net, steps=50, overshoot=0.02),
        "cw": ta.CW(net, c=1, kappa=0, steps=50, lr=0.01),
    }


def make():
    """Returns (tensors, metadata) of torchattacks.safetensors."""
    net = trained()
    pixels, x, labels = images(IMAGES, 200)
    tensors = {"images": pixels.transpose(0, 2, 3, 1), "labels": labels.numpy().astype(np.int32)}
    for name, value in net.state_dict().items():
        tensors["net/" + name] = value.numpy()
    tensors["logits"] = net(x).numpy()
    for name, attack in runs(net).items():
        changed = attack(x, labels).detach()
        answers = net(changed).argmax(1)
        print(f"  {name}: {100 * (answers == labels).float().mean():.1f} % right,"
              f" of clean images {100 * (net(x).argmax(1) == labels).float().mean():.1f} %")
        tensors[name] = changed.numpy().transpose(0, 2, 3, 1)
        tensors["answers/" + name] = answers.numpy().astype(np.int32)
    return tensors, {"made by": "torchattacks 3.5.1", "mean": str(MEAN), "std": str(STD)}
