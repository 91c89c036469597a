"""Writing a file whole or not at all."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from mpe_lib.errors import UserError


@contextmanager
def atomic(path: str | Path) -> Generator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block ends and removed when it fails.

    The folder of `path` is made if it is missing; a link is written through. Keep only the writing in the
    block, for every OSError in it is told as a failure to write `path`.
    Raises UserError: full or read-only folder, no permission, `path` is a folder or a device.
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
