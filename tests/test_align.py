"""Faces are found, marked and cut out upright."""

import math
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from mpe_lib.errors import UserError
from mpe_lib.faces import align as module
from mpe_lib.faces.align import Face, align, detect, landmark_model, similarity

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]

ASTRONAUT: Picture = data.astronaut()
NOISE = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)


@cache
def astronaut_face() -> Face:
    return detect(ASTRONAUT)[0]


def face_in_square(left: float, top: float, side: float) -> Points:
    """Landmarks whose square at scale 2 has its first pixel at (left, top) and is `side` pixels wide."""
    landmarks = np.full((68, 2), 1 / 2)  # the nose tip and what does not count: in the middle
    landmarks[36:42], landmarks[42:48] = (1 / 4, 1 / 4), (3 / 4, 1 / 4)
    landmarks[48], landmarks[54] = (1 / 3, 3 / 4), (2 / 3, 3 / 4)
    return landmarks * side + (left - 0.5, top - 0.5)


def moved(points: Points, matrix: NDArray[np.float64]) -> Points:
    return points @ matrix[:, :2].T + matrix[:, 2]


def turn(degrees: float, zoom: float, x: float, y: float) -> NDArray[np.float64]:
    """A similarity around the origin, then a shift."""
    cos, sin = zoom * math.cos(math.radians(degrees)), zoom * math.sin(math.radians(degrees))
    return np.array([[cos, -sin, x], [sin, cos, y]])


# ---- detect


def test_the_astronaut_has_one_face() -> None:
    (face,) = detect(ASTRONAUT)
    left, top, right, bottom = face.box
    assert (left, top, right, bottom) == pytest.approx((178.5, 82.5, 266.5, 170.5), abs=8)
    assert face.score > 1
    assert face.landmarks.shape == (68, 2)
    nose_x, nose_y = face.landmarks[30]
    assert left < nose_x < right
    assert top < nose_y < bottom
    assert len(detect(ASTRONAUT, upsample=[1])) == 1  # its false second face scores 0.12


def test_every_face_is_found_the_largest_first() -> None:
    small, large = ASTRONAUT[:256], np.asarray(Image.fromarray(ASTRONAUT[:256]).resize((768, 384)))
    picture = np.zeros((384, 1280, 3), np.uint8)
    picture[:256, :512], picture[:, 512:] = small, large
    first, second = detect(picture)
    assert first.box[0] > 512 > second.box[2]
    assert np.abs(second.landmarks - astronaut_face().landmarks).max() < 1


def test_a_small_face_is_found_by_doubling() -> None:
    half = np.asarray(Image.fromarray(ASTRONAUT).resize((256, 256)))
    assert detect(half, upsample=[0]) == []
    (face,) = detect(half)
    # Far below a pixel, although dlib's own coordinates are whole numbers.
    assert np.abs(2 * (face.landmarks + 0.5) - 0.5 - astronaut_face().landmarks).mean() < 1


def test_a_huge_face_is_marked_at_its_own_resolution() -> None:
    zoom = 6
    huge = np.asarray(Image.fromarray(ASTRONAUT).resize((512 * zoom, 512 * zoom)))
    (face,) = detect(huge)
    assert (np.array(face.box) + 0.5) / zoom - 0.5 == pytest.approx(np.array(astronaut_face().box), abs=12)
    assert np.abs((face.landmarks + 0.5) / zoom - 0.5 - astronaut_face().landmarks).mean() < 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (40_000, 1), (16, 16), (200, 300)])
def test_no_face_is_no_error(shape: tuple[int, int]) -> None:
    assert detect(np.full((*shape, 3), 90, np.uint8)) == []


def test_a_view_of_an_array_is_a_picture_too() -> None:
    mirrored = ASTRONAUT[:, ::-1]
    (face,) = detect(mirrored)
    np.testing.assert_array_equal(detect(mirrored.copy())[0].landmarks, face.landmarks)
    np.testing.assert_array_equal(align(mirrored, face.landmarks).image, align(mirrored.copy(), face.landmarks).image)


def test_the_landmark_model_is_found_without_importing_its_package() -> None:
    assert landmark_model().stat().st_size > 90e6


def test_a_missing_landmark_model_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "distribution", not_found)
    with pytest.raises(UserError, match="pip install face_recognition_models"):
        landmark_model()


def test_a_damaged_landmark_model_is_told_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.dat").write_bytes(landmark_model().open("rb").read(1000))
    monkeypatch.setattr(module, "landmark_model", lambda: tmp_path / "model.dat")
    module._predictor.cache_clear()
    with pytest.raises(UserError, match=r"model\.dat is missing or damaged; pip install --force-reinstall"):
        detect(ASTRONAUT)


# ---- similarity


def test_similarity_by_hand() -> None:
    # Eye centres (40, 60) and (80, 60): level already. With nose and mouth the box is 40 wide and 30 high
    # around (60, 75), so that at scale 2 the square is 80 wide, and doubled at size 160. Its middle comes to
    # 79.5, where the middle of pixels 0 to 159 is: x = 2 (60) - 40.5, y = 2 (75) - 70.5.
    landmarks = np.zeros((68, 2))
    landmarks[36:42], landmarks[42:48], landmarks[30] = (40, 60), (80, 60), (60, 80)
    landmarks[48], landmarks[54] = (45, 90), (75, 90)
    np.testing.assert_allclose(similarity(landmarks, 2, 160), [[2, 0, -40.5], [0, 2, -70.5]])


def test_similarity_levels_the_eyes() -> None:
    # The same, lying on its right side: what pointed right points down, what pointed down points left.
    landmarks = np.zeros((68, 2))
    landmarks[36:42], landmarks[42:48], landmarks[30] = (-60, 40), (-60, 80), (-80, 60)
    landmarks[48], landmarks[54] = (-90, 45), (-90, 75)
    np.testing.assert_allclose(similarity(landmarks, 2, 160), [[0, 2, -40.5], [-2, 0, -70.5]], atol=1e-12)


@given(st.floats(-180, 180), st.floats(0.1, 100), st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
@pytest.mark.parametrize("size", [16, 144])
def test_similarity_undoes_every_other_similarity(size: int, degrees: float, zoom: float, x: float, y: float) -> None:
    landmarks = face_in_square(10, 20, 80)
    shifted = moved(landmarks, turn(degrees, zoom, x, y))
    expected = moved(landmarks, similarity(landmarks, size=size))
    np.testing.assert_allclose(moved(shifted, similarity(shifted, size=size)), expected, atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_landmarks_that_are_not_finite_are_refused(bad: float) -> None:
    landmarks = face_in_square(10, 20, 80)
    landmarks[7, 1] = bad
    with pytest.raises(UserError, match="not finite"):
        similarity(landmarks)


def test_eyes_in_one_place_are_refused() -> None:
    landmarks = face_in_square(10, 20, 80)
    landmarks[42:48] = landmarks[36:42]
    with pytest.raises(UserError, match="eyes in one place"):
        align(NOISE, landmarks)


# ---- align


def test_a_square_at_its_own_size_is_copied_to_the_bit() -> None:
    aligned = align(NOISE, face_in_square(30, 50, 80), scale=2, size=80)
    np.testing.assert_array_equal(aligned.image, NOISE[50:130, 30:110])
    assert aligned.source_side == pytest.approx(80)


@pytest.mark.parametrize("size", [40, 30, 16])
def test_a_square_is_shrunk_as_pillow_does(size: int) -> None:
    aligned = align(NOISE, face_in_square(30, 50, 80), scale=2, size=size)
    square = Image.fromarray(NOISE[50:130, 30:110]).resize((size, size), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(aligned.image, np.asarray(square))
    assert aligned.source_side == pytest.approx(80)


@pytest.mark.parametrize("degrees", [0, 30])
def test_a_fine_checkerboard_becomes_grey(degrees: float) -> None:
    checkerboard = np.indices((800, 800)).sum(axis=0) % 2 * np.full((3, 1, 1), 255)
    landmarks = moved(face_in_square(-160, -160, 320), turn(degrees, 1, 400, 400))
    aligned = align(checkerboard.transpose(1, 2, 0).astype(np.uint8), landmarks, scale=2, size=40)
    assert np.abs(aligned.image.astype(float) - 127.5).max() < 3


def test_the_same_face_turned_and_enlarged_gives_the_same_image() -> None:
    landmarks = astronaut_face().landmarks
    matrix = turn(20, 1.5, 300, 0)
    picture = np.asarray(cv2.warpAffine(ASTRONAUT, matrix, (1200, 1000), flags=cv2.INTER_CUBIC), np.uint8)
    expected, aligned = align(ASTRONAUT, landmarks), align(picture, moved(landmarks, matrix))
    assert np.abs(aligned.image.astype(float) - expected.image).mean() < 1
    np.testing.assert_allclose(aligned.landmarks, expected.landmarks, atol=1e-9)
    assert aligned.source_side == pytest.approx(1.5 * expected.source_side)


@pytest.mark.parametrize("scale", [2.5, 2.9])
def test_the_astronaut_is_upright_and_in_the_middle(scale: float) -> None:
    aligned = align(ASTRONAUT, astronaut_face().landmarks, scale)
    assert aligned.image.shape == (144, 144, 3)
    right_eye, left_eye = aligned.landmarks[36:42].mean(axis=0), aligned.landmarks[42:48].mean(axis=0)
    points = np.stack([right_eye, left_eye, *aligned.landmarks[[30, 48, 54]]])
    assert right_eye[1] == pytest.approx(left_eye[1])
    assert (points.min(axis=0) + points.max(axis=0)) / 2 == pytest.approx([71.5, 71.5])
    assert np.ptp(points, axis=0).max() == pytest.approx(144 / scale)
    assert 100 < aligned.source_side < 144  # slightly enlarged


def test_the_edge_is_repeated_outside() -> None:
    aligned = align(NOISE, face_in_square(-7, 50, 80), scale=2, size=80)  # 9%
    np.testing.assert_array_equal(aligned.image[:, 7:], NOISE[50:130, :73])
    np.testing.assert_array_equal(aligned.image[:, :7], NOISE[50:130, :1].repeat(7, axis=1))


@pytest.mark.parametrize(("left", "top", "outside"), [(-9, 40, 11), (40, 89, 11), (-40, -40, 75), (500, 0, 100)])
def test_more_than_a_tenth_outside_is_refused(left: float, top: float, outside: int) -> None:
    with pytest.raises(UserError, match=f"{outside}% of the square .* is outside the picture; "):
        align(NOISE, face_in_square(left, top, 80), scale=2)


def test_a_picture_wider_than_opencv_warps() -> None:
    panorama = np.zeros((160, 40_000, 3), np.uint8)
    panorama[:, -160:] = NOISE
    aligned = align(panorama, face_in_square(40_000 - 130, 50, 80), scale=2, size=80)
    np.testing.assert_array_equal(aligned.image, NOISE[50:130, 30:110])
