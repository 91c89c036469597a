"""Bicubic interpolation: no network, the floor of every table, and the picture that SRCNN and VDSR begin with."""

import torch
from torch import Tensor
from torch.nn import functional as F

SCALE = 8  #: 16 x 16 -> 128 x 128
#: BT.601 luma of RGB in [0, 1], without its offset: what SRCNN and VDSR see and restore
LUMA = (65.481 / 255, 128.553 / 255, 24.966 / 255)


def enlarge(lr: Tensor) -> Tensor:
    """(N, C, 16, 16) -> (N, C, 128, 128), as Pillow's bicubic, which `antialias` makes PyTorch's the same as."""
    return F.interpolate(lr, scale_factor=float(SCALE), mode="bicubic", antialias=True)


def luma(picture: Tensor) -> Tensor:
    """(N, 3, H, W), RGB in [0, 1] -> (N, 1, H, W), in [0, 219 / 255]."""
    return (picture * torch.tensor(LUMA, dtype=picture.dtype, device=picture.device).view(3, 1, 1)).sum(1, keepdim=True)


def add_luma(picture: Tensor, change: Tensor) -> Tensor:
    """A picture whose luma is changed and whose chroma is not: R, G and B move by the same.

    Args:
        picture: (N, 3, H, W), RGB.
        change: (N, 1, H, W), of its luma.
    """
    return picture + change / sum(LUMA)
