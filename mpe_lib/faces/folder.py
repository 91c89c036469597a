"""Writing a face folder: pictures and, when all are done, `metadata.csv`; interrupted, it goes on where it stopped."""

import csv
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mpe_lib.errors import UserError
from mpe_lib.faces.facset import POINTS
from mpe_lib.files import atomic, writing

JOURNAL = "unfinished.jsonl"  # what is done already, a line for each picture, until the table is written
Task = TypeVar("Task")


@dataclass(frozen=True)
class Row:
    """A line of metadata.csv."""

    file_name: str
    landmarks: list[list[float]]  # (68, 2), pixels of the picture
    aus: dict[int, int | None]  # 1 present, 0 absent, None unknown
    subject: str = ""
    split: str = "train"
    more: dict[str, str] = field(default_factory=dict[str, str])  # further columns


def row(
    file_name: str, landmarks: NDArray[Any], aus: Mapping[int, int | None], subject: str = "", split: str = "train"
) -> Row:
    """A line of metadata.csv; landmarks to a hundredth of a pixel."""
    return Row(file_name, np.round(landmarks, 2).tolist(), dict(aus), subject, split)


def write_table(folder: Path, rows: Iterable[Row]) -> None:
    """Write metadata.csv, in the order of the file names.

    Raises:
        UserError: no row, two of one file, or the folder can't be written.
    """
    rows = sorted(rows, key=lambda each: each.file_name)
    if not rows:
        raise UserError(f"{folder}: no face", "a face folder holds at least one")
    for one, two in pairwise(rows):
        if one.file_name == two.file_name:
            raise UserError(f"{folder}: two faces are called {one.file_name}", "rename one of them")
    aus = sorted({au for each in rows for au in each.aus})
    more = list(dict.fromkeys(name for each in rows for name in each.more))
    points = [name for point in POINTS for name in point]
    columns = ["file_name", "subject", "split", *more, *(f"AU{au}" for au in aus), *points]
    with atomic(folder / "metadata.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        table.writeheader()
        for each in rows:
            line: dict[str, object] = {"file_name": each.file_name, "subject": each.subject, "split": each.split}
            line |= each.more | {f"AU{au}": "" if value is None else value for au, value in each.aus.items()}
            table.writerow(line | dict(zip(points, (v for point in each.landmarks for v in point), strict=True)))


def fill(
    folder: Path,
    tasks: Sequence[Task],
    work: Callable[[Path, Task], Row],
    *,
    said: Mapping[str, Any],
    processes: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Do every task, each of which writes a picture into the folder and returns its row; then write the table.

    Args:
        folder: new, empty, or left by an interrupted call that `said` the same.
        tasks: anything that can be sent to another process.
        work: a function of a module, for the same reason.
        said: what was asked for, plain types; the same for the same folder.
        processes: as many as there are cores unless given.
        report: called with the tasks done and all tasks.

    Raises:
        UserError: the folder holds something else, or can't be written.
    """
    journal = folder / JOURNAL
    done = _read_journal(folder, said)
    todo = [(number, task) for number, task in enumerate(tasks) if number not in done]
    report(len(done), len(tasks))
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    processes = min(processes or os.cpu_count() or 1, max(len(todo), 1))
    with writing(journal), journal.open("a", encoding="utf-8") as file:
        if not done:
            file.truncate(0)
            file.write(json.dumps(said) + "\n")
        else:
            file.write("\n")  # ends a line that was cut off when the process was killed

        def note(number: int, each: Row) -> None:
            done[number] = each
            file.write(json.dumps([number, asdict(each)]) + "\n")
            file.flush()
            report(len(done), len(tasks))

        if processes == 1:
            for number, task in todo:
                note(number, work(folder, task))
        else:
            _in_parallel(folder, todo, work, processes, note)
    write_table(folder, done.values())
    journal.unlink()


def _in_parallel(
    folder: Path,
    todo: Sequence[tuple[int, Task]],
    work: Callable[[Path, Task], Row],
    processes: int,
    note: Callable[[int, Row], None],
) -> None:
    """A few tasks at a time, so that memory does not grow with their number."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        try:
            for start in range(0, len(todo), 64 * processes):
                part = {
                    pool.submit(work, folder, task): number for number, task in todo[start : start + 64 * processes]
                }
                for future in as_completed(part):
                    note(part[future], future.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _read_journal(folder: Path, said: Mapping[str, Any]) -> dict[int, Row]:
    """What an interrupted call has done already.

    Raises:
        UserError: the folder is finished, holds something else, or was begun with other wishes.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        if folder.is_dir() and any(folder.iterdir()):
            raise UserError(f"{folder} is not empty", "choose another folder")
        return {}
    header, *lines = journal.read_text(encoding="utf-8").splitlines() or ["{}"]
    if json.loads(header) != json.loads(json.dumps(said)):
        raise UserError(f"{folder} was begun with {header}", "go on with the same, or choose another folder")
    done: dict[int, Row] = {}
    for line in lines:
        try:
            number, values = json.loads(line)
        except ValueError:  # empty, or cut off
            continue
        values["aus"] = {int(au): value for au, value in values["aus"].items()}
        done[number] = Row(**values)
    return done
