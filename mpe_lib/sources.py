"""Where faces come from: what `--faces` may name besides a folder, and how much of the training each source is."""

import math
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from mpe_lib.config import Config
from mpe_lib.download import cache
from mpe_lib.errors import UserError
from mpe_lib.faces.facset import Faces, read_all
from mpe_lib.faces.london import find_london
from mpe_lib.files import writing

PEOPLE = 4  #: faces of each synthetic person
COUNT = 1000  #: of "synthetic" alone
Report = Callable[[int, int], None]  #: called with what is done and all there is


def face_folders(
    sources: Sequence[str], scale: float = 2.9, report: Report = lambda done, total: None
) -> list[tuple[Path, float | None]]:
    """The face folder and the weight of each source.

    Args:
        sources: each as in `face_folder`, all or none followed by @ and a weight: of utk@3 and london@1 three
            quarters of the faces that training sees are from utk, however many there are in each.
        scale, report: see `face_folder`.

    Returns:
        Folders, with None for weights that are not given.

    Raises:
        UserError: as `face_folder`; or a weight that is no positive number, or is given to some sources only.
    """
    parted = [_parted(source) for source in sources]
    if len({weight is None for _, weight in parted}) > 1:
        bare = next(name for name, weight in parted if weight is None)
        raise UserError(f"--faces {bare} has no weight, and others have one", f"write {bare}@1, or no weight at all")
    return [(face_folder(name, scale, report), weight) for name, weight in parted]


def face_folder(faces: str | Path, scale: float = 2.9, report: Report = lambda done, total: None) -> Path:
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
    if os.path.isdir(faces) or name not in ("london", "synthetic"):
        return Path(faces)
    if name == "london":
        return find_london()
    if colon and not (re.fullmatch("[0-9]{1,9}", number) and int(number) >= 3 * PEOPLE):
        raise UserError(f"{faces}: '{number}' is no number of faces", f"at least {3 * PEOPLE}, as in synthetic:400")
    return _synthetic(int(number) if colon else COUNT, scale, report)


def cut_as(faces: Faces, config: Config, *, chosen: bool) -> Config:
    """The config for faces of the scale that these were cut at.

    Raises:
        UserError: another scale was chosen.
    """
    scale = faces.scale()
    if scale is None:
        return config
    if chosen and not fits(scale, config.net.face_scale):
        raise UserError(f"net.face_scale={config.net.face_scale}, but the faces are cut at {scale}", "leave it out")
    return config if chosen else config.replace({"net.face_scale": scale})


def to_train_on(
    sources: Sequence[tuple[Path, float | None]], config: Config, fold: int | None, *, chosen: bool
) -> tuple[Faces, Faces, Config]:
    """The faces to learn from, those to validate on, of which there may be none, and the config for their scale.

    Args:
        sources: as `face_folders` gives them.
        config: names the action units, and a scale.
        fold: of BP4D and DISFA.
        chosen: whether somebody asked for that scale.

    Raises:
        UserError: as `read_all` and `cut_as`.
    """
    known = read_all(sources, "train", config.net.aus, fold)
    validation = read_all(sources, "val", config.net.aus, fold, needed=False)
    return known, validation, cut_as(known, config, chosen=chosen)


def fits(scale: float, other: float) -> bool:
    """Whether faces cut at one scale are of use to a network of the other."""
    return abs(scale / other - 1) < 0.03


def misfit(scale: float, name: str, other: float | None) -> list[str]:
    """What there is to say where faces are cut at another scale than a network was trained at: a line or none.

    Args:
        scale: of the faces.
        name: of the network, or of what else looks at faces.
        other: its scale; None: it takes faces of any.
    """
    if other is None or fits(scale, other):
        return []
    return [f"the faces are cut at scale {scale}, {name} was trained at {other}"]


def _parted(source: str) -> tuple[str, float | None]:
    """A source and its weight; a folder whose name has an @ wins."""
    name, at, text = source.rpartition("@")
    if not at or os.path.isdir(source):  # unlike Path's, false of a name that is too long
        return source, None
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (name and 0 < weight < math.inf):
        raise UserError(f"--faces {source}: '{text}' is no weight", "write a number above 0, as in synthetic:400@0.5")
    return name, weight


def _synthetic(count: int, scale: float, report: Report) -> Path:
    from mpe_lib.synthetic.people import VERSION, prepare_synthetic

    folder = cache() / f"synthetic-{VERSION}-{count}-{scale:g}"
    with writing(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))  # several trainings may want the same ones
        lock.acquire()
    try:
        if not (folder / "metadata.csv").is_file():
            prepare_synthetic(folder, count, count // PEOPLE, scale=scale, report=report)
    finally:
        lock.release()
    return folder
