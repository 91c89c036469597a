"""What nobody means to feed the readers is refused in one line: cases once found, random ones, and known tricks."""

import csv
import json
import os
import resource
import signal
import struct
import subprocess
import sys
import warnings
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import cv2
import fuzz_readers as readers
import numpy as np
import pytest
import torch
from fuzz_readers import TARGETS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save_file

from mpe_lib import show, weights
from mpe_lib.checkpoint import Run
from mpe_lib.cli import main
from mpe_lib.config import preset
from mpe_lib.errors import UserError
from mpe_lib.faces import disfa
from mpe_lib.faces.bp4d import read_occurrences
from mpe_lib.faces.facset import COORDINATES, read_faces
from mpe_lib.faces.folder import JOURNAL, Rejected, Row, fill, row, write_table
from mpe_lib.faces.picture import JPEG, MAX_BYTES, WEBP, decode_picture, read_picture
from mpe_lib.faces.recordings import Lost
from mpe_lib.faces.tables import labels, read_table
from mpe_lib.features import PUBLIC, read_features
from mpe_lib.nets import MPENet, build_model
from mpe_lib.openface import read_units
from mpe_lib.results import read_results
from mpe_lib.sweep import parse_yaml, read_sweep

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*/*"))
LARGEST = list(readers.largest_pictures())


@contextmanager
def soon() -> Generator[None]:
    """End what hangs."""

    def late(*_: object) -> None:
        raise TimeoutError("it takes longer than 30 seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(30)  # 5 on a machine that does nothing else
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)  # which a user would see
            yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def refusal(call: Callable[..., object], *arguments: Any) -> str:
    with soon(), pytest.raises(UserError) as caught:
        call(*arguments)
    line = str(caught.value)
    assert line.isprintable()
    return line


# ---- what the fuzzer found, and what it begins with


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once(path: Path, tmp_path: Path) -> None:
    read = TARGETS[path.parent.name].prepare(tmp_path)
    with soon():
        read(path.read_bytes())


class Reader:
    """A target, ready to read."""

    def __init__(self, name: str, folder: Path) -> None:
        self.read = TARGETS[name].prepare(folder)
        self.seeds = [seed for seed in TARGETS[name].seeds() if seed not in LARGEST]
        self._mutate = TARGETS[name].mutate

    def changed(self, data: bytes, number: int) -> bytes:
        random = Random(number)

        def some_bytes(data: bytes, size: int) -> bytes:
            at, more = random.randint(0, len(data)), random.randint(0, 4)
            return (data[:at] + random.randbytes(more) + data[at + random.randint(0, 4) :])[:size]

        return self._mutate(data, 50_000, random, some_bytes)


@pytest.fixture(scope="module", params=TARGETS)
def reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    return Reader(request.param, tmp_path_factory.mktemp(request.param).resolve())


@given(st.integers(0, 99), st.lists(st.integers(0, 2**32), max_size=5))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_a_changed_file_is_read_or_refused(reader: Reader, number: int, changes: list[int]) -> None:
    data = reader.seeds[number % len(reader.seeds)]
    for change in changes:
        data = reader.changed(data, change)
    with soon():
        reader.read(data)


# ---- pictures


MEASURED = """
import sys
from mpe_lib.faces.picture import read_picture
assert read_picture(sys.argv[1]).shape == (5000, 10000, 3)
print(*(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.parametrize("content", LARGEST, ids=["GIF", "WEBP"])
def test_the_largest_pictures_take_less_than_a_gigabyte(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(content)
    # rusage would tell the most of this process too, which begins the other
    command = [sys.executable, "-c", MEASURED, tmp_path / "picture"]
    kilobytes = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert kilobytes < 1_000_000


def jpeg(parts: bytes) -> bytes:
    """A JPEG with more at its beginning."""
    small = next(seed for seed in readers.some_pictures() if seed[:2] == b"\xff\xd8")
    return small[:2] + parts + small[2:]


@pytest.mark.parametrize("begin", [JPEG, WEBP])
def test_a_file_that_would_be_held_in_memory_whole_is_refused_for_its_length(begin: bytes, tmp_path: Path) -> None:
    path = tmp_path / "long.img"
    path.write_bytes(begin)
    os.truncate(path, MAX_BYTES + 1)  # it takes no room on the disk
    assert "is longer than 200 MB" in refusal(read_picture, path)


def test_a_jpeg_of_endless_parts_is_refused_before_it_is_decoded() -> None:
    exif = b"\xff\xe1" + struct.pack(">H", 10) + b"Exif\0\0\0\0"
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x10"
    assert decode_picture(jpeg(exif), "me").shape[2] == 3
    for part in (exif, scan):
        assert "more than 100 scans or EXIF blocks" in refusal(decode_picture, jpeg(101 * part), "me")


def test_what_is_slow_to_decode_is_read_if_it_is_small() -> None:
    assert decode_picture(b"P3 1 1 255 1 2 3", "me").tolist() == [[[1, 2, 3]]]
    assert "takes long to decode; save it as PNG" in refusal(decode_picture, b"P3 1001 1000 255 1 2 3", "me")


# ---- names that lead out of a face folder


@pytest.mark.parametrize(
    "name",
    [
        *("../other.png", "a/../../other.png", "/etc/hostname", "..\\other.png", "C:\\other.png", "C:0.png"),
        *("\\\\host\\share\\other.png", "link.png", "away/other.png", "0.png\0", "0.png\0.txt"),
    ],
)
def test_a_name_that_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    folder.mkdir()
    for path in (tmp_path / "other.png", folder / "0.png", folder / "..\\other.png", folder / "C:0.png"):
        path.touch()
    (folder / "link.png").symlink_to(tmp_path / "other.png")
    (folder / "away").symlink_to(tmp_path)
    (folder / "metadata.csv").write_text(f"file_name,split\n{name},train\n")
    told = refusal(read_faces, folder, "train", ())
    shown = name.replace("\0", "\\x00")
    assert f"metadata.csv:2: file_name '{shown}'; name a file inside the folder, not a link out of it" in told


@pytest.mark.parametrize("name", ["0.png", "own.png", "deep/./0.png", "Ünïcode ‘’ 顔.png", "a b,c.png", "-rf.png"])
def test_a_name_inside_the_folder(name: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for each in {name, "0.png"} - {"own.png"}:
        (tmp_path / each).touch()
    (tmp_path / "own.png").symlink_to(tmp_path / "0.png")
    (tmp_path / "metadata.csv").write_text(f'file_name,split\n"{name}",train\n', encoding="utf-8")
    assert read_faces(tmp_path, "train", ()).paths == [tmp_path / name]


@pytest.mark.parametrize(
    ("name", "shown"), [("a\nb", "a b"), ("\x1b[2Ja", "\\x1b[2Ja"), ("gnp.\u202ea", "gnp.\\u202ea")]
)
def test_a_name_with_signs_that_a_terminal_would_obey(name: str, shown: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text(f'file_name,split\n"{name}",train\n', encoding="utf-8")
    assert f"picture '{shown}' is missing" in refusal(read_faces, tmp_path, "train", ())


def test_a_photograph_with_signs_that_a_terminal_would_obey(
    tiny_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    photograph = tmp_path / "a\x1b[2J\nmpe: b.png"
    Image.new("RGB", (16, 16)).save(photograph)
    command = ["restore", "--as-is", photograph, tmp_path / "no\x1b.png", "--out", tmp_path, "--weights", tiny_file]
    monkeypatch.setattr(sys, "argv", ["mpe", *map(str, command)])
    with pytest.raises(SystemExit):
        main()
    for line in capsys.readouterr():
        assert line.strip().isprintable()


def test_a_long_cell_is_told_without_its_middle(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"file_name,AU1\na.jpg,{'9' * 100_000}\n")
    line = refusal(lambda: labels(read_table(tmp_path / "t.csv", ["a.jpg"])))
    assert len(line) < 2000
    assert "9 ... 9" in line
    assert line.endswith("write 1 for present, 0 for absent, 9 or nothing for unknown")


# ---- files that are none


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {  # what a file is called, and who reads it
    "picture": ("0.png", read_picture),
    "face folder": ("metadata.csv", lambda path: read_faces(path.parent, None, ())),
    "table": ("t.csv", lambda path: read_table(path, ["a.jpg"])),
    "BP4D": ("F001_T1.csv", read_occurrences),
    "DISFA": ("SN001_au1.txt", disfa.read_intensities),
    "OpenFace 2": ("a.csv", lambda path: read_units(path.parent, "a")),
    "OpenFace 1": ("a_det_0.txt", lambda path: read_units(path.parent, "a")),
    "config": ("config.json", lambda path: Run(path.parent).config()),
    "network of the Hub": ("config.json", lambda path: MPENet.from_pretrained(path.parent)),
    "summary": ("summary.json", lambda path: Run(path.parent).summary()),
    "weights": ("net.safetensors", weights.load),
    "features": ("vgg.pth", lambda path: read_features(PUBLIC["vggface"], path)),
    "sweep": ("s.yaml", read_sweep),
    "results": ("0.json", lambda path: read_results(path.parent)),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/dev/zero", path)])
def test_a_pipe_a_folder_or_a_device(name: str, make: Callable[[Path], object], tmp_path: Path) -> None:
    file, read = READERS[name]
    make(tmp_path / file)
    assert str(tmp_path) in refusal(read, tmp_path / file)


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\xff\xfeN\0", b"Ren\xe9,1\n", b"\x80\x02}q\0.", b'"', b"\0" * 99]
)
def test_a_file_of_something_else(name: str, content: bytes, tmp_path: Path) -> None:
    file, read = READERS[name]
    (tmp_path / file).write_bytes(content)
    with soon():
        assert not readers.attempt(read, tmp_path / file)  # of no faces and no frames nothing is said


def a_list_of_videos(path: Path) -> None:
    video = cv2.VideoWriter(str(path.with_name("other.avi")), cv2.VideoWriter.fourcc(*"MJPG"), 20, (64, 64))
    video.write(np.zeros((64, 64, 3), np.uint8))
    video.release()
    path.write_text("ffconcat version 1.0\nfile other.avi\n")


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/zero", path), a_list_of_videos])
def test_what_is_no_video_is_not_opened(make: Callable[[Path], object], tmp_path: Path) -> None:
    make(tmp_path / "LeftVideoSN001_comp.avi")
    (tmp_path / "SN001_au1.txt").write_text("1,0\n")
    (recording,) = disfa.find_recordings(tmp_path)
    with soon():
        (frame,) = disfa.read_frames(recording, range(1))
    assert frame == Rejected("LeftVideoSN001_comp.avi:1-1", "the video can't be opened", Lost.DAMAGED)


def test_a_checkpoint_with_a_pipe_in_it(tmp_path: Path) -> None:
    run, config, learner = readers.trained(tmp_path)
    os.mkfifo(tmp_path / "last" / "pipe")
    assert run.damaged()
    (tmp_path / "last" / "state.pt").unlink()
    os.mkfifo(tmp_path / "last" / "state.pt")
    assert "last/ is damaged" in refusal(run.resume, config, "faces", learner)
    assert "last: cannot be read" in refusal(run.finished, config, "faces")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(preset("tiny").to_dict()).encode())
    assert Run(tmp_path).config() == preset("tiny")
    (tmp_path / "F001_T1.csv").write_bytes(b"\xef\xbb\xbf0,1\n1,1\n")
    assert read_occurrences(tmp_path / "F001_T1.csv") == ((1,), {1: [1]})


# ---- tables


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_text("file_name,split,AU1,AU1\n")
    assert "two columns are called AU1; keep one of them" in refusal(read_faces, tmp_path, "train", (1,))


@pytest.mark.parametrize("number", ["9" * 5000, "1" * 10, "\u0663", "-1", "1e3", "nan"])
def test_a_number_that_no_frame_has(number: str, tmp_path: Path) -> None:
    (tmp_path / "F001_T1.csv").write_text(f"0,1\n{number},1\n", encoding="utf-8")
    assert "is no number of a frame" in refusal(read_occurrences, tmp_path / "F001_T1.csv")
    (tmp_path / "SN001_au1.txt").write_text(f"{number},1\n", encoding="utf-8")
    assert "is no number of a frame" in refusal(disfa.read_intensities, tmp_path / "SN001_au1.txt")


@pytest.mark.parametrize("column", ["AU" + "9" * 5000, "AU1 AU2"])
def test_a_unit_that_nobody_knows(column: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"file_name,{column}\na.jpg,1\n")
    table = read_table(tmp_path / "t.csv", ["a.jpg"])
    assert "no action unit known here" in refusal(labels, table) or column == "AU1 AU2"


def test_a_table_of_very_many_columns_and_short_rows_takes_no_longer_than_its_size(tmp_path: Path) -> None:
    header = ",".join(f"c{number}" for number in range(100_000))
    (tmp_path / "t.csv").write_text(f"{header},file_name\n" + "x\n" * 100_000)
    assert "names none of the pictures" in refusal(read_table, tmp_path / "t.csv", ["a.jpg"])


@pytest.mark.parametrize("value", ["1e308", "1e38", "0", "-1e30"])
def test_landmarks_that_are_no_face_have_no_scale(value: str, tmp_path: Path) -> None:
    (tmp_path / "0.png").touch()
    with (tmp_path / "metadata.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["file_name", *COORDINATES], ["0.png", *[value] * 136]])
    with soon():
        assert read_faces(tmp_path, None, ()).scale() is None


@pytest.mark.parametrize("value", ["inf", "1e308", "2", "nan", "-1"])
def test_a_presence_that_is_neither_0_nor_1(value: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"AU01_c\n{value}\n")
    assert f"'{value}' is neither 0 nor 1; run OpenFace again" in refusal(read_units, tmp_path, "a")


def test_names_that_are_no_text_are_written_as_escapes(tmp_path: Path) -> None:
    each = row("0.png", np.zeros((68, 2)), {}, subject="Ren\udce9")
    write_table(tmp_path, [Row(**vars(each) | {"more": {"source": "\udcff/0.jpg"}})])
    assert "0.png,Ren\\udce9,train,\\udcff/0.jpg," in (tmp_path / "metadata.csv").read_text()


# ---- configs and weights


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"net": {"system": []}}, "unknown system []"),
        ({"net": {"body_scale": 2.0}}, "net.body_scale=2.0 is not a choice"),
        ({"net": {"channels": 10**30}}, "is above 4096"),
        ({"net": {"groups": 10**6}}, "net.groups=1000000 is above 64"),
        ({"net": {"aus": [1.5]}}, "names no action units"),
        ({"train": {"lr": 10**400}}, "is not a float"),
        ({"train": {"halve_at": [10**400]}}, "names no shares"),
        ({"train": {"updates": "[" * 10_000}}, "is not a int"),
        ({"train": {"seed": 2**64}}, "is above"),
    ],
)
def test_a_config_that_nothing_can_be_made_of(values: Any, told: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert told in refusal(Run(tmp_path).config)


def test_json_without_end(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("[" * 1_000_000)
    assert "nested too deeply" in refusal(Run(tmp_path).config)


def test_weights_of_a_huge_network_are_refused_before_it_is_built(tmp_path: Path) -> None:
    config = preset("paper").replace({"net.channels": 4096, "net.groups": 64, "net.hourglass_width": 4096})
    weights.save(tmp_path / "w", {"x": torch.zeros(1)}, config)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert "tensors do not fit its config" in refusal(weights.load, tmp_path / "w")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes; its weights are terabytes


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value: float, tmp_path: Path) -> None:
    config = preset("srcnn").replace({"net.width": 2})
    tensors = build_model(config.net).state_dict()
    name = min(tensors)
    tensors[name].view(-1)[0] = value
    weights.save(tmp_path / "w", tensors, config)
    assert f"'{name}' holds numbers that are not finite" in refusal(weights.load, tmp_path / "w")


def test_a_config_in_weights_without_end(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "w", {"config": "[" * 100_000})
    assert "holds no config of a network" in refusal(weights.load, tmp_path / "w")


@pytest.mark.parametrize("content", ["{", "[1]", "null", "3", "[" * 100_000, '{"channels": 4096}', '{"aus": {}}'])
def test_a_config_from_the_hub(content: str, tiny: MPENet, tmp_path: Path) -> None:
    tiny.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text(content)
    assert "; " in refusal(MPENet.from_pretrained, tmp_path)


# ---- sweeps


LAUGHS = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    "text",
    [
        *(LAUGHS, "&a [*a]", "[" * 10_000, "- " * 9_000, "x" * 30_000, "1" * 5000, "2001-99-99", "!!int x", "!!bool x"),
        *("!!float x", "!!timestamp x", "!!python/name:os.system", "!!python/object/new:os.system [ls]", "!!binary é"),
        *("? [a]\n: b", "\x1b", "{a: b", "!!set x"),
    ],
)
def test_yaml_that_is_more_than_plain_values(text: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(text)
    assert "no YAML file to read" in refusal(read_sweep, tmp_path / "s.yaml")


def test_yaml_of_plain_values() -> None:
    assert parse_yaml("a: [1, 2.5, true, null, {b: x}]") == {"a": [1, 2.5, True, None, {"b": "x"}]}


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ('{text: ["{seed:>9999999999}"], seed: [1]}', "no parameter for the braces ('seed:>9999999999')"),
        ('{text: ["{seed.__class__.__init__}"], seed: [1]}', "no parameter for the braces"),
        ("{" + ", ".join(f"p{i}: [1, 2, 3, 4]" for i in range(10)) + "}", "more than 10,000 cells"),
        ("{1: [2]}", "1 is no name of a parameter"),
        ("{network: [{x y: 2}]}", "'x y' is no name of a parameter"),
        ("{seed: [.nan]}", "seed is no plain value"),
        ("{network: [{name: ..}]}", "a cell without a name"),
        ("3", "the grid is no table of lists"),
    ],
)
def test_a_grid_that_nothing_can_be_made_of(grid: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "book.ipynb").touch()
    (tmp_path / "s.yaml").write_text(f"notebook: book.ipynb\nout: out\ngrid: {grid}\n")
    assert told in refusal(read_sweep, tmp_path / "s.yaml", {"judge": None} if grid == "3" else None)


@pytest.mark.parametrize(("notebook", "told"), [("n" * 300, "is not there"), ('"\\0"', "no path"), ("[a]", "no path")])
def test_a_notebook_that_can_not_be(notebook: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(f"notebook: {notebook}\nout: out\ngrid: {{seed: [1]}}\n")
    assert told in refusal(read_sweep, tmp_path / "s.yaml")


# ---- journals, which name files that go


def interrupted(folder: Path, name: str, task: int = 0) -> None:
    """A folder whose journal has a face of this name, from some task."""
    folder.mkdir()
    face = vars(row(name, np.zeros((68, 2)), {})) | {"landmarks": [[0, 0]] * 68}
    (folder / JOURNAL).write_text('{"kind": 1}\n' + json.dumps([task, face, 0]) + "\n")


def gone_on_with(folder: Path) -> str:
    """The refusal of a call of one task, number 0, which rejects in the end whatever there is."""

    def finish(rows: Sequence[Row]) -> dict[str, Rejected]:
        return {each.file_name: Rejected(each.file_name, "none") for each in rows}

    return refusal(lambda: fill(folder, [1], nothing, said={"kind": 1}, finish=finish, processes=1))


def nothing(folder: Path, task: int) -> Rejected:
    return Rejected(str(task), "none")


@pytest.mark.parametrize("task", [0, 7])  # one that is done, one that is no more
@pytest.mark.parametrize("name", ["../mine", "/mine", "away/../../mine"])
def test_a_journal_takes_nothing_away_outside_of_its_folder(name: str, task: int, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    interrupted(tmp_path / "out", name, task)
    assert "is not in the folder" in gone_on_with(tmp_path / "out")
    assert (tmp_path / "mine").exists()


@pytest.mark.parametrize("name", ["metadata.csv", "0.png", "away", "F001/0.png"])
def test_what_is_gone_on_with_holds_no_link(name: str, tmp_path: Path) -> None:
    interrupted(tmp_path / "out", "0.png")
    (tmp_path / "out" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "out" / name).symlink_to(tmp_path / "mine")
    assert f"{name} is a link; " in gone_on_with(tmp_path / "out")
    assert not (tmp_path / "mine").exists()


def test_a_journal_that_is_a_link_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / JOURNAL).symlink_to(tmp_path / "mine")
    assert "is not empty" in gone_on_with(tmp_path / "out")
    assert (tmp_path / "mine").read_text() == "mine"


# ---- names on a figure


@pytest.mark.parametrize("name", ["cost$5_and_$6^.png", "$\\frac$", "<b>"])
def test_a_name_on_a_figure_is_no_mathematics(name: str, tmp_path: Path) -> None:
    picture = np.asarray(Image.new("RGB", (8, 8)))
    for figure in (show.row({name: picture}), show.contact([picture], [name])):
        figure.savefig(tmp_path / "figure.png")
    assert zlib.crc32((tmp_path / "figure.png").read_bytes())
