"""Normalisations, losses, images and attention."""

import math

import numpy as np

from .calls import RULES, No, normal, rule


# ---- normalisation ---------------------------------------------------------------------------------


def channels_last(c, v, ndim):
    return c("permute", v, axes=[0, *range(2, ndim), 1])


def channels_first(c, v, ndim):
    return c("permute", v, axes=[0, ndim - 1, *range(1, ndim - 1)])


@rule("BatchNormalization")
def batch_norm(c, x, a):
    c.first_result_only("running statistics, as result")
    if a.get("training_mode", 0):
        raise No("training")
    v = channels_last(c, c.floats(x[0]), x[0].ndim)
    y = c("batch_norm", v, *[c.floats(t) for t in x[1:5]], eps=a.get("epsilon", 1e-5))
    return channels_first(c, y, x[0].ndim)


@rule("InstanceNormalization")
def instance_norm(c, x, a):
    v = channels_last(c, c.floats(x[0]), x[0].ndim)
    y = c("instance_norm", v, c.floats(x[1]), c.floats(x[2]), eps=a.get("epsilon", 1e-5))
    return channels_first(c, y, x[0].ndim)


@rule("GroupNormalization")
def group_norm(c, x, a):
    v = channels_last(c, c.floats(x[0]), x[0].ndim)
    y = c("group_norm", v, c.floats(x[1]), c.floats(x[2]), groups=a["num_groups"], eps=a.get("epsilon", 1e-5))
    return channels_first(c, y, x[0].ndim)


def of_rows(name):
    def run(c, x, a):
        c.first_result_only()
        axis = normal(a.get("axis", -1), x[0].ndim)
        rows, columns = math.prod(x[0].shape[:axis]), math.prod(x[0].shape[axis:])
        weights = [c.floats(np.broadcast_to(t, x[0].shape[axis:]).reshape(-1)) for t in x[1:] if t is not None]
        if name == "layer_norm" and len(weights) < 2:
            weights.append(c.floats(np.zeros(columns, x[0].dtype)))
        v = c("reshape", c.floats(x[0]), shape=[rows, columns])
        return c("reshape", c(name, v, *weights, eps=a.get("epsilon", 1e-5)), shape=list(x[0].shape))

    return run


RULES.update(LayerNormalization=of_rows("layer_norm"), RMSNormalization=of_rows("rms_norm"))


@rule("LpNormalization")
def lp_norm(c, x, a):
    v, axis = c.floats(x[0]), a.get("axis", -1)
    length = c("norm_l1" if a.get("p", 2) == 1 else "norm_l2", v, axes=[axis], keep=True)
    one_at_0 = c("cast", c("equal", length, c.new(np.zeros((), x[0].dtype))), dtype=x[0].dtype.name)
    return c("div", v, c("add", length, one_at_0))


@rule("MeanVarianceNormalization")
def mean_variance(c, x, a):
    v, axes = c.floats(x[0]), list(a.get("axes", [0, 2, 3]))
    deviation = c("sqrt", c("var", v, axes=axes, keep=True, correction=0))
    return c("div", c("sub", v, c("mean", v, axes=axes, keep=True)), c("add_scalar", deviation, number=1e-9))


# ---- losses ----------------------------------------------------------------------------------------


def class_loss(name):
    def run(c, x, a):
        c.first_result_only("log-probabilities, as result")
        v = channels_last(c, c.floats(x[0]), x[0].ndim)
        ignore = {"ignore": int(a["ignore_index"])} if "ignore_index" in a else {}
        weights = [c.floats(x[2])] if len(x) > 2 and x[2] is not None else []
        targets = c.new(x[1].astype(np.int32))
        return c(name, v, targets, *weights, reduce=a.get("reduction", b"mean").decode(), **ignore)

    return run


RULES.update(
    NegativeLogLikelihoodLoss=class_loss("nll_loss"), SoftmaxCrossEntropyLoss=class_loss("cross_entropy")
)  # fmt: skip


# ---- images ----------------------------------------------------------------------------------------


def window_of(x, a, kernel):
    """Kernel, stride and padding, alike for both axes."""
    if x.ndim != 4:
        raise No(f"{x.ndim - 2} axes of places")
    if a.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise No(f"auto_pad {a['auto_pad'].decode()}")
    strides, pads = a.get("strides", [1, 1]), a.get("pads", [0] * 4)
    if max(a.get("dilations", [1])) > 1:
        raise No("dilation")
    if len(set(kernel)) > 1:
        raise No("a kernel that is not square")
    if len(set(strides)) > 1:
        raise No("strides that differ")
    if len(set(pads)) > 1:
        raise No("pads that differ")
    return {"stride": strides[0], "padding": pads[0]}


@rule("Conv")
def conv(c, x, a):
    if a.get("group", 1) != 1:
        raise No("groups")
    window = window_of(x[0], a, x[1].shape[2:])
    weight = c("permute", c.floats(x[1]), axes=[0, 2, 3, 1])
    inputs = [channels_last(c, c.floats(x[0]), 4), weight, *[c.floats(t) for t in x[2:]]]
    return channels_first(c, c("conv2d", *inputs, **window), 4)


def pool(name):
    def run(c, x, a):
        c.first_result_only("places, as result")
        kernel = a["kernel_shape"]
        window = window_of(x[0], a, kernel)
        if window["padding"] > kernel[0] // 2:
            raise No("padding beyond half the kernel")
        y = c(name, channels_last(c, c.floats(x[0]), 4), kernel=kernel[0], ceil_mode=bool(a.get("ceil_mode", 0)),
              count_padding=bool(a.get("count_include_pad", 0)), **window)  # fmt: skip
        return channels_first(c, y, 4)

    return run


RULES.update(MaxPool=pool("max_pool2d"), AveragePool=pool("avg_pool2d"))


def global_pool(name):
    return lambda c, x, a: c(name, c.floats(x[0]), axes=list(range(2, x[0].ndim)), keep=True)


RULES.update(GlobalAveragePool=global_pool("mean"), GlobalMaxPool=global_pool("max"))


# ---- attention -------------------------------------------------------------------------------------


@rule("Attention")
def attention(c, x, a):
    c.first_result_only()
    q, k, v = x[:3]
    if q.ndim != 4:
        raise No("heads side by side in three axes")
    if len(x) > 3 and any(t is not None for t in x[3:]):
        raise No("a mask or a past")
    if set(a) - {"is_causal"}:
        raise No("a scale, cap, window or precision of its own")
    if q.shape[1] != k.shape[1]:
        raise No("fewer heads of keys")
    if q.shape[3] != v.shape[3]:
        raise No("values of another size")
    return c("attention", c.floats(q), c.floats(k), c.floats(v), causal=bool(a.get("is_causal", 0)))
