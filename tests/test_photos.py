"""A folder of photographs becomes a face folder; what is no face is listed with the reason."""

import csv
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from mpe_lib.cli import main
from mpe_lib.errors import UserError
from mpe_lib.faces import folder as folders
from mpe_lib.faces.align import align, detect
from mpe_lib.faces.astronaut import astronaut
from mpe_lib.faces.facset import read_faces
from mpe_lib.faces.folder import JOURNAL, Row
from mpe_lib.faces.photos import Summary, prepare_photos
from mpe_lib.faces.quality import SAME, fingerprint, near_duplicates, sharpness, yaw
from mpe_lib.pixels import Picture
from mpe_lib.synthetic import Pose, synthesize

HER = astronaut()[:300, 70:380]
BLURRED = cv2.GaussianBlur(HER, (0, 0), 2)


def person(seed: int) -> Picture:
    """A photograph of somebody else, with room around the face."""
    return synthesize(seed, {}, pose=Pose(), size=280, scale=4).image


def save(path: Path, picture: Picture, width: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture)
    image = image.resize((width, round(image.height * width / image.width))) if width else image
    image.save(path)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four people, to be read only."""
    folder = tmp_path_factory.mktemp("photographs")
    save(folder / "her.png", HER)
    for seed, name in enumerate(["anna/1.jpg", "anna/2.JPG", "bea/1.png"], 1):
        save(folder / name, person(seed))
    return folder


def rejected(folder: Path) -> dict[str, str]:
    with (folder / "rejected.csv").open(newline="", encoding="utf-8") as file:
        return {row["file"]: row["reason"] for row in csv.DictReader(file)}


def rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "metadata.csv").open(newline="", encoding="utf-8") as file:
        return {row["source"]: row for row in csv.DictReader(file)}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_photographs_become_a_face_folder(photographs: Path, tmp_path: Path) -> None:
    labels = tmp_path / "aus.csv"
    labels.write_text("file_name,AU12,AU6\nher.png,1,0\nanna/1.jpg,0,9\n")
    made = prepare_photos(photographs, tmp_path / "out", scale=2.5, subjects="folder", aus=labels, processes=1)
    assert made == Summary(4, 0, 0)
    assert sorted(content(tmp_path / "out")) == [
        *("anna__1.png", "anna__2.png", "bea__1.png", "her.png", "metadata.csv"),
    ]
    faces = read_faces(tmp_path / "out", None, (6, 12))
    assert faces.scale() == pytest.approx(2.5, abs=0.01)
    np.testing.assert_array_equal(faces.aus, [[np.nan, 0], [np.nan, np.nan], [np.nan, np.nan], [0, 1]])
    table = rows(tmp_path / "out")
    assert {file: row["subject"] for file, row in table.items()} == {
        "anna/1.jpg": "anna",
        "anna/2.JPG": "anna",
        "bea/1.png": "bea",
        "her.png": photographs.name,
    }
    assert table["anna/1.jpg"]["split"] == table["anna/2.JPG"]["split"]
    (face,) = detect(HER)
    aligned = align(HER, face.landmarks, scale=2.5)
    np.testing.assert_array_equal(Image.open(tmp_path / "out" / "her.png"), aligned.image)
    assert float(table["her.png"]["source_side"]) == pytest.approx(aligned.source_side, abs=0.5)


def test_every_rejected_picture_is_listed(photographs: Path, tmp_path: Path) -> None:
    here = tmp_path / "photographs"
    save(here / "a" / "her.png", HER)
    save(here / "copy.jpg", np.clip(HER * 0.9, 0, 255).astype(np.uint8))
    save(here / "blurred.png", BLURRED)
    save(here / "small.png", HER, 155)
    save(here / "cut.png", HER[:, :190])
    save(here / "grey.png", np.full((200, 200, 3), 128, np.uint8))
    save(here / ".hidden.png", HER)
    save(here / ".hidden" / "her.png", HER)
    (here / "truncated.png").write_bytes((here / "blurred.png").read_bytes()[:5000])
    (here / "empty.jpg").touch()
    (here / "text.png").write_text("no picture")
    (here / "notes.txt").write_text("not even its name")
    Image.new("1", (20_000, 20_000)).save(here / "huge.png")
    (here / "gone.png").symlink_to(here / "nowhere.png")
    (here / os.fsdecode(b"caf\xe9.png")).touch()

    made = prepare_photos(here, tmp_path / "out", scale=2.5, processes=1)
    assert made == Summary(1, 11, 1)
    assert list(rows(tmp_path / "out")) == ["a/her.png"]
    assert sorted(content(tmp_path / "out")) == ["a__her.png", "metadata.csv", "rejected.csv"]
    told = {
        "blurred.png": "face blurred: sharpness ",
        r"caf\xe9.png": "is empty; ",
        "copy.jpg": "nearly the same face as a/her.png",
        "cut.png": "",
        "empty.jpg": "is empty; copy it again",
        "gone.png": "does not exist; ",
        "grey.png": "no face found; ",
        "huge.png": "has more than 50 megapixels; ",
        "notes.txt": "is no picture by its name; ",
        "small.png": "face of ",
        "text.png": "is not a picture in a known format; ",
        "truncated.png": "cannot be decoded (",
    }
    reasons = rejected(tmp_path / "out")
    assert list(reasons) == sorted([*told])
    for file, reason in told.items():
        assert reasons[file].startswith(reason)


def test_each_filter_has_its_measure(tmp_path: Path) -> None:
    turned = synthesize(5, {}, pose=Pose(yaw=20), size=280, scale=4).image
    for name, picture in (("blurred", BLURRED), ("turned", turned)):
        save(tmp_path / "photographs" / f"{name}.png", picture)
    save(tmp_path / "photographs" / "small.png", HER, 155)
    call = {"processes": 1, "scale": 2.5}
    with pytest.raises(UserError, match=r"out: no face; rejected\.csv there says why"):
        prepare_photos(tmp_path / "photographs", tmp_path / "out", max_yaw=10, **call)
    assert list(content(tmp_path / "out")) == ["rejected.csv"]
    assert "turned by " in rejected(tmp_path / "out")["turned.png"]
    made = prepare_photos(tmp_path / "photographs", tmp_path / "out", min_side=30, min_sharpness=1, max_yaw=60, **call)
    assert made.faces == 3  # into the same folder: rejected.csv alone is nothing to lose
    assert sorted(content(tmp_path / "out")) == ["blurred.png", "metadata.csv", "small.png", "turned.png"]


@pytest.mark.parametrize("processes", [1, 2])
def test_interrupted_it_goes_on(photographs: Path, tmp_path: Path, processes: int) -> None:
    def interrupt(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    prepare_photos(photographs, tmp_path / "whole", processes=1)
    with pytest.raises(KeyboardInterrupt):
        prepare_photos(photographs, tmp_path / "out", processes=processes, report=interrupt)
    assert not (tmp_path / "out" / "metadata.csv").exists()
    with pytest.raises(UserError, match="was begun with"):
        prepare_photos(photographs, tmp_path / "out", seed=1, processes=1)
    left: list[tuple[int, int]] = []
    prepare_photos(photographs, tmp_path / "out", processes=1, report=lambda *done: left.append(done))
    assert left == [(2, 4), (3, 4), (4, 4)]
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_a_full_disk_ends_the_call_and_nothing_is_lost(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_photos(photographs, tmp_path / "whole", processes=1)
    replace, room = os.replace, 2

    def full(*paths: Path) -> None:
        nonlocal room
        room -= 1
        if room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(*paths)

    for _ in range(2):  # among the pictures, and at the table
        room = 2
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", full)
            with pytest.raises(UserError, match=r"cannot write .*: No space left on device; "):
                prepare_photos(photographs, tmp_path / "out", processes=1)
        assert not (tmp_path / "out" / "metadata.csv").exists()
        assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    prepare_photos(photographs, tmp_path / "out", processes=1)
    assert content(tmp_path / "out") == content(tmp_path / "whole")


def test_photographs_come_and_go_meanwhile(tmp_path: Path) -> None:
    here = tmp_path / "photographs"
    for seed in (1, 2, 3):
        save(here / f"{seed}.png", person(seed))

    def change(done: int, total: int) -> None:
        if done == 1:
            (here / "2.png").unlink()
        if done == 2:
            (here / "1.png").unlink()
            save(here / "0.png", HER)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_photos(here, tmp_path / "out", processes=1, report=change)
    journal = (tmp_path / "out" / JOURNAL).read_text()
    assert "1.png" in journal
    assert "does not exist; " in journal
    assert prepare_photos(here, tmp_path / "out", processes=1) == Summary(2, 0, 0)
    assert content(tmp_path / "out").keys() == {"0.png", "3.png", "metadata.csv"}
    assert list(rows(tmp_path / "out")) == ["0.png", "3.png"]


def test_a_picture_that_the_table_does_not_name(photographs: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("file_name,who,split\nher.png,Eileen,val\n2.JPG,Anna,test\n")
    made = prepare_photos(photographs, tmp_path / "out", subjects="who", table=tmp_path / "t.csv", processes=1)
    assert made == Summary(2, 2, 0)
    named = {file: (row["subject"], row["split"]) for file, row in rows(tmp_path / "out").items()}
    assert named == {"her.png": ("Eileen", "val"), "anna/2.JPG": ("Anna", "test")}
    assert rejected(tmp_path / "out") == dict.fromkeys(
        ["anna/1.jpg", "bea/1.png"], f"not named in {tmp_path / 't.csv'}"
    )


def test_two_of_one_name_and_no_picture_at_all(tmp_path: Path) -> None:
    here, out = tmp_path / "photographs", tmp_path / "out"
    with pytest.raises(UserError, match="photographs: no such folder; "):
        prepare_photos(here, out)
    here.mkdir()
    (here / "notes.txt").touch()
    with pytest.raises(UserError, match="photographs: no picture in it; "):
        prepare_photos(here, out)
    for one, two in (("a.jpg", "a.png"), ("b/c.png", "b__c.png"), ("D.png", "d.PNG")):
        (here / one).parent.mkdir(exist_ok=True)
        (here / one).touch()
        (here / two).touch()
        with pytest.raises(UserError, match=f"({one} and {two}|{two} and {one}) would both be called"):
            prepare_photos(here, out)
        (here / one).unlink()
        (here / two).unlink()
    assert not out.exists()


def test_the_out_folder_may_lie_among_the_photographs(tmp_path: Path) -> None:
    long = Path("long" * 20) / "name" / ("long" * 40 + ".png")
    save(tmp_path / long, HER)
    (tmp_path / "aus.csv").write_text(f"file_name,AU12\n{long},1\n")

    def interrupt(done: int, total: int) -> None:
        if done == 1:
            raise KeyboardInterrupt

    def call(report: Callable[[int, int], None]) -> Summary:
        return prepare_photos(tmp_path, tmp_path / "out", aus=tmp_path / "aus.csv", processes=1, report=report)

    with pytest.raises(KeyboardInterrupt):
        call(interrupt)
    assert call(lambda done, total: None) == Summary(1, 0, 0)  # its own picture was there to be found
    (name,) = (path.name for path in (tmp_path / "out").glob("*.png"))
    assert len(name) < 100


# ---- quality


@pytest.mark.parametrize("degrees", [-40, -20, 0, 20, 40])
def test_yaw_of_heads_that_are_known(degrees: float) -> None:
    for seed in range(3):
        assert yaw(synthesize(seed, {}, pose=Pose(yaw=degrees)).landmarks) == pytest.approx(degrees, abs=5)


def test_yaw_by_hand() -> None:
    points = np.zeros((68, 2))
    points[[36, 45, 30], 0] = 20, 80, 50 + 1.2 * 30
    assert yaw(points) == pytest.approx(45)


def test_a_blurred_face_is_less_sharp() -> None:
    (face,) = detect(HER)
    sharp, blurred = (sharpness(align(picture, face.landmarks).image) for picture in (HER, BLURRED))
    assert blurred < 25 < 60 < sharp


def marked(name: str, bits: int) -> Row:
    """A row whose fingerprint has so many ones."""
    mark = np.packbits(np.arange(576) < bits).tobytes().hex()
    return Row(f"{name}.png", np.zeros((68, 2)), {}, more={"source": f"{name}.jpg"}, mark=mark)


def test_the_first_by_name_stays() -> None:
    """Of a chain in which each is like its neighbours, every other one."""
    chain = [marked(f"{number:03}", number * SAME // 2 % 576) for number in range(7)]
    found = near_duplicates(chain)
    assert {name: each.reason for name, each in found.items()} == {
        "001.png": "nearly the same face as 000.jpg",
        "002.png": "nearly the same face as 000.jpg",
        "004.png": "nearly the same face as 003.jpg",
        "005.png": "nearly the same face as 003.jpg",
    }
    assert near_duplicates([marked("a", 0), marked("b", SAME + 1)]) == {}
    far_apart = [marked("first", 0), *(marked(f"{number}", 100) for number in range(300)), marked("z", 0)]
    assert len(near_duplicates(far_apart)) == 300


def test_a_fingerprint_stands_light_and_compression(tmp_path: Path) -> None:
    (face,) = detect(HER)
    one = align(HER, face.landmarks).image
    Image.fromarray(one).save(tmp_path / "copy.jpg", quality=50)
    pictures = [one, (one * 0.7).astype(np.uint8), np.asarray(Image.open(tmp_path / "copy.jpg")), one[:, ::-1]]
    bits = [np.unpackbits(np.frombuffer(bytes.fromhex(fingerprint(each)), np.uint8)) for each in pictures]
    darker, compressed, mirrored = (int((each != bits[0]).sum()) for each in bits[1:])
    assert max(darker, compressed) <= SAME < mirrored


# ---- the command line


def test_the_command_line(
    photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def mpe(*arguments: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["mpe", "prepare", "photos", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0, *capsys.readouterr()

    out = tmp_path / "out"
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    options = ["--scale", 2.5, "--min-side", 100, "--min-sharpness", 5, "--max-yaw", 40, "--seed", 3]
    assert mpe(photographs, "--out", out, *options, "--subjects", "folder") == (
        *(0, f"{out}: 4 faces, 0 rejected, 0 duplicates\n", ""),
    )
    code, printed, told = mpe(photographs, "--out", out)
    assert (code, printed, told) == (2, "", f"mpe: {out} is not empty; choose another folder\n")
    code, printed, told = mpe(photographs, "--out", tmp_path / "none", "--min-side", 5000)
    assert (code, printed) == (2, "")
    assert told == f"mpe: {tmp_path / 'none'}: no face; rejected.csv there says why\n"
    assert list(content(tmp_path / "none")) == ["rejected.csv"]


def test_ctrl_c_ends_in_one_line_and_the_same_command_goes_on(photographs: Path, tmp_path: Path) -> None:
    here = tmp_path / "photographs"
    for number in range(30):
        save(here / f"{number}.png", HER // 4 * 3 + number)  # brighter and brighter
    command = [str(Path(sys.executable).with_name("mpe")), "prepare", "photos", str(here), "--out", "out"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    journal = tmp_path / "out" / JOURNAL
    while process.poll() is None and not (journal.exists() and journal.read_text().count("\n") > 2):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
    printed, told = process.communicate()
    assert (process.returncode, printed, told) == (130, "", "mpe: stopped; go on with the same command\n")
    done = journal.read_text().count("\n")
    assert 2 < done < 32
    assert not [path for path in (tmp_path / "out").iterdir() if path.name.startswith(".")]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (finished.stdout, finished.stderr) == ("out: 1 faces, 0 rejected, 29 duplicates (out/rejected.csv)\n", "")


def test_nothing_is_left_of_a_process_that_was_killed(photographs: Path, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare_photos(photographs, tmp_path, processes=1, report=interrupt)
    (tmp_path / ".ab_d3fgh").mkdir()
    (tmp_path / ".ab_d3fgh" / "her.png").touch()
    prepare_photos(photographs, tmp_path, processes=1)
    assert not (tmp_path / ".ab_d3fgh").exists()
    assert folders.REJECTED not in content(tmp_path)
