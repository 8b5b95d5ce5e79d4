"""ops_norm.safetensors: layer norm, group norm, RMS norm and instance norm, as cases.py says."""

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


def rms_norms(cases):
    for shape, eps in [((3, 4, 7), 1e-5), ((5, 1), 0.1), ((2, 300), 2.0**-23)]:
        case = f"rms_norm_c{shape[-1]}"
        inputs = {"x": shape, "weight": cases.values(case, "weight", shape[-1:]) + 1}
        cases.add(case, "rms_norm", inputs,
                  lambda x, weight: F.rms_norm(x, shape[-1:], weight, eps), eps=eps)  # fmt: skip


def instance_norms(cases):
    def normalise(x, weight=None, bias=None):
        return F.instance_norm(x.movedim(-1, 1), weight=weight, bias=bias).movedim(1, -1)

    for affine in (False, True):
        inputs = {"x": (2, 3, 2, 4), **({"weight": (4,), "bias": (4,)} if affine else {})}
        cases.add(f"instance_norm_{affine:d}", "instance_norm", inputs, normalise)


def make():
    """Returns (tensors, metadata) of ops_norm.safetensors."""
    cases = Cases()
    for part in (layer_norms, group_norms, rms_norms, instance_norms):
        part(cases)
    return cases.tensors, cases.metadata
