"""Draw the animation of rs-tomita: python3 make_rs_tomita_gif.py [--seed K] [--preset quick] [--out FOLDER]"""
from dataclasses import replace

import rs_tomita as rs                                                            # first: it sets the threads
from rs_tomita import complain, write_whole
from visualize_rs_tomita import BLUE, GREEN, INK, RED, draw_net, found, outputs, plt, settings

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

SPAN = 44                                                                         # symbols shown at a time


def draw_counts(axis, shown):
    """How many of the guesses so far are still in play after so many strings."""
    axis.clear()
    passed = [int((shown > k).sum()) for k in range(11)]
    axis.bar(range(11), np.maximum(passed, 0.5), color=BLUE)
    axis.set(yscale="log", ylim=(0.6, 3e5), xlim=(-0.6, 10.6), xlabel="strings passed", ylabel="guesses",
             xticks=range(0, 11, 2), yticks=(1, 100, 10000))
    axis.set_yticklabels(("1", "100", "10,000"))


def frames(args):
    """Yield the figure, redrawn: the counter of guesses, then the winner reading a string with its states lit."""
    config = settings("4-A1-out-near", args)
    search = rs.Search(replace(config, batch=512), args.seed, found(config, args.seed).replicate)
    figure, axes = plt.subplot_mosaic([["counts", "net"], ["tape", "tape"]], figsize=(7, 5), dpi=100,
                                      height_ratios=(2.2, 1), width_ratios=(1, 1.15))
    axes["net"].axis("off")
    axes["tape"].axis("off")
    title, looks = figure.suptitle("", x=0.01, ha="left", fontsize=12, fontweight="bold"), []
    while not search.over():
        if not len(search.index):
            search.draw()
        column, many = search.sequences(), search.upto() - search.passed
        nets = rs.unpack(search.weights.repeat(many, 0), config)
        search.update(rs.right(rs.forward(nets, search.data, column), search.data.target[column]))
        looks.append(search.shown.copy())
    trials = search.winner[0] + 1
    for i in np.unique(np.geomspace(1, len(looks), 24).astype(int)) - 1:
        counted = min(len(looks[i]), trials)
        draw_counts(axes["counts"], looks[i][:counted])
        title.set_text(f"{counted:,} guesses" + (": one is right on all 100 strings" if i == len(looks) - 1 else ""))
        yield figure
    guess, length = search.winner[1][None], 550 if config.grammar == 4 else 45
    bits = rs.draw(np.random.default_rng([args.seed, 9]), config.grammar, True, np.array([length]))[:, 0]
    flaw = length * 6 // 11
    bits[flaw:flaw + 3] = 0
    states = rs.extract(guess, config)[1]
    o, path = outputs(guess, config, bits)
    stops = [*range(1, 12), *np.linspace(20, flaw - 8, 7).astype(int), *range(flaw - 3, flaw + 7),
             *np.linspace(flaw + 20, length, 6).astype(int)]
    axes["tape"].axis("on")
    for now in stops:
        if 1 < len(states) <= 16:
            draw_net(axes["net"], states, config.grammar, path[now - 1])
        start = max(0, now - SPAN)
        tape = axes["tape"]
        tape.clear()
        steps = np.arange(start + 1, now + 1)
        tape.axvspan(flaw + 0.5, flaw + 3.5, color=RED, alpha=0.15, linewidth=0)
        tape.step(steps, o[start:now], where="mid", color=BLUE, linewidth=1.6)
        for step in steps:
            tape.text(step, -0.3, bits[step - 1], ha="center", va="center", fontsize=8,
                      color=RED if flaw < step <= flaw + 3 else INK)
        tape.set(xlim=(start + 0.5, start + SPAN + 1), ylim=(-0.55, 1.25), yticks=(0, 1), xlabel="symbol")
        tape.set_yticklabels(("accept", "reject") if config.member == 0 else ("reject", "accept"))
        inside = (o[now - 1] > 0.5) == config.member
        title.set_text(f"Trial {trials:,} reads {now} of {length} symbols: "
                       + ("so far a member" if inside else "no member"))
        title.set_color(GREEN if inside else RED)
        yield figure


if __name__ == "__main__":
    sys.exit(animate(frames, fps=5))
