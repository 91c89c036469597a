"""The mean of the training pictures as a layer, in which SRFBN and SISN take it off and put it on again."""

import torch
from torch import nn


def mean_shift(mean: tuple[float, float, float], sign: int) -> nn.Conv2d:
    """A 1x1 conv that adds `sign` times the mean and does not learn; its 12 numbers are among those published."""
    layer = nn.Conv2d(3, 3, 1)
    layer.weight.data = torch.eye(3).view(3, 3, 1, 1)
    layer.bias.data = sign * torch.tensor(mean)  # pyright: ignore[reportOptionalMemberAccess]
    return layer.requires_grad_(False)
