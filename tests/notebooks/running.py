"""How notebooks are run to be tested; what is wrong is an AssertionError."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import papermill

ROOT = Path(__file__).parents[2]
MENDED = ROOT / "tools" / "mended.py"
# In a small process of its own: a child counts the memory of its parent, here pytest, until it has become a program.
MEASURE = """import json, resource, subprocess, sys
status = subprocess.call(sys.argv[2:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w") as file:
    json.dump([used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20], file)
sys.exit(status)"""


class Cost(NamedTuple):
    """What running a notebook took: its kernel and papermill together, and the larger of the two."""

    cpu_seconds: float
    gigabytes: float


def compare(notebook: Path, environment: Mapping[str, str]) -> None:
    """Run it by nbval: the checked cells print what is stored."""
    options = ["--nbval-lax", "--nbval-cell-timeout=300", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *options, str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


def execute(notebook: Path, parameters: Mapping[str, str], target: Path, environment: Mapping[str, str]) -> Cost:
    """Run it by papermill, from a shell as users do, and leave it as `target`.

    papermill only warns of a parameter that a notebook does not have, and does not see what fails or stays empty
    inside a widget: all are errors here.
    """
    known = papermill.inspect_notebook(str(notebook))
    assert parameters.keys() <= known.keys(), f"it has no parameter {', '.join(parameters.keys() - known.keys())}"

    given = [word for name, value in parameters.items() for word in ("-p", name, value)]
    command = [sys.executable, str(MENDED), "papermill", str(notebook), str(target), *given, "-k", "python3"]
    command += ["--cwd", str(ROOT), "--no-progress-bar", "--execution-timeout", "300"]  # seconds, of a cell
    used = target.parent / "used.json"
    measured = [sys.executable, "-c", MEASURE, str(used), *command]
    done = subprocess.run(measured, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout[-3000:]

    widgets = nbformat.read(target, as_version=4).metadata.get("widgets", {})
    for state in widgets.values():
        _see_inside({name: widget["state"] for name, widget in state["state"].items()})
    return Cost(*json.loads(used.read_text()))


def _see_inside(widgets: Mapping[str, Mapping[str, Any]]) -> None:
    """That nothing failed inside a widget, and that what sliders command is to be seen below them."""
    for widget in widgets.values():
        failed = [f"{each['ename']}: {each['evalue']}" for each in _outputs(widget) if each["output_type"] == "error"]
        assert not failed, f"inside a widget: {failed[0]}"
        if "widget-interact" in widget.get("_dom_classes", ()):
            below = (widgets[child.removeprefix("IPY_MODEL_")] for child in widget["children"])
            assert any(_outputs(each) for each in below), "sliders below which nothing is to be seen"


def _outputs(widget: Mapping[str, Any]) -> list[dict[str, Any]]:
    return widget.get("outputs", [])
