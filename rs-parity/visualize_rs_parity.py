"""Draw the figures of rs-parity: python3 visualize_rs_parity.py [--seed K] [--preset quick] [--out FOLDER]"""
from dataclasses import replace

import rs_parity as rs                                                            # first: it sets the threads
from rs_parity import complain, write_whole

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

NETS = {"A2-": BLUE, "A2": GREEN, "A1": ORANGE, "A1-noisy": PURPLE}
NAMES = {"A2-": "A2-, 42 weights", "A2": "A2, 52 weights", "A1": "A1, 7 weights", "A1-noisy": "A1, noisy inputs"}
PAPER = {"A2-": 250, "A2": 2797, "A1": 2906, "A1-noisy": 41400}


def settings(arm, args, **changes):
    """Return the Config of an arm with changes; smaller and shorter for --preset quick."""
    config = replace(rs.ARMS[arm].config, **changes)
    small = {"shortest": 50, "longest": 60, "far": 0, "simulations": 4}
    return replace(config, **small) if args.preset == "quick" else config


def pooled(*arms):
    """Return arm -> metric -> array over the recorded replicates, for the arms that have records."""
    return rs.pool({arm: cells for arm in arms if (cells := recorded(arm))})


def found(config, seed):
    """Return the first search of a seed, run to its winner."""
    one = replace(config, simulations=1)
    return [search for s in rs.train(one, seed) for search in s.over][0]


def trajectory(search, config, column=0):
    """Run a winner over one of its training sequences; return x (T,), h (T, n) and o (T,)."""
    w = rs.unpack(search.winner[1][None].astype(float), config)
    p = {name: value.T[..., None] if value.ndim == 2 else value[:, None] for name, value in w._asdict().items()}
    p["B"] = p.pop("b") * np.eye(len(w.a))
    x = search.data.x[:search.data.length[column], column]
    h, o = rs.unroll(p, x[:, None, None])
    return x, h[1:, 0, :, 0], o[1:, 0, 0]


def one_winner(args):
    """A winner reads a sequence: inputs, hidden units and the output, which is the running parity at every step."""
    config = settings("A2-", args)
    search = found(config, args.seed)
    x, h, o = trajectory(search, config)
    parity, T = (x > 0).cumsum() % 2, len(x)
    few = slice(T - 50, T)
    figure, axes = plt.subplot_mosaic([["all", "all"], ["units", "table"], ["zoom", "table"]], figsize=(7, 6.6),
                                      height_ratios=(1, 1.5, 1.1), width_ratios=(3, 1.5))
    axes["all"].semilogy(np.arange(1, T + 1), np.abs(o - parity) + 1e-17, ".", color=RED, markersize=2.5)
    axes["all"].axhline(0.1, color=INK, linestyle=":", linewidth=1.2)
    axes["all"].text(T, 0.2, "allowed error", ha="right", va="bottom", fontsize=9)
    axes["all"].set(ylim=(1e-18, 100), xlim=(0, T), yticks=(1e-16, 1e-8, 1), ylabel="|o - parity|", xlabel="step")
    axes["all"].set_title(f"Found at trial {search.winner[0] + 1:,}: over {T} symbols it is never more than "
                          f"{np.abs(o - parity).max():.0e} off")
    axes["units"].imshow(h[few].T, aspect="auto", vmin=0, vmax=1, extent=(T - 49.5, T + 0.5, len(h[0]) + 0.5, 0.5))
    axes["units"].set(ylabel="hidden unit", yticks=range(1, len(h[0]) + 1, 3), xticks=[])
    axes["units"].set_title("The last 50 steps: hidden units", fontsize=10)
    axes["units"].grid(False)
    steps = np.arange(T - 49, T + 1)
    axes["zoom"].step(steps, parity[few], where="mid", color="#bbbbbb", linewidth=4, label="parity")
    axes["zoom"].step(steps, o[few], where="mid", color=BLUE, linewidth=1.4, label="output o")
    axes["zoom"].plot(steps[x[few] > 0], np.full((x[few] > 0).sum(), -0.22), "|", color=INK, markersize=7)
    axes["zoom"].set(ylim=(-0.4, 1.6), yticks=(0, 1), xlabel="step (ticks: a 1 is read)", xlim=(T - 49.5, T + 0.5))
    axes["zoom"].legend(loc="upper right", ncols=2, borderaxespad=0)
    proved, states = rs.automaton(rs.unpack(search.winner[1][None], config))
    axes["table"].axis("off")
    rows = ["state  parity    o     -1   +1"] + [
        f"{i:4}    {'odd ' if odd else 'even'}  {(low + high) / 2:6.3f}  {minus:3}  {plus:3}"
        for i, (odd, low, high, minus, plus) in enumerate(states[:14])]
    axes["table"].text(-0.1, 1, "\n".join(rows), family="monospace", fontsize=8, va="top", linespacing=1.6)
    axes["table"].set_title(f"As an automaton:\n{len(states)} states, " + ("proved" if proved else "not proved"),
                            fontsize=10)
    return figure


def trials(args):
    """Histograms of the trials of every search, the geometric law of the same mean, and the paper's mean."""
    r = pooled(*NETS)
    if len(r) < len(NETS):
        return None
    figure, axes = plt.subplots(4, 1, figsize=(7, 7.6), sharex=True)
    edges = np.geomspace(1, 4e5, 46)
    for axis, (arm, colour) in zip(axes, NETS.items()):
        values = r[arm]["trials"]
        mean, half = rs.mean_ci(values)
        cumulative = 1 - (1 - 1 / mean) ** (np.ceil(edges) - 1)
        axis.hist(values, edges, color=colour, alpha=0.75)
        axis.stairs(np.diff(cumulative) * len(values), edges, color=INK, linewidth=1.3, label="geometric law")
        axis.axvline(PAPER[arm], color=RED, linestyle="--", linewidth=1.6, label="the paper's mean")
        axis.axvline(mean, color=INK, linestyle=":", linewidth=1.6, label="mean here")
        axis.set(xscale="log", ylabel="searches")
        axis.set_title(f"{NAMES[arm]}: mean {mean:,.0f} ± {half:,.0f} over {len(values):,} searches, in the paper "
                       f"{PAPER[arm]:,}", fontsize=10)
    axes[0].legend(loc="upper right")
    axes[-1].set(xlabel="trials (guessed weight vectors) until one is right on 100 sequences", xlim=(1, 4e5))
    return figure


def score_cloud(args):
    """How many of the 100 sequences random nets get right, and how many guesses survive how many sequences."""
    config = settings("A2-", args)
    search = found(config, args.seed)
    rng, chunk, many = np.random.default_rng([args.seed, 1]), 24, 96 if args.preset == "quick" else 1200
    guesses = rng.uniform(-config.spread, config.spread, (many, rs.size(config.net))).astype(np.float32)
    shares = []
    for start in range(0, len(guesses), chunk):
        part = guesses[start:start + chunk]
        column = np.tile(np.arange(rs.SEQUENCES), len(part))
        output = rs.forward(rs.unpack(part.repeat(rs.SEQUENCES, 0), config), search.data, column)
        shares += list(rs.right(output, search.data.target[column]).reshape(len(part), -1).sum(1))
    shares = np.array(shares)
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.8), height_ratios=(3, 2))
    perfect = shares == rs.SEQUENCES
    top.plot(np.flatnonzero(~perfect), shares[~perfect], ".", color=MUTED, markersize=4)
    top.plot(np.flatnonzero(perfect), shares[perfect], "o", color=BLUE, markersize=6)
    between = ((shares > 60) & ~perfect).sum()
    top.set(ylabel="sequences right, of 100", xlabel="guess", ylim=(-3, 106), xlim=(-10, len(shares) + 10))
    top.set_title(f"No slope to climb: {between} of {len(shares):,} guesses lie between 60 and 100, "
                  f"{perfect.sum()} at 100")
    drawn = rs.train(replace(config, simulations=4 if args.preset == "quick" else 60), args.seed)
    shown = np.concatenate([s.shown[:s.winner[0]] for snapshot in drawn for s in snapshot.over])
    most = int(shown.max())
    alive = np.array([(shown > k).mean() for k in range(most)])
    bottom.semilogy(range(most), 100 * alive, "o-", color=BLUE, markersize=4, label="measured")
    bottom.semilogy(range(most), 100 / 2.0 ** np.arange(most), ":", color=INK, label="one half each time")
    bottom.set(xlabel="sequences passed", ylabel="still in play (%)", xlim=(-0.2, min(most, 16)),
               ylim=(max(alive[alive > 0].min() * 50, 1e-3), 150))
    bottom.yaxis.set_major_formatter(plt.FuncFormatter(lambda v, _: f"{v:g}"))
    bottom.set_title(f"It takes {shown.mean():.2f} sequences on average to find a wrong net out")
    bottom.legend()
    return figure


def gradient(args):
    """The gradient fades with the lag, and the learning curve stays at chance."""
    arms = {"bptt-A1-long": (ORANGE, "A1"), "bptt-A2-long": (BLUE, "A2-"), "bptt-tanh-long": (RED, "tanh net")}
    if not recorded("bptt-A1-long"):
        arms = {"bptt-A1": (ORANGE, "A1")}
    r = pooled(*arms)
    if not r:
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.8))
    for arm in r:
        colour, name = arms[arm]
        lag = np.array(r[arm]["lag"][0])
        norm = np.mean([np.interp(lag, *pair) for pair in zip(r[arm]["lag"], r[arm]["log10_norm"])], 0)
        visible = norm > -32                                                      # beyond that float32 underflows
        left.plot(lag[visible], norm[visible], color=colour, label=name)
        thousands = np.array(r[arm]["presentations"][0]) / 1000
        right.plot(thousands, 100 * np.mean(r[arm]["learning"], 0), color=colour, label=name)
    reach = lag[visible][-1]
    left.set(xlabel="steps back from the end", ylabel="log10 |gradient|, last step: 0", xlim=(0, None))
    left.set_title(f"{reach} steps back the gradient is\n{-norm[visible][-1]:.0f} powers of ten smaller")
    left.legend()
    right.axhline(50, color=INK, linestyle=":", linewidth=1.2)
    right.set(xlabel="thousands of sequences seen", ylabel="fresh sequences right (%)", ylim=(0, 105))
    right.set_title("Gradient descent stays at chance\nat lengths 500 to 600")
    right.legend(loc="upper right")
    return figure


def length(args):
    """Guessing does not care about length; gradient descent falls off a cliff."""
    ours = {3: "A2-3", 10: "A2-10", 55: "A2-50", 550: "A2-", 5500: "A2-5000"}
    descents = {"tanh": (RED, "tanh net", "o-"), "A2": (BLUE, "A2-", "s--"), "A1": (ORANGE, "A1", "^:")}
    lengths = {name: lengths for name, _, lengths in rs.CLIFF}
    names = {name: {n: f"bptt-{name}-{n}" for n in lengths[name]} for name in descents}
    r = pooled(*ours.values(), *(arm for arms in names.values() for arm in arms.values()))
    ours = {n: arm for n, arm in ours.items() if arm in r}
    if len(ours) < 3 or not set(names["tanh"].values()) <= set(r):
        return None
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.6), sharex=True)
    means = {n: rs.mean_ci(r[arm]["trials"]) for n, arm in ours.items()}
    top.errorbar(list(ours), *zip(*means.values()), color=BLUE, marker="o", capsize=3)
    top.axhline(250, color=RED, linestyle="--", linewidth=1.4, label="1996: 250 at 500 to 600")
    top.set(ylabel="trials (mean, 95 %)", ylim=(0, 330))
    top.set_title(f"Guessing A2-: {means[55][0]:.0f} trials at length 55, {means[max(means)][0]:.0f} at {max(means):,}")
    top.legend(loc="lower right")
    for name, (colour, label, style) in descents.items():
        have = [n for n in names[name] if names[name][n] in r]
        bottom.plot(have, [100 * rs.best_solved(r[names[name][n]]) for n in have], style, color=colour, label=label)
    bottom.set(xscale="log", xlabel="sequence length", ylabel="runs that solve it (%)", ylim=(-5, 108),
               xticks=[2, 3, 5, 10, 50, 500, 5000])
    bottom.set_xticks([], minor=True)
    bottom.set_xticklabels(["2", "3", "5", "10", "50", "500", "5,000"])
    best = [rs.best_solved(r[names["tanh"][n]]) for n in (3, 10)]
    bottom.set_title(f"Gradient descent: {best[0]:.0%} of tanh nets solve length 3, {best[1]:.0%} length 10")
    bottom.legend(loc="upper right")
    return figure


if __name__ == "__main__":
    sys.exit(draw([one_winner, trials, score_cloud, gradient, length]))
