"""Sums, extremes, softmax and others along axes."""

from .calls import RULES, No, normal, rule


# ---- along axes ------------------------------------------------------------------------------------


def axes_of(c, x, a):
    """Axes from an input or an attribute; all if there are none, unless none is meant."""
    axes = x[1] if len(x) > 1 and x[1] is not None else a.get("axes")
    if axes is None or len(axes) == 0:
        return [] if a.get("noop_with_empty_axes", 0) else list(range(x[0].ndim))
    return [int(i) for i in axes]


def folding(name, before=None, after=None):
    def run(c, x, a):
        v = c.numbers(x[0]) if name in ("max", "min") else c.floats(x[0])
        if x[0].size == 0 and name in ("max", "min"):
            raise No("an extreme of nothing")
        if before == "square":
            v = c("mul", v, v)
        y = c(name, v, axes=axes_of(c, x, a), keep=bool(a.get("keepdims", 1)))
        return c(after, y) if after else y

    return run


RULES.update(
    ReduceSum=folding("sum"), ReduceMean=folding("mean"), ReduceMax=folding("max"), ReduceMin=folding("min"),
    ReduceProd=folding("prod"), ReduceL1=folding("norm_l1"), ReduceL2=folding("norm_l2"),
    ReduceSumSquare=folding("sum", "square"), ReduceLogSum=folding("sum", after="log"),
)  # fmt: skip


@rule("ReduceLogSumExp")
def log_sum_exp(c, x, a):
    v, axes = c.floats(x[0]), axes_of(c, x, a)
    if x[0].size == 0:
        return c("log", c("sum", c("exp", v), axes=axes, keep=bool(a.get("keepdims", 1))))
    top = c("max", v, axes=axes, keep=True)
    sums = c("sum", c("exp", c("sub", v, top)), axes=axes, keep=True)
    y = c("add", c("log", sums), top)
    gone = {normal(i, x[0].ndim) for i in axes}
    shape = [1 if i in gone else n for i, n in enumerate(x[0].shape)]
    if not a.get("keepdims", 1):
        shape = [n for i, n in enumerate(x[0].shape) if i not in gone]
    return c("reshape", y, shape=shape)


def place_of(name):
    def run(c, x, a):
        return c(name, c.floats(x[0]), axis=a.get("axis", 0), keep=bool(a.get("keepdims", 1)),
                 last=bool(a.get("select_last_index", 0)))  # fmt: skip

    return run


RULES.update(ArgMax=place_of("argmax"), ArgMin=place_of("argmin"))


@rule("CumSum")
def cumsum(c, x, a):
    return c("cumsum", c.numbers(x[0]), axis=int(x[1].reshape(())), exclusive=bool(a.get("exclusive", 0)),
             reverse=bool(a.get("reverse", 0)))  # fmt: skip


def last_axis(op):
    """What Tweed does along the last axis, along any."""

    def run(c, x, a):
        v, ndim = c.floats(x[0]), x[0].ndim
        axis = normal(a.get("axis", -1 if c.opset >= 13 else 1), ndim)
        order = list(range(ndim))
        order[axis], order[-1] = order[-1], order[axis]
        return c("permute", op(c, c("permute", v, axes=order), x[0].shape[axis]), axes=order)

    return run


RULES["Softmax"] = last_axis(lambda c, v, n: c("softmax", v))
RULES["LogSoftmax"] = last_axis(lambda c, v, n: c("log_softmax", v))
RULES["Hardmax"] = last_axis(lambda c, v, n: c("one_hot", c("argmax", v, axis=-1), classes=n))


@rule("TopK")
def top_k(c, x, a):
    axis, k = normal(a.get("axis", -1), x[0].ndim), int(x[1].reshape(()))
    v, order = c.floats(x[0]), list(range(x[0].ndim))
    order[axis], order[-1] = order[-1], order[axis]
    down = not a.get("largest", 1)
    v = c("permute", c("neg", v) if down else v, axes=order)
    y = c("top_places" if c.place else "top_values", v, k=k)
    y = c("cast", y, dtype="float64") if c.place else y
    y = c("permute", y, axes=order)
    return c("cast", y, dtype="int32") if c.place else c("neg", y) if down else y
