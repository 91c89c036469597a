"""`mpe restore` from end to end, in a process of its own: photographs per second, and peak memory."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mpe_lib.faces.astronaut import astronaut
from mpe_lib.faces.picture import write_png
from mpe_lib.machine import describe


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=20)
    parser.add_argument("--weights", default="small")
    arguments = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        photographs = [Path(folder) / f"{number}.png" for number in range(arguments.photographs)]
        for photograph in photographs:
            write_png(photograph, astronaut())
        one, _ = run(photographs[:1], arguments.weights)
        many, peak = run(photographs, arguments.weights)
    each = (many - one) / max(arguments.photographs - 1, 1)
    print(f"one photograph {one:.1f} s from start to end; then {1 / each:.2f} photographs a second, sheets and all")
    print(f"peak memory {peak / 1024:.0f} MB")


def run(photographs: list[Path], weights: str) -> tuple[float, int]:
    """Seconds and peak kilobytes of the command."""
    command = [sys.executable, "-m", "mpe_lib.cli", "restore", *map(str, photographs)]
    with tempfile.TemporaryDirectory() as out:
        start = time.perf_counter()
        process = subprocess.Popen([*command, "--out", out, "--weights", weights], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status:
        raise SystemExit("mpe restore failed")
    return seconds, usage.ru_maxrss


if __name__ == "__main__":
    main()
