# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Symbolic regression by probabilistic incremental program evolution (PIPE): programs improve without crossover.

R. Salustowicz, J. Schmidhuber, "Probabilistic incremental program evolution", Evolutionary Computation 5(2):123-141,
1997; shorter in ECML-97, LNAI 1224:213-220. The function regression experiment.

Genetic programming breeds programs by exchanging their subtrees. PIPE has no population to breed from. It keeps one
probabilistic prototype tree: at each node a probability vector P over all instructions, and a constant R. A program is
sampled from the root down. After each generation of PS programs the tree moves towards the best of them, b, until its
probability P(b), the product of its chosen entries, has grown a little:

    P*(b) = P(b) + (1 - P(b)) lr (eps + FIT(el)) / (eps + FIT(b))          el: the best program so far
    P := P + c lr (1 - P)   for all chosen entries, again and again, until P(b) >= P*(b);  c = 0.1

The other entries of each vector are scaled so that it sums to 1, and b's constants are stored. Then entries of b's
nodes mutate, each with probability P_M / (z sqrt|b|): P := P + mr (1 - P), renormalised (z instructions, |b| nodes).
Subtrees are deleted where an entry above T_P makes them unnecessary. With probability P_el the tree learns from el
instead and no programs are sampled. FIT is the sum of absolute errors, the less the better; equal ones: the smaller.

The target is f(x) = x^3 e^-x cos x sin x (sin^2 x cos x - 1) on [0, 10], the instructions + - * % sin cos exp rlog x R
(% and rlog protected), the budget 100,000 program evaluations. Koza's quartic x^4 + x^3 + x^2 + x is the second task.
Controls: random search, Koza's genetic programming with the same evaluator, PIPE with parts removed.

    python3 pipe_symbolic_regression.py --seed 0
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
    target: str = option("salustowicz", "the function to fit", choices=("salustowicz", "quartic"))
    functions: str = option("all", "the function set", choices=("all", "arithmetic"))
    evaluations: int = option(100_000, "budget: programs made and evaluated", low=1)
    runs: int = option(1, "independent runs of a seed", low=1)
    terminals: float = option(0.8, "P_T, initial probability of a terminal")
    population: int = option(10, "PS, programs of a generation", low=1)
    rate: float = option(0.01, "lr, learning rate")
    step: float = option(0.1, "c, the learning loop moves by c lr")
    eps: float = option(1e-6, "constant in the ratio of the two errors")
    ratio: bool = option(True, "scale the step by the ratio of the two errors")
    elitist: float = option(0.01, "P_el, probability of learning from the best program so far")
    mutation: float = option(0.4, "P_M, probability of mutation")
    mutation_rate: float = option(0.4, "mr, size of a mutation")
    reuse: float = option(0.3, "T_R, stored constants are used where P(R) is above it")
    prune: float = option(0.999999, "T_P, threshold of pruning")
    most: int = option(400, "PIPE: a program with more nodes counts as evaluated and failed", low=1)
    tournament: int = option(7, "genetic programming: tournament size", low=1)
    crossover: float = option(0.9, "genetic programming: share of the programs that are made by crossover")
    depth: int = option(17, "genetic programming: greatest depth of a program", low=1)

    def __post_init__(self):
        """Refuse, with OSError, settings under which learning has no end or probabilities leave 0 to 1."""
        if not (self.rate < 1 and 0 < self.step <= 1 and self.mutation_rate <= 1 and self.eps > 0):
            raise OSError("--rate must be below 1, 0 < --step <= 1, --mutation-rate at most 1, --eps above 0")


# ---------------------------------------------------------------- Problem
HOPELESS = 1e30                                                                   # the error of what is not finite


def salustowicz(x):
    return x**3 * np.exp(-x) * np.cos(x) * np.sin(x) * (np.sin(x) ** 2 * np.cos(x) - 1)


def quartic(x):
    return x**4 + x**3 + x**2 + x


TASKS = {                                                                         # function, training and test points
    "salustowicz": (salustowicz, np.arange(101) / 10, np.arange(100) / 10 + 0.05),
    "quartic": (quartic, np.linspace(-1, 1, 20), np.linspace(-0.95, 0.95, 20)),
}


def divide(a, b):
    """Return a / b, and 1 where b is 0."""
    quotient = a / b
    if not b.all():
        quotient[b == 0] = 1
    return quotient


def rlog(a):
    """Return ln |a|, and 0 where a is 0."""
    logarithm = np.log(np.abs(a))
    if not a.all():
        logarithm[a == 0] = 0
    return logarithm


FUNCTIONS = (("+", np.add, 2), ("-", np.subtract, 2), ("*", np.multiply, 2), ("%", divide, 2),
             ("sin", np.sin, 1), ("cos", np.cos, 1), ("exp", np.exp, 1), ("rlog", rlog, 1))


class Language(NamedTuple):
    """The instructions of a task, functions first, and the judge of what a program computes."""
    names: tuple
    arity: tuple                # number of arguments; 0: a terminal
    apply: tuple                # the functions
    inputs: dict                # terminal -> its values on all cases
    constant: int               # the instruction R, or -1
    judge: Callable             # values of a program -> its error


def make_language(config):
    """Return the Language of a task, on its training points."""
    function, points, _ = TASKS[config.target]
    names, apply, arity = zip(*FUNCTIONS[:8 if config.functions == "all" else 4])
    target, k = function(points), len(names)

    def judge(values):
        error = float(np.abs(target - values).sum())
        return error if error < HOPELESS else HOPELESS                            # neither inf nor NaN is less

    return Language(names + ("x", "R"), arity + (0, 0), apply, {k: points}, k + 1, judge)


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
    """Return a program as a formula that Python can evaluate, given div, rlog, sin, cos and exp."""
    name, kids = language.names[program.op], [text(kid, language, digits) for kid in program.kids]
    if program.op == language.constant:
        return f"{program.constant:.{digits}g}"
    if name in ("+", "-", "*"):
        return f"({kids[0]} {name} {kids[1]})"
    return f"{'div' if name == '%' else name}({', '.join(kids)})" if kids else name


@np.errstate(all="ignore")
def evaluate(program, language, inputs):
    """Return what a program computes on other inputs, terminal -> values."""
    if program.kids:
        return language.apply[program.op](*[evaluate(kid, language, inputs) for kid in program.kids])
    like, *_ = inputs.values()
    return np.full_like(like, program.constant) if program.op == language.constant else inputs[program.op]


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
    """Run PIPE; yield a Snapshot after each generation."""
    random, rng = streams(seed, replicate)
    tree = Tree(make_language(config), config, random.random)
    el, el_score, step = None, (math.inf, 0), 0
    while step < config.evaluations:
        elitist = el is not None and random.random() < config.elitist
        b, score = (el, el_score) if elitist else best_of(tree)
        if score < el_score:
            el, el_score = b, score
        if config.rate or config.mutation:
            pairs = tree.path(b)
            P = learn(tree, pairs, (config.eps + el_score[0]) / (config.eps + score[0]) if config.ratio else 1.0)
            if not elitist:
                mutate(P, config, rng)
            store(tree, pairs, P)
        if not elitist:
            step += config.population
            yield Snapshot(step, el, el_score[0], tree, b.size)


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
def course(snapshots, config):
    """Follow a run to its end, or until the squared errors sum to less than 1e-6.

    Returns its result: the best program and its error; solved and exact, the evaluations until every error was less
    than 0.01 (Koza's hits) and until the end was reached (None: never); and the best error at the evaluations MARKS.
    """
    function, points, _ = TASKS[config.target]
    target, marks = function(points), iter(MARKS)
    mark, best, error, solved, exact, curve = next(marks), None, None, None, None, []
    for s in snapshots:
        while mark is not None and s.step > mark:
            curve.append(error)
            mark = next(marks, None)
        if s.best is not best:
            best, error = s.best, s.error
            miss = np.abs(best.value - target)
            solved = solved or (s.step if miss.max() < 0.01 else None)
            exact = s.step if error < 1 and miss @ miss < 1e-6 else None
            if exact:
                break
    return best, error, solved, exact, curve + [error] * (len(MARKS) - len(curve))


def report(config, seed, method):
    """Run a method config.runs times and collect metrics and curves."""
    language, (function, _, fresh) = make_language(config), TASKS[config.target]
    found = [course(watch(method(config, seed, i), config.evaluations, f"seed {seed}, run {i}"), config)
             for i in range(config.runs)]
    names = {op: fresh for op in language.inputs}
    test = [np.abs(evaluate(best, language, names) - function(fresh)).sum() for best, *_ in found]
    metrics = {"error": [r[1] for r in found], "test": [float(t) if t < HOPELESS else HOPELESS for t in test],
               "size": [r[0].size for r in found], "solved": [r[2] for r in found], "exact": [r[3] for r in found]}
    formulas = "\n".join(f"{r[1]:.4g}: {text(r[0], language, 6)}" for r in found)
    courses = [[e and float(f"{e:.5g}") for e in r[4]] for r in found]
    return metrics, {"programs": formulas, "marks": MARKS, "course": courses}


def pipe(config, seed):
    """Metrics, one entry a run: error, the best sum of absolute errors; test, the same program's error on points in
    between; size, its nodes; solved and exact, evaluations until every error was below 0.01 and until the squared
    errors summed to less than 1e-6, which ends a run (None: never). Curves: the programs; best errors at MARKS."""
    return report(config, seed, train)


def gp(config, seed):
    """The same metrics and curves for genetic programming."""
    return report(config, seed, evolve)


def share(flags):
    """Return the share of true flags and the half-width of its 95 % interval (Wilson)."""
    n, p, z = len(flags), np.mean(flags), 1.96
    return p, z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)


def spread(values):
    """Return the interquartile range."""
    low, high = np.percentile(values, (25, 75))
    return high - low


def rank_test(a, b):
    """Return the two-sided p-value of the Mann-Whitney test of two samples, by the normal approximation."""
    wins = (a[:, None] < b).sum() + (a[:, None] == b).sum() / 2
    n, m = len(a), len(b)
    return math.erfc(abs(wins - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 6))


def ratio(r, one, other):
    """Return the ratio of the median errors of two arms."""
    return np.median(r[one]["error"]) / np.median(r[other]["error"])


MARKS = [int(mark) for mark in np.unique(np.geomspace(10, 100_000, 20).round(-1))]
SHORT, QUICK = {"evaluations": 30_000}, {"evaluations": 500, "runs": 2}
RANDOM = {"rate": 0.0, "mutation": 0.0, "elitist": 0.0, "reuse": 1.0}             # samples of the initial tree
QUARTIC = {"target": "quartic", "population": 50}
KOZA, TUNED = {"population": 500}, {"population": 2000}
WITHOUT = {"no-learning": {"rate": 0.0}, "no-mutation": {"mutation": 0.0}, "no-elitist": {"elitist": 0.0},
           "elitist-0.2": {"elitist": 0.2}, "no-ratio": {"ratio": False}}
ARMS = {
    "pipe": Arm(pipe, Config()),
    "gp": Arm(gp, Config(**KOZA)),
    "gp-tuned": Arm(gp, Config(**TUNED)),
    "random": Arm(pipe, Config(**RANDOM)),
    "pipe-short": Arm(pipe, Config(**SHORT)),
    "gp-short": Arm(gp, Config(**KOZA, **SHORT)),
    "random-short": Arm(pipe, Config(**RANDOM, **SHORT)),
    "quartic": Arm(pipe, Config(functions="arithmetic", **QUARTIC)),
    "quartic-all": Arm(pipe, Config(**QUARTIC)),
    "quartic-gp": Arm(gp, Config(functions="arithmetic", **{**QUARTIC, **KOZA})),
    "quartic-10": Arm(pipe, Config(functions="arithmetic", target="quartic")),
    **{name: Arm(pipe, Config(**changes)) for name, changes in WITHOUT.items()},
    "quick-pipe": Arm(pipe, Config(**QUICK)),
    "quick-gp": Arm(gp, Config(population=100, **QUICK)),
}
PRESETS = {
    "quick": ("quick-pipe", "quick-gp"),
    "default": ("pipe-short", "gp-short", "random-short", "quartic"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
HALF = 20.4695 / 2                                                                # the constant 0 errs by twice that
CLAIMS = (
    Claim("PIPE, 100,000 evaluations: median of the best sums of absolute errors (constant 0: 20.47)",
          lambda r: np.median(r["pipe"]["error"]), "<= 5", "read in figures only", "trial",
          "function regression; bar from one run", n=50),
    Claim("PIPE: best of the runs", lambda r: r["pipe"]["error"].min(), "<= 1.5", "has the best runs", "trial",
          "function regression; bar from one run", n=50),
    Claim("PIPE: runs whose error is below half of that of the constant 0",
          lambda r: share(r["pipe"]["error"] < HALF), ">= 1", "not known", "trial", "bar from one run", n=50,
          show="{:.0%}"),
    Claim("PIPE: lower quartile of the errors", lambda r: np.percentile(r["pipe"]["error"], 25), "", "not known",
          "trial", "function regression", n=50),
    Claim("PIPE: upper quartile of the errors", lambda r: np.percentile(r["pipe"]["error"], 75), "", "not known",
          "trial", "function regression", n=50),
    Claim("PIPE generalises: error at 100 points in between, over the training error, median",
          lambda r: np.median(r["pipe"]["test"] / r["pipe"]["error"]), "<= 1.5", "generalises", "trial",
          "shifted points", n=50),
    Claim("PIPE: programs that blow up in between (error more than ten times as large)",
          lambda r: share(r["pipe"]["test"] > 10 * r["pipe"]["error"]), "", "not known", "trial", "shifted points",
          n=50, show="{:.0%}"),
    Claim("PIPE's median error over that of random search", lambda r: ratio(r, "pipe", "random"), "<= 0.5", "not run",
          "control", "100,000 samples of the initial tree", n=20, show="{:.3f}"),
    Claim("PIPE's median error over that of genetic programming, population 500", lambda r: ratio(r, "pipe", "gp"),
          "<= 1.5", "comparable", "trial", "function regression", n=50, show="{:.2f}"),
    Claim("PIPE's median error over that of genetic programming, tuned: population 2,000",
          lambda r: ratio(r, "pipe", "gp-tuned"), "<= 1.5", "comparable", "control", "best of six settings", n=50,
          show="{:.2f}"),
    Claim("PIPE against genetic programming: p-value of the rank test",
          lambda r: rank_test(r["pipe"]["error"], r["gp"]["error"]), "", "not known", "trial",
          "Mann-Whitney, two-sided", n=50, show="{:.2g}"),
    Claim("interquartile range of PIPE's errors over that of genetic programming",
          lambda r: spread(r["pipe"]["error"]) / spread(r["gp"]["error"]), "", "larger than 1", "trial",
          "function regression", n=50, show="{:.2f}"),
    *(Claim(f"{name}: PIPE's median error over that of this variant", lambda r, name=name: ratio(r, "pipe", name),
            "<= 1", "not run", "control", "ablation", n=20, show="{:.2f}") for name in WITHOUT),
    Claim("within 30,000 evaluations: PIPE's median error over that of random search",
          lambda r: ratio(r, "pipe-short", "random-short"), "<= 0.5", "not run", "control", "equal evaluations", n=10,
          show="{:.3f}"),
    Claim("within 30,000 evaluations: PIPE's median error over that of genetic programming",
          lambda r: ratio(r, "pipe-short", "gp-short"), "", "not known", "control", "equal evaluations", n=10,
          show="{:.2f}"),
    Claim("Koza's quartic, 50 programs a generation: runs with all 20 errors below 0.01",
          lambda r: share(~np.isnan(r["quartic"]["solved"])), ">= 0.8", "not run", "trial",
          "four functions, 100,000 evaluations", n=100, show="{:.1%}"),
    Claim("Koza's quartic: evaluations until then, median of those runs",
          lambda r: np.nanmedian(r["quartic"]["solved"]), "", "not run", "trial", "four functions", n=100,
          show="{:,.0f}"),
    Claim("Koza's quartic: runs with the squared errors below 1e-6 in sum",
          lambda r: share(~np.isnan(r["quartic"]["exact"])), ">= 0.6", "not run", "trial", "four functions", n=100,
          show="{:.1%}"),
    Claim("Koza's quartic, 10 programs a generation as in the main task: runs with all 20 errors below 0.01",
          lambda r: share(~np.isnan(r["quartic-10"]["solved"])), "", "not run", "trial", "four functions", n=20,
          show="{:.0%}"),
    Claim("Koza's quartic, genetic programming: runs with all 20 errors below 0.01",
          lambda r: share(~np.isnan(r["quartic-gp"]["solved"])), "", "not run", "control", "four functions", n=50,
          show="{:.1%}"),
    Claim("Koza's quartic with all eight functions: runs with all 20 errors below 0.01",
          lambda r: share(~np.isnan(r["quartic-all"]["solved"])), ">= 0.4", "not run", "trial",
          "eight functions, 100,000 evaluations", n=50, show="{:.1%}"),
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
