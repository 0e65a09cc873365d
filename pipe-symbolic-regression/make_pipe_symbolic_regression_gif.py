"""Draw the animation: python3 make_pipe_symbolic_regression_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
import pipe_symbolic_regression as pipe                                           # first: it sets the threads
from pipe_symbolic_regression import complain, write_whole
from visualize_pipe_symbolic_regression import (BLUE, CONSTANT, INK, MUTED, draw_tree, layout, plt, settings,
                                                  short_text, typical)

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


def frames(args):
    """Yield the figure, redrawn: the best program's curve on the target, the prototype tree, the error so far."""
    config = settings("pipe-short", args)
    function, points, _ = pipe.TASKS[config.target]
    language, fine = pipe.make_language(config), np.linspace(0, 10, 400)
    marks = iter(np.unique(np.geomspace(20, config.evaluations, 70).round(-1)))
    figure = plt.figure(figsize=(7.2, 4.6), dpi=100, layout="none")
    curve, tree, progress = (figure.add_axes(box) for box in ((0.09, 0.47, 0.49, 0.4), (0.6, 0.06, 0.385, 0.8),
                                                              (0.09, 0.12, 0.49, 0.22)))
    title = figure.text(0.02, 0.94, "", fontsize=13, fontweight="bold")
    below = figure.text(0.79, 0.03, "", fontsize=9, ha="center", color=INK)
    mark, steps, errors = next(marks), [], []
    for s in pipe.train(config, typical(args)):
        steps.append(s.step)
        errors.append(s.error)
        if s.step < mark:
            continue
        mark = next(marks, config.evaluations)
        title.set_text(f"PIPE, {s.step:,} programs evaluated: error {s.error:.2f}")
        curve.clear()
        curve.plot(fine, function(fine), color=MUTED, linewidth=4, alpha=0.5)
        curve.plot(fine, np.clip(pipe.evaluate(s.best, language, {8: fine}), -3, 3), color=BLUE)
        curve.set(xlim=(0, 10), ylim=(-1.2, 1.3), xlabel="x", ylabel="f(x)")
        curve.set_title(short_text(s.best, config), fontsize=9, fontweight="normal", color=BLUE)
        tree.clear()
        draw_tree(tree, layout(s.tree, s.best))
        tree.set_title("prototype tree, along this program", fontsize=9, fontweight="normal")
        below.set_text("yellow: undecided, dark blue: decided")
        progress.clear()
        progress.plot(steps, errors, color=BLUE)
        progress.axhline(CONSTANT, color=INK, linestyle=":", linewidth=1)
        progress.set(xscale="log", xlim=(10, config.evaluations), ylim=(0, 22), xlabel="programs evaluated",
                     ylabel="best error")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=8))
