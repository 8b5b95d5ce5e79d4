"""Windows that slide over images and sequences, and images at another size."""

import math

import numpy as np

from .calls import RULES, No, channels_first, channels_last, rule


class Window:
    """Kernel, stride, dilation and padding along each axis of places; rows of one where there is none."""

    def __init__(self, x, a, kernel):
        self.axes = x.ndim - 2
        if self.axes not in (1, 2):
            raise No(f"{self.axes} axes of places")
        self.size, self.kernel = x.shape[2:], list(kernel)
        self.stride = list(a.get("strides", [1] * self.axes))
        self.dilation = list(a.get("dilations", [1] * self.axes))
        self.ceil = bool(a.get("ceil_mode", 0))
        pads = list(a.get("pads", [0] * 2 * self.axes))
        self.pads = list(zip(pads[: self.axes], pads[self.axes :]))
        self.reach = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation)]
        auto = a.get("auto_pad", b"NOTSET").decode()
        if auto.startswith("SAME"):
            self.pads = [self.same(auto, *axis) for axis in zip(self.size, self.reach, self.stride)]

    @staticmethod
    def same(auto, size, reach, stride):
        """What makes the result as long as the strides have places."""
        total = max(0, (-(-size // stride) - 1) * stride + reach - size)
        less = total // 2
        return (less, total - less) if auto == "SAME_UPPER" else (total - less, less)

    def options(self, *names):
        """As onnx_case takes them: pairs for images, numbers for sequences."""
        one = self.axes == 1
        all_of = {
            "kernel": self.kernel[0] if one else self.kernel,
            "stride": self.stride[0] if one else self.stride,
            "dilation": self.dilation[0] if one else self.dilation,
            "padding": list(self.pads[0]) if one else [p[0] for p in self.pads] + [p[1] for p in self.pads],
            "ceil_mode": self.ceil,
        }
        return {name: all_of[name] for name in names}

    def padded(self, c, v, number):
        """v with its padding as pixels; v has its channels last."""
        v = c("pad", v, amounts=[[0, 0], *map(list, self.pads), [0, 0]], number=number)
        self.size = [n + sum(p) for n, p in zip(self.size, self.pads)]
        self.pads = [(0, 0)] * self.axes
        return v

    def too_wide(self):
        """Whether pools refuse the padding: they take none that is as wide as a window."""
        one_sided = self.axes == 1 and self.pads[0][0] != self.pads[0][1]
        return one_sided or any(sum(p) > r or max(p) >= r for p, r in zip(self.pads, self.reach))

    def op(self, name):
        return f"{name}{self.axes}d"


# ---- convolution -----------------------------------------------------------------------------------


@rule("Conv")
def conv(c, x, a):
    w, ndim = Window(x[0], a, x[1].shape[2:]), x[0].ndim
    inputs = [channels_last(c, c.floats(t), ndim) for t in x[:2]] + [c.floats(t) for t in x[2:]]
    options = w.options("stride", "padding", "dilation")
    return channels_first(c, c(w.op("conv"), *inputs, groups=a.get("group", 1), **options), ndim)


@rule("ConvTranspose")
def conv_transpose(c, x, a):
    w, ndim = Window(x[0], {k: v for k, v in a.items() if k != "auto_pad"}, x[1].shape[2:]), x[0].ndim
    more = list(a.get("output_padding", [0] * w.axes))
    auto = a.get("auto_pad", b"NOTSET").decode()
    sizes = a.get("output_shape")
    if sizes is None and auto.startswith("SAME"):
        sizes = [n * s for n, s in zip(w.size, w.stride)]
    if sizes is not None:
        for k, size in enumerate(sizes[-w.axes :]):
            whole = w.stride[k] * (w.size[k] - 1) + more[k] + w.reach[k]
            more[k] += max(0, size - whole)
            less, total = max(0, whole - size) // 2, max(0, whole - size)
            w.pads[k] = (less, total - less) if auto == "SAME_UPPER" else (total - less, less)
    inputs = [channels_last(c, c.floats(t), ndim) for t in x[:2]] + [c.floats(t) for t in x[2:]]
    options = w.options("stride", "padding", "dilation")
    y = c(w.op("conv_transpose"), *inputs, groups=a.get("group", 1),
          output_padding=more if w.axes == 2 else more[0], **options)  # fmt: skip
    return channels_first(c, y, ndim)


@rule("CausalConvWithState")
def causal_conv(c, x, a):
    weight, past = x[1], x[3] if len(x) > 3 else None
    v, bias = c.floats(x[0]), c.floats(x[2]) if len(x) > 2 else ""
    before = weight.shape[2] - 1
    if past is None:
        v = c("pad", v, amounts=[[0, 0], [0, 0], [before, 0]], number=0)
    else:
        v = c("concat", c.floats(past), v, axis=2)
    if c.place:  # what the next call begins from
        length = x[0].shape[2]
        return c("slice", v, axis=2, first=length, last=length + before)
    inputs = [channels_last(c, v, 3), channels_last(c, c.floats(weight), 3), bias]
    y = c("conv1d", *inputs, groups=weight.shape[0], stride=1, dilation=1, padding=[0, 0])
    y = c("silu", y) if a.get("activation", b"none") in (b"silu", b"swish") else y
    return channels_first(c, y, 3)


@rule("Col2Im")
def col2im(c, x, a):
    n, rows, places = x[0].shape
    image = np.zeros((n, 1, *map(int, x[1])))
    w = Window(image, a, [int(k) for k in x[2]])
    if w.axes != 2:
        raise No("images of one axis")
    taps = math.prod(w.kernel)
    v = c("reshape", c.floats(x[0]), shape=[n, rows // taps, taps, places])
    v = c("reshape", c("permute", v, axes=[0, 3, 2, 1]), shape=[n * places, rows])
    y = c("fold", v, image=[n, *w.size, rows // taps], **w.options("kernel", "stride", "padding", "dilation"))
    return channels_first(c, y, 4)


# ---- pools -----------------------------------------------------------------------------------------


@rule("MaxPool")
def max_pool(c, x, a):
    c.first_result_only("places, as result")
    w = Window(x[0], a, a["kernel_shape"])
    v = channels_last(c, c.numbers(x[0]), x[0].ndim)
    if w.too_wide():  # no window lies in the padding alone
        v = w.padded(c, v, float(x[0].min()))
    return channels_first(c, pooled(c, "max_pool", v, w), x[0].ndim)


def pooled(c, name, v, w, **more):
    options = w.options("kernel", "stride", "padding", "dilation", "ceil_mode")
    if w.axes == 1:
        options["padding"] = options["padding"][0]
    return c(w.op(name), v, **options, **more)


def means(c, v, w, channels, count_padding):
    """The means of windows, channels last."""
    if max(w.dilation) > 1:  # a convolution in which each channel is a group
        overhang = [(n + sum(p) - r) % s for n, p, r, s in zip(w.size, w.pads, w.reach, w.stride)]
        if any(map(any, w.pads)) or (w.ceil and any(overhang)):
            raise No("dilation of a mean with padding")
        weights = np.full((channels, *w.kernel, 1), 1 / math.prod(w.kernel), np.float32)
        return c(w.op("conv"), v, c.new(weights), groups=channels, **w.options("stride", "padding", "dilation"))
    if not w.too_wide():
        return pooled(c, "avg_pool", v, w, count_padding=count_padding)
    if count_padding:
        return pooled(c, "avg_pool", w.padded(c, v, 0), w)
    ones = c("add_scalar", c("scale", v, number=0), number=1)
    pads, size = w.pads, w.size
    share = w.padded(c, ones, 0)
    w.pads, w.size = pads, size
    return c("div", pooled(c, "avg_pool", w.padded(c, v, 0), w), pooled(c, "avg_pool", share, w))


@rule("AveragePool")
def average_pool(c, x, a):
    w = Window(x[0], a, a["kernel_shape"])
    v = channels_last(c, c.floats(x[0]), x[0].ndim)
    y = means(c, v, w, x[0].shape[1], bool(a.get("count_include_pad", 0)))
    return channels_first(c, y, x[0].ndim)


@rule("LpPool")
def lp_pool(c, x, a):
    w, p = Window(x[0], a, a["kernel_shape"]), a.get("p", 2)
    v = c("pow", c("abs", channels_last(c, c.floats(x[0]), x[0].ndim)), number=p)
    y = c("scale", means(c, v, w, x[0].shape[1], True), number=math.prod(w.kernel))
    return channels_first(c, c("pow", y, number=1 / p), x[0].ndim)


@rule("LRN")
def lrn(c, x, a):
    """Sums over neighbouring channels: means of windows on a row of them."""
    (n, channels, h, width), size = x[0].shape, a["size"]
    v = c.floats(x[0])
    rows = c("reshape", channels_last(c, c("mul", v, v), 4), shape=[n * h * width, 1, channels, 1])
    rows = c("avg_pool2d", rows, kernel=[1, size], stride=[1, 1], count_padding=True, ceil_mode=False,
             padding=[0, (size - 1) // 2, 0, size // 2])  # fmt: skip
    means_of = channels_first(c, c("reshape", rows, shape=[n, h, width, channels]), 4)
    below = c("add_scalar", c("scale", means_of, number=a.get("alpha", 1e-4)), number=a.get("bias", 1.0))
    return c("div", v, c("pow", below, number=a.get("beta", 0.75)))


@rule("MaxUnpool")
def max_unpool(c, x, a):
    kernel, axes = a["kernel_shape"], x[0].ndim - 2
    strides, pads = a.get("strides", [1] * axes), a.get("pads", [0] * 2 * axes)
    inside = list(x[0].shape[:2])
    for k in range(axes):
        inside.append((x[0].shape[k + 2] - 1) * strides[k] - pads[k] - pads[k + axes] + kernel[k])
    zeros = c.new(np.zeros(math.prod(inside), x[0].dtype))
    places = c.new(x[1].reshape(-1).astype(np.int32))
    y = c("scatter", zeros, places, c("reshape", c.floats(x[0]), shape=[-1]), axis=0)
    y = c("reshape", y, shape=inside)
    if len(x) < 3 or x[2] is None:
        return y
    return c("pad", y, amounts=[[0, int(n) - m] for n, m in zip(x[2], inside)], number=0)


def global_pool(name):
    return lambda c, x, a: c(name, c.floats(x[0]), axes=list(range(2, x[0].ndim)), keep=True)


RULES.update(GlobalAveragePool=global_pool("mean"), GlobalMaxPool=global_pool("max"))


# ---- images at another size ------------------------------------------------------------------------


def sizes_of(x, a):
    """Sizes and factors of height and width."""
    given = [x[i] if len(x) > i and x[i] is not None and x[i].size else None for i in (2, 3)]
    axes = [axis % x[0].ndim for axis in a.get("axes", range(x[0].ndim))]
    size, factor = list(x[0].shape), [1.0] * x[0].ndim
    policy = a.get("keep_aspect_ratio_policy", b"stretch")
    if given[1] is not None and policy != b"stretch":
        choose = min if policy == b"not_larger" else max
        same = choose(int(n) / x[0].shape[axis] for n, axis in zip(given[1], axes))
        for axis in axes:
            size[axis], factor[axis] = int(math.floor(same * x[0].shape[axis] + 0.5)), same
    elif given[1] is not None:
        for n, axis in zip(given[1], axes):
            size[axis], factor[axis] = int(n), int(n) / x[0].shape[axis]
    else:
        for f, axis in zip(given[0], axes):
            size[axis], factor[axis] = int(math.floor(float(f) * x[0].shape[axis])), float(f)
    if size[:2] != list(x[0].shape[:2]):
        raise No("other numbers of images or channels")
    return size[2:], factor[2:]


def nearest_places(mode, rounding, size, out, factor):
    """The pixel that each place of the result shows."""
    places = np.arange(out)
    if mode == "align_corners":
        at = places * (size - 1) / (out - 1) if out > 1 else places * 0.0
    elif mode == "asymmetric":
        at = places / factor
    elif mode == "half_pixel" or (mode == "pytorch_half_pixel" and out > 1):
        at = (places + 0.5) / factor - 0.5
    else:
        raise No(f"coordinates {mode}")
    floor, ceil = np.floor, np.ceil
    rounded = {"floor": floor(at), "ceil": ceil(at), "round_prefer_floor": ceil(at - 0.5)}
    return np.clip(rounded.get(rounding, floor(at + 0.5)), 0, size - 1).astype(np.int32)


def resized_by_copies(c, x, a, mode):
    """By resize_nearest where it shows these pixels, else by picking rows and columns."""
    rounding = a.get("nearest_mode", b"round_prefer_floor").decode()
    sizes, factors = sizes_of(x, a)
    axes = list(zip(x[0].shape[2:], sizes, factors))
    wanted = [nearest_places(mode, rounding, *axis) for axis in axes]
    v = channels_last(c, c.floats(x[0]), 4)
    for exact in (False, True):
        ours = ("half_pixel", "round_prefer_ceil") if exact else ("asymmetric", "floor")
        if all(np.array_equal(nearest_places(*ours, *axis), w) for axis, w in zip(axes, wanted)):
            return channels_first(c, c("resize_nearest", v, size=sizes, factor=factors, exact=exact), 4)
    for axis, places in enumerate(wanted):
        v = c("index_select", v, c.new(places), axis=axis + 1)
    return channels_first(c, v, 4)


@rule("Resize")
def resize(c, x, a):
    if x[0].ndim != 4:
        raise No(f"{x[0].ndim - 2} axes of places")
    kind = a.get("mode", b"nearest").decode()
    mode = a.get("coordinate_transformation_mode", b"half_pixel").decode()
    if kind == "nearest":
        return resized_by_copies(c, x, a, mode)
    if mode not in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        raise No(f"coordinates {mode}")
    antialias = bool(a.get("antialias", 0))
    if kind == "cubic" and a.get("cubic_coeff_a", -0.75) != (-0.5 if antialias else -0.75):
        raise No("a cubic of another coefficient")
    if a.get("exclude_outside", 0) != int(antialias):
        raise No("another border")
    sizes, factors = sizes_of(x, a)
    v = channels_last(c, c.floats(x[0]), 4)
    for axis, n in enumerate(sizes):
        if mode == "pytorch_half_pixel" and n == 1:  # then it is the first pixel
            v, factors[axis] = c("slice", v, axis=axis + 1, first=0, last=1), 1.0
    op = "resize_bilinear" if kind == "linear" else "resize_bicubic"
    corners = mode == "align_corners"
    if corners and any(f * n % 1 for f, n in zip(factors, x[0].shape[2:])):
        raise No("corners aligned to a part of a pixel")
    y = c(op, v, size=sizes, factor=[0, 0] if corners else factors, align_corners=corners, antialias=antialias)
    return channels_first(c, y, 4)


@rule("Upsample")
def upsample(c, x, a):
    about = {**a, "coordinate_transformation_mode": b"asymmetric", "nearest_mode": b"floor"}
    return resize(c, [x[0], None, x[1]], about)
