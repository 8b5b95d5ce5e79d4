"""ops_conv.safetensors: convolutions of any window, in groups, and turned round, float64.

Weights have PyTorch's axes: (Co, Ci / groups, ...), transposed ones (Ci, Co / groups, ...). Sequences
are (N, L, C). `padding` is four numbers, top, left, bottom and right, or before and after.
"""

import torch.nn.functional as F

from cases import Cases, nchw, nhwc


def planar(cases):
    # Name, (H, W, Ci, Co), kernel, stride, padding, dilation, groups, bias.
    rows = [
        ("groups", (6, 5, 4, 6), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 2, True),
        ("groups_stride", (7, 6, 6, 9), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), 3, False),
        ("depthwise", (6, 7, 5, 5), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 5, True),
        ("depthwise_stride", (8, 7, 4, 4), (5, 5), (2, 2), (2, 2, 2, 2), (1, 1), 4, True),
        ("depthwise_wide", (4, 3, 19, 19), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 19, False),
        ("depthwise_multiplied", (5, 6, 3, 6), (3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 3, True),
        ("dilation", (9, 8, 3, 4), (3, 3), (1, 1), (2, 2, 2, 2), (2, 2), 1, True),
        ("dilation_stride", (11, 12, 2, 3), (3, 3), (2, 2), (3, 3, 3, 3), (3, 3), 1, True),
        ("rectangular", (6, 9, 3, 4), (1, 7), (1, 1), (0, 3, 0, 3), (1, 1), 1, True),
        ("strides", (9, 8, 3, 2), (3, 2), (2, 1), (1, 0, 1, 0), (1, 1), 1, True),
        ("uneven", (6, 7, 3, 4), (3, 3), (2, 2), (0, 0, 1, 1), (1, 1), 1, True),
        ("uneven_even", (5, 6, 2, 3), (4, 2), (1, 1), (1, 0, 2, 1), (1, 1), 1, False),
        ("all", (10, 9, 4, 6), (3, 2), (2, 1), (2, 1, 0, 1), (1, 3), 2, True),
    ]
    for name, (height, width, c_in, c_out), kernel, stride, padding, dilation, groups, bias in rows:
        case = f"conv2d_{name}"
        inputs = {"x": (2, height, width, c_in), "weight": (c_out, c_in // groups, *kernel)}
        if bias:
            inputs["bias"] = (c_out,)
        top, left, bottom, right = padding

        def convolve(x, weight, bias=None, stride=stride, dilation=dilation, groups=groups,
                     sides=(left, right, top, bottom)):  # fmt: skip
            padded = F.pad(nchw(x), sides)
            return nhwc(F.conv2d(padded, weight, bias, stride, 0, dilation, groups))

        cases.add(case, "conv2d", inputs, convolve, stride=stride, padding=padding,
                  dilation=dilation, groups=groups)  # fmt: skip


def planar_transposed(cases):
    # Name, (H, W, Ci, Co), kernel, stride, padding, output padding, dilation, groups, bias.
    rows = [
        ("plain", (4, 5, 3, 4), (3, 3), (1, 1), (0, 0), (0, 0), (1, 1), 1, True),
        ("double", (4, 3, 4, 3), (2, 2), (2, 2), (0, 0), (0, 0), (1, 1), 1, True),
        ("output_padding", (4, 5, 3, 4), (3, 3), (2, 2), (1, 1), (1, 1), (1, 1), 1, True),
        ("one_side", (3, 4, 3, 2), (4, 3), (3, 2), (1, 0), (2, 1), (1, 1), 1, False),
        ("far_output_padding", (3, 4, 2, 3), (3, 3), (1, 1), (2, 2), (2, 1), (3, 2), 1, True),
        ("dilation", (5, 4, 2, 3), (3, 2), (2, 1), (1, 2), (0, 0), (2, 3), 1, True),
        ("groups", (4, 4, 4, 6), (3, 3), (2, 2), (1, 1), (0, 0), (1, 1), 2, True),
        ("depthwise", (4, 5, 5, 5), (4, 4), (2, 2), (1, 1), (0, 0), (1, 1), 5, True),
    ]
    for name, (height, width, c_in, c_out), kernel, stride, padding, more, dilation, groups, bias in rows:
        case = f"conv_transpose2d_{name}"
        inputs = {"x": (2, height, width, c_in), "weight": (c_in, c_out // groups, *kernel)}
        if bias:
            inputs["bias"] = (c_out,)

        def convolve(x, weight, bias=None, a=(stride, padding, more, groups, dilation)):
            return nhwc(F.conv_transpose2d(nchw(x), weight, bias, *a))

        cases.add(case, "conv_transpose2d", inputs, convolve, stride=stride,
                  padding=(*padding, *padding), output_padding=more, dilation=dilation,
                  groups=groups)  # fmt: skip


def sequences(cases):
    # Name, (L, Ci, Co), kernel, stride, padding, dilation, groups.
    rows = [
        ("plain", (9, 3, 4), 3, 1, 1, 1, 1),
        ("stride", (10, 4, 6), 4, 3, 2, 1, 2),
        ("dilation", (11, 3, 2), 3, 1, 4, 4, 1),
        ("depthwise", (8, 5, 5), 3, 2, 1, 1, 5),
    ]
    for name, (length, c_in, c_out), kernel, stride, padding, dilation, groups in rows:
        inputs = {"x": (2, length, c_in), "weight": (c_out, c_in // groups, kernel)}
        inputs["bias"] = (c_out,)
        attributes = dict(stride=stride, padding=(padding, padding), dilation=dilation, groups=groups)

        def convolve(x, weight, bias, a=(stride, padding, dilation, groups)):
            return F.conv1d(x.mT, weight, bias, *a).mT

        cases.add(f"conv1d_{name}", "conv1d", inputs, convolve, **attributes)

    for name, (length, c_in, c_out), kernel, stride, padding, dilation, groups in rows:
        inputs = {"x": (2, length, c_in), "weight": (c_in, c_out // groups, kernel)}
        inputs["bias"] = (c_out,)
        more = stride - 1
        attributes = dict(stride=stride, padding=(padding, padding), output_padding=more,
                          dilation=dilation, groups=groups)  # fmt: skip

        def convolve(x, weight, bias, a=(stride, padding, more, groups, dilation)):
            return F.conv_transpose1d(x.mT, weight, bias, *a).mT

        cases.add(f"conv_transpose1d_{name}", "conv_transpose1d", inputs, convolve, **attributes)


def make():
    """Returns (tensors, metadata) of ops_conv.safetensors."""
    cases = Cases()
    planar(cases)
    planar_transposed(cases)
    sequences(cases)
    return cases.tensors, cases.metadata
