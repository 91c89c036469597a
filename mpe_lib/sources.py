"""Where faces come from: what `--faces` may name besides a folder."""

from collections.abc import Callable
from pathlib import Path

from mpe_lib.errors import UserError
from mpe_lib.faces.london import find_london

PEOPLE = 4  # faces of each synthetic person
COUNT = 1000  # of "synthetic" alone


def face_folder(
    faces: str | Path, scale: float = 2.9, report: Callable[[int, int], None] = lambda done, total: None
) -> Path:
    """The face folder that a text stands for.

    Args:
        faces: a folder; "london", once it is fetched; "synthetic" or "synthetic:N", which are made the first time
            and kept in the user's cache. A folder of that name wins.
        scale: at which synthetic faces are cut.
        report: told how many synthetic faces are made.

    Raises:
        UserError: London has not been fetched, or N is no number of faces.
    """
    name, colon, number = str(faces).partition(":")
    if Path(faces).is_dir() or name not in ("london", "synthetic"):
        return Path(faces)
    if name == "london":
        return find_london()
    if colon and not (number.isdecimal() and int(number) >= 3 * PEOPLE):
        raise UserError(f"{faces}: '{number}' is no number of faces", f"at least {3 * PEOPLE}, as in synthetic:400")
    return _synthetic(int(number) if colon else COUNT, scale, report)


def _synthetic(count: int, scale: float, report: Callable[[int, int], None]) -> Path:
    import pooch

    from mpe_lib.synthetic.people import VERSION, prepare_synthetic

    folder = pooch.os_cache("mpe") / f"synthetic-{VERSION}-{count}-{scale:g}"
    if not (folder / "metadata.csv").is_file():
        prepare_synthetic(folder, count, count // PEOPLE, scale=scale, report=report)
    return folder
