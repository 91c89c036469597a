"""How good a restored face is: PSNR and SSIM on Y, landmark error, AU scores. All per picture or per unit."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpe_lib.pixels import Picture


def luma(picture: Picture) -> Tensor:
    """(N, H, W, 3) uint8 -> (N, 1, H, W), Y of BT.601 in [16, 235], kept in float (not cut to whole levels)."""
    weights = np.array([65.481, 128.553, 24.966]) / 255
    return torch.from_numpy(picture @ weights + 16).unsqueeze(1)


def psnr(restored: Picture, original: Picture, border: int = 0) -> Tensor:
    """Peak signal-to-noise ratio on Y, in dB, of each picture; infinite where they are equal.

    Args:
        restored, original: (N, H, W, 3) uint8, as a PNG holds them.
        border: pixels left out on every side. It moves PSNR by up to 1 dB: never quote one without it.

    Returns:
        (N,) float64. Average these, for the PSNR of a pooled error is lower on the same pictures.

    Raises:
        ValueError: not as many originals as restored pictures, or of another size.
    """
    from torchmetrics.functional.image import peak_signal_noise_ratio

    a, b = _both(restored, original, border)
    return peak_signal_noise_ratio(a, b, data_range=255.0, reduction="none", dim=(1, 2, 3))


def ssim(restored: Picture, original: Picture, border: int = 0) -> Tensor:
    """Structural similarity on Y (Wang et al. 2004) of each picture, with arguments as for `psnr`.

    An 11 x 11 Gaussian window of sigma 1.5 where it lies wholly inside, constants for 255.
    """
    from skimage.metrics import structural_similarity

    a, b = (y[:, 0].numpy() for y in _both(restored, original, border))
    of_each = [
        structural_similarity(*pair, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255)
        for pair in zip(a, b, strict=True)
    ]
    return torch.tensor(of_each, dtype=torch.float64)


def scores(restored: Mapping[str, Picture], original: Picture, border: int = 0) -> dict[str, tuple[float, float]]:
    """PSNR and SSIM of several pictures of one face, by name.

    Args:
        restored: (H, W, 3) uint8 each.
        original: (H, W, 3) uint8.
        border: as for `psnr`.
    """
    pictures = np.stack(list(restored.values()))
    originals = np.broadcast_to(original, pictures.shape)
    both = psnr(pictures, originals, border).tolist(), ssim(pictures, originals, border).tolist()
    return {name: (p, s) for name, p, s in zip(restored, *both, strict=True)}


def _both(restored: Picture, original: Picture, border: int) -> tuple[Tensor, Tensor]:
    """The Y of each, without its border."""
    if restored.shape != original.shape:
        raise ValueError(f"restored pictures are {restored.shape}, originals {original.shape}")
    return _inner(luma(restored), border), _inner(luma(original), border)


def _inner(y: Tensor, border: int) -> Tensor:
    return y[..., border : y.shape[-2] - border, border : y.shape[-1] - border]


def landmark_error(predicted: Tensor, true: Tensor) -> Tensor:
    """(N, 68, 2) twice -> (N,), mean distance over the distance of the true outer eye corners (36 and 45)."""
    eyes = (true[:, 36] - true[:, 45]).norm(dim=-1)
    return (predicted - true).norm(dim=-1).mean(dim=-1) / eyes


def au_scores(probability: Tensor, labels: Tensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """F1 and accuracy of each action unit at threshold .5.

    Args:
        probability: (N, A), in [0, 1].
        labels: (N, A): 1 present, 0 absent, NaN unknown (left out).

    Returns:
        F1 and accuracy, (A,) each, in [0, 1]. Without a known label both are NaN, without a positive F1 is;
        leave those out of the mean.
    """
    known, positive, said = ~labels.isnan(), labels == 1, probability >= 0.5
    hits = (said & positive).sum(0).double()
    f1 = 2 * hits / ((said & known).sum(0) + positive.sum(0))
    right = (known & (said == positive)).sum(0).double()
    return f1.where(positive.any(0), torch.nan).numpy(), (right / known.sum(0)).numpy()
