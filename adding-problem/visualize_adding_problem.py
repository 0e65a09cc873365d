"""Draw the figures of adding-problem: python3 visualize_adding_problem.py [--seed K] [--preset quick] [--out FOLDER]"""
import functools
from dataclasses import replace
from typing import NamedTuple

import adding_problem as add                                                      # first: it sets the threads
from adding_problem import complain, write_whole

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

# One colour, one thing: three ways to train the cells, the ordinary net, the two memory blocks.
LITERAL, LINEAR, FAST, ORDINARY, BLOCKS = BLUE, PURPLE, ORANGE, RED, (SKY, GREEN)
NOISE, RIGHT = "#c4c4c4", "#e4e4e4"                                               # distractors; correct answers
TABLE_7 = {100: 74_000, 500: 209_000, 1000: 853_000}                              # mean sequences of ten trials
KINDS = {"lstm": ("the net and rule of 1997", LITERAL), "linear": ("linear output unit", LINEAR),
         "fast": ("linear output, Adam, batches of 8", FAST)}
FLOORS = {"always 0.5": 0.162, "knows one value": 0.113, "criterion": 0.01}       # mean absolute errors at T = 100


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = add.ARMS[arm].config
    return replace(config, length=30, trials=2, sequences=800) if args.preset == "quick" else config


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): add.run_cell(add.ARMS[arm]._replace(config=config), seed)}


def cells(args, arm, run=True):
    """Return the recorded cells of an arm; without records those of a run on one seed, or none with run=False."""
    return (args.preset != "quick" and recorded(arm)) or (rerun(arm, settings(arm, args), args.seed) if run else {})


def results(args, *arms, run=True):
    """Return arm -> metric -> array over the replicates, for the arms that have cells."""
    return add.pool({arm: found for arm in arms if (found := cells(args, arm, run))})


def one_net(args, *arms):
    """Return the first recorded net of the first of the arms that has records, or else one of a run of the last arm:
    the arm, the weights (params of one trial) and the Config."""
    arm = next((arm for arm in arms if args.preset != "quick" and recorded(arm)), arms[-1])
    weights = np.array(next(iter(cells(args, arm).values()))["curves"]["weights"], np.float32)
    return arm, {"W": weights[:88].reshape(11, 8, 1), "V": weights[88:, None]}, replace(settings(arm, args), trials=1)


class Run(NamedTuple):
    """What a net does on one test sequence of `length` steps."""
    value: np.ndarray           # (length,)
    marks: np.ndarray           # the two marked steps
    y_in: np.ndarray            # input gates  (2, length)
    y_out: np.ndarray           # output gates (2, length)
    s: np.ndarray               # states       (4, length)
    read: np.ndarray            # the cells that the output reads most
    answer: float
    target: float


def run_one(params, config, seed):
    """Run a net of one trial on the test sequence, of 64, with the largest sum of two values that lie well apart."""
    config = replace(config, trials=1)
    batch, tape, error = next(add.tests(params, config, seed, chunk=64))
    marks, lengths = np.sort(batch.marks[0], 0), batch.lengths[0]
    values = batch.inputs[0][marks, 0, np.arange(64)]
    lane = (abs(values.sum(0)) - 2 * (np.ptp(marks, 0) < config.length / 5)).argmax()
    end, target = lengths[lane], batch.targets[0, lane]
    y_in, y_out = (tape.U[1:end + 1, rows, lane].T for rows in (slice(4, 6), slice(6, 8)))
    spread = abs(params["V"][:4, 0]) * tape.U[lengths, 8:12, np.arange(64)].std(0)    # in the output, over sequences
    return Run(batch.inputs[0, :end, 0, lane], marks[:, lane], y_in, y_out, 2 * tape.S[1:end + 1, :, lane].T,
               np.flatnonzero(spread > 0.2 * spread.max()), target + error[0, lane], target)


def show_values(axis, run):
    """Draw the values, the two marked ones dark with their number."""
    axis.vlines(range(len(run.value)), 0, run.value, color=NOISE, linewidth=0.6 if len(run.value) > 300 else 1.6)
    for place in run.marks:
        axis.vlines(place, 0, run.value[place], color=INK, linewidth=3)
        axis.annotate(f"{run.value[place]:+.2f}", (place, 1.12 * np.sign(run.value[place])), fontsize=9, va="center",
                      xytext=(4, 0), textcoords="offset points")
    axis.set(ylim=(-1.35, 1.35), yticks=(-1, 0, 1), ylabel="value")


def show_cells(axis, run, trained):
    """Draw the states of the four cells in the colours of their blocks; bold, and setting the scale, are those that the
    output reads in the trained net."""
    for cell, s in enumerate(run.s):
        width, alpha = (2, 1) if cell in trained.read else (1, 0.6)
        axis.plot(s, color=BLOCKS[cell // 2], linestyle=("-", "--")[cell % 2], linewidth=width, alpha=alpha)
    low, high = min(0, trained.s[trained.read].min()), max(0, trained.s[trained.read].max())
    axis.set(ylim=(low - 0.2 * (high - low), high + 0.2 * (high - low)), ylabel="states of the cells", xlabel="step")


def show_floors(axis):
    """Draw the mean error of two simple answers and that of the criterion, as labelled lines."""
    for name, error in FLOORS.items():
        side = "left" if name == "criterion" else "right"                         # where no curve passes
        axis.axhline(error, color=MUTED, linestyle=":", linewidth=1.2)
        axis.annotate(name, (side == "right", error), xycoords=("axes fraction", "data"), ha=side, fontsize=8,
                      xytext=(0, 6 if name == "always 0.5" else 2), textcoords="offset points", color=MUTED)


def thousands(axis):
    """Write large numbers of an x axis with commas."""
    axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))


def sequences_needed(args):
    """Training sequences until the criterion is met, against the length: every trial, and the paper's means."""
    known = {f"{kind}-{T}": (kind, T) for kind in KINDS for T in TABLE_7 if f"{kind}-{T}" in add.ARMS}
    r = results(args, *known, run=False) or results(args, "fast-100")
    figure, axis = plt.subplots(figsize=(7, 5))
    rng, shares = np.random.default_rng(0), {kind: [] for kind in KINDS}
    for arm, metrics in r.items():
        kind, T = known[arm]
        n, (_, colour) = metrics["sequences"], KINDS[kind]
        x = list(TABLE_7).index(T) + 0.2 * list(KINDS).index(kind)
        axis.plot(x + rng.uniform(-0.05, 0.05, len(n)), n, "o", color=colour, markersize=4, alpha=0.5,
                  markeredgewidth=0)
        if not np.isnan(n).all():
            axis.plot((x - 0.08, x + 0.08), (np.nanmean(n),) * 2, color=colour, linewidth=3)
        shares[kind] += metrics["solved"].tolist()
    for x, n in enumerate(TABLE_7.values()):
        axis.plot(x - 0.2, n, "D", color=INK, markersize=7)
        axis.annotate(f"{n:,}", (x - 0.2, n), xytext=(-7, 0), textcoords="offset points", ha="right", va="center",
                      fontsize=9)
    axis.plot((1.8, 1.8), (370_000, 2_020_000), color=INK, linewidth=1.2)
    axis.plot([], [], "D", color=INK, label="1997: mean of 10 (line: range)")
    for kind, (label, colour) in KINDS.items():
        if shares[kind]:
            axis.plot([], [], "o", color=colour,
                      label=f"{label}: {sum(shares[kind]):.0f} of {len(shares[kind])}")
    axis.set(yscale="log", xlabel="minimal sequence length T (the values lie at least T/2 steps back)",
             ylabel="training sequences until the criterion", xlim=(-0.7, 2.7), ylim=(400, 5e6))
    axis.set_xticks(range(len(TABLE_7)), [f"T = {T:,}" for T in TABLE_7])
    axis.legend(loc="lower left", title="trials that meet the criterion", alignment="left")
    longest = max((T for arm, (_, T) in known.items() if arm in r and r[arm]["solved"].any()), default=0)
    axis.set_title(f"Memory cells bridge {longest // 2} steps and more (dot: a trial)")
    return figure


def learning_curves(args):
    """Error over training: the cells against the controls, and the net of 1997 at three lengths."""
    panels = (
        ("T = 100", True, (("fast-100", "memory cells (Adam)", FAST, "-"), ("rnn-100", "ordinary net", ORDINARY, "-"))),
        ("T = 500", False, (
            ("fast-500", "memory cells (Adam)", FAST, "-"), ("leak-0.99-500", "self-weight 0.99", INK, "-"),
            ("leak-0.9-500", "self-weight 0.9", INK, ":"), ("rnn-500", "ordinary net", ORDINARY, "-"))),
        ("the net and rule of 1997", False, tuple(
            (f"lstm-{T}", f"T = {T}", LITERAL, style) for T, style in zip(TABLE_7, ("-", "--", ":")))))
    drawn = [(title, [(next(iter(found.values()))["curves"], *look) for arm, *look in arms
                      if (found := cells(args, arm, run))]) for title, run, arms in panels]
    drawn = [(title, lines) for title, lines in drawn if lines]
    figure, axes = plt.subplots(len(drawn), 1, figsize=(7, 1.2 + 2.4 * len(drawn)), squeeze=False)
    for axis, (title, lines) in zip(axes[:, 0], drawn):
        for curves, label, colour, style in lines:
            axis.plot(curves["seen"], curves["error_median"], color=colour, linestyle=style, label=label)
            axis.fill_between(curves["seen"], curves["error_least"], curves["error_most"], color=colour, alpha=0.15,
                              linewidth=0)
        show_floors(axis)
        thousands(axis)
        axis.set(ylabel="mean error", yscale="log", ylim=(0.003, 0.5), xlim=(0, None))
        axis.set_title(title, fontweight="normal", fontsize=10)
        axis.legend(loc="lower right", bbox_to_anchor=(1.01, 0.97), ncols=4, fontsize=8, columnspacing=1.2,
                    handlelength=1.5)
    axes[-1, 0].set_xlabel("training sequences (line: median of the trials of a seed; band: their range)")
    r = results(args, "fast-100", "rnn-100")
    figure.suptitle(f"With {r['rnn-100']['seen'][0][-1]:,.0f} sequences of T = 100 an ordinary net learns nothing: "
                    f"{r['rnn-100']['wrong_share'].mean():.0%} wrong.\nThe cells, when they stop: "
                    f"{r['fast-100']['wrong_share'].mean():.1%}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def one_sequence(args):
    """A long test sequence in a trained net: the values, the gates, the states."""
    arm, params, config = one_net(args, "lstm-1000", "lstm-500", "fast-1000", "fast-100")
    run = run_one(params, config, args.seed)
    figure, axes = plt.subplots(4, 1, figsize=(7, 6.8), sharex=True, height_ratios=(2, 1.3, 1.3, 3))
    show_values(axes[0], run)
    for axis, gates, name in ((axes[1], run.y_in, "input\ngates"), (axes[2], run.y_out, "output\ngates")):
        for block, gate in enumerate(gates):
            axis.plot(gate, color=BLOCKS[block], linewidth=1.4, label=f"block {block + 1}")
        axis.set(ylabel=name, ylim=(-0.08, 1.08), yticks=(0, 1))
    axes[1].legend(loc="center right", ncols=2)
    show_cells(axes[3], run, run)
    axes[3].set(xlim=(-0.01 * len(run.value), len(run.value)))
    figure.suptitle(f"Two writes, then {len(run.value) - run.marks.max() - 1} steps held; the answer is "
                    f"{run.answer:.3f}, right: {run.target:.3f}\n({KINDS[arm.split('-')[0]][0]}, T = {config.length}; "
                    "bold: cells that are read)", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def where_it_errs(args):
    """The error on fresh sequences against the right answer, for a logistic and for a linear output unit."""
    nets = [one_net(args, "lstm-100")] if args.preset != "quick" and recorded("lstm-100") else []
    nets.append(one_net(args, "linear-100", "fast-100"))
    figure, axes = plt.subplots(len(nets), 1, figsize=(7, 1 + 2.4 * len(nets)), sharex=True, squeeze=False)
    ends = []
    for axis, (arm, params, config) in zip(axes[:, 0], nets):
        targets, errors = map(np.concatenate, zip(*((b.targets[0], e[0]) for b, _, e in add.tests(
            params, config, args.seed, count=640 if args.preset == "quick" else 10_240))))
        wrong = abs(errors) >= add.CORRECT
        axis.axhspan(-add.CORRECT, add.CORRECT, color=RIGHT, linewidth=0)
        colour = KINDS[arm.split("-")[0]][1]
        axis.plot(targets, errors, ".", color=colour, markersize=2, alpha=0.4)
        axis.plot(targets[wrong], errors[wrong], "o", color=INK, markersize=3.5)
        axis.set(ylabel="error y - y*", ylim=(-0.12, 0.12), xlim=(-0.01, 1.01))
        axis.set_title(f"{KINDS[arm.split('-')[0]][0]}, T = {config.length}: {wrong.sum()} of {len(wrong):,} wrong",
                       fontweight="normal", fontsize=10)
        ends.append((config.output, len(wrong), wrong.sum(), (abs(targets[wrong] - 0.5) > 0.45).sum()))
    axes[-1, 0].set_xlabel("right answer y* = 0.5 + (X1 + X2) / 4")
    output, count, wrong, near = ends[0]
    said = f"{wrong} of {count:,} answers are wrong, {near} of them near 0 or 1" if wrong else "no answer is wrong"
    figure.suptitle(f"{output.capitalize()} output: {said}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


if __name__ == "__main__":
    sys.exit(draw([sequences_needed, learning_curves, one_sequence, where_it_errs]))
