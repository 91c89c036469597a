"""Writing a face folder: pictures and, when all are done, `metadata.csv`; interrupted, it goes on where it stopped.

Pictures that gave no face are listed with the reason in `rejected.csv`, if there are any.
"""

import csv
import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mpe_lib.errors import UserError
from mpe_lib.faces.facset import POINTS
from mpe_lib.files import LOCK, alone, atomic, writing

JOURNAL = "unfinished.jsonl"  # what is done already, a line for each picture, until the table is written
REJECTED = "rejected.csv"
Task = TypeVar("Task")


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
    """A picture that gave no face."""

    file: str
    reason: str


Outcome = Row | Rejected
Work = Callable[[Path, Task], Outcome]
Finish = Callable[[list[Row]], Mapping[str, Rejected]]


def row(
    file_name: str, landmarks: NDArray[Any], aus: Mapping[int, int | None], subject: str = "", split: str = "train"
) -> Row:
    """A line of metadata.csv; landmarks to a hundredth of a pixel."""
    return Row(file_name, np.round(np.asarray(landmarks, np.float64), 2), dict(aus), subject, split)


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
            table.writerow(line | dict(zip(points, each.landmarks.ravel().tolist(), strict=True)))


def fill(
    folder: Path,
    tasks: Sequence[Task],
    work: Work[Task],
    *,
    said: Mapping[str, Any],
    keys: Sequence[str] | None = None,
    finish: Finish = lambda rows: {},
    processes: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Row], list[Rejected]]:
    """Do every task, each of which writes a picture into the folder and returns its row; then write the table.

    Args:
        folder: new, empty, or left by an interrupted call that `said` the same.
        tasks: anything that can be sent to another process.
        work: a function of a module, for the same reason; a UserError that it raises ends the call.
        said: what was asked for, plain types; the same for the same folder.
        keys: what a task is known by when the call goes on; its number unless given.
        finish: told the rows by name, which of them are to go after all; the same for the same rows.
        processes: as many as there are cores unless given.
        report: called with the tasks done and all tasks.

    Returns:
        The rows of metadata.csv and of rejected.csv.

    Raises:
        UserError: the folder holds something else, is being filled, or can't be written; no task gave a face.
    """
    named = dict(zip(keys or range(len(tasks)), tasks, strict=True))
    with alone(folder):
        done = _fill(folder, named, work, said, processes, report)
        return _complete(folder, done, finish)


def _fill(
    folder: Path,
    named: Mapping[str | int, Task],
    work: Work[Task],
    said: Mapping[str, Any],
    processes: int | None,
    report: Callable[[int, int], None],
) -> list[Outcome]:
    """Do what the journal does not hold yet."""
    with writing(folder):
        done = _read_journal(folder, said)
        for key in done.keys() - named.keys():  # a photograph that has been taken away since
            gone = done.pop(key)
            if isinstance(gone, Row):
                (folder / gone.file_name).unlink(missing_ok=True)
    todo = [(key, task) for key, task in named.items() if key not in done]
    total = len(done) + len(todo)
    report(len(done), total)
    journal = folder / JOURNAL
    processes = min(processes or os.cpu_count() or 1, max(len(todo), 1))
    with writing(journal), journal.open("a", encoding="utf-8") as file:
        if not done:
            file.truncate(0)
            file.write(json.dumps(said) + "\n")
        else:
            file.write("\n")  # ends a line that was cut off when the process was killed
        file.flush()

        def note(key: str | int, each: Outcome) -> None:
            done[key] = each
            file.write(json.dumps([key, asdict(each)], default=np.ndarray.tolist) + "\n")
            file.flush()
            report(len(done), total)

        if processes == 1:
            for key, task in todo:
                note(key, work(folder, task))
        else:
            _in_parallel(folder, todo, work, processes, note)
    return list(done.values())


def _complete(folder: Path, outcomes: Iterable[Outcome], finish: Finish) -> tuple[list[Row], list[Rejected]]:
    """The last step, which may be interrupted and done again too: the journal goes last."""
    rows, rejected = list[Row](), list[Rejected]()
    for each in outcomes:
        rows.append(each) if isinstance(each, Row) else rejected.append(each)
    rows.sort(key=lambda each: each.file_name)
    unwanted = finish(rows)
    rows = [each for each in rows if each.file_name not in unwanted]
    rejected = sorted([*rejected, *unwanted.values()], key=lambda each: each.file)
    with writing(folder):
        for name in unwanted:
            (folder / name).unlink(missing_ok=True)
    _write_rejected(folder, rejected)
    if rows:
        write_table(folder, rows)
    (folder / JOURNAL).unlink()
    if not rows:
        raise UserError(f"{folder}: no face", f"{REJECTED} there says why" if rejected else "nothing was asked for")
    return rows, rejected


def _write_rejected(folder: Path, rejected: Sequence[Rejected]) -> None:
    """Write rejected.csv, or take away one of an earlier call."""
    if not rejected:
        with writing(folder):
            (folder / REJECTED).unlink(missing_ok=True)
        return
    with atomic(folder / REJECTED) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "reason"])
        table.writerows((each.file, each.reason) for each in rejected)


def _in_parallel(
    folder: Path,
    todo: Sequence[tuple[str | int, Task]],
    work: Work[Task],
    processes: int,
    note: Callable[[str | int, Outcome], None],
) -> None:
    """A few tasks at a time, so that memory does not grow with their number."""
    with ProcessPoolExecutor(processes, get_context("spawn"), _end_with_parent) as pool:
        try:
            with _unheard():
                pool.submit(os.getpid)  # starts the processes
            for start in range(0, len(todo), 64 * processes):
                part = {pool.submit(work, folder, task): key for key, task in todo[start : start + 64 * processes]}
                for future in as_completed(part):
                    note(part[future], future.result())
        except BrokenProcessPool as error:
            remedy = "make memory free (a script calls it below `if __name__ == '__main__':`); the same command goes on"
            raise UserError(f"{folder}: a process was ended by the system", remedy) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


@contextmanager
def _unheard() -> Generator[None]:
    """Processes started in the block don't hear Ctrl-C, which their parent does: they finish what they are at."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end_with_parent() -> None:
    """Otherwise a process outlives a parent that was killed, and waits for ever."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _read_journal(folder: Path, said: Mapping[str, Any]) -> dict[str | int, Outcome]:
    """What an interrupted call has done already.

    Raises:
        UserError: the folder is finished, holds something else, or was begun with other wishes.
    """
    journal = folder / JOURNAL
    if not journal.is_file():
        if folder.is_dir() and any(path.name not in (REJECTED, LOCK) for path in folder.iterdir()):
            raise UserError(f"{folder} is not empty", "choose another folder")
        return {}
    for path in folder.glob(".*"):  # what `atomic` could not take away when the process was killed
        if path.is_dir() and re.fullmatch(r"\.[a-z0-9_]{8}", path.name):
            shutil.rmtree(path)
    header, end, rest = journal.read_text(encoding="utf-8").partition("\n")
    if not end:  # not even the first line could be written
        return {}
    if json.loads(header) != json.loads(json.dumps(said)):
        raise UserError(f"{folder} was begun with {header}", "go on with the same, or choose another folder")
    done: dict[str | int, Outcome] = {}
    for line in rest.splitlines():
        try:
            key, values = json.loads(line)
        except ValueError:  # empty, or cut off
            continue
        if "reason" in values:
            done[key] = Rejected(**values)
        else:
            values["aus"] = {int(au): value for au, value in values["aus"].items()}
            values["landmarks"] = np.array(values["landmarks"])
            done[key] = Row(**values)
    return done
