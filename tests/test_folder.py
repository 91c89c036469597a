"""A face folder is written whole; interrupted, it goes on; what it holds is read as it was meant."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mpe_lib.errors import UserError
from mpe_lib.faces.facset import read_faces
from mpe_lib.faces.folder import JOURNAL, REJECTED, Outcome, Rejected, Row, fill, row, write_table
from mpe_lib.faces.journal import Journal

POINTS = np.arange(136).reshape(68, 2) / 3
SAID = {"kind": "grey"}


def grey(folder: Path, number: int) -> Row:
    """A picture of one grey."""
    name = f"{number}.png"
    Image.new("RGB", (144, 144), (number,) * 3).save(folder / name)
    return row(name, POINTS + number, {12: number % 2, 6: None}, f"person {number}", "train")


def failing(after: int) -> Callable[[Path, int], Row]:
    """Stops at one number as a killed process would."""

    def work(folder: Path, number: int) -> Row:
        if number == after:
            raise KeyboardInterrupt
        return grey(folder, number)

    return work


def test_what_is_written_is_read(tmp_path: Path) -> None:
    fill(tmp_path / "new", range(3), grey, said=SAID, processes=1)
    faces = read_faces(tmp_path / "new", "train", (6, 12))
    assert [path.name for path in faces.paths] == ["0.png", "1.png", "2.png"]
    np.testing.assert_allclose(faces.landmarks[1], POINTS + 1, atol=0.0051)
    np.testing.assert_array_equal(faces.aus, [[np.nan, 0], [np.nan, 1], [np.nan, 0]])
    assert not (tmp_path / "new" / JOURNAL).exists()


def test_interrupted_it_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, range(6), failing(4), said=SAID, processes=1)
    assert not (tmp_path / "metadata.csv").exists()
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('[4, {"file_na')  # killed in the middle of a line
    made: list[int] = []
    progress: list[tuple[int, int]] = []

    def work(folder: Path, number: int) -> Row:
        made.append(number)
        return failing(5)(folder, number)

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, range(6), work, said=SAID, processes=1, report=lambda *done: progress.append(done))
    fill(tmp_path, range(6), grey, said=SAID, processes=1)
    assert made == [4, 5]
    assert progress == [(4, 6), (5, 6)]
    assert len(read_faces(tmp_path, "train", (12,))) == 6


def test_another_wish_does_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, range(6), failing(4), said=SAID, processes=1)
    with pytest.raises(UserError, match=r'was begun with \{"kind": "grey"\}; go on with the same'):
        fill(tmp_path, range(6), grey, said={"kind": "red"}, processes=1)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="is not empty; choose another folder"):
        fill(tmp_path, range(2), grey, said=SAID, processes=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_two_faces_of_one_name_are_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"two faces are called a\.png"):
        write_table(tmp_path, [row("a.png", POINTS, {}), row("a.png", POINTS, {})])
    with pytest.raises(UserError, match="no face"):
        write_table(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_the_journal_is_plain_text(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, range(2), failing(1), said=SAID, processes=1)
    header, first = map(json.loads, (tmp_path / JOURNAL).read_text().splitlines())
    assert header == SAID
    assert (first[0], first[1]["file_name"]) == (0, "0.png")


# ---- pictures that gave no face


def choosy(folder: Path, number: int) -> Outcome:
    """No face in every third."""
    return Rejected(f"{number}.jpg", 'odd, "and" ends') if number % 3 == 0 else grey(folder, number)


def all_but_the_first(rows: Sequence[Row]) -> dict[str, Rejected]:
    return {each.file_name: Rejected(each.file_name, "enough") for each in rows[1:]}


def test_rejected_pictures_are_listed(tmp_path: Path) -> None:
    rows, rejected = fill(tmp_path, range(6), choosy, said=SAID, processes=1)
    assert [each.file_name for each in rows] == ["1.png", "2.png", "4.png", "5.png"]
    assert [each.file for each in rejected] == ["0.jpg", "3.jpg"]
    lines = [f'{number}.jpg,"odd, ""and"" ends"\n' for number in (0, 3)]
    assert (tmp_path / REJECTED).read_text() == "file,reason\n" + "".join(lines)
    assert len(read_faces(tmp_path, "train", (12,))) == 4


def test_the_last_step_may_take_pictures_away_and_be_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("write_table", "_write_rejected"):
        with monkeypatch.context() as patched:
            patched.setattr(f"mpe_lib.faces.folder.{name}", interrupt)
            with pytest.raises(KeyboardInterrupt):
                fill(tmp_path, range(4), choosy, said=SAID, processes=1, finish=all_but_the_first)
    fill(tmp_path, range(4), choosy, said=SAID, processes=1, finish=all_but_the_first)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "metadata.csv", REJECTED]
    assert (tmp_path / REJECTED).read_text().endswith('\n2.png,enough\n3.jpg,"odd, ""and"" ends"\n')


def test_no_face_at_all(tmp_path: Path) -> None:
    for _ in range(2):  # rejected.csv alone is nothing to lose
        with pytest.raises(UserError, match=r"no face; rejected\.csv there says why"):
            fill(tmp_path, [0, 3], choosy, said=SAID, processes=1)
        assert [path.name for path in tmp_path.iterdir()] == [REJECTED]
    fill(tmp_path, [1], choosy, said=SAID, processes=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1.png", "metadata.csv"]


def test_tasks_with_names_may_change_places(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, [1, 2, 4], failing(4), said=SAID, processes=1, keys=["one", "two", "four"])
    made: list[int] = []

    def work(folder: Path, number: int) -> Row:
        made.append(number)
        return grey(folder, number)

    rows, _ = fill(tmp_path, [0, 4, 2], work, said=SAID, processes=1, keys=["zero", "four", "two"])
    assert made == [0, 4]
    assert [each.file_name for each in rows] == ["0.png", "2.png", "4.png"]
    assert not (tmp_path / "1.png").exists()  # its task is no more


def test_two_calls_do_not_fill_one_folder(tmp_path: Path) -> None:
    def work(folder: Path, number: int) -> Row:
        with pytest.raises(UserError, match="is being filled by another process; wait for it, or choose"):
            fill(tmp_path, range(2), grey, said=SAID, processes=1)
        return grey(folder, number)

    fill(tmp_path, range(2), work, said=SAID, processes=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.png", "1.png", "metadata.csv"]


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    (tmp_path / JOURNAL).write_text('{"kind": "gr')  # no room for more
    fill(tmp_path, range(2), grey, said=SAID, processes=1)
    assert len(read_faces(tmp_path, "train", (12,))) == 2


def full(folder: Path, number: int) -> Row:
    """As `writing` tells it."""
    raise UserError(f"cannot write {folder / str(number)}: {os.strerror(errno.ENOSPC)}", "make room")


def test_what_work_raises_ends_the_call(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No space left on device; make room"):
        fill(tmp_path, range(4), full, said=SAID, processes=1)
    with pytest.raises(UserError, match="Is a directory"):  # from another process, which copies the folder itself
        fill(tmp_path, ["a", "b"], shutil.copyfile, said=SAID, processes=2)
    fill(tmp_path, range(4), grey, said=SAID, processes=1)


def test_a_process_that_ends_by_itself_is_told(tmp_path: Path) -> None:
    """As when the system kills it for want of memory; here it can't find the function of a test."""
    with pytest.raises(UserError, match=r"a process was ended by the system; make memory free .*; the same command"):
        fill(tmp_path, range(4), grey, said=SAID, processes=2)
    fill(tmp_path, range(4), grey, said=SAID, processes=1)


# ---- tasks of several pictures, and many of them


def three(folder: Path, number: int) -> list[Outcome]:
    """Two pictures, and one that is none."""
    return [grey(folder, 10 * number + 1), Rejected(f"{number}.jpg", "odd"), grey(folder, 10 * number)]


def test_a_task_may_give_several_pictures(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    size: Callable[[int], int] = lambda number: number + 1  # noqa: E731
    rows, rejected = fill(
        tmp_path, range(3), three, said=SAID, size=size, processes=1, report=lambda *done: told.append(done)
    )
    assert [each.file_name for each in rows] == ["0.png", "1.png", "10.png", "11.png", "20.png", "21.png"]
    assert [each.file for each in rejected] == ["0.jpg", "1.jpg", "2.jpg"]
    assert told == [(0, 6), (1, 6), (3, 6), (6, 6)]
    np.testing.assert_allclose(read_faces(tmp_path, None, ()).landmarks[4], POINTS + 20, atol=0.0051)


def test_a_task_counts_once_all_of_it_is_written(tmp_path: Path) -> None:
    """Wherever the journal was cut off when the process was killed, the result is the same."""

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    def files(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    fill(tmp_path / "whole", range(3), three, said=SAID, processes=1)
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "stopped", range(3), three, said=SAID, processes=1, report=stop)
    journal = (tmp_path / "stopped" / JOURNAL).read_bytes()
    ends = [end for end, byte in enumerate(journal) if byte == ord("\n")]
    assert len(ends) == 7
    for cut in sorted({0, 5, len(journal), *(end + more for end in ends for more in (-1, 0, 1, 50))}):
        out = tmp_path / str(cut)
        shutil.copytree(tmp_path / "stopped", out)
        (out / JOURNAL).write_bytes(journal[:cut])
        made: list[int] = []

        def work(folder: Path, number: int, made: list[int] = made) -> list[Outcome]:
            made.append(number)
            return three(folder, number)

        with pytest.raises(KeyboardInterrupt):
            fill(out, range(3), work, said=SAID, processes=1, report=stop)
        fill(out, range(3), work, said=SAID, processes=1)
        assert files(out) == files(tmp_path / "whole")
        assert made == [number for number in range(3) if number == 2 or cut <= ends[3 * number + 3]]


def test_a_task_that_is_gone_may_come_back(tmp_path: Path) -> None:
    def call(keys: list[str], stop: int) -> None:
        fill(tmp_path, list(map(int, keys)), failing(stop), said=SAID, processes=1, keys=keys)

    for keys, stop in ((["1", "2"], 2), (["2"], 2), (["1", "2"], 2)):
        with pytest.raises(KeyboardInterrupt):
            call(keys, stop)
    call(["1", "2"], -1)
    assert len(read_faces(tmp_path, None, ())) == 2  # which finds the pictures of both


def test_a_task_may_give_nothing(tmp_path: Path) -> None:
    def odd(folder: Path, number: int) -> list[Outcome]:
        return [grey(folder, number)] if number % 2 else []

    rows, rejected = fill(tmp_path, range(5), odd, said=SAID, processes=1)
    assert ([each.file_name for each in rows], rejected) == (["1.png", "3.png"], [])


def test_pictures_of_a_task_that_is_gone_are_taken_away_whenever_it_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path, [1, 2], failing(2), said=SAID, processes=1, keys=["1", "2"])
    for owner, name in ((Path, "unlink"), (Journal, "drop")):
        with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
            patched.setattr(owner, name, interrupt)
            fill(tmp_path, [3], grey, said=SAID, processes=1, keys=["3"])
    fill(tmp_path, [3], grey, said=SAID, processes=1, keys=["3"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.png", "metadata.csv"]


SCRIPT = """
import re, sys, time
from pathlib import Path
import numpy as np
from mpe_lib.faces.folder import fill, row

POINTS = np.arange(136).reshape(68, 2) / 3


def ten(folder, number):
    return [row(f"{number:06}_{part}.png", POINTS, {12: 1}, "somebody") for part in range(10)]


def wait(folder, number):
    with (folder / f"{number}.txt").open("w") as file:
        time.sleep(60)


def megabytes(name):
    return int(re.search(name + r":\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024


if __name__ == "__main__":
    def look(done, total):
        if done in (total // 10, total):
            print(megabytes("VmRSS"))

    work, count, processes = globals()[sys.argv[2]], int(sys.argv[3]), int(sys.argv[4])
    fill(Path(sys.argv[1]), range(count), work, said={}, processes=processes, report=look)
    print(megabytes("VmHWM"))
"""


def test_memory_does_not_grow_with_the_number_of_faces(tmp_path: Path) -> None:
    """Held as rows, 20,000 of them would be 60 MB."""
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, tmp_path / "script.py", tmp_path / "out", "ten", "2000", "2"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    early, late, peak = map(float, printed.split())
    assert late - early < 5
    assert peak - early < 15  # names, and where their lines are
    with (tmp_path / "out" / "metadata.csv").open() as file:
        assert sum(1 for _ in file) == 20_001


def test_who_is_killed_keeps_nobody_from_a_folder_that_was_its_own(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    out = tmp_path / "out"
    with subprocess.Popen([sys.executable, tmp_path / "script.py", out, "wait", "4", "1"]) as process:
        while not list(out.glob("*.txt")):
            assert process.poll() is None
            time.sleep(0.02)
        with pytest.raises(UserError, match=f"^{out} is being filled by another process; wait for it, or choose"):
            fill(out, range(4), grey, said={}, processes=1)
        process.kill()
    fill(out, range(4), grey, said={}, processes=1)
    assert len(read_faces(out, "train", (12,))) == 4


def test_ctrl_c_does_not_wait_for_what_takes_long(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, tmp_path / "script.py", tmp_path / "out", "wait", "4", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while process.poll() is None and len(list((tmp_path / "out").glob("*.txt"))) < 2:
        time.sleep(0.02)
    start = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    told = process.communicate()[1]
    assert time.monotonic() - start < 10
    assert told.count("Traceback") == 1  # of the script, none of its processes
    assert told.endswith("KeyboardInterrupt\n")
