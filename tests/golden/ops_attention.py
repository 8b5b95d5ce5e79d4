"""ops_attention.safetensors: scaled dot-product attention, packed, in windows, general, causal.

Float64, as cases.py describes; made from F.scaled_dot_product_attention.
"""

import numpy as np
import torch
import torch.nn.functional as F

from cases import Cases
from formula import integers


def attend(qkv, heads):
    """(N, L, 3 C) to (N, L, C)."""
    n, length, channels = qkv.shape
    parts = qkv.reshape(n, length, 3, heads, channels // 3 // heads).permute(2, 0, 3, 1, 4)
    y = F.scaled_dot_product_attention(*parts)
    return y.transpose(1, 2).reshape(n, length, channels // 3)


def attend_in_windows(qkv, heads, window):
    """(N, H, W, 3 C) to (N, H, W, C), window by window."""
    bands = []
    for band in qkv.split(window, 1):
        squares = band.split(window, 2)
        results = [attend(s.flatten(1, 2), heads).reshape(*s.shape[:3], -1) for s in squares]
        bands.append(torch.cat(results, 2))
    return torch.cat(bands, 1)


def add_masked(cases, name, length, keys, heads, key_heads, mask, causal, scale, added):
    """A mask of bytes hides some pairs, and all of the first row; one of numbers is an input."""
    inputs = {"q": (2, heads, length, 3), "k": (2, key_heads, keys, 3), "v": (2, key_heads, keys, 3)}
    bits = np.asarray(integers(mask, 5, 3) > 0, np.uint8)
    if mask[-2] > 1:
        bits[..., 0, :] = 0

    def attend(q, k, v, mask):
        later = torch.ones(length, keys, dtype=torch.bool).triu(1)
        if mask.dtype == torch.uint8:
            mask = mask.bool() & ~later if causal else mask.bool()
        elif causal:
            mask = mask.masked_fill(later, -torch.inf)
        return F.scaled_dot_product_attention(q, k, v, mask, scale=scale, enable_gqa=True)

    shape = dict(causal=causal, scale=scale or 0.0)
    if added:
        cases.add(name, "masked", {**inputs, "mask": mask}, attend, **shape)
    else:
        cases.add(name, "masked", inputs, attend, {"mask": bits}, **shape)


def make():
    """Returns (tensors, metadata) of ops_attention.safetensors."""
    cases = Cases()
    for n, length, channels, heads in [(2, 6, 8, 2), (1, 40, 6, 1), (2, 1, 12, 3), (1, 9, 70, 1)]:
        cases.add(f"attention_{length}x{channels}_h{heads}", "attention",
                  {"qkv": (n, length, 3 * channels)},
                  lambda qkv: attend(qkv, heads), heads=heads)  # fmt: skip
    for height, width, heads, window in [(4, 4, 2, 2), (5, 7, 2, 3), (2, 3, 1, 4), (8, 8, 1, 6)]:
        cases.add(f"window_attention_{height}x{width}_w{window}", "window_attention",
                  {"qkv": (2, height, width, 12)},
                  lambda qkv: attend_in_windows(qkv, heads, window),
                  heads=heads, window=window)  # fmt: skip
    for length, keys in [(5, 7), (7, 5), (36, 40), (1, 1)]:
        for causal in (False, True):
            shape = (1, 2, keys, 5)
            cases.add(f"general_{length}_on_{keys}" + ("_causal" if causal else ""),
                      "scaled_dot_product_attention",
                      {"q": (1, 2, length, 5), "k": shape, "v": shape},
                      lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
                      causal=causal)  # fmt: skip
    # Length, keys, heads, heads of keys, shape of the mask, whether causal, scale.
    rows = [(5, 7, 2, 2, (5, 7), False, None), (4, 6, 4, 2, (2, 1, 4, 6), False, 0.3),
            (36, 40, 2, 1, (2, 2, 36, 40), True, None), (3, 5, 6, 3, (2, 1, 1, 5), False, None),
            (4, 5, 3, 3, (3, 4, 1), False, None)]  # fmt: skip
    for length, keys, heads, key_heads, mask, causal, scale in rows:
        name = f"masked_{length}_on_{keys}_h{heads}_{key_heads}"
        for added in (False, True):
            add_masked(cases, name + ("_added" if added else ""), length, keys, heads, key_heads,
                       mask, causal, scale, added)  # fmt: skip
    return cases.tensors, cases.metadata
