"""How ONNX's operators are said in Tweed's operations: a rule for each, for onnx_cases.py.

A rule takes Calls, which it asks for operations, the node's inputs as arrays (None for one that is left
out) and its attributes. It returns the name of the value that is the result, or raises No with a reason.
Images are (N, C, H, W) in ONNX and (N, H, W, C) in Tweed: rules turn them.
"""

import json
import math

import numpy as np


class No(Exception):
    """Why a case cannot be said in Tweed's operations."""


FLOATS = ("float32", "float64", "bfloat16")


class Calls:
    """The calls of a case, and the arrays that it begins with."""

    def __init__(self, opset, results, place):
        self.opset, self.results, self.place = opset, results, place
        self.values, self.calls, self.shapes = {}, [], {}

    def text(self):
        return json.dumps(self.calls)

    def new(self, array):
        """A name for an array, in a dtype that Tweed has."""
        name = f"v{len(self.values)}"
        if array.dtype.name == "bfloat16":
            self.values[name] = array.astype(np.float32)
            return self("cast", name, dtype="bfloat16")
        if array.dtype == bool:
            array = array.astype(np.uint8)
        if array.dtype.name not in ("float32", "float64", "int32", "uint8"):
            raise No(f"{array.dtype.name}")
        self.values[name] = array
        return name

    def floats(self, array):
        """An array that operations compute with."""
        if array is None:
            return ""
        if array.dtype.name not in FLOATS:
            raise No(f"arithmetic of {array.dtype.name}")
        return self.new(array)

    def indexes(self, array, size):
        """Indexes along an axis of `size`, of which negative ones count from its end."""
        array = np.where(array < 0, array + size, array)
        return self.new(array.astype(np.int32))

    def __call__(self, op, *inputs, **attributes):
        name = f"t{len(self.calls)}"
        self.calls.append({"op": op, "in": list(inputs), "out": name, **attributes})
        return name

    def finish(self, result):
        """Without a call the result is an input, which reshape hands on."""
        if not self.calls or self.calls[-1]["out"] != result:
            self("reshape", result, shape=list(self.values[result].shape))

    def first_result_only(self, name="result"):
        if self.place:
            raise No(f"its {name} number {self.place + 1}")


def normal(axis, ndim):
    return axis + ndim if axis < 0 else axis


RULES = {}


def rule(*names):
    def add(function):
        for name in names:
            RULES[name] = function
        return function

    return add


# ---- functions of one number -----------------------------------------------------------------------

SAME = {
    "Abs": "abs", "Neg": "neg", "Exp": "exp", "Log": "log", "Sqrt": "sqrt", "Relu": "relu", "Sigmoid": "sigmoid",
    "Tanh": "tanh", "Softplus": "softplus", "HardSwish": "hardswish", "Mish": "mish",
}  # fmt: skip
for onnx_name, name in SAME.items():
    RULES[onnx_name] = lambda c, x, a, name=name: c(name, c.floats(x[0]))


def with_number(name, key, default):
    return lambda c, x, a: c(name, c.floats(x[0]), number=a.get(key, default))


RULES["LeakyRelu"] = with_number("leaky_relu", "alpha", 0.01)
RULES["Elu"] = with_number("elu", "alpha", 1.0)


@rule("Identity")
def identity(c, x, a):
    return c.new(x[0])


@rule("Gelu")
def gelu(c, x, a):
    return c("gelu_tanh" if a.get("approximate", b"none") == b"tanh" else "gelu", c.floats(x[0]))


@rule("Swish")
def swish(c, x, a):
    v = c.floats(x[0])
    return c("mul", v, c("sigmoid", c("scale", v, number=a.get("alpha", 1.0))))


@rule("Selu")
def selu(c, x, a):
    y = c("elu", c.floats(x[0]), number=a.get("alpha", 1.67326319217681884765625))
    return c("scale", y, number=a.get("gamma", 1.05070102214813232421875))


@rule("Celu")
def celu(c, x, a):
    alpha = a.get("alpha", 1.0)
    y = c("elu", c("scale", c.floats(x[0]), number=1 / alpha), number=1.0)
    return c("scale", y, number=alpha)


@rule("HardSigmoid")
def hard_sigmoid(c, x, a):
    y = c("scale", c.floats(x[0]), number=a.get("alpha", 0.2))
    return c("clamp", c("add_scalar", y, number=a.get("beta", 0.5)), low=0, high=1)


@rule("ThresholdedRelu")
def thresholded_relu(c, x, a):
    v = c.floats(x[0])
    above = c("greater_than", v, number=a.get("alpha", 1.0))
    return c("where", above, v, c("scale", v, number=0))


@rule("Shrink")
def shrink(c, x, a):
    v, bias, border = c.floats(x[0]), a.get("bias", 0.0), a.get("lambd", 0.5)
    inner = c("where", c("less_than", v, number=-border), c("add_scalar", v, number=bias), c("scale", v, number=0))
    return c("where", c("greater_than", v, number=border), c("add_scalar", v, number=-bias), inner)


@rule("Sign")
def sign(c, x, a):
    v = c.floats(x[0])
    zero = c("scale", v, number=0)
    up = c("where", c("greater_than", v, number=0), c("add_scalar", zero, number=1), zero)
    return c("where", c("less_than", v, number=0), c("add_scalar", zero, number=-1), up)


@rule("Softsign")
def softsign(c, x, a):
    v = c.floats(x[0])
    return c("div", v, c("add_scalar", c("abs", v), number=1))


@rule("Reciprocal")
def reciprocal(c, x, a):
    return c("div", c.new(np.ones((), x[0].dtype)), c.floats(x[0]))


@rule("Erf")
def erf(c, x, a):
    """gelu(x) = x / 2 (1 + erf(x / sqrt(2))), so that erf(x) = gelu(x sqrt(2)) sqrt(2) / x - 1."""
    v = c.floats(x[0])
    return c("add_scalar", c("div", c("gelu", c("scale", v, number=math.sqrt(2))),
                             c("scale", v, number=1 / math.sqrt(2))), number=-1)  # fmt: skip


@rule("Clip")
def clip(c, x, a):
    low, high = (x[i] if len(x) > i and x[i] is not None else None for i in (1, 2))
    low = -math.inf if low is None else float(low)
    high = math.inf if high is None else float(high)
    if low > high:
        raise No("a lower bound above the upper one")
    return bounded(c, c.floats(x[0]), low, high)


def bounded(c, v, low, high):
    """By where(), since JSON knows no infinity."""
    for bound, op in ((low, "maximum"), (high, "minimum")):
        if math.isfinite(bound):
            v = c(op, v, c("add_scalar", c("scale", v, number=0), number=bound))
    return v


@rule("PRelu")
def prelu(c, x, a):
    if x[1].shape not in ((1,), x[0].shape[-1:]):
        v, slope = c.floats(x[0]), c.floats(x[1])
        return c("where", c("greater_than", v, number=0), v, c("mul", v, slope))
    return c("prelu", c.floats(x[0]), c.floats(x[1]))


@rule("Dropout")
def dropout(c, x, a):
    c.first_result_only("mask, as result")
    if len(x) > 2 and x[2] is not None and bool(x[2]):
        raise No("random numbers of another generator")
    return c.new(x[0])


@rule("IsNaN")
def is_nan(c, x, a):
    return c("isnan", c.floats(x[0]))


@rule("IsInf")
def is_inf(c, x, a):
    v = c.floats(x[0])
    infinite = c("isinf", v)
    if not a.get("detect_positive", 1):
        infinite = c("logical_and", infinite, c("less_than", v, number=0))
    if not a.get("detect_negative", 1):
        infinite = c("logical_and", infinite, c("greater_than", v, number=0))
    return infinite


@rule("Cast", "CastLike")
def cast(c, x, a):
    import onnx

    wanted = a["to"] if "to" in a else onnx.helper.np_dtype_to_tensor_dtype(x[1].dtype)
    name = onnx.helper.tensor_dtype_to_np_dtype(wanted).name
    if name not in (*FLOATS, "int32", "uint8"):
        raise No(f"to {name}")
    return c("cast", c.new(x[0]), dtype=name)


# ---- two and more operands -------------------------------------------------------------------------

for onnx_name, name in {"Add": "add", "Sub": "sub", "Mul": "mul", "Div": "div"}.items():
    RULES[onnx_name] = lambda c, x, a, name=name: c(name, c.floats(x[0]), c.floats(x[1]))

COMPARE = {
    "Equal": "equal", "Less": "less", "LessOrEqual": "less_equal", "Greater": "greater",
    "GreaterOrEqual": "greater_equal", "And": "logical_and", "Or": "logical_or", "Xor": "logical_xor",
}  # fmt: skip
for onnx_name, name in COMPARE.items():
    RULES[onnx_name] = lambda c, x, a, name=name: c(name, c.new(x[0]), c.new(x[1]))
RULES["Not"] = lambda c, x, a: c("logical_not", c.new(x[0]))


def of_all(name):
    def run(c, x, a):
        y = c.floats(x[0])
        for v in x[1:]:
            y = c(name, y, c.floats(v))
        return y

    return run


RULES.update(Max=of_all("maximum"), Min=of_all("minimum"), Sum=of_all("add"))


@rule("Mean")
def mean_of_all(c, x, a):
    return c("scale", of_all("add")(c, x, a), number=1 / len(x))


@rule("Pow")
def power(c, x, a):
    if x[1].size != 1:
        raise No("an exponent for each element")
    return c("pow", c.floats(x[0]), number=float(x[1].reshape(())))


@rule("Where")
def where(c, x, a):
    return c("where", c.new(x[0]), c.floats(x[1]), c.floats(x[2]))


# ---- along axes ------------------------------------------------------------------------------------


def axes_of(c, x, a):
    """Axes from an input or an attribute; all if there are none, unless none is meant."""
    axes = x[1] if len(x) > 1 and x[1] is not None else a.get("axes")
    if axes is None or len(axes) == 0:
        return [] if a.get("noop_with_empty_axes", 0) else list(range(x[0].ndim))
    return [int(i) for i in axes]


def folding(name, before=None, after=None):
    def run(c, x, a):
        v = c.floats(x[0])
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
    return c("cumsum", c.floats(x[0]), axis=int(x[1].reshape(())), exclusive=bool(a.get("exclusive", 0)),
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


# ---- shapes ----------------------------------------------------------------------------------------


@rule("Reshape")
def reshape(c, x, a):
    shape = [int(n) for n in x[1]]
    if not a.get("allowzero", 0):
        shape = [x[0].shape[i] if n == 0 else n for i, n in enumerate(shape)]
    return c("reshape", c.new(x[0]), shape=list(x[0].reshape(shape).shape))


@rule("Flatten")
def flatten(c, x, a):
    axis = normal(a.get("axis", 1), x[0].ndim)
    rows = math.prod(x[0].shape[:axis])
    return c("reshape", c.new(x[0]), shape=[rows, math.prod(x[0].shape[axis:])])


def squeezed(c, x, a):
    axes = x[1] if len(x) > 1 and x[1] is not None else [i for i, n in enumerate(x[0].shape) if n == 1]
    gone = tuple(normal(int(i), x[0].ndim) for i in axes)
    return c("reshape", c.new(x[0]), shape=list(np.squeeze(x[0], gone).shape))


def unsqueezed(c, x, a):
    return c("reshape", c.new(x[0]), shape=list(np.expand_dims(x[0], tuple(int(i) for i in x[1])).shape))


RULES.update(Squeeze=squeezed, Unsqueeze=unsqueezed)


@rule("Transpose")
def transpose(c, x, a):
    return c("permute", c.floats(x[0]), axes=list(a.get("perm", reversed(range(x[0].ndim)))))


@rule("Expand")
def expand(c, x, a):
    shape = np.broadcast_shapes(x[0].shape, tuple(int(n) for n in x[1]))
    return c("expand", c.floats(x[0]), shape=list(shape))


@rule("Tile")
def tile(c, x, a):
    y = c.floats(x[0])
    for axis, times in enumerate(x[1]):
        y = c("concat", *[y] * int(times), axis=axis)
    return y


@rule("Concat")
def concat(c, x, a):
    return c("concat", *[c.floats(v) for v in x], axis=a["axis"])


@rule("Split")
def split(c, x, a):
    axis = normal(a.get("axis", 0), x[0].ndim)
    size, count = x[0].shape[axis], a.get("num_outputs", c.results)
    each = -(-size // count)
    sizes = [min(each, size - i * each) for i in range(count)]
    if len(x) > 1 and x[1] is not None:
        sizes = [int(n) for n in x[1]]
    first = sum(sizes[: c.place])
    return c("slice", c.floats(x[0]), axis=axis, first=first, last=first + sizes[c.place])


@rule("Slice")
def slices(c, x, a):
    v, shape = c.floats(x[0]), x[0].shape
    axes = x[3] if len(x) > 3 and x[3] is not None else range(len(x[1]))
    steps = x[4] if len(x) > 4 and x[4] is not None else [1] * len(x[1])
    for first, last, axis, step in zip(x[1], x[2], axes, steps):
        axis = normal(int(axis), x[0].ndim)
        places = range(shape[axis])[int(first) : int(last) : int(step)]
        if int(step) == 1:
            v = c("slice", v, axis=axis, first=places.start, last=places.start + len(places))
        else:
            v = c("index_select", v, c.new(np.array(places, np.int32)), axis=axis)
    return v


@rule("Pad")
def pad(c, x, a):
    if a.get("mode", b"constant") != b"constant":
        raise No(f"mode {a['mode'].decode()}")
    axes = x[3] if len(x) > 3 and x[3] is not None else range(x[0].ndim)
    amounts = [[0, 0] for _ in x[0].shape]
    for k, axis in enumerate(axes):
        amounts[int(axis)] = [int(x[1][k]), int(x[1][k + len(axes)])]
    if min(map(min, amounts)) < 0:
        raise No("negative amounts")
    number = float(x[2].reshape(())) if len(x) > 2 and x[2] is not None else 0
    return c("pad", c.floats(x[0]), amounts=amounts, number=number)


def depth_to_space(c, x, a):
    (n, ch, h, w), b = x[0].shape, a["blocksize"]
    if a.get("mode", b"DCR") == b"DCR":
        y = c("reshape", c.floats(x[0]), shape=[n, b, b, ch // b**2, h, w])
        y = c("permute", y, axes=[0, 3, 4, 1, 5, 2])
    else:
        y = c("reshape", c.floats(x[0]), shape=[n, ch // b**2, b, b, h, w])
        y = c("permute", y, axes=[0, 1, 4, 2, 5, 3])
    return c("reshape", y, shape=[n, ch // b**2, h * b, w * b])


def space_to_depth(c, x, a):
    (n, ch, h, w), b = x[0].shape, a["blocksize"]
    y = c("reshape", c.floats(x[0]), shape=[n, ch, h // b, b, w // b, b])
    order = [0, 1, 3, 5, 2, 4] if a.get("mode", b"DCR") == b"CRD" else [0, 3, 5, 1, 2, 4]
    return c("reshape", c("permute", y, axes=order), shape=[n, ch * b * b, h // b, w // b])


RULES.update(DepthToSpace=depth_to_space, SpaceToDepth=space_to_depth)


# ---- indexes ---------------------------------------------------------------------------------------


@rule("Gather")
def gather(c, x, a):
    axis = normal(a.get("axis", 0), x[0].ndim)
    y = c("index_select", c.floats(x[0]), c.indexes(x[1].reshape(-1), x[0].shape[axis]), axis=axis)
    return c("reshape", y, shape=[*x[0].shape[:axis], *x[1].shape, *x[0].shape[axis + 1 :]])


@rule("GatherElements")
def gather_elements(c, x, a):
    axis = normal(a.get("axis", 0), x[0].ndim)
    return c("gather", c.floats(x[0]), c.indexes(x[1], x[0].shape[axis]), axis=axis)


@rule("ScatterElements", "Scatter")
def scatter_elements(c, x, a):
    axis, kind = normal(a.get("axis", 0), x[0].ndim), a.get("reduction", b"none").decode()
    if kind not in ("none", "add"):
        raise No(f"reduction {kind}")
    if any(i != n for k, (i, n) in enumerate(zip(x[1].shape, x[0].shape)) if k != axis):
        raise No("fewer indexes than lines")
    places = c.indexes(x[1], x[0].shape[axis])
    return c("scatter_add" if kind == "add" else "scatter", c.floats(x[0]), places, c.floats(x[2]), axis=axis)


@rule("OneHot")
def one_hot(c, x, a):
    classes, (off, on) = int(x[1].reshape(())), (float(v) for v in x[2])
    axis = normal(a.get("axis", -1), x[0].ndim + 1)
    labels = np.where(x[0] < 0, x[0] + classes, x[0]).astype(np.int32)
    y = c("add_scalar", c("scale", c("one_hot", c.new(labels), classes=classes), number=on - off), number=off)
    order = list(range(x[0].ndim))
    order.insert(axis, x[0].ndim)
    return c("permute", y, axes=order)


# ---- products --------------------------------------------------------------------------------------


@rule("MatMul")
def matmul(c, x, a):
    return c("matmul", c.floats(x[0]), c.floats(x[1]))


@rule("Gemm")
def gemm(c, x, a):
    y = c("matmul", c.floats(x[0]), c.floats(x[1]), transpose_a=bool(a.get("transA", 0)),
          transpose_b=bool(a.get("transB", 0)))  # fmt: skip
    y = c("scale", y, number=a.get("alpha", 1.0))
    if len(x) < 3 or x[2] is None:
        return y
    return c("add", y, c("scale", c.floats(x[2]), number=a.get("beta", 1.0)))


@rule("Einsum")
def einsum(c, x, a):
    text = a["equation"].decode()
    names = text.split("->")[0].replace(" ", "").split(",")
    if "." in text:
        raise No("an ellipsis")
    if any(len(set(name)) < len(name) for name in names):
        raise No("a diagonal")
    return c("einsum", *[c.floats(v) for v in x], text=text)


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
