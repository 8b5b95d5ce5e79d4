"""Networks that go along a sequence, a step at a time: products, sums and functions of them."""

import numpy as np

from .attention import heads_apart
from .calls import No, rule


class Layer:
    """One direction of a recurrent layer: weights (gates hidden, ...), in equal parts one below another."""

    def __init__(self, c, w, r, b, gates):
        self.c, self.gates, self.hidden = c, gates, r.shape[1]
        biases = np.zeros(2 * gates * self.hidden, w.dtype) if b is None else b
        self.w, self.r = c.floats(w), c.floats(r)
        self.bias = [c.floats(part) for part in np.split(biases, 2)]

    def inputs(self, v):
        return self.c("add", self.c("matmul", v, self.w, transpose_b=True), self.bias[0])

    def states(self, h):
        return self.c("add", self.c("matmul", h, self.r, transpose_b=True), self.bias[1])

    def part(self, v, gate):
        return self.c("slice", v, axis=-1, first=gate * self.hidden, last=(gate + 1) * self.hidden)


def rnn_step(layer, v, state):
    c = layer.c
    return [c("tanh", c("add", layer.inputs(v), layer.states(state[0])))]


def gru_step(layer, v, state):
    """Gates z, r, h; after linear_before_reset=0 the reset is of the state, before its product."""
    c, h = layer.c, state[0]
    from_v, from_h = layer.inputs(v), layer.states(h)
    z, r = (c("sigmoid", c("add", layer.part(from_v, k), layer.part(from_h, k))) for k in (0, 1))
    reset = layer.part(layer.states(c("mul", r, h)), 2)
    new = c("tanh", c("add", layer.part(from_v, 2), reset))
    return [c("add", new, c("mul", z, c("sub", h, new)))]


def lstm_step(layer, v, state):
    """Gates i, o, f, c, of which three see the cell through peepholes."""
    c, (h, cell) = layer.c, state
    sums = c("add", layer.inputs(v), layer.states(h))
    i, o, f, new = (layer.part(sums, k) for k in range(4))

    def gate(v, hole, cell):
        return c("sigmoid", c("add", v, c("mul", layer.holes[hole], cell)) if layer.holes else v)

    kept = c("mul", gate(f, 2, cell), cell)
    cell = c("add", kept, c("mul", gate(i, 0, cell), c("tanh", new)))
    return [c("mul", gate(o, 1, cell), c("tanh", cell)), cell]


def recurrent(step, gates, states):
    def run(c, x, a):
        x = [*x, *[None] * 8]
        if {"activations", "clip", "input_forget", "linear_before_reset"} & set(a):
            raise No("other functions of gates")
        axis = a.get("layout", 0)  # of steps
        steps, batch = x[0].shape[axis], x[0].shape[1 - axis]
        if x[4] is not None and (x[4] != steps).any():
            raise No("sequences of several lengths")
        v, hidden = c.floats(x[0]), x[2].shape[2]
        direction = a.get("direction", b"forward")
        seen, last = [], []
        for d in range(x[1].shape[0]):
            layer = Layer(c, x[1][d], x[2][d], None if x[3] is None else x[3][d], gates)
            layer.holes = [c.floats(p) for p in np.split(x[7][d], 3)] if x[7] is not None else []
            given = [np.zeros((batch, hidden), x[0].dtype) if t is None else t[d] for t in x[5 : 5 + states]]
            state, outputs = [c.floats(t) for t in given], []
            backwards = direction == b"reverse" or d == 1
            for i in reversed(range(steps)) if backwards else range(steps):
                at = c("slice", v, axis=axis, first=i, last=i + 1)
                state = step(layer, c("reshape", at, shape=[batch, x[0].shape[2]]), state)
                outputs.append(c("reshape", state[0], shape=[1, 1, batch, hidden]))
            seen.append(c("concat", *(outputs[::-1] if backwards else outputs), axis=0))
            last.append([c("reshape", t, shape=[1, batch, hidden]) for t in state])
        if c.place == 0:  # (steps, directions, batch, hidden)
            y = c("concat", *seen, axis=1)
            return c("permute", y, axes=[2, 0, 1, 3]) if axis else y
        y = c("concat", *[t[c.place - 1] for t in last], axis=0)
        return c("permute", y, axes=[1, 0, 2]) if axis else y

    return run


rule("RNN")(recurrent(rnn_step, 1, 1))
rule("GRU")(recurrent(gru_step, 3, 1))
rule("LSTM")(recurrent(lstm_step, 4, 2))


@rule("LinearAttention")
def linear_attention(c, x, a):
    """A matrix of (keys, values) for each head, to which every step adds, and which it reads."""
    x = [*x, *[None] * 6]
    heads, key_heads = a["q_num_heads"], a["kv_num_heads"]
    q, (n, _, steps, size) = heads_apart(c, c.floats(x[0]), x[0].shape, heads)
    k, _ = heads_apart(c, c.floats(x[1]), x[1].shape, key_heads)
    v, (_, _, _, width) = heads_apart(c, c.floats(x[2]), x[2].shape, key_heads)
    decay = beta = None
    if x[4] is not None:
        decay, (_, _, _, parts) = heads_apart(c, c.floats(x[4]), x[4].shape, key_heads)
    if x[5] is not None:
        beta, (_, beta_heads, _, _) = heads_apart(c, c.floats(x[5]), x[5].shape, x[5].shape[2])
    state = c.floats(np.zeros((n, key_heads, size, width), np.float32) if x[3] is None else x[3])

    def at(t, i, shape):
        return c("reshape", c("slice", t, axis=2, first=i, last=i + 1), shape=shape)

    seen = []
    for i in range(steps):
        key, value = at(k, i, [n, key_heads, 1, size]), at(v, i, [n, key_heads, 1, width])
        if decay:
            state = c("mul", state, c("exp", at(decay, i, [n, key_heads, parts, 1])))
        if beta:
            value = c("mul", at(beta, i, [n, beta_heads, 1, 1]), c("sub", value, c("matmul", key, state)))
        state = c("add", state, c("matmul", key, value, transpose_a=True))
        query = at(q, i, [n, key_heads, heads // key_heads, size])
        y = c("reshape", c("matmul", query, state), shape=[n, 1, heads * width])
        seen.append(c("scale", y, number=a.get("scale", 0) or size**-0.5))
    return state if c.place else c("concat", *seen, axis=1)
