"""Imports go down the layers, and the picture of them is true."""

import pkgutil
import re
import subprocess
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import architecture
import pytest
from architecture import LAYERS, PICTURE, arrows, description, part_of, parts, read_imports, upward
from PIL import Image

import mpe_lib

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
IMPORTS = read_imports()


def test_every_module_stands_in_one_part() -> None:
    modules = [module.name for module in pkgutil.walk_packages(mpe_lib.__path__, "mpe_lib.")]
    assert {name.removeprefix("mpe_lib.") for name in modules} == IMPORTS.keys()
    assert {part_of(module) for module in IMPORTS} == parts().keys()


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert [*TopologicalSorter(IMPORTS).static_order()]


def test_imports_go_down() -> None:
    assert upward(IMPORTS) == []


def test_the_networks_know_nothing_of_files_faces_or_training() -> None:
    """But for the Hub, which is where their weights may lie; and of what is imported, no pictures are read."""
    networks = {module: others for module, others in IMPORTS.items() if part_of(module) == "networks"}
    hub = networks.pop("nets.hub")
    seen = {other for others in networks.values() for other in others}
    assert {module for module in seen if part_of(module) != "networks"} == {"au", "config", "errors", "heatmaps"}
    assert hub == {"config", "errors", "files", "nets.fit"}


def test_the_picture_is_drawn_from_these_imports() -> None:
    assert Image.open(PICTURE).info["Description"] == description(IMPORTS), "run `python tools/architecture.py`"


def test_the_picture_can_be_read_on_a_projector() -> None:
    width, height = Image.open(PICTURE).size
    assert (width >= 1600, height <= width) == (True, True)
    drawn = architecture.layout(IMPORTS)
    for box in drawn.values():
        assert all(len(line) * architecture.LETTER <= box.width for line in box.lines)
    for layer in LAYERS.values():
        boxes = [drawn[part.title] for part in layer]
        assert all(one.left + one.width < other.left for one, other in pairwise(boxes))


# ---- how imports are read


@pytest.fixture
def package(tmp_path: Path) -> Path:
    texts = {
        "__init__.py": "from small.a import A",
        "a.py": "A = 1",
        "b/__init__.py": "import os\nfrom small.b.c import C",
        "b/c.py": "def late():\n    from small import a\nC = 2",
        "d.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from small.a import A\nfrom small.b import C",
    }
    for name, text in texts.items():
        (tmp_path / "small" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "small" / name).write_text(text)
    return tmp_path / "small"


def test_an_import_counts_wherever_it_runs_and_not_where_only_types_are_checked(package: Path) -> None:
    assert read_imports(package) == {"a": set(), "b": {"b.c"}, "b.c": {"a"}, "d": {"b"}}


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    imports = {"cli": {"show", "faces"}, "show": {"faces"}, "faces": set[str]()}
    found = {part: others for part, others in arrows(imports).items() if others}
    assert found == {"command line": ["pictures"], "pictures": ["faces"]}


def test_what_goes_up_is_named() -> None:
    assert upward({"show": {"cli.train", "tables"}, "tables": set(), "cli.train": {"show"}}) == [
        "show imports cli.train",
        "show imports tables",
    ]


def test_a_circle_of_parts_cannot_be_drawn() -> None:
    with pytest.raises(CycleError):
        arrows({"show": {"faces"}, "faces": {"show"}})


# ---- the page


def test_the_page_tells_of_every_part() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert [part for part in parts() if f"**{part}**" not in page] == []


def test_the_files_that_the_page_names_are_there() -> None:
    named = re.findall(
        r"`((?:mpe_lib|notebooks|tests|tools|docs|figures|benchmarks)/[\w./*-]+)`", PAGE.read_text("utf-8")
    )
    assert len(named) > 40
    assert [name for name in named if not any(ROOT.glob(name.rstrip("/")))] == []


def test_the_changes_that_the_page_names_are_in_the_history() -> None:
    named = re.findall(r"^`([0-9a-f]{7})` (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(named) >= 5
    if subprocess.run(["git", "cat-file", "-e", named[0][0]], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("no history here: a shallow clone, or an archive")
    for commit, subject in named:
        said = subprocess.run(["git", "log", "-1", "--format=%s", commit], cwd=ROOT, capture_output=True, text=True)
        assert said.stdout.strip() == subject
