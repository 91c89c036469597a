"""Who is on the faces of a folder; how well a score tells two kinds of faces apart."""

import csv
from pathlib import Path

from torch import Tensor

from mpe_lib.files import open_text


def rows(table: Path) -> list[dict[str, str]]:
    with open_text(table) as file:
        return list(csv.DictReader(file))


def tested(folder: Path) -> list[dict[str, str]]:
    """What a face folder says of each face to test, in the order of `read_faces`."""
    return [row for row in rows(folder / "metadata.csv") if row["split"] == "test"]


def area_under_curve(score: Tensor, positive: Tensor) -> float:
    """How often a positive scores higher than a negative; ties count half."""
    above = score[positive][:, None] - score[~positive][None]
    return ((above > 0).float() + 0.5 * (above == 0).float()).mean().item()
