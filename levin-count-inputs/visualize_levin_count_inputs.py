"""Draw the figures of levin-count-inputs: python3 visualize_levin_count_inputs.py [--seed K] [--out FOLDER]"""
import functools
from collections import Counter
from dataclasses import replace

import levin_count_inputs as levin                                                # first: it sets the threads
from levin_count_inputs import complain, write_whole

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
FOUND, CONTROL = GREEN, RED                                                       # ... a find, a control ...
LAW = BLUE                                                                        # ... and a law


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): levin.run_cell(levin.ARMS[arm]._replace(config=config), seed)}


def results(args, arm):
    """Return metric -> array over the recorded replicates of an arm; without records it is run here, on one seed."""
    config = levin.ARMS[arm].config
    if args.preset == "quick":
        config = replace(config, searches=3, programs=1000, guesses=1000)
    return levin.pool({arm: (args.preset != "quick" and recorded(arm)) or rerun(arm, config, args.seed)})[arm]


def traced(tape, kind="pointer"):
    """Run a tape step by step; return the instruction pointers, the number of weights written and the machine."""
    m, ip, t, pointers, written = levin.Machine(kind), 0, 0, [], []
    m.c[:len(tape)], m.top = tape, len(tape) - 1
    while True:
        pointers.append(ip)
        why, ip, t = levin.run(m, ip, t, t + 1)
        written.append(m.wp)
        if why != levin.TIME:
            return pointers, written, m


def anatomy(args):
    """The program of least Levin complexity: its tape, its instruction pointer, its weights."""
    pointers, written, m = traced([1, 0, 2, 0])
    figure, axes = plt.subplot_mosaic([["tape", "tape"], ["pointer", "weights"]], figsize=(7, 4.8),
                                      height_ratios=(1, 2.2))
    axis = axes["tape"]
    for at, (cell, text) in enumerate(zip((1, 0, 2, 0), ("WriteWeight", "of cell 0", "Jump", "to cell 0"))):
        axis.add_patch(plt.Rectangle((at, 0), 0.96, 0.9, facecolor="#e5f3ee" if at < 2 else "#eef3f8", edgecolor=INK))
        axis.text(at + 0.48, 0.58, cell, ha="center", va="center", fontsize=17, fontweight="bold")
        axis.text(at + 0.48, 0.2, text, ha="center", va="center", fontsize=9)
        axis.text(at + 0.48, -0.22, f"address {at}", ha="center", va="center", fontsize=8, color=MUTED)
    axis.set(xlim=(-0.05, 4.05), ylim=(-0.4, 1.0))
    axis.axis("off")
    axis.set_title(f"The opcode of WriteWeight, 1, is also the number that it writes:\n{len(m.w)} ones in "
                   f"{len(pointers)} steps, by a program of probability 1 / {13 * 2 * 13 * 5:,}")
    shown = 16
    axes["pointer"].step(range(1, shown + 1), pointers[:shown], where="mid", color=INK)
    axes["pointer"].plot(range(1, shown + 1), pointers[:shown], "o", color=INK, markersize=4)
    axes["pointer"].set(xlabel="step", ylabel="instruction pointer (address)", yticks=(0, 1, 2, 3), ylim=(-0.3, 3.3),
                        xticks=range(0, 17, 4))
    axes["weights"].plot(range(1, len(written) + 1), np.minimum(written, 100), color=FOUND)
    axes["weights"].axvline(len(written), color=MUTED, linestyle=":")
    axes["weights"].annotate("the 101st write\nhalts the program", (len(written), 100), (len(written) - 8, 22),
                             ha="right", fontsize=9, arrowprops={"arrowstyle": "->", "color": MUTED})
    axes["weights"].set(xlabel="step", ylabel="weights that are 1", ylim=(0, 108), xlim=(0, 215))
    return figure


def effort(args):
    """How programs end, and where the steps go."""
    count = 2_000 if args.preset == "quick" else 40_000
    config, programs, steps, lengths = replace(levin.Config(), searches=1000), Counter(), Counter(), []
    for i in range(config.searches):
        for one in levin.search(config, args.seed, i):
            programs[one.why] += 1
            steps[one.why] += one.t
            lengths.append((one.t, one.why))
        if len(lengths) > count:
            break
    order = [why for why in ENDS if programs[why]]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 5.4), height_ratios=(1, 1.3))
    for row, counts in enumerate((programs, steps)):
        left = 0.0
        for why in order:
            share = 100 * counts[why] / counts.total()
            top.barh(row, share, 0.6, left=left, color=ENDS[why], edgecolor="white", label=why if row == 0 else None)
            if share > 6:
                top.text(left + share / 2, row, f"{share:.0f} %", ha="center", va="center", fontsize=9,
                         color="white" if why != levin.NONE else INK)
            left += share
    top.set(yticks=(0, 1), yticklabels=("of the\nprograms", "of the\nsteps"), xlim=(0, 100), xlabel="share (%)")
    top.invert_yaxis()
    top.grid(visible=False)
    top.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.45, -0.42))
    octaves = ["0", "1", *(f"{1 << k:,}\u2013{(2 << k) - 1:,}" for k in range(1, 13)), "8,192"]
    for why, marker in zip(order, "osD^vP"):
        counts = np.bincount([one.bit_length() for one, end in lengths if end == why], minlength=len(octaves))
        bottom.plot(np.flatnonzero(counts), counts[counts > 0], marker=marker, markersize=5, color=ENDS[why])
    bottom.set(yscale="log", ylabel="programs", xlabel="steps of a program")
    bottom.set_xticks(range(len(octaves)), octaves, rotation=45, ha="right", fontsize=8)
    top.set_title(f"{programs[levin.NONE] / programs.total():.0%} of the guessed programs die without an argument; "
                  f"{steps[levin.TIME] / steps.total():.0%}\nof the steps go into the "
                  f"{programs[levin.TIME] / programs.total():.0%} that run out of time", x=-0.1)
    return figure


def runs_to_fit(args):
    """How many programs a search runs before one fits, against the geometric law."""
    r = results(args, "probabilistic")
    programs = np.sort(r["programs"][~np.isnan(r["programs"])])
    if not len(programs):
        return None
    figure, axis = plt.subplots(figsize=(7, 3.9))
    at = np.linspace(0, programs[-1] * 1.05, 300)
    axis.plot(at, 100 * (1 - 1 / programs.mean()) ** at, color=LAW, linestyle="--",
              label=f"geometric law with their mean, {programs.mean():,.0f}")
    axis.step(programs, 100 * (1 - np.arange(1, len(programs) + 1) / len(programs)), where="post", color=FOUND,
              label=f"{len(programs):,} searches")
    axis.set(yscale="log", xlabel="programs run", ylabel="searches without a fit (%)", ylim=(40 / len(programs), 120))
    axis.set_yticks([100, 10, 1, 0.1], ["100", "10", "1", "0.1"])
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.minorticks_off()
    axis.legend()
    axis.set_title(f"Half of the searches fit the examples within {np.median(programs):,.0f} programs;\nthe rest wait "
                   "as if every program had the same small chance", x=-0.05)
    return figure


def levin_complexity(args):
    """Where the finds lie: probability against time, with lines of equal Levin complexity."""
    r = results(args, "probabilistic")
    log2_P, t = (np.array([v for seed in r[name] for v in seed], float) for name in ("log2_P", "t"))
    figure, axis = plt.subplots(figsize=(7, 4.6))
    rng = np.random.default_rng(0)
    right = max([20, *(5 - log2_P)])
    axis.set(xlim=(4, right), ylim=(6.6, 12.6))
    for Kt in range(20, int(right) + 13, 20):
        axis.plot((Kt - 6.6, Kt - 12.6), (6.6, 12.6), color=GRID, linewidth=1.2, zorder=1)
        axis.text(Kt - 11.9, 12.35, f"Kt = {Kt}", fontsize=8, color=MUTED, ha="left", va="center")
    if len(t):
        axis.plot(-log2_P + rng.uniform(-0.3, 0.3, len(t)), np.log2(t) + rng.uniform(-0.03, 0.03, len(t)), "o",
                  color=BLUE, alpha=0.35, markersize=4, markeredgewidth=0, label=f"{len(t):,} finds")
    axis.plot(np.log2(1690), np.log2(201), "*", color=FOUND, markersize=15, markeredgecolor=INK,
              label="found by systematic search")
    axis.set(xlabel="bits of the guesses, $-\\log_2 P$", ylabel="steps")
    axis.set_yticks([7, 8, 9, 10, 11, 12], ["128", "256", "512", "1,024", "2,048", "4,096"])
    axis.legend(loc="upper right", bbox_to_anchor=(1, 0.9))
    axis.grid(visible=False)
    share = np.mean(np.abs(log2_P + np.log2(1690)) < 0.01) if len(t) else 0
    axis.set_title(f"Two programs of {np.log2(201 * 1690):.1f} bits of Levin complexity make {share:.0%} of the finds;"
                   "\nlonger ones are many and each is rare", x=-0.06)
    return figure


def weights(args):
    """What a find and what a learner make of the three examples."""
    learnt = np.array(results(args, "gradient-descent")["w"][0])
    shares = {"Levin search": (1.0, FOUND), "gradient descent": (None, CONTROL), "with weight decay": (None, CONTROL),
              "minimum norm": (None, CONTROL)}
    for name, arm in zip(list(shares)[1:], ("gradient-descent", "weight-decay", "min-norm")):
        shares[name] = results(args, arm)["unseen"].mean() / levin.UNSEEN, CONTROL
    found = traced([1, 0, 2, 0])[2].w
    shares["Levin search"] = levin.unseen_right(found, levin.training_set(levin.Config(), None)) / levin.UNSEEN, FOUND
    figure, axes = plt.subplot_mosaic([["w", "bars"]], figsize=(7, 3.8), width_ratios=(1.7, 1))
    axes["w"].plot(found, "o", color=FOUND, markersize=3.5, label="the program of Levin search")
    axes["w"].vlines(range(100), 0, learnt, color=CONTROL, linewidth=1.4, label="gradient descent")
    axes["w"].set(xlabel="weight", ylabel="value", ylim=(-0.08, 1.5))
    axes["w"].legend(loc="upper left")
    for row, (name, (share, colour)) in enumerate(shares.items()):
        axes["bars"].barh(row, 100 * share, 0.6, color=colour)
        axes["bars"].text(100 * share - 3 if share > 0.5 else 100 * share + 3, row, f"{share:.3%}" if share < 0.5 else
                          f"{share:.0%}", va="center", ha="right" if share > 0.5 else "left", fontsize=9,
                          color="white" if share > 0.5 else INK)
        axes["bars"].text(0, row - 0.42, name, fontsize=9, va="bottom")
    axes["bars"].set(yticks=(), xlim=(0, 100), ylim=(3.5, -0.8), xlabel="unseen inputs right (%)")
    axes["bars"].grid(axis="y", visible=False)
    axes["w"].set_title(f"Learning moves the {np.sum(np.abs(learnt) > 0.01)} weights that it sees;\n"
                        "a short program writes all 100", x=-0.1)
    return figure


if __name__ == "__main__":
    sys.exit(draw([anatomy, effort, runs_to_fit, levin_complexity, weights]))
