"""A file is written whole or not at all."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mpe_lib.errors import UserError
from mpe_lib.files import atomic


def test_the_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "numbers.json"
    with atomic(target) as temporary:
        temporary.write_text("[1, 2]")
        assert temporary.suffix == ".json"  # writers that go by the suffix are not misled
        assert not target.exists()
    assert target.read_text() == "[1, 2]"
    assert os.listdir(target.parent) == ["numbers.json"]


def write_and_interrupt(target: Path) -> None:
    with atomic(target) as temporary:
        temporary.write_text("ne")
        raise KeyboardInterrupt


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "numbers.json"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_and_interrupt(target)
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["numbers.json"]


def test_others_may_read_it_as_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    with atomic(tmp_path / "atomic") as temporary:
        temporary.touch()
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with atomic(tmp_path / "link") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text() == "new"


def test_running_out_of_room_is_told_in_one_line(tmp_path: Path) -> None:
    target = tmp_path / "new" / "numbers.bin"
    script = (
        "import resource, sys; from pathlib import Path; from mpe_lib.files import atomic\n"
        "before = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))\n"
        "try:\n"
        "    with atomic(sys.argv[1]) as temporary: temporary.write_bytes(bytes(2000))\n"
        "finally:\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, before)"
    )  # a process of its own: the limit holds for every file of a process, its output and its coverage too
    child = subprocess.run([sys.executable, "-c", script, target], capture_output=True, text=True, check=False)
    assert child.returncode == 1
    told = f"UserError: cannot write {target}: File too large; choose another folder or make room"
    assert child.stderr.splitlines()[-1].endswith(told)
    assert os.listdir(target.parent) == []


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_a_full_or_read_only_folder_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", refuse)  # root, which tests may run as, is refused nowhere
    with pytest.raises(UserError, match=os.strerror(code)), atomic(tmp_path / "file") as temporary:
        temporary.touch()
    assert os.listdir(tmp_path) == []


def test_what_is_no_ordinary_file_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").touch()
    for target in (tmp_path, tmp_path / "pipe", tmp_path / "file" / "below", Path("/dev/null")):
        with pytest.raises(UserError, match=f"cannot write {target}"), atomic(target) as temporary:
            temporary.touch()
    assert sorted(os.listdir(tmp_path)) == ["file", "pipe"]
