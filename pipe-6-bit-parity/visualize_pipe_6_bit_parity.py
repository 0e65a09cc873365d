"""Draw the figures: python3 visualize_pipe_6_bit_parity.py [--seed K] [--preset quick] [--out FOLDER]"""
import textwrap
from dataclasses import replace

import pipe_6_bit_parity as pipe                                                  # first: it sets the threads
from pipe_6_bit_parity import complain, write_whole

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

METHODS = {"pipe": ("PIPE", BLUE), "gp": ("genetic programming", ORANGE), "random": ("random search", MUTED)}
RIGHT, WRONG = GREEN, "#e3e3e3"
GRAY = [0, 1, 3, 2, 6, 7, 5, 4]                                                   # neighbours differ in one bit
X, EVEN = pipe.patterns(6)


def settings(arm, args, **changes):
    """Return the Config of an arm with changes; few evaluations for --preset quick."""
    changes.update({"evaluations": 600} if args.preset == "quick" else {})
    return replace(pipe.ARMS[arm].config, **changes)


def pooled(*arms):
    """Return arm -> metric -> array over the recorded replicates, for the arms that have records."""
    return pipe.pool({arm: cells for arm in arms if (cells := recorded(arm))})


def typical(args):
    """Return the seed to show: with --seed 0 the recorded run that solves the task in median time, else that seed."""
    cells = {} if args.preset == "quick" or args.seed else recorded("pipe-short")
    cells = {seed: cell["metrics"]["solved"][0] for seed, cell in cells.items()}
    solved = sorted((seed for seed in cells if cells[seed]), key=cells.get)
    return int(solved[(len(solved) - 1) // 2]) if solved else args.seed


def news(args):
    """Return the Snapshots of one run at which the best program changed, and the last one."""
    found = []
    for s in pipe.train(settings("pipe-short", args), typical(args)):
        if not found or s.best is not found[-1].best:
            found.append(s)
        if s.error == 0:
            break
    return found if found[-1].step == s.step else [*found, s]


def draw_table(axis, values):
    """Draw the 64 patterns, Gray-coded, three bits down and three across: green where the program is right."""
    axis.clear()
    right = (values > 0) == EVEN
    grid = np.array([[right[8 * row + column] for column in GRAY] for row in GRAY])
    for (i, j), good in np.ndenumerate(grid):
        axis.add_patch(plt.Rectangle((j + 0.06, 7 - i + 0.06), 0.88, 0.88, color=RIGHT if good else WRONG, linewidth=0))
    axis.set(xlim=(0, 8), ylim=(0, 8), xticks=[], yticks=[], aspect="equal")
    axis.grid(False)
    for side in axis.spines.values():
        side.set_visible(False)


def draw_output(axis, values):
    """Draw a program's real output, squashed to -1 ... 1, against the number of ones."""
    axis.clear()
    ones, right = X.sum(0), (values > 0) == EVEN
    shown = np.nan_to_num(np.tanh(2 * values), nan=-1.0)
    shift = (np.arange(64) % 8 - 3.5) * 0.05
    axis.axhspan(0, 1.15, color=SKY, alpha=0.13, linewidth=0)
    for good, colour in ((True, RIGHT), (False, MUTED)):
        axis.plot((ones + shift)[right == good], shown[right == good], ".", color=colour, markersize=6, alpha=0.75)
    axis.set(xlim=(-0.5, 6.5), ylim=(-1.15, 1.15), xticks=range(7), yticks=(-1, 0, 1), xlabel="number of ones",
             yticklabels=("odd", "0", "even"))


def truth_tables(args):
    """The 64 patterns and the real output of the best program at four moments of one run."""
    found = news(args)
    shown = [found[i] for i in np.linspace(0, len(found) - 1, 4).round().astype(int)]
    figure, axes = plt.subplots(2, len(shown), figsize=(7, 4), height_ratios=(1.1, 1))
    for (top, bottom), s in zip(axes.T, shown):
        draw_table(top, s.best.value)
        draw_output(bottom, s.best.value)
        top.set_title(f"{s.step:,} evaluations\n{s.error} wrong, {s.best.size} nodes", fontsize=9)
        bottom.set_xticks((0, 2, 4, 6))
    for axis in axes[1, 1:]:
        axis.set_yticklabels([])
    last = shown[-1]
    figure.suptitle(f"{64 - last.error} of 64 patterns right after {last.step:,} evaluations. Tiles: patterns in Gray\n"
                    "code, green if right. Dots: outputs, green if on the right side of 0", x=0.01, ha="left",
                    fontsize=11, fontweight="bold")
    return figure


def ladder(args):
    """What functions of the number of ones can reach, and what functions of five inputs can."""
    metrics, _ = pipe.ladder(pipe.Config(), 0)
    steps = [metrics[f"changes_{k}"] for k in range(7)]
    figure, axis = plt.subplots(figsize=(7, 3.9))
    axis.bar(range(7), steps, color=BLUE, width=0.6)
    for k, wrong in enumerate(steps):
        axis.text(k, wrong + 0.6, wrong, ha="center", fontsize=10)
    axis.axhline(metrics["partial_low"], color=RED, linestyle="--", linewidth=1.5)
    axis.text(6.45, metrics["partial_low"] + 0.7, f"every function of five inputs: {metrics['partial_low']}", color=RED,
              ha="right", fontsize=9)
    axis.set(xlabel="how often the function changes between 'even' and 'odd' as the number of ones grows",
             ylabel="wrong patterns of 64, at best", ylim=(0, 37), xlim=(-0.5, 6.5))
    axis.grid(axis="x", visible=False)
    axis.set_title(f"Functions of the number of ones climb a ladder, {', '.join(map(str, steps))};\n"
                   f"one that ignores an input stands at {metrics['partial_low']}, whatever it computes")
    return figure


def success(args):
    """Share of runs that have solved the task, and the wrong patterns of the best program, against evaluations."""
    r = pooled(*METHODS)
    if "pipe" not in r:
        r = {arm.removesuffix("-short"): part for arm, part in pooled("pipe-short", "random").items()}
    if "pipe" not in r:
        return None
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.6), sharex=True)
    for arm, part in r.items():
        name, colour = METHODS[arm]
        n, when = len(part["solved"]), np.sort(part["solved"][~np.isnan(part["solved"])])
        courses, marks = np.array([run for cell in part["course"] for run in cell], float), np.array(part["marks"][0])
        limit = pipe.ARMS[arm].config.evaluations if arm in recorded_arms() else 150_000
        x = np.concatenate([[10], when, [limit]])
        y = np.concatenate([[0], np.arange(1, len(when) + 1), [len(when)]]) / n
        z = 1.96
        middle, half = y + z * z / (2 * n), z * np.sqrt(y * (1 - y) / n + z * z / (4 * n * n))
        if arm != "random":
            top.step(x, 100 * y, where="post", color=colour, label=f"{name}, {n} runs")
            top.fill_between(x, 100 * (middle - half) / (1 + z * z / n), 100 * (middle + half) / (1 + z * z / n),
                             step="post", color=colour, alpha=0.13, linewidth=0)
        there = (marks <= limit) & ~np.isnan(courses).any(0)
        low, median, high = np.percentile(courses[:, there], (25, 50, 75), axis=0)
        bottom.fill_between(marks[there], low, high, color=colour, alpha=0.15, linewidth=0)
        bottom.plot(marks[there], median, color=colour, label=name)
    top.axhline(70, color=BLUE, linestyle=":", linewidth=1.2)
    top.text(110, 71, "the paper's PIPE: 70 % (secondary source)", fontsize=9, color=BLUE)
    if "gp" in r:
        top.axhline(60, color=ORANGE, linestyle=":", linewidth=1.2)
        top.text(110, 55, "the paper's genetic programming: 60 %", fontsize=9, color=ORANGE, va="top")
    top.set(ylabel="runs that have solved it (%)", ylim=(0, 100))
    top.legend(loc="center left", bbox_to_anchor=(0, 0.35))
    bottom.set(xscale="log", xlim=(100, 500_000), ylim=(0, 34), xlabel="programs evaluated", ylabel="wrong patterns")
    bottom.legend(loc="lower left")
    texts = [f"{METHODS[arm][0]} {pipe.solved(r[arm])[0]:.0%}" for arm in r if arm != "random"]
    budget = 500_000 if "pipe" in recorded_arms() else 150_000
    top.set_title(f"{', '.join(texts)} solved\n"
                  f"within {budget:,} evaluations (bands: 95 % Wilson above, quartiles below)")
    return figure


def recorded_arms():
    """Return the names of the arms that have records."""
    return [arm for arm in pipe.ARMS if recorded(arm)]


def found_programs(*arms):
    """Return the recorded solutions of arms as a list of (nodes, formula), the smallest first."""
    found = set()
    for arm in arms:
        for cell in recorded(arm).values():
            lines = cell["curves"]["programs"].split("\n")
            for line, size, when in zip(lines, cell["metrics"]["size"], cell["metrics"]["solved"]):
                if when:
                    found.add((size, line.split(": ", 1)[1]))
    return sorted(found)


def solutions(args):
    """The smallest recorded solutions as formulas, and the sizes of all."""
    sets = (("PIPE, real-valued", BLUE, found_programs("pipe", "pipe-short")),
            ("genetic programming, real-valued", ORANGE, found_programs("gp")),
            ("PIPE, gates, six bits", GREEN, found_programs("gates-6")),
            ("PIPE, gates, four bits", PURPLE, found_programs("gates-4")))
    if not sets[0][2]:
        return None
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.6), height_ratios=(1, 1.5))
    bins = np.arange(0, max(size for _, _, found in sets for size, _ in found) + 11, 10)
    rows = []
    for name, colour, found in sets:
        if found:
            sizes = [size for size, _ in found]
            top.hist(sizes, bins, color=colour, alpha=0.55, label=f"{name}: {len(found)}")
            top.axvline(np.median(sizes), color=colour, linestyle="--", linewidth=1.5)
            size, line = found[0]
            rows += textwrap.wrap(f"{name}, {size} nodes: {line}", 92, subsequent_indent="    ")[:6] + [""]
    top.set(xlabel="nodes of the solution (dashed: median)", ylabel="solutions")
    top.yaxis.get_major_locator().set_params(integer=True)
    top.legend(loc="upper right", fontsize=8)
    sizes = [size for size, _ in sets[0][2]]
    top.set_title(f"PIPE's smallest solution of six bits has {min(sizes)} nodes; the median is {np.median(sizes):.0f}")
    bottom.axis("off")
    bottom.text(-0.06, 1, "\n".join(rows[:-1]), family="monospace", fontsize=8, va="top", linespacing=1.35)
    bottom.set_title("The smallest, verified on all patterns:", fontsize=10)
    return figure


def sets_compared(args):
    """Wrong patterns of the best programs: real-valued instructions against gates."""
    names = {"pipe": "real-valued, 500,000 evaluations", "pipe-short": "real-valued, 150,000 evaluations",
             "gates-6": "gates, six bits", "gates-4": "gates, four bits (of 16)"}
    r = pooled(*names)
    if not r:
        return None
    figure, axes = plt.subplots(len(r), 1, figsize=(7, 1.45 * len(r) + 0.8), sharex=True, squeeze=False)
    for axis, (arm, part) in zip(axes[:, 0], r.items()):
        counts = np.bincount(part["wrong"].astype(int), minlength=34)
        axis.bar(range(len(counts)), counts, color=BLUE if arm.startswith("pipe") else PURPLE, width=0.7)
        axis.bar(0, counts[0], color=GREEN, width=0.7)
        limit = "" if "evaluations" in names[arm] else f", {pipe.ARMS[arm].config.evaluations:,} evaluations"
        axis.set_title(f"{names[arm]}{limit}: {counts[0]} of {counts.sum()} runs solved", fontsize=10)
        axis.set(ylabel="runs")
        axis.yaxis.get_major_locator().set_params(integer=True)
        axis.grid(axis="x", visible=False)
    axes[-1, 0].set(xlabel="wrong patterns of the best program (green: none)", xlim=(-0.6, 33))
    return figure


def elite_probability(args):
    """The probability of the best program so far under the tree, which learns from each generation's best."""
    steps, logs, errors = [], [], []
    for s in pipe.train(settings("pipe-short", args), typical(args)):
        steps.append(s.step)
        logs.append(s.tree.probability(s.best) / np.log(10))
        errors.append(s.error)
        if s.error == 0:
            break
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5), sharex=True, height_ratios=(1.5, 1))
    fresh = np.flatnonzero(np.diff(errors, prepend=np.inf))
    top.plot(steps, logs, color=BLUE, linewidth=0.8)
    top.plot(np.array(steps)[fresh], np.array(logs)[fresh], ".", color=RED, markersize=5, label="a better program")
    top.set(ylabel="log10 P(best program)")
    top.legend(loc="lower left")
    top.set_title(f"The tree follows each generation's best, not the best of all:\nP(best program) falls to "
                  f"1e{min(logs):.0f} between improvements")
    bottom.step(steps, errors, where="post", color=RED)
    bottom.set(ylabel="wrong patterns", xlabel="programs evaluated", ylim=(0, None))
    return figure


if __name__ == "__main__":
    sys.exit(draw([truth_tables, ladder, success, solutions, sets_compared, elite_probability]))
