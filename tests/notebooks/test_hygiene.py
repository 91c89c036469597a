"""What a stored notebook must be, read without running it."""

import re
from pathlib import Path

import nbformat
import pytest
from lessons import COLAB

Cells = list[nbformat.NotebookNode]
CHECKED = "nbval-check-output"
FORBIDDEN = {
    "an absolute path": r"(?<![\w.])/(home|root|Users|tmp|work)/",
    "an installation": r"^\s*[!%]\s*pip",
    "a bare except": r"except\s*:",
}


def tagged(cells: Cells, tag: str) -> Cells:
    return [cell for cell in cells if tag in cell.metadata.get("tags", [])]


def code(cells: Cells) -> Cells:
    return [cell for cell in cells if cell.cell_type == "code"]


def test_is_valid(notebook: Path) -> None:
    nbformat.validate(nbformat.read(notebook, as_version=4))


def test_is_small_enough_to_read_on_the_web(notebook: Path) -> None:
    assert notebook.stat().st_size <= 500_000


def test_begins_with_a_title_and_what_it_costs(cells: Cells, notebook: Path) -> None:
    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith(f"# {notebook.stem[:2]} ")
    for part in ("minute", "memory", "You will be able to", "You need", "Paper"):
        assert part in cells[0].source


def test_says_where_it_differs_from_the_paper(cells: Cells, notebook: Path) -> None:
    headings = [line for cell in cells for line in cell.source.splitlines() if re.match("#+ The paper says", line)]
    assert headings == ([] if notebook.stem == "00_start_here" else ["## The paper says, we chose, because"])


def test_has_one_parameters_cell_with_the_profile(cells: Cells) -> None:
    (parameters,) = tagged(cells, "parameters")
    assert "profile = lesson.profile()" in parameters.source


def test_was_executed_from_top_to_bottom(cells: Cells) -> None:
    counts = [cell.execution_count for cell in code(cells)]
    assert counts == list(range(1, len(counts) + 1))


def test_stores_no_error_and_no_warning(cells: Cells) -> None:
    outputs = [output for cell in code(cells) for output in cell.outputs]
    assert [output.output_type for output in outputs if output.output_type == "error"] == []
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []


def test_pictures_have_alternative_text(cells: Cells) -> None:
    outputs = [output for cell in code(cells) for output in cell.outputs if "image/jpeg" in output.get("data", {})]
    assert all(output.metadata.get("image/jpeg", {}).get("alt") for output in outputs)


def test_checked_cells_have_an_output_to_check(cells: Cells) -> None:
    checked = tagged(cells, CHECKED)
    assert checked
    assert all(cell.execution_count and cell.outputs for cell in checked)


def test_stores_no_widget_state(notebook: Path) -> None:
    assert "widgets" not in nbformat.read(notebook, as_version=4).metadata


@pytest.mark.parametrize("what", FORBIDDEN)
def test_holds_nothing_of_one_machine(cells: Cells, what: str) -> None:
    texts = [cell.source for cell in cells if cell not in tagged(cells, COLAB)]  # test_colab.py has that one
    texts += [output.get("text", "") for cell in code(cells) for output in cell.outputs]
    found = [match[0] for text in texts for match in re.finditer(FORBIDDEN[what], text, re.MULTILINE)]
    assert not found, f"{what}: {found}"


def test_links_lead_to_files(cells: Cells, notebook: Path) -> None:
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", prose) if "://" not in target]
    assert [target for target in targets if not (notebook.parent / target).exists()] == []
