"""The cells of a sweep, run by a dask cluster: the GPUs or cores of this machine, or as many machines as there are."""

import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from mpe_lib.config import near
from mpe_lib.errors import UserError
from mpe_lib.files import atomic
from mpe_lib.sweep import NOTEBOOK, Cell, Sweep

FAILED = "failed.ipynb"  #: in place of NOTEBOOK, of a cell that has not finished
RESULT = "result.json"  #: what a cell's notebook may leave, to be collected


class Ran(NamedTuple):
    """What became of a cell."""

    cell: Cell
    problem: str | None  # the last line of its error; None if it has finished
    seconds: float


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
