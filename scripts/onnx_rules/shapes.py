"""What moves and picks elements, and products."""

import math

import numpy as np

from .calls import RULES, No, normal, rule


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
