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
