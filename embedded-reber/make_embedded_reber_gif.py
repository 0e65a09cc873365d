"""Draw the animation of embedded-reber: python3 make_embedded_reber_gif.py [--seed K] [--preset quick] [--out DIR]"""
import embedded_reber as er                                                       # first: it sets the threads
from embedded_reber import complain, write_whole
from visualize_embedded_reber import (FAST, INK, KNOWN, MUTED, UNAWARE, long_string, plt, run, settings, show_outputs,
                                      trained)

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
    """Yield the figure, redrawn: what the net of a typical trial says about one test string as it learns."""
    config = settings("fast-4x2", args)
    weights, history, solved = trained("fast-4x2", config, args.seed)
    trial = int(np.argsort(solved)[len(solved) // 2])                             # NaN sorts last
    last = len(weights) - 1 if np.isnan(solved[trial]) else int(solved[trial]) // er.BLOCK
    strings = long_string(args)
    moments = np.unique(np.geomspace(1, last + 1, 8 if args.preset == "quick" else 90).astype(int)) - 1
    width = min(10, len(history))
    seen = (np.arange(len(history) - width + 1) + width) * er.BLOCK
    whole = np.convolve(history[:, 0, trial], np.ones(width) / width, "valid")
    figure = plt.figure(figsize=(7.4, 4.6), dpi=100, layout="none")
    title = figure.text(0.02, 0.94, "", fontsize=12.5, fontweight="bold")
    says, answer, curve = (figure.add_axes(box) for box in (
        (0.07, 0.50, 0.90, 0.36), (0.07, 0.12, 0.24, 0.25), (0.44, 0.12, 0.53, 0.25)))
    for moment in moments:
        params = {name: w[..., [trial]] for name, w in weights[moment].items()}
        y, _, encoded = run(params, strings, config)
        for axis in (says, answer, curve):
            axis.clear()
        show_outputs(says, y, encoded, strings[0])
        end = len(y) - 2                                                          # where the outer symbol is asked for
        says.annotate("", (end, -0.6), (end, -1.5), arrowprops=dict(arrowstyle="-|>", color=FAST, linewidth=2),
                      annotation_clip=False)
        says.set_ylabel("says next")
        for i, string in enumerate(strings):
            right = er.SYMBOLS.index(string[1])
            answer.barh(i, y[end, right, i], 0.6, color=FAST)
            answer.text(1.03, i, f"{y[end, right, i]:.2f}", va="center", fontsize=9)
        answer.set(xlim=(0, 1), ylim=(1.6, -0.6), yticks=(0, 1), xticks=(0, 0.5, 1))
        answer.set_yticklabels([f"{string[:2]}..." for string in strings])
        answer.set_title("output for the right outer symbol", fontsize=9, fontweight="normal")
        upto = max(1, int(np.searchsorted(seen, moment * er.BLOCK, "right")))
        curve.plot(seen[:upto], whole[:upto], color=FAST)
        for value, name in ((UNAWARE, "outer symbol unknown"), (KNOWN, "all known")):
            curve.axhline(value, color=MUTED, linestyle=":", linewidth=1.2)
            curve.annotate(name, (0.01, value), xycoords=("axes fraction", "data"), fontsize=8, color=INK,
                           xytext=(0, 2), textcoords="offset points")
        curve.set(xlim=(0, max(last, width + 1) * er.BLOCK), ylim=(4.2, 9), xlabel="training strings")
        curve.set_title("nats a string", fontsize=9, fontweight="normal")
        curve.xaxis.set_major_locator(plt.MaxNLocator(5))
        curve.xaxis.set_major_formatter("{x:,.0f}")
        title.set_text(f"The column before the last is learned last: {moment * er.BLOCK:,} strings")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=8))
