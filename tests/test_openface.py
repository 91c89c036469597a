"""OpenFace, played by a stand-in that writes what the real one writes, and misbehaves as it may."""

import os
from pathlib import Path

import pytest

from mpe_lib.errors import UserError
from mpe_lib.openface import AUS, find_openface, read_units, run_openface


def pictures(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.png" for name in names]
    for path in paths:
        path.write_bytes(b"a picture")
    return paths


def test_rows_are_matched_by_name(openface: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    some = pictures(tmp_path / "p", "b_smile", "none", "a", "two_smile", "c[1]smile")
    seen = run_openface(openface, some, report=lambda done, total: told.append((done, total)))
    assert [path.name for path in seen.units] == ["b_smile.png", "a.png", "two_smile.png", "c[1]smile.png"]
    assert [units[12] for units in seen.units.values()] == [1, 0, 0, 1]
    assert seen.units[some[3]][4] == 1  # of the larger face
    assert seen.units[some[2]] == dict.fromkeys(AUS, 0)
    assert seen.undetected == [some[1]]
    assert seen.failed == {}
    assert told[-1] == (5, 5)


def test_a_slow_one_is_waited_for(openface: Path, tmp_path: Path) -> None:
    seen = run_openface(openface, pictures(tmp_path / "p", *(f"slow{i}" for i in range(5))), patience=1.5)
    assert len(seen.units) == 5


def test_one_that_crashes_costs_no_other(openface: Path, tmp_path: Path) -> None:
    names = ["a", "b_smile", "c_crash", "d_none", "e_smile", "f"]
    a, b, c, d, e, f = some = pictures(tmp_path / "p", *names)
    seen = run_openface(openface, some)
    assert list(seen.units) == [a, b, e, f]
    assert seen.undetected == [d]
    assert seen.failed == {c: "exit code 139, Segmentation fault"}


def test_one_that_hangs_is_stopped(openface: Path, tmp_path: Path) -> None:
    a, b, c = some = pictures(tmp_path / "p", "a", "b_hang", "c")
    seen = run_openface(openface, some, patience=1.0)
    assert list(seen.units) == [a, c]
    assert seen.failed == {b: "no picture in 1 seconds"}


@pytest.mark.parametrize("count", [1, 2, 9])
def test_a_program_that_always_fails_is_told_once(openface: Path, tmp_path: Path, count: int) -> None:
    names = [f"crash{number}" for number in range(count)]
    with pytest.raises(UserError, match=r"fails at every picture: exit code 139, Segmentation fault; run it by hand"):
        run_openface(openface, pictures(tmp_path / "p", *names))


def test_pictures_of_one_name_are_told_apart(openface: Path, tmp_path: Path) -> None:
    some = pictures(tmp_path / "p", "smile") + pictures(tmp_path / "q", "smile", "a")
    (tmp_path / "p" / "a.jpg").write_bytes(b"a picture")
    seen = run_openface(openface, [*some, tmp_path / "p" / "a.jpg"])
    assert [units[12] for units in seen.units.values()] == [1, 1, 0, 0]


# ---- where it is


def test_where_it_is(openface: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENFACE", raising=False)
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(UserError, match=r"FaceLandmarkImg is not found; build it from https://\S+ and say where"):
        find_openface()
    assert find_openface(openface) == find_openface(openface.parent) == openface
    monkeypatch.setenv("OPENFACE", str(openface.parent))
    assert find_openface() == openface
    monkeypatch.setenv("OPENFACE", str(tmp_path))
    with pytest.raises(UserError, match=r"no program FaceLandmarkImg; build it from"):
        find_openface()
    monkeypatch.delenv("OPENFACE")
    monkeypatch.setenv("PATH", str(openface.parent))
    assert find_openface() == openface


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
    assert read_units(tmp_path, "a") == {4: 1, 12: 1}
    assert read_units(tmp_path, "b") is None


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
        read_units(tmp_path, "a")


def test_a_table_without_rows_shows_no_face(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("face, AU01_c\n")
    assert read_units(tmp_path, "a") is None
