"""Draw the figures of nbb-xor: python3 visualize_nbb_xor.py [--seed K] [--preset quick] [--out FOLDER]"""
import functools
from dataclasses import replace

import nbb_xor as xor                                                             # first: it sets the threads
from nbb_xor import complain, write_whole

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

# One colour, one thing: the nets of the paper ...
NETS = {"one-of-3": ("one subset of 3", BLUE), "one-of-2": ("one subset of 2", ORANGE),
        "two-of-2": ("two subsets of 2", INK)}
SOLVED = GREEN                                                                    # ... all four patterns right ...
BLOCKS = {"W": ("W, inputs to hidden", SKY), "U": ("U, the shortcut", PURPLE), "V": ("V, hidden to outputs", RED)}
NAMES = ("00", "01", "10", "11")
PAPER = {"one-of-3": (619, 674), "one-of-2": (160,), "two-of-2": (263,)}          # cycles per pattern, section 6


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = xor.ARMS[arm].config
    return replace(config, nets=4, presentations=60) if args.preset == "quick" else config


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): xor.run_cell(xor.ARMS[arm]._replace(config=config), seed)}


def results(args, *arms):
    """Return arm -> metric -> array over the recorded replicates; an arm without records is run here, on one seed."""
    return xor.pool({arm: (args.preset != "quick" and recorded(arm)) or rerun(arm, settings(arm, args), args.seed)
                     for arm in arms})


@functools.cache
def history(config, seed):
    """Train the nets of one seed and keep everything: solved (steps, nets) and a Net with the steps as first axis."""
    solved, steps = [], []
    for snapshot in xor.train(config, seed):
        solved.append(snapshot.solved)
        steps.append([block.copy() for block in snapshot.net])
    return np.array(solved), xor.Net(*map(np.array, zip(*steps)))


def last_failures(solved):
    """Return for each net the number of presentations after which it was never wrong again."""
    return np.where(solved, 0, np.arange(1, len(solved) + 1)[:, None]).max(0)


def typical(solved):
    """Return the net whose last failure is the median of the nets that are right at the end (of all, if none is)."""
    nets = np.flatnonzero(solved[-1]) if solved[-1].any() else np.arange(solved.shape[1])
    return nets[np.argsort(last_failures(solved)[nets])[len(nets) // 2]]


def learning_curves(args):
    """Share of nets with all four patterns right, and why it must be judged with the weights frozen."""
    r = results(args, *NETS)
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 6.2), sharex=True, height_ratios=(3, 2))
    for arm, (label, colour) in NETS.items():
        top.plot(r[arm]["cycles"][0], 100 * np.mean(r[arm]["solved_share"], 0), color=colour, label=label)
        for cycle in PAPER[arm]:
            top.axvline(cycle, color=colour, linestyle=":", linewidth=1.4)
            left = cycle in (160, 619)
            top.annotate(cycle, (cycle, 102), xytext=(-3 if left else 3, 0), textcoords="offset points",
                         ha="right" if left else "left", fontsize=9, color=colour)
    top.plot([], [], color=MUTED, linestyle=":", linewidth=1.4,
             label="1989: mean cycles to a solution\n(619 found, 674 stable)")
    end = np.mean([curve[-1] for curve in r["one-of-3"]["solved_share"]])
    top.set(ylabel="nets with 4 of 4 right (%)", ylim=(0, 112), yticks=range(0, 101, 20))
    top.set_title(f"Three units find XOR and keep it: {end:.0%} of nets are right at the end")
    top.legend(loc="center right", bbox_to_anchor=(1, 0.47))
    cycles = np.array(r["one-of-3"]["cycles"][0])
    online, frozen = (np.mean(r["one-of-3"][name], 0) for name in ("online_share", "solved_share"))
    early = cycles <= 100
    bottom.plot(cycles, 100 * online, color=MUTED, label="right on the pattern on show, while learning")
    bottom.plot(cycles, 100 * frozen, color=BLUE, label="right on all four, weights frozen")
    bottom.set(xlabel="cycles per pattern (presentations / 4)", ylabel="nets (%)", ylim=(0, 112),
               yticks=range(0, 101, 20), xlim=(0, None))
    bottom.set_title(f"Never judge while it learns: in 100 cycles {online[early].mean():.1%} look right, "
                     f"{frozen[early].mean():.1%} are")
    bottom.legend(loc="lower right")
    return figure


def hold_length(args):
    """How the measured time depends on how long a solution must last before it counts, and when nets fail last."""
    r = results(args, "one-of-3")["one-of-3"]
    rows = [(hold, *xor.mean_ci(r[f"reach_{hold}"]), (~np.isnan(r[f"reach_{hold}"])).mean()) for hold in xor.HOLDS]
    holds, means, halves, shares = map(np.array, zip(*rows))
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.9), width_ratios=(3, 2))
    left.fill_between(holds, means - halves, means + halves, color=BLUE, alpha=0.25, linewidth=0)
    left.plot(holds, means, color=BLUE, marker="o", markersize=4)
    for hold, mean, share in zip(holds, means, shares):
        if mean == mean and hold not in (20, 24, 40):
            left.annotate(f"{share:.0%}", (hold, mean), xytext=(5, -11), textcoords="offset points", fontsize=8,
                          color=BLUE)
    for cycle, name, side in zip(PAPER["one-of-3"], ("found", "stable"), ("top", "bottom")):
        left.axhline(cycle, color=INK, linestyle=":", linewidth=1.4)
        left.annotate(f"1989: {name}, {cycle}", (1, cycle), xytext=(0, -3 if side == "top" else 3),
                      textcoords="offset points", va=side, fontsize=9)
    left.set(xscale="log", xticks=(1, 4, 10, 24, 100, 400), xlabel="presentations in a row that count as a solution",
             ylabel="cycles per pattern until then (mean)", ylim=(0, 850), xlim=(0.8, 800))
    left.set_xticks([], minor=True)
    left.set_xticklabels(("1", "4", "10", "24", "100", "400"))
    at = dict(zip(holds, means))
    left.set_title(f"Held for 24 presentations: {at[24]:.0f} cycles;\nfor 100: {at[100]:.0f} (1989: 619 and 674)")
    left.annotate("band: 95 % interval\n%: nets that get there", (0.97, 0.04), xycoords="axes fraction", ha="right",
                  fontsize=8, color=MUTED)
    solved, _ = history(settings("one-of-3", args), args.seed)
    last, end = last_failures(solved) / 4, len(solved) / 4
    edges = np.linspace(0, end, 16)
    right.hist(last[solved[-1]], edges, color=SOLVED, rwidth=0.9)
    right.bar(end * 1.08, (~solved[-1]).sum(), end / 17, color=MUTED)
    right.set(xlabel="cycles per pattern", ylabel="nets", xlim=(0, end * 1.15))
    right.set_xticks([0, end / 3, end * 2 / 3, end * 1.08])
    right.set_xticklabels([*(f"{tick:.0f}" for tick in (0, end / 3, end * 2 / 3)), "wrong at\nthe end"])
    right.get_xticklabels()[-1].set_fontsize(8)
    right.grid(axis="x")
    when = f"{np.median(last[solved[-1]]):.0f} cycles" if solved[-1].any() else "never"
    right.yaxis.get_major_locator().set_params(integer=True)
    right.set_title(f"The last failure of {len(last)} nets\n(median {when})")
    return figure


def one_net(args):
    """Weights, substance and margins of the typical net of a seed, from the first pattern to the last."""
    config = settings("one-of-3", args)
    solved, weights = history(config, args.seed)
    which = typical(solved)
    net = xor.Net(*(np.moveaxis(block[..., which], 0, -1) for block in weights))       # the lanes are the moments
    cycles, solved = np.arange(1, len(solved) + 1) / 4, solved[:, which]
    first, last = solved.argmax(), last_failures(solved[:, None])[0]
    figure, axes = plt.subplot_mosaic([["weights"] * 2, ["substance"] * 2, ["early", "late"]], figsize=(7, 7.8),
                                      height_ratios=(3, 2, 2.6))
    for axis in axes.values():
        axis.fill_between(cycles, 0, 1, where=solved, step="post", color=SOLVED, alpha=0.18, linewidth=0,
                          transform=axis.get_xaxis_transform())
    for (label, colour), block in zip(BLOCKS.values(), net):
        lines = axes["weights"].plot(cycles, block.reshape(-1, len(cycles)).T, color=colour, linewidth=1.2)
        lines[0].set_label(label)
        axes["substance"].plot(cycles, block.sum((0, 1)), color=colour)
    total = sum(block.sum((0, 1)) for block in net)
    axes["substance"].plot(cycles, total, color=INK)
    axes["substance"].annotate("total", (cycles[-1], total[-1]), xytext=(-2, 4), textcoords="offset points", ha="right")
    axes["weights"].set(ylabel="weight", ylim=(0, 1.22), xlim=(0, cycles[-1]), yticks=(0, 0.2, 0.4, 0.6, 0.8, 1))
    axes["weights"].legend(loc="upper right", ncols=3)
    axes["weights"].set_title(f"Right for a moment after {cycles[first]:.0f} cycles, for good after {last / 4:.0f} "
                              "(green: 4 of 4)")
    axes["substance"].set(ylabel="sum of weights", ylim=(0, None), xlim=(0, cycles[-1]))
    axes["substance"].set_title(f"Of its substance the shortcut keeps {net.U[..., -1].sum() / net.U[..., 0].sum():.1%}")
    o = xor.forward(net, config.units)[1]                                              # (4, 2, moments)
    margin = 1000 * (o[:, 1] - o[:, 0]) * (2 * xor.TARGETS - 1)[:, None]
    titles = {"early": (first, "A first solution breaks"), "late": (last, "The last failure, and after")}
    for name, (about, title) in titles.items():
        axis, shown = axes[name], slice(max(0, about - 24), about + 40)
        for pattern, line, style in zip(NAMES, margin, ("-", "--", ":", "-")):
            axis.step(cycles[shown], line[shown], where="post", color="#999999" if pattern == "00" else INK,
                      linestyle=style, linewidth=1.4, label=pattern)
        axis.axhline(0, color=MUTED, linewidth=1)
        axis.set(xlabel="cycles per pattern", xlim=(cycles[shown][0], cycles[shown][-1]))
        axis.set_ylim(*np.multiply(axis.get_ylim(), (1, 1.2)))
        axis.set_title(title)
    axes["early"].set_ylabel("output margin x 1000")
    axes["late"].legend(loc="upper right", ncols=4, handlelength=1.5, columnspacing=1)
    return figure


def partition(h):
    """Return which patterns share a hidden winner, for h (4, hidden): (0, 1, 1, 2) says that 01 and 10 do."""
    winner = h.argmax(1).tolist()
    seen = list(dict.fromkeys(winner))
    return tuple(seen.index(unit) for unit in winner)


def partition_census(args):
    """How the hidden winners divide the four patterns when a net is first right, and at the end."""
    panels, ends = [], {}
    for arm in ("one-of-3", "no-shortcut"):
        config = settings(arm, args)
        solved, weights = history(config, args.seed)
        for steps in (solved.argmax(0), np.full(config.nets, len(solved) - 1)):
            net = xor.Net(*(np.stack([block[step][..., i] for i, step in enumerate(steps)], -1) for block in weights))
            h, right = xor.forward(net, config.units)[0], solved[steps, np.arange(config.nets)]
            panels.append([(partition(h[..., i]), bool(right[i])) for i in range(config.nets)])
        panels[-2] = [entry for entry in panels[-2] if entry[1]]                       # the nets that ever were right
        ends[arm] = net, right
    counts = [{kind: [panel.count((kind, good)) for good in (True, False)] for kind, _ in panel} for panel in panels]
    kinds = sorted({kind for count in counts for kind in count},
                   key=lambda kind: -max(sum(count.get(kind, (0, 0))) for count in counts))[:7]
    figure, axes = plt.subplots(1, 5, figsize=(7, 4.8), width_ratios=(1.1, 1, 1, 1, 1), sharey=True)
    shades = (INK, "#b5b5b5", "white", MUTED)
    for row, kind in enumerate(kinds):
        for place, (name, group) in enumerate(zip(NAMES, kind)):
            axes[0].add_patch(plt.Rectangle((place + 0.05, row - 0.28), 0.9, 0.56, facecolor=shades[group],
                                            edgecolor=MUTED, linewidth=0.8))
            axes[0].text(place + 0.5, row, name, ha="center", va="center", fontsize=9,
                         color=INK if group in (1, 2) else "white")
    axes[0].set(xlim=(0, 4), ylim=(6.5, -0.6), xticks=[], yticks=[])
    axes[0].set_title("same shade:\nsame winner", loc="center", fontsize=10, fontweight="normal")
    axes[0].spines[:].set_visible(False)
    top = max(map(len, panels))
    names = ("with shortcut:\nfirst right", "\nat the end", "without it:\nfirst right", "\nat the end")
    for axis, count, name in zip(axes[1:], counts, names):
        good, bad = np.array([count.get(kind, (0, 0)) for kind in kinds]).reshape(-1, 2).T
        axis.barh(range(len(kinds)), good, 0.56, color=SOLVED, label="4 of 4 right")
        axis.barh(range(len(kinds)), bad, 0.56, left=good, color="#bbbbbb", label="not")
        for row, total in enumerate(good + bad):
            if total:
                axis.text(total + 0.03 * top, row, total, va="center", fontsize=9)
        axis.set(xlim=(0, 1.25 * top), xticks=[])
        axis.grid(False)
        axis.spines["bottom"].set_visible(False)
        axis.set_title(name, fontsize=10, fontweight="normal")
    axes[1].legend(loc="lower left", bbox_to_anchor=(0.1, 0), title="nets with", alignment="left", title_fontsize=9)
    net, right = ends["one-of-3"]
    cut = (xor.answer(net._replace(U=0 * net.U), config.units) == xor.TARGETS[:, None]).all(0)
    counters = [panel.count(((0, 1, 1, 2), True)) for panel in panels[1::2]]
    figure.suptitle(f"Who wins for what: with the shortcut {counters[0]} of {len(panels[1])} nets come to count the\n"
                    f"ones, without it {counters[1]}. It is a scaffold: cut it, and {(cut & right).sum()} of "
                    f"{right.sum()} are still right", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


CONDITIONS = {"one-of-3": "full brigade", "no-shortcut": "no shortcut", "no-payoff": "no payoff",
              "random-payoff": "payoff for a\nrandom output", "eta-double": "payoff twice\nthe payment",
              "eta-half": "payoff half\nthe payment"}


def wilson(share, n, z=1.96):
    """Return the ends of the 95 % Wilson interval of a share of n nets."""
    middle, half = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def ablation(args):
    """Which nets ever solve XOR and which keep it, with parts of the rule or the net removed."""
    r = results(args, *CONDITIONS)
    figure, axis = plt.subplots(figsize=(7, 4.6))
    bars = (("found", "right at some time", "#bbbbbb", -0.19),
            ("kept", "right through the last 400 presentations", SOLVED, 0.19))
    for row, arm in enumerate(CONDITIONS):
        for metric, label, colour, shift in bars:
            values = r[arm][metric]
            share, (low, high) = values.mean(), wilson(values.mean(), len(values))
            axis.barh(row + shift, 100 * share, 0.36, color=colour, label=None if row else label)
            axis.plot((100 * low, 100 * high), (row + shift,) * 2, color=INK, linewidth=1.2)
            axis.text(max(100 * high, 0) + 1.2, row + shift, f"{share:.1%}", va="center", fontsize=9)
    axis.set(yticks=range(len(CONDITIONS)), yticklabels=CONDITIONS.values(), ylim=(len(CONDITIONS) - 0.5, -0.5),
             xlabel="nets (%)", xlim=(0, 112), xticks=range(0, 101, 20))
    axis.tick_params(axis="y", colors=INK, length=0)
    axis.grid(axis="y", visible=False)
    axis.legend(loc="upper center", bbox_to_anchor=(0.45, -0.14), ncols=2)
    kept = [r[arm]["kept"].mean() for arm in CONDITIONS]
    axis.set_title("Right at some moment proves nothing: random payoff gets there\n"
                   f"too. {kept[0]:.0%} of the full nets keep XOR, at most {max(kept[1:]):.1%} of the others",
                   x=-0.17)
    return figure


if __name__ == "__main__":
    sys.exit(draw([learning_curves, hold_length, one_net, partition_census, ablation]))
