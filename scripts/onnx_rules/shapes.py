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
    return c("permute", c.new(x[0]), axes=list(a.get("perm", reversed(range(x[0].ndim)))))


@rule("Expand")
def expand(c, x, a):
    shape = np.broadcast_shapes(x[0].shape, tuple(int(n) for n in x[1]))
    return c("expand", c.numbers(x[0]), shape=list(shape))


@rule("Tile")
def tile(c, x, a):
    y = c.new(x[0])
    for axis, times in enumerate(x[1]):
        y = c("concat", *[y] * int(times), axis=axis)
    return y


@rule("Concat")
def concat(c, x, a):
    return c("concat", *[c.new(v) for v in x], axis=a["axis"])


@rule("Split")
def split(c, x, a):
    axis = normal(a.get("axis", 0), x[0].ndim)
    size, count = x[0].shape[axis], a.get("num_outputs", c.results)
    each = -(-size // count)
    sizes = [min(each, size - i * each) for i in range(count)]
    if len(x) > 1 and x[1] is not None:
        sizes = [int(n) for n in x[1]]
    first = sum(sizes[: c.place])
    return c("slice", c.new(x[0]), axis=axis, first=first, last=first + sizes[c.place])


@rule("Slice")
def slices(c, x, a):
    v, shape = c.numbers(x[0]), x[0].shape
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
    axes = x[3] if len(x) > 3 and x[3] is not None else range(x[0].ndim)
    amounts = [[0, 0] for _ in x[0].shape]
    for k, axis in enumerate(axes):
        amounts[int(axis)] = [int(x[1][k]), int(x[1][k + len(axes)])]
    if min(map(min, amounts)) < 0:
        raise No("negative amounts")
    mode = a.get("mode", b"constant").decode()
    if mode != "constant":
        return c("pad", c.numbers(x[0]), amounts=amounts, mode=mode)
    number = float(x[2].reshape(())) if len(x) > 2 and x[2] is not None else 0
    return c("pad", c.numbers(x[0]), amounts=amounts, number=number)


@rule("CenterCropPad")
def center_crop_pad(c, x, a):
    v, ndim = c.numbers(x[0]), x[0].ndim
    for axis, size in zip(a.get("axes", range(ndim)), x[1]):
        axis, more = normal(int(axis), ndim), int(size) - x[0].shape[normal(int(axis), ndim)]
        if more < 0:
            first = -more // 2
            v = c("slice", v, axis=axis, first=first, last=first + int(size))
        else:
            amounts = [[0, 0]] * axis + [[more // 2, more - more // 2]] + [[0, 0]] * (ndim - axis - 1)
            v = c("pad", v, amounts=amounts, number=0)
    return v


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
    y = c("index_select", c.numbers(x[0]), c.indexes(x[1].reshape(-1), x[0].shape[axis]), axis=axis)
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


@rule("GatherND")
def gather_nd(c, x, a):
    """The leading axes become one, along which rows are picked."""
    shape, batches, depth = x[0].shape, a.get("batch_dims", 0), x[1].shape[-1]
    places = rows_of(x[1], shape, batches)
    rest = shape[batches + depth :]
    v = c("reshape", c.numbers(x[0]), shape=[-1, *rest])
    y = c("index_select", v, c.new(places.reshape(-1).astype(np.int32)), axis=0)
    return c("reshape", y, shape=[*x[1].shape[:-1], *rest])


@rule("ScatterND")
def scatter_nd(c, x, a):
    kind, shape, depth = a.get("reduction", b"none").decode(), x[0].shape, x[1].shape[-1]
    if kind not in ("none", "add"):
        raise No(f"reduction {kind}")
    width = math.prod(shape[depth:])
    places = np.repeat(rows_of(x[1], shape, 0).reshape(-1, 1), width, 1).astype(np.int32)
    rows = c("reshape", c.numbers(x[0]), shape=[-1, width])
    updates = c("reshape", c.numbers(x[2]), shape=[-1, width])
    y = c("scatter_add" if kind == "add" else "scatter", rows, c.new(places), updates, axis=0)
    return c("reshape", y, shape=list(shape))


def rows_of(indexes, shape, batches):
    """Which row of the leading axes, put together, each index tuple names."""
    depth = indexes.shape[-1]
    sizes = shape[batches : batches + depth]
    flat = np.zeros(indexes.shape[:-1], np.int64)
    for k, size in enumerate(sizes):
        flat = flat * size + np.where(indexes[..., k] < 0, indexes[..., k] + size, indexes[..., k])
    before = np.arange(math.prod(shape[:batches])).reshape(shape[:batches] + (1,) * (flat.ndim - batches))
    return flat + before * math.prod(sizes)


@rule("TensorScatter")
def tensor_scatter(c, x, a):
    axis, size = normal(a.get("axis", -2), x[0].ndim), x[0].shape[normal(a.get("axis", -2), x[0].ndim)]
    first = x[2] if len(x) > 2 and x[2] is not None else np.zeros(x[0].shape[0], np.int64)
    along = [1] * x[0].ndim
    along[axis] = -1
    places = first.reshape(-1, *[1] * (x[0].ndim - 1)) + np.arange(x[1].shape[axis]).reshape(along)
    places = np.broadcast_to(places % size, x[1].shape).astype(np.int32)
    return c("scatter", c.numbers(x[0]), c.new(places), c.numbers(x[1]), axis=axis)


@rule("ReverseSequence")
def reverse_sequence(c, x, a):
    time, batch = a.get("time_axis", 0), a.get("batch_axis", 1)
    place = np.indices(x[0].shape)
    lengths = x[1][place[batch]]
    places = np.where(place[time] < lengths, lengths - 1 - place[time], place[time])
    return c("gather", c.numbers(x[0]), c.new(places.astype(np.int32)), axis=time)


@rule("Compress")
def compress(c, x, a):
    v = c.numbers(x[0])
    if "axis" not in a:
        v = c("reshape", v, shape=[-1])
    return c("index_select", v, c.new(np.flatnonzero(x[1]).astype(np.int32)), axis=a.get("axis", 0))


@rule("ArrayFeatureExtractor")
def array_feature_extractor(c, x, a):
    return c("index_select", c.numbers(x[0]), c.new(x[1].reshape(-1).astype(np.int32)), axis=-1)


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
    if any(len(set(name.replace(".", ""))) < len(name.replace(".", "")) for name in names):
        raise No("a diagonal")
    if "." in text:
        raise No("an ellipsis")
    return c("einsum", *[c.floats(v) for v in x], text=text)
