"""Draw the animation of levin-add-positions: python3 make_levin_add_positions_gif.py [--seed K] [--out FOLDER]"""
import levin_add_positions as levin                                               # first: it sets the threads
from levin_add_positions import complain, write_whole
from visualize_levin_add_positions import ENDS, FIND, FOUND, GRID, INK, MUTED, plt

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

CELLS = 12                                                                        # cells of the tapes that are shown


def guessed(count, seed):
    """Return the first `count` guessed programs of a seed that wrote two weights at least: (number, tape, listing, why,
    steps, weights)."""
    config, split, log, number = levin.Config(), levin.chance(levin.streams(seed, 0)[1]), [], 0
    m = levin.Machine("pointer")
    blank = m.state()
    while len(log) < count:
        number += 1
        for _, why, t, _, _ in levin.descend(m, 1, split, config):
            if m.wp > 1:
                log.append((number, m.c[:m.top + 1], levin.listing(m), why, t, m.w.copy()))
        m.restore(blank)
    return log


def draw_tapes(axis, tape, work, at, colour):
    """Draw the work tape (addresses below 0) and the program tape, the cell at address `at` (None: none) marked."""
    axis.clear()
    axis.set(xlim=(-2.6, CELLS + 0.4), ylim=(-0.5, 1.35))
    axis.axis("off")
    cells = list(zip(range(-len(work), 0), work)) + list(enumerate(tape[:CELLS]))
    for place, cell in cells:
        shift = place - 0.35 * (place < 0)
        axis.add_patch(plt.Rectangle((shift, 0), 0.92, 0.9, facecolor="#fff3d6" if place == at else
                                     "#e5f3ee" if place < 0 else "white", edgecolor=colour,
                                     linewidth=2.4 if place == at else 1.2))
        axis.text(shift + 0.46, 0.44, cell, ha="center", va="center", fontsize=11)
        axis.text(shift + 0.46, -0.24, place, ha="center", va="center", fontsize=8, color=MUTED)
    if work:
        axis.text(-0.35 - len(work), 1.08, "work tape", fontsize=8, color=MUTED)
    if tape:
        axis.text(0, 1.08, "program", fontsize=8, color=MUTED)
    if len(tape) > CELLS:
        axis.text(CELLS + 0.05, 0.4, "...", fontsize=11)


def draw_weights(axis, w, ramp):
    """Draw the 100 weights as bars, green where they are right."""
    axis.clear()
    axis.plot((0, 99), (0, 99), color=MUTED, linestyle=":", linewidth=1)
    colours = [FOUND if value == i else "#bbbbbb" for i, value in enumerate(w)]
    axis.bar(range(100), np.clip(w, -12, 108), color=colours, width=0.85)
    axis.set(xlim=(-1, 100), ylim=(-12, 108), xlabel="weight", ylabel="value")
    axis.set_title(f"{ramp} of 100 weights written and right; dotted: all that are wanted", fontsize=10,
                   fontweight="normal")
    axis.grid(color=GRID)


def frames(args):
    """Yield the figure, redrawn: guessed programs that come to nothing, then the one that counts, running."""
    figure = plt.figure(figsize=(7.2, 4.5), dpi=100, layout="none")
    tapes, weights = (figure.add_axes(box) for box in ((0.01, 0.6, 0.98, 0.24), (0.085, 0.115, 0.88, 0.35)))
    title = figure.text(0.02, 0.935, "", fontsize=13, fontweight="bold")
    caption = figure.text(0.02, 0.87, "", fontsize=9.5)
    program = figure.text(0.02, 0.545, "", fontsize=8.5, family="monospace")
    for number, tape, text, why, t, w in guessed(6 if args.preset == "quick" else 26, args.seed):
        title.set_text(f"Guessed program {number:,}")
        caption.set_text(f"ended at step {t:,}: {why}")
        caption.set_color(ENDS[why] if why != levin.NONE else INK)
        program.set_text(text[:95] + " ..." if len(text) > 98 else text)
        draw_tapes(tapes, tape, [], None, ENDS[why])
        draw_weights(weights, w, sum(value == i > 0 for i, value in enumerate(w)))
        yield figure
    m, ip, t = levin.Machine("pointer"), 0, 0
    m.c[:len(FIND)], m.top = FIND, len(FIND) - 1
    program.set_text(levin.listing(m))
    caption.set_color(INK)
    for stop in [*range(1, 13), *range(16, 403, 10), 402]:
        at, (why, ip, t) = ip, levin.run(m, ip, t, stop)
        title.set_text("Found by systematic search: cell -1 counts and is written")
        caption.set_text(f"step {t:,}" if why == levin.TIME else
                         f"step {t:,}: {why}. Right on all 161,697 inputs that it has not seen")
        draw_tapes(tapes, FIND, m.c[-min(2, -m.low):] if m.low else [], at if stop <= 12 else
                   ip if why == levin.TIME else None, FOUND)
        draw_weights(weights, m.w, min(m.wp, 100))
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=6))
