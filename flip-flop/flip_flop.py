# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""A flip-flop learned from pain: predicted pain is sent back through a recurrent model of the world.

J. Schmidhuber, "Making the world differentiable: on using (self-)supervised fully recurrent neural networks for dynamic
reinforcement learning and planning in non-stationary environments", report FKI-126-90, TU München, 1990; restated in
"Reinforcement learning in Markovian and non-Markovian environments", NIPS 3, 500-506, 1991. The flip-flop experiment.

One of the events A, B, X happens at each step of an endless stream. The output must be ON exactly when a B comes for
the first time after an A, however long ago that was. Nobody tells the controller C what is right: it only feels a pain
bit after a wrong output. So C must find out what to remember while nothing says that remembering is the matter. A
second recurrent net, M, learns to predict pain from C's inputs and output z; C then follows the gradient of predicted
pain, through M and through time. Streams are never cut, activations and weights are never reset.

    z = mu + sigma nu,  nu ~ N(0, 1)                     mu, sigma: two units of C, the probabilistic output unit
    E_M = 1/2 (pain - y)^2      W <- W - lr_m dE_M/dW    M: y is its prediction of the pain that z brings
    E_C = 1/2 y^2               V <- V - lr_c dE_C/dV    C: through M, whose weights count as fixed
    p^k_ij <- f'(net_k) [ sum_l w_kl p^l_ij + delta_ki s_j ]     real-time recurrent learning, for both nets
    dz/dmu = 1, dz/dsigma = nu;  M's derivatives stand in for the world's where M's predictions come back as C's inputs

Parallel: both nets learn at once. Sequential: M learns from random outputs and is frozen, then C learns. Where the
noise does harm, sigma shrinks; where C does not know what to do, it may stay: "adaptive randomness".

    python3 flip_flop.py --seed 0
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
    task: str = option("pulse", "pulse (ON at the first B after an A) or latch (ON from B until A)",
                       choices=("pulse", "latch"))
    pain: str = option("bit", "bit (wrong or not) or graded (squared distance to the target)",
                       choices=("bit", "graded"))
    output: str = option("gaussian", "gaussian (mean and deviation units) or bernoulli (the mean is a probability)",
                         choices=("gaussian", "bernoulli"))
    learner: str = option("model", "where C's gradient comes from: the model, a teacher or REINFORCE",
                          choices=("model", "teacher", "reinforce"))
    error: str = option("squared", "M's error: squared, or the cross-entropy", choices=("squared", "entropy"))
    memory: bool = option(True, "false: C starts every step without activity, a feedforward net")
    units: int = option(4, "C's units: mean, deviation and the rest", low=2)
    model_units: int = option(14, "M's units; unit 3 predicts pain", low=4)
    lr_c: float = option(1.0, "C's learning rate")
    lr_m: float = option(0.3, "M's learning rate")
    span_c: float = option(0.5, "C's initial weights are uniform in -+ span_c")
    span_m: float = option(2.0, "M's initial weights are uniform in -+ span_m")
    explore: float = option(0.0, "share of fair-coin outputs (bernoulli)")
    pretrain: int = option(0, "steps in which M alone learns, from random outputs; then it is frozen (0: parallel)")
    nets: int = option(30, "independent nets, one per lane", low=1)
    steps: int = option(1_000_000, "most steps of the stream", low=1000)
    test_every: int = option(5000, "steps between the tests for a solution", low=1000)
    test_steps: int = option(100_000, "steps of the long test (at most 10 errors)", low=1)


# ---------------------------------------------------------------- Problem
A, B, X, NONE = range(4)
PAIN = 3                                                     # C's inputs are A, B, X, pain; M's unit 3 predicts pain
CHANCES = {"pulse": (1 / 3, 1 / 3, 1 / 3, 0), "latch": (0.10, 0.15, 0.25, 0.50)}       # of A, B, X, no event
BLOCK, TICKS = 1000, 2                                       # one tick cannot express XOR: inputs are held for two
STREAK, ALLOWED = 2000, 10                                   # solved: 2000 in a row, then at most 10 errors in 10^5
LAGS = (10, 100, 1000, 10_000)


def make_events(task, generators, steps=BLOCK):
    """Return the events of each lane's stream, (steps, lanes), drawn from its own generator."""
    bounds = np.cumsum(CHANCES[task])[:-1]
    return np.searchsorted(bounds, np.array([g.random(steps) for g in generators]).T, side="right")


def make_targets(task, events, armed):
    """Return what the output should be, (steps, lanes) bool, and whether the last of A and B was A, then (lanes,).

    armed: the same before the first step. pulse: ON at a B while armed. latch: ON while not armed.
    """
    times = np.where(events < X, np.arange(1, len(events) + 1)[:, None], 0)
    last = np.maximum.accumulate(times, axis=0)                                   # when A or B came last, 0: never
    was_a = np.take_along_axis(np.vstack([np.zeros_like(events[:1]), events]), last, 0) == A
    now = np.where(last > 0, was_a, armed)
    before = np.vstack([armed[None], now[:-1]])
    return ((events == B) & before) if task == "pulse" else ~now, now[-1]


# ---------------------------------------------------------------- Model
def logistic(net):
    """Replace net by 1 / (1 + exp(-net)), in place."""
    net *= 0.5
    np.tanh(net, out=net)
    net *= 0.5
    net += 0.5
    return net


@dataclass
class Lanes:
    """A batch of controllers and models with their unbroken state, one pair per lane.

    Lanes come first, because batched BLAS products are the fastest here.
    """
    V: np.ndarray               # C's weights, from (units, A, B, X, pain, 1)          (n, c, c + 5)
    W: np.ndarray               # M's weights, from (units, A, B, X, pain, z, 1)       (n, m, m + 6)
    s: np.ndarray               # what C's units read now, the 1 last                  (n, c + 5, 1)
    r: np.ndarray               # what M's units read now, the 1 last                  (n, m + 6, 1)
    P: np.ndarray               # d (M's units) / dW, inputs taken as given            (n, m, m (m + 6))
    Q: np.ndarray               # d (C's units, inputs) / dV                           (n, c + 4, c (c + 5))
    R: np.ndarray               # d (M's units, inputs, z) / dV                        (n, m + 5, c (c + 5))
    pain: np.ndarray            # felt after the last step                             (n,)
    armed: np.ndarray           # the world's bit: of A and B, A came last             (n,)
    baseline: np.ndarray        # running mean of pain, for REINFORCE                  (n,)

    def take(self, keep):
        """Return the lanes that keep (bool or indices) selects, copied."""
        return Lanes(*(getattr(self, f.name)[keep].copy() for f in fields(self)))


def init(config, generators, dtype=np.float32):
    """Return Lanes with uniform weights, lane by lane from its own generator, and no activity."""
    n, c, m = len(generators), config.units, config.model_units
    V, W = zip(*((g.uniform(-config.span_c, config.span_c, (c, c + 5)),
                  g.uniform(-config.span_m, config.span_m, (m, m + 6))) for g in generators))
    s, r = np.zeros((n, c + 5, 1), dtype), np.zeros((n, m + 6, 1), dtype)
    s[:, -1] = r[:, -1] = 1
    weights = c * (c + 5)
    return Lanes(np.array(V, dtype), np.array(W, dtype), s, r, np.zeros((n, m, m * (m + 6)), dtype),
                 np.zeros((n, c + 4, weights), dtype), np.zeros((n, m + 5, weights), dtype), np.zeros(n, dtype),
                 np.full(n, config.task == "latch"), np.full(n, 0.5, dtype))


def diagonal(P, units):
    """Return the entries of P (n, units, units * fan) with i = k in p^k_ij, a view (n, units, fan)."""
    return np.einsum("nkkj->nkj", P.reshape(len(P), units, units, -1))


def slope(y):
    """Return f'(net) of logistic units with activations y."""
    return y * (1 - y)


# ---------------------------------------------------------------- Learning
def live(lanes, config, events, targets, noise, learn_c=True, learn_m=True, random_output=False):
    """Run the lanes through events (T, n), learning on the way, in place.

    noise: (T, n, 2), standard normal and uniform numbers for the output. random_output: z is drawn without C.
    Returns the trace, name -> (T, n): mu, sigma, z, pain and predicted pain.
    """
    V, W, s, r, P, Q, R = lanes.V, lanes.W, lanes.s, lanes.r, lanes.P, lanes.Q, lanes.R
    n, c, m, dtype, by_model = len(V), config.units, config.model_units, V.dtype, config.learner == "model"
    lr_c, lr_m = dtype.type(config.lr_c), dtype.type(config.lr_m)
    noise, inputs = noise.astype(dtype), np.eye(4, 3, dtype=dtype)[events]                      # NONE: all zero
    P_next, Q_next, R_next = np.empty_like(P), np.empty_like(Q[:, :c]), np.empty_like(R[:, :m])
    diagonals, Q_diagonal = (diagonal(P_next, m), diagonal(P, m)), diagonal(Q_next, c)
    net_c, net_m = np.empty((n, c, 1), dtype), np.empty((n, m, 1), dtype)
    trace = {name: np.zeros((len(events), n), dtype) for name in ("mu", "sigma", "z", "pain", "predicted")}
    for t in range(len(events)):
        s[:, c:c + 3, 0] = r[:, m:m + 3, 0] = inputs[t]
        s[:, c + PAIN, 0] = r[:, m + PAIN, 0] = lanes.pain
        if not config.memory:
            s[:, :c], Q[:, :c] = 0, 0
        if learn_c and by_model:
            Q[:, c:] = R[:, m:m + 4] = R[:, :4]              # what M predicted is what C and M now see
        for _ in range(TICKS):
            logistic(np.matmul(V, s, out=net_c))
            if learn_c:
                D = slope(net_c)
                np.matmul(D * V[:, :, :c + 4], Q, out=Q_next)
                Q_diagonal += D * s.transpose(0, 2, 1)
                Q[:, :c] = Q_next
            s[:, :c] = net_c
        mu, sigma, (nu, uniform) = s[:, 0, 0].copy(), s[:, 1, 0].copy(), noise[t].T
        if config.output == "bernoulli":
            chance = 0.5 if random_output else (1 - config.explore) * mu + 0.5 * config.explore
            z = (uniform < chance).astype(dtype)
        else:
            z = 0.5 + 0.5 * nu if random_output else mu + sigma * nu
        wrong = (z > 0.5) != targets[t]
        pain = wrong.astype(dtype) if config.pain == "bit" else np.minimum((z - targets[t]) ** 2, 1).astype(dtype)
        if by_model:
            r[:, m + 4, 0] = z
            if learn_c and config.output == "gaussian":
                np.add(Q[:, 0], nu[:, None] * Q[:, 1], out=R[:, m + 4])
            elif learn_c:
                np.multiply(Q[:, 0], dtype.type(1 - config.explore), out=R[:, m + 4])
            P_now, P_then = P, P_next
            for tick in range(TICKS):
                logistic(np.matmul(W, r, out=net_m))
                D = slope(net_m)
                if learn_m:
                    np.matmul(D * W[:, :, :m], P_now, out=P_then)
                    diagonals[tick % 2][...] += D * r.transpose(0, 2, 1)
                    P_now, P_then = P_then, P_now
                if learn_c:
                    np.matmul(D * W[:, :, :m + 5], R, out=R_next)
                    R[:, :m] = R_next
                r[:, :m] = net_m
            y = r[:, PAIN, 0].copy()
            if learn_c:
                V -= ((lr_c * y)[:, None] * R[:, PAIN]).reshape(V.shape)
            if learn_m:
                error = pain - y if config.error == "squared" else (pain - y) / np.maximum(slope(y), dtype.type(1e-4))
                W += ((lr_m * error)[:, None] * P[:, PAIN]).reshape(W.shape)
            trace["predicted"][t] = y
        elif config.learner == "teacher":
            V += ((lr_c * (targets[t] - mu))[:, None] * Q[:, 0]).reshape(V.shape)
        else:                                                # Williams: (baseline - pain) sigma^2 d ln p(z) / dV
            eligible = (z - mu)[:, None] * Q[:, 0] + (sigma * (nu * nu - 1))[:, None] * Q[:, 1]
            V += ((lr_c * (lanes.baseline - pain))[:, None] * eligible).reshape(V.shape)
            lanes.baseline += dtype.type(0.01) * (pain - lanes.baseline)
        lanes.pain = pain
        for name, value in zip(trace, (mu, sigma, z, pain)):
            trace[name][t] = value
    return trace


def act(V, s, x, memory=True):
    """Let C's units read inputs x (n, 4, k) for a step without noise; s: (n, c + 5, k), in place. Returns mu (n, k)."""
    c = V.shape[1]
    s[:, c:c + 4] = x
    if not memory:
        s[:, :c] = 0
    for _ in range(TICKS):
        s[:, :c] = logistic(V @ s)
    return s[:, 0]


def evaluate(config, V, s, pain, armed, generators, steps, allowed):
    """Count the errors of controllers V on their own streams, noise off, learning frozen, from state s, pain, armed.

    A lane leaves when its errors exceed `allowed`. Returns the errors (lanes,).
    """
    errors, here, s = np.zeros(len(V), int), np.arange(len(V)), s.copy()
    for start in range(0, steps, BLOCK):
        events = make_events(config.task, [generators[i] for i in here], min(BLOCK, steps - start))
        targets, armed = make_targets(config.task, events, armed)
        x = np.zeros((len(events), len(here), 4, 1), V.dtype)
        x[:, :, :3, 0] = np.eye(4, 3)[events]
        for t in range(len(events)):
            x[t, :, PAIN, 0] = pain
            mu = act(V, s, x[t], config.memory)[:, 0]
            wrong = (mu > 0.5) != targets[t]
            pain = wrong if config.pain == "bit" else (mu - targets[t]) ** 2
            errors[here] += wrong
            if t % 50 == 0 and (errors[here] > allowed).all():
                break
        keep = errors[here] <= allowed
        here, V, s, pain, armed = here[keep], V[keep], s[keep], pain[keep], armed[keep]
        if not len(here):
            break
    return errors


class Snapshot(NamedTuple):
    """The state after a block of steps."""
    step: int
    lanes: Lanes                # the live nets that have not solved the task yet
    here: np.ndarray            # which nets these are                                      (lanes,)
    trace: dict                 # name -> (BLOCK, lanes), of the block just lived
    events: np.ndarray          # of that block                                             (BLOCK, lanes)
    targets: np.ndarray         # of that block                                             (BLOCK, lanes)
    solved: dict                # net -> (step, Lanes of that one net when it passed)


def train(config, seed):
    """Let config.nets pairs of nets live until all have solved the task or the steps are over; yield Snapshots.

    Every test_every steps each net is tested: no noise, learning frozen, STREAK steps in a row right. Nets that pass
    wait (still learning) until all have passed or a tenth of the steps is over; then the copies taken when they passed
    take the long test together. A net whose copy passes that has solved the task at the step of the copy, and leaves.
    """
    roots = [np.random.SeedSequence([seed, i]).spawn(4) for i in range(config.nets)]
    weights, world, noise, test = ([np.random.default_rng(root[k]) for root in roots] for k in range(4))
    lanes, here, solved, waiting = init(config, weights), np.arange(config.nets), {}, {}
    for start in range(0, config.steps, BLOCK):
        length = min(BLOCK, config.steps - start)
        events = make_events(config.task, [world[i] for i in here], length)
        draws = np.array([(noise[i].standard_normal(length), noise[i].random(length)) for i in here]).transpose(2, 0, 1)
        targets, lanes.armed = make_targets(config.task, events, lanes.armed)
        model_phase, step = start < config.pretrain, start + length
        trace = live(lanes, config, events, targets, draws, not model_phase and config.lr_c > 0,
                     (model_phase or not config.pretrain) and config.lr_m > 0, model_phase)
        yield Snapshot(step, lanes, here, trace, events, targets, solved)
        if model_phase or step % config.test_every and step < config.steps:
            continue
        young = [k for k, i in enumerate(here) if i not in waiting]
        if young:
            some = lanes.take(young)
            errors = evaluate(config, some.V, some.s, some.pain, some.armed, [test[here[k]] for k in young], STREAK, 0)
            waiting |= {here[k]: (step, lanes.take([k])) for k, wrong in zip(young, errors) if wrong == 0}
        if waiting and (len(waiting) == len(here) or step >= config.steps or step % max(1, config.steps // 10) == 0):
            V, s, pain, armed = (np.concatenate([getattr(found, name) for _, found in waiting.values()])
                                 for name in ("V", "s", "pain", "armed"))
            errors = evaluate(config, V, s, pain, armed, [test[i] for i in waiting], config.test_steps,
                              ALLOWED)
            solved |= {i: waiting[i] for i, wrong in zip(waiting, errors) if wrong <= ALLOWED}
            keep, waiting = np.array([i not in solved for i in here]), {}
            lanes, here = lanes.take(keep), here[keep]
            if not len(here):
                break


# ---------------------------------------------------------------- Experiment
def probe_lags(config, V, s, pain, seed, probes=500):
    """Return the share of probes that are right at every step from A through `lag` X to B, noise off: (lags, nets).

    Every probe first lives through 30 random events of its own. A net whose state has stopped changing
    will not change in the rest of the lag either, so that rest is skipped.
    """
    n, rng, eye = len(V), np.random.default_rng([seed, 1]), np.eye(4, dtype=V.dtype)[:, :, None]
    s, felt = np.repeat(s, probes, 2), np.repeat(pain[:, None], probes, 1)

    def step(event, target, s, felt):
        x = np.zeros((n, 4, probes), V.dtype)
        x[:, :3] = np.eye(4, 3)[event].transpose(0, 2, 1) if np.ndim(event) else eye[event, :3]
        x[:, PAIN] = felt
        return (act(V, s, x) > 0.5) != target

    armed = np.zeros(n * probes, bool)
    for _ in range(30):
        event = rng.integers(3, size=n * probes)
        target, armed = make_targets("pulse", event[None], armed)
        felt = step(event.reshape(n, probes), target.reshape(n, probes), s, felt)
    felt = step(A, False, s, felt)
    right, rows, moving = ~felt, [], True
    for lag in range(1, max(LAGS) + 1):
        if moving:
            before = s.copy(), felt
            felt = step(X, False, s, felt)
            right &= ~felt
            moving = not (np.array_equal(before[0], s) and np.array_equal(before[1], felt))
        if lag in LAGS:
            rows.append((right & ~step(B, True, s.copy(), felt)).mean(1))
    return np.array(rows)


def stream(config, seed):
    """Let the nets of one seed live. Metrics, one entry per net: steps until solved (None: not within config.steps);
    accuracy of the last controller, noise off (of solved nets: 1); stuck, 1 if that is within 0.01 of the 5/6 of
    "always OFF"; lag_L, the share of probes with L X between A and B that are right (None: not solved)."""
    *_, snapshot = watch(train(config, seed), config.steps, f"seed {seed}")
    steps, accuracy = np.full(config.nets, np.nan), np.ones(config.nets)
    lags, solved = np.full((len(LAGS), config.nets), np.nan), snapshot.solved
    for i, (step, _) in solved.items():
        steps[i] = step
    left = [k for k, i in enumerate(snapshot.here) if i not in solved]
    if left:
        some, length = snapshot.lanes.take(left), min(config.test_steps, config.steps)
        generators = [np.random.default_rng([seed, int(i), 2]) for i in snapshot.here[left]]
        errors = evaluate(config, some.V, some.s, some.pain, some.armed, generators, length, length)
        accuracy[snapshot.here[left]] = 1 - errors / length
    if solved and config.task == "pulse" and config.memory:
        nets = sorted(solved)
        V, s, pain = (np.concatenate([getattr(solved[i][1], name) for i in nets]) for name in ("V", "s", "pain"))
        lags[:, nets] = probe_lags(config, V, s, pain, seed)
    return ({"steps": steps, "accuracy": accuracy, "stuck": (abs(accuracy - 5 / 6) < 0.01).astype(int),
             **{f"lag_{lag}": row for lag, row in zip(LAGS, lags)}}, {})


def solved_share(r):
    return np.mean(~np.isnan(r["steps"]))


def held(r, lag):
    """Return the share of the nets with a solution that are right in 99 % of the probes of this lag."""
    probes = r[f"lag_{lag}"]
    return np.mean(probes[~np.isnan(r["steps"])] >= 0.99) if (~np.isnan(r["steps"])).any() else np.nan


def median_steps(r):
    """Return the median number of steps to a solution; nets without one count as infinitely slow."""
    return np.median(np.nan_to_num(r["steps"], nan=np.inf))


SHORT = dict(nets=10, steps=80_000)
COIN = dict(output="bernoulli", error="entropy", lr_m=0.1, lr_c=0.1, steps=300_000)
ARMS = {
    "literal": Arm(stream, Config(units=3, model_units=4, lr_c=0.1, lr_m=1.0)),
    "parallel": Arm(stream, Config()),
    "parallel-4": Arm(stream, Config(model_units=4)),
    "sequential": Arm(stream, Config(pretrain=100_000, lr_c=0.1)),
    "parallel-entropy": Arm(stream, Config(error="entropy", lr_m=0.1)),
    "three-in-all": Arm(stream, Config(units=3, lr_c=2.0)),
    "reinforce": Arm(stream, Config(learner="reinforce")),
    "random-model": Arm(stream, Config(lr_m=0.0)),
    "feedforward": Arm(stream, Config(memory=False, steps=300_000)),
    "teacher": Arm(stream, Config(learner="teacher", steps=100_000, test_every=1000)),
    "coin-0": Arm(stream, Config(**COIN)),
    "coin-10": Arm(stream, Config(explore=0.1, **COIN)),
    "coin-30": Arm(stream, Config(explore=0.3, **COIN)),
    "latch": Arm(stream, Config(task="latch", pain="graded", lr_m=0.1, steps=60_000)),
    "parallel-short": Arm(stream, Config(**SHORT)),
    "sequential-short": Arm(stream, Config(pretrain=40_000, lr_c=0.3, **SHORT)),
    "random-model-short": Arm(stream, Config(lr_m=0.0, nets=10, steps=40_000)),
    "teacher-short": Arm(stream, Config(learner="teacher", nets=10, steps=20_000, test_every=1000)),
    "quick-model": Arm(stream, Config(nets=2, steps=2000, pretrain=1000, test_every=1000, test_steps=2000)),
    "quick-teacher": Arm(stream, Config(learner="teacher", nets=3, steps=6000, test_every=3000, test_steps=2000)),
}
PRESETS = {
    "quick": ("quick-model", "quick-teacher"),
    "default": ("parallel-short", "sequential-short", "random-model-short", "teacher-short"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
NIPS, SECOND = "NIPS 3, 1991, experiment 1", "a secondary source"
CLAIMS = (
    Claim("|C| = 3, |M| = 4, rates 0.1 and 1.0 as in 1991, parallel: solved within 10^6 steps",
          lambda r: solved_share(r["literal"]), ">= 0.666", "20 of 30", "paper", NIPS, n=30, show="{:.1%}"),
    Claim("parallel, |M| = 14, tuned rates: both nets learn at once from the pain bit; solved within 10^6 steps",
          lambda r: solved_share(r["parallel"]), ">= 0.9", "20 of 30", "trial", "our bar; " + NIPS, n=30,
          show="{:.1%}", substitute=True),
    Claim("parallel, |M| = 14, tuned rates: solved at least as often as in 1991",
          lambda r: solved_share(r["parallel"]), ">= 0.666", "20 of 30", "paper", NIPS, n=30, show="{:.1%}",
          substitute=True),
    Claim("parallel, |M| = 4, the same rates: solved within 10^6 steps", lambda r: solved_share(r["parallel-4"]), "",
          "20 of 30", "trial", NIPS, n=30, show="{:.1%}"),
    Claim("sequential: M learns from random outputs and is frozen, then C learns; solved within 10^6 steps",
          lambda r: solved_share(r["sequential"]), ">= 0.9", "6 of 10", "trial", "our bar; " + SECOND, n=30,
          show="{:.1%}"),
    Claim("sequential: solved at least as often as in 1990",
          lambda r: solved_share(r["sequential"]), ">= 0.6", "6 of 10", "trial", SECOND, n=30, show="{:.1%}"),
    Claim("parallel: median steps to a solution (nets without one count as infinite)",
          lambda r: median_steps(r["parallel"]), "<= 250000", "< 10^6", "trial", "our bar", n=30, show="{:,.0f}"),
    Claim("sequential: median steps to a solution (nets without one count as infinite)",
          lambda r: median_steps(r["sequential"]), "<= 250000", "< 10^6", "trial", "our bar", n=30, show="{:,.0f}"),
    Claim("parallel with M's error the cross-entropy: solved within 10^6 steps",
          lambda r: solved_share(r["parallel-entropy"]), ">= 0.9", "not run", "trial", "our bar", n=30, show="{:.1%}",
          substitute=True),
    Claim("nets with a solution (parallel) that are right in 99 % of 500 probes with 1000 X between A and B",
          lambda r: held(r["parallel"], 1000), ">= 0.9", "arbitrary lags", "trial", "our bar", n=30, show="{:.1%}"),
    Claim("the same with 10 X", lambda r: held(r["parallel"], 10), "", "arbitrary lags", "trial", "reported", n=30,
          show="{:.1%}"),
    Claim("the same with 10,000 X", lambda r: held(r["parallel"], 10_000), "", "arbitrary lags", "trial", "reported",
          n=30, show="{:.1%}"),
    Claim("three units in all, the deviation unit among them, |M| = 14: solved within 10^6 steps",
          lambda r: solved_share(r["three-in-all"]), "", "20 of 30", "trial", "the deviation unit counts", n=30,
          show="{:.1%}"),
    Claim("REINFORCE from the pain bit, same C and steps: solved",
          lambda r: solved_share(r["reinforce"]), "", "not run", "control", "no model", n=30, show="{:.1%}"),
    Claim("a random M that does not learn: solved", lambda r: solved_share(r["random-model"]), "<= 0", "not run",
          "control", "no model", n=30, show="{:.1%}"),
    Claim("a feedforward C: best accuracy (7/8 is the bound for rules that see events and pain)",
          lambda r: r["feedforward"]["accuracy"].max(), "<= 0.88", "not run", "control", "no memory; by enumeration",
          n=30, show="{:.4f}"),
    Claim("a teacher (supervised RTRL, same C) is faster: median steps of nets that get there, parallel over teacher",
          lambda r: np.nanmedian(r["parallel"]["steps"]) / np.nanmedian(r["teacher"]["steps"]), ">= 5", "much slower",
          "paper", "NIPS 3, 1991", n=30, show="{:.0f}"),
    *(Claim(f"output a coin of chance mu, {share} % of it fair: nets stuck at 5/6 (always OFF) after 300,000 steps",
            lambda r, arm=f"coin-{share}": r[arm]["stuck"].mean(), "", "about 1/3 fail", "trial", "reported", n=30,
            show="{:.1%}") for share in (0, 10, 30)),
    *(Claim(f"output a coin of chance mu, {share} % of it fair: solved within 300,000 steps",
            lambda r, arm=f"coin-{share}": solved_share(r[arm]), "", "not run", "trial", "reported", n=30,
            show="{:.1%}") for share in (0, 10, 30)),
    Claim("latch task with graded pain: solved within 60,000 steps", lambda r: solved_share(r["latch"]), ">= 1",
          "not run", "trial", "an earlier re-run's variant", n=30, show="{:.1%}"),
    Claim("short runs, parallel: solved within 80,000 steps", lambda r: solved_share(r["parallel-short"]), ">= 0.1",
          "not run", "trial", "the random M of the next line: none", n=100, show="{:.1%}"),
    Claim("short runs, a random M that does not learn: solved", lambda r: solved_share(r["random-model-short"]), "<= 0",
          "not run", "control", "no model", n=100, show="{:.1%}"),
    Claim("short runs, sequential: solved within 80,000 steps", lambda r: solved_share(r["sequential-short"]), "",
          "not run", "trial", "reported", n=100, show="{:.1%}"),
    Claim("short runs, a teacher: solved within 20,000 steps", lambda r: solved_share(r["teacher-short"]), ">= 0.9",
          "solved", "control", "supervised RTRL", n=100, show="{:.1%}"),
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
