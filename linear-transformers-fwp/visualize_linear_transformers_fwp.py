"""Draw the figures: python3 visualize_linear_transformers_fwp.py [--seed K] [--preset quick] [--out FOLDER]"""
import linear_transformers_fwp as fwp                            # first: it sets the threads before numpy loads
from linear_transformers_fwp import ARMS, CAPACITY, GOAL, UPDATE_SIZES, complain, write_whole

# --- idiom: figures ---
import argparse
import json
import sys
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

matplotlib.use("Agg")
import matplotlib.pyplot as plt

INK, MUTED, GRID = "#222222", "#777777", "#dddddd"
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"                         # safe for the colour-blind
RED, PURPLE, SKY = "#d55e00", "#cc79a7", "#56b4e9"
plt.rcParams.update({
    "figure.dpi": 110, "figure.constrained_layout.use": True, "figure.facecolor": "white", "savefig.facecolor": "white",
    "font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED,
    "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True, "axes.formatter.useoffset": False,
    "grid.color": GRID, "grid.linewidth": 0.7, "xtick.color": MUTED, "ytick.color": MUTED, "lines.linewidth": 1.8,
    "legend.frameon": False, "legend.fontsize": 9, "image.cmap": "cividis",
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY, INK]),
})


def recorded(arm):
    """Return the recorded cells of an arm, seed -> cell, from results.json beside this file; {} if there are none."""
    path = Path(__file__).with_name("results.json")
    return json.loads(path.read_text())["arms"].get(arm, {}) if path.exists() else {}


def clipped(figure):
    """Return the titles and notes that run over the edge of the figure."""
    figure.canvas.draw()
    texts = [part for owner in (figure, *figure.axes) for part in owner.get_children()
             if isinstance(part, matplotlib.text.Text) and part.get_visible() and part.get_text()]
    return [text.get_text() for text in texts if matplotlib.transforms.Bbox.union(
        [figure.bbox.padded(2), text.get_window_extent()]).bounds != figure.bbox.padded(2).bounds]


def draw(figures, argv=None):
    """Parse --seed, --preset and --out, call every figure(args), write OUT/<name>.png; return the exit status.

    A figure function returns a matplotlib Figure, or None where there is nothing recorded to draw.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.error = lambda message: sys.exit(complain(message))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--preset", choices=("quick", "default"), default="default", help="quick: small, for tests")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("viz"), help="folder of the pictures")
    args = parser.parse_args(argv)
    if args.seed < 0:
        parser.error("--seed counts from 0")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            picture = figure(args)
            if picture is not None:
                for text in clipped(picture):
                    print(f"{figure.__name__}: over the edge: {text}", file=sys.stderr)
                image = BytesIO()
                picture.savefig(image, format="png")
                plt.close(picture)
                palette = Image.open(image).convert("RGB").quantize(96, Image.Quantize.MAXCOVERAGE, kmeans=2)
                target = args.out / f"{figure.__name__}.png"
                write_whole(target, lambda part: palette.save(part, "PNG", optimize=True))
                print(target)
        return 0
    except KeyboardInterrupt:
        return complain("interrupted; nothing half-written", 130)
    except (OSError, MemoryError) as error:
        return complain(error)
# --- end of idiom ---

# One colour for one thing: the maps of setting 1 (label, colour, marker, d_dot) and the rules of setting 2 (line).
MAPS = {"elu1": ("ELU+1", ORANGE, "o", 64), "dpfp1": ("DPFP-1", GREEN, "o", 128), "dpfp2": ("DPFP-2", GREEN, "s", 256),
        "dpfp3": ("DPFP-3", GREEN, "^", 384), "softmax": ("softmax", INK, "o", None),
        "favor64": ("FAVOR+ 64", SKY, "o", 128)}
RULES = {"delta": ("delta", BLUE, "-"), "sum": ("sum", RED, "-"), "fwm": ("FWM, DPFP-1", PURPLE, "-"),
         "tanh": ("FWM, tanh", PURPLE, "--")}
# The authors' logs, best evaluation loss; None: reached 0.001. One run each.
LOG_SIZES = (20, 40, 60, 100, 120, 200, 260, 340, 400, 600)
LOGS = {
    "elu1": (None, None, .025, .164, .232, .342, .378, .409, .422, .451),
    "dpfp1": (None, None, None, None, .0083, .173, .270, .343, .342, .411),
    "dpfp2": (None, None, None, None, None, None, .0084, .129, .164, .323),
    "dpfp3": (None, None, None, None, None, None, None, None, .036, .198),
    "softmax": (None, None, None, None, None, None, None, None, None, .030),
    "favor64": (.117, .274, .483, .50, .50, .50, .50, .50, .50, .50),
}
LOG_KNEES = {"elu1": 40, "dpfp1": 100, "dpfp2": 240, "dpfp3": 340}


def losses(arm):
    """Best evaluation losses of the recorded runs of an arm, an array (empty if there are none)."""
    return np.array([cell["metrics"]["loss"] for cell in recorded(arm).values()], float)


def config_of(arm, args, quick):
    """The config of an arm, or of the quick arm that stands in for it."""
    return ARMS[quick if args.preset == "quick" else arm].config


def trained(config, seed):
    """The last snapshot of a training."""
    *_, snapshot = fwp.train(config, seed)
    return snapshot


def features_of(config, params, keys, values):
    """phi(k_i) of the pairs of one sequence (L, d_dot) and phi(q) of all S keys (S, d_dot)."""
    phi, E, W_k = fwp.feature_map(config, None), params["E"], params["W_k"]
    k = (E @ W_k[:, config.S:].T + params["b_k"])[keys] + W_k[:, :config.S].T[values]
    return phi(k)[0], phi(E @ params["W_q"].T + params["b_q"])[0]


def weights_of_pairs(config, params, keys, values):
    """How much every pair of one sequence counts in the answer about each of the S keys, sum or delta rule: (S, L)."""
    phi_k, phi_q = features_of(config, params, keys, values)
    if config.rule == "sum":
        return fwp.normalise(phi_q @ phi_k.T)[0]
    w_bv, w_be = params["w_b"][:config.S], params["w_b"][config.S:]
    beta = 1 / (1 + np.exp(-(params["E"] @ w_be + params["b_b"])[keys] - w_bv[values]))
    k, q = fwp.normalise(phi_k)[0], fwp.normalise(phi_q)[0]
    return fwp.delta_attention(k[:, None], q[None], beta[:, None])[0][:, 0].T


def equivalence(args):
    """The attention matrix, the fast weights that hold the same, and their difference at every step."""
    rng = np.random.default_rng(args.seed)
    T, d = 24, 8
    k, q, v = rng.standard_normal((3, T, d))
    maps = {"ELU+1": (fwp.elu1, ORANGE, "o"), "DPFP-1": (fwp.partial(fwp.dpfp, nu=1), GREEN, "o"),
            "DPFP-3": (fwp.partial(fwp.dpfp, nu=3), GREEN, "^"),
            "FAVOR+": (fwp.partial(fwp.favor, omega=fwp.directions(rng, d, d)), SKY, "o")}
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(7, 2.9), width_ratios=(1, 0.75, 1.1))
    worst = 0
    for name, (phi, colour, marker) in maps.items():
        phi_k, phi_q = phi(k / d**0.5)[0], phi(q / d**0.5)[0]
        A = np.tril(phi_q @ phi_k.T)
        W, gaps = np.zeros((d, phi_k.shape[1])), []
        for t in range(T):
            W += np.outer(v[t], phi_k[t])
            gaps.append(abs(W @ phi_q[t] - A[t] @ v).max() / abs(A @ v).max())
        worst = max(worst, *gaps)
        right.semilogy(range(1, T + 1), np.maximum(gaps, 1e-18), marker, color=colour, label=name, ms=3.5)
        if name == "DPFP-1":
            left.imshow(A, vmax=np.percentile(A, 99))
            middle.imshow(W, aspect="auto", cmap="RdBu_r", vmin=-abs(W).max(), vmax=abs(W).max())
    left.set(title="attention matrix", xlabel="key, step i", ylabel="query, step t")
    middle.set(title=f"W after step {T}", xlabel="feature of the key", ylabel="component of the value")
    right.axhline(np.finfo(float).eps, color=MUTED, lw=1)
    right.text(T, np.finfo(float).eps * 1.5, "double precision", color=MUTED, fontsize=8, ha="right")
    right.set(title="relative difference", xlabel="step t", ylim=(5e-19, 1e-14))
    right.legend(ncols=2, loc="upper left", fontsize=8, handletextpad=0, columnspacing=0.8)
    for axes in (left, middle):
        axes.grid(False)
    figure.suptitle(f"One computation on two schedules: at every step equal to {worst:.0e}", fontsize=11, weight="bold")
    return figure


def capacity(args):
    """Setting 1: loss against S for every map, ours over the authors' logs and the bound that the rank of W sets."""
    measured = {name: [(S, losses(f"{name}-{S}")) for S in CAPACITY[name][1]] for name in MAPS}
    if not any(len(runs) for points in measured.values() for _, runs in points):
        return None
    figure, axes = plt.subplots(figsize=(7, 4.8))
    S = np.arange(20, 601)
    for name, (label, colour, marker, d_dot) in MAPS.items():
        sizes = [size for size, runs in measured[name] if len(runs)]
        runs = [runs for _, runs in measured[name] if len(runs)]
        if runs:
            middle, low, high = (np.array([f(r) for r in runs]) for f in (np.median, np.min, np.max))
            axes.plot(sizes, middle, marker + "-", color=colour, ms=4, lw=1.4, label=label)
            axes.fill_between(sizes, low, high, color=colour, alpha=0.2, lw=0)
        if d_dot and name != "favor64":
            axes.plot(S, np.maximum(0, 0.5 * (1 - d_dot / S)), ":", color=colour, lw=1.2)
            axes.axvline(d_dot, color=colour, lw=0.8, alpha=0.6)
        logged = [(size, loss) for size, loss in zip(LOG_SIZES, LOGS[name]) if loss is not None]
        axes.plot(*zip(*logged), "D", mfc="none", color=colour, ms=7, mew=1.1)
    axes.plot([], [], "D", mfc="none", color=MUTED, label="authors' logs")
    axes.plot([], [], ":", color=MUTED, label="bound by the rank of W")
    axes.axvline(0, color=MUTED, lw=0.8, alpha=0.6, label="S = d_dot")
    axes.axhline(0.5, color=MUTED, lw=1)
    axes.text(600, 0.51, "a blank answer", color=MUTED, fontsize=8, ha="right", va="bottom")
    axes.set(title="Storage ends near S = d_dot; the loss then follows the rank of W",
             xlabel="S, number of keys", ylabel="best evaluation loss", xlim=(0, 610), ylim=(-0.01, 0.55))
    figure.legend(loc="outside lower center", ncols=5, fontsize=8)
    return figure


def effective_capacity(args):
    """Setting 1: the largest S that is stored against the dimension of the features."""
    rows = []
    for name in LOG_KNEES:
        sizes = [S for S in CAPACITY[name][1] if len(losses(f"{name}-{S}"))]
        stored = [S for S in sizes if np.median(losses(f"{name}-{S}")) <= GOAL]
        if stored:
            rows.append((*MAPS[name], LOG_KNEES[name], max(stored)))
    if not rows:
        return None
    figure, axes = plt.subplots(figsize=(7, 3.8))
    axes.plot((0, 420), (0, 420), color=MUTED, lw=1)
    axes.text(300, 312, "S = d_dot", color=MUTED, fontsize=9, rotation=31, ha="center")
    for label, colour, marker, d_dot, logged, S in rows:
        axes.plot(d_dot, logged, "D", mfc="none", color=INK, ms=12, mew=1.1)
        axes.errorbar(d_dot, S, yerr=20, fmt=marker, color=colour, ms=7, capsize=3, lw=1.2)
        axes.text(d_dot + 14, S - 6, f"{label}: {S}", color=INK, fontsize=9, va="top")
    axes.plot([], [], "D", mfc="none", color=INK, label="authors' logs")
    axes.plot([], [], "o", color=MUTED, label="here, median run, ± one grid step")
    axes.set(title=f"{label} stores {S} keys in {d_dot} dimensions: W is nearly full",
             xlabel="d_dot, dimension of the features", ylabel="largest S at a loss of 0.001",
             xlim=(0, 480), ylim=(0, 420))
    axes.legend(loc="upper left")
    return figure


def crowding(args):
    """Cosines between the learned phi(k) of one sequence: below the knee, above it, and above it with more features."""
    figure, axes = plt.subplots(1, 3, figsize=(7, 2.9))
    for panel, arm in zip(axes, ("elu1-40", "elu1-80", "dpfp1-80")):
        config = config_of(arm, args, "quick-capacity")
        snapshot = trained(config, args.seed)
        (keys,), (values,) = fwp.make_sequences(config, np.random.default_rng(args.seed), 1, config.S)
        order = np.argsort(keys)
        phi, _ = features_of(config, snapshot.params, keys[order], values[order])
        unit = phi / np.linalg.norm(phi, axis=1, keepdims=True)
        cosine = unit @ unit.T
        image = panel.imshow(cosine, vmin=0, vmax=1)
        panel.grid(False)
        crowded = int(((cosine > 0.3).sum(axis=1) > 1).sum())
        label, *_, d_dot = MAPS[arm.split("-")[0]]
        panel.set_title(f"{label} ({d_dot}), S = {config.S}\nloss {snapshot.best:.1g}, {crowded} overlap", fontsize=9)
        panel.set_xlabel("key")
    axes[0].set_ylabel("key")
    figure.colorbar(image, ax=axes, shrink=0.8, label="cosine of phi(k)")
    figure.suptitle("Learned keys are orthogonal while there is room, then they collide", fontsize=11, weight="bold")
    return figure


def update_rules(args):
    """Setting 2: learning curves of the four rules at S = 20, and the best loss of sum and delta against S."""
    arms = {"delta": "delta-dpfp1-20", "sum": "sum-dpfp1-20", "fwm": "fwm-dpfp1-20", "tanh": "fwm-tanh-20"}
    logged = {"delta": 0.00077, "sum": 0.097, "fwm": 0.040, "tanh": 1.50}
    solved = [cell["metrics"]["solved_at"] for cell in recorded(arms["delta"]).values()]
    if not solved:
        return None
    runs = {rule: [(S, losses(f"{rule}-dpfp2-{S}")) for S in UPDATE_SIZES] for rule in ("delta", "sum")}
    sizes = any(len(loss) for points in runs.values() for _, loss in points)
    figure, axes = plt.subplots(1, 1 + sizes, figsize=(7, 4.2), width_ratios=(1.5, 1)[:1 + sizes],
                                sharey=True, squeeze=False)
    left, *right = axes[0]
    for rule, arm in arms.items():
        label, colour, line = RULES[rule]
        for cell in recorded(arm).values():
            left.loglog(cell["curves"]["step"], cell["curves"]["evaluation"], line, color=colour, lw=0.9, alpha=0.6)
        left.plot([], [], line, color=colour, label=label)
        left.plot(2.2e4, logged[rule], "D", mfc="none", color=colour, ms=7, mew=1.2)
    left.plot([], [], "D", mfc="none", color=MUTED, label="authors' logs, best")
    left.axhline(1 / 40, color=PURPLE, lw=1, ls=":")
    left.text(1.2e4, 1 / 40 * 0.9, "LayerNorm's bound", color=PURPLE, fontsize=8, ha="right", va="top")
    left.set(title=f"S = 20: {sum(step is not None for step in solved)} of {len(solved)} delta runs reach 0.001",
             xlabel="training step", ylabel="evaluation loss", xlim=(100, 3e4), ylim=(1e-4, 40))
    for panel in right:
        for rule, points in runs.items():
            for S, loss in points:
                panel.semilogy(np.full(len(loss), S), loss, ".", color=RULES[rule][1], ms=5, alpha=0.6)
            medians = [(S, np.median(loss)) for S, loss in points if len(loss)]
            panel.plot(*zip(*medians or [(np.nan, np.nan)]), color=RULES[rule][1])
        panel.set(title="up to S = 200, with DPFP-2", xlabel="S, number of keys", xticks=(20, 80, 140, 200))
    for axes in (left, *right):
        axes.axhline(GOAL, color=MUTED, lw=1)
    figure.legend(loc="outside lower center", ncols=5, fontsize=8)
    return figure


def overwriting(args):
    """Setting 2: how much every pair of a sequence counts in the answer about each key, under sum and delta rule."""
    figure, axes = plt.subplots(1, 2, figsize=(7, 3.9), sharey=True)
    for panel, rule in zip(axes, ("sum", "delta")):
        config = config_of(f"{rule}-dpfp1-20", args, f"quick-{rule}")
        params = trained(config, args.seed).params
        (keys,), (values,) = fwp.make_sequences(config, np.random.default_rng(args.seed), 1, 2 * config.S)
        a = weights_of_pairs(config, params, keys, values)
        asked = np.unique(keys)
        last = np.array([np.flatnonzero(keys == key)[-1] for key in asked])
        image = panel.imshow(a[asked], vmin=-1, vmax=1, cmap="RdBu_r", aspect="auto")
        panel.grid(False)
        rows = np.arange(len(asked))
        for row, key in enumerate(asked):
            earlier = np.flatnonzero(keys == key)[:-1]
            panel.plot(earlier, [row] * len(earlier), "x", color=INK, ms=4, mew=1)
        panel.plot(last, rows, "s", mfc="none", color=INK, ms=7, mew=0.9)
        panel.set_title(f"{rule}: the last pair counts {np.mean(a[asked, last]):.0%}", color=RULES[rule][1])
        panel.set(xlabel=f"pairs 1 to {2 * config.S}, in order of arrival", yticks=[], xticks=[])
    axes[0].set_ylabel("key that is asked")
    axes[0].plot([], [], "s", mfc="none", color=INK, ms=7, label="the key's last pair")
    axes[0].plot([], [], "x", color=INK, ms=4, label="an earlier pair of it")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.colorbar(image, ax=axes, shrink=0.8, label="weight in the answer")
    figure.suptitle("What does a key mean? The sum rule averages, the delta rule replaces", fontsize=11, weight="bold")
    return figure


if __name__ == "__main__":
    sys.exit(draw([equivalence, capacity, effective_capacity, crowding, update_rules, overwriting]))
