"""What a network frees stays with the process."""

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from mpe_lib.cli import main

FAULTS = """
import resource, torch
from mpe_lib.memory import keep_freed_memory
{keep}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(16):
        torch.ones(2**24).sum()  # 64 MB: 16,384 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
for _ in range(3):
    faults()
print(faults())
"""


def faults(keep: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is asked")
def test_memory_that_was_freed_is_not_cleared_again() -> None:
    # once or twice of 16 times it may lie elsewhere, after something small that stays where it was
    assert faults("keep_freed_memory()") < 0.2 * faults("")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is asked")
def test_a_training_that_saves_memory_gives_it_back(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, asked = ctypes.CDLL, list[bool]()

    def watched(name: str | None, *rest: object) -> object:
        asked.extend([True] * (name is None))
        return SimpleNamespace() if name is None else library(name, *rest)

    monkeypatch.setattr(ctypes, "CDLL", watched)
    for recompute in (True, False):
        sets = [f"--set={field}" for field in (f"train.recompute={recompute}", "train.precision=bf16", "train.batch=2")]
        command = ["train", "--preset", "tiny", "--updates", "1", "--faces", faces, "--out", tmp_path / f"{recompute}"]
        monkeypatch.setattr(sys, "argv", ["mpe", *map(str, command), *sets])
        with pytest.raises(SystemExit, match="0"):
            main()
        assert any(asked) == (not recompute)
