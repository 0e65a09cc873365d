"""Draw the figures of rs-tomita: python3 visualize_rs_tomita.py [--seed K] [--preset quick] [--out FOLDER]"""
from dataclasses import replace

import rs_tomita as rs                                                            # first: it sets the threads
from rs_tomita import complain, write_whole

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

COLOURS = {1: PURPLE, 2: ORANGE, 4: BLUE}
STATES = (GREEN, SKY, ORANGE, RED)                                                # of a grammar's automaton
PRESENTATIONS = {1: (23000, 46000), 2: (77000, 200000), 4: (46000, 210000)}       # Miller & Giles, strings shown


def settings(arm, args, **changes):
    """Return the Config of an arm with changes; #1 on short strings for --preset quick."""
    config = rs.ARMS["quick-guess"].config if args.preset == "quick" else rs.ARMS[arm].config
    return replace(config, **changes)


def pooled(*arms):
    """Return arm -> metric -> array over the recorded replicates, for the arms that have records."""
    return rs.pool({arm: cells for arm in arms if (cells := recorded(arm))})


def found(config, seed):
    """Return the seed's first search whose winner is proved and small enough to be drawn, or its first one."""
    few = replace(config, simulations=min(config.simulations, 5))
    searches = sorted((search for s in rs.train(few, seed) for search in s.over), key=lambda search: search.replicate)
    for search in searches:
        proved, states = rs.extract(search.winner[1][None], config)
        if proved and len(states) <= 9:
            return search
    return searches[0]


def outputs(guess, config, bits):
    """Return o(t) (T,) of one net on one string of 0s and 1s, and the box of `extract` that it is in at each step."""
    w = rs.unpack(guess.astype(float), config)
    a, B, c, d, e, f, g, k = (part[..., 0] for part in w)
    B = B if B.ndim == 2 else np.diag(B)
    h, o, course, box, path = np.zeros(len(a)), 0.0, [], 0, []
    states = rs.extract(guess, config)[1]
    for bit in bits:
        x = 2 * bit - 1
        h = rs.logistic(a * x + B @ h + c * o + d)
        o = rs.logistic(e * x + f @ h + g * o + k)
        box = states[box][3 + bit] if box < len(states) else box
        course.append(o)
        path.append(box)
    return np.array(course), path


def diagram(axis, nodes, edges, colours, accepting, now=None, fontsize=9):
    """Draw an automaton: nodes on a circle, an arrow for each symbol; double circles accept; `now` is lit."""
    axis.clear()
    axis.set(xlim=(-1.85, 1.85), ylim=(-1.85, 1.85), aspect="equal")
    axis.axis("off")
    angle = np.pi - 2 * np.pi * np.arange(len(nodes)) / len(nodes)
    place, radius = np.stack([np.cos(angle), np.sin(angle)], 1), min(0.25, 1.5 / len(nodes))
    for source, targets in enumerate(edges):
        for target in sorted(set(targets)):
            label = ",".join(str(bit) for bit in (0, 1) if targets[bit] == target)
            p, q = place[source], place[target]
            if source == target:
                middle = p * (1 + 1.6 * radius)
                axis.add_patch(plt.Circle(middle, radius * 0.8, fill=False, edgecolor=MUTED, linewidth=1, zorder=1))
                spot = p * (1 + 3.1 * radius)
            else:
                axis.annotate("", q, p, zorder=1, arrowprops={
                    "arrowstyle": "-|>", "color": MUTED, "linewidth": 1, "shrinkA": 0, "shrinkB": 70 * radius,
                    "connectionstyle": "arc3,rad=0.18"})
                across = np.array([q[1] - p[1], p[0] - q[0]])
                spot = p + 0.45 * (q - p) + 0.13 * across
            axis.text(*spot, label, fontsize=fontsize - 1, ha="center", va="center", zorder=4, color=INK,
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})
    for i, (node, p) in enumerate(zip(nodes, place)):
        axis.add_patch(plt.Circle(p, radius, facecolor=colours[i], zorder=2, linewidth=4 if i == now else 1.2,
                                  edgecolor=INK))
        if accepting[i]:
            axis.add_patch(plt.Circle(p, radius * 0.8, fill=False, edgecolor="white", linewidth=1.4, zorder=3))
        axis.text(*p, node, ha="center", va="center", fontsize=fontsize, color="white", fontweight="bold", zorder=5)


def draw_grammar(axis, grammar, now=None):
    automaton = rs.GRAMMARS[grammar]
    states = range(len(automaton.follow))
    diagram(axis, [str(s) for s in states], automaton.follow, STATES, [s in automaton.accepting for s in states], now)


def draw_net(axis, states, grammar, now=None):
    accepting = rs.GRAMMARS[grammar].accepting
    diagram(axis, [str(i) for i in range(len(states))], [tuple(state[3:]) for state in states],
            [STATES[state[0]] for state in states], [state[0] in accepting for state in states], now)


def automata(args):
    """Two grammars, and the nets that guessing found for them, read as automata."""
    rows = ("1-A1-in-random", "4-A1-out-near")
    figure, axes = plt.subplots(2, 2, figsize=(7, 7.2), layout="none")
    figure.subplots_adjust(0.01, 0.0, 0.99, 0.91, 0.02, 0.08)
    for (left, right), arm in zip(axes, rows):
        config = settings(arm, args)
        search = found(config, args.seed)
        proved, states = rs.extract(search.winner[1][None], config)
        grammar = rs.GRAMMARS[config.grammar]
        draw_grammar(left, config.grammar)
        draw_net(right, states if len(states) <= 16 and len(states[-1]) == 5 else states[:1], config.grammar)
        left.set_title(f"#{config.grammar}: {grammar.language}", fontsize=10)
        right.set_title(f"net of trial {search.winner[0] + 1:,}: {len(states)} boxes, "
                        + ("proved equal" if proved else "not proved"), fontsize=10)
    figure.suptitle("Guessed nets are automata (colours: states of the grammar; ring: accepts)", x=0.01, ha="left",
                    fontsize=11, fontweight="bold", y=0.985)
    return figure


def trials(args):
    """Trials of the searches in the setting closest to the paper's counts, and what gradient-trained nets took."""
    r = pooled(*rs.CLOSEST.values())
    if len(r) < 3:
        return None
    figure, axes = plt.subplots(3, 1, figsize=(7, 6.4), sharex=True)
    edges = np.geomspace(1, 4e5, 46)
    for axis, (grammar, arm) in zip(axes, rs.CLOSEST.items()):
        values = r[arm]["trials"]
        mean, half = rs.mean_ci(values)
        axis.hist(values, edges, color=COLOURS[grammar], alpha=0.75)
        cumulative = 1 - (1 - 1 / mean) ** (np.ceil(edges) - 1)
        axis.stairs(np.diff(cumulative) * len(values), edges, color=INK, linewidth=1.3, label="geometric law")
        axis.axvline(rs.PAPER[grammar, "A1"], color=RED, linestyle="--", linewidth=1.6, label="the paper's mean")
        axis.axvline(mean, color=INK, linestyle=":", linewidth=1.6, label="mean here")
        axis.axvspan(*PRESENTATIONS[grammar], color=MUTED, alpha=0.25, linewidth=0, label="gradient, strings shown")
        axis.set(xscale="log", ylabel="searches")
        axis.set_title(f"#{grammar}, {rs.WAYS[grammar]}: mean {mean:,.0f} ± {half:,.0f} over {len(values)}; paper "
                       f"{rs.PAPER[grammar, 'A1']:,}", fontsize=10)
    axes[0].legend(loc="upper left", fontsize=8)
    axes[-1].set(xlabel="trials (guessed weight vectors) until one is right on 100 strings", xlim=(1, 4e5))
    return figure


def grid(args):
    """Guesses per solver in every combination of what the paper leaves open."""
    r = pooled(*rs.GRID)
    if not r:
        return None
    figure, axis = plt.subplots(figsize=(7, 4.4))
    rows, columns = list(rs.PAPER), list(rs.SETTINGS_GRID)
    for y, (grammar, net) in enumerate(rows):
        for x, (member, negatives) in enumerate(columns):
            arm = rs.named(grammar, net, member, negatives)
            text, colour, dark = "not yet\nrecorded", "white", False
            if arm in r:
                mean, _ = rs.per_solver(r[arm])
                tried = r[arm]["tried"].sum()
                text, colour = (f"{mean:,.0f}", None) if mean == mean else (f"none in\n{tried:,.0f}", "#dddddd")
                ratio = mean / rs.PAPER[grammar, net]
            if colour is None:
                colour = plt.cm.PuOr(0.5 - np.clip(np.log2(ratio) / 10, -0.38, 0.38))
                text, dark = f"{text}\n({ratio:.2g} × paper)", abs(np.log2(ratio)) > 2.5
            axis.add_patch(plt.Rectangle((x + 0.03, y + 0.04), 0.94, 0.92, facecolor=colour, edgecolor=GRID))
            axis.text(x + 0.5, y + 0.5, text, ha="center", va="center", fontsize=8.5, color="white" if dark else INK)
    names = {"A1": lambda g: f"A1({rs.UNITS[g]})", "A2": lambda g: "A2"}
    axis.set(xlim=(0, 4), ylim=(6, 0), xticks=np.arange(4) + 0.5, yticks=np.arange(6) + 0.5)
    axis.set_xticklabels([f"members {member},\n{negatives}" for member, negatives in columns])
    axis.set_yticklabels([f"#{g}, {names[net](g)}\npaper: {rs.PAPER[g, net]:,}" for g, net in rows])
    axis.tick_params(length=0, colors=INK)
    axis.xaxis.tick_top()
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.set_title("Guesses a solver, by what the paper leaves open", pad=38, loc="center")
    return figure


def reading(args):
    """The output of a net for #4 on a member, and on the same string with 000 written in at step 300."""
    config = settings("4-A1-out-near", args)
    search = found(config, args.seed)
    length = 550 if config.grammar == 4 else 45
    bits = rs.draw(np.random.default_rng([args.seed, 9]), config.grammar, True, np.array([length]))[:, 0]
    at, flawed = length * 6 // 11, bits.copy()
    flawed[at:at + 3] = 0
    figure, axes = plt.subplots(2, 1, figsize=(7, 4.6), sharex=True)
    span = slice(max(0, at - 40), at + 41)
    steps = np.arange(length)[span] + 1
    for axis, string, name in zip(axes, (bits, flawed), ("a member", "the same with 000 written in")):
        o, _ = outputs(search.winner[1][None], config, string)
        axis.axhspan(-0.1, 0.1, color=GREEN, alpha=0.15, linewidth=0)
        axis.axhspan(0.9, 1.1, color=RED, alpha=0.12, linewidth=0)
        axis.plot(steps, o[span], color=BLUE, drawstyle="steps-mid")
        axis.plot(steps[string[span] == 0], np.full((string[span] == 0).sum(), -0.32), "|", color=INK, markersize=7)
        axis.set(ylim=(-0.5, 1.35), yticks=(0, 1), ylabel="output o")
        axis.set_title(f"{name}: at the end, after {length} symbols, o = {o[-1]:.3f}", fontsize=10)
    axes[1].axvline(at + 1, color=RED, linestyle=":", linewidth=1.4)
    axes[1].set(xlabel="step (ticks: a 0 is read)", xlim=(steps[0], steps[-1]))
    figure.suptitle(f"One flaw at step {at + 1} is never forgiven (green: accepts, red: rejects)", x=0.01, ha="left",
                    fontsize=11, fontweight="bold")
    return figure


def generalisation(args):
    """How good the winners are, by ever stricter standards."""
    r = pooled(*rs.CLOSEST.values())
    if len(r) < 3:
        return None
    bars = (("fresh strings, same kind", lambda m: m["accuracy"].mean(), BLUE),
            ("fresh strings, other kind of non-members", lambda m: m["cross"].mean(), SKY),
            ("winners right on all strings up to 12", lambda m: (m["short"] == 1).mean(), ORANGE),
            ("winners proved equal to the grammar", lambda m: m["proved"].mean(), GREEN))
    figure, axis = plt.subplots(figsize=(7, 3.9))
    for y, arm in enumerate(rs.CLOSEST.values()):
        for k, (label, value, colour) in enumerate(bars):
            share = 100 * value(r[arm])
            axis.barh(y + (k - 1.5) * 0.2, share, 0.18, color=colour, label=None if y else label)
            axis.text(share + 1, y + (k - 1.5) * 0.2, f"{share:.1f} %", va="center", fontsize=8)
    axis.set(ylim=(2.5, -0.5), xlim=(0, 112), yticks=range(3), xlabel="right, or winners (%)")
    axis.set_yticklabels([f"#{g}: {rs.GRAMMARS[g].language}\n{rs.WAYS[g]}" for g in rs.CLOSEST])
    axis.tick_params(axis="y", colors=INK, length=0)
    axis.grid(axis="y", visible=False)
    axis.legend(loc="upper center", bbox_to_anchor=(0.4, -0.16), ncols=2, fontsize=8)
    proved = [r[arm]["proved"].mean() for arm in rs.CLOSEST.values()]
    axis.set_title("Right on the test set, but is it the grammar?\n"
                   f"That is proved of {min(proved):.0%} to {max(proved):.0%} of the winners")
    return figure


if __name__ == "__main__":
    sys.exit(draw([automata, trials, grid, reading, generalisation]))
