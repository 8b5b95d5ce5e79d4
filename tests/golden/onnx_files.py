"""Makes onnx_files/: what export_test.cpp compares with. onnx_files.py BUILD

Weights for net.json by a formula, in weights.safetensors; BUILD/export_weights makes net.onnx and half.onnx
of it, and onnxruntime runs both: logits.safetensors. The same for more.json, without half: more.onnx,
more_weights.safetensors, more_logits.safetensors; and for windows.json, which has pools, borders and sizes of every
kind. Needs numpy, onnx, onnxruntime, safetensors.
"""

import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent / "onnx_files"
SIZE = 16
SHAPES = {
    "0.weight": (6, 3, 4, 4), "0.bias": (6,),
    "1.weight": (6,), "1.bias": (6,), "1.running_mean": (6,), "1.running_var": (6,),
    "3.layers.0.weight": (6, 2, 3, 1), "3.layers.1.weight": (6,), "3.layers.1.bias": (6,),
    "5.layers.0.weight": (4, 6, 3, 3), "5.layers.0.bias": (4,),
    "5.shortcut.0.weight": (4, 6, 1, 1), "5.shortcut.0.bias": (4,),
    "6.0.0.weight": (2, 4, 3, 3), "6.0.0.bias": (2,),
    "6.0.2.weight": (2, 1, 3, 3), "6.0.2.bias": (2,),
    "7.weight": (10,), "7.bias": (10,),
    "8.weight": (6, 10), "8.bias": (6,),
    "17.weight": (5, 24), "17.bias": (5,),
}  # fmt: skip

MORE_SHAPES = {
    "0.weight": (6, 3, 3, 3), "0.bias": (6,), "1.weight": (6,), "1.bias": (6,), "2.weight": (6,),
    "3.weight": (8, 6, 3, 3), "3.bias": (8,), "8.weight": (8,), "9.weight": (1,), "13.weight": (8,),
    "14.weight": (5, 8), "14.bias": (5,),
}  # fmt: skip
WINDOWS_SHAPES = {"14.weight": (5, 54), "14.bias": (5,)}


def numbers(shape, salt):
    values = (np.arange(np.prod(shape)) * 7 + 3 * salt) % 17 - 8
    return np.ascontiguousarray((values / 16).reshape(shape), dtype=np.float32)


def export(build, description, prefix, shapes, files, salt=50):
    """Weights of a network, its exported files, and what onnxruntime makes of them."""
    weights = {name: numbers(shape, salt) for salt, (name, shape) in enumerate(shapes.items())}
    if "1.running_var" in weights:
        weights["1.running_var"] = np.abs(weights["1.running_var"]) + np.float32(0.5)
    save_file(weights, HERE / f"{prefix}weights.safetensors")
    x = numbers((3, 3, SIZE, SIZE), salt) * 4
    logits = {"x": np.ascontiguousarray(x.transpose(0, 2, 3, 1))}
    for name, more in files.items():
        out = HERE / f"{name}.onnx"
        words = [HERE / f"{prefix}weights.safetensors", out, "--model", HERE / description, "--overwrite"]
        sizes = ["--crop", SIZE, "--resize", SIZE, "--mean", 0.5, "--std", 0.5]
        command = [pathlib.Path(build) / "export_weights", *words, *sizes, *more]
        subprocess.run([str(word) for word in command], check=True)
        onnx.checker.check_model(onnx.load(out), full_check=True)
        logits[name] = onnxruntime.InferenceSession(out).run(None, {"images": x})[0]
    save_file(logits, HERE / f"{prefix}logits.safetensors")


export(sys.argv[1], "net.json", "", SHAPES, {"net": [], "half": ["--half-weights"]})
export(sys.argv[1], "more.json", "more_", MORE_SHAPES, {"more": []})
export(sys.argv[1], "windows.json", "windows_", WINDOWS_SHAPES, {"windows": []}, salt=51)
