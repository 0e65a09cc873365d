"""Draw the figures: python3 visualize_pipe_symbolic_regression.py [--seed K] [--preset quick] [--out FOLDER]"""
from dataclasses import replace

import pipe_symbolic_regression as pipe                                           # first: it sets the threads
from pipe_symbolic_regression import complain, write_whole

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
CONSTANT = 20.4695                                                                # the error of the constant 0


def settings(arm, args, **changes):
    """Return the Config of an arm with changes; few evaluations for --preset quick."""
    changes.update({"evaluations": 600} if args.preset == "quick" else {})
    return replace(pipe.ARMS[arm].config, **changes)


def pooled(*arms):
    """Return arm -> metric -> array over the recorded replicates, for the arms that have records."""
    return pipe.pool({arm: cells for arm in arms if (cells := recorded(arm))})


def long_or_short(*arms):
    """Return the records of the arms, in full length if each has at least ten seeds, else of their short versions."""
    full = pooled(*arms)
    if len(full) == len(arms) and min(len(r["error"]) for r in full.values()) >= 10:
        return full, "100,000"
    short = pooled(*(f"{arm}-short" for arm in arms))
    return {arm.removesuffix("-short"): r for arm, r in short.items()}, "30,000"


def typical(args):
    """Return the seed to show: with --seed 0 the one whose recorded error is the median of all, else that seed."""
    cells = {} if args.preset == "quick" or args.seed else recorded("pipe-short")
    order = sorted(cells, key=lambda seed: cells[seed]["metrics"]["error"])
    return int(order[(len(order) - 1) // 2]) if order else args.seed


def short_text(program, config, most=46):
    """Return a program as a formula that fits into a legend, or its size where it does not."""
    formula = pipe.text(program, pipe.make_language(config), 3)
    return formula if len(formula) <= most else f"{program.size} nodes"


def best_programs(args):
    """The target and the best program at several moments of one run."""
    config = settings("pipe-short", args)
    moments, shown = [100, 1000, 10_000, config.evaluations], []
    for s in pipe.train(config, typical(args)):
        if s.step >= moments[len(shown)]:
            shown.append(s)
        if len(shown) == len(moments):
            break
    function, points, _ = pipe.TASKS[config.target]
    fine = np.linspace(0, 10, 600)
    figure, axes = plt.subplots(len(shown), 1, figsize=(7, 1.75 * len(shown) + 0.5), sharex=True, squeeze=False)
    for axis, s in zip(axes[:, 0], shown):
        axis.plot(fine, function(fine), color=MUTED, linewidth=3, alpha=0.55)
        axis.plot(points, function(points), ".", color=INK, markersize=2.5)
        values = pipe.evaluate(s.best, pipe.make_language(config), {8: fine})
        axis.plot(fine, np.clip(values, -3, 3), color=BLUE, linewidth=1.5)
        axis.set(ylim=(-1.25, 1.35), ylabel="f(x)", xlim=(0, 10))
        axis.set_title(f"{s.step:,} evaluations: error {s.error:.2f}, {short_text(s.best, config)}", fontsize=9.5)
    axes[-1, 0].set_xlabel("x  (grey: the target; dots: the 101 training points; blue: the best program so far)")
    figure.suptitle(f"PIPE wraps a formula around f: error {shown[-1].error:.2f} after {shown[-1].step:,} "
                    f"evaluations,\nwhere the constant 0 has {CONSTANT:.2f}",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def error_curves(args):
    """Best error against evaluations: median and quartiles for PIPE, genetic programming and random search."""
    r, budget = long_or_short(*METHODS)
    if len(r) < len(METHODS):
        return None
    figure, axis = plt.subplots(figsize=(7, 4.3))
    for arm, (name, colour) in METHODS.items():
        courses = np.array([run for cell in r[arm]["course"] for run in cell], float)
        marks, end = np.array(r[arm]["marks"][0]), int(budget.replace(",", ""))
        marks, courses = np.append(marks[marks < end], end), np.c_[courses[:, marks < end], r[arm]["error"]]
        there = ~np.isnan(courses).any(0)
        low, middle, high = np.percentile(courses[:, there], (25, 50, 75), axis=0)
        axis.fill_between(marks[there], low, high, color=colour, alpha=0.18, linewidth=0)
        axis.plot(marks[there], middle, color=colour, label=f"{name}, {len(courses)} runs")
    axis.axhline(CONSTANT, color=INK, linestyle=":", linewidth=1.2)
    axis.text(11, CONSTANT * 1.05, "the constant 0", fontsize=9, va="bottom")
    axis.set(xscale="log", yscale="log", xlabel="programs evaluated", ylabel="best sum of absolute errors")
    axis.set_yticks((1, 2, 5, 10, 20), ("1", "2", "5", "10", "20"))
    axis.minorticks_off()
    axis.legend(loc="lower left")
    medians = {arm: np.median(r[arm]["error"]) for arm in METHODS}
    axis.set_title(f"After {budget} evaluations the median error is {medians['pipe']:.1f} for PIPE,\n"
                   f"{medians['gp']:.1f} for genetic programming, {medians['random']:.1f} for random search "
                   "(bands: quartiles)")
    return figure


def layout(tree, program):
    """Place the nodes of the prototype tree that a program uses.

    Returns, root first: x, y, entropy in bits, probability that a sample gets there along the program, parent's index.
    """
    rows, leaf = [], 0

    def place(node, part, depth, reach, parent):
        nonlocal leaf
        me = len(rows)
        p = np.array(node.p)
        rows.append([0.0, -depth, float(-(p * np.log2(p + 1e-300)).sum()), reach, parent])
        below = [place(n, k, depth + 1, reach * node.p[part.op], me) for n, k in zip(node.kids, part.kids)]
        if below:
            rows[me][0] = sum(below) / len(below)
        else:
            rows[me][0], leaf = float(leaf), leaf + 1
        return rows[me][0]

    tree.path(program)                                                            # makes what pruning took away
    place(tree.root, program, 0, 1.0, 0)
    table = np.array(rows)
    table[:, 0] = table[:, 0] / (leaf - 1) if leaf > 1 else 0.5
    return table


def draw_tree(axis, table):
    """Draw a laid-out tree: colour is the entropy of a node, size the probability of reaching it."""
    for x, y, _, _, parent in table[1:]:
        axis.plot((table[int(parent), 0], x), (table[int(parent), 1], y), color="#bbbbbb", linewidth=0.8, zorder=1)
    dots = axis.scatter(table[:, 0], table[:, 1], c=table[:, 2], s=6 + 60 * table[:, 3], vmin=0, vmax=1.5,
                        cmap="cividis", edgecolor=INK, linewidth=0.4, zorder=2)
    axis.set(xlim=(-0.04, 1.04), ylim=(min(-4, table[:, 1].min()) - 0.7, 0.7), xticks=[], yticks=[])
    axis.grid(False)
    for side in axis.spines.values():
        side.set_visible(False)
    return dots


def prototype_tree(args):
    """The part of the prototype tree that the best program uses, at three moments: it grows, then freezes."""
    config = settings("pipe-short", args)
    moments = [int(config.evaluations * part) // 10 * 10 for part in (1 / 30, 1 / 6, 1)]
    figure, axes = plt.subplots(3, 1, figsize=(7, 7), height_ratios=(0.7, 1, 1.2))
    entropies = []
    for s in pipe.train(config, typical(args)):
        if s.step in moments:
            axis, table = axes[len(entropies)], layout(s.tree, s.best)
            dots = draw_tree(axis, table)
            entropies.append(table[:, 2].mean())
            axis.set_title(f"{s.step:,} evaluations: {len(table)} nodes, {entropies[-1]:.2f} bits a node on average",
                           fontsize=10)
    figure.colorbar(dots, ax=axes, shrink=0.4, label="entropy of a node's vector (bits)", pad=0.01)
    first = -sum(p * np.log2(p) for p in pipe.Tree(pipe.make_language(config), config, None).p)
    figure.suptitle(f"Each node starts with {first:.2f} bits and freezes to {entropies[-1]:.2f}; "
                    "size: chance of\nbeing reached along the best program", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")
    return figure


def elite_probability(args):
    """The probability of the best program so far under the tree, which learns from each generation's best."""
    config = settings("pipe-short", args)
    steps, logs, errors = [], [], []
    for s in pipe.train(config, typical(args)):
        steps.append(s.step)
        logs.append(s.tree.probability(s.best) / np.log(10))
        errors.append(s.error)
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.2), sharex=True, height_ratios=(1.6, 1))
    news = np.flatnonzero(np.diff(errors, prepend=np.inf))
    top.plot(steps, logs, color=BLUE, linewidth=0.8)
    top.plot(np.array(steps)[news], np.array(logs)[news], ".", color=RED, markersize=5, label="a new best program")
    top.set(ylabel="log10 P(best program)")
    top.legend(loc="lower left")
    back = int(((np.diff(logs) > 20) & (np.diff(errors) == 0)).sum())
    top.set_title(f"The tree wanders off, to where its best program has P = 1e{min(logs):.0f};\n"
                  f"{back} times it is brought back to P = {config.rate:g} in one step of elitist learning")
    bottom.semilogy(steps, errors, color=RED)
    bottom.set(ylabel="best error", xlabel="programs evaluated")
    bottom.set_yticks((2, 5, 10, 20), ("2", "5", "10", "20"))
    bottom.minorticks_off()
    return figure


def pipe_against_gp(args):
    """Errors of all runs, PIPE and genetic programming; training error against the error at points in between."""
    r, budget = long_or_short("pipe", "gp")
    if len(r) < 2:
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 4), width_ratios=(1, 1.35))
    for place, arm in enumerate(r):
        name, colour = METHODS[arm]
        errors, test = r[arm]["error"], r[arm]["test"]
        left.boxplot([errors], positions=[place], widths=0.5, showfliers=False, medianprops={"color": INK},
                     boxprops={"color": colour}, whiskerprops={"color": colour}, capprops={"color": colour})
        jitter = np.linspace(-0.16, 0.16, len(errors))
        left.plot(place + jitter, errors, ".", color=colour, markersize=5, alpha=0.8)
        right.plot(errors, np.minimum(test, 100), "o" if arm == "pipe" else "s", color=colour, markersize=4, alpha=0.8,
                   label=name)
    left.set(xticks=range(len(r)), xticklabels=["PIPE", "GP"], ylabel="sum of absolute errors", yscale="log",
             yticks=(1, 2, 5, 10, 20), yticklabels=("1", "2", "5", "10", "20"))
    left.minorticks_off()
    line = np.array((0.4, 25))
    right.plot(line, line, color=INK, linestyle=":", linewidth=1.2)
    right.set(xscale="log", yscale="log", xlabel="error at the 101 training points", xticks=(1, 2, 5, 10, 20),
              xticklabels=("1", "2", "5", "10", "20"), yticks=(1, 2, 5, 10, 20, 100),
              yticklabels=("1", "2", "5", "10", "20", "≥ 100"),
              ylabel="error at 100 points in between")
    right.minorticks_off()
    right.legend(loc="upper left")
    spreads = {arm: pipe.spread(r[arm]["error"]) for arm in r}
    ends = {arm: f"from {r[arm]['error'].min():.2f} to {r[arm]['error'].max():.1f}" for arm in r}
    figure.suptitle(f"{budget} evaluations: PIPE's errors range {ends['pipe']}, those of genetic\nprogramming "
                    f"{ends['gp']}; interquartile ranges {spreads['pipe']:.1f} and {spreads['gp']:.1f}",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def quartic_success(args):
    """Koza's quartic: the share of runs that have hit all 20 points, against evaluations."""
    names = {"quartic": ("PIPE, four functions", BLUE, "-"), "quartic-gp": ("genetic programming", ORANGE, "-"),
             "quartic-all": ("PIPE, eight functions", BLUE, "--")}
    r = pooled(*names)
    if "quartic" not in r:
        return None
    figure, axis = plt.subplots(figsize=(7, 4))
    for arm, metrics in r.items():
        name, colour, style = names[arm]
        limit = pipe.ARMS[arm].config.evaluations
        n, when = len(metrics["solved"]), np.sort(metrics["solved"][~np.isnan(metrics["solved"])])
        x = np.concatenate([[10], when, [limit]])
        y = np.concatenate([[0], np.arange(1, len(when) + 1), [len(when)]]) / n
        axis.step(x, 100 * y, where="post", color=colour, linestyle=style, label=f"{name}, {n} runs")
        p, z = y, 1.96
        middle, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        axis.fill_between(x, 100 * (middle - half) / (1 + z * z / n), 100 * (middle + half) / (1 + z * z / n),
                          step="post", color=colour, alpha=0.12, linewidth=0)
    axis.set(xscale="log", xlim=(100, None), ylim=(0, 101), xlabel="programs evaluated",
             ylabel="runs with all 20 errors below 0.01 (%)")
    axis.legend(loc="upper left")
    p, half = pipe.share(~np.isnan(r["quartic"]["solved"]))
    axis.set_title(f"Koza's quartic: PIPE gets all 20 points in {p:.0%} of the runs\n(bands: 95 % Wilson intervals)")
    return figure


if __name__ == "__main__":
    sys.exit(draw([best_programs, error_curves, prototype_tree, elite_probability, pipe_against_gp, quartic_success]))
