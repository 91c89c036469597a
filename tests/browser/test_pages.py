"""The web site in a browser: readable in the light and in the dark, on a phone, and without any other host."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browsing import ROOT, serious
from playwright.sync_api import Page, expect

PAGES = [
    "index.html",
    "notebooks/00_start_here.html",
    "notebooks/07_au_losses_and_dice.html",
    "notebooks/12_ablations_and_tables.html",
    "library/nets.html",
    "mpe_lib/weights/small.html",
    "results.html",
    "search.html?q=hourglass",
]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address."""
    folder: Path = tmp_path_factory.mktemp("site") / "site"
    subprocess.run([sys.executable, ROOT / "tools/website.py", folder], check=True)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_nobody_out(page: Page, site: str, path: str, colours: str) -> None:
    page.emulate_media(color_scheme=colours)
    page.goto(f"{site}/{path}", wait_until="networkidle")
    assert serious(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize(
    "path", ["index", "results", "notebooks/02_landmarks_and_heatmaps", "notebooks/12_ablations_and_tables"]
)
def test_on_a_phone_pictures_are_large_enough_to_see(page: Page, site: str, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{site}/{path}.html", wait_until="networkidle")
    pictures = page.locator("article img").all()
    assert pictures
    assert min(picture.bounding_box()["height"] for picture in pictures) >= 140
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_search_finds_a_lesson_and_a_module(page: Page, site: str) -> None:
    page.goto(f"{site}/search.html?q=hourglass")
    found = page.locator("#search-results")
    expect(found).to_contain_text("06 The hourglass")
    expect(found).to_contain_text("mpe_lib.nets.hourglass")


def test_an_equation_is_typeset_in_its_font(page: Page, site: str) -> None:
    page.goto(f"{site}/notebooks/07_au_losses_and_dice.html", wait_until="networkidle")
    assert page.evaluate("[...document.fonts].find(each => each.family.includes('STIX')).status") == "loaded"
    fraction = page.locator("mfrac").first  # the bar makes it taller than a line
    assert fraction.bounding_box()["height"] > 1.5 * page.locator("math mi").first.bounding_box()["height"]


def test_pictures_keep_their_white_ground_in_the_dark(page: Page, site: str) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto(f"{site}/notebooks/00_start_here.html")
    for picture in page.locator("article img").all():
        look = picture.evaluate("e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).filter]")
        assert look == ["rgb(255, 255, 255)", "none"]
