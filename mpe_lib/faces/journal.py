"""What a face folder holds so far: the outcomes of its tasks, on disk until its table is written.

A line of JSON for each outcome, `[key of the task, outcome, how many of the task follow]`, below one that says what
was asked for. Memory holds where lines begin, and nothing of what they say.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from mpe_lib.errors import UserError
from mpe_lib.files import is_inside, parse_json

Key = str | int  #: of a task


@dataclass(frozen=True, eq=False)
class Row:
    """A line of metadata.csv."""

    file_name: str
    landmarks: NDArray[np.float64]  # (68, 2), pixels of the picture
    aus: dict[int, int | None]  # 1 present, 0 absent, None unknown
    subject: str = ""
    split: str = "train"
    more: dict[str, str] = field(default_factory=dict[str, str])  # further columns
    mark: str = ""  # for `finish` of `fill` to compare rows by; no column


@dataclass(frozen=True)
class Rejected:
    """A picture that gave no face, or several of them."""

    file: str
    reason: str
    kind: str = ""  # for a summary to count by; no column
    count: int = 1  # of what it stands for


Outcome = Row | Rejected  #: of a task: a face, or why there is none


class Journal:
    """A journal that is new, or goes on where another process was stopped: what that one had not finished is cut off.

    Raises:
        UserError: the other one was begun with other wishes, or is no journal.
    """

    def __init__(self, path: Path, said: Mapping[str, Any]) -> None:
        self.done: dict[Key, int] = {}  # where the lines of each finished task begin
        self._file = path.open("a+b")
        self._file.seek(0)
        try:
            self._begin(path.parent, said)
        except Exception as error:
            self._file.close()
            if isinstance(error, UserError | OSError):
                raise
            # whatever lines of something else make their readers raise
            raise UserError(f"{path}: no journal to go on from ({error})", "choose another folder") from error

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, key: Key, outcomes: Sequence[Outcome]) -> None:
        """A task is finished; one that gave nothing leaves no trace, and would be done again."""
        last = len(outcomes) - 1
        if outcomes:
            self.done[key] = self._write([key, vars(each), last - number] for number, each in enumerate(outcomes))

    def outcomes(self, key: Key) -> list[Outcome]:
        """What came of a task."""
        return [outcome for _, outcome in self._of(self.done[key])]

    def drop(self, key: Key) -> None:
        """A task is no more."""
        del self.done[key]
        self._write([[key, None, 0]])

    def __iter__(self) -> Iterator[tuple[int, Outcome]]:
        """Every outcome of a finished task, and where its line begins."""
        return chain.from_iterable(map(self._of, self.done.values()))

    def __getitem__(self, offset: int) -> Outcome:
        return next(self._of(offset))[1]

    def _of(self, offset: int) -> Iterator[tuple[int, Outcome]]:
        """An outcome and those that follow it in its task."""
        left = 1
        while left:
            self._file.seek(offset)  # others are looked at meanwhile
            line = self._file.readline()
            _, values, left = json.loads(line)
            yield offset, _outcome(values)
            offset += len(line)

    def _write(self, lines: Iterable[Any]) -> int:
        """Where the first line begins."""
        begin = self._file.seek(0, os.SEEK_END)
        for line in lines:
            self._file.write(json.dumps(line, default=np.ndarray.tolist).encode() + b"\n")
        self._file.flush()
        return begin

    def _begin(self, folder: Path, said: Mapping[str, Any]) -> None:
        """Write the first line, or go on where it is there and says the same."""
        header = self._file.readline()
        if not header.endswith(b"\n"):  # new, or not even the first line could be written
            self._file.truncate(0)
            self._write([said])
        elif parse_json(header.decode()) != json.loads(json.dumps(said)):
            wish = header.decode().strip()
            raise UserError(f"{folder} was begun with {wish}", "go on with the same, or choose another folder")
        else:
            self._resume(folder)

    def _resume(self, folder: Path) -> None:
        begin = end = self._file.tell()  # of a task, of a line
        while (line := self._file.readline()).endswith(b"\n"):
            key, values, left = parse_json(line.decode())
            if not (isinstance(key, str | int) and isinstance(left, int) and left >= 0):
                raise ValueError(f"{key!r:.40} is no task")
            if values is None and (left or begin != end):
                raise ValueError(f"{key!r:.40} is dropped among its own outcomes")
            outcome = None if values is None else _outcome(values)
            if isinstance(outcome, Row) and not is_inside(folder, outcome.file_name):
                raise ValueError(f"{outcome.file_name!r:.40} is not in the folder")
            end += len(line)
            if left:
                continue
            if values is None:
                del self.done[key]
            else:
                self.done[key] = begin
            begin = end
        self._file.truncate(begin)


class Entry(NamedTuple):
    """A row, by its name and where it is in the journal."""

    file_name: str
    offset: int


class Rows(Sequence[Row]):
    """Rows that are read from the journal whenever they are looked at."""

    def __init__(self, journal: Journal, entries: Sequence[Entry]) -> None:
        self._journal, self._entries = journal, entries

    def __len__(self) -> int:
        return len(self._entries)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> "Rows": ...
    def __getitem__(self, index: int | slice) -> "Row | Rows":
        if isinstance(index, slice):
            return Rows(self._journal, self._entries[index])
        found = self._journal[self._entries[index].offset]
        assert isinstance(found, Row)
        return found


def _outcome(values: dict[str, Any]) -> Outcome:
    """Raises whatever the values make Python raise: they are of none."""
    if "reason" in values:
        rejected = Rejected(**values)
        count: Any = rejected.count
        if not (isinstance(count, int) and _texts(rejected.file, rejected.reason, rejected.kind)):
            raise ValueError("a rejected picture of other types")
        return rejected
    values["aus"] = {int(au): value for au, value in values["aus"].items()}
    values["landmarks"] = np.array(values["landmarks"], np.float64)
    row = Row(**values)
    labels = all(value in (0, 1, None) for value in row.aus.values())
    if not (labels and row.landmarks.shape == (68, 2) and _texts(row.file_name, row.subject, row.split, row.mark)):
        raise ValueError("a face of other types")
    if not _texts(*row.more, *row.more.values()):
        raise ValueError("columns of other types")
    return row


def _texts(*values: Any) -> bool:
    return all(isinstance(value, str) for value in values)
