"""OpenFace, played by a stand-in that writes what the real one writes, and misbehaves as it may."""

import os
import sys
from pathlib import Path

import pytest

from mpe_lib.errors import UserError
from mpe_lib.openface import AUS, find_openface, read_faces_of, run_openface

# A name tells what the program does with a picture: crash, hang, no row, several faces; else AU12 if it smiles.
STAND_IN = """#!{python}
import os, sys, time
from pathlib import Path

arguments = sys.argv[1:]
pictures, out = Path(arguments[arguments.index("-fdir") + 1]), Path(arguments[arguments.index("-out_dir") + 1])
assert "-aus" in arguments
AUS = {aus}
HEADER = ["face", "confidence"] + [f"x_{{i}}" for i in range(68)]
HEADER += [f"AU{{au:02}}_r" for au in AUS if au != 28] + [f"AU{{au:02}}_c" for au in AUS]


def row(face, width, units):
    values = [face, 0.95] + [width * i / 67 for i in range(68)]
    return values + [2.0] * (len(AUS) - 1) + [f"{{float(au in units):.2f}}" for au in AUS]


for picture in sorted(pictures.iterdir()):
    assert picture.read_bytes() == b"a picture"
    name = picture.stem
    if "crash" in name:
        print("Segmentation fault", flush=True)
        os._exit(139)
    time.sleep(60 if "hang" in name else 0.4 if "slow" in name else 0)
    if "none" in name:
        continue
    rows = [row(0, 100, {{12}} if "smile" in name else set())]
    if "two" in name:
        rows.append(row(1, 200, {{4}}))
    with open(out / f"{{name}}.csv", "w") as file:
        file.write(", ".join(HEADER) + "\\n")
        file.writelines(", ".join(map(str, each)) + "\\n" for each in rows)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "bin" / "FaceLandmarkImg"
    path.parent.mkdir()
    path.write_text(STAND_IN.format(python=sys.executable, aus=AUS))
    path.chmod(0o755)
    return path


def pictures(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.png" for name in names]
    for path in paths:
        path.write_bytes(b"a picture")
    return paths


def test_rows_are_matched_by_name(program: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    some = pictures(tmp_path / "p", "b_smile", "none", "a", "two_smile", "c[1]smile")
    seen = run_openface(program, some, report=lambda done, total: told.append((done, total)))
    assert list(seen.units) == ["b_smile.png", "a.png", "two_smile.png", "c[1]smile.png"]
    assert [seen.units[name][12] for name in seen.units] == [1, 0, 0, 1]
    assert seen.units["two_smile.png"][4] == 1  # of the larger face
    assert seen.units["a.png"] == dict.fromkeys(AUS, 0)
    assert seen.undetected == ["none.png"]
    assert seen.failed == {}
    assert told[-1] == (5, 5)


def test_a_slow_one_is_waited_for(program: Path, tmp_path: Path) -> None:
    seen = run_openface(program, pictures(tmp_path / "p", *(f"slow{i}" for i in range(5))), patience=1.5)
    assert len(seen.units) == 5


def test_one_that_crashes_costs_no_other(program: Path, tmp_path: Path) -> None:
    names = ["a", "b_smile", "c_crash", "d_none", "e_smile", "f"]
    seen = run_openface(program, pictures(tmp_path / "p", *names))
    assert sorted(seen.units) == ["a.png", "b_smile.png", "e_smile.png", "f.png"]
    assert seen.undetected == ["d_none.png"]
    assert seen.failed == {"c_crash.png": "exit code 139, Segmentation fault"}


def test_one_that_hangs_is_stopped(program: Path, tmp_path: Path) -> None:
    seen = run_openface(program, pictures(tmp_path / "p", "a", "b_hang", "c"), patience=1.0)
    assert sorted(seen.units) == ["a.png", "c.png"]
    assert seen.failed == {"b_hang.png": "no picture in 1 seconds"}


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_program_that_always_fails_is_told_once(program: Path, tmp_path: Path, count: int) -> None:
    names = [f"crash{number}" for number in range(count)]
    with pytest.raises(UserError, match=r"fails at every picture: exit code 139, Segmentation fault; run it by hand"):
        run_openface(program, pictures(tmp_path / "p", *names))


def test_two_pictures_of_one_name(program: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"two pictures are called a; OpenFace tells them apart by their names only"):
        run_openface(program, pictures(tmp_path / "p", "a") + pictures(tmp_path / "q", "a"))


# ---- where it is


def test_where_it_is(program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENFACE", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UserError, match=r"FaceLandmarkImg is not found; build it from https://\S+ and say where"):
        find_openface()
    assert find_openface(program) == find_openface(program.parent) == program
    monkeypatch.setenv("OPENFACE", str(program.parent))
    assert find_openface() == program
    monkeypatch.setenv("OPENFACE", str(tmp_path))
    with pytest.raises(UserError, match=r"no program FaceLandmarkImg; build it from"):
        find_openface()
    monkeypatch.delenv("OPENFACE")
    monkeypatch.setenv("PATH", str(program.parent))
    assert find_openface() == program


# ---- what it writes

OLD = """version: 2
npoints: 68
{{
{points}
}}
au intensities: 17
{{
AU01 0.3
}}
au occurences: 18
{{
AU04 {au4}
AU12 1
}}
"""


def old(folder: Path, name: str, width: float, au4: str) -> None:
    points = "\n".join(f"{width * i / 67} {i}" for i in range(68))
    (folder / name).write_text(OLD.format(points=points, au4=au4))


def test_files_of_version_1(tmp_path: Path) -> None:
    old(tmp_path, "a_det_0.txt", 50, "0")
    old(tmp_path, "a_det_1.txt", 80, "1")
    assert read_faces_of(tmp_path, "a") == {4: 1, 12: 1}
    assert read_faces_of(tmp_path, "b") is None


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "face, AU01_r\n0, 1.2\n", r"a\.csv: no column AU01_c, AU02_c, \.\.\.; run OpenFace with -aus"),
        ("a.csv", "face, AU01_c\n0, yes\n", r"a\.csv: could not convert .*; run OpenFace again"),
        ("a_det_0.txt", "npoints: 0\n{\n}\n", r"a_det_0\.txt: no block 'au occurences'; run OpenFace again"),
        ("a_det_0.txt", "au occurences: 1\n{\nAU01 yes\n}\n", r"a_det_0\.txt: could not convert .*"),
    ],
)
def test_a_file_of_something_else(tmp_path: Path, name: str, text: str, told: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=told):
        read_faces_of(tmp_path, "a")


def test_a_table_without_rows_shows_no_face(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("face, AU01_c\n")
    assert read_faces_of(tmp_path, "a") is None
