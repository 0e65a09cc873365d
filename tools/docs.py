"""Write the facts of the documents between their markers, from catalog.toml, the claims and results.json.

python tools/docs.py             rewrite README.md, RESULTS.md, VISUAL_TOUR.md, CONTRIBUTING.md and the folders' READMEs
python tools/docs.py --check     list the documents that are out of step (exit status 1 if any)
"""

import argparse
import itertools
import re
import statistics
import sys
import tomllib

import catalog
import verdicts


def between(text, name, body):
    """Return text with `body` between the markers `<!-- name -->` and `<!-- end of name -->`, or raise CatalogError."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marked.search(text):
        raise catalog.CatalogError(f"the markers <!-- {name} --> and <!-- end of {name} --> are missing")
    return marked.sub(lambda match: match[1] + body + match[2], text)


def table(head, rows):
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def claim_rows(rows):
    """Return the cells of a claims table; a paper's value is marked where it, or the bar, is not the paper's own."""
    for row in rows:
        claim = row.claim
        text = claim.text + " *(substitute)*" * claim.substitute
        paper = claim.paper + " †" * (claim.kind == "trial" and claim.paper not in SILENT)
        yield text, paper, row.value or "-", row.bar or "-", row.status, f"{claim.kind}: {claim.source}"


SILENT = ("not run", "not given", "not known", "not stated")
CATALOG_HEAD = ("folder", "experiment", "year", "reproduced", "claims met", "seconds")
RUNS_HEAD = ("arm", "seeds", "CPU seconds a seed")
CLAIM_HEAD = ("claim", "paper", "here", "bar", "", "kind: source")
EFFORT_HEAD = ("arm", "runs", "succeed", "until then", "mean ± standard deviation", "a CPU second")


def results_of(slug):
    """Return the generated part of a folder's Results section."""
    module = catalog.load(slug)
    facts, cells = verdicts.summary(slug), catalog.fresh(slug, module)
    seconds = f" The default run takes {facts['seconds']} CPU seconds at seed 0." if facts["seconds"] else ""
    verdict = f"\nVerdict: **{facts['verdict']}**; {facts['met']} of {facts['total']} judged claims met.{seconds}\n\n"
    arms = shown_arms(module, cells)
    runs = [(f"`{arm}`", len(catalog.unbroken(cells[arm])), cost(cells[arm])) for arm in arms]
    recorded = "\n<details><summary>Recorded runs</summary>\n\n" + table(RUNS_HEAD, runs)
    effort = list(effort_rows(module, cells))
    recorded += ("\n" + table(EFFORT_HEAD, effort)) * bool(effort) + "\n</details>\n"
    return verdict + table(CLAIM_HEAD, claim_rows(verdicts.judgements(slug, module))) + recorded * bool(runs) + "\n"


def shown_arms(module, cells):
    """Return the recorded arms, in the script's order, without the quick ones."""
    return [arm for arm in module.ARMS if arm in cells and arm not in module.PRESETS["quick"]]


def cost(seeds):
    """Return the mean CPU seconds of an arm's cells as text; those of a resumed cell count from its last start."""
    more = ", or more" * any("resumed" in cell for cell in seeds.values())
    return f"{statistics.mean(cell['seconds'] for cell in seeds.values()):.1f}{more}"


def effort_rows(module, cells):
    """Yield the cells of a row for each recorded arm and each metric of the script's EFFORT, a dict from a metric that
    counts training until some success to the setting that bounds it: trials, the share of them that got there, mean and
    standard deviation of those, and what all trials did, up to their last success or the bound, in a CPU second."""
    effort = getattr(module, "EFFORT", {})
    for arm in shown_arms(module, cells):
        records = [cells[arm][seed] for seed in catalog.unbroken(cells[arm])]
        counts = {
            metric: list(itertools.chain(*(record["metrics"][metric] for record in records)))
            for metric in effort
            if records and metric in records[0]["metrics"]
        }
        bounds = [getattr(module.ARMS[arm].config, effort[metric]) for metric in counts]
        done = sum(
            max(bound if count is None else count for bound, count in zip(bounds, trial))
            for trial in zip(*counts.values())
        )
        for metric, values in counts.items():
            there = [value for value in values if value is not None]
            spread = f" ± {statistics.stdev(there):,.0f}" if len(there) > 1 else ""
            until = f"{statistics.mean(there):,.0f}{spread}" if there else "-"
            seconds = sum(record["seconds"] for record in records)
            rate = "-" if any("resumed" in record for record in records) else f"{done / seconds:,.0f}"
            yield f"`{arm}`", len(values), f"{len(there) / len(values):.0%}", metric, until, rate


def catalog_table(facts):
    """Return the catalog table of README.md, grouped by era."""
    parts = []
    for era in tomllib.loads((catalog.ROOT / "catalog.toml").read_text())["eras"]:
        rows = []
        for entry in catalog.problems():
            if entry["era"] != era:
                continue
            slug, row = entry["slug"], facts[entry["slug"]]
            if row["verdict"] == "planned":
                rows.append((slug, entry["title"], entry["year"], "planned", "", ""))
            else:
                met = f"{row['met']} of {row['total']}"
                rows.append((link(slug), entry["title"], entry["year"], row["verdict"], met, row["seconds"] or "-"))
        parts.append(f"\n### {era}\n\n" + table(CATALOG_HEAD, rows))
    return "".join(parts) + "\n"


def link(slug):
    return f"[{slug}]({slug}/README.md)"


def side_by_side(facts):
    """Return one table for each paper that several folders re-run: all claims on which it says something."""
    parts, papers = [], {}
    for entry in catalog.problems():
        if facts[entry["slug"]]["verdict"] != "planned":
            papers.setdefault((entry["paper"], entry["year"]), []).append(entry["slug"])
    for (paper, year), slugs in papers.items():
        rows = [
            (link(slug), *cells)
            for slug in slugs
            for row in verdicts.judgements(slug, catalog.load(slug))
            if row.claim.paper not in SILENT
            for cells in claim_rows([row])
        ]
        if len(slugs) > 1:
            title = paper.split('"')[1].rstrip(",")
            head = f"\n## {title} ({year}), side by side\n\n{paper}, {year}: "
            head += "every claim to which the paper has a number or a statement.\n\n"
            parts.append(head + table(("folder", *CLAIM_HEAD), rows))
            modules = {slug: catalog.load(slug) for slug in slugs}
            effort = [
                (link(slug), *cells)
                for slug, module in modules.items()
                for cells in effort_rows(module, catalog.fresh(slug, module))
            ]
            words = "\nWhat every recorded arm took (training after success is not counted, tests are):\n\n"
            parts.append((words + table(("folder", *EFFORT_HEAD), effort)) * bool(effort))
    return "".join(parts)


def all_results(facts):
    """Return the body of RESULTS.md."""
    words = ("yes", "partial", "no", "not yet recorded", "planned")
    counts = [(word, sum(row["verdict"] == word for row in facts.values())) for word in words]
    parts = ["\n" + table(("reproduced", "folders"), counts), side_by_side(facts)]
    for entry in catalog.problems():
        slug, row = entry["slug"], facts[entry["slug"]]
        if row["verdict"] == "planned":
            continue
        seconds = f"{row['seconds']} CPU seconds" if row["seconds"] else "time not yet recorded"
        parts.append(
            f"\n## {link(slug)}\n\n{entry['title']}. {entry['paper']}, {entry['year']}.\n\n"
            f"Reproduced: **{row['verdict']}**; {row['met']} of {row['total']} judged claims met; "
            f"default preset over {row['seeds']} seeds; {seconds} at seed 0.\n\n"
        )
        parts.append(table(CLAIM_HEAD, claim_rows(verdicts.judgements(slug, catalog.load(slug)))))
    return "".join(parts) + "\n"


def tour(facts):
    """Return the entries of VISUAL_TOUR.md."""
    parts, era = [], None
    for entry in catalog.problems():
        slug = entry["slug"]
        if entry["era"] != era:
            era = entry["era"]
            parts.append(f"\n## {era}\n")
        parts.append(f"\n### {entry['title']} ({entry['year']})\n\n{entry['tour']}\n\n")
        picture = f"{slug}/{catalog.module_name(slug)}.gif"
        if (catalog.ROOT / picture).exists():
            parts.append(f"[![{entry['title']}]({picture})]({slug}/README.md)\n")
        else:
            parts.append(f"*{slug}: planned.*\n")
    return "".join(parts) + "\n"


def costs():
    """Return the cost table of CONTRIBUTING.md: measured CPU seconds and memory of one cell of every recorded arm."""
    rows = []
    for slug in catalog.slugs():
        module = catalog.load(slug)
        cells = catalog.fresh(slug, module)
        for arm in shown_arms(module, cells):
            memory = max(cell["memory_mb"] for cell in cells[arm].values())
            rows.append((slug, f"`{arm}`", len(cells[arm]), cost(cells[arm]), memory))
    return "\n" + table(("folder", "arm", "cells recorded", "CPU seconds a cell", "MB a cell"), rows) + "\n"


def documents():
    """Yield (path, text as it should be) for every generated document."""
    facts = verdicts.table()
    parts = {
        "README.md": ("catalog", catalog_table(facts)),
        "RESULTS.md": ("results", all_results(facts)),
        "VISUAL_TOUR.md": ("tour", tour(facts)),
        "CONTRIBUTING.md": ("costs", costs()),
    }
    parts |= {
        f"{slug}/README.md": ("results", results_of(slug))
        for slug in catalog.slugs()
        if (catalog.ROOT / slug / "README.md").exists()
    }
    for name, (marker, body) in parts.items():
        path = catalog.ROOT / name
        try:
            yield path, between(path.read_text(), marker, body)
        except (catalog.CatalogError, OSError) as error:
            raise catalog.CatalogError(f"{name}: {error}") from None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    try:
        behind = [(path, text) for path, text in documents() if path.read_text() != text]
    except catalog.CatalogError as error:
        print(f"docs: {error}", file=sys.stderr)
        return 2
    for path, text in behind:
        if not args.check:
            path.write_text(text)
        print(path.relative_to(catalog.ROOT), "is out of step: `make docs`" if args.check else "rewritten")
    return int(args.check and bool(behind))


if __name__ == "__main__":
    sys.exit(main())
