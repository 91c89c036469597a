"""Who is on the faces of a folder and who of them smiles; how well a score tells two kinds of faces apart."""

import csv
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mpe_lib.faces.facset import Faces, read_faces
from mpe_lib.files import open_text

NEUTRAL, SMILING = r"n|\d+_03$", r"s|\d+_08$"  # names of files begin so; the numbers are the London Set's


def rows(table: Path) -> list[dict[str, str]]:
    with open_text(table) as file:
        return list(csv.DictReader(file))


def tested(folder: Path) -> list[dict[str, str]]:
    """What a face folder says of each face to test, in the order of `read_faces`."""
    return [row for row in rows(folder / "metadata.csv") if row["split"] == "test"]


def pairs(folder: Path, aus: tuple[int, ...]) -> tuple[Faces, NDArray[np.str_], NDArray[np.bool_]]:
    """The faces to test of everybody who is there neutral and smiling; whose each is (n,), and whether it smiles (n,).

    Names of files say it: n001 and s001, or as `mpe fetch london` has them 001_03 and 001_08.
    """
    faces = read_faces(folder, "test", aus)
    people = np.array([row.get("subject", "") for row in tested(folder)])
    neutral, smiling = (
        np.array([re.match(names, path.stem) is not None for path in faces.paths]) for names in (NEUTRAL, SMILING)
    )
    both = {*people[neutral]} & {*people[smiling]} - {""}
    kept = np.flatnonzero([person in both for person in people] & (neutral | smiling))
    if not len(kept):
        told = "call their files n001 and s001, or 001_03 and 001_08 as mpe fetch london does"
        raise SystemExit(f"{folder}: nobody is there neutral and smiling; {told}")
    return faces.take(kept), people[kept], smiling[kept]


def area_under_curve(score: Tensor, positive: Tensor) -> float:
    """How often a positive scores higher than a negative; ties count half."""
    above = score[positive][:, None] - score[~positive][None]
    return ((above > 0).float() + 0.5 * (above == 0).float()).mean().item()
