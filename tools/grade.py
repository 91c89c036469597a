"""Grade what a class hands in: python tools/grade.py FOLDER, which holds notebooks at any depth.

Writes a line for each exercise of each notebook. Only the cells tagged `exercise` are taken from a submission; all
others, the checks too, are the lesson's own. Each runs in a process of its own, with limits of time and memory. That
guards against accidents, not against malice: run it where nothing can be lost.
"""

import argparse
import csv
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from lessons import MENDED, SOLUTIONS, tags
from nbformat import NotebookNode

from mpe_lib.checking import VERDICT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("submissions", type=Path)
    parser.add_argument("--out", type=Path, default=Path("grades.csv"))
    parser.add_argument("--seconds", type=int, default=300, help="for one notebook")
    parser.add_argument("--gigabytes", type=float, default=4, help="for one notebook")
    arguments = parser.parse_args()
    checkpoints = ".ipynb_checkpoints"
    paths = sorted(path for path in arguments.submissions.rglob("*.ipynb") if checkpoints not in path.parts)
    if not paths:
        sys.exit(f"{arguments.submissions}: no notebook in it; give the folder that holds the submissions")
    with arguments.out.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["submission", "exercise", "right", "problem"])
        for path in paths:
            name = path.relative_to(arguments.submissions)
            verdicts = list(grade(path, arguments.seconds, arguments.gigabytes))
            for exercise, right, problem in verdicts:
                table.writerow([no_formula(str(name)), exercise, int(right), no_formula(problem)])
            file.flush()
            print(f"{name}: {sum(right for _, right, _ in verdicts)} of {len(verdicts)}", flush=True)


def no_formula(text: str) -> str:
    """A student's words, so that no spreadsheet computes them."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def grade(path: Path, seconds: int, gigabytes: float) -> Iterator[tuple[str, bool, str]]:
    """Each exercise of a submission: its name, whether it is right, and what is wrong with it."""
    lesson = next((each for each in SOLUTIONS.glob("*.ipynb") if each.stem in path.stem), None)
    if lesson is None:
        yield "", False, "no lesson has this name"
        return
    solved = nbformat.read(lesson, as_version=4)
    try:
        answers = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells if "exercise" in tags(cell)}
    except Exception as error:  # anything may be handed in
        yield "", False, f"not a notebook ({type(error).__name__})"
        return
    for cell in solved.cells:
        if "exercise" in tags(cell):
            cell.source = answers.get(cell.id, "")
    executed, ended = execute(solved, seconds, gigabytes)
    exercise, broken = 0, ""
    for number, cell in enumerate(solved.cells):
        outputs = executed.cells[number].outputs if executed and cell.cell_type == "code" else []
        errors = "; ".join(f"{each.ename}: {each.evalue}" for each in outputs if each.output_type == "error")
        if "exercise" in tags(cell):
            broken = errors
        if "check" in tags(cell):
            exercise += 1
            found = [each.data[VERDICT] for each in outputs if VERDICT in each.get("data", {})]
            if found and not broken:
                yield f"exercise {exercise}", found[0]["right"], found[0]["problem"] or ""
            else:
                yield f"exercise {exercise}", False, broken or errors or ended


def execute(notebook: NotebookNode, seconds: int, gigabytes: float) -> tuple[NotebookNode | None, str]:
    """Run it in a folder of its own; None, and why, if it did not come to its end."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "notebooks" / "in.ipynb", Path(folder) / "out.ipynb"
        source.parent.mkdir()  # a lesson writes beside it
        nbformat.write(notebook, source)
        command = [sys.executable, MENDED, "nbconvert", "--to", "notebook", "--execute", "--allow-errors"]
        limit = round(gigabytes * 2**30)
        process = subprocess.Popen(
            [*command, "--output", str(target), str(source)],
            env=os.environ | {"MPE_PROFILE": "smoke"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        )
        try:
            _, told = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return None, f"it ran longer than {seconds} s"
        if target.exists():
            return nbformat.read(target, as_version=4), "its check said nothing"
        dead = b"DeadKernelError" in told
        return None, f"its kernel died, perhaps for more than {gigabytes:g} GB" if dead else "it did not run"


if __name__ == "__main__":
    main()
