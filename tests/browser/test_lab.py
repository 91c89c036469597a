"""Lessons in JupyterLab, as `make lab` opens it."""

import io
import urllib.request

import numpy as np
import pytest
from browsing import TOKEN, Keep, hard_to_read
from PIL import Image
from playwright.sync_api import Page, expect

MINUTES = 8  # for a lesson to run through, on a machine that does other things as well
KERNEL = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel"


def open_lesson(page: Page, lab: str, name: str) -> None:
    page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?token={TOKEN}&reset")
    page.wait_for_function(f"{KERNEL}?.connectionStatus === 'connected' && {KERNEL}?.status === 'idle'")


def run_all(page: Page) -> None:
    """Every cell, in the profile that the environment sets."""
    done = page.evaluate(
        "minutes => Promise.race([jupyterapp.commands.execute('notebook:run-all-cells').then(() => true),"
        " new Promise(late => setTimeout(() => late(false), minutes * 60000))])",
        MINUTES,
    )
    assert done, f"not through in {MINUTES} minutes"
    errors = page.evaluate(
        "jupyterapp.shell.currentWidget.model.sharedModel.cells.flatMap(cell => (cell.outputs ?? [])"
        ".filter(output => output.output_type === 'error').map(output => output.ename + ': ' + output.evalue))"
    )
    assert errors == []


def go_to(page: Page, text: str) -> None:
    """Scroll to the first cell that holds a text: cells far away are not drawn."""
    found = page.evaluate(
        "text => { const notebook = jupyterapp.shell.currentWidget.content;"
        " const at = notebook.widgets.findIndex(cell => cell.model.sharedModel.source.includes(text));"
        " if (at < 0) return false;"
        " notebook.activeCellIndex = at; return notebook.scrollToItem(at, 'start').then(() => true); }",
        text,
    )
    assert found, f"no cell with {text}"


def test_without_the_token_nobody_gets_in(lab: str) -> None:
    with urllib.request.urlopen(f"{lab}/lab") as answer:
        assert "/login" in answer.url
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(f"{lab}/api/contents")


def test_it_opens_on_the_first_lesson_which_runs(page: Page, lab: str, keep: Keep) -> None:
    page.goto(f"{lab}/?token={TOKEN}")
    page.wait_for_function(f"{KERNEL}?.connectionStatus === 'connected' && {KERNEL}?.status === 'idle'")
    assert page.evaluate("jupyterapp.shell.currentWidget.context.path") == "notebooks/00_start_here.ipynb"
    expect(page.get_by_text("Would you like to get notified")).to_have_count(0)
    run_all(page)
    go_to(page, "restored")
    expect(page.locator(".jp-OutputArea-output img").first).to_be_visible()
    keep(page, "lab_00")


def test_a_slider_of_lesson_03_changes_the_picture_below_it(page: Page, lab: str, keep: Keep) -> None:
    open_lesson(page, lab, "03_action_units_and_imbalance")
    run_all(page)
    go_to(page, "interact")
    sliders = page.locator(".widget-interact").first
    expect(sliders.locator("img")).to_be_visible()
    before = sliders.locator("img").screenshot()
    handle = sliders.locator(".noUi-handle").first
    handle.focus()
    handle.press("Home")
    page.wait_for_function(
        "before => document.querySelector('.widget-interact img')?.src !== before",
        arg=sliders.locator("img").get_attribute("src"),
    )
    after = sliders.locator("img").screenshot()
    one, other = (np.asarray(Image.open(io.BytesIO(each)).convert("RGB")).astype(int) for each in (before, after))
    assert one.shape != other.shape or np.abs(one - other).max() > 20
    keep(page, "lab_03_slider")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_what_a_lesson_shows_is_readable_in_the_light_and_in_the_dark(
    page: Page, lab: str, theme: str, keep: Keep
) -> None:
    open_lesson(page, lab, "13_explore")
    page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    run_all(page)
    go_to(page, "Playground(weights")
    expect(page.get_by_text("One moment.")).to_have_count(0)
    keep(page, f"lab_13_{theme.split()[1].lower()}")
    assert hard_to_read(page, ".mpe-page") == []
    go_to(page, "check(half_way")
    verdicts = ".jp-RenderedHTMLCommon:has(> span[style])"
    expect(page.locator(verdicts).first).to_be_visible()
    assert hard_to_read(page, verdicts) == []
