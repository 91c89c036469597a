"""Face folders: 144 x 144 pictures with landmarks and action units in `metadata.csv`, and the samples cut from them."""

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from mpe_lib.errors import UserError
from mpe_lib.faces.degrade import degrade
from mpe_lib.faces.picture import read_picture
from mpe_lib.heatmaps import MIRROR
from mpe_lib.pixels import Picture, to_tensor

ALIGNED = 144  # side of a face in a face folder
CROP = 128  # what the network is trained on of it (Sec. 4.2)
POINTS = [(f"x_{i}", f"y_{i}") for i in range(68)]
COORDINATES = [name for point in POINTS for name in point]
# 9: unknown, as BP4D writes it; with a decimal, as pandas writes a column that has gaps
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

        None where no landmarks are known.
        """
        landmarks = self.landmarks[~np.isnan(self.landmarks).any((1, 2))]
        if not len(landmarks):
            return None
        eyes = [landmarks[:, part].mean(axis=1) for part in (slice(36, 42), slice(42, 48))]
        inner = np.stack([*eyes, *(landmarks[:, point] for point in (30, 48, 54))])
        return round(float(np.median(ALIGNED / np.ptp(inner, axis=0).max(axis=-1))), 2)

    def fingerprint(self) -> str:
        """Tells these faces, in this order, with these labels and frequencies, from others."""
        digest = hashlib.sha256("/".join(path.name for path in self.paths).encode(errors="surrogateescape"))
        for values in (self.landmarks, self.aus, self.frequency):
            digest.update(np.ascontiguousarray(values).tobytes())
        return digest.hexdigest()[:16]


def read_faces(folder: Path, split: str | None, aus: tuple[int, ...]) -> Faces:
    """The faces of one split of a face folder, all splits if None.

    A unit without a column is unknown for every face; so are the landmarks if none has a column, and those of a
    line that leaves all of them empty.

    Raises:
        UserError: no folder or table, a column or picture missing, a landmark or AU label that is not one,
            some landmarks of a face but not all, no face in the split.
    """
    table = Path(folder) / "metadata.csv"
    everything = _read_rows(table, [] if split is None else ["split"])
    rows = [(line, row) for line, row in everything if split is None or row["split"] == split]
    if not everything:
        raise UserError(f"{table}: no face", "add a row for each picture")
    if not rows:
        splits = sorted({row["split"] for _, row in everything})
        raise UserError(f"{table}: no face in split '{split}'", f"its column 'split' has {', '.join(splits)}")
    return Faces(
        [_picture_path(table, line, row) for line, row in rows],
        np.array([_landmarks(table, line, row) for line, row in rows], np.float32),
        np.array([[_au(table, line, row, au) for au in aus] for line, row in rows], np.float32).reshape(len(rows), -1),
        np.ones(len(rows)),
    )


def _read_rows(table: Path, extra: list[str]) -> list[tuple[int, dict[str, str]]]:
    """The table's rows with their line numbers."""
    if not os.path.isfile(table):  # unlike Path's, false of a name that is too long
        raise UserError(
            f"{table}: not found", "a face folder holds pictures and a metadata.csv with file_name and landmarks"
        )
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            columns = reader.fieldnames or []
            needed = ["file_name", *extra, *(COORDINATES if any(name in columns for name in COORDINATES) else ())]
            missing = [name for name in needed if name not in columns]
            if missing:
                more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
                raise UserError(f"{table}: no column {', '.join(missing[:3])}{more}", "add what is missing")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table}: not a CSV table ({error})", "save it as UTF-8 text that you may read") from error
    for line, row in rows:
        if None in row.values():
            ended = next(name for name, value in row.items() if value is None)
            raise UserError(f"{table}:{line}: ends before column {ended}", "write it whole or delete the row")
    return rows


def _picture_path(table: Path, line: int, row: dict[str, str]) -> Path:
    name = row["file_name"]
    path = table.parent / name
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise UserError(f"{table}:{line}: file_name '{name}'", "name a file inside the folder")
    if not os.path.isfile(path):
        raise UserError(f"{table}:{line}: picture '{name}' is missing", "restore it or delete the row")
    return path


def _landmarks(table: Path, line: int, row: dict[str, str]) -> list[tuple[float, float]]:
    if not any(row.get(name, "").strip() for name in COORDINATES):
        return [(np.nan, np.nan)] * len(POINTS)
    points: list[tuple[float, float]] = []
    for names in POINTS:
        try:
            x, y = (float(row[name]) for name in names)
        except ValueError:
            x = y = np.nan
        if not np.isfinite(x + y):
            raise UserError(
                f"{table}:{line}: landmark {names[0]},{names[1]} of '{row['file_name']}' is no pair of numbers",
                "correct it, or leave all of them empty",
            )
        points.append((x, y))
    return points


def _au(table: Path, line: int, row: dict[str, str], au: int) -> float:
    value = (row.get(f"AU{au}") or "").strip()
    if value not in AU_VALUES:
        raise UserError(
            f"{table}:{line}: AU{au} of '{row['file_name']}' is '{value}'",
            "write 1 for present, 0 for absent, 9 or nothing for unknown",
        )
    return AU_VALUES[value]


class Sample(NamedTuple):
    """What the network trains on: one face, or a batch of them with N in front."""

    hr: Tensor  # (3, 128, 128), RGB in [0, 1]
    lr: Tensor  # (3, 16, 16)
    landmarks: Tensor  # (68, 2), x and y in pixels of hr; NaN unknown
    aus: Tensor  # (A,): 1 present, 0 absent, NaN unknown


class CentreCrops(Dataset[Sample]):
    """The faces as they are tested: the central 128 x 128."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, index: int) -> Sample:
        face = read_face(self.faces.paths[index])
        start = (len(face) - CROP) // 2
        return _sample(*crop(face, self.faces.landmarks[index], start, start, CROP), self.faces.aus[index])


class RandomCrops(Dataset[Sample]):
    """The faces as they are trained on: a random crop, a little larger or smaller, flipped half of the time.

    What happens to a face follows from (seed, visit, index) alone, so that neither the number of workers
    nor an interruption changes it. The key is (visit, index), as `Shuffled` gives it.
    """

    def __init__(self, faces: Faces, scale_jitter: float, seed: int) -> None:
        self.faces, self.scale_jitter, self.seed = faces, scale_jitter, seed

    def __len__(self) -> int:
        return len(self.faces)

    def __getitem__(self, key: tuple[int, int]) -> Sample:
        visit, index = key
        random = Random(f"{self.seed} {visit} {index}")  # half the time of numpy's to set up
        face, landmarks = read_face(self.faces.paths[index]), self.faces.landmarks[index]
        side = min(round(CROP * (1 + self.scale_jitter * random.uniform(-1, 1))), len(face))
        left, top = random.randint(0, len(face) - side), random.randint(0, len(face) - side)
        face, landmarks = crop(face, landmarks, left, top, side)
        if random.random() < 0.5:
            face, landmarks = flip(face, landmarks)
        return _sample(face, landmarks, self.faces.aus[index])


class Shuffled(Sampler[list[tuple[int, int]]]):
    """Batches of (visit, index) without end of epoch: a batch may hold the last faces of one and the first of the next.

    An epoch is as many faces as there are. Each comes as often as its frequency says, rounded up in some epochs and
    down in others; where all are equal that is once, and the visit is the number of the epoch. No face has the same
    visit twice.

    Args:
        frequency: (n,), how often each face comes, relative to the others; or n, for equal ones.
        batch_size: faces in a batch.
        start, stop: the first update and the one after the last; any update can be the first.
        seed: of the order.
    """

    def __init__(self, frequency: NDArray[np.float64] | int, batch_size: int, start: int, stop: int, seed: int) -> None:
        often = np.ones(frequency) if isinstance(frequency, int) else frequency
        self._times = often * (len(often) / often.sum())  # in an epoch, on average
        self.batch_size, self.start, self.stop, self.seed = batch_size, start, stop, seed

    def __len__(self) -> int:
        return self.stop - self.start

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        current, keys = -1, list[tuple[int, int]]()
        for update in range(self.start, self.stop):
            batch: list[tuple[int, int]] = []
            for position in range(update * self.batch_size, (update + 1) * self.batch_size):
                epoch, place = divmod(position, len(self._times))
                if epoch != current:
                    current, keys = epoch, self._epoch(epoch)
                batch.append(keys[place])
            yield batch

    def _epoch(self, number: int) -> list[tuple[int, int]]:
        """Systematic sampling: the faces lie side by side, each as long as its frequency, and a comb of as many
        teeth as there are faces is laid over them; each tooth takes the face that it meets."""
        random = np.random.default_rng((self.seed, number))
        order = random.permutation(len(self._times))
        if np.ptp(self._times) == 0:
            return [(number, int(index)) for index in order]
        ends = np.cumsum(self._times[order])
        ends[-1] = len(order)  # but for rounding
        met = np.searchsorted(ends, np.arange(len(order)) + random.random(), side="right")
        again = np.arange(len(met)) - np.searchsorted(met, met)  # how often the face has come in this epoch
        most = int(np.ceil(self._times.max()))
        keys = np.column_stack([number * most + again, order[met]])
        return [(int(visit), int(index)) for visit, index in random.permutation(keys)]


def read_face(path: Path) -> Picture:
    """A picture of a face folder.

    Raises:
        UserError: it can't be read, is not square, or is smaller than 128 pixels.
    """
    face = read_picture(path)
    height, width = face.shape[:2]
    if height != width or width < CROP:
        raise UserError(f"{path}: {width} x {height} pixels", f"a face is square and at least {CROP} pixels wide")
    return face


def crop(
    face: Picture, landmarks: NDArray[np.float32], left: int, top: int, side: int
) -> tuple[Picture, NDArray[np.float32]]:
    """A square of the face at 128 x 128, with its landmarks; x is the centre of pixel x.

    OpenCV's cubic takes a ninth of the time of Pillow's, and need not antialias at nearly the same size.
    """
    square = face[top : top + side, left : left + side]
    cut = np.asarray(cv2.resize(square, (CROP, CROP), interpolation=cv2.INTER_CUBIC), np.uint8)
    moved = (landmarks + 0.5 - np.array([left, top], np.float32)) * np.float32(CROP / side) - np.float32(0.5)
    return cut, moved


def flip(face: Picture, landmarks: NDArray[np.float32]) -> tuple[Picture, NDArray[np.float32]]:
    """The mirror image: pixels turned, points turned and renamed, for the left eye is now the right one."""
    mirrored = landmarks.take(MIRROR, axis=0)
    mirrored[:, 0] = face.shape[1] - 1 - mirrored[:, 0]
    return np.asarray(cv2.flip(face, 1), np.uint8), mirrored


def _sample(face: Picture, landmarks: NDArray[np.float32], aus: NDArray[np.float32]) -> Sample:
    return Sample(to_tensor(face), to_tensor(degrade(face)), torch.from_numpy(landmarks), torch.from_numpy(aus))


def read_all(sources: Sequence[tuple[Path, float | None]], split: str | None, aus: tuple[int, ...]) -> Faces:
    """The faces of several folders, one after the other; each folder with the weight that is given, if one is."""
    read = [(read_faces(folder, split, aus), weight) for folder, weight in sources]
    first, *rest = (faces if weight is None else faces.weighted(weight) for faces, weight in read)
    return sum(rest, first)
