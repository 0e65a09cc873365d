"""Draw the figures of rs-two-sequence.

    python3 visualize_rs_two_sequence.py [--seed K] [--preset quick] [--out FOLDER]
"""
from dataclasses import replace

import rs_two_sequence as rs                                                      # first: it sets the threads
from rs_two_sequence import complain, write_whole

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

NETS = {"latch-1": (PURPLE, "latch I, 3 numbers"), "latch-2": (GREEN, "latch II, 3 weights"),
        "A1": (ORANGE, "2-sequence, A1, 7 weights"), "A2": (BLUE, "2-sequence, A2, 52 weights")}
PAPER = {"latch-1": 6, "latch-2": 22, "A1": 718, "A2": 718}                       # 718: which net is not certain
CLASSES = {1: BLUE, -1: RED}


def settings(arm, args, **changes):
    """Return the Config of an arm with changes; smaller and shorter for --preset quick."""
    config = replace(rs.ARMS[arm].config, **changes)
    small = {"shortest": 50, "longest": 60, "far": 0, "simulations": 4, "batch": 64}
    return replace(config, **small) if args.preset == "quick" else config


def pooled(*arms):
    """Return arm -> metric -> array over the recorded replicates, for the arms that have records."""
    return rs.pool({arm: cells for arm in arms if (cells := recorded(arm))})


def found(config, seed):
    """Return the first search of a seed, run to its winner."""
    one = replace(config, simulations=1)
    return [search for s in rs.train(one, seed) for search in s.over][0]


def course(weights, x):
    """Return the net input w y(t-1) + v x(t) + b of latch II, and y(t), both (T, columns), from x likewise."""
    w, v, b = map(float, weights)
    z, y = np.zeros(x.shape), np.zeros((len(x) + 1, x.shape[1]))
    for t, u in enumerate(x):
        z[t] = w * y[t] + v * u + b
        y[t + 1] = np.tanh(z[t])
    return z, y[1:]


def latch_picture(args):
    """A found latch: its map, without noise and with the largest, and its net input in the course of a sequence."""
    config = settings("latch-2", args)
    search = found(config, args.seed)
    w, v, b = map(float, search.winner[1])
    x, T = search.data.x.astype(float), config.shortest
    reach = np.abs(x[1:]).max()
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.9), width_ratios=(1, 1.5))
    y = np.linspace(-1, 1, 800)
    for noise, style in ((0, "-"), (-reach, "--"), (reach, ":")):
        left.plot(y, np.tanh(w * y + b + v * noise), style, color=RED if noise else INK, label=f"x = {noise:.2g}")
    left.plot(y, y, color=MUTED, linewidth=0.8)
    left.set(xlabel="y(t-1)", ylabel="y(t)", xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), yticks=(-1, 0, 1))
    left.set_title(f"The map, w = {w:.0f}, v = {v:.0f},\nb = {b:.0f}: two fixed points")
    left.legend(loc="center right", fontsize=8, frameon=True, edgecolor="white", framealpha=0.9)
    z, _ = course((w, v, b), x[:T, :20])
    for sign, colour in CLASSES.items():
        right.plot(z[:, search.data.target[:20] == sign], color=colour, linewidth=0.4, alpha=0.7)
        right.plot([], [], color=colour, label=f"x(1) = {sign:+d}")
    right.axhline(0, color=INK, linewidth=1.2)
    right.text(T, 3, "beyond this line the bit is lost", ha="right", va="bottom", fontsize=8)
    right.set(xlabel="step", ylabel="net input of the unit", xlim=(0, T))
    right.set_ylim(np.multiply((-1.2, 1.5), np.abs(z).max()))
    right.set_title(f"Found at trial {search.winner[0] + 1}; proved for\nnoise up to "
                    f"{rs.margin(search.winner[1][None], config):.2f} (it met {reach:.2f})")
    right.legend(loc="upper right", ncols=2, fontsize=8)
    return figure


def wedge(args):
    """Which guesses solve latch II: the plane of w and v, for small b, with the line that thresholds would draw."""
    config = settings("latch-2", args)
    rng = np.random.default_rng([args.seed, 1])
    data = rs.make_batch(np.random.default_rng([args.seed, 2]), config.shortest, config.longest, config.noise)
    guess = rng.uniform(-100, 100, (300 if args.preset == "quick" else 5000, 3)).astype(np.float32)
    guess[:, 2] /= 10                                                             # |b| < 10
    passed = np.zeros(len(guess), int)
    for i in range(rs.SEQUENCES):
        alive = np.flatnonzero(passed == i)
        net = rs.unpack(guess[alive], "latch-2")
        ok = rs.right(rs.forward(net, data, np.full(len(alive), i)), data.target[i], "latch-2")
        passed[alive[ok]] += 1
    kinds = (("fails on the first two", passed < 2, "#bbbbbb", ".", 3), ("fails later", (passed > 1) & (passed < 100),
             ORANGE, "o", 4), ("right on all 100", passed == 100, BLUE, "o", 3.5))
    figure, axis = plt.subplots(figsize=(7, 4.8))
    for label, chosen, colour, marker, size in kinds:
        axis.plot(guess[chosen, 0], guess[chosen, 1], marker, color=colour, markersize=size, linestyle="",
                  label=f"{label} ({chosen.mean():.1%})")
    many = rs.SEQUENCES // 2 * (config.shortest + config.longest) // 2
    m = config.noise * rs.NormalDist().inv_cdf(0.5 ** (1 / many))
    axis.plot([0, 100 * min(1, m)], [0, 100 * min(1, 1 / m)], color=INK, linewidth=1.6,
              label=f"w = v m, with m = {m:.2f}: the largest noise")
    axis.set(xlabel="w, the weight of the unit to itself", ylabel="v, the weight of the input", xlim=(-100, 100),
             ylim=(-100, 100))
    axis.set_title("Latches fill a wedge of the weight space (latch II, |b| < 10)")
    axis.legend(loc="lower right", framealpha=0.9, frameon=True, edgecolor="white", fontsize=8)
    return figure


def trials(args):
    """Histograms of the trials of every search, the geometric law of the same mean, and the paper's mean."""
    r = pooled(*NETS, *(f"{arm}-variance" for arm in NETS))
    if not set(NETS) <= set(r):
        return None
    figure, axes = plt.subplots(4, 1, figsize=(7, 7.6), sharex=True)
    edges = np.geomspace(1, 3e5, 46)
    for axis, (arm, (colour, name)) in zip(axes, NETS.items()):
        values = r[arm]["trials"]
        mean, half = rs.mean_ci(values)
        cumulative = 1 - (1 - 1 / mean) ** (np.ceil(edges) - 1)
        axis.hist(values, edges, color=colour, alpha=0.75, weights=np.full(len(values), 100 / len(values)))
        axis.stairs(100 * np.diff(cumulative), edges, color=INK, linewidth=1.3, label="geometric law")
        axis.axvline(PAPER[arm], color=RED, linestyle="--", linewidth=1.6, label="the paper's mean")
        axis.axvline(mean, color=INK, linestyle=":", linewidth=1.6, label="mean here")
        note = ""
        if f"{arm}-variance" in r:
            other = rs.mean_ci(r[f"{arm}-variance"]["trials"])[0]
            axis.axvline(other, color=SKY, linestyle="-.", linewidth=1.8, label="mean at variance 0.2")
            note = f"; variance 0.2: {other:,.0f}"
        axis.set(xscale="log", ylabel="searches (%)")
        digits = 0 if mean > 100 else 1
        axis.set_title(f"{name}: {mean:,.{digits}f} ± {half:,.{digits}f}{note}; paper: {PAPER[arm]}", fontsize=10)
    axes[0].legend(loc="upper right")
    axes[-1].set(xlabel="trials (guessed weight vectors) until one is right on 100 sequences", xlim=(1, 3e5))
    return figure


def lag(args):
    """Guessing cares little about the lag; gradient descent falls off a cliff, since its gradient does."""
    ours = {**{n: f"A1-lag-{n}" for n in rs.LAGS}, 550: "A1"}
    descents = {**{n: f"bptt-A1-lag-{n}" for n in rs.LAGS}, 550: "bptt-A1-long"}
    r = pooled(*ours.values(), *descents.values(), "bptt-A1")
    if not {*ours.values(), *(descents[n] for n in rs.LAGS[:3])} <= set(r):
        return None
    figure, axes = plt.subplot_mosaic([["trials", "norm"], ["share", "norm"]], figsize=(7, 5), width_ratios=(1.5, 1))
    means = {n: rs.mean_ci(r[arm]["trials"]) for n, arm in ours.items()}
    axes["trials"].errorbar(list(means), [m for m, _ in means.values()], [h for _, h in means.values()], color=BLUE,
                            marker="o", capsize=3)
    axes["trials"].set(ylabel="trials (mean, 95 %)", ylim=(0, None), xscale="log")
    axes["trials"].set_title(f"Guessing: {means[5][0]:.0f} trials at length 5,\n{means[550][0]:.0f} at 550")
    have = [n for n in descents if descents[n] in r]
    share = [100 * rs.best_solved(r[descents[n]]) for n in have]
    axes["share"].plot(have, share, "o-", color=RED)
    axes["share"].set(xscale="log", xlabel="sequence length", ylabel="runs that solve it (%)", ylim=(-5, 108))
    axes["share"].set_title(f"Gradient descent: {share[0]:.0f} % at length {have[0]},\n{share[-1]:.0f} % at {have[-1]}")
    for name in ("trials", "share"):
        axes[name].set_xlim(4, 700)
        axes[name].set_xticks(list(ours), list(map(str, ours)))
        axes[name].set_xticks([], minor=True)
    curve = r["bptt-A1"]
    steps, norm = np.array(curve["lag"][0]), np.mean([np.interp(curve["lag"][0], a, b) for a, b in
                                                      zip(curve["lag"], curve["log10_norm"])], 0)
    seen = norm > -32                                                             # beyond that float32 underflows
    axes["norm"].plot(norm[seen], steps[seen], color=ORANGE)
    axes["norm"].set(xlabel="log10 |gradient|, relative", ylabel="steps back from the end",
                     ylim=(steps[seen][-1] + 2, 0))
    axes["norm"].set_title(f"{steps[seen][-1]} steps back it is\n{-norm[seen][-1]:.0f} powers of ten smaller")
    return figure


def sensitivity(args):
    """Guesses per solver against the noise and against the range of the weights."""
    noisy = {net: {**{n: f"{net}-noise-{n:g}" for n in rs.NOISES}, 0.2: net, rs.WIDE: f"{net}-variance"}
             for net in ("latch-2", "A1")}
    ranges = {**{n: f"A1-range-{n}" for n in rs.RANGES}, 100: "A1"}
    r = pooled(*ranges.values(), *(arm for arms in noisy.values() for arm in arms.values()))
    if len(r) < 10:
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.9), sharey=True)
    for net, arms in noisy.items():
        points = sorted((n, *rs.per_solver(r[arm])) for n, arm in arms.items() if arm in r)
        n, mean, half = np.array([point for point in points if point[1] == point[1]]).T
        left.errorbar(n, mean, half, color=NETS[net][0], marker="o", capsize=3, label=NETS[net][1])
    line = np.linspace(0.02, 1, 60)
    left.plot(line, [rs.predicted_trials(s, 50) for s in line], ":", color=INK, label="latch II, closed form")
    for sd, text in ((0.2, "deviation 0.2"), (rs.WIDE, "variance 0.2")):
        left.axvline(sd, color=MUTED, linestyle="--", linewidth=1)
        left.text(sd + 0.01, 1.3, text, rotation=90, fontsize=8, va="bottom", color=MUTED)
    left.set(yscale="log", xlabel="standard deviation of the noise", ylabel="guesses per solver", ylim=(1, 2e5))
    left.set_title("Noise makes latches rare")
    left.legend(loc="upper left", fontsize=8)
    points = [(n, *rs.per_solver(r[arm])) for n, arm in ranges.items() if arm in r]
    n, mean, half = np.array([point for point in points if point[1] == point[1]]).T
    right.errorbar(n, mean, half, color=NETS["A1"][0], marker="o", capsize=3)
    for n in (n for n in ranges if n not in [point[0] for point in points if point[1] == point[1]]):
        tried = r[ranges[n]]["tried"].sum() / 1e6
        right.text(n, 1.2e5, f"none in\n{tried:g} million", ha="center", va="top", fontsize=8)
    right.set(xscale="log", xlabel="weights uniform in ± this (A1)", xticks=(1, 3, 10, 30, 100), xlim=(0.6, 150))
    right.set_xticklabels(["1", "3", "10", "30", "100"])
    right.set_xticks([], minor=True)
    right.set_title("Large weights are needed,\nvery large ones are not")
    return figure


if __name__ == "__main__":
    sys.exit(draw([latch_picture, wedge, trials, lag, sensitivity]))
