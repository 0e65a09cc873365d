"""Draw the animation of adding-problem: python3 make_adding_problem_gif.py [--seed K] [--preset quick] [--out DIR]"""
import adding_problem as add                                                      # first: it sets the threads
from adding_problem import complain, write_whole
from visualize_adding_problem import (BLOCKS, FAST, INK, MUTED, RIGHT, plt, run_one, settings, show_cells, show_floors,
                                      show_values, thousands)

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
    """Train; return the weights after every block (a dict of arrays, trials last), the mean errors (blocks, trials) and
    when each trial stopped."""
    weights = []
    for snapshot in add.train(config, seed):
        weights.append({name: w.copy() for name, w in snapshot.params.items()})
    return weights, np.array(snapshot.history), snapshot.stopped


def frames(args):
    """Yield the figure, redrawn: one sequence in the net of a typical trial, as that net learns the task."""
    config = settings("fast-100", args)
    weights, errors, stopped = history(config, args.seed)
    trial = int(np.argsort(stopped)[len(stopped) // 2])                           # NaN sorts last
    every = add.BLOCK * config.batch
    last = len(errors) if np.isnan(stopped[trial]) else int(np.ceil(stopped[trial] / every))
    seen = np.arange(1, len(errors) + 1) * every
    figure = plt.figure(figsize=(7.4, 4.7), dpi=100, layout="none")
    title = figure.text(0.02, 0.94, "", fontsize=12.5, fontweight="bold")
    value, gate, state, curve, answer = (figure.add_axes(box) for box in (
        (0.105, 0.70, 0.49, 0.20), (0.105, 0.47, 0.49, 0.17), (0.105, 0.11, 0.49, 0.30), (0.70, 0.47, 0.28, 0.38),
        (0.70, 0.17, 0.28, 0.12)))
    moments = np.unique(np.linspace(0, last, 8 if args.preset == "quick" else 72).astype(int))
    trained = run_one({name: w[..., [trial]] for name, w in weights[last].items()}, config, args.seed)
    top = 1.4 * abs(trained.s[trained.read]).max()
    for moment in moments:
        params = {name: w[..., [trial]] for name, w in weights[moment].items()}
        run = run_one(params, config, args.seed)
        for axis in (value, gate, state, curve, answer):
            axis.clear()
        show_values(value, run)
        for block, y_in in enumerate(run.y_in):
            gate.plot(y_in, color=BLOCKS[block], linewidth=1.6, label=f"block {block + 1}")
        gate.set(ylim=(-0.05, 1.05), ylabel="input gate")
        gate.legend(loc="upper right", ncols=2, fontsize=8, borderpad=0.1)
        show_cells(state, run, trained)
        state.set(ylim=(-top, top))
        for axis in (value, gate, state):
            axis.set(xlim=(-1, len(run.value)))
            axis.yaxis.set_label_coords(-0.135, 0.5)
        for axis in (value, gate):
            axis.tick_params(labelbottom=False)
        curve.plot(seen[:moment], errors[:moment, trial], color=FAST)
        curve.plot(seen[max(0, moment - 1)], errors[max(0, moment - 1), trial], "o", color=FAST)
        curve.set(yscale="log", ylim=(0.004, 0.4), xlim=(0, seen[last - 1] * 1.02))
        curve.set_title("mean error", fontsize=10, fontweight="normal")
        curve.set_xlabel("training sequences")
        curve.xaxis.set_major_locator(plt.MaxNLocator(3))
        show_floors(curve)
        thousands(curve)
        answer.axvspan(run.target - add.CORRECT, run.target + add.CORRECT, color=RIGHT, linewidth=0)
        right = abs(run.answer - run.target) < add.CORRECT
        answer.plot(np.clip(run.answer, -0.15, 1.15), 0, "o", color=INK if right else MUTED, markersize=9)
        answer.set(xlim=(-0.2, 1.2), ylim=(-1, 1), xticks=(0, 0.5, 1), yticks=[])
        answer.set_title(f"answer {run.answer:.2f}, right: {run.target:.2f}", fontsize=10, fontweight="normal")
        title.set_text(f"A memory cell learns what to keep: {moment * every:,} sequences")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=8))
