# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""The multiplication problem: the 1997 LSTM, whose cells add, learns the product of two numbers seen long ago.

S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8):1735-1780, 1997. Experiment 5
(section 5.5, Table 8; equations of appendix A.1).

A sequence of 100 to 110 pairs (value, marker) holds two marked values of [0, 1], both in its first half; at its end the
net has to say their product. A memory cell adds up what its input gate lets in, so a sum (Experiment 4) comes easily
to it. Does the net need a target that is one? A product is none: the best a + b (X1 + X2) misses it by 0.08 in the root
mean square. And as no value is negative, a cell whose gate stands open fills up with distractors.

    s(t) = s(t-1) + y_in(t) g(net_c(t))      y_c(t) = y_out(t) h(s(t))      g = 4 f - 2, h = 2 f - 1, f the logistic

Two blocks of two cells share a gate of each kind; there is no forget gate. Gates and cells see the input, all gates and
cells of the last step and a bias: 93 weights with those of the output unit, all of them, the gates' biases too, uniform
in [-0.1, 0.1] at first. Learning is online gradient descent, rate 0.1, one sequence at a time, with a truncated
gradient: an error that reaches the net input of a gate or a cell changes the weights there but goes no further back.
An answer is wrong if it misses by more than 0.04. The net is tested when fewer than 140 of the last 2000 training
sequences were wrong (the numbers are stored) and again when fewer than 13 were (the product is tuned).

    python3 multiplication_problem.py --seed 0
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
    length: int = option(100, "minimal sequence length T; the minimal time lag is T/2", low=22)
    output: str = option("logistic", "output unit", choices=("logistic", "linear"))
    gates: str = option("random", "first biases of the input gates: as all weights, or -3 and -6",
                        choices=("random", "closed"))
    above: int = option(0, "tanh units in a layer between the cells and the output unit; 0: no layer")
    rule: str = option("sgd", "plain gradient descent or Adam", choices=("sgd", "adam"))
    rate: float = option(0.1, "learning rate alpha")
    settle: float = option(0.0, "r.m.s. error of the last 2000 sequences below which the rate falls with it; 0: never")
    clip: float = option(0.0, "largest norm of a trial's gradient; 0: no limit")
    batch: int = option(1, "sequences per weight change, a divisor of 200; 1 is online learning", low=1)
    gradient: str = option("truncated", "the paper's gradient or the full one", choices=("truncated", "full"))
    goal: int = option(13, "a trial stops when fewer than this many of its last 2000 sequences were wrong")
    trials: int = option(10, "independent trials, run in lanes", low=1)
    sequences: int = option(1_500_000, "training sequences after which a trial is given up", low=200)


# ---------------------------------------------------------------- Problem
LIMIT = 0.04                                                                      # a wrong answer misses by more


class Batch(NamedTuple):
    """Sequences in lanes, `updates` x `lanes` of them, left-aligned in `longest` = T + T/10 steps."""
    inputs: np.ndarray          # value, marker             (updates, longest, 2, lanes) float32
    lengths: np.ndarray         # T to T + T/10             (updates, lanes)
    targets: np.ndarray         # X1 X2                     (updates, lanes)
    marks: np.ndarray           # the two marked steps      (updates, 2, lanes)
    values: np.ndarray          # X1 and X2                 (updates, 2, lanes)


def make_batch(length, generators, count, batch=1):
    """Draw `count` sequences from each trial's generator, as a Batch of count / batch updates (section 5.5).

    Lane r * batch + b holds sequence b of an update of trial r. Values are uniform in [0, 1]. One of the first ten
    pairs is marked with 1, then another of the first T/2 - 1; the first and the last pair have marker -1, all
    others 0. If the first pair is drawn, its value becomes 1.
    """
    longest = length + length // 10
    values, lengths, first, second = map(np.array, zip(*((
        g.random((count, longest), np.float32), g.integers(length, longest + 1, count),
        g.integers(10, size=count), g.integers(length // 2 - 2, size=count)) for g in generators)))
    second += second >= first                                                     # of the pairs still unmarked
    values[..., 0][(first == 0) | (second == 0)] = 1                              # values: (trials, count, longest)
    markers = np.zeros_like(values)
    markers[..., 0] = -1
    for place, marker in ((lengths - 1, -1), (first, 1), (second, 1)):
        np.put_along_axis(markers, place[..., None], marker, -1)
    marked = [np.take_along_axis(values, place[..., None], -1)[..., 0] for place in (first, second)]

    def lanes(x):
        """Turn (trials, count, ...) into (updates, ..., trials * batch)."""
        x = x.reshape(len(generators), count // batch, batch, *x.shape[2:])
        return np.moveaxis(x, (0, 2), (-2, -1)).reshape(count // batch, *x.shape[3:], -1)

    return Batch(np.stack([lanes(values), lanes(markers)], 2), lanes(lengths), lanes(marked[0] * marked[1]),
                 np.stack([lanes(first), lanes(second)], 1), np.stack([lanes(x) for x in marked], 1))


# ---------------------------------------------------------------- Model
# The layout is made for speed: time first, units next, lanes last, so that the units of one kind lie in one piece. A
# lane is one sequence of one trial; each trial has its own weights. All that step t reads is in one row of the tape,
#     U[t] = (tanh of the cells | y_in(t-1) | y_out(t-1) | y_c(t-1) | x(t) | 1), at 0:4, 4:6, 6:8, 8:12, 12:14 and 14,
# from 4 on; it writes the next row. A step is one product with the weights, one tanh for all gates and cells, and no
# copy, since f(z) = (1 + tanh(z/2)) / 2, g(z) = 2 tanh(z/2) and h(s) = tanh(s/2), with s/2 kept in place of s.
# Cells 0 and 1 are block 0, cells 2 and 3 block 1.
HALF = np.float32(0.5)


class Tape(NamedTuple):
    """What a forward pass leaves for the backward pass, and a tuple of views for each step, made once."""
    U: np.ndarray               # see above         (longest + 1, 15, lanes)
    S: np.ndarray               # s(t-1) / 2        (longest + 1, 4, lanes)
    H: np.ndarray               # h(s(t))           (longest, 4, lanes)
    steps: list


def lstm_tape(longest, lanes, dtype=np.float32):
    """Return an empty Tape; the states and activations of step 0 are 0 and stay so."""
    U, S, H = (np.zeros((rows, units, lanes), dtype) for rows, units in
               ((longest + 1, 15), (longest + 1, 4), (longest, 4)))
    U[:, 14] = 1
    blocks = [x.reshape(len(x), 2, 2, lanes) for x in (S, H)]                     # (time, block, cell, lane)
    a, y_in, y_out, y_c = (U[:, rows].reshape(longest + 1, 2, -1, lanes) for rows in
                           (slice(0, 4), slice(4, 6), slice(6, 8), slice(8, 12)))
    steps = [(U[t, 4:], U[t + 1, :8], U[t + 1, 4:8], y_in[t + 1], a[t + 1], blocks[0][t], blocks[0][t + 1],
              blocks[1][t], y_out[t + 1], y_c[t + 1]) for t in range(longest)]
    return Tape(U, S, H, steps)


def spread(weights, lanes):
    """Give every lane the weights of its trial: (..., trials) to (..., lanes)."""
    return np.repeat(weights, lanes // weights.shape[-1], -1)


def gather(grads, like):
    """Average over the lanes of each trial: (..., lanes) to the shape of `like`, (..., trials)."""
    return grads.reshape(*like.shape, -1).mean(-1)


def per_cell(gate):
    """Give both cells of a block the value of its gate: (..., 2, lanes) to (..., 4, lanes)."""
    return np.repeat(gate, 2, -2)


def per_block(x):
    """Add the two cells of each block: (..., 4, lanes) to (..., 2, lanes)."""
    return x[..., 0::2, :] + x[..., 1::2, :]


def with_bias(x):
    """Append the constant 1 to the units: (units, lanes) to (units + 1, lanes)."""
    return np.concatenate([x, np.ones_like(x[:1])])


def layer(params, y_c):
    """Return what the output unit reads, and the gradient of a bias: (units + 1, lanes). That is y_c or, where params
    have weights A (units below + 1, units, trials), the tanh units of a layer above the cells (section 5.5's hint)."""
    if "A" in params:
        y_c = np.tanh(np.einsum("kgn,kn->gn", spread(params["A"], y_c.shape[-1]), with_bias(y_c)))
    return with_bias(y_c)


def output(params, y_c, config):
    """Return the output unit's activation (lanes,) for the last activations (units, lanes) of the units below."""
    net = (spread(params["V"], y_c.shape[-1]) * layer(params, y_c)).sum(0)
    return HALF + HALF * np.tanh(HALF * net) if config.output == "logistic" else net


def output_backward(params, y_c, y, targets, config):
    """Return the gradient of (y - y*)^2 / 2 by V and A, a dict of arrays (..., lanes), and epsilon, that by y_c."""
    d_net = (y - targets) * (y * (1 - y) if config.output == "logistic" else 1)
    read, epsilon = layer(params, y_c), spread(params["V"], len(y))[:-1] * d_net
    grads = {"V": read * d_net}
    if "A" in params:
        d_above = epsilon * (1 - read[:-1]**2)
        grads["A"] = with_bias(y_c)[:, None] * d_above
        epsilon = np.einsum("kgn,gn->kn", spread(params["A"], len(y))[:-1], d_above)
    return grads, epsilon


def lstm_init(generators, config):
    """Return W (11, 8, trials), from (y_in, y_out, y_c, x, 1) to (cells, input gates, output gates), and V (5, trials),
    from (y_c, 1) to the output: 93 weights, uniform in [-0.1, 0.1]. Closed input gates have biases -3 and -6.
    A layer above the cells has A (5, above, trials), uniform in [-0.5, 0.5], and V (above + 1, trials)."""
    sizes = {"W": (11, 8), "V": ((config.above or 4) + 1,)} | ({"A": (5, config.above)} if config.above else {})
    params = {name: np.stack([g.uniform(-0.1, 0.1, size) for g in generators], -1).astype(np.float32)
              for name, size in sizes.items()}
    if config.gates == "closed":
        params["W"][10, 4:6] = [[-3], [-6]]
    if config.above:
        params["A"] *= 5                                                          # to break the symmetry of its units
    return params


def lstm_forward(params, tape, inputs, lengths, config):
    """Run sequences through the net and return its output at the last step of each, (lanes,); the rest is on the tape.

    inputs: (longest, 2, lanes). lengths: (lanes,). The lanes are a multiple of the trials in params.
    """
    einsum, tanh, multiply, add = np.einsum, np.tanh, np.multiply, np.add
    W = spread(HALF * params["W"], len(lengths))                                  # halved, as tanh(z/2) asks
    tape.U[:-1, 12:14] = inputs
    for u, z, gates, y_in, a, s_old, s, h, y_out, y_c in tape.steps[:lengths.max()]:
        einsum("kgn,kn->gn", W, u, out=z)
        tanh(z, z)
        multiply(gates, HALF, gates)
        add(gates, HALF, gates)
        multiply(y_in, a, s)
        add(s, s_old, s)
        tanh(s, h)
        multiply(y_out, h, y_c)
    return output(params, tape.U[lengths, 8:12, np.arange(len(lengths))].T, config)


def lstm_backward(params, tape, lengths, y, targets, config):
    """Return the gradient of (y - y*)^2 / 2, averaged over each trial's lanes, as a dict like params (appendix A.1)."""
    y_c = tape.U[lengths, 8:12, np.arange(len(lengths))].T
    grads, epsilon = output_backward(params, y_c, y, targets, config)
    if config.gradient == "truncated":
        D = truncated_errors(tape, lengths, epsilon)
    else:
        D = full_errors(tape, lengths, epsilon, spread(params["W"], len(lengths)))
    grads["W"] = np.matmul(tape.U[:len(D), 4:].transpose(2, 1, 0), D.transpose(2, 0, 1)).transpose(1, 2, 0)
    return {name: gather(grads[name], w) for name, w in params.items()}


def truncated_errors(tape, lengths, epsilon):
    """Return the errors by the net inputs, (time, 8, lanes), from epsilon (4, lanes), those by y_c at the last step.

    There the error enters the output gates and the states. It leaves a state only backwards, through the cell's
    self-connection of weight 1: e_s is the same at all earlier steps, so that no backward loop is needed. Each step
    then has e_s y_in g' for its cells, and for its input gates the sum of e_s g f' over the block. Because S is s/2,
    e_s here is the derivative by s/2.
    """
    end, lane = lengths.max(), np.arange(len(lengths))
    a, y_in = tape.U[1:end + 1, :4], tape.U[1:end + 1, 4:6]
    h, y_out = tape.H[lengths - 1, :, lane].T, tape.U[lengths, 6:8, lane].T
    inside = (np.arange(end)[:, None] < lengths)[:, None]                         # (time, 1, lanes)
    e_s = inside * (per_cell(y_out) * (1 - h * h) * epsilon)
    D = np.zeros((end, 8, len(lengths)), h.dtype)
    D[:, :4] = e_s * per_cell(y_in) * (HALF - HALF * a * a)
    D[:, 4:6] = per_block(e_s * a) * y_in * (1 - y_in)
    D[lengths - 1, 6:8, lane] = (y_out * (1 - y_out) * per_block(h * epsilon)).T
    return D


def full_errors(tape, lengths, epsilon, W):
    """Return what `truncated_errors` returns for the full gradient: errors go back through W (11, 8, lanes), too."""
    end = lengths.max()
    a, y_in, y_out, h = tape.U[1:end + 1, :4], tape.U[1:end + 1, 4:6], tape.U[1:end + 1, 6:8], tape.H[:end]
    s_by_y, c_by_s = per_cell(y_out) * (1 - h * h), per_cell(y_in) * (HALF - HALF * a * a)
    by_net = np.concatenate([y_in * (1 - y_in), y_out * (1 - y_out)], 1)          # f' of the gates
    D, d_y = np.empty_like(tape.U[:end, :8]), np.zeros_like(tape.U[0, :8])
    d_s, ends = np.zeros_like(epsilon), set(lengths - 1)
    for t in range(end - 1, -1, -1):
        d_gates, d_c = d_y[:4], d_y[4:]
        if t in ends:
            d_c += epsilon * (lengths - 1 == t)
        d_s = d_s + d_c * s_by_y[t]
        np.multiply(d_s, c_by_s[t], D[t, :4])
        d_gates[:2] += per_block(d_s * a[t])
        d_gates[2:] += per_block(d_c * h[t])
        np.multiply(d_gates, by_net[t], D[t, 4:])
        d_y = np.einsum("kgn,gn->kn", W[:8], D[t])
    return D


def rnn_tape(longest, lanes, dtype=np.float32):
    """Return the Tape of the control: U holds ( h(t-1) 0:8 | x(t) 8:10 | 1 10 )."""
    U = np.zeros((longest + 1, 11, lanes), dtype)
    U[:, 10] = 1
    return Tape(U, None, None, [(U[t], U[t + 1, :8]) for t in range(longest)])


def rnn_init(generators, config):
    """Return W (11, 8, trials), from (h, x, 1) to h, and V (9, trials), from (h, 1) to the output: 97 weights."""
    weights = np.array([g.uniform(-1, 1, 97) for g in generators], np.float32).T / np.float32(8**0.5)
    return {"W": weights[:88].reshape(11, 8, -1).copy(), "V": weights[88:].copy()}


def rnn_forward(params, tape, inputs, lengths, config):
    """The control, h(t) = tanh(W (h(t-1), x(t), 1)) with 8 units; arguments and result as for `lstm_forward`."""
    W = spread(params["W"], len(lengths))
    tape.U[:-1, 8:10] = inputs
    for u, h in tape.steps[:lengths.max()]:
        np.einsum("kgn,kn->gn", W, u, out=h)
        np.tanh(h, h)
    return output(params, tape.U[lengths, :8, np.arange(len(lengths))].T, config)


def rnn_backward(params, tape, lengths, y, targets, config):
    """Return the full gradient (backpropagation through time); arguments and result as for `lstm_backward`."""
    h = tape.U[lengths, :8, np.arange(len(lengths))].T
    grads, epsilon = output_backward(params, h, y, targets, config)
    W, D = spread(params["W"], len(lengths))[:8], np.empty_like(tape.U[:lengths.max(), :8])
    slope, d_h, ends = 1 - tape.U[1:len(D) + 1, :8]**2, np.zeros_like(epsilon), set(lengths - 1)
    for t in range(len(D) - 1, -1, -1):
        if t in ends:
            d_h += epsilon * (lengths - 1 == t)
        np.multiply(d_h, slope[t], D[t])
        d_h = np.einsum("kgn,gn->kn", W, D[t])
    grads["W"] = np.matmul(tape.U[:len(D)].transpose(2, 1, 0), D.transpose(2, 0, 1)).transpose(1, 2, 0)
    return {name: gather(grads[name], w) for name, w in params.items()}


class Net(NamedTuple):
    """An architecture: its four functions."""
    init: Callable
    tape: Callable
    forward: Callable
    backward: Callable


LSTM = Net(lstm_init, lstm_tape, lstm_forward, lstm_backward)
RNN = Net(rnn_init, rnn_tape, rnn_forward, rnn_backward)


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


BLOCK = 200                                                                       # sequences between snapshots
WINDOW = 10                                                                       # blocks that decide: 2000 sequences
STORED = 140                                                                      # wrong of 2000: the first test
SAVE_SECONDS = 120                                                                # between checkpoints


class Snapshot(NamedTuple):
    """The state before training and after each block of sequences."""
    step: int                   # sequences seen by each trial
    params: dict                # the live weights
    stored: dict                # the weights of each trial when it first had fewer than 140 wrong
    history: list               # of each block so far: mean square error, share of wrong answers    (2, trials)
    reached: np.ndarray         # sequences until fewer than 140 and fewer than `goal` were wrong     (2, trials)


def streams(config, seed):
    """Return four lists of generators, one for each trial: for weights, training data, test data and interventions."""
    roots = (np.random.SeedSequence([seed, trial]).spawn(4) for trial in range(config.trials))
    return [list(map(np.random.default_rng, children)) for children in zip(*roots)]


def clip(grads, limit):
    """Scale down the gradient of each trial whose norm exceeds the limit, in place."""
    norm = sum((g * g).reshape(-1, g.shape[-1]).sum(0) for g in grads.values())**0.5
    for g in grads.values():
        g *= np.minimum(1, limit / (norm + 1e-12))


def train(config, seed, net=LSTM, checkpoint=None):
    """Train the trials of one seed in lanes until all have stopped or the budget is spent; yield Snapshots.

    After every 200 sequences the wrong answers of the last 2000 are counted (section 5.5). A trial with fewer than
    config.goal stops: its weights are frozen. checkpoint: npz file to go on from and to keep up to date. Raises
    OSError where config.batch does not divide 200.
    """
    if BLOCK % config.batch:
        raise OSError(f"--batch must divide {BLOCK}")
    weights, data, *_ = streams(config, seed)
    params, step, history = net.init(weights, config), 0, []
    state, stored = adam_state(params), {name: w.copy() for name, w in params.items()}
    reached, levels = np.full((2, config.trials), np.nan), np.array([[STORED], [config.goal]])
    tape = net.tape(config.length + config.length // 10, config.trials * config.batch)
    cell, saved = f"{config} seed {seed}", time.monotonic()
    if checkpoint and (kept := load_state(checkpoint, cell)):
        step, history, reached = int(kept["step"]), list(kept["history"]), kept["reached"]
        data = [kept[f"data{i}"] for i in range(config.trials)]
        params, stored, *moments = ({n: kept[kind + n] for n in params} for kind in ("w_", "stored_", "m_", "v_"))
        state = {n: tuple(moment[n] for moment in moments) for n in params}
    yield Snapshot(step, params, stored, history, reached)
    while step < config.sequences and np.isnan(reached[1]).any():
        errors, rate = [], config.rate * np.isnan(reached[1])
        if config.settle and history:
            rate = rate * np.minimum(1, np.mean(history[-WINDOW:], 0)[0]**0.5 / config.settle)
        for inputs, lengths, targets, *_ in zip(*make_batch(config.length, data, BLOCK, config.batch)):
            y = net.forward(params, tape, inputs, lengths, config)
            errors.append((y - targets).reshape(config.trials, -1))
            step += config.batch
            grads = net.backward(params, tape, lengths, y, targets, config)
            if config.clip:
                clip(grads, config.clip)
            if config.rule == "sgd":
                for name, grad in grads.items():
                    params[name] -= rate.astype(np.float32) * grad
            else:
                adam(params, grads, state, step // config.batch, rate)
        block = np.concatenate(errors, 1)
        history.append(np.stack([(block**2).mean(1), (abs(block) > LIMIT).mean(1)]))
        if len(history) >= WINDOW:
            wrong = np.mean(history[-WINDOW:], 0)[1] * (WINDOW * BLOCK)
            new = np.isnan(reached) & (np.rint(wrong) < levels)
            reached[new] = step
            for name, w in params.items():
                stored[name][..., new[0]] = w[..., new[0]]
        if checkpoint and time.monotonic() - saved >= SAVE_SECONDS:
            arrays = {kind + n: x for n, (m, v) in state.items()
                      for kind, x in (("w_", params[n]), ("stored_", stored[n]), ("m_", m), ("v_", v))}
            save_state(checkpoint, cell, dict(step=step, history=history, reached=reached, **arrays,
                                              **{f"data{i}": g for i, g in enumerate(data)}))
            saved = time.monotonic()
        yield Snapshot(step, params, stored, history, reached)


# ---------------------------------------------------------------- Experiment
def tests(params, config, seed, net=LSTM, count=2560, chunk=32):
    """Yield a Batch of one update, the Tape and y (trials, chunk) until each trial saw `count` test sequences."""
    generators = streams(config, seed)[2]
    tape = net.tape(config.length + config.length // 10, config.trials * chunk)
    for _ in range(count // chunk):
        batch = make_batch(config.length, generators, chunk, chunk)
        y = net.forward(params, tape, batch.inputs[0], batch.lengths[0], config)
        yield batch, tape, y.reshape(config.trials, chunk)


def measure(params, config, seed, net):
    """Return wrong answers, r.m.s. and mean absolute error on 2560 fresh sequences, and the r.m.s. error of the best
    predictor a + b X1 + c X2, fitted on those very sequences: four arrays (trials,)."""
    y, values = (np.concatenate(part, -1) for part in zip(*(
        (y, batch.values[0].reshape(2, *y.shape)) for batch, _, y in tests(params, config, seed, net))))
    error, additive = y - values.prod(0), []
    for X in values.transpose(1, 2, 0).astype(float):                             # of each trial: (sequences, 2)
        terms, product = np.column_stack([np.ones(len(X)), X]), X.prod(1)
        additive.append(np.std(product - terms @ np.linalg.lstsq(terms, product, rcond=None)[0]))
    return (abs(error) > LIMIT).sum(1), (error**2).mean(1)**0.5, abs(error).mean(1), np.array(additive)


def interventions(params, config, seed):
    """Return slope and intercept (trials,) of the answer's partial slope dy/dX1 as a line in X2: 1 and 0 for a product,
    0 and 1 for a sum.

    Each of 512 test sequences is run twice, the second time with another X1, uniform in [0, 1]. The least-squares fit
    is y' - y = (slope X2 + intercept) (X1' - X1). Sequences that mark the first pair, whose value is not free, are
    left out.
    """
    parts, fresh = [], streams(config, seed)[3]
    for batch, tape, y in tests(params, config, seed, LSTM, 512):
        (first, second), (X1, X2) = batch.marks[0], batch.values[0]
        new = np.concatenate([g.random(y.shape[1], np.float32) for g in fresh])
        new = np.where((first > 0) & (second > 0), new, X1)
        inputs = batch.inputs[0].copy()
        inputs[first, 0, np.arange(len(X1))] = new
        changed = LSTM.forward(params, tape, inputs, batch.lengths[0], config)
        parts.append([x.reshape(config.trials, -1) for x in (changed - y.ravel(), (new - X1) * X2, new - X1)])
    effect, *terms = (np.concatenate(part, 1).astype(float) for part in zip(*parts))
    return np.array([np.linalg.lstsq(np.array(A).T, b, rcond=None)[0] for *A, b in zip(*terms, effect)]).T


def evaluate(config, seed, net, checkpoint=None):
    """Train and test; return the last Snapshot, metrics with one entry for each trial, and curves over training.

    stored, tuned: sequences until fewer than 140 and fewer than config.goal of the last 2000 were wrong, None if that
    did not happen; is_stored, is_tuned: whether it did. stored_wrong, tuned_wrong, stored_rmse, tuned_rmse: of 2560
    fresh sequences, with the weights of those moments. rmse, mae: with the last weights; additive_ratio: rmse over
    that of the best additive predictor of the same sequences.
    """
    *_, last = watch(train(config, seed, net, checkpoint), config.sequences, f"T = {config.length}, sequence")
    (wrong, rmse, _, _), final = (measure(params, config, seed, net) for params in (last.stored, last.params))
    there = ~np.isnan(last.reached)
    points = np.array([part.mean(0) for part in np.array_split(last.history, min(150, len(last.history)))])
    error, share = points[:, 0]**0.5, 2000 * points[:, 1]
    metrics = {"stored": last.reached[0], "is_stored": there[0] * 1, "tuned": last.reached[1], "is_tuned": there[1] * 1,
               "stored_wrong": np.where(there[0], wrong, np.nan), "stored_rmse": np.where(there[0], rmse, np.nan),
               "tuned_wrong": np.where(there[1], final[0], np.nan), "tuned_rmse": np.where(there[1], final[1], np.nan),
               "rmse": final[1], "mae": final[2], "additive_ratio": final[1] / final[3]}
    return last, metrics, {
        "seen": np.linspace(0, last.step, len(points) + 1)[1:],
        **{f"{name}_{what}": how(values, 1) for name, values in (("rmse", error), ("wrong", share))
           for what, how in (("median", np.median), ("least", np.min), ("most", np.max))}}


def lstm(config, seed, checkpoint=None):
    """Train and test the memory cells. Metrics and curves of `evaluate`; slope, intercept: those of `interventions`;
    weights: those of the first trial that got furthest (W, then V), with which the figures run that net again."""
    last, metrics, curves = evaluate(config, seed, LSTM, checkpoint)
    metrics |= dict(zip(("slope", "intercept"), interventions(last.params, config, seed)))
    one = (metrics["is_stored"] + metrics["is_tuned"]).argmax()
    return metrics, curves | {"weights": np.concatenate([last.params[name][..., one].ravel() for name in "WV"])}


def rnn(config, seed, checkpoint=None):
    """Train and test the control, an ordinary recurrent net: the metrics and curves of `evaluate`."""
    return evaluate(config, seed, RNN, checkpoint)[1:]


CLOSED = Config(gates="closed", rate=0.5, trials=30, sequences=800_000)           # the remedy of section 4
FAST = Config(output="linear", gates="closed", rule="adam", rate=0.03, settle=0.08, clip=0.1, batch=4, trials=1,
              sequences=300_000)
CONTROL = replace(FAST, gradient="full", rate=0.003, settle=0.0, clip=1.0, batch=8, trials=10, sequences=200_000)
ARMS = {
    "lstm": Arm(lstm, Config(trials=30, sequences=3_000_000)),
    "closed": Arm(lstm, CLOSED),
    "fast": Arm(lstm, FAST),
    "fast-500": Arm(lstm, replace(FAST, length=500, goal=140, trials=10, sequences=400_000)),
    "fast-1000": Arm(lstm, replace(FAST, length=1000, goal=140, trials=10, sequences=400_000)),
    "full": Arm(lstm, replace(FAST, gradient="full", trials=10)),
    "above": Arm(lstm, replace(FAST, above=4, trials=10)),
    "rnn-short": Arm(rnn, replace(CONTROL, trials=1, sequences=30_000)),
    "rnn": Arm(rnn, CONTROL),
    "rnn-500": Arm(rnn, replace(CONTROL, length=500, sequences=400_000)),
    "quick-lstm": Arm(lstm, Config(length=30, trials=2, sequences=200)),
    "quick-rnn": Arm(rnn, replace(CONTROL, length=30, trials=2, sequences=800)),
}
PRESETS = {
    "quick": ("quick-lstm", "quick-rnn"),
    "default": ("fast", "rnn-short"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
TABLE_8 = {"stored": (140, "482,000", "139", "0.0223"), "tuned": (13, "1,273,000", "14", "0.0139")}


def mean_there(values):
    """Return the mean over the trials that got there, NaN if none did."""
    return values[~np.isnan(values)].mean() if not np.isnan(values).all() else np.nan


def most_there(values):
    """Return the largest value of any trial that got there, NaN if none did."""
    return np.nanmax(values) if not np.isnan(values).all() else np.nan


def literal(level, bar):
    """The claims about the net and the rule of 1997 at one of the two levels."""
    n, sequences, wrong, error = TABLE_8[level]
    name, limit = f"1997 net, under {n} wrong", {"stored": 170, "tuned": 15}[level]
    return (
        Claim(f"{name}: trials within 1,500,000 sequences", lambda r: (r["lstm"][level] <= 1_500_000).mean(), bar,
              "10 of 10", "paper", "Table 8", n=10, show="{:.0%}"),
        Claim(f"{name}: trials within 3,000,000 sequences", lambda r: r["lstm"][f"is_{level}"].mean(), "", "10 of 10",
              "paper", "Table 8", n=10, show="{:.0%}"),
        Claim(f"{name}: sequences until then (mean of those trials)", lambda r: mean_there(r["lstm"][level]), "",
              sequences, "paper", "Table 8", n=10, show="{:,.0f}"),
        Claim(f"{name}: wrong of 2560 then (mean of those trials)", lambda r: mean_there(r["lstm"][f"{level}_wrong"]),
              "", wrong, "paper", "Table 8", n=10, show="{:.0f}"),
        Claim(f"{name}: ... (most of any of them)", lambda r: most_there(r["lstm"][f"{level}_wrong"]), f"<= {limit}",
              f"at most {limit}", "paper", "section 5.5", n=10, show="{:.0f}"),
        Claim(f"{name}: r.m.s. error then (mean of those trials)", lambda r: mean_there(r["lstm"][f"{level}_rmse"]), "",
              error, "paper", "Table 8", n=10))


def substitute(name, arm, level, limit, wrong):
    """The claims about linear output and Adam at one of the two levels; a trial that fails it fails them."""
    n, sequences, in_1997, error = TABLE_8[level]
    name = f"{name}, under {n} wrong"
    return (
        Claim(f"{name}: trials", lambda r: r[arm][f"is_{level}"].mean(), ">= 1", "10 of 10", "paper", "Table 8", n=10,
              show="{:.0%}", substitute=True),
        Claim(f"{name}: sequences until then (mean)", lambda r: r[arm][level].mean(), f"<= {limit}", sequences, "trial",
              "Table 8; the bar is ours", n=10, show="{:,.0f}", substitute=True),
        Claim(f"{name}: wrong of 2560 then (mean)", lambda r: r[arm][f"{level}_wrong"].mean(), f"<= {wrong}", in_1997,
              "paper", "section 5.5", n=10, show="{:.1f}", substitute=True),
        Claim(f"{name}: r.m.s. error then (mean)", lambda r: r[arm][f"{level}_rmse"].mean(), f"<= {error}", error,
              "paper", "Table 8", n=10, substitute=True))


def stays_off(arm):
    """The share of an arm's trials whose error is not below that of the best sum."""
    return lambda r: (r[arm]["rmse"] >= 0.083).mean()


EFFORT = {"stored": "sequences", "tuned": "sequences"}
CLAIMS = (
    *literal("stored", ">= 1"), *literal("tuned", ""),
    Claim("closed gates, rate 0.5, under 13 wrong: trials within 800,000 sequences",
          lambda r: r["closed"]["is_tuned"].mean(), ">= 0.8", "10 of 10", "trial", "section 4; the bar is ours", n=10,
          show="{:.0%}", substitute=True),
    Claim("closed gates, rate 0.5, under 13 wrong: sequences until then (mean of those trials)",
          lambda r: mean_there(r["closed"]["tuned"]), "", "1,273,000", "paper", "Table 8", n=10, show="{:,.0f}",
          substitute=True),
    *substitute("Adam", "fast", "stored", 120_000, 170), *substitute("Adam", "fast", "tuned", 250_000, 15),
    *(Claim(f"Adam, under 13 wrong: {what} (mean of the trials that got there)",
            lambda r, metric=metric: mean_there(r["fast"][metric]), "", paper, "paper", "Table 8", n=10, show=show,
            substitute=True) for what, metric, paper, show in (
        ("sequences until then", "tuned", "1,273,000", "{:,.0f}"), ("wrong of 2560", "tuned_wrong", "14", "{:.1f}"),
        ("r.m.s. error", "tuned_rmse", "0.0139", "{:.4g}"))),
    Claim("Adam, under 13 wrong: wrong of 2560 then (most of any trial)", lambda r: r["fast"]["tuned_wrong"].max(),
          "<= 30", "at most 15", "trial", "section 5.5; the bar is ours", n=10, show="{:.0f}", substitute=True),
    Claim("Adam: r.m.s. error over that of the best sum (mean)", lambda r: r["fast"]["additive_ratio"].mean(), "<= 0.2",
          "implied", "trial", "the bar is ours", n=10, substitute=True),
    Claim("Adam: slope dy/dX1 per X2, distance from 1 (mean)", lambda r: abs(r["fast"]["slope"] - 1).mean(), "<= 0.1",
          "implied", "trial", "the bar is ours", n=10, substitute=True),
    Claim("Adam: slope dy/dX1 at X2 = 0, distance from 0 (mean)", lambda r: abs(r["fast"]["intercept"]).mean(),
          "<= 0.03", "implied", "trial", "the bar is ours", n=10, substitute=True),
    Claim("Adam, T = 500, under 140 wrong: trials within 400,000 sequences",
          lambda r: r["fast-500"]["is_stored"].mean(), ">= 0.8", "not run", "trial", "the bar is ours", n=10,
          show="{:.0%}", substitute=True),
    Claim("Adam, T = 1000, under 140 wrong: trials within 400,000 sequences",
          lambda r: r["fast-1000"]["is_stored"].mean(), "", "not run", "trial", "longer lags", n=10, show="{:.0%}",
          substitute=True),
    Claim("ordinary net, 30,000 sequences: r.m.s. error (mean)", lambda r: r["rnn-short"]["rmse"].mean(), "", "not run",
          "control", "section 5.5", n=10),
    Claim("ordinary net, 200,000 sequences: trials no better than the best sum", stays_off("rnn"), ">= 0.8", "not run",
          "control", "section 5.5", n=10, show="{:.0%}"),
    Claim("ordinary net, T = 500, 400,000 sequences: trials no better than the best sum", stays_off("rnn-500"), ">= 1",
          "not run", "control", "section 5.5", n=10, show="{:.0%}"),
    Claim("Adam: sequences to under 13 wrong, with a layer above the cells / without (means of those trials)",
          lambda r: mean_there(r["above"]["tuned"]) / mean_there(r["fast"]["tuned"]), "", "suggested", "trial",
          "section 5.5", n=10),
    Claim("Adam: sequences to under 13 wrong, full gradient / truncated (means of those trials)",
          lambda r: mean_there(r["full"]["tuned"]) / mean_there(r["fast"]["tuned"]), "", "no difference", "trial",
          "appendix A.1", n=10),
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
