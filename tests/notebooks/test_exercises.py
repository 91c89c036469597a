"""Exercises are cut from solutions that pass their checks; what is not solved yet is told so."""

import sys
from pathlib import Path

import nbformat

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))  # where the commands are
from grade import grade
from lessons import SOLUTIONS, contents, cut


def test_the_lesson_is_what_is_cut_from_its_solution(notebook: Path) -> None:
    stored = nbformat.read(notebook, as_version=4)
    assert contents(stored) == contents(cut(SOLUTIONS / notebook.name)), "run `make lessons`"
    assert "BEGIN SOLUTION" not in notebook.read_text()


def test_solutions_pass_and_stubs_are_told_what_is_missing(notebook: Path) -> None:
    solved = list(grade(SOLUTIONS / notebook.name, seconds=300, gigabytes=6))
    assert [problem for _, right, problem in solved if not right] == []
    unsolved = [problem for _, right, problem in grade(notebook, seconds=300, gigabytes=6) if not right]
    assert len(unsolved) == len(solved) >= 2
    assert all(len(problem) > 20 for problem in unsolved)
