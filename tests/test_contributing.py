"""What the pages for contributors say is so."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CONTRIBUTING, CHANGELOG = ((ROOT / f"{name}.md").read_text(encoding="utf-8") for name in ("CONTRIBUTING", "CHANGELOG"))
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
TESTS = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/*.py"))
MADE = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_version_is_said_once() -> None:
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == VERSION
    newest = re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE)[0]
    assert newest == "Unreleased" or newest.startswith(VERSION)
    assert VERSION in CHANGELOG


def test_a_version_has_the_kinds_of_change_that_are_usual() -> None:
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security", "Known"}
    assert {*re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE)} <= kinds


def test_commands_of_make_are_there() -> None:
    assert set(re.findall(r"\bmake ([a-z-]+)", CONTRIBUTING)) <= set(MADE)


def test_tools_and_benchmarks_are_there() -> None:
    named = set(re.findall(r"\b(?:tools|benchmarks|notebooks/sweeps|tests)/[\w/]+\.(?:py|yaml)", CONTRIBUTING))
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_tests_that_the_review_list_names_are_there() -> None:
    named = re.findall(r"`(test_\w+)`", CONTRIBUTING)
    assert len(named) >= 6
    assert [name for name in named if f"def {name}(" not in TESTS] == []


@pytest.mark.parametrize("part", ["You will be able to", "You need", "Paper"])
def test_what_hygiene_asks_of_a_lesson_is_in_its_review_list(part: str) -> None:
    hygiene = (ROOT / "tests/notebooks/test_hygiene.py").read_text(encoding="utf-8")
    assert part in hygiene
    assert f"*{part}*" in CONTRIBUTING


def test_every_check_of_hygiene_is_in_the_review_list() -> None:
    hygiene = (ROOT / "tests/notebooks/test_hygiene.py").read_text(encoding="utf-8")
    checks = re.findall(r"^def (test_\w+)", hygiene, re.MULTILINE)
    assert [name for name in checks if f"`{name}`" not in CONTRIBUTING] == []
