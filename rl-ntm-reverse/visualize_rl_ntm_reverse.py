"""Draw the figures of rl-ntm-reverse: python3 visualize_rl_ntm_reverse.py [--seed K] [--preset quick] [--out FOLDER]"""
import rl_ntm_reverse as ntm                                                      # first: it sets the threads
from rl_ntm_reverse import complain, write_whole

import functools
from dataclasses import replace

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

# One colour, one thing: direct access, LSTM, what is right, what is wrong, the input head, the memory head.
DIRECT, LSTM, RIGHT, WRONG, HEAD, MEMORY = BLUE, ORANGE, GREEN, RED, SKY, PURPLE
COLOURS = {"direct": DIRECT, "lstm": LSTM}
SHORT = {"copy-direct": ("Copy, direct access", DIRECT, "-"), "copy-lstm": ("Copy, LSTM", LSTM, "-"),
         "reverse-direct": ("Reverse, direct access", DIRECT, "--")}
GLYPHS = ntm.LETTERS + "∅23. "
AUTHORS = {"repeat-copy-stops-direct": ((5_650, 16, 0.019), (7_850, 16, 0.003)),  # their logs' ends: update, C, error
           "forward-reverse-direct": ((11_100, 15, 0.29), (13_600, 15, 0.24))}


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = ntm.ARMS[arm].config
    return replace(config, longest=2, units=5, batch=20, updates=60) if args.preset == "quick" else config


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): ntm.run_cell(ntm.ARMS[arm]._replace(config=config), seed)}


def cells(args, arm):
    """Return the recorded cells of an arm; without records, for an arm of the default preset, those of a run."""
    if args.preset == "quick":
        return rerun(arm, ntm.TINY if arm == "gradient-check" else settings(arm, args), args.seed)
    return recorded(arm) or (rerun(arm, settings(arm, args), args.seed) if arm in ntm.PRESETS["default"] else {})


@functools.cache
def trained(arm, config, seed):
    """Train; return a list of (update, C, a copy of the parameters, online baseline) at the start, whenever C has
    risen and at the end, and the history (rows of update, C, error)."""
    moments, level = [], 0
    for snapshot in ntm.train(config, seed):
        if snapshot.stage.level != level or snapshot.solved or snapshot.step == config.updates:
            level = snapshot.stage.level
            moments.append((snapshot.step, level, {n: x.copy() for n, x in snapshot.params.items()},
                            snapshot.means.copy()))
    return moments, np.array(snapshot.history)


def episode_of(found, solved=1):
    """Return the recorded episode of the first seed that solved the task (0: that did not), else of the first seed."""
    ordered = sorted(found, key=lambda seed: (found[seed]["metrics"]["solved"] != solved, int(seed)))
    return found[ordered[0]]["curves"]["episode"], found[ordered[0]]["metrics"]["solved"]


def learning_curves(args):
    """Difficulty and running error, a line a seed: the short runs, Table 4, Reverse without a curriculum."""
    panels = [(f"short-{arm}", label, colour) for arm, (label, colour, _) in SHORT.items()]
    longer = [(f"{task}-direct", name, DIRECT) for task, name in ntm.NAMES.items()]
    longer += [("reverse-kappa-0.01", "Reverse, $\\kappa$ = 0.01", DIRECT),
               ("reverse-no-curriculum", "Reverse, no curriculum", DIRECT),
               ("reverse-no-curriculum-kappa-0.01", "the same, $\\kappa$ = 0.01", DIRECT)]
    panels += [panel for panel in longer if args.preset != "quick" and recorded(panel[0])]
    rows = -(-len(panels) // 3)
    figure, axes = plt.subplots(2 * rows, 3, figsize=(7, 1 + 3.2 * rows), squeeze=False,
                                height_ratios=(3, 2) * rows)
    for place, (arm, label, colour) in enumerate(panels):
        found, (level, error) = cells(args, arm), axes[2 * (place // 3):2 * (place // 3) + 2, place % 3]
        for cell in found.values():
            step, stage, running = (cell["curves"][name] for name in ("step", "stage", "running_error"))
            level.step(step, stage, where="post", color=colour, linewidth=1.2, alpha=0.6)
            error.plot(step, running, color=colour, linewidth=0.8, alpha=0.5)
            if cell["metrics"]["solved"]:
                level.plot(cell["metrics"]["updates"], stage[-1], "o", color=RIGHT, markersize=5, zorder=3)
        for step, stage, running in AUTHORS.get(arm, ()):
            for axis, value in ((level, stage), (error, running)):
                axis.plot(step, value, "D", color=INK, markersize=5, markerfacecolor="none", zorder=4)
        solved = sum(cell["metrics"]["solved"] for cell in found.values())
        size = f"C to {max(max(cell['curves']['stage']) for cell in found.values()):.0f}"
        level.set_title(f"{label}\n{size}: {solved} of {len(found)} solved", fontsize=8.5)
        level.set(ylim=(0, None), xticklabels=[])
        level.yaxis.get_major_locator().set_params(integer=True)
        error.axhline(ntm.ARMS[arm].config.threshold, color=MUTED, linestyle=":", linewidth=1.2)
        error.set(ylim=(0, 1.02), xlabel="updates", xlim=level.get_xlim())
        error.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3))
        level.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3))
        error.tick_params(labelsize=8)
        if place % 3 == 0:
            level.set_ylabel("difficulty C")
            error.set_ylabel("running error")
    for axis in axes.ravel()[[i for i in range(6 * rows) if i // 3 // 2 * 3 + i % 3 >= len(panels)]]:
        axis.axis("off")
    figure.suptitle("When the error falls below the dotted line, C rises (a line a seed; blue: direct access;\n"
                    "orange: LSTM; green: solved; diamonds: where the authors' logs end)",
                    x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def table_4(args):
    """Table 4: the share of seeds that solve a task, beside the paper's ticks, and the updates they took."""
    if args.preset == "quick" or not any(recorded(f"{task}-{c}") for task in ntm.NAMES for c in COLOURS):
        return None
    figure, (axis, right) = plt.subplots(1, 2, figsize=(7, 4.2), width_ratios=(5, 4), sharey=True)
    ticks = {("lstm", task): task in ("copy", "duplicated-input") for task in ntm.NAMES}
    for row, task in enumerate(ntm.NAMES):
        for column, controller in enumerate(("lstm", "direct")):
            found = recorded(f"{task}-{controller}")
            solved = [cell["metrics"]["updates"] for cell in found.values() if cell["metrics"]["solved"]]
            share = len(solved) / len(found) if found else 0
            axis.add_patch(plt.Rectangle((column + 0.04, row - 0.44), 0.92, 0.88, linewidth=0,
                                         facecolor=COLOURS[controller], alpha=0.08 + 0.8 * share))
            dark = share > 0.6 and controller == "direct"
            axis.text(column + 0.5, row - 0.1, f"{len(solved)} of {len(found)}" if found else "not yet\nrecorded",
                      ha="center", va="center", fontsize=11 if found else 9, color="white" if dark else INK)
            axis.text(column + 0.5, row + 0.29, "2015: " + ("yes" if ticks.get((controller, task), True) else "no"),
                      ha="center", va="center", fontsize=8, color="white" if dark else INK)
            right.plot(solved, np.full(len(solved), row) + (column - 0.5) * 0.3, "o", color=COLOURS[controller],
                       markersize=5, alpha=0.7, label=None if row else ("LSTM", "direct access")[column])
    axis.set(xlim=(0, 2), ylim=(len(ntm.NAMES) - 0.4, -0.6), xticks=(0.5, 1.5), xticklabels=("LSTM", "direct access"))
    axis.set_yticks(range(len(ntm.NAMES)), [name.replace(" with", "\nwith") for name in ntm.NAMES.values()])
    axis.tick_params(length=0, colors=INK)
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.set_title("Seeds that solve a task")
    right.axvline(20_000, color=INK, linestyle=":", linewidth=1.4)
    right.annotate("given up", (20_000, len(ntm.NAMES) - 0.5), ha="right", fontsize=8, xytext=(-3, 0),
                   textcoords="offset points")
    right.set(xlim=(0, 21_000), xlabel="updates until solved", xticks=(0, 10_000, 20_000))
    right.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    right.set_title("... and when")
    right.legend(loc="lower left", fontsize=8, handletextpad=0.1)
    return figure


def draw_trace(axis, episode, title):
    """Draw an episode in the style of Figure 7: time goes down; the glyph under the input head and the glyph said stand
    at their places on the tapes; right of them the memory head and b, R and r of the step."""
    tape, target, memory = episode["tape"], episode["target"], len(episode["memory_head"]) > 0
    rows, wide = len(episode["head"]), len(tape) + 1
    start = wide + 1.5
    numbers = start + len(target) + 1.5
    at = np.array(episode["memory_head"]) if memory else np.zeros(rows, int)
    reach = max(4, at.max() - at.min() + 1) if memory else 0
    column = max(2.6, (numbers + reach) / 8)                                      # room for a number
    edges = numbers + reach - 0.7 + column * np.arange(1, 4)
    size = min(8, 330 / edges[-1])                                                # points, so that glyphs stay apart
    for place, line in ((0, tape), (start, target)):
        for i, glyph in enumerate(line):
            axis.text(place + i, 0, GLYPHS[glyph], ha="center", va="center", fontsize=size, fontweight="bold")
    said = 0
    for t in range(rows):
        head, glyph = episode["head"][t], episode["says"][t]
        shown = head if 0 <= head <= len(tape) else np.clip(head, -1, len(tape))
        axis.add_patch(plt.Rectangle((shown - 0.45, t + 0.55), 0.9, 0.9, color=HEAD, alpha=0.6, linewidth=0))
        if 0 <= head < len(tape):
            axis.text(head, t + 1, GLYPHS[tape[head]], ha="center", va="center", fontsize=size)
        if glyph >= 0:
            colour = RIGHT if glyph == target[said] else WRONG
            axis.text(start + said, t + 1, GLYPHS[glyph], ha="center", va="center", fontsize=size, color=colour,
                      fontweight="bold")
            said += 1
        elif said < len(target):
            axis.text(start + said, t + 1, "#", ha="center", va="center", fontsize=7, color=MUTED)
        if memory:
            axis.text(numbers + at[t] - at.min(), t + 1, "*", ha="center", va="center", fontsize=9, color=MEMORY,
                      fontweight="bold")
        for edge, name in zip(edges, ("b", "R", "r")):
            number = f"{episode[name][t] - 1e-9:.2f}".replace("-0.00", "0.00")
            axis.text(edge, t + 1, number, ha="right", va="center", fontsize=6.5, color=MUTED)
    for place, name in ((0, "input"), (start, "output"), *(((numbers, "memory"),) if memory else ())):
        axis.text(place - 0.4, -1.1, name, ha="left", va="center", fontsize=8, color=MUTED)
    for edge, name in zip(edges, ("$b_t$", "$R_t$", "$r_t$")):
        axis.text(edge, -1.1, name, ha="right", va="center", fontsize=8, color=MUTED)
    axis.set(xlim=(-1.6, edges[-1]), ylim=(rows + 0.9, -1.8), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    axis.grid(False)
    axis.set_title(title, fontsize=9)


def execution_traces(args):
    """One episode of each short run and of each recorded task, as in Figure 7 and appendix B."""
    shown = [(f"short-{arm}", label, 1) for arm, (label, _, _) in SHORT.items()]
    longer = [(f"{task}-direct", f"{ntm.NAMES[task]}, direct access", 1)
              for task in ("duplicated-input", "repeat-copy", "repeat-copy-stops", "forward-reverse")]
    longer += [("repeat-copy-direct", "RepeatCopy, direct access", 0),
               ("repeat-copy-forward", "RepeatCopy, head only forward", 0),
               ("forward-reverse-direct", "ForwardReverse, direct access", 0)]
    shown += [row for row in longer if args.preset != "quick" and recorded(row[0])]
    found = [(label, *episode_of(cells(args, arm), solved)) for arm, label, solved in shown]
    rows = -(-len(found) // 2)
    heights = [max(len(episode["head"]) for _, episode, _ in found[2 * i:2 * i + 2]) + 5 for i in range(rows)]
    figure, axes = plt.subplots(rows, 2, figsize=(7, 0.17 * sum(heights) + 0.6), height_ratios=heights, squeeze=False)
    for axis, (label, episode, solved) in zip(axes.ravel(), found):
        draw_trace(axis, episode, f"{label}{'' if solved else ' (not solved)'}")
    for axis in axes.ravel()[len(found):]:
        axis.axis("off")
    right = sum([g for g in episode["says"] if g >= 0] == list(episode["target"]) for _, episode, _ in found)
    figure.suptitle("Time goes down; blue: the cell under the input head; #: nothing is said.\n"
                    f"{right} of {len(found)} episodes are right", x=0.01, ha="left", fontsize=10, fontweight="bold")
    return figure


def gradient_checks(args):
    """The derivatives of section 5 against central differences, and the noise that each variance reduction leaves."""
    found = cells(args, "gradient-check")
    analytic, numeric = (np.concatenate([cell["curves"][name] for cell in found.values()])
                         for name in ("analytic", "numeric"))
    worst = max(cell["metrics"]["error"] for cell in found.values())
    noise = {} if args.preset == "quick" else ntm.pool({"variance": recorded("variance")})["variance"] if recorded(
        "variance") else {}
    figure, axes = plt.subplots(1, 1 + bool(noise), figsize=(7, 3.8), squeeze=False)
    left = axes[0, 0]
    edge = 1.5 * abs(analytic).max()
    left.plot((-edge, edge), (-edge, edge), color=MUTED, linewidth=1)
    left.plot(numeric, analytic, "o", color=DIRECT, markersize=5, alpha=0.6, markeredgewidth=0)
    left.set(xscale="symlog", yscale="symlog", xlabel="central difference", ylabel="all sequences, weighted")
    for axis in (left.xaxis, left.yaxis):
        axis.set_major_locator(matplotlib.ticker.SymmetricalLogLocator(base=10, linthresh=1))
    left.set_title(f"{len(analytic)} derivatives,\nlargest relative error {worst:.0e}")
    if noise:
        right = axes[0, 1]
        names = {"whole": "all rewards", "future": "future\nrewards", "online": "online\nbaseline",
                 "offline": "LSTM\nbaseline"}
        for k, trick in enumerate(names):
            values = noise[f"{trick}_heads"] / noise["whole_heads"].mean()
            right.bar(k, values.mean(), 0.6, color=DIRECT, alpha=0.8)
            right.plot(np.full(len(values), k), values, "o", color=INK, markersize=3)
            right.annotate(f"{values.mean():.3f}", (k, values.max()), xytext=(0, 5), textcoords="offset points",
                           ha="center", fontsize=9)
        right.set(yscale="log", ylabel="noise of the heads' gradient (all rewards: 1)", ylim=(None, 2.4))
        right.set_xticks(range(4), names.values(), fontsize=8)
        ratio = noise["whole_heads"].mean() / noise["offline_heads"].mean()
        right.set_title(f"The three reductions leave\n1/{ratio:.0f} of the noise")
    return figure


def direct_access(args):
    """What the direct-access controller copies: its five scalars at each step of one Reverse episode."""
    episode, _ = episode_of(cells(args, "short-reverse-direct"))
    gates, said = np.array(episode["gates"])[:, :5], np.array(episode["says"]) >= 0
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(7, 4.6), sharex=True, height_ratios=(2, 3))
    t = np.arange(1, len(said) + 1)
    top.step(t, np.array(episode["head"]) + 1, where="mid", color=HEAD, linewidth=2.5)
    for step, head, glyph in zip(t, episode["head"], episode["says"]):
        if glyph >= 0:
            top.text(step, head + 1.25, GLYPHS[glyph], ha="center", va="bottom", color=RIGHT, fontweight="bold")
    top.set(ylabel="input cell", ylim=(0, max(episode["head"]) + 2.6))
    top.yaxis.get_major_locator().set_params(integer=True)
    shown = np.where(said[:, None], gates, np.nan).T
    image = bottom.imshow(shown, aspect="auto", cmap="Blues", vmin=0, vmax=1, extent=(0.5, len(t) + 0.5, 2.5, -2.5))
    for step, row in zip(t, gates):
        if said[step - 1]:
            for offset, value in zip(ntm.REACH, row):
                bottom.text(step, offset, f"{value:.2f}", ha="center", va="center", fontsize=8,
                            color="white" if value > 0.6 else INK)
    bottom.set(yticks=ntm.REACH, yticklabels=[f"{o:+d}" if o else "0" for o in ntm.REACH], xlabel="step",
               ylabel="cell, relative to the head", xticks=t)
    bottom.grid(False)
    figure.colorbar(image, ax=bottom, label="scalar $s_o$", pad=0.01)
    top.set_title(f"“{''.join(GLYPHS[g] for g in episode['tape'])}” is read to its end, then copied backwards\n"
                  f"({said.sum()} symbols said in {len(t)} steps)")
    return figure


if __name__ == "__main__":
    sys.exit(draw([learning_curves, table_4, execution_traces, gradient_checks, direct_access]))
