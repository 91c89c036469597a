"""A real browser, and servers as users start them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import BADGES, ROOT, Keep, is_outside, serve
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
expect.set_options(timeout=60_000)  # milliseconds: what is said in the end counts, not when
AREA = 2_500_000  # pixels of a picture


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
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of JupyterLab, on a copy of the lessons, for it saves what was run."""
    copy = tmp_path_factory.mktemp("lab")
    for name in ("notebooks", "figures"):
        shutil.copytree(ROOT / name, copy / name)
    own = {f"JUPYTERLAB_{what}_DIR": str(copy / what) for what in ("SETTINGS", "WORKSPACES")}
    # exposed for tests to ask when a kernel is idle
    yield from serve("lab", "/lab?token=", f"--expose-app-in-browser --ServerApp.root_dir={copy}", own)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page on a screen of a laptop, which fails the test if anything went wrong in its console."""
    context = chromium.new_context(viewport={"width": 1380, "height": 900})
    page = context.new_page()
    page.set_default_timeout(60_000)
    errors: list[str] = []

    def console(message: ConsoleMessage) -> None:
        source = message.location.get("url", "")
        if message.type == "error" and source not in BADGES:  # which have no answer where there is no internet
            errors.append(f"{message.text} ({source})")

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
        # what scrolls is a part of the page: it is seen whole on a screen that is tall enough, but for long lessons
        screen = page.viewport_size
        tall = page.evaluate("Math.max(...[...document.querySelectorAll('body, body *')].map(e => e.scrollHeight))")
        page.set_viewport_size(
            {"width": screen["width"], "height": max(screen["height"], min(tall, AREA // screen["width"]))}
        )
        picture = page.screenshot(type="jpeg", quality=80)
        page.set_viewport_size(screen)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.jpg").write_bytes(picture)
        return picture

    return take
