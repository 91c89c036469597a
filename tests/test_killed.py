"""A training that is killed at any moment goes on as if nothing had happened."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import pytest
from shared import TINIER

from mpe_lib.config import preset
from mpe_lib.faces.facset import read_faces
from mpe_lib.train import train

KILLS = 20
CHANGES = TINIER | {
    "train.updates": 60,
    "train.batch": 2,
    "train.log_every": 1,
    "train.validate_every": 7,
    "train.validate_faces": 1,
    "train.save_every": 1,  # so that it is often killed while it saves
}
CONFIG = preset("tiny").replace(CHANGES)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that start with everything imported."""
    os.environ["OMP_NUM_THREADS"] = "1"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["mpe_lib.train"])
    return context


def lines(out: Path) -> list[dict[str, Any]]:
    """What is logged, without what depends on the clock."""
    logged = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "faces_per_second"} for line in logged]


def updates(out: Path) -> int:
    """How many are logged."""
    path = out / "metrics.jsonl"
    return path.read_text().count("}\n") if path.exists() else 0


def test_killed_twenty_times(faces: Path, tmp_path: Path, processes: ForkServerContext) -> None:
    parts = [read_faces(faces, split, CONFIG.net.aus) for split in ("train", "val")]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    draw = random.Random(0)

    reference = processes.Process(target=train, args=(CONFIG, *parts, whole))
    reference.start()
    kills = 0
    while True:
        resume = (killed / "last").exists() or (killed / "previous").exists()
        before = updates(killed)
        process = processes.Process(target=train, args=(CONFIG, *parts, killed), kwargs={"resume": resume})
        process.start()
        if kills == KILLS:
            process.join()
            assert process.exitcode == 0
            break
        time.sleep(draw.uniform(0, 1.5))
        process.kill()
        process.join()
        kills += process.exitcode == -9
        assert process.exitcode in (0, -9)
        assert updates(killed) >= before - 1  # a line is written before its checkpoint
    reference.join()
    assert reference.exitcode == 0

    for name in ("net.safetensors", "average.safetensors"):
        for folder in ("last", "previous"):
            assert (killed / folder / name).read_bytes() == (whole / folder / name).read_bytes()
    assert (killed / "best" / "net.safetensors").read_bytes() == (whole / "best" / "net.safetensors").read_bytes()
    assert lines(killed) == lines(whole)


def test_a_process_that_loads_faces_is_killed(faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [sys.executable, "-m", "mpe_lib.cli", "train", "--preset", "tiny", "--faces", faces, "--out", out]
    command += [word for name, value in CHANGES.items() for word in ("--set", f"{name}={value}")]
    with subprocess.Popen([*command, "--set", "train.workers=1"], stderr=subprocess.PIPE, text=True) as training:
        while updates(out) < 3:
            assert training.poll() is None
            time.sleep(0.05)
        for child in Path(f"/proc/{training.pid}/task/{training.pid}/children").read_text().split():
            os.kill(int(child), signal.SIGKILL)
        told = training.communicate()[1].splitlines()
    assert training.returncode == 2
    assert told[-1] == (
        "mpe: a process that loads faces was killed, perhaps for want of memory; "
        "go on with --resume, and --set train.workers=1 if it happens again"
    )
    assert not [line for line in told if "Traceback" in line]
    subprocess.run([*command, "--resume"], check=True)
