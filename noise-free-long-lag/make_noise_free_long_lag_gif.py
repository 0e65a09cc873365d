"""Draw the animation of noise-free-long-lag: make_noise_free_long_lag_gif.py [--seed K] [--preset quick] [--out DIR]"""
import noise_free_long_lag as lag                                                 # first: it sets the threads
from noise_free_long_lag import complain, write_whole
from visualize_noise_free_long_lag import ADAM, CLASSES, INK, MUTED, SKY, plt, run_pair, settings, thousands

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
    """Train one trial of 2c; return its weights after every block, the mean errors, and the sequences seen."""
    weights = []
    for snapshot in lag.train(config, seed, lag.TWO_BLOCKS):
        weights.append({name: w.copy() for name, w in snapshot.params.items()})
    return weights, np.array(snapshot.history)[:, 0]


def frames(args):
    """Yield the figure, redrawn: pairs of sequences, x and y, pass through the net at five stages of its learning."""
    config = settings("2c-adam-1000-1000", args, trials=1)
    weights, errors = history(config, args.seed)
    generator, seen = np.random.default_rng(args.seed), np.arange(len(weights)) * lag.BLOCK
    figure = plt.figure(figsize=(7.4, 4.7), dpi=100, layout="none")
    title = figure.text(0.02, 0.94, "", fontsize=12.5, fontweight="bold")
    symbol, state, gate, curve, answer = (figure.add_axes(box) for box in (
        (0.10, 0.70, 0.54, 0.19), (0.10, 0.33, 0.54, 0.32), (0.10, 0.11, 0.54, 0.17), (0.74, 0.60, 0.24, 0.27),
        (0.74, 0.13, 0.24, 0.27)))
    trained = run_pair(weights[-1], config, np.random.default_rng(args.seed))
    cell, top = trained.read, 1.35 * abs(trained.s[:, trained.read]).max()
    stages = sorted({0, *(np.array((0.65, 0.75, 0.85, 1)) * (len(weights) - 1)).astype(int)})
    for moment in stages:
        pair = run_pair(weights[moment], config, generator)
        length = pair.symbols.shape[1]
        for end in np.linspace(0, length, 13 if args.preset == "default" else 4).astype(int):
            for axis in (symbol, state, gate, curve, answer):
                axis.clear()
            some = np.arange(2, min(end, length - 1), max(1, length // 120))
            symbol.plot(some, pair.symbols[0, some] - 3, "o", color=MUTED, markersize=2.4, markeredgewidth=0)
            symbol.set(ylabel="distractor", ylim=(0, config.p * 1.05))
            for k, colour in enumerate(CLASSES):
                symbol.text(-0.04 * length, config.p * (0.75 - 0.45 * k), "xy"[k], color=colour, fontsize=14,
                            fontweight="bold", ha="center", va="center")
                state.plot(pair.s[k, cell, :end], color=colour, linestyle=("-", "--")[k], linewidth=2,
                           label=f"after {'xy'[k]}")
                answer.bar(np.arange(2) + 0.38 * k - 0.19, pair.y[:, k] * (end == length), width=0.36, color=colour,
                           label=f"output {'xy'[k]}")
            gate.plot(pair.y_in[0, cell, :end], color=INK, linewidth=1.4, label="input gate")
            gate.plot(pair.y_out[0, cell, :end], color=SKY, linewidth=1.4, label="output gate")
            state.set(ylim=(-top, top), ylabel="state s")
            state.legend(loc="upper right", fontsize=8, ncols=2)
            gate.set(ylim=(-0.08, 1.75), yticks=(0, 1), ylabel="gates", xlabel="step")
            gate.legend(loc="upper right", fontsize=8, ncols=2, borderpad=0.1)
            for axis in (symbol, state, gate):
                axis.set(xlim=(-0.07 * length, 1.02 * length))
                axis.yaxis.set_label_coords(-0.12, 0.5)
            for axis in (symbol, state):
                axis.tick_params(labelbottom=False)
            thousands(gate)
            curve.plot(seen[1:moment + 1], errors[:moment], color=ADAM)
            curve.plot(seen[max(1, moment)], errors[max(0, moment - 1)], "o", color=ADAM)
            curve.axhline(lag.LIMITS["2c"], color=MUTED, linestyle=":", linewidth=1.2)
            curve.set(xlim=(0, seen[-1] * 1.05), ylim=(0, 0.65))
            curve.set_title("largest error", fontsize=10, fontweight="normal")
            curve.set_xlabel("training sequences")
            answer.set(xticks=(0, 1), xticklabels=("after x", "after y"), ylim=(0, 1.3), yticks=(0, 0.5, 1))
            answer.set_title("answer at the end", fontsize=10, fontweight="normal")
            answer.legend(loc="upper center", fontsize=8, ncols=2, borderpad=0.1, handlelength=1, columnspacing=1)
            title.set_text(f"One bit over {config.q:,} steps, after {seen[moment]:,} training sequences")
            yield figure
            for _ in range(3 * (end == length)):
                yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=8))
