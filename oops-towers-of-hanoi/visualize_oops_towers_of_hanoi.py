"""Draw the figures of oops-towers-of-hanoi: python3 visualize_oops_towers_of_hanoi.py [--seed K] [--out FOLDER]"""
import functools
import textwrap

import oops_towers_of_hanoi as oops                                               # first: it sets the threads
from oops_towers_of_hanoi import complain, write_whole

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

# One colour, one thing throughout the folder: how a task was solved, how a prefix ended, the kinds of tokens
HOW = {"fresh": (GREEN, "fresh program", "o"), "prolong": (ORANGE, "prolonged program", "s"),
       "reuse": (SKY, "latest program, nothing new", ".")}
ENDS = {oops.REQUEST: (SKY, "asks for another token"), oops.ILLEGAL: ("#bbbbbb", "illegal instruction"),
        oops.TIME: (RED, "out of time"), oops.SOLVED: (GREEN, "solved")}
TAUGHT, PLAIN, PAPER = GREEN, RED, BLUE
PEGS = ("S", "A", "D")
DISKS = ["#08306b", "#2171b5", "#4292c6", "#6baed6", "#9ecae1", "#c6dbef"]


@functools.cache
def rerun(arm, seed):
    return oops.run_cell(oops.ARMS[arm], seed)


def cell(args, arm):
    """Return the recorded cell of an arm for this seed, or for seed 0; without records a quick run of its function."""
    records = recorded(arm) if args.preset != "quick" else {}
    quick = "quick-published" if oops.ARMS[arm].run is oops.replay else "quick-oops"
    return records.get(str(args.seed)) or records.get("0") or rerun(quick, args.seed)


def short(number):
    """Return a large number as text: 1.6e9."""
    return f"{number:.1e}".replace("e+0", "e").replace("e+", "e")


def timeline(args):
    """Sizes solved against the steps granted, both classes."""
    record = cell(args, "oops-L8")
    figure, axis = plt.subplots(figsize=(7, 4.8))
    tasks, seen = record["curves"]["tasks"], set()
    programs = dict(line.split(", from n = ") for line in record["curves"]["programs"].splitlines())
    for kind, name, paper in (("A", "$1^n 2^n$", 3e10), ("H", "Hanoi", 5e11)):
        own = [task for task in tasks if task[0] == kind]
        axis.axvline(paper, color=PAPER, linestyle="--", linewidth=1.3)
        axis.text(paper / 1.15, 9, f"paper, 73 tokens: {name}", rotation=90, ha="right", va="bottom", fontsize=9,
                  color=PAPER)
        if not own:
            continue
        axis.step([task[6] for task in own], [task[1] for task in own], where="post", color=GRID, zorder=1)
        for _, n, how, _, _, _, granted, *_ in own:
            colour, label, marker = HOW[how]
            axis.plot(granted, n, marker, color=colour, markerfacecolor=colour if kind == "A" else "white", zorder=3,
                      markersize=6 if how == "reuse" else 7, label=None if how in seen else label)
            seen.add(how)
        n, text = programs[kind].split(": ", 1)
        text = textwrap.fill(text.split("  (")[0], 18)
        if kind == "H" and record["metrics"]["solved"] > own[-1][1]:
            axis.plot((own[-1][6],) * 2, (own[-1][1], record["metrics"]["solved"]), color=SKY, linestyle=":")
            text += f"\n\n(dotted: {own[-1][1] + 1} to {record['metrics']['solved']}\nby induction)"
        axis.annotate(f"{name}, from n = {n}:\n{text}", (own[-1][6], own[-1][1]), (-8, -4), va="top", ha="right",
                      textcoords="offset points", fontsize=8.5)
    axis.set(xscale="log", xlabel="time steps granted so far", ylabel="n", ylim=(0, 33), xlim=(tasks[0][6] / 30, 2e12))
    axis.legend(loc="center left", title="filled: $1^n 2^n$; open: Hanoi", title_fontsize=9, alignment="left",
                bbox_to_anchor=(0.0, 0.42))
    axis.set_title(f"After {short(tasks[-1][6])} steps both classes are solved by programs that call\nthemselves. "
                   f"With {len(oops.words(oops.L8))} tokens that is a matter of seconds", x=-0.08)
    return figure


def bias(args):
    """What boostq does to the probabilities, and from how many tokens on it pays."""
    known = dict.fromkeys(range(1, 74), 1) | dict.fromkeys(oops.words(oops.LOUD), 74)
    before = oops.Prior(known)
    after = before.boost(tuple(oops.words(oops.RAMP)))
    names = "c3 c4 c5 by2 dec boostq c1 c2 defnp calltp endnp mvdsk".split()
    figure, axes = plt.subplot_mosaic([["bars", "gain"]], figsize=(7, 4.1), width_ratios=(1.15, 1))
    axis = axes["bars"]
    for row, name in enumerate(names):
        for prior, colour, place in ((before, "#bbbbbb", -0.19), (after, TAUGHT, 0.19)):
            axis.barh(row + place, 100 * prior.weights[oops.NUMBER[name]] / prior.total, 0.36, color=colour,
                      label=None if row else ("first prior" if prior is before else "after c3 dec boostq"))
    axis.set(yticks=range(len(names)), yticklabels=[*names[:-1], "each other"], xlabel="probability (%)")
    axis.set_ylim(len(names) + 1.6, -0.6)
    axis.grid(axis="y", visible=False)
    axis.legend(loc="lower left", bbox_to_anchor=(0.33, 0.0), fontsize=8.5)
    axis = axes["gain"]
    sizes = np.arange(7, 90)
    axis.semilogy(sizes, [oops.gain(n) for n in sizes], color=INK, label="the paper's prior")
    axis.axhline(1, color=MUTED, linewidth=1)
    axis.axhline(1000, color=PAPER, linestyle="--", label="paper: about 1000")
    axis.plot(73, oops.gain(73), "o", color=PAPER)
    axis.annotate(f"73 tokens: {oops.gain(73):,.0f}", (73, oops.gain(73)), (-8, 8), ha="right", fontsize=9, color=PAPER,
                  textcoords="offset points")
    first = min(n for n in sizes if oops.gain(n) > 1)
    axis.annotate(f"pays from {first} tokens on", (first, 1), (10, -14), fontsize=9, textcoords="offset points")
    axis.set(xlabel="tokens, $n_Q$", ylabel="P with the boost / P without")
    axis.legend(loc="center right", bbox_to_anchor=(1.0, 0.3))
    axes["bars"].set_title(f"The Hanoi solver is {oops.gain(73):,.0f} times as probable if it\nboosts the solver of "
                           "$1^n 2^n$ first", x=-0.3)
    return figure


def effort(args):
    """Prefixes run in a subsearch of so many steps, with and without the lesson of 1^n 2^n."""
    figure, axis = plt.subplots(figsize=(7, 4.6))
    arms = {"taught-C": ("$2^n 1^n$ after $1^n 2^n$", TAUGHT, "-"), "scratch-C": ("$2^n 1^n$ alone", PLAIN, "-"),
            "taught-H": ("Hanoi after $1^n 2^n$", TAUGHT, "--"), "scratch-H": ("Hanoi alone", PLAIN, "--"),
            "all-prefixes": ("Hanoi alone, no look-ahead", INK, ":")}
    searches = {}
    for arm, (label, colour, line) in arms.items():
        if arm in ("taught-C", "scratch-C") or (args.preset != "quick" and recorded(arm)):
            record = cell(args, arm)
            rows = [(2 ** steps, prefixes) for half, steps, prefixes, _ in record["curves"]["searches"]
                    if half == "fresh" and prefixes and steps >= 12]
            if not rows:
                continue
            x, y = np.array(rows, float).T
            found = record["metrics"]["cost"] is not None
            axis.loglog(x, y, line, color=colour, label=label, linewidth=1.5)
            axis.plot(x[-1], y[-1], "*" if found else "x", color=colour, markersize=13 if found else 8)
            searches[arm] = [row for row in record["curves"]["searches"] if row[0] == "fresh"]
    if "all-prefixes" in searches:
        x = np.array([2 ** 24, 6.79e11 / 2])
        axis.loglog(x, [oops.extrapolated(searches["all-prefixes"], steps) for steps in x], ":", color=MUTED,
                    linewidth=1.2, label="the same, extrapolated")
    axis.plot(6.79e11 / 2, 9.4e10, "D", color=PAPER, label="paper: 9.4e10 prefixes in 6.8e11 steps (73 tokens)")
    axis.set(xlabel="steps granted to the subsearch, $T / 2$", ylabel="prefixes run")
    axis.legend(loc="upper left", fontsize=8.5)
    vain, cost = cell(args, "scratch-C")["metrics"]["vain"], cell(args, "taught-C")["metrics"]["cost"]
    axis.set_title(f"Taught $1^n 2^n$, OOPS finds $2^n 1^n$ at t / P = {short(cost)} (star); untaught it searches\n"
                   f"{short(vain)} steps in vain (cross)", x=-0.08)
    return figure


def fates(args):
    """Prefixes of the largest subsearch for Hanoi by length and end."""
    rows = cell(args, "oops-L8")["curves"]["ends"]
    lengths = sorted({length for length, *_ in rows})
    figure, axis = plt.subplots(figsize=(7, 3.9))
    left = dict.fromkeys(lengths, 0)
    for why, (colour, label) in ENDS.items():
        counts = {length: count for length, end, count in rows if end == why}
        if sum(counts.values()) > 1:
            axis.bar(lengths, [counts.get(length, 0) for length in lengths], 0.75,
                     bottom=[left[length] for length in lengths], color=colour, label=label)
            for length, count in counts.items():
                left[length] += count
    for length in lengths:
        axis.text(length, left[length], f"{left[length]:,}", ha="center", va="bottom", fontsize=8.5)
    axis.set(xlabel="tokens in the prefix", ylabel="prefixes run", xticks=lengths)
    axis.yaxis.set_major_formatter("{x:,.0f}")
    axis.grid(axis="x", visible=False)
    axis.legend(loc="upper left")
    total = sum(left.values())
    late = sum(count for _, why, count in rows if why == oops.TIME)
    axis.set_title(f"The last of the subsearches for Hanoi ran {total:,} prefixes;\n{late / total:.0%} of them ran out "
                   "of their share of time", x=-0.08)
    return figure


def trace(n):
    """Run the published Hanoi program for n disks; yield (address or cell, calls, pegs) after every instruction."""
    task = oops.tape("H", n, literal=True)
    registers, q, t, why = task.blank(len(oops.LIBRARY), None), oops.LIBRARY + oops.words(oops.HANOI), 0, oops.TIME
    while why == oops.TIME:
        ip = registers[0]
        why, registers, t = oops.run(task, registers, q, t, t + 1)
        yield ip, oops.calls(registers[3]), registers[7], task.ds


def recursion(args):
    """Depth of calls while five disks move, and time steps against n."""
    n = 5
    steps = list(trace(n))
    depth = [calls for _, calls, *_ in steps]
    moved = [k for k in range(1, len(steps)) if steps[k][2] != steps[k - 1][2]]
    curves = cell(args, "published")["curves"]
    figure, axes = plt.subplot_mosaic([["calls", "calls"], ["hanoi", "ramp"]], figsize=(7, 5.2),
                                      height_ratios=(1.1, 1))
    axis = axes["calls"]
    axis.fill_between(range(1, len(depth) + 1), depth, step="mid", color="#dbe9f6", linewidth=0)
    axis.step(range(1, len(depth) + 1), depth, where="mid", color=INK, linewidth=0.9)
    for k in moved:
        disk = max(after ^ before for after, before in zip(steps[k][2][:3], steps[k - 1][2][:3])).bit_length()
        foot = max(depth) + 0.8
        axis.plot((k + 1, k + 1), (foot, foot + 0.75 * disk), color=DISKS[n - disk], linewidth=3)
    axis.text(4, max(depth) + 4.8, "moves: a long line for a large disk", fontsize=8.5, va="top")
    axis.set(xlim=(0, len(depth) + 4), ylim=(0, max(depth) + 5), yticks=range(0, max(depth) + 1, 2),
             xlabel="instruction", ylabel="nested calls")
    axis.set_title(f"{oops.HANOI}:\n{len(moved)} moves for {n} disks by a procedure that calls itself", x=-0.06)
    sizes = np.arange(1, len(curves["hanoi_steps"]) + 1)
    axes["hanoi"].semilogy(sizes, curves["hanoi_steps"], "o", color=INK, markersize=4, label="time steps")
    axes["hanoi"].semilogy(sizes, 2.0 ** sizes - 1, color=PAPER, linestyle="--", label="moves, $2^n - 1$")
    axes["hanoi"].set(xlabel="disks, n", ylabel="Hanoi", xticks=sizes[1::3])
    axes["hanoi"].legend(loc="upper left")
    axes["ramp"].plot(range(1, len(curves["ramp_steps"]) + 1), curves["ramp_steps"], "o", color=INK, markersize=4)
    axes["ramp"].yaxis.set_major_formatter("{x:,.0f}")
    axes["ramp"].set(xlabel="n", ylabel="$1^n 2^n$: time steps", ylim=(0, None))
    return figure


if __name__ == "__main__":
    sys.exit(draw([timeline, bias, effort, fates, recursion]))
