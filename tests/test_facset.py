"""Face folders are read or refused in one line."""

import csv
import errno
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mpe_lib.errors import UserError
from mpe_lib.faces.align import align, detect
from mpe_lib.faces.astronaut import astronaut
from mpe_lib.faces.crops import CentreCrops, RandomCrops, Shuffled
from mpe_lib.faces.facset import Faces, read_all, read_faces

Row = dict[str, str]

AUS = (4, 12, 26)  # in the astronaut's folder: absent, present, without a column


def table(folder: Path) -> list[Row]:
    with (folder / "metadata.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def write(folder: Path, rows: list[Row]) -> None:
    with (folder / "metadata.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


# ---- reading


def test_a_face_folder_is_read(faces: Path) -> None:
    rows = [row for row in table(faces) if row["split"] == "train"]
    read = read_faces(faces, "train", AUS)
    assert len(read) == len(rows) == 12
    assert [path.name for path in read.paths] == [row["file_name"] for row in rows]
    assert read.landmarks.shape == (12, 68, 2)
    assert read.landmarks[3, 30] == pytest.approx((float(rows[3]["x_30"]), float(rows[3]["y_30"])), abs=1e-4)
    np.testing.assert_array_equal(read.aus, [[0, 1, np.nan]] * 12)


def test_all_splits_at_once(faces: Path) -> None:
    assert len(read_faces(faces, None, AUS)) == 16


def test_several_folders_follow_one_another(faces: Path) -> None:
    both = read_all([(faces, None), (faces, None)], "val", AUS)
    one = read_faces(faces, "val", AUS)
    assert both.paths == one.paths + one.paths
    np.testing.assert_array_equal(both.landmarks, np.concatenate([one.landmarks] * 2))


def test_a_large_table_is_not_held_as_text(own_faces: Path) -> None:
    rows = table(own_faces)
    write(own_faces, rows * 100)
    tracemalloc.start()
    read = read_faces(own_faces, None, AUS)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(read) == 1600
    assert peak < 4000 * len(read)  # bytes; as text a row is 13,000


def test_a_label_may_be_unknown(own_faces: Path) -> None:
    rows = table(own_faces)
    values = {"": np.nan, "9": np.nan, " 1": 1, "0": 0, "1.0": 1, "0.0": 0}
    for row, value in zip(rows, values, strict=False):
        row["AU4"] = value
    write(own_faces, rows)
    labels = read_faces(own_faces, None, (4,)).aus[: len(values), 0]
    np.testing.assert_array_equal(labels, list(values.values()))


def test_a_table_from_a_spreadsheet_with_a_byte_order_mark_is_read(own_faces: Path) -> None:
    path = own_faces / "metadata.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert len(read_faces(own_faces, None, AUS)) == 16


def test_rates_by_hand() -> None:
    # AU a: 1 of 4. b: 1 of the 2 that are known. c: never seen in 4. d: never known.
    u = np.nan
    labels = np.array([[1, 1, 0, u], [0, 0, 0, u], [0, u, 0, u], [0, u, 0, u]], np.float32)
    faces = Faces([Path()] * 4, np.zeros((4, 68, 2), np.float32), labels, np.ones(4))
    assert faces.rates().tolist() == pytest.approx([1 / 4, 1 / 2, u, u], nan_ok=True)
    # the first face three times as often as any other: a is shown in 3 of 6, b in 3 of 4
    often = replace(faces, frequency=np.array([3.0, 1, 1, 1]))
    assert often.rates().tolist() == pytest.approx([1 / 2, 3 / 4, u, u], nan_ok=True)


def test_weights_are_the_shares_of_folders_whatever_their_size(faces: Path, own_faces: Path) -> None:
    rows = table(own_faces)
    write(own_faces, [row for row in rows if row["split"] != "train"] + [rows[4], rows[5]])
    few, many = read_faces(own_faces, "train", AUS), read_faces(faces, "train", AUS)
    assert (len(few), len(many)) == (2, 12)
    both = read_all([(own_faces, 3.0), (faces, 1.0)], "train", AUS)
    assert both.frequency[:2].sum() == 3 * both.frequency[2:].sum()
    (keys,) = Shuffled(both.frequency, 14 * 20, 0, 1, seed=0)
    assert sum(index < 2 for _, index in keys) / len(keys) == pytest.approx(3 / 4, abs=0.01)
    assert read_all([(own_faces, None), (faces, None)], "train", AUS).frequency.tolist() == [1] * 14


# ---- what is not known


def test_landmarks_may_be_unknown_for_a_face_or_for_all(own_faces: Path) -> None:
    points = [f"{axis}_{i}" for axis in "xy" for i in range(68)]
    rows = table(own_faces)
    rows[4].update(dict.fromkeys(points, ""))
    write(own_faces, rows)
    read = read_faces(own_faces, "train", AUS)
    unknown = np.isnan(read.landmarks).all((1, 2))
    assert unknown.tolist() == [path.name == "004.png" for path in read.paths]
    assert not np.isnan(read.landmarks[~unknown]).any()
    assert read.scale() == read.take(np.flatnonzero(~unknown)).scale()
    sample = RandomCrops(read, 0.08, seed=0)[0, int(unknown.argmax())]
    assert sample.landmarks.isnan().all()
    assert sample.hr.isfinite().all()

    write(own_faces, [{name: value for name, value in row.items() if name not in points} for row in rows])
    read = read_faces(own_faces, "train", AUS)
    assert np.isnan(read.landmarks).all()
    assert read.scale() is None


def test_a_fingerprint_tells_other_faces_labels_and_frequencies(faces: Path) -> None:
    read = read_faces(faces, "train", AUS)
    other = [
        read.take(np.arange(11)),
        read.take(np.arange(12)[::-1]),
        read.weighted(2),
        read_faces(faces, "train", (4,)),
    ]
    other.append(replace(read, landmarks=read.landmarks + np.float32(0.01)))
    assert read_faces(faces, "train", AUS).fingerprint() == read.fingerprint()
    assert len({each.fingerprint() for each in [read, *other]}) == 6


def test_landmarks_may_be_anywhere(own_faces: Path) -> None:
    rows = table(own_faces)
    rows[4].update(x_0="1e308", x_1="1e308")  # whose sum is no number
    write(own_faces, rows)
    assert len(read_faces(own_faces, "train", AUS)) == 12


# ---- what is refused


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(UserError) as caught:
        read()
    line = str(caught.value)
    assert "\n" not in line
    assert "; " in line  # the remedy
    return line


def without(*columns: str) -> Callable[[list[Row]], None]:
    return lambda rows: [row.pop(column) for row in rows for column in columns] and None


def with_value(column: str, value: str) -> Callable[[list[Row]], None]:
    return lambda rows: rows[4].update({column: value})  # rows[4] is line 6 of the file


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (without("file_name"), ": no column file_name; "),
        (without("split"), ": no column split; "),
        (without("y_67"), ": no column y_67; "),
        (without(*(f"x_{i}" for i in range(68))), ": no column x_0, x_1, x_2 and 65 more; "),
        (with_value("x_7", "nan"), ":6: landmark x_7,y_7 of '004.png' is no pair of numbers; "),
        (with_value("y_7", "inf"), ":6: landmark x_7,y_7 "),
        (with_value("y_7", ""), ":6: landmark x_7,y_7 of '004.png' is no pair of numbers; correct it, or leave all "),
        (with_value("x_67", "left"), ":6: landmark x_67,y_67 "),
        (with_value("y_67", "1e400"), ":6: landmark x_67,y_67 "),
        (with_value("AU12", "7"), ":6: AU12 of '004.png' is '7'; write 1 "),
        (with_value("AU12", "x"), ":6: AU12 of '004.png' is 'x'; write 1 "),
        (with_value("AU12", "nan"), ":6: AU12 "),
        (with_value("file_name", "lost.png"), ":6: picture 'lost.png' is missing; "),
        (with_value("file_name", "n" * 300 + ".png"), "nnn.png' is missing; "),
        (with_value("file_name", "."), ":6: file_name '.'; "),
        (with_value("file_name", ""), ":6: file_name ''; name a file inside the folder"),
        (with_value("file_name", "../own_faces/000.png"), ":6: file_name '../own_faces/000.png'; "),
        (with_value("file_name", "a/../../own_faces/000.png"), ":6: file_name "),
        (with_value("file_name", "/etc/passwd"), ":6: file_name '/etc/passwd'; "),
    ],
)
def test_a_wrong_table_is_told_with_its_line(own_faces: Path, spoil: Callable[[list[Row]], None], told: str) -> None:
    rows = table(own_faces)
    spoil(rows)
    write(own_faces, rows)
    line = refusal(lambda: read_faces(own_faces, "train", AUS))
    assert line.startswith(str(own_faces / "metadata.csv"))
    assert told in line


def test_a_row_that_ends_early_is_told(own_faces: Path) -> None:
    path = own_faces / "metadata.csv"
    path.write_bytes(path.read_bytes()[:-40])
    assert "metadata.csv:17: ends before column " in refusal(lambda: read_faces(own_faces, None, AUS))


def test_a_split_without_a_face_is_told_with_those_that_have_some(faces: Path) -> None:
    line = refusal(lambda: read_faces(faces, "tset", AUS))
    assert line == f"{faces / 'metadata.csv'}: no face in split 'tset'; its column 'split' has test, train, val"


def test_a_table_without_rows_is_told(own_faces: Path) -> None:
    path = own_faces / "metadata.csv"
    path.write_text(path.read_text().splitlines()[0])
    for split in ("train", None):
        assert "metadata.csv: no face; " in refusal(lambda split=split: read_faces(own_faces, split, AUS))
    path.write_text("")
    assert "no column file_name, split; " in refusal(lambda: read_faces(own_faces, "train", AUS))


def test_no_folder_or_table_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "missing", tmp_path / ("n" * 300)):
        line = refusal(lambda folder=folder: read_faces(folder, "train", AUS))
        assert line.startswith(f"{folder / 'metadata.csv'}: not found; a face folder holds ")


def test_a_table_that_is_no_utf8_text_is_told(own_faces: Path) -> None:
    path = own_faces / "metadata.csv"
    path.write_bytes(path.read_bytes().replace(b"astronaut", "Ren\xe9".encode("latin-1")))
    assert "metadata.csv: not a CSV table ('utf-8' codec" in refusal(lambda: read_faces(own_faces, "train", AUS))
    path.write_bytes(os.urandom(5000))
    assert "metadata.csv: " in refusal(lambda: read_faces(own_faces, "train", AUS))


def test_a_table_that_may_not_be_read_is_told(faces: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)  # root, which tests may run as, is refused nowhere
    assert "Permission denied" in refusal(lambda: read_faces(faces, "train", AUS))


@pytest.mark.parametrize(("width", "height"), [(127, 127), (144, 145), (300, 200), (1, 1)])
def test_a_picture_that_is_small_or_not_square_is_told(own_faces: Path, width: int, height: int) -> None:
    read = read_faces(own_faces, "test", AUS)
    Image.new("RGB", (width, height)).save(read.paths[1])
    for sample in (lambda: CentreCrops(read)[1], lambda: RandomCrops(read, 0.08, 0)[0, 1]):
        assert refusal(sample).startswith(f"{read.paths[1]}: {width} x {height} pixels; ")


def test_a_damaged_picture_is_told(own_faces: Path) -> None:
    read = read_faces(own_faces, "test", AUS)
    read.paths[1].write_bytes(read.paths[1].read_bytes()[:2000])
    assert str(read.paths[1]) in refusal(lambda: CentreCrops(read)[1])


@pytest.mark.parametrize("scale", [2.3, 2.9])
def test_the_scale_of_the_cut_is_found_again(scale: float) -> None:
    picture = astronaut()
    (face,) = detect(picture)
    landmarks = align(picture, face.landmarks, scale).landmarks.astype(np.float32)
    faces = Faces([Path()] * 2, np.stack([landmarks, landmarks + 3]), np.zeros((2, 1), np.float32), np.ones(2))
    assert faces.scale() == scale


def test_faces_can_be_taken_in_another_order(faces: Path) -> None:
    known = read_faces(faces, "train", AUS)
    taken = known.take(np.array([3, 0]))
    assert taken.paths == [known.paths[3], known.paths[0]]
    np.testing.assert_array_equal(taken.landmarks, known.landmarks[[3, 0]])
    np.testing.assert_array_equal(taken.aus, known.aus[[3, 0]])
