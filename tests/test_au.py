"""Where on a face each action unit acts."""

import pytest
import torch
from torch import Tensor

from mpe_lib.au import CATALOGUE, attention_maps
from mpe_lib.config import AU_SETS
from mpe_lib.heatmaps import MIRROR

# Two landmarks for each action unit, and how far below them it acts, in distances of the inner eye corners.
RULES = {
    1: (21, 22, -1 / 2),  # inner brow raiser
    2: (18, 25, -1 / 3),  # outer brow raiser
    4: (19, 24, 1 / 3),  # brow lowerer
    6: (41, 46, 1.0),  # cheek raiser
    7: (38, 43, 0.0),  # lid tightener
    9: (32, 34, -1 / 2),  # nose wrinkler
    10: (61, 63, 0.0),  # upper lip raiser
    12: (48, 54, 0.0),  # lip corner puller
    14: (48, 54, 0.0),  # dimpler
    15: (48, 54, 0.0),  # lip corner depressor
    17: (56, 58, 1 / 2),  # chin raiser
    23: (51, 57, 0.0),  # lip tightener
    24: (51, 57, 0.0),  # lip pressor
    25: (51, 57, 0.0),  # lips part
    26: (56, 58, 1 / 2),  # jaw drop
}


def face(**points: tuple[float, float]) -> Tensor:
    """(1, 68, 2), all landmarks at (-100, -100), far outside, but those named: p48=(10, 12)."""
    landmarks = torch.full((1, 68, 2), -100.0)
    for name, point in points.items():
        landmarks[0, int(name[1:])] = torch.tensor(point)
    return landmarks


def scattered() -> Tensor:
    """(1, 68, 2), no two landmarks in one place: 13 in a row, the inner eye corners 6 cells apart."""
    i = torch.arange(68)
    return torch.stack([2 + 2 * (i % 13), 8 + 3 * (i // 13)], dim=-1)[None].float()


def lip_corner(x: float, y: float, size: int = 32) -> Tensor:
    """(size, size), the map of AU 12 with one centre inside the picture."""
    return attention_maps(face(p48=(x, y)), (12,), size)[0, 0]


# ---- one centre


def test_a_window_of_five_by_five_at_size_32() -> None:
    window = torch.tensor(
        [
            [0.500, 0.625, 0.750, 0.625, 0.500],
            [0.625, 0.750, 0.875, 0.750, 0.625],
            [0.750, 0.875, 1.000, 0.875, 0.750],
            [0.625, 0.750, 0.875, 0.750, 0.625],
            [0.500, 0.625, 0.750, 0.625, 0.500],
        ]
    )
    expected = torch.zeros(32, 32)
    expected[10:15, 18:23] = window  # centre at x = 20, y = 12
    torch.testing.assert_close(lip_corner(20, 12), expected)


@pytest.mark.parametrize(
    ("size", "half_width", "step"),
    [(16, 1, 1 / 4), (32, 2, 1 / 8), (36, 2, 1 / 9), (37, 3, 4 / 37), (44, 3, 1 / 11), (64, 4, 1 / 16)],
)
def test_the_window_grows_with_the_map(size: int, half_width: int, step: float) -> None:
    # .14 (37 - 1) / 2 = 2.52 is the first to be rounded to 3; a step is .56 / (.14 size)
    found = lip_corner(8, 8, size)
    row = [max(0.0, 1 - step * abs(x - 8)) if abs(x - 8) <= half_width else 0.0 for x in range(size)]
    torch.testing.assert_close(found[8], torch.tensor(row))
    torch.testing.assert_close(found[:, 8], torch.tensor(row))
    assert found[8 + half_width, 8 - half_width].item() == pytest.approx(1 - 2 * half_width * step)
    assert (found > 0).sum() == (2 * half_width + 1) ** 2


@pytest.mark.parametrize(("x", "cell"), [(20.25, 20), (20.75, 21), (19.6, 20)])
def test_a_centre_is_rounded_to_a_cell(x: float, cell: int) -> None:
    torch.testing.assert_close(lip_corner(x, 12), lip_corner(cell, 12))


def test_a_window_is_cut_at_the_edge_of_the_map() -> None:
    corner = torch.tensor([[1.0, 0.875, 0.75], [0.875, 0.75, 0.625], [0.75, 0.625, 0.5]])
    expected = torch.zeros(32, 32)
    expected[:3, :3] = corner
    torch.testing.assert_close(lip_corner(0, 0), expected)
    torch.testing.assert_close(lip_corner(-1, 0)[0, :3], torch.tensor([0.875, 0.75, 0.0]))
    assert lip_corner(-3, 0).max() == 0


# ---- two centres


def test_two_centres_combine_by_maximum() -> None:
    row = attention_maps(face(p48=(10, 12), p54=(12, 12)), (12,), 32)[0, 0, 12]
    assert row[7:16].tolist() == pytest.approx([0, 0.75, 0.875, 1, 0.875, 1, 0.875, 0.75, 0])


@pytest.mark.parametrize("au", RULES)
def test_each_unit_stands_at_its_landmarks_moved_by_a_share_of_the_inner_eye_distance(au: int) -> None:
    landmarks = scattered()
    eyes = landmarks[0, 42, 0] - landmarks[0, 39, 0]
    assert eyes == 6
    left, right, offset = RULES[au]
    expected = {(x, y + round(offset * 6)) for x, y in landmarks[0, [left, right]].int().tolist()}
    rows, columns = torch.where(attention_maps(landmarks, (au,), 32)[0, 0] == 1)
    assert set(zip(columns.tolist(), rows.tolist(), strict=True)) == expected


def test_the_table_is_whole() -> None:
    assert {au: (*unit.centres, unit.offset) for au, unit in CATALOGUE.items() if unit.centres} == RULES
    assert set(RULES) == {*AU_SETS["bp4d"], *AU_SETS["disfa"]}
    assert all(CATALOGUE[number].number == number for number in RULES)
    assert set(CATALOGUE) - set(RULES) == {5, 20, 43}


def test_a_unit_without_a_place_has_no_map() -> None:
    with pytest.raises(ValueError, match="have a place"):
        attention_maps(scattered(), (1, 43), 32)


@pytest.mark.parametrize(("x39", "x42"), [(14, 18), (18, 14)])
def test_the_eye_distance_is_horizontal_and_positive(x39: float, x42: float) -> None:
    landmarks = face(p21=(10, 20), p39=(x39, 3), p42=(x42, 30))
    found = attention_maps(landmarks, (1,), 32)[0, 0]
    assert found[20 - 4 // 2, 10] == 1  # AU 1 stands half an eye distance above landmark 21


# ---- many units, many faces


def test_channels_come_in_the_order_asked_for() -> None:
    maps = attention_maps(scattered(), (26, 1, 12), 32)
    for channel, au in enumerate((26, 1, 12)):
        torch.testing.assert_close(maps[:, channel : channel + 1], attention_maps(scattered(), (au,), 32))
    assert maps.shape == (1, 3, 32, 32)


def test_every_face_has_its_own_offset() -> None:
    faces = torch.cat([scattered(), 1.5 * scattered(), scattered().flip(1)])
    together = attention_maps(faces, AU_SETS["bp4d"], 32)
    apart = [attention_maps(one[None], AU_SETS["bp4d"], 32) for one in faces]
    torch.testing.assert_close(together, torch.cat(apart), rtol=0, atol=0)


@pytest.mark.parametrize("aus", AU_SETS.values())
def test_a_mirrored_face_has_mirrored_maps(aus: tuple[int, ...]) -> None:
    mirrored = scattered()[:, list(MIRROR)] * torch.tensor([-1, 1]) + torch.tensor([31, 0])
    torch.testing.assert_close(attention_maps(mirrored, aus, 32), attention_maps(scattered(), aus, 32).flip(-1))


def test_no_gradient_reaches_the_landmarks() -> None:
    assert not attention_maps(scattered().requires_grad_(), (1, 12), 32).requires_grad


def test_the_maps_are_made_where_the_landmarks_are() -> None:
    assert attention_maps(scattered().to("meta"), (1, 12), 32).device.type == "meta"  # no data, as on another device


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_maps_have_the_precision_of_the_landmarks(dtype: torch.dtype) -> None:
    maps = attention_maps(scattered().to(dtype), AU_SETS["disfa"], 32)
    assert maps.dtype == dtype
    assert maps.min() == 0
    assert maps.max() == 1
