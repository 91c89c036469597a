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
parameters is not run again; what a lost machine was at is run by another.
"""

import itertools
import json
import logging
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from filelock import FileLock

from mpe_lib.config import near
from mpe_lib.errors import UserError
from mpe_lib.files import atomic, read_json, read_text

NOTEBOOK, FAILED = "notebook.ipynb", "failed.ipynb"  #: of a cell that has finished, or that has not
RESULT = "result.json"  #: what a cell's notebook may leave, to be collected
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


class Ran(NamedTuple):
    """What became of a cell."""

    cell: Cell
    problem: str | None  # the last line of its error; None if it has finished
    seconds: float


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


def local_cluster(workers: int | None = None) -> Any:
    """A dask cluster on this machine: a worker for each GPU, or each core, or as many as are asked for.

    Each has a GPU, or its share of the cores, to itself.
    """
    import torch
    from distributed import Nanny, Scheduler, SpecCluster

    from mpe_lib.machine import cores

    logging.getLogger("distributed").setLevel(logging.WARNING)  # it tells of every connection
    # those that this process may use
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    gpus = [given[number] if given[0] else str(number) for number in range(torch.cuda.device_count())]
    count = workers or len(gpus) or cores()

    def environment(number: int) -> dict[str, str]:
        threads = str(max(1, cores() // count))
        shared = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        return shared | ({"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {})

    worker = {"nthreads": 1, "host": "127.0.0.1", "silence_logs": logging.WARNING}
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": {"dashboard_address": "127.0.0.1:0", "host": "127.0.0.1"}},
        workers={number: {"cls": Nanny, "options": worker | {"env": environment(number)}} for number in range(count)},
    )


def run_sweep(
    sweep: Sweep,
    client: Any,
    report: Callable[[Ran, int, int], None] = lambda ran, done, total: None,
) -> list[Ran]:
    """Run every cell that has not finished, each as a task of a dask cluster.

    A task is given to another worker when its own is lost; a notebook that fails is not tried again.

    Args:
        sweep: what to run; its folders must be the same for all workers.
        client: a `distributed.Client`.
        report: told of every cell that has run, how many have, and how many there are to run.

    Returns:
        What became of the cells that were run.
    """
    from distributed import as_completed

    _check(sweep)
    todo = [cell for cell in sweep.cells if not cell.finished()]
    futures = {
        client.submit(run_cell, sweep.notebook, cell, Path.cwd(), key=f"{cell.name}-{time.time_ns()}", pure=False): cell
        for cell in todo
    }
    done: list[Ran] = []
    for future in as_completed(futures):
        cell, error = futures[future], future.exception()
        # a worker that took too many with it: the task is not tried a fourth time
        ran = future.result() if error is None else Ran(cell, f"{type(error).__name__}: {error}", 0.0)
        done.append(ran)
        _collect(sweep, cell)
        report(ran, len(done), len(todo))
    for cell in sweep.cells:
        _collect(sweep, cell)
    return done


def run_cell(notebook: Path, cell: Cell, cwd: Path) -> Ran:
    """Run the notebook of one cell, here; it leaves notebook.ipynb, or failed.ipynb."""
    from mpe_lib.jupyter import mend_sockets

    mend_sockets()
    begun = time.perf_counter()
    cell.folder.mkdir(parents=True, exist_ok=True)
    with FileLock(cell.folder / "cell.lock"):  # an interrupted sweep may still be at it
        if cell.finished():
            return Ran(cell, None, 0.0)
        problem = _execute(notebook, cell, cwd)
    return Ran(cell, problem, time.perf_counter() - begun)


def _execute(notebook: Path, cell: Cell, cwd: Path) -> str | None:
    """What went wrong, None if nothing did."""
    import papermill
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    for name in (NOTEBOOK, FAILED):
        (cell.folder / name).unlink(missing_ok=True)
    problem = None
    under_way = cell.folder / "under_way.ipynb"
    try:
        papermill.execute_notebook(
            notebook,
            under_way,
            dict(cell.parameters),
            cwd=cwd,
            progress_bar=False,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],  # of the kernel, which warns of every port
        )
    except PapermillExecutionError as error:
        problem = f"{error.ename}: {error.evalue}".strip().replace("\n", " ")
    except DeadKernelError as error:
        problem = f"{error}; it may have run out of memory"
    under_way.replace(cell.folder / (FAILED if problem else NOTEBOOK))
    return problem


def _check(sweep: Sweep) -> None:
    """Raises UserError: a parameter that the notebook does not have."""
    import papermill

    known = papermill.inspect_notebook(str(sweep.notebook))
    for cell in sweep.cells:
        for name in cell.parameters:
            if name not in known:
                raise UserError(f"{sweep.notebook} has no parameter '{name}'", near(name, known))


def _collect(sweep: Sweep, cell: Cell) -> None:
    """The result of a cell that has finished, with those of the others."""
    result = cell.folder / RESULT
    if sweep.collect is not None and cell.finished() and result.is_file():
        with atomic(sweep.collect / f"{cell.name}.json") as temporary:
            shutil.copyfile(result, temporary)
