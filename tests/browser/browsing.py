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

from playwright.sync_api import Page
from serve import free_port

ROOT = Path(__file__).parents[2]
TOKEN = "of-a-test"
START = 90.0  # seconds until a server must answer

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
