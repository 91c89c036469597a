"""Each score against a value by hand and against another library's."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import skimage.data
import skimage.metrics
import torch
from torch import Tensor
from torchmetrics.functional.classification import multilabel_accuracy, multilabel_f1_score
from torchmetrics.functional.image import structural_similarity_index_measure

from mpe_lib.faces.degrade import bicubic, degrade
from mpe_lib.metrics import au_scores, landmark_error, luma, psnr, scores, ssim
from mpe_lib.pixels import Picture

NAN = math.nan


def flat(*levels: int, size: int = 32) -> Picture:
    """(n, size, size, 3), each picture of one grey level."""
    return np.stack([np.full((size, size, 3), level, np.uint8) for level in levels])


def pairs() -> dict[str, tuple[Picture, Picture]]:
    """Restored and original pictures: noise that is not square, and faces by bicubic interpolation."""
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (3, 40, 52, 3))
    noisy = np.clip(noise + random.integers(-40, 41, noise.shape), 0, 255)
    astronaut = skimage.data.astronaut()
    faces = np.stack([astronaut[top : top + 128, 160:288] for top in (0, 40)])
    return {
        "noise": (noisy.astype(np.uint8), noise.astype(np.uint8)),
        "faces": (np.stack([bicubic(degrade(face)) for face in faces]), faces),
    }


# ---- Y


@pytest.mark.parametrize(
    ("rgb", "y"),
    [
        ((0, 0, 0), 16.0),
        ((255, 255, 255), 235.0),
        ((255, 0, 0), 81.481),
        ((0, 255, 0), 144.553),
        ((0, 0, 255), 40.966),
        ((1, 1, 1), 16 + 219 / 255),  # not cut to a whole level
    ],
)
def test_luma_of_a_colour(rgb: tuple[int, int, int], y: float) -> None:
    found = luma(np.array([[[rgb]]], np.uint8))
    assert found.shape == (1, 1, 1, 1)
    assert found.item() == pytest.approx(y)


# ---- PSNR


def test_psnr_of_black_for_white() -> None:
    # Y is off by 219 levels everywhere: 20 log10(255 / 219)
    assert psnr(flat(0), flat(255)).item() == pytest.approx(1.322, abs=1e-3)


def test_identical_pictures_have_infinite_psnr_and_ssim_one() -> None:
    faces = pairs()["faces"][1]
    assert psnr(faces, faces).tolist() == [math.inf, math.inf]
    assert ssim(faces, faces).tolist() == pytest.approx([1, 1])


def test_each_picture_has_its_own_score_and_the_mean_is_theirs() -> None:
    # off by 219 and by 219 / 5 levels of Y: 1.322 and 1.322 + 20 log10(5) dB
    each = psnr(flat(0, 0), flat(255, 51))
    assert each.tolist() == pytest.approx([1.322, 15.301], abs=1e-3)
    # the PSNR of the pooled error would be 10 log10(255² / (219² (1 + 1/25) / 2)), far below the mean of 8.312
    pooled = 10 * math.log10(255**2 / (219**2 * (1 + 1 / 25) / 2))
    assert pooled == pytest.approx(4.162, abs=1e-3)
    assert each.mean().item() == pytest.approx(8.312, abs=1e-3)


@pytest.mark.parametrize("score", [psnr, ssim])
def test_a_border_is_left_out_on_every_side(score) -> None:
    original = flat(100)
    for edge in (np.s_[:, :8], np.s_[:, -8:], np.s_[:, :, :8], np.s_[:, :, -8:]):
        restored = original.copy()
        restored[edge] = 200
        perfect = math.inf if score is psnr else 1.0
        assert score(restored, original, border=8).item() == pytest.approx(perfect)
        assert score(restored, original, border=7).item() < perfect
        assert score(restored, original).item() < perfect


def test_without_a_word_nothing_is_left_out() -> None:
    original = flat(100)
    restored = original.copy()
    restored[:, 0] = 200  # the outermost row
    assert psnr(restored, original).item() < math.inf
    assert ssim(restored, original).item() < 1 - 1e-6
    decibels, similarity = scores({"a row": restored[0]}, original[0])["a row"]
    assert decibels == psnr(restored, original).item()
    assert similarity == ssim(restored, original).item()


@pytest.mark.parametrize("score", [psnr, ssim])
@pytest.mark.parametrize("original", [flat(0), flat(0, 0, size=16), flat(0, 0)[..., :1]])
def test_each_picture_has_an_original_of_its_own_and_its_size(score: Callable[..., Tensor], original: Picture) -> None:
    with pytest.raises(ValueError, match=r"restored pictures are \(2, 32, 32, 3\), originals \("):
        score(flat(0, 0), original)


def test_no_pictures_are_similar_to_none() -> None:
    nothing = ssim(flat(0)[:0], flat(0)[:0])
    assert nothing.shape == (0,)
    assert nothing.dtype == torch.float64


def planes(name: str, border: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Y of each pair without its border, for the other library."""
    restored, original = (luma(pictures)[:, 0].numpy() for pictures in pairs()[name])
    inner = np.s_[border : original.shape[1] - border, border : original.shape[2] - border]
    return [(a[inner], b[inner]) for a, b in zip(restored, original, strict=True)]


@pytest.mark.parametrize("border", [0, 8])
@pytest.mark.parametrize("name", ["noise", "faces"])
def test_psnr_agrees_with_scikit_image(name: str, border: int) -> None:
    expected = [skimage.metrics.peak_signal_noise_ratio(b, a, data_range=255) for a, b in planes(name, border)]
    assert psnr(*pairs()[name], border).tolist() == pytest.approx(expected, abs=1e-4)


# ---- SSIM


@pytest.mark.parametrize("border", [0, 8])
@pytest.mark.parametrize("name", ["noise", "faces"])
def test_ssim_agrees_with_torchmetrics_where_the_window_is_inside(name: str, border: int) -> None:
    restored, original = (torch.from_numpy(np.stack(each))[:, None] for each in zip(*planes(name, border), strict=True))
    _, everywhere = structural_similarity_index_measure(
        restored, original, sigma=1.5, data_range=255.0, return_full_image=True
    )
    expected = everywhere[..., 5:-5, 5:-5].mean((1, 2, 3))  # the window is 11 x 11
    assert ssim(*pairs()[name], border).tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_ssim_of_a_single_window_by_hand() -> None:
    restored, original = (pictures[:1, :11, :11] for pictures in pairs()["noise"])
    a, b = (luma(picture)[0, 0].numpy() for picture in (restored, original))
    bell = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    w = np.outer(bell, bell) / bell.sum() ** 2
    mean_a, mean_b = (w * a).sum(), (w * b).sum()
    var_a, var_b = (w * (a - mean_a) ** 2).sum(), (w * (b - mean_b) ** 2).sum()
    covariance = (w * (a - mean_a) * (b - mean_b)).sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    expected /= (mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2)
    assert ssim(restored, original).item() == pytest.approx(expected, abs=1e-6)


def test_ssim_of_flat_pictures_compares_their_brightness() -> None:
    # black is 16 and white 235 on Y, nothing varies: (2 * 16 * 235 + 6.5025) / (16² + 235² + 6.5025)
    assert ssim(flat(0), flat(255)).item() == pytest.approx(7526.5025 / 55487.5025, abs=1e-6)


# ---- both


def test_scores_of_several_pictures_of_one_face() -> None:
    restored, (original, _) = pairs()["faces"]
    twice = np.stack([original, original])
    found = scores({"restored": restored[0], "another": restored[1]}, original, border=4)
    assert list(found) == ["restored", "another"]
    both = zip(psnr(restored, twice, border=4).tolist(), ssim(restored, twice, border=4).tolist(), strict=True)
    assert list(found.values()) == list(both)
    assert scores({"same": original}, original) == {"same": (math.inf, pytest.approx(1))}
    assert scores({"black": flat(0)[0]}, flat(255)[0])["black"] == pytest.approx((1.322, 0.1356), abs=1e-3)


# ---- landmarks


def test_landmark_error_is_in_distances_of_the_outer_eye_corners() -> None:
    true = torch.zeros(2, 68, 2)
    true[:, 36] = torch.tensor([5.0, 10.0])
    true[:, 45] = torch.tensor([35.0, 50.0])  # 50 pixels from point 36
    predicted = true.clone()
    predicted[0] += torch.tensor([3.0, -4.0])  # all points off by 5 pixels
    predicted[1, 10, 0] += 34.0  # one of 68 points off by 34
    assert landmark_error(predicted, true).tolist() == pytest.approx([5 / 50, 34 / 68 / 50])


def test_the_true_eyes_are_the_measure() -> None:
    true = torch.zeros(1, 68, 2)
    true[:, 45, 0] = 10.0
    assert landmark_error(torch.zeros(1, 68, 2), true).item() == pytest.approx(10 / 68 / 10)


# ---- action units


def test_au_scores_by_hand() -> None:
    probability = torch.tensor([[0.9, 0.2, 0.9], [0.8, 0.4, 0.1], [0.1, 0.1, 0.2], [0.5, 0.3, 0.9]])
    labels = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, NAN]])
    f1, accuracy = au_scores(probability, labels)
    # unit 1: 2 hits, 1 false alarm, 1 miss; .5 counts as present. unit 2: never found. unit 3: no positive
    np.testing.assert_allclose(f1, [4 / 6, 0, np.nan])
    np.testing.assert_allclose(accuracy, [2 / 4, 2 / 4, 2 / 3])


def test_unknown_labels_are_left_out() -> None:
    known = torch.tensor([[0.9], [0.9], [0.1]]), torch.tensor([[1.0], [0.0], [1.0]])
    more = torch.tensor([[0.9], [0.1]]), torch.full((2, 1), NAN)
    with_unknown = au_scores(*(torch.cat(parts) for parts in zip(known, more, strict=True)))
    np.testing.assert_array_equal(with_unknown, au_scores(*known))
    np.testing.assert_allclose(with_unknown, [[1 / 2], [1 / 3]])


def test_without_a_known_label_there_is_no_score() -> None:
    f1, accuracy = au_scores(torch.tensor([[0.9]]), torch.tensor([[NAN]]))
    assert np.isnan(f1).all()
    assert np.isnan(accuracy).all()


def test_au_scores_agree_with_torchmetrics() -> None:
    random = torch.Generator().manual_seed(0)
    probability = torch.rand(200, 12, generator=random)
    labels = (torch.rand(200, 12, generator=random) < torch.linspace(0.1, 0.9, 12)).float()
    f1, accuracy = au_scores(probability, labels)
    options = {"num_labels": 12, "average": "none"}
    np.testing.assert_allclose(f1, multilabel_f1_score(probability, labels.int(), **options), rtol=1e-6)
    np.testing.assert_allclose(accuracy, multilabel_accuracy(probability, labels.int(), **options), rtol=1e-6)
