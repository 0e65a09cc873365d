# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Parity by guessing: draw all weights of a small recurrent net at random until one net gets every sequence right.

S. Hochreiter, J. Schmidhuber, "LSTM can solve hard long time lag problems", NIPS 9:473-479, 1996. The protocol and the
trial counts are in J. Schmidhuber, S. Hochreiter, Y. Bengio, "Evaluating benchmark problems by random guessing" (in
Kolen & Kremer, A Field Guide to Dynamical Recurrent Networks, 2001), section on parity.

Was the number of 1s among 500 to 600 symbols odd? The answer turns on every symbol, the first as much as the last, so
parity was a favourite test of whether a recurrent learner can carry information over long lags; gradient descent failed
it. Here nothing learns. All weights are drawn independently and uniformly from [-100, 100], the net is judged on 100
training sequences, and the first net that gets all of them right (|y(T) - target| < 0.1) is tested on 100 others. A
trial is one drawn weight vector. Units are logistic, activations start at 0, hidden units are updated first:

    A1(n)   h_i(t) = s(a_i x + b_i h_i(t-1) + c_i o(t-1) + d_i)     o(t) = s(e x + sum_i f_i h_i(t) + g o(t-1))
    A2      the same ten hidden units; a biased output that does not see itself     o(t) = s(e x + sum_i f_i h_i(t) + k)
    A2-     A2 with all b_i removed

Almost every net fails on its first or second sequence, so the search is a cascade: many guesses run side by side, each
on its next sequence, and only survivors go on. The count is that of trying one net after the other. A winner is read as
an automaton by interval arithmetic, which proves for most winners that they compute parity at every length. The control
is back-propagation through time on the same nets.

    python3 rs_parity.py --seed 0
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
    net: str = option("A2-", "architecture; A1 is A1(1)", choices=("A1", "A2", "A2-", "tanh"))
    spread: float = option(100.0, "guessed weights are uniform in [-spread, spread]")
    shortest: int = option(500, "shortest sequence", low=1)
    longest: int = option(600, "longest sequence", low=1)
    noise: float = option(0.0, "every input gets uniform noise in [-noise, noise]")
    order: str = option("hidden-first", "update order of a time step", choices=("hidden-first", "synchronous"))
    feedback: bool = option(True, "the units see the previous output")
    simulations: int = option(200, "independent searches", low=1)
    limit: int = option(0, "guesses after which a search gives up; 0: never")
    far: int = option(0, "test sequences of length 5,000 for each solver, besides the 100 usual ones")
    batch: int = option(256, "guesses that a search draws at a time", low=1, counts=False)
    lanes: int = option(3072, "nets run side by side", low=1, counts=False)
    runs: int = option(2, "gradient descent: runs for each setting", low=1)
    minibatch: int = option(32, "gradient descent: sequences in a step", low=1)
    steps: int = option(120, "gradient descent: steps", low=1)


# ---------------------------------------------------------------- Problem
SEQUENCES = 100                                                                   # half of them of each class


class Data(NamedTuple):
    """Sequences, one per column; a column is padded with 0 behind its end."""
    x: np.ndarray               # inputs, -1 or +1 (and noise)     (longest, columns) float32
    length: np.ndarray          #                                  (columns,)
    target: np.ndarray          # 1 where the number of +1 is odd  (columns,)


def make_batch(rng, shortest, longest, noise=0.0, columns=SEQUENCES):
    """Return Data with lengths uniform in shortest..longest and the targets 1, 0, 1, 0, ...

    Given its length, a sequence is uniform over all those of its class: the last symbol settles the parity.
    Raises OSError if longest is less than shortest.
    """
    if longest < shortest:
        raise OSError("--longest must be at least --shortest")
    length = rng.integers(shortest, longest + 1, columns)
    target = 1 - np.arange(columns) % 2
    bits = rng.integers(0, 2, (longest, columns), np.int8) * (np.arange(longest)[:, None] < length)
    ends = length - 1, np.arange(columns)
    bits[ends] = (bits.sum(0) - bits[ends] + target) % 2
    x = (2 * bits - 1).astype(np.float32)
    if noise:
        x += rng.uniform(-noise, noise, x.shape).astype(np.float32)
    return Data(x * (np.arange(longest)[:, None] < length), length, target)


# ---------------------------------------------------------------- Model
HIDDEN = {"A1": 1, "A2": 10, "A2-": 10, "tanh": 10}


class Weights(NamedTuple):
    """The weights of the equations at the top, lanes last; weights that a net lacks are zero."""
    a: np.ndarray               # input to hidden                  (n, lanes)
    b: np.ndarray               # hidden to itself                 (n, lanes)
    c: np.ndarray               # output to hidden                 (n, lanes)
    d: np.ndarray               # hidden bias                      (n, lanes)
    e: np.ndarray               # input to output                  (lanes,)
    f: np.ndarray               # hidden to output                 (n, lanes)
    g: np.ndarray               # output to itself                 (lanes,)
    k: np.ndarray               # output bias                      (lanes,)


def size(net):
    """Return the number of weights that are guessed: 7 for A1, 52 for A2, 42 for A2-."""
    return HIDDEN[net] * (4 if net == "A2-" else 5) + 2


def unpack(guess, config):
    """Return Weights from guesses (lanes, size): a, c, d, f, then b, e, and g (A1) or k (A2, A2-)."""
    n, zero = HIDDEN[config.net], np.zeros(len(guess), guess.dtype)
    a, c, d, f = np.ascontiguousarray(guess[:, :4 * n].T).reshape(4, n, -1)
    rest = guess[:, 4 * n:].T
    b, rest = (np.zeros_like(a), rest) if config.net == "A2-" else (rest[:n], rest[n:])
    e, last = rest
    g, k = (last, zero) if config.net == "A1" else (zero, last)
    if not config.feedback:
        c, g = np.zeros_like(c), zero
    return Weights(a, b, c, d, e, f, g, k)


def forward(w, data, column, order="hidden-first"):
    """Return the outputs o(T) of nets at the end of their sequences (lanes,); lane i reads data.x[:, column[i]].

    In the coordinates H = 2h - 1, O = 2o - 1 the logistic function is H = tanh(z / 2); halves and offsets go into the
    weights once, before the loop.
    """
    A, B, C, E, F, G = w.a / 2, w.b / 4, w.c / 4, w.e / 2, w.f / 4, w.g / 4
    D, K = w.d / 2 + B + C, w.k / 2 + F.sum(0) + G
    length, B = data.length[column], B if B.any() else None
    ends = np.argsort(length)
    marks = np.searchsorted(length[ends], np.arange(1, length.max() + 2))
    H, O, last = np.full_like(A, -1), np.full_like(E, -1), np.empty_like(E)
    z, s, x, zo, so = np.empty_like(A), np.empty_like(A), np.empty_like(E), np.empty_like(E), np.empty_like(E)
    for t in range(length.max()):
        np.take(data.x[t], column, out=x, mode="clip")
        np.multiply(A, x, out=z)
        z += D
        z += np.multiply(C, O, out=s)
        if B is not None:
            z += np.multiply(B, H, out=s)
        if order == "hidden-first":
            np.tanh(z, out=H)
        np.multiply(F, H, out=s)
        np.add.reduce(s, 0, out=zo)
        zo += K
        zo += np.multiply(E, x, out=so)
        zo += np.multiply(G, O, out=so)
        np.tanh(zo, out=O)
        if order == "synchronous":
            np.tanh(z, out=H)
        if marks[t] < marks[t + 1]:
            done = ends[marks[t]:marks[t + 1]]
            last[done] = O[done]
    return (last + 1) / 2


def logistic(z):
    """Return 1 / (1 + exp(-z)), which never overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def interval(matrix, low, high):
    """Return the least and the greatest value of matrix @ s over low <= s <= high."""
    plus, minus = np.maximum(matrix, 0), np.minimum(matrix, 0)
    return plus @ low + minus @ high, plus @ high + minus @ low


def automaton(w, noise=0.0, most=64, slack=1e-4):
    """Read one net (Weights with one lane) as an automaton; return (proved, states).

    A state is a box of activations (hidden units, output) and the parity that led there. Interval arithmetic carries a
    box through a symbol, with its noise, to a box that holds all its images. One that lies inside a known box of the
    same parity is that state; any other is a new state, widened by `slack`, which also covers the rounding. If this
    closes within `most` states, and o is within 0.1 of the target all over every box but the start, then the net
    computes parity at every length: proved is True.

    states: a list of (parity, lowest o, highest o, next state on -1, next state on +1).
    """
    a, b, c, d, e, f, g, k = (part[..., 0].astype(float) for part in w)
    from_state = np.concatenate([np.diag(b), c[:, None]], 1)                      # (n, n + 1), to the hidden units
    to_output = np.append(f, g)[None]                                             # sees the new h and the old o
    boxes, parity, follow = [(np.zeros(len(a) + 1), np.zeros(len(a) + 1))], [0], []
    while len(follow) < len(boxes) <= most:
        (low, high), after = boxes[len(follow)], []
        for symbol in (-1, 1):
            x = symbol - noise, symbol + noise
            z = interval(from_state, low, high)
            h = [logistic(d + part + bound) for part, bound in zip(z, interval(a[:, None], x[:1], x[1:]))]
            z = interval(to_output, np.append(h[0], low[-1]), np.append(h[1], high[-1]))
            o = [logistic(k + part + bound) for part, bound in zip(z, interval(np.array([[e]]), x[:1], x[1:]))]
            new, odd = [np.append(*pair) for pair in zip(h, o)], parity[len(follow)] ^ (symbol == 1)
            known = [i for i, box in enumerate(boxes) if parity[i] == odd and (box[0] <= new[0]).all()
                     and (new[1] <= box[1]).all()]
            if not known:
                boxes.append((new[0] - slack, new[1] + slack))
                parity.append(odd)
            after.append(known[0] if known else len(boxes) - 1)
        follow.append(after)
    states = [(int(odd), box[0][-1], box[1][-1], *after) for odd, box, after in zip(parity, boxes, follow)]
    right = all(abs(o - odd) < 0.1 for odd, low, high, *_ in states[1:] for o in (low, high))
    return len(follow) == len(boxes) and right, states


# ---------------------------------------------------------------- Learning
STAGES = np.array([1, 2, 3, 4, 6, 10, SEQUENCES])                                 # a survivor's next check ends here


class Search:
    """One simulation: its training sequences, its stream of guesses and those of its guesses that are still in play."""

    def __init__(self, config, seed, replicate):
        if config.net == "tanh":
            raise OSError("--net tanh is for gradient descent alone")
        data, guesses, self.test = np.random.SeedSequence([seed, replicate]).spawn(3)
        self.config, self.replicate, self.guesses = config, replicate, np.random.default_rng(guesses)
        self.data = make_batch(np.random.default_rng(data), config.shortest, config.longest, config.noise)
        self.weights = np.empty((0, size(config.net)), np.float32)                # of the guesses in play
        self.index, self.passed = np.empty((2, 0), int)                           # their numbers; sequences got right
        self.shown = np.empty(0, int)                                             # of every guess: sequences needed
        self.winner = None

    def draw(self):
        """Draw the next guesses, net by net from the search's own stream."""
        many, spread = self.config.batch, self.config.spread
        if self.config.limit:
            many = min(many, self.config.limit - len(self.shown))
        self.weights = self.guesses.uniform(-spread, spread, (many, size(self.config.net))).astype(np.float32)
        self.index, self.passed = len(self.shown) + np.arange(many), np.zeros(many, int)
        self.shown = np.append(self.shown, self.passed)

    def update(self, right):
        """Take the verdicts on `sequences()`; drop the guesses that failed or come after a winner."""
        upto = self.upto()
        starts = np.cumsum(upto - self.passed) - (upto - self.passed)
        wrong = np.where(right, SEQUENCES, self.sequences())
        self.passed = np.minimum(np.minimum.reduceat(wrong, starts), upto)
        solved = self.passed == SEQUENCES
        self.shown[self.index] = np.minimum(self.passed + 1, SEQUENCES)
        if solved.any():
            self.winner = self.index[solved][0], self.weights[solved][0]
        keep = (self.passed == upto) & ~solved & (self.index < (self.winner[0] if self.winner else np.inf))
        self.weights, self.index, self.passed = self.weights[keep], self.index[keep], self.passed[keep]

    def upto(self):
        """Return for each guess in play the number of sequences it will have seen after the next wave."""
        return STAGES[np.searchsorted(STAGES, self.passed, "right")]

    def sequences(self):
        """Return the numbers of the sequences that the guesses in play see next, guess after guess, flat."""
        many = self.upto() - self.passed
        return np.arange(many.sum()) - np.repeat(np.cumsum(many) - many - self.passed, many)

    def over(self):
        return not len(self.index) and (self.winner is not None or 0 < self.config.limit <= len(self.shown))

    def result(self):
        """Return trials (None if it gave up), sequences shown, steps run, winner (1, size); all up to the winner."""
        trials = len(self.shown) if self.winner is None else self.winner[0] + 1
        shown = self.shown[:trials]
        steps = np.cumsum(self.data.length)[shown - 1].sum()
        return trials, int(shown.sum()), int(steps), None if self.winner is None else self.winner[1][None]


class Snapshot(NamedTuple):
    """The state after one wave: every guess in play has seen its next sequences."""
    step: int                   # searches that are over
    playing: list               # the Searches under way
    over: list                  # the Searches that ended with this wave


def side_by_side(data):
    """Join Data column by column; shorter ones are padded."""
    x = np.zeros((max(len(d.x) for d in data), sum(len(d.length) for d in data)), np.float32)
    for place, d in zip(np.cumsum([0, *(len(d.length) for d in data)]), data):
        x[:len(d.x), place:place + len(d.length)] = d.x
    return Data(x, *(np.concatenate([d[i] for d in data]) for i in (1, 2)))


def right(output, target):
    return np.abs(output - target) < 0.1


def train(config, seed):
    """Guess until every search is over; yield a Snapshot after each wave.

    The waves mix guesses of many searches at different depths. What a search counts does not depend on that: a guess's
    fate is its own, and no guess behind the first that gets all sequences right is counted.
    """
    numbers, playing, data, done = iter(range(config.simulations)), [], None, 0
    while True:
        load = sum(int((s.upto() - s.passed).sum()) for s in playing)
        for search in playing:
            if not len(search.index) and load < config.lanes:
                search.draw()
                load += config.batch
        while load < config.lanes and len(playing) < 64 and (number := next(numbers, None)) is not None:
            playing, data = [*playing, Search(config, seed, number)], None
            playing[-1].draw()
            load += config.batch
        if not playing:
            return
        data = data or side_by_side([s.data for s in playing])
        lanes = [(s.upto() - s.passed, s.sequences() + SEQUENCES * place) for place, s in enumerate(playing)]
        column = np.concatenate([columns for _, columns in lanes])
        guess = np.repeat(np.concatenate([s.weights for s in playing]), np.concatenate([many for many, _ in lanes]), 0)
        verdict = right(forward(unpack(guess, config), data, column, config.order), data.target[column])
        for search, part in zip(playing, np.split(verdict, np.cumsum([len(columns) for _, columns in lanes]))):
            if len(part):
                search.update(part)
        over = [s for s in playing if s.over()]
        if over:
            playing, data, done = [s for s in playing if not s.over()], None, done + len(over)
        yield Snapshot(done, playing, over)


# Back-propagation through time, the control. Parameters: name -> (runs, n, 1), (runs, n, n) or (runs, 1).
SETTINGS = tuple((name, rate) for name, rates in (("sgd", (0.01, 0.1, 1.0)), ("adam", (0.001, 0.01, 0.1)))
                 for rate in rates)


def init(config, generators):
    """Return the parameters of a net for gradient descent, uniform in [-0.5, 0.5], and 1 for those that the net has."""
    n, logistic_net = HIDDEN[config.net], config.net != "tanh"
    shapes = {"a": (n, 1), "B": (n, n), "c": (n, 1), "d": (n, 1), "e": (1,), "f": (n, 1), "g": (1,), "k": (1,)}
    mask = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    mask["B"] = {"A2": np.eye(n, dtype=np.float32), "A2-": 0 * mask["B"]}.get(config.net, mask["B"])
    mask["c"] *= logistic_net                                                     # the tanh net has no output feedback
    mask["g"] *= config.net == "A1"
    mask["k"] *= config.net != "A1"
    draws = [{name: g.uniform(-0.5, 0.5, shape) for name, shape in shapes.items()} for g in generators]
    return {name: np.array([d[name] for d in draws], np.float32) * mask[name] for name in shapes}, mask


def unroll(p, x, tanh=False):
    """Run nets over sequences of one length, keeping all steps.

    x: (T, runs, m). Returns h (T + 1, runs, n, m) and o (T + 1, runs, m), the zero state first.
    """
    drive = p["a"] * x[:, :, None] + p["d"]
    direct = p["e"] * x + p["k"]
    h, o = np.zeros((len(x) + 1, *drive.shape[1:]), drive.dtype), np.zeros((len(x) + 1, *x.shape[1:]), drive.dtype)
    recurrent, activation = p["B"].any(), np.tanh if tanh else logistic
    for t in range(len(x)):
        z = drive[t] + p["c"] * o[t][:, None]
        if recurrent:
            z += p["B"] @ h[t]
        h[t + 1] = activation(z)
        o[t + 1] = logistic(direct[t] + (p["f"] * h[t + 1]).sum(1) + p["g"] * o[t])
    return h, o


def backward(p, x, h, o, target, tanh=False):
    """Return the gradients of the mean cross-entropy at the last step, and dz (T, runs, n, m), that by each z_h(t)."""
    T, m = len(x), x.shape[-1]
    dz, dzo = np.empty_like(h[1:]), np.empty_like(o[1:])
    slope, slope_o = (1 - h * h if tanh else h * (1 - h)), o * (1 - o)
    dzo[-1] = (o[-1] - target) / m
    later, recurrent = np.zeros_like(h[0]), p["B"].any()
    for t in range(T - 1, -1, -1):
        dz[t] = (p["f"] * dzo[t][:, None] + later) * slope[t + 1]
        if t:
            dzo[t - 1] = ((p["c"] * dz[t]).sum(1) + p["g"] * dzo[t]) * slope_o[t]
        if recurrent:
            later = p["B"].swapaxes(1, 2) @ dz[t]
    by = {"a": np.einsum("trnm,trm->rn", dz, x)[..., None], "B": np.einsum("trnm,trkm->rnk", dz, h[:-1], optimize=True),
          "c": np.einsum("trnm,trm->rn", dz, o[:-1])[..., None], "d": dz.sum((0, 3))[..., None],
          "e": (dzo * x).sum((0, 2))[:, None], "f": np.einsum("trnm,trm->rn", h[1:], dzo)[..., None],
          "g": (dzo * o[:-1]).sum((0, 2))[:, None], "k": dzo.sum((0, 2))[:, None]}
    return by, dz


class Descent(NamedTuple):
    """The state before one step of gradient descent."""
    step: int
    accuracy: np.ndarray        # share of fresh sequences on the right side of 1/2    (settings, runs)
    norm: np.ndarray            # |d loss / d z_h(t)|, mean over runs, latest step first  (T,)


def descend(config, seed):
    """Train the nets of all SETTINGS and runs by BPTT on fresh sequences, one length a step; yield a Descent each step.

    Gradients are clipped to norm 1. Every setting of run i starts from the same weights and sees the same sequences.
    """
    runs = [[np.random.default_rng(s) for s in np.random.SeedSequence([seed, i]).spawn(2)] for i in range(config.runs)]
    lengths = np.random.default_rng([seed, config.longest]).integers(config.shortest, config.longest + 1, config.steps)
    p, mask = init(config, [weights for weights, _ in runs])
    p, tanh = {k: np.concatenate([v] * len(SETTINGS)) for k, v in p.items()}, config.net == "tanh"
    rate = np.repeat(np.array([rate for _, rate in SETTINGS], np.float32), config.runs)[:, None]
    is_adam = np.repeat([name == "adam" for name, _ in SETTINGS], config.runs)[:, None]
    moments = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in p.items()}
    for step, T in enumerate(lengths, 1):
        batches = [make_batch(data, T, T, config.noise, config.minibatch) for _, data in runs]
        x = np.tile(np.stack([b.x for b in batches], 1), (1, len(SETTINGS), 1))
        target = batches[0].target
        h, o = unroll(p, x, tanh)
        grads, dz = backward(p, x, h, o, target, tanh)
        norm = np.sqrt((dz.astype(float)**2).sum((2, 3))).mean(1)[::-1]
        yield Descent(step, ((o[-1] > 0.5) == target).mean(-1).reshape(len(SETTINGS), -1), norm)
        length = np.sqrt(sum((g * mask[k]).reshape(len(rate), -1).astype(float) ** 2 @ np.ones(g[0].size)
                             for k, g in grads.items()))[:, None]
        scale = (1 / np.maximum(1, length)).astype(np.float32)
        for k, g in grads.items():
            over = (slice(None), *[None] * (g.ndim - 2), slice(None))
            g = g * mask[k] * scale[over]
            mean, square = moments[k]
            mean += 0.1 * (g - mean)
            square += 0.001 * (g * g - square)
            adam = mean / (1 - 0.9**step) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
            p[k] -= rate[over] * np.where(is_adam[over], adam, g)


# ---------------------------------------------------------------- Experiment
def tested(config, searches, shortest, longest, columns):
    """Return the test accuracy of each search's winner on fresh sequences of its own."""
    scores = []
    for start in range(0, len(searches), 24):
        part = searches[start:start + 24]
        rngs = [np.random.default_rng([longest, *s.test.generate_state(4)]) for s in part]
        data = side_by_side([make_batch(rng, shortest, longest, config.noise, columns) for rng in rngs])
        guess = np.repeat([s.winner[1] for s in part], columns, 0)
        output = forward(unpack(guess, config), data, np.arange(len(guess)), config.order)
        scores += list(right(output, data.target).reshape(-1, columns).mean(1))
    return scores


def describe(search, config):
    """Return a winner as text: its weights, and what it does as an automaton."""
    w = unpack(search.winner[1][None], config)
    proved, states = automaton(w, config.noise)
    rows = [f"trial {search.winner[0] + 1:,}, {config.net}, {size(config.net)} weights"]
    for name, part in w._asdict().items():
        if part.any():
            rows.append(f"  {name} = " + " ".join(f"{v:.1f}" for v in part[..., 0].ravel()))
    rows.append("  state: parity so far, o, next state on -1, on +1" + ("" if proved else " (NOT closed: no proof)"))
    rows += [f"  {i:5}: {'odd ' if odd else 'even'}  {(low + high) / 2:.3f}  {minus:3}  {plus:3}"
             for i, (odd, low, high, minus, plus) in enumerate(states[:16])]
    rows.append("  every state has o within 0.1 of its parity, so the net is right at every length" if proved else "")
    return "\n".join(rows)


def guess(config, seed):
    """Guess. Metrics, one entry per search: trials (None if it gave up at the limit); tried (all guesses counted);
    presentations and time_steps until the winner; accuracy on 100 fresh sequences, and far, on sequences of 5,000
    steps; proved, whether the winner's automaton is parity. Curve: the first winner as text."""
    searches = sorted((search for s in watch(train(config, seed), config.simulations, f"seed {seed}")
                       for search in s.over), key=lambda search: search.replicate)
    solved = [s for s in searches if s.winner is not None]
    blank = [None] * len(searches)
    metrics = {"trials": [*blank], "tried": [], "presentations": [], "time_steps": [], "accuracy": [*blank],
               "far": [*blank], "proved": [*blank]}
    for search in searches:
        tried, shown, steps, _ = search.result()
        for name, value in (("tried", tried), ("presentations", shown), ("time_steps", steps)):
            metrics[name].append(value)
    near = tested(config, solved, config.shortest, config.longest, SEQUENCES)
    far = tested(config, solved, 5000, 5000, config.far) if config.far else [None] * len(solved)
    for search, *scores in zip(solved, near, far):
        i = search.replicate
        metrics["trials"][i] = metrics["tried"][i]
        metrics["accuracy"][i], metrics["far"][i] = scores
        metrics["proved"][i] = int(automaton(unpack(search.winner[1][None], config), config.noise)[0])
    return metrics, {"winner": describe(solved[0], config) if solved else "none found"}


def bptt(config, seed):
    """Gradient descent. Metrics, one entry per run, for each setting: its accuracy over the last 20 steps, on sequences
    it has not been trained on yet; needed_, the presentations until 10 steps in a row were faultless (None: never).
    Curves: the best setting's accuracy against presentations; the gradient's norm by lag, at the first step."""
    history = []
    for s in watch(descend(config, seed), config.steps, f"seed {seed}"):
        if not history:
            lags = np.unique(np.geomspace(1, len(s.norm), 100).astype(int)) - 1
            norm = np.log10(s.norm[lags] / s.norm[0] + 1e-300)
        history.append(s.accuracy)
    history = np.array(history)                                                   # (steps, settings, runs)
    last, metrics = history[-20:].mean(0), {}
    for (name, rate), score, course in zip(SETTINGS, last, history.swapaxes(0, 1)):
        metrics[f"{name}_{rate:g}"] = score
        needed = []
        for one in course.T:
            streak = np.convolve(one == 1, np.ones(10), "valid") == 10
            needed.append((streak.argmax() + 10) * config.minibatch if streak.any() else None)
        metrics[f"needed_{name}_{rate:g}"] = needed
    best, every = last.mean(1).argmax(), max(1, config.steps // 100)
    blocks = history[:len(history) // every * every, best].reshape(-1, every, config.runs).mean((1, 2))
    return metrics, {"presentations": (np.arange(len(blocks)) + 1) * every * config.minibatch,
                     "learning": blocks.round(4), "lag": lags, "log10_norm": norm.round(3)}


def mean_ci(values):
    """Return the mean and the half-width of its 95 % confidence interval; NaN if any replicate is censored."""
    return values.mean(), 1.96 * values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan


def geometric_p(trials, samples=1000):
    """Return the p-value of a Kolmogorov-Smirnov test of the geometric law, its mean estimated from the trials.

    The distance's distribution under the law is simulated, since the fitted mean makes the usual tables too mild.
    """
    def distance(rows):
        rows = np.sort(rows, -1)
        fitted = 1 - (1 - 1 / rows.mean(-1, keepdims=True)) ** rows
        ranks = np.arange(1, rows.shape[-1] + 1) / rows.shape[-1]
        return np.maximum(ranks - fitted, fitted - ranks + 1 / rows.shape[-1]).max(-1)

    rng, trials = np.random.default_rng(0), trials[None]
    null = np.concatenate([distance(rng.geometric(1 / trials.mean(), (10, trials.size))) for _ in range(samples // 10)])
    return (1 + (null >= distance(trials)[0]).sum()) / (1 + len(null))


def rarity(arm, base):
    """Return an arm's guesses per solver over base's mean trials; where it has no solver, as if the next were one."""
    return arm["tried"].sum() / max(1, (~np.isnan(arm["trials"])).sum()) / base["trials"].mean()


def best_share(arm, above=0.6):
    """Return the largest share of runs, over the settings, whose accuracy is above the mark."""
    return max((arm[f"{name}_{rate:g}"] > above).mean() for name, rate in SETTINGS)


def best_solved(arm):
    """Return the largest share of runs, over the settings, that came to get everything right."""
    return max((~np.isnan(arm[f"needed_{name}_{rate:g}"])).mean() for name, rate in SETTINGS)


def least_needed(arm):
    """Return the least mean, over the settings in which every run got there, of the sequences needed."""
    means = [arm[f"needed_{name}_{rate:g}"].mean() for name, rate in SETTINGS]
    return np.nanmin(means) if not np.isnan(means).all() else np.nan


FEW = {"simulations": 30, "batch": 2048, "lanes": 8192, "far": 100}
HARD = {"simulations": 1, "limit": 200_000, "batch": 8192, "lanes": 8192, "net": "A1"}
SHORT = {"shortest": 50, "longest": 60}
CLIFF = ("tanh", "tanh", (2, 3, 5, 10)), ("A2", "A2-", (2, 10)), ("A1", "A1", (2, 10))
ARMS = {
    "A2-": Arm(guess, Config(far=100)),
    "A2": Arm(guess, Config(net="A2", simulations=30, batch=1024, far=100)),
    "A1": Arm(guess, Config(net="A1", **FEW)),
    "A1-noisy": Arm(guess, Config(net="A1", noise=0.2, **FEW)),
    "bptt-A1": Arm(bptt, Config(net="A1")),
    "A2-50": Arm(guess, Config(simulations=300, **SHORT)),
    "A2-5000": Arm(guess, Config(simulations=300, shortest=5000, longest=6000)),
    "A2-10": Arm(guess, Config(shortest=10, longest=10)),
    "A2-3": Arm(guess, Config(shortest=3, longest=3)),
    "A1-synchronous": Arm(guess, Config(order="synchronous", **HARD)),
    "A1-no-feedback": Arm(guess, Config(feedback=False, **HARD)),
    "A1-narrow": Arm(guess, Config(spread=1.0, **HARD)),
    **{f"bptt-{name}-{n}": Arm(bptt, Config(net=net, shortest=n, longest=n, runs=20, steps=3125))
       for name, net, lengths in CLIFF for n in lengths},
    "bptt-A1-long": Arm(bptt, Config(net="A1", runs=5, steps=3125)),
    "bptt-A2-long": Arm(bptt, Config(runs=5, steps=3125)),
    "bptt-tanh-long": Arm(bptt, Config(net="tanh", runs=5, steps=3125)),
    "quick-guess": Arm(guess, Config(simulations=4, batch=128, **SHORT)),
    "quick-bptt": Arm(bptt, Config(net="A1", steps=3, **SHORT)),
}
PRESETS = {
    "quick": ("quick-guess", "quick-bptt"),
    "default": ("A2-", "A1", "A1-noisy", "bptt-A1"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
FOUND = ("A2-", "A2", "A1", "A1-noisy")
EFFORT = {"trials": "limit"}
CLAIMS = (
    Claim("A2-: mean trials until a net has parity right at lengths 500 to 600", lambda r: mean_ci(r["A2-"]["trials"]),
          "200..320", "250", "paper", "section on parity", n=1000, show="{:.0f}"),
    Claim("A2: mean trials (bar: within a factor 1.5)", lambda r: mean_ci(r["A2"]["trials"]), "1865..4196", "2,797",
          "paper", "section on parity", n=300, show="{:,.0f}"),
    Claim("A1, 7 weights: mean trials (bar: within a factor 2)", lambda r: mean_ci(r["A1"]["trials"]), "1453..5812",
          "2,906", "paper", "section on parity", n=300, show="{:,.0f}"),
    Claim("A1, inputs with noise: mean trials (bar: within a factor 2)", lambda r: mean_ci(r["A1-noisy"]["trials"]),
          "20700..82800", "41,400", "paper", "section on parity", n=50, show="{:,.0f}"),
    Claim("searches that end with a net, all four settings",
          lambda r: np.mean(np.concatenate([~np.isnan(r[arm]["trials"]) for arm in FOUND])), ">= 1", "all", "paper",
          "section on parity", n=50, show="{:.1%}"),
    Claim("accuracy of what was found on 100 fresh sequences, mean, worst of the four settings",
          lambda r: min(r[arm]["accuracy"].mean() for arm in FOUND), ">= 0.995", "very good (secondary)", "trial",
          "section on parity", n=50, show="{:.2%}"),
    Claim("accuracy at length 5,000, mean, worst of the four settings",
          lambda r: min(r[arm]["far"].mean() for arm in FOUND), "", "not run", "trial",
          "longer than any training sequence", n=50, show="{:.2%}"),
    Claim("A2-: winners proved right at every length (automaton by interval arithmetic)",
          lambda r: r["A2-"]["proved"].mean(), "", "not run", "exact", "interval arithmetic", n=200, show="{:.1%}"),
    Claim("A1: winners proved right at every length", lambda r: r["A1"]["proved"].mean(), "", "not run", "exact",
          "interval arithmetic", n=30, show="{:.1%}"),
    Claim("A2-: trials follow the geometric law, p of a Kolmogorov-Smirnov test",
          lambda r: geometric_p(r["A2-"]["trials"]), "> 0.01", "not run", "exact", "independent trials", n=1000,
          show="{:.2f}"),
    Claim("A2-: variance of the trials over their squared mean (geometric: 1)",
          lambda r: r["A2-"]["trials"].var() / r["A2-"]["trials"].mean() ** 2, "0.85..1.15", "not run", "exact",
          "independent trials", n=1000, show="{:.3f}"),
    Claim("A2-: sequences shown until the winner is accepted, its 100 included",
          lambda r: mean_ci(r["A2-"]["presentations"]),
          "", "not given", "trial", "one net after the other", n=200, show="{:.0f}"),
    Claim("A2-: time steps of a net until then", lambda r: mean_ci(r["A2-"]["time_steps"]), "", "not given", "trial",
          "one net after the other", n=200, show="{:,.0f}"),
    Claim("BPTT, A1: share of runs above 60 % after 3,840 presentations, best of 6 settings",
          lambda r: best_share(r["bptt-A1"]), "<= 0", "fails (1994)", "control", "same net, same lengths", n=20,
          show="{:.1%}"),
    Claim("A2-: mean trials at lengths 5,000 to 6,000 over those at 50 to 60",
          lambda r: r["A2-5000"]["trials"].mean() / r["A2-50"]["trials"].mean(), "0.8..1.25", "implied", "trial",
          "length does not matter", n=300, show="{:.3f}"),
    Claim("A2-: mean trials at lengths 500 to 600 over those at 50 to 60",
          lambda r: r["A2-"]["trials"].mean() / r["A2-50"]["trials"].mean(), "0.8..1.25", "implied", "trial",
          "length does not matter", n=300, show="{:.3f}"),
    Claim("A1 with the output from the old hidden units (synchronous): guesses a solver, over A1's",
          lambda r: rarity(r["A1-synchronous"], r["A1"]), ">= 20", "not run", "control", "order of the update",
          show="{:.0f}"),
    Claim("A1 without feedback from the output: guesses a solver, over A1's",
          lambda r: rarity(r["A1-no-feedback"], r["A1"]), ">= 20", "not run", "control", "ablation", show="{:.0f}"),
    Claim("A1 with weights in [-1, 1]: guesses a solver, over A1's", lambda r: rarity(r["A1-narrow"], r["A1"]), ">= 20",
          "not run", "control", "ablation", show="{:.0f}"),
    Claim("length 3: A2-, sequences shown until the winner is accepted", lambda r: mean_ci(r["A2-3"]["presentations"]),
          "", "not run", "trial", "one net after the other", n=200, show="{:.0f}"),
    Claim("length 10: A2-, sequences shown until the winner is accepted",
          lambda r: mean_ci(r["A2-10"]["presentations"]), "", "not run", "trial", "one net after the other", n=200,
          show="{:.0f}"),
    Claim("length 10: A2-, winners proved right at every length", lambda r: r["A2-10"]["proved"].mean(), "", "not run",
          "exact", "interval arithmetic", n=200, show="{:.1%}"),
    Claim("length 3: BPTT, tanh net: sequences shown until it is right, mean, best of 6 settings",
          lambda r: least_needed(r["bptt-tanh-3"]), "", "not run", "control", "where it can win", n=20, show="{:,.0f}"),
    *(Claim(f"length {n}: BPTT, {net}: runs that come to get all right in 100,000 sequences, best of 6 settings",
            lambda r, arm=f"bptt-{name}-{n}": best_solved(r[arm]), "", "not run", "control", "same length", n=20,
            show="{:.0%}") for name, net, lengths in CLIFF for n in lengths),
    *(Claim(f"BPTT, {net}: runs above 60 % after 100,000 sequences of length 500 to 600, best of 6 settings",
            lambda r, arm=f"bptt-{name}-long": best_share(r[arm]), "<= 0", "fails (1994)", "control", "same lengths",
            n=20, show="{:.0%}") for name, net, _ in CLIFF),
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
