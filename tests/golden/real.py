"""Writes real.safetensors with the reference library: what record_test.cpp reads to be compatible."""

import pathlib

import torch
from safetensors.torch import save_file

save_file(
    {
        "f32": torch.tensor([[1.5, -2.0, float("inf")], [0.1, 1e-40, -0.0]]),
        "f64": torch.tensor([0.1, -1e300], dtype=torch.float64),
        "bf16": torch.tensor([1.0, -3.140625, 1e38], dtype=torch.bfloat16),
        "f16": torch.tensor([1.0, -65504.0, 5.9604645e-08, float("-inf"), 0.333251953125]).half(),
        "i64": torch.tensor(7919),
        "i32": torch.tensor([-(2**31), 2**31 - 1], dtype=torch.int32),
        "u8": torch.arange(5, dtype=torch.uint8),
        "none": torch.zeros(0, 4),
    },
    pathlib.Path(__file__).with_name("real.safetensors"),
    metadata={"model": "simplenet", "note": 'a "quoted" café'},
)
