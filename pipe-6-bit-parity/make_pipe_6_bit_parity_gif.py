"""Draw the animation: python3 make_pipe_6_bit_parity_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
import pipe_6_bit_parity as pipe                                                  # first: it sets the threads
from pipe_6_bit_parity import complain, write_whole
from visualize_pipe_6_bit_parity import BLUE, draw_output, draw_table, news, plt, textwrap

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
    """Yield the figure, redrawn: the 64 patterns, the output against the number of ones, the wrong patterns so far."""
    found, language = news(args), pipe.make_language(pipe.Config())
    steps, errors = [s.step for s in found], [s.error for s in found]
    figure = plt.figure(figsize=(7.2, 4.5), dpi=100, layout="none")
    table, output, progress = (figure.add_axes(box) for box in ((0.02, 0.2, 0.42, 0.66), (0.52, 0.55, 0.46, 0.31),
                                                                (0.52, 0.26, 0.46, 0.15)))
    title = figure.text(0.02, 0.93, "", fontsize=13, fontweight="bold")
    formula = figure.text(0.02, 0.155, "", fontsize=8.5, family="monospace", va="top", linespacing=1.3)
    shown = np.unique(np.linspace(0, len(found) - 1, min(len(found), 48)).round().astype(int))
    for i in shown.repeat(-(-24 // len(shown))):
        s = found[i]
        title.set_text(f"PIPE, {s.step:,} programs evaluated: {64 - s.error} of 64 patterns right")
        draw_table(table, s.best.value)
        draw_output(output, s.best.value)
        output.set_title("output of the best program", fontsize=9, fontweight="normal")
        lines = textwrap.wrap(pipe.text(s.best, language, 3), 98)
        formula.set_text("\n".join(lines[:4]) + (" ..." if len(lines) > 4 else ""))
        progress.clear()
        progress.step(steps[:i + 1], errors[:i + 1], where="post", color=BLUE)
        progress.set(xscale="log", xlim=(10, max(steps[-1], 100) * 1.1), ylim=(0, 34), yticks=(0, 16, 32),
                     xlabel="programs evaluated", ylabel="wrong")
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=6))
