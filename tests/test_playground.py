"""The playground without a browser: what its controls command, and what is then on the page."""

import io
import re
import time
from base64 import b64decode
from datetime import datetime
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from mpe_lib.errors import UserError
from mpe_lib.faces.astronaut import astronaut
from mpe_lib.metrics import psnr
from mpe_lib.pixels import Picture
from mpe_lib.playground import COMPARE, EXPLAIN, RESTORE, STEER, Playground
from mpe_lib.playground.controls import ASTRONAUT, LONDON, PERSON, UPLOAD, uploaded
from mpe_lib.playground.page import CANNOT, download, html, sheet
from mpe_lib.playground.views import Bars, Panel, View

ROOT = Path(__file__).parents[1]


@pytest.fixture
def playground() -> Playground:
    return Playground()


def said(playground: Playground) -> str:
    return unescape(re.sub("<[^>]*>", "", playground.said.value))


def shown(playground: Playground) -> dict[str, Picture]:
    """The pictures that are on the page, by the name above each."""
    figures = re.findall(r'<figcaption class="mpe-title">(.*?)</figcaption>.*?base64,(.*?)"', playground.shown.value)
    return {unescape(name): np.asarray(Image.open(io.BytesIO(b64decode(data)))) for name, data in figures}


def upload(playground: Playground, data: bytes, name: str = "me.png") -> None:
    file = {"name": name, "type": "image/png", "size": len(data), "content": memoryview(data)}
    playground.face.upload.value = (file | {"last_modified": datetime.now()},)


def as_png(picture: Picture) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="PNG")
    return file.getvalue()


# ---- restore


def test_it_begins_with_the_astronaut_restored(playground: Playground) -> None:
    pictures = shown(playground)
    named = ["input", "bicubic", "step 1", "step 2", "step 3", "original"]
    assert list(pictures)[:6] == named
    assert pictures["input"].shape == (16, 16, 3)
    assert {"landmarks", "heatmaps", "attention maps"} <= pictures.keys()
    gain = [psnr(pictures[name][None], pictures["original"][None]).item() for name in ("step 3", "bicubic")]
    assert said(playground) == f"Step 3 is {gain[0] - gain[1]:.2f} dB ahead of bicubic."
    assert "AU12 lip corner puller" in playground.shown.value


def test_the_sliders_of_a_synthetic_person_command_it(playground: Playground) -> None:
    playground.face.source.value = PERSON
    rest = shown(playground)["original"]
    for control, value in (
        (playground.face.muscles[12], 1.0),
        (playground.face.yaw, 20),
        (playground.face.aside, 60),
        (playground.face.person, 3),
        (playground.face.scenery, 2),
    ):
        control.value = value
        moved = shown(playground)["original"]
        assert not np.array_equal(rest, moved)
        rest = moved


def test_it_may_begin_with_a_person() -> None:
    playground = Playground(person=7)
    assert playground.face.source.value == PERSON
    assert playground.face.person.value == 7
    assert playground.face.muscles[12] in playground.face.box.children[0].children


@pytest.mark.parametrize(("control", "value"), [("antialias", False), ("blur", 4.0), ("noise", 20), ("jpeg", 90)])
def test_other_ways_to_become_small_change_what_the_network_sees(
    playground: Playground, control: str, value: float
) -> None:
    before = shown(playground)
    getattr(playground.small, control).value = value
    after = shown(playground)
    assert not np.array_equal(before["input"], after["input"])
    assert not np.array_equal(before["step 3"], after["step 3"])
    assert np.array_equal(before["original"], after["original"])


@pytest.mark.parametrize("network", ["srcnn-small", "dic-small", "mpegan-small-ownfeat"])
def test_any_shipped_network_restores(playground: Playground, network: str) -> None:
    playground.network.value = network
    assert "of bicubic" in said(playground) or "behind bicubic" in said(playground)


def test_the_judge_restores_nothing_and_is_not_offered(playground: Playground) -> None:
    assert "judge" not in playground.network.options


# ---- a photograph


def test_an_uploaded_photograph_is_restored(playground: Playground) -> None:
    playground.face.source.value = UPLOAD
    assert "no photograph yet" in said(playground)
    upload(playground, as_png(astronaut()))
    assert "dB ahead of bicubic" in said(playground)


def test_an_upload_of_the_ipywidgets_that_colab_has() -> None:
    content = b"GIF"
    assert uploaded({"me.gif": {"metadata": {"name": "me.gif"}, "content": content}}) == ("me.gif", content)
    assert uploaded(({"name": "me.gif", "content": memoryview(content)},)) == ("me.gif", content)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"GIF89a, or not", "is not a picture in a known format"),
        (as_png(skimage.data.coffee())[:5000], "cannot be decoded"),
        (as_png(skimage.data.coffee()), "no face found"),
    ],
)
def test_what_is_wrong_with_an_upload_is_said_in_a_line_and_the_picture_stays(
    playground: Playground, data: bytes, message: str
) -> None:
    before = playground.shown.value
    playground.face.source.value = UPLOAD
    upload(playground, data)
    assert message in said(playground)
    assert playground.shown.value == before
    playground.face.source.value = ASTRONAUT
    assert "of bicubic" in said(playground)


def test_a_file_name_is_text_on_the_page(playground: Playground) -> None:
    playground.face.source.value = UPLOAD
    upload(playground, b"no picture", name="<img src=x onerror=alert(1)>.png")
    assert "<img" not in playground.said.value
    assert "<img src=x onerror=alert(1)>.png is not a picture" in said(playground)


def test_without_the_london_set_it_says_how_to_get_it(
    playground: Playground, monkeypatch: pytest.MonkeyPatch, tmp_path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    playground.face.source.value = LONDON
    assert "mpe fetch london" in said(playground)


# ---- steer


def test_what_step_3_is_told_changes_its_picture(playground: Playground) -> None:
    playground.view.value = STEER
    assert said(playground).startswith("Nothing is told yet")
    pictures = shown(playground)
    assert np.array_equal(pictures["step 3, by itself"], pictures["step 3, as told"])
    playground.steering.units[12].value = 0.0
    pictures = shown(playground)
    assert not np.array_equal(pictures["step 3, by itself"], pictures["step 3, as told"])
    assert said(playground).startswith("Told AU12 0.00: step 3 changes by")
    assert "step 2, as told" not in pictures


def test_a_landmark_that_is_moved_changes_both_later_steps(playground: Playground) -> None:
    playground.view.value = STEER
    playground.steering.part.value = "point 48"
    playground.steering.right.value = 12
    pictures = shown(playground)
    for step in (2, 3):
        assert not np.array_equal(pictures[f"step {step}, by itself"], pictures[f"step {step}, as told"])
    assert said(playground).startswith("Told 1 landmark elsewhere: step 2 changes by")


def test_units_that_are_not_told_follow_the_face_and_those_that_are_stay(playground: Playground) -> None:
    playground.view.value = STEER
    playground.steering.units[25].value = 0.11
    smiling = playground.steering.units[12].value
    assert smiling > 0.9
    playground.face.source.value = PERSON  # at rest
    assert playground.steering.units[12].value < smiling
    assert playground.steering.told == {25: 0.11}
    playground.steering.forget.click()
    assert playground.steering.told == {}
    assert said(playground).startswith("Nothing is told yet")


def test_units_that_are_not_told_follow_landmarks_that_are_moved(playground: Playground) -> None:
    playground.view.value = STEER
    before = {number: control.value for number, control in playground.steering.units.items()}
    playground.steering.part.value = "the mouth"
    playground.steering.down.value = 20
    after = {number: control.value for number, control in playground.steering.units.items()}
    assert max(abs(after[number] - belief) for number, belief in before.items()) > 0.01
    playground.steering.forget.click()
    assert {number: control.value for number, control in playground.steering.units.items()} == before


# ---- explain, compare


def test_explained_are_landmarks_and_every_unit(playground: Playground) -> None:
    playground.view.value = EXPLAIN
    pictures = shown(playground)
    assert {"by landmarks", "by units", "by which more", "AU12", "AU26"} <= pictures.keys()
    # no light where the cheeks rise when the chin is asked
    chin, cheeks = pictures["AU26"].astype(int).sum(-1), pictures["AU6"].astype(int).sum(-1)
    assert chin[:64].sum() < chin[64:].sum()
    assert cheeks.argmax() // 128 < 100


@pytest.mark.parametrize("view", [STEER, EXPLAIN])
def test_a_network_without_priors_says_so(playground: Playground, view: str) -> None:
    playground.network.value = "vdsr-small"
    playground.view.value = view
    assert "no priors that could be replaced" in said(playground)


def test_the_line_divides_the_two_pictures(playground: Playground) -> None:
    playground.view.value = COMPARE
    playground.wipe.value = 25
    pictures = shown(playground)
    both, left, right = (pictures[name] for name in ("bicubic | small", "bicubic, left", "small, right"))
    assert np.array_equal(both[:, :32], left[:, :32])
    assert (both[:, 32] == 255).all()
    assert np.array_equal(both[:, 33:], right[:, 33:])
    for at, whole in ((0, right), (100, left)):
        playground.wipe.value = at
        assert np.array_equal(shown(playground)["bicubic | small"], whole)


def test_two_networks_can_be_compared(playground: Playground) -> None:
    playground.view.value = COMPARE
    playground.other.value = "srcnn-small"
    assert said(playground).startswith("srcnn-small is ")
    assert "srcnn-small, left" in shown(playground)
    assert "But" not in said(playground)


def test_a_network_that_knows_faces_of_another_scale_is_named(playground: Playground, tiny_file: Path) -> None:
    playground.view.value = COMPARE
    playground.other.options = [*playground.other.options, str(tiny_file)]
    playground.other.value = str(tiny_file)
    assert said(playground).endswith(f"But the faces are cut at scale 2.5, {tiny_file} was trained at 2.9.")


# ---- the page


def test_of_a_slow_answer_it_says_that_it_is_on_its_way(
    playground: Playground, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentences: list[str] = []
    playground.said.observe(lambda change: sentences.append(change["new"]), "value")
    monkeypatch.setattr("mpe_lib.playground.PATIENCE", 100.0)
    playground.small.noise.value = 10
    assert len(sentences) == 1
    monkeypatch.setattr("mpe_lib.playground.PATIENCE", 0.0)
    playground.small.noise.value = 20
    assert sentences[1] == "One moment."
    assert "bicubic" in sentences[2]


def test_a_slow_answer_that_fails_leaves_its_message(playground: Playground, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        time.sleep(0.2)
        raise UserError("it went wrong", "do otherwise")

    monkeypatch.setattr("mpe_lib.playground.PATIENCE", 0.01)
    monkeypatch.setattr("mpe_lib.playground.restored", fail)
    playground.small.noise.value = 10
    assert "it went wrong" in said(playground)


def test_every_picture_has_words_and_markup_in_them_is_text() -> None:
    white = np.full((16, 16, 3), 255, np.uint8)
    text = html(View("", [[Panel("<b>", white, '"&'), Bars("units", {"<i>": 0.7}, {"<i>": 0.2})]]))
    assert 'alt="&lt;b&gt;, &quot;&amp;"' in text
    assert "<b>" not in text
    assert "&lt;i&gt;" in text
    assert "0.70 (0.20)" in text


def test_what_is_shown_can_be_saved(playground: Playground) -> None:
    for view in (RESTORE, STEER, EXPLAIN, COMPARE):
        playground.view.value = view
        playground.save.click()
        link = re.fullmatch(
            r'<a download="mpe-playground.png" href="data:image/png;base64,(.*?)">.*</a>', playground.saved.value
        )
        assert link
        picture = Image.open(io.BytesIO(b64decode(link[1])))
        assert picture.format == "PNG"
        assert min(picture.size) > 400
    playground.face.source.value = PERSON
    assert playground.saved.value == ""  # of what is shown, no longer of what was


def test_a_sheet_of_a_file_whose_name_looks_like_mathematics() -> None:
    view = View("Step 3 is ahead.", [[Panel("a", np.zeros((8, 8, 3), np.uint8))]])
    assert "kB</a>" in download(sheet(view, "restore: cost$5_and_$6^.png, small"), "sheet.png")


def test_a_sheet_says_what_it_is_of_and_what_it_is_not(playground: Playground) -> None:
    title = "restore: the astronaut, small"
    view = View("Step 3 is ahead.", [[Panel("a", np.zeros((8, 8, 3), np.uint8))]])
    figure = sheet(view, title)
    words = [text.get_text() for part in (figure, *figure.subfigs) for text in part.texts]
    assert "no evidence of identity" in " ".join(words)
    assert figure.get_suptitle() == f"{title}\n{view.said}"


def test_every_card_says_the_same() -> None:
    cards = [card for card in (ROOT / "mpe_lib/weights").rglob("*.md") if card.parent.name != "features"]
    assert len(cards) >= 5
    assert [card for card in cards if CANNOT not in " ".join(card.read_text().split())] == []
