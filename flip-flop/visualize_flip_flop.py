"""Draw the figures of flip-flop: python3 visualize_flip_flop.py [--seed K] [--preset quick] [--out FOLDER]"""
import flip_flop as ff                                                            # first: it sets the threads
from flip_flop import complain, write_whole

import functools
from dataclasses import replace

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

# One colour, one thing: the mean output, the target, pain, predicted pain, and the other arms.
MU, TARGET, FELT, PREDICTED = BLUE, GREEN, RED, PURPLE
CURVES = {"teacher": ("supervised (teacher)", GREEN), "parallel-entropy": ("parallel, cross-entropy M", SKY),
          "parallel": ("parallel", BLUE), "sequential": ("sequential", ORANGE),
          "literal": ("parallel, sizes and rates of 1991", INK),
          "coin-30": ("coin output, 30 % fair", RED)}
SHOWN = 40                                                                        # steps of a stream in one picture


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = ff.ARMS[arm].config
    return replace(config, nets=2, steps=3000, pretrain=0, test_every=1000, test_steps=2000) \
        if args.preset == "quick" else config


@functools.cache
def history(config, seed):
    """Live through train once. Return the net to show (the last one to solve the task, or 0), its Lanes when it did
    (or at the end), and its life, by blocks: (step, trace of the last SHOWN steps, events, targets, mean pain, V)."""
    life = {}
    for snapshot in ff.train(config, seed):
        for lane, net in enumerate(snapshot.here):
            trace = {name: values[-SHOWN:, lane].copy() for name, values in snapshot.trace.items()}
            life.setdefault(int(net), []).append((snapshot.step, trace, snapshot.events[-SHOWN:, lane].copy(),
                                                  snapshot.targets[-SHOWN:, lane].copy(),
                                                  snapshot.trace["pain"][:, lane].mean(),
                                                  snapshot.lanes.V[lane].copy()))
    solved = {int(net): found for net, found in snapshot.solved.items()}
    if not solved:
        return 0, snapshot.lanes.take([list(snapshot.here).index(0)]), life[0]
    net = max(solved, key=lambda i: solved[i][0])
    step, lanes = solved[net]
    return net, lanes, [block for block in life[net] if block[0] <= step]


def draw_stream(axis, block, legend=False):
    """Draw SHOWN steps of a net's life: events, target, mean, output, pain and predicted pain."""
    _, trace, events, targets, *_ = block
    t = np.arange(len(events))
    axis.bar(t, targets, 0.9, color=TARGET, alpha=0.35, linewidth=0, label="target ON")
    axis.plot(t, trace["mu"], color=MU, marker="o", markersize=2.5, linewidth=1.2, label="mean output μ")
    axis.plot(t, trace["z"].clip(-0.25, 1.35), color=MUTED, marker=".", markersize=4, linestyle="", label="output z")
    axis.plot(t, trace["predicted"] - 1.5, color=PREDICTED, linewidth=1.2, label="pain predicted by M")
    axis.plot(t, trace["pain"] - 1.5, color=FELT, marker="x", markersize=4, linestyle="", label="pain felt")
    axis.axhline(0.5, color=GRID, linewidth=1)
    for where, event in zip(t, events):
        axis.text(where, 1.62, "ABX "[event], ha="center", fontsize=8, color=MUTED if event == ff.X else INK,
                  fontweight="normal" if event == ff.X else "bold")
    axis.set(ylim=(-1.75, 1.85), yticks=(-1.5, -0.5, 0, 1), yticklabels=("0", "1", "0", "1"), xlim=(-1, len(t)))
    axis.grid(axis="x", visible=False)
    if legend:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.22), ncol=5, fontsize=8, columnspacing=1,
                    handlelength=1.4)


def stream(args):
    """One net at its birth, on the way, and when it has solved the task."""
    _, _, life = history(settings("parallel-short", args), args.seed)
    figure, axes = plt.subplots(3, 1, figsize=(7, 7))
    for axis, block in zip(axes, (life[0], life[len(life) // 3], life[-1])):
        draw_stream(axis, block, axis is axes[-1])
        axis.set_title(f"Step {block[0]:,}: {block[4]:.0%} of 1000 outputs hurt", fontsize=10)
        axis.set_ylabel("pain    output", fontsize=8)
    axes[-1].set_xlabel("step of the stream")
    figure.suptitle("From noise to a flip-flop, taught by nothing but pain", fontweight="bold", x=0.02, ha="left")
    return figure


def success(args):
    """Share of nets that have solved the task, against steps."""
    arms = {arm: recorded(arm) for arm in CURVES} if args.preset != "quick" else {}
    arms = {arm: cells for arm, cells in arms.items() if cells}
    if not {"parallel", "sequential"} & set(arms):
        return None
    figure, axis = plt.subplots(figsize=(7, 4.8))
    results = ff.pool(arms)
    for arm, (label, colour) in CURVES.items():
        if arm in results:
            steps = np.sort(results[arm]["steps"])
            got = steps[~np.isnan(steps)]
            x = np.concatenate([[1000], got, [1e6]])
            axis.step(x, 100 * np.append(np.arange(len(got) + 1), len(got)) / len(steps), where="post", color=colour,
                      label=f"{label} ({len(got)} of {len(steps)})")
    axis.axhline(200 / 3, color=BLUE, linestyle=":", label="1991, parallel: 20 of 30 in 10⁶ steps")
    axis.axhline(60, color=ORANGE, linestyle=":", label="1990, sequential: 6 of 10")
    axis.set(xscale="log", xlim=(1000, 1e6), ylim=(0, 103), xlabel="steps of the stream", ylabel="nets solved (%)")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncol=2, fontsize=8)
    name = "parallel" if "parallel" in results else "sequential"
    axis.set_title(f"{name.capitalize()}: {ff.solved_share(results[name]):.0%} of {len(results[name]['steps'])} nets "
                   "solve the flip-flop within a million steps")
    return figure


def portrait(args):
    """Where C's units are after each step, noise off, by the world's bit."""
    config = settings("parallel-short", args)
    net, lanes, _ = history(config, args.seed)
    rng, s, pain, armed, rows = np.random.default_rng(args.seed), lanes.s.copy(), lanes.pain, lanes.armed, []
    for event in rng.integers(3, size=600):
        target, armed = ff.make_targets("pulse", np.array([[event]]), armed)
        x = np.zeros((1, 4, 1))
        x[0, event], x[0, ff.PAIN] = 1, pain
        mu = ff.act(lanes.V, s, x)[:, 0]
        pain = ((mu > 0.5) != target[0]).astype(float)
        rows.append((event, armed[0], *s[0, :config.units, 0]))
    rows = np.array(rows[100:])
    apart = abs(rows[rows[:, 1] == 1, 2:].mean(0) - rows[rows[:, 1] == 0, 2:].mean(0))
    keep = apart.argmax()                                    # the unit that tells armed from not armed
    figure, axis = plt.subplots(figsize=(7, 4.4))
    for event, marker in zip(range(3), "^so"):
        for bit, colour in ((1, ORANGE), (0, BLUE)):
            here = rows[(rows[:, 0] == event) & (rows[:, 1] == bit)]
            if len(here):
                axis.plot(here[:, 2 + keep], here[:, 2], marker, color=colour, markersize=6, alpha=0.6, mew=0,
                          label=f"after {'ABX'[event]}, a B would {'' if bit else 'not '}be answered ON")
    axis.axhline(0.5, color=MUTED, linestyle=":")
    names = ["μ", "σ"] + [f"unit {k}" for k in range(2, config.units)]
    axis.set(xlabel=f"activation of {names[keep]}, the one that differs most", ylabel="mean output μ",
             ylim=(-0.03, 1.03), xlim=(-0.03, 1.03))
    axis.legend(fontsize=8, loc="best")
    axis.set_title(f"The memory of net {net} is an activation: {apart[keep]:.2f} apart on average")
    return figure


def lags(args):
    """How long a solution remembers."""
    cells = recorded("parallel")
    if args.preset == "quick" or not cells:
        return None
    r = ff.pool({"parallel": cells})["parallel"]
    got = ~np.isnan(r["steps"])
    figure, axis = plt.subplots(figsize=(7, 3.8))
    for row in np.array([r[f"lag_{lag}"][got] for lag in ff.LAGS]).T:
        axis.plot(ff.LAGS, 100 * row, color=SKY, alpha=0.5, linewidth=1)
    axis.plot(ff.LAGS, [100 * ff.held(r, lag) for lag in ff.LAGS], color=BLUE, marker="o",
              label="nets right in 99 % of the probes")
    axis.plot([], [], color=SKY, label="probes that one net gets right")
    axis.axhline(90, color=MUTED, linestyle=":", label="our bar at 1000")
    axis.set(xscale="log", ylim=(-3, 105), xlabel="number of X between A and B", ylabel="share (%)")
    axis.legend(loc="best", fontsize=8)
    axis.set_title(f"{ff.held(r, 1000):.0%} of {got.sum()} solutions hold A over 1000 X")
    return figure


def model(args):
    """M's predicted pain against the output z in the four contexts, after the same history."""
    config = settings("parallel-short", args)
    net, lanes, _ = history(config, args.seed)
    z, m = np.linspace(-1, 2, 121), config.model_units
    figure, axis = plt.subplots(figsize=(7, 4.2))
    contexts = {"B, armed: ON is right": (ff.A, ff.B, GREEN, "-"), "B, not armed": (ff.B, ff.B, RED, "-"),
                "X, armed": (ff.A, ff.X, ORANGE, "--"), "X, not armed": (ff.B, ff.X, INK, ":")}
    height = {}
    for label, (past, event, colour, line) in contexts.items():
        r = np.repeat(lanes.r, len(z), 2)
        for k, now in enumerate((past, ff.X, event)):
            r[:, m:m + 5] = 0
            r[:, m + now] = 1
            r[:, m + 4] = z if k == 2 else 0
            for _ in range(ff.TICKS):
                r[:, :m] = ff.logistic(lanes.W @ r)
        height[label] = r[0, ff.PAIN]
        axis.plot(z, r[0, ff.PAIN], color=colour, linestyle=line, label=label)
    axis.axvline(0.5, color=MUTED, linestyle=":", linewidth=1)
    axis.set(xlabel="output z (ON above 0.5)", ylabel="pain predicted by M", ylim=(-0.03, 1.03), xlim=(-1, 2))
    axis.legend(fontsize=8, loc="center right")
    falls = height["B, armed: ON is right"]
    axis.set_title(f"M of net {net} knows the flip-flop: at an armed B, pain falls from\n{falls[30]:.2f} (z = −¼) to "
                   f"{falls[90]:.2f} (z = 1¼)")
    return figure


if __name__ == "__main__":
    sys.exit(draw([stream, success, portrait, lags, model]))
