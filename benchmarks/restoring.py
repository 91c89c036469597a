"""`mpe restore` from end to end, in a process of its own: photographs a second, and memory, of few and of very many.

Time is the processor's, all threads together, so that what else runs on the machine counts little.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil
from PIL import Image

from mpe_lib.faces.astronaut import astronaut
from mpe_lib.machine import describe

SIDES = range(300, 800, 100)  # of the photographs, in pixels
LOOK = 0.5  # seconds between two looks at the memory


class Run(NamedTuple):
    """What a command took and did."""

    seconds: float  # of the processor
    megabytes: dict[int, float]  # held after a tenth, half and all of the photographs
    peak: float
    restored: int
    named: int  # photographs that were refused, a line each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=int, default=5000)
    parser.add_argument("--few", type=int, default=50, help="as many take the time to compare with")
    parser.add_argument("--weights", default="small")
    arguments = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        one = restore(Path(folder), 1, arguments.weights)
        few = restore(Path(folder), arguments.few, arguments.weights)
        many = restore(Path(folder), arguments.photographs, arguments.weights, spoilt=10)
    each = (few.seconds - one.seconds) / (few.restored - one.restored)
    each_of_many = (many.seconds - one.seconds) / (many.restored - one.restored)
    print(f"one photograph {one.seconds:.1f} s of processor time, from start to end")
    print(f"{few.restored} photographs {each:.3f} s each after that, sheets and all; peak memory {few.peak:.0f} MB")
    print(
        f"{many.restored + many.named} photographs, one in ten cut off: {many.restored} restored, {many.named} named;"
        f" {each_of_many:.3f} s for each restored, {each_of_many / each:.2f} times as long"
    )
    held = ", ".join(f"{held:.0f} MB after {done}" for done, held in many.megabytes.items())
    print(f"{held}; peak {many.peak:.0f} MB")


def restore(folder: Path, count: int, weights: str, spoilt: int = 0) -> Run:
    """Restore photographs of several sizes, of which every `spoilt`-th is cut off in the middle."""
    photographs = [photograph(folder, number, spoilt) for number in range(1, count + 1)]
    out, told, refused = folder / f"restored{count}", folder / "told", folder / "refused"
    command = [sys.executable, "-m", "mpe_lib.cli", "restore", *map(str, photographs)]
    with told.open("w") as stdout, refused.open("w") as stderr:
        process = subprocess.Popen([*command, "--out", str(out), "--weights", weights], stdout=stdout, stderr=stderr)
        held = watch(process, told, refused, count)
        _, status, usage = os.wait4(process.pid, 0)
    restored, named = (path.read_text().splitlines() for path in (told, refused))
    if os.waitstatus_to_exitcode(status) != (1 if spoilt else 0):
        raise SystemExit("\n".join(named[-5:]) or "mpe restore failed")
    sheets = sum(1 for _ in out.glob("*/face1_sheet.png"))
    if sheets != len(restored) or not all("cannot be decoded" in line for line in named):
        raise SystemExit(f"{sheets} sheets for {len(restored)} photographs, or other lines than expected: {named[:3]}")
    return Run(usage.ru_utime + usage.ru_stime, held, usage.ru_maxrss / 1024, sheets, len(named))


def photograph(folder: Path, number: int, spoilt: int) -> Path:
    """A name of its own for one of a few files."""
    side, bad = SIDES[number % len(SIDES)], spoilt and number % spoilt == 0
    source = folder / f"{side}{'spoilt' if bad else ''}.jpg"
    if not source.exists():
        Image.fromarray(astronaut()).resize((side, side)).save(source, quality=92)
        if bad:
            source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    name = folder / f"photograph{number}of{spoilt}.jpg"
    if not name.exists():
        os.link(source, name)
    return name


def watch(process: subprocess.Popen[bytes], told: Path, refused: Path, count: int) -> dict[int, float]:
    """Megabytes held when a tenth, half and nearly all of the photographs are done."""
    marks, held = [round(count * share) for share in (0.1, 0.5, 0.98)], dict[int, float]()
    command = psutil.Process(process.pid)
    while command.status() != psutil.STATUS_ZOMBIE:
        done = sum(path.read_bytes().count(b"\n") for path in (told, refused))
        for mark in marks:
            if done >= max(mark, 1) and mark not in held:
                held[mark] = command.memory_info().rss / 2**20
        time.sleep(LOOK)
    return held


if __name__ == "__main__":
    main()
