"""Exercises are cut from solutions that pass their checks; what is not solved yet is told so."""

from pathlib import Path

import nbformat
from grade import grade
from lessons import SOLUTIONS, contents, cut

from mpe_lib.checking import VERDICT


def test_the_lesson_is_what_is_cut_from_its_solution(notebook: Path) -> None:
    stored = nbformat.read(notebook, as_version=4)
    assert contents(stored) == contents(cut(SOLUTIONS / notebook.name)), "run `make lessons`"
    assert "BEGIN SOLUTION" not in notebook.read_text()


def test_solutions_pass(notebook: Path) -> None:
    solved = list(grade(SOLUTIONS / notebook.name, seconds=300, gigabytes=6))
    assert len(solved) >= 2
    assert [problem for _, right, problem in solved if not right] == []


def test_stubs_are_told_what_is_missing(cells: list[nbformat.NotebookNode]) -> None:
    """As stored; that they still are, nbval tells."""
    checks = [cell for cell in cells if "check" in cell.metadata.get("tags", [])]
    assert checks
    for cell in checks:
        assert "nbval-check-output" in cell.metadata.tags
        (verdict,) = [output.data[VERDICT] for output in cell.outputs if VERDICT in output.get("data", {})]
        assert not verdict["right"]
        assert len(verdict["problem"]) > 20
