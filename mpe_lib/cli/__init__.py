"""The command line: `mpe restore`, `mpe train`, `mpe evaluate` and more; heavy imports wait until one needs them."""

import sys
from io import TextIOWrapper

import typer

from mpe_lib.cli.compare import compare
from mpe_lib.cli.faces import fetch, prepare
from mpe_lib.cli.measure import evaluate, openface, tables
from mpe_lib.cli.restore import restore
from mpe_lib.cli.sweep import sweep
from mpe_lib.cli.terminal import fail
from mpe_lib.cli.train import train

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
        raise SystemExit(app(standalone_mode=False))
    except Exception as error:
        told = getattr(error, "format_message", None)  # click's errors have it, and typer has a click of its own
        if told is None:
            raise
        command = getattr(getattr(error, "ctx", None), "command_path", "mpe")
        fail(f"{told().rstrip('.')}; see {command} --help")
