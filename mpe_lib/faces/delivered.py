"""Files of a data set as it is delivered: found by their names, and the tables among them."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from mpe_lib.errors import UserError
from mpe_lib.files import open_text


@dataclass(frozen=True)
class Labels:
    """What a table says of a frame."""

    where: str  # file and line
    values: list[str]


def claim(found: dict[str, Path], name: str, path: Path) -> None:
    """Note where something is.

    Raises:
        UserError: it is somewhere else too.
    """
    other = found.setdefault(name, path)
    if other != path:
        raise UserError(f"{name} is there twice: {other} and {path}", "keep one of them")


def read_labels(path: Path, header: bool) -> tuple[list[str], dict[int, Labels]]:
    """The header, [] if there is none, and the labels of each frame: a table whose first column is its number.

    Raises:
        UserError: it can't be read, or a frame has no number or two lines.
    """
    try:
        with open_text(path) as file:
            reader = csv.reader(file)
            columns = next(reader, []) if header else []
            lines = [(f"{path}:{reader.line_num}", [cell.strip() for cell in line]) for line in reader if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: not a CSV table ({error})", "copy it again from its source") from error
    frames: dict[int, Labels] = {}
    for where, (number, *values) in lines:
        if not re.fullmatch("[0-9]{1,9}", number):
            raise UserError(f"{where}: '{number}' is no number of a frame", "correct it or delete the line")
        other = frames.setdefault(int(number), Labels(where, values))
        if other.where != where:
            raise UserError(f"{where}: a second line for frame {number}", f"the first is {other.where}; keep one")
    return [cell.strip() for cell in columns], frames
