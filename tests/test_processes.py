"""Two processes that share a batch do what one does alone."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("one_update.py")


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def started(faces: Path, out: Path, *launcher: str) -> Path:
    """The folder of a run of one update."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *launcher, str(SCRIPT), str(faces), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return out


@pytest.mark.parametrize("objective", ["mpenet", "mpegan"])
def test_one_update_of_two_processes_equals_that_of_one(faces: Path, tmp_path: Path, objective: str) -> None:
    one = started(faces, tmp_path / f"{objective}-1")
    two = started(
        faces, tmp_path / f"{objective}-2", "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"
    )
    assert [(out / "processes").read_text() for out in (one, two)] == ["1", "2"]

    for name in ["net", "average"] + (["discriminator"] if objective == "mpegan" else []):
        a, b = (load_file(out / "last" / f"{name}.safetensors") for out in (one, two))
        for key, tensor in a.items():
            assert torch.allclose(tensor, b[key], atol=1e-5, rtol=0), f"{name} {key}"
    states = [torch.load(out / "last" / "state.pt", weights_only=True)["optimizers"] for out in (one, two)]
    for name, optimizer in states[0].items():
        for number, state in optimizer["state"].items():
            gradient, other = state["exp_avg"], states[1][name]["state"][number]["exp_avg"]  # .1 times the gradient
            assert torch.allclose(gradient, other, rtol=1e-3, atol=1e-4 * gradient.abs().max().item())
        assert any(state["exp_avg"].any() for state in optimizer["state"].values())

    (alone,), (shared,) = lines(one), lines(two)
    for term, value in alone.items():
        if term.startswith("loss"):
            assert shared[term] == pytest.approx(value, rel=1e-4), term
    assert shared["psnr"] == pytest.approx(alone["psnr"], abs=1e-3)  # the processes shared the faces too
    assert shared["gradient_shares"].keys() == alone["gradient_shares"].keys()
