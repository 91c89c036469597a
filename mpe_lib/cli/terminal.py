"""What every command says in a terminal: errors in one line, bars while it works, and how it ends."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

from mpe_lib.errors import UserError, one_line

if TYPE_CHECKING:
    from mpe_lib.record import Progress

ALL, SOME, NONE = 0, 1, 2  # exit codes: how many of the pictures succeeded; a wrong call is NONE too
INTERRUPTED = 130


@contextmanager
def training_bar() -> Generator["Callable[[Progress], None]"]:
    """A bar with the loss terms, faces per second and time left; above it a line for validation, or a damaged face."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        BarColumn(20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[terms]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]} left"),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, terms="", left="?")
        told: list[str] = []

        def report(progress: "Progress") -> None:
            losses = " ".join(f"{name} {value.item():.4g}" for name, value in progress.terms.known().items())
            terms = f"{losses}  {progress.faces_per_second:.1f} faces/s"
            left = str(timedelta(seconds=round(progress.seconds_left)))
            bar.update(task, completed=progress.update, total=progress.updates, terms=terms, left=left)
            for line in progress.damaged[len(told) :]:
                console.print(f"mpe: {line}", highlight=False, soft_wrap=True, markup=False)
                told.append(line)
            if progress.psnr is not None:
                steps = " ".join(f"{value:.2f}" for value in progress.psnr)
                line = f"update {progress.update}: PSNR by step {steps} dB (Y, border 0), {losses}"
                console.print(line, highlight=False, soft_wrap=True)

        yield report


@contextmanager
def counting_bar() -> Generator["Callable[[int, int], None]"]:
    """A bar with what is done and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn())
    window = 600.0  # seconds; a task may take half of one, and from rich's 30 no speed could be told
    shown = Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=window
    )
    with shown as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def told() -> Generator[None]:
    """A UserError in the block ends the program with its line, and so does Ctrl-C."""
    try:
        yield
    except UserError as error:
        fail(str(error))
    except KeyboardInterrupt:
        say("stopped; go on with the same command")
        raise SystemExit(INTERRUPTED) from None


def say(line: str) -> None:
    """A line about what went wrong; names of files in it may hold what a terminal would obey."""
    print(f"mpe: {one_line(line)}", file=sys.stderr, flush=True)


def tell(line: str) -> None:
    """A line about what was done, in the same way."""
    print(one_line(line), flush=True)


def fail(line: str) -> NoReturn:
    """Say it, and end."""
    say(line)
    raise SystemExit(NONE)
