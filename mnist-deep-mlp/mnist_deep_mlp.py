# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Deep, big, simple nets read handwritten digits: a plain MLP, trained on images that are deformed anew in every epoch.

By 2010 the best MNIST results belonged to convolutional nets and to nets pre-trained without labels; deep plain nets
were thought too hard to train and sure to overfit: they soon know all 60,000 images by heart. This paper changes
neither the net nor backpropagation. Before every epoch each training image is stretched, sheared or rotated and bent
by a random elastic field, so no image is ever seen twice and nothing can be learnt by heart; a GPU buys the epochs.

Paper: D. C. Ciresan, U. Meier, L. M. Gambardella, J. Schmidhuber (2010), Deep, Big, Simple Neural Nets for
Handwritten Digit Recognition, Neural Computation 22(12), 3207-3220 (arXiv:1003.0358): the nets of its Table 1.
The elastic field is that of P. Y. Simard, D. Steinkraus, J. C. Platt (2003), ICDAR, 958-962.

    y_0 = grey / 127.5 - 1            29 x 29 pixels (28 x 28 and a background row and column), less the mean image
    y_l = A tanh(B (y_{l-1} W_l + b_l))                 A = 1.7159, B = 0.6666
    p   = softmax(y_{L-1} W_L + b_L),  E = -ln p_label
    W  <- W - eta dE/dW               eta falls from epoch to epoch, to 0

The 60,000 undeformed training images are the validation set: a run's score is the test error at the epoch whose
validation error is lowest, so nothing is chosen on the test set.

Usual command: python3 mnist_deep_mlp.py --seed 0
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
# --- idiom: mnist ---
import functools
import gzip
import hashlib
import zlib

MNIST = {   # SHA-256 of each file's uncompressed contents
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def find_mnist(data=""):
    """Return the folder with the four MNIST files: `data` if given, else the first of $MNIST_DIR, ../data/mnist beside
    this script's folder and ~/.cache/mnist that has them. Raises OSError, saying where they are looked for."""
    folders = [Path(data)] if data else [Path(os.environ.get("MNIST_DIR") or Path.home() / ".cache/mnist"),
                                         Path(__file__).resolve().parent.parent / "data/mnist",
                                         Path.home() / ".cache/mnist"]
    for folder in folders:
        if all((folder / f"{name}.gz").is_file() for name in MNIST):
            return folder
    raise OSError(f"MNIST was not found in {' or '.join(dict.fromkeys(map(str, folders)))}: name the folder that holds "
                  f"{', '.join(f'{name}.gz' for name in MNIST)} with --data or in MNIST_DIR")


@functools.cache
def load_mnist(data=""):
    """Return train images (60000, 28, 28) and labels (60000,), test images (10000, 28, 28) and labels (10000,), uint8,
    white on black. Raises OSError, with what to do, if a file is missing or is not the standard one."""
    folder, arrays = find_mnist(data), []
    for name, digest in MNIST.items():
        path = folder / f"{name}.gz"
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise OSError(f"{path} cannot be read ({error}); replace it by the standard MNIST file") from None
        if hashlib.sha256(content).hexdigest() != digest:
            raise OSError(f"{path} is not the standard MNIST file (its SHA-256 differs); replace it")
        shape = np.frombuffer(content, ">i4", content[3], offset=4)              # IDX: 0 0 type rank, then the sizes
        arrays.append(np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape))
    return tuple(arrays)
# --- end of idiom ---


# ---------------------------------------------------------------- Config

@dataclass(frozen=True)
class Config:
    data: str = option("", "folder with the four MNIST .gz files (default: where they are usually found)", counts=False)
    images: int = option(60_000, "training images used, from the first", low=1)
    side: int = option(29, "pixels to a side of the input: 29 in the paper, 28 without the background row and column",
                       choices=(28, 29))
    hidden: str = option("1500-1000-500", "units of the hidden layers, from the input up")
    spread: float = option(0.05, "initial weights ~ U[-spread, spread]")
    elastic: float = option(1.0, "strength of the elastic field, 1 = the paper's, 0 = none")
    affine: float = option(1.0, "strength of scaling, rotation and shear, 1 = the paper's, 0 = none")
    group: int = option(16, "images that share one deformation in an epoch", low=1)
    epochs: int = option(400, "epochs of training", low=1)
    batch: int = option(64, "images to an update, which descends the sum of their gradients", low=1)
    rate: float = option(2.5e-3, "learning rate eta in the first epoch, per image; falls linearly to 0 after the last")
    every: int = option(10, "epochs from one scoring of validation and test set to the next", low=1)


# ---------------------------------------------------------------- Problem

EDGE = 30                                                                  # a 28 x 28 image in a frame of background
TAME = (1, 7)                                                              # these digits turn and lean half as much


class Digits(NamedTuple):
    """Images (n, EDGE * EDGE), uint8 grey values with a frame of background, and labels (n,)."""
    images: np.ndarray
    labels: np.ndarray


def load_digits(config):
    """Return the training set (also the validation set, undeformed) and the test set. Raises OSError without MNIST."""
    *train_set, images, labels = load_mnist(config.data)
    return [Digits(np.pad(x, ((0, 0), (1, 1), (1, 1))).reshape(len(x), EDGE * EDGE), t)
            for x, t in ((train_set[0][:config.images], train_set[1][:config.images]), (images, labels))]


def crop(images, side):
    """Return (n, side * side): the images without their frame, but for a right and lower background line at side 29."""
    return images.reshape(-1, EDGE, EDGE)[:, 1:1 + side, 1:1 + side].reshape(-1, side * side)


def elastic_fields(rng, n, side):
    """Return n displacement fields (n, 2, side, side), float32 pixels: uniform noise in [-1, 1], blurred by a Gaussian
    of sigma ~ U[5, 6] pixels and multiplied by alpha ~ U[36, 38]; rms alpha / sqrt(12 pi sigma^2) away from borders."""
    noise = rng.uniform(-1, 1, (n, 2, side, side)).astype(np.float32)
    alpha, sigma = rng.uniform((36, 5), (38, 6), (n, 2)).astype(np.float32).T[..., None, None]
    distance = np.subtract.outer(np.arange(side), np.arange(side)).astype(np.float32)
    blur = np.exp(-0.5 * (distance / sigma) ** 2) / (np.sqrt(np.float32(2 * np.pi)) * sigma)        # (n, side, side)
    blur = blur[:, None]                                                   # from the left and the right: both ways
    return alpha[:, None] * (blur @ noise @ blur)


def affine_maps(rng, tame):
    """Return matrices (n, 2, 2) that take offsets (row, column) from the centre to where they are read.

    Rows and columns are scaled by independent factors in [1 - gamma / 100, 1 + gamma / 100], gamma ~ U[15, 20]; then a
    coin chooses between rotation and horizontal shear by an angle in [-15, 15] degrees, half of that where tame (n,).
    """
    n = len(tame)
    scale = 1 + rng.uniform(15, 20, (n, 1, 1)) / 100 * rng.uniform(-1, 1, (n, 1, 2))
    angle = np.radians(np.where(tame, 7.5, 15.0)) * rng.uniform(-1, 1, n)
    rotation = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], 1).reshape(n, 2, 2)
    shear = np.stack([np.ones(n), np.zeros(n), np.tan(angle), np.ones(n)], 1).reshape(n, 2, 2)
    return np.where(rng.random((n, 1, 1)) < 0.5, rotation, shear) * scale


def places(rng, tame, config):
    """Return the rows and columns (n, 2, side * side) where deformed images are read in the frame, per tame (n,)."""
    n, side = len(tame), config.side
    grid = np.stack(np.mgrid[:side, :side]).reshape(2, -1) + 1.0                                    # (2, side * side)
    centre = (EDGE - 1) / 2
    maps = np.eye(2) + config.affine * (affine_maps(rng, tame) - np.eye(2))
    return (centre + maps @ (grid - centre)).astype(np.float32) \
        + np.float32(config.elastic) * elastic_fields(rng, n, side).reshape(n, 2, -1)


def warp(images, place):
    """Return images (m, EDGE * EDGE) read at place (2, pixels) by bilinear interpolation: (pixels, m) float32."""
    place = np.clip(place, 0, EDGE - 1)                                    # the frame's edge is background
    corner = np.minimum(place.astype(np.intp), EDGE - 2)
    down, right = (place - corner).astype(np.float32)[..., None]                                    # (pixels, 1) each
    at = corner[0] * EDGE + corner[1]
    grey = np.ascontiguousarray(images.T, np.float32)                                               # (EDGE * EDGE, m)
    out = grey[at] * ((1 - down) * (1 - right))
    for step, weight in ((1, (1 - down) * right), (EDGE, down * (1 - right)), (EDGE + 1, down * right)):
        part = grey[at + step]
        part *= weight
        out += part
    return out


def deform(rng, digits, config, out=None):
    """Return every image of digits deformed anew: (n, side * side) float32 grey values, in `out` if given.

    The images are dealt at random into groups of config.group that share one map; 1s and 7s have groups of their own.
    """
    out = np.empty((len(digits.images), config.side ** 2), np.float32) if out is None else out
    if not config.elastic and not config.affine:
        out[:] = crop(digits.images, config.side)
        return out
    tame = np.isin(digits.labels, TAME)
    groups = []
    for kind in (True, False):
        members = rng.permutation(np.flatnonzero(tame == kind))
        groups += [members[i:i + config.group] for i in range(0, len(members), config.group)]
    maps = places(rng, np.array([tame[members].any() for members in groups]), config)
    for members, place in zip(groups, maps):
        out[members] = warp(digits.images[members], place).T
    return out


# ---------------------------------------------------------------- Model

A, B = 1.7159, 0.6666                                                      # hidden units: A tanh(B net)


def init(rng, config):
    """Return [(W (inputs, units), b (units,)), ...], the bottom layer first, float32, all ~ U[-spread, spread].

    Raises OSError where config.hidden is no row of numbers.
    """
    if not all(units.isdecimal() and int(units) for units in config.hidden.split("-")):
        raise OSError("--hidden must be numbers of units such as 1500-1000-500")
    sizes = [config.side ** 2, *map(int, config.hidden.split("-")), 10]
    return [(rng.uniform(-config.spread, config.spread, (m, n)).astype(np.float32),
             rng.uniform(-config.spread, config.spread, n).astype(np.float32)) for m, n in zip(sizes, sizes[1:])]


def inputs(images, mean):
    """Return (n, pixels) float32: grey / 127.5 - 1 less its mean over the training set."""
    x = images - mean
    x *= np.float32(1 / 127.5)
    return x


def forward(weights, x):
    """Return [y_0, ..., y_L], y_l (n, units of layer l): the inputs x, the hidden layers' outputs, the class scores."""
    ys = [x]
    for W, b in weights[:-1]:
        net = ys[-1] @ W
        net += b
        net *= B
        np.tanh(net, out=net)
        net *= A
        ys.append(net)
    W, b = weights[-1]
    return [*ys, ys[-1] @ W + b]


def softmax(scores):
    """Return class probabilities (n, 10) for scores (n, 10)."""
    p = np.exp(scores - scores.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def backward(weights, ys, p, labels):
    """Return [d_1, ..., d_L], d_l = dE/dnet_l (n, units of layer l), of E = -ln p_label, where p = softmax(y_L)."""
    d = p.copy()
    d[np.arange(len(d)), labels] -= 1
    ds = [d]
    for (W, _), y in zip(weights[:0:-1], ys[-2:0:-1]):
        slope = y * y                                                      # A B (1 - tanh^2) = A B - B / A y^2
        slope *= -B / A
        slope += A * B
        slope *= ds[0] @ W.T
        ds.insert(0, slope)
    return ds


# ---------------------------------------------------------------- Learning

class Snapshot(NamedTuple):
    """The state of a run. scores: rows (epoch, mean E and error in % on the deformed images, error in % on the
    validation set, on the test set) of scored epochs. best: test probabilities (10000, 10) at the best validation."""
    step: int
    scores: np.ndarray
    best: np.ndarray
    weights: list


def descend(weights, ys, ds, eta):
    """W <- W - eta * sum over the images of dE/dW, in place."""
    for (W, b), y, d in zip(weights, ys, ds):
        d *= eta
        W -= y.T @ d
        b -= d.sum(0)


def classify(weights, images, mean):
    """Return the class probabilities (n, 10) of images (n, pixels) of grey values."""
    return np.concatenate([softmax(forward(weights, inputs(images[i:i + 500], mean))[-1])
                           for i in range(0, len(images), 500)])


def error(p, labels):
    """Return the share of wrong answers in per cent."""
    return 100 * float(np.mean(p.argmax(1) != labels))


def train(config, seed, checkpoint=None):
    """Train one net; yield a Snapshot at the start and after every epoch. checkpoint: a file, resumed and kept up."""
    train_set, test_set = load_digits(config)
    validation, test = (crop(digits.images, config.side) for digits in (train_set, test_set))
    mean = validation.mean(0, dtype=np.float64).astype(np.float32)
    rng_init, rng_deform, rng_order = map(np.random.default_rng, np.random.SeedSequence([seed, 0]).spawn(3))
    weights = init(rng_init, config)
    scores, best, done = np.empty((0, 5)), np.empty((0, 10), np.float32), 0
    cell = f"{replace(config, data='')} seed {seed}"
    if checkpoint and (state := load_state(checkpoint, cell)):
        rng_deform, rng_order, scores, best, done = (state[name] for name in
                                                     ("rng_deform", "rng_order", "scores", "best", "done"))
        weights = [(state[f"W{layer}"], state[f"b{layer}"]) for layer in range(len(weights))]
    yield Snapshot(int(done), scores, best, weights)
    images = None
    for epoch in range(int(done) + 1, config.epochs + 1):
        eta = np.float32(config.rate * (1 - (epoch - 1) / config.epochs))
        images, order = deform(rng_deform, train_set, config, images), rng_order.permutation(len(validation))
        loss, wrong = 0.0, 0
        for batch in np.split(order, range(config.batch, len(order), config.batch)):
            labels = train_set.labels[batch]
            ys = forward(weights, inputs(images[batch], mean))
            p = softmax(ys[-1])
            loss -= float(np.log(p[np.arange(len(p)), labels] + 1e-30).sum())
            wrong += int(np.sum(p.argmax(1) != labels))
            descend(weights, ys, backward(weights, ys, p, labels), eta)
        if epoch % config.every == 0 or epoch == config.epochs:
            p = classify(weights, test, mean)
            scores = np.vstack([scores, (epoch, loss / len(order), 100 * wrong / len(order),
                                         error(classify(weights, validation, mean), train_set.labels),
                                         error(p, test_set.labels))])
            if scores[:, 3].argmin() == len(scores) - 1:
                best = p
        if checkpoint:
            layers = {f"{name}{layer}": value for layer, pair in enumerate(weights) for name, value in zip("Wb", pair)}
            save_state(checkpoint, cell, dict(rng_deform=rng_deform, rng_order=rng_order, scores=scores, best=best,
                                              done=epoch, **layers))
        yield Snapshot(epoch, scores, best, weights)


# ---------------------------------------------------------------- Experiment

SURE = 0.99                                                                # a net less sure of the label is in doubt


def doubts(p, labels):
    """Return a row [image, label, 10 probabilities in units of 1e-4] for each image whose label gets less than SURE."""
    images = np.flatnonzero(p[np.arange(len(p)), labels] < SURE)
    return np.column_stack([images, labels[images], np.rint(1e4 * p[images])]).astype(int).tolist()


def committee(tables):
    """Return the test error, in per cent, of the mean of several nets' probabilities, from their `doubts`.

    A net that does not list an image counts as SURE of its label, with the whole rest on the label's strongest rival,
    and a tie counts as a mistake: an upper bound.
    """
    sums, listed, labels = {}, {}, {}
    for image, label, *p in (row for table in tables for row in table):
        sums[image] = sums.get(image, 0) + np.array(p)
        listed[image] = listed.get(image, 0) + 1
        labels[image] = label
    mistakes = 0
    for image, p in sums.items():
        absent = len(tables) - listed[image]
        own = p[labels[image]] + 1e4 * SURE * absent
        rival = np.delete(p, labels[image]).max() + 1e4 * (1 - SURE) * absent
        mistakes += own <= rival
    return mistakes / 100


def report(config, snapshot):
    """Return the metrics (errors in per cent) and curves of a finished run."""
    epoch, loss, seen, validation, test = snapshot.scores.T
    at = validation.argmin()
    labels = load_digits(config)[1].labels
    guesses = snapshot.best.argsort(1)[:, ::-1]
    wrong = guesses[:, 0] != labels
    metrics = {"test_error": test[at], "lowest_test_error": test.min(), "final_test_error": test[-1],
               "validation_error": validation[at], "best_epoch": int(epoch[at]),
               "second_guess_right": np.mean(guesses[wrong, 1] == labels[wrong])}
    curves = {"epoch": epoch.astype(int), "loss": loss.round(5), "deformed_error": seen.round(3),
              "validation_curve": validation.round(4), "test_curve": test}
    return metrics, curves


def net(config, seed):
    """Train one net; score it at its best validation."""
    *_, snapshot = watch(train(config, seed), config.epochs, f"{config.hidden}, epoch")
    return report(config, snapshot)


def big_net(config, seed, checkpoint=None):
    """Train one net over hours, resumably; keep what it says of the test images it is in doubt about."""
    *_, snapshot = watch(train(config, seed, checkpoint), config.epochs, f"{config.hidden}, epoch")
    metrics, curves = report(config, snapshot)
    return metrics, {**curves, "doubts": doubts(snapshot.best, load_digits(config)[1].labels)}


N1, N2, N3 = "1000-500", "1500-1000-500", "2000-1500-1000-500"
N4, N5 = "2500-2000-1500-1000-500", "-".join(["1000"] * 9)
SMALL = Config(hidden="512-256", side=28, spread=0.08, group=32, every=5)
QUICK = replace(SMALL, hidden="32", images=2000, epochs=2, every=1)
ABLATION = Config(hidden=N1, epochs=40, every=4)
ARMS = {
    "n1": Arm(big_net, Config(hidden=N1, epochs=1000)),
    "n2": Arm(big_net, Config(hidden=N2, epochs=400)),
    "n3": Arm(big_net, Config(hidden=N3, epochs=170)),
    "n4": Arm(big_net, Config(hidden=N4, epochs=90)),
    "n5": Arm(big_net, Config(hidden=N5, epochs=120)),
    "n2-210": Arm(big_net, Config(hidden=N2, epochs=210)),
    "n1-undeformed": Arm(net, replace(ABLATION, rate=4e-3, elastic=0.0, affine=0.0)),
    "n1-affine": Arm(net, replace(ABLATION, elastic=0.0)),
    "n1-elastic-affine": Arm(net, ABLATION),
    "small-15-epochs": Arm(net, replace(SMALL, epochs=15, batch=32)),
    "small": Arm(net, replace(SMALL, epochs=9)),
    "small-undeformed": Arm(net, replace(SMALL, epochs=5, rate=5e-3, spread=0.1, elastic=0.0, affine=0.0)),
    "quick": Arm(net, QUICK),
    "quick-big": Arm(big_net, replace(QUICK, hidden="32-16")),
}
PRESETS = {
    "quick": ("quick", "quick-big"),
    "default": ("small", "small-undeformed"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
    "n4": ("n4",),
}


def wider(r, name, other):
    """Return the mean test error of `name` less that of `other`, and the half-width of its 95 % binomial interval."""
    shares = [r[arm]["test_error"] / 100 for arm in (name, other)]
    spread = sum(np.mean(share) * (1 - np.mean(share)) / (10_000 * len(share)) for share in shares)
    return 100 * (shares[0].mean() - shares[1].mean()), 196 * np.sqrt(spread)


def ratios(r):
    """Return err(undeformed) / err(deformed) of N1, seed by seed."""
    undeformed, deformed = paired(r["n1-undeformed"]["test_error"], r["n1-elastic-affine"]["test_error"])
    return undeformed / deformed


TABLE = "Table 1"
CLAIMS = (
    Claim("N2, 3.3 million weights: mean test error (%) at best validation", lambda r: r["n2"]["test_error"].mean(),
          "<= 0.55", paper="0.46 (N4: 0.35)", kind="trial", source=TABLE, n=3,
          show="{:.2f}"),
    Claim("N2: the best seed", lambda r: r["n2"]["test_error"].min(), "<= 0.5", paper="0.46 (N4: 0.35)", kind="trial",
          source=TABLE, n=3, show="{:.2f}"),
    Claim("N2, half as long (210 epochs): mean test error (%)", lambda r: r["n2-210"]["test_error"].mean(), "",
          paper="not run", kind="trial", source=TABLE, show="{:.2f}"),
    Claim("N4, the paper's best net, 12.1 million weights: mean test error (%)", lambda r: r["n4"]["test_error"].mean(),
          "<= 0.5", paper="0.35", kind="trial", source=TABLE, show="{:.2f}"),
    Claim("deformations carry it: lowest ratio, over seeds, of N1's errors without and with them",
          lambda r: ratios(r).min(), ">= 2.5", paper="about 3 to 4", kind="trial", source="Simard et al. 2003", n=5,
          show="{:.2f}"),
    Claim("affine deformations help: ratio of N1's mean errors without and with them",
          lambda r: r["n1-undeformed"]["test_error"].mean() / r["n1-affine"]["test_error"].mean(), "> 1",
          paper="1.6 / 1.1 (800 units)", kind="trial", source="Simard et al. 2003", n=5, show="{:.2f}"),
    Claim("elastic deformations help further: ratio of N1's mean errors without and with them",
          lambda r: r["n1-affine"]["test_error"].mean() / r["n1-elastic-affine"]["test_error"].mean(), "> 1",
          paper="1.1 / 0.7 (800 units)", kind="trial", source="Simard et al. 2003", n=5, show="{:.2f}"),
    Claim("bigger is better, each net annealed over about an hour: N4's mean test error less N1's",
          lambda r: wider(r, "n4", "n1"), "<= 0", paper="-0.14", kind="trial", source=TABLE, show="{:.2f}"),
    Claim("bigger is better, each net annealed over about an hour: N2's mean test error less N1's",
          lambda r: wider(r, "n2", "n1"), "", paper="-0.03", kind="trial", source=TABLE, show="{:.2f}"),
    Claim("committee of all N2 and N4 nets: test error (%) of their mean probabilities, at most",
          lambda r: committee([*r["n2"]["doubts"], *r["n4"]["doubts"]]), "<= 0.45", paper="0.31 (7 nets)", kind="trial",
          source="2012 chapter", show="{:.2f}"),
    Claim("784-512-256-10, 15 epochs: mean test error (%)", lambda r: r["small-15-epochs"]["test_error"].mean(),
          "<= 1.05", paper="not run", kind="trial", source="earlier catalog: 1.17", n=5, show="{:.2f}"),
    Claim("784-512-256-10, 9 deformed epochs: mean test error (%)", lambda r: r["small"]["test_error"].mean(),
          "<= 1.35", paper="not run", kind="trial", source="our trials", n=10, show="{:.2f}"),
    Claim("the same net, 5 undeformed epochs: mean test error (%)",
          lambda r: r["small-undeformed"]["test_error"].mean(), ">= 1.7", paper="not run", kind="control",
          source="our trials", n=10, show="{:.2f}"),
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
