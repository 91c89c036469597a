"""The command line: `mpe restore`, `mpe train`, `mpe evaluate` and more; heavy imports wait until one needs them."""

import os
import sys
from errno import ENOSPC, EPIPE
from io import TextIOWrapper

import typer

from mpe_lib.cli.compare import compare
from mpe_lib.cli.faces import fetch, prepare
from mpe_lib.cli.measure import evaluate, openface, tables
from mpe_lib.cli.restore import restore
from mpe_lib.cli.sweep import sweep
from mpe_lib.cli.terminal import SOME, fail
from mpe_lib.cli.train import train
from mpe_lib.memory import is_for_memory

app = typer.Typer(help="Faces from 16 x 16 to 128 x 128 pixels: restore, train, evaluate.", add_completion=False)
for command in (restore, compare, train, evaluate, openface, tables, sweep):
    app.command()(command)
app.add_typer(prepare, name="prepare")
app.add_typer(fetch, name="fetch")


def main() -> None:
    """Run the command line; a wrong call is told in one line, as every other error is."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    try:
        try:
            code = app(standalone_mode=False)
        finally:
            sys.stdout.flush()
        raise SystemExit(code)
    except OSError as error:
        if error.errno not in (ENOSPC, EPIPE):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # where the rest of it goes
        if error.errno == EPIPE:  # nobody reads on, as behind | head
            raise SystemExit(SOME) from None
        fail(f"{error.strerror}; make room, or print elsewhere")
    except Exception as error:
        if is_for_memory(error):
            fail("not enough memory; end other programs, or choose a smaller network")
        told = getattr(error, "format_message", None)  # click's errors have it, and typer has a click of its own
        if told is None:
            raise
        command = getattr(getattr(error, "ctx", None), "command_path", "mpe")
        fail(f"{told().rstrip('.')}; see {command} --help")
