"""The book builds, everything in it resolves, and nothing in it comes from elsewhere."""

import re
import tomllib
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import book
import catalog
import pytest
from PIL import Image

PLANNED = {"verdict": "planned", "met": 0, "judged": 0, "total": 0, "seeds": 0, "seconds": None}
RECORDED = {"verdict": "yes", "met": 5, "judged": 5, "total": 5, "seeds": 30, "seconds": 0.42}


class Page(HTMLParser):
    """The tags, the ids and the text outside code of a page."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.ids, self.text, self.code = [], {"top", ""}, "", 0
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        self.ids.add(attributes.get("id", ""))
        self.code += tag in ("pre", "code", "script", "style")

    def handle_endtag(self, tag):
        self.code -= tag in ("pre", "code", "script", "style")

    def handle_data(self, data):
        self.text += data * (not self.code)

    def addresses(self):
        """Yield every address that a browser would fetch or follow from here."""
        for _, attributes in self.tags:
            yield from (attributes[key] for key in ("href", "src") if attributes.get(key))


@pytest.fixture(scope="module")
def pages(built_book):
    """path -> Page, for all pages of the built book."""
    return {path: Page(path) for path in built_book.rglob("*.html")}


# ---------------------------------------------------------------- the list
def test_the_list_is_historical_and_keeps_to_its_words():
    words = tomllib.loads((catalog.ROOT / "catalog.toml").read_text())
    places = [(words["eras"].index(entry["era"]), entry["year"]) for entry in catalog.problems()]
    assert places == sorted(places)
    assert {tag for entry in catalog.problems() for tag in entry["tags"]} == set(words["tags"])


# ---------------------------------------------------------------- the built book
def test_every_link_picture_and_anchor_resolves(built_book, pages):
    broken = []
    for path, page in pages.items():
        for address in page.addresses():
            parts = urlsplit(address)
            target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
            if parts.path and path.name == "404.html":                          # its links start from the site's root
                target = built_book / parts.path.lstrip("/")
            target = target / "index.html" if target.is_dir() else target
            there = parts.scheme or target.is_file()
            if not there or (parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids):
                broken.append(f"{path.relative_to(built_book)}: {address}")
    assert not broken


def test_nothing_is_fetched_from_elsewhere(built_book, pages):
    fetched = [attributes.get("src") or attributes.get("href", "") for page in pages.values()
               for tag, attributes in page.tags if tag in ("script", "link", "img", "iframe")]
    fetched += re.findall(r"url\(([^)]*)\)", "".join(path.read_text() for path in built_book.rglob("*.css")))
    assert not [address for address in fetched if re.match(r"['\"]?(https?:)?//", address)]


def test_every_picture_is_lazy_and_has_its_size(pages):
    pictures = [attributes for page in pages.values() for tag, attributes in page.tags if tag == "img"]
    assert all(picture["loading"] == "lazy" and picture["width"] and picture["height"] for picture in pictures)


def test_animations_stand_still(pages):
    pictures = [attributes["src"] for page in pages.values() for tag, attributes in page.tags if tag == "img"]
    assert pictures and not [source for source in pictures if source.endswith(".gif")]


def test_the_gallery_shows_every_problem(built_book, pages):
    tags = pages[built_book / "index.html"].tags
    cards = [attributes for tag, attributes in tags if tag == "li" and "data-verdict" in attributes]
    assert len(cards) == len(catalog.problems())


def test_every_folder_has_a_page(built_book):
    missing = [slug for slug in catalog.slugs()
               if (catalog.ROOT / slug / "README.md").exists() and not (built_book / slug / "index.html").exists()]
    assert not missing


def test_mathematics_is_mathml(pages):
    assert any(tag == "math" for page in pages.values() for tag, _ in page.tags)
    assert not [path for path, page in pages.items() if "$$" in page.text]


# ---------------------------------------------------------------- one page
@pytest.fixture
def small(tmp_path, monkeypatch):
    """A Book over a catalog with one folder and one planned problem."""
    monkeypatch.setattr(catalog, "ROOT", tmp_path)
    (tmp_path / "catalog.toml").write_text("".join(
        f'[[problem]]\nslug="{slug}"\ntitle="{slug} <&>"\nyear=1989\nera="1989: one"\norder={order}\ntags=["a"]\n'
        for order, slug in enumerate(("here", "later"))))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "README.md").write_text("# here\n")
    (tmp_path / "RESULTS.md").write_text("# Results\n")
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("white", "black")]
    frames[0].save(tmp_path / "here" / "here.gif", save_all=True, append_images=frames[1:])
    return book.Book(tmp_path / "src", {"here": RECORDED, "later": PLANNED})


def render(small, text):
    return small.render("here/README.md", text)


@pytest.mark.parametrize("text", ["`$HOME$`", "``$a`b$``", "```sh\necho $a$ $$\n```", "<!-- $a$ -->", r"\$a$",
                                  "costs $5 and $6", "from $A/$B", "a $ b $ c", "one $a\n\nb$ two"])
def test_what_is_not_mathematics_stays(small, text):
    assert render(small, text) == text


@pytest.mark.parametrize("text", ["$x$", "($a_i$)", "$|x|$, and", "$a\n+ b$", "$$a$$", "$$\na\n$$"])
def test_mathematics_is_converted(small, text):
    assert "<math" in render(small, text) and "$" not in render(small, text)


def test_markdown_leaves_mathml_alone(small):
    text = re.sub(r"<[^>]*>|&[^;]*;", "", render(small, r"$a*b_c*d|e \text{[x](y)}$"))
    assert re.fullmatch(r"\w*", text)


@pytest.mark.parametrize("text", [r"$\nosuchcommand x$", "$a^b^c$", "![a](nowhere.png)"])
def test_what_cannot_be_shown_is_refused_in_one_line(small, text):
    with pytest.raises(catalog.CatalogError, match="^here/README.md: .*$"):
        render(small, text)


def test_an_animation_becomes_a_still_of_its_last_frame(small):
    text = render(small, "![it <learns>](here.gif)")
    assert text.startswith('<a class="play" href="here.gif"')
    assert 'width="30" height="20"' in text and "it &lt;learns&gt;" in text
    assert Image.open(small.src / "here/here.still.webp").getpixel((0, 0)) == (0, 0, 0)


def test_links_lead_to_pages_and_copies(small):
    (catalog.ROOT / "LICENSE").write_text("free")
    text = "[r](../RESULTS.md#here) [h](../here/) [l](../LICENSE) [w](https://example.org/a.md)"
    assert render(small, text) == text.replace("../here/", "index.md")
    assert (small.src / "LICENSE").read_text() == "free"


def test_a_link_to_what_the_book_does_not_show_is_plain_text(small):
    (catalog.ROOT / "notes.md").write_text("no page")
    assert render(small, "[top](..) and [notes](../notes.md)") == "top and notes"


def test_with_a_repository_links_lead_there(small):
    small.repository = "https://example.org/repo"
    assert render(small, "[code](here.gif)") == "[code](https://example.org/repo/blob/HEAD/here/here.gif)"


def test_a_planned_problem_has_no_link(small):
    here, later = (small.card(entry) for entry in small.problems)
    assert 'href="here/index.html"' in here and "0.4 s" in here and "&lt;&amp;&gt;" in here
    assert "href" not in later and "class=planned" in later


def test_a_foreign_folder_is_not_cleared(tmp_path):
    (tmp_path / "src").mkdir()
    with pytest.raises(catalog.CatalogError):
        book.build(tmp_path)
