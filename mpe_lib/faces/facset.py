"""Face folders: 144 x 144 pictures with landmarks and action units in `metadata.csv`."""

import csv
import hashlib
import math
import os
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpe_lib.errors import UserError
from mpe_lib.files import is_inside, open_text

ALIGNED = 144  #: side of a face in a face folder
POINTS = [(f"x_{i}", f"y_{i}") for i in range(68)]  #: columns of a table: x and y of each landmark
COORDINATES = [name for point in POINTS for name in point]  #: the same, one after the other
#: How a label may be written. 9 is unknown, as BP4D writes it; with a decimal, as pandas writes a column that has gaps
AU_VALUES = {"0": 0.0, "0.0": 0.0, "1": 1.0, "1.0": 1.0, "": np.nan, "9": np.nan, "9.0": np.nan}


@dataclass(frozen=True, eq=False)
class Faces:
    """The table of a face folder, or of several.

    `landmarks` is (n, 68, 2) in pixels of the picture, NaN where they are unknown; `aus` is (n, A): 1 present,
    0 absent, NaN unknown; `frequency` is (n,): how often a face comes up in training, relative to the others.
    """

    paths: list[Path]
    landmarks: NDArray[np.float32]
    aus: NDArray[np.float32]
    frequency: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.paths)

    def __add__(self, other: "Faces") -> "Faces":
        return Faces(
            self.paths + other.paths,
            np.concatenate([self.landmarks, other.landmarks]),
            np.concatenate([self.aus, other.aus]),
            np.concatenate([self.frequency, other.frequency]),
        )

    def take(self, indices: NDArray[np.int64]) -> "Faces":
        """Those faces, in that order."""
        return Faces(
            [self.paths[index] for index in indices],
            self.landmarks[indices],
            self.aus[indices],
            self.frequency[indices],
        )

    def weighted(self, weight: float) -> "Faces":
        """The same faces, which together come up as often as the faces of another set of this weight."""
        return replace(self, frequency=np.full(len(self), weight / len(self)))

    def rates(self) -> Tensor:
        """(A,), how often a unit is shown where its label is known, as training meets it; NaN where it never is."""
        labels = torch.from_numpy(self.aus)
        often = torch.from_numpy(self.frequency)[:, None]
        positive, known = ((labels == 1) * often).sum(0), (~labels.isnan() * often).sum(0)
        return torch.where(positive > 0, positive / known, torch.nan).float()

    def scale(self) -> float | None:
        """The scale at which the faces were cut, to two decimals: `align`'s, found again from the landmarks.

        None where no landmarks are known, or none that are a face.
        """
        landmarks = self.landmarks[np.isfinite(self.landmarks).all((1, 2))].astype(np.float64)
        eyes = [landmarks[:, part].mean(axis=1) for part in (slice(36, 42), slice(42, 48))]
        inner = np.stack([*eyes, *(landmarks[:, point] for point in (30, 48, 54))])
        extent = np.ptp(inner, axis=0).max(axis=-1)
        extent = extent[extent > 0]
        return round(float(np.median(ALIGNED / extent)), 2) if len(extent) else None

    def fingerprint(self) -> str:
        """Tells these faces, in this order, with these labels and frequencies, from others."""
        digest = hashlib.sha256("/".join(path.name for path in self.paths).encode(errors="surrogateescape"))
        for values in (self.landmarks, self.aus, self.frequency):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:16]


def read_faces(
    folder: Path, split: str | None, aus: tuple[int, ...], fold: int | None = None, *, needed: bool = True
) -> Faces:
    """The faces of one split of a face folder, all splits if None.

    A unit without a column is unknown for every face; so are the landmarks if none has a column, and those of a
    line that leaves all of them empty. Where the folder has several folds, `fold` says by which of them it is split.

    Raises:
        UserError: no folder or table, a column or picture missing, a landmark or AU label that is not one,
            some landmarks of a face but not all, no such fold; no face in the split, if one is `needed`.
    """
    table = Path(folder) / "metadata.csv"
    column = "split" if fold is None else f"fold{fold}"
    paths, landmarks, labels = list[Path](), array("f"), array("f")  # 140,000 rows as text would be gigabytes
    splits = set[str]()
    for line, row in _read_rows(table, [] if split is None and fold is None else [column]):
        splits.add(row.get(column, ""))
        if split is None or row[column] == split:
            paths.append(_picture_path(table, line, row))
            landmarks.extend(_landmarks(table, line, row))
            labels.extend(_au(table, line, row, au) for au in aus)
    if not splits:
        raise UserError(f"{table}: no face", "add a row for each picture")
    if not paths and needed:
        raise UserError(
            f"{table}: no face in split '{split}'", f"its column '{column}' has {', '.join(sorted(splits))}"
        )
    n = len(paths)
    return Faces(
        paths,
        np.asarray(landmarks, np.float32).reshape(n, len(POINTS), 2),
        np.asarray(labels, np.float32).reshape(n, len(aus)),
        np.ones(n),
    )


def _read_rows(table: Path, extra: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The table's rows with their line numbers, one at a time."""
    if not os.path.isfile(table):  # unlike Path's, false of a name that is too long
        raise UserError(
            f"{table}: not found", "a face folder holds pictures and a metadata.csv with file_name and landmarks"
        )
    try:
        with open_text(table) as lines:
            reader = csv.DictReader(lines)
            _check_columns(table, reader.fieldnames or [], extra)
            for row in reader:
                if None in row.values():
                    ended = next(name for name, value in row.items() if value is None)
                    where = f"{table}:{reader.line_num}"
                    raise UserError(f"{where}: ends before column {ended}", "write it whole or delete the row")
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: not a CSV table ({error})", "save it as UTF-8 text that you may read") from error


def check_once(table: Path, columns: Sequence[str]) -> None:
    """Refuse a table whose cells could be meant either way.

    Raises:
        UserError: two columns of one name.
    """
    twice = [name for name, count in Counter(columns).items() if name and count > 1]
    if twice:
        raise UserError(f"{table}: two columns are called {twice[0]}", "keep one of them")


def _check_columns(table: Path, columns: Sequence[str], extra: list[str]) -> None:
    needed = ["file_name", *extra, *(COORDINATES if any(name in columns for name in COORDINATES) else ())]
    check_once(table, columns)
    missing = [name for name in needed if name not in columns]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        folds = any(name.startswith("fold") for name in missing)
        remedy = "mpe prepare bp4d and mpe prepare disfa make folders with folds" if folds else "add what is missing"
        raise UserError(f"{table}: no column {', '.join(missing[:3])}{more}", remedy)


def _picture_path(table: Path, line: int, row: dict[str, str]) -> Path:
    name = row["file_name"]
    path = table.parent / name
    if not is_inside(table.parent, name):
        raise UserError(f"{table}:{line}: file_name '{name}'", "name a file inside the folder, not a link out of it")
    if not os.path.isfile(path):
        raise UserError(f"{table}:{line}: picture '{name}' is missing", "restore it or delete the row")
    return path


def _landmarks(table: Path, line: int, row: dict[str, str]) -> list[float]:
    """x_0, y_0, x_1, ..."""
    texts = [row.get(name, "") for name in COORDINATES]
    if not "".join(texts).strip():
        return [np.nan] * len(texts)
    values = [_number(text) for text in texts]
    if not all(map(math.isfinite, values)):
        x, y = next(POINTS[i // 2] for i, value in enumerate(values) if not math.isfinite(value))
        raise UserError(
            f"{table}:{line}: landmark {x},{y} of '{row['file_name']}' is no pair of numbers",
            "correct it, or leave all of them empty",
        )
    return values


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _au(table: Path, line: int, row: dict[str, str], au: int) -> float:
    value = (row.get(f"AU{au}") or "").strip()
    if value not in AU_VALUES:
        raise UserError(
            f"{table}:{line}: AU{au} of '{row['file_name']}' is '{value}'",
            "write 1 for present, 0 for absent, 9 or nothing for unknown",
        )
    return AU_VALUES[value]


def read_all(
    sources: Sequence[tuple[Path, float | None]],
    split: str | None,
    aus: tuple[int, ...],
    fold: int | None = None,
    *,
    needed: bool = True,
) -> Faces:
    """The faces of several folders, one after the other; each folder with the weight that is given, if one is.

    Args:
        needed: false where folders may have no face in the split.

    Raises:
        UserError: as `read_faces`.
    """
    read = [(read_faces(folder, split, aus, fold, needed=needed), weight) for folder, weight in sources]
    first, *rest = (faces if weight is None else faces.weighted(weight) for faces, weight in read)
    return sum(rest, first)
