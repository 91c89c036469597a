"""Many runs of a notebook, one for each cell of a grid, on as many machines as there are.

A YAML file names the notebook and what its parameters go through::

    notebook: one_run.ipynb              # beside the YAML file, or from there
    out: ../../out/systems               # receives a folder for each cell
    collect: ../../figures/results/systems   # optional: receives every cell's result.json as CELL.json
    common: {faces: [my_faces], judge: judge}
    grid:
      seed: [0, 1, 2]
      network:
        - {name: SRCNN, preset: srcnn}   # parameters that go together; name, else the first
        - {name: MPENet, preset: paper}  # names the cell

Each combination is a cell. Its notebook gets the parameters and `output`, its own folder; where a text holds {seed},
{output} or another parameter in braces, that one's value stands there. A cell that has finished with the same
parameters is not run again; what a lost machine was at is run by another (`mpe_lib.cluster`).
"""

import itertools
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mpe_lib.config import near
from mpe_lib.errors import UserError
from mpe_lib.files import read_json, read_text

NOTEBOOK = "notebook.ipynb"  #: of a cell that has finished
PARTS = ("notebook", "out", "collect", "common", "grid")  #: of the file of a sweep
LONGEST, DEEPEST, MOST = 20_000, 50, 10_000  #: characters of YAML, and brackets in each other; cells
BRACES = re.compile(r"\{([^{}]*)\}")  #: around a name, in a text that it fills
UNSAFE = re.compile(r"[^\w+.,=@-]+")  #: in the name of a folder


@dataclass(frozen=True)
class Cell:
    """One run of the notebook."""

    name: str
    folder: Path  # its own
    parameters: Mapping[str, Any]

    def finished(self) -> bool:
        """Whether it has run to its end with these parameters."""
        try:
            notes: Any = read_json(self.folder / NOTEBOOK)["metadata"]["papermill"]
            return notes["exception"] is None and notes["parameters"] == json.loads(json.dumps(self.parameters))
        except (OSError, ValueError, LookupError, TypeError):
            return False


@dataclass(frozen=True)
class Sweep:
    """A grid of runs."""

    notebook: Path
    out: Path
    cells: list[Cell]
    collect: Path | None = None


def read_sweep(path: Path, changes: Mapping[str, Any] | None = None) -> Sweep:
    """The sweep that a YAML file describes.

    Args:
        path: the file.
        changes: to its common parameters.

    Raises:
        UserError: no such file, no YAML, unknown or missing parts, two cells of one name, or no notebook.
    """
    parts = _read(path)
    here = path.resolve().parent
    notebook, out = (here / parts[name] for name in ("notebook", "out"))
    if not os.path.isfile(notebook):
        raise UserError(f"{path}: notebook {parts['notebook']} is not there", f"name one as seen from {here}")
    for name in changes or {}:
        if not name.isidentifier() or name in parts["grid"]:
            raise UserError(f"{path}: {name} is no common parameter", "what the grid goes through is changed there")
    common = {**parts.get("common", {}), **(changes or {})}
    cells: dict[str, Cell] = {}
    for name, parameters in _combinations(parts["grid"]):
        parameters = _filled(path, {**common, **parameters, "output": str(out / name)})
        if not name:
            raise UserError(f"{path}: a cell without a name", "give every network one")
        if name in cells:
            raise UserError(f"{path}: two cells would be called {name}", "give their networks different names")
        cells[name] = Cell(name, out / name, parameters)
    collect = parts.get("collect")
    return Sweep(notebook, out, list(cells.values()), here / collect if collect else None)


def _read(path: Path) -> dict[str, Any]:
    try:
        parts = parse_yaml(read_text(path, LONGEST))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"{path}: no YAML file to read ({error})", "see mpe_lib/sweep.py") from error
    if not isinstance(parts, dict):
        raise UserError(f"{path}: describes no sweep", f"it has the parts {', '.join(PARTS)}")
    for name in parts:
        if name not in PARTS:
            raise UserError(f"{path}: unknown part '{name}'", near(str(name), PARTS))
    for name in ("notebook", "out", "grid"):
        if not parts.get(name):
            raise UserError(f"{path}: no part '{name}'", f"it has the parts {', '.join(PARTS)}")
    for name in ("notebook", "out", "collect"):
        place = parts.get(name) or ""
        if not isinstance(place, str) or not place.isprintable():
            raise UserError(f"{path}: '{name}' is no path", "write one, perhaps in quotes")
    if not isinstance(parts.get("common", {}), dict):
        raise UserError(f"{path}: 'common' is no table of parameters", "write it as in common: {judge: judge}")
    grid = parts["grid"]
    if not isinstance(grid, dict) or not all(isinstance(values, list) and values for values in grid.values()):
        raise UserError(f"{path}: the grid is no table of lists", "write it as in seed: [0, 1, 2]")
    if math.prod(map(len, grid.values())) > MOST:
        raise UserError(f"{path}: more than {MOST:,} cells", "divide the grid")
    return parts


def parse_yaml(text: str) -> Any:
    """What a text in YAML says; nothing but plain values is made of it.

    Raises:
        YAMLError: no YAML, a value that is none, or an alias, by which a short text could say endlessly much.
    """
    try:
        if len(text) > LONGEST:
            raise yaml.YAMLError(f"more than {LONGEST:,} characters")
        depth = 0
        for event in yaml.parse(text):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST or isinstance(event, yaml.AliasEvent):
                raise yaml.YAMLError(f"more than {DEEPEST} brackets in each other, or an alias, as in *name")
        return yaml.safe_load(text)
    except Exception as error:  # at 2001-99-99, !!int x or a thousand brackets, whatever Python raises
        raise yaml.YAMLError(str(error)) from error


def _combinations(grid: Mapping[str, list[Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name and the parameters of every cell."""
    for values in itertools.product(*grid.values()):
        parameters: dict[str, Any] = {}
        names, plain = list[str](), list[str]()
        for key, value in zip(grid, values, strict=True):
            if isinstance(value, dict):
                parameters |= value
                names.append(str(value.get("name", next(iter(value.values()), ""))))
            else:
                parameters[key] = value
                plain.append(f"{key}{value}")
        yield UNSAFE.sub("_", "-".join(names + plain)).lstrip("."), parameters


def _filled(path: Path, parameters: dict[Any, Any]) -> dict[str, Any]:
    """The parameters, those in braces replaced by their values.

    Raises:
        UserError: a name that no parameter has or can have, or a value that JSON can't hold.
    """

    def named(braces: re.Match[str]) -> str:  # not str.format, which would compute whatever stands there
        if braces[1] not in parameters:
            raise UserError(f"{path}: no parameter for the braces ('{braces[1]}')", "name one of the same cell")
        return str(parameters[braces[1]])

    for name, value in parameters.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise UserError(f"{path}: {name!r} is no name of a parameter", "write it as a name in Python")
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise UserError(f"{path}: {name} is no plain value ({error})", "write it in quotes") from error
    return {
        name: BRACES.sub(named, value) if isinstance(value, str) and name != "output" else value
        for name, value in parameters.items()
    }
