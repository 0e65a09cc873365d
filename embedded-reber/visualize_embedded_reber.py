"""Draw the figures of embedded-reber: python3 visualize_embedded_reber.py [--seed K] [--preset quick] [--out FOLDER]"""
import functools
from dataclasses import replace

import embedded_reber as er                                                       # first: it sets the threads
from embedded_reber import complain, write_whole

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

# One colour, one thing: two readings of the paper's rule, its substitute, output gates held open, the ordinary net.
STEP, STRING, FAST, OPEN, ORDINARY = BLUE, SKY, ORANGE, GREEN, RED
KNOWN, UNAWARE = 7 * np.log(2), 8 * np.log(2)                                     # nats a string; without the bit
BOTH = ("T", "P")


def settings(arm, args):
    """Return the Config of an arm, cut short for --preset quick."""
    config = er.ARMS[arm].config
    return replace(config, trials=3, strings=200, settle=0) if args.preset == "quick" else config


@functools.cache
def trained(arm, config, seed):
    """Train an arm; return the weights after every block (a dict of arrays, trials last), the history (blocks, 2,
    trials) and the strings that each trial needed."""
    weights = []
    for snapshot in er.train(config, seed, er.ELMAN if arm.startswith("elman") else er.LSTM):
        weights.append({name: w.copy() for name, w in snapshot.params.items()})
    return weights, np.array(snapshot.history), snapshot.solved


@functools.cache
def rerun(arm, config, seed):
    return {str(seed): er.run_cell(er.ARMS[arm]._replace(config=config), seed)}


def cells(args, arm):
    """Return the recorded cells of an arm; without records, for an arm of the default preset, those of a run."""
    known = args.preset != "quick" and recorded(arm)
    return known or (rerun(arm, settings(arm, args), args.seed) if arm in er.PRESETS["default"] else {})


def one_net(args):
    """Return the weights of the trial of the fast 4x2 net that needed the median number of strings, and its number."""
    weights, _, solved = trained("fast-4x2", settings("fast-4x2", args), args.seed)
    trial = int(np.argsort(solved)[len(solved) // 2])                             # NaN sorts last
    return {name: w[..., [trial]] for name, w in weights[-1].items()}, trial


def long_string(args, least=22):
    """Return a test string of the seed of at least so many symbols, if there is one, and its twin, the same string with
    the other outer symbol."""
    known, _, _ = er.make_sets(settings("fast-4x2", args), args.seed)
    test = range(er.SET, 2 * er.SET)
    lane = min(test, key=lambda lane: (known.steps[lane] + 1 < least, abs(known.steps[lane] + 1 - least)))
    symbols = known.symbols[:known.steps[lane] + 1, :, lane].argmax(1)
    string = "".join(er.SYMBOLS[i] for i in symbols)
    other = BOTH[string[1] == "T"]
    return string, f"B{other}{string[2:-2]}{other}E"


def run(params, strings, config):
    """Run one net; return its outputs (steps, 7, strings), the Tape and the encoded strings."""
    encoded = er.encode(strings)
    tape = er.lstm_tape(config, len(encoded.legal), len(strings), 1)
    return er.lstm_forward(params, tape, encoded.symbols[:-1], config), tape, encoded


def show_outputs(axis, y, encoded, string):
    """Draw the outputs for one string as columns, with a box around every legal symbol."""
    image = axis.imshow(y[:, :, 0].T, aspect="auto", vmin=0, vmax=1, cmap="Blues", interpolation="nearest")
    for t, i in zip(*np.nonzero(encoded.legal[:, :, 0])):
        axis.add_patch(plt.Rectangle((t - 0.5, i - 0.5), 1, 1, fill=False, edgecolor=INK, linewidth=1.3))
    axis.set_xticks(range(len(string) - 1), list(string[:-1]), fontsize=9)
    axis.set_yticks(range(7), list(er.SYMBOLS), fontsize=9)
    axis.grid(False)
    axis.tick_params(length=0)
    return image


def strings_needed(args):
    """Strings until success: every trial of every recorded arm, and the means of Table 1."""
    rows = [(f"{net}, rate {rate}", mean, [(f"step-{net}-{rate}", STEP), (f"string-{net}-{rate}", STRING)])
            for (net, rate), (_, mean) in reversed(er.TABLE_1.items())]
    rows += [("4x2, Adam", None, [("fast-4x2", FAST)]), ("3x2, Adam", None, [("fast-3x2", FAST)]),
             ("4x1, Adam", None, [("fast-4x1", FAST)]), ("4x2, Adam,\noutput gates 1", None, [("open-4x2", OPEN)]),
             ("ordinary net,\nfull gradient", None, [("elman-full", ORDINARY)])]
    rng, place, labels, succeeded = np.random.default_rng(0), 0, [], []
    figure, axis = plt.subplots(figsize=(7, 6.2))
    for label, mean, arms in rows:
        arms = [(arm, colour, er.pool({arm: found})[arm]) for arm, colour in arms if (found := cells(args, arm))]
        if not arms and mean is None:
            continue
        if mean:
            axis.plot((mean, mean), (place - 0.36, place + 0.36), color=INK, linewidth=2.5)
            axis.annotate(f"{mean:,}", (mean, place - 0.4), ha="center", va="bottom", fontsize=9)
        for i, (_, colour, metrics) in enumerate(arms):
            n, y = metrics["strings"], place + (i - (len(arms) - 1) / 2) * 0.36
            axis.plot(n, y + rng.uniform(-0.1, 0.1, len(n)), "o", color=colour, markersize=4, alpha=0.5,
                      markeredgewidth=0)
            axis.annotate(f"{metrics['solved'].sum():.0f} of {len(n)}", (1.01, y), fontsize=9, va="center",
                          color=INK, xycoords=("axes fraction", "data"))
            succeeded.append((label, metrics["solved"].mean()))
        labels.append((place, label))
        place += 1
    axis.set_yticks(*zip(*labels))
    axis.set(xscale="log", xlim=(400, 250_000), ylim=(place - 0.4, -0.7), xlabel="training strings until success")
    axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    axis.plot([], [], color=INK, linewidth=2.5, label="Table 1 (1997): mean")
    for name, colour in (("1997 rule, changes after each step", STEP), ("1997 rule, after each string", STRING)):
        if colour in [line.get_color() for line in axis.lines]:
            axis.plot([], [], "o", color=colour, label=name)
    figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize=8)
    shares = dict(reversed(succeeded))                                            # of two rows in one place the first
    axis.set_title("Share that succeeds: " + ", ".join(
        f"{shares[label]:.0%} ({label})" for label in ("3x2, rate 0.5", "4x2, Adam") if label in shares))
    return figure


def learning_curves(args):
    """Cross-entropy of a training string: the memory cells pass the line of a net that misses the bit, the Elman net
    does not."""
    figure, axis = plt.subplots(figsize=(7, 4.4))
    ends = {}
    for arm, label, colour in (("elman-copied-short", "Elman net, errors one step back", ORDINARY),
                               ("fast-4x2", "memory cells (Adam, softmax)", FAST)):
        curves = next(iter(cells(args, arm).values()))["curves"]
        group = np.digitize(curves["seen"], np.geomspace(100, 100_000, 40))       # points that are averaged
        seen, median, least, most = (np.array([np.mean(np.array(curves[name])[group == i]) for i in np.unique(group)])
                                     for name in ("seen", "loss_median", "loss_least", "loss_most"))
        axis.plot(seen, median, color=colour, label=label)
        axis.fill_between(seen, least, most, color=colour, alpha=0.2, linewidth=0)
        ends[arm] = median[-1]
    for value, label, side in ((UNAWARE, "outer symbol unknown", 3), (KNOWN, "all known", -11)):
        axis.axhline(value, color=MUTED, linestyle=":", linewidth=1.3)
        axis.annotate(f"{label}: {value:.3f}", (0.01, value), xycoords=("axes fraction", "data"), fontsize=9,
                      xytext=(0, side), textcoords="offset points", color=MUTED)
    axis.set(ylim=(4.3, 12), xlim=(100, None), xscale="log", ylabel="cross-entropy of a string (nats)",
             xlabel="training strings (line: median of ten trials; band: their range)")
    axis.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
    axis.legend(loc="upper right")
    axis.set_title(f"The cells end at {ends['fast-4x2']:.2f} nats, the Elman net at {ends['elman-copied-short']:.2f}")
    return figure


def automaton(args):
    """The automaton of the inner string, with the mean output of a trained net on each arc; and the outer symbol."""
    config = replace(settings("fast-4x2", args), trials=1)
    params, _ = one_net(args)
    strings = er.make_strings(np.random.default_rng(args.seed), 400)
    y, _, encoded = run(params, strings, config)
    says = {(state, symbol): y[:, er.SYMBOLS.index(symbol)][encoded.states == 2 + state].mean()
            for state, arcs in enumerate(er.INNER) for symbol in arcs}
    figure, (axis, bars) = plt.subplots(1, 2, figsize=(7, 4.2), width_ratios=(3.3, 1))
    places = [(0, 0), (1.6, 1), (1.6, -1), (3.6, 1), (3.6, -1), (5.2, 0), (6.9, 0)]
    for state, arcs in enumerate(er.INNER):
        for symbol, target in arcs.items():
            (x0, y0), (x1, y1) = places[state], places[target]
            text = f"{symbol} {says[state, symbol]:.2f}"
            if state == target:
                up = np.sign(y0)
                axis.annotate("", (x0 + 0.16, y0 + 0.2 * up), (x0 - 0.16, y0 + 0.2 * up), arrowprops=dict(
                    arrowstyle="-|>", color=INK, connectionstyle=f"arc3,rad={-1.9 * up}", shrinkA=0, shrinkB=0))
                axis.text(x0, y0 + 0.82 * up, text, ha="center", va="center", fontsize=9)
                continue
            axis.annotate("", (x1, y1), (x0, y0), arrowprops=dict(arrowstyle="-|>", color=INK, shrinkA=13, shrinkB=13))
            axis.text((x0 + x1) / 2, (y0 + y1) / 2, text, ha="center", va="center", fontsize=9,
                      bbox=dict(facecolor="white", edgecolor="none", pad=1))
    for name, (x, height) in zip("012345", places):
        axis.text(x, height, name, ha="center", va="center", color="white", fontsize=9,
                  bbox=dict(boxstyle="circle", facecolor=MUTED, edgecolor="none"))
    axis.annotate("", places[0], (-1.1, 0), arrowprops=dict(arrowstyle="-|>", color=INK, shrinkB=13))
    axis.text(-0.72, 0.14, "B", ha="center", fontsize=9)
    axis.set(xlim=(-1.2, 7), ylim=(-2.1, 2.1), xticks=[], yticks=[])
    axis.set_title("mean output on each arc of the inner string", fontsize=10, fontweight="normal")
    axis.grid(False)
    axis.spines[:].set_visible(False)
    began = np.array([string[1] for string in strings])
    for i, symbol in enumerate(BOTH):
        for j, answer in enumerate(BOTH):
            there = (encoded.states == er.OUTER) & (began == symbol)
            mean = y[:, er.SYMBOLS.index(answer)][there].mean()
            bars.bar(i + 0.4 * (j - 0.5), mean, 0.36, color=INK if answer == symbol else MUTED)
            bars.text(i + 0.4 * (j - 0.5), mean + 0.02, answer, ha="center", fontsize=9)
    bars.set(xticks=(0, 1), xticklabels=[f"B{symbol}..." for symbol in BOTH], ylim=(0, 1.12))
    bars.set_title("outer symbol", fontsize=10, fontweight="normal")
    bars.grid(axis="x", visible=False)
    halves = [says[state, symbol] for state, arcs in enumerate(er.INNER) if len(arcs) == 2 for symbol in arcs]
    figure.suptitle(f"The net has found the automaton: it says {min(halves):.2f} to {max(halves):.2f} for 1/2",
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def one_string(args):
    """A long test string: what the net says, and the cell that carries the outer symbol, beside the string's twin."""
    config = replace(settings("fast-4x2", args), trials=1)
    params, _ = one_net(args)
    strings = long_string(args)
    y, tape, encoded = run(params, strings, config)
    apart = abs(tape.s[2:-2, :, 0] - tape.s[2:-2, :, 1]).min(0)
    cell = int(np.argmax(apart * abs(params["V"][:, 1, 0] - params["V"][:, 2, 0])))
    figure, axes = plt.subplots(3, 1, figsize=(7, 6), height_ratios=(3, 2, 1.2), sharex=True)
    show_outputs(axes[0], y, encoded, strings[0])
    axes[0].set_ylabel("next symbol")
    for i, (string, style) in enumerate(zip(strings, ("-", "--"))):
        axes[1].plot(2 * tape.s[:, cell, i], color=FAST, linestyle=style, marker="o", markersize=3,
                     label=f"{string[:2]}... {string[-2:]}")
        axes[2].plot(tape.y_out[:, cell // config.size, i], color=FAST, linestyle=style, marker="o", markersize=3)
    axes[1].set(ylabel=f"state s of cell {cell + 1}")
    axes[2].set(ylabel="its output\ngate", ylim=(-0.05, 1.05), xlabel="symbol read (boxes: what may come next)")
    axes[1].legend(loc="best")
    axes[2].tick_params(labelbottom=False)
    axes[0].tick_params(labelbottom=True)
    place = {symbol: y[-2, er.SYMBOLS.index(symbol), 0] for symbol in BOTH}
    right = strings[0][1]
    figure.suptitle(f"After {len(strings[0]) - 4} symbols the net says {right} with {place[right]:.2f}, "
                    f"{BOTH[right == 'T']} with {place[BOTH[right == 'T']]:.2f}", x=0.01, ha="left", fontsize=11,
                    fontweight="bold")
    return figure


def output_gates(args):
    """Learned output gates against open ones: the losses around the moment when a trial learns the outer symbol."""
    figure, axes = plt.subplots(2, 1, figsize=(7, 5), sharex=True)
    before, after, start, levels = 30, 60, 25, {}                                 # blocks; the first 25 are left out
    for arm, label, colour in (("fast-4x2", "learned gates", FAST), ("open-4x2", "gates always 1", OPEN)):
        _, history, _ = trained(arm, replace(settings(arm, args), settle=0), args.seed)
        width = 5                                                                 # blocks that are averaged
        smooth = np.apply_along_axis(np.convolve, 0, history, np.ones(width) / width, "valid")
        outer, rest = smooth[:, 1], smooth[:, 0] - smooth[:, 1] - KNOWN
        aligned = np.full((2, before + after, outer.shape[1]), np.nan)
        for trial in np.flatnonzero((outer[start:] < np.log(2) / 2).any(0)):
            moment = start + (outer[start:, trial] < np.log(2) / 2).argmax()
            first, last = max(start, moment - before), min(len(outer), moment + after)
            part = slice(first - moment + before, last - moment + before)
            aligned[:, part, trial] = np.array([outer, rest])[:, first:last, trial]
        enough = (~np.isnan(aligned[0])).sum(1) >= 2
        if not enough.any():
            continue
        x = (np.arange(before + after)[enough] - before) * er.BLOCK
        for axis, values in zip(axes, aligned[:, enough]):
            axis.plot(x, np.nanmedian(values, 1), color=colour, label=label)
            axis.fill_between(x, *np.nanquantile(values, (0.25, 0.75), axis=1), color=colour, alpha=0.2, linewidth=0)
        levels[label] = np.nanmedian(aligned[1, before - 5:before + 5])
    axes[0].axhline(np.log(2), color=MUTED, linestyle=":", linewidth=1.3)
    axes[0].annotate("a guess", (0.99, np.log(2)), xycoords=("axes fraction", "data"), fontsize=9, color=MUTED,
                     xytext=(0, -11), textcoords="offset points", ha="right")
    axes[0].set(ylabel="outer symbol (nats)", ylim=(0, None))
    axes[1].set(ylabel="all others, above\nthe grammar's (nats)", ylim=(0, None),
                xlabel="training strings, 0: the outer symbol is half learned (median, quartiles of trials)")
    if levels:
        axes[0].legend(loc="lower left")
    said = ", ".join(f"{value:.2f} nats with {label}" for label, value in levels.items())
    figure.suptitle("While the outer symbol is learned the others cost" + (f"\n{said} too much" if said else " more"),
                    x=0.01, ha="left", fontsize=11, fontweight="bold")
    return figure


def where_it_fails(args):
    """The share of wrong predictions before each state, mean over the trials of the 1997 rule at rate 0.5; drawn from
    records."""
    arms = (("step-3x2-0.5", "after each step", STEP), ("string-3x2-0.5", "after each string", STRING))
    found = [(mine, label, colour) for arm, label, colour in arms if (mine := recorded(arm))]
    if args.preset == "quick":
        found = [(rerun("quick-lstm", er.ARMS["quick-lstm"].config, args.seed), "quick", STEP)]
    if not found:
        return None
    figure, axis = plt.subplots(figsize=(7, 4))
    names = ["first\nB", "T or P", *(f"inner\n{state}" for state in range(6)), "inner E", "outer\nT or P"]
    for i, (mine, label, colour) in enumerate(found):
        shares = np.mean([cell["curves"]["wrong_by_state"] for cell in mine.values()], 0)
        axis.bar(np.arange(len(names)) + 0.38 * (i - (len(found) - 1) / 2), shares, 0.36, color=colour,
                 label=f"weight changes {label}")
        if i == 0:
            worst = shares
    axis.set(xticks=range(len(names)), ylabel="share of wrong predictions",
             xlabel="last symbol read, or state of the automaton")
    axis.set_xticklabels(names, fontsize=9)
    axis.grid(axis="x", visible=False)
    axis.legend(loc="best")
    axis.margins(y=0.2)
    axis.set_title(f"1997 rule: {worst[er.OUTER]:.0%} wrong after the inner E, "
                   f"{np.delete(worst, er.OUTER).mean():.0%} elsewhere (mean)")
    return figure


if __name__ == "__main__":
    sys.exit(draw([strings_needed, learning_curves, automaton, one_string, output_gates, where_it_fails]))
