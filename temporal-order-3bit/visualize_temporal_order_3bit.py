"""Draw the figures of temporal-order-3bit.

    python3 visualize_temporal_order_3bit.py [--seed K] [--preset quick] [--out FOLDER]
"""
import functools
import itertools
from dataclasses import replace
from typing import NamedTuple

import temporal_order_3bit as to                                                  # first: it sets the threads
from temporal_order_3bit import complain, write_whole

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

# One colour, one thing: three ways to train the cells, the ordinary net, the two symbols, the two memory blocks.
LITERAL, FAST, ORDINARY, SYMBOL = BLUE, ORANGE, RED, {"X": GREEN, "Y": PURPLE}
PAPER = 31_390                                                                    # mean sequences of 20 trials
ROWS = {"lstm": ("the net and rule of 1997", LITERAL, "o"), "fast": ("Adam, softmax", FAST, "o"),
        "fast-full": ("... full gradient", FAST, "D"),
        **{f"fast-{n}": (f"... {n} steps", FAST, "s") for n in (200, 500, 1000)}}
SHELVES = {"knows nothing": 0.375, "knows one symbol": 0.25, "confuses two classes": 0.125}    # ½ Σ e²


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = to.ARMS[arm].config
    return replace(config, length=20, trials=2, sequences=800) if args.preset == "quick" else config


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): to.run_cell(to.ARMS[arm]._replace(config=config), seed)}


def cells(args, arm, run=True):
    """Return the recorded cells of an arm; without records those of a run on one seed, or none with run=False."""
    return (args.preset != "quick" and recorded(arm)) or (rerun(arm, settings(arm, args), args.seed) if run else {})


def results(args, *arms, run=True):
    """Return arm -> metric -> array over the replicates, for the arms that have cells."""
    return to.pool({arm: found for arm in arms if (found := cells(args, arm, run))})


def one_net(args):
    """Return a trained net, of the rule of 1997 if it is recorded: the arm, the weights of one trial, the Config."""
    arm = "lstm" if args.preset != "quick" and recorded("lstm") else "fast"
    config, flat = replace(settings(arm, args), trials=1), next(iter(cells(args, arm).values()))["curves"]["weights"]
    params, at = to.lstm_init([np.random.default_rng(0)], config), 0
    for name in "XYbV":
        params[name] = np.array(flat[at:at + params[name].size], np.float32).reshape(params[name].shape)
        at += params[name].size
    return arm, params, config


class Run(NamedTuple):
    """What a net of one trial does on several sequences."""
    symbols: np.ndarray         # (longest, sequences)
    lengths: np.ndarray         # (sequences,)
    classes: np.ndarray         # (sequences,)
    places: np.ndarray          # the steps of X and Y, from 0   (2, sequences)
    y_in: np.ndarray            # input gates  (longest, blocks, sequences)
    s: np.ndarray               # states       (longest, cells, sequences)
    y: np.ndarray               # outputs      (classes, sequences)


def run_net(params, config, seed, count=0):
    """Run a net on `count` test sequences; on 0: on one that is given all four orders of X and Y in turn."""
    generator, config = to.streams(replace(config, trials=1), seed)[2], replace(config, trials=1)
    batch = to.make_batch(config.length, generator, count or 1, count or 1)
    symbols, lengths, classes, places = (part[0] for part in batch)
    if not count:
        symbols, lengths, places = (np.repeat(part, 4, -1) for part in (symbols, lengths, places))
        classes = np.arange(4)
        symbols[places, classes] = 6 + np.array([classes >> 1, classes & 1])
    tape = to.lstm_tape(config, len(classes), 1)
    y = to.lstm_forward(params, tape, symbols, lengths, config)
    return Run(symbols, lengths, classes, places, tape.U[1:, to.parts(config)[1]], 2 * tape.S[1:], y)


def read_out(run, moment):
    """Return h(s), what an output gate lets out, of all cells after one step for each sequence: (sequences, cells)."""
    return np.tanh(run.s[moment, :, np.arange(len(run.lengths))] / 2)


def best_plane(run):
    """Return how far apart the final h(s) of two cells keep the four classes, in units of their spread, and these two,
    for the best two."""
    final = read_out(run, run.lengths - 1)
    groups = [final[run.classes == k] for k in range(4)]

    def gap(pair):
        means = [group[:, pair].mean(0) for group in groups]
        widths = [group[:, pair].std(0).max() for group in groups]
        return min(np.hypot(*(means[i] - means[k])) / (0.1 + widths[i] + widths[k])
                   for i, k in itertools.combinations(range(4), 2))

    return max((gap(pair), pair) for pair in map(list, itertools.combinations(range(final.shape[1]), 2)))


def show_plane(axis, run, plane, moment):
    """Draw h(s) of two cells after one step for each sequence: filled in the colour of the first symbol, edged in that
    of the second."""
    h = read_out(run, moment)[:, plane]
    for k, (first, second) in enumerate(to.CLASSES):
        axis.scatter(*h[run.classes == k].T, s=42, color=SYMBOL[first], edgecolor=SYMBOL[second], linewidth=2,
                     clip_on=False, zorder=3)
    axis.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), xticks=(-1, 0, 1), yticks=(-1, 0, 1),
             xlabel=f"h(s) of cell {plane[0] + 1}", ylabel=f"h(s) of cell {plane[1] + 1}")


def show_classes(axis, **options):
    """Draw the legend of the four classes."""
    for first, second in to.CLASSES:
        axis.scatter([], [], s=42, color=SYMBOL[first], edgecolor=SYMBOL[second], linewidth=2, label=first + second)
    axis.legend(**options)


def show_shelves(axis, beside=False):
    """Draw the errors of the simple answers on the way as lines, labelled on them or beside the axis."""
    for name, error in SHELVES.items():
        axis.axhline(error, color=MUTED, linestyle=":", linewidth=1.2)
        axis.annotate(name.replace(" ", "\n", 1) if beside else name, (1, error), xycoords=("axes fraction", "data"),
                      ha="left" if beside else "right", va="center" if beside else "bottom", fontsize=8, color=MUTED,
                      xytext=(4, 0) if beside else (0, 1), textcoords="offset points", annotation_clip=False)


def thousands(axis):
    """Write large numbers of an x axis with commas."""
    axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))


def sequences_needed(args):
    """Training sequences until the criterion is met: every trial, and the paper's mean."""
    r = results(args, *ROWS, run=False) or results(args, "fast")
    figure, axis = plt.subplots(figsize=(7, 1.6 + 0.5 * len(r)))
    rng, arms = np.random.default_rng(0), [arm for arm in ROWS if arm in r]
    for row, arm in enumerate(arms):
        n, (_, colour, marker) = r[arm]["sequences"], ROWS[arm]
        axis.plot(n, row + rng.uniform(-0.25, 0.25, len(n)), marker, color=colour, markersize=4, alpha=0.5,
                  markeredgewidth=0)
        if not np.isnan(n).all():
            axis.plot((np.nanmean(n),) * 2, (row - 0.33, row + 0.33), color=colour, linewidth=3)
        mean = f", mean {np.nanmean(n):,.0f}" if not np.isnan(n).all() else ""
        axis.annotate(f"{r[arm]['solved'].sum():.0f} of {len(n)}{mean}", (1.02, row), va="center", fontsize=9,
                      xycoords=("axes fraction", "data"), annotation_clip=False)
    axis.axvline(PAPER, color=INK, linestyle="--", linewidth=1.4)
    axis.annotate(f"1997: mean of 20\ntrials, {PAPER:,}", (PAPER, -0.7), fontsize=9, va="center", xytext=(5, 0),
                  textcoords="offset points")
    axis.set(xscale="log", xlim=(2000, 200_000), ylim=(len(r) - 0.4, -1.1), yticks=range(len(r)),
             yticklabels=[ROWS[arm][0] for arm in arms],
             xlabel="training sequences until 2000 right answers in a row")
    axis.set_xticks([2000, 5000, 10_000, 20_000, 50_000, 150_000])
    axis.set_xticks([], minor=True)
    thousands(axis)
    axis.grid(axis="y", visible=False)
    solved = sum(r[arm]["solved"].sum() for arm in arms)
    figure.suptitle(f"{solved:.0f} of {sum(len(r[arm]['solved']) for arm in arms)} trials learn the order "
                    "(dot: a trial; bar: their mean)", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def error_shelves(args):
    """Error over training: the cells leave the shelves one after the other, the ordinary net does not."""
    config = settings("fast", args)
    *_, last = to.train(config, args.seed)
    errors, every = np.array(last.history), to.BLOCK * config.batch
    figure, axis = plt.subplots(figsize=(7, 4))
    for trial, end in enumerate(np.where(np.isnan(last.stopped), last.step, last.stopped)):
        shown = errors[:int(np.ceil(end / every)), trial]
        axis.plot(np.arange(1, len(shown) + 1) * every, shown, color=FAST, linewidth=1, alpha=0.8)
    axis.plot([], [], color=FAST, label=f"Adam, softmax: {len(last.stopped)} trials")
    others = [("rnn-0.003" if args.preset != "quick" and recorded("rnn-0.003") else "rnn", "ordinary net", ORDINARY)]
    others += [("lstm", "net and rule of 1997", LITERAL)] * bool(cells(args, "lstm", run=False))
    for arm, label, colour in others:
        curves = next(iter(cells(args, arm).values()))["curves"]
        axis.plot(curves["seen"], curves["loss_median"], color=colour, label=label + ": median, range")
        axis.fill_between(curves["seen"], curves["loss_least"], curves["loss_most"], color=colour, alpha=0.2,
                          linewidth=0)
    show_shelves(axis, beside=True)
    axis.set(ylabel="error, ½ Σ e²", ylim=(0, 0.46), xlim=(every, None), xscale="log", xlabel="training sequences")
    thousands(axis)
    axis.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, columnspacing=1)
    r = results(args, "rnn")["rnn"]
    figure.suptitle(f"{(~np.isnan(last.stopped)).sum()} of {len(last.stopped)} trials (Adam) pass all shelves; an "
                    f"ordinary net has {r['accuracy'].mean():.0%} right", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")
    return figure


def four_sequences(args):
    """One sequence with the four orders of X and Y: input gates and states of a trained net over the steps."""
    arm, params, config = one_net(args)
    run = run_net(params, config, args.seed)
    end, places = run.lengths[0], run.places[:, 0]
    figure, axes = plt.subplots(6, 1, figsize=(7, 8), sharex=True, height_ratios=(1, 1, 1.4, 1.4, 1.4, 1.4))
    for row, axis in enumerate(axes):
        for k, (first, second) in enumerate(to.CLASSES):
            values = run.y_in[:end, row, k] if row < 2 else run.s[:end, row - 2, k]
            axis.plot(np.arange(1, end + 1), values, color=SYMBOL[first], linestyle="-" if second == "X" else "--",
                      linewidth=2 if second == "X" else 1.6, label=f"{first} then {second}")
        block = row if row < 2 else (row - 2) // config.cells
        axis.set_ylabel(f"input gate {row + 1}" if row < 2 else f"cell {row - 1}", color=INK)
        axis.annotate(f"block {block + 1}", (0.005, 0.9), xycoords="axes fraction", fontsize=8, color=MUTED, va="top")
        for place in places:
            axis.axvline(place + 1, color=MUTED, linewidth=0.8, linestyle=":")
        if row < 2:
            axis.set(ylim=(-0.08, 1.12), yticks=(0, 1))
    axes[0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4, columnspacing=1)
    axes[-1].set(xlabel="step", xlim=(0, end + 1))
    figure.align_ylabels(axes)
    apart = abs(run.s[:end, :, 1] - run.s[:end, :, 2]).max(1)
    figure.suptitle(f"X at step {places[0] + 1} and Y at step {places[1] + 1}, or Y and X: the states end "
                    f"{apart[-1]:.1f} apart\n({ROWS[arm][0]}; a net that stopped; dotted: the two symbols)", x=0.01,
                    ha="left", fontsize=11, fontweight="bold")
    return figure


def phase_portrait(args):
    """The squashed states of two cells after the first symbol and at the end, over many sequences."""
    arm, params, config = one_net(args)
    run = run_net(params, config, args.seed, count=256)
    _, plane = best_plane(run)
    figure, axes = plt.subplots(1, 2, figsize=(7, 4.3), sharex=True, sharey=True)
    for axis, moment, name in ((axes[0], run.places[1] - 1, "before the second symbol"),
                               (axes[1], run.lengths - 1, "at the end")):
        show_plane(axis, run, plane, moment)
        axis.set_title(name, fontsize=10, fontweight="normal")
    axes[1].set_ylabel("")
    show_classes(axes[1], ncols=4, loc="lower right", bbox_to_anchor=(1.02, 1.07), columnspacing=0.8, handletextpad=0.1)
    figure.suptitle(f"One bit, then two: what two cells hold\n({ROWS[arm][0]}, 256 sequences)", x=0.01, ha="left",
                    fontsize=11, fontweight="bold")
    return figure


def solutions(args):
    """How the nets do it: links cut, the second symbol nearer or further, a third symbol."""
    kinds = {arm: ROWS[arm][:2] for arm in ("lstm", "fast") if cells(args, arm, run=arm == "fast")}
    r = results(args, *kinds)
    figure, axes = plt.subplot_mosaic([["cut", "cut"], ["gap", "third"]], figsize=(7, 6.2), height_ratios=(1, 1))
    rng, step = np.random.default_rng(0), 0.8 / len(kinds)
    cuts = {"cut_cells": "cells", "cut_input_gates": "input gates", "cut_output_gates": "output gates"}
    thirds = {"third_ignored": "first two", "third_and_second": "last two", "third_and_first": "first, last"}
    for i, (arm, (label, colour)) in enumerate(kinds.items()):
        metrics, there = r[arm], r[arm]["solved"] == max(r[arm]["solved"])        # those that stopped, if any did
        for row, name in enumerate(cuts):
            y = row + (i - (len(kinds) - 1) / 2) * step + rng.uniform(-0.3, 0.3, there.sum()) * step
            axes["cut"].plot(metrics[name][there], y, "o", color=colour, markersize=4.5, alpha=0.5, markeredgewidth=0)
        curves = next(iter(cells(args, arm).values()))["curves"]
        axes["gap"].plot(curves["gaps"], curves["wrong_at"], "o-", color=colour, markersize=3.5, label=label)
        axes["third"].bar(np.arange(3) + (i - (len(kinds) - 1) / 2) * step,
                          [metrics[name][there].mean() for name in thirds], step * 0.9, color=colour)
    axes["cut"].set(yticks=range(3), yticklabels=cuts.values(), ylim=(2.6, -0.6), xlim=(-0.03, 1.03),
                    xlabel="share wrong without the links from the cells to ... (dot: a trained net)")
    axes["gap"].axvspan(30, 50, color=GRID, linewidth=0)
    axes["gap"].annotate("trained", (40, 0.94), ha="center", fontsize=8, color=MUTED)
    axes["gap"].set(xlabel="steps between the two symbols", ylabel="share wrong", ylim=(-0.03, 1.03))
    axes["gap"].legend(loc="upper left", bbox_to_anchor=(0, 0.86))
    axes["third"].set(xticks=range(3), xticklabels=thirds.values(), ylabel="share of answers", ylim=(0, 1),
                      xlabel="XYX and YXY are answered by the ...")
    most = list(kinds)[0]
    there = r[most]["solved"] == max(r[most]["solved"])
    to_cells, to_gates = ((r[most][f"cut_{part}"][there] >= 0.1).sum() for part in ("cells", "input_gates"))
    figure.suptitle(f"Of {sum(there)} nets {to_cells} need the links from cells to cells,\n{to_gates} those from cells "
                    f"to input gates ({ROWS[most][0]})", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


if __name__ == "__main__":
    sys.exit(draw([sequences_needed, error_shelves, four_sequences, phase_portrait, solutions]))
