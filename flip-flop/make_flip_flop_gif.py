"""Draw the animation of flip-flop: python3 make_flip_flop_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
import flip_flop as ff                                                            # first: it sets the threads
from flip_flop import complain, write_whole
from visualize_flip_flop import FELT, GRID, INK, MU, MUTED, ORANGE, SHOWN, TARGET, history, plt, settings

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

STILLS, SCROLLED = 30, 16                        # frames that learn, frames that scroll


def replay(V, events, targets):
    """Return C's units after each step of a stream, noise off, weights V frozen: (T, units)."""
    s, pain, rows = np.zeros((1, V.shape[1], 1)), 0.0, []
    s[:, -1] = 1
    for event, target in zip(events, targets):
        x = np.zeros((1, 4, 1))
        x[0, event], x[0, ff.PAIN] = 1, pain
        mu = ff.act(V[None], s, x)[0, 0]
        pain = float((mu > 0.5) != target)
        rows.append(s[0, :len(V), 0].copy())
    return np.array(rows)


def frames(args):
    """One net: on one fixed stream as it learns, then the stream scrolls past the controller that solved the task."""
    net, _, life = history(settings("parallel-short", args), args.seed)
    rng = np.random.default_rng(args.seed)
    events = rng.integers(3, size=20 + SHOWN + SCROLLED)
    targets = ff.make_targets("pulse", events[:, None], np.zeros(1, bool))[0][:, 0]
    stills, scrolled = (10, 5) if args.preset == "quick" else (STILLS, SCROLLED)
    picks = np.linspace(0, len(life) - 1, stills).round().astype(int)
    plays = {k: replay(life[k][5], events, targets) for k in {0, *picks.tolist()}}
    steps, pains = np.array([(block[0], 100 * block[4]) for block in life]).T
    end, ghost = plays[picks[-1]], plays[0][:, 0]
    bit = ~ff.make_targets("latch", events[:, None], np.zeros(1, bool))[0][:, 0]  # the last of A and B was A
    memory = abs(end[bit].mean(0) - end[~bit].mean(0)).argmax()
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.3, 4.4), height_ratios=(3, 2))
    t = np.arange(SHOWN)
    for k, shift in [(k, 0) for k in picks] + [(picks[-1], j) for j in range(1, scrolled + 1)]:
        here = slice(20 + shift, 20 + shift + SHOWN)
        top.clear()
        top.bar(t, targets[here], 0.9, color=TARGET, alpha=0.35, linewidth=0, label="target ON")
        top.plot(t, ghost[here], color=MUTED, linewidth=1, linestyle=":", label="output at birth")
        top.plot(t, plays[k][here, memory], color=ORANGE, linewidth=1.4, label="memory unit")
        top.plot(t, plays[k][here, 0], color=MU, marker="o", markersize=3, label="output μ")
        wrong = (plays[k][here, 0] > 0.5) != targets[here]
        top.plot(t[wrong], np.full(wrong.sum(), -0.12), "x", color=FELT, markersize=6, label="pain")
        for where, event in zip(t, events[here]):
            top.text(where, 1.1, "ABX"[event], ha="center", fontsize=8, color=MUTED if event == ff.X else INK)
        top.set(xlim=(-1, SHOWN), ylim=(-0.22, 1.22), yticks=(0, 0.5, 1), xticks=())
        top.legend(loc="upper center", bbox_to_anchor=(0.5, -0.02), ncol=5, fontsize=8, columnspacing=1)
        top.set_title(f"Step {steps[k]:,.0f}: {wrong.sum()} of {SHOWN} outputs wrong (noise off)")
        bottom.clear()
        bottom.plot(steps / 1000, pains, color=GRID)
        bottom.plot(steps[:k + 1] / 1000, pains[:k + 1], color=FELT)
        bottom.axhline(100 / 6, color=MUTED, linestyle=":", linewidth=1)
        bottom.text(steps[-1] / 1000, 100 / 6 + 1, "always OFF: 1/6", ha="right", fontsize=8, color=MUTED)
        bottom.set(xlabel="thousand steps lived", ylabel="outputs that hurt (%)", ylim=(0, max(35, pains.max())))
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=8))
