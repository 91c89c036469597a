"""A face folder from a folder of photographs: `mpe prepare photos`.

A photograph gives one face, its largest: whoever is behind has another name. It is rejected, and listed with the
reason in rejected.csv, if it can't be read, shows no face or one cut off, or if the face is too small, turned too
far, blurred, or nearly the same as one before it.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from mpe_lib.errors import UserError, one_line
from mpe_lib.faces.align import align, detect_largest, landmark_model
from mpe_lib.faces.folder import Outcome, Rejected, Row, fill, row
from mpe_lib.faces.picture import FORMATS, read_picture, write_png
from mpe_lib.faces.quality import fingerprint, near_duplicates, sharpness, yaw
from mpe_lib.faces.tables import labels, people, read_table
from mpe_lib.files import walk

#: Names of pictures; those of the second line can't be read, and are rejected with that reason.
SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm"),
    *(".heic", ".heif", ".avif", ".jp2"),
}
LONGEST = 200  #: bytes of a name: many file systems take 255


@dataclass(frozen=True)
class Limits:
    """What becomes of a face, and what is asked of it."""

    scale: float  # how much of the head is seen, see `align`
    min_side: int  # of the square around the face, pixels of the photograph
    min_sharpness: float  # see `sharpness`
    max_yaw: float  # degrees to either side


@dataclass(frozen=True)
class Photo:
    """A photograph, and what is known of it."""

    path: Path
    file: str  # its path in the folder, as text
    limits: Limits
    problem: str = ""  # why it is rejected without a look
    subject: str = ""
    split: str = ""
    aus: dict[int, int | None] = field(default_factory=dict[int, int | None])

    @property
    def name(self) -> str:
        """What its face is called. Folders become part of it, a/1.jpg gives a__1.png."""
        flat = "__".join(PurePosixPath(self.file).with_suffix("").parts).replace("\\", "_")
        if len(flat.encode()) > LONGEST:
            flat = f"{flat[:40]}-{hashlib.sha256(flat.encode()).hexdigest()[:16]}"
        return flat + ".png"


class Summary(NamedTuple):
    """How many photographs became what."""

    faces: int
    rejected: int  # duplicates not counted
    duplicates: int


def prepare_photos(
    source: Path,
    out: Path,
    *,
    scale: float = 2.9,
    min_side: int = 96,
    min_sharpness: float = 25,
    max_yaw: float = 30,
    subjects: str = "file",
    table: Path | None = None,
    aus: Path | None = None,
    seed: int = 0,
    distinct: bool = True,
    processes: int | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Fill a face folder from the photographs of a folder and of those in it; interrupted, the same call goes on.

    Args:
        source: photographs; what is hidden, and what a link to a folder holds, is passed over.
        out: new, empty, or left by an interrupted call.
        scale, min_side, min_sharpness, max_yaw: see `Limits`.
        subjects: who is who, so that nobody is in two splits: "file" (nobody twice), "folder" (a person is called
            as the folder that holds the picture), or a column of `table`.
        table: CSV with file_name; a picture that it does not name is rejected. Its column `split`, if any, decides;
            else of 100 subjects 80 train, 10 validate and 10 test, and a new photograph moves nobody.
        aus: CSV with file_name and AU1, AU2, ... (1, 0, and 9 or nothing for unknown).
        seed: of the splits.
        distinct: leave out near-duplicates.
        processes: as many as there are cores unless given.
        report: called with the photographs done and all photographs.

    Raises:
        UserError: no photograph, two that would give one name, a table that can't be used, a subject in two
            splits, no face at all; the folder holds something else, or can't be written.
    """
    limits = Limits(scale, min_side, min_sharpness, max_yaw)
    photos = find_photos(source, out, limits, leave={table, aus})
    photos = _joined(source, photos, subjects, table, aus, seed)
    landmark_model()  # missing, it would be so for every photograph
    said = {
        "photos": 1,
        "source": str(source.resolve()),
        **asdict(limits),
        "subjects": subjects,
        "seed": seed,
        "distinct": distinct,
    }
    said |= {name: _digest(path) for name, path in (("table", table), ("aus", aus)) if path}
    keys = [photo.file for photo in photos]
    duplicates = 0

    def finish(rows: Sequence[Row]) -> dict[str, Rejected]:
        nonlocal duplicates
        found = near_duplicates(rows) if distinct else {}
        duplicates = len(found)
        return found

    rows, rejected = fill(out, photos, make, said=said, keys=keys, finish=finish, processes=processes, report=report)
    return Summary(len(rows), len(rejected) - duplicates, duplicates)


def find_photos(source: Path, out: Path, limits: Limits, leave: set[Path | None]) -> list[Photo]:
    """Every file of a folder and of those in it, by name, less what is in `out`, hidden, or to be left.

    Raises:
        UserError: no folder, no picture in it, or two that would give one name.
    """
    outside = {path.resolve() for path in leave if path}
    if source.resolve() in out.resolve().parents:
        outside.add(out.resolve())
    photos: list[Photo] = []
    for path in _files(source):
        if path.resolve() in outside or outside & set(path.resolve().parents):
            continue
        known = path.suffix.lower() in SUFFIXES
        problem = "" if known else f"is no picture by its name; use {', '.join(FORMATS)}"
        photos.append(Photo(path, _text(path.relative_to(source)), limits, problem))
    taken: dict[str, str] = {}
    for photo in photos:
        if photo.problem:
            continue
        other = taken.setdefault(photo.name.casefold(), photo.file)  # some file systems don't tell A from a
        if other != photo.file:
            raise UserError(f"{source}: {other} and {photo.file} would both be called {photo.name}", "rename one")
    if not taken:
        raise UserError(f"{source}: no picture in it", f"use {', '.join(FORMATS)}")
    return photos


def find_pictures(source: Path) -> dict[Path, str]:
    """The pictures of a folder and of those in it, with what a table calls each.

    Raises:
        UserError: no folder, or no picture in it.
    """
    found = {path: _text(path.relative_to(source)) for path in _files(source) if path.suffix.lower() in SUFFIXES}
    if not found:
        raise UserError(f"{source}: no picture in it", f"use {', '.join(FORMATS)}")
    return found


def make(folder: Path, photo: Photo) -> Outcome:
    """The face of one photograph, and its line of the table; or why there is none."""
    if photo.problem:
        return Rejected(photo.file, photo.problem)
    limits = photo.limits
    try:
        picture = read_picture(photo.path)
    except UserError as error:
        return Rejected(photo.file, str(error).removeprefix(one_line(str(photo.path)) + " "))
    found = detect_largest(picture)
    if found is None:
        return Rejected(photo.file, "no face found; it must be seen from the front, upright and large enough")
    try:
        face = align(picture, found.landmarks, limits.scale)
    except UserError as error:  # cut off
        return Rejected(photo.file, str(error))
    sharp, turned = sharpness(face.image), yaw(face.landmarks)
    if face.source_side < limits.min_side:
        return Rejected(photo.file, f"face of {face.source_side:.1f} pixels, fewer than {limits.min_side}")
    if abs(turned) > limits.max_yaw:
        return Rejected(photo.file, f"face turned by {abs(turned):.0f} degrees, more than {limits.max_yaw:g}")
    if sharp < limits.min_sharpness:
        return Rejected(photo.file, f"face blurred: sharpness {sharp:.1f}, less than {limits.min_sharpness:g}")
    write_png(folder / photo.name, face.image)
    more = {"source": photo.file, "source_side": f"{face.source_side:.0f}"}
    more |= {"sharpness": f"{sharp:.1f}", "yaw": f"{turned:.1f}"}
    done = row(photo.name, face.landmarks, photo.aus, photo.subject, photo.split)
    return replace(done, more=more, mark=fingerprint(face.image))


def _joined(
    source: Path, photos: list[Photo], subjects: str, table: Path | None, aus: Path | None, seed: int
) -> list[Photo]:
    """The photographs with what the tables say of them."""
    files = [photo.file for photo in photos if not photo.problem]
    named = people(files, subjects, read_table(table, files) if table else None, seed, source.resolve().name)
    shown = labels(read_table(aus, files)) if aus else {}
    joined: list[Photo] = []
    for photo in photos:
        if photo.file in named:
            subject, split = named[photo.file]
            photo = replace(photo, subject=subject, split=split, aus=shown.get(photo.file, {}))
        elif not photo.problem:
            photo = replace(photo, problem=f"not named in {table}")
        joined.append(photo)
    return joined


def _files(source: Path) -> list[Path]:
    """By name, as `walk` finds them."""
    return sorted(folder / name for folder, names in walk(source, "photographs") for name in names)


def _text(path: Path) -> str:
    """A path as text: bytes of a name that are none become \\xNN."""
    return path.as_posix().encode(errors="surrogateescape").decode(errors="backslashreplace")


def _digest(path: Path) -> str:
    """Tells one content of a file from another."""
    return f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"
