# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Noise-free long time lags: the 1997 LSTM carries one bit over up to a thousand steps.

S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8):1735-1780, 1997. Experiment 2
(section 5.2, Tables 2 and 3; conditions in Tables 10 and 11).

The first symbol of a sequence, x or y, comes again at its end, after up to a thousand symbols that do not tell which it
was. In an ordinary recurrent net the error there shrinks at every step on its way back; a memory cell is a unit with a
self-connection of weight 1, through which it flows back unchanged (the constant error carousel). Three tasks:

    2a  (k, a_1, ..., a_{p-1}, k), k = x or y. Predict the next symbol at every step.
    2b  the same, but each symbol between is drawn from a_1, ..., a_{p-1}; only the last prediction counts.
    2c  (b, k, q or more symbols drawn from a_1, ..., a_p, e); then say k.

2a and 2b: a net of direct weights from p + 1 inputs to p + 1 outputs; once its error has stopped falling, one memory
cell with an input gate is added. For p = 100 it has 10,504 weights:

    s(t) = s(t-1) + f(w_in x(t)) f(w_c x(t))     y_k(t) = f(W_k x(t) + v_k s(t))     f the logistic function

2c: two blocks of one cell with an input and an output gate; gates and cells see the symbols and each other's last
activations, without any biases, and two output units read the cells, 6 (p + 10) + 4 weights:

    s(t) = s(t-1) + y_in(t) g(net_c(t))      y_c(t) = y_out(t) h(s(t))      g = 4 f - 2, h = 2 f - 1

Learning is gradient descent, one sequence at a time, rate 1 (2a, 2b) or 0.01 (2c), with a truncated gradient: an error
that reaches the net input of a gate or cell goes no further back. Weights start in [-0.2, 0.2]. A trial succeeds when
no output errs by 0.25 (2c: 0.2) or more in 10,000 sequences. The control is a net with ordinary recurrent units.

    python3 noise_free_long_lag.py --seed 0
"""

# --- idiom: interface ---
import argparse
import inspect
import json
import operator
import os
import re
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))  # before numpy
import numpy as np


def option(default, help, low=0, choices=None, counts=True):
    """A Config field: its least value or its choices; counts=False if it changes no result (a path, say)."""
    return field(default=default, metadata={"help": help, "low": low, "choices": choices, "counts": counts})


class Arm(NamedTuple):
    """One condition. run(config, seed) returns (metrics, curves); a metric is a number or a list, one entry per
    replicate, None where the replicate did not get there; a curve is a list of at most 200 points."""
    run: Callable
    config: "Config"


class Claim(NamedTuple):
    """One sentence with a bar: "< x", "<= x", "> x", ">= x", "x..y", or "" for a number that is only reported.

    value(results) computes a number, or (number, half-width of its 95 % interval), from results[arm][metric], an array
    over all replicates with NaN where censored."""
    text: str
    value: Callable
    bar: str
    paper: str                  # the paper's own result, as text
    kind: str                   # paper, exact, control or trial
    source: str                 # where the paper's result or the bar comes from
    n: int = 1                  # replicates needed before the claim is judged
    show: str = "{:.4g}"        # how its value is printed
    substitute: bool = False    # stands in for the headline with a labelled substitute of the paper's method


def watch(snapshots, steps, label=""):
    """Pass the snapshots on, with a progress line of snapshot.step on a terminal."""
    for snapshot in snapshots:
        if sys.stderr.isatty():
            print(f"\r\033[K{label} {snapshot.step:,} of {steps:,}", end="", file=sys.stderr, flush=True)
        yield snapshot


def write_whole(path, write):
    """Call write(part) on a temporary neighbour of path, then rename it: the file appears whole or not at all."""
    part = Path(f"{path}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
# --- end of idiom ---

# --- idiom: checkpoint ---
import zipfile


def save_state(path, cell, state):
    """Write a flat dict of arrays, numbers and Generators to an npz file, whole or not at all, without pickle.

    cell: any text that names the run (config and seed); `load_state` refuses a file of another run.
    """
    rows = {name: json.dumps(value.bit_generator.state) if isinstance(value, np.random.Generator) else value
            for name, value in state.items()}
    def write(part):
        with open(part, "wb") as file:
            np.savez(file, cell=cell, **rows)

    write_whole(path, write)


def load_state(path, cell):
    """Return the dict that `save_state` wrote, or None where there is no file. Raises OSError if it cannot be used."""
    if not Path(path).exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:
            state = dict(file)
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise OSError(f"{path} is not a checkpoint ({error}); delete it to start again") from None
    if str(state.pop("cell", "")) != cell:
        raise OSError(f"{path} belongs to another run; name another file or delete it")
    for name, value in state.items():
        if value.dtype.kind == "U":
            state[name] = np.random.default_rng()
            state[name].bit_generator.state = json.loads(str(value))
    return state
# --- end of idiom ---


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    task: str = option("2a", "sub-experiment", choices=("2a", "2b", "2c"))
    p: int = option(100, "2a, 2b: steps of a sequence; 2c: number of distractor symbols", low=2)
    q: int = option(100, "2c: least number of distractors; the minimal time lag is q + 1", low=1)
    scored: str = option("every", "2a, 2b: steps at which there is an error to learn from", choices=("every", "end"))
    alone: int = option(0, "2a, 2b: sequences before the memory cell is added to the direct net")
    shift: float = option(0.0, "subtracted from the input gates' first weights (in 2c, 1 more for the second gate)")
    rule: str = option("sgd", "plain gradient descent or Adam", choices=("sgd", "adam"))
    rate: float = option(1.0, "learning rate alpha")
    self_weight: float = option(1.0, "2c: weight of the cells' self-connection; 1 is the constant error carousel")
    units: int = option(1, "hidden units of the ordinary net", low=1)
    trials: int = option(18, "independent trials, run in lanes", low=1)
    sequences: int = option(100_000, "training sequences after which a trial is given up", low=25)


# ---------------------------------------------------------------- Problem
# Symbols are numbers. 2a, 2b: x = 0, y = 1, a_1 = 2, ..., a_{p-1} = p. 2c: x = 0, y = 1, e = 2, b = 3, a_1 = 4, ...
# The first two are the classes.
LIMITS = {"2a": 0.25, "2b": 0.25, "2c": 0.2}                                      # of the error of every output


class Batch(NamedTuple):
    """`count` sequences for each lane, left-aligned."""
    symbols: np.ndarray         # what the net sees        (count, steps, lanes)
    lengths: np.ndarray         # steps of each sequence   (count, lanes)


def make_batch(config, generators, count):
    """Draw `count` sequences from each lane's generator (section 5.2); the targets follow from the symbols.

    2a: (k, a_1, ..., a_{p-1}, k) with k = x or y; the net sees all but the last and predicts the next at every step.
    2b: the same, each symbol between the two k drawn from a_1, ..., a_{p-1}.
    2c: b, k, q distractors from a_1, ..., a_p, then another with probability 9/10 or e with 1/10, until e; then
    the net has to say k.
    """
    p, q, lanes = config.p, config.q, len(generators)
    if config.task == "2a":
        symbols = np.empty((count, p, lanes), int)
        symbols[:, 0] = np.transpose([g.integers(2, size=count) for g in generators])
        symbols[:, 1:] = np.arange(2, p + 1)[:, None]
        return Batch(symbols, np.full((count, lanes), p))
    if config.task == "2b":
        drawn = [(g.integers(2, size=(count, 1)), g.integers(2, p + 1, (count, p - 1))) for g in generators]
        return Batch(np.stack([np.hstack(pair) for pair in drawn], 2), np.full((count, lanes), p))
    lengths = np.array([q + 2 + g.geometric(0.1, count) for g in generators])     # b, k, and e ends the last ones
    symbols = np.zeros((count, lengths.max(), lanes), int)
    symbols[:, 0] = 3
    for lane, g in enumerate(generators):
        steps = lengths[lane].max()
        symbols[:, 1, lane] = g.integers(2, size=count)
        symbols[:, 2:steps, lane] = g.integers(4, p + 4, (count, steps - 2))
        symbols[np.arange(count), lengths[lane] - 1, lane] = 2
    return Batch(symbols, lengths.T)


# ---------------------------------------------------------------- Model
# Time first, units next, lanes last. A lane is one sequence of one trial; each trial has its own weights. The error of
# a pass is the largest that the criterion of the task counts, of any output unit at any step that matters.
HALF = np.float32(0.5)


class Pass(NamedTuple):
    """What a forward pass leaves for the backward pass."""
    error: np.ndarray           # largest |y - target|     (lanes,)
    y: np.ndarray               # activations of the outputs
    wrong: np.ndarray           # y - target, like y
    symbols: np.ndarray         # (steps, lanes)
    rest: tuple                 # of the net


class Net(NamedTuple):
    """An architecture: its functions. desk(config, steps, lanes) makes the arrays that forward can use again."""
    init: Callable
    desk: Callable
    forward: Callable
    backward: Callable


def f(z):
    """Return the logistic function of z."""
    return HALF + HALF * np.tanh(HALF * z)


def spread(weights, lanes):
    """Give every lane the weights of its trial: (..., trials) to (..., lanes)."""
    return weights if weights.shape[-1] == lanes else np.repeat(weights, lanes // weights.shape[-1], -1)


def uniform(generators, *shape):
    """Draw weights from [-0.2, 0.2], (*shape, trials); in memory the weights of a trial are one piece."""
    return np.moveaxis(np.array([g.uniform(-0.2, 0.2, shape) for g in generators], np.float32), 0, -1)


def by_symbol(values, symbols, count):
    """Add up values (steps, units, lanes) by the symbol (steps, lanes) of their step: (count, units, lanes)."""
    _, units, lanes = values.shape
    places = symbols[:, None] * (units * lanes) + np.arange(units * lanes).reshape(units, lanes)
    return np.bincount(places.ravel(), values.ravel(), count * units * lanes).reshape(count, units, lanes)


# 2a and 2b. Both nets have direct weights D and a memory m, one cell or ordinary units: y_k = f(D[symbol, k] + V m).
# Here the lanes come first in memory, and m and y have them first, so that a row of outputs is one piece.
def predict(params, symbols, m, rest, config):
    """Return the Pass, y (lanes, scored steps, p + 1), of the output units for the memory m (lanes, steps, units)."""
    count, outputs, trials = params["D"].shape
    lane = np.arange(symbols.shape[1])
    scored = len(symbols) if config.scored == "every" else 1
    rows = (symbols[-scored:] + count * (lane * trials // len(lane))).T
    y = params["D"].transpose(2, 0, 1).reshape(-1, outputs)[rows]
    y += np.einsum("nth,hkn->ntk", m[:, -scored:], spread(params["V"], len(lane)))
    y = f(y)
    wrong = y.copy()
    wrong[lane[:, None], np.arange(scored), np.vstack([symbols[1:], symbols[:1]])[-scored:].T] -= 1
    judged = wrong if config.task == "2a" else wrong[:, -1:]
    return Pass(abs(judged).max((1, 2)), y, wrong, symbols, (rows, m, *rest))


def predict_backward(params, done, config):
    """Return the gradient of the squared error / 2 by D and V, and that by m (steps, units, lanes)."""
    y, wrong, symbols, (rows, m, *_) = done[1:]
    scored = y.shape[1]
    d_net = wrong * (y - y * y)
    V = params["V"].transpose(2, 0, 1)
    count, outputs, trials = params["D"].shape
    d_D = np.zeros((trials, count, outputs), y.dtype)
    by_row = d_D.reshape(-1, outputs)
    if config.task == "2a":                                                       # no symbol comes twice
        by_row[rows] = d_net
    else:
        for t in range(scored):
            by_row[rows[:, t]] += d_net[:, t]
    d_m = np.zeros((*m.shape[1:], len(m)), y.dtype)
    d_m[-scored:] = (d_net @ V.swapaxes(1, 2)).transpose(1, 2, 0)
    d_V = m[:, -scored:].swapaxes(1, 2) @ d_net
    return {"D": d_D.transpose(1, 2, 0), "V": d_V.transpose(1, 2, 0)}, d_m


def one_cell_init(config, generators):
    """Return D (symbols, outputs), V (1, outputs), and the weights of the cell, w_c, and its input gate, w_in
    (symbols, 1), each with the trials last: 10,504 weights for p = 100."""
    n = config.p + 1
    return {"D": uniform(generators, n, n), "V": uniform(generators, 1, n), "w_c": uniform(generators, n, 1),
            "w_in": uniform(generators, n, 1) - np.float32(config.shift)}


def one_cell_forward(params, desk, symbols, lengths, config):
    """One cell with an input gate, s(t) = s(t-1) + f(w_in x) f(w_c x); h is the identity. symbols: (steps, lanes)."""
    lane = np.arange(len(lengths)) * params["D"].shape[-1] // len(lengths)
    y_in, g = (f(params[name][symbols, 0, lane]) for name in ("w_in", "w_c"))     # (steps, lanes)
    s = np.cumsum(y_in * g, 0)
    return predict(params, symbols, s.T[:, :, None], (y_in, g), config)


def one_cell_backward(params, done, config):
    """Return the gradient, a dict like params. An error of the state is carried back unchanged: no loop is needed."""
    grads, d_m = predict_backward(params, done, config)
    y_in, g = done.rest[2:]
    e_s = np.cumsum(d_m[::-1, 0], 0)[::-1]
    count = len(params["D"])
    grads["w_in"] = by_symbol((e_s * g * y_in * (1 - y_in))[:, None], done.symbols, count)
    grads["w_c"] = by_symbol((e_s * y_in * g * (1 - g))[:, None], done.symbols, count)
    return grads


def ordinary_init(config, generators):
    """Return D and V as above, W (symbols, units) and R (units, units) of the recurrent units, with the trials last:
    (p + 2)^2 weights for one unit."""
    n, units = config.p + 1, config.units
    return {"D": uniform(generators, n, n), "V": uniform(generators, units, n),
            "W": uniform(generators, n, units), "R": uniform(generators, units, units)}


def ordinary_forward(params, desk, symbols, lengths, config):
    """Recurrent logistic units, h(t) = f(W x + R h(t-1)). symbols: (steps, lanes)."""
    lane = np.arange(len(lengths)) * params["D"].shape[-1] // len(lengths)
    R = spread(params["R"], len(lane))
    h = params["W"][symbols[:, None], np.arange(config.units)[:, None], lane]     # (steps, units, lanes)
    for t in range(len(h)):
        h[t] = f(h[t] + np.einsum("hgn,hn->gn", R, h[t - 1]) if t else h[t])
    return predict(params, symbols, h.transpose(2, 0, 1), (h,), config)


def ordinary_backward(params, done, config):
    """Return the gradient, a dict like params: exact, as real-time recurrent learning computes it going forwards."""
    grads, d_h = predict_backward(params, done, config)
    h, = done.rest[2:]
    D, slope = np.empty_like(h), h * (1 - h)
    back = 0
    for t in range(len(h) - 1, -1, -1):
        D[t] = (d_h[t] + back) * slope[t]
        back = np.einsum("hgn,gn->hn", params["R"], D[t])
    grads["W"] = by_symbol(D, done.symbols, len(params["D"]))
    grads["R"] = np.einsum("thn,tgn->hgn", h[:-1], D[1:])
    return grads


# 2c. All that step t reads lies in one row, U[t] = (tanh of the cells | y_in(t-1) | y_out(t-1) | y_c(t-1)) at 0:2, 2:4,
# 4:6 and 6:8, from 2 on; it writes the next row. A step is one product, one tanh for all gates and cells, no copy:
# f(z) = (1 + tanh(z/2)) / 2, g(z) = 4 f(z) - 2 = 2 tanh(z/2), h(s) = 2 f(s) - 1 = tanh(s/2), with s/2 kept for s.
# The product is a stack of small ones, one for each lane, for which matmul wants the lanes first.
class Desk(NamedTuple):
    """What a forward pass writes on, and a tuple of views for each step, made once."""
    Z: np.ndarray               # the input's part of the net inputs / 2   (steps, 6, lanes)
    U: np.ndarray               # see above                                (steps + 1, 8, lanes)
    S: np.ndarray               # s(t-1) / 2                               (steps + 1, 2, lanes)
    H: np.ndarray               # h(s(t))                                  (steps, 2, lanes)
    steps: list


def two_blocks_desk(config, longest, lanes, dtype=np.float32):
    """Return an empty Desk; the states and activations of step 0 are 0 and stay so."""
    Z, U, S, H = (np.zeros((rows, units, lanes), dtype) for rows, units in
                  ((longest, 6), (longest + 1, 8), (longest + 1, 2), (longest, 2)))
    steps = [(U[t, 2:].T[..., None], new[:6].T[..., None], Z[t], new[:6], new[2:6], new[2:4], new[:2], S[t], S[t + 1],
              H[t], new[4:6], new[6:]) for t, new in enumerate(U[1:])]
    return Desk(Z, U, S, H, steps)


def two_blocks_init(config, generators):
    """Return W (p + 4 symbols, 6) and R (6, 6), from the symbols and from (y_in, y_out, y_c) to (cells, input gates,
    output gates), and V (cells, outputs), with the trials last: 6 (p + 10) + 4 weights, no biases.

    Just one symbol is there at a time, so that a shift of an input gate's weights from all symbols acts as a bias.
    """
    params = {"W": uniform(generators, config.p + 4, 6), "R": uniform(generators, 6, 6), "V": uniform(generators, 2, 2)}
    if config.shift:
        params["W"][:, 2:4] -= [[config.shift], [config.shift + 1]]
    return {name: np.ascontiguousarray(w) for name, w in params.items()}


def two_blocks_forward(params, desk, symbols, lengths, config):
    """Two blocks of one cell with an input and an output gate; the gates and cells see each other's last activations.

    symbols: (steps, lanes). lengths: (lanes,). The lanes are a multiple of the trials in params.
    """
    matmul, tanh, multiply, add, end, lanes = np.matmul, np.tanh, np.multiply, np.add, lengths.max(), len(lengths)
    trial = np.arange(lanes) * params["W"].shape[-1] // lanes
    leak = None if config.self_weight == 1 else np.float32(config.self_weight)
    half = np.array(HALF)                                                         # an array: quicker than a scalar
    R = np.ascontiguousarray(spread(HALF * params["R"], lanes).T)                 # halved, as tanh(z/2) asks
    multiply(params["W"][symbols[:end, None], np.arange(6)[:, None], trial], HALF, desk.Z[:end])
    for u, net, z_x, z, gates, y_in, a, s_old, s, h, y_out, y_c in desk.steps[:end]:
        matmul(R, u, net)
        add(z, z_x, z)
        tanh(z, z)
        multiply(gates, half, gates)
        add(gates, half, gates)
        multiply(y_in, a, s)
        add(s, s_old if leak is None else leak * s_old, s)
        tanh(s, h)
        multiply(y_out, h, y_c)
    y_c = desk.U[lengths, 6:, np.arange(lanes)].T
    y = f((spread(params["V"], lanes) * y_c[:, None]).sum(0))                     # (outputs, lanes)
    wrong = y - (symbols[1] == np.arange(2)[:, None])
    return Pass(abs(wrong).max(0), y, wrong, symbols, (desk, lengths, y_c))


def two_blocks_backward(params, done, config):
    """Return the truncated gradient of the squared error / 2, a dict like params (appendix A.1).

    The error enters at the last step. It leaves a state only backwards, through the cell's self-connection, so that e_s
    is the same at all earlier steps and no backward loop is needed; errors that reach a gate's or a cell's net input
    go no further. Because S is s/2, e_s here is the derivative by s/2.
    """
    desk, lengths, y_c = done.rest
    d_net = done.wrong * done.y * (1 - done.y)
    epsilon = (params["V"] * d_net).sum(1)
    end, lane = lengths.max(), np.arange(len(lengths))
    a, y_in = desk.U[1:end + 1, :2], desk.U[1:end + 1, 2:4]
    h, y_out = desk.H[lengths - 1, :, lane].T, desk.U[lengths, 4:6, lane].T
    ago = lengths - 1 - np.arange(end)[:, None]                                   # steps until the last (time, lanes)
    carried = (ago >= 0) * np.float32(config.self_weight)**np.maximum(ago, 0)
    e_s = carried[:, None].astype(h.dtype) * (y_out * (1 - h * h) * epsilon)
    D = np.zeros((end, 6, len(lengths)), h.dtype)
    D[:, :2] = e_s * y_in * (HALF - HALF * a * a)
    D[:, 2:4] = e_s * a * y_in * (1 - y_in)
    D[lengths - 1, 4:, lane] = (y_out * (1 - y_out) * h * epsilon).T
    d_R = np.matmul(desk.U[:end, 2:].transpose(2, 1, 0), D.transpose(2, 0, 1)).transpose(1, 2, 0)
    return {"W": by_symbol(D, done.symbols[:end], len(params["W"])).astype(h.dtype), "R": d_R,
            "V": y_c[:, None] * d_net}


def no_desk(config, longest, lanes, dtype=np.float32):
    """The nets of 2a and 2b need none."""


ONE_CELL = Net(one_cell_init, no_desk, one_cell_forward, one_cell_backward)
ORDINARY = Net(ordinary_init, no_desk, ordinary_forward, ordinary_backward)
TWO_BLOCKS = Net(two_blocks_init, two_blocks_desk, two_blocks_forward, two_blocks_backward)


# ---------------------------------------------------------------- Learning
# --- idiom: adam ---
def adam_state(params):
    """Return Adam's moments for a dict of arrays: name -> (mean, mean square), all zero."""
    return {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in params.items()}


def adam(params, grads, state, step, rate, beta1=0.9, beta2=0.999, eps=1e-8):
    """Take Adam step number `step` (from 1) in place on a dict of arrays. Kingma and Ba 2015, algorithm 1."""
    for name, g in grads.items():
        m, v = state[name]
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        params[name] -= rate * (m / (1 - beta1**step)) / (np.sqrt(v / (1 - beta2**step)) + eps)
# --- end of idiom ---


BLOCK = 25                                                                        # weight changes between snapshots
PATIENCE = 100                                                                    # right answers before a test
SAVE_SECONDS = 120                                                                # between checkpoints


class Snapshot(NamedTuple):
    """The state before training and after each block of updates."""
    step: int                   # sequences seen by each trial
    params: dict                # the live weights
    history: list               # mean error of each block so far, each (trials,)
    stopped: np.ndarray         # sequences until the trial stopped, NaN before     (trials,)


def streams(config, seed):
    """Return three lists of generators, one for each trial: for its weights, its training data and its test data."""
    roots = (np.random.SeedSequence([seed, trial]).spawn(3) for trial in range(config.trials))
    return [list(map(np.random.default_rng, children)) for children in zip(*roots)]


def passes(net, params, config, generator, count=10_000, chunk=250):
    """Whether a net of one trial keeps below the limit on `count` fresh sequences, `chunk` at a time.

    In 2a there are just two sequences, and both are tried.
    """
    config = replace(config, scored="every" if config.task == "2a" else "end")
    if config.task == "2a":
        symbols = np.repeat(make_batch(config, [generator], 1).symbols[0], 2, 1)
        symbols[0] = 0, 1
        return net.forward(params, None, symbols, np.full(2, config.p), config).error.max() < LIMITS["2a"]
    for _ in range(count // chunk):
        symbols, lengths = (part[..., 0].T for part in make_batch(config, [generator], chunk))
        desk = net.desk(config, len(symbols), chunk)
        if not net.forward(params, desk, symbols, lengths, config).error.max() < LIMITS[config.task]:
            return False
    return True


def train(config, seed, net, checkpoint=None):
    """Train the trials of one seed in lanes until all have stopped or the budget is spent; yield Snapshots.

    One sequence, one weight change. After each block, a trial whose last 100 sequences were right is tested with its
    weights held; if it passes, it stops. In 2a and 2b the memory is without effect for the first `alone` sequences.
    checkpoint: npz file to go on from and to keep up to date.
    """
    weights, data, test = streams(config, seed)
    params, step, history, desk = net.init(config, weights), 0, [], None
    state, dtype = adam_state(params), params["V"].dtype
    streak, stopped = np.zeros(config.trials), np.full(config.trials, np.nan)
    late = params["V"].copy()
    if config.alone:
        params["V"][...] = 0
    cell, saved = f"{config} seed {seed}", time.monotonic()
    if checkpoint and (kept := load_state(checkpoint, cell)):
        step, history, streak, stopped = int(kept["step"]), list(kept["history"]), kept["streak"], kept["stopped"]
        data, test = ([kept[f"{name}{i}"] for i in range(config.trials)] for name in ("data", "test"))
        for name in params:
            for array, copy in zip((params[name], *state[name]), (kept[name], kept[f"m_{name}"], kept[f"v_{name}"])):
                array[...] = copy                                                 # keeps the layout in memory
    yield Snapshot(step, params, history, stopped)
    while step < config.sequences and np.isnan(stopped).any():
        errors = []
        batch = make_batch(config, data, BLOCK)
        if desk is None or batch.symbols.shape[1] > len(desk.H):
            desk = net.desk(config, batch.symbols.shape[1] + 50, config.trials)
        for symbols, lengths in zip(*batch):
            if step == config.alone > 0:
                params["V"][...] = late
                state = adam_state(params)
            done = net.forward(params, desk, symbols, lengths, config)
            grads = net.backward(params, done, config)
            step += 1
            errors.append(done.error)
            streak = (streak + 1) * (done.error < LIMITS[config.task])
            rate = config.rate * np.isnan(stopped).astype(dtype)
            if step <= config.alone:
                grads = {"D": grads["D"]}
            if config.rule == "adam":
                adam(params, grads, state, step - config.alone * (step > config.alone), rate)
            else:
                for name, grad in grads.items():
                    params[name] -= rate * grad
        for trial in np.flatnonzero((streak >= PATIENCE) & np.isnan(stopped)):
            if passes(net, {name: w[..., [trial]] for name, w in params.items()}, config, test[trial]):
                stopped[trial] = step
            streak[trial] = 0
        history.append(np.mean(errors, 0))
        if checkpoint and time.monotonic() - saved >= SAVE_SECONDS:
            moments = {f"{kind}_{n}": x for n, pair in state.items() for kind, x in zip("mv", pair)}
            generators = {f"{n}{i}": g for n, row in (("data", data), ("test", test)) for i, g in enumerate(row)}
            save_state(checkpoint, cell, dict(step=step, history=history, streak=streak, stopped=stopped, **params,
                                              **moments, **generators))
            saved = time.monotonic()
        yield Snapshot(step, params, history, stopped)


# ---------------------------------------------------------------- Experiment
def run(config, seed, net, tasks, checkpoint=None):
    """Train the trials of one seed. Returns metrics, an entry for each trial: sequences until it stopped; solved,
    whether it did; error, the mean largest error of its last block; and curves of that error over training. Raises
    OSError for a task that the net is not made for, and where nothing could be alone."""
    if config.task not in tasks or (config.alone and config.task == "2c"):
        raise OSError(f"this arm's net is made for {' and '.join(tasks)}, and --alone for 2a and 2b")
    *_, last = watch(train(config, seed, net, checkpoint), config.sequences, f"task {config.task}, sequence")
    points = np.array([part.mean(0) for part in np.array_split(last.history, min(100, len(last.history)))])
    return ({"sequences": last.stopped, "solved": ~np.isnan(last.stopped) * 1, "error": last.history[-1]},
            {"seen": np.linspace(0, last.step, len(points) + 1)[1:], "error_median": np.median(points, 1),
             "error_least": points.min(1), "error_most": points.max(1)})


def one_cell(config, seed, checkpoint=None):
    """2a and 2b: direct weights, one memory cell, one input gate."""
    return run(config, seed, ONE_CELL, ("2a", "2b"), checkpoint)


def ordinary(config, seed, checkpoint=None):
    """2a: direct weights and ordinary recurrent units."""
    return run(config, seed, ORDINARY, ("2a", "2b"), checkpoint)


def two_blocks(config, seed, checkpoint=None):
    """2c: two blocks of one cell with an input and an output gate."""
    return run(config, seed, TWO_BLOCKS, ("2c",), checkpoint)


TABLE_2 = {"2a": 5040, "2b": 5680}                                                # mean sequences of 18 trials
TABLE_3 = {(50, 50): 30_000, (100, 100): 31_000, (200, 200): 33_000, (500, 500): 38_000, (1000, 1000): 49_000,
           (1000, 500): 49_000, (1000, 200): 75_000, (1000, 100): 135_000, (1000, 50): 203_000}    # (q, p): of 20
RATES = (1, 4, 10)                                                                # tried for the ordinary net

LITERAL = Config(alone=5000, sequences=2_000_000)
ADAM = Config(rule="adam", rate=0.1, alone=200, shift=6.0, sequences=20_000)
BLOCKS = Config(task="2c", rate=0.01, trials=20)
BLOCKS_ADAM = replace(BLOCKS, rule="adam", shift=6.0, sequences=20_000)
LONGEST = replace(BLOCKS_ADAM, q=1000, p=1000)
ARMS = {
    "2a": Arm(one_cell, LITERAL),
    "2b": Arm(one_cell, replace(LITERAL, task="2b", sequences=100_000)),
    "2b-end": Arm(one_cell, replace(LITERAL, task="2b", scored="end", sequences=500_000)),
    **{f"2c-{q}-{p}": Arm(two_blocks, replace(BLOCKS, q=q, p=p, sequences=(5 if q <= 200 else 2) * n))
       for (q, p), n in TABLE_3.items()},
    "2a-adam": Arm(one_cell, ADAM),
    "2b-end-adam": Arm(one_cell, replace(ADAM, task="2b", scored="end", trials=6)),
    "2b-adam": Arm(one_cell, replace(ADAM, task="2b")),
    "2c-adam-1000-1000": Arm(two_blocks, replace(LONGEST, trials=2)),
    **{f"2c-adam-{q}-{p}": Arm(two_blocks, replace(BLOCKS_ADAM, q=q, p=p)) for q, p in TABLE_3 if p < 1000},
    "2c-closed-50-50": Arm(two_blocks, replace(BLOCKS, q=50, p=50, rate=1.0, shift=4.0, sequences=60_000)),
    "2c-closed-1000-1000": Arm(two_blocks, replace(BLOCKS, q=1000, p=1000, rate=1.0, shift=4.0, sequences=20_000)),
    "2c-leak-1000-1000": Arm(two_blocks, replace(LONGEST, self_weight=0.99, trials=10, sequences=5000)),
    **{f"rtrl-{p}-{rate}": Arm(ordinary, Config(p=p, rate=float(rate), sequences=n))
       for p, n in ((4, 5_000_000), (10, 1_000_000), (100, 50_000)) for rate in RATES},
    "rtrl-10": Arm(ordinary, Config(p=10, sequences=20_000)),
    "bptt-16-10": Arm(ordinary, Config(p=10, units=16, rule="adam", rate=0.01, sequences=20_000)),
    "bptt-16-100": Arm(ordinary, Config(p=100, units=16, rule="adam", rate=0.01, trials=10, sequences=20_000)),
    "quick-2a": Arm(one_cell, replace(ADAM, p=5, alone=50, trials=2, sequences=500)),
    "quick-2b": Arm(one_cell, replace(ADAM, task="2b", p=5, scored="end", alone=50, trials=2, sequences=100)),
    "quick-2c": Arm(two_blocks, replace(BLOCKS_ADAM, q=10, p=5, trials=2, sequences=500)),
    "quick-rtrl": Arm(ordinary, Config(p=4, trials=2, sequences=100)),
}
PRESETS = {
    "quick": tuple(name for name in ARMS if name.startswith("quick")),
    "default": ("2a-adam", "2b-end-adam", "2c-adam-1000-1000", "rtrl-10"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}


def mean_there(values):
    """Return the mean over the trials that succeeded, NaN if none did."""
    return values[~np.isnan(values)].mean() if not np.isnan(values).all() else np.nan


def solved(name, arm, trials, source, bar=">= 1", **more):
    """The claim that all trials of an arm succeed."""
    return Claim(f"{name}: trials that succeed", lambda r: r[arm]["solved"].mean(), bar, f"{trials} of {trials}",
                 "paper", source, n=trials, show="{:.0%}", **more)


def literal(name, arm, n, trials, source):
    """The claims about the net, the rule and the rate of 1997."""
    return (solved(f"{name}, 1997 net and rate", arm, trials, source),
            Claim(f"{name}, 1997 net and rate: sequences until then (mean of those trials)",
                  lambda r: mean_there(r[arm]["sequences"]), "", f"{n:,}", "paper", source, n=trials, show="{:,.0f}"))


def substitute(name, arm, n, limit, trials, source):
    """The claims about closed gates and Adam; the second is missed if a trial does not succeed."""
    return (solved(name, arm, trials, source, substitute=True),
            Claim(f"{name}: sequences until then (mean)", lambda r: r[arm]["sequences"].mean(), f"<= {limit}", f"{n:,}",
                  "trial", f"{source}; the bar is ours", n=trials, show="{:,.0f}", substitute=True))


def distractor_rate(kind, **more):
    """The claim that frequent distractors slow learning down, for an optimiser."""
    return Claim(f"2c, {kind}: sequences for q = 1000, p = 50 / for p = 1000",
                 lambda r, arm=f"2c-{'adam-' * ('Adam' in kind)}1000-": mean_there(r[f"{arm}50"]["sequences"])
                 / mean_there(r[f"{arm}1000"]["sequences"]), "", "4.1", "paper", "Table 3", n=20, **more)


EFFORT = {"sequences": "sequences"}
CLAIMS = (
    *literal("2a, p = 100", "2a", TABLE_2["2a"], 18, "Table 2"),
    *literal("2b, p = 100", "2b", TABLE_2["2b"], 18, "section 5.2"),
    *(claim for (q, p), n in TABLE_3.items() for claim in literal(
        f"2c, q = {q}, p = {p}", f"2c-{q}-{p}", n, 20, "Table 3")),
    distractor_rate("1997 net and rate"),
    *substitute("2a, p = 100, closed gate, Adam", "2a-adam", TABLE_2["2a"], 5040, 18, "Table 2"),
    *substitute("2b, p = 100, error at the end only, closed gate, Adam", "2b-end-adam", TABLE_2["2b"], 5680, 18,
                "section 5.2"),
    *(claim for (q, p), n in TABLE_3.items() for claim in substitute(
        f"2c, q = {q}, p = {p}, closed gates, Adam", f"2c-adam-{q}-{p}", n, 5000, 20, "Table 3")),
    Claim("2c, closed gates, Adam: sequences for q = p = 1000 / for q = p = 50",
          lambda r: r["2c-adam-1000-1000"]["sequences"].mean() / r["2c-adam-50-50"]["sequences"].mean(), "<= 2", "1.6",
          "trial", "Table 3; the bar is ours", n=20, substitute=True),
    distractor_rate("closed gates, Adam", substitute=True),
    Claim("2b, error at the end only, 1997 net and rate: trials that succeed", lambda r: r["2b-end"]["solved"].mean(),
          "", "not run", "control", "where the error enters", n=18, show="{:.0%}"),
    Claim("2b, error at every step, closed gate, Adam: trials that succeed", lambda r: r["2b-adam"]["solved"].mean(),
          "", "18 of 18", "paper", "section 5.2", n=18, show="{:.0%}"),
    *(Claim(f"2c, q = p = {q}, closed gates, plain descent: trials that succeed",
            lambda r, arm=f"2c-closed-{q}-{q}": r[arm]["solved"].mean(), "", "not run", "control", "what Adam adds",
            n=20, show="{:.0%}") for q in (50, 1000)),
    Claim("2c, q = p = 1000, self-weight 0.99 instead of 1: trials that fail",
          lambda r: 1 - r["2c-leak-1000-1000"]["solved"].mean(), ">= 0.8", "not run", "control", "no error carousel",
          n=10, show="{:.0%}"),
    Claim("RTRL, p = 4, best of three rates: trials that succeed",
          lambda r: max(r[f"rtrl-4-{rate}"]["solved"].mean() for rate in RATES), ">= 0.5", "78 %", "trial",
          "Table 2; the bar is ours", n=18, show="{:.0%}"),
    *(claim for rate, share, n in zip(RATES, ("78 %", "56 %", "22 %"), (1_043_000, 892_000, 254_000)) for claim in (
        Claim(f"RTRL, p = 4, rate {rate}: trials that succeed", lambda r, arm=f"rtrl-4-{rate}": r[arm]["solved"].mean(),
              "", share, "paper", "Table 2", n=18, show="{:.0%}"),
        Claim(f"RTRL, p = 4, rate {rate}: sequences until then (mean of those trials)",
              lambda r, arm=f"rtrl-4-{rate}": mean_there(r[arm]["sequences"]), "", f"{n:,}", "paper", "Table 2", n=18,
              show="{:,.0f}"))),
    *(Claim(f"RTRL or BPTT, p = {p}, the three rates: trials that succeed",
            lambda r, p=p: max(r[f"rtrl-{p}-{rate}"]["solved"].mean() for rate in RATES), "<= 0", "0 %", "paper",
            "Table 2", n=18, show="{:.0%}") for p in (10, 100)),
    Claim("RTRL, p = 10, rate 1, 20,000 sequences: trials that succeed", lambda r: r["rtrl-10"]["solved"].mean(),
          "<= 0", "0 %", "paper", "Table 2", n=18, show="{:.0%}"),
    *(Claim(f"BPTT with Adam, 16 units, p = {p}: trials that succeed",
            lambda r, arm=f"bptt-16-{p}": r[arm]["solved"].mean(), "", "not run", "control", "a larger ordinary net",
            n=10, show="{:.0%}") for p in (10, 100)),
)


# ---------------------------------------------------------------- Command line
# --- idiom: claims ---
class Counted(dict):
    """The metrics of one arm; notes in `sizes` how many replicates were read."""
    def __init__(self, metrics, sizes):
        super().__init__(metrics)
        self.sizes = sizes

    def __getitem__(self, name):
        self.sizes.append(len(super().__getitem__(name)))
        return super().__getitem__(name)


def pool(record):
    """Join arm -> seed -> cell to arm -> metric -> array over replicates, NaN = censored (a curve: list over seeds)."""
    results = {}
    for arm, seeds in record.items():
        cells = [seeds[seed] for seed in sorted(seeds, key=int)]
        results[arm] = {name: [cell["curves"][name] for cell in cells] for name in cells[0]["curves"]}
        for name in cells[0]["metrics"]:
            results[arm][name] = np.concatenate([np.array(cell["metrics"][name], float, ndmin=1) for cell in cells])
    return results


def judge(claim, results):
    """Return value, half-width or None, met (None: no bar) and replicates. KeyError: an arm it reads has not run."""
    sizes = []
    value = claim.value({arm: Counted(metrics, sizes) for arm, metrics in results.items()})
    value, half = value if isinstance(value, tuple) else (value, None)
    met = None
    if ".." in claim.bar:
        low, high = map(float, claim.bar.split(".."))
        met = bool(low <= value <= high)
    elif claim.bar:
        sign, limit = claim.bar.split()
        compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[sign]
        met = bool(compare(value, float(limit)))
    return float(value), half, met, min(sizes)


def value_text(claim, value, half):
    """Return the value as it is shown; NaN means that some or all replicates never got there."""
    if value != value:
        return "never"
    return claim.show.format(value) + (" ± " + claim.show.format(half) if half is not None and half == half else "")


def bar_text(claim):
    """Return the bar as it is shown: in per cent where the value is."""
    if not claim.show.endswith("%}"):
        return claim.bar
    return re.sub(r"\d+(\.\d+)?", lambda number: f"{100 * float(number[0]):g}%", claim.bar)


def paired(*arrays):
    """Return the arrays cut to the shortest: replicates of the same seeds, where one arm has more of them recorded."""
    return [array[:min(map(len, arrays))] for array in arrays]
# --- end of idiom ---


# --- idiom: main ---
def plain(value):
    """Return value with numpy's types turned into Python's and NaN into None."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if value != value else value


def run_cell(arm, seed, *checkpoint):
    """Run one arm on one seed; return its cell of results.json (seconds are CPU seconds)."""
    start = time.process_time()
    metrics, curves = arm.run(arm.config, seed, *checkpoint)
    config = {f.name: getattr(arm.config, f.name) for f in fields(Config) if f.metadata["counts"]}
    return {"metrics": plain(metrics), "curves": plain(curves), "config": config,
            "seconds": round(time.process_time() - start, 2)}


def complain(message, status=2):
    """Print one line to stderr; return the exit status."""
    print(f"{Path(__file__).stem}: {message}", file=sys.stderr)
    return status


def boolean(text):
    return bool(("false", "true").index(text))


def parse(argv):
    """Return the options, the arms to run (name -> Arm), and whether the bars apply: no setting was changed."""
    long = [name for name, arm in ARMS.items() if "checkpoint" in inspect.signature(arm.run).parameters]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.error = lambda message: sys.exit(complain(message))
    add = parser.add_argument
    add("--seed", type=int, default=0, help="the first seed")
    add("--seeds", type=int, default=1, metavar="N", help="run N consecutive seeds")
    add("--preset", choices=PRESETS, default="default", help="a group of arms")
    add("--arm", choices=ARMS, action="append", metavar="NAME", help="one arm (repeatable; see --list)")
    add("--json", type=Path, metavar="FILE", help="write the record of this run")
    add("--list", action="store_true", help="list arms, presets and claims")
    add("--checkpoint", type=Path, metavar="FILE", help="resume from and save to FILE" if long else argparse.SUPPRESS)
    for f in fields(Config):
        add(f"--{f.name.replace('_', '-')}", dest=f"set {f.name}", metavar="VALUE", choices=f.metadata["choices"],
            type=boolean if isinstance(f.default, bool) else type(f.default),
            help=f"{f.metadata['help']} (default {f.default} or the arm's own)".replace("%", "%%"))
    args = parser.parse_args(argv)
    changed = {f: vars(args)[f"set {f.name}"] for f in fields(Config) if vars(args)[f"set {f.name}"] is not None}
    for f, value in changed.items():
        if not isinstance(value, str) and not value >= f.metadata["low"]:
            parser.error(f"--{f.name.replace('_', '-')} must be at least {f.metadata['low']}")
    names = args.arm or PRESETS[args.preset]
    if args.seed < 0 or args.seeds < 1:
        parser.error("--seed counts from 0 and --seeds from 1")
    if args.json and not args.json.resolve().parent.is_dir():
        parser.error(f"--json: there is no folder {args.json.resolve().parent}")
    if args.checkpoint and (len(names), args.seeds, names[0] in long) != (1, 1, True):
        parser.error(f"--checkpoint goes with one seed and one --arm of: {', '.join(long) or 'none here'}")
    values = {f.name: value for f, value in changed.items()}
    arms = {name: ARMS[name]._replace(config=replace(ARMS[name].config, **values)) for name in names}
    return args, arms, not any(f.metadata["counts"] for f in changed)


def show_list():
    """Print the arms with the settings that differ from Config's defaults, the presets and the claims."""
    for name, arm in ARMS.items():
        values = [(f, getattr(arm.config, f.name)) for f in fields(Config)]
        own = (f"{f.name}={value}" for f, value in values if value != f.default)
        print(f"arm {name}: {arm.run.__name__}", *own)
    for name, names in PRESETS.items():
        print(f"preset {name}: {' '.join(names)}")
    for claim in CLAIMS:
        print(f"claim {claim.text} | bar {claim.bar or 'none'} | {claim.kind}, {claim.source} | n = {claim.n}")


def show_claims(record, judged):
    """Print a row for each claim whose arms have run, or the mean metrics if there is none; then the arms' texts."""
    rows, verdicts, results = [("claim", "paper", "this run", "bar", "")], [], pool(record)
    for claim in CLAIMS:
        try:
            value, half, met, replicates = judge(claim, results)
        except KeyError as missing:
            if missing.args[0] not in ARMS:
                raise
            continue
        verdicts += [met] if judged and claim.bar else []
        rows.append((claim.text + " (substitute)" * claim.substitute, claim.paper, value_text(claim, value, half),
                     bar_text(claim) or "report",
                     {None: "", True: "met", False: "not met"}[met] + "*" * (bool(claim.bar) and replicates < claim.n)
                     if judged else "not judged"))
    for row in rows[len(rows) == 1:]:
        cells = [textwrap.wrap(text, width) or [""] for text, width in zip(row, (50, 20, 18, 11, 10))]
        for line in range(max(map(len, cells))):
            print("  ".join((cell[line] if line < len(cell) else "").ljust(width)
                            for cell, width in zip(cells, (50, 20, 18, 11, 10))).rstrip())
    if len(rows) == 1:
        for arm, seeds in record.items():
            means = {name: np.mean(results[arm][name]) for name in seeds[min(seeds)]["metrics"]}
            print(arm, *(f"{name} {mean:.4g}" for name, mean in means.items()), sep="  ")
    for arm, seeds in record.items():
        for seed, cell in seeds.items():
            for name, text in cell["curves"].items():
                if isinstance(text, str):
                    print(f"\n{arm}, seed {seed}, {name}:\n{text}")
    if any(row[-1].endswith("*") for row in rows):
        print("\n* the record judges this claim on more replicates than this run has")
    if not judged:
        print("\nsettings were changed, so nothing is judged")
    else:
        print(f"\n{sum(verdicts)} of {len(verdicts)} judged claims of this preset met in this run" if len(rows) > 1
              else "\nthese arms alone claim nothing")


def main(argv=None):
    """Run the command line. Exit status 0, 2 (bad arguments, files or memory: one line on stderr) or 130 (Ctrl-C)."""
    try:
        args, arms, judged = parse(argv)
        if args.list:
            return show_list()
        start, seeds = time.perf_counter(), range(args.seed, args.seed + args.seeds)
        checkpoint = [args.checkpoint] if args.checkpoint else []
        record = {name: {str(k): run_cell(arm, k, *checkpoint) for k in seeds} for name, arm in arms.items()}
        if args.json:
            text = json.dumps({"judged": judged, "arms": record}, allow_nan=False)
            write_whole(args.json, lambda part: part.write_text(text))
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        show_claims(record, judged)
        print(f"{time.perf_counter() - start:.1f} s")
        return 0
    except KeyboardInterrupt:
        return complain("interrupted; nothing half-written", 130)
    except (OSError, MemoryError) as error:
        return complain(error)


if __name__ == "__main__":
    sys.exit(main())
# --- end of idiom ---
