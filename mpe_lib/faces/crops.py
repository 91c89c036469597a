"""What the network is fed: 128 x 128 cut from the faces of a folder, with its 16 x 16, in an order."""

from collections.abc import Collection, Iterator
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
from mpe_lib.faces.facset import Faces
from mpe_lib.faces.picture import read_picture
from mpe_lib.heatmaps import MIRROR
from mpe_lib.pixels import Picture, to_tensor

CROP = 128  #: side of what the network is trained on (Sec. 4.2)
DAMAGED = 0.1  #: of the faces, at most: with more of them a training would be another one


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


class Tolerant(Dataset[tuple[Sample, str]]):
    """Random crops, where the next face of the table that can be read stands for one that can't.

    With each sample comes a line for every face that it stands for, why that one can't be read; mostly none. Which
    face is given follows from the key and the files alone, as all else.

    Raises:
        UserError: see `check_damaged`.
    """

    def __init__(self, crops: RandomCrops) -> None:
        self.crops = crops

    def __len__(self) -> int:
        return len(self.crops)

    def __getitem__(self, key: tuple[int, int]) -> tuple[Sample, str]:
        visit, index = key
        damaged: list[str] = []
        while True:
            try:
                return self.crops[visit, (index + len(damaged)) % len(self)], "\n".join(damaged)
            except UserError as error:
                damaged.append(str(error))
            check_damaged(damaged, len(self))


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


def check_damaged(damaged: Collection[str], faces: int) -> None:
    """Let a few faces be damaged.

    Args:
        damaged: a line for each, the last one met last.
        faces: how many there are in all.

    Raises:
        UserError: more than a tenth of them are.
    """
    if len(damaged) > DAMAGED * faces:
        *_, last = damaged
        raise UserError(f"{len(damaged)} of {faces} faces cannot be read, more than a tenth; the last: {last}")


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


def central(face: Picture) -> Picture:
    """The middle of a face, 128 x 128, as `CentreCrops` shows it."""
    start = (len(face) - CROP) // 2
    return np.ascontiguousarray(face[start : start + CROP, start : start + CROP])


def flip(face: Picture, landmarks: NDArray[np.float32]) -> tuple[Picture, NDArray[np.float32]]:
    """The mirror image: pixels turned, points turned and renamed, for the left eye is now the right one."""
    mirrored = landmarks.take(MIRROR, axis=0)
    mirrored[:, 0] = face.shape[1] - 1 - mirrored[:, 0]
    return np.asarray(cv2.flip(face, 1), np.uint8), mirrored


def _sample(face: Picture, landmarks: NDArray[np.float32], aus: NDArray[np.float32]) -> Sample:
    return Sample(to_tensor(face), to_tensor(degrade(face)), torch.from_numpy(landmarks), torch.from_numpy(aus))
