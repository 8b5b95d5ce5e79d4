"""What the PyTorch rivals share: the device, its precision and clock, and taking orders."""

import json
import sys
import time

import torch

PRECISIONS = ("f32", "tf32", "bf16")


def add_device_flags(parser):
    parser.add_argument("--device", default="cpu", help="cpu or cuda:N")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")
    parser.add_argument("--precision", choices=PRECISIONS, default="f32")


def open_device(parser, arguments):
    """The torch.device that the flags ask for, set up for their precision."""
    try:
        device = torch.device(arguments.device)
    except RuntimeError:
        parser.error(f"--device: there is no '{arguments.device}'")
    if device.type not in ("cpu", "cuda"):
        parser.error(f"--device takes cpu or cuda:N, not '{arguments.device}'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        parser.error(f"--device: PyTorch sees no '{arguments.device}'")
    if device.type == "cpu" and arguments.precision == "tf32":
        parser.error("--precision tf32 is for cuda")
    torch.set_num_threads(max(1, arguments.threads))
    if device.type == "cuda":
        torch.cuda.set_device(device)
        torch.backends.cuda.matmul.allow_tf32 = arguments.precision == "tf32"
        torch.backends.cudnn.allow_tf32 = arguments.precision == "tf32"
    return device


def describe(device):
    """Versions and names for a results page."""
    about = {"torch": torch.__version__}
    if device.type == "cuda":
        about["gpu"] = torch.cuda.get_device_name(device)
        about["cudnn"] = torch.backends.cudnn.version()
    else:
        about["threads"] = torch.get_num_threads()
    return about


def seconds(device, f):
    """How long f() takes; on cuda between two events, the device's work alone."""
    if device.type == "cpu":
        begin = time.perf_counter()
        f()
        return time.perf_counter() - begin
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    begin.record()
    f()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3


def serve(description, commands):
    """Answers lines on stdin until "quit" or the end of input.

    Says "ready DESCRIPTION" first. `commands` maps the first word of a line to a function of the
    other words, which returns the line to answer; what it cannot do is answered "error ...".
    """
    print("ready", json.dumps(description), flush=True)
    for line in sys.stdin:
        name, *words = line.split() or [""]
        if name == "quit":
            return
        try:
            if name not in commands:
                raise ValueError("the words are " + ", ".join([*commands, "quit"]))
            answer = commands[name](*words)
        except (ValueError, TypeError, KeyError, RuntimeError) as e:
            answer = f'error: "{line.strip()}": ' + str(e).replace("\n", " ")
        print(answer, flush=True)
