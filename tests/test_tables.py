"""Tables name photographs, their people and action units, or are refused in one line."""

from collections import Counter
from pathlib import Path

import pytest

from mpe_lib.errors import UserError
from mpe_lib.faces.tables import Table, labels, people, read_table

FILES = ["a.jpg", "x/1.jpg", "x/2.jpg", "y/1.jpg"]


def table(folder: Path, text: str, encoding: str = "utf-8") -> Table:
    (folder / "t.csv").write_text(text, encoding=encoding)
    return read_table(folder / "t.csv", FILES)


def test_a_picture_is_named_by_its_path_or_its_bare_name(tmp_path: Path) -> None:
    said = table(tmp_path, "who, file_name \nA,a.jpg\nB,2.jpg\nC,./y/1.jpg\nD,elsewhere.jpg\n\nE\n", "utf-8-sig")
    assert {file: (line, row["who"]) for file, (line, row) in said.lines.items()} == {
        "a.jpg": (2, "A"),
        "x/2.jpg": (3, "B"),
        "y/1.jpg": (4, "C"),
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", r"no column file_name; its first line has nothing"),
        ("name;AU1\n", r"no column file_name; its first line has name;AU1"),
        ("file_name\nb.jpg\n", r"names none of the pictures; as a\.jpg would be one"),
        ("file_name\n1.jpg\n", r":2: '1\.jpg' may be x/1\.jpg or y/1\.jpg; name the folder too"),
        ("file_name\na.jpg\n2.jpg\na.jpg\n", r":4: a second line for a\.jpg; the first is 2"),
        ("file_name,who,who\na.jpg,A,B\n", r"two columns are called who"),
    ],
)
def test_a_table_that_cannot_be_used(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        table(tmp_path, text)


def test_a_table_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"file_name\n\xff\xfe\n")
    with pytest.raises(UserError, match=r"none\.csv: not found; check the name"):
        read_table(tmp_path / "none.csv", FILES)
    for path in (tmp_path / "t.csv", tmp_path):
        with pytest.raises(UserError, match=r"not a CSV table \(.*\); save it as UTF-8 text that you may read"):
            read_table(path, FILES)


def test_action_units(tmp_path: Path) -> None:
    text = "file_name,AU1,AU06,AU45,AU1_intensity,AUTHOR,smile\na.jpg,1,0.0,,3.2,me,1\n2.jpg,9,1,0,,,\n1.png,7,7,7,,,\n"
    assert labels(table(tmp_path, text)) == {"a.jpg": {1: 1, 6: 0, 45: None}, "x/2.jpg": {1: None, 6: 1, 45: 0}}


@pytest.mark.parametrize(
    ("columns", "values", "told"),
    [
        ("AU1,AU99", "1,1", "column AU99 is no action unit known here; known: AU1, AU2, AU4, AU5"),
        ("AU01_r", "1", "column AU01_r is no action unit"),
        ("AU6,AU06", "1,1", "columns AU6 and AU06 are one unit"),
        ("AU6", "yes", ":2: AU6 of 'a.jpg' is 'yes'; write 1 for present, 0 for absent"),
        ("smile", "1", "no column of an action unit"),
    ],
)
def test_labels_that_are_none(tmp_path: Path, columns: str, values: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        labels(table(tmp_path, f"file_name,{columns}\na.jpg,{values}\n"))


def test_who_is_who(tmp_path: Path) -> None:
    said = table(tmp_path, "file_name,who,split\na.jpg,A,val\nx/1.jpg,A,val\nx/2.jpg,,test\n")
    names = {file: subject for file, (subject, _) in people(FILES, "folder", None, 0, "top").items()}
    assert names == {"a.jpg": "top", "x/1.jpg": "x", "x/2.jpg": "x", "y/1.jpg": "y"}
    assert [subject for subject, _ in people(FILES, "file", None, 0, "top").values()] == FILES
    assert people(FILES, "who", said, 0, "top") == {
        "a.jpg": ("A", "val"),
        "x/1.jpg": ("A", "val"),
        "x/2.jpg": ("x/2.jpg", "test"),
    }


def test_nobody_is_in_two_splits(tmp_path: Path) -> None:
    said = table(tmp_path, "file_name,who,split\na.jpg,A,train\nx/1.jpg,A,test\n")
    with pytest.raises(UserError, match=r"subject 'A' is in train \(a\.jpg\) and in test \(x/1\.jpg\); use one split"):
        people(FILES, "who", said, 0, "top")
    said = table(tmp_path, "file_name,split\nx/1.jpg,dev\n")
    with pytest.raises(UserError, match=r"t\.csv:2: split of 'x/1\.jpg' is 'dev'; write train, val, test"):
        people(FILES, "file", said, 0, "top")


def test_subjects_that_are_not_there(tmp_path: Path) -> None:
    said = table(tmp_path, "file_name,person,AU1,x_0\na.jpg,A,1,2\n")
    with pytest.raises(UserError, match=r"t\.csv: no column 'persons'; did you mean person\?"):
        people(FILES, "persons", said, 0, "top")
    with pytest.raises(
        UserError, match=r"without a table there are no subjects 'folders'; did you mean folder or file\?"
    ):
        people(FILES, "folders", None, 0, "top")


def test_a_new_photograph_moves_nobody() -> None:
    files = [f"{number}.jpg" for number in range(3000)]
    before, after, other = (people(files[::step], "file", None, seed, "") for step, seed in ((2, 0), (1, 0), (1, 1)))
    assert before.items() <= after.items()
    assert after != other
    counted = Counter(split for _, split in after.values())
    for split, share in {"train": 0.8, "val": 0.1, "test": 0.1}.items():
        assert counted[split] / 3000 == pytest.approx(share, abs=0.02)
