"""Draw the animation of nbb-xor: python3 make_nbb_xor_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
import nbb_xor as xor                                                             # first: it sets the threads
from nbb_xor import complain, write_whole
from visualize_nbb_xor import (BLOCKS, BLUE, GRID, INK, MUTED, NAMES, SOLVED, history, last_failures, plt, settings,
                               typical)

# --- idiom: gif ---
import argparse
import sys
from pathlib import Path

import numpy as np
from PIL import Image


def animate(frames, argv=None, fps=12):
    """Parse --seed, --preset and --out; write the matplotlib Figures that frames(args) yields as a GIF.

    Returns the exit status. All frames share one palette, taken from eight of them; the last is held for two seconds.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.error = lambda message: sys.exit(complain(message))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--preset", choices=("quick", "default"), default="default", help="quick: small, for tests")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the animation")
    args = parser.parse_args(argv)
    if args.seed < 0:
        parser.error("--seed counts from 0")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        images = []
        for figure in frames(args):
            figure.canvas.draw()
            images.append(Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3]))
        some = [np.asarray(image) for image in images[::-max(1, len(images) // 8)]]
        palette = Image.fromarray(np.concatenate(some)).quantize(64, method=Image.Quantize.MAXCOVERAGE, kmeans=2)
        stills = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
        pause = round(1000 / fps)
        target = args.out / (Path(__file__).stem.removeprefix("make_").removesuffix("_gif") + ".gif")
        write_whole(target, lambda part: stills[0].save(part, "GIF", save_all=True, append_images=stills[1:], loop=0,
                                                       duration=[pause] * (len(stills) - 1) + [2000], optimize=True))
        print(target)
        return 0
    except KeyboardInterrupt:
        return complain("interrupted; nothing half-written", 130)
    except (OSError, MemoryError) as error:
        return complain(error)
# --- end of idiom ---

INPUTS = [(0.0, 2.3), (0.0, 1.4), (0.0, 0.5)]                                     # x1, x2, the always-on unit
HIDDEN = [(1.5, 2.75), (1.5, 2.05), (1.5, 1.35)]
OUTPUTS = [(3.0, 0.9), (3.0, 1.9)]                                                # for the answers 0 and 1
ENDS = {"W": (INPUTS, HIDDEN), "U": (INPUTS, OUTPUTS), "V": (HIDDEN, OUTPUTS)}
REST = {"x": np.zeros(3), "h": np.zeros(3), "o": np.zeros(2)}


def way(block, i, j):
    """Return 25 points from unit i to unit j of a block; the shortcut bends below the hidden units."""
    (x0, y0), (x1, y1) = ENDS[block][0][i], ENDS[block][1][j]
    s = np.linspace(0, 1, 25)
    return x0 + s * (x1 - x0), y0 + s * (y1 - y0) - (block == "U") * 0.75 * np.sin(np.pi * s)


def ticks(net, pattern, size):
    """Yield (caption, on, payments) while a pattern is shown to one net with its weights frozen.

    on: the activations of the inputs x, the hidden units h and the outputs o; payments: (block, i, j) of every
    connection from i to j along which substance flows back.
    """
    x = xor.PATTERNS[pattern]
    h, share, paid = np.zeros((net.W.shape[1], 1), np.float32), np.zeros_like(net.W), np.zeros((2, 1))
    on = {**REST, "x": x}
    yield "tick 1: the inputs come on", on, []
    for caption in ("tick 2: one hidden unit wins, one output", "tick 3: outputs see the hidden winner too"):
        h, share, o = xor.tick(net, x[:, None], h, share, paid, size, np.float32(0), np.float32(0))
        on = {"x": x, "h": h[:, 0], "o": o[:, 0]}
        yield caption, on, []
    winner, answer = h[:, 0].argmax(), o[:, 0].argmax()
    yield "... the output pays the hidden winner ...", on, [("V", winner, answer)]
    yield "one tick later: shared by those that made it win", on, [("W", i, winner) for i in np.flatnonzero(x)]


def draw_net(axis, net, on, payments, caption, answer):
    """Draw the net: weights as widths, units that are on filled, payments as dots on their way back."""
    active = {"W": (on["x"], on["h"]), "U": (on["x"], on["o"]), "V": (on["h"], on["o"])}
    axis.clear()
    axis.set(xlim=(-0.55, 3.75), ylim=(-0.74, 3.2))
    axis.axis("off")
    for (block, (_, colour)), weights in zip(BLOCKS.items(), net):
        before, after = active[block]
        for (i, j), weight in np.ndenumerate(weights[..., 0]):
            busy = before[i] * after[j] > 0
            axis.plot(*way(block, i, j), color=colour, linewidth=0.6 + 7 * weight, alpha=0.95 if busy else 0.28,
                      solid_capstyle="butt", zorder=2 if busy else 1)
    for units, spots, names in (("x", INPUTS, ("$x_1$", "$x_2$", "1")), ("h", HIDDEN, "   "), ("o", OUTPUTS, "01")):
        for lit, (x, y), name in zip(on[units], spots, names):
            fill = INK if lit else "white"
            if units == "o" and lit and answer is not None:
                fill = SOLVED if answer else MUTED
            axis.add_patch(plt.Circle((x, y), 0.17, facecolor=fill, edgecolor=INK, linewidth=1.5, zorder=4))
            axis.text(x, y - 0.01, name, ha="center", va="center", fontsize=11, color="white" if lit else INK, zorder=5)
    for block, i, j in payments:
        x, y = way(block, i, j)
        for place, size in ((18, 5), (14, 8), (9, 11)):                           # a dot with a tail, from j towards i
            axis.plot(x[place], y[place], "o", color="white", markeredgecolor=INK, markersize=size, zorder=6)
    if payments and payments[0][0] == "V" and answer:
        y = OUTPUTS[payments[0][2]][1]
        axis.annotate("payoff", (3.2, y), (3.73, y + 0.42), ha="right", fontsize=10, color=SOLVED,
                      arrowprops={"arrowstyle": "->", "color": SOLVED, "linewidth": 2}, zorder=6)
    for block, x, y, name in (("W", 0.55, 2.9, "W"), ("V", 2.35, 2.75, "V"), ("U", 1.5, -0.33, "U, the shortcut")):
        axis.text(x, y, name, color=BLOCKS[block][1], fontsize=11, ha="center", fontweight="bold")
    axis.text(1.6, -0.6, caption, ha="center", fontsize=10)


def draw_table(axis, right, shown):
    """Draw the truth table: a tile is green where the net, its weights frozen, is right."""
    axis.clear()
    axis.set(xlim=(0, 4), ylim=(0, 1.25))
    axis.axis("off")
    for place, (name, target, good) in enumerate(zip(NAMES, xor.TARGETS, right)):
        axis.add_patch(plt.Rectangle((place + 0.07, 0.1), 0.86, 0.82, facecolor=SOLVED if good else "#d5d5d5",
                                     edgecolor=INK if place == shown else "white", linewidth=3))
        axis.text(place + 0.5, 0.51, f"{name[0]} {name[1]}\n→ {target}", ha="center", va="center", fontsize=12,
                  color="white" if good else INK, linespacing=1.4)
    axis.text(0.07, 1.08, f"{sum(right)} of 4 right", fontsize=11, fontweight="bold", color=INK)


def draw_progress(axis, cycles, share, own, now):
    """Draw the share of nets that are right up to now, with a bar code of the moments at which this one was."""
    axis.clear()
    axis.plot(cycles[:now + 1], 100 * share[:now + 1], color=BLUE)
    axis.plot(cycles[now], 100 * share[now], "o", color=BLUE)
    axis.vlines(cycles[:now + 1][own[:now + 1]], -28, -10, color=SOLVED, linewidth=0.7)
    axis.set(xlim=(0, cycles[-1]), ylim=(-30, 105), yticks=(0, 50, 100), xlabel="cycles per pattern")
    axis.set_title("% of all nets right; green: this net", fontsize=10, fontweight="normal")
    axis.grid(color=GRID)


def frames(args):
    """Yield the figure, redrawn: the four patterns at four moments of one net's life, and the learning between."""
    config = settings("one-of-3", args)
    solved, weights = history(config, args.seed)
    which = typical(solved)
    own, last = solved[:, which], int(last_failures(solved)[which])
    cycles = np.arange(1, len(solved) + 1) / 4
    smooth = np.convolve(solved.mean(1), np.ones(40) / 40)[:len(solved)]
    first = int(own.argmax()) if own.any() else len(solved) // 3
    wrong = np.flatnonzero(~own[:last]) if last else np.array([0])
    middle = int(wrong[np.abs(wrong - (first + last) / 2).argmin()])
    moments = [0, first, max(first, middle), len(solved) - 1][::3 if args.preset == "quick" else 1]
    figure = plt.figure(figsize=(7.2, 4.2), dpi=100, layout="none")
    diagram, table, progress = (figure.add_axes(box) for box in ((0.005, 0.0, 0.575, 0.89), (0.61, 0.47, 0.375, 0.42),
                                                                 (0.665, 0.125, 0.31, 0.27)))
    title = figure.text(0.02, 0.93, "", fontsize=13, fontweight="bold")

    def redraw(step, on, payments, caption, shown=None):
        net = xor.Net(*(block[step][..., which, None] for block in weights))
        right = xor.answer(net, config.units)[:, 0] == xor.TARGETS
        title.set_text(f"A bucket brigade learns XOR: after {cycles[step]:,.0f} cycles per pattern")
        draw_net(diagram, net, on, payments, caption, None if shown is None else right[shown])
        draw_table(table, right, shown)
        draw_progress(progress, cycles, smooth, own, step)
        return figure

    for moment, until in zip(moments, moments[1:] + [None]):
        net = xor.Net(*(block[moment][..., which, None].copy() for block in weights))
        for pattern in range(4):
            for caption, on, payments in ticks(net, pattern, config.units):
                yield redraw(moment, on, payments, caption, pattern)
        if until is not None:
            for step in np.linspace(moment, until, 8).astype(int)[1:-1]:
                yield redraw(step, REST, [], "learning goes on")
    yield redraw(moments[-1], REST, [], "substance that is left: width of the lines")


if __name__ == "__main__":
    sys.exit(animate(frames, fps=6))
