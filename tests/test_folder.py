"""A face folder is written whole; interrupted, it goes on; what it holds is read as it was meant."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mpe_lib.errors import UserError
from mpe_lib.faces.facset import read_faces
from mpe_lib.faces.folder import JOURNAL, Row, fill, row, write_table

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
