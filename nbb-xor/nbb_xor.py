# /// script
# requires-python = ">=3.11"
# dependencies = ["numpy"]
# ///
"""XOR by a neural bucket brigade: winner-take-all units trade "weight substance", and nothing is differentiated.

J. Schmidhuber, "A local learning algorithm for dynamic feedforward and recurrent networks", Connection Science
1(4):403-412, 1989 (report FKI-124-90). The XOR experiment, section 6.

Before backpropagation through time was common, credit for a success had to reach the units that set the stage for it
without storing a history or sending errors backwards through the weights. Here every connection looks only at itself
and its neighbours, at this tick and the last one. Units compete within subsets; the winner is 1, the rest are 0. With
c_ij(t) = x_i(t-1) w_ij(t-1), the contribution of unit i to unit j, every weight changes at every tick by

    - lam c_ij(t) x_j(t)                                                    a winner pays for having won
    + c_ij(t-1) / sum_h c_hj(t-1) * sum_k lam c_jk(t) x_k(t)                and is paid by the winners it helped to win
    + eta c_ij(t)        if j is an output that is on and should be on      the environment pays for right answers

The 1989 net has three inputs (x1, x2 and a constant 1), which feed competing hidden units and, by a shortcut, the two
competing outputs; the hidden units feed the outputs too. The XOR of two bits is found, kept or lost without a gradient.

    python3 nbb_xor.py --seed 0
"""

# --- idiom: interface ---
import argparse
import inspect
import json
import operator
import os
import re
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import NamedTuple

os.environ.update(dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))  # before numpy
import numpy as np


def option(default, help, low=0, choices=None, counts=True):
    """A Config field: its least value or its choices; counts=False if it changes no result (a path, say)."""
    return field(default=default, metadata={"help": help, "low": low, "choices": choices, "counts": counts})


class Arm(NamedTuple):
    """One condition. run(config, seed) returns (metrics, curves); a metric is a number or a list, one entry per
    replicate, None where the replicate did not get there; a curve is a list of at most 200 points."""
    run: Callable
    config: "Config"


class Claim(NamedTuple):
    """One sentence with a bar: "< x", "<= x", "> x", ">= x", "x..y", or "" for a number that is only reported.

    value(results) computes a number, or (number, half-width of its 95 % interval), from results[arm][metric], an array
    over all replicates with NaN where censored."""
    text: str
    value: Callable
    bar: str
    paper: str                  # the paper's own result, as text
    kind: str                   # paper, exact, control or trial
    source: str                 # where the paper's result or the bar comes from
    n: int = 1                  # replicates needed before the claim is judged
    show: str = "{:.4g}"        # how its value is printed
    substitute: bool = False    # stands in for the headline with a labelled substitute of the paper's method


def watch(snapshots, steps, label=""):
    """Pass the snapshots on, with a progress line of snapshot.step on a terminal."""
    for snapshot in snapshots:
        if sys.stderr.isatty():
            print(f"\r\033[K{label} {snapshot.step:,} of {steps:,}", end="", file=sys.stderr, flush=True)
        yield snapshot


def write_whole(path, write):
    """Call write(part) on a temporary neighbour of path, then rename it: the file appears whole or not at all."""
    part = Path(f"{path}.part")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
# --- end of idiom ---


# ---------------------------------------------------------------- Config
@dataclass(frozen=True)
class Config:
    units: int = option(3, "hidden units in a competitive subset", low=2)
    subsets: int = option(1, "hidden subsets", low=1)
    shortcut: bool = option(True, "connect inputs to outputs")
    payoff: str = option("right", "the output that is paid: the right one or a random one", choices=("right", "random"))
    lam: float = option(0.005, "share of its contribution that a winner pays away")
    eta: float = option(0.005, "payoff, as a share of the contribution to a right output")
    spread: float = option(0.001, "initial weights are uniform in 1 -+ spread")
    nets: int = option(64, "independent nets, run in lock-step", low=1)
    presentations: int = option(6000, "patterns shown to each net", low=1)


# ---------------------------------------------------------------- Problem
PATTERNS = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float32)     # (4, 3): x1, x2, the always-on unit
TARGETS = np.array([0, 1, 1, 0])                                                  # XOR, the index of the right output
TICKS = 6                                                                         # a pattern stays on for six ticks


# ---------------------------------------------------------------- Model
class Net(NamedTuple):
    """The weights of a batch of nets, one net per lane."""
    W: np.ndarray               # inputs to hidden    (3, hidden, nets)
    U: np.ndarray               # inputs to outputs   (3, 2, nets)
    V: np.ndarray               # hidden to outputs   (hidden, 2, nets)


def init(config, generators):
    """Return a Net with weights uniform in 1 -+ spread, drawn net by net from its own generator."""
    hidden = config.subsets * config.units
    low, high, count = 1 - config.spread, 1 + config.spread, 3 * hidden + 3 * 2 + hidden * 2
    draws = np.array([g.uniform(low, high, count) for g in generators], np.float32).T         # (count, nets)
    W, U, V = (part.copy() for part in np.split(draws, [3 * hidden, 3 * hidden + 6]))
    return Net(W.reshape(3, hidden, -1), config.shortcut * U.reshape(3, 2, -1), V.reshape(hidden, 2, -1))


def winners(net, size):
    """Return 1 for the unit with the largest positive net input in each subset of `size` units, else 0.

    net: (..., units, nets). Of equal units the first wins.
    """
    groups = net.reshape(*net.shape[:-2], -1, size, net.shape[-1])
    first = np.arange(size)[:, None] == groups.argmax(-2)[..., None, :]
    return (first & (groups > 0)).astype(net.dtype).reshape(net.shape)


def forward(net, size):
    """Let the activity become steady for each pattern, with the weights frozen.

    Returns the hidden activations (4, hidden, nets) and the net inputs of the outputs (4, 2, nets).
    """
    h = winners(np.tensordot(PATTERNS, net.W, 1), size)
    return h, np.tensordot(PATTERNS, net.U, 1) + (h[:, :, None] * net.V).sum(1)


def answer(net, size):
    """Return which output is on for each pattern once the activity is steady, with the weights frozen: (4, nets)."""
    return forward(net, size)[1].argmax(1)


# ---------------------------------------------------------------- Learning
def tick(net, x, h, share, paid, size, lam, eta):
    """One tick of activity and learning, in place; the three terms are those of the rule at the top (section 3).

    x: inputs (3, nets); h: last tick's hidden activations (hidden, nets); share: c_ij(t-1) / sum_h c_hj(t-1) of the
    input-to-hidden connections (3, hidden, nets); paid: 1 for the output that earns payoff (2, nets).
    Returns this tick's hidden activations, shares and output activations.
    """
    W, U, V = net
    c_W, c_U, c_V = x[:, None] * W, x[:, None] * U, h[:, None] * V
    h_now = winners(c_W.sum(0), size)
    o = winners(c_U.sum(0) + c_V.sum(0), 2)
    refund = lam * (c_V * o).sum(1)                                               # what each hidden unit is paid
    W += share * refund - lam * c_W * h_now
    gain = (eta * paid - lam) * o                                                 # nobody pays an output but the payoff
    U += gain * c_U
    V += gain * c_V
    return h_now, c_W / c_W.sum(0), o


class Snapshot(NamedTuple):
    """The state after one presentation."""
    step: int                   # presentations so far
    net: Net                    # the live weights
    solved: np.ndarray          # all four patterns right, weights frozen            (nets,)
    online: np.ndarray          # the right output was on in the last three ticks     (nets,)
    shown: np.ndarray           # the pattern shown to each net                        (nets,)


def train(config, seed):
    """Show patterns, drawn independently with equal chances, to a batch of nets; yield a Snapshot after each."""
    roots = [np.random.SeedSequence([seed, i]) for i in range(config.nets)]
    weights, order, noise = zip(*([np.random.default_rng(child) for child in root.spawn(3)] for root in roots))
    shown = np.array([g.integers(4, size=config.presentations) for g in order]).T
    if config.payoff == "right":
        paid = TARGETS[shown]
    else:
        paid = np.array([g.integers(2, size=config.presentations) for g in noise]).T
    paid = np.eye(2, dtype=np.float32)[:, paid]                                   # (2, presentations, nets)
    net, lam, eta = init(config, weights), np.float32(config.lam), np.float32(config.eta)
    for step in range(config.presentations):
        x, target, online = PATTERNS.T[:, shown[step]], TARGETS[shown[step]], True
        h, share = np.zeros_like(net.V[:, 0]), np.zeros_like(net.W)               # a pattern starts without activity
        for t in range(2, TICKS + 1):                                             # tick 1 only turns the inputs on
            h, share, o = tick(net, x, h, share, paid[:, step], config.units, lam, eta)
            if t > TICKS - 3:
                online = online & (o[1] == target) & (o[0] == 1 - target)
        yield Snapshot(step + 1, net, (answer(net, config.units) == TARGETS[:, None]).all(0), online, shown[step])


# ---------------------------------------------------------------- Experiment
HOLDS = (1, 4, 8, 16, 20, 24, 40, 100, 400)


def brigade(config, seed):
    """Train the nets of one seed. Metrics, one entry per net: reach_L, the cycles per pattern (presentations / 4)
    until XOR has been solved after L presentations in a row; found (ever solved); kept (solved after each of the last
    400). Curves: the share of nets that are right, weights frozen (solved_share) and while learning (online_share)."""
    solved = np.empty((config.presentations, config.nets), bool)
    online = np.empty_like(solved)
    for s in watch(train(config, seed), config.presentations, f"seed {seed}"):
        solved[s.step - 1], online[s.step - 1] = s.solved, s.online
    streak, reach = np.zeros(config.nets, int), np.full((len(HOLDS), config.nets), np.nan)
    for step, now in enumerate(solved, 1):
        streak = (streak + 1) * now
        for row, hold in zip(reach, HOLDS):
            row[(streak == hold) & np.isnan(row)] = step / 4
    every = max(1, config.presentations // 100)
    return ({**{f"reach_{hold}": row for hold, row in zip(HOLDS, reach)}, "found": solved.any(0).astype(int),
             "kept": solved[-400:].all(0).astype(int), "solved_at_end": solved[-1].astype(int)},
            {"cycles": np.arange(every, config.presentations + 1, every) / 4,
             "solved_share": solved[every - 1::every].mean(1).round(4),
             "online_share": online[every - 1::every].mean(1).round(4)})


def mean_ci(values):
    """Return the mean and the half-width of its 95 % confidence interval over the replicates that got there."""
    values = values[~np.isnan(values)]
    if len(values) < 2:
        return np.nan, np.nan
    return values.mean(), 1.96 * values.std(ddof=1) / len(values) ** 0.5


ARMS = {
    "one-of-3": Arm(brigade, Config()),
    "one-of-2": Arm(brigade, Config(units=2)),
    "two-of-2": Arm(brigade, Config(units=2, subsets=2, presentations=8000)),
    "no-shortcut": Arm(brigade, Config(shortcut=False)),
    "no-payoff": Arm(brigade, Config(eta=0.0)),
    "random-payoff": Arm(brigade, Config(payoff="random")),
    "eta-double": Arm(brigade, Config(eta=0.01)),
    "eta-half": Arm(brigade, Config(eta=0.0025)),
    "quick": Arm(brigade, Config(nets=4, presentations=60)),
}
PRESETS = {
    "quick": ("quick",),
    "default": ("one-of-3", "one-of-2", "two-of-2", "no-shortcut", "no-payoff", "random-payoff"),
    "paper": tuple(name for name in ARMS if name != "quick"),
}
NODE6 = "section 6; the figure by a secondary source"
CLAIMS = (
    Claim("one subset of 3: XOR is held through the last 400 presentations, learning on",
          lambda r: r["one-of-3"]["kept"].mean(), ">= 0.9", "20 of 20 stable", "trial", NODE6, n=200, show="{:.1%}"),
    Claim("one subset of 3: XOR is solved at some time (chance does as well: next line)",
          lambda r: r["one-of-3"]["found"].mean(), "", "20 of 20", "trial", NODE6, n=64, show="{:.1%}"),
    Claim("payoff for a random output: XOR is solved at some time",
          lambda r: r["random-payoff"]["found"].mean(), "", "not run", "control", "payoff unrelated to the answer",
          n=64, show="{:.1%}"),
    Claim("cycles per pattern until solved 24 times in a row (nets that get there)",
          lambda r: mean_ci(r["one-of-3"]["reach_24"]), "<= 650", "619", "trial", NODE6, n=200, show="{:.0f}"),
    Claim("cycles per pattern until solved 100 times in a row (nets that get there)",
          lambda r: mean_ci(r["one-of-3"]["reach_100"]), "<= 720", "674", "trial", NODE6, n=200, show="{:.0f}"),
    Claim("one subset of 2: cycles per pattern until solved 4 times in a row (nets that get there)",
          lambda r: mean_ci(r["one-of-2"]["reach_4"]), "<= 220", "160", "trial", NODE6, n=200, show="{:.0f}"),
    Claim("one subset of 2: does not last; share of nets that ever hold 100 in a row",
          lambda r: 1 - np.isnan(r["one-of-2"]["reach_100"]).mean(), "<= 0.05", "not stable", "trial", NODE6,
          n=200, show="{:.1%}"),
    Claim("two subsets of 2: share that solves 20 in a row within 2000 cycles per pattern",
          lambda r: 1 - np.isnan(r["two-of-2"]["reach_20"]).mean(), ">= 0.75", "8 of 10", "trial", NODE6,
          n=200, show="{:.1%}"),
    Claim("two subsets of 2: cycles per pattern until then (nets that get there)",
          lambda r: mean_ci(r["two-of-2"]["reach_20"]), "", "263", "trial", NODE6, n=200, show="{:.0f}"),
    Claim("without the input-output shortcut XOR is not held",
          lambda r: r["no-shortcut"]["kept"].mean(), "<= 0.1", "not run", "control", "ablation", n=200, show="{:.1%}"),
    Claim("without payoff nothing is solved at the end",
          lambda r: r["no-payoff"]["solved_at_end"].mean(), "<= 0.05", "not run", "control", "eta = 0",
          n=64, show="{:.1%}"),
    Claim("payoff for a random output solves nothing at the end",
          lambda r: r["random-payoff"]["solved_at_end"].mean(), "<= 0.05", "not run", "control",
          "payoff unrelated to the answer", n=64, show="{:.1%}"),
    Claim("payoff twice the payment: XOR held", lambda r: r["eta-double"]["kept"].mean(), "",
          "not run", "control", "eta = 2 lam", n=200, show="{:.1%}"),
    Claim("payoff half the payment: XOR held", lambda r: r["eta-half"]["kept"].mean(), "",
          "not run", "control", "eta = lam / 2", n=200, show="{:.1%}"),
)


# ---------------------------------------------------------------- Command line
# --- idiom: claims ---
class Counted(dict):
    """The metrics of one arm; notes in `sizes` how many replicates were read."""
    def __init__(self, metrics, sizes):
        super().__init__(metrics)
        self.sizes = sizes

    def __getitem__(self, name):
        self.sizes.append(len(super().__getitem__(name)))
        return super().__getitem__(name)


def pool(record):
    """Join arm -> seed -> cell to arm -> metric -> array over replicates, NaN = censored (a curve: list over seeds)."""
    results = {}
    for arm, seeds in record.items():
        cells = [seeds[seed] for seed in sorted(seeds, key=int)]
        results[arm] = {name: [cell["curves"][name] for cell in cells] for name in cells[0]["curves"]}
        for name in cells[0]["metrics"]:
            results[arm][name] = np.concatenate([np.array(cell["metrics"][name], float, ndmin=1) for cell in cells])
    return results


def judge(claim, results):
    """Return value, half-width or None, met (None: no bar) and replicates. KeyError: an arm it reads has not run."""
    sizes = []
    value = claim.value({arm: Counted(metrics, sizes) for arm, metrics in results.items()})
    value, half = value if isinstance(value, tuple) else (value, None)
    met = None
    if ".." in claim.bar:
        low, high = map(float, claim.bar.split(".."))
        met = bool(low <= value <= high)
    elif claim.bar:
        sign, limit = claim.bar.split()
        compare = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}[sign]
        met = bool(compare(value, float(limit)))
    return float(value), half, met, min(sizes)


def value_text(claim, value, half):
    """Return the value as it is shown; NaN means that some or all replicates never got there."""
    if value != value:
        return "never"
    return claim.show.format(value) + (" ± " + claim.show.format(half) if half is not None and half == half else "")


def bar_text(claim):
    """Return the bar as it is shown: in per cent where the value is."""
    if not claim.show.endswith("%}"):
        return claim.bar
    return re.sub(r"\d+(\.\d+)?", lambda number: f"{100 * float(number[0]):g}%", claim.bar)


def paired(*arrays):
    """Return the arrays cut to the shortest: replicates of the same seeds, where one arm has more of them recorded."""
    return [array[:min(map(len, arrays))] for array in arrays]
# --- end of idiom ---


# --- idiom: main ---
def plain(value):
    """Return value with numpy's types turned into Python's and NaN into None."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if value != value else value


def run_cell(arm, seed, *checkpoint):
    """Run one arm on one seed; return its cell of results.json (seconds are CPU seconds)."""
    start = time.process_time()
    metrics, curves = arm.run(arm.config, seed, *checkpoint)
    config = {f.name: getattr(arm.config, f.name) for f in fields(Config) if f.metadata["counts"]}
    return {"metrics": plain(metrics), "curves": plain(curves), "config": config,
            "seconds": round(time.process_time() - start, 2)}


def complain(message, status=2):
    """Print one line to stderr; return the exit status."""
    print(f"{Path(__file__).stem}: {message}", file=sys.stderr)
    return status


def boolean(text):
    return bool(("false", "true").index(text))


def parse(argv):
    """Return the options, the arms to run (name -> Arm), and whether the bars apply: no setting was changed."""
    long = [name for name, arm in ARMS.items() if "checkpoint" in inspect.signature(arm.run).parameters]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.error = lambda message: sys.exit(complain(message))
    add = parser.add_argument
    add("--seed", type=int, default=0, help="the first seed")
    add("--seeds", type=int, default=1, metavar="N", help="run N consecutive seeds")
    add("--preset", choices=PRESETS, default="default", help="a group of arms")
    add("--arm", choices=ARMS, action="append", metavar="NAME", help="one arm (repeatable; see --list)")
    add("--json", type=Path, metavar="FILE", help="write the record of this run")
    add("--list", action="store_true", help="list arms, presets and claims")
    add("--checkpoint", type=Path, metavar="FILE", help="resume from and save to FILE" if long else argparse.SUPPRESS)
    for f in fields(Config):
        add(f"--{f.name.replace('_', '-')}", dest=f"set {f.name}", metavar="VALUE", choices=f.metadata["choices"],
            type=boolean if isinstance(f.default, bool) else type(f.default),
            help=f"{f.metadata['help']} (default {f.default} or the arm's own)".replace("%", "%%"))
    args = parser.parse_args(argv)
    changed = {f: vars(args)[f"set {f.name}"] for f in fields(Config) if vars(args)[f"set {f.name}"] is not None}
    for f, value in changed.items():
        if not isinstance(value, str) and not value >= f.metadata["low"]:
            parser.error(f"--{f.name.replace('_', '-')} must be at least {f.metadata['low']}")
    names = args.arm or PRESETS[args.preset]
    if args.seed < 0 or args.seeds < 1:
        parser.error("--seed counts from 0 and --seeds from 1")
    if args.json and not args.json.resolve().parent.is_dir():
        parser.error(f"--json: there is no folder {args.json.resolve().parent}")
    if args.checkpoint and (len(names), args.seeds, names[0] in long) != (1, 1, True):
        parser.error(f"--checkpoint goes with one seed and one --arm of: {', '.join(long) or 'none here'}")
    values = {f.name: value for f, value in changed.items()}
    arms = {name: ARMS[name]._replace(config=replace(ARMS[name].config, **values)) for name in names}
    return args, arms, not any(f.metadata["counts"] for f in changed)


def show_list():
    """Print the arms with the settings that differ from Config's defaults, the presets and the claims."""
    for name, arm in ARMS.items():
        values = [(f, getattr(arm.config, f.name)) for f in fields(Config)]
        own = (f"{f.name}={value}" for f, value in values if value != f.default)
        print(f"arm {name}: {arm.run.__name__}", *own)
    for name, names in PRESETS.items():
        print(f"preset {name}: {' '.join(names)}")
    for claim in CLAIMS:
        print(f"claim {claim.text} | bar {claim.bar or 'none'} | {claim.kind}, {claim.source} | n = {claim.n}")


def show_claims(record, judged):
    """Print a row for each claim whose arms have run, or the mean metrics if there is none; then the arms' texts."""
    rows, verdicts, results = [("claim", "paper", "this run", "bar", "")], [], pool(record)
    for claim in CLAIMS:
        try:
            value, half, met, replicates = judge(claim, results)
        except KeyError as missing:
            if missing.args[0] not in ARMS:
                raise
            continue
        verdicts += [met] if judged and claim.bar else []
        rows.append((claim.text + " (substitute)" * claim.substitute, claim.paper, value_text(claim, value, half),
                     bar_text(claim) or "report",
                     {None: "", True: "met", False: "not met"}[met] + "*" * (bool(claim.bar) and replicates < claim.n)
                     if judged else "not judged"))
    for row in rows[len(rows) == 1:]:
        cells = [textwrap.wrap(text, width) or [""] for text, width in zip(row, (50, 20, 18, 11, 10))]
        for line in range(max(map(len, cells))):
            print("  ".join((cell[line] if line < len(cell) else "").ljust(width)
                            for cell, width in zip(cells, (50, 20, 18, 11, 10))).rstrip())
    if len(rows) == 1:
        for arm, seeds in record.items():
            means = {name: np.mean(results[arm][name]) for name in seeds[min(seeds)]["metrics"]}
            print(arm, *(f"{name} {mean:.4g}" for name, mean in means.items()), sep="  ")
    for arm, seeds in record.items():
        for seed, cell in seeds.items():
            for name, text in cell["curves"].items():
                if isinstance(text, str):
                    print(f"\n{arm}, seed {seed}, {name}:\n{text}")
    if any(row[-1].endswith("*") for row in rows):
        print("\n* the record judges this claim on more replicates than this run has")
    if not judged:
        print("\nsettings were changed, so nothing is judged")
    else:
        print(f"\n{sum(verdicts)} of {len(verdicts)} judged claims of this preset met in this run" if len(rows) > 1
              else "\nthese arms alone claim nothing")


def main(argv=None):
    """Run the command line. Exit status 0, 2 (bad arguments, files or memory: one line on stderr) or 130 (Ctrl-C)."""
    try:
        args, arms, judged = parse(argv)
        if args.list:
            return show_list()
        start, seeds = time.perf_counter(), range(args.seed, args.seed + args.seeds)
        checkpoint = [args.checkpoint] if args.checkpoint else []
        record = {name: {str(k): run_cell(arm, k, *checkpoint) for k in seeds} for name, arm in arms.items()}
        if args.json:
            text = json.dumps({"judged": judged, "arms": record}, allow_nan=False)
            write_whole(args.json, lambda part: part.write_text(text))
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        show_claims(record, judged)
        print(f"{time.perf_counter() - start:.1f} s")
        return 0
    except KeyboardInterrupt:
        return complain("interrupted; nothing half-written", 130)
    except (OSError, MemoryError) as error:
        return complain(error)


if __name__ == "__main__":
    sys.exit(main())
# --- end of idiom ---
