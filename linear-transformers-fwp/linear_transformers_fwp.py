# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""Linear attention is a fast weight programmer: its capacity, and a delta rule that can overwrite (Schlag et al. 2021).

Linearised attention replaces exp(q . k) by phi(q) . phi(k). Written as a recurrence it is the fast weight programmer of 1991:
a slow net turns each input into a key and a value and adds their outer product to a fast weight matrix W, and a query reads
W. W is finite: at most d_dot = dim phi keys can be told apart, and a sum of outer products can never replace what a key meant before.

I. Schlag, K. Irie, J. Schmidhuber (2021), Linear Transformers Are Secretly Fast Weight Programmers, ICML 2021, arXiv 2102.11174:
the equivalence (section 3) and the two synthetic experiments (sections 4 and 6.1), after the authors' released code and logs.

Task. S keys, S one-hot values. A sequence pairs keys with values, then one key is asked; the answer is the value it had last.
Setting 1 (capacity): every key once, in S pairs. Setting 2 (update): 2 S pairs drawn with replacement, so meanings change.

Slow net.   k_i = W_k [v_i; E(key_i)] + b_k,   q = W_q E(query) + b_q,   beta_i = sigmoid(w_b . [v_i; E(key_i)] + b_b)
phi.        ELU+1: elu(x) + 1.   DPFP-nu: r = [relu(x); relu(-x)], phi = [r * roll(r, j) for j = 1..nu].   FAVOR+: random.
Sum.        W <- W + v_i phi(k_i)^T,                                  read W phi(q) / sum_i phi(k_i) . phi(q)
Delta.      W <- W + beta_i (v_i - W k') k'^T, k' = phi(k_i) / |phi(k_i)|_1,      read W phi(q) / |phi(q)|_1
FWM.        W <- W + beta_i (v_i - W phi(k_i)) phi(k_i)^T, then W / max(1, |W|),  read LayerNorm(W phi(q))
Loss.       1/2 |read - value|^2 at the end of the sequence, Adam on E and the slow weights.

    python3 linear_transformers_fwp.py --seed 0
"""

# --- idiom: interface ---
import argparse
import inspect
import json
import operator
import os
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
    """Draw the sequences of one step: keys and values (B, L), the key that is asked (B, 1) and its last value (B, 1)."""
    keys, values = make_sequences(config, rng, config.batch, config.S * (1 + config.replace))
    asked = np.take_along_axis(keys, rng.integers(keys.shape[1], size=(config.batch, 1)), axis=1)
    return keys, values, asked, np.take_along_axis(last_values(keys, values, config.S), asked, axis=1)


# ---------------------------------------------------------------- Model
# Batch first here (B, L, d), since the work is one matrix product per sequence. Every operation returns its result and its
# pullback, the function that turns a derivative of the loss by the result into derivatives by the arguments; it may be called
# once and may overwrite what it is given. Training asks one query (Q = 1) and only evaluation more: pullbacks need Q = 1.
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
    """Deterministic parameter-free projection: phi(x) = [r * roll(r, j) for j = 1..nu], of shape (..., 2 d nu). Section 5.3."""
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
    """Draw FAVOR+'s random directions, columns of (d, m): orthogonal in blocks of d, with the lengths of Gaussian vectors."""
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

    With c = phi(q), phi(q) . phi(k) = sum_jm c_jm r_m r_(m-j) = r^T M r / 2: M (2 d, 2 d) is symmetric and has the c_jm on
    its nu (cyclic) off-diagonals, and the derivative by c is read from the same diagonals of sum_i d_s_i r_i r_i^T.
    """
    r, pull_r = rectify(k)
    c, pull_c = dpfp(q, nu)
    c = c.reshape(len(c), nu, -1)                                # (B, nu, 2 d)
    row = np.arange(c.shape[-1])
    column = row - np.arange(1, nu + 1)[:, None]                 # (nu, 2 d), cyclic: negative counts from the end
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

    W_i = W_(i-1) (I - beta_i k_i k_i^T) + beta_i v_i k_i^T, so instead of building W let the query walk back through the
    writes: p_L = q,  a_i = beta_i k_i . p_i,  p_(i-1) = p_i - a_i k_i. That is a vector for each query, not a matrix. The
    pullback retraces the walk forwards, with h_i the derivative by p_i.
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
    """The fast weight memory of Schlag et al. 2021a: delta writes with plain phi(k), |W| <= 1, y = LayerNorm(W phi(q)).

    Of W_i = sum_(j<=i) r_j u_j k_j^T only the u_j = beta_j (v_j - w_j) are kept, and r_j, by how much later writes shrank u_j:
    w_i = W_(i-1) k_i = sum_(j<i) (k_i . k_j) r_j u_j, and |W_(i-1) + u_i k_i^T|^2 = |W_(i-1)|^2 + 2 u_i . w_i + |u_i|^2 |k_i|^2.
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
    """Add up the rows (B, L, d) of each symbol, index (B, L) of integers below S: the transpose of table[index]. (S, d)"""
    index = index.ravel().astype(np.uint16)                      # 16 bits: numpy sorts them by radix
    order = np.argsort(index, kind="stable")
    starts = np.flatnonzero(np.diff(index[order].astype(int), prepend=-1))
    table = np.zeros((S, rows.shape[-1]), rows.dtype)
    table[index[order[starts]]] = np.add.reduceat(rows.reshape(-1, rows.shape[-1])[order], starts, axis=0)
    return table


def forward(params, config, keys, values, asked, rng):
    """Present sequences keys, values (B, L) and ask (B, Q): the read y (B, Q, S) and pullback(d_y) -> gradients.

    The key k_i = W_k [v_i; E(key_i)] + b_k is the sum of a row for its key and a row for its value, and so is beta's drive.
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
    """Train the slow net; yield a Snapshot after every evaluation, the last of them at the goal, without progress or at the end.

    In setting 2 sequences of 2 S pairs are learned and, as in the released code, sequences of S pairs are evaluated.
    """
    weights, data, test, noise = map(np.random.default_rng, np.random.SeedSequence([seed, 0]).spawn(4))
    params = init(config, weights)
    state, best, strikes = adam_state(params), np.inf, 0
    for step in range(1, config.steps + 1):
        keys, values, asked, target = make_batch(config, data)
        y, pullback = forward(params, config, keys, values, asked, noise)
        y[np.arange(len(y)), 0, target[:, 0]] -= 1                                   # y - value, the derivative by y
        adam(params, pullback(y / len(y)), state, step, config.rate)
        if step % config.every == 0 or step == config.steps:
            loss = evaluate(params, config, test, config.S)
            strikes = 0 if loss < best else strikes + 1
            best = min(best, loss)
            yield Snapshot(step, loss, best, params)
            if loss <= config.goal or strikes == config.patience:
                return


# ---------------------------------------------------------------- Experiment
def retrieval(config, seed):
    """One training. loss: the best evaluation; solved_at: the step that reached the goal; full_loss: on the trained length."""
    seen = []
    for snapshot in watch(train(config, seed), config.steps, f"{config.rule} S={config.S}"):
        seen.append((snapshot.step, snapshot.loss))
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0]).spawn(5)[4])
    metrics = {
        "loss": snapshot.best,
        "solved_at": snapshot.step if snapshot.loss <= config.goal else None,
        "trained": snapshot.step,
        "full_loss": evaluate(snapshot.params, config, rng, config.S * (1 + config.replace)),
    }
    step, loss = zip(*seen[::-(-len(seen) // 200)])
    return metrics, {"step": step, "evaluation": loss}
