"""Writing a face folder: pictures and, when all are done, `metadata.csv`; interrupted, it goes on where it stopped.

Pictures that gave no face are listed with the reason in `rejected.csv`, if there are any.
"""

import csv
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from mpe_lib.errors import UserError
from mpe_lib.faces.facset import COORDINATES
from mpe_lib.faces.journal import Entry, Journal, Key, Outcome, Rejected, Row, Rows
from mpe_lib.files import LOCK, alone, atomic, new_table, refuse_links, writing

JOURNAL = "unfinished.jsonl"  #: what is done already, until the table is written
REJECTED = "rejected.csv"  #: what gave no face, and why
AHEAD = 4  #: tasks for each process, so that none waits for the next
Task = TypeVar("Task")
#: Does a task: writes pictures into the folder, and says what came of it.
Work = Callable[[Path, Task], Outcome | list[Outcome]]
Finish = Callable[[Sequence[Row]], Mapping[str, Rejected]]  #: sees all rows, and rejects some of them by their files


def row(
    file_name: str, landmarks: NDArray[Any], aus: Mapping[int, int | None], subject: str = "", split: str = "train"
) -> Row:
    """A line of metadata.csv; landmarks to a hundredth of a pixel."""
    return Row(file_name, np.round(np.asarray(landmarks, np.float64), 2), dict(aus), subject, split)


def write_table(folder: Path, rows: Sequence[Row]) -> None:
    """Write metadata.csv; the rows, in the order of the file names, are looked at twice and never held.

    Raises:
        UserError: no row, two of one file, or the folder can't be written.
    """
    if not rows:
        raise UserError(f"{folder}: no face", "a face folder holds at least one")
    before, aus, more = "", set[int](), dict[str, None]()
    for each in rows:
        if each.file_name == before:
            raise UserError(f"{folder}: two faces are called {each.file_name}", "rename one of them")
        before = each.file_name
        aus |= each.aus.keys()
        more |= dict.fromkeys(each.more)
    columns = ["file_name", "subject", "split", *more, *(f"AU{au}" for au in sorted(aus)), *COORDINATES]
    with atomic(folder / "metadata.csv") as temporary, new_table(temporary) as file:
        table = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        table.writeheader()
        for each in rows:
            line: dict[str, object] = {"file_name": each.file_name, "subject": each.subject, "split": each.split}
            line |= each.more | {f"AU{au}": "" if value is None else value for au, value in each.aus.items()}
            table.writerow(line | dict(zip(COORDINATES, each.landmarks.ravel().tolist(), strict=True)))


def fill(
    folder: Path,
    tasks: Sequence[Task],
    work: Work[Task],
    *,
    said: Mapping[str, Any],
    keys: Sequence[str] | None = None,
    size: Callable[[Task], int] = lambda task: 1,
    finish: Finish = lambda rows: {},
    processes: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[Entry], list[Rejected]]:
    """Do every task, each of which writes pictures into the folder and returns their rows; then write the table.

    Args:
        folder: new, empty, or left by an interrupted call that `said` the same.
        tasks: anything that can be sent to another process.
        work: a function of a module, for the same reason; a UserError that it raises ends the call.
        said: what was asked for, plain types; the same for the same folder.
        keys: what a task is known by when the call goes on; its number unless given.
        size: how much of the whole a task is.
        finish: told the rows by name, which of them are to go after all; the same for the same rows.
        processes: as many as there are cores unless given.
        report: called with the size of the tasks done and of all tasks.

    Returns:
        The rows of metadata.csv, by name, and those of rejected.csv.

    Raises:
        UserError: the folder holds something else, is being filled, or can't be written; no task gave a face.
    """
    named = dict(zip(keys or range(len(tasks)), tasks, strict=True))
    with alone(folder):
        with writing(folder):
            _check_unfinished(folder)
        with writing(folder / JOURNAL), Journal(folder / JOURNAL, said) as journal:
            try:
                _fill(folder, journal, named, work, size, processes, report)
            except BaseException:
                _sweep(folder)
                raise
            entries, rejected = _complete(folder, journal, finish)
        (folder / JOURNAL).unlink()
    if not entries:
        raise UserError(f"{folder}: no face", f"{REJECTED} there says why" if rejected else "nothing was asked for")
    return entries, rejected


def _fill(
    folder: Path,
    journal: Journal,
    named: Mapping[Key, Task],
    work: Work[Task],
    size: Callable[[Task], int],
    processes: int | None,
    report: Callable[[int, int], None],
) -> None:
    """Do what the journal does not hold yet."""
    for key in journal.done.keys() - named.keys():  # a photograph that has been taken away since
        for gone in journal.outcomes(key):
            if isinstance(gone, Row):
                (folder / gone.file_name).unlink(missing_ok=True)
        journal.drop(key)  # last: if this is killed, the next call knows what is still to go
    todo = [key for key in named if key not in journal.done]
    total = sum(map(size, named.values()))
    done = total - sum(size(named[key]) for key in todo)
    report(done, total)

    def note(key: Key, given: Outcome | list[Outcome]) -> None:
        nonlocal done
        journal.add(key, given if isinstance(given, list) else [given])
        done += size(named[key])
        report(done, total)

    processes = min(processes or os.cpu_count() or 1, max(len(todo), 1))
    if processes == 1:
        for key in todo:
            note(key, work(folder, named[key]))
    else:
        _in_parallel(folder, ((key, named[key]) for key in todo), work, processes, note)


def _complete(folder: Path, journal: Journal, finish: Finish) -> tuple[list[Entry], list[Rejected]]:
    """The last step, which may be interrupted and done again too: the journal goes last."""
    entries, rejected = list[Entry](), list[Rejected]()
    for offset, each in journal:
        entries.append(Entry(each.file_name, offset)) if isinstance(each, Row) else rejected.append(each)
    entries.sort()
    unwanted = finish(Rows(journal, entries))
    entries = [each for each in entries if each.file_name not in unwanted]
    rejected = sorted([*rejected, *unwanted.values()], key=lambda each: (each.file, each.reason))
    with writing(folder):
        for name in unwanted:
            (folder / name).unlink(missing_ok=True)
    _write_rejected(folder, rejected)
    if entries:
        write_table(folder, Rows(journal, entries))
    return entries, rejected


def _write_rejected(folder: Path, rejected: Sequence[Rejected]) -> None:
    """Write rejected.csv, or take away one of an earlier call."""
    if not rejected:
        with writing(folder):
            (folder / REJECTED).unlink(missing_ok=True)
        return
    with atomic(folder / REJECTED) as temporary, new_table(temporary) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file", "reason"])
        table.writerows((each.file, each.reason) for each in rejected)


def _in_parallel(
    folder: Path,
    todo: Iterator[tuple[Key, Task]],
    work: Work[Task],
    processes: int,
    note: Callable[[Key, Outcome | list[Outcome]], None],
) -> None:
    """A few tasks at a time, so that memory does not grow with their number."""
    context = get_context("spawn")
    end, life = context.Pipe(duplex=False)
    running: dict[Future[Outcome | list[Outcome]], Key] = {}
    with end, life, ProcessPoolExecutor(processes, context, _begin, (end,)) as pool:
        try:
            with _unheard():
                for _ in range(processes):
                    pool.submit(os.getpid)  # starts one
            while True:
                for key, task in islice(todo, AHEAD * processes - len(running)):
                    running[pool.submit(work, folder, task)] = key
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    note(running.pop(future), future.result())
        except BrokenProcessPool as error:
            remedy = "make memory free (a script calls it below `if __name__ == '__main__':`); the same command goes on"
            raise UserError(f"{folder}: a process was ended by the system", remedy) from error
        except BaseException:
            life.close()  # what the processes are at may take minutes
            raise


@contextmanager
def _unheard() -> Generator[None]:
    """Processes started in the block don't hear Ctrl-C, which is their parent's to answer."""
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _begin(end: Connection) -> None:
    """Begin a process, which ends when the other end of a pipe is closed: by its parent, or because that was killed."""
    cv2.setNumThreads(1)  # every core has a process of its own
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a process that was started late

    def watch() -> None:
        with suppress(EOFError):
            end.recv()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _check_unfinished(folder: Path) -> None:
    """Refuse what is finished or something else, and clear away what a killed process left."""
    if (folder / JOURNAL).is_file() and not (folder / JOURNAL).is_symlink():
        refuse_links(folder.rglob("*"))
        _sweep(folder)
    elif any(path.name not in (REJECTED, LOCK) for path in folder.iterdir()):
        raise UserError(f"{folder} is not empty", "choose another folder")


def _sweep(folder: Path) -> None:
    """Take away what `atomic` could not when its process was ended."""
    for path in [*folder.rglob(".*")]:
        if path.is_dir() and re.fullmatch(r"\.[a-z0-9_]{8}", path.name):
            shutil.rmtree(path)
