"""Draw the figures of mnist-deep-mlp: python3 visualize_mnist_deep_mlp.py [--seed K] [--preset quick] [--out FOLDER]"""
import functools
from dataclasses import replace

import mnist_deep_mlp as mlp                                                      # first: it sets the threads
from mnist_deep_mlp import complain, write_whole

# --- idiom: figures ---
import argparse
import json
import sys
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image

matplotlib.use("Agg")
import matplotlib.pyplot as plt

INK, MUTED, GRID = "#222222", "#777777", "#dddddd"
BLUE, ORANGE, GREEN = "#0072b2", "#e69f00", "#009e73"                         # safe for the colour-blind
RED, PURPLE, SKY = "#d55e00", "#cc79a7", "#56b4e9"
plt.rcParams.update({
    "figure.dpi": 110, "figure.constrained_layout.use": True, "figure.facecolor": "white", "savefig.facecolor": "white",
    "font.family": "DejaVu Sans", "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": MUTED,
    "axes.titlesize": 11, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "axes.axisbelow": True, "axes.formatter.useoffset": False,
    "grid.color": GRID, "grid.linewidth": 0.7, "xtick.color": MUTED, "ytick.color": MUTED, "lines.linewidth": 1.8,
    "legend.frameon": False, "legend.fontsize": 9, "image.cmap": "cividis",
    "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, GREEN, RED, PURPLE, SKY, INK]),
})


def recorded(arm):
    """Return the recorded cells of an arm, seed -> cell, from results.json beside this file; {} if there are none."""
    path = Path(__file__).with_name("results.json")
    return json.loads(path.read_text())["arms"].get(arm, {}) if path.exists() else {}


def clipped(figure):
    """Return the titles and notes that run over the edge of the figure."""
    figure.canvas.draw()
    texts = [part for owner in (figure, *figure.axes) for part in owner.get_children()
             if isinstance(part, matplotlib.text.Text) and part.get_visible() and part.get_text()]
    return [text.get_text() for text in texts if matplotlib.transforms.Bbox.union(
        [figure.bbox.padded(2), text.get_window_extent()]).bounds != figure.bbox.padded(2).bounds]


def draw(figures, argv=None):
    """Parse --seed, --preset and --out, call every figure(args), write OUT/<name>.png; return the exit status.

    A figure function returns a matplotlib Figure, or None where there is nothing recorded to draw.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.error = lambda message: sys.exit(complain(message))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--preset", choices=("quick", "default"), default="default", help="quick: small, for tests")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("viz"), help="folder of the pictures")
    args = parser.parse_args(argv)
    if args.seed < 0:
        parser.error("--seed counts from 0")
    try:
        args.out.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            picture = figure(args)
            if picture is not None:
                for text in clipped(picture):
                    print(f"{figure.__name__}: over the edge: {text}", file=sys.stderr)
                image = BytesIO()
                picture.savefig(image, format="png")
                plt.close(picture)
                palette = Image.open(image).convert("RGB").quantize(96, Image.Quantize.MAXCOVERAGE, kmeans=2)
                target = args.out / f"{figure.__name__}.png"
                write_whole(target, lambda part: palette.save(part, "PNG", optimize=True))
                print(target)
        return 0
    except KeyboardInterrupt:
        return complain("interrupted; nothing half-written", 130)
    except (OSError, MemoryError) as error:
        return complain(error)
# --- end of idiom ---

# One colour, one thing: what is done to the training images ...
KINDS = {"none": ("undeformed", ORANGE), "affine": ("affine", SKY), "full": ("affine and elastic", BLUE)}
READ, MISTAKE, SECOND = PURPLE, RED, GREEN                # ... where pixels are read, wrong answers, right second guess
PAPER = {"n1": 0.49, "n2": 0.46, "n3": 0.41, "n4": 0.35, "n5": 0.44}              # test error (%), Table 1
SIMARD = {"none": 1.6, "affine": 1.1, "full": 0.7}                                # 800 hidden units, Simard et al. 2003
ONE_IMAGE = 100 / 60_000                                                          # in per cent of the training images


def settings(arm, args, **changes):
    """Return the Config of an arm, scored after every epoch and cut down for --preset quick."""
    config = replace(mlp.ARMS[arm].config, every=1, **changes)
    small = mlp.QUICK
    return replace(config, images=small.images, hidden=small.hidden, epochs=2) if args.preset == "quick" else config


@functools.cache
def history(config, seed):
    """Train a net; return its last Snapshot and a copy of its weights from the start and from after every epoch."""
    nets = []
    for snapshot in mlp.train(config, seed):
        nets.append([(W.copy(), b.copy()) for W, b in snapshot.weights])
    return snapshot, nets


def both(args):
    """Return the histories of the small net without and with deformations, trained for equally many epochs."""
    epochs = mlp.ARMS["small"].config.epochs
    return {kind: history(settings(arm, args, epochs=epochs), args.seed)
            for kind, arm in (("none", "small-undeformed"), ("full", "small"))}


def tiles(images, columns, gap=2):
    """Return images (n, side, side) side by side in rows of `columns`, as one picture with lines of zeros between."""
    n, side, _ = images.shape
    rows = -(-n // columns)
    out = np.zeros((rows * (side + gap) - gap, columns * (side + gap) - gap))
    for i, image in enumerate(images):
        y, x = (i // columns) * (side + gap), (i % columns) * (side + gap)
        out[y:y + side, x:x + side] = image
    return out


def bare(axis):
    axis.set(xticks=[], yticks=[])
    axis.grid(False)
    axis.spines[:].set_visible(False)


# ---------------------------------------------------------------- Default scale

def deformations(args):
    """Eight digits as they are shown in eight epochs, and where the pixels of a deformed image are read."""
    config, rng = mlp.Config(), np.random.default_rng(args.seed)
    digits, epochs, side = mlp.load_digits(config)[0], 8, config.side
    some = [int(np.flatnonzero(digits.labels == label)[3]) for label in (0, 1, 2, 3, 4, 5, 7, 9)]
    pictures = []
    for i in some:
        pictures.append(mlp.crop(digits.images[[i]], side)[0])
        tame = np.full(epochs, digits.labels[i] in mlp.TAME)
        pictures += [mlp.warp(digits.images[[i]], place)[:, 0] for place in mlp.places(rng, tame, config)]
    figure = plt.figure(figsize=(7, 8.0))
    top, bottom = figure.subfigures(2, 1, height_ratios=(6.6, 1.6))
    axis = top.subplots()
    axis.imshow(tiles(np.reshape(pictures, (-1, side, side)), epochs + 1), cmap="gray_r", vmin=0, vmax=255)
    bare(axis)
    heads = ["MNIST", *(f"epoch {i}" for i in range(1, epochs + 1))]
    axis.set_xticks(np.arange(epochs + 1) * (side + 2) + side / 2, heads)
    axis.tick_params(length=0, labeltop=True, labelbottom=False, labelsize=9, colors=INK)
    axis.axvline(side + 0.5, color=MUTED, linewidth=1)
    field = mlp.elastic_fields(np.random.default_rng(0), 500, side)
    figure.suptitle("No image is shown twice: eight digits in eight epochs. The elastic field\nalone moves a pixel by "
                    f"{np.sqrt(np.mean(field ** 2)):.1f} pixels down or up and as much sideways (rms)",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    cases = (("affine", 0.0, 1.0), ("elastic", 1.0, 0.0), ("both: the paper's", 1.0, 1.0),
             ("elastic, a third", 1 / 3, 0.0))
    axes = bottom.subplots(1, 8)
    for (name, elastic, affine), (left, right) in zip(cases, axes.reshape(4, 2)):
        case, i = replace(config, elastic=elastic, affine=affine), some[3]
        place = mlp.places(np.random.default_rng(args.seed + 5), np.zeros(1, bool), case)[0]
        left.imshow(digits.images[i].reshape(mlp.EDGE, mlp.EDGE), cmap="gray_r", vmin=0, vmax=500)
        y, x = place.reshape(2, side, side)[:, ::4, ::4]
        left.plot(x, y, color=READ, linewidth=0.8)
        left.plot(x.T, y.T, color=READ, linewidth=0.8)
        left.set(xlim=(-3.5, mlp.EDGE + 2.5), ylim=(mlp.EDGE + 2.5, -3.5))
        right.imshow(mlp.warp(digits.images[[i]], place).reshape(side, side), cmap="gray_r", vmin=0, vmax=255)
        left.set_title(name, fontsize=9, fontweight="normal")
        bare(left)
        bare(right)
    bottom.supxlabel("purple: where the pixels of the deformed image, on its right, are read", fontsize=9)
    return figure


def by_heart(args):
    """Errors on training and test images against epochs, without deformations and with them."""
    runs = both(args)
    figure, axes = plt.subplots(1, 2, figsize=(7, 4.3), sharey=True)
    ends = {}
    for axis, kind in zip(axes, runs):
        label, colour = KINDS[kind]
        epoch, _, seen, known, test = runs[kind][0].scores.T
        known = np.maximum(known, ONE_IMAGE)
        ends[kind] = known[-1], test[-1]
        axis.fill_between(epoch, known, test, where=test > known, color=colour, alpha=0.15, linewidth=0)
        axis.plot(epoch, np.maximum(seen, ONE_IMAGE), color=MUTED, linestyle="-.")
        axis.plot(epoch, known, color=colour, linestyle="--")
        axis.plot(epoch, test, color=colour, marker="o", markersize=4)
        axis.annotate(f"{test[-1]:.2f} %", (epoch[-1], test[-1]), xytext=(0, 6), textcoords="offset points", ha="right",
                      color=INK, fontsize=9)
        axis.axhline(PAPER["n4"], color=INK, linestyle=":", linewidth=1.4)
        axis.annotate(f"2010, N4: {PAPER['n4']} %", (1, PAPER["n4"]), xytext=(0, 3), textcoords="offset points",
                      fontsize=9)
        axis.set(yscale="log", xlabel="epochs", ylim=(0.04, 40))
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.set_title(f"training images {label}" if kind == "none" else "deformed anew in every epoch",
                       fontsize=10, fontweight="normal")
        axis.yaxis.set_major_formatter("{x:g}")
    axes[0].set_ylabel("wrong answers (%)")
    handles = [plt.Line2D([], [], color=colour, linestyle=style, marker=marker, markersize=4)
               for colour, style, marker in ((INK, "-", "o"), (INK, "--", ""), (MUTED, "-.", ""))]
    figure.legend(handles, ("test images", "training images, undeformed", "images on show, while learning"),
                  loc="outside lower center", ncols=3, handlelength=2.2, columnspacing=1.2)
    figure.suptitle(f"Undeformed: {ends['none'][0]:.2f} % wrong on the training images, {ends['none'][1]:.1f} % on new "
                    f"ones.\nDeformed anew in every epoch: {ends['full'][0]:.1f} % and {ends['full'][1]:.1f} %",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def smoothness(W, side):
    """Return the correlation of weights that come from neighbouring pixels, for W (side * side, units)."""
    W = W.reshape(side, side, -1)[4:-4, 4:-4]
    return np.corrcoef(W[:, 1:].ravel(), W[:, :-1].ravel())[0, 1]


def receptive_fields(args):
    """What learning has added to the weights of some first-layer units at three epochs, for both nets."""
    runs, side = both(args), mlp.SMALL.side
    figure, axes = plt.subplots(2, 3, figsize=(7, 4.5))
    ends = {}
    for row, kind in zip(axes, ("full", "none")):
        layers = [net[0][0] for net in runs[kind][1]]
        units = np.argsort(-np.linalg.norm(layers[-1] - layers[0], axis=0))[:24]
        limit = 0.6 * np.abs(layers[-1] - layers[0])[:, units].max()
        for axis, epoch in zip(row, (1, len(layers) // 2, len(layers) - 1)):
            added = layers[epoch] - layers[0]
            ends[kind] = smoothness(added, side)
            fields = np.rint(8 * (added[:, units] / limit).clip(-1, 1)).T.reshape(-1, side, side)
            axis.imshow(tiles(fields, 6), cmap="RdBu_r", vmin=-8, vmax=8)
            bare(axis)
            axis.set_title(f"epoch {epoch}: {ends[kind]:.2f}", fontsize=10, fontweight="normal")
        row[0].set_ylabel("deformed" if kind == "full" else "undeformed", color=KINDS[kind][1], fontsize=10)
    figure.suptitle("What learning adds to the weights of 24 units (red +, blue \N{MINUS SIGN}):\nneighbours "
                    f"correlate by {ends['full']:.2f} with deformations, by {ends['none']:.2f} without",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def best_net(args):
    """Return name and doubts of the recorded big net of least validation error, or of a small net trained here."""
    cells = [(arm, seed, cell) for arm in ("n1", "n2", "n3", "n4", "n5") for seed, cell in recorded(arm).items()]
    if cells and args.preset != "quick":
        arm, seed, cell = min(cells, key=lambda row: row[2]["metrics"]["validation_error"])
        return f"{arm.upper()} of seed {seed}", cell["curves"]["doubts"]
    snapshot = both(args)["full"][0]
    return f"{mlp.SMALL.hidden}-10 of seed {args.seed}", mlp.doubts(snapshot.best, mlp.load_digits(mlp.SMALL)[1].labels)


def mistakes(args):
    """The test images that the best net gets wrong, the surest mistakes first, with its first and second guess."""
    name, table = best_net(args)
    test = mlp.load_digits(mlp.SMALL)[1].images
    wrong = []
    for image, label, *p in table:
        first, second = np.argsort(p)[:-3:-1]
        if first != label:
            wrong.append((p[first], image, label, first, second))
    wrong.sort(reverse=True)
    shown, columns = wrong[:60], 10
    share = np.mean([label == second for _, _, label, _, second in wrong])
    rows = -(-len(shown) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(7, 0.7 + 1.02 * rows))
    figure.get_layout_engine().set(hspace=0.08)
    for axis in axes.flat:
        axis.set_visible(False)
    for axis, (p, image, label, first, second) in zip(axes.flat, shown):
        axis.set_visible(True)
        axis.imshow(mlp.crop(test[[image]], 28).reshape(28, 28), cmap="gray_r")
        bare(axis)
        axis.text(0, -1.5, label, fontsize=9, fontweight="bold")
        axis.text(27, -1.5, f"{p / 100:.0f} %", fontsize=8, ha="right", color=MUTED)
        axis.text(0, 28, first, fontsize=9, va="top", color=MISTAKE)
        axis.text(27, 28, second, fontsize=9, va="top", ha="right", color=SECOND if second == label else MUTED)
    surest = f"; here the {len(shown)} surest" if len(wrong) > len(shown) else ""
    figure.suptitle(f"{name} makes {len(wrong):,} mistakes in 10,000{surest}.\nIts second guess is right in "
                    f"{100 * share:.0f} % of them",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    figure.supxlabel("black: label; red: first guess; grey: how sure of it; green: second guess, if right", fontsize=9)
    return figure


# ---------------------------------------------------------------- Paper scale, from the record

def wilson(share, n, z=1.96):
    """Return the ends of the 95 % Wilson interval of a share of n images."""
    middle, half = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def size(args):
    """Test error of the recorded big nets against their number of weights, with the paper's."""
    cells = {arm: recorded(arm) for arm in PAPER if recorded(arm)}
    if not cells:
        return None
    count = {arm: sum(W.size + b.size for W, b in mlp.init(np.random.default_rng(0), mlp.ARMS[arm].config)) / 1e6
             for arm in PAPER}
    figure, axis = plt.subplots(figsize=(7, 4.2))
    order = sorted(PAPER, key=count.get)
    axis.plot([count[arm] for arm in order], [PAPER[arm] for arm in order], "s", color=INK, markersize=7,
              markerfacecolor="none", label="2010, Table 1: 24 to 115 GPU hours a net")
    means = {}
    for arm, seeds in cells.items():
        errors = np.array([cell["metrics"]["test_error"] for cell in seeds.values()])
        means[arm], hours = errors.mean(), np.mean([cell["seconds"] for cell in seeds.values()]) / 3600
        low, high = wilson(means[arm] / 100, 10_000)
        axis.plot((count[arm],) * 2, (100 * low, 100 * high), color=BLUE, linewidth=1.4)
        axis.plot(np.full(len(errors), count[arm]), errors, "o", color=BLUE, markersize=4, alpha=0.5)
        axis.plot(count[arm], means[arm], "_", color=BLUE, markersize=20, markeredgewidth=2.5)
        axis.annotate(f"{means[arm]:.2f} %\n{len(errors)} seed{'s' * (len(errors) > 1)}, {hours:.1f} h",
                      (count[arm], 100 * high), xytext=(0, 4), textcoords="offset points", ha="center", fontsize=8.5,
                      color=BLUE)
    for arm in order:
        axis.annotate(f"{arm.upper()}\n{PAPER[arm]}", (count[arm], 0), xytext=(0, 4), textcoords="offset points",
                      xycoords=("data", "axes fraction"), ha="center", fontsize=9)
    axis.plot([], [], "_", color=BLUE, markersize=12, markeredgewidth=2.5, label="here: mean of the seeds (dots)")
    axis.plot([], [], color=BLUE, linewidth=1.4, label="95 % interval on 10,000 images")
    axis.set(xscale="log", xticks=(1, 2, 5, 10), xlabel="weights (millions)", ylabel="test error (%)", xlim=(1, 16))
    axis.set_ylim(0.1, 0.3 + axis.get_ylim()[1])
    axis.set_xticks([], minor=True)
    axis.set_xticklabels(("1", "2", "5", "10"))
    axis.legend(loc="upper right")
    best = min(means, key=means.get)
    axis.set_title(f"Plain nets read digits: {best.upper()} errs on {means[best]:.2f} % ({PAPER[best]} % in 2010)")
    return figure


def ablation(args):
    """N1 learning from undeformed, affinely and fully deformed images: errors against epochs, from the record."""
    arms = {"none": recorded("n1-undeformed"), "affine": recorded("n1-affine"), "full": recorded("n1-elastic-affine")}
    if not all(arms.values()):
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(7, 4.2), sharey=True)
    ends = {}
    for kind, cells in arms.items():
        label, colour = KINDS[kind]
        curves = [cell["curves"] for cell in cells.values()]
        epoch = curves[0]["epoch"]
        for axis, name in ((left, "validation_curve"), (right, "test_curve")):
            values = np.maximum([curve[name] for curve in curves], ONE_IMAGE)
            axis.plot(epoch, values.T, color=colour, linewidth=0.7, alpha=0.5)
            axis.plot(epoch, values.mean(0), color=colour, linewidth=2.2, label=label)
        ends[kind] = np.mean([cell["metrics"]["test_error"] for cell in cells.values()])
        right.axhline(SIMARD[kind], color=colour, linestyle=":", linewidth=1.4)
        right.annotate(SIMARD[kind], (1, SIMARD[kind]), xycoords=("axes fraction", "data"), xytext=(2, 0),
                       textcoords="offset points", va="center", fontsize=9, color=colour)
    right.plot([], [], color=MUTED, linestyle=":", linewidth=1.4, label="Simard et al. 2003,\n800 units")
    left.set(yscale="log", ylabel="wrong answers (%)", xlabel="epochs")
    right.set(xlabel="epochs")
    left.yaxis.set_major_formatter("{x:g}")
    left.set_title("60,000 training images, undeformed", fontsize=10, fontweight="normal")
    right.set_title("10,000 test images", fontsize=10, fontweight="normal")
    right.legend(loc="lower left")
    figure.suptitle(f"N1, from undeformed images: {ends['none']:.2f} % test errors; affine deformations:\n"
                    f"{ends['affine']:.2f} %; elastic ones too: {ends['full']:.2f} %",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


if __name__ == "__main__":
    sys.exit(draw([deformations, by_heart, receptive_fields, mistakes, ablation, size]))
