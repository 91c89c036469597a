"""Facial action units: what each one is, and where on a face it acts."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ActionUnit:
    """One action unit of the Facial Action Coding System: what moves which way, and where on the face it acts.

    `centres` are two of the 68 landmarks (0-based), None where the paper's rules give no place; `offset` moves both
    down the image (negative: up), in units of the distance between the inner eye corners (landmarks 39 and 42).
    """

    number: int
    name: str
    muscle: str
    effect: str  # what is seen of it
    centres: tuple[int, int] | None = None
    offset: float = 0.0

    @property
    def title(self) -> str:
        """As in AU12 lip corner puller."""
        return f"AU{self.number} {self.name}"


#: Every unit that is known, by its number.
CATALOGUE: dict[int, ActionUnit] = {
    unit.number: unit
    for unit in (
        ActionUnit(1, "inner brow raiser", "frontalis, medial", "inner ends of the brows up", (21, 22), -1 / 2),
        ActionUnit(2, "outer brow raiser", "frontalis, lateral", "outer ends of the brows up", (18, 25), -1 / 3),
        ActionUnit(4, "brow lowerer", "corrugator supercilii", "brows down and together", (19, 24), 1 / 3),
        ActionUnit(5, "upper lid raiser", "levator palpebrae superioris", "eyes wide, white above the iris"),
        ActionUnit(6, "cheek raiser", "orbicularis oculi, orbital", "cheeks up, crow's feet", (41, 46), 1.0),
        ActionUnit(7, "lid tightener", "orbicularis oculi, palpebral", "eyes narrowed, lower lids straight", (38, 43)),
        ActionUnit(9, "nose wrinkler", "levator labii alaeque nasi", "nose up, its root wrinkled", (32, 34), -1 / 2),
        ActionUnit(10, "upper lip raiser", "levator labii superioris", "upper lip up, deep folds beside it", (61, 63)),
        ActionUnit(12, "lip corner puller", "zygomaticus major", "corners of the mouth up and out: a smile", (48, 54)),
        ActionUnit(14, "dimpler", "buccinator", "corners of the mouth drawn in, a dimple beside each", (48, 54)),
        ActionUnit(15, "lip corner depressor", "depressor anguli oris", "corners of the mouth down", (48, 54)),
        ActionUnit(17, "chin raiser", "mentalis", "chin wrinkled, the lower lip pushed up", (56, 58), 1 / 2),
        ActionUnit(20, "lip stretcher", "risorius", "mouth stretched to the sides"),
        ActionUnit(23, "lip tightener", "orbicularis oris", "lips narrow and tight", (51, 57)),
        ActionUnit(24, "lip pressor", "orbicularis oris", "lips pressed together", (51, 57)),
        ActionUnit(25, "lips part", "depressor labii, or mentalis relaxed", "lips apart, teeth seen", (51, 57)),
        ActionUnit(26, "jaw drop", "masseter relaxed", "jaw down, mouth open", (56, 58), 1 / 2),
        ActionUnit(43, "eyes closed", "levator palpebrae relaxed", "upper lids down"),
    )
}


def attention_maps(landmarks: Tensor, aus: tuple[int, ...], size: int) -> Tensor:
    """Where on the face each action unit acts (Sec. 3.1, by the rules of JAA-Net).

    Around each of a unit's two centres stands a square of half-width round(0.14 (size - 1) / 2) cells in
    which the value falls off linearly with the city-block distance; the two combine by maximum. At
    size 32 that is a window of 5 x 5 with .75 .875 1 .875 .75 through the centre and .5 in its corners.
    Faces must be upright. No gradient reaches the landmarks.

    Args:
        landmarks: (N, 68, 2), x and y in cells of the map.
        aus: numbers of the action units, in channel order.
        size: side S of the maps, in cells.

    Returns:
        (N, len(aus), S, S), in [0, 1].

    Raises:
        ValueError: a unit without a place.
    """
    points = landmarks.detach()
    units = [CATALOGUE[number] for number in aus]
    centres = [unit.centres for unit in units if unit.centres is not None]
    if len(centres) < len(units):
        raise ValueError(f"not all of {aus} have a place on the face")

    # unit by unit: a tensor of their numbers would have to travel to a GPU, which would keep it waiting
    eyes = (points[:, 39, 0] - points[:, 42, 0]).abs()  # (N,)
    centre = torch.stack([torch.stack([points[:, left], points[:, right]], 1) for left, right in centres], 1)
    shift = torch.stack([unit.offset * eyes for unit in units], 1)[..., None]  # (N, A, 1)
    x = centre[..., 0].round()  # (N, A, 2): face, unit, left or right
    y = (centre[..., 1] + shift).round()

    cells = torch.arange(size, device=points.device)
    dx = (cells - x[..., None]).abs()[..., None, :]  # (N, A, 2, 1, S)
    dy = (cells - y[..., None]).abs()[..., :, None]  # (N, A, 2, S, 1)
    inside = torch.maximum(dx, dy) <= round(0.14 * (size - 1) / 2)
    value = (1 - 0.56 * (dx + dy) / (0.14 * size)).clamp(min=0)
    return (value * inside).amax(dim=2)  # (N, A, S, S)
