"""Draw the figures of two-sequence-noise: python3 visualize_two_sequence_noise.py [--seed K] [--preset quick]"""
import functools
from dataclasses import replace

import two_sequence_noise as two                                                  # first: it sets the threads
from two_sequence_noise import complain, write_whole

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

# One colour, one thing: two ways to train the cells, two controls, the two classes; the paper is drawn in INK.
LITERAL, FAST, GUESS, CLASSES = PURPLE, GREEN, SKY, (BLUE, ORANGE)
STYLES = ("-", "--", ":")                                                         # of the three blocks
ROWS = ("3a-3", "3a-1", "3b-3", "3b-1", "3c-3", "3c-1", "3a-3-1000", "3b-1-1000")


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = two.ARMS[arm].config
    return replace(config, length=20, trials=2, sequences=2000, batch=4) if args.preset == "quick" else config


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): two.run_cell(two.ARMS[arm]._replace(config=config), seed)}


def cells(args, arm, run=True):
    """Return the recorded cells of an arm; without records those of a run on one seed, or none with run=False."""
    return (args.preset != "quick" and recorded(arm)) or (rerun(arm, settings(arm, args), args.seed) if run else {})


def metric(found, name):
    """Return a metric over the trials of all cells, NaN where censored."""
    return np.array([x for cell in found.values() for x in cell["metrics"][name]], float)


def one_net(args, *arms):
    """Return the first recorded net of the first of the arms that has a solved trial, or else one of a run of the last:
    whether it was trained as in 1997, the weights (params of one trial) and the Config."""
    for arm in arms:
        found = (args.preset != "quick" and recorded(arm)) or (cells(args, arm) if arm == arms[-1] else {})
        best = [c for c in found.values() if any(c["metrics"]["solved"])] or (arm == arms[-1] and [*found.values()])
        if best:
            weights = np.array(best[0]["curves"]["weights"], np.float32)
            params = {"W": weights[:99].reshape(11, 9, 1), "V": weights[99:, None]}
            return not arm.startswith("adam"), params, replace(settings(arm, args), trials=1)
    raise AssertionError("the last arm always runs")


def run_some(params, config, seed, count=64):
    """Run a net of one trial on test sequences; return a Batch of one update, the Tape, and y (longest, count), what
    the output unit says after every step."""
    batch = two.make_batch(config, two.streams(config, seed)[3], count, count)
    tape = two.lstm_tape(batch.inputs.shape[1], count, 1)
    full = np.full(count, batch.inputs.shape[1])
    two.lstm_forward(params, tape, batch.inputs[0], full, config)
    return batch, tape, np.array([two.output(params, y_c) for y_c in tape.U[1:, 9:12]])


def first_of(batch, config):
    """Return the first lane of class 1 and that of class 2."""
    return [int((batch.clean[0] == target).argmax()) for target in two.TASKS[config.task].targets]


def who(literal):
    return "net and rule of 1997" if literal else "Adam"


def thousands(axis):
    """Write large numbers of an x axis with commas."""
    axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))


def one_of_each_class(args):
    """A sequence of each class in a net trained on 3c with N = 1: the input, the gates, the states, the answer."""
    literal, params, config = one_net(args, "3c-1", "adam-3c-1")
    batch, tape, y = run_some(params, config, args.seed)
    figure, axes = plt.subplots(5, 2, figsize=(7, 7.4), sharex=True, sharey="row", height_ratios=(2, 1.3, 1.3, 2, 1.6))
    said = []
    for column, (lane, colour) in enumerate(zip(first_of(batch, config), CLASSES)):
        end = batch.lengths[0, lane]
        x, said = batch.inputs[0, :end, lane], [*said, y[end - 1, lane]]
        top, gates_in, gates_out, states, answer = axes[:, column]
        top.vlines(range(end), 0, x, color=MUTED, linewidth=1)
        top.vlines(range(config.signal), 0, x[:config.signal], color=colour, linewidth=3)
        top.set_title(f"class {column + 1}", fontweight="normal", fontsize=10)
        for axis, rows, scale in ((gates_in, tape.U[1:end + 1, 3:6, lane], 1), (states, tape.S[1:end + 1, :, lane], 2),
                                  (gates_out, tape.U[1:end + 1, 6:9, lane], 1)):
            for block, style in enumerate(STYLES):
                axis.plot(scale * rows[:, block], color=colour, linestyle=style, linewidth=1.5,
                          label=f"block {block + 1}")
        target = two.TASKS[config.task].targets[column]
        answer.axhline(target, color=INK, linestyle=":", linewidth=1.2)
        answer.plot(y[:end, lane], color=colour)
        answer.annotate(f"target {target}", (1, target), xycoords=("axes fraction", "data"), fontsize=8, ha="right",
                        va="bottom", xytext=(0, 2), textcoords="offset points")
        answer.set(xlabel="step", ylim=(-0.05, 1.05))
    for axis, name in zip(axes[:, 0], ("input", "input gates", "output gates", "states", "output")):
        axis.set_ylabel(name)
    for axis in axes[1:3, 0]:
        axis.set(ylim=(-0.08, 1.08), yticks=(0, 1))
    axes[3, 0].legend(loc="best", fontsize=8)
    figure.suptitle(f"One number decides: {config.length} steps of noise later, answers of {said[0]:.2f} and "
                    f"{said[1]:.2f}\n(3c, N = {config.signal}, {who(literal)})", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")
    return figure


def expectations(args):
    """What the net answers after training on noisy targets, and those targets."""
    literal, params, config = one_net(args, "3c-1", "adam-3c-1")
    y, clean = two.tested(params, config, args.seed, two.LSTM)
    noisy = two.make_batch(config, two.streams(config, args.seed)[1], 2600)
    figure, axes = plt.subplots(2, 1, figsize=(7, 4.8), sharex=True)
    bins, means = np.arange(-1, 2.001, 0.02), []
    for which, target in enumerate(two.TASKS["3c"].targets):
        seen = noisy.targets[noisy.clean == target]
        means.append(y[clean == target].mean())
        axes[0].hist(seen, bins, color=CLASSES[which], alpha=0.6, label=f"class {which + 1}: s.d. {seen.std():.2f}")
        axes[1].hist(y[clean == target], bins, color=CLASSES[which], alpha=0.6,
                     label=f"class {which + 1}: s.d. {y[clean == target].std():.3f}")
        for axis in axes:
            axis.axvline(target, color=INK, linestyle=":", linewidth=1.2)
    axes[0].set(ylabel="training targets")
    axes[1].set(ylabel="answers", xlabel="target or answer (dotted: the targets without noise, 0.2 and 0.8)",
                yscale="log", ylim=(0.8, None))
    for axis in axes:
        axis.legend(loc="upper right")
    figure.suptitle(f"Taught with a smear, it answers with its means: {means[0]:.3f} and {means[1]:.3f}\n"
                    f"(3c, N = {config.signal}, {who(literal)})", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def noisy_signal(args):
    """3b: the share misclassified over training, and the floors of N = 1."""
    figure, axis = plt.subplots(figsize=(7, 4.4))
    for arm, name, colour, style in (("3b-1", "N = 1, 1997", LITERAL, "-"), ("3b-3", "N = 3, 1997", LITERAL, "--"),
                                     ("adam-3b-1", "N = 1, Adam", FAST, "-"), ("adam-3b-3", "N = 3, Adam", FAST, "--")):
        for place, cell in enumerate(cells(args, arm, run=arm == "adam-3b-1").values()):
            curves = cell["curves"]
            axis.plot(curves["seen"], np.maximum(curves["share_median"], 0.0008), color=colour, linestyle=style,
                      linewidth=1.1, alpha=0.8, label=None if place else name)
    for share, name in ((0.0127, "no reader of the sign can do better: 1.27%"), (0.0270, "least squared error: 2.70%")):
        axis.axhline(share, color=INK, linestyle=":", linewidth=1.2)
        axis.annotate(name, (1, share), xycoords=("axes fraction", "data"), fontsize=8, ha="right", va="bottom",
                      xytext=(0, 1), textcoords="offset points",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3, "alpha": 0.8})
    axis.set(yscale="log", xscale="log", ylim=(0.0007, 1.3), ylabel="share of 256 misclassified",
             xlabel="training sequences (a line: the median of the trials of one seed; the least drawn is 0.08%)")
    axis.legend(loc="upper right")
    thousands(axis)
    found = cells(args, "adam-3b-1")
    figure.suptitle(f"One noisy element: {np.nanmean(metric(found, 'end_share')):.2%} misclassified in the end;\n"
                    "its sign alone would misclassify 1.27% (3b, N = 1, Adam)", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")
    return figure


def sequences_needed(args):
    """Training sequences until the criterion is met, for all rows of the tables: every trial and the paper's means."""
    figure, axis = plt.subplots(figsize=(7, 5.2))
    rng, counts = np.random.default_rng(0), [0, 0]
    for place, row in enumerate(ROWS):
        _, ST2, _ = two.PAPER[row]
        axis.plot(ST2, place, "D", color=INK, markersize=7, label="1997: mean of 10" if place == 0 else None)
        for arm, colour, shift in ((row, LITERAL, 0.2), (f"adam-{row}", FAST, -0.2)):
            n = metric(cells(args, arm, run=arm == "adam-3c-1"), "ST2")
            got = n[~np.isnan(n)]
            axis.plot(got, place + shift + rng.uniform(-0.1, 0.1, len(got)), "o", color=colour, markersize=4, alpha=0.5)
            if len(got):
                axis.plot((got.mean(),) * 2, (place + shift - 0.16, place + shift + 0.16), color=colour, linewidth=3)
            if len(n):
                axis.annotate(f"{len(got)} of {len(n)}", (1, place + shift), xycoords=("axes fraction", "data"),
                              fontsize=8, ha="right", va="center", color=colour)
            counts = [counts[0] + len(got), counts[1] + len(n)]
    axis.plot([], [], "o", color=LITERAL, label="net and rule of 1997")
    axis.plot([], [], "o", color=FAST, label="Adam")
    axis.set(xscale="log", xlim=(700, 6e6), ylim=(len(ROWS) - 0.4, -0.6), yticks=range(len(ROWS)),
             yticklabels=[two.named(row) for row in ROWS],
             xlabel="training sequences until the criterion (dot: a trial; bar: mean)")
    axis.legend(loc="lower left")
    thousands(axis)
    axis.set_title(f"The criterion is met in {counts[0]} of {counts[1]} trials")
    return figure


def guessing(args):
    """Guesses of weights against training sequences, for 3a and 3c with N = 3: every trial."""
    figure, axis = plt.subplots(figsize=(7, 3.6))
    rng, tried = np.random.default_rng(0), {}
    for place, (arm, name, colour) in enumerate((
            ("guess-3a", "3a, guesses", GUESS), ("adam-3a-3", "3a, sequences (Adam)", FAST),
            ("guess-3c", "3c, guesses", GUESS), ("adam-3c-3", "3c, sequences (Adam)", FAST))):
        found = cells(args, arm, run=False)
        if not found:
            return None
        n = metric(found, "guesses" if arm.startswith("guess") else "ST2")
        got, tried[arm] = n[~np.isnan(n)], len(n)
        axis.plot(got, place + rng.uniform(-0.2, 0.2, len(got)), "o", color=colour, markersize=4, alpha=0.6)
        if len(got):
            axis.plot((np.median(got),) * 2, (place - 0.3, place + 0.3), color=colour, linewidth=3)
        axis.annotate(f"{len(got)} of {len(n)} trials", (1, place), xycoords=("axes fraction", "data"), fontsize=9,
                      ha="right", va="center")
        axis.text(-0.01, place, name, transform=axis.get_yaxis_transform(), ha="right", va="center", fontsize=9)
    axis.axvline(two.ARMS["guess-3c"].config.sequences, color=MUTED, linestyle=":")
    axis.set(xscale="log", xlim=(10, 2e6), ylim=(3.6, -0.6), yticks=[],
             xlabel="guessed nets, or training sequences (bar: median; dotted: the last guess)")
    thousands(axis)
    axis.set_title(f"Guessing solves 3a; {tried['guess-3c'] * two.ARMS['guess-3c'].config.sequences:,} guesses "
                   f"{'do not ' if np.isnan(metric(cells(args, 'guess-3c'), 'guesses')).all() else ''}solve 3c")
    return figure


if __name__ == "__main__":
    sys.exit(draw([one_of_each_class, expectations, noisy_signal, sequences_needed, guessing]))
