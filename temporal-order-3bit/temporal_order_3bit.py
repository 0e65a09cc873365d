# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Temporal order, two symbols: the 1997 LSTM tells in which order two symbols came, far apart among distractors.

S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8):1735-1780, 1997. Experiment 6, task 6a
(section 5.6, Table 9; equations of appendix A.1).

A sequence of 100 to 110 symbols begins with E and ends with B. One X or Y comes at step 10 to 20, another at step 50 to
60, and all else is a, b, c or d at random. When B comes, the net has to say which of XX, XY, YX, YY it was. Their order
counts, so that it does not help to add up what was seen; the first symbol has to change what the second one does, at
least 30 steps later, and at least 40 steps pass before there is any error to learn from. An ordinary recurrent net
gets nothing back of an error over that distance. A memory cell does, through a self-connection of weight 1 (the
constant error carousel) between an input gate that protects it and an output gate that reads it:

    s(t) = s(t-1) + y_in(t) g(net_c(t))      y_c(t) = y_out(t) h(s(t))      g = 4 f - 2, h = 2 f - 1, f the logistic

There is no forget gate. Two blocks of two cells share a gate of each kind. Gates and cells see the symbol, all gates
and cells of the last step and a bias; four logistic output units see the cells: 156 weights. Learning is online
gradient descent on the squared error at the last step, rate 0.5, with a truncated gradient: an error that reaches the
net input of a gate or a cell changes the weights there but goes no further back. An answer is right if all four output
units are within 0.3 of their targets. A trial stops after 2000 right answers in a row with a mean error below 0.1.

    python3 temporal_order_3bit.py --seed 0
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


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    length: int = option(100, "least length of a sequence; the places of X and Y scale with it", low=20)
    blocks: int = option(2, "memory blocks", low=1)
    cells: int = option(2, "cells of a block", low=1)
    units: int = option(9, "units of the ordinary net", low=1)
    output: str = option("logistic", "logistic units and squared error, or softmax and cross-entropy",
                         choices=("logistic", "softmax"))
    rule: str = option("sgd", "plain gradient descent or Adam", choices=("sgd", "adam"))
    rate: float = option(0.5, "learning rate alpha")
    clip: float = option(0.0, "largest norm of a trial's gradient; 0: no limit")
    batch: int = option(1, "sequences per weight change; 1 is online learning", low=1)
    gradient: str = option("truncated", "the paper's gradient or the full one", choices=("truncated", "full"))
    self_weight: float = option(1.0, "weight of the cells' self-connection; 1 is the constant error carousel")
    trials: int = option(10, "independent trials, run in lanes", low=1)
    sequences: int = option(200_000, "training sequences after which a trial is given up", low=200)


# ---------------------------------------------------------------- Problem
SYMBOLS = "EBabcdXY"                                                              # a symbol is its place here
CLASSES = ("XX", "XY", "YX", "YY")
WINDOWS = ((10, 20), (50, 60))              # steps, counted from 1, between which an X or Y stands, at length 100
CORRECT = 0.3                                                                     # |error| of every right output unit


class Batch(NamedTuple):
    """Sequences in lanes, `updates` x `lanes` of them, left-aligned in `longest` steps."""
    symbols: np.ndarray         # (updates, longest, lanes)
    lengths: np.ndarray         # (updates, lanes)
    classes: np.ndarray         # the order, X = 0 and Y = 1 read as a binary number     (updates, lanes)
    places: np.ndarray          # the steps of X and Y, counted from 0                   (updates, windows, lanes)


def make_batch(length, generators, count, batch=1, windows=WINDOWS):
    """Draw `count` sequences from each trial's generator, as a Batch of count / batch updates (section 5.6).

    Lane r * batch + b holds sequence b of an update of trial r. Lengths are uniform in `length` to 1.1 `length`, the
    place of each X or Y is uniform in its window (given for length 100), both come with equal chances.
    """
    longest = length + length // 10
    symbols, lengths, places, chosen = map(np.array, zip(*((
        g.integers(2, 6, (count, longest), np.uint8), g.integers(length, longest + 1, count),
        [g.integers(low * length // 100, high * length // 100 + 1, count) - 1 for low, high in windows],
        g.integers(2, size=(len(windows), count))) for g in generators)))
    np.put_along_axis(symbols, np.moveaxis(places, 1, 2), np.moveaxis(6 + chosen, 1, 2).astype(np.uint8), 2)
    np.put_along_axis(symbols, lengths[..., None] - 1, 1, 2)
    symbols[..., 0] = 0
    classes = sum(bit << power for power, bit in enumerate(np.moveaxis(chosen, 1, 0)[::-1]))

    def lanes(x):
        """Turn (trials, count, ...) into (updates, ..., trials * batch)."""
        x = x.reshape(len(generators), count // batch, batch, *x.shape[2:])
        return np.moveaxis(x, (0, 2), (-2, -1)).reshape(count // batch, *x.shape[3:], -1)

    return Batch(lanes(symbols), lanes(lengths), lanes(classes), lanes(np.moveaxis(places, 1, 2)))


# ---------------------------------------------------------------- Model
# The layout is made for speed: time first, units next, lanes last, so that the units of one kind lie in one piece. A
# lane is one sequence of one trial; each trial has its own weights. With C cells in B blocks, all that a step hands
# on is in one row of the tape, in four parts of C, B, B and C units,
#     U[t] = (tanh of the cells | y_in(t-1) | y_out(t-1) | y_c(t-1)),
# of which step t reads the last three. A step is one product with the weights, one tanh for all gates and cells, and no
# copy, since f(z) = (1 + tanh(z/2)) / 2, g(z) = 2 tanh(z/2) and h(s) = tanh(s/2), with s/2 kept in place of s. What a
# symbol adds to the net inputs is looked up, in one go for all steps: a product with a unit vector is a row of weights.
# The product with the weights is a stack of small ones, one for each trial, for which matmul wants the trials first.
HALF = np.array(0.5, np.float32)                                                  # an array: quicker than a scalar


class Tape(NamedTuple):
    """What a forward pass leaves for the backward pass, and a tuple of views for each step, made once."""
    Z: np.ndarray               # half the net inputs from symbol and bias   (units, longest, lanes)
    U: np.ndarray               # see above                                  (longest + 1, 2 C + 2 B, lanes)
    S: np.ndarray               # s(t-1) / 2                                 (longest + 1, C, lanes)
    H: np.ndarray               # h(s(t))                                    (longest, C, lanes)
    steps: list


def parts(config):
    """Return the slices of a row of U: cells, input gates, output gates, activations of the cells, and all that the
    next step reads."""
    blocks, cells = config.blocks, config.blocks * config.cells
    edges = np.cumsum([0, cells, blocks, blocks, cells]).tolist()
    return *map(slice, edges, edges[1:]), slice(cells, edges[-1])


def lstm_tape(config, lanes, trials, dtype=np.float32):
    """Return an empty Tape; the states and activations of step 0 are 0 and stay so."""
    longest, blocks, cells = config.length + config.length // 10, config.blocks, config.blocks * config.cells
    Z, U, S, H = (np.zeros(shape, dtype) for shape in (
        (cells + 2 * blocks, longest, lanes), (longest + 1, 2 * cells + 2 * blocks, lanes),
        (longest + 1, cells, lanes), (longest, cells, lanes)))
    a, y_in, y_out, y_c, hidden = (U[:, part] for part in parts(config))
    a, y_in, y_out, y_c, s, h = (x.reshape(len(x), blocks, -1, lanes) for x in (a, y_in, y_out, y_c, S, H))
    units = cells + 2 * blocks
    steps = [(by_trial(hidden[t], trials), by_trial(U[t + 1, :units], trials), Z[:, t], U[t + 1, :units],
              U[t + 1, cells:units], y_in[t + 1], a[t + 1], s[t], s[t + 1], h[t], y_out[t + 1], y_c[t + 1])
             for t in range(longest)]
    return Tape(Z, U, S, H, steps)


def by_trial(units, trials):
    """View (units, lanes) as a stack of matrices, (trials, units, lanes of a trial)."""
    return units.reshape(len(units), trials, -1).swapaxes(0, 1)


def spread(weights, lanes):
    """Give every lane the weights of its trial: (..., trials) to (..., lanes)."""
    return np.repeat(weights, lanes // weights.shape[-1], -1)


def gather(grads, like):
    """Average over the lanes of each trial: (..., lanes) to the shape of `like`, (..., trials)."""
    return grads.reshape(*like.shape, -1).mean(-1)


def rows(symbols, trials):
    """Return where a symbol's weights stand in weights (symbols * trials): symbols (time, lanes) to the same shape."""
    return symbols.astype(np.intp) * trials + np.arange(symbols.shape[1]) // (symbols.shape[1] // trials)


def look_up(params, tape, symbols, scale):
    """Write what symbol and bias add to the net inputs, times scale, to tape.Z."""
    weights = scale * (params["X"] + params["b"])                                 # (symbols, units, trials)
    flat = weights.transpose(1, 0, 2).reshape(weights.shape[1], -1)
    np.take(flat, rows(symbols, weights.shape[2]), 1, out=tape.Z, mode="clip")


def weight_errors(params, hidden, symbols, D):
    """Return the gradients by X, Y and b from the errors by the net inputs, D (time, units, lanes), and from what the
    units read: hidden (time, units, lanes), symbols (time, lanes). All are averages over the lanes of a trial."""
    (kinds, units, trials), lanes = params["X"].shape, symbols.shape[1]
    at = rows(symbols, trials).ravel()
    d_X = np.array([np.bincount(at, errors.ravel(), kinds * trials) for errors in D.swapaxes(0, 1)])
    d_X = d_X.reshape(units, kinds, trials).swapaxes(0, 1) * (trials / lanes)
    d_Y = np.matmul(hidden.transpose(2, 1, 0), D.transpose(2, 0, 1)).transpose(1, 2, 0)
    return {"X": d_X, "Y": gather(d_Y, params["Y"]), "b": d_X.sum(0)}             # one symbol a step, so b has them all


def output(params, y_c, config):
    """Return the output units' activations (classes, lanes) for the activations (units, lanes) of the units below."""
    V = spread(params["V"], y_c.shape[-1])
    net = np.einsum("ckn,cn->kn", V[:-1], y_c) + V[-1]
    if config.output == "logistic":
        return HALF + HALF * np.tanh(HALF * net)
    odds = np.exp(net - net.max(0))
    return odds / odds.sum(0)


def output_errors(y, classes):
    """Return the output units' activations minus their targets, (classes, lanes): 1 for the right class, else 0."""
    error = y.copy()
    error[classes, np.arange(len(classes))] -= 1
    return error


def output_backward(params, y_c, y, classes, config):
    """Return the gradient of the loss by V, and epsilon, that by y_c (units, lanes) for each lane.

    The loss is half the sum of the squared errors for logistic units and the cross-entropy for softmax units.
    """
    d_net = output_errors(y, classes) * (y * (1 - y) if config.output == "logistic" else 1)
    V = spread(params["V"], len(classes))
    d_V = np.vstack([y_c, np.ones_like(y[:1])])[:, None] * d_net
    return gather(d_V, params["V"]), np.einsum("ckn,kn->cn", V[:-1], d_net)


def lstm_init(generators, config):
    """Return the weights of each trial, uniform in [-0.1, 0.1] but for the input gates' biases -2, -4, ...

    X (symbols, units, trials) from the symbols, Y (units, units, trials) from (y_in, y_out, y_c) and the biases b
    (units, trials), all to (cells, input gates, output gates); V (cells + 1, classes, trials) from (y_c, 1) to the
    output. With two blocks of two cells: 64 + 64 + 8 + 20 = 156 weights of a trial.
    """
    units, cells = config.blocks * (config.cells + 2), config.blocks * config.cells
    shapes = {"X": (len(SYMBOLS), units), "Y": (units, units), "b": (units,), "V": (cells + 1, len(CLASSES))}
    params = {name: np.stack([g.uniform(-0.1, 0.1, shape) for g in generators], -1).astype(np.float32)
              for name, shape in shapes.items()}
    params["b"][parts(config)[1]] = -2 * np.arange(1, config.blocks + 1)[:, None]
    return params


def lstm_forward(params, tape, symbols, lengths, config):
    """Run sequences through the net; return its outputs at their last steps, (classes, lanes); the rest is on the tape.

    symbols: (longest, lanes). lengths: (lanes,). The lanes are a multiple of the trials in params.
    """
    matmul, tanh, multiply, add = np.matmul, np.tanh, np.multiply, np.add
    Y = (HALF * params["Y"]).T.copy()                                             # halved, as tanh(z/2) asks
    leak = None if config.self_weight == 1 else np.float32(config.self_weight)
    look_up(params, tape, symbols, HALF)
    for hidden, net, x, z, gates, y_in, a, s_old, s, h, y_out, y_c in tape.steps[:lengths.max()]:
        matmul(Y, hidden, net)
        add(z, x, z)
        tanh(z, z)
        multiply(gates, HALF, gates)
        add(gates, HALF, gates)
        multiply(y_in, a, s)
        add(s, s_old if leak is None else leak * s_old, s)
        tanh(s, h)
        multiply(y_out, h, y_c)
    return output(params, tape.U[lengths, parts(config)[3], np.arange(len(lengths))].T, config)


def lstm_backward(params, tape, symbols, lengths, y, classes, config):
    """Return the gradient of the loss, averaged over each trial's lanes, as a dict like params (appendix A.1)."""
    *_, y_c, hidden = parts(config)
    d_V, epsilon = output_backward(params, tape.U[lengths, y_c, np.arange(len(lengths))].T, y, classes, config)
    if config.gradient == "truncated":
        D = truncated_errors(tape, lengths, epsilon, config)
    else:
        D = full_errors(tape, lengths, epsilon, config, params["Y"])
    return weight_errors(params, tape.U[:len(D), hidden], symbols[:len(D)], D) | {"V": d_V}


def per_cell(gate, config):
    """Give all cells of a block the value of its gate: (..., blocks, lanes) to (..., cells, lanes)."""
    return np.repeat(gate, config.cells, -2)


def per_block(x, config):
    """Add the cells of each block: (..., cells, lanes) to (..., blocks, lanes)."""
    return x.reshape(*x.shape[:-2], config.blocks, config.cells, -1).sum(-2)


def truncated_errors(tape, lengths, epsilon, config):
    """Return the errors by the net inputs, (time, units, lanes), from epsilon (cells, lanes), those by y_c at the end.

    There the error enters the output gates and the states. It leaves a state only backwards, through the cell's
    self-connection: e_s is the same at all earlier steps, so that no backward loop is needed. Each step then has
    e_s y_in g' for its cells, and for its input gates the sum of e_s g f' over the block. Because S is s/2, e_s here
    is the derivative by s/2.
    """
    end, lane = lengths.max(), np.arange(len(lengths))
    cells, inputs, outputs, *_ = parts(config)
    a, y_in = tape.U[1:end + 1, cells], tape.U[1:end + 1, inputs]
    h, y_out = tape.H[lengths - 1, :, lane].T, tape.U[lengths, outputs, lane].T
    ago = lengths - 1 - np.arange(end)[:, None]                                   # steps until the last, (time, lanes)
    carried = ((ago >= 0) * np.float32(config.self_weight)**np.maximum(ago, 0)).astype(h.dtype)
    e_s = carried[:, None] * (per_cell(y_out, config) * (1 - h * h) * epsilon)
    D = np.zeros((end, len(tape.Z), len(lengths)), h.dtype)
    D[:, cells] = e_s * per_cell(y_in, config) * (HALF - HALF * a * a)
    D[:, inputs] = per_block(e_s * a, config) * y_in * (1 - y_in)
    D[lengths - 1, outputs, lane] = (y_out * (1 - y_out) * per_block(h * epsilon, config)).T
    return D


def full_errors(tape, lengths, epsilon, config, Y):
    """Return what `truncated_errors` returns for the full gradient: errors go back through Y (units, units, trials)."""
    end, blocks = lengths.max(), config.blocks
    a, y_in, y_out, *_ = (tape.U[1:end + 1, part] for part in parts(config))
    h = tape.H[:end]
    s_by_y, c_by_s = per_cell(y_out, config) * (1 - h * h), per_cell(y_in, config) * (HALF - HALF * a * a)
    by_net = np.concatenate([y_in * (1 - y_in), y_out * (1 - y_out)], 1)          # f' of the gates
    D, d_y = np.empty((end, len(tape.Z), len(lengths)), h.dtype), np.zeros_like(tape.Z[:, 0])
    back, d_s, ends = Y.transpose(2, 0, 1).copy(), np.zeros_like(epsilon), set(lengths - 1)
    d_gates, d_c = d_y[:2 * blocks], d_y[2 * blocks:]
    for t in range(end - 1, -1, -1):
        if t in ends:
            d_c += epsilon * (lengths - 1 == t)
        d_s = config.self_weight * d_s + d_c * s_by_y[t]
        np.multiply(d_s, c_by_s[t], D[t, :-2 * blocks])
        d_gates[:blocks] += per_block(d_s * a[t], config)
        d_gates[blocks:] += per_block(d_c * h[t], config)
        np.multiply(d_gates, by_net[t], D[t, -2 * blocks:])
        np.matmul(back, by_trial(D[t], len(back)), by_trial(d_y, len(back)))
    return D


def rnn_tape(config, lanes, trials, dtype=np.float32):
    """Return the Tape of the control: U holds h(t-1), Z the net inputs from symbol and bias."""
    longest = config.length + config.length // 10
    Z, U = np.zeros((config.units, longest, lanes), dtype), np.zeros((longest + 1, config.units, lanes), dtype)
    return Tape(Z, U, None, None, [(by_trial(U[t], trials), by_trial(U[t + 1], trials), Z[:, t], U[t + 1])
                                   for t in range(longest)])


def rnn_init(generators, config):
    """Return the control's weights, named and shaped as for `lstm_init`: with 9 units 72 + 81 + 9 + 40 = 202."""
    units, bound = config.units, config.units**-0.5
    shapes = {"X": (len(SYMBOLS), units), "Y": (units, units), "b": (units,), "V": (units + 1, len(CLASSES))}
    return {name: np.stack([g.uniform(-bound, bound, shape) for g in generators], -1).astype(np.float32)
            for name, shape in shapes.items()}


def rnn_forward(params, tape, symbols, lengths, config):
    """The control, h(t) = tanh(X x(t) + Y h(t-1) + b); arguments and result as for `lstm_forward`."""
    Y = params["Y"].T.copy()
    look_up(params, tape, symbols, 1)
    for hidden, net, x, h in tape.steps[:lengths.max()]:
        np.matmul(Y, hidden, net)
        np.add(h, x, h)
        np.tanh(h, h)
    return output(params, tape.U[lengths, :, np.arange(len(lengths))].T, config)


def rnn_backward(params, tape, symbols, lengths, y, classes, config):
    """Return the full gradient (backpropagation through time); arguments and result as for `lstm_backward`."""
    d_V, epsilon = output_backward(params, tape.U[lengths, :, np.arange(len(lengths))].T, y, classes, config)
    back, D = params["Y"].transpose(2, 0, 1).copy(), np.empty_like(tape.U[:lengths.max()])
    slope, d_h, ends = 1 - tape.U[1:len(D) + 1]**2, np.zeros_like(epsilon), set(lengths - 1)
    for t in range(len(D) - 1, -1, -1):
        if t in ends:
            d_h += epsilon * (lengths - 1 == t)
        np.multiply(d_h, slope[t], D[t])
        np.matmul(back, by_trial(D[t], len(back)), by_trial(d_h, len(back)))
    return weight_errors(params, tape.U[:len(D)], symbols[:len(D)], D) | {"V": d_V}


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


BLOCK = 25                                                                        # weight changes between snapshots
WINDOW = 2000                                                                     # the sequences that decide


class Snapshot(NamedTuple):
    """The state before training and after each block of updates."""
    step: int                   # sequences seen by each trial
    params: dict                # the live weights
    history: list               # half the sum of the squared errors, mean of each block so far, each (trials,);
                                # that of a trial that stopped stays as it was
    stopped: np.ndarray         # sequences until the trial stopped, NaN before     (trials,)


def streams(config, seed):
    """Return three lists of generators, one for each trial: for its weights, its training data and its test data."""
    roots = (np.random.SeedSequence([seed, trial]).spawn(3) for trial in range(config.trials))
    return [list(map(np.random.default_rng, children)) for children in zip(*roots)]


def clip(grads, limit):
    """Scale down the gradient of each trial whose norm exceeds the limit, in place."""
    norm = sum((g * g).reshape(-1, g.shape[-1]).sum(0) for g in grads.values())**0.5
    for g in grads.values():
        g *= np.minimum(1, limit / (norm + 1e-12))


def train(config, seed, net=LSTM):
    """Train the trials of one seed in lanes until all have stopped or the budget is spent; yield Snapshots.

    A trial stops when its last 2000 sequences all had errors below 0.3 at every output unit, and below 0.1 on average
    over sequences and units (section 5.6). Then its weights stay as they are; after the block it leaves the lanes.
    """
    weights, data, _ = streams(config, seed)
    params, step, history, batch = net.init(weights, config), 0, [], config.batch
    state = adam_state(params)
    streak, stopped = np.zeros(config.trials), np.full(config.trials, np.nan)
    window = np.ones((-(-WINDOW // batch), config.trials), np.float32)            # mean errors of the last updates
    tape, loss = None, np.zeros(config.trials)
    yield Snapshot(step, params, history, stopped)
    while step < config.sequences and np.isnan(stopped).any():
        live, losses = np.flatnonzero(np.isnan(stopped)), []
        if tape is None or tape.U.shape[2] != len(live) * batch:
            tape = net.tape(config, len(live) * batch, len(live))
        own = {name: w[..., live] for name, w in params.items()}
        moments = {name: tuple(m[..., live] for m in pair) for name, pair in state.items()}
        generators = [data[trial] for trial in live]
        for symbols, lengths, classes, _ in zip(*make_batch(config.length, generators, BLOCK * batch, batch)):
            y = net.forward(own, tape, symbols, lengths, config)
            error = output_errors(y, classes).reshape(len(CLASSES), len(live), batch)
            losses.append((error * error).sum(0).mean(1) / 2)
            step += batch
            window[step // batch % len(window), live] = abs(error).mean((0, 2))
            streak[live] = (streak[live] + batch) * (abs(error) < CORRECT).all((0, 2))
            if (streak[live] >= WINDOW).any():
                stopped[np.isnan(stopped) & (streak >= WINDOW) & (window.mean(0) < 0.1)] = step
            grads = net.backward(own, tape, symbols, lengths, y, classes, config)
            rate = config.rate * np.isnan(stopped[live])
            if config.clip:
                clip(grads, config.clip)
            if config.rule == "sgd":
                for name, grad in grads.items():
                    own[name] -= rate * grad
            else:
                adam(own, grads, moments, step // batch, rate)
        for name in params:
            for whole, part in zip((params[name], *state[name]), (own[name], *moments[name])):
                whole[..., live] = part
        loss[live] = np.mean(losses, 0)
        history.append(loss.copy())
        yield Snapshot(step, params, history, stopped)


# ---------------------------------------------------------------- Experiment
GAPS = (5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 60, 70, 80)                        # steps; training has 30 to 50


def tests(params, config, seed, net=LSTM, count=2560, chunk=32, windows=WINDOWS):
    """Yield a Batch of one update, the Tape and the outputs (classes, trials, chunk) until each trial saw `count`
    test sequences."""
    _, _, generators = streams(config, seed)
    tape = net.tape(config, config.trials * chunk, config.trials)
    for _ in range(count // chunk):
        batch = make_batch(config.length, generators, chunk, chunk, windows)
        y = net.forward(params, tape, batch.symbols[0], batch.lengths[0], config)
        yield batch, tape, y.reshape(len(CLASSES), config.trials, chunk)


def share_wrong(params, config, seed, net=LSTM, **options):
    """Return the share of test sequences with an error of 0.3 or more at some output unit, (trials,)."""
    return np.mean([(abs(output_errors(y.reshape(len(CLASSES), -1), batch.classes[0])) >= CORRECT).any(0)
                    .reshape(config.trials, -1).mean(1)
                    for batch, _, y in tests(params, config, seed, net, **options)], 0)


def evaluate(config, seed, net):
    """Train and test; return the last Snapshot, metrics with one entry for each trial, and curves over training.

    sequences: until the trial stopped; solved: whether it did. On 2560 fresh sequences, with its last weights: wrong,
    the number with an error of 0.3 or more at some output unit; test_error, the mean absolute error of the units;
    accuracy, the share in which the most active unit is the right one.
    """
    *_, last = watch(train(config, seed, net), config.sequences, f"{config.length} steps, sequence")
    found = [], [], []
    for batch, _, y in tests(last.params, config, seed, net):
        error = abs(output_errors(y.reshape(len(CLASSES), -1), batch.classes[0])).reshape(y.shape)
        right = y.argmax(0) == batch.classes[0].reshape(config.trials, -1)
        for rows_of, values in zip(found, ((error >= CORRECT).any(0), error.mean(0), right)):
            rows_of.append(values)
    wrong, error, right = (np.concatenate(values, 1) for values in found)         # (trials, sequences)
    points = np.array([part.mean(0) for part in np.array_split(last.history, min(150, len(last.history)))])
    return (last, {"sequences": last.stopped, "solved": ~np.isnan(last.stopped) * 1, "wrong": wrong.sum(1),
                   "test_error": error.mean(1), "accuracy": right.mean(1)},
            {"seen": np.linspace(0, last.step, len(points) + 1)[1:], "loss_median": np.median(points, 1),
             "loss_least": points.min(1), "loss_most": points.max(1)})


def one_block(params, config, seed):
    """Return how well the final states of the best single block tell the class, as a share of right ones (trials,).

    The class whose mean states are nearest is the answer; means and answers are taken on 640 test sequences each.
    """
    states, classes = [], []
    for batch, tape, _ in tests(params, config, seed, count=1280):
        final = tape.S[batch.lengths[0], :, np.arange(batch.lengths.size)]
        states.append(final.reshape(config.trials, -1, config.blocks, config.cells))
        classes.append(batch.classes[0].reshape(config.trials, -1))
    states, classes = np.concatenate(states, 1), np.concatenate(classes, 1)       # (trials, sequences, blocks, cells)
    shares = np.empty((config.trials, config.blocks))
    for trial, block in np.ndindex(shares.shape):
        s, k = states[trial, :, block], classes[trial]
        means = np.array([s[:640][k[:640] == c].mean(0) for c in range(len(CLASSES))])
        shares[trial, block] = (((s[640:, None] - means)**2).sum(2).argmin(1) == k[640:]).mean()
    return shares.max(1)


def cut(params, config, target):
    """Return the weights without the links from the cells' activations to the units of a part of `parts`."""
    links = params["Y"].copy()
    links[2 * config.blocks:, target] = 0
    return params | {"Y": links}


def lstm(config, seed):
    """Train and test the memory cells. Metrics and curves of `evaluate`, and how the nets do it (section 5.6):

    one_block: see there. cut_input_gates, cut_cells, cut_output_gates: shares wrong of 640 test sequences, without the
    links from the cells' activations to these units. third_ignored, third_and_second, third_and_first: of the sequences
    XYX and YXY with a third symbol at step 80, the shares answered by the first two, the last two, the first and last.
    wrong_at: the mean share wrong of the trials that stopped, with the first symbol at step 15 and the second `gaps`
    later. weights: those of the first trial that stopped (X, Y, b, V), with which the figures run that net again.
    """
    last, metrics, curves = evaluate(config, seed, LSTM)
    params, (cells, inputs, outputs, *_) = last.params, parts(config)
    metrics["one_block"] = one_block(params, config, seed)
    for name, target in (("input_gates", inputs), ("cells", cells), ("output_gates", outputs)):
        metrics[f"cut_{name}"] = share_wrong(cut(params, config, target), config, seed, count=640)
    answers, orders = map(np.concatenate, zip(*(
        (y.argmax(0).T, batch.classes[0].reshape(config.trials, -1).T) for batch, _, y in tests(
            params, config, seed, count=640, windows=(*WINDOWS, (80, 80))))))      # (sequences, trials); 2: XYX, 5: YXY
    for name, (xyx, yxy) in (("third_ignored", (1, 2)), ("third_and_second", (2, 1)), ("third_and_first", (0, 3))):
        hits = np.where(orders == 2, answers == xyx, answers == yxy)
        metrics[name] = hits.mean(0, where=(orders == 2) | (orders == 5))
    wrong_at = np.array([share_wrong(params, config, seed, count=64, windows=((15, 15), (15 + gap, 15 + gap)))
                         for gap in GAPS])
    if metrics["solved"].any():
        wrong_at = wrong_at[:, metrics["solved"] == 1]
    one = metrics["solved"].argmax()
    return metrics, curves | {"gaps": GAPS, "wrong_at": wrong_at.mean(1),
                              "weights": np.concatenate([params[name][..., one].ravel() for name in "XYbV"])}


def rnn(config, seed):
    """Train and test the control, an ordinary recurrent net: the metrics and curves of `evaluate`."""
    return evaluate(config, seed, RNN)[1:]


FAST = Config(output="softmax", rule="adam", rate=0.03, clip=1.0, batch=8, sequences=40_000)
CONTROL = replace(FAST, gradient="full", sequences=200_000)
ARMS = {
    "lstm": Arm(lstm, Config(trials=20)),
    "fast": Arm(lstm, FAST),
    "fast-full": Arm(lstm, replace(FAST, gradient="full", trials=3)),
    **{f"fast-{length}": Arm(lstm, replace(FAST, length=length, sequences=100_000)) for length in (200, 500, 1000)},
    "leak-0.9": Arm(lstm, replace(FAST, self_weight=0.9)),
    "rnn": Arm(rnn, replace(CONTROL, rate=0.003, sequences=8000)),
    **{f"rnn-{rate}": Arm(rnn, replace(CONTROL, rate=rate)) for rate in (0.001, 0.003, 0.01)},
    "quick-lstm": Arm(lstm, Config(length=20, trials=2, sequences=400)),
    "quick-rnn": Arm(rnn, replace(CONTROL, length=20, trials=2, sequences=800)),
}
PRESETS = {
    "quick": ("quick-lstm", "quick-rnn"),
    "default": ("fast", "fast-full", "rnn"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
PAPER = "31,390"                                                                  # mean sequences of 20 trials


def that_stopped(r, arm, metric):
    """Return a metric over the trials that met the criterion, [NaN] if there are none."""
    values = r[arm][metric][r[arm]["solved"] == 1]
    return values if len(values) else np.array([np.nan])


def share_of(values, test):
    """Return the share of values that pass a test, NaN where there is nothing to test."""
    return np.where(np.isnan(values), np.nan, test(values)).mean()


def accuracy(name, arm, **more):
    """The claims about the test after the stop."""
    return (Claim(f"{name}: wrong of 2560 (mean of the trials that stopped)",
                  lambda r: that_stopped(r, arm, "wrong").mean(), "<= 1", "1", "paper", "Table 9", n=20, **more),
            Claim(f"{name}: wrong of 2560 (most of any that stopped)",
                  lambda r: that_stopped(r, arm, "wrong").max(), "<= 3", "at most 3", "paper", "section 5.6", n=20,
                  show="{:.0f}", **more))


def solution(name, arm):
    """The claims about how the nets do it, over the trials that stopped."""
    def share(metric, test):
        return lambda r: share_of(that_stopped(r, arm, metric), test)

    return (Claim(f"{name}: share in which one block's states tell all four classes",
                  share("one_block", lambda x: x >= 0.99), "", "typically", "paper", "section 5.6", n=20,
                  show="{:.0%}"),
            *(Claim(f"{name}: share that errs without the links from cells to {target.replace('_', ' ')}",
                    share(f"cut_{target}", lambda x: x >= 0.1), "", "not given", "trial", "section 5.6", n=20,
                    show="{:.0%}") for target in ("input_gates", "cells", "output_gates")),
            Claim(f"{name}: of XYX and YXY, share answered by the first two symbols",
                  lambda r: that_stopped(r, arm, "third_ignored").mean(), "", "not run", "trial", "a third symbol",
                  n=20, show="{:.0%}"))


def controls(r):
    """Return the metrics of the ordinary net at its best rate: most trials that meet the criterion, then most right."""
    return max((r[f"rnn-{rate}"] for rate in (0.001, 0.003, 0.01)),
               key=lambda arm: (arm["solved"].mean(), arm["accuracy"].mean()))


EFFORT = {"sequences": "sequences"}
CLAIMS = (
    Claim("1997 net and rule: trials that meet the criterion", lambda r: r["lstm"]["solved"].mean(), ">= 0.95",
          "20 of 20", "paper", "Table 9", n=20, show="{:.0%}"),
    Claim("1997 net and rule: sequences until then (mean of those trials)",
          lambda r: that_stopped(r, "lstm", "sequences").mean(), "<= 40000", PAPER, "paper", "Table 9", n=20,
          show="{:,.0f}"),
    *accuracy("1997 net and rule", "lstm"),
    Claim("1997 net and rule: test error (largest of any that stopped)",
          lambda r: that_stopped(r, "lstm", "test_error").max(), "< 0.1", "below 0.1", "paper", "section 5.6", n=20),
    Claim("Adam and softmax: trials that meet the criterion", lambda r: r["fast"]["solved"].mean(), ">= 1", "20 of 20",
          "paper", "Table 9", n=20, show="{:.0%}", substitute=True),
    Claim("Adam and softmax: sequences until then (mean of those trials)",
          lambda r: that_stopped(r, "fast", "sequences").mean(), "<= 10000", PAPER, "trial", "Table 9; the bar is ours",
          n=20, show="{:,.0f}", substitute=True),
    *accuracy("Adam and softmax", "fast", substitute=True),
    Claim("sequences with the truncated gradient / the full one (Adam and softmax; trials that stopped)",
          lambda r: that_stopped(r, "fast", "sequences").mean() / that_stopped(r, "fast-full", "sequences").mean(),
          "0.7..2.5", "no significant difference", "trial", "the bar is ours", n=20),
    Claim("ordinary net, best of three rates: trials that meet the criterion", lambda r: controls(r)["solved"].mean(),
          "<= 0.2", "not run", "control", "section 5.6", n=10, show="{:.0%}"),
    Claim("ordinary net, best of three rates: share right after 200,000 sequences",
          lambda r: controls(r)["accuracy"].mean(), "", "not run", "control", "section 5.6", n=10, show="{:.1%}"),
    Claim("ordinary net, short run: share right", lambda r: r["rnn"]["accuracy"].mean(), "", "not run", "control",
          "section 5.6", n=10, show="{:.1%}"),
    *(Claim(f"{length} steps (Adam and softmax): trials that meet the criterion",
            lambda r, arm=f"fast-{length}": r[arm]["solved"].mean(), bar, "not run", "trial", "the bar is ours", n=10,
            show="{:.0%}") for length, bar in ((200, ">= 1"), (500, ">= 1"), (1000, ""))),
    Claim("self-weight 0.9 instead of 1: trials that meet the criterion", lambda r: r["leak-0.9"]["solved"].mean(),
          "<= 0.2", "not run", "control", "no error carousel", n=10, show="{:.0%}"),
    *solution("1997 net and rule", "lstm"),
    *solution("Adam and softmax", "fast"),
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
