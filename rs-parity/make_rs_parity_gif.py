"""Draw the animation of rs-parity: python3 make_rs_parity_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
from dataclasses import replace

import rs_parity as rs                                                            # first: it sets the threads
from rs_parity import complain, write_whole
from visualize_rs_parity import BLUE, INK, MUTED, RED, plt, settings, trajectory

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

COLUMNS, BATCH = 32, 256                                                          # tiles a row; guesses a batch
GREY = "#d5d5d5"


def draw_tiles(axis, search, first):
    """One tile per guess of the batch: dark while in play, grey when rejected, green for the winner."""
    axis.clear()
    axis.set(xlim=(0, COLUMNS), ylim=(BATCH // COLUMNS, 0))
    axis.axis("off")
    playing = dict(zip(search.index.tolist(), search.passed.tolist()))
    for number in range(first, min(first + BATCH, len(search.shown))):
        place = number - first
        x, y = place % COLUMNS, place // COLUMNS
        winner = search.winner is not None and number == search.winner[0]
        behind = search.winner is not None and number > search.winner[0]
        colour = BLUE if number in playing or winner else "white" if behind else GREY
        axis.add_patch(plt.Rectangle((x + 0.06, y + 0.06), 0.88, 0.88, facecolor=colour,
                                     edgecolor=RED if winner else GREY, linewidth=2 if winner else 0.5))
        if number in playing or winner:
            axis.text(x + 0.5, y + 0.52, rs.SEQUENCES if winner else playing[number], ha="center", va="center",
                      fontsize=6 if winner else 7, color="white")


def draw_counts(axis, counts):
    """How many guesses of the batch are still in play after each look."""
    axis.clear()
    axis.bar(range(len(counts)), counts, color=BLUE)
    for place, count in enumerate(counts):
        axis.text(place, count * 1.15, count, ha="center", fontsize=8)
    axis.set(yscale="log", ylim=(0.5, 700), xlim=(-0.6, len(rs.STAGES) + 0.6), xlabel="sequences seen",
             xticks=range(len(rs.STAGES) + 1), yticks=(1, 10, 100))
    axis.set_xticklabels(["0", *map(str, rs.STAGES)])
    axis.set_yticklabels(("1", "10", "100"))
    axis.set_title("guesses in play", fontsize=10)


def draw_reading(axis, x, o, now, span=50):
    """The winner's output against the running parity, up to step `now`."""
    axis.clear()
    start = max(0, now - span)
    steps, parity = np.arange(start + 1, now + 1), (x > 0).cumsum() % 2
    axis.step(steps, parity[start:now], where="mid", color=GREY, linewidth=5, label="parity of the 1s so far")
    axis.step(steps, o[start:now], where="mid", color=BLUE, linewidth=1.6, label="output")
    ones = x[start:now] > 0
    axis.plot(steps[ones], np.full(ones.sum(), -0.25), "|", color=INK, markersize=7)
    axis.set(xlim=(start + 0.5, start + span + 1), ylim=(-0.45, 1.75), yticks=(0, 1),
             xlabel="step (ticks: a 1 is read)")
    axis.legend(loc="upper right", ncols=2)


def frames(args):
    """Yield the figure, redrawn: batches of guesses thinned sequence by sequence, then the winner at work."""
    config = replace(settings("A2-", args), simulations=1, batch=BATCH, lanes=1)
    figure, axes = plt.subplot_mosaic([["tiles", "tiles"], ["counts", "reading"]], figsize=(7, 4.6), dpi=100,
                                      height_ratios=(1.2, 1), width_ratios=(1, 1.6))
    search, looks = rs.Search(config, args.seed, 0), 0
    axes["reading"].axis("off")
    while search.winner is None and looks < 60:
        search.draw()
        first, counts = len(search.shown) - BATCH, [BATCH]
        while True:
            draw_tiles(axes["tiles"], search, first)
            draw_counts(axes["counts"], counts)
            known = "no net gets all 100 right yet" if search.winner is None else (
                f"trial {search.winner[0] + 1:,} gets all 100 right")
            axes["tiles"].set_title(f"Guesses {first + 1:,} to {first + BATCH:,}: {known}")
            yield figure
            if search.winner is not None or not len(search.index):
                break
            column, many = search.sequences(), search.upto() - search.passed
            nets = rs.unpack(search.weights.repeat(many, 0), config)
            search.update(rs.right(rs.forward(nets, search.data, column), search.data.target[column]))
            counts.append(len(search.index) + (search.winner is not None))
            looks += 1
    if search.winner is None:
        return
    x, _, o = trajectory(search, config)
    axes["reading"].axis("on")
    for now in [*range(4, 57, 4), *np.linspace(80, len(x), 16).astype(int)]:
        draw_reading(axes["reading"], x, o, min(now, len(x)))
        off = np.abs(o - (x > 0).cumsum() % 2)[:now].max()
        axes["reading"].set_title(f"it reads {min(now, len(x))} of {len(x)} symbols; largest error {off:.0e}",
                                  fontsize=10, color=MUTED if off > 0.1 else INK)
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=5))
