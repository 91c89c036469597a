"""The playground as a page: every control moved, every view looked at."""

import io
import re
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
import skimage.data
from browsing import TOKEN, Keep, serious
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from mpe_lib.faces.astronaut import astronaut


@pytest.fixture
def playground(page: Page, app: str) -> Iterator[Page]:
    """The page, restored for the first time."""
    page.goto(f"{app}/?token={TOKEN}")
    expect(page.locator(".mpe-said")).to_contain_text("ahead of bicubic", timeout=120_000)
    yield page
    assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def said(page: Page) -> Locator:
    return page.locator(".mpe-said")


def expect_another(page: Page, sentence: str) -> None:
    """Wait for the answer to what was moved; where that takes long, the page says first that it is on its way."""
    expect(said(page)).not_to_have_text(re.compile(f"{re.escape(sentence)}|One moment."))


def picture(page: Page, name: str) -> np.ndarray:
    """The pixels of a picture on the page, as the browser decodes them."""
    figure = page.locator(".mpe-row figure", has=page.locator(f".mpe-title:text-is('{name}')"))
    shot = figure.locator("img").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def slider(page: Page, name: str) -> Locator:
    """Found as a screen reader finds it: by its role and its name."""
    return page.get_by_role("slider", name=name, exact=True)


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label, exact=True).select_option(label=option)


def turn_to(page: Page, view: str) -> None:
    page.get_by_role("button", name=view, exact=True).click()


# ---- the door


@pytest.mark.parametrize("token", ["", "?token=wrong"])
def test_without_the_token_nobody_gets_in(app: str, token: str) -> None:
    with urllib.request.urlopen(f"{app}/{token}") as answer:
        assert "/login" in answer.url
        assert "MPENet playground" not in answer.read().decode()


# ---- the views


def test_restore(playground: Page, keep: Keep) -> None:
    assert playground.title() == "MPENet playground"
    expect(playground.get_by_role("heading", name="MPENet playground")).to_be_visible()
    expect(playground.get_by_text("it is no evidence of identity")).to_be_visible()
    assert serious(playground) == []
    expect(playground.get_by_role("group", name="view").get_by_role("button", pressed=True)).to_have_text("restore")
    before, sentence = picture(playground, "step 3"), said(playground).inner_text()
    slider(playground, "noise, levels").press("PageUp")
    expect_another(playground, sentence)
    assert np.abs(picture(playground, "step 3") - before).mean() > 1
    keep(playground, "restore_noise")


def test_a_synthetic_person_smiles_by_the_keyboard_alone(playground: Page, keep: Keep) -> None:
    sentence = said(playground).inner_text()
    choose(playground, "face", "a synthetic person")
    expect(slider(playground, "person")).to_be_visible()
    expect_another(playground, sentence)
    keep(playground, "restore_person")
    before = picture(playground, "original")
    smile = slider(playground, "AU12 lip corner puller")
    smile.focus()
    sentence = said(playground).inner_text()
    smile.press("End")
    expect_another(playground, sentence)
    assert np.abs(picture(playground, "original") - before).mean() > 0.5
    assert serious(playground) == []


def test_steer_a_unit(playground: Page, keep: Keep) -> None:
    turn_to(playground, "steer")
    expect(playground.get_by_role("button", name="steer", pressed=True)).to_be_visible()
    expect(said(playground)).to_contain_text("Nothing is told yet")
    assert np.array_equal(picture(playground, "step 3, by itself"), picture(playground, "step 3, as told"))
    slider(playground, "AU12 lip corner puller").press("Home")
    expect(said(playground)).to_contain_text("Told AU12 0.00: step 3 changes by")
    assert not np.array_equal(picture(playground, "step 3, by itself"), picture(playground, "step 3, as told"))
    assert picture(playground, "difference").max() > 200
    keep(playground, "steer_unit")
    assert serious(playground) == []
    playground.get_by_role("button", name="tell nothing again").click()
    expect(said(playground)).to_contain_text("Nothing is told yet")


def test_steer_a_landmark(playground: Page, keep: Keep) -> None:
    turn_to(playground, "steer")
    expect(said(playground)).to_contain_text("Nothing is told yet")
    choose(playground, "landmarks", "the mouth")
    for _ in range(2):
        sentence = said(playground).inner_text()
        slider(playground, "down, pixels").press("PageUp")
        expect_another(playground, sentence)
    expect(said(playground)).to_contain_text("Told 20 landmarks elsewhere: step 2 changes by")
    for step in ("step 2", "step 3"):
        change = picture(playground, f"{step}, by itself") - picture(playground, f"{step}, as told")
        assert np.abs(change).max() > 5
    keep(playground, "steer_landmarks")


def test_explain(playground: Page, keep: Keep) -> None:
    turn_to(playground, "explain")
    expect(said(playground)).to_contain_text("without landmarks by")
    expect(playground.locator(".mpe-row figure")).to_have_count(12)
    keep(playground, "explain")
    assert serious(playground) == []


def test_compare(playground: Page, keep: Keep) -> None:
    turn_to(playground, "compare")
    expect(said(playground)).to_contain_text("bicubic is 2.28 dB behind small")
    before = picture(playground, "bicubic | small")
    slider(playground, "the line, percent").press("PageUp")
    expect(playground.get_by_text("the line is at 50%")).not_to_be_visible()
    assert not np.array_equal(picture(playground, "bicubic | small"), before)
    choose(playground, "left", "srcnn-small")
    expect(said(playground)).to_contain_text("srcnn-small is")
    keep(playground, "compare")
    assert serious(playground) == []


# ---- photographs


def upload(page: Page, name: str, data: bytes) -> None:
    choose(page, "face", "your photograph")
    with page.expect_file_chooser() as waiting:
        page.get_by_role("button", name="a photograph").click()
    waiting.value.set_files([{"name": name, "mimeType": "image/png", "buffer": data}])


def as_png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", compress_level=0)  # as large as it can be
    return file.getvalue()


def test_a_photograph(playground: Page, keep: Keep) -> None:
    choose(playground, "face", "your photograph")
    expect(said(playground)).to_contain_text("no photograph yet")
    upload(playground, "me.png", as_png(astronaut()[:, ::-1]))
    expect(said(playground)).to_contain_text("ahead of bicubic")
    keep(playground, "upload")


def test_photographs_that_are_none(playground: Page, keep: Keep) -> None:
    before = picture(playground, "step 3")
    for name, data, message in (
        ("broken.png", as_png(astronaut())[:90000], "broken.png cannot be decoded"),
        ("coffee.png", as_png(skimage.data.coffee()), "coffee.png: no face found"),
        ("<b>bold.png", b"not a picture", "<b>bold.png is not a picture in a known format"),
    ):
        upload(playground, name, data)
        expect(said(playground)).to_contain_text(message)
        expect(playground.locator(".mpe-message")).to_be_visible()
    keep(playground, "upload_refused")
    assert np.array_equal(picture(playground, "step 3"), before)
    assert playground.locator(".mpe-said b").count() == 0
    assert serious(playground) == []


def test_a_photograph_of_thirty_megabytes(playground: Page) -> None:
    large = np.random.default_rng(0).integers(0, 256, (3300, 3300, 3), np.uint8)
    face = np.repeat(np.repeat(astronaut(), 4, 0), 4, 1)
    large[600 : 600 + len(face), 600 : 600 + len(face)] = face
    data = as_png(large)
    assert len(data) > 30e6
    upload(playground, "large.png", data)
    expect(said(playground)).to_contain_text("ahead of bicubic", timeout=120_000)


# ---- what is left


def test_what_is_shown_can_be_saved(playground: Page) -> None:
    playground.get_by_role("button", name="save as PNG").click()
    with playground.expect_download() as waiting:
        playground.get_by_role("link", name="mpe-playground.png").click()
    saved = Image.open(waiting.value.path())
    assert saved.format == "PNG"
    assert min(saved.size) > 400


def test_nothing_flickers_and_nothing_jumps(playground: Page) -> None:
    """While a slider moves, no frame lacks a picture, and none moves another below it."""
    playground.evaluate("""() => {
      window.frames_ = {seen: 0, missing: 0, heights: new Set()};
      const look = () => {
        const pictures = [...document.querySelectorAll('.mpe-row img')];
        window.frames_.seen += 1;
        if (pictures.length < 10 || pictures.some(each => !each.complete || !each.naturalWidth))
          window.frames_.missing += 1;
        window.frames_.heights.add(document.querySelector('.mpe-rows').offsetHeight);
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }""")
    blur = slider(playground, "blur before, pixels")
    for _ in range(8):
        sentence = said(playground).inner_text()
        blur.press("ArrowRight")
        expect_another(playground, sentence)
    seen = playground.evaluate("({...window.frames_, heights: window.frames_.heights.size})")
    assert seen["seen"] > 20
    assert seen["missing"] == 0
    assert seen["heights"] <= 2  # a caption may need a second line


def test_on_a_phone(playground: Page, keep: Keep) -> None:
    playground.set_viewport_size({"width": 390, "height": 844})
    for view, sentence in (
        ("steer", "Nothing is told yet"),
        ("explain", "without landmarks by"),
        ("compare", "behind small"),
        ("restore", "ahead of bicubic"),
    ):
        turn_to(playground, view)
        expect(said(playground)).to_contain_text(sentence)
        wide = playground.evaluate("document.querySelector('.mpe-page').scrollWidth")
        assert wide <= 390, f"{view} is {wide} pixels wide"
        keep(playground, f"phone_{view}")
