"""Several visitors of the playground at once, each in a browser's page, moving a slider again and again.

`make app` is started for real. What counts: no visitor is left without an answer or shown an error, memory stays flat,
and a page that keeps somebody waiting says so.
"""

import argparse
import random
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/browser"))

import psutil
from browsing import TOKEN, serve
from playwright.sync_api import Browser, Page, sync_playwright

from mpe_lib.machine import describe

SLIDERS = ("noise, levels", "blur before, pixels", "light from the side", "AU12 lip corner puller")
PATIENCE = 60.0  # seconds for an answer
THINKING = (1.0, 4.0)  # seconds that a visitor looks at one
SAID = ".mpe-said"
# An answer replaces every picture.
LOOK_AT = "document.querySelectorAll('.mpe-rows img').forEach(picture => { picture.dataset.seen = '' })"
IS_NEW = "document.querySelector('.mpe-rows img:not([data-seen])') !== null"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--visitors", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=5)
    arguments = parser.parse_args()
    print(describe())
    with playground() as address, sync_playwright() as playwright:
        found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-dev-shm-usage"])
        begun = time.perf_counter()
        pages = [arrive(browser, address) for _ in range(arguments.visitors)]
        for page in pages:
            page.wait_for_function(f"document.querySelector('{SAID}')?.innerText.includes('bicubic')", timeout=600_000)
        for page in pages:  # a synthetic person, who is drawn anew with each move
            page.get_by_label("face", exact=True).select_option(label="a synthetic person")
            page.get_by_role("slider", name=SLIDERS[-1], exact=True).wait_for(timeout=600_000)
        print(f"{len(pages)} pages stand after {time.perf_counter() - begun:.0f} s; memory {megabytes():.0f} MB")
        answers, told, failures = visit(pages, 60 * arguments.minutes)
    late = sorted(answers)[int(0.95 * len(answers))]
    print(f"{len(answers)} answers, median {statistics.median(answers):.2f} s, 95% within {late:.2f} s")
    print(f"of {sum(seconds > 1 for seconds in answers)} that took over a second {told} were said to be on their way")
    print(f"{len(failures)} failures {failures[:3] or ''}")


@contextmanager
def playground() -> Iterator[str]:
    served = serve("app", "/?token=")
    yield next(served)
    next(served, None)


def arrive(browser: Browser, address: str) -> Page:
    page = browser.new_context(viewport={"width": 1380, "height": 900}).new_page()
    page.goto(f"{address}/?token={TOKEN}", timeout=600_000, wait_until="commit")
    return page


def visit(pages: list[Page], seconds: float) -> tuple[list[float], int, list[str]]:
    """Move sliders for so long: the time of each answer, how many were announced, and what went wrong."""
    draw = random.Random(0)
    next_move = [time.perf_counter() + draw.uniform(*THINKING) for _ in pages]
    waiting: dict[int, tuple[float, bool]] = {}  # since when, and whether it was said that the answer is on its way
    answers, announced, failures = list[float](), 0, list[str]()
    begun, minute = time.perf_counter(), 1
    while waiting or time.perf_counter() < begun + seconds:
        now = time.perf_counter()
        if now - begun > 60 * minute:
            print(f"  after {minute} min: memory {megabytes():.0f} MB, {len(answers)} answers", flush=True)
            minute += 1
        for number, page in enumerate(pages):
            now = time.perf_counter()
            if number in waiting:
                since, told = waiting[number]
                told = told or page.locator(SAID).inner_text() == "One moment."
                if page.evaluate(IS_NEW):
                    answers.append(now - since)
                    announced += told and now - since > 1
                elif now - since > PATIENCE:
                    failures.append(f"visitor {number}: no answer in {PATIENCE:.0f} s")
                else:
                    waiting[number] = since, told
                    continue
                del waiting[number]
                next_move[number] = now + draw.uniform(*THINKING)
            elif next_move[number] < now < begun + seconds:
                if page.locator(".mpe-message").count():
                    failures.append(f"visitor {number}: {page.locator(SAID).inner_text()}")
                page.evaluate(LOOK_AT)
                if moved(page, draw):
                    waiting[number] = time.perf_counter(), False
        time.sleep(0.02)
    return answers, announced, failures


def moved(page: Page, draw: random.Random) -> bool:
    """Whether a press of a key moved a slider, which may be at its end."""
    handle = page.get_by_role("slider", name=draw.choice(SLIDERS), exact=True)
    before = handle.get_attribute("aria-valuenow")
    handle.press(draw.choice(("PageUp", "ArrowRight", "PageDown", "ArrowLeft")))
    return handle.get_attribute("aria-valuenow") != before


def megabytes() -> float:
    """Of the server and the visitors' processes, without the browser: what each does not share with others."""
    processes = [each for each in psutil.Process().children(recursive=True) if "chrom" not in each.name()]
    return sum(each.memory_full_info().uss for each in processes if each.is_running()) / 2**20


if __name__ == "__main__":
    main()
