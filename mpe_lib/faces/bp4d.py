"""BP4D as it is delivered: `mpe prepare bp4d`.

Frames are SUBJECT/TASK/NNNN.jpg somewhere in the folder, and labels SUBJECT_TASK.csv anywhere in it: below the
numbers of the action units a line for each frame, its own number first; 1, 0, or 9 for unknown.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mpe_lib.config import AU_SETS
from mpe_lib.errors import UserError, one_line
from mpe_lib.faces.delivered import Labels, claim, read_labels
from mpe_lib.faces.facset import AU_VALUES
from mpe_lib.faces.folder import Rejected
from mpe_lib.faces.picture import read_picture
from mpe_lib.faces.recordings import UNKNOWN, Frame, Layout, Lost, Recording
from mpe_lib.faces.tables import KNOWN_AUS
from mpe_lib.files import walk

TASK, FRAME, TABLE = re.compile(r"T\d+"), re.compile(r"(\d+)\.jpg"), re.compile(r"(.+)_(T\d+)\.csv")
CHUNK = 50  #: frames: seconds of work


def find_recordings(source: Path) -> list[Recording]:
    """Every subject's every task, by name.

    Raises:
        UserError: no folder, no frames in it, something that is there twice, or a table that can't be used.
    """
    source = source.absolute()  # its own name may be that of a subject
    folders, tables = dict[str, Path](), dict[str, Path]()
    for folder, names in walk(source, "data set"):
        if TASK.fullmatch(folder.name) and any(map(FRAME.fullmatch, names)):
            claim(folders, f"{folder.parent.name}/{folder.name}", folder)
        for table in filter(None, map(TABLE.fullmatch, names)):
            claim(tables, f"{table[1]}/{table[2]}", folder / table[0])
    if not folders:
        raise UserError(f"{source}: no frames of BP4D in it", "they are SUBJECT/TASK/NNNN.jpg, as in F001/T1/2440.jpg")
    return [_recording(source, name, folders.get(name), tables.get(name)) for name in sorted({*folders, *tables})]


def read_occurrences(path: Path) -> tuple[tuple[int, ...], dict[int, list[int]]]:
    """The action units of a table that are known here, and the labels of each frame that has any.

    Raises:
        UserError: it can't be read, has no such unit or one twice, or a value that is no label.
    """
    header, lines = read_labels(path, header=True)
    columns = [(int(name), column) for column, name in enumerate(header[1:]) if re.fullmatch("[0-9]{1,9}", name)]
    units = {au: column for au, column in columns if au in KNOWN_AUS}
    if not units or len(dict(columns)) < len(columns):
        raise UserError(f"{path}: its first line does not name action units, each once", "copy it again")
    frames: dict[int, list[int]] = {}
    for number, line in lines.items():
        labels = [_label(line, au, column) for au, column in units.items()]
        if set(labels) != {UNKNOWN}:
            frames[number] = labels
    return tuple(units), frames


def read_frames(recording: Recording, wanted: range) -> Iterator[Frame | Rejected]:
    """The pictures of some frames."""
    for index in wanted:
        name = f"{recording.frames[index]}.jpg"
        source = f"{recording.source}/{name}"
        try:
            picture = read_picture(recording.path / name)
        except UserError as error:
            yield Rejected(source, str(error).removeprefix(one_line(str(recording.path / name)) + " "), Lost.DAMAGED)
        else:
            yield Frame(index, source, picture)


def _label(line: Labels, au: int, column: int) -> int:
    if column >= len(line.values):
        raise UserError(f"{line.where}: ends before AU{au}", "copy it again from its source")
    value = AU_VALUES.get(line.values[column])
    if value is None:
        said = f"{line.where}: AU{au} is '{line.values[column]}'"
        raise UserError(said, "write 1 for present, 0 for absent, 9 for unknown")
    return UNKNOWN if np.isnan(value) else int(value)


def _recording(source: Path, name: str, folder: Path | None, table: Path | None) -> Recording:
    """What a folder of frames and the table of that name have in common, and what either lacks."""
    subject, task = name.split("/")
    aus, labels = read_occurrences(table) if table else ((), {})
    if folder is None:
        missing = Rejected(name, f"{len(labels)} labels, but no frames", Lost.NO_FRAME, len(labels))
        return Recording(name, subject, source, name, lost=(missing,))
    files = _files(folder)
    here = folder.relative_to(source).as_posix()
    if table is None:
        missing = Rejected(here, f"{len(files)} frames, but no {subject}_{task}.csv", Lost.NO_LABELS)
        return Recording(name, subject, folder, here, lost=(missing,))
    numbers = sorted(files.keys() & labels.keys())
    unlabelled = len(files) - len(numbers)
    lost = [Rejected(f"{here}/{number}", "no such frame", Lost.NO_FRAME) for number in sorted(labels.keys() - files)]
    if unlabelled:
        lost.append(Rejected(here, f"{unlabelled} frames without a label", Lost.NO_LABEL, unlabelled))
    for au in sorted({*AU_SETS["bp4d"]} - {*aus}):
        lost.append(Rejected(here, f"no column {au} in {table.name}", Lost.NO_UNIT, len(numbers)))
    frames = tuple(files[number] for number in numbers)
    known = np.array([labels[number] for number in numbers], np.int8).reshape(len(numbers), len(aus))
    return Recording(name, subject, folder, here, frames, aus, known, lost=tuple(lost))


def _files(folder: Path) -> dict[int, str]:
    """The frames of a folder by number, as they are written."""
    files: dict[int, str] = {}
    for name in sorted(path.name for path in folder.iterdir()):
        frame = FRAME.fullmatch(name)
        if frame:
            other = files.setdefault(int(frame[1]), frame[1])
            if other != frame[1]:
                raise UserError(f"{folder}: {other}.jpg and {name} have one number", "keep one of them")
    return files


BP4D = Layout("bp4d", find_recordings, read_frames, CHUNK)  #: how BP4D is read
