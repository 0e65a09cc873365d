"""Draw the figures of levin-add-positions: python3 visualize_levin_add_positions.py [--seed K] [--out FOLDER]"""
import functools
from collections import Counter
from dataclasses import replace

import levin_add_positions as levin                                               # first: it sets the threads
from levin_add_positions import complain, write_whole

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

# One colour, one thing: how a program ended ...
ENDS = {levin.NONE: SKY, levin.STOP: MUTED, levin.TIME: ORANGE, levin.ILLEGAL: RED, levin.FULL: GREEN,
        levin.ROOM: PURPLE}
FOUND, CONTROL, SECOND = GREEN, RED, PURPLE                                       # ... finds, controls, other machine
FIND = [7, 1, 1, -1, 8, -1, 2, 0]                                                 # what systematic search finds first
WORDS = ["Allocate", "1 cell", "WriteWeight", "of cell -1", "Increment", "cell -1", "Jump", "to cell 0"]
MACHINES = {"campaign": ("first machine", FOUND), "paper-campaign": ("first machine", FOUND),
            "two-arguments": ("WriteWeight with two arguments", SECOND)}


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): levin.run_cell(levin.ARMS[arm]._replace(config=config), seed)}


def cells(args, arm, needed=True):
    """Return seed -> recorded cell of an arm; without records it is run here, on one seed, if it is needed."""
    config = levin.ARMS[arm].config
    if args.preset == "quick":
        config = replace(config, runs=20_000)
    return (args.preset != "quick" and recorded(arm)) or (rerun(arm, config, args.seed) if needed else {})


def traced(tape):
    """Run a tape step by step; return per step the instruction pointer, weights written and cell -1; the machine."""
    m, ip, t, rows = levin.Machine("pointer"), 0, 0, []
    m.c[:len(tape)], m.top = tape, len(tape) - 1
    why = levin.TIME
    while why == levin.TIME:
        at, (why, ip, t) = ip, levin.run(m, ip, t, t + 1)
        rows.append((at, m.wp, m.c[-1]))
    return *np.array(rows).T, m


def anatomy(args):
    """The ramp program: its tape, its instruction pointer, its counter and its weights."""
    pointer, written, counter, m = traced(FIND)
    figure, axes = plt.subplot_mosaic([["tape", "tape"], ["pointer", "weights"]], figsize=(7, 4.8),
                                      height_ratios=(1, 2.2))
    axis = axes["tape"]
    for at, (cell, text) in enumerate(zip(FIND, WORDS)):
        axis.add_patch(plt.Rectangle((at, 0), 0.96, 0.9, edgecolor=INK,
                                     facecolor="#e5f3ee" if at // 2 % 2 else "#eef3f8"))
        axis.text(at + 0.48, 0.58, cell, ha="center", va="center", fontsize=15, fontweight="bold")
        axis.text(at + 0.48, 0.2, text, ha="center", va="center", fontsize=8)
        axis.text(at + 0.48, -0.22, at, ha="center", va="center", fontsize=8, color=MUTED)
    axis.set(xlim=(-0.05, 8.05), ylim=(-0.4, 1.0))
    axis.axis("off")
    axis.set_title(f"A work cell counts and is written, round after round: {len(pointer)} steps,\nprobability "
                   f"1 / {13 ** 4 * 250:,}, weights 0, 1, ..., {m.w[-1]}")
    shown = 17
    axes["pointer"].step(range(1, shown + 1), pointer[:shown], where="mid", color=INK)
    axes["pointer"].plot(range(1, shown + 1), pointer[:shown], "o", color=INK, markersize=4)
    axes["pointer"].set(xlabel="step", ylabel="instruction pointer (address)", yticks=(0, 2, 4, 6),
                        xticks=(1, 5, 9, 13))
    axes["weights"].plot(range(1, len(written) + 1), np.minimum(written, 100), color=INK, linewidth=1.4,
                         label="weights written")
    axes["weights"].plot(range(1, len(counter) + 1), counter, color=FOUND, linestyle="--", label="cell -1")
    axes["weights"].set(xlabel="step", ylabel="count", ylim=(0, 108))
    axes["weights"].legend(loc="upper left")
    return figure


def timeline(args):
    """Fits as the runs go on, against the paper's ten in 5.5e7."""
    figure, axis = plt.subplots(figsize=(7, 4.3))
    runs = np.linspace(0, 5.5e7, 200)
    expected = runs * 10 / 5.5e7
    axis.fill_between(runs / 1e6, np.maximum(expected - 1.96 * expected ** 0.5, 0), expected + 1.96 * expected ** 0.5,
                      color=BLUE, alpha=0.13, linewidth=0, label="95 % of campaigns at that rate")
    axis.plot(runs / 1e6, expected, color=BLUE, linestyle="--", label="the paper: 10 fits in 55 million runs")
    block, lines = levin.Config().block, []
    for seed, cell in cells(args, "paper-campaign", needed=False).items():
        lines.append((f"campaign of seed {seed}", cell["curves"]["when"], cell["metrics"]["runs"]))
    parts = cells(args, "campaign")
    start, when = 0, []
    for cell in parts.values():
        when += [start + value for value in cell["curves"]["when"]]
        start += cell["metrics"]["runs"]
    lines.append((f"{len(parts)} campaigns of {start / len(parts) / 1e6:.0f} million runs, joined", when, start))
    for (label, marks, total), colour, style in zip(lines, (FOUND, ORANGE, INK), ("-", "-", ":")):
        at = np.arange(0, min(total, 5.5e7) + 1, block)
        fits = [np.sum(np.array(marks) <= value) for value in at]
        axis.step(at / 1e6, fits, where="post", color=colour, linestyle=style, label=label)
        axis.plot(at[-1] / 1e6, fits[-1], "o", color=colour)
    axis.set(xlabel="million runs", ylabel="fits", xlim=(0, 57), ylim=(0, None))
    axis.legend(loc="upper left")
    axis.set_title(f"A fit in about {start / max(len(when), 1) / 1e6:.1f} million guessed programs;\nin the paper "
                   f"it was one in {5.5e7 / 10 / 1e6:.1f} million", x=-0.05)
    return figure


def levin_complexity(args):
    """All fits by probability and time, with lines of equal Levin complexity and the paper's two programs."""
    figure, axis = plt.subplots(figsize=(7, 4.8))
    right, count = 60, Counter()
    long = cells(args, "paper-campaign", needed=False)
    for arm, (label, colour) in MACHINES.items():
        found = cells(args, arm, needed=arm == "campaign")
        for cell in (found[seed] for seed in found if arm != "campaign" or seed not in long):
            for P, t, unseen in zip(*(cell["curves"][name] for name in ("log2_P", "t", "right"))):
                perfect = unseen == levin.UNSEEN
                kind = f"{label}: right on {'all inputs' if perfect else 'the examples only'}"
                axis.plot(-P, np.log2(t), "o" if "first" in label else "s", color=colour, markersize=6.5, zorder=3,
                          markerfacecolor=colour if perfect else "white", label=None if count[kind] else kind)
                count[kind] += 1
                right = max(right, -P + 4)
    for text, P, t, place in (("paper, second\nmachine: 399 steps", 9.95e-9, 399, (22, 10.7)),
                              ("paper: 502 steps", 3.92e-16, 502, (46, 10.2))):
        axis.plot(-np.log2(P), np.log2(t), "*", color=BLUE, markersize=14, markeredgecolor=INK, zorder=4)
        axis.annotate(text, (-np.log2(P), np.log2(t)), place, fontsize=9, color=BLUE,
                      arrowprops={"arrowstyle": "-", "color": BLUE})
    axis.set(xlim=(18, right), ylim=(7.6, 13.4))
    for Kt in range(30, int(right) + 14, 10 if right < 90 else 20):
        axis.plot((Kt - 7.6, Kt - 13.4), (7.6, 13.4), color=GRID, linewidth=1.2, zorder=1)
        axis.text(Kt - 12.8, 13.2, f"Kt {Kt}", fontsize=8, color=MUTED, va="center")
    axis.set(xlabel="bits of the guesses, $-\\log_2 P$", ylabel="steps")
    axis.set_yticks(range(8, 14), ["256", "512", "1,024", "2,048", "4,096", "8,192"])
    axis.grid(visible=False)
    if count:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0.93))
    perfect = sum(n for kind, n in count.items() if "all inputs" in kind)
    axis.set_title(f"{perfect} of {count.total()} fits are right on all 161,697 unseen inputs", x=-0.05)
    return figure


def weights(args):
    """What a find and a learner make of the three examples."""
    learnt = np.array(next(iter(cells(args, "min-norm").values()))["curves"]["w"])
    found, examples = traced(FIND)[3].w, levin.training_set(levin.Config(), None)
    shares = {"systematic find": (levin.unseen_right(found, examples) / levin.UNSEEN, FOUND)}
    for name, arm in (("minimum norm", "min-norm"), ("gradient descent", "gradient-descent"),
                      ("with weight decay", "weight-decay")):
        shares[name] = next(iter(cells(args, arm).values()))["metrics"]["unseen"] / levin.UNSEEN, CONTROL
    figure, axes = plt.subplot_mosaic([["w", "bars"]], figsize=(7, 3.8), width_ratios=(1.7, 1))
    axes["w"].plot(found, color=FOUND, label="the program of Levin search")
    axes["w"].vlines(range(100), 0, learnt, color=CONTROL, linewidth=1.4)
    axes["w"].plot(learnt, "o", color=CONTROL, markersize=3, label="least squares, least norm")
    axes["w"].set(xlabel="weight", ylabel="value", ylim=(-4, 125))
    axes["w"].legend(loc="upper left")
    for row, (name, (share, colour)) in enumerate(shares.items()):
        axes["bars"].barh(row, 100 * share, 0.6, color=colour)
        axes["bars"].text(97 if share > 0.5 else 3, row, f"{share:.0%}" if share > 0.5 else f"{share:.3%}",
                          va="center", ha="right" if share > 0.5 else "left", fontsize=9,
                          color="white" if share > 0.5 else INK)
        axes["bars"].text(0, row - 0.42, name, fontsize=9, va="bottom")
    axes["bars"].set(yticks=(), xlim=(0, 100), ylim=(3.5, -0.8), xlabel="unseen inputs right (%)")
    axes["bars"].grid(axis="y", visible=False)
    axes["w"].set_title(f"Least squares splits each sum over the {np.sum(np.abs(learnt) > 0.01)} weights it sees;\n"
                        "a short program writes the ramp", x=-0.1)
    return figure


def effort(args):
    """What the search spends its programs and its steps on."""
    figure, axis = plt.subplots(figsize=(7, 2.9))
    parts = cells(args, "campaign")
    totals = [sum((Counter(cell["curves"][name]) for cell in parts.values()), Counter()) for name in ("ends", "spent")]
    for row, counts in enumerate(totals):
        left = 0.0
        for why, colour in ENDS.items():
            share = 100 * counts[why] / counts.total()
            axis.barh(row, share, 0.6, left=left, color=colour, edgecolor="white", label=None if row else why)
            if share > 6:
                axis.text(left + share / 2, row, f"{share:.0f} %", ha="center", va="center", fontsize=9,
                          color=INK if why == levin.NONE else "white")
            left += share
    axis.set(yticks=(0, 1), yticklabels=("of the\nprograms", "of the\nsteps"), xlim=(0, 100), xlabel="share (%)")
    axis.invert_yaxis()
    axis.grid(visible=False)
    axis.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.3))
    ends, spent = totals
    axis.set_title(f"{spent[levin.TIME] / spent.total():.0%} of {spent.total():,} steps go into the "
                   f"{ends[levin.TIME] / ends.total():.0%} of programs\nthat run out of time", x=-0.1)
    return figure


if __name__ == "__main__":
    sys.exit(draw([anatomy, timeline, levin_complexity, weights, effort]))
