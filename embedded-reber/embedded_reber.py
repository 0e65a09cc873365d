# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""The embedded Reber grammar: predict strings whose last symbol but one repeats the second, with the 1997 LSTM.

S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8):1735-1780, 1997. Experiment 1
(section 5.1, Table 1; equations of appendix A.1). The grammar is A. Reber's of 1967, the embedded form and the rules of
the test are those of A. Cleeremans et al. 1989, D. Smith and R. Zipser 1989 and S. Fahlman 1991.

A net reads a string symbol by symbol and has to say after each which ones may come next. An automaton of six states
decides that for the inner string; the symbol before the last repeats the second one, T or P, over 6 or more steps.
The inner symbols are easy and come at every step, so what they teach disturbs the one bit that has to be kept. A
memory cell keeps it in a self-connection of weight 1; its output gate keeps it out of the way until it is asked for:

    s(t) = s(t-1) + y_in(t) g(net_c(t))      y_c(t) = y_out(t) h(s(t))      g = 4 f - 2, h = 2 f - 1, f the logistic

There is no forget gate. Three blocks of two cells, or four of one, share a gate of each kind. Gates and cells see the
input and all gates and cells of the last step; gates have biases, those of the output gates start at -1, -2, -3 (-4).
Seven logistic output units see the cells: 276 or 264 weights. Learning is gradient descent, one string at a time, on
the squared error, rate 0.1, 0.2 or 0.5. The gradient is truncated: an error that reaches the net input of a gate or a
cell changes the weights there but goes no further back. A trial has succeeded when the output units of all symbols that
may come next are the most active ones, at all steps of all 256 training and 256 test strings.

    python3 embedded_reber.py --seed 0
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
import functools


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    blocks: int = option(3, "memory cell blocks", low=1)
    size: int = option(2, "cells in a block", low=1)
    output_gates: str = option("learned", "output gates, learned or always 1", choices=("learned", "open"))
    output: str = option("logistic", "squared error or cross-entropy", choices=("logistic", "softmax"))
    rule: str = option("string", "gradient descent with a weight change after each string or each step, or Adam",
                       choices=("string", "step", "adam"))
    gradient: str = option("truncated", "the paper's gradient or the full one", choices=("truncated", "full"))
    rate: float = option(0.5, "learning rate alpha")
    clip: float = option(0.0, "largest norm of a trial's gradient; 0: no limit")
    inner: int = option(0, "least length of the inner string")
    settle: int = option(0, "strings after success, during which the rate falls to 0; 0: the trial is frozen")
    judged: str = option("all", "steps that decide on success", choices=("all", "outer"))
    trials: int = option(30, "independent trials, run in lanes; ten share a pair of training and test set", low=1)
    strings: int = option(200_000, "training strings after which a trial is given up", low=20)


# ---------------------------------------------------------------- Problem
SYMBOLS = "BTPSXVE"
INNER = ({"T": 1, "P": 2}, {"S": 1, "X": 3}, {"T": 2, "V": 4}, {"X": 2, "S": 5}, {"P": 3, "V": 5}, {"E": 6})
STATES = ("B", "o", "0", "1", "2", "3", "4", "5", "outer", "last")                # before each prediction
OUTER = STATES.index("outer")


class Strings(NamedTuple):
    """Strings in lanes, left-aligned; a string of L symbols asks for L - 1 predictions."""
    symbols: np.ndarray         # one-hot, 0 after the end                         (longest, 7, lanes) float32
    steps: np.ndarray           # predictions                                      (lanes,)
    legal: np.ndarray           # may the symbol come next? True after the end     (longest - 1, 7, lanes)
    states: np.ndarray          # place in STATES, -1 after the end                (longest - 1, lanes)


@functools.cache
def survival(longest):
    """Return rows n = 0 ... longest: the chance that at least n symbols follow an inner state (6 is after the E)."""
    chance = [[1.0] * 7]
    for _ in range(longest):
        chance.append([sum(chance[-1][target] for target in after.values()) / len(after) for after in INNER] + [0.0])
    return chance


def make_string(rng, inner=0):
    """Draw a string B, o, B ... E, o, E with o = T or P; every choice has probability 1/2 (section 5.1).

    inner: least length of the part from its B to its E; the law is then conditioned on such a length.
    """
    outer, body, state = "TP"[rng.integers(2)], "B", 0
    while state < 6:
        chance, branches = survival(inner)[max(inner - len(body) - 1, 0)], list(INNER[state].items())
        weights = [chance[target] for _, target in branches]
        symbol, state = branches[rng.random() * sum(weights) >= weights[0]]
        body += symbol
    return f"B{outer}{body}{outer}E"


def make_strings(rng, count, inner=0, unlike=()):
    """Draw `count` strings that are not among `unlike`; repeats are kept."""
    found = []
    while len(found) < count:
        string = make_string(rng, inner)
        if string not in unlike:
            found.append(string)
    return found


def encode(strings):
    """Return a list of strings as Strings."""
    longest = max(map(len, strings))
    symbols = np.zeros((longest, 7, len(strings)), np.float32)
    legal = np.ones((longest - 1, 7, len(strings)), bool)
    states = np.full((longest - 1, len(strings)), -1)
    for lane, string in enumerate(strings):
        path = [0]                                                                # inner states
        for symbol in string[3:-2]:
            path.append(INNER[path[-1]][symbol])
        after = ["TP", "B", *(INNER[state] for state in path[:-1]), string[-2], "E"]
        symbols[range(len(string)), [SYMBOLS.index(symbol) for symbol in string], lane] = 1
        legal[:len(after), :, lane] = [[symbol in may for symbol in SYMBOLS] for may in after]
        states[:len(after), lane] = [0, 1, *(2 + state for state in path), len(STATES) - 1]
    return Strings(symbols, np.array([len(string) - 1 for string in strings]), legal, states)


def entropy(strings, inner=0):
    """Return -log of each string's probability, ln 2 for each free choice, in nats (lanes,).

    inner: as for `make_string`; the probability is then that among the strings of such a length.
    """
    return np.log(2) * (strings.legal.sum(1) == 2).sum(0) + np.log(survival(inner)[max(inner - 1, 0)][0])


def all_right(y, legal):
    """Is the least active legal output above the most active other one? y, legal (steps, 7, lanes) -> (steps, lanes)"""
    return np.where(legal, y, np.inf).min(1) > np.where(legal, -np.inf, y).max(1)


# ---------------------------------------------------------------- Model
# The layout is made for speed: time first, units next, lanes last, so that the units of one kind lie in one piece. A
# lane is one string; either each has the weights of a trial of its own, or all have those of one. All that step t
# reads is in one row of the tape,
#     U[t] = (tanh of the cells | y_in(t-1) | y_out(t-1) | y_c(t-1) | x(t) | 1),
# from y_in on; it writes the next row. A step is one product with the weights, one tanh for all gates and cells, and
# no copy, since f(z) = (1 + tanh(z/2)) / 2, g(z) = 2 tanh(z/2) and h(s) = tanh(s/2), with s/2 kept in place of s. The
# product is a stack of small ones, one for each trial, for which matmul wants the trials first.
HALF = np.array(0.5, np.float32)                                                  # an array: quicker than a scalar


class Tape(NamedTuple):
    """What a forward pass leaves for the backward pass, and a tuple of views for each step, made once."""
    a: np.ndarray               # tanh of the cells      (steps, cells, lanes)
    y_in: np.ndarray            # input gates            (steps, blocks, lanes)
    y_out: np.ndarray           # output gates           (steps, blocks, lanes)
    y_c: np.ndarray             # outputs of the cells   (steps, cells, lanes)
    s: np.ndarray               # s/2                    (steps, cells, lanes)
    h: np.ndarray               # h(s)                   (steps, cells, lanes)
    x: np.ndarray               # input                  (steps, 7, lanes)
    source: np.ndarray          # all that a step reads  (steps, 2 blocks + cells + 8, lanes)
    steps: list


def lstm_tape(config, steps, lanes, trials, dtype=np.float32):
    """Return an empty Tape; the states and activations before the first step are 0 and stay so."""
    B, C = config.blocks, config.blocks * config.size
    U, S, h = (np.zeros((rows, units, lanes), dtype) for rows, units in
               ((steps + 1, 2 * B + 2 * C + 8), (steps + 1, C), (steps, C)))
    U[:, -1] = 1
    a, y_in, y_out, y_c, x = np.split(U[:, :-1], np.cumsum((C, B, B, C)), 1)
    blocks = [part.reshape(len(part), B, -1, lanes) for part in (a, y_in, y_out, y_c, S, h)]    # (time, B, size, lanes)
    rows = [(by_trial(U[t, C:], trials), by_trial(U[t + 1, :C + 2 * B], trials), U[t + 1, :C + 2 * B],
             U[t + 1, C:C + 2 * B], *(part[t + 1] for part in blocks[:4]), blocks[4][t], blocks[4][t + 1],
             blocks[5][t]) for t in range(steps)]
    return Tape(a[1:], y_in[1:], y_out[1:], y_c[1:], S[1:], h, x[:-1], U[:-1, C:], rows)


def by_trial(units, trials):
    """View (units, lanes) as a stack of matrices, (trials, units, lanes of a trial)."""
    return units.reshape(len(units), trials, -1).swapaxes(0, 1)


def weigh(weights, x):
    """Return the net inputs (..., units, lanes) from weights (sources, units, trials) and x (..., sources, lanes)."""
    if weights.shape[-1] == 1:
        return np.matmul(weights[..., 0].T, x)
    return np.einsum("kgn,...kn->...gn", weights, x)


def outer_sum(sources, errors):
    """Return the gradient (sources, units, lanes) from (steps, sources, lanes) and errors (steps, units, lanes)."""
    return np.matmul(sources.transpose(2, 1, 0), errors.transpose(2, 0, 1)).transpose(1, 2, 0)


def per_cell(gate, size):
    """Give each cell of a block the value of its gate: (..., blocks, lanes) to (..., cells, lanes)."""
    return np.repeat(gate, size, -2)


def per_block(x, size):
    """Add the cells of each block: (..., cells, lanes) to (..., blocks, lanes)."""
    return x.reshape(*x.shape[:-2], -1, size, x.shape[-1]).sum(-2)


def squash(net, config):
    """Return the outputs for the net inputs of the output units, (..., 7, lanes): logistic or softmax."""
    if config.output == "logistic":
        return HALF + HALF * np.tanh(HALF * net)
    y = np.exp(net - net.max(-2, keepdims=True))
    return y / y.sum(-2, keepdims=True)


def output_errors(y, targets, config):
    """Return the errors by the output units' net inputs, of 1/2 sum (y - t)^2 or of cross-entropy; 0 after the end."""
    errors = (y - targets) * targets.any(-2, keepdims=True)
    return errors * y * (1 - y) if config.output == "logistic" else errors


def lstm_init(generators, config):
    """Return W (2 blocks + cells + 8, cells + 2 blocks, trials), from (y_in, y_out, y_c, x, 1) to (cells, input gates,
    output gates), and V (cells, 7, trials), from the cells to the output units.

    Uniform in [-0.2, 0.2] but for the biases of the output gates, -1, -2, -3 and so on. Cells have no bias: that row
    is 0 there and has no gradient. Open output gates have a bias of 100 and no other weights.
    """
    B, C = config.blocks, config.blocks * config.size
    W, V = (np.stack(parts, -1).astype(np.float32) for parts in zip(*(
        (g.uniform(-0.2, 0.2, (2 * B + C + 8, C + 2 * B)), g.uniform(-0.2, 0.2, (C, 7))) for g in generators)))
    W *= lstm_weights(config)
    W[-1, C + B:] = 100 if config.output_gates == "open" else -np.arange(1, B + 1)[:, None]
    return {"W": W, "V": V}


@functools.cache
def lstm_weights(config):
    """Return which entries of W exist, as an array of 1 and 0 (sources, units, 1) float32."""
    B, C = config.blocks, config.blocks * config.size
    there = np.ones((2 * B + C + 8, C + 2 * B, 1), np.float32)
    there[-1, :C] = 0
    if config.output_gates == "open":
        there[B:2 * B] = there[:, C + B:] = 0
    return there


def lstm_forward(params, tape, x, config):
    """Run strings x (steps, 7, lanes) through the net; return its outputs (steps, 7, lanes); the rest is on tape."""
    W, matmul, tanh, multiply, add = (HALF * params["W"]).T.copy(), np.matmul, np.tanh, np.multiply, np.add
    tape.x[:len(x)] = x
    for u, net, z, gates, a, y_in, y_out, y_c, s_old, s, h in tape.steps[:len(x)]:
        matmul(W, u, net)
        tanh(z, z)
        multiply(gates, HALF, gates)
        add(gates, HALF, gates)
        multiply(y_in, a, s)
        add(s, s_old, s)
        tanh(s, h)
        multiply(y_out, h, y_c)
    return squash(weigh(params["V"], tape.y_c[:len(x)]), config)


def lstm_backward(params, tape, y, targets, config):
    """Return the gradient of each lane's error, summed over its steps, as a dict like params (appendix A.1)."""
    errors, n = output_errors(y, targets, config), len(y)
    epsilon = weigh(params["V"].swapaxes(0, 1), errors)                           # by y_c
    parts = [part[:n] for part in (tape.a, tape.y_in, tape.y_out, tape.h)]
    D = (truncated_errors(*parts, epsilon, config.size) if config.gradient == "truncated" else
         full_errors(*parts, epsilon, config.size, params["W"]))
    return {"W": outer_sum(tape.source[:n], D) * lstm_weights(config), "V": outer_sum(tape.y_c[:n], errors)}


def truncated_errors(a, y_in, y_out, h, epsilon, size):
    """Return the errors by the net inputs (steps, cells + 2 blocks, lanes) from epsilon, those by y_c at each step.

    An error enters the output gate and the state of its step. It leaves a state only backwards, through the cell's
    self-connection: e_s(t) is the sum of what enters at t and later, a reverse cumulative sum instead of a loop. Each
    step then has e_s y_in g' for its cells, and for its input gates the sum of e_s g f' over the block. Because s/2 is
    kept, e_s here is the derivative by s/2.
    """
    e_s = np.cumsum((per_cell(y_out, size) * (1 - h * h) * epsilon)[::-1], 0)[::-1]
    return np.concatenate([e_s * per_cell(y_in, size) * (HALF - HALF * a * a),
                           per_block(e_s * a, size) * y_in * (1 - y_in),
                           per_block(h * epsilon, size) * y_out * (1 - y_out)], 1)


def full_errors(a, y_in, y_out, h, epsilon, size, W):
    """Return what `truncated_errors` returns for the full gradient: errors go back through W, too."""
    (B, C), lanes = (y_in.shape[1], a.shape[1]), a.shape[2]
    s_by_y, c_by_s = per_cell(y_out, size) * (1 - h * h), per_cell(y_in, size) * (HALF - HALF * a * a)
    by_net = np.concatenate([y_in * (1 - y_in), y_out * (1 - y_out)], 1)          # f' of the gates
    D, back = np.empty((len(a), C + 2 * B, lanes), a.dtype), W[:2 * B + C].transpose(2, 0, 1).copy()
    d_y, d_s, both = np.zeros((2 * B + C, lanes), a.dtype), 0 * a[0], np.empty((2, C, lanes), a.dtype)
    d_gates, d_c, cells = d_y[:2 * B], d_y[2 * B:], both.reshape(2 * B, size, lanes)
    for t in range(len(a) - 1, -1, -1):
        d_c += epsilon[t]
        d_s += d_c * s_by_y[t]
        np.multiply(d_s, c_by_s[t], D[t, :C])
        np.multiply(d_s, a[t], both[0])
        np.multiply(d_c, h[t], both[1])
        d_gates += np.add.reduce(cells, 1)
        np.multiply(d_gates, by_net[t], D[t, C:])
        np.matmul(back, by_trial(D[t], len(back)), by_trial(d_y, len(back)))
    return D


def lstm_step_by_step(params, tape, x, targets, config, rate):
    """Run strings and change the weights in place at every step, as its errors come; return the outputs.

    The truncated gradient needs no memory of the past but one number for each weight into a cell or an input gate, the
    derivative of the cell's state by it, to which every step adds (appendix A.1).
    """
    W, V, size = params["W"], params["V"], config.size
    s_by_cell, s_by_gate = np.zeros((2, len(W), len(V), x.shape[-1]), W.dtype)
    y, rate_W = np.empty_like(x), rate * lstm_weights(config)
    tape.x[:len(x)] = x
    for t, (_, _, z, gates, *_) in enumerate(tape.steps[:len(x)]):
        u = tape.source[t]
        np.tanh(HALF * weigh(W, u), z)
        gates *= HALF
        gates += HALF
        a, y_in, y_out, u = tape.a[t], per_cell(tape.y_in[t], size), per_cell(tape.y_out[t], size), u[:, None]
        tape.s[t] = (tape.s[t - 1] if t else 0) + y_in * a
        h = np.tanh(tape.s[t])
        tape.y_c[t] = y_out * h
        y[t] = squash(weigh(V, tape.y_c[t]), config)
        errors = output_errors(y[t], targets[t], config)
        epsilon = weigh(V.swapaxes(0, 1), errors)
        e_s, e_out = y_out * (1 - h * h) * epsilon, h * epsilon * y_out * (1 - y_out)
        s_by_cell += y_in * (HALF - HALF * a * a) * u
        s_by_gate += a * y_in * (1 - y_in) * u
        V -= rate * tape.y_c[t][:, None] * errors
        W -= rate_W * np.concatenate([e_s * s_by_cell, per_block(e_s * s_by_gate, size), per_block(e_out, size) * u], 1)
    return y


def elman_tape(config, steps, lanes, trials, dtype=np.float32):
    """Return the Tape of the control: a step reads (h(t-1) | x(t)); its h takes the place of y_c."""
    U = np.zeros((steps + 1, HIDDEN + 7, lanes), dtype)
    rows = [(by_trial(U[t], trials), by_trial(U[t + 1, :HIDDEN], trials), U[t + 1, :HIDDEN]) for t in range(steps)]
    return Tape(None, None, None, U[1:, :HIDDEN], None, None, U[:-1, HIDDEN:], U[:-1], rows)


def elman_init(generators, config):
    """Return W (22, 15, trials), from (h, x) to h, and V (15, 7, trials): the 435 weights of Cleeremans's net."""
    W, V = (np.stack(parts, -1).astype(np.float32) / np.float32(HIDDEN**0.5) for parts in zip(*(
        (g.uniform(-1, 1, (HIDDEN + 7, HIDDEN)), g.uniform(-1, 1, (HIDDEN, 7))) for g in generators)))
    return {"W": W, "V": V}


def elman_forward(params, tape, x, config):
    """The control, h(t) = tanh(W (h(t-1), x(t))) with 15 units; arguments and result as for `lstm_forward`."""
    W, tape.x[:len(x)] = params["W"].T.copy(), x
    for u, net, h in tape.steps[:len(x)]:
        np.matmul(W, u, net)
        np.tanh(h, h)
    return squash(weigh(params["V"], tape.y_c[:len(x)]), config)


def elman_backward(params, tape, y, targets, config):
    """Return the gradient, arguments and result as for `lstm_backward`. Truncated means that the last activations count
    as an input, copied back, as in Elman's net; full is backpropagation through time."""
    errors, h = output_errors(y, targets, config), tape.y_c[:len(y)]
    D = weigh(params["V"].swapaxes(0, 1), errors)
    slope = 1 - h * h
    if config.gradient == "truncated":
        D *= slope
    else:
        d_h, back = 0 * D[0], params["W"][:HIDDEN].transpose(2, 0, 1).copy()
        for t in range(len(y) - 1, -1, -1):
            D[t] += d_h
            D[t] *= slope[t]
            np.matmul(back, by_trial(D[t], len(back)), by_trial(d_h, len(back)))
    return {"W": outer_sum(tape.source[:len(y)], D), "V": outer_sum(h, errors)}


class Net(NamedTuple):
    """An architecture: its four functions."""
    init: Callable
    tape: Callable
    forward: Callable
    backward: Callable


HIDDEN = 15                                                                       # units of the control
LSTM = Net(lstm_init, lstm_tape, lstm_forward, lstm_backward)
ELMAN = Net(elman_init, elman_tape, elman_forward, elman_backward)


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


BLOCK = 20                                                                        # weight changes between checks
SET = 256                                                                         # strings in a training or test set
TINY = np.float32(1e-30)
FRESH = 2000                                                                      # strings for the cross-entropy


class Snapshot(NamedTuple):
    """The state before training and after each block of updates."""
    step: int                   # strings seen by each trial
    params: dict                # the live weights
    history: list               # mean losses of each block so far: of a whole string, of its outer step   (2, trials)
    solved: np.ndarray          # strings until the trial succeeded, NaN before    (trials,)


class Sets(NamedTuple):
    """The training and test strings of the trials, ten of which share theirs."""
    known: Strings              # set after set, 256 training and 256 test strings, as Strings
    distinct: list              # the lanes of a set's distinct strings
    fresh: list                 # a generator for each set, for fresh strings


def streams(config, seed):
    """Return two lists of generators, one for each trial, for its weights and for the order of its training strings,
    and a list of one for each set."""
    roots = [np.random.SeedSequence([seed, trial]).spawn(3) for trial in range(config.trials)]
    weights, order, sets = ([np.random.default_rng(child) for child in children] for children in zip(*roots))
    return weights, order, sets[::10]


def make_sets(config, seed):
    """Draw the sets of a seed (section 5.1): no test string is among the training strings."""
    strings, distinct, generators = [], [], streams(config, seed)[2]
    for rng in generators:
        training = make_strings(rng, SET, config.inner)
        both = training + make_strings(rng, SET, config.inner, set(training))
        distinct.append(len(strings) + np.unique(both, return_index=True)[1])
        strings += both
    known = encode(strings)
    if config.judged == "outer":
        known = known._replace(legal=known.legal | (known.states != OUTER)[:, None])
    return Sets(known, distinct, generators)


def losses(y, targets, config):
    """Return the loss of each step (steps, lanes): cross-entropy in nats or 1/2 sum (y - t)^2; 0 after the end."""
    if config.output == "logistic":
        return HALF * ((y - targets)**2).sum(1) * targets.any(1)
    return -np.log(np.maximum((y * targets).sum(1), TINY) + ~targets.any(1))


def clip(grads, limit):
    """Scale down the gradient of each trial whose norm exceeds the limit, in place."""
    norm = sum((g * g).reshape(-1, g.shape[-1]).sum(0) for g in grads.values())**0.5
    for g in grads.values():
        g *= np.minimum(1, limit / (norm + 1e-12))


def one_trial(params, trial):
    """Return a trial's weights, as a dict like params."""
    return {name: w[..., [trial]] for name, w in params.items()}


def run_known(net, params, tape, known, lanes, config):
    """Run the strings in some lanes; return the outputs and the targets, both (steps, 7, lanes)."""
    symbols = known.symbols[:known.steps[lanes].max() + 1].take(lanes, -1)
    return net.forward(params, tape, symbols[:-1], config), symbols[1:]


def train(config, seed, net=LSTM):
    """Train the trials of one seed in lanes until all have succeeded or the budget is spent; yield Snapshots.

    Every 20 strings the criterion is checked. A trial that meets it leaves its lane, at once or after config.settle
    more strings with a falling rate; its last losses are repeated. To save time the string on which a trial failed
    last is tried first, and all strings only if that is right.
    """
    if config.rule == "step" and (net is ELMAN or config.gradient == "full"):
        raise OSError("weight changes at each step (rule step) are for memory cells with the truncated gradient")
    (known, distinct, _), (weights, order, _) = make_sets(config, seed), streams(config, seed)
    params, step, history, on = net.init(weights, config), 0, [], np.arange(config.trials)
    own, moments, solved = params, adam_state(params), np.full(config.trials, np.nan)    # own: those of the trials on
    tape = net.tape(config, len(known.legal), config.trials, config.trials)
    tapes = [net.tape(config, known.steps[lanes].max(), len(lanes), 1) for lanes in distinct]
    hard = np.array([lanes[0] for lanes in distinct])[on // 10]                   # the string each trial failed on last
    latest = np.zeros((2, config.trials))
    yield Snapshot(step, params, history, solved)
    while (stay := step < np.where(np.isnan(solved[on]), config.strings, solved[on] + config.settle)).any():
        if not stay.all():
            on, tape = on[stay], net.tape(config, len(known.legal), stay.sum(), stay.sum())
            own = {name: w.compress(stay, -1) for name, w in own.items()}
            moments = {name: tuple(m.compress(stay, -1) for m in pair) for name, pair in moments.items()}
        errors = []
        for lanes in np.array([order[trial].integers(SET, size=BLOCK) for trial in on]).T + 2 * SET * (on // 10):
            step += 1
            fade = np.clip(1 - np.nan_to_num(step - solved[on]) / max(config.settle, 1), 0, 1)
            rate = (config.rate * fade).astype(np.float32)
            if config.rule == "step":
                symbols = known.symbols[:known.steps[lanes].max() + 1].take(lanes, -1)
                y, targets = lstm_step_by_step(own, tape, symbols[:-1], symbols[1:], config, rate), symbols[1:]
            else:
                y, targets = run_known(net, own, tape, known, lanes, config)
                grads = net.backward(own, tape, y, targets, config)
                if config.clip:
                    clip(grads, config.clip)
                if config.rule == "adam":
                    adam(own, grads, moments, step, rate)
                else:
                    for name, grad in grads.items():
                        own[name] -= rate * grad
            loss = losses(y, targets, config)
            errors.append((loss.sum(0), loss[known.steps[lanes] - 2, np.arange(len(on))]))
        latest[:, on] = np.mean(errors, 0)
        history.append(latest.copy())
        for name, w in own.items():
            params[name][..., on] = w
        y, _ = run_known(net, own, tape, known, hard[on], config)
        for trial in on[np.isnan(solved[on]) & all_right(y, known.legal[:len(y), :, hard[on]]).all(0)]:
            lanes = distinct[trial // 10]
            y, _ = run_known(net, one_trial(params, trial), tapes[trial // 10], known, lanes, config)
            right = all_right(y, known.legal[:len(y), :, lanes]).all(0)
            if not right.all():
                hard[trial] = lanes[right.argmin()]
            elif step <= config.strings:
                solved[trial] = step
        yield Snapshot(step, params, history, solved)


# ---------------------------------------------------------------- Experiment
def tested(params, config, seed, net=LSTM):
    """Return metrics of the nets on their training and test strings (the distinct ones) and on 2000 fresh strings.

    wrong_outer: share of strings whose last but one symbol is predicted wrong; wrong_rest: share with another wrong
    step; excess: cross-entropy a string, less that of the grammar itself, in nats, the outputs scaled to sum 1. And
    the share of wrong predictions before each of STATES, (10, trials).
    """
    known, distinct, generators = make_sets(replace(config, judged="all"), seed)
    fresh = [encode(make_strings(rng, FRESH, config.inner)) for rng in generators]
    rows, places = [], []
    for trial in range(config.trials):
        lanes, own = distinct[trial // 10], one_trial(params, trial)
        tape = net.tape(config, known.steps[lanes].max(), len(lanes), 1)
        y, _ = run_known(net, own, tape, known, lanes, config)
        wrong, states = ~all_right(y, known.legal[:len(y), :, lanes]), known.states[:len(y), lanes]
        new = fresh[trial // 10]
        y = net.forward(own, net.tape(config, len(new.legal), FRESH, 1), new.symbols[:-1], config)
        p = np.maximum((y * new.symbols[1:]).sum(1), TINY) / np.maximum(y.sum(1), TINY)
        rows.append(((wrong & (states == OUTER)).any(0).mean(), (wrong & (states != OUTER)).any(0).mean(),
                     -(np.log(p) * (new.states >= 0)).sum(0).mean() - entropy(new, config.inner).mean()))
        places.append([wrong[states == state].mean() for state in range(len(STATES))])
    return dict(zip(("wrong_outer", "wrong_rest", "excess"), np.transpose(rows))), np.transpose(places)


def evaluate(config, seed, net):
    """Train and test; return metrics with one entry for each trial, and curves over training.

    strings: training strings until the criterion was met; solved: whether it was; and those of `tested`.
    """
    *_, last = watch(train(config, seed, net), config.strings, "string")
    more, places = tested(last.params, config, seed, net)
    points = np.array([part.mean(0) for part in np.array_split(last.history, min(150, len(last.history)))])
    whole, outer = points[:, 0], points[:, 1]
    return ({"strings": last.solved, "solved": ~np.isnan(last.solved) * 1, **more},
            {"seen": np.linspace(0, last.step, len(points) + 1)[1:], "loss_median": np.median(whole, 1),
             "loss_least": whole.min(1), "loss_most": whole.max(1), "outer_median": np.median(outer, 1),
             "wrong_by_state": places.mean(1)})


def lstm(config, seed):
    """Train and test memory cells."""
    return evaluate(config, seed, LSTM)


def elman(config, seed):
    """Train and test the control, an ordinary recurrent net."""
    return evaluate(config, seed, ELMAN)


TABLE_1 = {("4x1", 0.1): (1.00, 39_740), ("3x2", 0.1): (1.00, 21_730), ("3x2", 0.2): (0.97, 14_060),
           ("4x1", 0.5): (0.97, 9_500), ("3x2", 0.5): (1.00, 8_440)}             # share of 30 trials, strings (mean)
NETS = {"3x2": Config(), "4x1": Config(blocks=4, size=1), "4x2": Config(blocks=4)}
ADAM = dict(output="softmax", rule="adam", gradient="full", rate=0.02, strings=60_000)
FAST = replace(NETS["4x2"], **ADAM | dict(trials=10, strings=20_000))
COPIED = Config(**ADAM | dict(gradient="truncated", rate=0.001, clip=1.0, trials=10, strings=200_000))
LONG = replace(FAST, judged="outer", rate=0.01, clip=1.0, strings=100_000)
ARMS = {
    **{f"{rule}-{net}-{rate}": Arm(lstm, replace(NETS[net], rule=rule, rate=rate))
       for rule in ("step", "string") for net, rate in reversed(TABLE_1)},
    **{f"fast-{net}": Arm(lstm, replace(NETS[net], **ADAM)) for net in ("3x2", "4x1")},
    "fast-4x2": Arm(lstm, replace(FAST, settle=4000)),
    "entropy-3x2-0.1": Arm(lstm, replace(NETS["3x2"], output="softmax", rate=0.1)),
    "truncated-4x2": Arm(lstm, replace(FAST, gradient="truncated")),
    "open-4x2": Arm(lstm, replace(FAST, output_gates="open")),
    "elman-copied-short": Arm(elman, replace(COPIED, strings=5000)),
    "elman-copied": Arm(elman, COPIED),
    "elman-full": Arm(elman, replace(COPIED, gradient="full", rate=0.01)),
    **{f"long-{n}": Arm(lstm, replace(LONG, inner=n)) for n in (20, 40)},
    **{f"elman-long-{n}": Arm(elman, replace(LONG, inner=n, rate=0.003)) for n in (20, 40)},
    "quick-lstm": Arm(lstm, Config(trials=2, strings=100, rule="step")),
    "quick-elman": Arm(elman, replace(COPIED, trials=2, strings=200)),
}
PRESETS = {
    "quick": ("quick-lstm", "quick-elman"),
    "default": ("fast-4x2", "elman-copied-short"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}


def mean_there(values):
    """Return the mean over the trials that got there, NaN if none did."""
    return values[~np.isnan(values)].mean() if not np.isnan(values).all() else np.nan


def counted(strings, budget):
    """Return strings with the budget in place of NaN: a trial that did not get there needs that many at least."""
    return np.nan_to_num(strings, nan=budget)


def row(rule, net, rate):
    """The two claims about a row of Table 1, of which only the headline's success is judged."""
    arm, (share, strings) = f"{rule}-{net}-{rate}", TABLE_1[net, rate]
    name = f"1997 net {net}, rate {rate}, changes after each {rule}"
    headline = arm == "step-3x2-0.5"
    return (Claim(f"{name}: trials that succeed", lambda r: r[arm]["solved"].mean(), ">= 1" if headline else "",
                  f"{share:.0%} of 30", "paper", "Table 1", n=30, show="{:.0%}"),
            Claim(f"{name}: strings until then (mean of those trials)", lambda r: mean_there(r[arm]["strings"]), "",
                  f"{strings:,}", "paper", "Table 1", n=30, show="{:,.0f}"))


def fails(metric, what):
    """The claim about the trials of the headline's arm that fail."""
    arm = "step-3x2-0.5"
    return Claim(f"1997 net 3x2, rate 0.5, trials that fail: strings with a wrong {what}",
                 lambda r: mean_there(np.where(r[arm]["solved"], np.nan, r[arm][metric])), "", "not given", "trial",
                 "section 5.1", n=30, show="{:.0%}")


def fast(net, share, strings, paper, mean=mean_there, which=" (mean of those trials)"):
    """The claims about a substitute: success, and the strings until then."""
    more = dict(n=30, substitute=True)
    return (Claim(f"Adam, softmax, {net}: trials that succeed", lambda r: r[f"fast-{net}"]["solved"].mean(),
                  f">= {share}", paper[0], "trial", "Table 1; the bar is ours", show="{:.0%}", **more),
            Claim(f"Adam, softmax, {net}: strings until then{which}", lambda r: mean(r[f"fast-{net}"]["strings"]),
                  f"<= {strings}", paper[1], "trial", "Table 1; the bar is ours", show="{:,.0f}", **more))


def open_gates(r):
    """Return how many times the strings the trials need with output gates fixed at 1, a failure counting 20,000."""
    closed, opened = paired(r["fast-4x2"]["strings"], r["open-4x2"]["strings"])
    return counted(opened, FAST.strings).mean() / counted(closed, FAST.strings).mean()


def ahead(r, n):
    """Return the share of trials of the memory cells that learn the outer symbol, less that of the ordinary net."""
    return r[f"long-{n}"]["solved"].mean() - r[f"elman-long-{n}"]["solved"].mean()


EFFORT = {"strings": "strings"}
CLAIMS = (
    *row("step", "3x2", 0.5), fails("wrong_outer", "last but one symbol"), fails("wrong_rest", "other symbol"),
    *(claim for rule in ("step", "string") for net, rate in list(TABLE_1)[-1 - (rule == "step")::-1]
      for claim in row(rule, net, rate)),
    *fast("4x2", 1, 5000, ("not run", "not run"), np.mean, " (mean of all trials)"),
    *fast("3x2", 0.97, 9500, ("100% of 30", "8,440")),
    *fast("4x1", 0.9, 12_000, ("97% of 30", "9,500")),
    Claim("Adam, softmax, 4x2: cross-entropy of a fresh string above the grammar's own (nats)",
          lambda r: r["fast-4x2"]["excess"].mean(), "< 0.15", "not given", "trial", "the bar is ours", n=30,
          show="{:.3f}", substitute=True),
    Claim("Adam, softmax, 4x2, 4000 strings after success: trials that meet the criterion still",
          lambda r: ((r["fast-4x2"]["wrong_outer"] == 0) & (r["fast-4x2"]["wrong_rest"] == 0)).mean(), "", "not run",
          "trial", "section 5.1", n=30, show="{:.0%}", substitute=True),
    Claim("1997 rule, but softmax and cross-entropy, 3x2, rate 0.1: trials that succeed",
          lambda r: r["entropy-3x2-0.1"]["solved"].mean(), "", "not run", "trial", "Table 1", n=30, show="{:.0%}",
          substitute=True),
    Claim("Adam, softmax, 4x2, truncated gradient: trials that succeed", lambda r: r["truncated-4x2"]["solved"].mean(),
          "", "not run", "trial", "section 5.1", n=30, show="{:.0%}", substitute=True),
    Claim("output gates fixed at 1 instead of learned: strings needed (ratio; a failure counts 20,000)", open_gates,
          ">= 1.3", "slower", "trial", "section 5.1; the bar is ours", n=30, show="{:.2f}"),
    Claim("Elman net, errors one step back, 5,000 strings: strings with a wrong last but one symbol",
          lambda r: r["elman-copied-short"]["wrong_outer"].mean(), "", "not run", "control", "Table 1", n=30,
          show="{:.0%}"),
    Claim("Elman net, errors one step back, 200,000 strings: trials that succeed",
          lambda r: r["elman-copied"]["solved"].mean(), "<= 0.1", "0%", "control", "Table 1", n=10, show="{:.0%}"),
    Claim("Elman net, full gradient, 200,000 strings: trials that succeed", lambda r: r["elman-full"]["solved"].mean(),
          "", "not run", "control", "Table 1", n=10, show="{:.0%}"),
    Claim("Adam, softmax, 4x2, against that Elman net: share of trials that succeed, more by",
          lambda r: r["fast-4x2"]["solved"].mean() - r["elman-full"]["solved"].mean(),
          "> 0", "not run", "control", "the bar is ours", n=10, show="{:.0%}"),
    Claim("that Elman net against Adam, softmax, 4x2: strings needed (ratio; a failure counts 200,000)",
          lambda r: counted(r["elman-full"]["strings"], COPIED.strings).mean()
          / counted(r["fast-4x2"]["strings"], FAST.strings).mean(),
          "> 1", "not run", "control", "the bar is ours", n=10, show="{:.1f}"),
    *(Claim(f"inner string of {n} or more symbols, {name}: trials that learn the last but one symbol",
            lambda r, arm=f"{arm}-{n}": r[arm]["solved"].mean(), "", "not run", "control", "section 5.1", n=10,
            show="{:.0%}") for n in (20, 40) for name, arm in (("memory cells", "long"), ("Elman net", "elman-long"))),
    Claim("memory cells ahead of the Elman net at 20 or at 40 symbols by", lambda r: max(ahead(r, 20), ahead(r, 40)),
          ">= 0.5", "not run", "control", "section 5.1; the bar is ours", n=10, show="{:.0%}"),
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
