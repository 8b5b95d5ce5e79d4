"""ops_norm.safetensors: layer norm and group norm, as cases.py says."""

import torch.nn.functional as F

from cases import Cases


def layer_norms(cases):
    for shape, eps in [((3, 4, 7), 1e-5), ((5, 1), 1e-5), ((4, 33), 0.1), ((2, 300), 1e-5)]:
        case = f"layer_norm_c{shape[-1]}"
        channels = shape[-1:]
        inputs = {
            "x": cases.values(case, "x", shape) * 2 + 0.7,
            "weight": cases.values(case, "weight", channels) + 1,
            "bias": channels,
        }

        def normalise(x, weight, bias, channels=channels, eps=eps):
            return F.layer_norm(x, channels, weight, bias, eps)

        cases.add(case, "layer_norm", inputs, normalise, eps=eps)


def group_norms(cases):
    shapes = [((2, 3, 2, 6), 3), ((2, 3, 2, 6), 1), ((2, 3, 2, 6), 6), ((3, 8), 2)]
    for shape, groups in shapes:
        case = f"group_norm_g{groups}_{len(shape)}d"
        channels = shape[-1:]
        inputs = {
            "x": cases.values(case, "x", shape) * 2 + 0.7,
            "weight": cases.values(case, "weight", channels) + 1,
            "bias": channels,
        }

        def normalise(x, weight, bias, groups=groups):
            return F.group_norm(x.movedim(-1, 1), groups, weight, bias).movedim(1, -1)

        cases.add(case, "group_norm", inputs, normalise, groups=groups)


def make():
    """Returns (tensors, metadata) of ops_norm.safetensors."""
    cases = Cases()
    for part in (layer_norms, group_norms):
        part(cases)
    return cases.tensors, cases.metadata
