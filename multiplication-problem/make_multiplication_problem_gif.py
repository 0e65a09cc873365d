"""Draw the animation: python3 make_multiplication_problem_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
from dataclasses import replace

import multiplication_problem as mul                                              # first: it sets the threads
from multiplication_problem import complain, write_whole
from visualize_multiplication_problem import (FAST, MUTED, TRUE, grid, plt, rms, run_one, settings, show_errors,
                                              show_gates, show_values, thousands)

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
    """Train; return the weights after every block (a dict of arrays, trials last), the r.m.s. errors (blocks, trials)
    and when each trial stopped."""
    weights = []
    for snapshot in mul.train(config, seed):
        weights.append({name: w.copy() for name, w in snapshot.params.items()})
    return weights, np.array(snapshot.history)[:, 0]**0.5, snapshot.reached[1]


def frames(args):
    """Yield the figure, redrawn: the answer over the two numbers bends from a constant to a product."""
    config = settings("fast", args)
    weights, errors, stopped = history(config, args.seed)
    trial = int(np.argsort(stopped)[(~np.isnan(stopped)).sum() // 2])             # a typical one; NaN sorts last
    last = len(errors) if np.isnan(stopped[trial]) else int(stopped[trial]) // mul.BLOCK
    seen = np.arange(1, len(errors) + 1) * mul.BLOCK
    start = np.argmax(errors[:, trial] < 0.2)                                     # when it leaves the constant
    calm, busy = (8, 38) if args.preset != "quick" else (3, 5)
    slow = start + (last - start) * np.linspace(0, 1, busy)**2
    moments = np.unique(np.concatenate([np.linspace(0, start, calm), slow]).astype(int))
    one = replace(config, trials=1)
    figure = plt.figure(figsize=(6.8, 4.3), dpi=100, layout="none")
    title = figure.text(0.02, 0.94, "", fontsize=12.5, fontweight="bold")
    surface = figure.add_axes((0.02, 0.03, 0.5, 0.86), projection="3d")
    value, gate, curve = (figure.add_axes(box) for box in ((0.63, 0.75, 0.35, 0.12), (0.63, 0.56, 0.35, 0.12),
                                                           (0.63, 0.12, 0.35, 0.33)))
    for moment in moments:
        params = {name: w[..., [trial]] for name, w in weights[moment].items()}
        run, (X, y, _) = run_one(params, one, args.seed), grid(params, one, args.seed, points=7)
        for axis in (surface, value, gate, curve):
            axis.clear()
        x = np.meshgrid(X, X, indexing="ij")
        surface.plot_wireframe(*x, np.outer(X, X), color=MUTED, linewidth=0.7)
        surface.plot_wireframe(*x, np.clip(y, -0.25, 1.25), color=FAST, linewidth=1.6)
        surface.set(xlim=(0, 1), ylim=(0, 1), zlim=(-0.2, 1.1), xticks=(0, 1), yticks=(0, 1), zticks=(0, 0.5, 1),
                    xlabel="first number", ylabel="second number")
        surface.view_init(24, -128)
        surface.set_box_aspect(None, zoom=0.88)
        surface.text2D(0.04, 0.99, "answer", color=FAST, transform=surface.transAxes, fontweight="bold")
        surface.text2D(0.24, 0.99, "product", color=MUTED, transform=surface.transAxes)
        show_values(value, run)
        show_gates(gate, run.y_in, "input\ngates")
        gate.set(xlabel="step", xlim=(-1, len(run.value)))
        value.tick_params(labelbottom=False)
        curve.plot(seen[:moment], errors[:moment, trial], color=FAST, linewidth=1.2)
        curve.plot(seen[max(0, moment - 1)], errors[max(0, moment - 1), trial], "o", color=TRUE)
        show_errors(curve)
        curve.set(xlim=(0, seen[last - 1] * 1.02), xlabel="training sequences")
        curve.xaxis.set_major_locator(plt.MaxNLocator(3))
        thousands(curve)
        title.set_text(f"From a constant to a product: {moment * mul.BLOCK:,} sequences, "
                       f"{rms(y - np.outer(X, X)):.3f} off")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=8))
