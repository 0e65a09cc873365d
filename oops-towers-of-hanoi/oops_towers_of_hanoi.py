# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""OOPS learns 1^n 2^n, then Towers of Hanoi: program search that freezes what it finds and shifts its own bias.

J. Schmidhuber, "Optimal Ordered Problem Solver", Machine Learning 54:211-254, 2004 (report IDSIA-12-02, 2002). The
experiment of section 6: 30 tasks 1^n 2^n, then 30 Towers of Hanoi, in a FORTH-like language of recursive procedures.

Hanoi with n disks takes 2^n - 1 moves, so only a program that calls itself can solve all sizes. OOPS looks for one
program after the other, in a bias-optimal way. For task k, T = 2, 4, 8, ... until it is solved,

    T / 2 steps for prolongations of the latest program, on task k alone
    T / 2 steps for fresh programs, which must solve tasks 1 ... k of their class

and within each half a program prefix of probability P may run for P T / 2 steps, summed over the tasks. Prefixes are
run while they are written: where execution comes to the end of the code, the next token is tried, one after the
other, depth first; a trail of overwritten cells takes everything back. The winner is frozen. Its tokens can be made
more probable by the instruction boostq: who found recursion for 1^n 2^n finds it sooner for something else.

    python3 oops_towers_of_hanoi.py --seed 0
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

from bisect import bisect_left
from collections import Counter
from functools import cache
from itertools import permutations
from math import inf, log2


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    language: str = option("L8", "so many of the paper's tokens can be searched", choices=("L8", "L9", "L26"))
    prior: str = option("uniform", "weights of the tokens; small: 1 + n_Q for c2 ... c5 and boostq, 1 for the others",
                        choices=("uniform", "small"))
    tasks: str = option("AH", "classes of tasks: 1^n 2^n (A), 2^n 1^n (C), Towers of Hanoi (H), or A, then H",
                        choices=("A", "C", "H", "AH"))
    taught: bool = option(False, "first solve class A in L8; what is found is frozen and can be boosted")
    first: int = option(1, "the first task of a class asks for all sizes up to this one", low=1)
    sizes: int = option(30, "classes A and C: largest n", low=1)
    disks: int = option(14, "class H: largest n, move by move", low=1)
    limit: int = option(32, "give up a task when a subsearch of 2^limit steps is not enough", low=1)
    lookahead: bool = option(True, "leave out prefixes that cannot reach an answer in time")

    def __post_init__(self):
        if self.first > min(self.sizes, self.disks):
            raise OSError("--first cannot be larger than --sizes or --disks")
        if self.sizes > 150 or self.disks > 30:
            raise OSError("the stacks hold classes A and C up to --sizes 150, Hanoi up to --disks 30")


# ---------------------------------------------------------------- Problem
ANSWERS = {"A": (1, 2), "C": (2, 1)}        # wanted on top of Ds: n times the first symbol, then n times the second


def prefix_of(Ds, Dp, kind, n):
    """Return how many of the topmost 2n cells of Ds the test looks at before it sees a wrong one, and the verdict.

    The paper charges one time step for each of them.
    """
    below, above = ANSWERS[kind]
    for seen in range(1, min(Dp, 2 * n) + 1):
        if Ds[Dp - seen + 1] != (above if seen <= n else below):
            return seen, False
    return min(Dp, 2 * n), Dp >= 2 * n


def carry(pegs, S, D, disks, moves):
    """Return the pegs after a set of disks went from peg S to peg D; pegs: three bit sets of disks, bit 0 the smallest,
    and the number of moves so far."""
    after = [*pegs[:3], pegs[3] + moves]
    after[S - 1] ^= disks
    after[D - 1] |= disks
    return tuple(after)


def move(pegs, S, D):
    """Return the pegs after a move of the top disk from peg S to peg D, or None if that is illegal."""
    if not (1 <= S <= 3 and 1 <= D <= 3):
        return None
    disk, there = pegs[S - 1] & -pegs[S - 1], pegs[D - 1] & -pegs[D - 1]
    return carry(pegs, S, D, disk, 1) if disk and (not there or disk < there) else None


def carry_tower(pegs, S, D, disks):
    """Return the pegs after the `disks` smallest went from peg S to peg D in 2^disks - 1 moves, or None if one of them
    is elsewhere. All larger disks lie below them, so all these moves are legal."""
    tower = (1 << disks) - 1
    return carry(pegs, S, D, tower, tower) if pegs[S - 1] & tower == tower else None


@cache
def moves_left(source, auxiliary, target):
    """Return the fewest moves that bring all disks to the third of three pegs, given as bit sets of disks."""
    largest = (source | auxiliary).bit_length() - 1
    if largest < 0:
        return 0
    other, peg = (auxiliary, source) if source >> largest else (source, auxiliary)
    below = (1 << largest) - 1                                                    # first bring these to the other peg
    return moves_left(peg & below, target & below, other & below) + (1 << largest)


# ---------------------------------------------------------------- Model
TASK = "1toD 2toD mvdsk xAD xSA"            # tokens 1 ... 5: code on the data stack reaches them by small numbers
PRIMITIVES = ("c0 c1 c2 c3 c4 c5 up fromD dp2ds topf intopf inc dec by2 toD delD del ex grt cpn cpnb def dof ret rt0 "
              "qot bsf boostq")
MACROS = {                                  # the paper's declarations, section A.3
    "defnp": "c0 toD dp2ds dec toD qot def up rt0 dec intopf cpn qot ret",
    "calltp": "qot topf dof intopf cpn qot ret",
    "endnp": "qot ret qot fromD cpnb fromD up delD fromD ex bsf ret"}
NAMES = ("", *TASK.split(), *PRIMITIVES.split(), *MACROS)
NUMBER = {name: token for token, name in enumerate(NAMES)}
(ONE, TWO, MVDSK, XAD, XSA, C0, C1, C2, C3, C4, C5, UP, FROMD, DP2DS, TOPF, INTOPF, INC, DEC, BY2, TOD, DELD, DEL, EX,
 GRT, CPN, CPNB, DEF, DOF, RET, RT0, QOT, BSF, BOOSTQ, DEFNP, CALLTP, ENDNP) = range(1, len(NAMES))
L8 = "c1 c2 c3 c4 c5 defnp calltp endnp"
LANGUAGES = {"L8": L8, "L9": f"{L8} boostq",
             "L26": f"{L8} {TASK} c0 inc dec by2 up del ex delD fromD grt cpn bsf boostq"}
STACK = 1 << 20                             # cell i of the data stack has address STACK + i, token i of the code i
CELLS, DEPTH, LARGEST = 500, 200, 10 ** 6   # bounds of the stacks, of nested calls and of numbers
REQUEST, SOLVED, ILLEGAL, TIME = "asks for a token", "solved", "illegal", "out of time"


def words(text):
    """Return the token numbers of a program text."""
    return [NUMBER[name] for name in text.split()]


def listing(program):
    """Return the text of a program, a sequence of token numbers."""
    return " ".join(NAMES[token] for token in program)


BODIES = {NUMBER[name]: words(body) for name, body in MACROS.items()}
LIBRARY = [token for body in BODIES.values() for token in body]                   # lies below all other code
ENTRY = {DEFNP: 0, CALLTP: len(BODIES[DEFNP]), ENDNP: len(BODIES[DEFNP]) + len(BODIES[CALLTP])}
HEAD, CALL = BODIES[DEFNP][6:12], BODIES[CALLTP][1:5]                             # what defnp and calltp push


class Prior:
    """Weights of the tokens, in the order in which they are tried; a token has probability weight / total."""

    def __init__(self, weights):
        self.weights, self.total = weights, sum(weights.values())
        self.levels, self.boosts, self.choices = sorted(set(weights.values())), {}, {}
        self.p = {token: weights.get(token, 0) / self.total for token in range(1, len(NAMES))}

    def boost(self, program):
        """Return the prior in which the weight of every token of a program has grown by n_Q, each time it occurs."""
        if program not in self.boosts:
            known = Counter(token for token in program if token in self.weights)
            self.boosts[program] = Prior({token: weight + len(self.weights) * known[token]
                                          for token, weight in self.weights.items()})
        return self.boosts[program]

    def above(self, least):
        """Return (token, p) of the tokens whose probability p is at least what least says for their ROLE, in order."""
        key = tuple([bisect_left(self.levels, p * self.total) for p in least])
        if key not in self.choices:
            bounds = [(self.levels + [inf])[place] for place in key]
            self.choices[key] = [(token, self.p[token]) for token, weight in self.weights.items()
                                 if weight >= bounds[ROLE.get(token, 5)]]
        return self.choices[key]


ROLE = {BSF: 0, ENDNP: 1, BOOSTQ: 2, MVDSK: 3, ONE: 4, TWO: 4, DEFNP: 4, DELD: 4}         # 4: change Ds; others: 5


class Tape(NamedTuple):
    """One task: its stacks, and the trail of overwritten cells (cells, index, old value)."""
    kind: str
    n: int
    ds: list
    Ds: list
    trail: list
    topmost: bool               # peg instructions act on the topmost copy of the arguments, or above the base pointer
    literal: bool               # run defnp and calltp token by token, and count every step as one
    memo: int                   # calls with at most so many disks are done at once

    def blank(self, ip, prior):
        """Return the registers of a tape that has done nothing: ip, base, out, frames, dp, Dp, functions, pegs, prior,
        quote flag, highest dp and Dp at a choice, cells that the last test of the answer looked at."""
        pegs = ((1 << self.n) - 1, 0, 0, 0) if self.kind == "H" else None
        dp = 4 if self.kind == "H" else 1
        return ip, 0, -1, None, dp, 0, None, pegs, prior, False, dp, 0, 0


def tape(kind, n, trail=None, top=True, literal=False, memo=0):
    """Return the Tape of a task: n on the data stack, for Hanoi the pegs S, A, D and n."""
    start = (1, 2, 3, n) if kind == "H" else (n,)
    return Tape(kind, n, [0, *start] + [0] * (CELLS - len(start)), [0] * (CELLS + 1), [] if trail is None else trail,
                top, literal, memo)


def calls(frames):
    """Return how many calls are nested."""
    return 0 if frames is None else frames[4]


def steps_of_call(disks, done):
    """Return the steps of a call of the found Hanoi procedure, up to its return or (done) to its last move.

    s(0) = 2, s(m) = 26 + 2 s(m-1), so s(m) = 28 * 2^m - 26; and g(1) = 19, g(m) = 20 + s(m-1) + g(m-1).
    """
    return 28 * 2 ** disks - (31 + 6 * disks if done else 26)


def run(tape, registers, q, t, limit, found=()):
    """Run one task from its registers until it asks for a token beyond code q, solves its task, or halts.

    t: steps so far of all tasks; limit: steps at most. Most instructions take a step, copies one for each cell, boostq
    one for each token, tests of an answer one for each cell of Ds they look at. found: the programs boostq can name. No
    code can crash or hang it: what is not allowed halts. Returns (why, registers, t). Paper, section A.2.
    """
    kind, n, ds, Ds, trail, topmost, literal, memo = tape
    ip, base, out, frames, dp, Dp, functions, pegs, prior, quote, mark, Mark, seen = registers
    end, hanoi, why = len(q), pegs is not None, ILLEGAL
    while True:
        if ip == end:
            why = REQUEST
            break
        if t >= limit:
            why = TIME
            break
        if ip < STACK:
            op = q[ip]
        elif ip - STACK <= dp:
            op = ds[ip - STACK]
        else:
            break
        ip += 1
        t += 1
        if dp + 8 > CELLS:
            break
        if quote and op != QOT or C0 <= op <= INTOPF:                             # push one number
            if quote:
                value = op
            elif op <= C5:
                value = op - C0
            elif op == UP:
                if dp < 1:
                    break
                value = ds[dp]
            elif op == FROMD:
                if Dp < 1:
                    break
                value = Ds[Dp]
            elif op == DP2DS:
                value = dp + 1
            elif functions is None:
                break
            else:
                value = functions[0] if op == TOPF else functions[2]
            dp += 1
            if dp <= mark:
                trail.append((ds, dp, ds[dp]))
            ds[dp] = value
        elif op == RET or op == RT0:                                              # return, rt0: if the top is <= 0
            if op == RT0:
                if dp < 1:
                    break
                dp -= 1
            if op == RET or ds[dp + 1] <= 0:
                if frames is None or out >= 0 and dp - out < base:
                    break
                if out >= 0:
                    for k in range(1, out + 1):
                        if base + k <= mark:
                            trail.append((ds, base + k, ds[base + k]))
                        ds[base + k] = ds[dp - out + k]
                    dp = base + out
                ip, base, out, frames, _ = frames
        elif op == CPN or op == CPNB:                                             # copy the top, or from the base
            if dp < 1:
                break
            size = ds[dp]
            dp -= 1
            source = dp - size if op == CPN else base
            if size < 0 or source < 0 or source + size > dp or dp + size > CELLS:
                break
            if size > 1 and not literal:
                t += size - 1
            for k in range(1, size + 1):
                dp += 1
                if dp <= mark:
                    trail.append((ds, dp, ds[dp]))
                ds[dp] = ds[source + k]
        elif op == DOF:                                                           # call function ds[dp]
            if dp < 1:
                break
            f = functions
            while f is not None and f[0] != ds[dp]:
                f = f[4]
            dp -= 1
            if f is None or dp < f[2] or calls(frames) >= DEPTH:
                break
            if 0 < ds[dp] <= memo:
                after = carry_tower(pegs, ds[dp - 3], ds[dp - 1], ds[dp])
                if after is None:
                    break
                pegs, done = after, not (after[0] or after[1])
                t += steps_of_call(ds[dp], done)
                dp -= f[2]
                if done:
                    why = SOLVED
                    break
            else:
                frames = ip, base, out, frames, calls(frames) + 1
                ip, out = f[1], f[3]
                if f[2] >= 0:
                    base = dp - f[2]
        elif op == MVDSK or op == XAD or op == XSA:
            S = dp - 3 if topmost else base + 1
            if S < 1 or S + 2 > dp:
                break
            if op == MVDSK:
                after = move(pegs, ds[S], ds[S + 2]) if hanoi else None
                if after is None:
                    break
                pegs = after
                if not (pegs[0] or pegs[1]):
                    why = SOLVED
                    break
            else:
                S += op == XAD
                for k in (S, S + 1):
                    if k <= mark:
                        trail.append((ds, k, ds[k]))
                ds[S], ds[S + 1] = ds[S + 1], ds[S]
        elif op == ONE or op == TWO or op == TOD:                                 # push onto Ds
            value = op
            if op == TOD:
                if dp < 1:
                    break
                value = ds[dp]
                dp -= 1
            if Dp >= CELLS:
                break
            Dp += 1
            if Dp <= Mark:
                trail.append((Ds, Dp, Ds[Dp]))
            Ds[Dp] = value
            if not hanoi:
                seen, done = prefix_of(Ds, Dp, kind, n)
                if done:
                    why = SOLVED
                    t += seen
                    break
        elif op == CALLTP and not literal:                                        # eight tokens at once
            t += 7 + 7 * seen
            for value in CALL:
                dp += 1
                if dp <= mark:
                    trail.append((ds, dp, ds[dp]))
                ds[dp] = value
        elif op == DEFNP and not literal:                                         # fifteen tokens at once
            if Dp + 2 > CELLS:
                break
            t += 14 + 2 * seen
            for value in (0, dp):
                Dp += 1
                if Dp <= Mark:
                    trail.append((Ds, Dp, Ds[Dp]))
                Ds[Dp] = value
                if not hanoi:
                    seen, done = prefix_of(Ds, Dp, kind, n)
                    if done:
                        break
                    t += seen * (3 if value == 0 else 9)
            if not hanoi and done:
                why = SOLVED
                t += seen - 8
                break
            for value in HEAD:
                dp += 1
                if dp <= mark:
                    trail.append((ds, dp, ds[dp]))
                ds[dp] = value
        elif DEFNP <= op <= ENDNP:
            if calls(frames) >= DEPTH:
                break
            frames = ip, base, out, frames, calls(frames) + 1
            ip, out = ENTRY[op], -1
        elif op == QOT:                                                           # quote what follows, or no longer
            quote = not quote
        elif op == INC or op == DEC or op == BY2:
            if dp < 1:
                break
            value = ds[dp] + 1 if op == INC else ds[dp] - 1 if op == DEC else 2 * ds[dp]
            if not -LARGEST <= value <= LARGEST:
                break
            if dp <= mark:
                trail.append((ds, dp, ds[dp]))
            ds[dp] = value
        elif op == DEF:                                                           # a function begins after this token
            if dp < 2:
                break
            functions = 1 + (functions[0] if functions else 0), ip, ds[dp - 1], ds[dp], functions
            dp -= 2
        elif op == EX or op == GRT:
            if dp < 2:
                break
            for k in (dp - 1, dp):
                if k <= mark:
                    trail.append((ds, k, ds[k]))
            if op == EX:
                ds[dp - 1], ds[dp] = ds[dp], ds[dp - 1]
            else:
                ds[dp - 1] = int(ds[dp - 1] > ds[dp])
                dp -= 1
        elif op == DEL:
            if dp < 1:
                break
            dp -= 1
        elif op == DELD:
            if Dp < 1:
                break
            Dp -= 1
            if not hanoi:
                seen, done = prefix_of(Ds, Dp, kind, n)
                if done:
                    why = SOLVED
                    t += seen
                    break
        elif op == BSF:                                                           # run the cells above base + ds[dp]
            if dp < 1:
                break
            start = base + ds[dp] + 1
            dp -= 1
            if not 1 <= start <= dp or calls(frames) >= DEPTH:
                break
            frames = ip, base, out, frames, calls(frames) + 1
            ip, out = STACK + start, -1
        elif op == BOOSTQ:
            if dp < 1 or not 1 <= ds[dp] <= len(found):
                break
            program = found[ds[dp] - 1]
            dp -= 1
            t += len(program) - 1
            prior = prior.boost(program)
        else:
            break
        t += seen
    if t > limit:
        why, t = TIME, limit
    return why, (ip, base, out, frames, dp, Dp, functions, pegs, prior, quote, max(mark, dp), max(Mark, Dp), seen), t


def push(tape, registers, q, t, limit, found=()):
    """Do what `run` does where the code asks for no more than the constant that was just appended, only faster."""
    ip, base, out, frames, dp, Dp, functions, pegs, prior, quote, mark, Mark, seen = registers
    after = t + 1 + seen
    if quote or after > limit or dp + 8 > CELLS:
        return run(tape, registers, q, t, limit, found)
    dp += 1
    if dp <= mark:
        tape.trail.append((tape.ds, dp, tape.ds[dp]))
    else:
        mark = dp
    tape.ds[dp] = q[-1] - C0
    return REQUEST, (ip + 1, base, out, frames, dp, Dp, functions, pegs, prior, False, mark, Mark, seen), after


# ---------------------------------------------------------------- Learning
class Try:
    """One subsearch: depth first through the prefixes, each of probability P for at most P * steps time steps."""

    def __init__(self, q, kind, sizes, found, steps, lookahead=True):
        self.q, self.found, self.steps, self.lookahead, self.trail = q, tuple(found), steps, lookahead, []
        self.tapes = [tape(kind, n, self.trail) for n in sizes]
        self.spent = self.prefixes = 0          # time steps done, prefixes run
        self.ends = Counter()                   # prefixes, by (length, what became of them)
        self.samples = []                       # some of the prefixes: the 1st, 2nd, 4th, 8th, ...
        self.P = self.t = None                  # of the solution: probability and time steps
        self.ways = cache(self.routes)          # for one subsearch

    def search(self, ip, prior):
        """Start at address ip, the code's end or a frozen program. Returns the tokens that complete a solution of all
        tasks, or None; the tapes and the code are as before."""
        self.start, active, t, why = len(self.q), [], 0, SOLVED
        for tape in self.tapes:
            why, registers, t = run(tape, tape.blank(ip, prior), self.q, t, self.steps, self.found)
            if why == REQUEST:
                active.append((tape, registers))
            elif why != SOLVED:
                break
        self.spent, self.t, self.P = t, t, 1.0
        solved = why in (REQUEST, SOLVED) and (not active or self.prolong(active, t, 1.0))
        tokens = self.q[self.start:] if solved else None
        del self.q[self.start:]
        self.undo(0)
        return tokens

    def undo(self, mark):
        """Take back what was written since the trail had length mark."""
        trail = self.trail
        while len(trail) > mark:
            cells, k, old = trail.pop()
            cells[k] = old

    def routes(self, prior, kind, missing, thin):
        """Return the ways to an answer, as (probability of the tokens they need at least, steps a task beside those of
        the missing cells or moves): from a prior, and from after a boostq now, its own steps included.

        An answer is completed by code on the stack (bsf; endnp, which wants two cells on Ds: thin, if they are not
        there), or by tokens that write or move, one for each missing cell or move; of the two that defnp writes only
        the last, at the beginning of the answer, can be part of it. After more than one boostq no probability exceeds
        the larger of what it was and its largest share of a program.
        """
        def ways(p):
            symbol = max(p[ONE], p[TWO])
            writer = max(symbol, p[DEFNP])
            if kind == "H":
                direct = p[MVDSK] ** missing
            else:
                direct = max(writer, p[DELD]) if missing <= 1 else writer * symbol ** (missing - 1)
            return [(p[BSF], 1), (p[ENDNP] * (writer if thin else 1), 12 + (thin and kind == "H")),
                    (direct, 0)]

        p, after = prior.p, []
        if self.found and p[BOOSTQ]:
            most = {token: max(p[token], *(program.count(token) / len(program) for program in self.found))
                    for token in p}
            shortest = min(map(len, self.found))
            after = [(chance, steps + len(program)) for program in self.found
                     for chance, steps in ways(prior.boost(program).p)]
            after += [(most[BOOSTQ] * chance, steps + 2 * shortest) for chance, steps in ways(most)]
        return [[(chance, steps) for chance, steps in some if chance and not any(
            other >= chance and less <= steps and (other, less) != (chance, steps) for other, less in some)]
            for some in (ways(p) + [(p[BOOSTQ] * chance, steps) for chance, steps in after], after)]

    def least(self, active, t, budget):
        """Return the least probability, by ROLE, with which a token can lead to a solution; inf: it is illegal now.

        Without look-ahead a token must leave time for a step. With it, every task needs the time for what is missing:
        two steps, one for its test, for each cell of the answer above the highest Ds so far; a step for each move that
        is left. And a token that does not complete the answer must be followed by one of the `routes`.
        """
        tasks, (tape, registers) = len(active), active[0]
        if not self.lookahead:
            return ((t + tasks) / budget,) * 6
        kind, base, dp, prior, thin = tape.kind, registers[1], registers[4], registers[8], registers[5] < 2
        if kind == "H":
            missing = [moves_left(*registers[7][:3]) for _, registers in active]
            t += sum(missing)
        else:
            missing = [max(0, 2 * tape.n - registers[11]) for tape, registers in active]
            t += 2 * sum(missing)
        missing, top = max(missing), tape.ds[dp] if dp else -1

        def need(routes, own):
            return min([(t + (own + steps) * tasks) / chance for chance, steps in routes], default=inf)

        now, after = self.ways(prior, kind, missing, thin)
        if kind == "H":
            mover = t if missing <= 1 else need(self.ways(prior, kind, missing - 1, thin)[0], 0)
            writer = need(self.ways(prior, kind, missing, False)[0], 1)
        else:
            mover = inf
            writer = t if missing <= 1 else need(self.ways(prior, kind, max(1, missing - 2), False)[0], 0)
        return [steps / budget for steps in (
            t + tasks if 1 <= base + top + 1 < dp else inf, inf if thin else t + 12 * tasks,
            need(after, 0) if 1 <= top <= len(self.found) else inf, mover, writer, need(now, 1))]

    def prolong(self, active, t, P):
        """Try every next token of a prefix that has taken t steps and has probability P; active: its unsolved tasks.

        Returns True, and leaves the code, if a prolongation solves all tasks.
        """
        q, found, steps = self.q, self.found, self.steps
        mark = len(self.trail)
        for token, p in active[0][1][8].above(self.least(active, t, P * steps)):
            p *= P
            limit, now, still, why = int(p * steps), t, [], SOLVED
            q.append(token)
            for tape, registers in active:
                why, registers, now = (push if C0 <= token <= C5 else run)(tape, registers, q, now, limit, found)
                if why == REQUEST:
                    still.append((tape, registers))
                elif why != SOLVED:
                    break
            self.spent += now - t
            self.prefixes += 1
            self.ends[len(q) - self.start, why] += 1
            if not self.prefixes & self.prefixes - 1:
                self.samples.append((listing(q[self.start:]), why))
            if why == REQUEST or why == SOLVED:
                if not still:
                    self.P, self.t = p, now
                    return True
                if self.prolong(still, now, p):
                    return True
            q.pop()
            self.undo(mark)
        return False


class Snapshot(NamedTuple):
    """A subsearch that has ended."""
    step: int                   # time steps granted so far, to all subsearches
    kind: str                   # the class of tasks
    n: int                      # the task: the largest size asked for
    half: str                   # "prolong" the latest program, or "fresh"
    search: Try
    tokens: list | None         # what it appended to the code to solve the task
    found: list                 # the programs found so far, live: tuples of token numbers


def first_prior(language, prior, rng):
    """Return the Prior of a fresh start; rng permutes the order in which tokens are tried."""
    tokens = rng.permutation(words(LANGUAGES[language])).tolist()
    likely = words("c2 c3 c4 c5 boostq") if prior == "small" else ()
    return Prior({token: 1 + len(tokens) * (token in likely) for token in tokens})


def train(config, seed):
    """OOPS: solve the tasks of each class in turn; yield a Snapshot after each subsearch. Methods 3.1 and 4.2.

    T / 2 = 1, 2, 4, ... steps for each half. Every class starts with fresh programs and the first prior. A prolonged
    program keeps its number among the found programs. Ends early where 2^config.limit steps are not enough.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    q, found, granted = LIBRARY.copy(), [], 0
    stages = [("A", "L8", "uniform", 1)] * config.taught
    stages += [(kind, config.language, config.prior, config.first) for kind in config.tasks]
    for kind, language, weights, first in stages:
        prior, latest = first_prior(language, weights, rng), None
        for n in range(first, (config.disks if kind == "H" else config.sizes) + 1):
            tokens, steps = None, 1
            while tokens is None:
                if steps > 2 ** config.limit:
                    return
                for half in ("fresh",) if latest is None else ("prolong", "fresh"):
                    sizes, start = ([n], latest) if half == "prolong" else (range(1, n + 1), len(q))
                    search = Try(q, kind, sizes, found, steps, config.lookahead)
                    tokens = search.search(start, prior)
                    granted += steps
                    if tokens is not None:
                        break
                    yield Snapshot(granted, kind, n, half, search, None, found)
                steps *= 2
            if half == "prolong":
                found[-1] += tuple(tokens)
            else:
                found.append(tuple(tokens))
                latest = start
            q += tokens
            yield Snapshot(granted, kind, n, half, search, tokens, found)


# ---------------------------------------------------------------- Experiment
RAMP, HANOI = "defnp c1 calltp c2 endnp", "defnp c4 calltp c3 c5 calltp endnp"    # the paper's programs, section 6.4
LOUD = "c3 c4 c5 by2 dec boostq"                                                  # what the paper boosts for Hanoi
PUBLISHED = {"A": RAMP, "C": "defnp c2 calltp c1 endnp", "H": HANOI}


def execute(program, kind, n, limit=10 ** 12, **options):
    """Run a whole program on one task. Returns whether it solves it, its time steps, and the moves made (Hanoi)."""
    task = tape(kind, n, **options)
    why, registers, t = run(task, task.blank(len(LIBRARY), None), LIBRARY + words(program), 0, limit)
    return why == SOLVED, t, registers[7][3] if kind == "H" else 0


def induction(most):
    """Return the moves of the published Hanoi program for `most` disks, or NaN if a size up to it is not solved so.

    Size n is run with the calls for up to n - 1 disks done at once: each checks that its disks lie on the peg it
    leaves, and counts 2^m - 1 moves, which size m was just seen to make.
    """
    runs = [execute(HANOI, "H", n, memo=n - 1) for n in range(1, most + 1)]
    good = all(solved and moves == 2 ** n - 1 for n, (solved, _, moves) in enumerate(runs, 1))
    return runs[-1][2] if good else np.nan


def probability(program, n_Q, loud="", found=(), kind="A"):
    """Return the probability of a program in a language of n_Q tokens, by running it: every token has the probability
    that the tape's prior gives it at that moment. loud: tokens of weight 1 + n_Q; found: what boostq can name."""
    known = dict.fromkeys(words(f"c1 c2 defnp calltp endnp {LOUD} {program}"), 1)
    known |= {len(NAMES) + i: 1 for i in range(n_Q - len(known))}                 # the others need no name here
    known |= dict.fromkeys(words(loud), 1 + n_Q)
    task, q, P, t = tape(kind, 1), LIBRARY.copy(), 1.0, 0
    registers = task.blank(len(q), Prior(known))
    for token in words(program):
        P *= registers[8].p[token]
        q.append(token)
        _, registers, t = run(task, registers, q, t, inf, found)
    return P


def gain(n_Q):
    """Return how much more probable the published Hanoi program becomes by boosting the 1^n 2^n solver first.

    ((1+n) / 7n)^3 ((1+n) / 12n)^7  over  ((1+n) / 7n)^3 (1 / 7n)^4, n = n_Q. Section 6.5, there for n_Q = 73.
    """
    return ((1 + n_Q) / (12 * n_Q)) ** 7 * (7 * n_Q) ** 4


def replay(config, seed):
    """The published programs, run by our interpreter. Metrics: A and H solved literally (of 30; of config.disks, in the
    fewest moves); the moves of H_30 by induction, and its steps; probabilities with and without the boost, their ratio,
    also for the small language and its class C; readings of the paper's numbering (of 12) that solve H_1 ... H_6; the
    smallest n_Q at which the boost pays. Curves: time steps by n."""
    ramp = [execute(RAMP, "A", n) for n in range(1, 31)]
    hanoi = [execute(HANOI, "H", n) for n in range(1, config.disks + 1)]
    renamed = [HANOI.translate(str.maketrans("345", "".join(order))) for order in permutations("345")]
    readings = [all(execute(program, "H", n, top=top)[0] for n in range(1, 7)) for program in renamed
                for top in (True, False)]
    found = [(), tuple(words(RAMP))]
    biased, plain = probability(f"c3 dec boostq {HANOI}", 73, LOUD, found), probability(HANOI, 73, LOUD)
    small = {kind: [probability(text, 26, "c2 c3 c4 c5 boostq", found) for text in (f"c2 boostq {program}", program)]
             for kind, program in PUBLISHED.items()}
    return ({"ramp": sum(solved for solved, *_ in ramp),
             "hanoi": sum(solved and moves == 2 ** n - 1 for n, (solved, _, moves) in enumerate(hanoi, 1)),
             "moves": hanoi[-1][2], "moves_30": induction(30), "steps_30": execute(HANOI, "H", 30, memo=29)[1],
             "P": biased, "plain": plain, "ratio": biased / plain, "plain_C": small["C"][1], "plain_H": small["H"][1],
             "ratio_C": small["C"][0] / small["C"][1], "ratio_H": small["H"][0] / small["H"][1],
             "readings": sum(readings), "pays_from": min(n for n in range(7, 74) if gain(n) > 1)},
            {"ramp_steps": [t for _, t, _ in ramp], "hanoi_steps": [t for _, t, _ in hanoi]})


def oops(config, seed):
    """OOPS on classes of tasks. Metrics, of the last class: sizes solved (the published Hanoi program: 30 if it solves
    30 disks by induction); of the last new program P, time t, cost t / P, whether it is published and whether it
    contains boostq; the largest subsearch that ended without a solution; granted: steps of all subsearches of all
    classes; spent: steps done; prefixes run; worst: steps granted * P / t of a task, the largest. Of class A: sizes
    solved, published, granted. Curves: a row for each solved task; the subsearches of the task with the largest; the
    prefixes of the largest by length and end; the programs."""
    tasks, last, done, before, vain = [], config.tasks[-1], Counter(), 0, 1
    searches, largest, solution = {}, None, {}
    for s in watch(train(config, seed), 2 ** config.limit, f"seed {seed}"):
        done.update(spent=s.search.spent, prefixes=s.search.prefixes)
        rows = searches.setdefault((s.kind, s.n), [])
        rows.append((s.half, log2(s.search.steps), s.search.prefixes, s.search.spent))
        if largest is None or s.kind != largest.kind or s.search.steps >= largest.search.steps:
            largest = s
        if s.kind == last and s.tokens is None:
            vain = max(vain, s.search.steps)
        if s.tokens is not None:
            how = s.half if s.tokens else "reuse"
            tasks.append((s.kind, s.n, how, log2(s.search.steps), s.search.P, s.search.t, s.step, done["prefixes"],
                          (s.step - before) * s.search.P / s.search.t))
            before = s.step
            if s.tokens:
                solution[s.kind] = s.n, listing(s.tokens), s.search.P, s.search.t, listing(s.found[-1])
    size = {kind: max((task[1] for task in tasks if task[0] == kind), default=0) for kind in "ACH"}
    if last == "H" and solution.get("H", [""])[-1] == HANOI and size["H"] == config.disks:
        size["H"] = 30 if induction(30) == 2 ** 30 - 1 else size["H"]
    _, _, P, t, program = solution.get(last, (0, "", np.nan, np.nan, ""))
    ends = [(length, why, count) for (length, why), count in sorted(largest.search.ends.items())]
    return ({"solved": size[last], "P": P, "t": t, "cost": t / P, "boosted": int("boostq" in program),
             "published": int(program.endswith(PUBLISHED[last])), "vain": vain, "granted": s.step, **done,
             "worst": max((task[-1] for task in tasks), default=np.nan), "solved_A": size["A"],
             "published_A": int(solution.get("A", [""])[-1] == RAMP),
             "granted_A": max((task[6] for task in tasks if task[0] == "A"), default=0)},
            {"tasks": tasks[:100], "searches": searches[largest.kind, largest.n][:80], "ends": ends[-200:],
             "programs": "\n".join(f"{kind}, from n = {n}: {program}" + f"  (new: {new})" * (new != program)
                                   for kind, (n, new, _, _, program) in solution.items())})


def extrapolated(searches, steps):
    """Return the prefixes of a subsearch of so many steps: a power law through the last eight subsearches of a task."""
    x, y = np.log2([(2 ** log2_steps, prefixes) for _, log2_steps, prefixes, _ in searches[-8:]]).T
    slope, offset = np.polyfit(x, y, 1)
    return 2 ** (offset + slope * log2(steps))


B5 = {"language": "L26", "prior": "small"}
ARMS = {
    "oops-L8": Arm(oops, Config()),
    "published": Arm(replay, Config()),
    "taught-C": Arm(oops, Config(tasks="C", taught=True, first=3, **B5)),
    "scratch-C": Arm(oops, Config(tasks="C", first=3, limit=35, **B5)),
    "taught-C-L9": Arm(oops, Config(language="L9", tasks="C", taught=True, first=3)),
    "taught-H": Arm(oops, Config(tasks="H", taught=True, first=2, limit=38, **B5)),
    "scratch-H": Arm(oops, Config(tasks="H", first=2, limit=40, **B5)),
    "all-prefixes": Arm(oops, Config(tasks="H", first=2, limit=28, lookahead=False, **B5)),
    "scratch-C-long": Arm(oops, Config(tasks="C", first=3, limit=37, **B5)),
    "literal-20": Arm(replay, Config(disks=20)),
    "quick-oops": Arm(oops, Config(tasks="A", sizes=4)),
    "quick-published": Arm(replay, Config(disks=5)),
}
PRESETS = {
    "quick": ("quick-oops", "quick-published"),
    "default": ("oops-L8", "published", "taught-C", "scratch-C", "taught-C-L9"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
TESTED, ANALYSED, OWN = "section 6.4", "section 6.5", "our setting"
CLAIMS = (
    Claim("OOPS, 8 tokens, from scratch: disks for which the program it ends with solves Hanoi in the fewest moves",
          lambda r: r["oops-L8"]["solved"].min(), ">= 30", "30 (73 tokens)", "paper", TESTED, n=10, show="{:.0f}",
          substitute=True),
    Claim("OOPS, 8 tokens: sizes of 1^n 2^n that it solves before", lambda r: r["oops-L8"]["solved_A"].min(), ">= 30",
          "30", "paper", TESTED, n=10, show="{:.0f}", substitute=True),
    Claim("8 tokens: runs whose program for 1^n 2^n is the paper's, token by token",
          lambda r: r["oops-L8"]["published_A"].mean(), ">= 1", "defnp c1 calltp c2 endnp", "paper", TESTED,
          n=10, show="{:.0%}", substitute=True),
    Claim("8 tokens: runs whose Hanoi program is the paper's, token by token",
          lambda r: r["oops-L8"]["published"].mean(), ">= 1", "defnp c4 calltp c3 c5 calltp endnp", "paper", TESTED,
          n=10, show="{:.0%}", substitute=True),
    Claim("bias-optimality: steps granted to a task, times P / t of its program, largest of all tasks and searches",
          lambda r: max(r[name]["worst"].max() for name in ("oops-L8", "taught-C", "taught-C-L9")), "<= 8", "8",
          "paper", "section 4.4", n=10, show="{:.2f}"),
    Claim("the paper's solver of 1^n 2^n, run literally: sizes solved of 30", lambda r: r["published"]["ramp"].mean(),
          ">= 30", "30", "exact", TESTED, show="{:.0f}"),
    Claim("the paper's Hanoi solver, run literally: sizes solved of 14, in 2^n - 1 moves",
          lambda r: r["published"]["hanoi"].mean(), ">= 14", "all", "exact", TESTED, show="{:.0f}"),
    Claim("the same with 30 disks: moves, by induction over the calls", lambda r: r["published"]["moves_30"].mean(),
          "1073741823..1073741823", "2^30 - 1", "exact", TESTED, show="{:,.0f}"),
    Claim("the same with 20 disks: moves, run literally", lambda r: r["literal-20"]["moves"].mean(),
          "1048575..1048575", "not run", "exact", "2^20 - 1", show="{:,.0f}"),
    Claim("with 30 disks: time steps", lambda r: r["published"]["steps_30"].mean(), "", "not given", "exact", TESTED,
          show="{:.3g}"),
    Claim("readings of the paper's instruction numbers, of 12, with which its Hanoi solver works",
          lambda r: r["published"]["readings"].mean(), "1..1", "two are given", "exact", "sections 6.3 and 6.5",
          show="{:.0f}"),
    Claim("73 tokens: probability of the Hanoi solver that boosts the solver of 1^n 2^n",
          lambda r: r["published"]["P"].mean(), "9.315e-11..9.325e-11", "9.3e-11", "paper", ANALYSED, show="{:.3g}"),
    Claim("73 tokens: probability of its suffix alone, without the boost", lambda r: r["published"]["plain"].mean(),
          "4.445e-14..4.455e-14", "4e-14", "paper", ANALYSED, show="{:.3g}"),
    Claim("73 tokens: ratio of the two", lambda r: r["published"]["ratio"].mean(), "", "about 1000", "paper", ANALYSED,
          show="{:,.0f}"),
    Claim("the boost pays from so many tokens on", lambda r: r["published"]["pays_from"].mean(), "", "not given",
          "exact", "the paper's prior", show="{:.0f}"),
    Claim("2^n 1^n after 1^n 2^n, 26 tokens: sizes solved", lambda r: r["taught-C"]["solved"].min(), ">= 30", "not run",
          "trial", OWN, n=10, show="{:.0f}"),
    Claim("2^n 1^n without 1^n 2^n before: sizes solved in up to 2^35 steps a subsearch",
          lambda r: r["scratch-C"]["solved"].max(), "<= 0", "not run", "control", OWN, n=10, show="{:.0f}"),
    Claim("steps of a subsearch for 2^n 1^n: in vain without 1^n 2^n before, over t / P of the find with it before",
          lambda r: r["scratch-C"]["vain"].min() / r["taught-C"]["cost"].max(), ">= 20", "not run", "trial", OWN, n=10,
          show="{:.1f}"),
    Claim("steps granted in all phases: in vain without 1^n 2^n before, over all those with it before",
          lambda r: r["scratch-C-long"]["granted"].min() / r["taught-C"]["granted"].max(), ">= 20", "not run", "trial",
          OWN, show="{:.1f}"),
    Claim("26 tokens: programs found for 2^n 1^n that boost first", lambda r: r["taught-C"]["boosted"].mean(), ">= 1",
          "not run", "trial", OWN, n=10, show="{:.0%}"),
    Claim("9 tokens, where the boost does not pay: programs found that boost first",
          lambda r: r["taught-C-L9"]["boosted"].mean(), "<= 0", "not run", "control", OWN, n=10, show="{:.0%}"),
    Claim("26 tokens: P of the boosting program over P of the plain one, 2^n 1^n",
          lambda r: r["published"]["ratio_C"].mean(), "", "not run", "exact", OWN, show="{:,.0f}"),
    Claim("Hanoi after 1^n 2^n, 26 tokens: disks solved", lambda r: r["taught-H"]["solved"].min(), ">= 14", "30",
          "trial", OWN, show="{:.0f}"),
    Claim("Hanoi without 1^n 2^n before: disks solved", lambda r: r["scratch-H"]["solved"].max(), "<= 3", "3",
          "paper", "section 6.3", show="{:.0f}"),
    Claim("steps of a subsearch for Hanoi: in vain without 1^n 2^n before, over t / P of the find with it before",
          lambda r: r["scratch-H"]["vain"].min() / r["taught-H"]["cost"].max(), ">= 10", "not found in a week", "trial",
          OWN, show="{:.1f}"),
    Claim("26 tokens: P of the boosting Hanoi program over P of the plain one",
          lambda r: r["published"]["ratio_H"].mean(), ">= 50", "2093 for 73 tokens", "exact", OWN, show="{:,.0f}"),
    Claim("steps granted until 1^n 2^n is solved (8 tokens; the paper's had 73)",
          lambda r: np.median(r["oops-L8"]["granted_A"]), "", "3e10", "trial", TESTED, n=10, show="{:.2g}"),
    Claim("steps granted until Hanoi is solved, 1^n 2^n included (8 tokens; the paper's had 73)",
          lambda r: np.median(r["oops-L8"]["granted"]), "", "5e11", "trial", TESTED, n=10, show="{:.2g}"),
    Claim("prefixes of the paper's search, by extrapolation of ours without look-ahead (26 tokens; the paper's had 73)",
          lambda r: extrapolated(r["all-prefixes"]["searches"][0], 6.8e11 / 2), "", "9.4e10", "trial", TESTED,
          show="{:.2g}"),
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
