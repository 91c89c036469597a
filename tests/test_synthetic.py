"""A synthetic person: the same for the same seed, found by dlib, moved by each action unit in its own region."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from mpe_lib.errors import UserError
from mpe_lib.faces.align import detect, similarity
from mpe_lib.synthetic import ACTIONS, Film, Pose, draw_identity, draw_light, synthesize
from mpe_lib.synthetic.shape import Shape
from mpe_lib.synthetic.sheet import Sheet

FRONT = Pose()
ANNA = replace(draw_identity(5), glasses="none", hair="short")


def points(aus: dict[int, float]) -> NDArray[np.float64]:
    """Canonical landmarks of one person."""
    return Shape(ANNA, aus).landmarks()


def moved(au: int) -> NDArray[np.float64]:
    return points({au: 1.0}) - points({})


def test_the_same_seed_gives_the_same_picture() -> None:
    one, two, other = (synthesize(seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.landmarks, two.landmarks)
    assert (one.aus, one.identity) == (two.aus, two.identity)
    assert np.abs(one.image.astype(int) - other.image).mean() > 5


@pytest.mark.parametrize("size", [48, 144, 200])
def test_what_comes_out(size: int) -> None:
    face = synthesize(0, {12: 0.7}, size=size)
    assert (face.image.shape, face.image.dtype) == ((size, size, 3), np.uint8)
    assert face.landmarks.shape == (68, 2)
    assert set(face.aus) == set(ACTIONS)
    assert {au: value for au, value in face.aus.items() if value} == {12: 0.7}


@pytest.mark.parametrize("scale", [2.5, 2.9])
def test_it_is_framed_as_photographs_are(scale: float) -> None:
    face = synthesize(7, scale=scale)
    np.testing.assert_allclose(similarity(face.landmarks, scale), [[1, 0, 0], [0, 1, 0]], atol=1e-6)


def test_dlib_finds_the_faces_where_they_are() -> None:
    errors: list[float] = []
    for seed in range(12):
        face = synthesize(seed, {}, pose=FRONT)
        (found,) = detect(cv2.copyMakeBorder(face.image, 72, 72, 72, 72, cv2.BORDER_REPLICATE))
        distance = np.linalg.norm(found.landmarks - 72 - face.landmarks, axis=1)[17:].mean()
        errors.append(float(distance / np.linalg.norm(face.landmarks[36] - face.landmarks[45])))
    assert np.median(errors) < 0.07


def test_one_person_in_two_pictures() -> None:
    rest, smile = (synthesize(1, aus, ANNA, FRONT, draw_light(1), steady=True) for aus in ({}, {12: 1}))
    assert rest.identity == smile.identity == ANNA
    change = np.abs(rest.image.astype(int) - smile.image).mean(axis=2)
    assert change[60:130].mean() > 2 * change[:40].mean()


def test_another_camera_sees_the_same_face() -> None:
    films = Film(), Film(saturation=0), Film(exposure=0.5)
    good, grey, dark = (synthesize(1, {}, ANNA, FRONT, draw_light(1), film) for film in films)
    np.testing.assert_array_equal(good.landmarks, dark.landmarks)
    assert np.ptp(good.image.astype(int), axis=2).mean() > 20 > 3 >= np.ptp(grey.image.astype(int), axis=2).max()
    assert dark.image.mean() < good.image.mean() - 20


@pytest.mark.parametrize(
    ("au", "point", "dx", "dy"),
    [
        (1, 22, 0, -1),  # inner brow up
        (2, 25, 0, -1),  # outer brow up
        (4, 22, -1, 1),  # brows down and together
        (9, 33, 0, -1),
        (10, 51, 0, -1),
        (12, 54, 1, -1),  # lip corners up and out
        (15, 54, 0, 1),
        (17, 57, 0, -1),
        (20, 54, 1, 0),
        (23, 54, -1, 0),
        (26, 8, 0, 1),  # jaw down
    ],
)
def test_each_unit_does_what_its_muscle_does(au: int, point: int, dx: int, dy: int) -> None:
    step = moved(au)[point]
    for value, sign in zip(step, (dx, dy), strict=True):
        if sign:
            assert value * sign > 0.02


@pytest.mark.parametrize(("au", "wider"), [(5, True), (6, False), (7, False), (43, False)])
def test_units_of_the_lids_change_the_opening_of_the_eye(au: int, wider: bool) -> None:
    opening = [points(aus)[[40, 41]][:, 1].mean() - points(aus)[[37, 38]][:, 1].mean() for aus in ({}, {au: 1.0})]
    assert (opening[1] > opening[0]) == wider
    if au == 43:
        assert opening[1] < 0.01


@pytest.mark.parametrize("au", [24, 25, 26])
def test_units_of_the_lips_part_or_press_them(au: int) -> None:
    gap = [points(aus)[66, 1] - points(aus)[62, 1] for aus in ({}, {au: 1.0})]
    assert gap[1] < gap[0] if au == 24 else gap[1] > gap[0] + 0.05


@pytest.mark.parametrize("au", list(ACTIONS))
def test_a_unit_moves_both_halves_alike_and_leaves_the_rest(au: int) -> None:
    step = moved(au)
    left, right = (48, 54) if au in (10, 12, 14, 15, 17, 20, 23, 24, 25, 26) else (37, 44)
    np.testing.assert_allclose(step[left] * (-1, 1), step[right], atol=1e-9)
    untouched = slice(17, 27) if au >= 10 and au != 43 else slice(54, 60)
    assert np.abs(step[untouched]).max() < 0.02


def test_the_field_moves_the_sheet_as_it_moves_points() -> None:
    sheet, shape = Sheet(200), Shape(ANNA, {12: 1.0, 26: 0.5, 4: 1.0})
    field = shape.field(sheet)
    at = np.array([(0.0, 0.0), (0.4, 1.05), (-0.4, 1.05), (0.2, -0.3), (0.5, 1.6)])
    step = np.stack([sheet.sample(np.ascontiguousarray(field[..., axis]), at) for axis in (0, 1)], 1)
    np.testing.assert_allclose(step, shape.move(at) - at, atol=2e-3)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"seed": -1}, "seed=-1 is negative"),
        ({"seed": 0, "aus": {13: 1}}, "no action unit 13; "),
        ({"seed": 0, "aus": {12: 1.5}}, "AU12=1.5 is no intensity; give a number from 0 to 1"),
        ({"seed": 0, "aus": {12: float("nan")}}, "AU12=nan is no intensity"),
    ],
)
def test_what_is_no_face_is_told(call: dict[str, object], told: str) -> None:
    with pytest.raises(UserError) as error:
        synthesize(**call)
    assert str(error.value).startswith(told)
