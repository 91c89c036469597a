"""OpenFace 2 (Baltrusaitis et al. 2018), which its user has: run over pictures, and what it says of action units.

Its licence is for research only, so that it is not in here: https://github.com/TadasBaltrusaitis/OpenFace
"""

import csv
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mpe_lib.errors import UserError
from mpe_lib.files import atomic, new_table, open_text

PROGRAM = "FaceLandmarkImg"  #: not FeatureExtraction, which takes out each person's own mean of a video
VARIABLE = "OPENFACE"  #: of the environment: the program, or the folder that it is in
HOME = "https://github.com/TadasBaltrusaitis/OpenFace/wiki"  #: where it is explained
AUS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 23, 25, 26, 28, 45)  #: that it knows; 24 is not among them

Units = dict[int, int]  #: by action unit: 1 present, 0 absent


class Seen(NamedTuple):
    """What became of the pictures."""

    units: dict[Path, Units]  # by picture; the largest face counts
    undetected: list[Path]  # pictures without a face
    failed: dict[Path, str]  # pictures that the program crashed at or took too long for, and how


def find_openface(path: str | Path | None = None) -> Path:
    """The program, from `path`, the environment variable OPENFACE, or PATH; "auto" is no path.

    Raises:
        UserError: it is in none of them.
    """
    given = (None if path == "auto" else path) or os.environ.get(VARIABLE)
    if given is None:
        found = shutil.which(PROGRAM)
        if found is None:
            raise UserError(
                f"OpenFace's {PROGRAM} is not found",
                f"build it from {HOME} and say where it is: --openface PATH, or {VARIABLE} in the environment",
            )
        return Path(found)
    place = Path(given)
    for candidate in (place, place / PROGRAM, place / "build" / "bin" / PROGRAM, place / f"{PROGRAM}.exe"):
        if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
            return candidate
    raise UserError(f"{place}: no program {PROGRAM}", f"build it from {HOME}")


def run_openface(
    program: Path,
    pictures: Sequence[Path],
    *,
    patience: float = 60,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Seen:
    """Action units of pictures, by the program.

    Where it crashes or stands still, the pictures that are left are shared out and tried again, until that which is
    to blame is alone.

    Args:
        program: from `find_openface`.
        pictures: files; the program sees them under numbers, so that they may be called as they like.
        patience: seconds without a new picture, after which it is stopped; its start, of some seconds, included.
        report: told the pictures done and all of them.

    Raises:
        UserError: the program fails at whatever it is given.
    """
    names = {picture: f"{number:08}" for number, picture in enumerate(pictures)}
    failed: dict[Path, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        work = _Work(program, Path(folder) / "out", patience, lambda done: report(done, len(pictures)))
        work.out.mkdir()
        left = [list(pictures)]
        while left:
            some = left.pop()
            problem = work.run({picture: names[picture] for picture in some})
            if problem is None:
                continue
            undone = [picture for picture in some if not work.done(names[picture])]
            if not any(work.out.iterdir()) and len(failed) >= min(3, len(pictures)) - (len(some) == 1):
                raise UserError(f"{program} fails at every picture: {problem}", "run it by hand, and see its messages")
            if len(some) == 1:
                failed[some[0]] = problem
            elif undone:
                middle = (len(undone) + 1) // 2
                left += [part for part in (undone[middle:], undone[:middle]) if part]
        units = {picture: read_units(work.out, name) for picture, name in names.items()}
    report(len(pictures), len(pictures))
    known = {picture: of for picture, of in units.items() if of is not None}
    undetected = [picture for picture, of in units.items() if of is None and picture not in failed]
    return Seen(known, undetected, failed)


def write_table(path: Path, pictures: Mapping[Path, str], seen: Seen) -> None:
    """A CSV of file_name, AU1, AU2, ...; nothing of pictures without a face, as of all that is unknown.

    Args:
        path: of the CSV.
        pictures: with what each is to be called.
        seen: of these pictures.
    """
    known = sorted({au for units in seen.units.values() for au in units})
    with atomic(path) as temporary, new_table(temporary) as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["file_name", *(f"AU{au}" for au in known)])
        for picture, name in pictures.items():
            units = seen.units.get(picture, {})
            table.writerow([name, *(units.get(au, "") for au in known)])


class _Work:
    """Runs of the program that write into one folder."""

    def __init__(self, program: Path, out: Path, patience: float, report: Callable[[int], None]) -> None:
        self._program, self.out, self._patience, self._report = program, out, patience, report

    def done(self, name: str) -> bool:
        return (self.out / f"{name}.csv").exists() or any(self.out.glob(f"{name}_det_*.txt"))

    def run(self, pictures: Mapping[Path, str]) -> str | None:
        """Run it once on pictures, each under a name; how it failed, None if it did not."""
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as messages:
            for picture, name in pictures.items():
                (Path(folder) / f"{name}{picture.suffix}").symlink_to(picture.resolve())
            # 2D points tell which face is the largest; a version before 2 calls the folder -ofdir
            command = [self._program, "-fdir", folder, "-out_dir", self.out, "-ofdir", self.out, "-aus", "-2Dfp"]
            try:
                process = subprocess.Popen(command, stdout=messages, stderr=subprocess.STDOUT)
            except OSError as error:
                return f"it does not start ({error.strerror})"
            with process:
                code = self._wait(process)
            messages.seek(0)
            last = messages.read().decode(errors="replace").strip().rpartition("\n")[2][:120]
        if code is None:
            return f"no picture in {self._patience:.0f} seconds"
        return f"exit code {code}{f', {last}' if last else ''}" if code else None

    def _wait(self, process: "subprocess.Popen[bytes]") -> int | None:
        """Its exit code; None if it was stopped."""
        heard, count = time.monotonic(), -1
        try:
            while True:
                try:
                    return process.wait(0.2)
                except subprocess.TimeoutExpired:
                    now = sum(1 for _ in self.out.iterdir())
                    if now > count:
                        heard, count = time.monotonic(), now
                        self._report(now)
                    if time.monotonic() - heard > self._patience:
                        return None
        finally:
            process.kill()


def read_units(folder: Path, name: str) -> Units | None:
    """What OpenFace wrote of a picture: the units of its largest face, None if there was none.

    Version 2 writes NAME.csv, a row for each face; version 1 NAME_det_0.txt, a file for each.

    Raises:
        UserError: a file that can't be read, or without action units.
    """
    table = folder / f"{name}.csv"
    faces: list[tuple[float, Units]] = []
    for path in [table] if table.exists() else sorted(folder.glob(f"{name}_det_*.txt")):
        try:
            faces += _faces_of_table(path) if path == table else [_face_of_text(path)]
        except UserError:
            raise
        except (OSError, ValueError, csv.Error) as error:  # no text, no numbers, no table
            raise UserError(f"{path}: {error}", "run OpenFace again") from error
    return max(faces, key=lambda face: face[0])[1] if faces else None


def _faces_of_table(path: Path) -> list[tuple[float, Units]]:
    """The width of each face, 0 if its landmarks were not written, and its units."""
    faces: list[tuple[float, Units]] = []
    with open_text(path) as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            said = {key.strip(): value for key, value in row.items() if key and value}
            units = {au: _presence(said[f"AU{au:02}_c"]) for au in AUS if f"AU{au:02}_c" in said}
            if not units:
                raise UserError(f"{path}: no column AU01_c, AU02_c, ...", "run OpenFace with -aus")
            faces.append((_extent([said[f"x_{i}"] for i in range(68) if f"x_{i}" in said]), units))
    return faces


def _face_of_text(path: Path) -> tuple[float, Units]:
    """The same of a file of version 1."""
    blocks = _blocks(path)
    said = blocks.get("au occurences")  # its spelling
    if said is None:
        raise UserError(f"{path}: no block 'au occurences'", "run OpenFace again")
    named = {int(name.removeprefix("AU").partition("_")[0]): _presence(value) for name, value in said}
    points = [point[0] for point in blocks.get("npoints", []) if point]
    return _extent(points), {au: value for au, value in named.items() if au in AUS}


def _blocks(path: Path) -> dict[str, list[list[str]]]:
    """The parts of a file of version 1: a title, and lines in braces."""
    blocks: dict[str, list[list[str]]] = {}
    title, inside = "", False
    with open_text(path) as file:
        for line in file:
            if line.strip() == "{":
                inside, blocks[title] = True, []
            elif line.strip() == "}":
                inside = False
            elif inside:
                blocks[title].append(line.split())
            else:
                title = line.partition(":")[0].strip()
    return blocks


def _presence(text: str) -> int:
    """Raises ValueError: neither 0 nor 1."""
    if float(text) not in (0, 1):
        raise ValueError(f"'{text}' is neither 0 nor 1")
    return int(float(text))


def _extent(texts: Sequence[str]) -> float:
    """How far numbers lie apart."""
    numbers = [float(text) for text in texts]
    return max(numbers) - min(numbers) if numbers else 0.0
