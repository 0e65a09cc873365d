"""Draw the figures of temporal-order-4bit.

    python3 visualize_temporal_order_4bit.py [--seed K] [--preset quick] [--out FOLDER]
"""
import functools
from dataclasses import replace
from typing import NamedTuple

import temporal_order_4bit as to                                                  # first: it sets the threads
from temporal_order_4bit import complain, write_whole

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

# One colour, one thing: three ways to train the cells, the ordinary net, the first symbol. The second symbol is the
# style of a line, the third its width.
LITERAL, ENTROPY, FAST, ORDINARY, SYMBOL = BLUE, SKY, ORANGE, RED, {"X": GREEN, "Y": PURPLE}
PAPER = 571_100                                                                   # mean sequences of 10 trials
ROWS = {"lstm": ("the net and rule of 1997", LITERAL, "o"), "entropy": ("cross-entropy", ENTROPY, "o"),
        "fast": ("Adam, softmax", FAST, "o"), "fast-full": ("... full gradient", FAST, "D"),
        "fast-6a": ("... two symbols (6a)", FAST, "s"), "fast-4-symbols": ("... four symbols", FAST, "s"),
        **{f"fast-{name}": (f"... {name[0]} block{'s' * (blocks > 1)} of {cells}", FAST, "v")
           for name, (blocks, cells) in to.SHAPES.items()}}
SHELVES = {"knows nothing": 7 / 16, "knows one symbol": 3 / 8, "knows two symbols": 1 / 4}    # ½ Σ e²
CLASSES = to.class_names(3)


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = to.ARMS[arm].config
    return replace(config, length=26, trials=2, sequences=800) if args.preset == "quick" else config


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
    """Return a trained net, of the first recorded arm in which one stopped: the arm, the weights of one trial, the
    Config."""
    arms = [arm for arm in ("lstm", "entropy", "fast") if args.preset != "quick" and any(
        any(cell["metrics"]["solved"]) for cell in recorded(arm).values())] + ["fast"]
    found = cells(args, arms[0]).values()
    curves = next((cell["curves"] for cell in found if any(cell["metrics"]["solved"])), next(iter(found))["curves"])
    config = replace(settings(arms[0], args), trials=1)
    params = {name: np.array(curves[f"weights_{name}"], np.float32).reshape(w.shape)
              for name, w in to.lstm_init([np.random.default_rng(0)], config).items()}
    return arms[0], params, config


class Run(NamedTuple):
    """What a net of one trial does on several sequences."""
    symbols: np.ndarray         # (longest, sequences)
    lengths: np.ndarray         # (sequences,)
    classes: np.ndarray         # (sequences,)
    places: np.ndarray          # the steps of X and Y, from 0   (3, sequences)
    y_in: np.ndarray            # input gates  (longest, blocks, sequences)
    s: np.ndarray               # states       (longest, cells, sequences)
    y: np.ndarray               # outputs      (classes, sequences)


def run_net(params, config, seed, count=0):
    """Run a net on `count` test sequences; on 0: on one that is given all eight orders of X and Y in turn."""
    generator, config = to.streams(replace(config, trials=1), seed)[2], replace(config, trials=1)
    batch = to.make_batch(config, generator, count or 1, count or 1)
    symbols, lengths, classes, places = (part[0] for part in batch)
    if not count:
        symbols, lengths, places = (np.repeat(part, 8, -1) for part in (symbols, lengths, places))
        classes = np.arange(8)
        symbols[places, classes] = 6 + (classes >> np.arange(2, -1, -1)[:, None] & 1)
    tape = to.lstm_tape(config, len(classes))
    y = to.lstm_forward(params, tape, symbols, lengths, config)
    return Run(symbols, lengths, classes, places, tape.U[1:, to.parts(config)[1]], 2 * tape.S[1:], y)


def style(k):
    """Return the look of a class's line: colour, style and width for its first, second and third symbol."""
    first, second, third = CLASSES[k]
    return {"color": SYMBOL[first], "linestyle": "-" if second == "X" else "--", "linewidth": 2 if third == "X" else 1}


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
    figure, axis = plt.subplots(figsize=(7, 1.8 + 0.42 * len(r)))
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
    axis.annotate(f"1997: mean of 10\ntrials, {PAPER:,}", (PAPER, -0.8), fontsize=9, va="center", ha="right",
                  xytext=(-5, 0), textcoords="offset points")
    axis.set(xscale="log", xlim=(2000, 1.1e6), ylim=(len(r) - 0.4, -1.3), yticks=range(len(r)),
             yticklabels=[ROWS[arm][0] for arm in arms],
             xlabel="training sequences until 2000 right answers in a row")
    axis.set_xticks([2000, 10_000, 50_000, 200_000, 1_000_000])
    axis.set_xticks([], minor=True)
    thousands(axis)
    axis.grid(axis="y", visible=False)
    most = r["fast"]["solved"]
    figure.suptitle(f"{most.sum():.0f} of {len(most)} trials with Adam learn the order of three (dot: a trial; "
                    "bar: their mean)", x=0.01, ha="left", fontsize=11, fontweight="bold")
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
    others += [(arm, *ROWS[arm][:2]) for arm in ("lstm", "entropy") if cells(args, arm, run=False)]
    for arm, label, colour in others:
        curves = next(iter(cells(args, arm).values()))["curves"]
        axis.plot(curves["seen"], curves["loss_median"], color=colour, label=label + ": median, range")
        axis.fill_between(curves["seen"], curves["loss_least"], curves["loss_most"], color=colour, alpha=0.2,
                          linewidth=0)
    show_shelves(axis, beside=True)
    axis.set(ylabel="error, ½ Σ e²", ylim=(0, 0.55), xlim=(every, None), xscale="log", xlabel="training sequences")
    thousands(axis)
    axis.legend(loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=2, columnspacing=1)
    r = results(args, "rnn")["rnn"]
    figure.suptitle(f"{(~np.isnan(last.stopped)).sum()} of {len(last.stopped)} trials (Adam) pass all shelves; an "
                    f"ordinary net has {r['accuracy'].mean():.0%} right", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")
    return figure


def eight_sequences(args):
    """One sequence with the eight orders of X and Y: input gates and states of a trained net over the steps."""
    arm, params, config = one_net(args)
    run = run_net(params, config, args.seed)
    end, steps = run.lengths[0], np.arange(1, run.lengths[0] + 1)
    figure, axes = plt.subplots(1 + config.cells, config.blocks, figsize=(7, 6), sharex=True,
                                height_ratios=(1, *[1.5] * config.cells))
    for block in range(config.blocks):
        for row, axis in enumerate(axes[:, block]):
            for k, name in enumerate(CLASSES):
                values = run.s[:end, block * config.cells + row - 1, k] if row else run.y_in[:end, block, k]
                axis.plot(steps, values, label=name, **style(k))
            for place in run.places[:, 0]:
                axis.axvline(place + 1, color=MUTED, linewidth=0.8, linestyle=":")
        axes[0, block].set(ylim=(-0.08, 1.12), yticks=(0, 1), xlim=(0, end + 1))
        axes[0, block].set_title(f"block {block + 1}", fontsize=10, fontweight="normal")
        axes[-1, block].set(xlabel="step")
    for row, axis in enumerate(axes[:, 0]):
        axis.set_ylabel(("input gate", "state of the first cell", "state of the second cell")[row])
    figure.align_ylabels(axes)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=8, columnspacing=1,
                  handlelength=1.6)
    figure.suptitle(f"One line until step {run.places[0, 0] + 1}, then two, four, and after step "
                    f"{run.places[2, 0] + 1} eight\n({ROWS[arm][0]}; dotted: the three symbols)", x=0.01, ha="left",
                    fontsize=11, fontweight="bold")
    return figure


def which_block_holds_what(args):
    """For a trained net of each kind: the share of each block's variance due to each symbol and product of symbols."""
    kinds = [arm for arm in ("lstm", "entropy", "fast") if any(
        any(cell["metrics"]["solved"]) for cell in cells(args, arm, run=arm == "fast").values())] or ["fast"]
    order = [3, 1, 0, 5, 4, 2, 6]                                                 # single symbols first
    labels = ["1st", "2nd", "3rd", "1st·2nd", "1st·3rd", "2nd·3rd", "all"]
    figure, axes = plt.subplots(len(kinds), 1, figsize=(7, 1.3 + 1.5 * len(kinds)), squeeze=False, sharex=True)
    for axis, arm in zip(axes[:, 0], kinds):
        found = cells(args, arm).values()
        cell = next((cell for cell in found if any(cell["metrics"]["solved"])), next(iter(found)))
        shares = np.array(cell["curves"]["code"])[:, order]
        picture = axis.imshow(shares, vmin=0, vmax=1, aspect="auto")
        for block, column in np.ndindex(shares.shape):
            axis.annotate(f"{shares[block, column]:.0%}", (column, block), ha="center", va="center", fontsize=9,
                          color="white" if shares[block, column] < 0.55 else INK)
        axis.set(xticks=range(7), xticklabels=labels, yticks=range(len(shares)),
                 yticklabels=[f"block {block + 1}" for block in range(len(shares))])
        axis.set_title(ROWS[arm][0], fontsize=10, fontweight="normal")
        axis.grid(visible=False)
        axis.tick_params(length=0)
    axes[-1, 0].set_xlabel("symbols, X = 1 and Y = -1, and their products")
    figure.colorbar(picture, ax=axes[:, 0], label="share of the variance", aspect=30)
    r = results(args, kinds[0])[kinds[0]]
    there = r["solved"] == max(r["solved"])
    figure.suptitle(f"Blocks share the symbols; products make {r['product_share'][there].mean():.0%} of the states' "
                    f"variance\n(mean of {there.sum()} nets, {ROWS[kinds[0]][0]}; drawn: the first that stopped)",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def lost_classes(args):
    """The share of right answers for each trial and class: squared error and cross-entropy, if they are recorded."""
    kinds = [arm for arm in ("lstm", "entropy") if cells(args, arm, run=False)] or ["fast", "rnn"]
    tables = [np.array(next(iter(cells(args, arm).values()))["curves"]["right_by_class"]) for arm in kinds]
    figure, axes = plt.subplots(len(kinds), 1, figsize=(7, 1.5 + 2.1 * len(kinds)), sharex=True, squeeze=False)
    for axis, arm, table in zip(axes[:, 0], kinds, tables):
        picture = axis.imshow(table, vmin=0, vmax=1, aspect="auto")
        axis.set(xticks=range(8), xticklabels=CLASSES, yticks=range(len(table)), yticklabels=range(1, len(table) + 1),
                 ylabel="trial")
        axis.set_title("ordinary net" if arm == "rnn" else ROWS[arm][0], fontsize=10, fontweight="normal")
        axis.grid(visible=False)
        axis.tick_params(length=0)
    axes[-1, 0].set_xlabel("class")
    figure.colorbar(picture, ax=axes[:, 0], label="share right", aspect=30)
    lost = (tables[0] < 0.5).sum(1)
    figure.suptitle(f"{ROWS[kinds[0]][0].capitalize()}: {(lost > 0).sum()} of {len(lost)} trials end with lost classes",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


if __name__ == "__main__":
    sys.exit(draw([sequences_needed, error_shelves, eight_sequences, which_block_holds_what, lost_classes]))
