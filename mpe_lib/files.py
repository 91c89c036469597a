"""Writing a file whole or not at all, and a folder by one process at a time."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from mpe_lib.errors import UserError

LOCK = "unfinished.lock"  #: in a folder that a process is filling, or that was killed while it did


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
