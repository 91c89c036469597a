"""Serve the playground as a page, on this machine only, with a token.

    python tools/app.py [--port N] [--token T] [--no-browser]

Each visitor has a process of its own, which ends when the page is closed.
"""

import argparse
import os
import secrets
import sys
import webbrowser
from pathlib import Path

from voila.app import Voila

ROOT = Path(__file__).parents[1]
LARGEST = 64 * 2**20  # bytes of a message: an upload comes as one, and tornado's own limit is 10 MiB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8866)
    parser.add_argument("--token", default=secrets.token_urlsafe(16))
    parser.add_argument("--no-browser", action="store_true")
    arguments = parser.parse_args()
    # where Voila looks for templates; kernels inherit it, and the caps on threads of whoever starts this
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(ROOT / "tools/page"), os.environ.get("JUPYTER_PATH", "")])
    address = f"http://127.0.0.1:{arguments.port}/?token={arguments.token}"
    print(f"the playground: {address}", flush=True)
    if not arguments.no_browser:
        webbrowser.open(address)
    options = ["--Voila.ip=127.0.0.1", f"--port={arguments.port}", f"--Voila.token={arguments.token}", "--no-browser"]
    options += ["--template=mpe", f"--Voila.tornado_settings={{'websocket_max_message_size': {LARGEST}}}"]
    options += ["--MappingKernelManager.cull_idle_timeout=600", "--Voila.log_level=WARN", "--Voila.port_retries=0"]
    Voila.launch_instance([*options, str(ROOT / "tools/page/playground.ipynb")])


if __name__ == "__main__":
    sys.exit(main())
