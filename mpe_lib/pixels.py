"""Pictures as bytes (H, W, 3) and as tensors (3, H, W) in [0, 1]."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Picture = NDArray[np.uint8]  #: (H, W, 3) uint8, RGB


def to_tensor(picture: Picture) -> Tensor:
    """(..., H, W, 3) uint8 -> (..., 3, H, W) float32 in [0, 1]."""
    planes = np.ascontiguousarray(np.moveaxis(picture, -1, -3))  # bytes move faster than floats
    return torch.from_numpy(planes).float().div_(255)


def to_picture(tensor: Tensor) -> Picture:
    """(..., 3, H, W), clamped to [0, 1] -> (..., H, W, 3) uint8, rounded as a saved PNG is."""
    levels = (tensor.detach().float().clamp(0, 1) * 255).round().to(torch.uint8)
    return np.moveaxis(levels.cpu().numpy(), -3, -1)
