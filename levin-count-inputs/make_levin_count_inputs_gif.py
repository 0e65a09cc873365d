"""Draw the animation of levin-count-inputs: python3 make_levin_count_inputs_gif.py [--seed K] [--out FOLDER]"""
import levin_count_inputs as levin                                                # first: it sets the threads
from levin_count_inputs import complain, write_whole
from visualize_levin_count_inputs import ENDS, FOUND, GRID, INK, MUTED, ORANGE, plt, replace

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

CELLS = 14                                                                        # cells of the tape that are shown


def guessed(config, seed):
    """Return what happened in the first search of a seed that took 200 to 800 programs (else the last one tried):
    a list of (Run, tape, listing, weights), the machine's state copied while it was live."""
    for i in range(config.searches):
        log = [(one, one.machine.c[:one.machine.top + 1], levin.listing(one.machine), one.machine.w.copy())
               for one in levin.search(config, seed, i)]
        if 200 <= len(log) <= 800 and log[-1][0].t < 400:
            break
    return log


def draw_tape(axis, tape, at, colour):
    """Draw the program tape, the cell at address `at` (or none: -1) marked."""
    axis.clear()
    axis.set(xlim=(-0.1, CELLS + 0.3), ylim=(-0.45, 1.1))
    axis.axis("off")
    for place, cell in enumerate(tape[:CELLS]):
        axis.add_patch(plt.Rectangle((place, 0), 0.92, 0.9, facecolor="#fff3d6" if place == at else "white",
                                     edgecolor=colour, linewidth=2.4 if place == at else 1.2))
        axis.text(place + 0.46, 0.44, cell, ha="center", va="center", fontsize=11)
        axis.text(place + 0.46, -0.22, place, ha="center", va="center", fontsize=8, color=MUTED)
    if len(tape) > CELLS:
        axis.text(CELLS + 0.05, 0.4, "...", fontsize=11)


def draw_weights(axis, w):
    """Draw the weights, ten a row: 0 grey, 1 green, anything else orange."""
    axis.clear()
    colours = np.array([plt.matplotlib.colors.to_rgb(c) for c in ("#e8e8e8", FOUND, ORANGE)])
    axis.imshow(colours[[0 if v == 0 else 1 if v == 1 else 2 for v in w]].reshape(10, 10, 3))
    axis.set(xticks=np.arange(-0.5, 10), yticks=np.arange(-0.5, 10), xticklabels=[], yticklabels=[])
    axis.grid(color="white", linewidth=1.5)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_title(f"{sum(v == 1 for v in w)} of 100 weights are 1", fontsize=10, fontweight="normal")


def draw_ends(axis, counts):
    """Draw how the programs so far ended."""
    axis.clear()
    for row, (why, colour) in enumerate(ENDS.items()):
        axis.barh(row, counts.get(why, 0), color=colour, height=0.65)
        axis.text(counts.get(why, 0) + 0.02 * max(10, *counts.values(), 10), row, f"{counts.get(why, 0):,}",
                  va="center", fontsize=9)
    axis.set(yticks=range(len(ENDS)), yticklabels=list(ENDS), ylim=(len(ENDS) - 0.4, -0.6),
             xlim=(0, 1.18 * max(10, *counts.values(), 10)))
    axis.set_title("how the programs ended", fontsize=10, fontweight="normal")
    axis.tick_params(axis="y", colors=INK, length=0)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color=GRID)


def frames(args):
    """Yield the figure, redrawn: guessed programs that end for their own reasons, then the one that fits, running."""
    config = replace(levin.Config(), searches=20, programs=2000)
    if args.preset == "quick":
        config = replace(config, searches=2, programs=300)
    log = guessed(config, args.seed)
    figure = plt.figure(figsize=(7.2, 4.3), dpi=100, layout="none")
    tape_axis, ends_axis, weight_axis = (figure.add_axes(box) for box in (
        (0.02, 0.6, 0.96, 0.22), (0.235, 0.1, 0.36, 0.36), (0.66, 0.05, 0.3, 0.42)))
    title = figure.text(0.02, 0.93, "", fontsize=13, fontweight="bold")
    caption = figure.text(0.02, 0.855, "", fontsize=9.5)
    program = figure.text(0.02, 0.55, "", fontsize=8.5, family="monospace")
    busy = [k for k, (_, tape, _, _) in enumerate(log[:-1]) if k < 8 or len(tape) > 1]        # and not mere Stops
    shown = {busy[k] for k in np.unique(np.geomspace(1, len(busy), 60).astype(int) - 1)}
    counts = {}
    for k, (one, tape, text, w) in enumerate(log):
        counts[one.why] = counts.get(one.why, 0) + 1
        if k in shown:
            title.set_text(f"Levin search guesses programs: number {one.step:,}")
            caption.set_text(f"ended at step {one.t:,}: {one.why}")
            caption.set_color(ENDS[one.why] if one.why != levin.NONE else INK)
            program.set_text((text[:95] + " ..." if len(text) > 98 else text) or "(no instruction)")
            draw_tape(tape_axis, tape, -1, ENDS[one.why])
            draw_ends(ends_axis, counts)
            draw_weights(weight_axis, w)
            yield figure
    m, ip, t = levin.Machine("pointer"), 0, 0
    m.c[:len(tape)], m.top = tape, len(tape) - 1
    program.set_text(text[:95] + " ..." if len(text) > 98 else text)
    stops = np.unique(np.concatenate([np.arange(1, 9), np.linspace(8, one.t, 26)]).astype(int))
    for stop in stops:
        at, (_, ip, t) = ip, levin.run(m, ip, t, stop)
        title.set_text(f"Number {one.step:,} fits the three examples" if stop == one.t else
                       f"Levin search guesses programs: number {one.step:,}")
        caption.set_text(f"step {t:,}" + f": {one.why}. P = {one.P:.2g}; right on every unseen input" *
                         bool(stop == one.t and sum(v == 1 for v in m.w) == 100))
        caption.set_color(INK)
        draw_tape(tape_axis, tape, at if stop <= 8 else ip if stop < one.t else -1, FOUND)
        draw_weights(weight_axis, m.w)
        if stop == one.t:
            draw_ends(ends_axis, counts)
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=5))
