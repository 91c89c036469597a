"""The same faces by several networks: what is shown is what each makes of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mpe_lib import show
from mpe_lib.cli import main
from mpe_lib.compare import Compared, compare, originals
from mpe_lib.errors import UserError
from mpe_lib.faces.degrade import bicubic, degrade
from mpe_lib.metrics import psnr
from mpe_lib.nets import MPENet
from mpe_lib.photograph import restore


def test_each_network_s_last_picture(tiny: MPENet, astronaut: Path) -> None:
    faces = originals([str(astronaut), "astronaut", "person:3"], tiny.config.face_scale)
    np.testing.assert_array_equal(faces[str(astronaut)], faces["astronaut"])
    found = compare({"ours": tiny}, faces)
    assert list(found) == list(faces)
    (alone,) = restore(astronaut, tiny)
    one = found["astronaut"]
    np.testing.assert_array_equal(one.original, alone.original)
    # in a batch of another size the last digits differ
    np.testing.assert_allclose(one.restored["ours"].astype(int), alone.steps[-1], atol=1)
    np.testing.assert_array_equal(one.restored["bicubic"], bicubic(degrade(one.original)))
    assert list(one.scores()) == ["bicubic", "ours"]
    expected = psnr(one.restored["ours"][None], one.original[None]).item()
    assert one.scores()["ours"][0] == pytest.approx(expected)


def test_differences_by_hand() -> None:
    """Half of one picture is 10 levels off, half of the other 20 in one colour: a third of it in the mean."""
    original = np.full((128, 128, 3), 100, np.uint8)
    one, other = original.copy(), original.copy()
    one[:64] += 10
    other[:64, :, 0] -= 20
    maps = Compared(original[:16, :16], {"one": one, "other": other}, original).differences()
    assert np.unique(maps["one"]).tolist() == [0, 255]
    assert np.unique(maps["other"]).tolist() == [0, round(255 * 20 / 3 / 10)]
    assert not maps["one"][64:].any()
    same = Compared(original[:16, :16], {"same": original}, original).differences()
    assert not same["same"].any()


def test_the_figures(tiny: MPENet) -> None:
    found = list(compare({"ours": tiny}, originals(["astronaut", "person:3"], 2.9)).values())
    plain, maps = show.compared(found), show.compared(found, differences=True)
    assert [len(figure.axes) for figure in (plain, maps)] == [2 * 4, 4 * 4]
    assert [axes.get_title() for axes in plain.axes] == ["input", "bicubic", "ours", "original", "", "", "", ""]
    many = show.compared([found[0]._replace(restored={str(number): found[0].original for number in range(8)})])
    assert [len(many.axes), many.axes[0].get_gridspec().ncols] == [2 * 5, 5]
    said = plain.axes[2].get_xlabel()
    assert said == "{:.2f} / {:.3f}".format(*found[0].scores()["ours"])
    assert plain.axes[0].get_xlabel() == "dB / SSIM"


def test_the_best_are_bold_also_where_several_are() -> None:
    grey = np.full((128, 128, 3), 100, np.uint8)
    face = Compared(grey[:16, :16], {"worse": grey + 9, "one": grey + 5, "other": grey - 5}, grey)
    weights = {axes.get_title(): axes.xaxis.label.get_weight() for axes in show.compared([face]).axes}
    assert [name for name, weight in weights.items() if weight == "bold"] == ["one", "other"]


def test_by_the_command_line(
    tiny_file: Path,
    astronaut: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "new" / "figure.png"
    call = ["mpe", "compare", str(astronaut), "person:1", "--weights", f"DIC={tiny_file}", "--weights", str(tiny_file)]
    monkeypatch.setattr("sys.argv", [*call, "--differences", "--out", str(out)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(f"{astronaut}: bicubic ")
    assert " dB, DIC " in said[1]
    assert " dB, tiny.safetensors " in said[1]
    with Image.open(out) as picture:
        assert picture.width > 700


def test_a_network_that_was_trained_at_another_scale_is_named(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = ["--weights", "small", "--weights", str(tiny_file)]
    monkeypatch.setattr("sys.argv", ["mpe", "compare", "person:1", *weights, "--out", str(tmp_path / "figure.png")])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    assert "the faces are cut at scale 2.5, tiny.safetensors was trained at 2.9" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--weights", "small", "--weights", "small", "--out", "a.png"], "two networks have the same name; name them"),
        (["--weights", "small", "--out", "a.jpg"], "--out a.jpg is no PNG by its name; call it something.png"),
    ],
)
def test_a_wrong_call(
    more: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["mpe", "compare", "astronaut", *more])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"mpe: {told}")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("person:x", r"person:x: 'x' is no seed; write a whole number, as in person:5"),
        ("person:" + "9" * 5000, r"9' is no seed; write a whole number, as in person:5"),
        ("none.png", r"none\.png does not exist"),
    ],
)
def test_no_face(source: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        originals([source], 2.9)
