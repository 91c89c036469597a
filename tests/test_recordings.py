"""BP4D and DISFA, laid out as they are delivered, become face folders; what is missing or fails is told."""

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mpe_lib.cli import main
from mpe_lib.config import AU_SETS
from mpe_lib.errors import UserError
from mpe_lib.faces import disfa
from mpe_lib.faces.align import Face, align, detect
from mpe_lib.faces.bp4d import BP4D
from mpe_lib.faces.disfa import DISFA
from mpe_lib.faces.facset import read_all, read_faces
from mpe_lib.faces.folder import JOURNAL
from mpe_lib.faces.recordings import Lost, prepare_recordings
from mpe_lib.pixels import Picture
from mpe_lib.synthetic import Pose, synthesize

BP4D_AUS, DISFA_AUS = AU_SETS["bp4d"], disfa.AUS
BLANK = np.full((320, 320, 3), 128, np.uint8)


@cache
def somebody(seed: int) -> Picture:
    return synthesize(seed, {}, pose=Pose(), size=280, scale=4).image


def filmed(seed: int, number: int) -> Picture:
    """A frame of somebody: the higher its number, the brighter."""
    canvas = np.full((320, 320, 3), 90, np.uint8)
    canvas[20:300, 20:300] = somebody(seed)
    return np.asarray(cv2.convertScaleAbs(canvas, alpha=0.5 + 0.03 * number), np.uint8)


def cut_off(picture: Picture) -> Picture:
    """Higher up, where the face is still found, but not all of its square is there."""
    return np.concatenate([picture[100:], picture[:100] // 4])


def rejected(folder: Path) -> dict[str, list[str]]:
    with (folder / "rejected.csv").open(newline="", encoding="utf-8") as file:
        reasons: dict[str, list[str]] = {}
        for row in csv.DictReader(file):
            reasons.setdefault(row["file"], []).append(row["reason"])
        return reasons


def rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        return {row["file_name"]: row for row in csv.DictReader(file)}


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- BP4D


def save(source: Path, name: str, picture: Picture) -> None:
    path = source / "2D" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, quality=95)


def occurrences(source: Path, name: str, lines: Iterable[str], aus: Iterable[int] = BP4D_AUS) -> None:
    """A table; a line is the frame, a colon, and a label for each unit."""
    path = source / "AUCoding" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = [line.replace(":", "").split() for line in lines]
    path.write_text("\n".join(",".join(row) for row in (["0", *map(str, aus)], *numbers)) + "\n")


def labels(first: int) -> str:
    """Of the twelve units, of which all but the first are absent."""
    return f"{first}" + " 0" * 11


@pytest.fixture(scope="module")
def bp4d_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of each part, and some of which nothing is left; every kind of loss; to be read only."""
    source = tmp_path_factory.mktemp("BP4D")
    for number in (8, 9, 10, 11, 15):  # and no label of the first
        save(source, f"F001/T1/{number:04}.jpg", filmed(1, number))
    occurrences(source, "F001_T1", [f"{n}: {labels(first)}" for n, first in ((15, 1), (9, 1), (11, 9), (10, 0))])
    save(source, "F003/T2/7.jpg", filmed(2, 7))
    occurrences(
        source, "F003_T2", ["0007: 0 1 9 0 1 1 0 0 0 1 0"], (1, 2, 3, 4, 6, 7, 10, 12, 14, 15, 17)
    )  # and no 23, 24
    save(source, "F004/T1/0001.jpg", filmed(3, 1))
    occurrences(source, "F004_T1", ["1: 0 0 1 0 0 1 0 0 0 1 0 0"])

    save(source, "M001/T1/0001.jpg", filmed(4, 1))
    save(source, "M001/T1/0002.jpg", BLANK)
    save(source, "M001/T1/0003.jpg", cut_off(filmed(4, 3)))
    save(source, "M001/T1/0004.jpg", filmed(4, 4))
    damaged = source / "2D" / "M001" / "T1" / "0004.jpg"
    damaged.write_bytes(damaged.read_bytes()[:3000])
    for number in (5, 6, 7):
        save(source, f"M001/T1/000{number}.jpg", filmed(4, number))
    all_unknown = "7: " + " 9" * 12
    occurrences(source, "M001_T1", [*(f"{n}: {labels(0)}" for n in (1, 2, 3, 4, 8, 9)), all_unknown])
    save(source, "M002/T1/0001.jpg", filmed(5, 1))  # no table
    occurrences(source, "M003_T1", ["1: " + labels(1), "2: " + labels(1)])  # no frames
    save(source, "F999/T1/0001.jpg", filmed(6, 1))
    occurrences(source, "F999_T1", ["1: " + labels(1)])
    (source / "AUCoding" / "F001_T1_AU06.csv").write_text("another kind of table")
    save(source, ".hidden/F001/T1/0009.jpg", BLANK)
    (source / "._F001_T1.csv").write_bytes(b"\0\5\x16\7")  # as macOS leaves them beside what it has copied
    return source


@pytest.fixture(scope="module")
def bp4d_faces(bp4d_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faces") / "bp4d"
    made = prepare_recordings(BP4D, bp4d_source, out, processes=1)
    assert made.faces == 7
    assert made.lost == {
        Lost.NO_LABELS: 1,
        Lost.STRANGER: 1,
        Lost.NO_LABEL: 4,
        Lost.NO_FRAME: 4,
        Lost.NO_UNIT: 2,
        Lost.DAMAGED: 1,
        Lost.NO_FACE: 1,
        Lost.CUT_OFF: 1,
    }
    return out


def test_frames_and_labels_of_bp4d_are_joined_by_number(bp4d_source: Path, bp4d_faces: Path) -> None:
    table = rows(bp4d_faces)
    assert list(table) == [
        *("F001/T1/0009.png", "F001/T1/0010.png", "F001/T1/0011.png", "F001/T1/0015.png"),
        *("F003/T2/7.png", "F004/T1/0001.png", "M001/T1/0001.png"),
    ]
    assert [row["AU1"] for row in table.values()] == ["1", "0", "", "1", "0", "0", "0"]
    assert {row["AU24"] for name, row in table.items() if name != "F003/T2/7.png"} == {"0"}
    lacking = table["F003/T2/7.png"]
    assert [lacking[f"AU{au}"] for au in BP4D_AUS] == ["0", "1", "0", "1", "1", "0", "0", "0", "1", "0", "", ""]
    assert "AU3" not in lacking  # which has no place among the units known here
    for name, row in table.items():
        assert (row["subject"], row["source"]) == (name[:4], f"2D/{name.replace('png', 'jpg')}")
        picture = np.asarray(Image.open(bp4d_source / row["source"]))
        aligned = align(picture, detect(picture)[0].landmarks, 2.9)
        np.testing.assert_array_equal(Image.open(bp4d_faces / name), aligned.image)
        assert float(row["source_side"]) == pytest.approx(aligned.source_side, abs=0.5)
    assert read_faces(bp4d_faces, None, ()).scale() == 2.9


def test_what_bp4d_lacks_is_listed(bp4d_faces: Path) -> None:
    listed = rejected(bp4d_faces)
    damaged, cut = listed.pop("2D/M001/T1/0004.jpg"), listed.pop("2D/M001/T1/0003.jpg")
    assert damaged[0].startswith("cannot be decoded (")
    assert cut[0].endswith("% of the square around the face is outside the picture")
    assert listed == {
        "2D/F001/T1": ["1 frames without a label"],
        "2D/F003/T2": ["no column 23 in F003_T2.csv", "no column 24 in F003_T2.csv"],
        "2D/M001/T1": ["3 frames without a label"],
        "2D/M001/T1/0002.jpg": ["no face found"],
        "2D/M001/T1/8": ["no such frame"],
        "2D/M001/T1/9": ["no such frame"],
        "2D/M002/T1": ["1 frames, but no M002_T1.csv"],
        "F999/T1": ["F999 is no subject of the three parts"],
        "M003/T1": ["2 labels, but no frames"],
    }


def test_a_folder_is_read_by_fold(bp4d_faces: Path, faces: Path) -> None:
    def subjects(split: str, fold: int) -> set[str]:
        return {path.parts[-3] for path in read_faces(bp4d_faces, split, (), fold).paths}

    assert [subjects("test", fold) for fold in (1, 2, 3)] == [{"F004"}, {"F003"}, {"F001", "M001"}]
    assert [subjects(split, 3) for split in ("train", "val")] == [{"F003"}, {"F004"}]  # by chance
    split, fold1 = (read_all([(bp4d_faces, None)], "test", (1,), fold) for fold in (None, 1))
    assert split.paths == fold1.paths
    with pytest.raises(UserError, match=r"no face in split 'val'; its column 'fold1' has test, train"):
        read_faces(bp4d_faces, "val", (), 1)
    told = r"no column fold1; mpe prepare bp4d and mpe prepare disfa make folders with folds"
    for split in ("train", None):
        with pytest.raises(UserError, match=told):
            read_faces(faces, split, (), 1)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("0,1\n1,2\n", r"F001_T1.csv:2: AU1 is '2'; write 1 for present"),
        ("0,1,2\n1,0\n", r":2: ends before AU2; "),
        ("0,1\nx,0\n", r":2: 'x' is no number of a frame; "),
        ("0,1\n1,0\n01,1\n", r":3: a second line for frame 01; the first is .*:2; keep one"),
        ("0,1,1\n1,0,1\n", r": its first line does not name action units, each once; "),
        ("0,3\n1,0\n", r": its first line does not name "),
        ("", r": its first line does not name "),
        ("0,1\n1,\xff\n", r": not a CSV table \('utf-8' codec"),
    ],
)
def test_a_wrong_table_of_bp4d_is_told_with_its_line(tmp_path: Path, table: str, told: str) -> None:
    save(tmp_path, "F001/T1/1.jpg", BLANK)
    (tmp_path / "F001_T1.csv").write_bytes(table.encode("latin-1"))
    with pytest.raises(UserError, match=told):
        prepare_recordings(BP4D, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_there_twice_or_not_at_all_is_told(tmp_path: Path) -> None:
    for layout, told in ((BP4D, "no frames of BP4D in it"), (DISFA, "no video of DISFA in it")):
        with pytest.raises(UserError, match="nowhere: no such folder; "):
            prepare_recordings(layout, tmp_path / "nowhere", tmp_path / "out")
        with pytest.raises(UserError, match=told):
            prepare_recordings(layout, tmp_path, tmp_path / "out")
    save(tmp_path, "F001/T1/01.jpg", BLANK)
    save(tmp_path, "copy/F001/T1/01.jpg", BLANK)
    with pytest.raises(UserError, match=r"F001/T1 is there twice: .*/2D/.*; keep one"):
        prepare_recordings(BP4D, tmp_path, tmp_path / "out")
    shutil.rmtree(tmp_path / "2D" / "copy")
    save(tmp_path, "F001/T1/1.jpg", BLANK)
    with pytest.raises(UserError, match=r"01\.jpg and 1\.jpg have one number; "):
        prepare_recordings(BP4D, tmp_path, tmp_path / "out")
    (tmp_path / "2D" / "F001" / "T1" / "1.jpg").unlink()
    with pytest.raises(UserError, match=r"out: no face; rejected\.csv there says why"):
        prepare_recordings(BP4D, tmp_path, tmp_path / "out", processes=1)


# ---- DISFA


def film(source: Path, subject: str, pictures: Iterable[Picture], damaged: int | None = None) -> None:
    """A video, one of whose frames, counted from 1, can't be decoded."""
    path = source / "Videos_LeftCamera" / f"LeftVideo{subject}_comp.avi"
    path.parent.mkdir(parents=True, exist_ok=True)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20, (320, 320))
    for picture in pictures:
        video.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    video.release()
    if damaged is not None:
        data = bytearray(path.read_bytes())
        begin = 0
        for _ in range(damaged):
            begin = data.index(b"\xff\xd8\xff", begin + 1)  # a JPEG
        data[begin : begin + 2000] = bytes(2000)
        path.write_bytes(data)


def intensities(source: Path, subject: str, units: dict[int, dict[int, int]]) -> None:
    folder = source / "ActionUnit_Labels" / subject
    folder.mkdir(parents=True, exist_ok=True)
    for au, said in units.items():
        lines = [f"{frame},{intensity}\n" for frame, intensity in said.items()]
        (folder / f"{subject}_au{au}.txt").write_text("".join(lines))


def everywhere(frames: Iterable[int], intensity: int = 0) -> dict[int, dict[int, int]]:
    return {au: dict.fromkeys(frames, intensity) for au in DISFA_AUS}


@pytest.fixture(scope="module")
def disfa_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As BP4D's: SN001, SN003 and SN006 are as they should be."""
    source = tmp_path_factory.mktemp("DISFA")
    film(source, "SN001", [filmed(1, number) for number in range(1, 9)])
    shuffled: dict[int, int] = dict(zip((5, 2, 6, 1, 4, 3), (4, 1, 5, 0, 3, 2), strict=True))  # frame n has n - 1
    intensities(source, "SN001", everywhere(range(1, 7)) | {12: shuffled})
    for seed, subject in ((2, "SN003"), (3, "SN006")):
        film(source, subject, [filmed(seed, 1)])
        intensities(source, subject, everywhere([1], 2))

    pictures = [filmed(4, number) for number in range(1, 7)]
    pictures[3], pictures[4] = BLANK, cut_off(pictures[4])
    film(source, "SN002", pictures, damaged=3)
    units = everywhere(range(1, 8))
    del units[26]
    intensities(source, "SN002", units | {25: dict.fromkeys(range(1, 6), 0)})
    film(source, "SN009", [filmed(5, 1)])  # no labels
    intensities(source, "SN010", everywhere([1, 2]))  # no video
    film(source, "SN099", [filmed(6, 1)])
    intensities(source, "SN099", everywhere([1]))
    film(source, "SN016", [])
    (source / "Videos_LeftCamera" / "LeftVideoSN016_comp.avi").write_text("no video")
    intensities(source, "SN016", everywhere([1, 2, 3]))
    return source


@pytest.fixture(scope="module")
def disfa_faces(disfa_source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("faces") / "disfa"
    made = prepare_recordings(DISFA._replace(chunk=3), disfa_source, out, processes=1)
    assert made.faces == 11
    assert made.lost == {
        Lost.NO_LABELS: 1,
        Lost.STRANGER: 1,
        Lost.NO_LABEL: 2,
        Lost.NO_FRAME: 3,
        Lost.NO_UNIT: 9,
        Lost.DAMAGED: 4,
        Lost.NO_FACE: 1,
        Lost.CUT_OFF: 1,
    }
    return out


def test_frame_n_of_disfa_is_the_nth_picture(disfa_faces: Path, disfa_source: Path) -> None:
    table = rows(disfa_faces)
    hers = {name: row for name, row in table.items() if row["subject"] == "SN001"}
    assert list(hers) == [f"SN001/000{number}.png" for number in range(1, 7)]
    assert [row["AU12_intensity"] for row in hers.values()] == ["0", "1", "2", "3", "4", "5"]
    assert [row["AU12"] for row in hers.values()] == ["0", "0", "1", "1", "1", "1"]
    for number, (name, row) in enumerate(hers.items(), 1):
        assert row["source"] == f"Videos_LeftCamera/LeftVideoSN001_comp.avi:{number}"
        original = filmed(1, number)
        aligned = align(original, detect(original)[0].landmarks).image
        face = np.asarray(Image.open(disfa_faces / name))
        assert np.abs(face.astype(int) - aligned).mean() < 3  # compressed; its neighbours differ by 4
    assert read_faces(disfa_faces, None, ()).scale() == 2.9


def test_what_disfa_lacks_is_listed(disfa_faces: Path) -> None:
    assert [name for name in rows(disfa_faces) if "SN002" in name] == [f"SN002/000{number}.png" for number in (1, 2, 6)]
    listed = {file.removeprefix("Videos_LeftCamera/"): reasons for file, reasons in rejected(disfa_faces).items()}
    cut = listed.pop("LeftVideoSN002_comp.avi:5")
    assert cut[0].endswith("% of the square around the face is outside the picture")
    assert listed == {
        "LeftVideoSN001_comp.avi": ["2 frames without a label"],
        "LeftVideoSN002_comp.avi:3": ["can't be decoded"],
        "LeftVideoSN002_comp.avi:4": ["no face found"],
        "LeftVideoSN002_comp.avi:7": ["the video ends at frame 6"],
        "SN002_au25.txt": ["does not label 2 frames that others do"],
        "SN002_au26.txt": ["does not label 7 frames that others do"],
        "LeftVideoSN009_comp.avi": ["no labels in SN009_au1.txt and so on"],
        "SN010": ["2 labels, but no video"],
        "LeftVideoSN016_comp.avi:1-3": ["the video can't be opened"],
        "SN099": ["SN099 is no subject of the three parts"],
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("3,6", r"SN001_au1\.txt:2: '3,6'; write frame,intensity: from 1 on, and 0 to 5"),
        ("3,-1", r":2: '3,-1'; "),
        ("3,1.5", r":2: '3,1\.5'; "),
        ("3,", r":2: '3,'; "),
        ("3", r":2: '3'; "),
        ("3,1,1", r":2: '3,1,1'; "),
        ("0,1", r":2: '0,1'; "),
        ("-3,1", r":2: '-3' is no number of a frame; "),
        ("1,0", r":2: a second line for frame 1; the first is .*:1; keep one"),
    ],
)
def test_a_wrong_line_of_disfa_is_told(tmp_path: Path, line: str, told: str) -> None:
    film(tmp_path, "SN001", [BLANK])
    (tmp_path / "SN001_au1.txt").write_text(f"1,0\n{line}\n")
    with pytest.raises(UserError, match=told):
        prepare_recordings(DISFA, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


# ---- both


@pytest.mark.parametrize(("width", "doubled"), [(1000, (0, 1)), (1001, (0,))])
def test_only_small_frames_are_doubled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int, doubled: tuple[int, ...]
) -> None:
    asked: list[tuple[int, ...]] = []

    def nobody(picture: Picture, upsample: tuple[int, ...]) -> list[Face]:
        asked.append(upsample)
        return []

    monkeypatch.setattr("mpe_lib.faces.align.detect", nobody)
    save(tmp_path, "F001/T1/1.jpg", np.zeros((20, width, 3), np.uint8))
    occurrences(tmp_path, "F001_T1", [f"1: {labels(0)}"])
    with pytest.raises(UserError, match="no face"):
        prepare_recordings(BP4D, tmp_path, tmp_path / "out", processes=1)
    assert asked == [doubled]


def test_the_largest_face_is_taken(tmp_path: Path) -> None:
    frame, small = np.full((320, 560, 3), 90, np.uint8), cv2.resize(filmed(2, 15), (240, 240))
    frame[40:280, :240], frame[:, 240:] = small, filmed(1, 15)
    save(tmp_path, "F001/T1/1.jpg", frame)
    occurrences(tmp_path, "F001_T1", [f"1: {labels(0)}"])
    small_one, large_one = sorted(face.box[0] for face in detect(frame))
    prepare_recordings(BP4D, tmp_path, tmp_path / "out", processes=1)
    (row,) = rows(tmp_path / "out").values()
    alone = align(frame, detect(frame[:, 240:])[0].landmarks + np.array([240, 0]))
    assert small_one < 240 < large_one
    assert float(row["source_side"]) == pytest.approx(alone.source_side, rel=0.05)


def test_chunks_and_processes_change_nothing(disfa_source: Path, disfa_faces: Path, tmp_path: Path) -> None:
    prepare_recordings(DISFA, disfa_source, tmp_path / "out", processes=2)
    whole, chunks = content(tmp_path / "out"), content(disfa_faces)
    assert whole == chunks


def test_progress_is_counted_in_frames(bp4d_source: Path, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    prepare_recordings(
        BP4D._replace(chunk=3), bp4d_source, tmp_path / "out", processes=1, report=lambda *done: told.append(done)
    )
    assert [*dict(told)] == [0, 3, 4, 5, 6, 9, 10]
    assert {total for _, total in told} == {10}


def test_who_is_held_out_validates(bp4d_source: Path, tmp_path: Path) -> None:
    prepare_recordings(BP4D, bp4d_source, tmp_path / "out", held_out=26, processes=1)  # of 27 or 28
    table = rows(tmp_path / "out").values()
    assert {row["fold1"] for row in table if row["subject"] != "F004"} <= {"val", "train"}
    assert sum(row["fold1"] == "val" for row in table) >= 4
    assert all(row["split"] == row["fold1"] for row in table)
    with pytest.raises(UserError, match="27 of 27 subjects are to be held out; leave some to train on"):
        prepare_recordings(BP4D, bp4d_source, tmp_path / "none", held_out=27)


def test_labels_that_change_meanwhile_are_taken_up(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    for number in (1, 2):
        save(tmp_path, f"F001/T{number}/1.jpg", filmed(1, number))
        occurrences(tmp_path, f"F001_T{number}", [f"1: {labels(0)}"])
    with pytest.raises(KeyboardInterrupt):
        prepare_recordings(BP4D, tmp_path, tmp_path / "out", processes=1, report=stop)
    occurrences(tmp_path, "F001_T1", [f"1: {labels(1)}"])
    with pytest.raises(UserError, match="was begun with"):
        prepare_recordings(BP4D, tmp_path, tmp_path / "out", seed=1, processes=1)
    prepare_recordings(BP4D, tmp_path, tmp_path / "out", processes=1)
    assert [row["AU1"] for row in rows(tmp_path / "out").values()] == ["1", "0"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BP4D of 12 recordings, 3 frames each."""
    source = tmp_path_factory.mktemp("many")
    for task in range(1, 13):
        for number in (1, 2, 3):
            save(source, f"F001/T{task}/{number}.jpg", filmed(1, number + task // 2))
        occurrences(source, f"F001_T{task}", [f"{number}: {labels(1)}" for number in (1, 2, 3)])
    return source


@pytest.fixture(scope="module")
def many_faces(many: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("faces") / "many"
    assert prepare_recordings(BP4D, many, out, processes=1) == (36, {})
    return content(out)


def begin(source: Path, out: Path) -> "subprocess.Popen[str]":
    """The command, once it has begun to write."""
    command = [str(Path(sys.executable).with_name("mpe")), "prepare", "bp4d", str(source), "--out", str(out)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    before = max(1, len(journal(out)))  # the first line is that of the call
    while process.poll() is None and len(journal(out)) <= before:
        time.sleep(0.01)
    return process


def journal(out: Path) -> list[str]:
    path = out / JOURNAL
    return path.read_text().splitlines() if path.exists() else []


def test_killed_it_goes_on_with_the_same_result(many: Path, many_faces: dict[str, bytes], tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # pytest shows it where the test fails
    draw = random.Random(seed)
    for _ in range(2):
        process = begin(many, tmp_path)
        time.sleep(draw.uniform(0, 0.3))
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.communicate()  # which waits for the children too: they hold the pipes
        assert not any(Path(f"/proc/{child}/exe").exists() for child in children)
        with (tmp_path / JOURNAL).open("r+b") as file:  # and what had not reached the disk
            file.truncate(max(60, file.seek(0, os.SEEK_END) - draw.randrange(3000)))
        assert not (tmp_path / "metadata.csv").exists()
    process = begin(many, tmp_path)
    printed, told = process.communicate()
    assert (process.returncode, told) == (0, "")
    assert printed.startswith(f"{tmp_path}: 36 faces\nfold 1, ")
    assert content(tmp_path) == many_faces


def test_ctrl_c_ends_in_one_line(many: Path, many_faces: dict[str, bytes], tmp_path: Path) -> None:
    process = begin(many, tmp_path)
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate() == ("", "mpe: stopped; go on with the same command\n")
    assert process.returncode == 130
    assert 4 <= len(journal(tmp_path)) < 37
    assert not [*tmp_path.rglob(".*")]
    prepare_recordings(BP4D, many, tmp_path, processes=1)
    assert content(tmp_path) == many_faces


def test_the_commands(
    bp4d_source: Path,
    disfa_source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def mpe(name: str, source: Path, *options: str) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["mpe", "prepare", name, str(source), "--out", str(tmp_path / name), *options])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        return capsys.readouterr().out.splitlines()

    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    printed = mpe("bp4d", bp4d_source, "--scale", "2.6", "--held-out", "0", "--seed", "3")
    assert printed[:9] == [
        f"{tmp_path / 'bp4d'}: 7 faces; what is lost is in {tmp_path / 'bp4d' / 'rejected.csv'}",
        "       1 recordings without labels",
        "       1 recordings of unknown subjects",
        "       4 frames without a label",
        "       4 labels without a frame",
        "       2 labels missing of single action units",
        "       1 frames that can't be decoded",
        "       1 frames without a face",
        "       1 faces cut off",
    ]
    assert printed[9] == "fold 1, trained on P1 and P2: 6 faces"
    assert printed[11].split()[:3] == ["rate", "0.4000", "0.1667"]  # 2 of 5 known, 1 of 6
    assert printed[13].split()[:3] == ["published", "1.3430", "1.6897"]
    assert read_faces(tmp_path / "bp4d", "test", (), 3).scale() == 2.6
    assert {row[f"fold{fold}"] for row in rows(tmp_path / "bp4d").values() for fold in (1, 2, 3)} == {"train", "test"}
    printed = mpe("disfa", disfa_source)
    assert printed[0].startswith(f"{tmp_path / 'disfa'}: 11 faces; ")
    assert "fold 3, trained on P2 and P3: 2 faces" in printed
