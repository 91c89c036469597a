"""Tables that say something of photographs: CSV with a column `file_name`, which names files of a folder."""

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from mpe_lib.config import AUS, near
from mpe_lib.errors import UserError
from mpe_lib.faces.facset import AU_VALUES, check_once
from mpe_lib.files import open_text

KNOWN_AUS = sorted(
    {*AUS, 5, 20, 28, 43, 45}
)  #: those that a table may have: those without a place on the face do no harm in a table
SPLITS = ("train", "val", "test")  #: what a face may be for
TRAINED, VALIDATED = 0.8, 0.9  #: of a subject's number in [0, 1): below the first, below the second, or for testing


@dataclass(frozen=True)
class Table:
    """What a table says of each file that it names."""

    path: Path
    columns: list[str]
    lines: dict[str, tuple[int, dict[str, str]]]  # by file: number of the line, and its values


def read_table(path: Path, files: Sequence[str]) -> Table:
    """Read a table; it names a file by its path inside the folder, or by its bare name if only one has it.

    Lines of other files are passed over.

    Raises:
        UserError: it can't be read, has no file_name, or names no file, one twice, or one of several.
    """
    columns, rows = _read_csv(path)
    if "file_name" not in columns:
        raise UserError(f"{path}: no column file_name", f"its first line has {', '.join(columns)[:80] or 'nothing'}")
    paths, bare = set(files), dict[str, list[str]]()
    for file in files:
        bare.setdefault(PurePosixPath(file).name, []).append(file)
    lines: dict[str, tuple[int, dict[str, str]]] = {}
    for line, row in rows:
        name = str(PurePosixPath(row["file_name"].strip()))
        meant = [name] if name in paths else bare.get(name, [])
        if len(meant) > 1:
            raise UserError(f"{path}:{line}: '{name}' may be {meant[0]} or {meant[1]}", "name the folder too")
        for file in meant:
            if file in lines:
                raise UserError(f"{path}:{line}: a second line for {file}", f"the first is {lines[file][0]}; keep one")
            lines[file] = line, row
    if not lines:
        raise UserError(f"{path}: names none of the pictures", f"as {files[0]} would be one of them")
    return Table(path, columns, lines)


def labels(table: Table) -> dict[str, dict[int, int | None]]:
    """Action units by file: 1 present, 0 absent, None unknown; `AUn_intensity` is passed over.

    Raises:
        UserError: a column of a unit that is not known, none at all, or a value that is no label.
    """
    columns = _au_columns(table)
    said: dict[str, dict[int, int | None]] = {}
    for file, (line, row) in table.lines.items():
        said[file] = {}
        for au, column in columns.items():
            value = AU_VALUES.get(row[column].strip())
            if value is None:
                raise UserError(
                    f"{table.path}:{line}: {column} of '{file}' is '{row[column]}'",
                    "write 1 for present, 0 for absent, 9 or nothing for unknown",
                )
            said[file][au] = None if np.isnan(value) else int(value)
    return said


def people(files: Sequence[str], subjects: str, table: Table | None, seed: int, top: str) -> dict[str, tuple[str, str]]:
    """Subject and split by file; a file that the table does not name is left out.

    Args:
        files: paths inside a folder.
        subjects: "file", "folder", or a column of the table, where nothing stands for a person of their own.
        table: its column `split` decides, if it has one; else 80 of 100 subjects train, 10 validate and 10
            test, by a number that follows from the subject's name and the seed.
        seed: of that number.
        top: name of the folder, the subject of its own pictures if subjects are folders.

    Raises:
        UserError: no such column, a split that is none, or a subject in two of them.
    """
    if subjects not in ("file", "folder") and (table is None or subjects not in table.columns):
        of = f"{table.path}: no column" if table else "without a table there are no subjects"
        columns = [name for name in (table.columns if table else ()) if not re.fullmatch(r"([xy]_|AU)\d.*", name)]
        raise UserError(f"{of} '{subjects}'", near(subjects, ["file", "folder", *columns]))
    said: dict[str, tuple[str, str]] = {}
    first: dict[str, str] = {}  # file of each subject
    for file in files:
        row = table.lines.get(file, (0, None))[1] if table else {}
        if row is None:
            continue
        subject = {"file": file, "folder": PurePosixPath(file).parent.name or top}.get(subjects) or row[
            subjects
        ].strip()
        subject = subject or file
        said[file] = subject, _split(table, file, row) or _drawn(subject, seed)
        other = first.setdefault(subject, file)
        if said[other] != said[file]:
            one, two = said[other][1], said[file][1]
            raise UserError(f"subject '{subject}' is in {one} ({other}) and in {two} ({file})", "use one split")
    return said


def _drawn(subject: str, seed: int) -> str:
    """The split of a subject, whoever else there is."""
    number = int.from_bytes(hashlib.sha256(f"{seed}/{subject}".encode()).digest()[:6]) / 2**48
    return SPLITS[(number >= TRAINED) + (number >= VALIDATED)]


def _split(table: Table | None, file: str, row: Mapping[str, str]) -> str:
    """The split that the table gives a file, "" if it has no such column."""
    if table is None or "split" not in table.columns:
        return ""
    split = row["split"].strip()
    if split not in SPLITS:
        line = table.lines[file][0]
        raise UserError(f"{table.path}:{line}: split of '{file}' is '{split}'", f"write {', '.join(SPLITS)}")
    return split


def _au_columns(table: Table) -> dict[int, str]:
    """The column of each unit."""
    found: dict[int, str] = {}
    for column in table.columns:
        unit = re.fullmatch(r"AU(\d{1,9})", column)
        if unit is None and (not re.match(r"AU[\W\d_]", column) or re.fullmatch(r"AU\d+_intensity", column)):
            continue
        au = int(unit[1]) if unit else -1
        if au not in KNOWN_AUS:
            known = ", ".join(f"AU{each}" for each in KNOWN_AUS)
            raise UserError(f"{table.path}: column {column} is no action unit known here", f"known: {known}")
        if au in found:
            raise UserError(f"{table.path}: columns {found[au]} and {column} are one unit", "keep one of them")
        found[au] = column
    if not found:
        raise UserError(f"{table.path}: no column of an action unit", "call them AU1, AU2, ...")
    return found


def _read_csv(path: Path) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """Columns and rows with their line numbers."""
    try:
        with open_text(path) as file:
            reader = csv.reader(file)
            columns = [name.strip() for name in next(reader, [])]
            check_once(path, columns)
            rows = ((reader.line_num, zip(columns, row, strict=False)) for row in reader if row)
            return columns, [(line, defaultdict(str, row)) for line, row in rows]  # cells that are not there are blank
    except FileNotFoundError as error:
        raise UserError(f"{path}: not found", "check the name") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"{path}: not a CSV table ({reason})", "save it as UTF-8 text that you may read") from error
