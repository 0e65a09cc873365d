# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Temporal order, three symbols: the 1997 LSTM tells in which order three symbols came, far apart among distractors.

S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8):1735-1780, 1997. Experiment 6, task 6b
(section 5.6, Table 9; equations of appendix A.1).

A sequence of 100 to 110 symbols begins with E and ends with B. One X or Y comes at step 10 to 20, another at step 33
to 43, a third at step 66 to 76, and all else is a, b, c or d at random. When B comes, the net has to say which of the
eight orders of X and Y it was. It has to keep three bits apart for up to a hundred steps, before there is any
error to learn from. An ordinary recurrent net gets nothing back of an error over that distance. A memory cell does,
through a self-connection of weight 1 (the constant error carousel) between an input gate that protects it and an output
gate that reads it:

    s(t) = s(t-1) + y_in(t) g(net_c(t))      y_c(t) = y_out(t) h(s(t))      g = 4 f - 2, h = 2 f - 1, f the logistic

There is no forget gate. Three blocks of two cells share a gate of each kind. Gates and cells see the symbol, all gates
and cells of the last step and a bias; eight logistic output units see the cells: 308 weights. Learning is online
gradient descent on the squared error at the last step, rate 0.1, with a truncated gradient: an error that reaches the
net input of a gate or a cell changes the weights there but goes no further back. An answer is right if all eight output
units are within 0.3 of their targets. A trial stops after 2000 right answers in a row with a mean error below 0.1.

    python3 temporal_order_4bit.py --seed 0
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
    symbols: int = option(3, "relevant symbols: 3 is task 6b, 2 task 6a, 4 one that the paper does not have", low=2)
    length: int = option(100, "least length of a sequence; the places of X and Y scale with it", low=26)
    blocks: int = option(3, "memory blocks", low=1)
    cells: int = option(2, "cells of a block", low=1)
    units: int = option(12, "units of the ordinary net", low=1)
    output: str = option("logistic", "logistic units: squared error; entropy: the same, cross-entropy; or softmax",
                         choices=("logistic", "entropy", "softmax"))
    rule: str = option("sgd", "plain gradient descent or Adam", choices=("sgd", "adam"))
    rate: float = option(0.1, "learning rate alpha")
    clip: float = option(0.0, "largest norm of a trial's gradient; 0: no limit")
    batch: int = option(1, "sequences per weight change; 1 is online learning", low=1)
    gradient: str = option("truncated", "the paper's gradient or the full one", choices=("truncated", "full"))
    self_weight: float = option(1.0, "weight of the cells' self-connection; 1 is the constant error carousel")
    trials: int = option(10, "independent trials, run in lanes", low=1)
    sequences: int = option(1_000_000, "training sequences after which a trial is given up", low=200)


# ---------------------------------------------------------------- Problem
SYMBOLS = "EBabcdXY"                                                              # a symbol is its place here
WINDOWS = {                                 # for each number of symbols the length, and the steps, counted from 1,
    2: (100, ((10, 20), (50, 60))),         # between which an X or Y stands at that length
    3: (100, ((10, 20), (33, 43), (66, 76))),
    4: (130, ((10, 20), (33, 43), (66, 76), (99, 109))),
}
CORRECT = 0.3                                                                     # |error| of every right output unit


class Batch(NamedTuple):
    """Sequences in lanes, `updates` x `lanes` of them, left-aligned in `longest` steps."""
    symbols: np.ndarray         # (updates, longest, lanes)
    lengths: np.ndarray         # (updates, lanes)
    classes: np.ndarray         # the order, X = 0 and Y = 1 read as a binary number     (updates, lanes)
    places: np.ndarray          # the steps of X and Y, counted from 0                   (updates, windows, lanes)


def class_names(symbols):
    """Return the classes as text: XX, XY, YX, YY for two symbols."""
    return ["".join("XY"[number >> power & 1] for power in range(symbols - 1, -1, -1)) for number in range(2**symbols)]


def make_batch(config, generators, count, batch=1):
    """Draw `count` sequences from each trial's generator, as a Batch of count / batch updates (section 5.6).

    Lane r * batch + b holds sequence b of an update of trial r. Lengths are uniform in `length` to 1.1 `length`, the
    place of each X or Y is uniform in its window, both come with equal chances. Raises OSError for a number of symbols
    that has no windows.
    """
    if config.symbols not in WINDOWS:
        raise OSError(f"--symbols: there are tasks with {', '.join(map(str, WINDOWS))} symbols")
    length, longest, (unit, windows) = config.length, config.length + config.length // 10, WINDOWS[config.symbols]
    symbols, lengths, places, chosen = map(np.array, zip(*((
        g.integers(2, 6, (count, longest), np.uint8), g.integers(length, longest + 1, count),
        [g.integers(low * length // unit, high * length // unit + 1, count) - 1 for low, high in windows],
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
HALF = np.float32(0.5)


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


def lstm_tape(config, lanes, dtype=np.float32):
    """Return an empty Tape; the states and activations of step 0 are 0 and stay so."""
    longest, blocks, cells = config.length + config.length // 10, config.blocks, config.blocks * config.cells
    Z, U, S, H = (np.zeros(shape, dtype) for shape in (
        (cells + 2 * blocks, longest, lanes), (longest + 1, 2 * cells + 2 * blocks, lanes),
        (longest + 1, cells, lanes), (longest, cells, lanes)))
    a, y_in, y_out, y_c, hidden = (U[:, part] for part in parts(config))
    a, y_in, y_out, y_c, s, h = (x.reshape(len(x), blocks, -1, lanes) for x in (a, y_in, y_out, y_c, S, H))
    units = cells + 2 * blocks
    steps = [(hidden[t], Z[:, t], U[t + 1, :units], U[t + 1, cells:units], y_in[t + 1], a[t + 1], s[t], s[t + 1], h[t],
              y_out[t + 1], y_c[t + 1]) for t in range(longest)]
    return Tape(Z, U, S, H, steps)


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
    if config.output != "softmax":
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

    The loss is half the sum of the squared errors, or else the cross-entropy (of each logistic unit, or of softmax).
    Its derivative by a net input lacks the factor y (1 - y), which is what keeps a unit that is off from being heard.
    """
    d_net = output_errors(y, classes) * (y * (1 - y) if config.output == "logistic" else 1)
    V = spread(params["V"], len(classes))
    d_V = np.vstack([y_c, np.ones_like(y[:1])])[:, None] * d_net
    return gather(d_V, params["V"]), np.einsum("ckn,kn->cn", V[:-1], d_net)


def lstm_init(generators, config):
    """Return the weights of each trial, uniform in [-0.1, 0.1] but for the input gates' biases -2, -4, ...

    X (symbols, units, trials) from the symbols, Y (units, units, trials) from (y_in, y_out, y_c) and the biases b
    (units, trials), all to (cells, input gates, output gates); V (cells + 1, classes, trials) from (y_c, 1) to the
    output. With three blocks of two cells: 96 + 144 + 12 + 56 = 308 weights of a trial.
    """
    units, cells = config.blocks * (config.cells + 2), config.blocks * config.cells
    shapes = {"X": (len(SYMBOLS), units), "Y": (units, units), "b": (units,), "V": (cells + 1, 2**config.symbols)}
    params = {name: np.stack([g.uniform(-0.1, 0.1, shape) for g in generators], -1).astype(np.float32)
              for name, shape in shapes.items()}
    params["b"][parts(config)[1]] = -2 * np.arange(1, config.blocks + 1)[:, None]
    return params


def lstm_forward(params, tape, symbols, lengths, config):
    """Run sequences through the net; return its outputs at their last steps, (classes, lanes); the rest is on the tape.

    symbols: (longest, lanes). lengths: (lanes,). The lanes are a multiple of the trials in params.
    """
    einsum, tanh, multiply, add = np.einsum, np.tanh, np.multiply, np.add
    Y = spread(HALF * params["Y"], len(lengths))                                  # halved, as tanh(z/2) asks
    leak = None if config.self_weight == 1 else np.float32(config.self_weight)
    look_up(params, tape, symbols, HALF)
    for hidden, x, z, gates, y_in, a, s_old, s, h, y_out, y_c in tape.steps[:lengths.max()]:
        einsum("kgn,kn->gn", Y, hidden, out=z)
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
        D = full_errors(tape, lengths, epsilon, config, spread(params["Y"], len(lengths)))
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
    """Return what `truncated_errors` returns for the full gradient: errors go back through Y (units, units, lanes)."""
    end, blocks = lengths.max(), config.blocks
    a, y_in, y_out, *_ = (tape.U[1:end + 1, part] for part in parts(config))
    h = tape.H[:end]
    s_by_y, c_by_s = per_cell(y_out, config) * (1 - h * h), per_cell(y_in, config) * (HALF - HALF * a * a)
    by_net = np.concatenate([y_in * (1 - y_in), y_out * (1 - y_out)], 1)          # f' of the gates
    D, d_y = np.empty((end, len(tape.Z), len(lengths)), h.dtype), np.zeros_like(Y[0])
    d_s, ends = np.zeros_like(epsilon), set(lengths - 1)
    for t in range(end - 1, -1, -1):
        d_gates, d_c = d_y[:2 * blocks], d_y[2 * blocks:]
        if t in ends:
            d_c += epsilon * (lengths - 1 == t)
        d_s = config.self_weight * d_s + d_c * s_by_y[t]
        np.multiply(d_s, c_by_s[t], D[t, :-2 * blocks])
        d_gates[:blocks] += per_block(d_s * a[t], config)
        d_gates[blocks:] += per_block(d_c * h[t], config)
        np.multiply(d_gates, by_net[t], D[t, -2 * blocks:])
        d_y = np.einsum("kgn,gn->kn", Y, D[t])
    return D


def rnn_tape(config, lanes, dtype=np.float32):
    """Return the Tape of the control: U holds h(t-1), Z the net inputs from symbol and bias."""
    longest = config.length + config.length // 10
    Z, U = np.zeros((config.units, longest, lanes), dtype), np.zeros((longest + 1, config.units, lanes), dtype)
    return Tape(Z, U, None, None, [(U[t], Z[:, t], U[t + 1]) for t in range(longest)])


def rnn_init(generators, config):
    """Return the control's weights, named and shaped as for `lstm_init`: with 12 units 96 + 144 + 12 + 104 = 356."""
    units, bound = config.units, config.units**-0.5
    shapes = {"X": (len(SYMBOLS), units), "Y": (units, units), "b": (units,), "V": (units + 1, 2**config.symbols)}
    return {name: np.stack([g.uniform(-bound, bound, shape) for g in generators], -1).astype(np.float32)
            for name, shape in shapes.items()}


def rnn_forward(params, tape, symbols, lengths, config):
    """The control, h(t) = tanh(X x(t) + Y h(t-1) + b); arguments and result as for `lstm_forward`."""
    Y = spread(params["Y"], len(lengths))
    look_up(params, tape, symbols, 1)
    for hidden, x, h in tape.steps[:lengths.max()]:
        np.einsum("kgn,kn->gn", Y, hidden, out=h)
        np.add(h, x, h)
        np.tanh(h, h)
    return output(params, tape.U[lengths, :, np.arange(len(lengths))].T, config)


def rnn_backward(params, tape, symbols, lengths, y, classes, config):
    """Return the full gradient (backpropagation through time); arguments and result as for `lstm_backward`."""
    d_V, epsilon = output_backward(params, tape.U[lengths, :, np.arange(len(lengths))].T, y, classes, config)
    Y, D = spread(params["Y"], len(lengths)), np.empty_like(tape.U[:lengths.max()])
    slope, d_h, ends = 1 - tape.U[1:len(D) + 1]**2, np.zeros_like(epsilon), set(lengths - 1)
    for t in range(len(D) - 1, -1, -1):
        if t in ends:
            d_h += epsilon * (lengths - 1 == t)
        np.multiply(d_h, slope[t], D[t])
        d_h = np.einsum("kgn,gn->kn", Y, D[t])
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
SAVE_SECONDS = 120                                                                # between checkpoints


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


def train(config, seed, net=LSTM, checkpoint=None):
    """Train the trials of one seed in lanes until all have stopped or the budget is spent; yield Snapshots.

    A trial stops when its last 2000 sequences all had errors below 0.3 at every output unit, and below 0.1 on average
    over sequences and units (section 5.6). Then its weights stay as they are; after the block it leaves the lanes.
    checkpoint: npz file to go on from and to keep up to date.
    """
    weights, data, _ = streams(config, seed)
    params, step, history, batch = net.init(weights, config), 0, [], config.batch
    state = adam_state(params)
    streak, stopped = np.zeros(config.trials), np.full(config.trials, np.nan)
    window = np.ones((-(-WINDOW // batch), config.trials), np.float32)            # mean errors of the last updates
    tape, loss = None, np.zeros(config.trials)
    cell, saved = f"{config} seed {seed}", time.monotonic()
    if checkpoint and (kept := load_state(checkpoint, cell)):
        step, history, data = int(kept["step"]), list(kept["history"]), [kept[f"data{i}"] for i in range(config.trials)]
        streak, stopped, window, loss = (kept[name] for name in ("streak", "stopped", "window", "loss"))
        params, state = {n: kept[n] for n in params}, {n: (kept[f"m_{n}"], kept[f"v_{n}"]) for n in params}
    yield Snapshot(step, params, history, stopped)
    while step < config.sequences and np.isnan(stopped).any():
        live, losses = np.flatnonzero(np.isnan(stopped)), []
        if tape is None or tape.U.shape[2] != len(live) * batch:
            tape = net.tape(config, len(live) * batch)
        own = {name: w[..., live] for name, w in params.items()}
        moments = {name: tuple(m[..., live] for m in pair) for name, pair in state.items()}
        generators = [data[trial] for trial in live]
        for symbols, lengths, classes, _ in zip(*make_batch(config, generators, BLOCK * batch, batch)):
            y = net.forward(own, tape, symbols, lengths, config)
            error = output_errors(y, classes).reshape(-1, len(live), batch)
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
        if checkpoint and time.monotonic() - saved >= SAVE_SECONDS:
            averages = {f"{kind}_{n}": x for n, pair in state.items() for kind, x in zip("mv", pair)}
            save_state(checkpoint, cell, dict(step=step, history=history, streak=streak, stopped=stopped, window=window,
                                              loss=loss, **params, **averages,
                                              **{f"data{i}": g for i, g in enumerate(data)}))
            saved = time.monotonic()
        yield Snapshot(step, params, history, stopped)


# ---------------------------------------------------------------- Experiment
def tests(params, config, seed, net=LSTM, count=2560, chunk=32):
    """Yield a Batch of one update, the Tape and the outputs (classes, trials, chunk) until each trial saw `count`
    test sequences."""
    _, _, generators = streams(config, seed)
    tape = net.tape(config, config.trials * chunk)
    for _ in range(count // chunk):
        batch = make_batch(config, generators, chunk, chunk)
        y = net.forward(params, tape, batch.symbols[0], batch.lengths[0], config)
        yield batch, tape, y.reshape(-1, config.trials, chunk)


def evaluate(config, seed, net, checkpoint=None):
    """Train and test; return the last Snapshot, metrics with one entry for each trial, and curves over training.

    sequences: until the trial stopped; solved: whether it did. On 2560 fresh sequences, with its last weights: wrong,
    the number with an error of 0.3 or more at some output unit; test_error, the mean absolute error of the units;
    accuracy, the share in which the most active unit is the right one; lost, the number of classes of which less than
    half are answered right. right_by_class: the share of right answers for each trial and class, up to 8 classes.
    """
    *_, last = watch(train(config, seed, net, checkpoint), config.sequences, f"{config.length} steps, sequence")
    found = [], [], [], []
    for batch, _, y in tests(last.params, config, seed, net):
        error = abs(output_errors(y.reshape(len(y), -1), batch.classes[0])).reshape(y.shape)
        classes = batch.classes[0].reshape(config.trials, -1)
        for values, value in zip(found, ((error >= CORRECT).any(0), error.mean(0), y.argmax(0) == classes, classes)):
            values.append(value)
    wrong, error, best, classes = (np.concatenate(values, 1) for values in found)    # (trials, sequences)
    by_class = np.stack([1 - wrong.mean(1, where=classes == k) for k in range(2**config.symbols)], 1)
    points = np.array([part.mean(0) for part in np.array_split(last.history, min(150, len(last.history)))])
    curves = {"seen": np.linspace(0, last.step, len(points) + 1)[1:], "loss_median": np.median(points, 1),
              "loss_least": points.min(1), "loss_most": points.max(1)}
    return (last, {"sequences": last.stopped, "solved": ~np.isnan(last.stopped) * 1, "wrong": wrong.sum(1),
                   "test_error": error.mean(1), "accuracy": best.mean(1), "lost": (by_class < 0.5).sum(1)},
            curves | ({"right_by_class": by_class} if config.symbols <= 3 else {}))


def code(params, config, seed):
    """Return what the final states of each block say: shares of their variance, (trials, blocks, subsets of symbols).

    With the symbols as +1 and -1, the states are regressed on the products of all subsets of the symbols (one column
    for each but the empty one: a binary number whose highest bit is the first symbol) over 2560 test sequences. Since
    the products are uncorrelated, the squared coefficients are the variances they explain; those of a block's cells are
    added, and divided by all its variance.
    """
    states, classes = [], []
    for batch, tape, _ in tests(params, config, seed):
        final = tape.S[batch.lengths[0], :, np.arange(batch.lengths.size)]
        states.append(final.reshape(config.trials, -1, config.blocks, config.cells))
        classes.append(batch.classes[0].reshape(config.trials, -1))
    states, classes = np.concatenate(states, 1), np.concatenate(classes, 1)       # (trials, sequences, blocks, cells)
    odd = np.array([[bin(k & subset).count("1") % 2 for subset in range(1, 2**config.symbols)]
                    for k in range(2**config.symbols)])
    shares = np.empty((config.trials, config.blocks, odd.shape[1]))
    for trial in range(config.trials):
        s = states[trial] - states[trial].mean(0)
        by_class = np.stack([s[classes[trial] == k].mean(0) for k in range(len(odd))])
        coefficients = np.einsum("kp,kbc->bcp", 1 - 2 * odd, by_class) / len(odd)
        shares[trial] = (coefficients**2).sum(1) / (s**2).mean(0).sum(1)[:, None]
    return shares


def lstm(config, seed, checkpoint=None):
    """Train and test the memory cells. Metrics and curves of `evaluate`, and where the bits are (section 5.6):

    symbols_held: to how many different symbols the blocks' states are mainly due, each block counted for that symbol
    whose own column of `code` is largest. own_share: the share of the states' variance, mean over the blocks, that is
    due to single symbols; product_share: to products of several. code: the table of the first trial that stopped.
    weights_X, _Y, _b, _V: its weights, with which the figures run that net again (three symbols, up to three blocks).
    """
    last, metrics, curves = evaluate(config, seed, LSTM, checkpoint)
    shares, one = code(last.params, config, seed), metrics["solved"].argmax()
    singles = [2**power - 1 for power in range(config.symbols)]                   # columns of single symbols
    own = shares[..., singles]
    metrics["symbols_held"] = [len(set(blocks)) for blocks in own.argmax(2).tolist()]
    metrics["own_share"] = own.sum(2).mean(1)
    metrics["product_share"] = shares.sum(2).mean(1) - metrics["own_share"]
    flat = {f"weights_{name}": last.params[name][..., one].ravel() for name in "XYbV"}
    return metrics, curves | {"code": shares[one]} | (flat if config.blocks <= 3 and config.symbols == 3 else {})


def rnn(config, seed):
    """Train and test the control, an ordinary recurrent net: the metrics and curves of `evaluate`."""
    return evaluate(config, seed, RNN)[1:]


FAST = Config(output="softmax", rule="adam", rate=0.03, clip=1.0, batch=8, sequences=100_000)
CONTROL = replace(FAST, gradient="full", sequences=200_000)
SHAPES = {"1x2": (1, 2), "2x2": (2, 2), "4x2": (4, 2), "6x1": (6, 1)}             # blocks x cells, beside the paper's
ARMS = {
    "lstm": Arm(lstm, Config()),
    "entropy": Arm(lstm, Config(output="entropy", sequences=400_000)),
    "fast": Arm(lstm, replace(FAST, trials=5)),
    "fast-full": Arm(lstm, replace(FAST, gradient="full")),
    "fast-6a": Arm(lstm, replace(FAST, symbols=2, blocks=2)),
    **{f"fast-{name}": Arm(lstm, replace(FAST, blocks=blocks, cells=cells))
       for name, (blocks, cells) in SHAPES.items()},
    "fast-4-symbols": Arm(lstm, replace(FAST, symbols=4, length=130, blocks=4, sequences=200_000)),
    "rnn": Arm(rnn, replace(CONTROL, rate=0.003, sequences=8000)),
    **{f"rnn-{rate}": Arm(rnn, replace(CONTROL, rate=rate)) for rate in (0.001, 0.003, 0.01)},
    "quick-lstm": Arm(lstm, Config(length=26, trials=2, sequences=400)),
    "quick-rnn": Arm(rnn, replace(CONTROL, length=26, trials=2, sequences=800)),
}
PRESETS = {
    "quick": ("quick-lstm", "quick-rnn"),
    "default": ("fast", "rnn"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
PAPER = "571,100"                                                                 # mean sequences of 10 trials


def that_stopped(r, arm, metric):
    """Return a metric over the trials that met the criterion, [NaN] if there are none."""
    values = r[arm][metric][r[arm]["solved"] == 1]
    return values if len(values) else np.array([np.nan])


def share_of(values, test):
    """Return the share of values that pass a test, NaN where there is nothing to test."""
    return np.where(np.isnan(values), np.nan, test(values)).mean()


def learned(name, arm, n, share="", limit="", kind="paper", paper=PAPER, **more):
    """The claims about the trials that meet the criterion, and when."""
    return (Claim(f"{name}: trials that meet the criterion", lambda r: r[arm]["solved"].mean(), share,
                  "10 of 10" if paper == PAPER else paper, "paper" if paper == PAPER else "trial",
                  "Table 9" if paper == PAPER else "the bar is ours", n=n, show="{:.0%}", **more),
            Claim(f"{name}: sequences until then (mean of those trials)",
                  lambda r: that_stopped(r, arm, "sequences").mean(), limit, paper, kind,
                  "Table 9" + "; the bar is ours" * (kind == "trial"), n=n, show="{:,.0f}", **more))


def accuracy(name, arm, n, **more):
    """The claims about the test after the stop."""
    return (Claim(f"{name}: wrong of 2560 (mean of the trials that stopped)",
                  lambda r: that_stopped(r, arm, "wrong").mean(), "<= 2", "2", "paper", "Table 9", n=n, **more),
            Claim(f"{name}: wrong of 2560 (most of any that stopped)",
                  lambda r: that_stopped(r, arm, "wrong").max(), "<= 3", "at most 3", "paper", "section 5.6", n=n,
                  show="{:.0f}", **more))


def where_the_bits_are(name, arm, n):
    """The claims about what the blocks hold, over the trials that stopped."""
    return (Claim(f"{name}: share in which the blocks hold three different symbols",
                  lambda r: share_of(that_stopped(r, arm, "symbols_held"), lambda held: held == 3), "", "not given",
                  "trial", "section 5.6", n=n, show="{:.0%}"),
            Claim(f"{name}: share of the states' variance due to products of symbols",
                  lambda r: that_stopped(r, arm, "product_share").mean(), "", "not given", "trial", "section 5.6", n=n,
                  show="{:.0%}"))


def harder(r):
    """Return how many times the sequences of task 6a task 6b takes, and the ends of the 95 % bootstrap interval."""
    three, two = (that_stopped(r, arm, "sequences") for arm in ("fast", "fast-6a"))
    rng = np.random.default_rng(0)
    ratios = [np.mean(rng.choice(three, len(three))) / np.mean(rng.choice(two, len(two))) for _ in range(2000)]
    return three.mean() / two.mean(), *np.quantile(ratios, (0.025, 0.975))


def controls(r):
    """Return the metrics of the ordinary net at its best rate: most trials that meet the criterion, then most right."""
    return max((r[f"rnn-{rate}"] for rate in (0.001, 0.003, 0.01)),
               key=lambda arm: (arm["solved"].mean(), arm["accuracy"].mean()))


EFFORT = {"sequences": "sequences"}
CLAIMS = (
    *learned("1997 net and rule", "lstm", 10, ">= 1"),
    Claim("1997 net and rule: classes of eight that are lost (mean of the trials that did not stop)",
          lambda r: np.nanmean(np.append(r["lstm"]["lost"][r["lstm"]["solved"] == 0], np.nan)), "", "none", "paper",
          "section 5.6", n=10),
    *accuracy("1997 net and rule", "lstm", 10),
    *learned("cross-entropy", "entropy", 10, ">= 1", "<= 100000", "trial", substitute=True),
    *accuracy("cross-entropy", "entropy", 10, substitute=True),
    *learned("Adam and softmax", "fast", 20, ">= 1", "<= 20000", "trial", substitute=True),
    *accuracy("Adam and softmax", "fast", 20, substitute=True),
    Claim("sequences with the truncated gradient / the full one (Adam and softmax; trials that stopped)",
          lambda r: (that_stopped(r, "fast", "sequences").mean() / that_stopped(r, "fast-full", "sequences").mean()),
          "0.7..3", "no significant difference", "trial", "the bar is ours", n=20),
    Claim("three symbols / two: sequences (Adam and softmax; trials that stopped)", lambda r: harder(r)[0], "> 1.2",
          "18, with another rate", "trial", "Table 9; the bar is ours", n=20),
    Claim("... the lower end of its 95 % bootstrap interval", lambda r: harder(r)[1], "> 1", "18, with another rate",
          "trial", "Table 9; the bar is ours", n=20),
    Claim("ordinary net, best of three rates: trials that meet the criterion", lambda r: controls(r)["solved"].mean(),
          "<= 0", "not run", "control", "section 5.6", n=10, show="{:.0%}"),
    Claim("ordinary net, best of three rates: share right after 200,000 sequences",
          lambda r: controls(r)["accuracy"].mean(), "", "not run", "control", "section 5.6", n=10, show="{:.1%}"),
    Claim("ordinary net, short run: share right", lambda r: r["rnn"]["accuracy"].mean(), "", "not run", "control",
          "section 5.6", n=10, show="{:.1%}"),
    *(claim for name, (blocks, cells) in SHAPES.items() for claim in learned(
        f"{blocks} block{'s' * (blocks > 1)} of {cells} (Adam and softmax)", f"fast-{name}", 10, kind="trial",
        paper="not run")),
    *learned("four symbols, 4 blocks of 2 (Adam and softmax)", "fast-4-symbols", 10, kind="trial", paper="not run"),
    *where_the_bits_are("1997 net and rule", "lstm", 10),
    *where_the_bits_are("cross-entropy", "entropy", 10),
    *where_the_bits_are("Adam and softmax", "fast", 20),
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
