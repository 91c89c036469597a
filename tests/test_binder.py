"""What Binder does with binder/, postBuild with a stand-in for Python and start; and the ways in that README names."""

import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from lessons import ROOT, address, badges

from mpe_lib.faces import london

BINDER = ROOT / "binder"
PROGRAMS = dict(re.findall(r"^(\w+)='([^']*)'$", (BINDER / "postBuild").read_text(), re.MULTILINE))
PYTHON = """#!/bin/bash
case "$*" in
    "-m pip install --no-deps -e .") echo pip >> asked; exit {pip} ;;
    *requests.head*) echo head >> asked; echo noise >&2; exit {head} ;;
    *fetch_london*) echo fetch >> asked; mkdir -p ~/.cache/mpe/london{{,_originals}}; exit {fetch} ;;
esac
"""


def build(home: Path, *, pip: int = 0, head: int = 0, fetch: int = 0) -> subprocess.CompletedProcess[str]:
    """Run postBuild where each call of Python ends with these codes."""
    (home / "bin").mkdir()
    (home / "bin" / "python").write_text(PYTHON.format(pip=pip, head=head, fetch=fetch))
    (home / "bin" / "python").chmod(0o755)
    environment = {"HOME": str(home), "PATH": f"{home / 'bin'}:/usr/bin:/bin"}
    return subprocess.run([BINDER / "postBuild"], cwd=home, env=environment, capture_output=True, text=True)


def asked(home: Path) -> list[str]:
    return (home / "asked").read_text().split()


def test_the_london_set_is_in_the_image_without_its_originals(tmp_path: Path) -> None:
    done = build(tmp_path)
    assert (done.returncode, done.stdout) == (0, "postBuild: the London Set is here: --faces london\n")
    assert asked(tmp_path) == ["pip", "head", "fetch"]
    assert [each.name for each in (tmp_path / ".cache" / "mpe").iterdir()] == ["london"]


@pytest.mark.parametrize(("head", "fetch"), [(1, 0), (0, 1), (124, 0), (0, 124)])  # 124: timeout's own
def test_a_build_goes_on_without_the_london_set(tmp_path: Path, head: int, fetch: int) -> None:
    done = build(tmp_path, head=head, fetch=fetch)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"postBuild: the London Set was not reachable; .*`mpe fetch london` tries again\n", done.stdout)
    assert asked(tmp_path) == ["pip", "head", *([] if head else ["fetch"])]


def test_a_build_fails_without_the_package(tmp_path: Path) -> None:
    assert build(tmp_path, pip=1).returncode == 1
    assert asked(tmp_path) == ["pip"]


def test_what_it_asks_python_is_what_mpe_lib_has(monkeypatch: pytest.MonkeyPatch) -> None:
    heads: list[str] = []
    calls: list[dict[str, int]] = []

    def head(url: str, timeout: float) -> SimpleNamespace:
        assert timeout <= 20
        heads.append(url)
        return SimpleNamespace(raise_for_status=lambda: None)

    monkeypatch.setattr(requests, "head", head)
    monkeypatch.setattr(london, "fetch_london", lambda **given: calls.append(given))
    exec(PROGRAMS["asks"], {})
    exec(PROGRAMS["makes"], {})
    assert heads == [london.SOURCE + "inst/neutral_front/001_03.jpg"]
    assert calls == [{"processes": 2}]


def test_start_keeps_threads_from_each_other_and_becomes_the_server() -> None:
    command = [
        BINDER / "start",
        "sh",
        "-c",
        "echo $OMP_WAIT_POLICY $OMP_NUM_THREADS $MKL_NUM_THREADS $1",
        "sh",
        "given on",
    ]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "passive 2 2 given on\n"


def test_the_ways_in_of_the_readme_lead_to_where_the_project_is_kept() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    repository = address().removeprefix("https://github.com/")
    on_binder, _ = badges("00_start_here.ipynb").splitlines()
    for way in (on_binder, f"(https://codespaces.new/{repository})", f"`pip install git+{address()}`"):
        assert way in readme
    create = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()[0].removeprefix("# ")
    assert f"`{create}`" in readme
