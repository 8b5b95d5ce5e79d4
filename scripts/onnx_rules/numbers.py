"""Functions of one number, and of two and more."""

import math

import numpy as np

from .calls import FLOATS, RULES, No, rule


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


@rule("SwiGLU")
def swiglu(c, x, a):
    return c("mul", swish(c, x, a), c.floats(x[1]))


@rule("Binarizer")
def binarizer(c, x, a):
    above = c("greater_than", c.floats(x[0]), number=a.get("threshold", 0.0))
    return c("cast", above, dtype=x[0].dtype.name)


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
    return c("div", c.floats(np.ones((), x[0].dtype)), c.floats(x[0]))


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
    if len(x) > 2 and x[2] is not None and bool(x[2]) and float(x[1]) > 0:
        raise No("random numbers of another generator")
    return c.new(x[0])


@rule("IsNaN")
def is_nan(c, x, a):
    return c("isnan", c.new(x[0]))


@rule("IsInf")
def is_inf(c, x, a):
    v = c.new(x[0])
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
    if name not in (*FLOATS, "float16", "int32", "uint8"):
        raise No(f"to {name}")
    return c("cast", c.new(x[0]), dtype=name)


# ---- two and more operands -------------------------------------------------------------------------

for onnx_name, name in {"Add": "add", "Sub": "sub", "Mul": "mul"}.items():
    RULES[onnx_name] = lambda c, x, a, name=name: c(name, c.floats(x[0]), c.floats(x[1]))
# Of whole numbers, a cast cuts the quotient off as division does.
RULES["Div"] = lambda c, x, a: c("div", c.numbers(x[0]), c.numbers(x[1]))

COMPARE = {
    "Equal": "equal", "Less": "less", "LessOrEqual": "less_equal", "Greater": "greater",
    "GreaterOrEqual": "greater_equal", "And": "logical_and", "Or": "logical_or", "Xor": "logical_xor",
}  # fmt: skip
for onnx_name, name in COMPARE.items():
    RULES[onnx_name] = lambda c, x, a, name=name: c(name, c.new(x[0]), c.new(x[1]))
RULES["Not"] = lambda c, x, a: c("logical_not", c.new(x[0]))


def of_all(name):
    def run(c, x, a):
        take = c.floats if name == "add" else c.numbers
        y = take(x[0])
        for v in x[1:]:
            y = c(name, y, take(v))
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
