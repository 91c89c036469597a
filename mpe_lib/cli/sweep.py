"""`mpe sweep`."""

from contextlib import nullcontext
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mpe_lib.cli.options import parted
from mpe_lib.cli.terminal import ALL, NONE, SOME, say, tell, told
from mpe_lib.errors import UserError

if TYPE_CHECKING:
    from mpe_lib.cluster import Ran


def sweep(
    file: Annotated[Path, typer.Argument(metavar="SWEEP.yaml", help="The grid, as mpe_lib/sweep.py explains.")],
    scheduler: Annotated[
        str | None, typer.Option(help="Of a dask cluster, as tcp://node:8786; else this machine's GPUs or cores.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="At once on this machine.", min=1)] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A common parameter, as in judge=null.")
    ] = None,
    collect: Annotated[Path | None, typer.Option(help="Where the results are to be gathered instead.")] = None,
    only: Annotated[str | None, typer.Option(help="Cells whose name fits a pattern, as in 'DIC*'.")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only list the cells, and which have finished.")] = False,
) -> None:
    """Run a notebook through a grid of parameters, here or on many machines. Interrupted, the same command goes on."""
    with told():
        if find_spec("distributed") is None or find_spec("papermill") is None:
            raise UserError("mpe sweep needs dask and papermill", "pip install 'mpe-lib[notebooks,sweep]'")
        import yaml

        from mpe_lib.cluster import run_sweep
        from mpe_lib.sweep import parse_yaml, read_sweep

        try:
            changes = {name: parse_yaml(value) for name, value in (parted(text, "judge=null") for text in sets or ())}
        except yaml.YAMLError as error:
            raise UserError("--set: no YAML", "write it as in 'faces=[my_faces]'") from error
        grid = read_sweep(file, changes)
        if collect is not None:
            grid = replace(grid, collect=collect)
        if only is not None:
            grid = replace(grid, cells=[cell for cell in grid.cells if fnmatchcase(cell.name, only)])
            if not grid.cells:
                raise UserError(f"{file}: no cell is called {only}", "mpe sweep --dry-run lists them")
        left = [cell for cell in grid.cells if not cell.finished()]
        tell(f"{file}: {len(grid.cells)} cells, {len(grid.cells) - len(left)} finished before")
        if dry:
            for cell in grid.cells:
                tell(f"{cell.name}: {'to run' if cell in left else 'finished'}")
            raise SystemExit(ALL)
        with _cluster(scheduler, workers) as cluster, _client(cluster) as client:
            print(f"dashboard: {client.dashboard_link}", flush=True)
            ran = run_sweep(grid, client, _tell)
    failed = [each for each in ran if each.problem]
    for each in failed:
        report = each.cell.folder / "failed.ipynb"
        say(f"{each.cell.name}: {each.problem}" + (f"; see {report}" if report.is_file() else ""))
    raise SystemExit(ALL if not failed else SOME if len(failed) < len(ran) else NONE)


def _cluster(scheduler: str | None, workers: int | None) -> Any:
    """A cluster's address, or a cluster of this machine, which ends with the sweep."""
    from mpe_lib.cluster import local_cluster

    return local_cluster(workers) if scheduler is None else nullcontext(scheduler)


def _client(cluster: Any) -> Any:
    """Raises UserError: nobody answers at the address."""
    from distributed import Client

    try:
        return Client(cluster)
    except (OSError, ValueError) as error:
        raise UserError(f"no scheduler at {cluster}", "write its address as in tcp://node:8786") from error


def _tell(ran: "Ran", done: int, total: int) -> None:
    tell(f"[{done}/{total}] {ran.cell.name}: {'failed' if ran.problem else 'finished'}, {ran.seconds:.0f} s")
