"""`mpe prepare photos`: photographs a second, and memory as their number grows."""

import argparse
import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from machine import describe
from PIL import Image

from mpe_lib.faces.photos import prepare_photos
from mpe_lib.synthetic import synthesize

SIDE = 500  # of a photograph
VIEWS = 10  # photographs of one person


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "photographs", Path(folder) / "faces"
        source.mkdir()
        with ProcessPoolExecutor(arguments.processes, get_context("spawn")) as pool:
            list(pool.map(partial(photograph, source), range(-(-arguments.count // VIEWS)), chunksize=8))
        held: dict[int, float] = {}
        marks = {round(arguments.count * share): share for share in (0.1, 0.5, 1)}

        def look(done: int, total: int) -> None:
            if done in marks:
                held[done] = megabytes()

        start = time.perf_counter()
        done = prepare_photos(source, out, processes=arguments.processes, report=look)
        seconds = time.perf_counter() - start
    total = done.faces + done.rejected + done.duplicates
    print(f"{total} photographs of {SIDE} x {SIDE} in {seconds:.0f} s: {total / seconds:.1f} a second")
    print(f"{done.faces} faces, {done.rejected} rejected, {done.duplicates} duplicates")
    print("memory of all processes: " + ", ".join(f"{held[n]:.0f} MB at {share:.0%}" for n, share in marks.items()))


def photograph(folder: Path, seed: int) -> None:
    """Some views of one person: larger and smaller, here and there, lighter and darker."""
    random = np.random.default_rng(seed)
    person = synthesize(seed).image
    for view in range(VIEWS):
        side = int(random.integers(150, 330))
        canvas = np.full((SIDE, SIDE, 3), random.integers(40, 200, 3), np.uint8)
        canvas = cv2.add(canvas, random.normal(0, 6, canvas.shape), dtype=cv2.CV_8U)
        left, top = random.integers(20, SIDE - side - 20, 2)
        face = cv2.resize(person, (side, side), interpolation=cv2.INTER_CUBIC)
        canvas[top : top + side, left : left + side] = cv2.convertScaleAbs(face, alpha=random.uniform(0.7, 1.1))
        Image.fromarray(canvas).save(folder / f"{seed:05}_{view}.jpg", quality=90)


def megabytes() -> float:
    """What this process and its children hold now."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return sum(resident(process) for process in ["self", *children])


def resident(process: str) -> float:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
