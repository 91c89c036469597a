"""The notebook that sweeps run does what it says."""

import json
from pathlib import Path

import nbformat
from running import ROOT

from mpe_lib.cluster import run_cell
from mpe_lib.faces.astronaut import astronaut_folder
from mpe_lib.sweep import Cell

NOTEBOOK = ROOT / "notebooks" / "sweeps" / "one_run.ipynb"


def test_one_run(tmp_path: Path) -> None:
    faces = astronaut_folder(tmp_path / "astronaut", count=16)
    parameters = {
        "name": "MPENet",
        "preset": "tiny",
        "schedule": {"train.updates": 2, "train.batch": 2},
        "changes": {"net.use_attention": False},
        "faces": [str(faces)],
        "seed": 1,
        "output": str(tmp_path / "cell"),
    }
    cell = Cell("MPENet-seed1", tmp_path / "cell", parameters)
    assert run_cell(NOTEBOOK, cell, ROOT).problem is None
    assert cell.finished()
    result = json.loads((tmp_path / "cell" / "result.json").read_text())
    assert result["changes"] == {"train.updates": 2, "train.batch": 2, "net.use_attention": False}
    assert result["seed"] == 1
    pictures = [
        output
        for cell in nbformat.read(tmp_path / "cell" / "notebook.ipynb", as_version=4).cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "image/jpeg" in output.get("data", {})
    ]
    assert len(pictures) == 2  # curves, and faces
