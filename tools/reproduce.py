"""Run every default preset at seed 0 and compare the metrics with the record.

    python tools/reproduce.py [SLUG ...] [--jobs 2]

With the record's version of numpy and the same processor features the metrics must be equal bit for bit. Elsewhere they
should lie within the recorded range over seeds; where they do not, a warning says so. Seconds are never compared.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import catalog
import record


def flat(metric):
    return [value for value in (metric if isinstance(metric, list) else [metric]) if value is not None]


def platform_of(cell):
    """Return what bit-for-bit equality depends on: numpy's version, the digest of the processor's features and
    prescribed kernels of OpenBLAS."""
    return cell["versions"]["numpy"], cell["cpu"].split("(")[-1]


def compare(slug, arms):
    """Return (errors, warnings): lines on how a run of the default preset at seed 0 differs from the record."""
    errors, warnings = [], []
    fresh = catalog.fresh(slug, catalog.load(slug))
    for arm, seeds in arms.items():
        recorded = fresh.get(arm, {})
        if "0" not in recorded:
            warnings.append(f"{slug} {arm}: seed 0 is not recorded")
            continue
        same = platform_of(recorded["0"]) == platform_of({"versions": record.VERSIONS, "cpu": record.CPU})
        for name, value in seeds["0"]["metrics"].items():
            if value == recorded["0"]["metrics"][name]:
                continue
            if same:
                errors.append(f"{slug} {arm} {name}: differs from the record of the same numpy and processor")
                continue
            known = [number for cell in recorded.values() for number in flat(cell["metrics"][name])]
            if not known or any(not min(known) <= number <= max(known) for number in flat(value)):
                warnings.append(f"{slug} {arm} {name}: outside the recorded range (other numpy or processor)")
    return errors, warnings


def reproduce(slug):
    """Run a folder's default preset at seed 0. Returns (seconds, errors, warnings)."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run.json"
        done = subprocess.run(
            [sys.executable, str(catalog.script(slug)), "--seed", "0", "--json", str(out)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - start
        if done.returncode:
            return seconds, [f"{slug}: exit status {done.returncode}: {done.stderr.strip()[-300:]}"], []
        return seconds, *compare(slug, json.loads(out.read_text())["arms"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slugs", nargs="*", help="folders (default: all)")
    parser.add_argument("--jobs", type=int, default=2, help="folders at a time")
    args = parser.parse_args()
    failures = 0
    try:
        todo = args.slugs or catalog.slugs()
        for slug in todo:
            catalog.script(slug)
        with ThreadPoolExecutor(max(1, args.jobs)) as pool:
            for count, (slug, outcome) in enumerate(zip(todo, pool.map(reproduce, todo)), 1):
                seconds, errors, warnings = outcome
                word = "differs" if errors else "near" if warnings else "equal"
                print(
                    f"[{count}/{len(todo)}] {slug}: {word}, {seconds:.1f} s",
                    *errors,
                    *warnings,
                    sep="\n    ",
                    flush=True,
                )
                failures += bool(errors)
    except (catalog.CatalogError, OSError) as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    print(f"{len(todo) - failures} of {len(todo)} default presets agree with their records")
    return min(1, failures)


if __name__ == "__main__":
    sys.exit(main())
