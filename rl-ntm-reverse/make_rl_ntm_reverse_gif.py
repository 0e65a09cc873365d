"""Animate rl-ntm-reverse: python3 make_rl_ntm_reverse_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
import rl_ntm_reverse as ntm                                                      # first: it sets the threads
from rl_ntm_reverse import complain, write_whole
from visualize_rl_ntm_reverse import (BLUE, GLYPHS, GRID, HEAD, INK, MUTED, RIGHT, WRONG, plt, settings, trained)

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

INSTANCE = 5                                                                      # symbols to reverse
MOVES, SAYS = ("left", "stay", "right"), ("wait", "say")


def replay(params, config, seed):
    """Run one instance with sampled actions, always with the same random numbers; yield (input head, probabilities of
    its moves, probability to say, glyph said or None) for each step, after the input tape and the target."""
    length = min(INSTANCE, config.longest)
    batch = ntm.make_batch(np.random.default_rng(seed), np.array([length]), config)
    tape = ntm.make_tape(config, 1)
    run = ntm.rollout(params, batch, ntm.sample(np.random.default_rng(seed), 1, config), config, tape)
    says = dict(zip(run.said, ntm.predict(params, tape, run.said)[0].argmax(1)))
    yield batch.tape[0, :length + 3], batch.target[0, :batch.total[0]]
    head = 0
    for t in range(run.marks[-1]):
        yield head, tape["pi"][:, 0, t], tape["pi"][1, 1, t], says.get(t)
        head += tape["did"][0, t] - 1


def cell(axis, x, y, glyph, face, colour=INK, edge=MUTED):
    """Draw one cell of a tape."""
    axis.add_patch(plt.Rectangle((x - 0.44, y - 0.44), 0.88, 0.88, facecolor=face, edgecolor=edge, linewidth=1.2))
    axis.text(x, y, glyph, ha="center", va="center", fontsize=15, color=colour, fontweight="bold")


def draw_tapes(axis, tape, target, head, said):
    """Draw the input tape with the head and the five cells that it sees, and what has been said so far."""
    axis.clear()
    axis.set(xlim=(-5.2, 7.7), ylim=(-2.2, 1.5))
    axis.axis("off")
    axis.text(-5.1, 0, "input", fontsize=11, color=MUTED, va="center")
    axis.text(-5.1, -1.5, "output", fontsize=11, color=MUTED, va="center")
    for i in range(-3, len(tape)):                                                # circular: blanks before it
        cell(axis, i, 0, GLYPHS[tape[i] if i >= 0 else tape[-1]], "#e3f1fa" if abs(i - head) <= 2 else "white")
    if -4 < head < len(tape):
        axis.plot(head, 0.78, "v", color=HEAD, markersize=15)
        axis.add_patch(plt.Rectangle((head - 0.44, -0.44), 0.88, 0.88, fill=False, edgecolor=HEAD, linewidth=3.5))
    for i, glyph in enumerate(target):
        if i < len(said):
            right = said[i] == glyph
            cell(axis, i, -1.5, GLYPHS[said[i]], "white", RIGHT if right else WRONG, RIGHT if right else WRONG)
        else:
            cell(axis, i, -1.5, GLYPHS[glyph], "white", GRID)


def draw_bars(axis, chances, names, title, colour):
    """Draw probabilities as bars."""
    axis.clear()
    axis.bar(range(len(chances)), chances, 0.7, color=colour)
    axis.set(ylim=(0, 1.02), yticks=(0, 1), xlim=(-0.6, len(chances) - 0.4))
    axis.set_xticks(range(len(chances)), names, fontsize=9)
    axis.set_title(title, fontsize=9, fontweight="normal")
    axis.grid(False)


def draw_progress(axis, history, update, most):
    """Draw the difficulty up to an update."""
    axis.clear()
    past = history[history[:, 0] <= update]
    axis.step(past[:, 0], past[:, 1], where="post", color=BLUE)
    axis.set(xlim=(0, history[-1, 0]), ylim=(0, most + 0.5), yticks=range(0, most + 1, 2))
    axis.set_xticks([0, int(history[-1, 0])])
    axis.set_title("difficulty C against updates", fontsize=9, fontweight="normal")


def frames(args):
    """Yield the figure, redrawn for each step of one instance, replayed when C has risen."""
    config = settings("short-reverse-direct", args)
    moments, history = trained("short-reverse-direct", config, args.seed)
    if args.preset == "quick":
        moments = moments[:1]
    figure = plt.figure(figsize=(7, 3.9), dpi=100, layout="none")
    tapes, moves, says, progress = (figure.add_axes(box) for box in (
        (0.01, 0.36, 0.98, 0.52), (0.06, 0.09, 0.24, 0.2), (0.38, 0.09, 0.17, 0.2), (0.66, 0.09, 0.3, 0.2)))
    title = figure.text(0.02, 0.92, "", fontsize=13, fontweight="bold")
    for update, level, params, _ in moments:
        (tape, target), *steps = replay(params, config, args.seed)
        said = []
        for t, (head, move, say, glyph) in enumerate(steps):
            said += [] if glyph is None else [glyph]
            title.set_text(f"Reverse, after {update:,} update{'s' * (update > 1)} (C = {level}): step {t + 1}")
            draw_tapes(tapes, tape, target, head, said)
            draw_bars(moves, move, MOVES, "next move of the input head", HEAD)
            draw_bars(says, (1 - say, say), SAYS, "output", MUTED)
            draw_progress(progress, history, update, config.longest)
            yield figure
        if update != moments[-1][0]:
            yield figure
            yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=5))
