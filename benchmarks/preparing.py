"""`mpe prepare photos | bp4d | disfa`: faces a second, and memory as their number grows."""

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import psutil
from machine import peak_megabytes
from PIL import Image

from mpe_lib.config import AU_SETS
from mpe_lib.faces.bp4d import BP4D, CHUNK
from mpe_lib.faces.disfa import DISFA
from mpe_lib.faces.facset import ALIGNED, read_faces
from mpe_lib.faces.folder import Outcome, fill, row
from mpe_lib.faces.photos import prepare_photos
from mpe_lib.faces.recordings import prepare_recordings
from mpe_lib.machine import describe
from mpe_lib.pixels import Picture
from mpe_lib.synthetic import Pose, synthesize

SIDE = 500  # of a photograph
VIEWS = 10  # photographs of one person
ROWS = 140_000  # of a data set


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", nargs="?", choices=["photos", "bp4d", "disfa"], default="photos")
    parser.add_argument("--count", type=int, help="photographs, or frames that are really looked at")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    print(describe())
    with tempfile.TemporaryDirectory() as folder:
        if arguments.kind == "photos":
            photos(Path(folder), arguments.count or 10_000, arguments.processes)
        else:
            frames(Path(folder), arguments.kind, arguments.count or 300, arguments.processes)
            rows(Path(folder), arguments.processes)


def photos(folder: Path, count: int, processes: int) -> None:
    """Photographs of synthetic people, from the first to the table."""
    source, out = folder / "photographs", folder / "faces"
    source.mkdir()
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        list(pool.map(partial(photograph, source), range(-(-count // VIEWS)), chunksize=8))
    memory = Memory(count)
    start = time.perf_counter()
    done = prepare_photos(source, out, processes=processes, report=memory.look)
    seconds = time.perf_counter() - start
    total = done.faces + done.rejected + done.duplicates
    print(f"{total} photographs of {SIDE} x {SIDE} in {seconds:.0f} s: {total / seconds:.1f} a second")
    print(f"{done.faces} faces, {done.rejected} rejected, {done.duplicates} duplicates")
    print(memory)


def frames(folder: Path, kind: str, count: int, processes: int) -> None:
    """Frames of the data set's size, all of one person, from the first to the table."""
    source = folder / kind
    size = {"bp4d": bp4d_source, "disfa": disfa_source}[kind](source, count)
    start = time.perf_counter()
    done = prepare_recordings({"bp4d": BP4D, "disfa": DISFA}[kind], source, folder / "faces", processes=processes)
    seconds = time.perf_counter() - start
    print(f"{done.faces} faces of {count} frames of {size} in {seconds:.0f} s: {count / seconds:.1f} a second")
    print(f"{ROWS} frames would take {ROWS / count * seconds / 3600:.1f} hours with {processes} processes")


def rows(folder: Path, processes: int) -> None:
    """As many rows as BP4D has, of faces that nobody looks for; and reading them."""
    memory = Memory(ROWS // CHUNK)
    start = time.perf_counter()
    fill(folder / "rows", range(ROWS // CHUNK), chunk, said={}, processes=processes, report=memory.look)
    print(f"{ROWS} rows written in {time.perf_counter() - start:.0f} s; {memory}, {peak_megabytes():.0f} MB at most")
    start = time.perf_counter()
    read_faces(folder / "rows", None, AU_SETS["bp4d"])
    print(f"and read in {time.perf_counter() - start:.0f} s; {peak_megabytes():.0f} MB at most")


def chunk(folder: Path, number: int) -> list[Outcome]:
    """Rows of a task, and one picture for all of them."""
    (folder / "faces").mkdir(exist_ok=True)
    names = [f"faces/{number * CHUNK + frame:06}.png" for frame in range(CHUNK)]
    points = np.random.default_rng(number).uniform(0, ALIGNED, (68, 2))
    aus: dict[int, int | None] = dict.fromkeys(AU_SETS["bp4d"], 0)
    for name in names:
        (folder / name).touch()
    return [row(name, points, aus, "F001") for name in names]


def bp4d_source(source: Path, count: int) -> str:
    """A recording for every 100 frames."""
    for number in range(count):
        task = f"T{number // 100 + 1}"
        (source / "F001" / task).mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(1040, 1392, number)).save(source / "F001" / task / f"{number:04}.jpg", quality=90)
        with (source / f"F001_{task}.csv").open("a") as table:
            if number % 100 == 0:
                table.write(",".join(map(str, (0, *AU_SETS["bp4d"]))) + "\n")
            table.write(f"{number}" + ",0" * 12 + "\n")
    return "1040 x 1392"


def disfa_source(source: Path, count: int) -> str:
    """One video."""
    source.mkdir()
    path = str(source / "LeftVideoSN001_comp.avi")
    video = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"XVID"), 20, (1024, 768))
    for number in range(count):
        video.write(scene(1024, 768, number)[..., ::-1])
    video.release()
    (source / "SN001_au12.txt").write_text("".join(f"{number + 1},0\n" for number in range(count)))
    return "1024 x 768"


@cache
def somebody() -> Picture:
    return synthesize(0, {}, pose=Pose(), size=280, scale=4).image


def scene(width: int, height: int, number: int) -> Picture:
    """Somebody, half as high as the frame, a little to the right each time."""
    random = np.random.default_rng(number)
    canvas = random.normal(90, 6, (height, width, 3)).clip(0, 255).astype(np.uint8)
    side, top, left = height // 2, height // 4, height // 8 + number % 50
    canvas[top : top + side, left : left + side] = cv2.resize(somebody(), (side, side), interpolation=cv2.INTER_CUBIC)
    return canvas


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


class Memory:
    """What this process and its children hold at a tenth, half and all of the tasks."""

    def __init__(self, total: int) -> None:
        self.marks = {round(total * share): share for share in (0.1, 0.5, 1)}
        self.held: dict[int, float] = {}

    def look(self, done: int, total: int) -> None:
        if done in self.marks:
            self.held[done] = megabytes()

    def __str__(self) -> str:
        held = (f"{self.held[n]:.0f} MB at {share:.0%}" for n, share in self.marks.items())
        return "memory of all processes: " + ", ".join(held)


def megabytes() -> float:
    """What this process and its children hold now."""
    this = psutil.Process()
    return sum(each.memory_info().rss for each in (this, *this.children())) / 2**20


if __name__ == "__main__":
    main()
