"""Draw the animation of rs-two-sequence.

    python3 make_rs_two_sequence_gif.py [--seed K] [--preset quick] [--out FOLDER]
"""
from dataclasses import replace

import rs_two_sequence as rs                                                      # first: it sets the threads
from rs_two_sequence import complain, write_whole
from visualize_rs_two_sequence import BLUE, CLASSES, INK, MUTED, ORANGE, RED, course, plt, settings

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

SHOWN = 10                                                                        # sequences whose courses are drawn


def lucky_enough(config, seed):
    """Return the first search of the seed that needs at least 12 trials, and its guesses up to the winner."""
    for replicate in range(50):
        search = rs.Search(replace(config, batch=200), seed, replicate)
        search.draw()
        guesses = search.weights.copy()
        while len(search.index):
            column, many = search.sequences(), search.upto() - search.passed
            nets = rs.unpack(search.weights.repeat(many, 0), config.net)
            search.update(rs.right(rs.forward(nets, search.data, column), search.data.target[column], config.net))
        if search.winner is not None and 12 <= search.winner[0] + 1 <= 60:
            return search, guesses[:search.winner[0] + 1]
    raise OSError("no search of this seed needs 12 to 60 trials; try another --seed")


def frames(args):
    """Yield the figure, redrawn: guesses rain on the plane of w and v, and each is tried on both classes."""
    config = settings("latch-2", args)
    search, guesses = lucky_enough(config, args.seed)
    x, target, T = search.data.x.astype(float), search.data.target[:SHOWN], config.shortest
    figure, (plane, paths) = plt.subplots(1, 2, figsize=(7, 3.8), dpi=100, width_ratios=(1, 1.4))
    for number, weights in enumerate(guesses):
        winner = number == len(guesses) - 1
        z, _ = course(weights, x[:T, :SHOWN])
        for shown in [T] if not winner else [*np.linspace(20, T, 14).astype(int)]:
            plane.clear()
            plane.plot(*guesses[:number, :2].T, "x", color=MUTED, markersize=6)
            plane.plot(weights[0], weights[1], "o", color=BLUE if winner else RED, markersize=11)
            plane.fill_between([0, 100], 0, [0, 100], color=BLUE, alpha=0.08, linewidth=0)
            plane.axhline(0, color=MUTED, linewidth=0.8)
            plane.axvline(0, color=MUTED, linewidth=0.8)
            plane.set(xlim=(-105, 105), ylim=(-105, 105), xlabel="w", ylabel="v", xticks=(-100, 0, 100),
                      yticks=(-100, 0, 100))
            plane.set_title(f"Trial {number + 1}:  w = {weights[0]:.0f}, v = {weights[1]:.0f}, b = {weights[2]:.0f}",
                            fontsize=10)
            paths.clear()
            for sign, colour in CLASSES.items():
                paths.plot(z[:shown, target == sign], color=colour, linewidth=0.5)
                paths.plot([], [], color=colour, label=f"x(1) = {sign:+d}")
            paths.axhline(0, color=INK, linewidth=1)
            paths.set(xlim=(0, T), ylim=(-230, 270), yticks=(-200, -100, 0, 100, 200), xlabel="step",
                      ylabel="net input of the unit")
            fate = "right on all 100 sequences" if winner else f"wrong on sequence {search.shown[number]}"
            paths.set_title(fate, fontsize=10, color=INK if winner else ORANGE)
            paths.legend(loc="upper right", ncols=2, fontsize=8)
            yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=4))
