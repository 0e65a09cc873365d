"""Draw the animation of oops-towers-of-hanoi: python3 make_oops_towers_of_hanoi_gif.py [--seed K] [--out FOLDER]"""
import oops_towers_of_hanoi as oops                                               # first: it sets the threads
from oops_towers_of_hanoi import complain, write_whole
from visualize_oops_towers_of_hanoi import DISKS, ENDS, GREEN, GRID, INK, MUTED, PEGS, plt, trace

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

SHOWN = ["up", "rt0", "dec", "copy", "xAD", "call", "copy", "mvdsk", "xSA", "call", "copy", "ret"]
PLACE = [None, 0, 1, 2, 3, 3, 4, 5, 5, 6, 6, 7, 8, 9, 9, 10, 10, 11]              # of the cells, from def on
FIRST = 5                                                                         # the cell of def
ACTS = {"xAD", "mvdsk", "xSA"}


def flicker(kind, sizes, most, prior):
    """Yield (steps granted, prefix, its end) of some prefixes of the subsearches for all of the sizes at once."""
    for k in range(8, most):
        search = oops.Try(oops.LIBRARY.copy(), kind, sizes, (), 2 ** k)
        tokens = search.search(len(oops.LIBRARY), prior)
        yield from ((2 ** k, *sample) for sample in search.samples[-2:])
        if tokens:
            return


def draw_boxes(axis, names, lit, colour, caption):
    """Draw tokens as boxes, the one at place `lit` filled."""
    axis.clear()
    axis.set(xlim=(0, 12.2), ylim=(-0.1, 1.75))
    axis.axis("off")
    axis.text(0.05, 1.25, caption, fontsize=10)
    for place, name in enumerate(names[:12]):
        axis.add_patch(plt.Rectangle((place * 1.01 + 0.05, 0), 0.95, 0.95, edgecolor=colour, linewidth=1.6,
                                     facecolor=colour if place == lit else "white"))
        axis.text(place * 1.01 + 0.525, 0.46, name, ha="center", va="center", fontsize=8.5,
                  color="white" if place == lit else INK)


def draw_pegs(axis, pegs, n):
    """Draw disks on three pegs; pegs: bit sets, bit 0 the smallest."""
    axis.clear()
    axis.set(xlim=(0.4, 3.6), ylim=(-0.5, 6))
    axis.axis("off")
    axis.plot((0.45, 3.55), (0, 0), color=INK, linewidth=2)
    for place, disks in enumerate(pegs[:3], 1):
        axis.plot((place, place), (0, n + 0.7), color=MUTED, linewidth=2, zorder=1)
        axis.text(place, -0.1, PEGS[place - 1], ha="center", va="top", fontsize=10)
        for height, disk in enumerate(disk for disk in reversed(range(n)) if disks >> disk & 1):
            width = 0.24 + 0.62 * (disk + 1) / n
            axis.add_patch(plt.Rectangle((place - width / 2, height + 0.06), width, 0.88, facecolor=DISKS[n - disk - 1],
                                         edgecolor="white", zorder=2))


def draw_wanted(axis, kind):
    """Draw what is wanted: the answers for class A, the disks for Hanoi."""
    if kind == "H":
        return draw_pegs(axis, (0b11, 0, 0), 2)
    axis.clear()
    axis.set(xlim=(0.4, 3.6), ylim=(-0.5, 6))
    axis.axis("off")
    axis.text(0.5, 4.6, "wanted on the second stack", fontsize=10)
    for n in (1, 2, 3):
        axis.text(0.5, 4.7 - 1.1 * n, f"n = {n}:    {'1 ' * n}{'2 ' * n}", fontsize=13, family="monospace")


def draw_log(axis, log):
    """Draw the last prefixes, the newest on top, in the colours of their ends."""
    axis.clear()
    axis.set(xlim=(0, 1), ylim=(0, 8))
    axis.axis("off")
    for row, (_, prefix, why) in enumerate(reversed(log[-8:])):
        axis.plot(0.01, 7.4 - row, "s", color=ENDS[why][0], markersize=6)
        axis.text(0.05, 7.4 - row, prefix if len(prefix) < 44 else prefix[:40] + " ...", fontsize=8, va="center",
                  color=MUTED if row else INK)


def draw_calls(axis, depths, n):
    """Draw how many calls are nested, up to now."""
    axis.clear()
    axis.axis("on")
    axis.fill_between(range(len(depths)), depths, step="post", color="#dbe9f6", linewidth=0)
    axis.step(range(len(depths)), depths, where="post", color=INK, linewidth=1)
    axis.set(xlim=(0, max(60, len(depths))), ylim=(0, n + 3.5), yticks=range(0, n + 3, 2), xlabel="instruction")
    axis.set_title("nested calls", fontsize=10, fontweight="normal")
    axis.grid(color=GRID)


def frames(args):
    """Yield the figure, redrawn: prefixes that come to nothing, the two programs, then the Hanoi program at work."""
    quick = args.preset == "quick"
    figure = plt.figure(figsize=(7.2, 4.3), dpi=100, layout="none")
    tape, left, right = (figure.add_axes(box) for box in ((0.02, 0.58, 0.96, 0.26), (0.03, 0.03, 0.47, 0.5),
                                                          (0.56, 0.13, 0.41, 0.34)))
    title = figure.text(0.02, 0.93, "", fontsize=13, fontweight="bold")
    note = figure.text(0.02, 0.87, "", fontsize=9.5, color=MUTED)
    prior = oops.first_prior("L8", "uniform", np.random.default_rng(np.random.SeedSequence([args.seed, 0])))
    for kind, sizes, name, program, most in (("A", (1, 2, 3), "$1^n 2^n$", oops.RAMP, 26),
                                             ("H", (1, 2), "Towers of Hanoi", oops.HANOI, 18 if quick else 25)):
        log = list(flicker(kind, sizes, 13 if quick else most, prior))[-26:]
        for row, (steps, prefix, why) in enumerate(log, 1):
            title.set_text(f"Searching for {name}")
            note.set_text(f"{steps:,} steps for all prefixes together")
            draw_boxes(tape, prefix.split(), None, ENDS[why][0], ENDS[why][1])
            draw_wanted(left, kind)
            draw_log(right, log[:row])
            yield figure
        title.set_text(f"Found and frozen: {name}")
        note.set_text("one program for every n: it calls itself")
        for _ in range(5):
            draw_boxes(tape, program.split(), None, GREEN, ENDS[oops.SOLVED][1])
            yield figure
    for n in (2,) if quick else (3, 5):
        depths, before = [], None
        for ip, depth, now, _ in trace(n):
            cell = ip - oops.STACK - FIRST
            place = PLACE[cell] if 0 <= cell < len(PLACE) else None
            if place is None:
                continue
            depths.append(depth)
            moved, before = before is not None and now != before, now
            if moved or n == 3 and SHOWN[place] in ACTS:
                title.set_text(f"The program moves {n} disks")
                note.set_text(f"{now[3]} of {2 ** n - 1} moves")
                draw_boxes(tape, SHOWN, place, GREEN, "the procedure that it wrote onto its data stack")
                draw_pegs(left, now, n)
                draw_calls(right, depths, n)
                yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=6))
