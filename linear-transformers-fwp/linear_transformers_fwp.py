# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Linear attention is a fast weight programmer: its capacity, and a delta rule that can overwrite (Schlag et al. 2021).

Linearised attention replaces exp(q . k) by phi(q) . phi(k). Written as a recurrence it is the fast weight programmer of
1991: a slow net turns each input into a key and a value and adds their outer product to a fast weight matrix W, which a
query reads. W is finite: at most d_dot = dim phi keys can be told apart, and a sum of outer products can never replace
what a key meant before.

I. Schlag, K. Irie, J. Schmidhuber (2021), Linear Transformers Are Secretly Fast Weight Programmers, ICML 2021,
arXiv 2102.11174: the equivalence, and the two synthetic experiments after the authors' released code and logs.

Task. S keys, S one-hot values. A sequence pairs keys with values, then one key is asked: which value had it last?
Setting 1 (capacity): every key once, in S pairs. Setting 2 (update): 2 S pairs drawn with replacement.

Slow net.  k_i = W_k [v_i; E(key_i)] + b_k,  q = W_q E(query) + b_q,  beta_i = sigmoid(w_b . [v_i; E(key_i)] + b_b)
phi.       ELU+1: elu(x) + 1.  DPFP-nu: r = [relu(x); relu(-x)], phi = [r * roll(r, j) for j = 1..nu].  FAVOR+: random
Sum.       W <- W + v_i phi(k_i)^T,  read W phi(q) / sum_i phi(k_i) . phi(q)
Delta.     W <- W + beta_i (v_i - W k') k'^T, k' = phi(k_i) / |phi(k_i)|_1,  read W phi(q) / |phi(q)|_1
FWM.       W <- W + beta_i (v_i - W phi(k_i)) phi(k_i)^T, then W / max(1, |W|),  read LayerNorm(W phi(q))
Loss.      1/2 |read - value|^2 at the end of the sequence, Adam on E and the slow weights

    python3 linear_transformers_fwp.py --seed 0
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
from functools import partial


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    S: int = option(40, "number of keys, and of values", low=2)
    replace: bool = option(False, "draw 2 S pairs with replacement (setting 2) instead of S without (setting 1)")
    rule: str = option("sum", "how pairs are written, or softmax attention", choices=("sum", "delta", "fwm", "softmax"))
    features: str = option("dpfp", "the feature map phi", choices=("elu1", "dpfp", "favor", "tanh"))
    nu: int = option(1, "DPFP: rolled products, so that d_dot = 2 d nu", low=1)
    m: int = option(64, "FAVOR+: random directions, so that d_dot = 2 m", low=1)
    d: int = option(64, "dimension of keys and queries before phi", low=1)
    batch: int = option(32, "sequences in a step, one query each", low=1)
    rate: float = option(1e-3, "Adam's learning rate")
    steps: int = option(100_000, "steps at most", low=1)
    every: int = option(100, "steps between evaluations", low=1)
    sequences: int = option(20, "sequences in an evaluation", low=1)
    queries: int = option(200, "keys asked of each of them at most", low=1)
    goal: float = option(0.001, "evaluation loss at which training stops")
    patience: int = option(11, "evaluations without a new best after which it gives up", low=1)
    draws: int = option(200, "random models on which the identities are checked", low=1)


# ---------------------------------------------------------------- Problem
def make_sequences(config, rng, lanes, length):
    """Draw keys and values, each (lanes, length) of integers below S."""
    if config.replace:
        return rng.integers(config.S, size=(2, lanes, length))
    return rng.permuted(np.tile(np.arange(config.S), (2, lanes, 1)), axis=2)


def last_values(keys, values, S):
    """Return the value that each key was paired with last, (lanes, S), or -1 for a key that does not occur."""
    table = np.full((len(keys), S), -1)
    table[np.arange(len(keys))[:, None], keys] = values          # of repeated indices numpy keeps the last
    return table


def make_batch(config, rng):
    """Draw the sequences of a step: keys and values (B, L), the key that is asked (B, 1) and its last value (B, 1)."""
    keys, values = make_sequences(config, rng, config.batch, config.S * (1 + config.replace))
    asked = np.take_along_axis(keys, rng.integers(keys.shape[1], size=(config.batch, 1)), axis=1)
    return keys, values, asked, np.take_along_axis(last_values(keys, values, config.S), asked, axis=1)


# ---------------------------------------------------------------- Model
# Batch first here (B, L, d): the work is one matrix product per sequence. Every operation returns its result and its
# pullback, the function that turns a derivative of the loss by the result into derivatives by the arguments. It may be
# called once and may overwrite what it is given. Only evaluation asks more than one query: pullbacks need Q = 1.
EPS = 1e-6                                                       # in every denominator, as in the released code


def elu1(x):
    """phi(x) = elu(x) + 1, of shape (..., d). Katharopoulos et al. 2020."""
    phi = np.minimum(x, 0)
    np.exp(phi, out=phi)
    phi += np.maximum(x, 0)
    return phi, lambda d_phi: d_phi * np.minimum(phi, 1)


def tanh(x):
    """phi(x) = tanh(x), of shape (..., d). Schlag et al. 2021a."""
    phi = np.tanh(x)
    return phi, lambda d_phi: d_phi * (1 - phi * phi)


def rectify(x):
    """r(x) = [relu(x); relu(-x)], of shape (..., 2 d)."""
    r = np.concatenate([x, -x], axis=-1)
    np.maximum(r, 0, out=r)

    def pullback(d_r):
        d_r *= r > 0
        return d_r[..., :x.shape[-1]] - d_r[..., x.shape[-1]:]
    return r, pullback


def dpfp(x, nu):
    """The paper's deterministic parameter-free projection [r * roll(r, j) for j = 1..nu], of shape (..., 2 d nu)."""
    r, pull_r = rectify(x)
    D = r.shape[-1]
    phi = np.concatenate([r * np.roll(r, j, axis=-1) for j in range(1, nu + 1)], axis=-1)

    def pullback(d_phi):
        d_r = np.zeros_like(r)
        for j in range(1, nu + 1):
            d_j = d_phi[..., (j - 1) * D:j * D]
            d_r += d_j * np.roll(r, j, axis=-1) + np.roll(d_j * r, -j, axis=-1)
        return pull_r(d_r)
    return phi, pullback


def directions(rng, d, m):
    """Draw FAVOR+'s directions, the columns of (d, m): orthogonal in blocks of d, as long as Gaussian vectors."""
    gauss = rng.standard_normal((-(-m // d), d, d))
    orthogonal = np.linalg.qr(gauss)[0] * np.linalg.norm(gauss, axis=2)[:, None]
    return np.concatenate(orthogonal, axis=1)[:, :m]


def favor(x, omega):
    """phi(x) = [exp(x Omega - c); exp(-x Omega - c)], c = |x|^2 / 2 + log(2 m) / 2, of shape (..., 2 m).

    The mean of phi(q) . phi(k) over Omega (d, m) is exp(q . k). Choromanski et al. 2021.
    """
    omega = omega.astype(x.dtype)
    m = omega.shape[1]
    u = x @ omega
    c = 0.5 * (x * x).sum(axis=-1, keepdims=True) + x.dtype.type(0.5 * np.log(2 * m))
    phi = np.exp(np.concatenate([u - c, -u - c], axis=-1))

    def pullback(d_phi):
        d_log = d_phi * phi
        return (d_log[..., :m] - d_log[..., m:]) @ omega.T - x * d_log.sum(axis=-1, keepdims=True)
    return phi, pullback


def feature_map(config, rng):
    """Return the phi of one forward pass, x -> (phi(x), pullback). FAVOR+ draws new directions every time."""
    if config.features == "dpfp":
        return partial(dpfp, nu=config.nu)
    if config.features == "favor":
        return partial(favor, omega=directions(rng, config.d, config.m))
    return {"elu1": elu1, "tanh": tanh}[config.features]


def similarity(phi, k, q):
    """s = phi(q) . phi(k), of shape (B, Q, L), for keys k (B, L, d) and queries q (B, Q, d)."""
    phi_k, pull_k = phi(k)
    phi_q, pull_q = phi(q)
    return phi_q @ phi_k.mT, lambda d_s: (pull_k(d_s.mT * phi_q), pull_q(d_s @ phi_k))


def dpfp_similarity(k, q, nu):
    """The same for DPFP and one query (Q = 1), without forming phi(k): 2.5 times as fast as `similarity` at nu = 3.

    With c = phi(q), phi(q) . phi(k) = sum_jm c_jm r_m r_(m-j) = r^T M r / 2: M (2 d, 2 d) is symmetric with the c_jm
    on nu cyclic off-diagonals, and the derivative by c stands on the same diagonals of sum_i d_s_i r_i r_i^T.
    """
    r, pull_r = rectify(k)
    c, pull_c = dpfp(q, nu)
    c = c.reshape(len(c), nu, -1)                                # (B, nu, 2 d)
    row = np.arange(c.shape[-1])
    column = (row - np.arange(1, nu + 1)[:, None]) % len(row)    # (nu, 2 d)
    row = np.broadcast_to(row, column.shape)
    M = np.zeros((len(c), c.shape[-1], c.shape[-1]), r.dtype)
    for j in range(nu):                                          # one at a time: where 2 j = 2 d, two fall on one place
        M[:, row[j], column[j]] += c[:, j]
        M[:, column[j], row[j]] += c[:, j]
    rM = r @ M                                                   # (B, L, 2 d)
    s = 0.5 * np.einsum("bld,bld->bl", r, rM)[:, None]

    def pullback(d_s):
        d_s = d_s.mT                                             # (B, L, 1)
        d_c = ((d_s * r).mT @ r)[:, row, column].reshape(len(c), 1, -1)
        return pull_r(d_s * rM), pull_c(d_c)
    return s, pullback


def normalise(x):
    """y = x / sum x over the last axis."""
    total = x.sum(axis=-1, keepdims=True) + x.dtype.type(EPS)
    y = x / total

    def pullback(d_y):
        d_y -= np.vecdot(d_y, y)[..., None]
        d_y /= total
        return d_y
    return y, pullback


def place(a, values, S):
    """y = sum_i a_i v_i, of shape (B, Q, S), for weights a (B, Q, L) on one-hot values (B, L)."""
    B, Q, _ = a.shape
    slots = np.arange(B * Q).reshape(B, Q, 1) * S + values[:, None]
    y = np.bincount(slots.ravel(), a.ravel(), B * Q * S).reshape(B, Q, S).astype(a.dtype)
    return y, lambda d_y: np.take_along_axis(d_y, values[:, None], axis=2)


# The four rules: k (B, L, d), q (B, Q, d), beta (B, L) -> the read y (B, Q, S) and pullback(d_y) -> d_k, d_q, d_beta.
def softmax_rule(config, phi, k, q, beta, values):
    """Softmax attention, no fast weights: y = sum_i softmax_i(q . k_i / sqrt(d)) v_i."""
    scale = k.dtype.type(k.shape[-1]**-0.5)
    logits = scale * (q @ k.mT)
    a = np.exp(logits - logits.max(axis=-1, keepdims=True))
    a /= a.sum(axis=-1, keepdims=True)
    y, pull_y = place(a, values, config.S)

    def pullback(d_y):
        d_a = pull_y(d_y)
        d_logits = scale * a * (d_a - (d_a * a).sum(axis=-1, keepdims=True))
        return d_logits.mT @ q, d_logits @ k, None
    return y, pullback


def sum_rule(config, phi, k, q, beta, values):
    """Linear attention: y = sum_i a_i v_i, a_i = phi(q) . phi(k_i) / sum_j phi(q) . phi(k_j)."""
    if config.features == "dpfp" and q.shape[1] == 1:
        s, pull_s = dpfp_similarity(k, q, config.nu)
    else:
        s, pull_s = similarity(phi, k, q)
    a, pull_a = normalise(s)
    y, pull_y = place(a, values, config.S)
    return y, lambda d_y: (*pull_s(pull_a(pull_y(d_y))), None)


def delta_rule(config, phi, k, q, beta, values):
    """The paper's rule: delta writes and reads with phi(k) and phi(q) divided by their sums."""
    (phi_k, pull_k), (phi_q, pull_q) = phi(k.swapaxes(0, 1)), phi(q)                 # time first: (L, B, D)
    (k1, pull_k1), (q1, pull_q1) = normalise(phi_k), normalise(phi_q)
    a, pull_a = delta_attention(k1, q1, beta.T)
    y, pull_y = place(a.transpose(1, 2, 0), values, config.S)

    def pullback(d_y):
        d_k1, d_q1, d_beta = pull_a(pull_y(d_y).transpose(2, 0, 1))
        return pull_k(pull_k1(d_k1)).swapaxes(0, 1), pull_q(pull_q1(d_q1)), d_beta.T
    return y, pullback


def delta_attention(k, q, beta):
    """The weight a_i of every value in what the delta rule reads, W q = sum_i a_i v_i; of shape (L, B, Q).

    W_i = W_(i-1) (I - beta_i k_i k_i^T) + beta_i v_i k_i^T, so instead of building W let the query walk back through
    the writes: p_L = q,  a_i = beta_i k_i . p_i,  p_(i-1) = p_i - a_i k_i. That is a vector for each query, not a
    matrix. The pullback retraces the walk forwards, with h_i the derivative by p_i.
    k (L, B, D), q (B, Q, D), beta (L, B).
    """
    k, beta, p, step = k[:, :, None], beta[:, :, None], q.copy(), np.empty_like(q)
    match = np.empty((len(k), *q.shape[:2]), k.dtype)            # k_i . p_i
    for i in reversed(range(len(k))):
        np.vecdot(p, k[i], out=match[i])
        p -= np.multiply((beta[i] * match[i])[..., None], k[i], out=step)
    a = beta * match

    def pullback(d_a):
        d_a, h, d_k = d_a.copy(), np.zeros_like(q), np.empty_like(k)
        for i in range(len(k)):
            np.add(p, np.multiply(a[i, ..., None], k[i], out=step), out=p)
            d_a[i] -= np.vecdot(h, k[i])
            d_match = (beta[i] * d_a[i])[..., None]
            np.multiply(d_match, p, out=d_k[i])
            d_k[i] -= np.multiply(a[i, ..., None], h, out=step)
            h += np.multiply(d_match, k[i], out=step)
        return d_k[:, :, 0], h, (match * d_a)[..., 0]
    return a, pullback


def fwm_rule(config, phi, k, q, beta, values):
    """The fast weight memory of Schlag et al. 2021a: delta writes with phi(k), |W| <= 1, y = LayerNorm(W phi(q)).

    Of W_i = sum_(j<=i) r_j u_j k_j^T only u_j = beta_j (v_j - w_j) and r_j, the shrinking by later writes, are kept:
    w_i = W_(i-1) k_i = sum_(j<i) (k_i . k_j) r_j u_j,
    |W_(i-1) + u_i k_i^T|^2 = |W_(i-1)|^2 + 2 u_i . w_i + |u_i|^2 |k_i|^2.
    """
    (k, pull_k), (q, pull_q) = phi(k), phi(q)
    (B, L), S = values.shape, config.S
    G, s = k @ k.mT, q @ k.mT                                    # (B, L, L), (B, Q, L)
    u, w = np.zeros((2, B, L, S), k.dtype)
    v = np.eye(S, dtype=k.dtype)[values]                         # (B, L, S)
    r = np.ones((L + 1, B, L), k.dtype)                          # before write i, r_j of j < i
    shrink, square = np.ones((L, B, 1), k.dtype), np.zeros((B, 1), k.dtype)
    for i in range(L):
        w[:, i] = ((G[:, i, :i] * r[i, :, :i])[:, None] @ u[:, :i])[:, 0]
        u[:, i] = beta[:, i, None] * (v[:, i] - w[:, i])
        square += (u[:, i] * (2 * w[:, i] + G[:, i, i, None] * u[:, i])).sum(axis=1, keepdims=True)
        shrink[i] = np.sqrt(np.maximum(square, 1))
        square /= shrink[i]**2
        r[i + 1, :, :i + 1] = r[i, :, :i + 1] / shrink[i]
    s_r = s * r[L, :, None]
    o = s_r @ u                                                  # (B, Q, S)
    o -= o.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((o * o).mean(axis=-1, keepdims=True) + k.dtype.type(1e-5))
    y = o / deviation

    def pullback(d_y):
        d_o = (d_y - d_y.mean(axis=-1, keepdims=True) - y * (d_y * y).mean(axis=-1, keepdims=True)) / deviation
        d_s_r, d_u = d_o @ u.mT, s_r.mT @ d_o
        d_r, d_square = (d_s_r * s).sum(axis=1), np.zeros((B, 1), k.dtype)
        d_G, d_beta = np.zeros_like(G), np.empty_like(beta)
        for i in reversed(range(L)):
            u_i, w_i, u_j, beta_i = u[:, i], w[:, i], u[:, :i], beta[:, i, None]
            d_r /= shrink[i]
            d_limit = d_square + 0.5 * (d_r * r[i])[:, :i + 1].sum(axis=1, keepdims=True)    # where |W| is held at 1
            d_square = (d_square - np.where(shrink[i] > 1, d_limit, 0)) / shrink[i]**2
            d_u_i = d_u[:, i] + 2 * d_square * (w_i + G[:, i, i, None] * u_i)
            d_w_i = 2 * d_square * u_i - beta_i * d_u_i
            d_beta[:, i] = (d_u_i * (v[:, i] - w_i)).sum(axis=1)
            d_G_r = (u_j @ d_w_i[:, :, None])[..., 0]            # by (k_i . k_j) r_j
            d_u[:, :i] += (G[:, i, :i] * r[i, :, :i])[..., None] * d_w_i[:, None]
            d_r[:, :i] += d_G_r * G[:, i, :i]
            d_G[:, i, :i] = d_G_r * r[i, :, :i]
            d_G[:, i, i] = (d_square * u_i * u_i).sum(axis=1)
        d_s = d_s_r * r[L, :, None]
        return pull_k((d_G + d_G.mT) @ k + d_s.mT @ q), pull_q(d_s @ k), d_beta
    return y, pullback


def write(W, k, v, beta):
    """The delta rule as the paper writes it, on fast weights W (..., S, D): W + beta (v - W k) k^T."""
    u = v - (W @ k[..., None])[..., 0]
    return W + beta[..., None, None] * u[..., None] * k[..., None, :]


RULES = {"sum": sum_rule, "delta": delta_rule, "fwm": fwm_rule, "softmax": softmax_rule}


def init(config, rng, dtype=np.float32):
    """Draw the slow weights, a dict of arrays, from the released code's distributions. E has int(2.2 S) dimensions."""
    S, d, e = config.S, config.d, 11 * config.S // 5
    xavier = config.rule == "softmax"

    def uniform(bound, *shape):
        return rng.uniform(-bound, bound, shape).astype(dtype)
    return {
        "E": rng.standard_normal((S, e)).astype(dtype),
        "W_k": uniform((6 / (d + S + e))**0.5 if xavier else d**-0.5, d, S + e),
        "b_k": uniform((S + e)**-0.5, d),
        "W_q": uniform((6 / (d + e))**0.5 if xavier else d**-0.5, d, e),
        "b_q": uniform(e**-0.5, d),
        "w_b": uniform((S + e)**-0.5, S + e),
        "b_b": uniform((S + e)**-0.5, 1),
    }


def sum_rows(rows, index, S):
    """Add up the rows (B, L, d) of each symbol, index (B, L) below S: the transpose of table[index], (S, d)."""
    index = index.ravel().astype(np.uint16)                      # 16 bits: numpy sorts them by radix
    order = np.argsort(index, kind="stable")
    starts = np.flatnonzero(np.diff(index[order].astype(int), prepend=-1))
    table = np.zeros((S, rows.shape[-1]), rows.dtype)
    table[index[order[starts]]] = np.add.reduceat(rows.reshape(-1, rows.shape[-1])[order], starts, axis=0)
    return table


def forward(params, config, keys, values, asked, rng):
    """Present sequences keys, values (B, L) and ask (B, Q): the read y (B, Q, S) and pullback(d_y) -> gradients.

    k_i = W_k [v_i; E(key_i)] + b_k is the sum of a row for its key and a row for its value, and so is beta_i's drive.
    """
    S, E, W_q = config.S, params["E"], params["W_q"]
    W_kv, W_ke = params["W_k"][:, :S], params["W_k"][:, S:]
    w_bv, w_be = params["w_b"][:S], params["w_b"][S:]
    k = (E @ W_ke.T + params["b_k"]).take(keys, axis=0)                              # (B, L, d)
    k += W_kv.T.take(values, axis=0)
    q = (E @ W_q.T + params["b_q"]).take(asked, axis=0)                              # (B, Q, d)
    beta = 1 / (1 + np.exp(-(E @ w_be + params["b_b"])[keys] - w_bv[values]))        # (B, L)
    y, pull = RULES[config.rule](config, feature_map(config, rng), k, q, beta, values)

    def pullback(d_y):
        d_k, d_q, d_beta = pull(d_y)
        by_key, by_value, by_query = sum_rows(d_k, keys, S), sum_rows(d_k, values, S), sum_rows(d_q, asked, S)
        grads = {
            "E": by_key @ W_ke + by_query @ W_q,
            "W_k": np.concatenate([by_value.T, by_key.T @ E], axis=1),
            "b_k": by_key.sum(axis=0),
            "W_q": by_query.T @ E,
            "b_q": by_query.sum(axis=0),
        }
        if d_beta is not None:
            drive = (d_beta * beta * (1 - beta))[..., None]
            by_key, by_value = sum_rows(drive, keys, S), sum_rows(drive, values, S)  # (S, 1)
            grads["E"] += by_key * w_be
            grads["w_b"] = np.concatenate([by_value[:, 0], by_key[:, 0] @ E])
            grads["b_b"] = by_key.sum(axis=0)
        return grads
    return y, pullback


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


class Snapshot(NamedTuple):
    step: int
    loss: float         # of this evaluation
    best: float         # of all evaluations so far
    params: dict        # the live slow weights


def evaluate(params, config, rng, length):
    """Mean of 1/2 |y - value|^2 over all keys (at most `queries`) of new sequences; chance answers of 0 give 0.5.

    As in the released code the keys of a sequence are asked in groups no larger than a training batch.
    """
    keys, values = make_sequences(config, rng, config.sequences, length)
    asked = np.arange(min(config.S, config.queries))
    target = last_values(keys, values, config.S)[:, asked]                           # (sequences, Q)
    errors = np.empty(target.shape)
    for start in range(0, len(asked), config.batch):
        group = slice(start, start + config.batch)
        ask = np.broadcast_to(asked[group], target[:, group].shape)
        y, _ = forward(params, config, keys, values, ask, rng)
        y_target = np.take_along_axis(y, target[:, group, None], axis=2)[..., 0]
        errors[:, group] = 0.5 * ((y * y).sum(axis=2) - 2 * y_target + 1)
    there = target >= 0
    return float(np.mean((errors * there).sum(axis=1) / there.sum(axis=1)))


def train(config, seed):
    """Train the slow net; yield a Snapshot after every evaluation, until the goal, lack of progress or the last step.

    In setting 2 sequences of 2 S pairs are learned and, as in the released code, sequences of S pairs are evaluated.
    """
    weights, data, test, noise = map(np.random.default_rng, np.random.SeedSequence([seed, 0]).spawn(4))
    params = init(config, weights)
    state, best, strikes = adam_state(params), np.inf, 0
    for step in range(1, config.steps + 1):
        keys, values, asked, target = make_batch(config, data)
        y, pullback = forward(params, config, keys, values, asked, noise)
        d_y = y / len(y)                                         # a new array: pullbacks may read y
        d_y[np.arange(len(y)), 0, target[:, 0]] -= 1 / len(y)    # (y - value) / B, the derivative by y
        adam(params, pullback(d_y), state, step, config.rate)
        if step % config.every == 0 or step == config.steps:
            loss = evaluate(params, config, test, config.S)
            strikes = 0 if loss < best else strikes + 1
            best = min(best, loss)                               # keeps best where loss is NaN
            yield Snapshot(step, loss, best, params)
            if loss <= config.goal or strikes == config.patience:
                return


# ---------------------------------------------------------------- Experiment
def retrieval(config, seed):
    """One training. loss: its best evaluation; solved_at: the step that reached the goal; trained: the last step.

    full_loss: the final evaluation on sequences of the trained length, 2 S in setting 2.
    """
    seen = []
    for snapshot in watch(train(config, seed), config.steps, f"{config.rule} S={config.S}"):
        seen.append((snapshot.step, snapshot.loss))
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]).spawn(5)[4])
    metrics = {
        "loss": snapshot.best if snapshot.best < np.inf else None,
        "solved_at": snapshot.step if snapshot.loss <= config.goal else None,
        "trained": snapshot.step,
        "full_loss": evaluate(snapshot.params, config, rng, config.S * (1 + config.replace)),
    }
    step, loss = zip(*seen[::-(-len(seen) // 200)])
    return metrics, {"step": step, "evaluation": loss}


def identities(config, seed):
    """Largest differences in double precision, over random sequences of 16 steps with four heads, at every step.

    attention_gap: causal linear attention as a matrix and as a fast weight recurrence, four phi, normalised and not.
    delta_gap: what the delta rule reads, by W, by the query's walk, by the triangular system and by its least squares.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
    heads, T, d = 4, 16, 8
    v = rng.standard_normal((config.draws, heads, T, d))
    k, q = rng.standard_normal((2, *v.shape)) / d**0.5
    attention_gap = delta_gap = 0
    for phi in (elu1, partial(dpfp, nu=1), partial(dpfp, nu=3), partial(favor, omega=directions(rng, d, 2 * d))):
        (phi_k, _), (phi_q, _) = phi(k), phi(q)
        A = np.tril(phi_q @ phi_k.mT)                                                # (draws, heads, T, T)
        y, total = A @ v, A.sum(axis=-1, keepdims=True) + EPS
        W, z = np.zeros((*v.shape[:2], d, phi_k.shape[-1])), 0
        for t in range(T):
            W = W + v[..., t, :, None] * phi_k[..., t, None, :]
            z = z + phi_k[..., t, :]
            y_t = (W @ phi_q[..., t, :, None])[..., 0]
            y_1 = y_t / (np.vecdot(z, phi_q[..., t, :])[..., None] + EPS)
            attention_gap = max(attention_gap, abs(y_t - y[..., t, :]).max(), abs(y_1 - (y / total)[..., t, :]).max())

    k, q, v = normalise(dpfp(k[:, 0], 1)[0])[0], normalise(dpfp(q[:, 0], 1)[0])[0], v[:, 0]
    beta = rng.random((config.draws, T))
    system = np.eye(T) + np.tril(beta[..., None] * (k @ k.mT), -1)                   # system @ u = beta v
    u_solve, u_least = (inverse(system) @ (beta[..., None] * v) for inverse in (np.linalg.inv, np.linalg.pinv))
    W = np.zeros((config.draws, d, k.shape[-1]))
    for t in range(T):
        W = write(W, k[:, t], v[:, t], beta[:, t])
        k_t, q_t = k[:, :t + 1], q[:, t:t + 1]
        a = delta_attention(k_t.swapaxes(0, 1), q_t, beta[:, :t + 1].T)[0].transpose(1, 2, 0)
        for y_t in (a @ v[:, :t + 1], q_t @ k_t.mT @ u_solve[:, :t + 1], q_t @ k_t.mT @ u_least[:, :t + 1]):
            delta_gap = max(delta_gap, abs(y_t - q_t @ W.mT).max())
    return {"attention_gap": attention_gap, "delta_gap": delta_gap}, {}


# Setting 1: name -> settings and sizes S; the knee of every map with three grid points on either side, and beyond.
CAPACITY = {
    "elu1": ({"features": "elu1"}, (20, 40, 60, 80, 100, 200, 400, 600)),
    "dpfp1": ({"nu": 1}, (40, 60, 80, 100, 120, 140, 160, 200, 400, 600)),
    "dpfp2": ({"nu": 2}, (180, 200, 220, 240, 260, 280, 300, 400, 600)),
    "dpfp3": ({"nu": 3}, (280, 300, 320, 340, 360, 380, 400, 600)),
    "softmax": ({"rule": "softmax"}, (200, 340, 600)),
    "favor64": ({"features": "favor", "m": 64}, (20, 60, 100, 200)),
    "favor128": ({"features": "favor", "m": 128}, (20, 60, 100, 200)),
    "favor512": ({"features": "favor", "m": 512}, (20, 60, 100, 200)),
}
UPDATE_SIZES = range(20, 201, 20)                                # setting 2
update = partial(Config, replace=True)
ARMS = {
    "delta-dpfp1-20": Arm(retrieval, update(S=20, rule="delta")),
    "sum-dpfp1-20": Arm(retrieval, update(S=20)),
    "fwm-dpfp1-20": Arm(retrieval, update(S=20, rule="fwm")),
    "fwm-dpfp1-20-short": Arm(retrieval, update(S=20, rule="fwm", steps=600)),
    "fwm-tanh-20": Arm(retrieval, update(S=20, rule="fwm", features="tanh", rate=1e-4, batch=128)),
    **{f"delta-dpfp2-{S}": Arm(retrieval, update(S=S, rule="delta", nu=2)) for S in UPDATE_SIZES},
    **{f"sum-dpfp2-{S}": Arm(retrieval, update(S=S, nu=2)) for S in UPDATE_SIZES},
    **{f"{name}-{S}": Arm(retrieval, Config(S=S, **settings))
       for name, (settings, sizes) in CAPACITY.items() for S in sizes},
    "favor64-20-short": Arm(retrieval, Config(S=20, features="favor", steps=600)),
    "identities": Arm(identities, Config()),
    "quick-identities": Arm(identities, Config(draws=2)),
    "quick-delta": Arm(retrieval, update(S=5, rule="delta", steps=100)),
    "quick-sum": Arm(retrieval, update(S=5, steps=100)),
    "quick-capacity": Arm(retrieval, Config(S=8, features="elu1", steps=100)),
}
PRESETS = {
    "quick": tuple(name for name in ARMS if name.startswith("quick")),
    "default": ("identities", "delta-dpfp1-20", "sum-dpfp1-20", "fwm-dpfp1-20-short", "elu1-40", "elu1-80", "dpfp1-40",
                "dpfp1-80", "softmax-200", "favor64-20-short"),
    "paper": tuple(name for name in ARMS if not name.startswith("quick")),
}


GOAL = Config.goal
LOGS_1, LOGS_2 = "authors' logs, setting 1", "authors' logs, setting 2"


def middle(r, arm):
    """The median over runs of the best evaluation loss."""
    return np.median(r[arm]["loss"])


def contrast(r, worse, better):
    """The lowest loss of any run of the worse arms over the highest of the better ones."""
    return min(r[arm]["loss"].min() for arm in worse) / max(r[arm]["loss"].max() for arm in better)


def knee(name):
    """The largest S, up to 400, at which the median run reaches the goal: a function of the results."""
    sizes = [S for S in CAPACITY[name][1] if S <= 400]
    return lambda r: max([S * (middle(r, f"{name}-{S}") <= GOAL) for S in sizes])


CLAIMS = (
    Claim("delta rule, S = 20: share of runs that reach a loss of 0.001",
          lambda r: np.mean(r["delta-dpfp1-20"]["loss"] <= GOAL), ">= 1", "1 of 1", "trial", LOGS_2, 10, "{:.0%}"),
    Claim("delta rule, S = 20: steps to a loss of 0.001, slowest run",
          lambda r: r["delta-dpfp1-20"]["solved_at"].max(), "<= 1500", "700", "trial", LOGS_2, 10, "{:,.0f}"),
    Claim("sum : delta rule, S = 20: lowest loss of the one over the highest of the other",
          lambda r: contrast(r, ["sum-dpfp1-20"], ["delta-dpfp1-20"]), ">= 80", "126", "trial", LOGS_2, 10, "{:.0f}"),
    Claim("sum rule, S = 20: lowest loss of all runs",
          lambda r: r["sum-dpfp1-20"]["loss"].min(), "", "0.097", "control", LOGS_2),
    Claim("delta rule, S = 20, asked after 2 S pairs as in training: median loss",
          lambda r: np.median(r["delta-dpfp1-20"]["full_loss"]), "", "not in the logs", "trial", LOGS_2),
    Claim("sum rule, S = 20, asked after 2 S pairs as in training: median loss",
          lambda r: np.median(r["sum-dpfp1-20"]["full_loss"]), "", "not in the logs", "control", LOGS_2),
    Claim("FWM rule with DPFP-1, S = 20, after 600 steps: median loss",
          lambda r: middle(r, "fwm-dpfp1-20-short"), "", "0.188", "control", LOGS_2),
    Claim("linear attention = fast weights at every step: largest difference",
          lambda r: r["identities"]["attention_gap"].max(), "<= 1e-12", "identity", "exact", "algebra", show="{:.1e}"),
    Claim("delta rule = walk of the query = triangular system: largest difference",
          lambda r: r["identities"]["delta_gap"].max(), "<= 1e-10", "not stated", "exact", "algebra", show="{:.1e}"),
    Claim("ELU+1 (d_dot 64) stores 40 keys: median loss",
          lambda r: middle(r, "elu1-40"), "<= 0.001", "reached", "trial", LOGS_1, 5),
    Claim("DPFP-1 (d_dot 128) stores 40 keys: median loss",
          lambda r: middle(r, "dpfp1-40"), "<= 0.001", "reached", "trial", LOGS_1, 5),
    Claim("DPFP-1 stores 80: median loss",
          lambda r: middle(r, "dpfp1-80"), "<= 0.001", "reached", "trial", LOGS_1, 5),
    Claim("ELU+1 : DPFP-1 at S = 80: median losses",
          lambda r: middle(r, "elu1-80") / middle(r, "dpfp1-80"), "", "not stated", "trial", LOGS_1, 5, "{:.0f}"),
    Claim("ELU+1 : DPFP-1 at S = 80: lowest loss of the one over the highest of the other",
          lambda r: contrast(r, ["elu1-80"], ["dpfp1-80"]), ">= 100", "reached by DPFP-1 only", "trial",
          "rank bound 0.1 over the goal", 5, "{:.0f}"),
    Claim("softmax attention stores 200: median loss",
          lambda r: middle(r, "softmax-200"), "<= 0.001", "reached", "control", LOGS_1, 5),
    Claim("FAVOR+ with m = 64, S = 20, after 600 steps: median loss",
          lambda r: middle(r, "favor64-20-short"), "", "0.117 at its best", "control", LOGS_1),
    Claim("FWM with DPFP-1 : delta rule, median losses at S = 20",
          lambda r: middle(r, "fwm-dpfp1-20") / middle(r, "delta-dpfp1-20"), "> 1", "52", "control", LOGS_2, 10),
    Claim("FWM with DPFP-1 : sum rule, median losses at S = 20",
          lambda r: middle(r, "fwm-dpfp1-20") / middle(r, "sum-dpfp1-20"), "< 1", "0.41", "control", LOGS_2, 10),
    Claim("FWM with DPFP-1, S = 20: loss of the best run",
          lambda r: r["fwm-dpfp1-20"]["loss"].min(), "", "0.040", "control", LOGS_2),
    Claim("FWM with tanh : sum rule, median losses at S = 20",
          lambda r: middle(r, "fwm-tanh-20") / middle(r, "sum-dpfp1-20"), "", "15", "control", LOGS_2),
    Claim("delta rule with DPFP-2: how many S of 20, 40, ..., 200 the median run stores",
          lambda r: sum(middle(r, f"delta-dpfp2-{S}") <= GOAL for S in UPDATE_SIZES),
          ">= 9", "9 of 10", "trial", LOGS_2, 3),
    Claim("sum : delta rule with DPFP-2: lowest loss of the one over the highest of the other, smallest of all S",
          lambda r: min(contrast(r, [f"sum-dpfp2-{S}"], [f"delta-dpfp2-{S}"]) for S in UPDATE_SIZES),
          "> 1", "sum never stores", "trial", LOGS_2, 3),
    Claim("sum rule with DPFP-2: lowest loss at any S, any run",
          lambda r: min(r[f"sum-dpfp2-{S}"]["loss"].min() for S in UPDATE_SIZES), "", "0.097", "control", LOGS_2),
    Claim("largest S that ELU+1 stores (d_dot 64)", knee("elu1"), "20..60", "40", "trial", LOGS_1, 5, "{:.0f}"),
    Claim("largest S that DPFP-1 stores (d_dot 128)", knee("dpfp1"), "80..120", "100", "trial", LOGS_1, 5, "{:.0f}"),
    Claim("largest S that DPFP-2 stores (d_dot 256)", knee("dpfp2"), "220..260", "240", "trial", LOGS_1, 5, "{:.0f}"),
    Claim("largest S that DPFP-3 stores (d_dot 384)", knee("dpfp3"), "320..360", "340", "trial", LOGS_1, 3, "{:.0f}"),
    Claim("softmax attention stores 340: median loss",
          lambda r: middle(r, "softmax-340"), "<= 0.001", "reached", "control", LOGS_1, 5),
    Claim("ELU+1 at S = 200: median loss",
          lambda r: middle(r, "elu1-200"), "0.302..0.382", "0.342", "trial", LOGS_1, 5),
    Claim("DPFP-1 at S = 200: median loss",
          lambda r: middle(r, "dpfp1-200"), "0.133..0.213", "0.173", "trial", LOGS_1, 5),
    Claim("FAVOR+ at S = 60, 100, 200 : DPFP-1 at S = 60: lowest loss of the one over the highest of the other",
          lambda r: contrast(r, [f"favor{m}-{S}" for m in (64, 128, 512) for S in (60, 100, 200)], ["dpfp1-60"]),
          ">= 350", "407", "control", LOGS_1, 3, "{:.0f}"),
    Claim("FAVOR+ at S = 60, 100, 200: lowest loss of any run",
          lambda r: min(r[f"favor{m}-{S}"]["loss"].min() for m in (64, 128, 512) for S in (60, 100, 200)),
          "", "0.407", "control", LOGS_1),
    Claim("FAVOR+ at S = 20, m = 128 : m = 64, median losses",
          lambda r: middle(r, "favor128-20") / middle(r, "favor64-20"), "< 1", "0.63", "control", LOGS_1, 3),
    Claim("FAVOR+ at S = 20, m = 512 : m = 128, median losses",
          lambda r: middle(r, "favor512-20") / middle(r, "favor128-20"), "< 1", "0.32", "control", LOGS_1, 3),
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
