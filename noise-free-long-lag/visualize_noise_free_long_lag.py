"""Draw the figures of noise-free-long-lag: visualize_noise_free_long_lag.py [--seed K] [--preset quick] [--out DIR]"""
from dataclasses import replace
from typing import NamedTuple

import noise_free_long_lag as lag                                                 # first: it sets the threads
from noise_free_long_lag import complain, write_whole

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

# One colour, one thing: the net of 1997, with closed gates and Adam, the ordinary net; the classes x and y.
LITERAL, ADAM, ORDINARY, CLASSES = BLUE, ORANGE, RED, (GREEN, PURPLE)
KINDS = {"": ("the net and rate of 1997", LITERAL, 0.9), "adam-": ("closed gates, Adam", ADAM, 1.1)}


def settings(arm, args, **more):
    """Return the Config of an arm, of a small task for --preset quick."""
    config = replace(lag.ARMS[arm].config, **more)
    small = {"p": 5, "sequences": 600} | ({"q": 30, "rate": 0.03} if config.task == "2c" else {"alone": 50})
    return replace(config, **small) if args.preset == "quick" else config


def results(args, *arms):
    """Return arm -> metric -> array over the replicates, for the arms that have records."""
    return {} if args.preset == "quick" else lag.pool({arm: found for arm in arms if (found := recorded(arm))})


class Pair(NamedTuple):
    """What a net of 2c does on two sequences that differ only in their second symbol; first axis: x, y."""
    symbols: np.ndarray         # (2, length)
    s: np.ndarray               # states       (2, 2 cells, length)
    y_in: np.ndarray            # input gates  (2, 2, length)
    y_out: np.ndarray           # output gates (2, 2, length)
    y: np.ndarray               # outputs at the end  (2, 2 outputs)
    read: int                   # the cell that tells x from y for the outputs


def run_pair(params, config, generator):
    """Run the first trial's net on one fresh sequence and its twin of the other class."""
    symbols, lengths = (np.repeat(part[0], 2, -1) for part in lag.make_batch(config, [generator], 1))
    symbols[1] = 0, 1
    desk = lag.TWO_BLOCKS.desk(config, len(symbols), 2)
    done = lag.TWO_BLOCKS.forward({n: w[..., :1] for n, w in params.items()}, desk, symbols, lengths, config)
    told = abs(np.diff(desk.U[-1, 6:])[:, 0] * np.diff(params["V"][..., 0])[:, 0])
    return Pair(symbols.T, 2 * desk.S[1:].transpose(2, 1, 0), *(desk.U[1:, rows].transpose(2, 1, 0) for rows in
                (slice(2, 4), slice(4, 6))), done.y.T, int(told.argmax()))


def thousands(axis):
    """Write large numbers of an x axis with commas."""
    axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))


def show_trials(axis, x, metrics, colour, rng):
    """Draw one dot for each trial that succeeded, and a bar at their mean."""
    n = metrics["sequences"][metrics["solved"] > 0]
    axis.plot(x * np.exp(rng.uniform(-0.05, 0.05, len(n))), n, "o", color=colour, markersize=4, alpha=0.5,
              markeredgewidth=0)
    if len(n):
        axis.plot((x / 1.15, x * 1.15), (n.mean(),) * 2, color=colour, linewidth=3)


def sequences_needed(args):
    """Table 3 and its twin: sequences until success against the lag, and against the number of distractors."""
    r = results(args, *(f"2c-{kind}{q}-{p}" for kind in KINDS for q, p in lag.TABLE_3))
    if not r:
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 4.4), sharey=True, width_ratios=(1.35, 1))
    rng = np.random.default_rng(0)
    for axis, rows in ((left, [(q, p) for q, p in lag.TABLE_3 if q == p]),
                       (right, sorted((q, p) for q, p in lag.TABLE_3 if q == 1000))):
        axis.plot([p for _, p in rows], [lag.TABLE_3[row] for row in rows], "D-", color=INK, markersize=6,
                  linewidth=1.2, label="1997: means of 20 trials")
        for kind, (label, colour, aside) in KINDS.items():
            counts = []
            for q, p in rows:
                if (arm := f"2c-{kind}{q}-{p}") in r:
                    show_trials(axis, aside * p, r[arm], colour, rng)
                    counts += r[arm]["solved"].tolist()
            if counts and axis is left:
                axis.plot([], [], "o", color=colour, label=f"{label}: {sum(counts):.0f} of {len(counts)}")
        ticks = sorted({p for _, p in rows})
        axis.set(xscale="log", yscale="log", ylim=(150, 600_000))
        axis.set_xticks(ticks, [f"{p:,}" for p in ticks], fontsize=8)
        axis.set_xticks([], minor=True)
    left.axvline(10, ymax=0.8, color=ORDINARY, linewidth=1.5)
    left.text(9, 1000, "1997:\nordinary nets\nfail at lag 10", color=ORDINARY, fontsize=9, ha="right", va="center")
    left.set_xticks([1, 10, 50, 100, 200, 500, 1000], ["1", "10", "50", "100", "200", "500", "1,000"])
    left.set(xlim=(1, 1600), xlabel="least number of distractors q,\nof p = q different ones",
             ylabel="training sequences until success")
    right.set(xlim=(36, 1500), xlabel="number p of different\ndistractors, q = 1,000")
    left.legend(loc="upper left", fontsize=8)
    means = [f"{np.nanmean(r[arm]['sequences']):,.0f} sequences at lag {q + 1:,}" for q in (50, 1000)
             if (arm := f"2c-adam-{q}-{q}") in r]
    figure.suptitle(f"Closed gates and Adam: {' and '.join(means)}\n(dot: a trial; bar: mean; legend: trials that "
                    "succeeded)", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def a_thousand_steps(args):
    """States and gates in a pair of sequences: the net of 1997 before learning, closed gates before and after it."""
    nets = []
    for arm, sequences in (("2c-1000-1000", 0), ("2c-adam-1000-1000", None)):
        config = settings(arm, args, trials=1)
        for snapshot in lag.train(config, args.seed, lag.TWO_BLOCKS):
            if snapshot.step == sequences:
                break
        cut = snapshot.params | {"R": 0 * snapshot.params["R"]}
        nets.append([run_pair(params, config, np.random.default_rng(args.seed)) for params in (snapshot.params, cut)]
                    + [snapshot.step])
    figure, axes = plt.subplots(2, 2, figsize=(7.2, 4.8), sharex=True, height_ratios=(2, 1.2))
    apart = []
    for (state, gate), (pair, alone, step), name in zip(axes.T, nets, ("the net of 1997", "closed gates, Adam")):
        for k, colour in enumerate(CLASSES):
            state.plot(pair.s[k, pair.read], color=colour, linestyle=("-", "--")[k], label=f"{'xy'[k]} came first")
            if step:
                state.plot(alone.s[k, pair.read], color=colour, linestyle=":", linewidth=1.2)
        gate.plot(pair.y_in[0, pair.read], color=INK, linewidth=1.2, label="input gate")
        gate.plot(pair.y_out[0, pair.read], color=SKY, linewidth=1.2, label="output gate")
        state.set_title(f"{name}, {f'after {step:,} sequences' if step else 'before training'}", fontweight="normal",
                        fontsize=10)
        gate.set(ylim=(-0.05, 1.05), xlabel="step")
        thousands(gate)
        apart.append(abs(np.diff(pair.s[:, pair.read, -1], axis=0)).item())
    axes[0, 0].set(ylabel="state of the cell s")
    axes[1, 0].set(ylabel="gates")
    axes[0, 0].legend(loc="best", fontsize=8)
    axes[0, 1].plot([], [], ":", color=MUTED, linewidth=1.2, label="recurrent weights cut")
    axes[0, 1].legend(loc="lower left", fontsize=8)
    axes[1, 0].legend(loc="upper right", fontsize=8, ncols=2)
    figure.suptitle(f"Half-open gates write every symbol and lose the bit: x and y end {apart[0]:.2f} apart.\n"
                    f"The trained gate opens to {pair.y_in[:, pair.read, 1].mean():.2f} for x or y; "
                    f"{pair.symbols.shape[1] - 2:,} steps later they are {apart[1]:.0f} apart", x=0.01, ha="left",
                    fontsize=11, fontweight="bold")
    return figure


def last_outputs(config, seed, every=1):
    """Train 2a; return steps, the outputs x and y at the end of (x, a_1, ...), (steps, 2 outputs, trials), and when
    each trial stopped."""
    steps, outputs = [], []
    symbols = np.tile(np.arange(1, config.p + 1)[:, None], config.trials)
    symbols[0] = 0
    for i, snapshot in enumerate(lag.train(config, seed, lag.ONE_CELL)):
        if i % every == 0 or snapshot.step == config.sequences or not np.isnan(snapshot.stopped).any():
            done = lag.ONE_CELL.forward(snapshot.params, None, symbols, np.full(config.trials, config.p), config)
            steps.append(snapshot.step)
            outputs.append(done.y[:, -1, :2].T)
    return np.array(steps), np.array(outputs), snapshot.stopped


def the_cell_is_added(args):
    """2a: the outputs x and y at the last step through training: the net of 1997; with a closed gate and Adam."""
    figure, axes = plt.subplots(2, 1, figsize=(7, 4.9))
    said = []
    for axis, arm, name, more, every in ((axes[0], "2a", "the net and rate of 1997", {"sequences": 45_000}, 8),
                                         (axes[1], "2a-adam", "closed gate, Adam", {}, 1)):
        config = settings(arm, args, trials=4, **more)
        steps, outputs, stopped = last_outputs(config, args.seed, every)
        trial = int(np.argsort(stopped)[0])                                       # the first to succeed; NaN is last
        end = config.sequences if np.isnan(stopped[trial]) else stopped[trial]
        kept = steps <= end
        for k, colour in enumerate(CLASSES):
            axis.plot(steps[kept], outputs[kept, k, trial], color=colour, linestyle=("-", "--")[k], linewidth=1.5,
                      label=f"output {'xy'[k]}")
        axis.axvline(config.alone, color=MUTED, linestyle=":", linewidth=1.5)
        axis.annotate("the cell is added", (config.alone, 1.07), xytext=(4, 0), textcoords="offset points", fontsize=9,
                      color=MUTED, va="center")
        axis.axhspan(lag.LIMITS["2a"], 1 - lag.LIMITS["2a"], color=GRID, alpha=0.5, linewidth=0)
        axis.set(ylim=(-0.05, 1.17), xlim=(0, 1.02 * end), ylabel="at the last step")
        axis.set_title(f"{name}", fontweight="normal", fontsize=10)
        thousands(axis)
        said.append(f"{'not within' if np.isnan(stopped[trial]) else 'after'} {end:,.0f} sequences")
    axes[0].legend(loc="center right", fontsize=8)
    axes[1].set_xlabel("training sequences (of four trials the first to succeed; a sequence that began with x)")
    figure.suptitle(f"Without a cell, x and y are a toss-up. With it they are told apart\n{said[0]} (1997), "
                    f"{said[1]} (closed gate, Adam)", x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def error_flow(args):
    """How much of an error at the last step reaches a unit or a cell many steps earlier."""
    figure, axis = plt.subplots(figsize=(7, 4))
    lags = np.arange(1, 1001)
    axis.plot(lags, np.ones(1000), color=ADAM, linewidth=2.5, label="memory cell: self-connection 1")
    axis.plot(lags, 0.99**lags, color=MUTED, linestyle="--", label="self-connection 0.99")
    ends = []
    for trained, style in ((False, ":"), (True, "-")):
        config = settings("rtrl-10", args)
        *_, last = (list(lag.train(config, args.seed, lag.ORDINARY)) if trained
                    else [next(lag.train(config, args.seed, lag.ORDINARY))])
        symbols = lag.make_batch(config, lag.streams(config, args.seed)[2], 1).symbols[0]
        h, = lag.ORDINARY.forward(last.params, None, symbols, np.full(config.trials, config.p), config).rest[2:]
        factors = abs(last.params["R"][0, 0] * (h * (1 - h))[:-1, 0])[::-1]       # one for each step back
        kept, back = np.cumprod(factors, 0), np.arange(1, config.p)
        axis.fill_between(back, kept.min(1), kept.max(1), color=ORDINARY, alpha=0.12, linewidth=0)
        axis.plot(back, np.median(kept, 1), color=ORDINARY, linestyle=style, label="ordinary unit, "
                  + (f"after {last.step:,} sequences" if trained else "before training"))
        ends.append(np.median(kept[-1]))
    axis.set(xscale="log", yscale="log", ylim=(1e-18, 10), xlim=(1, 1000), xlabel="steps back",
             ylabel="share of the error that arrives")
    thousands(axis)
    axis.legend(loc="lower right", title="(median and range of 18 trials)", fontsize=8, title_fontsize=8)
    axis.set_title(f"{config.p - 1} steps back an ordinary unit gets {ends[1]:.0e} of the error, a cell all of it")
    return figure


if __name__ == "__main__":
    sys.exit(draw([sequences_needed, a_thousand_steps, the_cell_is_added, error_flow]))
