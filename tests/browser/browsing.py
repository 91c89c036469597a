"""What the tests in a browser share."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

from mpe_lib.lesson import free_port

ROOT = Path(__file__).parents[2]
TOKEN = "of-a-test"
START = 90.0  # seconds until a server must answer

AXE = next(Path(axe_playwright_python.__file__).parent.rglob("axe.min.js"))

Keep = Callable[[Page, str], bytes]


def serve(target: str, start: str, further: str = "", environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """`make lab` or `make app`, until the tests are over."""
    port = free_port()
    options = f"--port {port} --token {TOKEN} --no-browser {further}"
    # a session of its own: make and what it started end together
    server = subprocess.Popen(
        ["make", target, f"OPTIONS={options}"], cwd=ROOT, start_new_session=True, env=os.environ | (environment or {})
    )
    try:
        wait_for(f"http://127.0.0.1:{port}{start}{TOKEN}", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START
    while time.monotonic() < end:
        assert server.poll() is None, "the server has ended"
        try:
            # of Voila the page itself would start a kernel: the login is enough
            with urllib.request.urlopen(address.replace("/?", "/login?"), timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"no answer in {START:.0f} s")


BADGES = ("https://mybinder.org/badge_logo.svg", "https://colab.research.google.com/assets/colab-badge.svg")


def is_outside(address: str) -> bool:
    """Whether an address is of another host, and not a badge of a lesson, which GitHub shows as well."""
    if address in BADGES:
        return False
    return not address.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))


def serious(page: Page) -> list[str]:
    """What axe finds that keeps people out."""
    page.add_script_tag(path=str(AXE))
    # without fetching style sheets itself, for it looks in the wrong folder for those that another one imports
    found = page.evaluate("axe.run({preload: false})")["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found if each["impact"] in ("serious", "critical")]


# Of JupyterLab's outputs axe looks at no text.
CONTRAST = """within => {
  const colour = text => text.match(/[\\d.]+/g).map(Number);
  const over = (top, ground) => { const a = top[3] ?? 1; return [0, 1, 2].map(i => a * top[i] + (1 - a) * ground[i]); };
  const light = rgb => {
    const [r, g, b] = rgb.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const ground = element => {
    if (!element) return [255, 255, 255];
    const own = colour(getComputedStyle(element).backgroundColor);
    return (own[3] ?? 1) === 1 ? own.slice(0, 3) : over(own, ground(element.parentElement));
  };
  const seen = [...document.querySelectorAll(within + " *")].filter(element => element.checkVisibility()
    && [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  const low = seen.filter(element => {
    const behind = ground(element);
    const both = [light(over(colour(getComputedStyle(element).color), behind)), light(behind)];
    return (Math.max(...both) + .05) / (Math.min(...both) + .05) < 4.5;
  });
  return [seen.length, low.map(element => element.outerHTML.slice(0, 200))];
}"""


def hard_to_read(page: Page, within: str) -> list[str]:
    """Text whose contrast is below WCAG's AA, in some parts of the page."""
    texts, low = page.evaluate(CONTRAST, within)
    assert texts, f"no text within {within}"
    return low
