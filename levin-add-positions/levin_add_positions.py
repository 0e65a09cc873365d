# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Adding positions by program search: three training examples, and a program that writes the ramp w_i = i.

J. Schmidhuber, "Discovering solutions with low Kolmogorov complexity and high generalization capability", ICML 1995,
pages 488-496; longer in Neural Networks 10(5):857-873, 1997. Task 2, adding inputs, and the two-argument variant.

A linear unit with 100 integer weights sees inputs with exactly three on-bits and must report the sum of their
positions. Only the weights w_i = i do so for all 161,700 inputs; three examples say nothing about 91 of them. Levin
search looks for a short and fast program that writes the weights. A program p of probability P(p) that needs t(p) steps
is found within about t(p) / P(p) steps,

    systematic:     in phases k = 0, 1, 2, ... every program gets P(p) 2^k steps
    probabilistic:  guess the instructions of a program as it runs, draw its time limit 32 * 2^i with probability 2^-i

so the search prefers low Kt = log2(t / P). Programs are written in 13 instructions of an assembler-like language, on a
program tape and a work tape of integers. Whenever the instruction pointer comes to the program's end (the oracle
address), the next instruction is guessed: opcode and arguments, all legal ones alike. Millions of guessed programs are
run at once: what they have in common is executed once, and a multinomial draw divides them at the next guess.

    python3 levin_add_positions.py --seed 0
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

from collections import Counter
from itertools import combinations
from math import log2, prod


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    machine: str = option("pointer", "WriteWeight(a) moves a weight pointer, or WriteWeight(a, b) takes an index",
                          choices=("pointer", "index"))
    triples: str = option("paper", "the three training inputs: the paper's, or nine units drawn at random",
                          choices=("paper", "random"))
    first: int = option(64, "smallest time limit of a program, in steps", low=1)
    cap: int = option(8192, "largest time limit of a program, in steps: first times a power of two", low=1)
    runs: int = option(5_000_000, "campaign: programs drawn", low=1)
    block: int = option(1_000_000, "campaign: so many programs share what they have in common", low=1)
    phases: int = option(34, "systematic search: the last phase has 2^phases steps", low=1)
    floor: float = option(1e-9, "enumeration: ways of running a program less probable than this are left out",
                          low=1e-10)
    learner: str = option("gradient", "how the control fits the three examples", choices=("gradient", "min-norm"))
    rate: float = option(0.1, "gradient descent: learning rate")
    decay: float = option(0.0, "gradient descent: weight decay")
    epochs: int = option(2000, "gradient descent: updates on the three examples", low=1)


# ---------------------------------------------------------------- Problem
UNITS, LARGEST = 100, 10_000                              # inputs of the linear unit; bound of all numbers
TRIPLES = [[5, 17, 86], [13, 55, 58], [40, 87, 94]]       # on-bits of the paper's three training inputs
INPUTS = np.array(list(combinations(range(UNITS), 3)), np.int16)       # (161700, 3): on-bits of every input
TARGETS = INPUTS.sum(1)
UNSEEN = len(INPUTS) - 3


def streams(seed, i):
    """Return the random generators of replicate i of a seed: one for the training set, one for the search."""
    return [np.random.default_rng(child) for child in np.random.SeedSequence([seed, i]).spawn(2)]


def target(bits):
    """Return what the unit should answer to an input, given by its on-bits: the sum of their positions."""
    return sum(bits)


def training_set(config, rng):
    """Return three (on-bits, target): the paper's, or nine units drawn by rng (the paper permutes the units)."""
    triples = TRIPLES if config.triples == "paper" else np.sort(rng.permutation(UNITS)[:9].reshape(3, 3)).tolist()
    return [(bits, target(bits)) for bits in triples]


def unseen_right(w, examples, tolerance=0.5):
    """Return how many of the 161,697 inputs outside the training set a linear unit with weights w answers rightly.

    Every input is tried. An answer is right if it is off by less than the tolerance: 0.5 favours weights that are not
    integers, and is exact for those that are.
    """
    w = np.asarray(w)
    right = np.abs(w[INPUTS].sum(1) - TARGETS) < tolerance
    return int(right.sum()) - sum(abs(w[bits].sum() - answer) < tolerance for bits, answer in examples)


def least_writes(examples):
    """Return how many weights a pointer must have passed before all three answers can be right: none of them is 0."""
    return max(min(bits) for bits, _ in examples) + 1


def wrong_already(m, examples):
    """Return whether an example whose weights are all written, and final, is answered wrongly (pointer machine)."""
    return any(bits[2] < m.wp and sum(m.w[bit] for bit in bits) != right for bits, right in examples)


# ---------------------------------------------------------------- Model
NAMES = ("Jumpleq", "WriteWeight", "Jump", "Stop", "Add", "GetInput", "Move", "Allocate", "Increment", "Decrement",
         "Subtract", "Multiply", "Free")
# an argument is a cell to Read, a cell of the work tape to write (D), a place to Jump to, an Input field, or a number
# of cells to allocate (K) or to free (F)
KINDS = {"pointer": ("RRJ", "R", "J", "", "RRD", "ID", "RD", "K", "D", "D", "RRD", "RRD", "F"),
         "index": ("RRJ", "RR", "J", "", "RRD", "DR", "RD", "K", "D", "D", "RRD", "RRD", "F")}
PROGRAM_CELLS, WORK_CELLS, FIELDS, MOST = 100, 1000, 20, 5         # tape limits, input fields, cells at once
ORACLE, TIME, STOP, FULL = "at the oracle address", "time limit", "Stop", "all weights written"
NONE, ROOM, ILLEGAL = "no legal argument", "tape full", "illegal instruction"


class Machine:
    """The tapes and the weights of one program, with a trail of overwritten values: undo(mark) takes changes back.

    Addresses 0 ... top hold the program, -1 ... low the work tape: in the list `c` a negative address is a negative
    index. top is the paper's Max, low its Min (0: no work tape), wp the weight pointer.
    """

    def __init__(self, kind):
        self.index, self.kinds, self.sizes = kind == "index", KINDS[kind], [len(kinds) for kinds in KINDS[kind]]
        self.c, self.w, self.trail = [0] * (PROGRAM_CELLS + WORK_CELLS), [0] * UNITS, []
        self.low, self.top, self.wp, self.spent = 0, -1, 0, 0

    def state(self):
        """Return what `restore` needs to come back to the present state."""
        return len(self.trail), self.low, self.top, self.wp

    def restore(self, state):
        """Undo every change made since `state`, the last one first."""
        mark, self.low, self.top, self.wp = state
        while len(self.trail) > mark:
            cells, address, old = self.trail.pop()
            cells[address] = old

    def legal(self, op):
        """Return the legal range of each argument of an instruction that is about to be appended (section 4)."""
        low, top = self.low, self.top + 1 + len(self.kinds[op])
        if top >= PROGRAM_CELLS:
            return None
        spans = {"R": (low, top + 1), "J": (low, top + 2), "D": (low, 0), "I": (0, FIELDS),
                 "K": (1, MOST + 1), "F": (1, min(MOST, -low) + 1)}
        return [range(*spans[kind]) for kind in self.kinds[op]]


def run(m, ip, t, limit):
    """Run machine m from address ip with t steps done, until it needs a guess, halts or has done `limit` steps.

    One instruction is one step, the halting one included. Numbers are clipped to +-10000. A jump to where the program
    has jumped before, with nothing changed since, is the beginning of an endless loop: the steps up to the limit are
    counted, not executed. Returns (why it ended, ip, t); never raises.
    """
    c, w, trail, low, top, wp, start = m.c, m.w, m.trail, m.low, m.top, m.wp, t
    seen, sizes = set(), m.sizes
    while True:
        if t >= limit:
            why = TIME
            break
        if ip > top:
            why = ORACLE
            break
        op, why = c[ip], ILLEGAL
        t += 1
        if not 0 <= op <= 12 or ip + sizes[op] > top:                             # no such instruction, or cut short
            break
        if op == 2 or op == 0:                                                    # Jump(j), Jumpleq(a, b, j)
            j = c[ip + 1]
            if op == 0:
                a, b, j = j, c[ip + 2], c[ip + 3]
                if not (low <= a <= top and low <= b <= top and low <= j <= top + 1):
                    break
                if c[a] > c[b]:
                    ip += 4
                    continue
            elif not low <= j <= top + 1:
                break
            if j in seen:
                t = limit
            seen.add(j)
            ip = j
            continue
        if op == 3:
            why = STOP
            break
        a = c[ip + 1]
        if op == 1:                                                               # WriteWeight(a) or (a, b)
            if not low <= a <= top:
                break
            if not m.index:
                i, wp = wp, wp + 1
            elif low <= c[ip + 2] <= top:
                i = c[c[ip + 2]]
            else:
                break
            if not 0 <= i < UNITS:
                why = ILLEGAL if m.index else FULL
                break
            if w[i] != c[a] or not m.index:
                trail.append((w, i, w[i]))
                w[i] = c[a]
                seen.clear()
            ip += 1 + sizes[1]
            continue
        if op == 7 or op == 12:                                                   # Allocate(k), Free(k)
            if not 1 <= a <= MOST:
                break
            if op == 7:
                low -= a
                if low < -WORK_CELLS:
                    low += a
                    why = ROOM
                    break
            else:
                if a > -low:
                    break
                for d in range(low, low + a):
                    if c[d]:
                        trail.append((c, d, c[d]))
                        c[d] = 0
                low += a
                if ip + 2 < low:
                    break
            ip += 2
            seen.clear()
            continue
        if op == 8 or op == 9:                                                    # Increment(d), Decrement(d)
            d = a
            if not low <= d < 0:
                break
            value = c[d] + 17 - 2 * op
        elif op == 6:                                                             # Move(a, d)
            d = c[ip + 2]
            if not (low <= a <= top and low <= d < 0):
                break
            value = c[a]
        elif op == 5:                                                             # GetInput(i, d) or ReadWeight(d, b)
            d = c[ip + 2]
            if m.index:
                a, d = d, a
                if not (low <= a <= top and low <= d < 0 and 0 <= c[a] < UNITS):
                    break
                value = w[c[a]]
            elif 0 <= a < FIELDS and low <= d < 0:
                value = 0                                                         # there are no inputs in this task
            else:
                break
        else:                                                                     # Add, Subtract, Multiply(a, b, d)
            b, d = c[ip + 2], c[ip + 3]
            if not (low <= a <= top and low <= b <= top and low <= d < 0):
                break
            value = c[a] + c[b] if op == 4 else c[b] - c[a] if op == 10 else c[a] * c[b]
        value = max(-LARGEST, min(LARGEST, value))
        if value != c[d]:
            trail.append((c, d, c[d]))
            c[d] = value
            seen.clear()
        ip += 1 + sizes[op]
    m.low, m.wp, m.spent = low, wp, m.spent + t - start
    return why, ip, t


def listing(m):
    """Return the program of machine m as text, an instruction after the other in the order of guessing."""
    at, parts = 0, []
    while at <= m.top:
        op = m.c[at]
        size = len(m.kinds[op])
        name = "ReadWeight" if m.index and op == 5 else NAMES[op]
        parts.append(f"{at}: {name}({', '.join(map(str, m.c[at + 1:at + 1 + size]))})".removesuffix("()"))
        at += 1 + size
    return "; ".join(parts)


# ---------------------------------------------------------------- Learning
def chance(rng):
    """Return split(n, k): how many of n runs take each of k equally likely ways, as (way, runs) pairs."""
    def draws():
        while True:
            yield from rng.random(1024).tolist()

    uniform = draws()

    def split(n, k):
        if n == 1:
            return ((int(next(uniform) * k), 1),)
        if n < 16:
            return Counter(int(next(uniform) * k) for _ in range(n)).items()
        if n < k:
            ways, counts = np.unique(rng.integers(k, size=n), return_counts=True)
        else:
            counts = rng.multinomial(n, np.full(k, 1 / k))
            ways, = counts.nonzero()
            counts = counts[ways]
        return zip(ways.tolist(), counts.tolist())

    return split


def shares(floor):
    """Return split(p, k): probability p in k equal parts, all of them, or none if they are smaller than floor."""
    return lambda p, k: [(way, p / k) for way in range(k)] if p / k >= floor else ()


def guess(m, n, split):
    """Guess the next instruction in n runs, and append it to the program of m: one way of doing so after the other.

    The opcode is one of 13, each argument one of its legal range, all equally likely. Yields (runs that guess it,
    probability); no runs: (runs, 0) that find no legal argument. Takes the guess back, and all it led to.
    """
    for op, some in split(n, len(NAMES)):
        ranges = m.legal(op)
        size = prod(map(len, ranges)) if ranges is not None else 0
        if not size:
            yield some, 0.0
            continue
        before, at = m.state(), m.top + 1
        m.c[at] = op
        for way, few in split(some, size):
            for place, span in enumerate(ranges, at + 1):
                way, choice = divmod(way, len(span))
                m.c[place] = span[choice]
            m.top = at + len(ranges)
            yield few, 1 / (len(NAMES) * size)
            m.restore(before)


def descend(m, n, split, config, ip=0, t=0, P=1.0, Q=1.0):
    """Run n random programs that have been alike so far; yield (runs, why they ended, steps t, P, Q) where some end.

    Programs are guessed as they run, so n runs are one run until a guess divides them; the trail leads back to
    the fork. The time limit is config.first * 2^j with probability 2^-(j+1), and config.cap for the rest: at every
    limit a fair coin decides which runs stop there. P: the probability of the guesses, the paper's space probability;
    Q: of guesses and coins. With split = shares(floor), n is a probability. When it yields, m is as these runs left it.
    """
    while True:
        limit = min(config.cap, config.first << (t // config.first).bit_length())
        why, ip, t = run(m, ip, t, limit)
        if why != TIME:
            break
        if t >= config.cap:
            yield n, TIME, t, P, Q
            return
        coin, Q = dict(split(n, 2)), Q / 2
        n = coin.get(1, 0)
        if 0 in coin:
            yield coin[0], TIME, t, P, Q
        if not n:
            return
    if why != ORACLE:
        yield n, why, t, P, Q
        return
    for some, p in guess(m, n, split):
        if p:
            yield from descend(m, some, split, config, ip, t, P * p, Q * p)
        else:
            yield some, NONE, t, P / len(NAMES), Q / len(NAMES)


def share_time(m, total, examples=(), ip=0, t=0, P=1.0):
    """One phase of Levin search: give every program a share P of `total` steps, P its probability.

    No program is the beginning of another, so the P add up to at most 1 and the phase takes at most `total` steps;
    what programs have in common is run once. Given the examples (pointer machine), programs that cannot fit any more
    are dropped: too few steps left for the writes that are missing, or a wrong answer that nothing can change.
    Yields (why, steps, P) for every other program that halts within its share.
    """
    writes = least_writes(examples) if examples else 0
    for share, p in guess(m, P, shares((t + max(1, writes - m.wp)) / total)):
        if p:
            why, at, steps = run(m, ip, t, int(share * total))
            if why != ORACLE:
                if why != TIME:
                    yield why, steps, share
            elif share / len(NAMES) * total >= steps + max(1, writes - m.wp) and not wrong_already(m, examples):
                yield from share_time(m, total, examples, at, steps, share)
        else:
            yield NONE, t, share


def fits(w, examples):
    """Return whether the linear unit with integer weights w answers all training examples exactly."""
    return all(w[a] + w[b] + w[c] == right for (a, b, c), right in examples)


class Find(NamedTuple):
    """Runs of one program that ended with weights that fit."""
    runs: int
    right: int                  # unseen inputs right
    P: float                    # its probability
    t: int                      # its steps
    program: str                # its listing
    w: list                     # its weights


class Snapshot(NamedTuple):
    """A block of programs that have ended."""
    step: int                   # programs so far
    steps: int                  # interpreter steps of this block's programs
    ends: Counter               # this block's programs, by the way they ended
    spent: Counter              # this block's steps, by the same
    finds: list                 # this block's Finds


def train(config, seed):
    """Run config.runs programs in blocks, each block from random numbers of its own; yield a Snapshot after each."""
    examples, m = training_set(config, streams(seed, 0)[0]), Machine(config.machine)
    for i, done in enumerate(range(0, config.runs, config.block)):
        n, ends, spent, finds = min(config.block, config.runs - done), Counter(), Counter(), []
        for some, why, t, P, _ in descend(m, n, chance(streams(seed, i)[1]), config):
            ends[why] += some
            spent[why] += some * t
            if fits(m.w, examples):
                finds.append(Find(some, unseen_right(m.w, examples), P, t, listing(m), m.w.copy()))
        yield Snapshot(done + n, spent.total(), ends, spent, finds)


# ---------------------------------------------------------------- Experiment
def finds_text(finds):
    """Return the programs found, (unseen inputs right, listing) -> how often, as text."""
    lines = []
    for right in sorted({right for right, _ in finds}, reverse=True):
        some = sorted((-often, program) for (found, program), often in finds.items() if found == right)
        lines += [f"right on {right:,} of {UNSEEN:,} unseen inputs:",
                  *(f"{-often:6.3g} x  {program}" for often, program in some)]
    return "\n".join(lines)


def campaign(config, seed):
    """Metrics: fits, perfect fits (right on all unseen inputs), runs, steps a run. Curves: runs so far, log2 P, steps t
    and unseen inputs right of the fits; programs and their steps by the way they ended; the finds, listed."""
    ends, spent, finds, marks = Counter(), Counter(), Counter(), []
    for s in watch(train(config, seed), config.runs, f"seed {seed}"):
        ends += s.ends
        spent += s.spent
        for find in s.finds:
            finds[find.right, find.program] += find.runs
            marks += [(s.step, log2(find.P), find.t, find.right)] * find.runs
    when, log2_P, t, right = np.array(marks).reshape(-1, 4).T
    return ({"fits": len(marks), "perfect": (right == UNSEEN).sum(), "runs": config.runs,
             "steps": spent.total() / config.runs},
            {"when": when, "log2_P": log2_P, "t": t, "right": right, "ends": dict(ends), "spent": dict(spent),
             "finds": finds_text(finds)})


def systematic(config, seed):
    """Levin search in phases of 1, 2, 4, ... steps, up to the first program that halts with weights that fit. Metrics:
    phase (log2 of its steps); programs halted and steps done in all phases; of the find: steps t, P, Kt = log2(t / P),
    unseen inputs right, perfect (all of them). Curves: halted programs and steps phase by phase; the find."""
    examples, m = training_set(config, streams(seed, 0)[0]), Machine(config.machine)
    halted, steps = [], []
    for phase in range(config.phases + 1):
        halted.append(0)
        for _, t, P in share_time(m, 2.0 ** phase, examples):
            halted[-1] += 1
            if fits(m.w, examples):
                right = unseen_right(m.w, examples)
                return ({"phase": phase, "programs": sum(halted), "steps": m.spent, "t": t, "P": P, "Kt": log2(t / P),
                         "unseen": right, "perfect": int(right == UNSEEN)},
                        {"halted": halted, "spent": [*steps, m.spent],
                         "find": finds_text({(right, listing(m)): 1})})
        steps.append(m.spent)
    return (dict.fromkeys(("phase", "programs", "steps", "t", "P", "Kt", "unseen", "perfect"), np.nan),
            {"halted": halted, "spent": steps, "find": "no fit"})


def census(config, seed):
    """Sum the probability of programs that fit, over all ways of running one (guesses and time limit) that are at
    least config.floor probable. Metrics: mass of the fits, perfect (share of it that is right on all inputs), left_out
    (mass not looked into), different programs, floor. Curves: the fits' log2 P, steps t and mass; the likeliest forty.
    """
    examples, m = training_set(config, streams(seed, 0)[0]), Machine(config.machine)
    fit, finds, seen = [], {}, 0.0
    for mass, _, t, P, _ in descend(m, 1.0, shares(config.floor), config):
        seen += mass
        if fits(m.w, examples):
            right, program = unseen_right(m.w, examples), listing(m)
            fit.append((mass, log2(P), t, right == UNSEEN))
            finds[right, program] = finds.get((right, program), 0.0) + mass
    fit = np.array(sorted(fit, reverse=True)).reshape(-1, 4)
    likeliest = dict(sorted(finds.items(), key=lambda find: -find[1])[:40])
    return ({"mass": fit[:, 0].sum(), "perfect": (fit[:, 0] * fit[:, 3]).sum() / max(fit[:, 0].sum(), 1e-300),
             "left_out": 1 - seen, "programs": len(finds), "floor": config.floor},
            {"log2_P": fit[:200, 1], "t": fit[:200, 2], "masses": fit[:200, 0],
             "finds": finds_text(likeliest)})


def learning(config, seed):
    """The controls that learn the three examples: gradient descent on the squared error from zero weights, or the
    least-squares weights of least norm. Metrics: unseen inputs right to the nearest integer, and exactly (within 1e-6);
    largest error on the examples. Curve: the weights."""
    examples = training_set(config, streams(seed, 0)[0])
    X, y = np.zeros((3, UNITS)), np.array([right for _, right in examples], float)
    for row, (bits, _) in zip(X, examples):
        row[bits] = 1
    w = np.zeros(UNITS)
    if config.learner == "min-norm":
        w = np.linalg.lstsq(X, y, rcond=None)[0]
    else:
        for _ in range(config.epochs):
            w -= config.rate * (X.T @ (X @ w - y) + config.decay * w)
    return {"unseen": unseen_right(w, examples), "exact": unseen_right(w, examples, 1e-6),
            "error": np.abs(X @ w - y).max()}, {"w": w}


def rate(arm):
    """Return fits per run of a campaign, all its seeds pooled."""
    return arm["fits"].sum() / arm["runs"].sum()


def pooled(r, metric):
    """Return the sum of a metric over all campaigns. A long one begins like the short one of its seed, left out."""
    short, *others = (r[name][metric] for name in ("campaign", "paper-campaign", "two-arguments"))
    return short[len(others[0]):].sum() + sum(map(np.sum, others))


def share_ci(hits, n):
    """Return a share and the half-width of its 95 % interval (the wider side of Wilson's)."""
    share, z = hits / n, 1.96
    middle, half = share + z * z / (2 * n), z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
    return share, max(share - low, high - share)


def occam(r, likely):
    """Return the share of perfect fits among those with P above (likely) or below 2^-40."""
    perfect = [right == UNSEEN for logs, rights in zip(r["campaign"]["log2_P"], r["campaign"]["right"])
               for log2_P, right in zip(logs, rights) if (log2_P > -40) == likely]
    return np.mean(perfect) if perfect else np.nan


ARMS = {
    "systematic": Arm(systematic, Config()),
    "campaign": Arm(campaign, Config()),
    "min-norm": Arm(learning, Config(learner="min-norm")),
    "gradient-descent": Arm(learning, Config()),
    "weight-decay": Arm(learning, Config(decay=0.01)),
    "paper-campaign": Arm(campaign, Config(runs=55_000_000)),
    "two-arguments": Arm(campaign, Config(machine="index", runs=100_000_000)),
    "random-triples": Arm(systematic, Config(triples="random")),
    "census": Arm(census, Config(floor=3e-9)),
    "census-two-arguments": Arm(census, Config(machine="index")),
    "quick-systematic": Arm(systematic, Config(phases=20)),
    "quick-campaign": Arm(campaign, Config(runs=40_000, block=20_000)),
    "quick-census": Arm(census, Config(floor=1e-6)),
    "quick-learning": Arm(learning, Config()),
}
PRESETS = {
    "quick": tuple(name for name in ARMS if name.startswith("quick")),
    "default": ("systematic", "campaign", "min-norm", "gradient-descent", "weight-decay"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
TASK, SECOND = "task 2: adding inputs", "writes with two arguments"
CLAIMS = (
    Claim("systematic Levin search: unseen inputs that its first find answers rightly",
          lambda r: r["systematic"]["unseen"].mean(), ">= 161697", "all", "paper", f"{TASK}; all 161,697 are tried",
          show="{:,.0f}"),
    Claim("systematic: one over the probability of its find (Allocate 1; WriteWeight -1; Increment -1; Jump)",
          lambda r: 1 / r["systematic"]["P"].mean(), "7140249..7140251", "not run", "exact", "13^4 * 5 * 5 * 10",
          show="{:,.0f}"),
    Claim("systematic: phase of its find", lambda r: r["systematic"]["phase"].mean(), "<= 32", "not run", "exact",
          "302 steps / P lie between 2^31 and 2^32", show="{:.0f}"),
    Claim("systematic: steps, in all phases", lambda r: r["systematic"]["steps"].mean(), "", "not run", "exact",
          "count; the bound is 2^33 = 8,589,934,592", show="{:,.0f}"),
    Claim("systematic: programs halted, in all phases", lambda r: r["systematic"]["programs"].mean(), "", "not run",
          "exact", "count; without those that could not fit any more", show="{:,.0f}"),
    Claim("probabilistic search: fits in 55 million runs (rate of 5 million runs a seed)",
          lambda r: rate(r["campaign"]) * 5.5e7, "4..25", "10", "paper", TASK, n=10, show="{:.1f}"),
    Claim("fits in 55 million runs: the campaign that has fewer", lambda r: r["paper-campaign"]["fits"].min(),
          ">= 4", "10", "paper", TASK, n=2, show="{:.0f}"),
    Claim("fits in 55 million runs: the campaign that has more", lambda r: r["paper-campaign"]["fits"].max(),
          "<= 25", "10", "paper", TASK, n=2, show="{:.0f}"),
    Claim("fits that are right on all unseen inputs",
          lambda r: share_ci(r["campaign"]["perfect"].sum(), r["campaign"]["fits"].sum()), ">= 0.7", "8 of 10", "paper",
          TASK, n=10, show="{:.0%}"),
    Claim("fits that are right on all unseen inputs, all campaigns and both machines",
          lambda r: share_ci(pooled(r, "perfect"), pooled(r, "fits")), ">= 0.7", "8 of 10 and 3 of 3", "paper",
          f"{TASK}; {SECOND}", show="{:.0%}"),
    Claim("steps a run", lambda r: r["campaign"]["steps"].mean(), "", "14.8", "paper", TASK, n=10, show="{:.1f}"),
    Claim("WriteWeight with two arguments: fits in 100 million runs", lambda r: r["two-arguments"]["fits"].mean(),
          "1..12", "3", "paper", SECOND, show="{:.0f}"),
    Claim("the second machine costs a constant factor: rate of fits, first against second",
          lambda r: rate(r["campaign"]) / max(rate(r["two-arguments"]), 1e-300), "2..20", "6.1", "paper",
          f"{TASK}; {SECOND}", show="{:.1f}"),
    Claim("second machine: fits in 100 million runs, expected from the enumerated mass: a lower bound",
          lambda r: r["census-two-arguments"]["mass"].mean() * 1e8, "", "3", "exact", "all ways above 1e-9",
          show="{:.1f}"),
    Claim("fits in 55 million runs, expected from the enumerated mass: a lower bound",
          lambda r: r["census"]["mass"].mean() * 5.5e7, "", "10", "exact", "all ways above 3e-9", show="{:.1f}"),
    Claim("nine random units instead of the paper's: systematic finds that are right on all unseen inputs",
          lambda r: r["random-triples"]["perfect"].mean(), ">= 0.9", "very similar", "trial",
          f"{TASK}; the paper permutes other units", n=20, show="{:.0%}"),
    Claim("minimum-norm weights: unseen inputs exactly right", lambda r: r["min-norm"]["exact"].mean(), "40..40",
          "fails", "exact", "count in whole thirds", show="{:.0f}"),
    Claim("minimum-norm weights: share of unseen inputs right when rounded",
          lambda r: r["min-norm"]["unseen"].mean() / UNSEEN, "<= 0.001", "fails", "paper", TASK, show="{:.3%}"),
    Claim("gradient descent: share of unseen inputs right when rounded",
          lambda r: r["gradient-descent"]["unseen"].mean() / UNSEEN, "<= 0.001", "fails", "paper", TASK,
          show="{:.3%}"),
    Claim("gradient descent with weight decay: share of unseen inputs right when rounded",
          lambda r: r["weight-decay"]["unseen"].mean() / UNSEEN, "<= 0.001", "fails", "paper", TASK, show="{:.3%}"),
    Claim("perfect share of fits by programs more probable than 2^-40", lambda r: occam(r, True), "", "not run",
          "control", "campaigns of 5 million runs", show="{:.0%}"),
    Claim("perfect share of fits by programs less probable than 2^-40", lambda r: occam(r, False), "", "not run",
          "control", "campaigns of 5 million runs", show="{:.0%}"),
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
