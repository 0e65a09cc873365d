# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""The latch by guessing: random weights keep one bit through hundreds of noisy steps, where gradient descent fails.

S. Hochreiter, J. Schmidhuber, "LSTM can solve hard long time lag problems", NIPS 9:473-479, 1996. The protocol and the
trial counts are in J. Schmidhuber, S. Hochreiter, Y. Bengio, "Evaluating benchmark problems by random guessing" (in
Kolen & Kremer, A Field Guide to Dynamical Recurrent Networks, 2001), section on latch and 2-sequence problems.

Bengio, Simard and Frasconi (1994) designed tasks to show that gradient descent cannot hold a bit over long lags: the
first input tells the class, hundreds of inputs of pure noise follow, and then the class is asked for. Here nothing
learns. All weights are drawn independently and uniformly from [-100, 100], the net is judged on 100 training sequences
of 500 to 600 steps, and the first net that gets all of them right is tested on 100 others. A trial is one drawn weight
vector. x(1) is +1 or -1, by class; later inputs are Gaussian noise. Activations start at 0; s is logistic.

    latch I      y(t) = tanh(w y(t-1) + x(t)), y(1) = tanh(i_class)                 guessed: w and both first inputs i
    latch II     y(t) = tanh(w y(t-1) + v x(t) + b)                                 guessed: w, v, b
    2-sequence   h_i(t) = s(a_i x + b_i h_i(t-1) + c_i o(t-1) + d_i), then the output from the new h_i:
       A1        one hidden unit       o(t) = s(e x + f h(t) + g o(t-1))            7 weights
       A2        ten hidden units      o(t) = s(e x + sum_i f_i h_i(t) + k)         52 weights

Almost every net fails on its first or second sequence, so the search is a cascade: many guesses run side by side, each
on its next sequence, and only survivors go on. The count is that of trying one net after the other. Interval arithmetic
proves up to which noise a winner holds its bit for ever. The control is back-propagation through time on the same nets.

    python3 rs_two_sequence.py --seed 0
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
from statistics import NormalDist


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    net: str = option("A1", "architecture; A1 is A1(1)", choices=("latch-1", "latch-2", "A1", "A2"))
    spread: float = option(100.0, "guessed weights are uniform in [-spread, spread]")
    shortest: int = option(500, "shortest sequence", low=4)
    longest: int = option(600, "longest sequence", low=4)
    signal: int = option(1, "first inputs that tell the class", low=1)
    noise: float = option(0.2, "standard deviation of the later inputs")
    simulations: int = option(30, "independent searches", low=1)
    limit: int = option(0, "guesses after which a search gives up; 0: never")
    far: int = option(0, "test sequences of length 5,000 for each solver, besides the 100 usual ones")
    batch: int = option(1024, "guesses that a search draws at a time", low=1, counts=False)
    lanes: int = option(6144, "nets run side by side", low=1, counts=False)
    runs: int = option(2, "gradient descent: runs for each setting", low=1)
    minibatch: int = option(32, "gradient descent: sequences in a step", low=2)
    steps: int = option(120, "gradient descent: steps", low=1)


# ---------------------------------------------------------------- Problem
SEQUENCES = 100                                                                   # half of them of each class


class Data(NamedTuple):
    """Sequences, one per column; a column goes on with noise behind its end."""
    x: np.ndarray               # inputs                               (longest, columns) float32
    length: np.ndarray          #                                      (columns,)
    target: np.ndarray          # +1 (class 1) or -1 (class 2)         (columns,)


def make_batch(rng, shortest, longest, noise=0.2, signal=1, columns=SEQUENCES):
    """Return Data: lengths uniform in shortest..longest, classes +1, -1, +1, ..., noise after the signal.

    Raises OSError if longest is less than shortest.
    """
    if longest < shortest:
        raise OSError("--longest must be at least --shortest")
    length = rng.integers(shortest, longest + 1, columns)
    target = 1 - 2 * (np.arange(columns) % 2)
    x = np.float32(noise) * rng.standard_normal((longest, columns), np.float32)
    x[:signal] = target
    return Data(x, length, target)


# ---------------------------------------------------------------- Model
HIDDEN = {"latch-1": 0, "latch-2": 0, "A1": 1, "A2": 10}
SIZE = {"latch-1": 3, "latch-2": 3, "A1": 7, "A2": 52}
NAMES = {"latch-1": "w i_1 i_2", "latch-2": "w v b", "A1": "a c d f b e g", "A2": "a c d f b e k"}
# Output and target are compared in [-1, 1], where |o - target| < 0.1 of a logistic unit is 0.2. The targets of latch I
# are +-0.8, which a saturated unit misses by 0.2: there the sign decides.
TOLERANCE = {"latch-1": 1.0, "latch-2": 0.1, "A1": 0.2, "A2": 0.2}


class Net(NamedTuple):
    """Nets in coordinates in which every unit is a tanh, lanes last: H = 2h - 1 and O = 2o - 1 for logistic units."""
    A: np.ndarray               # input to hidden                  (n, lanes)
    B: np.ndarray               # hidden to itself                 (n, lanes)
    C: np.ndarray               # output to hidden                 (n, lanes)
    D: np.ndarray               # hidden bias                      (n, lanes)
    E: np.ndarray               # input to output                  (lanes,)
    F: np.ndarray               # hidden to output                 (n, lanes)
    G: np.ndarray               # output to itself                 (lanes,)
    K: np.ndarray               # output bias                      (lanes,)
    start: float                # activation before the first step
    first: np.ndarray           # latch I: net inputs of the first step, class +1 and -1 (2, lanes), else None


def unpack(guess, net):
    """Return a Net from guesses (lanes, SIZE[net]); their order is that of NAMES[net]."""
    n, w = HIDDEN[net], np.ascontiguousarray(guess.T)
    none, zero = np.empty((0, len(guess)), guess.dtype), np.zeros(len(guess), guess.dtype)
    if net == "latch-1":
        return Net(none, none, none, none, zero + 1, none, w[0], zero, 0.0, w[1:])
    if net == "latch-2":
        return Net(none, none, none, none, w[1], none, w[0], w[2], 0.0, None)
    a, c, d, f, b = w[:5 * n].reshape(5, n, -1)                                   # s(z) = (1 + tanh(z / 2)) / 2
    g, k = (w[-1], zero) if net == "A1" else (zero, w[-1])
    A, B, C, E, F, G = a / 2, b / 4, c / 4, w[-2] / 2, f / 4, g / 4
    return Net(A, B, C, d / 2 + B + C, E, F, G, k / 2 + F.sum(0) + G, -1.0, None)


def forward(net, data, column):
    """Return the outputs O(T) of nets at the end of their sequences (lanes,); lane i reads data.x[:, column[i]]."""
    A, B, C, D, E, F, G, K, start, first = net
    length = data.length[column]
    ends = np.argsort(length)
    marks = np.searchsorted(length[ends], np.arange(1, length.max() + 2))
    H, O, last = np.full_like(A, start), np.full_like(E, start), np.empty_like(E)
    z, s, x, zo, so = np.empty_like(A), np.empty_like(A), np.empty_like(E), np.empty_like(E), np.empty_like(E)
    for t in range(length.max()):
        np.take(data.x[t], column, out=x, mode="clip")
        np.multiply(E, x, out=zo)
        if t == 0 and first is not None:
            zo[:] = np.where(x > 0, *first)
        zo += K
        if len(A):
            np.multiply(A, x, out=z)
            z += D
            z += np.multiply(C, O, out=s)
            z += np.multiply(B, H, out=s)
            np.tanh(z, out=H)
            zo += np.add.reduce(np.multiply(F, H, out=s), 0, out=so)
        zo += np.multiply(G, O, out=so)
        np.tanh(zo, out=O)
        if marks[t] < marks[t + 1]:
            done = ends[marks[t]:marks[t + 1]]
            last[done] = O[done]
    return last


def right(output, target, net):
    """Return whether outputs O(T) are as close to their targets (-1 or +1) as the task asks."""
    return np.abs(output - target) < TOLERANCE[net]


def interval(matrix, low, high):
    """Return the least and the greatest value of matrix @ s over low <= s <= high."""
    plus, minus = np.maximum(matrix, 0), np.minimum(matrix, 0)
    return plus @ low + minus @ high, plus @ high + minus @ low


def holds(guess, config, bound):
    """Return whether a net is right at every length, whatever noise of at most `bound` in size follows the signal.

    A box of activations (hidden units, output) starts as the point to which the signal leads and grows by its image
    under one noisy step, in interval arithmetic, until it holds its own image. guess: (1, size).
    """
    A, B, C, D, E, F, G, K, start, first = (np.asarray(part, float)[..., 0] if np.ndim(part) else part
                                            for part in unpack(guess.astype(float), config.net))
    from_state = np.concatenate([np.diag(B), C[:, None]], 1)                      # (n, n + 1), to the hidden units
    to_output = np.append(F, G)[None]                                             # sees the new H and the old O

    def image(box, inputs):
        H = [np.tanh(D + p + q) for p, q in zip(interval(from_state, *box), interval(A[:, None], *inputs))]
        O = [np.tanh(K + p + q) for p, q in zip(interval(to_output, *(np.append(h, s[-1]) for h, s in zip(H, box))),
                                                interval(np.array([[E]]), *inputs))]
        return [np.append(*pair) for pair in zip(H, O)]

    noise = np.array([-bound]), np.array([bound])
    for sign in (1, -1):
        box = [np.full(len(A) + 1, float(start))] * 2
        for t in range(config.signal):
            box = image(box, [np.array([float(sign)])] * 2)
            if t == 0 and first is not None:
                box = [np.tanh(first[:1] if sign > 0 else first[1:])] * 2
        for _ in range(200):
            new = image(box, noise)
            if (box[0] <= new[0]).all() and (new[1] <= box[1]).all():
                break
            box = [np.minimum(box[0], new[0] - 1e-6), np.maximum(box[1], new[1] + 1e-6)]
        else:
            return False
        if max(abs(box[0][-1] - sign), abs(box[1][-1] - sign)) >= TOLERANCE[config.net] + 2e-6:
            return False
    return True


def margin(guess, config):
    """Return the largest noise, to 1/64, against which `holds` proves a net; 0 if there is none below 4."""
    low, high = 0.0, 4.0
    while high - low > 1 / 64:
        middle = (low + high) / 2
        low, high = (middle, high) if holds(guess, config, middle) else (low, middle)
    return low


def closed_form(m):
    """Return the mean trials of latch II with thresholds for tanh, if the largest noise that matters is m (an array).

    The first input sets the sign if v > |b|, and noise never turns it over if w > |b| + v m. With weights uniform in
    [-r, r] this has probability 1/4 int_0^1 dv int_0^v db max(0, 1 - b - m v), whatever r is.
    """
    v = (np.arange(2000) + 0.5) / 2000
    top = np.clip(1 - np.multiply.outer(m, v), 0, None)                           # of b, where the integrand ends
    upto = np.minimum(top, v)
    return 4 / (top * upto - upto * upto / 2).mean(-1)


def predicted_trials(noise, samples=1000):
    """Return the mean of `closed_form` over training sets: m is the largest of the noises that push one class back.

    b helps one class and harms the other, so the 50 sequences of that class, some 549 steps each, decide.
    """
    many = SEQUENCES // 2 * 549
    quantiles = ((np.arange(samples) + 0.5) / samples) ** (1 / many)
    return closed_form(noise * np.array([NormalDist().inv_cdf(q) for q in quantiles])).mean()


# ---------------------------------------------------------------- Learning
STAGES = np.array([1, 2, 3, 4, 6, 10, SEQUENCES])                                 # a survivor's next check ends here


class Search:
    """One simulation: its training sequences, its stream of guesses and those of its guesses that are still in play."""

    def __init__(self, config, seed, replicate):
        data, guesses, self.test = np.random.SeedSequence([seed, replicate]).spawn(3)
        self.config, self.replicate, self.guesses = config, replicate, np.random.default_rng(guesses)
        self.data = make_batch(np.random.default_rng(data), config.shortest, config.longest, config.noise,
                               config.signal)
        self.weights = np.empty((0, SIZE[config.net]), np.float32)                # of the guesses in play
        self.index, self.passed = np.empty((2, 0), int)                           # their numbers; sequences got right
        self.shown = np.empty(0, int)                                             # of every guess: sequences needed
        self.winner = None

    def draw(self):
        """Draw the next guesses, net by net from the search's own stream."""
        many, spread = self.config.batch, self.config.spread
        if self.config.limit:
            many = min(many, self.config.limit - len(self.shown))
        self.weights = self.guesses.uniform(-spread, spread, (many, SIZE[self.config.net])).astype(np.float32)
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
        """Return trials, sequences shown and steps run, up to the winner or the end of the search."""
        trials = len(self.shown) if self.winner is None else self.winner[0] + 1
        shown = self.shown[:trials]
        steps = np.cumsum(self.data.length)[shown - 1].sum()
        return trials, int(shown.sum()), int(steps)


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
        verdict = right(forward(unpack(guess, config.net), data, column), data.target[column], config.net)
        for search, part in zip(playing, np.split(verdict, np.cumsum([len(columns) for _, columns in lanes]))):
            if len(part):
                search.update(part)
        over = [s for s in playing if s.over()]
        if over:
            playing, data, done = [s for s in playing if not s.over()], None, done + len(over)
        yield Snapshot(done, playing, over)


# Back-propagation through time, the control. Parameters: name -> (runs, n, 1) or (runs, 1); i: (runs, 2).
SETTINGS = tuple((name, rate) for name, rates in (("sgd", (0.01, 0.1, 1.0)), ("adam", (0.001, 0.01, 0.1)))
                 for rate in rates)


def init(config, generators):
    """Return the parameters of a net for gradient descent, uniform in [-0.5, 0.5], and 1 for those that it has.

    g is the latches' w, e the v of latch II, k its b, i the two first inputs of latch I.
    """
    n, net = HIDDEN[config.net], config.net
    shapes = {**{name: (n, 1) for name in "abcdf"}, **{name: (1,) for name in "egk"}, "i": (2,)}
    mask = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    mask["e"] *= net != "latch-1"
    mask["g"] *= net != "A2"
    mask["k"] *= net in ("latch-2", "A2")
    mask["i"] *= net == "latch-1"
    draws = [{name: g.uniform(-0.5, 0.5, shape) for name, shape in shapes.items()} for g in generators]
    p = {name: np.array([d[name] for d in draws], np.float32) * mask[name] for name in shapes}
    if net == "latch-1":
        p["e"] += 1
    return p, mask


def logistic(z):
    """Return 1 / (1 + exp(-z)), which never overflows."""
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def unroll(p, x, net):
    """Run nets over sequences of one length, keeping all steps.

    x: (T, runs, m). Returns h (T + 1, runs, n, m) and o (T + 1, runs, m), the zero state first.
    """
    drive, direct = p["a"] * x[:, :, None] + p["d"], p["e"] * x + p["k"]
    if net == "latch-1":
        direct[0] = np.where(x[0] > 0, p["i"][:, :1], p["i"][:, 1:])
    h, o = np.zeros((len(x) + 1, *drive.shape[1:]), drive.dtype), np.zeros((len(x) + 1, *x.shape[1:]), drive.dtype)
    for t in range(len(x)):
        z = direct[t] + p["g"] * o[t]
        if HIDDEN[net]:
            h[t + 1] = logistic(drive[t] + p["c"] * o[t][:, None] + p["b"] * h[t])
            z += (p["f"] * h[t + 1]).sum(1)
        o[t + 1] = logistic(z) if HIDDEN[net] else np.tanh(z)
    return h, o


def backward(p, x, h, o, target, net):
    """Return the gradients of the mean cross-entropy at the last step, and dzo (T, runs, m), that by each z_o(t).

    target is 0 or 1, as o is; for a latch both are -1 to 1 and the loss is that of the logistic unit (1 + y) / 2.
    """
    T, m = len(x), x.shape[-1]
    dz, dzo = np.zeros_like(h[1:]), np.empty_like(o[1:])
    slope_o, slope = (o * (1 - o) if HIDDEN[net] else 1 - o * o), h * (1 - h)
    dzo[-1], later = (o[-1] - target) / m, np.zeros_like(h[0])
    for t in range(T - 1, -1, -1):
        back = p["g"] * dzo[t]
        if HIDDEN[net]:
            dz[t] = (p["f"] * dzo[t][:, None] + later) * slope[t + 1]
            back += (p["c"] * dz[t]).sum(1)
            later = p["b"] * dz[t]
        if t:
            dzo[t - 1] = back * slope_o[t]
    inputs, first = dzo * x, np.zeros((len(p["i"]), 2), dzo.dtype)
    if net == "latch-1":
        first = np.stack([(dzo[0] * (x[0] > 0)).sum(-1), (dzo[0] * (x[0] < 0)).sum(-1)], 1)
    by = {"a": np.einsum("trnm,trm->rn", dz, x)[..., None], "b": np.einsum("trnm,trnm->rn", dz, h[:-1])[..., None],
          "c": np.einsum("trnm,trm->rn", dz, o[:-1])[..., None], "d": dz.sum((0, 3))[..., None],
          "e": inputs.sum((0, 2))[:, None], "f": np.einsum("trnm,trm->rn", h[1:], dzo)[..., None],
          "g": (dzo * o[:-1]).sum((0, 2))[:, None], "k": dzo.sum((0, 2))[:, None], "i": first}
    return by, dzo


class Descent(NamedTuple):
    """The state before one step of gradient descent."""
    step: int
    accuracy: np.ndarray        # share of fresh sequences on the right side           (settings, runs)
    norm: np.ndarray            # |d loss / d z_o(t)|, mean over runs, latest step first  (T,)


def descend(config, seed):
    """Train the nets of all SETTINGS and runs by BPTT on fresh sequences, one length a step; yield a Descent each step.

    Gradients are clipped to norm 1. Every setting of run i starts from the same weights and sees the same sequences.
    """
    runs = [[np.random.default_rng(s) for s in np.random.SeedSequence([seed, i]).spawn(2)] for i in range(config.runs)]
    lengths = np.random.default_rng([seed, config.longest]).integers(config.shortest, config.longest + 1, config.steps)
    p, mask = init(config, [weights for weights, _ in runs])
    p = {k: np.concatenate([v] * len(SETTINGS)) for k, v in p.items()}
    rate = np.repeat(np.array([rate for _, rate in SETTINGS], np.float32), config.runs)[:, None]
    is_adam = np.repeat([name == "adam" for name, _ in SETTINGS], config.runs)[:, None]
    moments = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in p.items()}
    middle = 0.5 if HIDDEN[config.net] else 0.0
    for step, T in enumerate(lengths, 1):
        batches = [make_batch(data, T, T, config.noise, config.signal, config.minibatch) for _, data in runs]
        x = np.tile(np.stack([b.x for b in batches], 1), (1, len(SETTINGS), 1))
        target = np.maximum(batches[0].target, 0) if HIDDEN[config.net] else batches[0].target
        h, o = unroll(p, x, config.net)
        grads, dzo = backward(p, x, h, o, target, config.net)
        norm = np.sqrt((dzo.astype(float)**2).sum(2)).mean(1)[::-1]
        yield Descent(step, ((o[-1] > middle) == (target > 0)).mean(-1).reshape(len(SETTINGS), -1), norm)
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
        data = side_by_side([make_batch(rng, shortest, longest, config.noise, config.signal, columns) for rng in rngs])
        guess = np.repeat([s.winner[1] for s in part], columns, 0)
        output = forward(unpack(guess, config.net), data, np.arange(len(guess)))
        scores += list(right(output, data.target, config.net).reshape(-1, columns).mean(1))
    return scores


def describe(search, config):
    """Return a winner as text: its weights by name, and the noise up to which it provably holds its bit for ever."""
    names, weights = NAMES[config.net].split(), search.winner[1]
    n = HIDDEN[config.net]
    sizes = [n] * (len(names) - 2) + [1, 1] if n else [1] * len(names)
    rows = [f"trial {search.winner[0] + 1:,}, {config.net}, {SIZE[config.net]} weights"]
    for name, part in zip(names, np.split(weights, np.cumsum(sizes)[:-1])):
        rows.append(f"  {name} = " + " ".join(f"{v:.1f}" for v in part))
    bound = margin(weights[None], config)
    rows.append(f"  right at every length against any noise of size up to {bound:.3f} (interval arithmetic)")
    return "\n".join(rows)


def guess(config, seed):
    """Guess. Metrics, one entry per search: trials (None if it gave up at the limit); tried (all guesses counted);
    presentations and time_steps until the winner; accuracy on 100 fresh sequences, and far, on sequences of 5,000
    steps; margin, the noise against which the winner is proved. Curve: the first winner as text."""
    searches = sorted((search for s in watch(train(config, seed), config.simulations, f"seed {seed}")
                       for search in s.over), key=lambda search: search.replicate)
    solved = [s for s in searches if s.winner is not None]
    blank = [None] * len(searches)
    tried, shown, steps = zip(*(search.result() for search in searches))
    metrics = {"trials": [*blank], "tried": tried, "presentations": shown, "time_steps": steps, "accuracy": [*blank],
               "far": [*blank], "margin": [*blank]}
    near = tested(config, solved, config.shortest, config.longest, SEQUENCES)
    far = tested(config, solved, 5000, 5000, config.far) if config.far else [None] * len(solved)
    for search, accuracy, distant in zip(solved, near, far):
        i = search.replicate
        metrics["trials"][i], metrics["accuracy"][i], metrics["far"][i] = tried[i], accuracy, distant
        metrics["margin"][i] = margin(search.winner[1][None], config)
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


def per_solver(arm):
    """Return the mean trials, counting the guesses of searches that gave up, and the half-width of its interval."""
    found = (~np.isnan(arm["trials"])).sum()
    mean = arm["tried"].sum() / found if found else np.nan
    return mean, 1.96 * mean / found ** 0.5


def best_solved(arm):
    """Return the largest share of runs, over the settings, that came to get everything right."""
    return max((~np.isnan(arm[f"needed_{name}_{rate:g}"])).mean() for name, rate in SETTINGS)


WIDE = 0.2 ** 0.5                                                                 # "variance 0.2", taken at its word
MANY = {"simulations": 100, "batch": 32, "far": 100}
NOISES, RANGES, LAGS = (0.0, 0.1, 0.3, 1.0), (1, 3, 10, 30), (5, 10, 20, 50, 100)
ARMS = {
    "A1": Arm(guess, Config(far=100)),
    "A2": Arm(guess, Config(net="A2", far=100, lanes=3072)),
    "latch-1": Arm(guess, Config(net="latch-1", **MANY)),
    "latch-2": Arm(guess, Config(net="latch-2", **MANY)),
    "bptt-A1": Arm(bptt, Config()),
    "latch-1-variance": Arm(guess, Config(net="latch-1", noise=WIDE, **MANY)),
    "latch-2-variance": Arm(guess, Config(net="latch-2", noise=WIDE, **MANY)),
    "A1-variance": Arm(guess, Config(noise=WIDE, simulations=100)),
    "A2-variance": Arm(guess, Config(net="A2", noise=WIDE, simulations=20, lanes=3072)),
    "A1-three": Arm(guess, Config(signal=3, simulations=300, far=100)),
    "A2-three": Arm(guess, Config(net="A2", signal=3, simulations=300, far=100, lanes=3072)),
    **{f"A1-lag-{n}": Arm(guess, Config(shortest=n, longest=n, simulations=300)) for n in LAGS},
    **{f"A1-noise-{n:g}": Arm(guess, Config(noise=n, simulations=100, limit=100_000)) for n in NOISES},
    **{f"latch-2-noise-{n:g}": Arm(guess, Config(net="latch-2", noise=n, **{**MANY, "far": 0}, limit=100_000))
       for n in NOISES},
    **{f"A1-range-{n}": Arm(guess, Config(spread=float(n), simulations=50, limit=20_000)) for n in RANGES},
    **{f"bptt-A1-lag-{n}": Arm(bptt, Config(shortest=n, longest=n, runs=20, steps=3125)) for n in LAGS},
    **{f"bptt-{net}-long": Arm(bptt, Config(net=net, runs=10, steps=3125)) for net in ("latch-1", "latch-2", "A1")},
    "quick-guess": Arm(guess, Config(net="latch-2", simulations=5, batch=32, shortest=50, longest=60)),
    "quick-bptt": Arm(bptt, Config(steps=3, shortest=20, longest=30)),
}
PRESETS = {
    "quick": ("quick-guess", "quick-bptt"),
    "default": ("A1", "A2", "latch-1", "latch-2", "bptt-A1"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
FOUND = ("A1", "A2", "latch-1", "latch-2")
HERE = "section on latch and 2-sequence problems"
EFFORT = {"trials": "limit"}
CLAIMS = (
    Claim("latch I: mean trials, noise of deviation 0.2", lambda r: mean_ci(r["latch-1"]["trials"]), "5..11", "6",
          "paper", HERE, n=1000, show="{:.1f}"),
    Claim("latch II: mean trials, noise of deviation 0.2", lambda r: mean_ci(r["latch-2"]["trials"]), "15..45", "22",
          "paper", HERE, n=1000, show="{:.1f}"),
    Claim("2-sequence: mean trials, the better of A1 and A2 (bar: within a factor 2 of 718)",
          lambda r: min(mean_ci(r["A1"]["trials"]), mean_ci(r["A2"]["trials"])), "359..1436", "718 (secondary)",
          "trial",
          HERE, n=300, show="{:,.0f}"),
    Claim("2-sequence, A1: mean trials", lambda r: mean_ci(r["A1"]["trials"]), "", "718 (net not certain)", "trial",
          HERE,
          n=300, show="{:,.0f}"),
    Claim("2-sequence, A2: mean trials", lambda r: mean_ci(r["A2"]["trials"]), "", "1,247 (net not certain)", "trial",
          HERE,
          n=300, show="{:,.0f}"),
    Claim("searches that end with a net, all four nets",
          lambda r: np.mean(np.concatenate([~np.isnan(r[arm]["trials"]) for arm in FOUND])), ">= 1", "all", "paper",
          HERE,
          n=300, show="{:.1%}"),
    Claim("accuracy of what was found on 100 fresh sequences, mean, worst of the four nets",
          lambda r: min(r[arm]["accuracy"].mean() for arm in FOUND), ">= 0.995", "good (secondary)", "trial", HERE,
          n=300,
          show="{:.2%}"),
    Claim("accuracy at length 5,000, mean, worst of the four nets",
          lambda r: min(r[arm]["far"].mean() for arm in FOUND), "", "not run", "trial",
          "longer than any training sequence", n=300, show="{:.2%}"),
    Claim("2-sequence, A1: noise that provably never breaks the median winner",
          lambda r: np.median(r["A1"]["margin"]), "",
          "not run", "exact", "interval arithmetic", n=300, show="{:.2f}"),
    Claim("latch II: noise that provably never breaks the median winner", lambda r: np.median(r["latch-2"]["margin"]),
          "",
          "not run", "exact", "interval arithmetic", n=1000, show="{:.2f}"),
    Claim("latch II: trials measured over those of the closed form", lambda r: r["latch-2"]["trials"].mean()
          / predicted_trials(0.2), "0.85..1.15", "not run", "exact", "integral over the wedge of weights", n=1000,
          show="{:.3f}"),
    Claim("latch II: trials follow the geometric law, p of a Kolmogorov-Smirnov test",
          lambda r: geometric_p(r["latch-2"]["trials"]), "> 0.01", "not run", "exact", "independent trials", n=1000,
          show="{:.2f}"),
    Claim("2-sequence, A1: sequences shown until the winner is accepted, its 100 included",
          lambda r: mean_ci(r["A1"]["presentations"]), "", "not given", "trial", "one net after the other", n=300,
          show="{:,.0f}"),
    Claim("BPTT, A1: share of runs that come to get all right in 3,840 sequences, best of 6 settings",
          lambda r: best_solved(r["bptt-A1"]), "<= 0.1", "fails (1994)", "control", "same net, same lengths", n=20,
          show="{:.0%}"),
    Claim("latch I: mean trials, noise of variance 0.2", lambda r: mean_ci(r["latch-1-variance"]["trials"]), "", "6",
          "paper", "the text's words", n=200, show="{:.1f}"),
    Claim("latch II: mean trials, noise of variance 0.2", lambda r: mean_ci(r["latch-2-variance"]["trials"]), "", "22",
          "paper", "the text's words", n=200, show="{:.0f}"),
    Claim("latch II, variance 0.2: trials measured over those of the closed form",
          lambda r: r["latch-2-variance"]["trials"].mean() / predicted_trials(WIDE), "", "not run", "exact",
          "integral over the wedge of weights", n=200, show="{:.3f}"),
    Claim("2-sequence, A1: mean trials, noise of variance 0.2", lambda r: mean_ci(r["A1-variance"]["trials"]), "",
          "718 (secondary)", "trial", "the text's words", n=100, show="{:,.0f}"),
    Claim("2-sequence, A2: mean trials, noise of variance 0.2", lambda r: mean_ci(r["A2-variance"]["trials"]), "",
          "718 (secondary)", "trial", "the text's words", n=20, show="{:,.0f}"),
    *(Claim(f"2-sequence, {net}: mean trials with three signal steps over those with one",
            lambda r, net=net: r[f"{net}-three"]["trials"].mean() / r[net]["trials"].mean(), "< 1", "not given",
          "trial",
            "three first inputs tell the class", n=300, show="{:.3f}") for net in ("A1", "A2")),
    Claim("2-sequence, A1: mean trials at lengths 500 to 600 over those at length 100",
          lambda r: r["A1"]["trials"].mean() / r["A1-lag-100"]["trials"].mean(), "0.667..1.5", "not run", "trial",
          "the lag does not matter", n=300, show="{:.3f}"),
    *(Claim(f"BPTT, A1, length {n}: runs that come to get all right in 100,000 sequences, best of 6 settings",
            lambda r, arm=f"bptt-A1-lag-{n}": best_solved(r[arm]), "", "not run", "control", "same net", n=20,
          show="{:.0%}")
      for n in LAGS),
    *(Claim(f"BPTT, {net}: runs that come to get all right in 100,000 sequences of 500 to 600 steps, best setting",
            lambda r, arm=f"bptt-{net}-long": best_solved(r[arm]), "<= 0.1", "fails (1994)", "control",
            "same net, same lengths", n=20, show="{:.0%}") for net in ("latch-1", "latch-2", "A1")),
    *(Claim(f"2-sequence, A1: guesses a solver at noise of deviation {n:g}",
            lambda r, arm=f"A1-noise-{n:g}": per_solver(r[arm]), "", "not run", "trial", "noise", n=100, show="{:,.0f}")
      for n in NOISES),
    *(Claim(f"latch II: guesses a solver at noise of deviation {n:g}",
            lambda r, arm=f"latch-2-noise-{n:g}": per_solver(r[arm]), "", "not run", "trial", "noise", n=200,
          show="{:,.0f}")
      for n in NOISES),
    *(Claim(f"2-sequence, A1: guesses a solver with weights in [-{n}, {n}]",
            lambda r, arm=f"A1-range-{n}": per_solver(r[arm]), "", "not run", "trial", "range of the weights", n=50,
            show="{:,.0f}") for n in RANGES),
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
