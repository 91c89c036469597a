"""People who were filmed and labelled frame by frame: what BP4D and DISFA have in common.

Of each labelled frame the largest face is cut out. What is missing or fails is counted by its kind, and listed in
rejected.csv.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mpe_lib.errors import UserError
from mpe_lib.faces.align import align, detect_largest, landmark_model
from mpe_lib.faces.folder import Outcome, Rejected, fill, row
from mpe_lib.faces.folds import fold_splits
from mpe_lib.faces.picture import write_png
from mpe_lib.pixels import Picture

UNKNOWN = 9  #: a label, as BP4D writes it
PRESENT = 2  #: the least intensity that counts as present (Sec. 4.1)


class Lost(StrEnum):
    """Why a frame or a label gives no face."""

    NO_LABELS = "recordings without labels"
    STRANGER = "recordings of unknown subjects"
    NO_LABEL = "frames without a label"
    NO_FRAME = "labels without a frame"
    NO_UNIT = "labels missing of single action units"
    DAMAGED = "frames that can't be decoded"
    NO_FACE = "frames without a face"
    CUT_OFF = "faces cut off"


@dataclass(frozen=True, eq=False)
class Recording:
    """The labelled frames of one person, in a row."""

    name: str  # of the folder of its faces: F001/T1, SN001
    subject: str
    path: Path  # a folder of pictures, or a video
    source: str  # the same inside the data set
    frames: tuple[str, ...] = ()  # their numbers, as they are written
    aus: tuple[int, ...] = ()
    labels: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), np.int8))  # (frames, aus)
    graded: bool = False  # labels are intensities, 0 to 5, and not 1 and 0; or UNKNOWN
    lost: tuple[Rejected, ...] = ()  # known before a frame is read

    def digest(self) -> str:
        """Tells these frames and labels from others."""
        said = repr((self.source, self.frames, self.aus, self.lost)).encode()
        return hashlib.sha256(said + self.labels.tobytes()).hexdigest()[:12]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Frames of a recording: few, so that every core has work and little is lost where it stops."""

    recording: Recording
    frames: range
    splits: dict[int, str]  # of the subject, by fold
    scale: float


class Frame(NamedTuple):
    """A labelled frame that could be read."""

    place: int  # in `frames` of its recording
    source: str
    picture: Picture


class Summary(NamedTuple):
    """What became of a data set."""

    faces: int
    lost: dict[Lost, int]


Read = Callable[[Recording, range], Iterator[Frame | Rejected]]  #: of the labelled frames those of some indices


class Layout(NamedTuple):
    """How a data set is delivered."""

    name: str  # in `folds.PARTS`
    find: Callable[[Path], list[Recording]]  # all there are in a folder
    read: Read  # a function of a module
    chunk: int  # frames


def prepare_recordings(
    layout: Layout,
    source: Path,
    out: Path,
    *,
    scale: float = 2.9,
    held_out: int = 2,
    seed: int = 0,
    processes: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Fill a face folder from the recordings of a data set; interrupted, the same call goes on.

    Args:
        layout: `bp4d.BP4D` or `disfa.DISFA`.
        source: where the data set is.
        out: new, empty, or left by an interrupted call.
        scale: how much of the head is seen, see `align`.
        held_out, seed: see `fold_splits`.
        processes: as many as there are cores unless given.
        report: called with the frames done and all labelled frames.

    Raises:
        UserError: `source` does not hold what `layout` says; too many held out, no face at all; the folder holds
            something else, or can't be written.
    """
    name, find, read, size = layout
    splits = fold_splits(name, held_out, seed)
    landmark_model()  # missing, it would be so for every frame
    chunks: dict[str, Chunk] = {}
    for recording in find(source):
        known = splits.get(recording.subject, {})
        if not known:
            stranger = Rejected(recording.name, f"{recording.subject} is no subject of the three parts", Lost.STRANGER)
            recording = replace(recording, frames=(), lost=(stranger,))
        count, digest = len(recording.frames), recording.digest()
        for start in range(0, max(count, 1), size):  # one without frames tells what is lost
            frames = range(start, min(start + size, count))
            chunks[f"{recording.name} {start} {digest}"] = Chunk(recording, frames, known, scale)
    said = {name: 1, "source": str(source.resolve()), "scale": scale, "held_out": held_out, "seed": seed}
    faces, rejected = fill(
        out,
        list(chunks.values()),
        partial(make, read),
        said=said,
        keys=list(chunks),
        size=lambda chunk: len(chunk.frames),
        processes=processes,
        report=report,
    )
    lost: Counter[str] = Counter()
    for each in rejected:
        lost[each.kind] += each.count
    return Summary(len(faces), {kind: lost[kind] for kind in Lost if lost[kind]})


def make(read: Read, folder: Path, chunk: Chunk) -> list[Outcome]:
    """The faces of a chunk, and what is lost of it; the first chunk tells what its recording lacks."""
    outcomes: list[Outcome] = [] if chunk.frames.start else [*chunk.recording.lost]
    for frame in read(chunk.recording, chunk.frames) if chunk.frames else ():
        outcomes.append(frame if isinstance(frame, Rejected) else _face(folder, chunk, frame))
    return outcomes


def _face(folder: Path, chunk: Chunk, frame: Frame) -> Outcome:
    """The largest face of a frame, and its line of the table; or why there is none."""
    recording, picture = chunk.recording, frame.picture
    found = detect_largest(picture)
    if found is None:
        return Rejected(frame.source, "no face found", Lost.NO_FACE)
    try:
        face = align(picture, found.landmarks, chunk.scale)
    except UserError as error:
        return Rejected(frame.source, str(error).partition(";")[0], Lost.CUT_OFF)
    file_name = f"{recording.name}/{recording.frames[frame.place]}.png"
    write_png(folder / file_name, face.image)
    labels = recording.labels[frame.place].tolist()
    known = {au: label for au, label in zip(recording.aus, labels, strict=True) if label != UNKNOWN}
    more = {f"fold{fold}": split for fold, split in chunk.splits.items()}
    if recording.graded:
        more |= {f"AU{au}_intensity": str(label) for au, label in known.items()}
    more |= {"source": frame.source, "source_side": f"{face.source_side:.0f}"}
    aus = {au: int(label >= PRESENT) if recording.graded else label for au, label in known.items()}
    return replace(row(file_name, face.landmarks, aus, recording.subject, chunk.splits[1]), more=more)
