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
