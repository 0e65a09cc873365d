# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Signal and noise on one line: the 1997 LSTM tells two classes apart by the first elements of long noisy sequences.

S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8):1735-1780, 1997. Experiment 3 (section
5.3, Tables 4 to 6; equations of appendix A.1). The two-sequence problem is Bengio, Simard and Frasconi's (1994).

A sequence of T to 1.1 T numbers begins with N elements of +1 (class 1) or -1 (class 2); all others are noise of
variance 0.2 on the same input line. The class has to be told at the end. In task 3a the targets are 1 and 0, in 3b the
first elements are noisy as well, in 3c the targets are 0.2 and 0.8 plus noise of variance 0.1, so that the net has to
learn expectations. Random guessing of weights solves 3a quickly, 3c not: a task is hard only if it does not.

    s(t) = s(t-1) + y_in(t) g(net_c(t))      y_c(t) = y_out(t) h(s(t))      g = 4 f - 2, h = 2 f - 1, f the logistic

Three blocks of one cell each have an input gate and an output gate; there is no forget gate. Gates and cells see the
input, all gates and cells of the last step and a bias; the output unit sees the cells and has no bias: 102 weights.
Input gates start with the biases -1, -3, -5, output gates with -2, -4, -6. Learning is online gradient descent, rate 1
(3a, 3b) or 0.1 (3c), with a truncated gradient: an error that reaches the net input of a gate or a cell changes the
weights there but goes no further back. After every 1000 sequences the net is checked on 256 fixed ones. ST1: none (3b:
fewer than 6) of them is misclassified; ST2: the mean error is below 0.01 (3b: 0.04; 3c: 0.015), too. There it stops.

    python3 two_sequence_noise.py --seed 0
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
    task: str = option("3a", "the task of section 5.3", choices=("3a", "3b", "3c"))
    length: int = option(100, "minimal sequence length T", low=10)
    signal: int = option(3, "first elements N that carry the class", low=1)
    rule: str = option("sgd", "plain gradient descent or Adam", choices=("sgd", "adam"))
    rate: float = option(1.0, "learning rate alpha")
    clip: float = option(0.0, "largest norm of a trial's gradient; 0: no limit")
    batch: int = option(1, "sequences per weight change, a divisor of 200; 1 is online learning", low=1)
    gradient: str = option("truncated", "the paper's gradient or the full one", choices=("truncated", "full"))
    self_weight: float = option(1.0, "weight of the cells' self-connection; 1 is the constant error carousel")
    calm: float = option(1.0, "factor of the rate after ST1")
    after: float = option(0.0, "training after ST2 at a tenth of the rate, as a multiple of the sequences until then")
    trials: int = option(10, "independent trials, run in lanes", low=1)
    sequences: int = option(300_000, "training sequences after which a trial is given up; guesses of weights", low=200)


# ---------------------------------------------------------------- Problem
NOISE = 0.2**0.5                                                                  # s.d. of the noise on the input


class Task(NamedTuple):
    """What differs between 3a, 3b and 3c."""
    targets: tuple              # of classes 1 and 2
    limit: float                # an answer is misclassified if it is further from the target
    allowed: int                # ST1: at most so many of 256 are misclassified
    error: float                # ST2: and the mean error is below this
    noisy_signal: bool = False
    target_noise: float = 0.0   # s.d. of the noise on the target


TASKS = {"3a": Task((1.0, 0.0), 0.2, 0, 0.01), "3b": Task((1.0, 0.0), 0.2, 5, 0.04, noisy_signal=True),
         "3c": Task((0.2, 0.8), 0.1, 0, 0.015, target_noise=0.1**0.5)}


class Batch(NamedTuple):
    """Sequences in lanes, `updates` x `lanes` of them, left-aligned in `longest` = T + T/10 steps."""
    inputs: np.ndarray          # (updates, longest, lanes) float32
    lengths: np.ndarray         # T to T + T/10                     (updates, lanes)
    targets: np.ndarray         # what the net is trained on        (updates, lanes)
    clean: np.ndarray           # the same without noise            (updates, lanes)


def make_batch(config, generators, count, batch=1):
    """Draw `count` sequences from each trial's generator, as a Batch of count / batch updates (section 5.3).

    Lane r * batch + b holds sequence b of an update of trial r.
    """
    task, T = TASKS[config.task], config.length
    longest = T + T // 10
    x, lengths, first, noise = map(np.array, zip(*((
        g.standard_normal((count, longest), np.float32), g.integers(T, longest + 1, count), g.random(count) < 0.5,
        g.standard_normal(count)) for g in generators)))
    x *= np.float32(NOISE)                                                        # (trials, count, longest)
    x[..., :config.signal] = x[..., :config.signal] * task.noisy_signal + (2 * first - 1)[..., None]
    clean = np.where(first, *task.targets)

    def lanes(z):
        """Turn (trials, count, ...) into (updates, ..., trials * batch)."""
        z = z.reshape(len(generators), count // batch, batch, *z.shape[2:])
        return np.ascontiguousarray(np.moveaxis(z, (0, 2), (-2, -1)).reshape(count // batch, *z.shape[3:], -1))

    return Batch(lanes(x), lanes(lengths), lanes(clean + task.target_noise * noise), lanes(clean))


# ---------------------------------------------------------------- Model
# The layout is made for speed: time first, units next, lanes last, so that the units of one kind lie in one piece. A
# lane is one sequence of one trial; each trial has its own weights. All that step t reads is in one row of the tape,
#     U[t] = (tanh of the cells | y_in(t-1) | y_out(t-1) | y_c(t-1) | x(t) | 1), at 0:3, 3:6, 6:9, 9:12, 12 and 13,
# from 3 on; it writes the next row. A step is one product with the weights, one tanh for all gates and cells, and no
# copy, since f(z) = (1 + tanh(z/2)) / 2, g(z) = 2 tanh(z/2) and h(s) = tanh(s/2), with s/2 kept in place of s. The
# product is a stack of small ones, one for each trial, for which matmul wants the trials first.
HALF = np.array(0.5, np.float32)                                                  # an array: quicker than a scalar


class Tape(NamedTuple):
    """What a forward pass leaves for the backward pass, and a tuple of views for each step, made once."""
    U: np.ndarray               # see above         (longest + 1, 14, lanes)
    S: np.ndarray               # s(t-1) / 2        (longest + 1, 3, lanes)
    H: np.ndarray               # h(s(t))           (longest, 3, lanes)
    steps: list


def lstm_tape(longest, lanes, trials, dtype=np.float32):
    """Return an empty Tape; the states and activations of step 0 are 0 and stay so."""
    U, S, H = (np.zeros((rows, units, lanes), dtype) for rows, units in
               ((longest + 1, 14), (longest + 1, 3), (longest, 3)))
    U[:, 13] = 1
    steps = [(by_trial(U[t, 3:], trials), by_trial(U[t + 1, :9], trials), U[t + 1, :9], U[t + 1, 3:9], U[t + 1, 3:6],
              U[t + 1, :3], S[t], S[t + 1], H[t], U[t + 1, 6:9], U[t + 1, 9:12]) for t in range(longest)]
    return Tape(U, S, H, steps)


def by_trial(units, trials):
    """View (units, lanes) as a stack of matrices, (trials, units, lanes of a trial)."""
    return units.reshape(len(units), trials, -1).swapaxes(0, 1)


def spread(weights, lanes):
    """Give every lane the weights of its trial: (..., trials) to (..., lanes)."""
    return np.repeat(weights, lanes // weights.shape[-1], -1)


def gather(grads, like):
    """Average over the lanes of each trial: (..., lanes) to the shape of `like`, (..., trials)."""
    return grads.reshape(*like.shape, -1).mean(-1)


def output(params, units):
    """Return the logistic output unit's activation (lanes,) for the last activations (units, lanes); no bias."""
    return HALF + HALF * np.tanh(HALF * (spread(params["V"], units.shape[-1]) * units).sum(0))


def output_backward(params, units, y, targets):
    """Return the gradient of (y - y*)^2 / 2 by V for each lane, and epsilon, that by the units (units, lanes)."""
    d_net = (y - targets) * y * (1 - y)
    return units * d_net, spread(params["V"], len(y)) * d_net


def lstm_init(generators):
    """Return W (11, 9, trials), from (y_in, y_out, y_c, x, 1) to (cells, input gates, output gates), and V (3, trials),
    from y_c to the output: 102 weights, uniform in [-0.1, 0.1] but for the biases of the gates."""
    weights = np.array([g.uniform(-0.1, 0.1, 102) for g in generators], np.float32).T
    W, V = weights[:99].reshape(11, 9, -1).copy(), weights[99:].copy()
    W[10, 3:] = np.array([-1, -3, -5, -2, -4, -6])[:, None]
    return {"W": W, "V": V}


def lstm_forward(params, tape, inputs, lengths, config):
    """Run sequences through the net and return its output at the last step of each, (lanes,); the rest is on the tape.

    inputs: (longest, lanes). lengths: (lanes,). The lanes are a multiple of the trials in params.
    """
    matmul, tanh, multiply, add = np.matmul, np.tanh, np.multiply, np.add
    W = (HALF * params["W"]).T.copy()                                             # halved, as tanh(z/2) asks
    leak = None if config.self_weight == 1 else np.float32(config.self_weight)
    tape.U[:-1, 12] = inputs
    for u, net, z, gates, y_in, a, s_old, s, h, y_out, y_c in tape.steps[:lengths.max()]:
        matmul(W, u, net)
        tanh(z, z)
        multiply(gates, HALF, gates)
        add(gates, HALF, gates)
        multiply(y_in, a, s)
        add(s, s_old if leak is None else leak * s_old, s)
        tanh(s, h)
        multiply(y_out, h, y_c)
    return output(params, tape.U[lengths, 9:12, np.arange(len(lengths))].T)


def lstm_backward(params, tape, lengths, y, targets, config):
    """Return the gradient of (y - y*)^2 / 2, averaged over each trial's lanes, as a dict like params (appendix A.1)."""
    y_c = tape.U[lengths, 9:12, np.arange(len(lengths))].T
    d_V, epsilon = output_backward(params, y_c, y, targets)
    if config.gradient == "truncated":
        D = truncated_errors(tape, lengths, epsilon, config.self_weight)
    else:
        D = full_errors(tape, lengths, epsilon, config.self_weight, params["W"])
    d_W = np.matmul(tape.U[:len(D), 3:].transpose(2, 1, 0), D.transpose(2, 0, 1)).transpose(1, 2, 0)
    return {"W": gather(d_W, params["W"]), "V": gather(d_V, params["V"])}


def truncated_errors(tape, lengths, epsilon, self_weight):
    """Return the errors by the net inputs, (time, 9, lanes), from epsilon (3, lanes), those by y_c at the last step.

    There the error enters the output gates and the states. It leaves a state only backwards, through the cell's
    self-connection: with the weight 1, e_s is the same at all earlier steps, so that no backward loop is needed. Each
    step then has e_s y_in g' for its cells and e_s g f' for its input gates. Because S is s/2, e_s here is the
    derivative by s/2.
    """
    end, lane = lengths.max(), np.arange(len(lengths))
    a, y_in = tape.U[1:end + 1, :3], tape.U[1:end + 1, 3:6]
    h, y_out = tape.H[lengths - 1, :, lane].T, tape.U[lengths, 6:9, lane].T
    ago = lengths - 1 - np.arange(end)[:, None]                                   # steps until the last, (time, lanes)
    carried = (ago >= 0) * np.float32(self_weight)**np.maximum(ago, 0)
    e_s = carried[:, None].astype(h.dtype) * (y_out * (1 - h * h) * epsilon)
    D = np.zeros((end, 9, len(lengths)), h.dtype)
    D[:, :3] = e_s * y_in * (HALF - HALF * a * a)
    D[:, 3:6] = e_s * a * y_in * (1 - y_in)
    D[lengths - 1, 6:9, lane] = (y_out * (1 - y_out) * h * epsilon).T
    return D


def full_errors(tape, lengths, epsilon, self_weight, W):
    """Return what `truncated_errors` returns for the full gradient: errors go back through W (11, 9, trials), too."""
    end = lengths.max()
    a, y_in, y_out, h = tape.U[1:end + 1, :3], tape.U[1:end + 1, 3:6], tape.U[1:end + 1, 6:9], tape.H[:end]
    s_by_y, c_by_s, i_by_s = y_out * (1 - h * h), y_in * (HALF - HALF * a * a), a * y_in * (1 - y_in)
    o_by_y = h * y_out * (1 - y_out)
    D, d_y = np.empty_like(tape.U[:end, :9]), np.zeros_like(tape.U[0, :9])
    back, d_s, ends = W[:9].transpose(2, 0, 1).copy(), np.zeros_like(epsilon), set(lengths - 1)
    for t in range(end - 1, -1, -1):
        d_c = d_y[6:] + epsilon * (lengths - 1 == t) if t in ends else d_y[6:]
        d_s = self_weight * d_s + d_c * s_by_y[t]
        D[t, :3] = d_s * c_by_s[t]
        D[t, 3:6] = d_s * i_by_s[t] + d_y[:3] * y_in[t] * (1 - y_in[t])
        D[t, 6:] = d_c * o_by_y[t] + d_y[3:6] * y_out[t] * (1 - y_out[t])
        np.matmul(back, by_trial(D[t], len(back)), by_trial(d_y, len(back)))
    return D


def rnn_tape(longest, lanes, trials, dtype=np.float32):
    """Return the Tape of the control: U holds ( h(t-1) 0:9 | x(t) 9 | 1 10 )."""
    U = np.zeros((longest + 1, 11, lanes), dtype)
    U[:, 10] = 1
    return Tape(U, None, None, [(by_trial(U[t], trials), by_trial(U[t + 1, :9], trials), U[t + 1, :9])
                                for t in range(longest)])


def rnn_init(generators):
    """Return W (11, 9, trials), from (h, x, 1) to h, and V (9, trials), from h to the output: 108 weights."""
    weights = np.array([g.uniform(-1, 1, 108) for g in generators], np.float32).T / np.float32(3)
    return {"W": weights[:99].reshape(11, 9, -1).copy(), "V": weights[99:].copy()}


def rnn_forward(params, tape, inputs, lengths, config):
    """The control, h(t) = tanh(W (h(t-1), x(t), 1)) with 9 units; arguments and result as for `lstm_forward`."""
    W = params["W"].T.copy()
    tape.U[:-1, 9] = inputs
    for u, net, h in tape.steps[:lengths.max()]:
        np.matmul(W, u, net)
        np.tanh(h, h)
    return output(params, tape.U[lengths, :9, np.arange(len(lengths))].T)


def rnn_backward(params, tape, lengths, y, targets, config):
    """Return the full gradient (backpropagation through time); arguments and result as for `lstm_backward`."""
    h = tape.U[lengths, :9, np.arange(len(lengths))].T
    d_V, epsilon = output_backward(params, h, y, targets)
    back, D = params["W"][:9].transpose(2, 0, 1).copy(), np.empty_like(tape.U[:lengths.max(), :9])
    slope, d_h, ends = 1 - tape.U[1:len(D) + 1, :9]**2, np.zeros_like(epsilon), set(lengths - 1)
    for t in range(len(D) - 1, -1, -1):
        if t in ends:
            d_h += epsilon * (lengths - 1 == t)
        np.multiply(d_h, slope[t], D[t])
        np.matmul(back, by_trial(D[t], len(back)), by_trial(d_h, len(back)))
    d_W = np.matmul(tape.U[:len(D)].transpose(2, 1, 0), D.transpose(2, 0, 1)).transpose(1, 2, 0)
    return {"W": gather(d_W, params["W"]), "V": gather(d_V, params["V"])}


class Net(NamedTuple):
    """An architecture: its four functions."""
    init: Callable
    tape: Callable
    forward: Callable
    backward: Callable


LSTM = Net(lstm_init, lstm_tape, lstm_forward, lstm_backward)
RNN = Net(rnn_init, rnn_tape, rnn_forward, rnn_backward)


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


PIECE = 200                                                                       # sequences drawn at a time
BLOCK = 1000                                                                      # sequences between checks
CHECK, TEST = 256, 2560                                                           # sequences of a check and of the test
SAVE_SECONDS = 120                                                                # between checkpoints


class Snapshot(NamedTuple):
    """The state before training and after each check."""
    step: int                   # sequences seen by each trial
    params: dict                # the live weights
    stopped: dict               # the weights of each trial at ST2
    history: list               # of each check so far: misclassified share, mean error         (2, trials)
    reached: np.ndarray         # sequences until ST1 and ST2, NaN before                       (2, trials)


def streams(config, seed):
    """Return four lists of generators, one for each trial: for weights, training data, checks and the test."""
    roots = (np.random.SeedSequence([seed, trial]).spawn(4) for trial in range(config.trials))
    return [list(map(np.random.default_rng, children)) for children in zip(*roots)]


def clip(grads, limit):
    """Scale down the gradient of each trial whose norm exceeds the limit, in place."""
    norm = sum((g * g).reshape(-1, g.shape[-1]).sum(0) for g in grads.values())**0.5
    for g in grads.values():
        g *= np.minimum(1, limit / (norm + 1e-12))


def answers(params, batches, tape, config, net):
    """Return outputs and clean targets, (trials, sequences) each, of a Batch whose updates are for test only."""
    y = [net.forward(params, tape, x, lengths, config) for x, lengths in zip(batches.inputs, batches.lengths)]
    return [np.concatenate([part.reshape(config.trials, -1) for part in parts], 1) for parts in (y, batches.clean)]


def judged(y, clean, task):
    """Return the number of misclassified sequences and the mean error: two arrays (trials,)."""
    error = abs(y - clean)
    return (error > task.limit).sum(1), error.mean(1)


def share_of_rate(step, reached, config):
    """Return the factor of the learning rate for each trial after `step` sequences, (trials,) float32: 1, config.calm
    from ST1 on, a tenth of that after ST2, and 0 where training has ended."""
    ST1, ST2 = reached
    after = np.where(step < ST2 * (1 + config.after), 0.1, 0)
    return np.where(np.isnan(ST2), step < config.sequences, after).astype(np.float32) * np.where(
        np.isnan(ST1), np.float32(1), np.float32(config.calm))


def train(config, seed, net=LSTM, checkpoint=None):
    """Train the trials of one seed in lanes until all have stopped or the budget is spent; yield Snapshots.

    After every 1000 sequences each trial is checked on its own 256 fixed sequences (section 5.3). At ST2 its weights
    are kept; it goes on at a tenth of the rate for config.after times the sequences so far and is then frozen.
    checkpoint: npz file to go on from and to keep up to date. Raises OSError where config.batch does not divide 200.
    """
    if PIECE % config.batch:
        raise OSError(f"--batch must divide {PIECE}")
    task, trials, chunk = TASKS[config.task], config.trials, CHECK // 4
    weights, data, checks, _ = streams(config, seed)
    params, step, history, reached = net.init(weights), 0, [], np.full((2, trials), np.nan)
    state, stopped = adam_state(params), {name: w.copy() for name, w in params.items()}
    longest, fixed = config.length + config.length // 10, make_batch(config, checks, CHECK, chunk)
    tape, check_tape = (net.tape(longest, trials * each, trials) for each in (config.batch, chunk))
    cell, saved = f"{config} seed {seed}", time.monotonic()
    if checkpoint and (kept := load_state(checkpoint, cell)):
        step, history, reached = int(kept["step"]), list(kept["history"]), kept["reached"]
        data = [kept[f"data{i}"] for i in range(trials)]
        params, stopped, *moments = ({n: kept[kind + n] for n in params} for kind in ("w_", "stopped_", "m_", "v_"))
        state = {n: tuple(moment[n] for moment in moments) for n in params}
    yield Snapshot(step, params, stopped, history, reached)
    while (share := share_of_rate(step, reached, config)).any():
        for _ in range(BLOCK // PIECE):
            for inputs, lengths, targets, _ in zip(*make_batch(config, data, PIECE, config.batch)):
                y = net.forward(params, tape, inputs, lengths, config)
                step += config.batch
                grads = net.backward(params, tape, lengths, y, targets, config)
                if config.clip:
                    clip(grads, config.clip)
                if config.rule == "sgd":
                    for name, grad in grads.items():
                        params[name] -= np.float32(config.rate) * share * grad
                else:
                    adam(params, grads, state, step // config.batch, np.float32(config.rate) * share)
        wrong, error = judged(*answers(params, fixed, check_tape, config, net), task)
        history.append(np.stack([wrong / CHECK, error]))
        ST1 = wrong <= task.allowed
        new = np.isnan(reached) & [ST1, ST1 & (error < task.error)]
        reached[new] = step
        for name, w in params.items():
            stopped[name][..., new[1]] = w[..., new[1]]
        if checkpoint and time.monotonic() - saved >= SAVE_SECONDS:
            arrays = {kind + n: x for n, (m, v) in state.items()
                      for kind, x in (("w_", params[n]), ("stopped_", stopped[n]), ("m_", m), ("v_", v))}
            save_state(checkpoint, cell, dict(step=step, history=history, reached=reached, **arrays,
                                              **{f"data{i}": g for i, g in enumerate(data)}))
            saved = time.monotonic()
        yield Snapshot(step, params, stopped, history, reached)


# ---------------------------------------------------------------- Experiment
def tested(params, config, seed, net):
    """Return the answers of each trial to its 2560 fresh sequences, and the clean targets: (trials, 2560) each."""
    generators = streams(config, seed)[3]
    tape, parts = net.tape(config.length + config.length // 10, config.trials * 64, config.trials), []
    for _ in range(TEST // 64):
        parts.append(answers(params, make_batch(config, generators, 64, 64), tape, config, net))
    return [np.concatenate(part, 1) for part in zip(*parts)]


def evaluate(config, seed, net, checkpoint=None):
    """Train and test; return the last Snapshot, metrics with one entry for each trial, and curves over training.

    ST1, ST2: sequences until then, None if never; solved: whether ST2 came. Of 2560 fresh sequences, with the weights
    of ST2 (None without it): share misclassified, error (mean), slope of y over the clean target, class_1 and class_2
    (the mean answers). With the last weights, for all trials: end_share, end_error.
    """
    *_, last = watch(train(config, seed, net, checkpoint), config.sequences, f"{config.task}, sequence")
    there, task = ~np.isnan(last.reached[1]), TASKS[config.task]
    (y, clean), end = tested(last.stopped, config, seed, net), tested(last.params, config, seed, net)
    of_class = [np.array([row[c == target].mean() for row, c in zip(y, clean)]) for target in task.targets]
    wrong, error = judged(y, clean, task)
    at_stop = {"share": wrong / TEST, "error": error, "class_1": of_class[0], "class_2": of_class[1],
               "slope": (of_class[0] - of_class[1]) / (task.targets[0] - task.targets[1])}
    end_wrong, end_error = judged(*end, task)
    points = np.array([part.mean(0) for part in np.array_split(last.history, min(100, len(last.history)))])
    metrics = {"ST1": last.reached[0], "ST2": last.reached[1], "solved": there * 1,
               **{name: np.where(there, x, np.nan) for name, x in at_stop.items()},
               "end_share": end_wrong / TEST, "end_error": end_error}
    return last, metrics, {"seen": np.linspace(0, last.step, len(points) + 1)[1:],
                           **{f"{name}_{what}": how(points[:, row], 1) for row, name in enumerate(("share", "error"))
                              for what, how in (("median", np.median), ("least", np.min), ("most", np.max))}}


def lstm(config, seed, checkpoint=None):
    """Train and test the memory cells. Metrics and curves of `evaluate`; weights: the 102 of the first trial that got
    to ST2 (W, then V), as they were then, with which the figures run that net again."""
    last, metrics, curves = evaluate(config, seed, LSTM, checkpoint)
    one = metrics["solved"].argmax()
    return metrics, curves | {"weights": np.concatenate([last.stopped[name][..., one].ravel() for name in "WV"])}


def rnn(config, seed, checkpoint=None):
    """Train and test the control, an ordinary recurrent net: the metrics and curves of `evaluate`."""
    return evaluate(config, seed, RNN, checkpoint)[1:]


def guess(config, seed):
    """Guess the weights of a small recurrent net, uniform in [-100, 100], until one meets ST2 (section 5.3).

    The net is A1(1) of Hochreiter and Schmidhuber (1996): a hidden unit and then the output unit, both logistic, with
    seven weights, h = f(a x + b h' + c y' + d), y = f(e x + k h + l y'). guesses: how many each trial took, None if
    config.sequences were not enough; solved: whether they were.
    """
    weights, _, checks, _ = streams(config, seed)
    fixed, task, lot = make_batch(config, checks, CHECK, 1), TASKS[config.task], 2000
    guesses = np.full(config.trials, np.nan)
    for trial, g in enumerate(weights):
        for start in range(0, config.sequences, lot):
            nets, alive = g.uniform(-100, 100, (lot, 7)).astype(np.float32), np.arange(lot)
            for some in (4, 16, CHECK):                                           # most fail on the first few
                y = guessed(nets[alive], fixed.inputs[:some, :, trial], fixed.lengths[:some, trial])
                wrong, error = judged(y, fixed.clean[:some, trial], task)
                alive = alive[(wrong <= task.allowed) & ((some < CHECK) | (error < task.error))]
            if len(alive) and start + alive[0] < config.sequences:
                guesses[trial] = start + alive[0] + 1
                break
    return {"guesses": guesses, "solved": ~np.isnan(guesses) * 1}, {}


def guessed(nets, inputs, lengths):
    """Return the answers (nets, sequences) of guessed nets (nets, 7) to inputs (sequences, longest)."""
    a, b, c, d, e, k, l = HALF * nets.T[..., None]                                # halved, as tanh(z/2) asks
    h = y = answer = np.zeros((len(nets), len(lengths)), np.float32)
    for t, x in enumerate(inputs.T[:lengths.max()]):
        h = HALF + HALF * np.tanh(a * x + b * h + c * y + d)
        y = HALF + HALF * np.tanh(e * x + k * h + l * y)
        answer = np.where(lengths == t + 1, y, answer)
    return answer


PAPER = {                                                                         # Tables 4 to 6, means of ten trials:
    "3a-3": (27_380, 39_850, 0.000195), "3a-1": (58_370, 64_330, 0.000117), "3a-3-1000": (446_850, 452_460, 0.000078),
    "3b-3": (41_740, 43_250, 0.00828), "3b-1": (74_950, 78_430, 0.01500), "3b-1-1000": (481_060, 485_080, 0.01207),
    "3c-3": (None, 269_650, 0.00558), "3c-1": (None, 565_640, 0.00441)}           # ST1, ST2, share misclassified


def task_of(row):
    """Return the Config of a row of the tables, such as "3a-3-1000": task, N and, where it is not 100, T."""
    task, signal, *length = row.split("-")
    return Config(task, int(*length or [100]), int(signal), rate=0.1 if task == "3c" else 1.0, trials=30,
                  sequences=1_500_000 if task == "3c" else 300_000)


LITERAL = {row: task_of(row) for row in PAPER}
LITERAL |= {row: replace(LITERAL[row], trials=10, sequences=1_000_000) for row in ("3a-3-1000", "3b-1-1000")}
FAST = {f"adam-{row}": replace(config, rule="adam", rate=0.01, trials=3, sequences=60_000)
        for row, config in LITERAL.items()}
FAST |= {name: replace(FAST[name], after=1.0, sequences=30_000) for name in ("adam-3b-3", "adam-3b-1")}
FAST |= {name: replace(FAST[name], rate=0.003, clip=1.0, batch=4, calm=0.3, trials=10, sequences=400_000)
         for name in ("adam-3a-3-1000", "adam-3b-1-1000")}
CONTROL = replace(FAST["adam-3a-3"], gradient="full", rate=0.01, clip=1.0, batch=4, trials=10, sequences=45_000)
ARMS = {
    **{name: Arm(lstm, config) for name, config in (LITERAL | FAST).items()},
    "leak-3c-1": Arm(lstm, replace(FAST["adam-3c-1"], self_weight=0.95, trials=10)),
    "rnn-100": Arm(rnn, replace(CONTROL, trials=3)),
    "rnn-1000": Arm(rnn, replace(CONTROL, length=1000, sequences=400_000)),
    "guess-3a": Arm(guess, Config("3a", sequences=100_000)),
    "guess-3c": Arm(guess, Config("3c", sequences=100_000)),
    "quick-lstm": Arm(lstm, Config("3c", length=20, trials=2, sequences=1000, batch=4)),
    "quick-rnn": Arm(rnn, Config("3a", length=20, trials=2, sequences=1000, batch=4, rate=0.01, rule="adam")),
    "quick-guess": Arm(guess, Config("3a", length=20, trials=2, sequences=6000)),
}
PRESETS = {
    "quick": ("quick-lstm", "quick-rnn", "quick-guess"),
    "default": ("adam-3a-1", "adam-3b-1", "adam-3c-3", "adam-3c-1", "rnn-100", "guess-3a"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}
TABLE = {"3a": "Table 4", "3b": "Table 5", "3c": "Table 6"}


def named(row):
    """Return the words for a row of the tables."""
    task, signal, *length = row.split("-")
    return f"{task}, N = {signal}" + "".join(f", T = {T}" for T in length)


def there(values, how=np.mean):
    """Return the mean (or what `how` computes) over the trials that got there, NaN if none did."""
    return how(values[~np.isnan(values)]) if not np.isnan(values).all() else np.nan


def literal(row):
    """The claims about the net and the rule of 1997 in one row of the tables. T = 1000 is only reported."""
    _, ST2, share = PAPER[row]
    name, table, judge_it = f"1997 net, {named(row)}", TABLE[row[:2]], row[4:] == ""
    return (
        Claim(f"{name}: trials that meet the criterion", lambda r: r[row]["solved"].mean(),
              ">= 0.8" if judge_it else "", "mean of 10", "trial", f"{table}; the bar is ours", n=10, show="{:.0%}"),
        Claim(f"{name}: sequences until then (mean of those trials)", lambda r: there(r[row]["ST2"]),
              f"{ST2 / 2:.0f}..{ST2 * 2:.0f}" if judge_it else "", f"{ST2:,}", "trial",
              f"{table}; the factor 2 is ours", n=10, show="{:,.0f}"),
        Claim(f"{name}: ... (median)", lambda r: there(r[row]["ST2"], np.median), "", "not given", "paper", table, n=10,
              show="{:,.0f}"),
        Claim(f"{name}: misclassified then (mean of those trials)", lambda r: there(r[row]["share"]), "",
              f"{share:.3%}", "paper", table, n=10, show="{:.3%}"))


def fast(row, solved, limit, bar):
    """The claims about Adam in one row: the trials that meet the criterion (bar `solved`), the mean sequences of those
    (at most `limit`), and the mean share misclassified then. 3b's bar is about all trials when training has ended."""
    arm, name, table = f"adam-{row}", f"Adam, {named(row)}", TABLE[row[:2]]
    _, ST2, share = PAPER[row]
    onward = FAST[arm].after > 0
    return (
        Claim(f"{name}: trials that meet the criterion", lambda r: r[arm]["solved"].mean(), solved, "mean of 10",
              "trial", f"{table}; the bar is ours", n=10, show="{:.0%}", substitute=True),
        Claim(f"{name}: sequences until then (mean of those trials)", lambda r: there(r[arm]["ST2"]), f"<= {limit}",
              f"{ST2:,}", "trial", f"{table}; the bar is ours", n=10, show="{:,.0f}", substitute=True),
        Claim(f"{name}: misclassified then (mean of those trials)", lambda r: there(r[arm]["share"]),
              "" if onward else bar, f"{share:.3%}", "trial", f"{table}; the bar is ours", n=10, show="{:.3%}",
              substitute=True),
        *([Claim(f"{name}: misclassified after training on (mean of all trials)", lambda r: r[arm]["end_share"].mean(),
                 bar, f"{share:.3%}", "trial", f"{table}; the bar is ours", n=10, show="{:.3%}", substitute=True)]
          if onward else []))


def expects(row):
    """The claims that Adam's nets have learned the expectations of 3c's noisy targets."""
    arm, name = f"adam-{row}", f"Adam, {named(row)}"
    return (
        Claim(f"{name}: mean distance from the clean target (mean of those trials)",
              lambda r: there(r[arm]["error"]), "<= 0.015", {"3c-3": "0.014", "3c-1": "0.012"}[row], "paper",
              "Table 6", n=10, substitute=True),
        Claim(f"{name}: slope of the answer over the clean target (mean of those trials)",
              lambda r: there(r[arm]["slope"]), "0.95..1.05", "implied", "trial", "the bar is ours", n=10,
              show="{:.3f}", substitute=True),
        *(Claim(f"{name}: mean answer to class {which}, target {target}",
                lambda r, c=f"class_{which}": there(r[arm][c]), f"{target - 0.015:.3f}..{target + 0.015:.3f}",
                "implied", "trial", "the bar is ours", n=10, show="{:.3f}", substitute=True)
          for which, target in ((1, 0.2), (2, 0.8))))


EFFORT = {"ST1": "sequences", "ST2": "sequences"}
CLAIMS = (
    *(claim for row in ("3c-3", "3c-1", "3a-3", "3a-1", "3b-3", "3b-1", "3a-3-1000", "3b-1-1000")
      for claim in literal(row)),
    *fast("3a-3", ">= 1", 20_000, ""), *fast("3a-1", ">= 1", 20_000, ""),
    *fast("3b-3", "", 20_000, "<= 0.0083"), *fast("3b-1", "", 20_000, "<= 0.02"),
    *fast("3c-3", ">= 1", 30_000, "<= 0.005"), *fast("3c-1", ">= 1", 60_000, "<= 0.005"),
    *expects("3c-3"), *expects("3c-1"),
    *fast("3a-3-1000", ">= 0.8", 200_000, "<= 0.001"), *fast("3b-1-1000", ">= 0.8", 200_000, "<= 0.02"),
    Claim("guessing weights, 3a, N = 3: trials solved", lambda r: r["guess-3a"]["solved"].mean(), "", "solved", "paper",
          "section 5.3", n=10, show="{:.0%}"),
    Claim("guessing weights, 3a, N = 3: guesses (median)", lambda r: np.median(r["guess-3a"]["guesses"]), "",
          "about 718", "trial", "secondary: the 1996 paper", n=10, show="{:,.0f}"),
    Claim("guessing weights, 3c, N = 3: trials solved within 100,000 guesses each",
          lambda r: r["guess-3c"]["solved"].sum(), "<= 0", "not quickly", "control", "section 5.3", n=10,
          show="{:.0f}"),
    Claim("self-weight 0.95 instead of 1, 3c, N = 1: trials that meet the criterion",
          lambda r: r["leak-3c-1"]["solved"].mean(), "<= 0.2", "not run", "control", "no error carousel", n=10,
          show="{:.0%}"),
    Claim("ordinary net, 3a, N = 3: misclassified (mean)", lambda r: r["rnn-100"]["end_share"].mean(), "", "not run",
          "control", "section 5.3", n=10, show="{:.1%}"),
    Claim("ordinary net, 3a, N = 3, T = 1000: trials with 40% or more misclassified",
          lambda r: (r["rnn-1000"]["end_share"] >= 0.4).mean(), ">= 0.8", "not run", "control", "section 5.3", n=10,
          show="{:.0%}"),
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
