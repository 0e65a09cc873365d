"""Run the missing cells (arm x seed) of folders and store each in results.json the moment it ends.

    python tools/record.py nbb-xor                            the default preset over 10 seeds
    python tools/record.py nbb-xor --preset paper --seeds 16 --jobs 2
    python tools/record.py --missing                          list the cells instead of running them
    python tools/record.py nbb-xor --arm one-of-3 --seed 3 --to FILE    run one cell into a file of its own
    python tools/record.py --merge PATH                       take over the fresh cells of such a file, or of a folder

A cell that has a record with the current fingerprint is not run again. Long cells keep a checkpoint and resume from it.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from inspect import signature
from pathlib import Path
from typing import NamedTuple

import catalog
import numpy as np


class Cell(NamedTuple):
    """One unit of work: an arm of a folder on one seed."""

    slug: str
    arm: str
    seed: int
    fingerprint: str
    long: bool

    def __str__(self):
        return f"{self.slug} {self.arm} seed {self.seed}"


def machine():
    """Return the processor: its name, a digest of the features that numpy can use on it, and the kernels of OpenBLAS if
    the environment prescribes them, which changes the last digits of matrix products."""
    from numpy._core._multiarray_umath import __cpu_features__ as features

    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        name = next(
            (
                line.split(":", 1)[1].strip()
                for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")
            ),
            name,
        )
    usable = " ".join(sorted(feature for feature, there in features.items() if there))
    kernels = os.environ.get("OPENBLAS_CORETYPE", "")
    return f"{name} ({sha256(usable.encode()).hexdigest()[:8]}) {kernels}".strip()


VERSIONS = {"python": platform.python_version(), "numpy": np.__version__}
CPU = machine()


def cells(slug, arms=None, preset="default", seeds=10, first=0, again=False):
    """Return the cells of a folder's preset (or arms) without a fresh record (again: all). CatalogError if unknown."""
    module = catalog.load(slug)
    if preset not in module.PRESETS:
        raise catalog.CatalogError(f"{slug} has no preset {preset!r}; it has {', '.join(module.PRESETS)}")
    unknown = set(arms or ()) - set(module.ARMS)
    if unknown:
        raise catalog.CatalogError(f"{slug} has no arm {', '.join(sorted(unknown))}; it has {', '.join(module.ARMS)}")
    current, have = catalog.fingerprints(slug, module), {} if again else catalog.fresh(slug, module)
    return [
        Cell(slug, arm, seed, current[arm], "checkpoint" in signature(module.ARMS[arm].run).parameters)
        for arm in arms or module.PRESETS[preset]
        for seed in range(first, first + seeds)
        if str(seed) not in have.get(arm, {})
    ]


def rounded(value):
    """Return a curve with six significant digits, enough for a picture."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


running = set()


def run(cell):
    """Run a cell in a process of its own; return its record. Raises CatalogError with its last words if it fails."""
    with tempfile.TemporaryDirectory() as folder:
        out, errors = Path(folder) / "cell.json", Path(folder) / "errors"
        command = [
            sys.executable,
            str(catalog.script(cell.slug)),
            "--arm",
            cell.arm,
            "--seed",
            str(cell.seed),
            "--json",
            str(out),
        ]
        checkpoint = catalog.ROOT / ".checkpoints" / f"{cell.slug}-{cell.arm}-{cell.seed}-{cell.fingerprint}.npz"
        resumed = checkpoint.exists()
        if cell.long:
            checkpoint.parent.mkdir(exist_ok=True)
            command += ["--checkpoint", str(checkpoint)]
        with open(errors, "w") as stream:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream)
        running.add(process)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        running.discard(process)
        if process.returncode != 0:
            last = (errors.read_text().strip().splitlines() or [f"exit status {process.returncode}"])[-1]
            raise catalog.CatalogError(f"{cell}: {last}")
        arm = catalog.load(cell.slug).ARMS[cell.arm]
        if catalog.fingerprint(catalog.script(cell.slug).read_text(), arm) != cell.fingerprint:
            raise catalog.CatalogError(f"{cell}: the script was changed during the run; run it again")
        result = json.loads(out.read_text())["arms"][cell.arm][str(cell.seed)]
        checkpoint.unlink(missing_ok=True)
        return {
            **result,
            "curves": rounded(result["curves"]),
            "memory_mb": round(usage.ru_maxrss / 1024),
            "fingerprint": cell.fingerprint,
            "versions": VERSIONS,
            "cpu": CPU,
            **({"resumed": True} if resumed else {}),  # its seconds count from the last start
        }


def estimate(cell):
    """Return the mean CPU seconds of the arm's records, fresh or not, or None."""
    seconds = [record["seconds"] for record in catalog.read_record(cell.slug)["arms"].get(cell.arm, {}).values()]
    return sum(seconds) / len(seconds) if seconds else None


def record_all(todo, jobs, minutes=None):
    """Run cells, `jobs` at a time; store each as it ends; start none after `minutes`. Returns how many failed."""
    start, done, failed, talk = time.monotonic(), 0, 0, threading.Lock()

    def work(cell):
        nonlocal done, failed
        if minutes is not None and time.monotonic() - start > 60 * minutes:
            return
        try:
            result = run(cell)
            catalog.merge(cell.slug, {cell.arm: {str(cell.seed): result}})
            note = f"{result['seconds']:.1f} s, {result['memory_mb']} MB"
        except (catalog.CatalogError, OSError) as error:
            failed += 1
            note = f"failed: {error}"
        with talk:
            done += 1
            print(f"[{done}/{len(todo)}, {(time.monotonic() - start) / 60:.1f} min] {cell}: {note}", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        waiting = [pool.submit(work, cell) for cell in todo]
        try:
            for future in waiting:
                future.result()
        except KeyboardInterrupt:
            for future in waiting:
                future.cancel()
            for process in list(running):
                process.send_signal(signal.SIGINT)
            raise
    return failed


def run_to(path, slug, arm, seed):
    """Run one cell and write it to a file of its own, whole; do nothing if the file is there."""
    with catalog.locked(f"{slug}.{arm}.{seed}"):  # a run that an interrupted sweep left behind may still be at it
        if not path.exists():
            (cell,) = cells(slug, [arm], seeds=1, first=seed, again=True)
            catalog.write(path, {"slug": slug, "arms": {arm: {str(seed): run(cell)}}})


def merge_from(path):
    """Take over the fresh cells of a results.json, or of all such files below a folder, where none is recorded yet."""
    found, stale = {}, 0
    for file in sorted(path.rglob("*.json")) if path.is_dir() else [path]:
        try:
            other = json.loads(file.read_text())
            slug, arms = other["slug"], other["arms"]
            kept, have = (catalog.fresh(slug, catalog.load(slug), record) for record in (other, None))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise catalog.CatalogError(f"{file} is not a record") from None
        stale += sum(map(len, arms.values())) - sum(map(len, kept.values()))
        for arm, seeds in kept.items():
            new = {seed: cell for seed, cell in seeds.items() if seed not in have.get(arm, {})}
            found.setdefault(slug, {}).setdefault(arm, {}).update(new)
    for slug, arms in found.items():
        catalog.merge(slug, arms)
        print(f"{slug}: {sum(map(len, arms.values()))} new cells merged")
    if stale:
        print(f"{stale} stale cells left out")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.error = lambda message: sys.exit(f"record: {message}")
    parser.add_argument("slugs", nargs="*", help="folders (default: all)")
    parser.add_argument("--preset", default="default")
    parser.add_argument("--arm", action="append", help="only this arm (repeatable)")
    parser.add_argument("--seeds", type=int, default=10, metavar="N", help="seeds 0 ... N-1")
    parser.add_argument("--jobs", type=int, default=2, help="cells at a time")
    parser.add_argument("--minutes", type=float, help="start no cell after this many minutes")
    parser.add_argument("--missing", action="store_true", help="list the missing cells and their estimated time")
    parser.add_argument("--seed", type=int, default=0, metavar="K", help="with --to: the cell's seed")
    parser.add_argument("--to", type=Path, metavar="FILE", help="run one cell into this file, if it is not there")
    parser.add_argument("--merge", type=Path, metavar="PATH", help="take over the fresh cells of a file or folder")
    args = parser.parse_args()
    if args.seeds < 1 or args.jobs < 1:
        parser.error("--seeds and --jobs count from 1")
    try:
        if args.merge:
            merge_from(args.merge)
            return 0
        if args.to:
            if len(args.slugs) != 1 or len(args.arm or ()) != 1:
                parser.error("--to wants one folder and one --arm")
            run_to(args.to, args.slugs[0], args.arm[0], args.seed)
            return 0
        todo = [
            cell for slug in args.slugs or catalog.slugs() for cell in cells(slug, args.arm, args.preset, args.seeds)
        ]
        if args.missing:
            for cell in todo:
                seconds = estimate(cell)
                print(cell, "time unknown" if seconds is None else f"about {seconds:.0f} s")
            print(f"{len(todo)} cells missing")
            return 0
        return min(1, record_all(todo, args.jobs, args.minutes))
    except KeyboardInterrupt:
        print("record: interrupted; finished cells are stored", file=sys.stderr)
        return 130
    except (catalog.CatalogError, OSError, ValueError) as error:
        print(f"record: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
