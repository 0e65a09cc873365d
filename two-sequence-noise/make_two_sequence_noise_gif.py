"""Draw the animation of two-sequence-noise: python3 make_two_sequence_noise_gif.py [--seed K] [--preset quick]"""
from dataclasses import replace

import two_sequence_noise as two                                                  # first: it sets the threads
from two_sequence_noise import complain, write_whole
from visualize_two_sequence_noise import CLASSES, INK, MUTED, first_of, plt, run_some, settings, thousands

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
    """Yield the figure, redrawn: what the output unit says after every step of sequences of both classes, as the net
    of a typical trial learns 3c with N = 1."""
    config, weights = settings("adam-3c-1", args), []
    two.BLOCK = two.PIECE = 20                                                    # check, and look, more often
    for snapshot in two.train(config, args.seed):
        weights.append({name: w.copy() for name, w in snapshot.params.items()})
    errors, stopped = np.array(snapshot.history)[:, 1], snapshot.reached[1]
    trial = int(np.argsort(stopped)[(~np.isnan(stopped)).sum() // 2])             # NaN sorts last
    last = len(errors) if np.isnan(stopped[trial]) else int(stopped[trial]) // two.BLOCK
    one, targets = replace(config, trials=1), two.TASKS["3c"].targets
    figure = plt.figure(figsize=(7.2, 4.4), dpi=100, layout="none")
    title = figure.text(0.02, 0.94, "", fontsize=12.5, fontweight="bold")
    x, out, curve = (figure.add_axes(box) for box in ((0.09, 0.70, 0.55, 0.18), (0.09, 0.12, 0.55, 0.48),
                                                      (0.74, 0.12, 0.24, 0.48)))
    start = np.argmax(errors[:, trial] < 0.9 * errors[0, trial])                  # when it leaves the constant
    slow, fast = (3, 4) if args.preset == "quick" else (16, 44)
    for moment in np.unique(np.concatenate([np.linspace(0, start, slow), np.linspace(start, last, fast)]).astype(int)):
        params = {name: w[..., [trial]] for name, w in weights[moment].items()}
        batch, _, y = run_some(params, one, args.seed, 24)
        for axis in (x, out, curve):
            axis.clear()
        for lane, colour in zip(first_of(batch, one), CLASSES):
            end = batch.lengths[0, lane]
            x.plot(batch.inputs[0, :end, lane], color=colour, linewidth=0.8)
            x.plot(range(one.signal), batch.inputs[0, :one.signal, lane], "o", color=colour, markersize=6)
        for lane, (end, clean) in enumerate(zip(batch.lengths[0], batch.clean[0])):
            out.plot(y[:end, lane], color=CLASSES[targets.index(clean)], linewidth=0.9, alpha=0.8)
            out.plot(end - 1, y[end - 1, lane], "o", color=CLASSES[targets.index(clean)], markersize=4)
        for target in targets:
            out.axhline(target, color=INK, linestyle=":", linewidth=1.2)
        x.set(ylabel="input", xlim=(-2, one.length * 1.12), ylim=(-1.6, 1.6))
        x.tick_params(labelbottom=False)
        out.set(xlabel="step", ylabel="output", xlim=(-2, one.length * 1.12), ylim=(0, 1), yticks=(0, 0.2, 0.5, 0.8, 1))
        curve.plot(two.BLOCK * np.arange(1, moment + 1), errors[:moment, trial], color=MUTED)
        curve.axhline(two.TASKS["3c"].error, color=INK, linestyle=":", linewidth=1.2)
        curve.annotate("criterion", (0, two.TASKS["3c"].error), fontsize=8, xycoords=("axes fraction", "data"),
                       xytext=(3, 2), textcoords="offset points")
        curve.set(yscale="log", ylim=(0.004, 0.6), xlim=(0, two.BLOCK * last * 1.05), xlabel="training sequences")
        curve.set_title("mean error", fontsize=10, fontweight="normal")
        curve.xaxis.set_major_locator(plt.MaxNLocator(3))
        thousands(curve)
        title.set_text(f"The first number tells the class: after {moment * two.BLOCK:,} noisy lessons")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=8))
