"""Draw the figures: python3 visualize_multiplication_problem.py [--seed K] [--preset quick] [--out FOLDER]"""
import functools
from dataclasses import replace
from typing import NamedTuple

import multiplication_problem as mul                                              # first: it sets the threads
from multiplication_problem import complain, write_whole

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

# One colour, one thing: three ways to train the cells, the ordinary net, the two memory blocks, the true product.
LITERAL, CLOSED, FAST, ORDINARY, BLOCKS, TRUE = BLUE, PURPLE, ORANGE, RED, (SKY, GREEN), INK
NOISE = "#c4c4c4"                                                                 # distractors
LABEL = {"facecolor": "white", "edgecolor": "none", "pad": 0.3, "alpha": 0.8}     # of the texts on lines
KINDS = {"lstm": ("the net and rule of 1997", LITERAL), "closed": ("closed input gates, rate 0.5", CLOSED),
         "fast": ("linear output, Adam", FAST), "rnn": ("ordinary net, Adam", ORDINARY)}
TABLE_8 = {"stored": (140, 482_000, 0.0223), "tuned": (13, 1_273_000, 0.0139)}    # wrong of 2000, sequences, r.m.s.
FLOORS = {"a constant": 0.243, "the best sum": 0.083}                             # their r.m.s. errors at T = 100


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = mul.ARMS[arm].config
    return replace(config, length=30, trials=2, sequences=600) if args.preset == "quick" else config


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): mul.run_cell(mul.ARMS[arm]._replace(config=config), seed)}


def cells(args, arm, run=True):
    """Return the recorded cells of an arm; without records those of a run on one seed, or none with run=False."""
    return (args.preset != "quick" and recorded(arm)) or (rerun(arm, settings(arm, args), args.seed) if run else {})


def one_net(args):
    """Return a recorded net that tells products: that of the literal arm if one has stored the numbers, else of `fast`.
    The kind of arm, the weights (params of one trial) and the Config."""
    literal = args.preset != "quick" and [c for c in recorded("lstm").values() if any(c["metrics"]["is_stored"])]
    arm, found = ("lstm", literal) if literal else ("fast", list(cells(args, "fast").values()))
    weights = np.array(found[0]["curves"]["weights"], np.float32)
    return arm, {"W": weights[:88].reshape(11, 8, 1), "V": weights[88:, None]}, replace(settings(arm, args), trials=1)


def run_inputs(params, config, inputs, length):
    """Run (longest, 2, lanes) inputs of one length; return the answers (lanes,) and the Tape."""
    lanes = inputs.shape[-1]
    tape = mul.lstm_tape(len(inputs), lanes)
    return mul.lstm_forward(params, tape, inputs, np.full(lanes, length), config), tape


def grid(params, config, seed, points=21):
    """Return X (points,), the answers y (points, points) and the final states s (4, points, points), [X1, X2], where
    one test sequence carries all pairs of values at a tenth and three tenths of its T steps."""
    T, X = config.length, np.linspace(0, 1, points, dtype=np.float32)
    inputs = np.zeros((T + T // 10, 2, points * points), np.float32)
    inputs[:, 0] = mul.streams(replace(config, trials=1), seed)[2][0].random((len(inputs), 1), np.float32)
    inputs[[0, T - 1], 1] = -1
    marks = [T // 10, 3 * T // 10]
    inputs[marks, 1] = 1
    inputs[marks, 0] = np.repeat(X, points), np.tile(X, points)
    y, tape = run_inputs(params, config, inputs, T)
    return X, y.reshape(points, points), 2 * tape.S[T].reshape(4, points, points)


def best_sum(X):
    """Return the least-squares a + b X1 + c X2 for the product on the grid: (points, points)."""
    x = np.meshgrid(X, X, indexing="ij")
    terms = np.stack([np.ones_like(x[0]), *x], -1).reshape(-1, 3)
    return (terms @ np.linalg.lstsq(terms, (x[0] * x[1]).ravel(), rcond=None)[0]).reshape(x[0].shape)


def rms(x):
    return float(np.mean(np.square(x))**0.5)


class Run(NamedTuple):
    """What a net does on one test sequence of `length` steps."""
    value: np.ndarray           # (length,)
    marks: np.ndarray           # the two marked steps
    y_in: np.ndarray            # input gates  (2, length)
    y_out: np.ndarray           # output gates (2, length)
    s: np.ndarray               # states       (4, length)
    answer: float
    target: float


def run_one(params, config, seed):
    """Run a net of one trial on the test sequence, of 64, with the largest product of two numbers well apart."""
    batch, tape, y = next(mul.tests(params, replace(config, trials=1), seed, chunk=64))
    marks = np.sort(batch.marks[0], 0)
    lane = (batch.targets[0] * (marks[0] > 0) * (np.ptp(marks, 0) >= config.length / 5)
            * (batch.values[0].max(0) < 0.95)).argmax()
    end = batch.lengths[0, lane]
    y_in, y_out = (tape.U[1:end + 1, rows, lane].T for rows in (slice(4, 6), slice(6, 8)))
    return Run(batch.inputs[0, :end, 0, lane], marks[:, lane], y_in, y_out, 2 * tape.S[1:end + 1, :, lane].T,
               y[0, lane], batch.targets[0, lane])


def show_values(axis, run):
    """Draw the values, the two marked ones dark with their number."""
    axis.vlines(range(len(run.value)), 0, run.value, color=NOISE, linewidth=1.6)
    for place in run.marks:
        axis.vlines(place, 0, run.value[place], color=TRUE, linewidth=3)
        axis.annotate(f"{run.value[place]:.2f}", (place, 1.12), fontsize=9, ha="left", va="center")
    axis.set(ylim=(0, 1.25), yticks=(0, 1), ylabel="value", xlim=(-1, len(run.value)))


def show_gates(axis, gates, name):
    """Draw one kind of gate of the two blocks."""
    for block, gate in enumerate(gates):
        axis.plot(gate, color=BLOCKS[block], linewidth=1.5, label=f"block {block + 1}")
    axis.set(ylabel=name, ylim=(-0.08, 1.08), yticks=(0, 1))


def show_errors(axis):
    """Draw the r.m.s. errors of a constant, of the best sum and of the paper's nets, as labelled lines."""
    for name, error in FLOORS.items() | {f"1997, under {n} wrong": e for n, _, e in TABLE_8.values()}.items():
        axis.axhline(error, color=TRUE if "1997" in name else MUTED, linestyle=":", linewidth=1.2)
        axis.annotate(name, (0, error), xycoords=("axes fraction", "data"), fontsize=8, va="bottom",
                      xytext=(3, 7 if name == "a constant" else 1), textcoords="offset points",
                      color=TRUE if "1997" in name else MUTED, zorder=5, bbox=LABEL)
    axis.set(yscale="log", ylim=(0.008, 0.6), ylabel="r.m.s. error")


def thousands(axis):
    """Write large numbers of an x axis with commas."""
    axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))


def product_surface(args):
    """The learned answer over the two numbers, the product, and how far the net and the best sum miss it."""
    arm, params, config = one_net(args)
    X, y, _ = grid(params, config, args.seed)
    product = np.outer(X, X)
    figure, axes = plt.subplots(2, 2, figsize=(7, 6.4), sharex=True, sharey=True)
    panels = ((y, "the net's answer"), (product, "the product"), (y - product, "net - product"),
              (best_sum(X) - product, "best sum - product"))
    for axis, (z, name) in zip(axes.flat, panels):
        residual = "-" in name
        image = axis.contourf(X, X, z.T, np.linspace(-0.26, 0.26, 14) if residual else np.linspace(-0.1, 1.1, 13),
                              cmap="RdBu_r" if residual else None, extend="both")
        lines = axis.contour(X, X, z.T, np.arange(-0.2, 1.01, 0.1) if residual else np.arange(0.1, 1, 0.2),
                             colors=INK, linewidths=0.7)
        axis.clabel(lines, fontsize=8, fmt="%.1f")
        axis.set(aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axis.grid(visible=False)
        axis.set_title(name + (f": {rms(z):.3f} r.m.s." if residual else ""), fontsize=10, fontweight="normal")
        if axis in axes[:, 1]:
            figure.colorbar(image, ax=axes[list(axes[:, 1]).index(axis)], ticks=(-0.2, 0, 0.2) if residual else
                            (0, 0.5, 1), shrink=0.9)
    for axis in axes[1]:
        axis.set_xlabel("first number X1")
    for axis in axes[:, 0]:
        axis.set_ylabel("second number X2")
    figure.suptitle(f"The answer bends like a product: {rms(y - product):.3f} off where a sum is "
                    f"{rms(best_sum(X) - product):.3f} off\n({KINDS[arm][0]}; all pairs of numbers in one sequence)",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def learning_curves(args):
    """R.m.s. error and wrong answers over training, for every way of training and the ordinary net."""
    figure, axes = plt.subplots(2, 1, figsize=(7, 6.2), sharex=True)
    best = {}
    for arm, kind in (("lstm", "lstm"), ("closed", "closed"), ("fast", "fast"), ("rnn-short", "rnn"), ("rnn", "rnn")):
        found = cells(args, arm, run=arm in ("fast", "rnn-short"))
        if arm == "rnn-short" and recorded("rnn") and args.preset != "quick":
            continue
        name, colour = KINDS[kind]
        for place, cell in enumerate(found.values()):
            curves = cell["curves"]
            for axis, what in zip(axes, ("rmse", "wrong")):
                axis.plot(curves["seen"], curves[f"{what}_median"], color=colour, linewidth=1.2, alpha=0.8,
                          label=name if place == 0 else None)
            best[kind] = min(best.get(kind, 1), *cell["metrics"]["rmse"])
    show_errors(axes[0])
    for n, sequences, _ in TABLE_8.values():
        axes[1].axhline(n, color=TRUE, linestyle=":", linewidth=1.2)
        axes[1].annotate(f"{n} of 2000", (0, n), xycoords=("axes fraction", "data"), fontsize=8, va="bottom",
                         xytext=(3, 1), textcoords="offset points", zorder=5, bbox=LABEL)
        axes[1].plot(sequences, n, "D", color=TRUE, markersize=7, label="1997: mean of 10" if n == 140 else None)
    axes[1].set(yscale="log", ylim=(4, 4000), ylabel="wrong of 2000", xscale="log", xlim=(1000, None),
                xlabel="training sequences (a line: the median of the trials of one seed)")
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    thousands(axes[1])
    figure.suptitle(f"The cells come down to {best['fast']:.3f}, below what any sum allows;\nan ordinary net "
                    f"stays at {best['rnn']:.2f}", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def one_sequence(args):
    """A test sequence in a trained net: the values, the gates, the states of the four cells."""
    arm, params, config = one_net(args)
    run = run_one(params, config, args.seed)
    figure, axes = plt.subplots(5, 1, figsize=(7, 7), sharex=True, height_ratios=(2, 1.3, 1.3, 2, 2))
    show_values(axes[0], run)
    show_gates(axes[1], run.y_in, "input\ngates")
    show_gates(axes[2], run.y_out, "output\ngates")
    axes[1].legend(loc="center right", ncols=2)
    for cell, s in enumerate(run.s):
        axes[3 + cell // 2].plot(s, color=BLOCKS[cell // 2], linestyle=("-", "--")[cell % 2], label=f"cell {cell + 1}")
    for axis in axes[3:]:
        axis.set(ylabel="states")
        axis.legend(loc="best", ncols=2)
    axes[4].set_xlabel("step")
    figure.suptitle(f"Two numbers go in; {len(run.value) - run.marks.max() - 1} steps later the answer is "
                    f"{run.answer:.3f}, right: {run.target:.3f}\n({KINDS[arm][0]})", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")
    return figure


def bent(z):
    """Return the share of the variance of z (points, points) over the grid that is no sum of its two axes."""
    both = z - z.mean(0) - z.mean(1, keepdims=True) + z.mean()
    return np.var(both) / max(np.var(z), 1e-12)


def stored_states(args):
    """What the four cells hold at the end, over the two numbers."""
    arm, params, config = one_net(args)
    X, _, s = grid(params, config, args.seed)
    figure, axes = plt.subplots(2, 2, figsize=(7, 6.4), sharex=True, sharey=True)
    for cell, (axis, z) in enumerate(zip(axes.flat, s)):
        lines = axis.contour(X, X, z.T, 8, colors=BLOCKS[cell // 2], linewidths=1.6)
        axis.clabel(lines, fontsize=8, fmt="%.3g", colors=INK)
        axis.set(aspect="equal", xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
        axis.set_title(f"cell {cell + 1} (block {cell // 2 + 1}): {bent(z):.1%} no sum", fontsize=10,
                       fontweight="normal")
    for axis in axes[1]:
        axis.set_xlabel("first number X1")
    for axis in axes[:, 0]:
        axis.set_ylabel("second number X2")
    figure.suptitle(f"Lines that bend are no sum: up to {max(bent(z) for z in s):.1%} of the variance of a\nstate at "
                    f"the end, and {bent(np.outer(X, X)):.1%} of a product's ({KINDS[arm][0]})", x=0.01, ha="left",
                    fontsize=11, fontweight="bold")
    return figure


def sequences_needed(args):
    """Training sequences until the two levels: every recorded trial, and the means of the paper."""
    found = {arm: cells(args, arm, run=arm == "fast") for arm in ("lstm", "closed", "fast", "above")}
    labels = {"lstm": "net and rule\nof 1997", "closed": "closed gates,\nrate 0.5", "fast": "linear output,\nAdam",
              "above": "... and a layer\nabove the cells"}
    drawn = [arm for arm, these in found.items() if these]
    figure, axes = plt.subplots(2, 1, figsize=(7, 2.4 + 1.1 * len(drawn)), sharex=True, sharey=True)
    rng, shares = np.random.default_rng(0), []
    for axis, (level, (n, paper, _)) in zip(axes, TABLE_8.items()):
        for place, arm in enumerate(drawn):
            values = np.array([x for c in found[arm].values() for x in c["metrics"][level]], float)
            there = values[~np.isnan(values)]
            colour = KINDS.get(arm, ("", GREEN))[1]
            axis.plot(there, place + rng.uniform(-0.18, 0.18, len(there)), "o", color=colour, markersize=4, alpha=0.6)
            if len(there):
                axis.plot((there.mean(),) * 2, (place - 0.3, place + 0.3), color=colour, linewidth=3)
            axis.annotate(f"{len(there)} of {len(values)}", (1, place), xycoords=("axes fraction", "data"), ha="right",
                          fontsize=9, va="center")
            shares.append((arm, level, len(there), len(values)))
        axis.axvline(paper, color=TRUE, linestyle="--")
        axis.annotate(f"1997: {paper:,}", (paper, 1), xycoords=("data", "axes fraction"), fontsize=9, ha="right",
                      xytext=(-4, -11), textcoords="offset points")
        axis.set_title(f"fewer than {n} of 2000 wrong", fontsize=10, fontweight="normal")
        axis.set(xscale="log", xlim=(2000, 9e6), ylim=(len(drawn) - 0.4, -0.8), yticks=range(len(drawn)),
                 yticklabels=[labels[arm] for arm in drawn])
    axes[1].axvline(74_000, color=MUTED, linestyle=":")
    axes[1].annotate("1997, for sums: 74,000", (74_000, 0), xycoords=("data", "axes fraction"), fontsize=8,
                     color=MUTED, xytext=(4, 4), textcoords="offset points")
    axes[1].set_xlabel("training sequences (dot: a trial; bar: mean; right: trials that got there)")
    thousands(axes[1])
    arm, _, count, total = shares[0]
    figure.suptitle(f"The numbers stored in {count} of {total} trials ({KINDS[arm][0]})", x=0.01, ha="left",
                    fontsize=11, fontweight="bold")
    return figure


if __name__ == "__main__":
    sys.exit(draw([product_surface, learning_curves, one_sequence, stored_states, sequences_needed]))
