"""Crops and flips move the landmarks with the pixels; faces come in an order that can be gone on with."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import DataLoader

from mpe_lib.errors import UserError
from mpe_lib.faces.align import detect
from mpe_lib.faces.astronaut import astronaut
from mpe_lib.faces.crops import (
    CentreCrops,
    RandomCrops,
    Sample,
    Shuffled,
    Tolerant,
    central,
    check_damaged,
    crop,
    flip,
)
from mpe_lib.faces.degrade import degrade
from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.pixels import Picture, to_picture, to_tensor

# Left and right by hand, from the drawing of the 68 points: jaw, brows, nostrils, eyes, outer lips, inner lips.
PAIRS = [
    *[(0, 16), (1, 15), (2, 14), (3, 13), (4, 12), (5, 11), (6, 10), (7, 9)],
    *[(17, 26), (18, 25), (19, 24), (20, 23), (21, 22)],
    *[(31, 35), (32, 34)],
    *[(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)],
    *[(48, 54), (49, 53), (50, 52), (55, 59), (56, 58)],
    *[(60, 64), (61, 63), (65, 67)],
]
MIDDLE = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
AUS = (4, 12, 26)  # in the astronaut's folder: absent, present, without a column


def dotted(x: float, y: float) -> Picture:
    """A black picture with a soft white dot, its middle at (x, y)."""
    down, across = np.indices((144, 144))
    dot = np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * 2.5**2))
    return np.repeat((dot * 255).round().astype(np.uint8)[..., None], 3, axis=2)


def dot_in(picture: Picture) -> tuple[float, float]:
    """Where the dot is: the centre of gravity of what is bright."""
    brightness = np.where(picture[..., 0] > 12, picture[..., 0], 0).astype(float)
    down, across = np.indices(brightness.shape)
    return float((across * brightness).sum() / brightness.sum()), float((down * brightness).sum() / brightness.sum())


def landmarks_at(x: float, y: float) -> NDArray[np.float32]:
    """All 68 points in one place."""
    return np.full((68, 2), (x, y), np.float32)


# ---- crop and flip


@given(
    st.integers(100, 144),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0.2, 0.8),
    st.floats(0.2, 0.8),
    st.booleans(),
)
@settings(max_examples=50)
def test_a_dot_stays_under_its_landmark(
    side: int, right: float, down: float, u: float, v: float, flipped: bool
) -> None:
    left, top = round(right * (144 - side)), round(down * (144 - side))
    x, y = left + u * side, top + v * side
    face, landmarks = crop(dotted(x, y), landmarks_at(x, y), left, top, side)
    if flipped:
        face, landmarks = flip(face, landmarks)
    assert face.shape == (128, 128, 3)
    assert landmarks.dtype == np.float32
    assert dot_in(face) == pytest.approx(tuple(landmarks[0]), abs=0.15)


def test_a_crop_at_its_own_size_is_a_copy() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (144, 144, 3), dtype=np.uint8)
    face, landmarks = crop(noise, landmarks_at(20, 30), 5, 11, 128)
    np.testing.assert_array_equal(face, noise[11:139, 5:133])
    np.testing.assert_array_equal(landmarks, landmarks_at(15, 19))


def test_every_point_has_its_partner() -> None:
    assert sorted([*MIDDLE, *(point for pair in PAIRS for point in pair)]) == list(range(68))


@pytest.mark.parametrize(("point", "partner"), [*PAIRS, *((point, point) for point in MIDDLE)])
def test_flip_turns_the_points_and_swaps_left_and_right(point: int, partner: int) -> None:
    landmarks = np.random.default_rng(0).uniform(0, 127, (68, 2)).astype(np.float32)
    _, mirrored = flip(np.zeros((128, 128, 3), np.uint8), landmarks)
    for here, there in ((point, partner), (partner, point)):
        assert mirrored[here] == pytest.approx((127 - landmarks[there, 0], landmarks[there, 1]), abs=1e-4)


def test_flip_agrees_with_the_landmarks_found_in_a_mirrored_photograph() -> None:
    picture = astronaut()
    (face,) = detect(picture)
    mirrored, landmarks = flip(picture, face.landmarks.astype(np.float32))
    (found,) = detect(mirrored)
    assert np.linalg.norm(found.landmarks - landmarks, axis=1).max() < 6  # a swap left out: 24 to 75


def test_flipping_twice_changes_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    landmarks = np.random.default_rng(0).integers(0, 128, (68, 2)).astype(np.float32)
    face, points = flip(*flip(noise, landmarks))
    np.testing.assert_array_equal(face, noise)
    np.testing.assert_array_equal(points, landmarks)


# ---- samples


def test_a_centre_crop_is_8_to_136(faces: Path) -> None:
    read = read_faces(faces, "test", AUS)
    sample = CentreCrops(read)[1]
    face = np.asarray(Image.open(read.paths[1]))[8:136, 8:136]
    assert torch.equal(sample.hr, to_tensor(face))
    np.testing.assert_array_equal(central(np.asarray(Image.open(read.paths[1]))), face)
    assert torch.equal(sample.lr, to_tensor(degrade(face)))
    np.testing.assert_allclose(sample.landmarks, read.landmarks[1] - 8, atol=1e-4)
    np.testing.assert_array_equal(sample.aus, read.aus[1])


def a_dotted_face(folder: Path) -> Faces:
    """One picture, with a dot at its landmark 30, which a flip does not rename."""
    Image.fromarray(dotted(60, 80)).save(folder / "dot.png")
    return Faces([folder / "dot.png"], landmarks_at(60, 80)[None], np.zeros((1, 0), np.float32), np.ones(1))


def test_a_random_crop_keeps_the_dot_under_its_landmark(tmp_path: Path) -> None:
    crops = RandomCrops(a_dotted_face(tmp_path), scale_jitter=0.08, seed=0)
    for epoch in range(40):
        sample = crops[epoch, 0]
        assert dot_in(to_picture(sample.hr)) == pytest.approx(tuple(sample.landmarks[30].tolist()), abs=0.15)


def test_random_crops_differ_in_place_and_side(tmp_path: Path) -> None:
    face = a_dotted_face(tmp_path)
    face.landmarks[0, 8] = 60, 120  # 40 below the dot: their distance shows the scale
    samples = [RandomCrops(face, scale_jitter=0.08, seed=0)[epoch, 0] for epoch in range(100)]
    x = np.array([sample.landmarks[30, 0] for sample in samples])
    zoom = np.array([sample.landmarks[8, 1] - sample.landmarks[30, 1] for sample in samples]) / 40
    assert 30 < (x > 63.5).sum() < 70  # 60 -> 44..60 or, flipped, 67..83
    assert 0.92 < zoom.min() < 0.94 < 1.06 < zoom.max() < 1.09


def equal(a: Sample, b: Sample) -> bool:
    return all(torch.equal(x.nan_to_num(9), y.nan_to_num(9)) for x, y in zip(a, b, strict=True))


def test_a_random_crop_follows_from_seed_epoch_and_index_alone(faces: Path) -> None:
    read = read_faces(faces, "train", AUS)
    first = RandomCrops(read, 0.08, seed=1)
    again = RandomCrops(read, 0.08, seed=1)
    assert equal(first[3, 5], again[3, 5])
    _ = again[0, 0], torch.rand(1), np.random.default_rng().random()
    assert equal(first[3, 5], again[3, 5])
    assert not equal(first[3, 5], first[4, 5])
    assert not equal(first[3, 5], RandomCrops(read, 0.08, seed=2)[3, 5])


def test_workers_change_nothing(faces: Path) -> None:
    read = read_faces(faces, "train", AUS)
    crops = RandomCrops(read, 0.08, seed=0)
    alone, helped = (
        list(DataLoader(crops, batch_sampler=Shuffled(len(read), 5, 0, 4, seed=0), num_workers=workers))
        for workers in (0, 2)
    )
    assert len(alone) == 4
    assert all(equal(a, b) for a, b in zip(alone, helped, strict=True))


# ---- damaged faces


def test_the_next_face_that_can_be_read_stands_for_a_damaged_one(own_faces: Path) -> None:
    read = read_faces(own_faces, "train", AUS)
    read = read + read  # 24, of which two may be damaged
    read.paths[2], read.paths[23] = own_faces / "gone.png", own_faces / "metadata.csv"
    crops = RandomCrops(read, 0.08, seed=0)
    tolerant = Tolerant(crops)
    assert len(tolerant) == 24
    for index, expected, told in ((1, 1, ""), (2, 3, "gone.png does not exist"), (23, 0, "is not a picture")):
        sample, problem = tolerant[5, index]
        assert equal(sample, crops[5, expected])
        assert told in problem
        assert bool(problem) == (index != expected)


def test_several_damaged_faces_in_a_row_are_told_a_line_each(own_faces: Path) -> None:
    read = read_faces(own_faces, "train", AUS)
    read = read + read
    read.paths[2:4] = [own_faces / "a.png", own_faces / "b.png"]
    _, problems = Tolerant(RandomCrops(read, 0.08, seed=0))[0, 2]
    assert [line.partition(" ")[0] for line in problems.splitlines()] == [str(path) for path in read.paths[2:4]]
    read.paths[4] = own_faces / "c.png"
    with pytest.raises(UserError, match=r"^3 of 24 faces cannot be read, more than a tenth; the last: .*c\.png does"):
        _ = Tolerant(RandomCrops(read, 0.08, seed=0))[0, 2]


@pytest.mark.parametrize(("damaged", "faces"), [(0, 1), (0, 9), (1, 10), (2, 29)])
def test_a_tenth_of_the_faces_may_be_damaged(damaged: int, faces: int) -> None:
    check_damaged(["why"] * damaged, faces)
    with pytest.raises(UserError, match=f"{damaged + 1} of {faces} faces cannot be read"):
        check_damaged(["why"] * (damaged + 1), faces)


# ---- the order


@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 3))
def test_every_face_comes_once_an_epoch(count: int, batch: int, seed: int) -> None:
    epochs = 3
    batches = list(Shuffled(count, batch, 0, math.ceil(epochs * count / batch), seed))
    assert {len(keys) for keys in batches} == {batch}
    keys = [key for keys in batches for key in keys][: epochs * count]
    assert Counter(keys) == Counter((epoch, index) for epoch in range(epochs) for index in range(count))
    assert [epoch for epoch, _ in keys] == sorted(epoch for epoch, _ in keys)


def test_a_batch_may_hold_the_last_faces_of_an_epoch_and_the_first_of_the_next() -> None:
    assert [[epoch for epoch, _ in keys] for keys in Shuffled(3, 2, 0, 3, seed=0)] == [[0, 0], [0, 1], [1, 1]]


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        (keys,) = Shuffled(50, 50, epoch, epoch + 1, seed)
        return [index for _, index in keys]

    orders = [order(0, 0), order(0, 1), order(1, 0)]
    assert order(0, 1) == orders[1]
    assert len({tuple(each) for each in orders}) == 3


@given(st.integers(1, 9), st.integers(1, 12), st.integers(0, 20))
def test_any_update_can_be_the_first(count: int, batch: int, start: int) -> None:
    whole = list(Shuffled(count, batch, 0, 20, seed=5))
    rest = Shuffled(count, batch, start, 20, seed=5)
    assert list(rest) == whole[start:]
    assert len(rest) == 20 - start


# ---- faces that come more often than others


def drawn(frequency: list[float], epochs: int, seed: int = 0) -> list[tuple[int, int]]:
    (keys,) = Shuffled(np.array(frequency), epochs * len(frequency), 0, 1, seed)
    return keys


def test_a_face_comes_as_often_as_its_frequency_says() -> None:
    # of 6 draws an epoch: 3, 1.5, 0.75, 0.75, 0, 0
    often = Counter(index for _, index in drawn([4, 2, 1, 1, 0, 0], epochs=40))
    assert often[0] == 3 * 40
    assert often[1] == pytest.approx(1.5 * 40, abs=15)
    assert often[2] + often[3] == pytest.approx(1.5 * 40, abs=15)
    assert often[4] == often[5] == 0


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9), st.integers(0, 3))
def test_in_an_epoch_a_face_comes_as_often_as_it_should_rounded_up_or_down(often: list[float], seed: int) -> None:
    expected = np.array(often) * len(often) / sum(often)
    for epoch in range(4):
        keys = drawn(often, 4, seed)[epoch * len(often) : (epoch + 1) * len(often)]
        count = np.bincount([index for _, index in keys], minlength=len(often))
        assert (count >= np.floor(expected - 1e-9)).all()
        assert (count <= np.ceil(expected + 1e-9)).all()


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=9), st.integers(1, 5), st.integers(0, 20))
def test_no_face_is_cut_the_same_twice_and_any_update_can_be_the_first(
    often: list[float], batch: int, start: int
) -> None:
    whole = list(Shuffled(np.array(often), batch, 0, 20, seed=1))
    keys = [key for keys in whole for key in keys]
    assert len(set(keys)) == len(keys)
    assert list(Shuffled(np.array(often), batch, start, 20, seed=1)) == whole[start:]
