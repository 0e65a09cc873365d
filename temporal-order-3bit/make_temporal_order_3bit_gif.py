"""Draw the animation of temporal-order-3bit.

    python3 make_temporal_order_3bit_gif.py [--seed K] [--preset quick] [--out FOLDER]
"""
import temporal_order_3bit as to                                                  # first: it sets the threads
from temporal_order_3bit import complain, write_whole
from visualize_temporal_order_3bit import (FAST, GRID, SYMBOL, best_plane, plt, run_net, settings, show_classes,
                                           show_plane, show_shelves, thousands)

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


def show_sequences(axis, run):
    """Draw the four sequences as rows of letters' colours: grey for what distracts, X and Y in their own."""
    for k in range(4):
        y = 3 - k
        axis.fill_between((0, run.lengths[k]), y - 0.3, y + 0.3, color=GRID, linewidth=0)
        for place in run.places[:, k]:
            letter = to.SYMBOLS[run.symbols[place, k]]
            axis.fill_between((place - 0.5, place + 1.5), y - 0.3, y + 0.3, color=SYMBOL[letter], linewidth=0)
            axis.annotate(letter, (place + 2, y), va="center", fontsize=9, color=SYMBOL[letter], fontweight="bold")
    axis.set(xlim=(-1, run.lengths[0] + 1), ylim=(-0.6, 3.6), yticks=[])
    axis.set_xlabel("step", labelpad=1)
    axis.grid(visible=False)


def show_answers(axis, run):
    """Draw the output units' activations for the four sequences as squares, each within 0.3 of its target framed."""
    axis.imshow(run.y.T, cmap="Greys", vmin=0, vmax=1, aspect="auto", extent=(-0.5, 3.5, -0.5, 3.5))
    right = abs(run.y.T - np.eye(4)) < to.CORRECT
    for k in np.flatnonzero(right.all(1)):
        axis.add_patch(plt.Rectangle((-0.46, 3 - k - 0.42), 3.92, 0.84, fill=False, edgecolor=FAST, linewidth=2.5))
    axis.set(xticks=range(4), xticklabels=to.CLASSES, yticks=[], xlim=(-0.5, 3.5), ylim=(-0.5, 3.5))
    axis.tick_params(length=0)
    axis.grid(visible=False)


def frames(args):
    """Yield the figure, redrawn: four sequences, a net's answers, and what two of its cells hold, as it learns."""
    config = settings("fast", args)
    weights, errors, stopped = history(config, args.seed)
    every = to.BLOCK * config.batch

    def net(trial, moment):
        return {name: w[..., [trial]] for name, w in weights[moment].items()}

    # the net, of those that stopped after 30 blocks or more (or of all), in which two cells show the classes best
    late = stopped >= 30 * every
    trials = np.flatnonzero(late) if late.any() else range(len(stopped))
    (_, plane), trial = max((best_plane(run_net(net(trial, -1), config, args.seed, count=128)), trial)
                            for trial in trials)
    last = len(errors) if np.isnan(stopped[trial]) else int(np.ceil(stopped[trial] / every))
    figure = plt.figure(figsize=(7.4, 5.6), dpi=100, layout="none")
    title = figure.text(0.02, 0.95, "", fontsize=12.5, fontweight="bold")
    strips, answers, states, curve = (figure.add_axes(box) for box in (
        (0.03, 0.665, 0.60, 0.22), (0.68, 0.665, 0.29, 0.22), (0.10, 0.09, 0.47, 0.47), (0.69, 0.09, 0.28, 0.39)))
    for moment in np.unique(np.linspace(0, last, 8 if args.preset == "quick" else 60).astype(int)):
        four, many = (run_net(net(trial, moment), config, args.seed, count) for count in (0, 128))
        for axis in (strips, answers, states, curve):
            axis.clear()
        show_sequences(strips, four)
        strips.set_title("one sequence, four orders", fontsize=10, fontweight="normal", pad=3)
        show_answers(answers, four)
        answers.set_title("output units (framed: right)", fontsize=10, fontweight="normal", pad=3)
        show_plane(states, many, plane, many.lengths - 1)
        states.set_title("what two cells hold at the end, 128 sequences", fontsize=10, fontweight="normal", pad=3)
        curve.plot(np.arange(1, moment + 1) * every, errors[:moment, trial], color=FAST)
        curve.plot(max(1, moment) * every, errors[max(0, moment - 1), trial], "o", color=FAST)
        curve.set(ylim=(0, 0.46), xlim=(0, last * every * 1.03))
        curve.set_title("error, ½ Σ e²", fontsize=10, fontweight="normal", pad=3)
        curve.set_xlabel("training sequences")
        curve.xaxis.set_major_locator(plt.MaxNLocator(3))
        show_shelves(curve)
        thousands(curve)
        show_classes(states, loc="center left", bbox_to_anchor=(1, 0.85), fontsize=8, handletextpad=0.1)
        title.set_text(f"One blob, two, four: which came first? {moment * every:,} sequences")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=6))
