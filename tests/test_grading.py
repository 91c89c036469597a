"""What a class hands in is graded, whatever it is; exercises are cut out of solutions."""

import csv
import sys
from pathlib import Path

import grade
import lessons
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

SOLVED = """def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION"""


def cell(source: str, *tags: str, name: str) -> nbformat.NotebookNode:
    return new_code_cell(source, metadata={"tags": list(tags)}, id=name)


@pytest.fixture(scope="module")
def solutions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One lesson, of one exercise."""
    folder = tmp_path_factory.mktemp("solutions")
    cells = [
        new_markdown_cell("# 01 Twice\n\n{badges} {cost}", id="title"),
        cell("from mpe_lib.checking import check", name="imports"),
        cell(SOLVED, "exercise", name="exercise-1"),
        cell("check(double, lambda x: 2 * x, (2,), (5,))", "check", name="check-1"),
        cell("print('why it is so')", "solution", name="why"),
    ]
    nbformat.write(new_notebook(cells=cells), folder / "01_twice.ipynb")
    return folder


@pytest.fixture(autouse=True)
def only_this_lesson(solutions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grade, "SOLUTIONS", solutions)
    monkeypatch.setattr(lessons, "SOLUTIONS", solutions)


def test_a_lesson_is_cut_out_of_its_solution(solutions: Path) -> None:
    lesson = lessons.cut(solutions / "01_twice.ipynb")
    assert [each.id for each in lesson.cells] == ["title", "colab", "imports", "exercise-1", "check-1"]
    assert lesson.cells[3].source == "def double(x):\n    ...  # yours to write"
    assert "mybinder.org" in lesson.cells[0].source
    assert lesson.cells[0].source.endswith("not measured yet")


def printed(lesson: nbformat.NotebookNode) -> list[tuple[int | None, list[str]]]:
    return [(each.execution_count, [output.text for output in each.outputs]) for each in lessons.code(lesson)]


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The lesson, run, its second cell with an output."""
    lessons.write(tmp_path)
    target = tmp_path / "01_twice.ipynb"
    lesson = nbformat.read(target, as_version=4)
    for count, each in enumerate(lessons.code(lesson), 1):
        each.execution_count = count
    lesson.cells[2].outputs = [new_output("stream", text="done")]
    nbformat.write(lesson, target)
    return target


RAN = [(1, []), (2, ["done"]), (3, []), (4, [])]


def test_outputs_stay_where_only_words_change(ran: Path) -> None:
    lesson = nbformat.read(ran, as_version=4)
    lesson.cells[0].source = "# 01 Thrice"
    nbformat.write(lesson, ran)
    lessons.write(ran.parent)
    again = nbformat.read(ran, as_version=4)
    assert again.cells[0].source.startswith("# 01 Twice")
    assert printed(again) == RAN


def test_outputs_go_where_code_changes(ran: Path) -> None:
    lesson = nbformat.read(ran, as_version=4)
    lesson.cells[4].source = "check(double, lambda x: x, (2,))"
    nbformat.write(lesson, ran)
    lessons.write(ran.parent)
    assert printed(nbformat.read(ran, as_version=4)) == [(None, [])] * 4


def test_outputs_stay_where_the_cell_for_colab_is_new_or_another(ran: Path) -> None:
    lesson = nbformat.read(ran, as_version=4)
    lesson.cells[1].source = lesson.cells[1].source.replace("mpe-lib", "fork")
    nbformat.write(lesson, ran)
    lessons.write(ran.parent)
    again = nbformat.read(ran, as_version=4)
    assert (again.cells[1].source, printed(again)) == (lessons.installs_on_colab(), RAN)

    del again.cells[1]  # as lessons were before there was one
    for count, each in enumerate(lessons.code(again), 1):
        each.execution_count = count
    again.cells[1].outputs = [new_output("execute_result", {"text/plain": "4"}, execution_count=1)]
    nbformat.write(again, ran)
    lessons.write(ran.parent)
    again = nbformat.read(ran, as_version=4)
    assert [each.execution_count for each in lessons.code(again)] == [1, 2, 3, 4]
    assert again.cells[2].outputs[0].execution_count == 2


def handed_in(folder: Path, answer: str, check: str = "") -> Path:
    lesson = lessons.cut(lessons.SOLUTIONS / "01_twice.ipynb")
    lesson.cells[3].source = answer
    lesson.cells[4].source = check or lesson.cells[4].source
    nbformat.write(lesson, folder / "01_twice.ipynb")
    return folder / "01_twice.ipynb"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (SOLVED, ""),
        ("def double(x):\n    ...", "is it not written yet"),
        ("def double(x):\n    return x + 2", "the result is 7, and should be 10"),
        ("def double(x)\n    return 2 * x", "SyntaxError: expected ':'"),
        ("import numpy\nnumpy.ones(10**9)", "MemoryError"),
        ("import os\nos._exit(1)", "its kernel died"),
        ("while True: pass", "it ran longer than 15 s"),
    ],
)
def test_an_answer_is_graded(tmp_path: Path, answer: str, told: str) -> None:
    seconds = 15 if "15 s" in told else 120
    ((exercise, right, problem),) = grade.grade(handed_in(tmp_path, answer), seconds, gigabytes=4)
    assert exercise == "exercise 1"
    assert right == (told == "")
    assert told in problem


def test_a_check_of_the_learner_s_own_does_not_count(tmp_path: Path) -> None:
    path = handed_in(tmp_path, "def double(x):\n    return 0", check="check(1, 1)")
    assert [right for _, right, _ in grade.grade(path, seconds=60, gigabytes=4)] == [False]


def test_a_folder_of_submissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ann", "=bob"):
        (tmp_path / name).mkdir()
    handed_in(tmp_path / "ann", SOLVED)
    (tmp_path / "ann" / "01_twice.ipynb").rename(tmp_path / "ann" / "ann_4711_01_twice-1.ipynb")  # as platforms do
    (tmp_path / "=bob" / "01_twice.ipynb").write_text("not JSON")
    (tmp_path / "=bob" / "99_other.ipynb").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["grade.py", str(tmp_path), "--out", str(tmp_path / "grades.csv")])
    grade.main()
    with (tmp_path / "grades.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["submission", "exercise", "right", "problem"],
        ["'=bob/01_twice.ipynb", "", "0", "not a notebook (NotJSONError)"],  # no formula for a spreadsheet
        ["'=bob/99_other.ipynb", "", "0", "no lesson has this name"],
        ["ann/ann_4711_01_twice-1.ipynb", "exercise 1", "1", ""],
    ]
    monkeypatch.setattr(sys, "argv", ["grade.py", str(tmp_path / "nobody")])
    with pytest.raises(SystemExit, match="no notebook in it"):
        grade.main()
