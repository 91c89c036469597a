"""Each check of the notebooks sees the fault that it is there for."""

from pathlib import Path

import nbformat
import pytest
import test_exercises as exercises
import test_hygiene as hygiene
from nbformat.v4 import new_code_cell, new_notebook, new_output
from running import compare, execute

PARAMETERS = new_code_cell("profile = 'lesson'", metadata={"tags": ["parameters"]})
CLASSES = """import torch
from torch import nn
from mpe_lib.checking import same_module
from mpe_lib.nets.feedback import FeedbackBlock

class Mine(FeedbackBlock):
    def forward(self, x):
        return super().forward(x) + {drift}

torch.manual_seed(0)
same_module(Mine(2, 2, 2), FeedbackBlock(2, 2, 2), torch.rand(1, 2, 4, 4))"""
WIDGET = """import ipywidgets

def show(x=0):
    return 1 / x

ipywidgets.{interact}(show, x=({first}, 3))"""


def written(folder: Path, *cells: nbformat.NotebookNode) -> Path:
    notebook = new_notebook(cells=[PARAMETERS, *cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "a.ipynb")
    return folder / "a.ipynb"


def checked(source: str, output: str) -> nbformat.NotebookNode:
    stored = new_output("stream", name="stdout", text=output)
    tags = {"tags": ["nbval-check-output"]}
    return new_code_cell(source, outputs=[stored], execution_count=1, metadata=tags)


def test_a_changed_output_is_seen(tmp_path: Path, smoke: dict[str, str]) -> None:
    compare(written(tmp_path, checked("print(1 + 1)", "2\n")), smoke)
    with pytest.raises(AssertionError, match="mismatch"):
        compare(written(tmp_path, checked("print(1 + 1)", "3\n")), smoke)


def test_a_checked_cell_that_was_not_run_is_seen() -> None:
    cell = checked("print(1 + 1)", "3\n")
    hygiene.test_checked_cells_have_an_output_to_check([cell])
    cell.execution_count = None  # nbval would pass it over
    with pytest.raises(AssertionError):
        hygiene.test_checked_cells_have_an_output_to_check([cell])


def test_what_goes_wrong_inside_a_widget_is_seen(tmp_path: Path, smoke: dict[str, str]) -> None:
    target = tmp_path / "out.ipynb"
    execute(written(tmp_path, new_code_cell(WIDGET.format(interact="interact", first=1))), {}, target, smoke)
    with pytest.raises(AssertionError, match="inside a widget: ZeroDivisionError"):
        execute(written(tmp_path, new_code_cell(WIDGET.format(interact="interact", first=-3))), {}, target, smoke)
    with pytest.raises(AssertionError, match="nothing is to be seen"):  # it does not show what a function returns
        execute(written(tmp_path, new_code_cell(WIDGET.format(interact="interactive", first=1))), {}, target, smoke)


def test_an_unknown_parameter_is_seen(tmp_path: Path, smoke: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="no parameter profil"):
        execute(written(tmp_path), {"profil": "smoke"}, tmp_path / "out.ipynb", smoke)


def test_a_class_that_has_drifted_is_seen(tmp_path: Path, smoke: dict[str, str]) -> None:
    target = tmp_path / "out.ipynb"
    execute(written(tmp_path, new_code_cell(CLASSES.format(drift=0))), {}, target, smoke)
    with pytest.raises(AssertionError, match="should be"):
        execute(written(tmp_path, new_code_cell(CLASSES.format(drift=0.01))), {}, target, smoke)


def test_a_lesson_that_is_not_its_solution_is_seen(tmp_path: Path) -> None:
    lesson = Path(__file__).parents[2] / "notebooks" / "04_feedback_block.ipynb"
    text = lesson.read_text(encoding="utf-8")
    (tmp_path / lesson.name).write_text(text.replace("feedback", "feed-back"), encoding="utf-8")
    exercises.test_the_lesson_is_what_is_cut_from_its_solution(lesson)
    with pytest.raises(AssertionError, match="make lessons"):
        exercises.test_the_lesson_is_what_is_cut_from_its_solution(tmp_path / lesson.name)


def test_what_a_notebook_takes_is_measured(tmp_path: Path, smoke: dict[str, str]) -> None:
    work = "import time\nwhile time.process_time() < 3: pass\nheld = bytearray(700_000_000)"
    cost = execute(written(tmp_path, new_code_cell(work)), {}, tmp_path / "out.ipynb", smoke)
    assert 0.7 < cost.gigabytes < 1
    assert 3 < cost.cpu_seconds < 20
