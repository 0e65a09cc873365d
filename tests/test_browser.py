"""The book in a browser: filters, search, animations, no script; no error on the console and no failed request.

Skipped where there is no Chromium; an error in continuous integration (CI is set).
"""

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import catalog
import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]
NAMES = [os.environ.get("CHROMIUM", ""), "/usr/bin/chromium", "/usr/bin/chromium-browser", "chromium", "google-chrome"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def site(built_book):
    """The address of a server of the built book."""
    with ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=built_book)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium with a new profile."""
    path = next(filter(None, map(shutil.which, filter(None, NAMES))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if not path:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Chromium (set CHROMIUM) or no playwright")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=[1280, 390], ids=["desktop", "phone"])
def page(request, chromium, site):
    """A page of the browser that must end without an error on the console and without a failed request."""
    faults = []
    context = chromium.new_context(base_url=site, viewport={"width": request.param, "height": 844})
    page = context.new_page()
    page.set_default_timeout(5000)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("requestfailed", lambda request: faults.append(request.url) if not left_behind(request) else None)
    page.on("response", lambda got: faults.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page.on("request", lambda sent: None if sent.url.startswith(site) else faults.append(sent.url))
    yield page
    context.close()
    assert not faults


def left_behind(request):
    """Return whether the browser itself gave a request up because it went to another page."""
    return request.failure == "net::ERR_ABORTED"


def shown(page):
    """Return the cards that are to be seen."""
    return page.locator(".cards li:visible")


def choose(page, name, value):
    page.locator(f'.filters button[name="{name}"][value="{value}"]').click()


def test_the_gallery_shows_all(page):
    page.goto("/index.html")
    assert shown(page).count() == len(catalog.problems())


def test_filter_by_era(page):
    page.goto("/index.html")
    era = catalog.problems()[0]["era"]
    choose(page, "era", era.split(":")[0])
    assert shown(page).count() == sum(entry["era"] == era for entry in catalog.problems())
    assert page.locator("#gallery section:visible h2").all_inner_texts() == [era]
    choose(page, "era", "all")
    assert shown(page).count() == len(catalog.problems())


def test_filter_by_verdict(page):
    page.goto("/index.html")
    verdict = page.locator(".cards .verdict").first.inner_text()
    choose(page, "verdict", verdict)
    assert set(page.locator(".cards li:visible .verdict").all_inner_texts()) == {verdict}
    assert page.get_by_role("status").inner_text().startswith(f"{shown(page).count()} of ")


def test_a_card_opens_its_page(page):
    page.goto("/index.html")
    card = page.locator(".cards a").first
    slug = card.get_attribute("href").split("/")[0]
    card.click()
    page.wait_for_url(f"**/{slug}/index.html")
    assert page.locator("main h1").inner_text() == slug
    assert page.locator(".strip .verdict").is_visible()


def test_the_animation_plays_when_asked(page):
    page.goto(f"/{catalog.slugs()[0]}/index.html")
    link = page.locator("a.play").first
    image = link.locator("img")
    assert image.get_attribute("src").endswith(".still.webp")
    with page.expect_response("**/*.gif"):
        link.click()
    assert image.get_attribute("src").endswith(".gif") and link.get_attribute("aria-pressed") == "true"
    link.press(" ")
    assert image.get_attribute("src").endswith(".still.webp")


def test_search_finds_a_folder(page):
    slug = catalog.slugs()[0]
    page.goto("/index.html")
    page.locator("#mdbook-search-toggle").click()
    page.locator("#mdbook-searchbar").press_sequentially(slug)
    page.locator(f'#mdbook-searchresults a[href*="{slug}/index.html"]').first.wait_for()


@pytest.mark.parametrize("name", ["index.html", "RESULTS.html", "VISUAL_TOUR.html", f"{catalog.slugs()[0]}/index.html"])
def test_nothing_sticks_out(page, name):
    page.goto(f"/{name}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_without_script_it_is_a_plain_list(chromium, site):
    page = chromium.new_context(base_url=site, java_script_enabled=False).new_page()
    page.goto("/index.html")
    assert shown(page).count() == len(catalog.problems()) and page.locator(".filters").count() == 0
    page.locator(".cards a").first.click()
    assert page.locator("a.play").first.get_attribute("href").endswith(".gif")
