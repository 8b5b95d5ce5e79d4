"""Attention."""

import numpy as np

from .calls import No, rule


def heads_apart(c, v, shape, heads):
    """(N, L, heads D) to (N, heads, L, D)."""
    n, length, width = shape
    v = c("reshape", v, shape=[n, length, heads, width // heads])
    return c("permute", v, axes=[0, 2, 1, 3]), (n, heads, length, width // heads)


class Keys:
    """Which keys each query may see, and what is added to their scores."""

    def __init__(self, a, n, queries, keys, past, lengths):
        places, i = np.arange(keys), np.arange(queries).reshape(-1, 1)
        offset = np.reshape(past if lengths is None else lengths.reshape(-1) - queries, (-1, 1, 1, 1))
        self.allowed = np.ones((1, 1, queries, keys), bool)
        ahead = places - (i + offset)  # of a key before its query
        # What the operation itself knows is left to it.
        self.causal = bool(a.get("is_causal", 0)) and not offset.any()
        if a.get("is_causal", 0) and not self.causal:
            self.allowed = self.allowed & (ahead <= 0)
        left, right = a.get("left_window_size", -1), a.get("right_window_size", -1)
        if left >= 0:
            self.allowed = self.allowed & (-ahead <= left)
        if right >= 0:
            self.allowed = self.allowed & (ahead <= right)
        if lengths is not None:
            self.allowed = self.allowed & (places < lengths.reshape(-1, 1, 1, 1))
        self.added = None

    def mask(self, mask):
        keys = self.allowed.shape[-1]
        less = keys - mask.shape[-1]
        widths = [(0, 0)] * (mask.ndim - 1) + [(0, less)]
        if mask.dtype == bool:
            self.allowed = self.allowed & np.pad(mask, widths)
        else:
            wide = np.pad(mask.astype(np.float64), widths, constant_values=-np.inf)
            self.added = np.where(self.allowed, wide, -np.inf).astype(mask.dtype)

    def tensor(self, c):
        """The mask that scaled_dot_product_attention takes; "" for none."""
        if self.added is not None:
            return c.floats(self.added)
        return "" if self.allowed.all() else c.new(self.allowed)


def scores_by_hand(c, q, k, v, keys, shapes, scale, cap):
    """Attention whose scores are bent, as products and a softmax."""
    (n, heads, queries, size), (_, key_heads, length, _), width = shapes[0], shapes[1], shapes[2][3]
    group = heads // key_heads
    q = c("reshape", q, shape=[n, key_heads, group * queries, size])
    y = c("scale", c("matmul", q, k, transpose_b=True), number=scale)
    y = c("scale", c("tanh", c("scale", y, number=1 / cap)), number=cap)
    y = c("reshape", y, shape=[n, heads, queries, length])
    allowed = keys.allowed & (np.tri(queries, length, dtype=bool) if keys.causal else True)
    if keys.added is not None:
        y = c("add", y, c.floats(keys.added))
        allowed = allowed & ~np.isneginf(keys.added.astype(np.float64))
    blind = ~allowed.any(axis=-1, keepdims=True)
    if not allowed.all():
        allowed = allowed | blind  # no number then, and 0 at the end
        hidden = c.floats(np.full((), -np.inf, np.float32))
        y = c("where", c.new(np.broadcast_to(allowed, (n, heads, queries, length)).copy()), y, hidden)
    y = c("reshape", c("softmax", y), shape=[n, key_heads, group * queries, length])
    y = c("reshape", c("matmul", y, v), shape=[n, heads, queries, width])
    return c("mul", y, c.floats((~blind).astype(np.float32))) if blind.any() else y


@rule("Attention", "FlexAttention")
def attention(c, x, a):
    if c.place == 3:
        raise No("scores, as result")
    if "score_mod" in a or "prob_mod" in a:
        raise No("a graph of its own for scores")
    q, k, v = x[:3]
    mask, past_k, past_v, lengths = [*x[3:7], *[None] * 4][:4]
    names, shapes = [c.floats(t) for t in (q, k, v)], [t.shape for t in (q, k, v)]
    if q.ndim == 3:
        counts = [a["q_num_heads"], a["kv_num_heads"], a["kv_num_heads"]]
        pairs = [heads_apart(c, *of) for of in zip(names, shapes, counts)]
        names, shapes = [list(of) for of in zip(*pairs)]
    if past_k is not None:
        for i, past in ((1, past_k), (2, past_v)):
            names[i] = c("concat", c.floats(past), names[i], axis=2)
            n, heads, length, size = shapes[i]
            shapes[i] = (n, heads, length + past.shape[2], size)
    if c.place:
        return names[c.place]  # with the past, what the next call begins from
    (n, heads, queries, size), width = shapes[0], shapes[2][3]
    keys = Keys(a, n, queries, shapes[1][2], 0 if past_k is None else past_k.shape[2], lengths)
    if mask is not None:
        keys.mask(mask)
    scale = a.get("scale", size**-0.5)
    if a.get("softcap", 0):
        y = scores_by_hand(c, *names, keys, shapes, scale, a["softcap"])
    else:
        wide = max(size, width)  # zeros at the end of vectors change no product
        for i, of in enumerate((size, size, width)):
            if of < wide:
                amounts = [[0, 0], [0, 0], [0, 0], [0, wide - of]]
                names[i] = c("pad", names[i], amounts=amounts, number=0)
        y = c("attention", *names, keys.tensor(c), causal=keys.causal, scale=scale)
        y = y if width == wide else c("slice", y, axis=3, first=0, last=width)
    if q.ndim == 3:
        y = c("reshape", c("permute", y, axes=[0, 2, 1, 3]), shape=[n, queries, heads * width])
    return y


@rule("RotaryEmbedding")
def rotary(c, x, a):
    v, shape = c.floats(x[0]), x[0].shape
    if len(shape) == 3:
        v, shape = heads_apart(c, v, shape, a["num_heads"])
    (n, heads, length, size), turned = shape, a.get("rotary_embedding_dim", 0) or shape[3]
    half = turned // 2
    angles = []
    for cache in x[1:3]:
        t = c.floats(cache)
        if len(x) > 3 and x[3] is not None:
            t = c("index_select", t, c.indexes(x[3].reshape(-1), cache.shape[0]), axis=0)
        angles.append(c("reshape", t, shape=[n, 1, length, half]))
    cos, sin = angles
    first = c("slice", v, axis=3, first=0, last=turned)
    if a.get("interleaved", 0):
        pairs = c("reshape", first, shape=[n, heads, length, half, 2])
        parts = [c("slice", pairs, axis=4, first=i, last=i + 1) for i in (0, 1)]
        left, right = (c("reshape", part, shape=[n, heads, length, half]) for part in parts)
    else:
        left, right = (c("slice", first, axis=3, first=i * half, last=(i + 1) * half) for i in (0, 1))
    real = c("sub", c("mul", left, cos), c("mul", right, sin))
    imaginary = c("add", c("mul", left, sin), c("mul", right, cos))
    if a.get("interleaved", 0):
        both = [c("reshape", part, shape=[n, heads, length, half, 1]) for part in (real, imaginary)]
        y = c("reshape", c("concat", *both, axis=4), shape=[n, heads, length, turned])
    else:
        y = c("concat", real, imaginary, axis=3)
    if turned < size:
        y = c("concat", y, c("slice", v, axis=3, first=turned, last=size), axis=3)
    if x[0].ndim == 3:
        y = c("reshape", c("permute", y, axes=[0, 2, 1, 3]), shape=list(x[0].shape))
    return y
