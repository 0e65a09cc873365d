# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Tomita's grammars by guessing: random weights accept strings of 500 to 600 symbols like the exact automaton.

S. Hochreiter, J. Schmidhuber, "LSTM can solve hard long time lag problems", NIPS 9:473-479, 1996. The protocol is in
J. Schmidhuber, S. Hochreiter, Y. Bengio, "Evaluating benchmark problems by random guessing" (in Kolen & Kremer, A Field
Guide to Dynamical Recurrent Networks, 2001). Grammars: M. Tomita 1982. Compared with C. B. Miller, C. L. Giles, IJPRAI
7(4):849-872, 1993, whose gradient-trained nets took 23,000 to 210,000 strings of at most some 15 symbols.

A recurrent net reads a string of 0s and 1s and has to say whether it belongs to a regular language: #1 1*, #2 (10)*, #4
no 000. Nothing learns here. All weights are drawn independently and uniformly from [-100, 100], a net is judged on 100
training strings of 500 to 600 symbols, half of them members, and the first net that gets all of them right (the output
within 0.1 of its target) is tested on 100 others. A trial is one drawn weight vector. Symbols are read as -1 and +1,
units are logistic, activations start at 0, hidden units are updated before the output:

    A1(n)   h_i(t) = s(a_i x + sum_j B_ij h_j(t-1) + c_i o(t-1) + d_i)     o(t) = s(e x + sum_i f_i h_i(t) + g o(t-1))
    A2      ten hidden units that see themselves alone (B_ii)              o(t) = s(e x + sum_i f_i h_i(t) + k)

Which target members have, and how non-members are drawn, is not written down, and decides the counts. So both are
settings: members have target 1 or 0; non-members are random strings, or members with a single flaw ("near").

Survivors of one string go on to the next, many guesses side by side; the count is that of trying one net after the
other. Winners are read as automata by interval arithmetic, which proves them equal to the grammar or not.

    python3 rs_tomita.py --seed 0
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
    grammar: int = option(1, "Tomita's number, 1 to 7", low=1)
    net: str = option("A1", "architecture", choices=("A1", "A2", "tanh"))
    hidden: int = option(1, "hidden units", low=1)
    member: int = option(1, "target of members: 1 or 0")
    negatives: str = option("random", "how non-members are drawn", choices=("random", "near"))
    spread: float = option(100.0, "guessed weights are uniform in [-spread, spread]")
    shortest: int = option(500, "shortest string", low=1)
    longest: int = option(600, "longest string", low=1)
    simulations: int = option(30, "independent searches", low=1)
    limit: int = option(0, "guesses after which a search gives up; 0: never")
    batch: int = option(2048, "guesses that a search draws at a time", low=1, counts=False)
    lanes: int = option(8192, "nets run side by side", low=1, counts=False)
    runs: int = option(2, "gradient descent: runs for each setting", low=1)
    minibatch: int = option(32, "gradient descent: strings in a step", low=2)
    steps: int = option(100, "gradient descent: steps", low=1)


# ---------------------------------------------------------------- Problem
SEQUENCES = 100                                                                   # half of them members


class Automaton(NamedTuple):
    """A complete deterministic automaton that starts in state 0."""
    language: str
    follow: tuple               # state -> (state after 0, state after 1)
    accepting: frozenset


GRAMMARS = {
    1: Automaton("1*", ((1, 0), (1, 1)), frozenset({0})),
    2: Automaton("(10)*", ((2, 1), (0, 2), (2, 2)), frozenset({0})),
    3: Automaton("no odd run of 1s and then an odd run of 0s", ((0, 1), (2, 0), (3, 4), (2, 1), (4, 4)),
                 frozenset({0, 1, 3})),
    4: Automaton("no 000", ((1, 0), (2, 0), (3, 0), (3, 3)), frozenset({0, 1, 2})),
    5: Automaton("even numbers of 0s and 1s", ((1, 2), (0, 3), (3, 0), (2, 1)), frozenset({0})),
    6: Automaton("number of 1s minus that of 0s divisible by 3", ((2, 1), (0, 2), (1, 0)), frozenset({0})),
    7: Automaton("0*1*0*1*", ((0, 1), (2, 1), (2, 3), (4, 3), (4, 4)), frozenset({0, 1, 2, 3})),
}


class Data(NamedTuple):
    """Strings, one per column; a column is padded with 0 behind its end."""
    x: np.ndarray               # symbols, -1 for 0 and +1 for 1       (longest, columns) float32
    length: np.ndarray          #                                      (columns,)
    target: np.ndarray          # 0 or 1                               (columns,)


@functools.cache
def chances(grammar, member, longest):
    """Return the chance of a 1 as next symbol, (longest + 1, states), by the number of symbols that are still to come,
    if the whole string is to be uniform over the members (or non-members) of its length; and whether there are any."""
    automaton = GRAMMARS[grammar]
    ways = np.array([(state in automaton.accepting) == member for state in range(len(automaton.follow))], float)
    one, some = np.zeros((longest + 1, len(ways))), np.zeros(longest + 1, bool)
    some[0] = ways[0] > 0
    for left in range(1, longest + 1):
        after = ways[np.array(automaton.follow)]                                  # (states, 2)
        ways = after.sum(1)
        one[left] = after[:, 1] / np.maximum(ways, 1e-300)
        some[left] = ways[0] > 0
        ways = ways / ways.max()
    return one, some


def accepts(grammar, bits, length):
    """Return whether the columns of bits (longest, columns), 0 or 1, cut to their lengths, are members."""
    follow, state = np.array(GRAMMARS[grammar].follow), np.zeros(len(length), int)
    for t, row in enumerate(bits):
        state = np.where(t < length, follow[state, row], state)
    return np.isin(state, list(GRAMMARS[grammar].accepting))


def draw(rng, grammar, member, length):
    """Draw a uniform member (or non-member) of each length: bits (longest, columns), 0 behind the end."""
    (one, _), follow = chances(grammar, member, length.max()), np.array(GRAMMARS[grammar].follow)
    state, bits = np.zeros(len(length), int), np.zeros((length.max(), len(length)), np.int8)
    for t, chance in enumerate(rng.random(bits.shape)):
        bits[t] = chance < one[np.maximum(length - t, 0), state]
        state = np.where(t < length, follow[state, bits[t]], state)
    return bits


def flaw(rng, grammar, bits, length):
    """Spoil each member at a random place: 000 is written in (#4) or a symbol flipped, again until it is no member."""
    spoilt, todo = bits.copy(), np.arange(len(length))
    while len(todo):
        if grammar == 4:
            place = rng.integers(0, length[todo] - 2)
            for k in range(3):
                spoilt[place + k, todo] = 0
        else:
            place = rng.integers(0, length[todo])
            spoilt[place, todo] ^= 1
        todo = todo[accepts(grammar, spoilt[:, todo], length[todo])]
    return spoilt


def lengths_of(config):
    """Return the lengths, from shortest to longest, of which there are members and non-members.

    Raises OSError if there are none, or no such grammar.
    """
    if config.grammar not in GRAMMARS or config.member > 1:
        raise OSError("--grammar must be 1 to 7 and --member 0 or 1")
    both = chances(config.grammar, True, config.longest)[1] & chances(config.grammar, False, config.longest)[1]
    lengths = np.arange(config.shortest, config.longest + 1)
    lengths = lengths[both[config.shortest:]]
    if not len(lengths):
        raise OSError("no length from --shortest to --longest has both members and non-members")
    return lengths


def make_batch(rng, config, columns=SEQUENCES, negatives=None, length=None):
    """Return Data: members and non-members in turn, their lengths drawn from `lengths_of` (or all of one length).

    Members are uniform over those of their length; so are random non-members over theirs.
    """
    allowed = lengths_of(config)
    length = allowed[rng.integers(0, len(allowed), columns)] if length is None else np.full(columns, length)
    member, bits = np.arange(columns) % 2 == 0, np.zeros((length.max(), columns), np.int8)
    near = (negatives or config.negatives) == "near"
    for group, inside, spoil in ((member, True, False), (~member, near, near)):
        part = draw(rng, config.grammar, inside, length[group])
        bits[:len(part), group] = flaw(rng, config.grammar, part, length[group]) if spoil else part
    x = (2 * bits - 1).astype(np.float32) * (np.arange(len(bits))[:, None] < length)
    return Data(x, length, np.where(member, config.member, 1 - config.member))


# ---------------------------------------------------------------- Model
class Weights(NamedTuple):
    """The weights of the equations at the top, lanes last; weights that a net lacks are zero."""
    a: np.ndarray               # input to hidden                  (n, lanes)
    B: np.ndarray               # hidden to hidden                 (n, n, lanes), of A2 the diagonal (n, lanes)
    c: np.ndarray               # output to hidden                 (n, lanes)
    d: np.ndarray               # hidden bias                      (n, lanes)
    e: np.ndarray               # input to output                  (lanes,)
    f: np.ndarray               # hidden to output                 (n, lanes)
    g: np.ndarray               # output to itself                 (lanes,)
    k: np.ndarray               # output bias                      (lanes,)


def size(config):
    """Return the number of weights that are guessed: 7, 14, 23 for A1(1), A1(2), A1(3); 52 for A2."""
    n = config.hidden
    return 4 * n + 2 + (n * n if config.net == "A1" else n)


def unpack(guess, config):
    """Return Weights from guesses (lanes, size): a, c, d, f, then B row by row, e, and g (A1) or k (A2)."""
    n, w, zero = config.hidden, np.ascontiguousarray(guess.T), np.zeros(len(guess), guess.dtype)
    a, c, d, f = w[:4 * n].reshape(4, n, -1)
    B = w[4 * n:-2].reshape(n, n, -1) if config.net == "A1" else w[4 * n:-2]
    g, k = (w[-1], zero) if config.net == "A1" else (zero, w[-1])
    return Weights(a, B, c, d, w[-2], f, g, k)


def forward(w, data, column):
    """Return the outputs o(T) of nets at the end of their strings (lanes,); lane i reads data.x[:, column[i]].

    In the coordinates H = 2h - 1, O = 2o - 1 the logistic function is H = tanh(z / 2); halves and offsets go into the
    weights once, before the loop.
    """
    A, B, C, E, F, G = w.a / 2, w.B / 4, w.c / 4, w.e / 2, w.f / 4, w.g / 4
    full = B.ndim == 3 and len(B) > 1
    B = B if full else B.reshape(A.shape)
    D, K = w.d / 2 + C + (B.sum(1) if full else B), w.k / 2 + F.sum(0) + G
    length = data.length[column]
    ends = np.argsort(length)
    marks = np.searchsorted(length[ends], np.arange(1, length.max() + 2))
    H, O, last = np.full_like(A, -1), np.full_like(E, -1), np.empty_like(E)
    z, s, x, zo, so, BH = np.empty_like(A), np.empty_like(A), *np.empty((3, len(E)), E.dtype), np.empty_like(B)
    for t in range(length.max()):
        np.take(data.x[t], column, out=x, mode="clip")
        np.multiply(A, x, out=z)
        z += D
        z += np.multiply(C, O, out=s)
        np.multiply(B, H, out=BH)
        z += np.add.reduce(BH, 1, out=s) if full else BH
        np.tanh(z, out=H)
        np.add.reduce(np.multiply(F, H, out=s), 0, out=zo)
        zo += K
        zo += np.multiply(E, x, out=so)
        zo += np.multiply(G, O, out=so)
        np.tanh(zo, out=O)
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


def extract(guess, config, most=64, slack=1e-4):
    """Read one net, a guess (1, size), as an automaton; return (proved, states).

    A state is a box of activations (hidden units, output) with the state of the grammar's automaton that led there.
    Interval arithmetic carries a box through a symbol to a box that holds all its images. One that lies inside a known
    box of the same state is that one; any other is new, widened by `slack`, which also covers the rounding. If this
    closes within `most` boxes, and o is within 0.1 of its target all over every box but the start, then the net and the
    grammar agree on every string: proved is True.

    states: a list of (grammar's state, lowest o, highest o, next box on 0, next box on 1).
    """
    a, B, c, d, e, f, g, k = (part[..., 0].astype(float) for part in unpack(guess, config))
    grammar = GRAMMARS[config.grammar]
    from_state = np.concatenate([B if B.ndim == 2 else np.diag(B), c[:, None]], 1)
    to_output = np.append(f, g)[None]                                             # sees the new h and the old o
    boxes, known, follow = [(np.zeros(len(a) + 1), np.zeros(len(a) + 1))], [0], []
    while len(follow) < len(boxes) <= most:
        (low, high), after = boxes[len(follow)], []
        for bit, x in enumerate((-1, 1)):
            h = [logistic(z + a * x + d) for z in interval(from_state, low, high)]
            seen = interval(to_output, np.append(h[0], low[-1]), np.append(h[1], high[-1]))
            new = [np.append(part, logistic(z + e * x + k)) for part, z in zip(h, seen)]
            state = grammar.follow[known[len(follow)]][bit]
            same = [i for i, box in enumerate(boxes) if known[i] == state and (box[0] <= new[0]).all()
                    and (new[1] <= box[1]).all()]
            if not same:
                boxes.append((new[0] - slack, new[1] + slack))
                known.append(state)
            after.append(same[0] if same else len(boxes) - 1)
        follow.append(after)
    states = [(state, box[0][-1], box[1][-1], *after) for state, box, after in zip(known, boxes, follow)]
    agrees = all(right(o, config.member == (state in grammar.accepting))
                 for state, low, high, *_ in states[1:] for o in (low, high))
    return len(follow) == len(boxes) and agrees, states


@functools.cache
def every_string(grammar, longest):
    """Return Data with all strings of 1 to `longest` symbols; target 1 for members."""
    codes = [(n, code) for n in range(1, longest + 1) for code in range(2**n)]
    length, code = np.array(codes).T
    bits = (code >> np.arange(longest)[:, None]) & 1
    x = (2 * bits - 1).astype(np.float32) * (np.arange(longest)[:, None] < length)
    return Data(x, length, accepts(grammar, bits, length).astype(int))


# ---------------------------------------------------------------- Learning
STAGES = np.array([1, 2, 3, 4, 6, 10, SEQUENCES])                                 # a survivor's next check ends here


class Search:
    """One simulation: its training strings, its stream of guesses and those of its guesses that are still in play."""

    def __init__(self, config, seed, replicate):
        if config.net == "tanh":
            raise OSError("--net tanh is for gradient descent alone")
        data, guesses, self.test = np.random.SeedSequence([seed, replicate]).spawn(3)
        self.config, self.replicate, self.guesses = config, replicate, np.random.default_rng(guesses)
        self.data = make_batch(np.random.default_rng(data), config)
        self.weights = np.empty((0, size(config)), np.float32)                # of the guesses in play
        self.index, self.passed = np.empty((2, 0), int)                           # their numbers; strings got right
        self.shown = np.empty(0, int)                                             # of every guess: strings needed
        self.winner = None

    def draw(self):
        """Draw the next guesses, net by net from the search's own stream."""
        many, spread = self.config.batch, self.config.spread
        if self.config.limit:
            many = min(many, self.config.limit - len(self.shown))
        self.weights = self.guesses.uniform(-spread, spread, (many, size(self.config))).astype(np.float32)
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
        """Return the numbers of the strings that the guesses in play see next, guess after guess, flat."""
        many = self.upto() - self.passed
        return np.arange(many.sum()) - np.repeat(np.cumsum(many) - many - self.passed, many)

    def over(self):
        return not len(self.index) and (self.winner is not None or 0 < self.config.limit <= len(self.shown))

    def result(self):
        """Return trials, strings shown and steps run, up to the winner or the end of the search."""
        trials = len(self.shown) if self.winner is None else self.winner[0] + 1
        shown = self.shown[:trials]
        steps = np.cumsum(self.data.length)[shown - 1].sum()
        return trials, int(shown.sum()), int(steps)


class Snapshot(NamedTuple):
    """The state after one wave: every guess in play has seen its next strings."""
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
    """Return whether outputs are within 0.1 of their targets."""
    return np.abs(output - target) < 0.1


def train(config, seed):
    """Guess until every search is over; yield a Snapshot after each wave.

    The waves mix guesses of many searches at different depths. What a search counts does not depend on that: a guess's
    fate is its own, and no guess behind the first that gets all strings right is counted.
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
        verdict = right(forward(unpack(guess, config), data, column), data.target[column])
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
    n, logistic_net = config.hidden, config.net != "tanh"
    shapes = {"a": (n, 1), "B": (n, n), "c": (n, 1), "d": (n, 1), "e": (1,), "f": (n, 1), "g": (1,), "k": (1,)}
    mask = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
    if config.net == "A2":
        mask["B"] = np.eye(n, dtype=np.float32)
    mask["c"] *= logistic_net                                                     # the tanh net has no output feedback
    mask["g"] *= config.net == "A1"
    mask["k"] *= config.net != "A1"
    draws = [{name: g.uniform(-0.5, 0.5, shape) for name, shape in shapes.items()} for g in generators]
    return {name: np.array([d[name] for d in draws], np.float32) * mask[name] for name in shapes}, mask


def unroll(p, x, tanh=False):
    """Run nets over strings of one length, keeping all steps.

    x: (T, runs, m). Returns h (T + 1, runs, n, m) and o (T + 1, runs, m), the zero state first.
    """
    drive = p["a"] * x[:, :, None] + p["d"]
    direct = p["e"] * x + p["k"]
    h, o = np.zeros((len(x) + 1, *drive.shape[1:]), drive.dtype), np.zeros((len(x) + 1, *x.shape[1:]), drive.dtype)
    activation = np.tanh if tanh else logistic
    for t in range(len(x)):
        h[t + 1] = activation(drive[t] + p["c"] * o[t][:, None] + p["B"] @ h[t])
        o[t + 1] = logistic(direct[t] + (p["f"] * h[t + 1]).sum(1) + p["g"] * o[t])
    return h, o


def backward(p, x, h, o, target, tanh=False):
    """Return the gradients of the mean cross-entropy at the last step, and dz (T, runs, n, m), that by each z_h(t)."""
    T, m = len(x), x.shape[-1]
    dz, dzo = np.empty_like(h[1:]), np.empty_like(o[1:])
    slope, slope_o = (1 - h * h if tanh else h * (1 - h)), o * (1 - o)
    dzo[-1] = (o[-1] - target) / m
    later = np.zeros_like(h[0])
    for t in range(T - 1, -1, -1):
        dz[t] = (p["f"] * dzo[t][:, None] + later) * slope[t + 1]
        if t:
            dzo[t - 1] = ((p["c"] * dz[t]).sum(1) + p["g"] * dzo[t]) * slope_o[t]
        later = p["B"].swapaxes(1, 2) @ dz[t]
    by = {"a": np.einsum("trnm,trm->rn", dz, x)[..., None], "B": np.einsum("trnm,trkm->rnk", dz, h[:-1], optimize=True),
          "c": np.einsum("trnm,trm->rn", dz, o[:-1])[..., None], "d": dz.sum((0, 3))[..., None],
          "e": (dzo * x).sum((0, 2))[:, None], "f": np.einsum("trnm,trm->rn", h[1:], dzo)[..., None],
          "g": (dzo * o[:-1]).sum((0, 2))[:, None], "k": dzo.sum((0, 2))[:, None]}
    return by, dz


class Descent(NamedTuple):
    """The state before one step of gradient descent."""
    step: int
    accuracy: np.ndarray        # share of fresh strings on the right side of 1/2    (settings, runs)
    norm: np.ndarray            # |d loss / d z_h(t)|, mean over runs, latest step first  (T,)


def descend(config, seed):
    """Train the nets of all SETTINGS and runs by BPTT on fresh strings, one length a step; yield a Descent each step.

    Gradients are clipped to norm 1. Every setting of run i starts from the same weights and sees the same strings.
    """
    runs = [[np.random.default_rng(s) for s in np.random.SeedSequence([seed, i]).spawn(2)] for i in range(config.runs)]
    lengths = np.random.default_rng([seed, config.longest]).choice(lengths_of(config), config.steps)
    p, mask = init(config, [weights for weights, _ in runs])
    p, tanh = {k: np.concatenate([v] * len(SETTINGS)) for k, v in p.items()}, config.net == "tanh"
    rate = np.repeat(np.array([rate for _, rate in SETTINGS], np.float32), config.runs)[:, None]
    is_adam = np.repeat([name == "adam" for name, _ in SETTINGS], config.runs)[:, None]
    moments = {k: (np.zeros_like(v), np.zeros_like(v)) for k, v in p.items()}
    for step, T in enumerate(lengths, 1):
        batches = [make_batch(data, config, config.minibatch, length=T) for _, data in runs]
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
def tested(config, searches, negatives):
    """Return the test accuracy of each search's winner on fresh strings of its own, with one kind of non-members."""
    scores = []
    for start in range(0, len(searches), 24):
        part = searches[start:start + 24]
        rngs = [np.random.default_rng([negatives == "near", *s.test.generate_state(4)]) for s in part]
        data = side_by_side([make_batch(rng, config, negatives=negatives) for rng in rngs])
        guess = np.repeat([s.winner[1] for s in part], SEQUENCES, 0)
        output = forward(unpack(guess, config), data, np.arange(len(guess)))
        scores += list(right(output, data.target).reshape(-1, SEQUENCES).mean(1))
    return scores


def short_strings(config, winner, longest=12):
    """Return the share of all strings of 1 to 12 symbols that a winner puts on the right side of 1/2."""
    data = every_string(config.grammar, longest)
    output = forward(unpack(winner[1][None].repeat(len(data.length), 0), config), data, np.arange(len(data.length)))
    return ((output > 0.5) == (data.target == config.member)).mean()


def describe(search, config):
    """Return a winner as text: its weights, and what it does as an automaton."""
    w, grammar = unpack(search.winner[1][None], config), GRAMMARS[config.grammar]
    proved, states = extract(search.winner[1][None], config)
    rows = [f"trial {search.winner[0] + 1:,}, grammar #{config.grammar}: {grammar.language}, {size(config)} weights"]
    for name, part in w._asdict().items():
        if part.any():
            rows.append(f"  {name} = " + " ".join(f"{v:.1f}" for v in part[..., 0].ravel()))
    rows.append("  box: state of the grammar (* accepts), lowest and highest o, next box on 0, on 1")
    for i, (state, low, high, zero, one) in enumerate(states[:16]):
        mark = "*" if state in grammar.accepting else " "
        rows.append(f"  {i:3}: {state}{mark}  {max(low, 0):.3f} {min(high, 1):.3f}  {zero:3} {one:3}")
    rows.append("  o is right all over every box: the net is this grammar, for strings of every length" if proved
                else "  not proved equal to the grammar")
    return "\n".join(rows)


def guess(config, seed):
    """Guess. Metrics, one entry per search: trials (None if it gave up at the limit); tried (all guesses counted);
    presentations and time_steps until the winner; accuracy on 100 fresh strings, and with the other kind of non-members
    (cross); short, the share right of all strings up to 12 symbols; proved, whether the winner is the grammar for every
    string; states, the boxes of its automaton. Curve: the first winner as text."""
    searches = sorted((search for s in watch(train(config, seed), config.simulations, f"seed {seed}")
                       for search in s.over), key=lambda search: search.replicate)
    solved = [s for s in searches if s.winner is not None]
    tried, shown, steps = zip(*(search.result() for search in searches))
    metrics = {"trials": [None] * len(searches), "tried": tried, "presentations": shown, "time_steps": steps}
    metrics |= {name: [None] * len(searches) for name in ("accuracy", "cross", "short", "proved", "states")}
    other = "random" if config.negatives == "near" else "near"
    for search, *scores in zip(solved, tested(config, solved, config.negatives), tested(config, solved, other)):
        proved, states = extract(search.winner[1][None], config)
        scores += [short_strings(config, search.winner), int(proved), len(states)]
        metrics["trials"][search.replicate] = tried[search.replicate]
        for name, score in zip(("accuracy", "cross", "short", "proved", "states"), scores):
            metrics[name][search.replicate] = score
    return metrics, {"winner": describe(solved[0], config) if solved else "none found"}


def bptt(config, seed):
    """Gradient descent. Metrics, one entry per run, for each setting: its accuracy over the last 20 steps, on strings
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


def best_solved(arm):
    """Return the largest share of runs, over the settings, that came to get everything right."""
    return max((~np.isnan(arm[f"needed_{name}_{rate:g}"])).mean() for name, rate in SETTINGS)


def per_solver(arm):
    """Return the mean trials, counting the guesses of searches that gave up, and the half-width of its interval."""
    found = (~np.isnan(arm["trials"])).sum()
    mean = arm["tried"].sum() / found if found else np.nan
    return mean, 1.96 * mean / found ** 0.5 if found else np.nan


UNITS = {1: 1, 2: 3, 4: 2}                                                        # grammar -> hidden units of A1
PAPER = {(1, "A1"): 182, (1, "A2"): 288, (2, "A1"): 1511, (2, "A2"): 17953, (4, "A1"): 13833, (4, "A2"): 35610}
GRADIENT = {1: 23000, 2: 77000, 4: 46000}                                         # least of Miller & Giles
SETTINGS_GRID = tuple((member, negatives) for member in (1, 0) for negatives in ("random", "near"))
SEARCHES = {(1, "A1"): 300, (1, "A2"): 300, (2, "A1"): 100, (2, "A2"): 30, (4, "A1"): 50, (4, "A2"): 5}


def named(grammar, net, member, negatives):
    return f"{grammar}-{net}-{'in' if member else 'out'}-{negatives}"


def setting(grammar, net, member, negatives, **changes):
    """Return the Config of one cell of the grid; searches give up where solutions are all but absent."""
    config = Config(grammar=grammar, net=net, hidden=10 if net == "A2" else UNITS.get(grammar, 3), member=member,
                    negatives=negatives, simulations=SEARCHES.get((grammar, net), 1),
                    batch=1024 if net == "A2" else 2048, lanes=3072 if net == "A2" else 8192)
    return replace(config, **changes)


GRID = {named(*cell): cell for cell in ((g, net, *how) for g, net in PAPER for how in SETTINGS_GRID)}
CLOSEST = {1: "1-A1-in-random", 2: "2-A1-in-near", 4: "4-A1-out-near"}
MORE = {f"{g}-beyond-{'in' if member else 'out'}": (g, "A1", member, "random")
        for g in (3, 5, 6, 7) for member in (1, 0)}
FEWER = {1: 30, 2: 10, 4: 5}
HOPELESS = {"simulations": 1, "limit": 400_000}
ARMS = {
    **{arm: Arm(guess, setting(*GRID[arm], simulations=FEWER[g])) for g, arm in CLOSEST.items()},
    "1-A2-in-random": Arm(guess, setting(1, "A2", 1, "random", simulations=30)),
    "bptt-4": Arm(bptt, Config(grammar=4, hidden=2, member=0)),
    **{arm: Arm(guess, setting(*cell, **(HOPELESS if cell[0] == 4 and cell[2] else {})))
       for arm, cell in GRID.items() if arm not in CLOSEST.values() and arm != "1-A2-in-random"},
    **{arm: Arm(guess, setting(*cell, **HOPELESS)) for arm, cell in MORE.items()},
    **{f"bptt-{g}-{net}-short": Arm(bptt, Config(grammar=g, net=net, hidden=5 if net == "tanh" else UNITS[g],
                                                 shortest=1, longest=10, runs=20, steps=3125))
       for g in UNITS for net in ("A1", "tanh")},
    **{f"bptt-{g}-{net}-long": Arm(bptt, Config(grammar=g, net=net, hidden=5 if net == "tanh" else UNITS[g], runs=5,
                                                steps=6250)) for g in (2, 4) for net in ("A1", "tanh")},
    "quick-guess": Arm(guess, setting(1, "A1", 0, "random", simulations=4, batch=64, shortest=40, longest=50)),
    "quick-bptt": Arm(bptt, Config(steps=3, shortest=10, longest=20)),
}
PRESETS = {
    "quick": ("quick-guess", "quick-bptt"),
    "default": (*CLOSEST.values(), "1-A2-in-random", "bptt-4"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
WAYS = {1: "members 1, random", 2: "members 1, near", 4: "members 0, near"}
EFFORT = {"trials": "limit"}
CLAIMS = (
    *(Claim(f"#{g}, A1({UNITS[g]}): mean trials ({WAYS[g]}; bar: within a factor 2)",
            lambda r, arm=CLOSEST[g]: mean_ci(r[arm]["trials"]), f"{PAPER[g, 'A1'] / 2:g}..{PAPER[g, 'A1'] * 2}",
            f"{PAPER[g, 'A1']:,}", "paper", "Tomita paragraph", n={1: 300, 2: 100, 4: 50}[g], show="{:,.0f}")
      for g in (4, 2, 1)),
    Claim("#1, A2: mean trials (members 1, random; bar: within a factor 2)",
          lambda r: mean_ci(r["1-A2-in-random"]["trials"]), "144..576", "288", "paper", "Tomita paragraph", n=300,
          show="{:,.0f}"),
    Claim("searches for A1 that end with a net, all three grammars",
          lambda r: np.mean(np.concatenate([~np.isnan(r[arm]["trials"]) for arm in CLOSEST.values()])), ">= 1", "all",
          "paper", "Tomita paragraph", n=50, show="{:.1%}"),
    Claim("accuracy of what A1 found on 100 fresh strings of 500 to 600, mean, worst of the three",
          lambda r: min(r[arm]["accuracy"].mean() for arm in CLOSEST.values()), ">= 0.97", "good (secondary)", "trial",
          "Tomita paragraph", n=50, show="{:.2%}"),
    *(Claim(f"#{g}: accuracy with the other kind of non-members", lambda r, arm=arm: r[arm]["cross"].mean(), "",
          "not run",
            "trial", "random for near, near for random", n=50, show="{:.2%}") for g, arm in CLOSEST.items()),
    *(Claim(f"#{g}: winners proved equal to the grammar for every string", lambda r, arm=arm: r[arm]["proved"].mean(),
          "",
            "not run", "exact", "interval arithmetic", n=50, show="{:.1%}") for g, arm in CLOSEST.items()),
    *(Claim(f"#{g}: winners right on all 8,190 strings of up to 12 symbols",
            lambda r, arm=arm: (r[arm]["short"] == 1).mean(), "", "not run", "exact", "one by one", n=50, show="{:.1%}")
      for g, arm in CLOSEST.items()),
    *(Claim(f"#{g}: A1's mean trials over the fewest strings that gradient-trained nets took ({GRADIENT[g]:,})",
            lambda r, g=g: r[CLOSEST[g]]["trials"].mean() / GRADIENT[g], "< 1", f"{PAPER[g, 'A1'] / GRADIENT[g]:.2f}",
            "paper", "Miller & Giles 1993, as quoted", n=50, show="{:.3f}") for g in UNITS),
    Claim("#1 < #2 < #4 in mean trials of A1: the least ratio of neighbours",
          lambda r: min(r[CLOSEST[2]]["trials"].mean() / r[CLOSEST[1]]["trials"].mean(),
                        r[CLOSEST[4]]["trials"].mean() / r[CLOSEST[2]]["trials"].mean()), "> 1", "8.3", "paper",
          "Tomita paragraph", n=50, show="{:.1f}"),
    Claim("#1, A1: trials follow the geometric law, p of a Kolmogorov-Smirnov test",
          lambda r: geometric_p(r[CLOSEST[1]]["trials"]), "> 0.01", "not run", "exact", "independent trials", n=300,
          show="{:.2f}"),
    Claim("BPTT, #4, A1(2), lengths 500 to 600: runs that come to get all right in 3,200 strings, best of 6 settings",
          lambda r: best_solved(r["bptt-4"]), "<= 0.1", "not run", "control", "same net, same lengths", n=20,
          show="{:.0%}"),
    *(Claim(f"#{g}, {net}, members {member}, {negatives}: guesses a solver",
            lambda r, arm=arm: per_solver(r[arm]), "", f"{PAPER[g, net]:,}", "paper", "Tomita paragraph",
            n=min(SEARCHES[g, net], ARMS[arm].config.simulations), show="{:,.0f}")
      for arm, (g, net, member, negatives) in GRID.items() if arm not in CLOSEST.values() and arm != "1-A2-in-random"),
    *(Claim(f"#{g}, A1(3), members {member}: guesses a solver, at most 400,000", lambda r,
          arm=arm: per_solver(r[arm]), "",
            "not tried", "trial", "beyond the paper", show="{:,.0f}") for arm, (g, _, member, _) in MORE.items()),
    *(Claim(f"BPTT, #{g}, {net}, lengths 1 to 10: runs that come to get all right in 100,000 strings, best setting",
            lambda r, arm=f"bptt-{g}-{net}-short": best_solved(r[arm]), "", "yes (1993)", "control", "short strings",
            n=20, show="{:.0%}") for g in UNITS for net in ("A1", "tanh")),
    *(Claim(f"BPTT, #{g}, {net}, lengths 500 to 600: runs that come to get all right in 200,000 strings, best setting",
            lambda r, arm=f"bptt-{g}-{net}-long": best_solved(r[arm]), "<= 0.1", "not run", "control",
            "same lengths; random non-members", n=20, show="{:.0%}") for g in (2, 4) for net in ("A1", "tanh")),
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
