"""Make the lessons out of their solutions.

    python tools/lessons.py write [FOLDER]   the lessons; with FOLDER a copy for a class, which has no outputs
    python tools/lessons.py run [NAME]       run the lessons, or one, where they are, and note minutes and memory

A lesson is written once, in notebooks/solutions, with its exercises solved. In a cell tagged `exercise` the lines from
`### BEGIN SOLUTION` to `### END SOLUTION` are the learner's to write; a cell tagged `solution` is left out. For
{badges}, {cost} and {course} in the text the lesson has what they stand for, and below its title it has a cell that
installs the course on Colab.

nbgrader reads the same marks. It and otter-grader do more than is needed here, bring 300 MB and more, and limit no
memory: so `tools/grade.py` is small and our own.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from urllib.parse import quote

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"
SOLUTIONS = NOTEBOOKS / "solutions"
MENDED = str(ROOT / "tools" / "mended.py")  # runs them
COSTS = NOTEBOOKS / "costs.json"
COLAB = "colab"  # the tag of the cell
SOLVED = re.compile(r"^( *)### BEGIN SOLUTION\n.*?^ *### END SOLUTION$", re.MULTILINE | re.DOTALL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    commands.add_parser("write").add_argument("folder", type=Path, nargs="?", default=NOTEBOOKS)
    commands.add_parser("run").add_argument("name", nargs="?", default="")
    arguments = parser.parse_args()
    if arguments.command == "write":
        write(arguments.folder)
    else:
        run(arguments.name)


def write(folder: Path) -> None:
    """Write the lessons; where only words have changed, the outputs stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        lesson, target = cut(path), folder / path.name
        if target.exists():
            stored = nbformat.read(target, as_version=4)
            if contents(stored) == contents(lesson):
                continue
            if [cell.source for cell in own(stored)] == [cell.source for cell in own(lesson)]:
                take_outputs(lesson, stored)
        nbformat.write(lesson, target)
        print(os.path.relpath(target))


def take_outputs(lesson: NotebookNode, stored: NotebookNode) -> None:
    """Outputs of the same code; where the cell for Colab is new, the others count on, as if it had run before them."""
    shift = len(code(lesson)) - len(code(stored))
    for new, old in zip(own(lesson), own(stored), strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count and old.execution_count + shift
        for output in new.outputs:
            if output.output_type == "execute_result":
                output.execution_count = new.execution_count
    (setup,) = (cell for cell in code(lesson) if COLAB in tags(cell))
    setup.execution_count = 1 if own(lesson)[0].execution_count else None


def cut(path: Path) -> NotebookNode:
    """The lesson that a solution holds, without outputs."""
    lesson = nbformat.read(path, as_version=4)
    lesson.cells = [cell for cell in lesson.cells if "solution" not in tags(cell)]
    for cell in code(lesson):
        cell.outputs, cell.execution_count = [], None
        if "exercise" in tags(cell):
            cell.source = SOLVED.sub(r"\1...  # yours to write", cell.source)
    said = {"{badges}": badges(path.name), "{cost}": cost(path.stem), "{course}": course()}
    for cell in lesson.cells:
        for mark, text in said.items() if cell.cell_type == "markdown" else ():
            cell.source = cell.source.replace(mark, text)
    lesson.cells.insert(1, new_code_cell(installs_on_colab(), id=COLAB, metadata={"tags": [COLAB]}))
    return lesson


def code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def own(lesson: NotebookNode) -> list[NotebookNode]:
    """The code that is its solution's too."""
    return [cell for cell in code(lesson) if COLAB not in tags(cell)]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def contents(notebook: NotebookNode) -> list[tuple[str, str, str, list[str]]]:
    """What a lesson is, whether it has been run or not."""
    return [(cell.id, cell.cell_type, cell.source, tags(cell)) for cell in notebook.cells]


def address() -> str:
    """Where the project says that it is kept."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Repository"]


def installs_on_colab() -> str:
    """Code that on Colab installs the course, and goes where a lesson finds what it reads; elsewhere it does nothing.

    Colab's PyTorch stays, for pip changes only what does not suit. What is installed in editable mode would not be
    found before the kernel starts again. The cell may be run twice.
    """
    folder = "/content/" + address().rpartition("/")[2]
    return f"""\
import sys

if "google.colab" in sys.modules:  # get the course and install it; elsewhere nothing happens here
    !test -d {folder} || git clone -q --depth 1 {address()} {folder}
    %cd -q {folder}/notebooks
    %pip install -q .."""


def badges(name: str) -> str:
    """To open a lesson on Binder and on Colab."""
    repository = address().removeprefix("https://github.com/")
    binder = f"https://mybinder.org/v2/gh/{repository}/HEAD?labpath={quote(f'notebooks/{name}', safe='')}"
    colab = f"https://colab.research.google.com/github/{repository}/blob/main/notebooks/{name}"
    return (
        f"[![open on Binder](https://mybinder.org/badge_logo.svg)]({binder})\n"
        f"[![open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})"
    )


def cost(stem: str) -> str:
    """What a lesson takes, as it was measured."""
    costs = json.loads(COSTS.read_text()) if COSTS.exists() else {}
    if stem not in costs:
        return "minutes and memory not measured yet"
    minutes, gigabytes = costs[stem]["minutes"], costs[stem]["gigabytes"]
    time_taken = (
        "Less than a minute" if minutes < 1 else f"About {minutes:.0f} minute{'s' if round(minutes) > 1 else ''}"
    )
    return f"{time_taken} to run on a laptop without a GPU · peak memory {gigabytes:.1f} GB"


def course() -> str:
    """A table of the lessons."""
    lines = ["| lesson | takes |", "|---|---|"]
    for path in sorted(SOLUTIONS.glob("*.ipynb")):
        title = nbformat.read(path, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")
        lines.append(f"| [{title}]({path.name}) | {cost(path.stem)} |")
    return "\n".join(lines)


def run(name: str) -> None:
    """Run lessons in the profile `lesson`, on two threads; what each takes goes into costs.json and its first cell."""
    command = [sys.executable, MENDED, "nbconvert", "--log-level=WARN", "--to", "notebook", "--execute"]
    command += ["--inplace", "--ExecutePreprocessor.record_timing=False"]
    environment = os.environ | {"MPE_PROFILE": "lesson", "OMP_NUM_THREADS": "2"}
    for path in sorted(SOLUTIONS.glob(f"{name}*.ipynb")):
        start = time.perf_counter()
        process = subprocess.Popen([*command, str(NOTEBOOKS / path.name)], env=environment)
        _, status, usage = os.wait4(process.pid, 0)  # of the largest of it and its children: the kernel
        if status:
            sys.exit(f"{path.name} failed")
        ran = nbformat.read(NOTEBOOKS / path.name, as_version=4)
        ran.metadata.pop("widgets", None)  # every picture once more; nbclient can't be told to leave it out
        nbformat.write(ran, NOTEBOOKS / path.name)
        minutes, gigabytes = (time.perf_counter() - start) / 60, usage.ru_maxrss / 2**20
        costs = json.loads(COSTS.read_text()) if COSTS.exists() else {}
        costs[path.stem] = {"minutes": round(minutes, 1), "gigabytes": round(gigabytes, 1)}
        COSTS.write_text(json.dumps(costs, indent=1, sort_keys=True) + "\n")
        print(path.stem, costs[path.stem], flush=True)
    write(NOTEBOOKS)


if __name__ == "__main__":
    main()
