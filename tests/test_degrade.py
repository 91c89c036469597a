"""The network's input is what Pillow makes of a face: every pixel counts."""

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from PIL import Image
from torch.nn import functional as F

from mpe_lib.faces.degrade import Degradation, bicubic, degrade
from mpe_lib.pixels import Picture, to_picture, to_tensor


@pytest.fixture(scope="module")
def face() -> Picture:
    return skimage.data.astronaut()[:128, 160:288]


def opencv(picture: Picture) -> Picture:
    """The input as OpenCV would make it, without antialiasing."""
    height, width = picture.shape[:2]
    return cv2.resize(picture, (width // 8, height // 8), interpolation=cv2.INTER_CUBIC)


def distance(a: Picture, b: Picture) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


def stripes(first: int) -> Picture:
    """White lines on black, one pixel wide, every eighth column."""
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[:, first::8] = 255
    return picture


@pytest.mark.parametrize(("height", "width"), [(128, 128), (144, 144), (64, 40)])
def test_sides_are_divided_and_multiplied_by_eight(height: int, width: int) -> None:
    picture = skimage.data.astronaut()[:height, :width]
    assert degrade(picture).shape == (height // 8, width // 8, 3)
    assert bicubic(degrade(picture)).shape == picture.shape
    assert bicubic(degrade(picture)).dtype == np.uint8


def test_it_is_pillows_bicubic_both_ways(face: Picture) -> None:
    lr = Image.fromarray(face).resize((16, 16), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(degrade(face), lr)
    np.testing.assert_array_equal(bicubic(degrade(face)), lr.resize((128, 128), Image.Resampling.BICUBIC))


def test_a_flat_picture_stays_flat() -> None:
    flat = np.full((128, 128, 3), (200, 100, 50), np.uint8)
    assert (degrade(flat) == (200, 100, 50)).all()
    assert (bicubic(degrade(flat)) == flat).all()


def test_a_checkerboard_of_single_pixels_becomes_grey() -> None:
    board = (np.indices((128, 128)).sum(0) % 2 * 255).astype(np.uint8)
    assert distance(degrade(np.dstack([board] * 3)), np.full((16, 16, 3), 127)) <= 2


@pytest.mark.parametrize("first", range(8))
def test_a_line_counts_the_same_wherever_it_falls(first: int) -> None:
    inner = degrade(stripes(first))[2:-2, 2:-2]
    assert 20 < inner.min() <= inner.max() < 44  # an eighth of 255 is 32


def test_opencv_loses_the_line_or_sees_little_else() -> None:
    assert opencv(stripes(0))[2:-2, 2:-2].max() == 0
    assert opencv(stripes(3))[2:-2, 2:-2].min() > 140


def test_opencv_is_wrong_by_tens_of_levels_on_a_face(face: Picture) -> None:
    assert distance(opencv(face), degrade(face)) > 40


def test_torch_agrees_to_about_a_level_if_told_to_antialias(face: Picture) -> None:
    def torch_bicubic(antialias: bool) -> Picture:
        lr = F.interpolate(to_tensor(face)[None], size=(16, 16), mode="bicubic", antialias=antialias)
        return to_picture(lr)[0]

    off = np.abs(torch_bicubic(antialias=True).astype(int) - degrade(face))
    assert (off <= 1).mean() > 0.99
    assert off.max() <= 2  # Pillow rounds to whole levels between rows and columns
    assert distance(torch_bicubic(antialias=False), degrade(face)) > 40


# ---- pictures as tensors


def test_every_level_survives_the_way_to_a_tensor_and_back() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=-1)
    tensor = to_tensor(levels)
    assert tensor.shape == (1, 3, 16, 16)
    assert (tensor.min(), tensor.max()) == (0, 1)
    np.testing.assert_array_equal(to_picture(tensor), levels)


def test_channels_move_and_nothing_else() -> None:
    picture = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3)
    assert to_tensor(picture)[2, 1, 0].item() == pytest.approx(picture[1, 0, 2] / 255)


def test_a_restored_picture_is_clamped_and_rounded() -> None:
    values = torch.tensor([-0.2, 0.0, 100.4 / 255, 100.6 / 255, 1.0, 1.7])
    pixels = values.expand(3, 1, 6)
    assert to_picture(pixels)[0, :, 0].tolist() == [0, 0, 100, 101, 255, 255]
    assert to_picture(pixels.bfloat16().requires_grad_()).dtype == np.uint8


# ---- other ways to become small


def test_without_antialiasing_it_is_opencvs_cubic(face: Picture) -> None:
    np.testing.assert_array_equal(degrade(face, Degradation(antialias=False)), opencv(face))


def test_blur_is_applied_before_and_spreads_a_point(face: Picture) -> None:
    point = np.zeros((128, 128, 3), np.uint8)
    point[60:68, 60:68] = 255
    sharp, soft = degrade(point), degrade(point, Degradation(blur=8))
    assert soft.max() < sharp.max()
    assert (soft > 0).sum() > (sharp > 0).sum()
    np.testing.assert_array_equal(degrade(face, Degradation(blur=4)), degrade(cv2.GaussianBlur(face, (0, 0), 4)))


def test_noise_has_the_spread_that_is_asked_for_and_is_the_same_again() -> None:
    flat = np.full((1024, 1024, 3), 128, np.uint8)
    noisy = degrade(flat, Degradation(noise=10))
    assert noisy.std() == pytest.approx(10, rel=0.03)
    assert noisy.mean() == pytest.approx(128, abs=0.3)
    np.testing.assert_array_equal(noisy, degrade(flat, Degradation(noise=10)))


def test_jpeg_loses_more_at_lower_quality(face: Picture) -> None:
    error = [np.abs(degrade(face, Degradation(jpeg=quality)).astype(int) - degrade(face)).mean() for quality in (95, 5)]
    assert 0 < error[0] < error[1]
