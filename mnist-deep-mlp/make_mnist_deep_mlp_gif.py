"""Draw the animation of mnist-deep-mlp: make_mnist_deep_mlp_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
from dataclasses import replace

import mnist_deep_mlp as mlp                                                      # first: it sets the threads
from mnist_deep_mlp import complain, write_whole
from visualize_mnist_deep_mlp import BLUE, INK, MISTAKE, MUTED, PAPER, SECOND, bare, history, plt, settings, tiles

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

EPOCHS = 40
WHICH, LABEL = 1138, 9                                                            # an image that is hard at first
ROWS, COLUMNS = 4, 3                                                              # of receptive fields
SHADES = 9                                                                        # of a receptive field


def shown(config, seed, which):
    """Yield MNIST's own image `which` (side, side), then the deformed images that the net of this seed was shown."""
    digits = mlp.load_digits(config)[0]
    yield mlp.crop(digits.images[[which]], config.side).reshape(config.side, config.side)
    rng, images = np.random.default_rng(np.random.SeedSequence([seed, 0]).spawn(3)[1]), None       # as in train
    for _ in range(config.epochs):
        images = mlp.deform(rng, digits, config, images)
        yield images[which].reshape(config.side, config.side)


def draw_digit(axis, image):
    """Draw the image that the net sees."""
    axis.clear()
    axis.imshow(image, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    bare(axis)
    axis.set_title("what it is shown", fontsize=10, fontweight="normal", loc="center")


def draw_guess(axis, p):
    """Draw the ten probabilities (10,) as bars."""
    axis.clear()
    colours = [SECOND if digit == LABEL else MISTAKE if digit == p.argmax() else MUTED for digit in range(10)]
    axis.bar(range(10), 100 * p, color=colours)
    axis.set(ylim=(0, 105), xlim=(-0.6, 9.6), xticks=range(10), yticks=(0, 50, 100))
    axis.set_title("what it takes it for (%)", fontsize=10, fontweight="normal", loc="center")
    axis.tick_params(labelsize=9)
    axis.grid(axis="x")


def draw_fields(axis, W, limit, side):
    """Draw the receptive fields of units: W (pixels, units)."""
    axis.clear()
    level = np.rint((W / limit).clip(-1, 1) * (SHADES // 2)).T.reshape(-1, side, side)
    axis.imshow(tiles(level, COLUMNS), cmap="RdBu_r", vmin=-(SHADES // 2), vmax=SHADES // 2, interpolation="nearest")
    bare(axis)
    axis.set_anchor("N")
    axis.set_title("weights of 12 units", fontsize=10, fontweight="normal", loc="center")


def draw_errors(axis, scores, step, end):
    """Draw the errors up to now, and the paper's."""
    axis.clear()
    epoch, _, seen, _, test = scores[scores[:, 0] <= step].T
    axis.plot(epoch, seen, color=MUTED, linestyle="-.", label="deformed images")
    axis.plot(epoch, test, color=BLUE, label="test images")
    axis.axhline(PAPER["n4"], color=INK, linestyle=":", linewidth=1.4)
    axis.text(end, 1.06 * PAPER["n4"], f"N4 in 2010: {PAPER['n4']} %", ha="right", fontsize=9)
    if len(test):
        axis.plot(epoch[-1], test[-1], "o", color=BLUE, markersize=5)
        axis.annotate(f"{test[-1]:.2f} %", (epoch[-1], test[-1]), xytext=(2, -13), textcoords="offset points",
                      fontsize=10, ha="right" if step > end / 2 else "left", color=BLUE)
    axis.set(yscale="log", ylim=(0.3, 30), xlim=(0, 1.04 * end), yticks=(0.3, 1, 3, 10, 30), xlabel="epochs")
    axis.set_yticks([], minor=True)
    axis.set_yticklabels(("0.3", "1", "3", "10", "30"))
    axis.tick_params(labelsize=9)
    axis.legend(loc="upper right")
    axis.set_title("wrong answers (%)", fontsize=10, fontweight="normal", loc="center")


def frames(args):
    """Yield the figure, redrawn: epoch by epoch the image shown, the guess, twelve receptive fields, the errors."""
    config = settings("small", args)
    config = config if args.preset == "quick" else replace(config, epochs=EPOCHS)
    digits, side = mlp.load_digits(config)[0], config.side
    mean = mlp.crop(digits.images, side).mean(0, dtype=np.float64).astype(np.float32)
    snapshot, nets = history(config, args.seed)
    first, last = nets[0][0][0], nets[-1][0][0]
    units = np.argsort(-np.linalg.norm(last - first, axis=0))[:ROWS * COLUMNS]
    limit = 0.6 * np.abs(last[:, units]).max()
    figure = plt.figure(figsize=(7.2, 4.2), dpi=100, layout="none")
    boxes = (0.02, 0.37, 0.27, 0.463), (0.06, 0.1, 0.23, 0.18), (0.325, 0.05, 0.31, 0.783), (0.705, 0.13, 0.28, 0.7)
    digit, guess, fields, errors = map(figure.add_axes, boxes)
    title = figure.text(0.02, 0.93, "", fontsize=13, fontweight="bold")
    for step, (net, image) in enumerate(zip(nets, shown(config, args.seed, WHICH))):
        title.set_text(f"No image is seen twice: epoch {step}" if step else "An MNIST digit and an untrained net")
        draw_digit(digit, image)
        draw_guess(guess, mlp.classify(net, image.reshape(1, -1), mean)[0])
        draw_fields(fields, net[0][0][:, units], limit, side)
        draw_errors(errors, snapshot.scores, step, config.epochs)
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=5))
