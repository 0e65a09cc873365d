# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Reinforcement Learning Neural Turing Machines: discrete tape heads learned by Reinforce, symbols by backpropagation.

W. Zaremba, I. Sutskever, "Reinforcement Learning Neural Turing Machines", arXiv:1505.00521, 2015. The five tasks of
section 6 with the two controllers of section 8: Table 4. Where the text is silent, the authors' published code decides.

A controller of 25 LSTM units sees five cells of an input tape (and of a memory tape) and its last actions. At each step
it moves the heads by one cell or not at all and either says the next output symbol or waits. Moves are discrete, so no
derivative passes through them. With r_t = log p(target) where a symbol is said and R_t = r_t + ... + r_T, it climbs

    J = sum_a p(a) R_1(a)      grad J = E[ sum_t grad r_t + sum_t (R_t - b_t) grad log p(a_t) ]

by sampling the actions a: backpropagation for the symbols and the memory, Reinforce for the heads. The noise of the
second sum is what makes it hard. It is reduced by counting future rewards only and by a baseline b_t, which a second
LSTM predicts after it has read the input. A curriculum makes the instances longer as the errors become rare. The LSTM
controller has to carry symbols through its units; the direct-access controller may add tape cells to its prediction.

    python3 rl_ntm_reverse.py --seed 0
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
    task: str = option("copy", "what to do", choices=("copy", "duplicated-input", "reverse", "repeat-copy",
                                                      "forward-reverse"))
    controller: str = option("direct", "direct access to the tapes, or a plain LSTM", choices=("direct", "lstm"))
    full_stop: bool = option(False, "RepeatCopy as in the authors' code: each copy ends with a full stop")
    longest: int = option(15, "largest number C of symbols", low=1)
    steps: int = option(0, "steps T of an episode; 0: the task's own a C + b")
    fixed: bool = option(False, "C of that T is the largest one for all instances, not the instance's own")
    memory: bool = option(False, "a memory tape also where the task needs none")
    forward: bool = option(False, "the input head may not go back, nor past the end, whatever the task")
    landmark: bool = option(False, "memory cell 0 starts with ones instead of zeros")
    units: int = option(25, "LSTM units", low=1)
    symbols: int = option(30, "symbols x_i", low=1)
    kappa: float = option(0.01, "inverse temperature of the action distributions")
    rate: float = option(0.05, "learning rate")
    momentum: float = option(0.9, "momentum")
    batch: int = option(200, "episodes in an update", low=1)
    clip: float = option(5.0, "largest gradient norm of the controller")
    clip_baseline: float = option(2.0, "largest gradient norm of the baseline")
    rewards: str = option("future", "the rewards that an action is credited with", choices=("whole", "future"))
    baseline: str = option("offline", "b_t: 0, a running mean for each t, or the LSTM that has read the input",
                           choices=("none", "online", "offline"))
    curriculum: bool = option(True, "Table 3; without it all instances have the largest difficulty")
    extra: int = option(1, "least value of the geometric variable e of Table 3")
    threshold: float = option(0.2, "error below which the difficulty rises")
    refractory: int = option(100, "updates between two rises", low=1)
    updates: int = option(20_000, "updates after which a run is given up", low=1)
    measured: int = option(200, "batches over which the gradient's noise is measured", low=2)


# ---------------------------------------------------------------- Problem
END, TWO, SPARE = 0, 1, 3                                 # glyphs after the symbols: the blank, the numbers 2 and 3
STOP = SPARE                                              # the full stop of the authors' RepeatCopy
REACH = np.arange(-2, 3)                                  # the cells that a head sees, relative to its own
BUDGET = {"copy": (2, 2), "duplicated-input": (3, 3), "reverse": (2, 2), "repeat-copy": (5, 4),
          "forward-reverse": (2, 0)}                      # T = a C + b: ForwardReverse has the code's 30


def width(config):
    """Return the number of glyphs, which is that of the reals in a memory cell, too: 35 with the paper's 30 symbols."""
    return config.symbols + END + TWO + SPARE + 1


def budget(config):
    """Return T for the largest difficulty, which is the number of cells of the input tape, too."""
    a, b = BUDGET[config.task]
    return config.steps or a * config.longest + b


def has_memory(config):
    return config.memory or config.task == "forward-reverse"


def only_forward(config):
    return config.forward or config.task == "forward-reverse"


def top(config):
    """Return the number of levels of difficulty: RepeatCopy has all lengths with m = 2, then all with m = 3 [code]."""
    return config.longest * (2 if config.task == "repeat-copy" else 1)


class Batch(NamedTuple):
    """Instances as rows; glyphs are integers."""
    tape: np.ndarray            # the input, then blanks    (batch, T)
    used: np.ndarray            # its cells up to the first blank   (batch,)
    target: np.ndarray          # the output, then blanks   (batch, most)
    total: np.ndarray           # its length with one blank (batch,)
    steps: np.ndarray           # T                         (batch,)


def make_batch(rng, levels, config):
    """Draw an instance for each level of difficulty (batch,): symbols are uniform, a blank ends both tapes (section 6).

    Copy: x_1 .. x_d -> x_1 .. x_d. DuplicatedInput: each symbol comes three times and is said once. Reverse and
    ForwardReverse: x_d .. x_1. RepeatCopy: the first cell holds m, and x_1 .. x_d is said m times.
    """
    if config.task == "repeat-copy" and config.full_stop:
        return make_stopped_batch(rng, levels, config)
    repeat, blank = config.task == "repeat-copy", config.symbols + END
    d = ((levels - 1) % config.longest + 1)[:, None]
    m = 2 + (levels[:, None] > config.longest) if repeat else 1
    x = rng.integers(0, config.symbols, (len(levels), config.longest))
    cell = np.arange(budget(config))[None] - repeat
    copies = 3 if config.task == "duplicated-input" else 1

    def written(place, length):
        """Return the symbols at these places of x (batch, cells), with blanks from `length` on."""
        line = np.take_along_axis(x, place.clip(0, config.longest - 1), 1)
        return np.where(np.arange(place.shape[1]) < length, line, blank)

    tape = written(cell // copies + 0 * d, copies * d + repeat)
    if repeat:
        tape[:, 0] = config.symbols + TWO + m[:, 0] - 2
    place = np.arange(m.max() * config.longest + 1 if repeat else config.longest + 1)[None] % (d if repeat else 10**9)
    backwards = config.task in ("reverse", "forward-reverse")
    target = written(d - 1 - place if backwards else place + 0 * d, m * d)
    a, b = BUDGET[config.task]
    steps = np.full(len(levels), budget(config)) if config.fixed or config.steps else a * d[:, 0] + b
    return Batch(tape, (copies * d + repeat + 1)[:, 0], target, (m * d + 1)[:, 0], steps)


def make_stopped_batch(rng, levels, config):
    """Draw instances of RepeatCopy in the form of the authors' code: a full stop follows x_d on the input and is said
    at the end of each copy. No blank is said, so that the controller need not know when m copies are complete."""
    d, each, blank = ((levels - 1) % config.longest + 1)[:, None], np.arange(len(levels))[:, None], config.symbols + END
    m, cell = 2 + (levels[:, None] > config.longest), np.arange(budget(config))
    phrase = np.full((len(levels), len(cell)), blank)
    phrase[:, :config.longest] = rng.integers(0, config.symbols, (len(levels), config.longest))
    phrase = np.select([cell < d, cell == d], [phrase, config.symbols + STOP], blank)
    tape = np.hstack([config.symbols + TWO + m - 2, phrase[:, :-1]])
    place = np.arange(3 * (config.longest + 1))
    target = np.where(place < m * (d + 1), phrase[each, place % (d + 1)], blank)
    a, b = BUDGET[config.task]
    steps = np.full(len(levels), budget(config)) if config.fixed or config.steps else a * d[:, 0] + b
    return Batch(tape, d[:, 0] + 3, target, (m * (d + 1))[:, 0], steps)


# ---------------------------------------------------------------- Model
# Episodes are rows here: an input cell or an action selects a row of a table instead of being multiplied as a one-hot
# vector, and rows lie in one piece. The controller and the baseline LSTM read the same x, so they run as one LSTM of
# 2 H units, the controller's first, whose recurrent weights are two blocks. Activations have the gates before the rows,
# so that each gate lies in one piece, too. What step t leaves are the rows of a tape between two marks; episodes that
# have said everything leave, so that no row is wasted and no reward has to be masked. Actions and their probabilities
# are (3, heads, rows); heads are input, memory (if there is one) and output, moves -1, 0, +1; the output head has 0:
# wait, 1: say.
NEVER = -1e10                                                                     # logit of a forbidden action


def lstm_step(z, c, a):
    """One step of K LSTM units: z (rows, 4 K), half net inputs of the gates i, f, o and net inputs g; c (rows, K).

        c' = f c + i g        h = o tanh(c')

    The activations are written to a (4, rows, K). Returns c', tanh(c') and h.
    """
    np.tanh(z.reshape(len(z), 4, -1).swapaxes(0, 1), out=a)
    gates = a[:3]
    gates *= 0.5
    gates += 0.5
    i, f, o, g = a
    c = f * c + i * g
    bent = np.tanh(c)
    return c, bent, o * bent


def lstm_back(d_h, d_c, a, c, bent):
    """Return the derivatives by the net inputs, (rows, 4 K), and by c, from those by h and c'."""
    i, f, o, g = a
    d_c = d_c + d_h * o * (1 - bent * bent)
    d_a = a * a                                                                   # first the slopes of a
    np.subtract(a[:3], d_a[:3], out=d_a[:3])
    np.subtract(1, d_a[3], out=d_a[3])
    d_a[0] *= d_c * g
    d_a[1] *= d_c * c
    d_a[2] *= d_h * bent
    d_a[3] *= d_c * i
    return d_a.swapaxes(0, 1).reshape(len(c), -1), d_c * f


def affine(W, h):
    """Return h W + bias for h (rows, inputs), W (inputs + 1, outputs)."""
    return h @ W[:-1] + W[-1]


def affine_back(W, h, d):
    """Return the derivatives by W and by h, from d, that by the result."""
    return np.vstack([h.T @ d, np.ones(len(d), d.dtype) @ d]), d @ W[:-1].T


def sigmoid(z):
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def init(rng, config, spread=0.1, dtype=np.float32):
    """Return the parameters, a dict of arrays, all N(0, 0.1^2). Capitals: controller. Small letters: baseline.

    E: embeddings of the last actions. W, w: from x = (3 embeddings, 5 input cells, 5 memory cells, 1), 455 wide, to
    the net inputs. U, u: from h. P: actions. Y: symbols. S: scalars of direct access to the prediction. F: memory's
    forget and write vectors. Q: its scalars. r, v: baseline's hidden layer and output. The last rows are biases.
    """
    H, n, heads, memory = config.units, width(config), 2 + has_memory(config), has_memory(config)
    x = (heads + 5 + 5 * memory) * n + 1
    shapes = {"E": (heads, 3, n), "W": (x, 4 * H), "U": (H, 4 * H), "P": (H + 1, 3 * heads), "Y": (H + 1, n)}
    if memory:
        shapes |= {"F": (H + 1, 10 * n)}
    if config.controller == "direct":
        shapes |= {"S": (H + 1, 5 + 5 * memory)} | ({"Q": (H + 1, 50)} if memory else {})
    shapes |= {"w": (x, 4 * H), "u": (H, 4 * H), "r": (H + 1, H), "v": (H + 1, 1)}
    return {name: rng.normal(0, spread, shape).astype(dtype) for name, shape in shapes.items()}


def make_tape(config, episodes, dtype=np.float32):
    """Return a dict of arrays for what the steps of so many episodes leave, one row for each step of an episode.

    x: the memory cells in sight and both h before the step, what is multiplied by weights.
    """
    rows, H, n, heads = episodes * budget(config), config.units, width(config), 2 + has_memory(config)
    memory = 5 * n * has_memory(config)
    shapes = {"x": (memory + 2 * H,), "c0": (2 * H,), "bent": (2 * H,), "h": (2, H)}
    if memory:
        shapes |= {name: (5, n) for name in ("f", "w", "m")}
        shapes |= {"p": (5, 5), "q": (5, 5)} if config.controller == "direct" else {}
    tape = {name: np.zeros((rows, *shape), dtype) for name, shape in shapes.items()}
    integers = {"seen": (5,), "cells": (5,), "last": (heads,), "episode": (), "time": ()}
    tape |= {name: np.zeros((rows, *shape), np.intp) for name, shape in integers.items()}
    tape |= {"m0": tape["x"][:, :memory].reshape(rows, 5, n)} if memory else {}    # a view
    return tape | {"a": np.zeros((4, rows, 2 * H), dtype), "pi": np.zeros((3, heads, rows), dtype),
                   "did": np.zeros((heads, rows), np.intp)}


class Run(NamedTuple):
    """Where the steps of a batch of episodes lie on the tape."""
    marks: list                 # step t wrote rows marks[t] to marks[t + 1]
    stay: list                  # for each step, which of its episodes have a next step (a slice: all of them)
    said: np.ndarray            # rows of the tape at which a symbol was said         (said,)
    symbol: np.ndarray          # the symbol that should have been said there         (said,)
    reading: list               # the baseline's steps over the input


def side_by_side(controller, baseline):
    """Return weights (inputs, 4 H) of the two LSTMs as those of one, (inputs, 8 H): gates, then LSTMs, then units."""
    inputs, outputs = controller.shape
    both = np.stack([w.reshape(inputs, 4, outputs // 4) for w in (controller, baseline)], 2)
    return both.reshape(inputs, 2 * outputs)


def recurrent(params, cells, baseline=True):
    """Return the weights from the memory's cells and from h to the net inputs, (cells + 2 H, 8 H); baseline=False: not
    those from the cells to the baseline."""
    of_cells = slice(len(params["W"]) - 1 - cells, len(params["W"]) - 1)
    zeros = np.zeros_like(params["U"])
    return np.vstack([side_by_side(params["W"][of_cells], params["w"][of_cells] * baseline),
                      side_by_side(params["U"], zeros), side_by_side(zeros, params["u"])])


def tables(params, config):
    """Return what the inputs select or multiply: rows for each combination of actions (with the bias), rows for each of
    five offsets and each glyph, the weights from the memory and from h, and the bias. All are halved for the gates, as
    `lstm_step` asks."""
    H, n, heads = config.units, width(config), 2 + has_memory(config)
    half = np.repeat(np.array([0.5, 1], params["W"].dtype), (6 * H, 2 * H))
    W = side_by_side(params["W"], params["w"]) * half
    acts = W[-1:]
    for k in range(heads - 1, -1, -1):                                            # input head varies fastest
        acts = (acts[:, None] + params["E"][k] @ W[k * n:(k + 1) * n]).reshape(-1, 8 * H)
    glyphs = W[heads * n:(heads + 5) * n].reshape(5, n, 8 * H)
    return acts, glyphs, recurrent(params, 5 * n * has_memory(config)) * half, W[-1]


def read_input(batch, glyphs, u):
    """Let the baseline LSTM read the input backwards, cell by cell, from its first blank; return its steps.

    A step is (episodes, glyphs, a, c0, h0, bent, h, c); longer inputs start earlier. The last one holds all episodes.
    """
    order = np.argsort(-batch.used, kind="stable")
    used = batch.used[order]
    h, c, steps = *np.zeros((2, len(order), len(u)), u.dtype), []
    for cell in range(used[0] - 1, -1, -1):
        rows = order[:np.searchsorted(-used, -cell)]
        h0, c0, glyph = h[:len(rows)], c[:len(rows)], batch.tape[rows, cell]
        a = np.empty((4, *h0.shape), u.dtype)
        c1, bent, h1 = lstm_step(glyphs[glyph] + h0 @ u, c0, a)
        h, c = h.copy(), c.copy()
        h[:len(rows)], c[:len(rows)] = h1, c1
        steps.append((rows, glyph, a, c0, h0, bent, h1, c1))
    return steps


def placed(weights, seen, n):
    """Return sum_k weights[..., k] I_k for one-hot cells I_k: (rows, ..., 5), (rows, 5) to (rows, ..., n)."""
    lines = weights.reshape(len(seen), -1, 5)
    place = np.arange(lines.shape[0] * lines.shape[1]).reshape(lines.shape[:2])[..., None] * n + seen[:, None]
    total = np.bincount(place.ravel(), lines.ravel(), place.size // 5 * n)
    return total.astype(weights.dtype).reshape(*weights.shape[:-1], n)


def later(q):
    """Return the products of all later factors, prod_{j > k} q_j, along the last axis, and of all factors."""
    after, product = np.empty_like(q), 1
    for k in reversed(range(q.shape[-1])):
        after[..., k] = product
        product = after[..., k] * q[..., k]
    return after, product


def write(params, tape, rows):
    """Return what the memory head's five cells hold after a step, (rows, 5, n). Section 8.1 and the code.

    m_o <- f_o m_o + w_o, then for o' = -2 .. 2: m_o <- q_oo' m_o + p_oo' I_o', in all an affine function of m_o.
    """
    h, m0 = tape["h"][rows, 0], tape["m0"][rows]
    fw = affine(params["F"], h).reshape(-1, 2, *m0.shape[1:])
    f, w = tape["f"][rows], tape["w"][rows] = sigmoid(fw[:, 0]), np.tanh(fw[:, 1])
    m = f * m0 + w
    if "Q" in params:
        pq = sigmoid(affine(params["Q"], h)).reshape(-1, 2, 5, 5)
        p, q = tape["p"][rows], tape["q"][rows] = pq[:, 0], pq[:, 1]
        after, product = later(q)
        m *= product[..., None]
        m += placed(p * after, tape["seen"][rows], m.shape[-1])
    tape["m"][rows] = m
    return m


def write_back(params, tape, rows, d_m, grads):
    """From the derivative by the written cells return those by the cells before and by h; add those by F and Q."""
    h, m0, f, w = tape["h"][rows, 0], tape["m0"][rows], tape["f"][rows], tape["w"][rows]
    d_h, d_fw = 0, np.empty((len(h), 2, *d_m.shape[1:]), d_m.dtype)
    if "Q" in params:
        p, q, d_pq = tape["p"][rows], tape["q"][rows], np.empty((len(h), 2, 5, 5), d_m.dtype)
        d_I, (after, product) = np.take_along_axis(d_m, tape["seen"][rows][:, None], -1), later(q)
        along = np.einsum("rok,rok->ro", d_m, f * m0 + w)                         # the derivative's part along m
        for k in range(5):
            d_pq[:, 1, :, k] = after[..., k] * along
            along = q[..., k] * along + p[..., k] * d_I[..., k]
        d_pq[:, 0] = after * d_I * p * (1 - p)
        d_pq[:, 1] *= q * (1 - q)
        d_m = d_m * product[..., None]
        d_Q, d_h = affine_back(params["Q"], h, d_pq.reshape(len(h), -1))
        grads["Q"] += d_Q
    d_before = d_m * f
    np.multiply(d_before, m0 - m0 * f, out=d_fw[:, 0])
    np.multiply(d_m, 1 - w * w, out=d_fw[:, 1])
    d_F, more = affine_back(params["F"], h, d_fw.reshape(len(h), -1))
    grads["F"] += d_F
    return d_before, d_h + more


def rollout(params, batch, choose, config, tape):
    """Run the episodes of a batch, section 2. choose(pi, t, episodes): actions (heads, rows) for probabilities pi
    (3, heads, rows). What happens is written to the tape; returns a Run.

    An action has probability softmax(kappa (h P + bias)). When as many symbols are left to say as steps, one is said
    at each step. The memory head writes m <- f m + w to each of its five cells; direct access then adds the five input
    cells it sees, one after the other, m <- q m + p I.
    """
    T, H, memory, forward = budget(config), config.units, has_memory(config), only_forward(config)
    episodes, heads, dtype = len(batch.total), 2 + memory, params["W"].dtype
    cells = 5 * width(config) * memory
    acts, glyphs, weights, bias = tables(params, config)
    limits = np.zeros((3, heads, 1), dtype)
    limits[2, -1], limits[0, 0] = NEVER, NEVER * forward
    P = params["P"].T * dtype.type(config.kappa)
    shift = P[:, -1:] + limits.reshape(-1, 1)
    m = np.zeros((episodes, max(30, T), width(config)), dtype)
    m[:, 0] = config.landmark
    of_episode, m = m.shape[1], m.reshape(-1, m.shape[2])
    h, c, reading = *np.zeros((2, episodes, 2 * H), dtype), []
    if config.baseline == "offline":
        theirs = ((glyphs[2] + bias).reshape(-1, 4, 2, H)[:, :, 1].reshape(-1, 4 * H),
                  weights[-H:].reshape(H, 4, 2, H)[:, :, 1].reshape(H, -1))
        reading = read_input(batch, *theirs)
        rows, *_, h_read, c_read = reading[-1]
        h[rows, H:], c[rows, H:] = h_read, c_read
    around = np.take(batch.tape, np.add.outer(np.arange(T), REACH) % T, 1).reshape(-1, 5)
    row, at, left, rest = np.arange(episodes), np.zeros((heads - 1, episodes), int), batch.total, batch.steps
    did, digits = np.ones((heads, episodes), int), 3 ** np.arange(heads)
    did[-1] = 0                                                                   # before step 1: stay, stay, wait
    marks, stay, said, symbol = [0], [], [], []
    for t in range(T):
        rows = slice(marks[-1], marks[-1] + len(row))
        seen = tape["seen"][rows] = around.take(row * T + at[0] % T, 0)
        x = tape["x"][rows]
        x[:, cells:] = h
        if memory:
            places = tape["cells"][rows] = (at[1][:, None] + REACH) % of_episode
            places = row[:, None] * of_episode + places
            x[:, :cells] = m.take(places, 0).reshape(len(row), -1)
        z = x @ weights
        z += acts.take(digits @ did, 0)
        for offset in range(5):
            z += glyphs[offset].take(seen[:, offset], 0)
        tape["c0"][rows], tape["last"][rows] = c, did.T
        c, tape["bent"][rows], h = lstm_step(z, c, tape["a"][:, rows])
        tape["h"][rows], tape["episode"][rows], tape["time"][rows] = h.reshape(-1, 2, H), row, t
        logits = P[:, :-1] @ h[:, :H].T
        logits += shift
        logits = logits.reshape(3, heads, -1)
        logits[0, -1, left >= rest] = NEVER                                       # no step to lose
        if forward:
            logits[2, 0, at[0] == T - 1] = NEVER
        logits -= logits.max(0)
        pi = np.exp(logits, logits)
        pi /= pi.sum(0)
        tape["pi"][..., rows] = pi
        did = tape["did"][:, rows] = choose(pi, t, row)
        if memory:
            m[places] = write(params, tape, rows)
        says = np.flatnonzero(did[-1] == 1)
        said.append(says + marks[-1])
        symbol.append(batch.target[row[says], batch.total[row[says]] - left[says]])
        at, left, rest = at + did[:-1] - 1, left - did[-1], rest - 1
        marks.append(rows.stop)
        on = np.flatnonzero(left > 0)
        stay.append(on if len(on) < len(row) else slice(None))
        if not len(on):
            break
        if len(on) < len(row):
            row, left, rest, h, c, at, did = row[on], left[on], rest[on], h[on], c[on], at[:, on], did[:, on]
    return Run(marks, stay, np.concatenate(said), np.concatenate(symbol), reading)


def predict(params, tape, rows):
    """Return the logits of the symbols at these rows of the tape (said, n), and the scalars s of direct access.

    h Y + bias; direct access adds sum_o s_o I_o over the input cells in sight and sum_o s'_o m_o over the memory's.
    """
    h = tape["h"][rows, 0]
    logits, s = affine(params["Y"], h), None
    if "S" in params:
        s = sigmoid(affine(params["S"], h))
        logits += placed(s[:, :5], tape["seen"][rows], logits.shape[1])
        if s.shape[1] > 5:
            logits += np.einsum("ro,ron->rn", s[:, 5:], tape["m"][rows])
    return logits, s


class Outcome(NamedTuple):
    """What the episodes of a Run are worth."""
    p: np.ndarray               # probabilities of the symbols, where one was said  (said, n)
    s: np.ndarray               # scalars of direct access there                    (said, 5 or 10) or None
    r: np.ndarray               # rewards there: log p(target)                      (said,)
    wrong: np.ndarray           # whether another symbol was likelier               (said,)
    R: np.ndarray               # rewards from this step on                         (rows,)
    whole: np.ndarray           # rewards of the whole episode                      (rows,)
    b: np.ndarray               # the baseline                                      (rows,)
    hidden: np.ndarray          # its hidden layer                                  (rows, H)


def outcome(params, run, tape, config, means):
    """Return the Outcome of a Run. means: the running mean of R_t for each t (T,), the online baseline of appendix A.

    The offline baseline is 0.05 (v ReLU(r h)), h the second LSTM's state before the actions of step t [code].
    """
    rows, T = run.marks[-1], budget(config)
    logits, s = predict(params, tape, run.said)
    logits -= logits.max(1, keepdims=True)
    p = np.exp(logits)
    total = p.sum(1, keepdims=True)
    each, time, episode = np.arange(len(p)), tape["time"][:rows], tape["episode"][:rows]
    r = logits[each, run.symbol] - np.log(total[:, 0])
    grid = np.zeros((T, run.marks[1]), r.dtype)
    grid[time[run.said], episode[run.said]] = r
    grid = grid[::-1].cumsum(0)[::-1]
    hidden = np.maximum(affine(params["r"], tape["h"][:rows, 1]), 0)
    b = {"none": lambda: np.zeros(rows, r.dtype), "online": lambda: means[time].astype(r.dtype),
         "offline": lambda: SLOW * affine(params["v"], hidden)[:, 0]}[config.baseline]()
    return Outcome(p / total, s, r, logits.argmax(1) != run.symbol, grid[time, episode], grid[0, episode], b, hidden)


SLOW = 0.05                                                                       # scale of the baseline [code]


def backward(params, run, out, tape, config, weights):
    """Return the gradient of the loss, a dict like params: minus the gradient of J, and that of the baseline's error.

    weights (episodes,): 1 / batch each, for sampled episodes; their probabilities, for all that are possible.
    d(-J) / d logits: (p - 1_target) for symbols said, kappa (pi - 1_action) (R_t - b_t) for actions. The baseline's
    loss is sum_t (R_t - b_t)^2. No derivative passes from the baseline to the controller.
    """
    n, rows, heads, memory = width(config), run.marks[-1], 2 + has_memory(config), has_memory(config)
    grads = {name: np.zeros_like(value) for name, value in params.items()}
    weight, each, h, H = weights[tape["episode"][:rows]], np.arange(rows), tape["h"][:rows], config.units
    d_h = np.empty_like(h)
    gain = ((out.R if config.rewards == "future" else out.whole) - out.b) * weight * h.dtype.type(config.kappa)
    d_pi = tape["pi"][..., :rows] * gain
    for head in range(heads):
        d_pi[tape["did"][head, :rows], head, each] -= gain
    grads["P"], d_h[:, 0] = affine_back(params["P"], h[:, 0], d_pi.reshape(3 * heads, rows).T)
    if config.baseline == "offline":
        d_b = (2 * SLOW * (out.b - out.R) * weight)[:, None].astype(h.dtype)
        grads["v"], d_hidden = affine_back(params["v"], out.hidden, d_b)
        grads["r"], d_h[:, 1] = affine_back(params["r"], h[:, 1], d_hidden * (out.hidden > 0))
    else:
        d_h[:, 1] = 0
    said, d_y = run.said, out.p * weight[run.said][:, None]
    d_y[np.arange(len(said)), run.symbol] -= weight[said]
    grads["Y"], d_said = affine_back(params["Y"], h[said, 0], d_y)
    if "S" in params:
        d_s = np.take_along_axis(d_y, tape["seen"][said], 1)
        if memory:
            d_s = np.hstack([d_s, np.einsum("rn,ron->ro", d_y, tape["m"][said])])
        grads["S"], more = affine_back(params["S"], h[said, 0], d_s * out.s * (1 - out.s))
        d_said += more
    d_h[said, 0] += d_said
    d_h, d_c = back_through_time(params, run, out, tape, d_h.reshape(rows, -1), d_y, grads, config)
    if run.reading:
        read_back(params, run.reading, d_h[:, H:], d_c[:, H:], grads, (heads + 2) * n)
    return grads


def back_through_time(params, run, out, tape, d_h, d_y, grads, config):
    """Set the derivatives by all that the net inputs, F and Q are made of; return those by h and c before step 1.

    Steps are undone one by one: episodes that had left come back, and a memory cell's derivative by what a step wrote
    becomes that by what it overwrote. The weights' sums are taken step by step, while the step is in the cache.
    """
    H, n, memory, d_h_next, d_c_next = config.units, width(config), has_memory(config), None, None
    cells, heads, bounds = 5 * n * memory, 2 + memory, np.searchsorted(run.said, run.marks)
    weights = np.ascontiguousarray(recurrent(params, cells, baseline=False).T)
    by_x, by_hot = np.zeros_like(weights.T), np.zeros((3 * heads + 5 * n, 8 * H), d_h.dtype)
    ones = np.hstack([tape["last"][:run.marks[-1]] + 3 * np.arange(heads),
                      tape["seen"][:run.marks[-1]] + 3 * heads + n * np.arange(5)])
    if memory:
        of_episode = max(30, budget(config))
        d_memory = np.zeros((run.marks[1] * of_episode, n), d_h.dtype)
    for t in reversed(range(len(run.marks) - 1)):
        rows = slice(run.marks[t], run.marks[t + 1])
        now = d_h[rows]
        d_c = np.zeros_like(now)
        if t < len(run.marks) - 2:
            now[run.stay[t]] += d_h_next
            d_c[run.stay[t]] = d_c_next
        if memory:
            places = tape["episode"][rows][:, None] * of_episode + tape["cells"][rows]
            d_m = d_memory.take(places, 0)
            if out.s is not None:
                part = slice(bounds[t], bounds[t + 1])
                d_m[run.said[part] - rows.start] += out.s[part, 5:, None] * d_y[part, None]
            d_m, more = write_back(params, tape, rows, d_m, grads)
            now[:, :H] += more
        d_z, d_c_next = lstm_back(now, d_c, tape["a"][:, rows], tape["c0"][rows], tape["bent"][rows])
        d_x = d_z @ weights
        d_h_next = d_x[:, cells:]
        if memory:
            d_memory[places] = d_m + d_x[:, :cells].reshape(d_m.shape)
        hot = np.zeros((len(now), len(by_hot)), d_h.dtype)
        hot[np.arange(len(now))[:, None], ones[rows]] = 1
        by_hot += hot.T @ d_z
        by_x += tape["x"][rows].T @ d_z
    by_acts = by_hot[:3 * heads].reshape(heads, 3, 4, 2, H)
    by_cells, by_x = by_hot[3 * heads:].reshape(-1, 4, 2, H), by_x.reshape(-1, 4, 2, H)
    for k, (W, U) in enumerate((("W", "U"), ("w", "u"))):
        acts = by_acts[..., k, :].reshape(heads, 3, -1)
        last = (params["E"].swapaxes(1, 2) @ acts).reshape(heads * n, -1)
        inputs = np.concatenate([by_cells, by_x[:cells]])[:, :, k].reshape(-1, 4 * H)
        grads[W] = np.vstack([last, inputs, acts[0].sum(0)])
        grads[U] = by_x[cells + k * H:cells + (k + 1) * H, :, k].reshape(H, -1)
        if W == "W":
            grads["E"] = acts @ params["W"][:heads * n].reshape(heads, n, -1).swapaxes(1, 2)
    return d_h_next, d_c_next


def read_back(params, reading, d_h, d_c, grads, centre):
    """Add the derivatives by w and u of the baseline's reading; centre: the row of w for glyph 0 of the middle cell."""
    rows = reading[-1][0]
    d_h, d_c, found = d_h[rows], d_c[rows], []
    for rows, _, a, c0, _, bent, *_ in reversed(reading):
        d_z, d_c[:len(rows)] = lstm_back(d_h[:len(rows)], d_c[:len(rows)], a, c0, bent)
        d_h[:len(rows)] = d_z @ params["u"].T
        found.append(d_z)
    d_z, h0, glyph = (np.concatenate(part) for part in (found[::-1], [s[4] for s in reading], [s[1] for s in reading]))
    hot = np.zeros((len(glyph), params["Y"].shape[1]), d_z.dtype)
    hot[np.arange(len(glyph)), glyph] = 1
    grads["w"][centre:centre + hot.shape[1]] += hot.T @ d_z
    grads["w"][-1] += d_z.sum(0)
    grads["u"] += h0.T @ d_z


# ---------------------------------------------------------------- Learning
TEST_EVERY, SAVE_SECONDS = 100, 120                                               # updates; between checkpoints


class Curriculum(NamedTuple):
    """Where the curriculum stands."""
    level: int = 1              # the difficulty C
    error: float = 1.0          # running mean of wrong symbols / symbols, over the instances of difficulty C + e
    risen: int = 0              # the update at which C last rose


def draw_levels(rng, level, config):
    """Return difficulties (batch,), Table 3, and which of them are of the third row and count for the error.

    10 %: uniform over all. 25 %: uniform in 1 .. C + e. 65 %: C + e. e is geometric, p = 1/2, and at least `extra`.
    """
    most = top(config)
    if not config.curriculum:
        return np.full(config.batch, most), np.ones(config.batch, bool)
    hard = np.minimum(level + rng.geometric(0.5, config.batch) - 1 + config.extra, most)
    kind = rng.random(config.batch)
    return (np.where(kind < 0.1, rng.integers(1, most + 1, config.batch),
                     np.where(kind < 0.35, rng.integers(1, hard + 1), hard)), kind >= 0.35)


def rise(state, error, step, config):
    """Return the Curriculum after an update with this error: C rises when the running mean is below the threshold and
    more than `refractory` updates have passed since it rose (section 7; decay 0.8, fresh start from 1 [code])."""
    error = 0.8 * state.error + 0.2 * error
    if error < config.threshold and state.level < top(config) and step - state.risen > config.refractory:
        return Curriculum(state.level + 1, 1.0, step)
    return state._replace(error=error)


def sample(rng, episodes, config):
    """Return a `choose` for `rollout` that samples. All random numbers are drawn here: they do not depend on how long
    the episodes last."""
    uniforms = rng.random((budget(config), 2 + has_memory(config), episodes), np.float32)

    def choose(pi, t, row):
        u = uniforms[t][:, row]
        return (u >= pi[0]).astype(int) + ((u >= pi[0] + pi[1]) & (pi[2] > 0))

    return choose


def greedy(pi, t, row):
    """The likeliest actions: a `choose` for `rollout`."""
    return pi.argmax(0)


def clip(grads, names, limit):
    """Scale the named gradients down, in place, if their norm exceeds the limit."""
    norm = sum(float((grads[name] * grads[name]).sum()) for name in names)**0.5
    for name in names:
        grads[name] *= min(1, limit / (norm + 1e-12))


def test(params, config, rng, tape, count=1000):
    """Return the share of wrong symbols and of instances all right, for likeliest actions on `count` instances of the
    largest difficulty (RepeatCopy: half of them with m = 2). Runs as many at a time as the tape holds."""
    levels = np.full(count, top(config))
    if config.task == "repeat-copy":
        levels[::2] = config.longest
    wrong, total, right, chunk = 0, 0, 0, len(tape["time"]) // budget(config)
    for part in np.split(levels, range(chunk, count, chunk)):
        batch = make_batch(rng, part, config)
        run = rollout(params, batch, greedy, replace(config, baseline="none"), tape)
        errors = predict(params, tape, run.said)[0].argmax(1) != run.symbol
        wrong, total = wrong + errors.sum(), total + len(errors)
        right += (np.bincount(tape["episode"][run.said], errors, len(part)) == 0).sum()
    return wrong / total, right / count


class Snapshot(NamedTuple):
    """The state after an update."""
    step: int
    params: dict                # the live parameters
    stage: Curriculum
    means: np.ndarray           # the online baseline
    solved: bool
    lax: float                  # updates until C was C_max with a running error below 0.25, the end of the code's logs
    history: list               # (update, C, running error), every tenth update


def usable(config):
    """Return config. Raises OSError if T leaves no room for the longest input or output."""
    long = make_batch(np.random.default_rng(0), np.array([top(config)]), replace(config, steps=50 * config.longest + 9))
    if budget(config) < max(long.used[0], long.total[0]):
        raise OSError(f"{budget(config)} steps are too few for {config.longest} symbols of {config.task}")
    return config


def train(config, seed, checkpoint=None):
    """Train until the greedy test is passed at the largest difficulty, or for `updates`; yield a Snapshot after each.

    The test (at most 1 % of symbols wrong, 95 % of instances all right, of 1000) is taken every hundredth update once C
    is at C_max and the running error below the threshold. checkpoint: npz file to go on from and to keep up to date.
    """
    data, weights, actions, tests = map(np.random.default_rng, np.random.SeedSequence([seed, 0]).spawn(4))
    params = init(weights, usable(config))
    tape, stage, step, history, solved, lax = (make_tape(config, config.batch), Curriculum(), 0, [], False, np.nan)
    if not config.curriculum:
        stage = stage._replace(level=top(config))
    means, speed = np.zeros(budget(config)), {name: np.zeros_like(value) for name, value in params.items()}
    mine, theirs = ([name for name in params if name.isupper() == own] for own in (True, False))
    cell, saved = f"{config} seed {seed}", time.monotonic()
    if checkpoint and (kept := load_state(checkpoint, cell)):
        step, history, means, solved, lax = (int(kept["step"]), kept["history"].tolist(), kept["means"],
                                             bool(kept["solved"]), float(kept["lax"]))
        stage = Curriculum(int(kept["stage"][0]), float(kept["stage"][1]), int(kept["stage"][2]))
        params, speed = ({name: kept[f"{kind}_{name}"] for name in params} for kind in ("x", "v"))
        data, actions, tests = (kept[name] for name in ("data", "actions", "tests"))
    share = np.full(config.batch, 1 / config.batch, np.float32)
    while step < config.updates and not solved:
        step += 1
        levels, counted = draw_levels(data, stage.level, config)
        batch = make_batch(data, levels, config)
        run = rollout(params, batch, sample(actions, config.batch, config), config, tape)
        out = outcome(params, run, tape, config, means)
        grads = backward(params, run, out, tape, config, share)
        clip(grads, mine, config.clip)
        clip(grads, theirs, config.clip_baseline)
        for name, value in params.items():
            speed[name] *= config.momentum
            speed[name] -= config.rate * grads[name]
            value += speed[name]
        rows, relevant = tape["time"][:run.marks[-1]], counted[tape["episode"][run.said]]
        counts = np.bincount(rows, minlength=len(means))
        means += 0.1 * (counts > 0) * (np.bincount(rows, out.R, len(means)) / np.maximum(counts, 1) - means)
        stage = rise(stage, out.wrong[relevant].mean(), step, config)
        if stage.level == top(config):
            if np.isnan(lax) and stage.error < 0.25:
                lax = step
            if step % TEST_EVERY == 0 and stage.error < config.threshold:
                wrong, right = test(params, config, tests, tape)
                solved = bool(wrong <= 0.01 and right >= 0.95)
        if step % 10 == 0:
            history.append((step, stage.level, stage.error))
        unfinished = step < config.updates and not solved                         # else a resumed run yields nothing
        if checkpoint and unfinished and time.monotonic() - saved >= SAVE_SECONDS:
            save_state(checkpoint, cell, dict(
                step=step, history=history, means=means, solved=solved, lax=lax, stage=stage, data=data,
                actions=actions, tests=tests, **{f"x_{k}": x for k, x in params.items()},
                **{f"v_{k}": x for k, x in speed.items()}))
            saved = time.monotonic()
        yield Snapshot(step, params, stage, means, solved, lax, history)


# ---------------------------------------------------------------- Experiment
LONG = 100                                                                        # symbols of the test of length
LETTERS = "abcdefghijklmnopqrstuvwxyzABCD"


def every_sequence(config):
    """Return all sequences of actions of T steps, (T, heads, sequences), and how many actions a step has."""
    heads = 2 + has_memory(config)
    acts = np.indices((3,) * (heads - 1) + (2,)).reshape(heads, -1)
    steps = np.indices((acts.shape[1],) * budget(config)).reshape(budget(config), -1)
    return acts[:, steps].swapaxes(0, 1), acts.shape[1]


def enumerate_episodes(params, batch, config, tape, means):
    """Run all sequences of actions on one instance; return Run, Outcome and their probabilities (section 5).

    batch holds a copy of the instance for each sequence. Where an episode ends before its sequence does, the sequences
    that begin alike share its probability.
    """
    script, acts = every_sequence(config)
    chance, steps = np.ones((2, script.shape[2]))

    def choose(pi, t, row):
        did = script[t][:, row]
        chance[row] *= np.take_along_axis(pi, did[None], 0)[0].prod(0)
        steps[row] = t + 1
        return did

    run = rollout(params, batch, choose, config, tape)
    return run, outcome(params, run, tape, config, means), chance * float(acts) ** (steps - budget(config))


def check(config, seed):
    """The gradient check of section 5 with both controllers: derivatives of J along random directions, one for each
    array of parameters, from all sequences of actions weighted by their probabilities, against central differences of
    fourth order; for the baseline, of the expected squared error, with a step within which no ReLU changes sides.

    error: the largest |difference| / (|analytic| + |numeric| + 1e-6). total: the largest |sum of probabilities - 1|.
    """
    data, weights, draws = map(np.random.default_rng, np.random.SeedSequence([seed, 0]).spawn(3))
    errors, totals, pairs = [], [], []
    for controller in ("lstm", "direct"):
        config = replace(config, controller=controller)
        one = make_batch(data, np.array([top(config)]), config)
        batch = Batch(*(np.repeat(array, every_sequence(config)[0].shape[2], 0) for array in one))
        tape, params = make_tape(config, len(batch.total), float), init(weights, config, 0.5, float)
        means = draws.normal(-3, 1, budget(config))
        run, out, chance = enumerate_episodes(params, batch, config, tape, means)
        grads = backward(params, run, out, tape, config, chance)
        totals.append(abs(chance.sum() - 1))
        for name, value in params.items():
            along, kept = draws.normal(size=value.shape), value.copy()

            def loss(shift):
                """The loss after a shift along the direction, and which ReLUs are on."""
                value[...] = kept + shift * along
                run, out, chance = enumerate_episodes(params, batch, config, tape, means)
                value[...] = kept
                if name.isupper():
                    return -(chance @ out.whole[:len(chance)]), None
                return chance[tape["episode"][:run.marks[-1]]] @ (out.R - out.b)**2, out.hidden > 0

            for h in (3e-4, 3e-5, 3e-6):
                (most, on), (more, _), (less, _), (least, off) = (loss(k * h) for k in (2, 1, -1, -2))
                if np.array_equal(on, off):
                    break
            numeric = (8 * (more - less) - most + least) / (12 * h)
            analytic = (grads[name] * along).sum()
            pairs.append((analytic, numeric))
            errors.append(abs(analytic - numeric) / (abs(analytic) + abs(numeric) + 1e-6))
    analytic, numeric = np.transpose(pairs)
    return {"error": max(errors), "total": max(totals)}, {"analytic": analytic, "numeric": numeric}


def show_run(params, config, rng, level, means):
    """Run one instance with the likeliest actions. Returns a table (dict of lists, a row for each step) and a text.

    The text is in the style of Figure 7: the tape with the head in brackets, what has been said, the memory head. A
    blank is shown as a dot, the full stop of RepeatCopy as a space.
    """
    tape, glyphs = make_tape(config, 1), LETTERS[:config.symbols].ljust(config.symbols, "?") + ".23  "
    batch = make_batch(rng, np.array([level]), config)
    run = rollout(params, batch, greedy, config, tape)
    out, rows = outcome(params, run, tape, config, means), run.marks[-1]
    at = np.cumsum(np.hstack([np.zeros((len(tape["did"]) - 1, 1), int), tape["did"][:-1, :rows - 1] - 1]), 1)
    said, lines, output = dict(zip(run.said, range(rows))), [], ""
    table = {"tape": batch.tape[0, :batch.used[0]], "target": batch.target[0, :batch.total[0]], "head": at[0],
             "memory_head": at[1:].ravel(), "says": [], "R": out.R, "b": out.b, "r": np.zeros(rows),
             "gates": [[0.0] * 10 for _ in range(rows)]}
    table["r"][run.said] = out.r
    for t in range(rows):
        k = said.get(t)
        glyph = -1 if k is None else int(out.p[k].argmax())
        table["says"].append(glyph)
        output += "" if k is None else glyphs[glyph]
        if k is not None and out.s is not None:
            table["gates"][t][:out.s.shape[1]] = out.s[k].tolist()
        cells = "".join(f"[{glyphs[g]}]" if i == at[0, t] % budget(config) else f" {glyphs[g]} "
                        for i, g in enumerate(batch.tape[0][:batch.used[0] + 2]))
        memory = f"  memory {at[1, t]:+3d}" if has_memory(config) else ""
        lines.append(f"{t + 1:3} {cells}{memory}  {output}")
    return table, "\n".join(lines)


def learn(config, seed, checkpoint=None):
    """Train and test one cell of Table 4.

    solved; updates until then (None: never); lax_updates, until the running error was below 0.25 at C_max; level: the
    largest C, as a share of C_max. On 1000 fresh instances of C_max, likeliest actions: wrong symbols, instances right.
    long_right: symbols right at 100 symbols, of solved models. Curves over training, one episode as a table and a text.
    """
    *_, last = watch(train(config, seed, checkpoint), config.updates, f"{config.task}, {config.controller}, update")
    rng = np.random.default_rng(np.random.SeedSequence([seed, 1]))
    wrong, right = test(last.params, config, rng, make_tape(config, config.batch))
    far, long_right = replace(config, longest=LONG, steps=0), None
    if last.solved and config.longest >= 10:
        long_right = 1 - test(last.params, far, rng, make_tape(far, 20), 100)[0]
    level = min(5, config.longest) + (config.longest if config.task == "repeat-copy" else 0)
    table, text = show_run(last.params, config, rng, level, last.means)
    step, stage, error = np.transpose(last.history[::-(-len(last.history) // 200)] or [(0, 0, 1)])
    return ({"solved": int(last.solved), "updates": last.step if last.solved else None, "lax_updates": last.lax,
             "level": last.stage.level / top(config), "wrong": wrong, "right": right, "long_right": long_right},
            {"step": step, "stage": stage, "running_error": error, "episode": table, "trace": text})


TRICKS = {"whole": dict(rewards="whole", baseline="none"), "future": dict(baseline="none"),
          "online": dict(baseline="online"), "offline": {}}


def variance(config, seed):
    """Train for `updates`, freeze, and measure the gradient's noise with the variance reductions added one by one.

    whole, future, online, offline: trace of the covariance, over `measured` batches, of the controller's gradient.
    With _heads: of the part that Reinforce gives. All four estimators see the same episodes.
    """
    *_, last = watch(train(config, seed), config.updates, "variance, update")
    data, actions = map(np.random.default_rng, np.random.SeedSequence([seed, 1]).spawn(2))
    tape, share = make_tape(config, config.batch), np.full(config.batch, 1 / config.batch, np.float32)
    sums = {name: [0.0, 0.0] for trick in TRICKS for name in (trick, f"{trick}_heads")}
    for _ in range(config.measured):
        batch = make_batch(data, draw_levels(data, last.stage.level, config)[0], config)
        run = rollout(last.params, batch, sample(actions, config.batch, config), config, tape)

        def gradient(settings, exact=False):
            """The controller's gradient as one vector; exact: without the part of Reinforce."""
            settings = replace(config, **settings)
            out = outcome(last.params, run, tape, settings, last.means)
            grads = backward(last.params, run, out._replace(b=out.R) if exact else out, tape, settings, share)
            return np.concatenate([grads[name].ravel() for name in grads if name.isupper()]).astype(float)

        symbols = gradient({}, exact=True)
        for trick, settings in TRICKS.items():
            whole = gradient(settings)
            for name, vector in ((trick, whole), (f"{trick}_heads", whole - symbols)):
                sums[name][0] = sums[name][0] + vector
                sums[name][1] += vector @ vector
    return {name: (square - total @ total / config.measured) / (config.measured - 1)
            for name, (total, square) in sums.items()}, {}


TASKS = {"copy": Config(), "duplicated-input": Config(task="duplicated-input", longest=10),
         "reverse": Config(task="reverse", kappa=0.03),
         "repeat-copy": Config(task="repeat-copy", longest=8, kappa=0.03),
         "repeat-copy-stops": Config(task="repeat-copy", full_stop=True, longest=8, kappa=0.03),
         "forward-reverse": Config(task="forward-reverse")}
SHORT = {name: Config(task=name.split("-")[0], controller=name.split("-")[1], longest=6, fixed=True, kappa=0.03,
                      rate=0.2, updates=4000) for name in ("copy-direct", "copy-lstm", "reverse-direct")}
TINY = Config(task="reverse", memory=True, longest=1, steps=3, units=2, symbols=4, kappa=1.0)
ARMS = {
    "gradient-check": Arm(check, TINY),
    **{f"short-{name}": Arm(learn, config) for name, config in SHORT.items()},
    **{f"{task}-{controller}": Arm(learn, replace(config, controller=controller))
       for controller in ("direct", "lstm") for task, config in TASKS.items()},
    **{f"{task}-{name}": Arm(learn, replace(TASKS[task], curriculum=False, **more))
       for task in ("reverse", "forward-reverse")
       for name, more in (("no-curriculum", {}), ("length-3", dict(longest=3)))},
    **{f"{task}-fixed-steps": Arm(learn, replace(TASKS[task], fixed=True))
       for task in ("reverse", "repeat-copy", "repeat-copy-stops")},
    "repeat-copy-stops-clip-2": Arm(learn, replace(TASKS["repeat-copy-stops"], clip=2.0, clip_baseline=5.0)),
    "reverse-kappa-0.01": Arm(learn, replace(TASKS["reverse"], kappa=0.01)),
    "reverse-no-curriculum-kappa-0.01": Arm(learn, replace(TASKS["reverse"], kappa=0.01, curriculum=False)),
    "repeat-copy-forward": Arm(learn, replace(TASKS["repeat-copy"], memory=True, forward=True)),
    "variance": Arm(variance, replace(SHORT["reverse-direct"], updates=300)),
    **{f"short-reverse-{trick}": Arm(learn, replace(SHORT["reverse-direct"], **more))
       for trick, more in TRICKS.items() if more},
    "quick-check": Arm(check, replace(TINY, steps=2, memory=False)),
    "quick-learn": Arm(learn, Config(longest=2, units=5, symbols=4, batch=20, updates=40)),
    "quick-memory": Arm(learn, Config(task="forward-reverse", longest=2, units=5, symbols=4, batch=20, updates=20)),
    "quick-variance": Arm(variance, Config(longest=2, units=5, symbols=4, batch=20, updates=20, measured=10)),
}
PRESETS = {
    "quick": ("quick-check", "quick-learn", "quick-memory", "quick-variance"),
    "default": ("gradient-check", *(f"short-{name}" for name in SHORT)),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
NAMES = {"copy": "Copy", "duplicated-input": "DuplicatedInput", "reverse": "Reverse", "repeat-copy": "RepeatCopy",
         "repeat-copy-stops": "RepeatCopy with full stops", "forward-reverse": "ForwardReverse"}
BARS = {"direct": {"reverse": ">= 0.8", "copy": ">= 1", "duplicated-input": ">= 1", "repeat-copy": ">= 0.5",
                   "repeat-copy-stops": ">= 0.5", "forward-reverse": ">= 0.3"},
        "lstm": {"copy": ">= 0.8", "duplicated-input": ">= 0.8", "reverse": "", "repeat-copy": "",
                 "repeat-copy-stops": "", "forward-reverse": ""}}


def share(arm, text, bar, paper, n=10, **more):
    """The claim about the share of seeds in which an arm's model solves its task."""
    return Claim(text, lambda r: r[arm]["solved"].mean(), bar, paper, **{"kind": "paper", "source": "Table 4"} | more,
                 n=n, show="{:.0%}")


def there(values):
    """Return the values of the seeds that got there; NaN if none did."""
    values = values[~np.isnan(values)]
    return values if len(values) else np.array([np.nan])


def table_4(controller, name, solves):
    """The claims about one column of Table 4; the text says whether the paper solved the task."""
    return tuple(share(f"{task}-{controller}", f"{NAMES[task]}, {name}: seeds that solve it within 20,000 updates", bar,
                       "yes" if task in solves else "no") for task, bar in BARS[controller].items())


def fewer(this, than, text):
    """The claim that a variance reduction leaves at most 90 % of the noise of the step before, in Reinforce's part."""
    return Claim(f"noise of the heads' gradient: {text}",
                 lambda r: (r["variance"][f"{this}_heads"] / r["variance"][f"{than}_heads"]).mean(), "<= 0.9", "less",
                 "trial", "section 4; the bar is ours", n=5, show="{:.3f}")


CLAIMS = (
    *table_4("direct", "direct access", NAMES),
    *table_4("lstm", "LSTM", ("copy", "duplicated-input")),
    share("repeat-copy-stops-clip-2", "RepeatCopy with full stops, direct access, clipping 2 and 5 as in the code: "
          "seeds that solve it", BARS["direct"]["repeat-copy-stops"], "yes"),
    share("reverse-kappa-0.01", "Reverse, direct access, inverse temperature 0.01 as in the text: seeds that solve it",
          BARS["direct"]["reverse"], "yes"),
    *(Claim(f"{NAMES[task]}, direct access: updates until solved (median of those seeds)",
            lambda r, arm=f"{task}-direct": np.median(there(r[arm]["updates"])), bar, paper, "trial", source, n=10,
            show="{:,.0f}")
      for task, bar, paper, source in (("copy", "", "below 20,000", "section 9"),
                                       ("duplicated-input", "", "below 20,000", "section 9"),
                                       ("reverse", "", "below 20,000", "section 9"),
                                       ("repeat-copy", "<= 7000", "about 7,000", "the authors' log"),
                                       ("repeat-copy-stops", "<= 7000", "about 7,000", "the authors' log"),
                                       ("forward-reverse", "<= 14000", "above 13,600", "the authors' log"))),
    *(Claim(f"{NAMES[task]}, direct access: seeds with a running error below 25% at the largest length",
            lambda r, arm=f"{task}-direct": (~np.isnan(r[arm]["lax_updates"])).mean(), "", "where the logs end",
            "trial", "the authors' log", n=10, show="{:.0%}")
      for task in ("reverse", "repeat-copy", "repeat-copy-stops", "forward-reverse")),
    *(Claim(f"{NAMES[task]}, direct access: outputs all right in a second test (mean of the seeds that solve it)",
            lambda r, arm=f"{task}-direct": there(np.where(r[arm]["solved"], r[arm]["right"], np.nan)).mean(), "",
            "not given", "trial", "ours; the test that ends a run is the first passed of many", n=10, show="{:.1%}")
      for task in NAMES),
    Claim("gradient check: largest relative error, all sequences of actions, both controllers",
          lambda r: r["gradient-check"]["error"].max(), "<= 1e-6", "essential", "exact", "section 5", n=10),
    Claim("gradient check: probabilities of all sequences add up to 1 within",
          lambda r: r["gradient-check"]["total"].max(), "<= 1e-12", "exact", "exact", "section 5", n=10),
    *(share(f"short-{arm}", f"{text}, up to 6 symbols: seeds that solve it", ">= 0.8", "not run",
            kind="trial", source="ours, a short run; the bar is ours", substitute=True)
      for arm, text in (("copy-direct", "Copy, direct access, rate 0.2"), ("copy-lstm", "Copy, LSTM, rate 0.2"),
                        ("reverse-direct", "Reverse, direct access, rate 0.2"))),
    *(share(f"{task}-{name}", f"{NAMES[task]} without curriculum, {length} symbols: seeds that solve it", bar, paper,
            n=5, kind="control", source="section 9")
      for task in ("reverse", "forward-reverse")
      for name, length, bar, paper in (("no-curriculum", 15, "<= 0", "never"), ("length-3", 3, ">= 1", "yes"))),
    share("reverse-no-curriculum-kappa-0.01", "Reverse without curriculum, 15 symbols, inverse temperature 0.01 as in "
          "the text: seeds that solve it", "<= 0", "never", n=5, kind="control", source="section 9"),
    *(share(f"{task}-fixed-steps", f"{NAMES[task]}, one bound on the steps for all lengths: seeds that solve it", bar,
            "yes", n=n, kind=kind, source="Table 4, section 2; the authors' code")
      for task, bar, n, kind in (("reverse", "", 5, "control"), ("repeat-copy", "", 5, "control"),
                                 ("repeat-copy-stops", BARS["direct"]["repeat-copy-stops"], 10, "paper"))),
    fewer("future", "whole", "future rewards / all rewards"),
    fewer("online", "future", "... and the online baseline / future rewards"),
    fewer("offline", "online", "... and the LSTM baseline / online baseline"),
    *(Claim(f"noise of the whole gradient: {this} / {than}",
            lambda r, this=this, than=than: (r["variance"][this] / r["variance"][than]).mean(), "<= 0.9", "less",
            "trial", "section 4; the bar is ours", n=5, show="{:.3f}") for than, this in zip(TRICKS, list(TRICKS)[1:])),
    *(share(f"short-reverse-{trick}", f"Reverse, up to 6 symbols, {text}: seeds that solve it", "", "fails", n=5,
            kind="control", source="section 4")
      for trick, text in (("whole", "all rewards, no baseline"), ("future", "no baseline"),
                          ("online", "online baseline"))),
    *(Claim(f"{NAMES[task]}, direct access: symbols right at 100 symbols (mean of the seeds that solve it)",
            lambda r, arm=f"{task}-direct": there(r[arm]["long_right"]).mean(), bar, paper, kind, "section 9", n=10,
            show="{:.1%}")
      for task, bar, paper, kind in (("copy", ">= 0.99", "arbitrary length", "paper"),
                                     *((task, "", "not given", "trial")
                                       for task in ("duplicated-input", "reverse", "forward-reverse")))),
    share("repeat-copy-forward", "RepeatCopy, head only forward, with memory, direct access: seeds that solve it", "",
          "fails", n=3, source="appendix B"),
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

