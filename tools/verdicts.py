"""Judge every claim on the recorded runs.

python tools/verdicts.py             a table, one row for each folder
python tools/verdicts.py --json      the same as JSON: slug -> {verdict, met, judged, total, seeds, seconds}
"""

import argparse
import json
import sys
import warnings
from typing import NamedTuple

import catalog

MET, MISSED, MISSING, REPORTED = "met", "missed", "not yet recorded", "reported"


class Judgement(NamedTuple):
    """A claim on the record: the value as text ("" if there is none) and how it stands."""

    claim: tuple
    value: str
    bar: str  # as it is shown
    status: str  # met, missed, reported, or "not yet recorded (3 of 10)"


def evaluate(module, claim, cells):
    """Return (value as text, met, replicates) of a claim on cells; ("", None, 0) where an arm it reads is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a mean over nothing: censored replicates only
            value, half, met, replicates = module.judge(claim, module.pool(cells))
    except KeyError as missing:
        if missing.args[0] not in module.ARMS:
            raise
        return "", None, 0
    return module.value_text(claim, value, half), met, replicates


def judgements(slug, module):
    """Return a Judgement for every claim of a folder; only fresh records of seeds 0 ... N-1 without a gap count."""
    record = catalog.read_record(slug)
    cells = {arm: catalog.unbroken(seeds) for arm, seeds in catalog.fresh(slug, module, record).items()}
    cells = {arm: seeds for arm, seeds in cells.items() if seeds}
    rows = []
    for claim in module.CLAIMS:
        value, met, replicates = evaluate(module, claim, cells)
        if replicates < claim.n:
            stale = evaluate(module, claim, record["arms"])[0] if replicates == 0 else ""
            status = f"{MISSING} ({replicates} of {claim.n})" + f"; {stale} by stale records" * bool(stale)
        else:
            status = {True: MET, False: MISSED, None: REPORTED}[met]
        bar = module.bar_text(claim).replace("<=", "≤").replace(">=", "≥")
        rows.append(Judgement(claim, value, bar, status))
    return rows


def verdict(rows):
    """Return yes, partial, no or not yet recorded: the rule of SPEC section 2."""
    judged = [row for row in rows if row.claim.bar]
    headline = rows[0].status
    if headline.startswith(MISSING):
        return "not yet recorded"
    if all(row.status == MET for row in judged):
        return "partial" if rows[0].claim.substitute else "yes"
    if headline != MISSED or any(row.claim.substitute and row.status == MET for row in judged):
        return "partial"
    return "no"


def seconds(module, cells):
    """Return the CPU seconds of the default preset at seed 0, or None if it is not recorded."""
    parts = [cells.get(arm, {}).get("0") for arm in module.PRESETS["default"]]
    return round(sum(part["seconds"] for part in parts), 1) if all(parts) else None


def summary(slug):
    """Return {verdict, met, judged, total, seeds, seconds} of a folder; seeds: recorded of the whole default preset."""
    module = catalog.load(slug)
    rows, cells = judgements(slug, module), catalog.fresh(slug, module)
    judged = [row for row in rows if row.claim.bar]
    return {
        "verdict": verdict(rows),
        "met": sum(row.status == MET for row in judged),
        "judged": sum(row.status in (MET, MISSED) for row in judged),
        "total": len(judged),
        "seeds": min(len(catalog.unbroken(cells.get(arm, {}))) for arm in module.PRESETS["default"]),
        "seconds": seconds(module, cells),
    }


def table():
    """Return slug -> summary for all problems of the catalog; a slug without a folder is planned."""
    planned = {"verdict": "planned", "met": 0, "judged": 0, "total": 0, "seeds": 0, "seconds": None}
    existing = catalog.slugs()
    names = [entry["slug"] for entry in catalog.problems()]
    return {slug: summary(slug) if slug in existing else dict(planned) for slug in names}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        rows = table()
    except catalog.CatalogError as error:
        print(f"verdicts: {error}", file=sys.stderr)
        return 2
    if args.json:
        print(json.dumps(rows, indent=1))
        return 0
    print(f"{'folder':36}{'verdict':18}{'met':>7}{'judged':>7}{'total':>7}{'seeds':>7}{'seconds':>9}")
    for slug, row in rows.items():
        counts = "".join(f"{row[name]:7}" for name in ("met", "judged", "total", "seeds"))
        print(f"{slug:36}{row['verdict']:18}{counts}{row['seconds'] or '-':>9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
