"""Write the facts of the documents between their markers, from catalog.toml, the claims and results.json.

    python tools/docs.py             rewrite README.md, RESULTS.md, VISUAL_TOUR.md, CONTRIBUTING.md and the folders' READMEs
    python tools/docs.py --check     list the documents that are out of step (exit status 1 if any)
"""
import argparse
import re
import sys
import tomllib

import catalog
import verdicts


def between(text, name, body):
    """Return text with `body` between the markers `<!-- name -->` and `<!-- end of name -->`; CatalogError without them."""
    marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    if not marked.search(text):
        raise catalog.CatalogError(f"the markers <!-- {name} --> and <!-- end of {name} --> are missing")
    return marked.sub(lambda match: match[1] + body + match[2], text)


def table(head, rows):
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def claim_rows(rows):
    """Return the cells of a claims table; a bar that does not come from the paper itself is marked with its source."""
    for row in rows:
        claim = row.claim
        yield (claim.text + " *(substitute)*" * claim.substitute, claim.paper, row.value or "-",
               claim.bar.replace("<", "&lt;") or "-", row.status, f"{claim.kind}: {claim.source}")


CLAIM_HEAD = ("claim", "paper", "here", "bar", "", "kind: source")


def results_of(slug):
    """Return the generated part of a folder's Results section."""
    module = catalog.load(slug)
    rows, facts = verdicts.judgements(slug, module), verdicts.summary(slug)
    cells = catalog.fresh(slug, module)
    recorded = [(f"`{arm}`", len(catalog.unbroken(cells[arm])), f"{sum(c['seconds'] for c in cells[arm].values()) / len(cells[arm]):.1f}")
                for arm in module.ARMS if arm in cells and arm not in module.PRESETS["quick"]]
    seconds = f" The default run takes {facts['seconds']} CPU seconds at seed 0." if facts["seconds"] else ""
    return (f"\nVerdict: **{facts['verdict']}**; {facts['met']} of {facts['total']} judged claims met.{seconds}\n\n"
            + table(CLAIM_HEAD, claim_rows(rows))
            + ("\n<details><summary>Recorded runs</summary>\n\n" + table(("arm", "seeds", "CPU seconds a seed"), recorded)
               + "\n</details>\n" if recorded else "") + "\n")


def catalog_table(facts):
    """Return the catalog table of README.md, grouped by era."""
    eras = tomllib.loads((catalog.ROOT / "catalog.toml").read_text())["eras"]
    parts = []
    for era in eras:
        rows = []
        for entry in catalog.problems():
            if entry["era"] == era:
                slug, row = entry["slug"], facts[entry["slug"]]
                there = row["verdict"] != "planned"
                rows.append((f"[{slug}]({slug}/README.md)" if there else slug, entry["title"], entry["year"], row["verdict"],
                             f"{row['met']} of {row['total']}" if there else "", row["seconds"] or ""))
        parts.append(f"\n### {era}\n\n" + table(("folder", "experiment", "year", "reproduced", "claims met", "seconds"), rows))
    return "".join(parts) + "\n"


def all_results(facts):
    """Return the body of RESULTS.md."""
    counts = [sum(row["verdict"] == word for row in facts.values()) for word in ("yes", "partial", "no", "not yet recorded", "planned")]
    parts = ["\n" + table(("reproduced", "folders"), zip(("yes", "partial", "no", "not yet recorded", "planned"), counts))]
    for entry in catalog.problems():
        slug = entry["slug"]
        if facts[slug]["verdict"] != "planned":
            row = facts[slug]
            seconds = f"{row['seconds']} CPU seconds" if row["seconds"] else "time not yet recorded"
            parts.append(f"\n## [{slug}]({slug}/README.md)\n\n{entry['title']}. {entry['paper']}, {entry['year']}.\n\n"
                         f"Reproduced: **{row['verdict']}**; {row['met']} of {row['total']} judged claims met; default preset over "
                         f"{row['seeds']} seeds; {seconds} at seed 0.\n\n"
                         + table(CLAIM_HEAD, claim_rows(verdicts.judgements(slug, catalog.load(slug)))))
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
        for arm in module.ARMS:
            if arm in cells and arm not in module.PRESETS["quick"]:
                runs = cells[arm].values()
                rows.append((slug, f"`{arm}`", len(runs), f"{sum(c['seconds'] for c in runs) / len(runs):.1f}",
                             max(c["memory_mb"] for c in runs)))
    return "\n" + table(("folder", "arm", "cells recorded", "CPU seconds a cell", "MB a cell"), rows) + "\n"


def documents():
    """Yield (path, text as it should be) for every generated document."""
    facts = verdicts.table()
    parts = {"README.md": ("catalog", catalog_table(facts)), "RESULTS.md": ("results", all_results(facts)),
             "VISUAL_TOUR.md": ("tour", tour(facts)), "CONTRIBUTING.md": ("costs", costs())}
    parts |= {f"{slug}/README.md": ("results", results_of(slug)) for slug in catalog.slugs() if (catalog.ROOT / slug / "README.md").exists()}
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
        print(f"{path.relative_to(catalog.ROOT)}: {'out of step with the records (`make docs`)' if args.check else 'rewritten'}")
    return int(args.check and bool(behind))


if __name__ == "__main__":
    sys.exit(main())
