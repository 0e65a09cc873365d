"""Make a folder that keeps the mechanical rules of SPEC.md: python tools/new.py SLUG

The slug must be one of catalog.toml's. Nothing that exists is overwritten. What the author must supply is marked "...".
"""

import sys
import textwrap

import catalog
import idioms

SCRIPT = '''# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""{title}: ...

{cited}

...

    python3 {module}.py --seed 0
"""

{interface}

# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    steps: int = option(1000, "training steps", low=1)
    rate: float = option(0.1, "learning rate")


# ---------------------------------------------------------------- Problem
def make_batch(rng):
    """Return ..."""
    return rng.standard_normal(8)


# ---------------------------------------------------------------- Model
def init(rng):
    """Return ..."""
    return rng.standard_normal(8)


# ---------------------------------------------------------------- Learning
class Snapshot(NamedTuple):
    """The state after one step."""
    step: int
    w: np.ndarray               # the live parameters
    loss: float


def train(config, seed):
    """Yield a Snapshot after each step."""
    data, weights = (np.random.default_rng(s) for s in np.random.SeedSequence([seed, 0]).spawn(2))
    w = init(weights)
    for step in range(1, config.steps + 1):
        error = w - make_batch(data)
        w -= config.rate * error
        yield Snapshot(step, w, float(error @ error))


# ---------------------------------------------------------------- Experiment
def method(config, seed):
    """Metrics: loss, of the last step."""
    losses = [s.loss for s in watch(train(config, seed), config.steps)]
    return {{"loss": losses[-1]}}, {{"loss_curve": losses[::max(1, config.steps // 200)]}}


ARMS = {{
    "method": Arm(method, Config()),
    "quick": Arm(method, Config(steps=10)),
}}
PRESETS = {{"quick": ("quick",), "default": ("method",), "paper": ("method",)}}
CLAIMS = (
    Claim("...", lambda r: r["method"]["loss"].mean(), "<= 0", "...", "paper", "...", n=10),
)


# ---------------------------------------------------------------- Command line
{claims}

{main}'''

VISUALIZE = '''"""Draw the figures of {slug}.

    python3 visualize_{module}.py [--seed K] [--preset quick] [--out FOLDER]
"""
import {module} as experiment    # first: it sets the threads before numpy loads
from {module} import complain, write_whole

{figures}

def learning_curve(args):
    """..."""
    config = experiment.ARMS["quick" if args.preset == "quick" else "method"].config
    loss = np.array([s.loss for s in experiment.train(config, args.seed)])
    figure, axes = plt.subplots(figsize=(7, 3.5))
    axes.plot(loss, color=BLUE)
    axes.set(title="...", xlabel="steps", ylabel="loss")
    return figure


if __name__ == "__main__":
    sys.exit(draw([learning_curve]))
'''

GIF = '''"""Animate {slug}.

    python3 make_{module}_gif.py [--seed K] [--preset quick] [--out FOLDER]
"""
import {module} as experiment    # first: it sets the threads before numpy loads
from {module} import complain, write_whole
from visualize_{module} import BLUE, plt

{gif}

def frames(args):
    """Yield the figure after each share of the training."""
    config = experiment.ARMS["quick" if args.preset == "quick" else "method"].config
    figure, axes = plt.subplots(figsize=(7, 4), dpi=100)
    losses = []
    for snapshot in experiment.train(config, args.seed):
        losses.append(snapshot.loss)
        if snapshot.step % max(1, config.steps // 40) == 0:
            axes.clear()
            axes.plot(losses, color=BLUE)
            axes.set(title="...", xlabel="steps", ylabel="loss", xlim=(0, config.steps))
            yield figure


if __name__ == "__main__":
    sys.exit(animate(frames))
'''

TESTS = '''"""Tests of {slug}."""
import {module} as experiment


def test_two_runs_of_a_seed_are_equal():
    first, second = (experiment.run_cell(experiment.ARMS["quick"], 1) for _ in range(2))
    assert first["metrics"] == second["metrics"] and first["curves"] == second["curves"]


def test_quick_preset_runs():
    assert experiment.main(["--preset", "quick"]) == 0
'''

README = """# {slug}

...

{paper}, {year}.

![{title}]({module}.gif)

## Problem

...

## Files

| file | what it is |
| --- | --- |
| [{module}.py]({module}.py) | the experiment and its command line |
| [visualize_{module}.py](visualize_{module}.py) | draws the figures |
| [make_{module}_gif.py](make_{module}_gif.py) | draws the animation |
| [test_{module}.py](test_{module}.py) | tests |
| [results.json](results.json) | the recorded runs |

## Running

```
python3 {module}.py --seed 0
python3 {module}.py --list
```

## Results

<!-- results -->
<!-- end of results -->

## Visualizations

![...](viz/learning_curve.png)

## Deviations

| paper | here | why, and what it does to the comparison |
| --- | --- | --- |

## Open questions

...
"""


def block(name):
    return f"# --- idiom: {name} ---\n{idioms.canonical(name)}# --- end of idiom ---\n"


def make(slug):
    """Write the files of a new folder. Raises CatalogError if the slug is unknown or the folder exists."""
    entry = next((entry for entry in catalog.problems() if entry["slug"] == slug), None)
    if entry is None:
        raise catalog.CatalogError(f"catalog.toml does not list {slug!r}; make new SLUG=<one that it lists>")
    folder, module = catalog.ROOT / slug, catalog.module_name(slug)
    if folder.exists():
        raise catalog.CatalogError(f"the folder {slug} exists; nothing was changed")
    cited = textwrap.fill(f"{entry['paper']}, {entry['year']}.", 118)
    facts = {
        **entry,
        "module": module,
        "cited": cited,
        **{name: block(name) for name in ("interface", "claims", "main", "figures", "gif")},
    }
    folder.mkdir()
    for name, text in {
        f"{module}.py": SCRIPT,
        f"visualize_{module}.py": VISUALIZE,
        f"make_{module}_gif.py": GIF,
        f"test_{module}.py": TESTS,
        "README.md": README,
    }.items():
        (folder / name).write_text(text.format(**facts))
    return folder


if __name__ == "__main__":
    try:
        print(f"made {make(sys.argv[1] if len(sys.argv) == 2 else '').name}; SPEC.md tells what goes where")
    except (catalog.CatalogError, OSError) as error:
        sys.exit(f"new: {error}")
