"""Normalisations and losses."""

import math

import numpy as np

from .calls import RULES, channels_first, channels_last, normal, rule


# ---- normalisation ---------------------------------------------------------------------------------


@rule("BatchNormalization")
def batch_norm(c, x, a):
    c.first_result_only("running statistics, as result")
    v = channels_last(c, c.floats(x[0]), x[0].ndim)
    y = c("batch_norm", v, *[c.floats(t) for t in x[1:5]], eps=a.get("epsilon", 1e-5),
          training=bool(a.get("training_mode", 0)))  # fmt: skip
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
    one_at_0 = c("cast", c("equal", length, c.floats(np.zeros((), x[0].dtype))), dtype=x[0].dtype.name)
    return c("div", v, c("add", length, one_at_0))


@rule("MeanVarianceNormalization")
def mean_variance(c, x, a):
    v, axes = c.floats(x[0]), list(a.get("axes", [0, 2, 3]))
    deviation = c("sqrt", c("var", v, axes=axes, keep=True, correction=0))
    return c("div", c("sub", v, c("mean", v, axes=axes, keep=True)), c("add_scalar", deviation, number=1e-9))


# ---- losses ----------------------------------------------------------------------------------------


def class_loss(name):
    def run(c, x, a):
        v = channels_last(c, c.floats(x[0]), x[0].ndim)
        if c.place:
            return channels_first(c, c("log_softmax", v), x[0].ndim)
        ignore = {"ignore": int(a["ignore_index"])} if "ignore_index" in a else {}
        weights = [c.floats(x[2])] if len(x) > 2 and x[2] is not None else []
        targets = c.new(x[1].astype(np.int32))
        return c(name, v, targets, *weights, reduce=a.get("reduction", b"mean").decode(), **ignore)

    return run


RULES.update(
    NegativeLogLikelihoodLoss=class_loss("nll_loss"), SoftmaxCrossEntropyLoss=class_loss("cross_entropy")
)  # fmt: skip
