"""The notebooks, and an environment in which they run in seconds."""

import os
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `notebook` runs once for each; those of one, which share a folder, one after the other."""
    if "notebook" in metafunc.fixturenames:
        group = pytest.mark.xdist_group
        known = [pytest.param(path, id=path.stem, marks=group(path.stem)) for path in NOTEBOOKS]
        metafunc.parametrize("notebook", known)


@pytest.fixture
def cells(notebook: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(notebook, as_version=4).cells


@pytest.fixture
def smoke() -> dict[str, str]:
    """The environment of a kernel that runs the smoke profile on one thread: so small, two don't help."""
    return os.environ | {"MPE_PROFILE": "smoke", "OMP_NUM_THREADS": "1"}
