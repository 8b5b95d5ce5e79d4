"""Writes torch_files/VERSION_*.pth by this Python's PyTorch: what torch_files_test.cpp reads.

    python3 torch_files.py             run once with PyTorch 1.13 and once with 2: names begin so
    python3 torch_files.py --logits    logits.safetensors, too: needs safetensors

All files but the refused ones hold the same network. Its numbers are eighths, which are exact in
half, bfloat16, float and double, so that every file has to give the same weights.
"""

import collections
import pathlib
import sys

import torch
from torch import nn

HERE = pathlib.Path(__file__).resolve().parent / "torch_files"
VERSION = ".".join(torch.__version__.split(".")[:2]) if torch.__version__[0] == "1" else "2"


def numbers(shape, salt):
    count = int(torch.tensor(shape).prod()) if shape else 1
    values = (torch.arange(count, dtype=torch.float64) * 7 + 3 * salt) % 17 - 8
    return (values / 8).reshape(shape)


class GlobalAvgPool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def network():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), GlobalAvgPool(), nn.Linear(4, 5))
    with torch.no_grad():
        for salt, (name, t) in enumerate(net.state_dict().items()):
            if name.endswith("num_batches_tracked"):
                t.fill_(7)
            elif name.endswith("running_var"):
                t.copy_(numbers(tuple(t.shape), salt).abs() + 0.5)
            else:
                t.copy_(numbers(tuple(t.shape), salt))
    return net.eval()


def save(name, what, **options):
    torch.save(what, HERE / f"{VERSION}_{name}", **options)


def as_dtype(state, dtype):
    return {k: v.to(dtype) if v.is_floating_point() else v for k, v in state.items()}


def views(state):
    """All floating tensors within one storage, every second number of it, and weights turned."""
    floats = [(k, v) for k, v in state.items() if v.is_floating_point()]
    big = torch.zeros(2 * sum(v.numel() for _, v in floats) + 3)
    views, at = dict(state), 3
    for name, v in floats:
        turned = v.t() if v.dim() == 2 else v
        view = big[at : at + 2 * v.numel() : 2].view(turned.shape)
        view.copy_(turned)
        views[name] = view.t() if v.dim() == 2 else view
        at += 2 * v.numel()
    return views


def training_state(net):
    """What a training program leaves: the weights of a DataParallel beside much else."""
    optimizer = torch.optim.SGD(net.parameters(), lr=0.125, momentum=0.9)
    net.train()(numbers((2, 3, 5, 5), 99).float()).sum().backward()
    optimizer.step()
    fresh = network()
    return {
        "epoch": 3,
        "arch": "small",
        "best_acc1": torch.tensor(12.5),
        "history": [(0, 1.5), (1, -0.25)],
        "state_dict": nn.DataParallel(fresh).state_dict(),
        "optimizer": optimizer.state_dict(),
        "big": 2**70,
        "flags": {"resume": None, "evaluate": False, "names": {"a", "b"}},
        "counts": collections.defaultdict(int, {"images": 200}),
        "size": torch.Size([3, 5]),
        "dtype": torch.float16,
    }


class Call:
    def __reduce__(self):
        import os

        return os.system, ("echo this must not run",)


def main():
    HERE.mkdir(exist_ok=True)
    state = network().state_dict()
    save("plain.pth", state)
    save("stream.th", state, _use_new_zipfile_serialization=False)
    save("training.pth.tar", training_state(network()))
    save("training_stream.tar", training_state(network()), _use_new_zipfile_serialization=False)
    save("half.pth", as_dtype(state, torch.float16))
    save("bfloat16.pt", as_dtype(state, torch.bfloat16), pickle_protocol=4)
    save("double.bin", as_dtype(state, torch.float64), pickle_protocol=5)
    save("parameters.pth", dict(network().named_parameters()) | dict(network().named_buffers()))
    save("views.pth", views(state))
    save("call.pth", {"weight": torch.zeros(1), "more": Call()})
    save("call_stream.pth", Call(), _use_new_zipfile_serialization=False)
    save("module.pth", nn.Linear(2, 1))
    if "--logits" in sys.argv:
        from safetensors.torch import save_file

        x = numbers((2, 3, 6, 5), 50)
        y = network().double()(x)
        save_file({"x": x.permute(0, 2, 3, 1).contiguous(), "logits": y.detach()}, HERE / "logits.safetensors")


main()
