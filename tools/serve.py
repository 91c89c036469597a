"""Serve the lessons in JupyterLab, or the playground as a page, on this machine only and with a token.

    python tools/serve.py lab [--port N] [--token T] [--no-browser]
    python tools/serve.py app [--port N] [--token T] [--no-browser]

Further options are handed on to JupyterLab or Voila.

Of the page each visitor has a process of its own, which ends some minutes after the page was closed.
"""

import argparse
import os
import secrets
import sys
from pathlib import Path
from typing import Any

from mpe_lib.lesson import free_port

ROOT = Path(__file__).parents[1]
HERE = ROOT / "tools/jupyter"  # what is ours of their settings
LARGEST = 64 * 2**20  # bytes of a message: an upload comes as one, and tornado's own limit is 10 MiB
FIRST = "notebooks/00_start_here.ipynb"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["lab", "app"])
    parser.add_argument("--port", type=int, help="a free one unless given")
    parser.add_argument("--token", default=secrets.token_urlsafe(16))
    parser.add_argument("--no-browser", action="store_true")
    arguments, further = parser.parse_known_args()
    port = arguments.port or int(free_port())
    serve = {"lab": lab, "app": app}[arguments.what]
    serve(port, arguments.token, [*further, "--no-browser"] if arguments.no_browser else further)


def lab(port: int, token: str, further: list[str]) -> None:
    from jupyterlab.labapp import LabApp

    print(f"JupyterLab: http://127.0.0.1:{port}/lab/tree/{FIRST}?token={token}", flush=True)
    found_first("JUPYTER_CONFIG_PATH")  # labconfig: nobody is asked about news, which would be fetched
    options = ["--ServerApp.ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0", "--ServerApp.log_level=WARN"]
    # in this process, where no other sees it; the variable JUPYTER_TOKEN gives way to what a user has set
    options.append(f"--IdentityProvider.token={token}")
    options += [f"--ServerApp.root_dir={ROOT}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # as in a container
    launch(LabApp, [*options, settings("ServerApp")], further)


def app(port: int, token: str, further: list[str]) -> None:
    found_first("JUPYTER_PATH")  # voila/templates: a page that asks no other host
    from voila.app import Voila

    print(f"the playground: http://127.0.0.1:{port}/?token={token}", flush=True)
    options = ["--Voila.ip=127.0.0.1", f"--port={port}", "--Voila.port_retries=0", "--Voila.log_level=WARN"]
    options += [f"--Voila.token={token}", "--template=mpe", settings("Voila")]
    # a process that is ready for the next visitor: to start one takes seconds
    options += ["--preheat_kernel=True", "--pool_size=1"]
    options += ["--MappingKernelManager.cull_idle_timeout=600", "--MappingKernelManager.cull_interval=60"]
    launch(Voila, [*options, str(HERE / "playground.ipynb")], further)


def settings(application: str) -> str:
    return f"--{application}.tornado_settings={{'websocket_max_message_size': {LARGEST}}}"


def found_first(path: str) -> None:
    """Have Jupyter look in our folder before those of a path."""
    os.environ[path] = os.pathsep.join(filter(None, [str(HERE), os.environ.get(path)]))


def launch(application: Any, options: list[str], further: list[str]) -> None:
    """With further options, which take the place of those of the same name."""
    given = {option.partition("=")[0] for option in further}
    kept = [option for option in options if option.partition("=")[0] not in given]
    sys.exit(application.launch_instance([*kept, *further]))


if __name__ == "__main__":
    main()
