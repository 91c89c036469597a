"""Landmarks to heatmaps and back."""

import torch
from torch import Tensor

#: The 68 points under a left-right flip: point i of the mirrored face is point MIRROR[i] of the original.
MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),  # jaw
    *range(26, 16, -1),  # brows
    *range(27, 31),  # nose bridge
    *range(35, 30, -1),  # nostrils
    *(45, 44, 43, 42, 47, 46),  # right eye takes the left one's place
    *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),  # outer lips, upper edge
    *range(59, 54, -1),  # outer lips, lower edge
    *range(64, 59, -1),  # inner lips, upper edge
    *range(67, 64, -1),  # inner lips, lower edge
)


#: The regions that DIC merges the points into: both eyes, nose, mouth, and the outline with the brows.
REGIONS: tuple[slice, ...] = (slice(36, 42), slice(42, 48), slice(27, 36), slice(48, 68), slice(0, 27))


def encode(landmarks: Tensor, size: int, sigma: float = 1.0) -> Tensor:
    """A Gaussian bump of height 1 at each landmark.

    Args:
        landmarks: (N, 68, 2), x and y in cells of the map; a picture's pixels divided by the stride. Where one is
            NaN, its map is.
        size: side S of the maps.
        sigma: width of the bump, in cells.

    Returns:
        (N, 68, S, S), in [0, 1].
    """
    cells = torch.arange(size, device=landmarks.device, dtype=landmarks.dtype)
    x, y = landmarks[..., 0, None], landmarks[..., 1, None]  # (N, 68, 1)
    across = torch.exp(-((cells - x) ** 2) / (2 * sigma**2))  # (N, 68, S)
    down = torch.exp(-((cells - y) ** 2) / (2 * sigma**2))
    return down[..., :, None] * across[..., None, :]


def decode(maps: Tensor) -> Tensor:
    """The landmarks that heatmaps show: the largest cell, moved a quarter cell toward its larger neighbour.

    Args:
        maps: (N, K, S, S).

    Returns:
        (N, K, 2), x and y in cells, within [0, S - 1]; without gradient.
    """
    maps = maps.detach().float()
    size = maps.shape[-1]
    peak = maps.flatten(2).argmax(dim=-1)  # (N, K)
    row, column = peak // size, peak % size
    lines = maps.gather(2, row[..., None, None].expand(-1, -1, 1, size)).squeeze(2)  # (N, K, S): the peak's row
    columns = maps.gather(3, column[..., None, None].expand(-1, -1, size, 1)).squeeze(3)
    x = column + _quarter_step(lines, column)
    y = row + _quarter_step(columns, row)
    return torch.stack([x, y], dim=-1).clamp(0, size - 1)


def merge(maps: Tensor) -> Tensor:
    """The maps of 68 points as five of regions (DIC, Ma et al. 2020): each stretched to height 1, then added up.

    Args:
        maps: (N, 68, S, S); what is lower than .05 everywhere is stretched as if it were so high.

    Returns:
        (N, 5, S, S).
    """
    stretched = maps / maps.amax((2, 3), keepdim=True).clamp(min=0.05)
    return torch.stack([stretched[:, region].sum(1) for region in REGIONS], 1)


def _quarter_step(line: Tensor, at: Tensor) -> Tensor:
    """+-1/4 toward the larger neighbour of cell `at` on each line, 0 on a tie; outward at an edge."""
    last = line.shape[-1] - 1
    before = line.gather(-1, (at - 1).clamp(min=0)[..., None]).squeeze(-1)
    after = line.gather(-1, (at + 1).clamp(max=last)[..., None]).squeeze(-1)
    return 0.25 * torch.sign(after - before)
