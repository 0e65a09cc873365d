"""Draw the animation of temporal-order-4bit.

    python3 make_temporal_order_4bit_gif.py [--seed K] [--preset quick] [--out FOLDER]
"""
import temporal_order_4bit as to                                                  # first: it sets the threads
from temporal_order_4bit import complain, write_whole
from visualize_temporal_order_4bit import (CLASSES, FAST, GRID, plt, run_net, settings, show_shelves, style,
                                           thousands)

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


def history(config, seed):
    """Train; return the weights after every block (a dict of arrays, trials last), the errors (blocks, trials) and when
    each trial stopped."""
    weights = []
    for snapshot in to.train(config, seed):
        weights.append({name: w.copy() for name, w in snapshot.params.items()})
    return weights, np.array(snapshot.history), snapshot.stopped


def projection(run):
    """Return the weights (cells + 1,) with which the final h(s) say best, by least squares, the place of the class in a
    tree of three levels, 4 a + 2 b + c with X = 1 and Y = -1."""
    lane = np.arange(len(run.lengths))
    h = np.tanh(run.s[run.lengths - 1, :, lane] / 2)
    place = 7 - 2 * run.classes
    return np.linalg.lstsq(np.column_stack([h, np.ones(len(h))]), place, rcond=None)[0]


def show_tree(axis, run, readout):
    """Draw the projection of the states over the steps, for the eight orders of one sequence."""
    end = run.lengths[0]
    for k in range(8):
        axis.plot(np.arange(1, end + 1), np.tanh(run.s[:end, :, k] / 2) @ readout[:-1] + readout[-1], **style(k))
        axis.annotate(CLASSES[k], (end + 2, 7 - 2 * k), fontsize=8, va="center", annotation_clip=False)
    for place in run.places[:, 0]:
        axis.axvspan(place + 0.5, place + 1.5, color=GRID, linewidth=0)
    axis.set(xlim=(0, end + 1), ylim=(-9.5, 9.5), yticks=np.arange(-7, 8, 2), yticklabels=[])
    axis.set_xlabel("step (grey: where X or Y comes)")


def show_answers(axis, run):
    """Draw the output units' activations for the eight orders as squares, framed where all are within 0.3 of target."""
    axis.imshow(run.y.T, cmap="Greys", vmin=0, vmax=1, aspect="auto", extent=(-0.5, 7.5, -0.5, 7.5))
    for k in np.flatnonzero((abs(run.y.T - np.eye(8)) < to.CORRECT).all(1)):
        axis.add_patch(plt.Rectangle((-0.45, 7 - k - 0.4), 7.9, 0.8, fill=False, edgecolor=FAST, linewidth=2))
    axis.set(xticks=range(8), yticks=range(8), yticklabels=CLASSES[::-1], xlim=(-0.5, 7.5), ylim=(-0.5, 7.5))
    axis.set_xticklabels(CLASSES, rotation=90)
    axis.tick_params(length=0, labelsize=8)
    axis.grid(visible=False)


def frames(args):
    """Yield the figure, redrawn: a tree of states, the answers to eight orders, and the error, as a net learns."""
    config = settings("fast", args)
    weights, errors, stopped = history(config, args.seed)
    every = to.BLOCK * config.batch
    trial = int(np.argsort(stopped)[len(stopped) // 2])                           # NaN sorts last
    last = len(errors) if np.isnan(stopped[trial]) else int(np.ceil(stopped[trial] / every))

    def net(moment):
        return {name: w[..., [trial]] for name, w in weights[moment].items()}

    readout = projection(run_net(net(last), config, args.seed, count=512))
    figure = plt.figure(figsize=(7.4, 5.2), dpi=100, layout="none")
    title = figure.text(0.02, 0.95, "", fontsize=12.5, fontweight="bold")
    tree, answers, curve = (figure.add_axes(box) for box in (
        (0.04, 0.10, 0.48, 0.76), (0.68, 0.52, 0.29, 0.34), (0.68, 0.10, 0.29, 0.24)))
    for moment in np.unique(np.linspace(0, last, 8 if args.preset == "quick" else 60).astype(int)):
        run = run_net(net(moment), config, args.seed)
        for axis in (tree, answers, curve):
            axis.clear()
        show_tree(tree, run, readout)
        tree.set_title("one projection of the six states", fontsize=10, fontweight="normal", pad=3)
        show_answers(answers, run)
        answers.set_title("output units (framed: right)", fontsize=10, fontweight="normal", pad=3)
        curve.plot(np.arange(1, moment + 1) * every, errors[:moment, trial], color=FAST)
        curve.plot(max(1, moment) * every, errors[max(0, moment - 1), trial], "o", color=FAST)
        curve.set(ylim=(0, 0.52), xlim=(0, last * every * 1.03))
        curve.set_title("error, ½ Σ e²", fontsize=10, fontweight="normal", pad=3)
        curve.set_xlabel("training sequences")
        curve.xaxis.set_major_locator(plt.MaxNLocator(3))
        show_shelves(curve)
        thousands(curve)
        title.set_text(f"A tree of three choices grows: {moment * every:,} sequences")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=6))
