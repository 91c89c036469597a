"""The notebooks, and an environment in which they run in seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `notebook` runs once for each."""
    if "notebook" in metafunc.fixturenames:
        metafunc.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])


@pytest.fixture(autouse=True)
def alone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests that run one notebook, which share its folder, wait for each other, in whichever processes they are."""
    if not {"notebook", "smoke"} <= set(request.fixturenames):
        yield
        return
    # the parent is the same for all processes
    with FileLock(tmp_path_factory.getbasetemp().parent / f"{request.getfixturevalue('notebook').stem}.lock"):
        yield


@pytest.fixture
def cells(notebook: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(notebook, as_version=4).cells


@pytest.fixture
def smoke() -> dict[str, str]:
    """The environment of a kernel that runs the smoke profile on one thread: so small, two don't help."""
    return os.environ | {"MPE_PROFILE": "smoke", "OMP_NUM_THREADS": "1"}
