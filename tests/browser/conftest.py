"""A real browser, and servers as users start them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Keep, is_outside, serve
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
expect.set_options(timeout=60_000)  # milliseconds: what is said in the end counts, not when


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screens", type=Path, default=None, help="a folder that receives what was seen")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (apt-get install chromium)")
    # as root, in a container: no sandbox, and its shared memory is small
    options = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=options)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app() -> Iterator[str]:
    """The address of the playground, with the token."""
    yield from serve("app", "/?token=")


@pytest.fixture(scope="session")
def lab() -> Iterator[str]:
    """The address of JupyterLab, to which a path and the token are to be added."""
    yield from serve("lab", "/lab?token=")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page on a screen of a laptop, which fails the test if anything went wrong in its console."""
    context = chromium.new_context(viewport={"width": 1380, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(f"{message.text} ({message.location.get('url', '')})")

    page.on("console", console)
    page.on("pageerror", lambda error: errors.append(str(error)))
    outside: list[str] = []
    page.on("request", lambda request: outside.append(request.url) if is_outside(request.url) else None)
    yield page
    context.close()
    assert not errors, f"console: {errors}"
    assert not outside, f"another host was asked: {outside}"


@pytest.fixture
def keep(request: pytest.FixtureRequest) -> Keep:
    """Take a picture of the page; with --screens it is kept under a name."""
    folder: Path | None = request.config.getoption("--screens")

    def take(page: Page, name: str) -> bytes:
        picture = page.screenshot(full_page=True, type="jpeg", quality=80)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.jpg").write_bytes(picture)
        return picture

    return take
