"""The cell by which a lesson installs the course on Colab, in a stand-in for it."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from lessons import COLAB, address, installs_on_colab

FOLDER = f"/content/{Path(address()).name}"
GIT = """#!/bin/sh
echo "$@" >> "$LOG"
for last; do :; done
mkdir "$last"
"""


class Shell:
    """Notes what a cell commands."""

    def __init__(self) -> None:
        self.commands: list[str] = []

    def system(self, line: str) -> None:
        self.commands.append(f"!{line}")

    def run_line_magic(self, name: str, line: str) -> None:
        self.commands.append(f"%{name} {line}")


def commands(source: str) -> list[str]:
    shell = Shell()
    exec(TransformerManager().transform_cell(source), {"get_ipython": lambda: shell})
    return shell.commands


@pytest.fixture
def on_colab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))


def test_a_lesson_has_the_cell_once_and_first(cells: list[nbformat.NotebookNode]) -> None:
    assert [COLAB in cell.metadata.get("tags", []) for cell in cells if cell.cell_type == "code"].count(True) == 1
    title, setup, *_ = cells
    assert title.cell_type == "markdown"
    assert (setup.metadata.tags, setup.source, setup.outputs) == ([COLAB], installs_on_colab(), [])


def test_elsewhere_it_does_nothing(cells: list[nbformat.NotebookNode]) -> None:
    assert "google.colab" not in sys.modules
    assert commands(cells[1].source) == []


@pytest.mark.usefixtures("on_colab")
def test_on_colab_it_gets_the_course_goes_there_and_installs_it() -> None:
    clone, *rest = commands(installs_on_colab())
    assert clone == f"!test -d {FOLDER} || git clone -q --depth 1 {address()} {FOLDER}"
    assert rest == [f"%cd -q {FOLDER}/notebooks", "%pip install -q .."]


@pytest.mark.usefixtures("on_colab")
def test_it_may_run_twice(tmp_path: Path) -> None:
    (tmp_path / "git").write_text(GIT)
    (tmp_path / "git").chmod(0o755)
    clone = commands(installs_on_colab())[0][1:].replace("/content", str(tmp_path))
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "LOG": str(tmp_path / "log")}
    for _ in range(2):
        done = subprocess.run(clone, shell=True, env=environment, capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("", "")
    assert (tmp_path / "log").read_text() == f"clone -q --depth 1 {address()} {tmp_path}/{Path(FOLDER).name}\n"
