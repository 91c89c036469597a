"""A photograph goes in, all its faces come out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import mpe_lib
from mpe_lib import photograph as module
from mpe_lib.errors import UserError
from mpe_lib.faces.astronaut import astronaut as picture_of_her
from mpe_lib.faces.degrade import bicubic, degrade
from mpe_lib.metrics import psnr, ssim
from mpe_lib.nets import MPENet, build_model
from mpe_lib.photograph import Restored, restore
from mpe_lib.pixels import Picture

HER = picture_of_her()
TWO = np.hstack([HER, HER])
CUT = HER[:, :270]  # her face ends at the edge: 13% of its square is outside
NOBODY = np.full((300, 300, 3), 90, np.uint8)


@pytest.fixture(scope="module")
def her(tiny: MPENet, astronaut: Path) -> Restored:
    (face,) = restore(astronaut, tiny)
    return face


def resized(picture: Picture, side: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((side, side)))


def test_the_astronaut_is_one_face(her: Restored) -> None:
    assert her.original is not None
    assert her.heatmaps is not None
    assert her.attention is not None
    assert her.aus is not None
    assert her.lr.shape == (16, 16, 3)
    assert [picture.shape for picture in (her.bicubic, *her.steps, her.original)] == [(128, 128, 3)] * 5
    assert {picture.dtype for picture in (her.lr, her.bicubic, *her.steps, her.original)} == {np.dtype(np.uint8)}
    assert her.heatmaps.shape == (68, 32, 32)
    assert her.attention.shape == (8, 32, 32)
    assert list(her.aus) == [1, 2, 4, 6, 9, 12, 25, 26]
    assert all(0 <= probability <= 1 for probability in her.aus.values())


def test_what_the_network_sees_is_the_original_reduced(her: Restored) -> None:
    assert her.original is not None
    np.testing.assert_array_equal(her.lr, degrade(her.original))
    np.testing.assert_array_equal(her.bicubic, bicubic(her.lr))


def test_scores_are_those_of_metrics(her: Restored) -> None:
    assert her.original is not None
    scores = her.scores(border=8)
    assert list(scores) == ["bicubic", "step 1", "step 2", "step 3"]
    pair = her.steps[1][None], her.original[None]
    assert scores["step 2"] == pytest.approx((psnr(*pair, border=8).item(), ssim(*pair, border=8).item()))
    assert her.scores()["bicubic"] != scores["bicubic"]


def test_a_picture_in_memory_a_file_and_weights_on_disk(her: Restored, astronaut: Path, tiny_file: Path) -> None:
    for photograph, weights in ((HER, tiny_file), (str(astronaut), str(tiny_file))):
        (face,) = mpe_lib.restore(photograph, weights)
        for a, b in zip((face.lr, *face.steps), (her.lr, *her.steps), strict=True):
            np.testing.assert_array_equal(a, b)


def difference(a: Picture | None, b: Picture | None) -> float:
    """In levels, the mean."""
    assert a is not None
    assert b is not None
    return float(np.abs(a.astype(int) - b).mean())


def test_two_faces_side_by_side(her: Restored, tiny: MPENet) -> None:
    both = restore(TWO, tiny)
    assert len(both) == 2
    for face in both:
        assert difference(face.original, her.original) < 8  # found a pixel elsewhere, maybe
        assert difference(face.lr, her.lr) < 4


def test_the_largest_face_comes_first(tiny: MPENet) -> None:
    dark = resized(HER // 2, 768)
    light = np.zeros_like(dark)
    light[:512, :512] = HER
    first, second = restore(np.hstack([light, dark]), tiny)
    assert 2 * first.lr.mean() == pytest.approx(second.lr.mean(), rel=0.1)


def test_many_faces_are_restored_a_few_at_a_time(tiny: MPENet, monkeypatch: pytest.MonkeyPatch) -> None:
    together = restore(TWO, tiny)
    monkeypatch.setattr(module, "AT_ONCE", 1)
    for one, both in zip(restore(TWO, tiny), together, strict=True):
        assert np.abs(one.steps[1].astype(int) - both.steps[1]).max() <= 1
        np.testing.assert_array_equal(one.original, both.original)


def test_a_network_in_training_restores_as_it_will_and_stays_as_it_is() -> None:
    torch.manual_seed(0)
    net = build_model("tiny").train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    (face,) = restore(HER, net)
    (again,) = restore(HER, net.eval())
    np.testing.assert_array_equal(face.steps, again.steps)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_the_original_of_a_small_face_is_said_to_be_enlarged(her: Restored) -> None:
    assert her.original is not None
    assert her.enlarged_from is not None
    assert 110 < her.enlarged_from < 128
    (large,) = restore(resized(HER, 1024), build_model("tiny").eval())
    assert large.enlarged_from is None


@pytest.mark.parametrize("picture", [HER / 255, HER[..., 0], np.dstack([HER, HER[..., :1]])])
@pytest.mark.parametrize("as_is", [False, True])
def test_an_array_that_is_no_picture_is_told(tiny: MPENet, picture: Picture, as_is: bool) -> None:
    with pytest.raises(UserError, match=r"the picture: an array of .*; give \(H, W, 3\) uint8, red first"):
        restore(picture, tiny, as_is=as_is)


def test_every_network_sees_faces_at_its_own_scale(tiny: MPENet, her: Restored) -> None:
    config = tiny.config
    torch.manual_seed(0)
    tighter = build_model(type(config)(**{**vars(config), "face_scale": 2.0})).eval()
    (face,) = restore(HER, tighter)
    assert her.original is not None
    middle = resized(her.original[20:-20, 20:-20], 128)  # 128 / 2.9 * 2.0 = 88 pixels
    assert difference(face.original, middle) < 8 < difference(face.original, her.original)


def test_a_network_without_priors_gives_pictures_only() -> None:
    config = build_model("tiny").config
    off = {"use_landmarks": False, "use_aus": False, "use_attention": False}
    (face,) = restore(HER, build_model(type(config)(**{**vars(config), **off})).eval())
    assert len(face.steps) == 3
    assert (face.heatmaps, face.aus, face.attention) == (None, None, None)


# ---- as it is


def test_a_small_picture_is_the_face(tiny: MPENet, her: Restored) -> None:
    (face,) = restore(her.lr, tiny, as_is=True)
    np.testing.assert_array_equal(face.lr, her.lr)
    np.testing.assert_array_equal(face.steps, her.steps)
    assert face.original is None
    assert face.scores() == {}


def test_a_thumbnail_is_reduced_to_16_pixels(tiny: MPENet, her: Restored) -> None:
    (face,) = restore(resized(her.bicubic, 48), tiny, as_is=True)
    assert face.lr.shape == (16, 16, 3)
    assert difference(face.lr, her.lr) < 8


def test_a_small_face_in_a_photograph_is_not_enlarged_first(tiny: MPENet, her: Restored) -> None:
    (face,) = restore(resized(HER, 128), tiny, as_is=True)  # her face is 22 pixels wide there
    assert face.original is None
    assert face.lr.shape == (16, 16, 3)
    assert difference(face.lr, her.lr) < 10


@pytest.mark.parametrize(("width", "height"), [(1, 1), (15, 15), (16, 17), (64, 20)])
def test_a_small_picture_must_be_square(tiny: MPENet, tmp_path: Path, width: int, height: int) -> None:
    Image.new("RGB", (width, height)).save(tmp_path / "dot.png")
    with pytest.raises(UserError, match=rf"dot\.png: {width} x {height} pixels is no face as it is; .* square"):
        restore(tmp_path / "dot.png", tiny, as_is=True)


# ---- what is refused


@pytest.mark.parametrize("as_is", [False, True])
def test_no_face(tiny: MPENet, tmp_path: Path, as_is: bool) -> None:
    Image.fromarray(NOBODY).save(tmp_path / "wall.png")
    with pytest.raises(UserError, match=r"wall\.png: no face found; faces must look at the camera"):
        restore(tmp_path / "wall.png", tiny, as_is=as_is)


def test_one_face_at_the_edge_is_left_out_with_a_warning(tiny: MPENet, her: Restored, tmp_path: Path) -> None:
    Image.fromarray(np.hstack([HER, CUT])).save(tmp_path / "group.png")
    told = r"group\.png: 1\d% of the square around the face is outside the picture; "
    with pytest.warns(UserWarning, match=told) as warned:
        (face,) = restore(tmp_path / "group.png", tiny)
    assert len(warned) == 1
    assert warned[0].filename == __file__  # it points at the caller
    assert difference(face.original, her.original) < 8


def test_every_face_at_the_edge(tiny: MPENet, tmp_path: Path) -> None:
    Image.fromarray(CUT).save(tmp_path / "cut.png")
    with pytest.raises(UserError, match=r"cut\.png: 1\d% of the square .* is outside the picture; use a photograph"):
        restore(tmp_path / "cut.png", tiny)
