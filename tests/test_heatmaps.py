"""Landmarks become bumps, and bumps become landmarks."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from mpe_lib.heatmaps import MIRROR, decode, encode

# The 68-point scheme: which point on the right of the face answers which one on the left.
JAW = [(0, 16), (1, 15), (2, 14), (3, 13), (4, 12), (5, 11), (6, 10), (7, 9)]
BROWS = [(17, 26), (18, 25), (19, 24), (20, 23), (21, 22)]
NOSTRILS = [(31, 35), (32, 34)]
EYES = [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
OUTER_LIPS = [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58)]
INNER_LIPS = [(60, 64), (61, 63), (65, 67)]
PAIRS = JAW + BROWS + NOSTRILS + EYES + OUTER_LIPS + INNER_LIPS
MIDLINE = [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]  # chin, nose bridge and tip, middle of the lips


def one(x: float, y: float) -> Tensor:
    return torch.tensor([[[x, y]]])


# ---- encode


def test_a_bump_is_one_at_its_landmark_and_falls_off_as_a_gaussian() -> None:
    found = encode(one(2, 1), size=4)[0, 0]
    # exp(-d²/2): .6065 at 1 cell, .3679 on the diagonal, .1353 at 2, .0821 at (2, 1), .0183 at (2, 2)
    expected = [
        [0.0821, 0.3679, 0.6065, 0.3679],
        [0.1353, 0.6065, 1.0000, 0.6065],
        [0.0821, 0.3679, 0.6065, 0.3679],
        [0.0183, 0.0821, 0.1353, 0.0821],
    ]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=5e-5)


def test_between_two_cells_both_are_equal() -> None:
    row = encode(one(1.5, 0), size=4)[0, 0, 0]
    assert row.tolist() == pytest.approx([0.3247, 0.8825, 0.8825, 0.3247], abs=5e-5)  # exp(-1.125), exp(-.125)


def test_sigma_is_the_width_in_cells() -> None:
    bump = encode(one(2, 2), size=5, sigma=2.0)[0, 0]
    assert [bump[2, 4].item(), bump[4, 2].item()] == pytest.approx([0.6065, 0.6065], abs=5e-5)  # exp(-4 / 8)


def test_each_landmark_has_its_own_channel() -> None:
    landmarks = torch.tensor([[[1.0, 2.0], [3.0, 0.0]], [[0.0, 0.0], [2.0, 3.0]]])
    maps = encode(landmarks, size=4)
    assert maps.shape == (2, 2, 4, 4)
    assert torch.nonzero(maps == 1).tolist() == [[0, 0, 2, 1], [0, 1, 0, 3], [1, 0, 0, 0], [1, 1, 3, 2]]


# ---- decode


@pytest.mark.parametrize(
    ("row", "x"),
    [
        ([0.0, 0.2, 1.0, 0.4, 0.0], 2.25),
        ([0.0, 0.4, 1.0, 0.2, 0.0], 1.75),
        ([0.0, 0.3, 1.0, 0.3, 0.0], 2.0),
        ([1.0, 0.9, 0.0, 0.0, 0.0], 0.0),  # an edge has a neighbour on one side only
        ([0.0, 0.0, 0.0, 0.9, 1.0], 4.0),
    ],
)
def test_a_quarter_cell_toward_the_larger_neighbour(row: list[float], x: float) -> None:
    maps = torch.zeros(1, 2, 5, 5)
    maps[0, 0, 3] = torch.tensor(row)  # along x in row 3
    maps[0, 1, :, 3] = torch.tensor(row)  # along y in column 3
    assert decode(maps).tolist() == [[[x, 3.0], [3.0, x]]]


@given(st.floats(0.51, 30.49), st.floats(0.51, 30.49))
def test_decoding_finds_a_landmark_to_a_quarter_cell(x: float, y: float) -> None:
    found = decode(encode(one(x, y), size=32))
    assert (found - one(x, y)).abs().max() < 0.251


@given(st.floats(-3, 34), st.floats(-3, 34))
def test_a_landmark_beyond_the_edge_is_found_on_it(x: float, y: float) -> None:
    found = decode(encode(one(x, y), size=32))
    assert found.min() >= 0
    assert found.max() <= 31
    assert (found - one(x, y).clamp(0, 31)).abs().max() < 0.501  # at an edge there is no quarter step


def test_faces_and_landmarks_do_not_mix() -> None:
    landmarks = torch.rand(3, 68, 2, generator=torch.Generator().manual_seed(0)) * 30 + 0.5
    maps = encode(landmarks, size=32)
    found = decode(maps)
    assert found.shape == (3, 68, 2)
    assert (found - landmarks).abs().max() < 0.251
    torch.testing.assert_close(decode(maps[1:2, 40:41]), found[1:2, 40:41])


def test_the_height_of_a_bump_does_not_matter() -> None:
    maps = encode(one(7.3, 20.9), size=32)
    torch.testing.assert_close(decode(0.01 * maps - 5), decode(maps))


def test_landmarks_carry_no_gradient() -> None:
    assert not decode(encode(one(2, 2), size=4).requires_grad_()).requires_grad


# ---- left and right


def test_mirror_swaps_left_and_right() -> None:
    expected = dict(PAIRS) | {right: left for left, right in PAIRS} | {i: i for i in MIDLINE}
    assert sorted(expected) == list(range(68))  # this file's own list is whole
    assert dict(enumerate(MIRROR)) == expected


def test_mirroring_twice_changes_nothing() -> None:
    assert [MIRROR[MIRROR[i]] for i in range(68)] == list(range(68))


def test_a_flipped_face_has_flipped_maps_with_the_channels_swapped() -> None:
    landmarks = torch.rand(1, 68, 2, generator=torch.Generator().manual_seed(0)) * 31
    flipped = landmarks[:, list(MIRROR)] * torch.tensor([-1, 1]) + torch.tensor([31, 0])
    torch.testing.assert_close(encode(flipped, 32), encode(landmarks, 32)[:, list(MIRROR)].flip(-1))
