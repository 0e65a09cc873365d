"""Make the animation: python3 make_linear_transformers_fwp_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
import linear_transformers_fwp as fwp                            # first: it sets the threads before numpy loads
from linear_transformers_fwp import GOAL, complain, write_whole
from visualize_linear_transformers_fwp import INK, MUTED, RULES, config_of, plt, weights_of_pairs

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


def learn(config, seed, stages):
    """Train once; return the learning curve and copies of the weights at the steps in stages and at the end."""
    curve, kept = [], []
    for snapshot in fwp.train(config, seed):
        curve.append((snapshot.step, snapshot.loss))
        if snapshot.step in stages:
            kept.append((snapshot.step, {name: value.copy() for name, value in snapshot.params.items()}))
    return curve, kept + [(snapshot.step, snapshot.params)]


def frames(args):
    """Both rules write the same pairs, with nets in the middle of training and after it; W is asked about every key."""
    rules = {rule: config_of(f"{rule}-dpfp1-20", args, f"quick-{rule}") for rule in ("sum", "delta")}
    stages = () if args.preset == "quick" else (100, 300)
    learned = {rule: learn(config, args.seed, stages) for rule, config in rules.items()}
    S = rules["delta"].S
    (keys,), (values,) = fwp.make_sequences(rules["delta"], np.random.default_rng(args.seed), 1, 2 * S)
    keys = np.unique(keys, return_inverse=True)[1]               # number the keys that occur

    figure = plt.figure(figsize=(7, 5.6), dpi=100)
    panels = figure.subplot_mosaic([["sum", "delta"], ["curve", "curve"]], height_ratios=(3.5, 1))
    curves = panels["curve"]
    for stage in range(len(stages) + 1):
        pace = 1 if stage == len(stages) else 4                  # the trained nets are shown pair by pair
        for t in range(pace, 2 * S + 1, pace):
            meaning = dict(zip(keys[:t], values[:t]))
            for rule, config in rules.items():
                panel, (step, params), colour = panels[rule], learned[rule][1][stage], RULES[rule][1]
                a = weights_of_pairs(config, params, keys[:t], values[:t])
                answer = fwp.place(a[None], values[None, :t], S)[0][0, :max(keys) + 1]
                answer[[key for key in range(len(answer)) if key not in meaning]] = 0
                panel.clear()
                panel.imshow(answer, vmin=-1, vmax=1, cmap="RdBu_r")
                for key, value in zip(keys[:t], values[:t]):
                    old = meaning[key] != value
                    panel.plot(value, key, "x" if old else "s", mfc="none", color=INK, ms=5 if old else 11, mew=1)
                panel.axhspan(keys[t - 1] - 0.5, keys[t - 1] + 0.5, color=colour, alpha=0.18, lw=0)
                panel.set(xticks=[], yticks=[], xlabel="value in the answer", ylabel="key that is asked")
                panel.set_title(f"{rule} rule, trained {step:,} steps", fontsize=10, color=colour)
                panel.grid(False)
            verb = "now means" if keys[t - 1] in keys[:t - 1] else "means"
            figure.suptitle(f"Pair {t} of {2 * S}: key {keys[t - 1] + 1} {verb} value {values[t - 1] + 1}\n"
                            "(square: what a key means, cross: what it meant before)", fontsize=11)
            curves.clear()
            for rule, (curve, kept) in learned.items():
                shown = [point for point in curve if point[0] <= kept[stage][0]]
                curves.loglog(*zip(*curve), color=RULES[rule][1], lw=1, alpha=0.4)
                curves.loglog(*zip(*shown), "o-", markevery=[-1], color=RULES[rule][1], lw=2)
            curves.axhline(GOAL, color=MUTED, lw=1)
            curves.set(xlabel="training step", ylabel="loss", ylim=(GOAL / 2, 1))
            yield figure


if __name__ == "__main__":
    sys.exit(animate(frames))
