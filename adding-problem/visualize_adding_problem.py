"""Draw the figures of adding-problem: python3 visualize_adding_problem.py [--seed K] [--preset quick] [--out FOLDER]"""
import functools
from dataclasses import replace

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

# One colour, one thing: the four ways to train the cells, and the two controls.
LITERAL, LINEAR, FAST, RNN, LEAK = BLUE, SKY, ORANGE, RED, PURPLE
RIGHT = GREEN                                                                     # the band of correct answers
TABLE_7 = {100: 74_000, 500: 209_000, 1000: 853_000}                              # mean sequences of ten trials
KINDS = (("lstm", "the net and rule of 1997", LITERAL), ("linear", "... with a linear output", LINEAR),
         ("fast", "... Adam and micro-batches, too", FAST))


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
    """Return an arm and its first recorded net, as params of one trial and their Config: of the first of the arms with
    records, or else of a run of the last."""
    arm = next((arm for arm in arms if args.preset != "quick" and recorded(arm)), arms[-1])
    seed, cell = next(iter(cells(args, arm).items()))
    weights = np.array(cell["curves"]["weights"], np.float32)
    return arm, {"W": weights[:88].reshape(11, 8, 1), "V": weights[88:, None]}, replace(settings(arm, args), trials=1)


def sequences_needed(args):
    """Training sequences until the criterion is met, against the length, every trial and the paper's means."""
    arms = {f"{kind}-{T}": (T, kind) for T in TABLE_7 for kind, _, _ in KINDS if f"{kind}-{T}" in add.ARMS}
    r = results(args, *arms, run=False) or results(args, "fast-100")
    figure, axis = plt.subplots(figsize=(7, 4.6))
    rng = np.random.default_rng(0)
    for place, (kind, label, colour) in enumerate(KINDS):
        for T in TABLE_7:
            if (arm := f"{kind}-{T}") in r:
                n = r[arm]["sequences"]
                x = T * 1.22**(place - 1)
                axis.plot(x * np.exp(rng.uniform(-0.05, 0.05, len(n))), n, "o", color=colour, markersize=3.5, alpha=0.5)
                if (~np.isnan(n)).any():
                    axis.plot([x / 1.09, x * 1.09], [np.nanmean(n)] * 2, color=colour, linewidth=3)
        axis.plot([], [], "o", color=colour, label=label)
    for T, n in TABLE_7.items():
        axis.plot(T, n, "D", color=INK, markersize=7, zorder=5)
        axis.annotate(f"{n:,}", (T, n), xytext=(8, 0), textcoords="offset points", va="center", fontsize=9)
    axis.plot([1000, 1000], [370_000, 2_020_000], color=INK, linewidth=1.2)
    axis.plot([], [], "D", color=INK, label="1997, mean of 10 (bar: range)")
    axis.set(xscale="log", yscale="log", xlabel="minimal sequence length T (the two values lie at least T/2 back)",
             ylabel="training sequences until the criterion", xlim=(70, 1700))
    axis.set_xticks(list(TABLE_7), [f"{T:,}" for T in TABLE_7])
    axis.set_xticks([], minor=True)
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5)) if False else axis.legend(loc="lower right")
    solved = {kind: sum(int(r[arm]["solved"].sum()) for arm in r if arm.startswith(kind)) for kind, _, _ in KINDS}
    total = {kind: sum(len(r[arm]["solved"]) for arm in r if arm.startswith(kind)) for kind, _, _ in KINDS}
    parts = [f"{solved[kind]} of {total[kind]} {name}" for kind, name in
             (("lstm", "trials of the 1997 net"), ("linear", "with a linear output"), ("fast", "with Adam")) if total[kind]]
    axis.set_title("Solved: " + ", ".join(parts))
    return figure


def curve(axis, cell_list, colour, label):
    """Draw the median error over training, and the range over the trials of the first seed."""
    cell = next(iter(cell_list.values()))["curves"]
    axis.plot(cell["seen"], cell["error_median"], color=colour, label=label)
    axis.fill_between(cell["seen"], cell["error_least"], cell["error_most"], color=colour, alpha=0.18, linewidth=0)


def floors(axis, where):
    """Draw the errors of two answers that need little or no memory, and of the criterion."""
    for error, text in ((0.162, "always 0.5"), (0.113, "knows one value"), (0.01, "criterion")):
        axis.axhline(error, color=MUTED, linestyle=":", linewidth=1.2)
        axis.annotate(text, (where, error), xycoords=("axes fraction", "data"), xytext=(-2, 2), ha="right",
                      textcoords="offset points", fontsize=8, color=MUTED)


def learning_curves(args):
    """Error over training: the cells against the controls, and the net of 1997 at three lengths."""
    panels = [("T = 100", (("fast-100", "memory cells (Adam)", FAST), ("rnn-100", "ordinary recurrent net", RNN)), True),
              ("T = 500", (("fast-500", "memory cells (Adam)", FAST), ("leak-0.99-500", "self-weight 0.99", GREEN),
                           ("leak-0.9-500", "self-weight 0.9", LEAK), ("rnn-500", "ordinary recurrent net", RNN)), False),
              ("the net and rule of 1997", (("lstm-100", "T = 100", SKY), ("lstm-500", "T = 500", BLUE),
                                            ("lstm-1000", "T = 1000", INK)), False)]
    drawn = [(title, [(found, colour, label) for arm, label, colour in arms if (found := cells(args, arm, run))])
             for title, arms, run in panels]
    drawn = [(title, lines) for title, lines in drawn if lines]
    figure, axes = plt.subplots(len(drawn), 1, figsize=(7, 1 + 2.6 * len(drawn)), squeeze=False)
    for axis, (title, lines) in zip(axes[:, 0], drawn):
        for found, colour, label in lines:
            curve(axis, found, colour, label)
        floors(axis, 1)
        axis.set(ylabel="mean error", yscale="log", ylim=(0.003, 0.6), xlim=(0, None))
        axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
        axis.set_title(title, fontweight="normal", fontsize=10)
        axis.legend(loc="lower left", ncols=2)
    axes[-1, 0].set_xlabel("training sequences (line: median of the trials, band: their range)")
    r = results(args, "fast-100", "rnn-100")
    figure.suptitle(f"After {r['rnn-100']['seen'][0][-1]:,.0f} sequences of T = 100 the ordinary net is wrong on "
                    f"{r['rnn-100']['wrong_share'].mean():.0%},\nthe cells, when they stop, on "
                    f"{r['fast-100']['wrong_share'].mean():.1%}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def one_sequence(args):
    """A long test sequence in a trained net: the gates, the states, the answer."""
    arm, params, config = one_net(args, "lstm-1000", "fast-1000", "fast-100")
    batch, tape, error = next(add.tests(params, config, args.seed, chunk=32))
    lane = int((abs(batch.inputs[0, batch.marks[0].T, 0, np.arange(32)[:, None]]).min(1)
                + (np.ptp(batch.marks[0], 0) > config.length / 5)).argmax())      # two large values, well apart
    length, marks = batch.lengths[0, lane], batch.marks[0, :, lane]
    t = np.arange(length)
    value, (y_in, y_out) = batch.inputs[0, :length, 0, lane], (tape.U[1:length + 1, rows, lane]
                                                               for rows in (slice(4, 6), slice(6, 8)))
    s = 2 * tape.S[1:length + 1, :, lane]
    figure, axes = plt.subplots(4, 1, figsize=(7, 7), sharex=True, height_ratios=(2, 1.4, 1.4, 3))
    axes[0].vlines(t, 0, value, color="#bbbbbb", linewidth=0.6)
    axes[0].vlines(marks, 0, value[marks], color=RED, linewidth=2.5)
    for place in marks:
        axes[0].annotate(f"{value[place]:+.2f}", (place, value[place]), xytext=(5, 0), textcoords="offset points",
                         color=RED, va="center", fontsize=9)
    axes[0].set(ylabel="value", ylim=(-1.25, 1.25))
    for gate, axis, name in ((y_in, axes[1], "input\ngates"), (y_out, axes[2], "output\ngates")):
        for block, colour in enumerate((SKY, BLUE)):
            axis.plot(t, gate[:, block], color=colour, linewidth=1.4, label=f"block {block + 1}")
        axis.set(ylabel=name, ylim=(-0.05, 1.05))
    axes[1].legend(loc="center right", ncols=2)
    read = abs(params["V"][:4, 0] * tape.U[length, 8:12, lane])
    for cell in range(4):
        axes[3].plot(t, s[:, cell], color=(SKY, BLUE)[cell // 2], linestyle=("-", "--")[cell % 2],
                     linewidth=2.2 if read[cell] > 0.2 * read.max() else 1, alpha=1 if read[cell] > 0.2 * read.max() else 0.5)
    axes[3].set(ylabel="state s of the four cells", xlabel="step", xlim=(0, length))
    target = batch.targets[0, lane]
    flat = length - marks.max() - 1
    figure.suptitle(f"Two writes, then {flat} steps without change: the net says {target + error[0, lane]:.3f} for "
                    f"{target:.3f}\n({arm.replace('-', ', T = ')}; bold: the cells that the output reads)",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def where_it_errs(args):
    """The error on fresh sequences against the right answer, for a logistic and a linear output unit."""
    nets = [(name, one_net(args, *arms)) for name, arms in
            (("logistic output", ("lstm-100",)), ("linear output", ("linear-100", "fast-100")))
            if arms[-1] == "fast-100" or (args.preset != "quick" and recorded(arms[0]))]
    figure, axes = plt.subplots(len(nets), 1, figsize=(7, 1 + 2.5 * len(nets)), sharex=True, squeeze=False)
    titles = []
    for axis, (name, (arm, params, config)) in zip(axes[:, 0], nets):
        count = 640 if args.preset == "quick" else 10_240
        targets, errors = map(np.concatenate, zip(*((b.targets[0], e[0]) for b, _, e in add.tests(
            params, config, args.seed, count=count))))
        wrong = abs(errors) >= add.CORRECT
        axis.axhspan(-add.CORRECT, add.CORRECT, color=RIGHT, alpha=0.15, linewidth=0)
        axis.plot(targets[~wrong], errors[~wrong], ".", color=INK, markersize=1.5, alpha=0.4)
        axis.plot(targets[wrong], errors[wrong], "o", color=RED, markersize=3.5)
        axis.set(ylabel="error y − y*", ylim=(-0.11, 0.11), xlim=(-0.01, 1.01))
        axis.set_title(f"{name} ({arm.replace('-', ', T = ')}): {wrong.sum()} of {count:,} wrong", fontweight="normal",
                       fontsize=10)
        titles.append((name, wrong.sum(), (abs(targets[wrong] - 0.5) > 0.45).sum()))
    axes[-1, 0].set_xlabel("right answer y* = 0.5 + (X1 + X2) / 4")
    name, wrong, ends = titles[0]
    figure.suptitle(f"{ends} of the {wrong} wrong answers with a {name} lie within 0.05 of an end"
                    if wrong else f"No wrong answer with a {name}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


if __name__ == "__main__":
    sys.exit(draw([sequences_needed, learning_curves, one_sequence, where_it_errs]))
