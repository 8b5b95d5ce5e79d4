"""Numbers that Python and C++ compute alike, bit for bit, so that files need not store them.

    mix(h):  h ^= h >> 16;  h *= 0x85ebca6b;  h ^= h >> 13;  h *= 0xc2b2ae35;  h ^= h >> 16
    uniform(i, salt) = mix(i + mix(salt)) * 2^-31 - 1      in [-1, 1), exact in double

All integers are uint32 and wrap. `i` is the flat index of the element in the array's order.
"""

import numpy as np
import torch


def mix(h):
    """The finaliser of MurmurHash3; a bijection of uint32."""
    h = np.asarray(h, np.uint64)
    low = np.uint64(0xFFFFFFFF)
    h = h ^ (h >> np.uint64(16))
    h = (h * np.uint64(0x85EBCA6B)) & low
    h = h ^ (h >> np.uint64(13))
    h = (h * np.uint64(0xC2B2AE35)) & low
    return h ^ (h >> np.uint64(16))


def bits(shape, salt):
    """mix(i + mix(salt)) for every element, uint64 holding 32 bits."""
    index = np.arange(int(np.prod(shape)), dtype=np.uint64)
    return mix((index + mix(salt)) & np.uint64(0xFFFFFFFF)).reshape(shape)


def uniform(shape, salt):
    """float64 in [-1, 1)."""
    return bits(shape, salt).astype(np.float64) * 2.0**-31 - 1.0


def integers(shape, salt, bound):
    """int32 in [0, bound): bits modulo bound."""
    return (bits(shape, salt) % np.uint64(bound)).astype(np.int32)


def pixels(n, size, salt, cell=8):
    """Photos of a kind, (n, size, size, 3) uint8: coloured squares of `cell` pixels under noise."""
    coarse = integers((n, size // cell, size // cell, 3), salt, 192)
    coarse = coarse.repeat(cell, axis=1).repeat(cell, axis=2)
    return (coarse + integers((n, size, size, 3), salt + 1, 64)).astype(np.uint8)


def fill_parameters(model, first_salt=0):
    """Sets parameter number p (in PyTorch's order) to uniform(i, first_salt + p) * bound.

    bound = sqrt(6 / fan_in) for weights of convolutions and linear layers, which keeps activations
    and gradients at a size worth comparing, and 1 / sqrt(fan_in) for biases; fan_in is the product
    of the weight's axes after the first. Computed in double, rounded to float once.
    """
    fan_in = 1
    with torch.no_grad():
        for number, (name, parameter) in enumerate(model.named_parameters()):
            if name.endswith("weight"):
                fan_in = int(np.prod(parameter.shape[1:]))
                bound = np.sqrt(6.0 / fan_in)
            else:
                bound = 1.0 / np.sqrt(float(fan_in))
            values = uniform(tuple(parameter.shape), first_salt + number) * bound
            parameter.copy_(torch.from_numpy(values).to(parameter.dtype))


def to_nchw(x):
    """A torch tensor from an NHWC numpy array, in PyTorch's axis order."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def to_nhwc(x):
    """An NHWC numpy array from a torch tensor in NCHW."""
    return np.ascontiguousarray(np.moveaxis(x.detach().numpy(), 1, -1))
