# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Six-bit parity by probabilistic incremental program evolution (PIPE): from sines and cosines, without crossover.

R. Salustowicz, J. Schmidhuber, "Probabilistic incremental program evolution", Evolutionary Computation 5(2):123-141,
1997; shorter in ECML-97, LNAI 1224:213-220. The 6-bit parity experiment.

A program should tell for all 64 vectors of six bits whether the number of ones is even. Parity gives no credit for a
part of the inputs: a function that ignores one bit is wrong on exactly half of the patterns. PIPE keeps no population
but one probabilistic prototype tree: at each node a probability vector P over all instructions, and a constant R. A
program is sampled from the root down. After each generation of PS programs the tree moves towards the best of them, b,
until its probability P(b), the product of its chosen entries, has grown a little:

    P*(b) = P(b) + (1 - P(b)) lr (eps + FIT(el)) / (eps + FIT(b))          el: the best program so far
    P := P + c lr (1 - P)   for all chosen entries, again and again, until P(b) >= P*(b);  c = 0.1

The other entries of each vector are scaled so that it sums to 1, and b's constants are stored. Then entries of b's
nodes mutate, each with probability P_M / (z sqrt|b|): P := P + mr (1 - P), renormalised (z instructions, |b| nodes).
Subtrees are deleted where an entry above T_P makes them unnecessary. FIT is the number of wrong patterns; of equally
good programs the smaller is better.

The instructions are those of the paper's regression, + - * % sin cos exp rlog R (% and rlog protected), and x0 ... x5;
an output above 0 says "even". So a wave over the number of ones can approach parity step by step. The second experiment
has the gates AND, OR, NOT, IF instead, without sums. The budget is 500,000 program evaluations. Controls: random
search, Koza's genetic programming with the same evaluator, PIPE with parts removed.

    python3 pipe_6_bit_parity.py --seed 0
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
import gc
import math
from bisect import bisect
from random import Random

gc.set_threshold(100_000)                                       # programs hold no cycles: look for them seldom


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    functions: str = option("real", "the function set", choices=("real", "gates"))
    bits: int = option(6, "number of inputs", low=1)
    even: bool = option(True, "an output above 0 says even; False: odd")
    evaluations: int = option(500_000, "budget: programs made and evaluated", low=1)
    runs: int = option(1, "independent runs of a seed", low=1)
    terminals: float = option(0.6, "P_T, initial probability of a terminal")
    population: int = option(10, "PS, programs of a generation", low=1)
    rate: float = option(0.01, "lr, learning rate")
    step: float = option(0.1, "c, the learning loop moves by c lr")
    eps: float = option(1.0, "constant in the ratio of the two errors")
    ratio: bool = option(True, "scale the step by the ratio of the two errors")
    elitist: float = option(0.0, "P_el, probability of learning from the best program so far")
    mutation: float = option(0.4, "P_M, probability of mutation")
    mutation_rate: float = option(0.4, "mr, size of a mutation")
    reuse: float = option(0.3, "T_R, stored constants are used where P(R) is above it")
    prune: float = option(0.999999, "T_P, threshold of pruning")
    restart: int = option(0, "start again after so many evaluations without a better program; 0: never")
    most: int = option(400, "PIPE: a program with more nodes counts as evaluated and failed", low=1)
    tournament: int = option(7, "genetic programming: tournament size", low=1)
    crossover: float = option(0.9, "genetic programming: share of the programs that are made by crossover")
    depth: int = option(17, "genetic programming: greatest depth of a program", low=1)

    def __post_init__(self):
        """Refuse, with OSError, settings under which learning has no end or probabilities leave 0 to 1."""
        if not (self.rate < 1 and 0 < self.step <= 1 and self.mutation_rate <= 1 and self.eps > 0):
            raise OSError("--rate must be below 1, --step above 0 and at most 1, --mutation-rate at most 1, "
                          "--eps above 0")


# ---------------------------------------------------------------- Problem
HOPELESS = 1e30                                                                   # worse than any number of patterns


def patterns(bits):
    """Return all vectors of so many bits (bits, 2^bits), and for each whether its number of ones is even."""
    x = np.arange(2**bits) >> np.arange(bits)[:, None] & 1
    return x, x.sum(0) % 2 == 0


def divide(a, b):
    """Return a / b, and 1 where b is 0."""
    quotient = a / b
    if np.count_nonzero(b) < b.size:
        quotient[b == 0] = 1
    return quotient


def rlog(a):
    """Return ln |a|, and 0 where a is 0."""
    logarithm = np.log(np.abs(a))
    if np.count_nonzero(a) < a.size:
        logarithm[a == 0] = 0
    return logarithm


REAL = (("+", np.add, 2), ("-", np.subtract, 2), ("*", np.multiply, 2), ("%", divide, 2),
        ("sin", np.sin, 1), ("cos", np.cos, 1), ("exp", np.exp, 1), ("rlog", rlog, 1))


class Language(NamedTuple):
    """The instructions of a task, functions first, and the judge of what a program computes."""
    names: tuple
    arity: tuple                # number of arguments; 0: a terminal
    apply: tuple                # the functions
    inputs: dict                # terminal -> its values on all patterns
    constant: int               # the instruction R, or -1
    judge: Callable             # values of a program -> its error


def make_language(config):
    """Return the Language of a task: real numbers, an array over the patterns; gates, an int with a bit for each.

    Raises OSError if there are more bits than an evaluation can list.
    """
    if config.bits > 12:
        raise OSError("--bits must be at most 12: every program is run on all patterns")
    x, even = patterns(config.bits)
    right = even == config.even
    xs = tuple(f"x{i}" for i in range(config.bits))
    if config.functions == "real":
        names, apply, arity = zip(*REAL)

        def judge(values):
            return int(np.count_nonzero((values > 0) != right))                   # NaN is not above 0

        inputs = {8 + i: row.astype(float) for i, row in enumerate(x)}
        return Language(names + xs + ("R",), arity + (0,) * (config.bits + 1), apply, inputs, 8 + config.bits, judge)
    as_int = lambda flags: sum(int(flag) << i for i, flag in enumerate(flags))
    every, target = as_int(np.ones(2**config.bits)), as_int(right)
    apply = (lambda a, b: a & b, lambda a, b: a | b, lambda a: a ^ every, lambda c, a, b: c & a | (c ^ every) & b)
    return Language(("AND", "OR", "NOT", "IF") + xs, (2, 2, 1, 3) + (0,) * config.bits, apply,
                    {4 + i: as_int(row) for i, row in enumerate(x)}, -1, lambda value: (value ^ target).bit_count())


# ---------------------------------------------------------------- Model
class Program:
    """An expression that never changes; it carries what it computes on all cases, so a new one costs only its root."""
    __slots__ = ("op", "kids", "value", "size", "depth", "inner", "constant")

    def __init__(self, op, kids, value, constant=None):
        self.op, self.kids, self.value, self.constant = op, kids, value, constant
        self.size, self.depth, self.inner = 1, 0, len(kids) > 0                   # inner: nodes that are functions
        for kid in kids:
            self.size += kid.size
            self.inner += kid.inner
            if kid.depth >= self.depth:
                self.depth = kid.depth + 1


class Workshop:
    """Makes programs of a language. Equal ones are made, and evaluated, only once."""

    def __init__(self, language, random):
        self.language, self.random, self.made = language, random, {}
        self.inputs = {op: Program(op, (), value) for op, value in language.inputs.items()}

    def constant(self):
        """Return a new constant, uniform in [0, 1)."""
        value, (like, *_) = self.random(), self.language.inputs.values()
        return Program(self.language.constant, (), np.full_like(like, value), value)

    def combine(self, key):
        """Return the program op(a, ...) of a key (op, a, ...)."""
        program = self.made.get(key)
        if program is None:
            if len(self.made) > 20_000:
                self.made.clear()
            op, *kids = key
            program = Program(op, kids, self.language.apply[op](*[kid.value for kid in kids]))
            self.made[key] = program
        return program


def text(program, language, digits=17):
    """Return a program as a formula."""
    name, kids = language.names[program.op], [text(kid, language, digits) for kid in program.kids]
    if program.op == language.constant:
        return f"{program.constant:.{digits}g}"
    if name in ("+", "-", "*"):
        return f"({kids[0]} {name} {kids[1]})"
    return f"{'div' if name == '%' else name}({', '.join(kids)})" if kids else name


@np.errstate(all="ignore")
def evaluate(program, language, inputs, scale=1.0):
    """Return what a program computes on other inputs, terminal -> values, with its constants multiplied by scale."""
    if program.kids:
        return language.apply[program.op](*[evaluate(kid, language, inputs, scale) for kid in program.kids])
    like, *_ = inputs.values()
    return np.full_like(like, program.constant * scale) if program.op == language.constant else inputs[program.op]


class Node:
    """A node of the prototype tree: P, its running sums but the last, the nodes of the arguments, and R."""
    __slots__ = ("p", "sums", "kids", "constant")


class Tree:
    """The probabilistic prototype tree. Nodes come into being when a sampled program first reaches them.

    Raises OSError if initial programs would have no end.
    """

    def __init__(self, language, config, random):
        arity, self.language, self.config = language.arity, language, config
        share, k = config.terminals, len(language.apply)
        if (1 - share) * sum(arity) / k >= 1 or share > 1:
            raise OSError("--terminals must be at most 1 and leave less than one argument a node on average")
        self.p = [share / (len(arity) - k) if a == 0 else (1 - share) / k for a in arity]
        self.sums = np.cumsum(self.p)[:-1].tolist()
        self.shop, self.random = Workshop(language, random), random
        self.root, self.sample = self.node(), self.sampler()

    def node(self):
        """Return a new node with the initial probabilities."""
        node = Node()
        node.p, node.sums, node.kids, node.constant = self.p, self.sums, [], None
        return node

    def sampler(self):
        """Return sample(node), which draws a program from a node down. (A closure: names are found faster.)"""
        random, shop, node_of, reuse = self.random, self.shop, self.node, self.config.reuse
        arity, r = self.language.arity, self.language.constant
        inputs, made, combine = shop.inputs, shop.made, shop.combine

        def sample(node):
            op = bisect(node.sums, random())
            n = arity[op]
            if n == 0:
                if op != r:
                    return inputs[op]
                if node.p[r] <= reuse:
                    return shop.constant()
                if node.constant is None:
                    node.constant = shop.constant()
                return node.constant
            kids = node.kids
            while len(kids) < n:
                kids.append(node_of())
            if n == 1:
                key = op, sample(kids[0])
            elif n == 2:
                key = op, sample(kids[0]), sample(kids[1])
            else:
                key = op, *map(sample, kids)
            return made.get(key) or combine(key)

        return sample

    def path(self, program):
        """Return the tree's nodes that a program uses and its instruction at each, from the root down."""
        pairs = [(self.root, program)]
        for node, part in pairs:                                                  # the list grows while it is read
            while len(node.kids) < len(part.kids):
                node.kids.append(self.node())
            pairs.extend(zip(node.kids, part.kids))
        return pairs

    def probability(self, program):
        """Return the natural logarithm of P(program)."""
        return sum(math.log(node.p[part.op]) for node, part in self.path(program))


# ---------------------------------------------------------------- Learning
def loops(p, step, goal):
    """Return how often P := P + step (1 - P) must be applied to all p (n,) until the product is at least goal.

    It has a closed form, 1 - P_k = (1 - step)^k (1 - P_0), so k is found by bisection; goal is a logarithm.
    """
    decay, lack = math.log1p(-step), p - 1
    enough = lambda k: np.log1p(lack * math.exp(k * decay)).sum() >= goal
    low, high = -1, 0
    while not enough(high):
        low, high = high, 2 * high + 512
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


@np.errstate(divide="ignore")
def learn(tree, pairs, scale):
    """Move the tree towards the program whose path is given; return its new vectors (nodes, z), not yet stored.

    scale: (eps + FIT(el)) / (eps + FIT(b)). The constants of the program are stored at its nodes.
    """
    config, rows = tree.config, np.arange(len(pairs))
    P, op = np.array([node.p for node, _ in pairs]), np.array([part.op for _, part in pairs])
    p = P[rows, op]
    joint = math.exp(np.log(p).sum())
    goal = math.log(joint + (1 - joint) * config.rate * scale) if config.rate else -math.inf
    shrink = (1 - config.step * config.rate) ** loops(p, config.step * config.rate, goal)
    P *= shrink                                                                   # so that each vector still sums to 1
    P[rows, op] += 1 - shrink
    for node, part in pairs:
        if part.op == tree.language.constant:
            node.constant = part
    return P


def mutate(P, config, rng):
    """Mutate the vectors P (n, z) of a program's nodes in place and renormalise those that changed."""
    hit = rng.random(P.shape) < config.mutation / (P.shape[1] * math.sqrt(len(P)))
    P[hit] += config.mutation_rate * (1 - P[hit])
    changed = hit.any(1)
    P[changed] /= P[changed].sum(1, keepdims=True)


def store(tree, pairs, P):
    """Store the vectors and prune: delete the subtrees that the dominant instruction of a node does not need."""
    sums = P.cumsum(1)[:, :-1].tolist()
    for (node, _), p, s in zip(pairs, P.tolist(), sums):
        node.p, node.sums = p, s
    for i in np.flatnonzero(P.max(1) > tree.config.prune):
        del pairs[i][0].kids[tree.language.arity[P[i].argmax()]:]


class Snapshot(NamedTuple):
    """The state after a generation."""
    step: int                   # programs evaluated so far
    best: Program               # the best so far
    error: float                # its error
    tree: Tree                  # the prototype tree; None for genetic programming
    size: int                   # nodes of the generation's best program


def streams(seed, replicate):
    """Return the two random streams of a run: one for programs, one for mutations of the tree."""
    programs, mutations = np.random.SeedSequence([seed, replicate]).spawn(2)
    return Random(int(programs.generate_state(1, np.uint64)[0])), np.random.default_rng(mutations)


@np.errstate(all="ignore")
def best_of(tree):
    """Sample a generation; return its best program and (error, size). What is too large or too deep fails."""
    config, judge, best, score = tree.config, tree.language.judge, None, (math.inf, 0)
    for _ in range(config.population):
        try:
            program = tree.sample(tree.root)
            error = judge(program.value) if program.size <= config.most else HOPELESS
        except RecursionError:
            program, error = next(iter(tree.shop.inputs.values())), HOPELESS
        if (error, program.size) < score:
            best, score = program, (error, program.size)
    return best, score


def train(config, seed, replicate=0):
    """Run PIPE; yield a Snapshot after each generation. The best so far outlives a new start (config.restart)."""
    random, rng = streams(seed, replicate)
    language = make_language(config)
    tree, best, best_score = Tree(language, config, random.random), None, (math.inf, 0)
    el, el_score, step, news = None, (math.inf, 0), 0, 0
    while step < config.evaluations:
        if config.restart and step - news >= config.restart:
            tree, el, el_score, news = Tree(language, config, random.random), None, (math.inf, 0), step
        elitist = el is not None and random.random() < config.elitist
        b, score = (el, el_score) if elitist else best_of(tree)
        if score < el_score:
            el, el_score, news = b, score, step
        if el_score < best_score:
            best, best_score = el, el_score
        if config.rate or config.mutation:
            pairs = tree.path(b)
            P = learn(tree, pairs, (config.eps + el_score[0]) / (config.eps + score[0]) if config.ratio else 1.0)
            if not elitist:
                mutate(P, config, rng)
            store(tree, pairs, P)
        if not elitist:
            step += config.population
            yield Snapshot(step, best, best_score[0], tree, b.size)


# Genetic programming, the control.
def grow(shop, random, depth, full):
    """Return a random program: every branch `depth` deep if full, else any instruction at any node."""
    language, k = shop.language, len(shop.language.apply)
    op = random.randrange(k if full else len(language.names)) if depth else random.randrange(k, len(language.names))
    if language.arity[op]:
        return shop.combine((op, *(grow(shop, random, depth - 1, full) for _ in range(language.arity[op]))))
    return shop.constant() if op == language.constant else shop.inputs[op]


def pick(program, random):
    """Return a random part of a program and its trail, (parent, place) from the top: a function nine times in ten."""
    inner = program.inner > 0 and random.random() < 0.9
    index, trail = random.randrange(program.inner if inner else program.size - program.inner), []
    while program.kids and (index or not inner):
        index -= inner                                                            # the function that is passed by
        place, weights = 0, [kid.inner if inner else kid.size - kid.inner for kid in program.kids]
        while index >= weights[place]:
            index -= weights[place]
            place += 1
        trail.append((program, place))
        program = program.kids[place]
    return program, trail


def graft(shop, trail, part):
    """Return the program in which `part` stands at the end of the trail."""
    for program, place in reversed(trail):
        part = shop.combine((program.op, *program.kids[:place], part, *program.kids[place + 1:]))
    return part


@np.errstate(all="ignore")
def breed(shop, random, population, scores, config):
    """Return the next generation, and how many of its programs are new. The best survives.

    Tournament selection; crossover gives two children, reproduction a copy. For a child that is too deep its parent
    goes on.
    """
    def select():
        return population[min((random.randrange(len(population)) for _ in range(config.tournament)),
                              key=scores.__getitem__)]

    new, made = [population[min(range(len(population)), key=scores.__getitem__)]], 0
    while len(new) < config.population:
        a = select()
        if random.random() >= config.crossover:
            new.append(a)
            continue
        b = select()
        (part, trail), (donor, other) = pick(a, random), pick(b, random)
        made += 2
        for parent, way, gift in ((a, trail, donor), (b, other, part)):
            child = graft(shop, way, gift)
            new.append(child if child.depth <= config.depth else parent)
    return new[:config.population], made


@np.errstate(all="ignore")
def first(shop, random, config):
    """Return the first generation, ramped half-and-half: depths 2 to 6, half of each depth full."""
    return [grow(shop, random, 2 + i // 2 % 5, i % 2) for i in range(config.population)]


def evolve(config, seed, replicate=0):
    """Run Koza's genetic programming; yield a Snapshot after each generation. Only new programs count as evaluated."""
    random, _ = streams(seed, replicate)
    language = make_language(config)
    shop = Workshop(language, random.random)
    population, step = first(shop, random, config), config.population
    while True:
        scores = [(language.judge(p.value), p.size) for p in population]
        error, best = min((score, i) for i, score in enumerate(scores))
        yield Snapshot(step, population[best], error[0], None, error[1])
        if step >= config.evaluations:
            return
        population, made = breed(shop, random, population, scores, config)
        step += max(made, 1)                                                      # copies alone must end, too


# ---------------------------------------------------------------- Experiment
def interpret(program, language, row):
    """Return what a program computes on one vector of bits, by Python's own arithmetic: the independent check."""
    kids, name = [interpret(kid, language, row) for kid in program.kids], language.names[program.op]
    if not kids:
        return program.constant if program.op == language.constant else row[int(name[1:])]
    a, b = kids[0], kids[-1]
    try:
        return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "%": lambda: a / b if b else 1.0,
                "sin": lambda: math.sin(a), "cos": lambda: math.cos(a), "exp": lambda: math.exp(a),
                "rlog": lambda: math.log(abs(a)) if a else 0.0, "AND": lambda: a and b, "OR": lambda: a or b,
                "NOT": lambda: not a, "IF": lambda: kids[1] if a else b}[name]()
    except (OverflowError, ValueError):                                           # exp(1000), sin(inf)
        return math.inf if name == "exp" else math.nan


def wrong_rows(program, config):
    """Return on how many patterns a program is wrong, by `interpret`."""
    language, (x, even) = make_language(config), patterns(config.bits)
    return sum((interpret(program, language, [int(bit) for bit in row]) > 0) != (e == config.even)
               for row, e in zip(x.T, even))


def proof(program, config):
    """Examine a program that solved the task. Returns a dict:

    checked: wrong patterns by the independent interpreter; margin: the least distance of an output from 0 (gates: NaN);
    robust: 1 if it stays right when all its constants are 1 % larger, and when they are 1 % smaller.
    """
    language, margin, robust = make_language(config), math.nan, 1
    if config.functions == "real":
        margin = min(1e9, float(np.abs(program.value).min()))
        robust = int(all(language.judge(evaluate(program, language, language.inputs, scale)) == 0
                         for scale in (0.99, 1.01)))
    return {"checked": wrong_rows(program, config), "margin": margin, "robust": robust}


def course(snapshots):
    """Follow a run until it ends or no pattern is wrong; return the last Snapshot and the wrong patterns at MARKS."""
    marks, curve, s = iter(MARKS), [], None
    mark = next(marks)
    for after in snapshots:
        while mark is not None and after.step > mark:
            curve.append(s and s.error)
            mark = next(marks, None)
        s = after
        if s.error == 0:
            break
    return s, curve + [s.error] * (len(MARKS) - len(curve))


def report(config, seed, method):
    """Run a method config.runs times and collect metrics and curves."""
    language, keys = make_language(config), ("solved", "wrong", "size", "checked", "margin", "robust")
    metrics, programs, courses = {key: [] for key in keys}, [], []
    for i in range(config.runs):
        s, curve = course(watch(method(config, seed, i), config.evaluations, f"seed {seed}, run {i}"))
        solved = s.error == 0
        facts = {"solved": s.step if solved else None, "wrong": s.error, "size": s.best.size,
                 **dict.fromkeys(keys[3:]), **(proof(s.best, config) if solved else {})}
        for key in keys:
            metrics[key].append(facts[key])
        programs.append(f"{s.error} wrong, {s.best.size} nodes: {text(s.best, language, 6)}")
        courses.append(curve)
    return metrics, {"programs": "\n".join(programs), "marks": MARKS, "course": courses}


def pipe(config, seed):
    """Metrics, one entry a run: solved, evaluations until no pattern was wrong (None: never); wrong, the least number
    of wrong patterns; size, nodes of that program; for solutions, what `proof` finds. Curves: the programs; the wrong
    patterns at MARKS."""
    return report(config, seed, train)


def gp(config, seed):
    """The same metrics and curves for genetic programming."""
    return report(config, seed, evolve)


def ladder(config, seed):
    """Enumerate what functions of less than the whole input achieve. Nothing is random.

    Metrics: changes_k, the fewest wrong patterns among all functions of the number of ones whose table changes k times;
    partial_low and partial_high, the fewest and the most wrong patterns among all functions of all inputs but one (the
    extremes over all tables are those over each entry by itself).
    """
    x, even = patterns(config.bits)
    ones, right = x.sum(0), even == config.even
    tables = (np.arange(2 ** (config.bits + 1))[:, None] >> np.arange(config.bits + 1) & 1).astype(bool)
    wrong, changes = (tables[:, ones] != right).sum(1), (tables[:, 1:] != tables[:, :-1]).sum(1)
    metrics = {f"changes_{k}": int(wrong[changes == k].min()) for k in range(config.bits + 1)}
    lows, highs = [], []
    for dropped in range(config.bits):
        cell = np.delete(x, dropped, 0).T @ 2 ** np.arange(config.bits - 1)
        true = np.bincount(cell, right, 2 ** (config.bits - 1))
        false = np.bincount(cell, ~right, 2 ** (config.bits - 1))
        lows.append(np.minimum(true, false).sum())
        highs.append(np.maximum(true, false).sum())
    return metrics | {"partial_low": int(min(lows)), "partial_high": int(max(highs))}, {}


def share(flags):
    """Return the share of true flags and the half-width of its 95 % interval (Wilson)."""
    n, p, z = len(flags), np.mean(flags), 1.96
    return p, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)


def solved(arm, within=math.inf):
    """Return the share of an arm's runs that solved the task within so many evaluations, and its half-width."""
    return share(arm["solved"] <= within)


def exact_test(a, b):
    """Return the two-sided p-value of Fisher's exact test: runs of two arms that solved the task."""
    x, y = (int((~np.isnan(arm["solved"])).sum()) for arm in (a, b))
    n, m = len(a["solved"]), len(b["solved"])
    ways = np.array([math.comb(n, i) * math.comb(m, x + y - i) for i in range(x + y + 1)], float)
    return float(ways[ways <= ways[x] * (1 + 1e-9)].sum() / ways.sum())


def of_solvers(metric):
    """Return the metric's median over the runs that solved the task; NaN if there is none."""
    return np.nanmedian(metric) if not np.isnan(metric).all() else math.nan


def solver_sizes(arm):
    """Return the sizes of the programs that solve the task."""
    return np.where(np.isnan(arm["solved"]), np.nan, arm["size"])


MARKS = [int(mark) for mark in np.unique(np.geomspace(10, 500_000, 20).round(-1))]
QUICK = {"evaluations": 500, "runs": 2}
NOTHING = {"rate": 0.0, "mutation": 0.0}
WITHIN = 200_000
WITHOUT = {"no-learning": {"rate": 0.0}, "no-mutation": {"mutation": 0.0}, "eps-1e-6": {"eps": 1e-6},
           "no-ratio": {"ratio": False}, "population-50": {"population": 50}}
ARMS = {
    "pipe": Arm(pipe, Config()),
    "gp": Arm(gp, Config(population=1000)),
    "gp-4000": Arm(gp, Config(population=4000)),
    "random": Arm(pipe, Config(evaluations=100_000, runs=5, **NOTHING)),
    "pipe-short": Arm(pipe, Config(evaluations=150_000)),
    "gates-4": Arm(pipe, Config(functions="gates", bits=4)),
    "gates-6": Arm(pipe, Config(functions="gates", evaluations=1_000_000)),
    "ladder": Arm(ladder, Config()),
    "elitist-0.01": Arm(pipe, Config(elitist=0.01)),
    "odd": Arm(pipe, Config(even=False)),
    "restarts": Arm(pipe, Config(restart=50_000)),
    **{name: Arm(pipe, Config(**{"evaluations": WITHIN, **changes})) for name, changes in WITHOUT.items()},
    "quick-pipe": Arm(pipe, Config(**QUICK)),
    "quick-gates": Arm(pipe, Config(functions="gates", bits=3, **QUICK)),
    "quick-gp": Arm(gp, Config(population=100, **QUICK)),
    "quick-ladder": Arm(ladder, Config()),
}
PRESETS = {
    "quick": ("quick-pipe", "quick-gates", "quick-gp", "quick-ladder"),
    "default": ("pipe-short", "random", "gates-4", "ladder"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
CLAIMS = (
    Claim("PIPE, real-valued instructions: runs that solve 6-bit parity within 500,000 evaluations",
          lambda r: solved(r["pipe"]), ">= 0.7", "70 %", "trial", "6-bit parity; the figure by a secondary source",
          n=50, show="{:.0%}"),
    Claim("PIPE that also learns from the best so far, P_el = 0.01 as in the regression: runs that solve it",
          lambda r: solved(r["elitist-0.01"]), ">= 0.7", "70 %", "trial",
          "6-bit parity; the figure by a secondary source", n=50, show="{:.0%}", substitute=True),
    Claim("PIPE: evaluations until solved, median of the solved runs", lambda r: of_solvers(r["pipe"]["solved"]),
          "<= 150000", "fewer than GP", "trial", "6-bit parity; bar from few runs", n=50, show="{:,.0f}"),
    Claim("genetic programming at equal evaluations: runs that solve it", lambda r: solved(r["gp"]), "", "60 %",
          "trial", "6-bit parity; the figure by a secondary source", n=50, show="{:.0%}"),
    Claim("PIPE's share of solved runs minus that of genetic programming",
          lambda r: solved(r["pipe"])[0] - solved(r["gp"])[0], ">= -0.1", "10 points more", "trial", "6-bit parity",
          n=50, show="{:+.0%}"),
    Claim("PIPE against genetic programming: p-value of the exact test", lambda r: exact_test(r["pipe"], r["gp"]), "",
          "not known", "trial", "Fisher, two-sided", n=50, show="{:.2g}"),
    Claim("genetic programming: evaluations until solved, median of the solved runs",
          lambda r: of_solvers(r["gp"]["solved"]), "", "more than PIPE", "trial", "6-bit parity", n=50,
          show="{:,.0f}"),
    Claim("nodes of the solutions, median: PIPE's over those of genetic programming",
          lambda r: of_solvers(solver_sizes(r["pipe"])) / of_solvers(solver_sizes(r["gp"])), "< 1",
          "smaller than 1", "trial", "6-bit parity", n=50, show="{:.2f}"),
    Claim("PIPE: nodes of the solutions, median", lambda r: of_solvers(solver_sizes(r["pipe"])), "", "not known",
          "trial", "6-bit parity", n=50, show="{:.0f}"),
    Claim("wrong patterns of PIPE's solutions, counted by a second interpreter, most",
          lambda r: np.nanmax(r["pipe"]["checked"]), "<= 0", "not run", "exact", "all 64 patterns, one by one", n=50),
    Claim("PIPE's solutions that stay right with all constants 1 % larger and 1 % smaller",
          lambda r: np.nanmean(r["pipe"]["robust"]), "", "not run", "exact", "all 64 patterns", n=50, show="{:.0%}"),
    Claim("random search, 5 million samples of the initial tree: fewest wrong patterns",
          lambda r: r["random"]["wrong"].min(), "> 0", "not run", "control", "no learning", n=50, show="{:.0f}"),
    Claim("PIPE within 150,000 evaluations: wrong patterns, median", lambda r: np.median(r["pipe-short"]["wrong"]), "",
          "not known", "trial", "6-bit parity", n=10),
    Claim("PIPE within 150,000 evaluations: runs that are better than the best of all random programs",
          lambda r: np.mean(r["pipe-short"]["wrong"] < r["random"]["wrong"].min()), ">= 0.9", "not run", "control",
          "up to 5 million samples", n=10, show="{:.0%}"),
    *(Claim(f"{name}: runs that solve it within {WITHIN:,} evaluations", lambda r, name=name: solved(r[name]),
            "<= 0.1" if name == "no-learning" else "", "not run", "control", "ablation", n=20, show="{:.0%}")
      for name in WITHOUT),
    Claim(f"PIPE as it is: runs that solve it within {WITHIN:,} evaluations", lambda r: solved(r["pipe"], WITHIN), "",
          "not known", "trial", "6-bit parity", n=20, show="{:.0%}"),
    Claim("an output above 0 says odd instead: runs that solve it within 500,000 evaluations",
          lambda r: solved(r["odd"]), "", "not known", "control", "the other convention", n=20, show="{:.0%}"),
    Claim("new tree after 50,000 evaluations without progress: runs that solve it within 500,000",
          lambda r: solved(r["restarts"]), "", "not run", "trial", "a variant of ours", n=20, show="{:.0%}"),
    Claim("genetic programming with 4,000 programs: runs that solve it within 500,000 evaluations",
          lambda r: solved(r["gp-4000"]), "", "not run", "control", "larger population", n=20, show="{:.0%}"),
    Claim("gates, four bits: runs that solve it within 500,000 evaluations", lambda r: solved(r["gates-4"]), ">= 0.8",
          "not run", "trial", "four bits", n=50, show="{:.0%}"),
    Claim("gates, four bits: evaluations until solved, median of the solved runs",
          lambda r: of_solvers(r["gates-4"]["solved"]), "", "not run", "trial", "four bits", n=50, show="{:,.0f}"),
    Claim("gates, six bits: runs that solve it within a million evaluations", lambda r: solved(r["gates-6"]), "",
          "not run", "trial", "six bits", n=20, show="{:.0%}"),
    Claim("gates, six bits: right patterns of the best program, median",
          lambda r: np.median(64 - r["gates-6"]["wrong"]), ">= 46", "not run", "trial",
          "six bits; an earlier re-run reached 46", n=20),
    Claim("functions of the number of ones that change twice: fewest wrong patterns",
          lambda r: r["ladder"]["changes_2"].max(), "12..12", "not run", "exact", "all 128 tables"),
    Claim("functions of the number of ones that change four times: fewest wrong patterns",
          lambda r: r["ladder"]["changes_4"].max(), "", "not run", "exact", "all 128 tables"),
    Claim("functions of any five inputs: fewest wrong patterns", lambda r: r["ladder"]["partial_low"].max(), "32..32",
          "not run", "exact", "all tables"),
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
