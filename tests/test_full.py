"""A full or read-only disk costs nothing that was whole, is told in one line, and what it stopped goes on."""

import errno
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
import yaml
from distributed import Client
from shared import TINIER

from mpe_lib.checkpoint import Run
from mpe_lib.cli import main
from mpe_lib.cluster import local_cluster
from mpe_lib.errors import UserError
from mpe_lib.faces.folder import JOURNAL, Row, fill, row
from mpe_lib.faces.picture import write_png

REFUSES = Path("/sys/mpe")  # a folder that nobody can make, not even root
SETS = TINIER | {
    "net.aus": "6,12",
    "train.updates": 6,
    "train.batch": 2,
    "train.log_every": 1,
    "train.validate_every": 2,
    "train.save_every": 2,
}
Mpe = Callable[..., tuple[object, list[str]]]


@pytest.fixture
def mpe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mpe:
    """The command line: its exit code, and what it tells beside what it validates."""

    def call(*args: object) -> tuple[object, list[str]]:
        monkeypatch.setattr(sys, "argv", ["mpe", *map(str, args)])
        with pytest.raises(SystemExit) as ended:
            main()
        lines = capsys.readouterr().err.splitlines()
        return ended.value.code or 0, [line for line in lines if not line.startswith("update ")]

    return call


@contextmanager
def room(size: int) -> Generator[None]:
    """Files of at most so many bytes: the system cuts a longer one off and refuses the rest, as on a full disk.

    It holds for the processes that are started meanwhile, too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def refused(path: Path, reason: str = "File too large") -> list[str]:
    return [f"mpe: cannot write {path}: {reason}; choose another folder or make room"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- train


def training(faces: Path, out: Path, **more: Any) -> list[object]:
    sets = [f"--set={name}={value}" for name, value in (SETS | more).items()]
    return ["train", "--preset", "tiny", "--faces", faces, "--out", out, *sets]


@pytest.fixture(scope="module")
def whole(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, bytes]:
    """What a training leaves that nothing stopped."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", ["mpe", *map(str, training(faces, out))])
        with pytest.raises(SystemExit):
            main()
    return contents(out)


def learnt(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What does not depend on the clock."""
    return {name: content for name, content in files.items() if name.endswith(".safetensors")}


def test_a_training_for_which_there_is_no_room(
    mpe: Mpe, faces: Path, tmp_path: Path, whole: Mapping[str, bytes]
) -> None:
    """Not for its config, its log, its checkpoint: given again, the same command begins anew."""
    out = tmp_path / "run"
    sizes = {name: len(whole[name]) for name in ("config.json", "metrics.jsonl", "last/net.safetensors")}
    assert sizes["config.json"] < sizes["metrics.jsonl"] < sizes["last/net.safetensors"] < len(whole["last/state.pt"])
    with room(sizes["config.json"] - 1):
        assert mpe(*training(faces, out)) == (2, refused(out / "config.json"))
    assert contents(out) == {}
    with room(sizes["config.json"] + 10):
        more = {"train.save_every": 100, "train.validate_every": 100}
        assert mpe(*training(faces, out, **more)) == (2, refused(out / "metrics.jsonl"))
    with room(sizes["last/net.safetensors"] + 10):
        assert mpe(*training(faces, out)) == (2, refused(out / "last.new" / "state.pt"))
    assert contents(out).keys() == {"config.json", "metrics.jsonl", "best/net.safetensors"}
    assert mpe(*training(faces, out)) == (0, [])
    assert learnt(contents(out)) == learnt(whole)


def stopped(mpe: Mpe, faces: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What a training leaves that Ctrl-C ends after update 4."""
    log = Run.log

    def interrupt(run: Run, line: str) -> None:
        log(run, line)
        if json.loads(line)["update"] == 3:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patched:
        patched.setattr(Run, "log", interrupt)
        assert mpe(*training(faces, out))[0] == 130
    return contents(out)


def test_a_disk_that_fills_up_costs_no_checkpoint(
    mpe: Mpe, faces: Path, tmp_path: Path, whole: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    before = stopped(mpe, faces, out, monkeypatch)
    assert {"last/state.pt", "previous/state.pt"} < before.keys()
    with room(len(whole["last/net.safetensors"]) + 10):
        assert mpe(*training(faces, out), "--resume") == (2, refused(out / "last.new" / "state.pt"))
    after = contents(out)
    assert after.keys() == before.keys()
    for name in ("net.safetensors", "average.safetensors", "state.pt", "sha256.json"):
        for folder in ("last", "previous"):
            assert after[f"{folder}/{name}"] == before[f"{folder}/{name}"]
    assert mpe(*training(faces, out), "--resume") == (0, [])
    assert learnt(contents(out)) == learnt(whole)
    assert (out / "metrics.jsonl").read_text().count("\n") == 6


def test_a_log_that_is_cut_off_is_gone_on_with(
    mpe: Mpe, faces: Path, tmp_path: Path, whole: Mapping[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"
    before = stopped(mpe, faces, out, monkeypatch)
    log = before["metrics.jsonl"]
    with room(len(log) + 10):  # of the next line ten bytes
        assert mpe(*training(faces, out), "--resume") == (2, refused(out / "metrics.jsonl"))
    cut_off = contents(out)
    assert len(cut_off["metrics.jsonl"]) == len(log) + 10
    assert {**cut_off, "metrics.jsonl": log} == before
    assert mpe(*training(faces, out), "--resume") == (0, [])
    assert learnt(contents(out)) == learnt(whole)
    assert [json.loads(line)["update"] for line in (out / "metrics.jsonl").read_text().splitlines()] == list(
        range(1, 7)
    )


def test_no_room_for_the_summary(mpe: Mpe, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    replace = os.replace

    def refuse(source: Any, target: Any) -> None:
        if Path(target).name == "summary.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", refuse)
        assert mpe(*training(faces, out)) == (2, refused(out / "summary.json", "No space left on device"))
    before = contents(out)
    assert mpe(*training(faces, out), "--resume") == (0, [])
    after = contents(out)
    assert json.loads(after.pop("summary.json"))["finished"]
    assert after == before


# ---- prepare


def test_pictures_for_which_there_is_no_room(mpe: Mpe, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "faces"
    command = ["prepare", "synthetic", "--count", 6, "--people", 3, "--out"]
    assert mpe(*command, whole) == (0, [])
    sizes = sorted(path.stat().st_size for path in whole.glob("*.png"))
    with room(sizes[3]):  # the larger two are refused
        code, (line,) = mpe(*command, out)
    assert code == 2
    assert re.fullmatch(rf"mpe: cannot write {out}/\d+\.png: File too large; choose another folder or make room", line)
    expected, there = contents(whole), contents(out)
    del there["unfinished.jsonl"]
    assert there.items() <= expected.items() - {("metadata.csv", expected["metadata.csv"])}
    assert mpe(*command, out) == (0, [])
    assert contents(out) == expected


def plain(folder: Path, number: int) -> Row:
    """A small picture, and its long line of the table."""
    write_png(folder / f"{number:03}.png", np.zeros((8, 8, 3), np.uint8))
    return row(f"{number:03}.png", np.full((68, 2), number / 3), {})


def test_tables_for_which_there_is_no_room(tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "faces"
    tasks: dict[str, Any] = {"tasks": range(20), "work": plain, "said": {}, "processes": 1}
    fill(whole, **tasks)
    table = out / "metadata.csv"

    def fills_up(done: int, total: int) -> None:
        if done == total:
            resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    with room(5000), pytest.raises(UserError, match=f"^cannot write {out / JOURNAL}: File too large; choose another"):
        fill(out, **tasks)
    with room(10**6), pytest.raises(UserError, match=f"^cannot write {table}: File too large; choose another"):
        fill(out, **tasks, report=fills_up)
    assert {path.name for path in out.iterdir()} == {path.name for path in whole.iterdir()} - {table.name} | {JOURNAL}
    fill(out, **tasks)
    assert contents(out) == contents(whole)


# ---- restore, compare


@pytest.mark.parametrize("command", ["restore", "compare"])
def test_a_picture_for_which_there_is_no_room(
    mpe: Mpe, astronaut: Path, tiny_file: Path, tmp_path: Path, command: str
) -> None:
    out = tmp_path / ("out" if command == "restore" else "out.png")
    with room(2000):
        code, (line,) = mpe(command, astronaut, "--out", out, "--weights", tiny_file)
    assert code == 2
    assert re.fullmatch(
        rf"mpe: cannot write {tmp_path}/.*\.png: File too large; choose another folder or make room", line
    )
    assert [path.name for path in tmp_path.rglob("*.png")] == ["face1_input.png"] * (command == "restore")
    assert mpe(command, astronaut, "--out", out, "--weights", tiny_file) == (0, [])


def test_where_nothing_can_be_written_it_ends_at_the_first_photograph(
    mpe: Mpe, astronaut: Path, tiny_file: Path
) -> None:
    code, lines = mpe("restore", *3 * [astronaut], "--out", REFUSES, "--weights", tiny_file)
    assert (code, len(lines)) == (2, 1)


# ---- sweep


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Of one cell."""
    book = nbformat.v4.new_notebook()
    parameters = nbformat.v4.new_code_cell("seed = 0\noutput = '.'", metadata={"tags": ["parameters"]})
    book.cells = [parameters, nbformat.v4.new_code_cell("open(output + '/result.json', 'w').write('{}')")]
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, tmp_path / "book.ipynb")
    file = tmp_path / "s.yaml"
    parts = {"notebook": "book.ipynb", "out": "out", "collect": "results", "grid": {"seed": [0]}}
    file.write_text(yaml.safe_dump(parts))
    return file


def test_a_sweep_for_which_there_is_no_room(mpe: Mpe, sweep: Path, tmp_path: Path) -> None:
    with local_cluster(1) as cluster, Client(cluster) as client:
        command = ["sweep", sweep, "--scheduler", client.scheduler.address]
        size = resource.RLIMIT_FSIZE
        hard = resource.getrlimit(size)[1]
        client.run(resource.setrlimit, size, (100, hard))
        code, (line,) = mpe(*command)
        assert (code, line) == (2, "mpe: seed0: OSError: [Errno 27] File too large")
        client.run(resource.setrlimit, size, (hard, hard))
        assert mpe(*command, "--collect", REFUSES)[0] == 2
        assert mpe(*command) == (0, [])
    assert (tmp_path / "results" / "seed0.json").read_text() == "{}"


# ---- read-only


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--preset", "tiny", "--faces", "{faces}", "--set=net.aus=6,12", "--out", "{out}"],
        ["prepare", "synthetic", "--count", "3", "--people", "3", "--out", "{out}"],
        ["prepare", "photos", "{photos}", "--out", "{out}"],
        ["fetch", "london", "--out", "{out}"],
        ["restore", "{photo}", "--weights", "{weights}", "--out", "{out}"],
        ["compare", "{photo}", "--weights", "{weights}", "--out", "{out}/a.png"],
        ["evaluate", "--faces", "{faces}", "--weights", "{weights}", "--json", "{out}/a.json"],
        ["sweep", "{sweep}", "--collect", "{out}"],
    ],
    ids=lambda command: " ".join(word for word in command[:2] if word.isalpha()),
)
def test_a_folder_that_cannot_be_written(
    mpe: Mpe, faces: Path, astronaut: Path, tiny_file: Path, sweep: Path, command: list[str]
) -> None:
    names = {"faces": faces, "photos": astronaut.parent, "photo": astronaut, "weights": tiny_file, "sweep": sweep}
    code, lines = mpe(*(word.format(out=REFUSES, **names) for word in command))
    assert code == 2
    assert lines[-1].startswith(f"mpe: cannot write {REFUSES}")
    assert lines[-1].endswith("; choose another folder or make room")
    assert not [line for line in lines if "Traceback" in line]
