"""Reading ordinary files only; writing a file whole or not at all, and a folder by one process at a time."""

import json
import math
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from errno import EACCES, EDQUOT, EINVAL, ENOSPC, EPERM, EROFS
from pathlib import Path, PureWindowsPath
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from filelock import FileLock, Timeout

from mpe_lib.errors import UserError

LARGEST_JSON = 1 << 25  #: characters; in memory they may become thirty times as much
LOCK = "unfinished.lock"  #: in a folder that a process is filling, or that was killed while it did


def read_text(path: str | Path, most: int) -> str:
    """A text in UTF-8, of a file that is not large.

    Raises:
        OSError, ValueError: for the caller to tell: not there, no text, more than `most` characters.
    """
    with open_text(path) as file:
        text = file.read(most + 1)
    if len(text) > most:
        raise ValueError(f"more than {most:,} characters")
    return text


def open_text(path: str | Path) -> TextIO:
    """A text in UTF-8, with a byte order mark or without; its ends of lines are as they are, for the csv module.

    Raises:
        OSError: for the caller to tell: it can't be read, or `check_ordinary` refuses it.
    """
    check_ordinary(path)
    return Path(path).open(newline="", encoding="utf-8-sig")


def check_ordinary(path: str | Path) -> None:
    """Refuse what can't be read to its end.

    Raises:
        OSError: a folder, a pipe that may never say anything, or a device that never ends.
    """
    if "\0" in str(path) or (os.path.exists(path) and not os.path.isfile(path)):
        raise OSError(EINVAL, "it is no ordinary file")


def is_inside(folder: Path, name: str) -> bool:
    """Whether a name that a file gives is that of a file in the folder, and no way out of it."""
    parts = PureWindowsPath(name)  # which knows the ways of every system
    if not name or "\0" in name or parts.anchor or ".." in parts.parts:
        return False
    return os.path.realpath(folder / name).startswith(os.path.join(os.path.realpath(folder), ""))


def refuse_links(paths: Iterable[Path]) -> None:
    """That nothing is written through a link which somebody has put into a folder that is gone on with.

    Raises:
        UserError: one of the paths is a link.
    """
    for path in paths:
        if path.is_symlink():
            raise UserError(f"{path} is a link", "put what it names in its place, or choose another folder")


def read_json(path: str | Path) -> Any:
    """What a JSON file holds.

    Raises:
        OSError, ValueError: for the caller to tell: it can't be read, or holds something else.
    """
    return parse_json(read_text(path, LARGEST_JSON))


def parse_json(text: str) -> Any:
    """What a text in JSON says.

    Raises:
        ValueError: no JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all.

    Raises:
        UserError: it can't be written.
    """
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def finite(value: float) -> float | None:
    """None for NaN and infinity, which JSON has not: of two equal pictures PSNR is infinite."""
    return float(value) if math.isfinite(value) else None


def new_table(path: Path) -> TextIO:
    """A CSV to be written; a folder's name may be no text, and its bytes become \\udcNN."""
    return path.open("w", newline="", encoding="utf-8", errors="backslashreplace")


def walk(source: Path, what: str) -> Iterator[tuple[Path, list[str]]]:
    """A folder and those in it, with the names of their files; what is hidden, or behind a link, is passed over.

    Args:
        source: the folder.
        what: it should hold, in words.

    Raises:
        UserError: no folder, or one that can't be listed.
    """

    def refuse(error: OSError) -> None:
        raise UserError(f"{error.filename} can't be listed: {error.strerror}", "change its permissions") from error

    if not os.path.isdir(source):  # unlike Path's, false of a name that is too long
        raise UserError(f"{source}: no such folder", f"name the folder that holds the {what}")
    for folder, folders, files in os.walk(source, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield Path(folder), [name for name in files if not name.startswith(".")]


def settle(folder: Path) -> None:
    """See that the files of a folder, and the folder itself, are on the disk, where a power cut takes nothing of them.

    Raises:
        OSError: the disk is full, or fails.
    """
    if os.name != "posix":  # others open no folder
        return
    for path in [*filter(Path.is_file, folder.iterdir()), folder]:
        opened = os.open(path, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextmanager
def atomic(path: str | Path) -> Generator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block ends and removed when it fails.

    The folder of `path` is made if it is missing; a link is written through. Keep only the writing in the
    block, for every OSError in it is told as a failure to write `path`.

    Raises:
        UserError: full or read-only folder, no permission, `path` is a folder or a device.
    """
    target = Path(os.path.realpath(path))
    with writing(path):
        if target.exists() and not target.is_file():  # renaming onto /dev/null would replace it for everybody
            raise UserError(f"cannot write {path}: it is not an ordinary file", "give the name of a file")
        target.parent.mkdir(parents=True, exist_ok=True)
        # A folder, not tempfile's file: that one is readable by its owner only, and would stay so.
        with TemporaryDirectory(dir=target.parent, prefix=".") as folder:
            temporary = Path(folder) / target.name
            yield temporary
            os.replace(temporary, target)


@contextmanager
def writing(path: str | Path) -> Generator[None]:
    """Tell every OSError in the block as a UserError: `path` could not be written, and why."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write {path}: {reason}", "choose another folder or make room") from error


def refused_for_good(error: UserError) -> bool:
    """Whether it tells that the disk is full or read-only, so that the next file would fare no better."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in (ENOSPC, EDQUOT, EROFS, EACCES, EPERM)


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Keep other processes from filling the same folder; it is made if it is missing.

    Raises:
        UserError: another one fills it already, or it can't be written.
    """
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, blocking=False)
        try:
            lock.acquire()
        except Timeout as error:
            remedy = "wait for it, or choose another folder"
            raise UserError(f"{folder} is being filled by another process", remedy) from error
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)
        lock.release()
