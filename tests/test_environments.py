"""The conda environments and constraints.txt follow from pyproject.toml."""

import re
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace

import environments
import pytest
import yaml
from environments import CONDA_NAMES, CONSTRAINTS, ENVIRONMENTS, PROJECT, ROOT, Environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

CORE = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {name: [Requirement(text) for text in texts] for name, texts in PROJECT["optional-dependencies"].items()}
PINS = CONSTRAINTS.read_text().split()
# name, versions, and a build after spaces: `numpy>=1.26`, `py-opencv >=4.9,<5 headless*`
CONDA_SPEC = re.compile(r"([a-z0-9_-]+) ?((?:[<>]=?|==?)[0-9.]+(?:,[<>]=?[0-9.]+)*)?(?: [a-z0-9_]+\*)?")

FILES = [str(each.file.relative_to(ROOT)) for each in ENVIRONMENTS]
each_environment = pytest.mark.parametrize("environment", ENVIRONMENTS, ids=FILES)


@each_environment
def test_the_stored_environment_is_the_one_that_is_written(environment: Environment) -> None:
    assert environment.file.read_text(encoding="utf-8") == environment.write(), "run `make environments`"


@each_environment
def test_an_environment_is_one_that_conda_and_repo2docker_read(environment: Environment) -> None:
    *conda, last = yaml.safe_load(environment.write())["dependencies"]
    specs = [CONDA_SPEC.fullmatch(text) for text in conda]
    assert all(specs), conda
    found = {spec[1]: spec[2] for spec in specs if spec}
    names = CONDA_NAMES | {"torch": environment.torch}
    wanted = [each.name.lower() for each in CORE + EXTRAS["notebooks"]]
    assert found.keys() == {"python", "pip", *(names.get(name, name) for name in wanted)} - {"face_recognition_models"}
    assert last == {"pip": ["face_recognition_models>=0.3"]}
    assert SpecifierSet(found["py-opencv"]) == SpecifierSet(">=4.9")
    python = found["python"]
    assert re.fullmatch(r"=\d+\.\d+", python), "repo2docker ignores any other form"
    assert Version(python[1:]) in SpecifierSet(PROJECT["requires-python"])


# ---- constraints.txt


def test_constraints_are_sorted_exact_public_versions() -> None:
    for pin in PINS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", pin), pin
    names = [canonicalize_name(pin.partition("==")[0]) for pin in PINS]
    assert names == sorted(set(names))


@pytest.mark.parametrize(
    "requirement", [*CORE, *EXTRAS["notebooks"], *EXTRAS["sweep"], *EXTRAS["docs"], *EXTRAS["dev"]], ids=str
)
def test_constraints_pin_an_allowed_version(requirement: Requirement) -> None:
    pins = {canonicalize_name(name): version for name, _, version in (pin.partition("==") for pin in PINS)}
    assert Version(pins[canonicalize_name(requirement.name)]) in requirement.specifier


def test_constraints_are_what_is_installed() -> None:
    here = environments.pins()
    assert set(here) <= set(PINS), "run `make environments`"
    if sys.version_info[:2] == (3, 11) and sys.platform == "linux":  # elsewhere other packages are needed
        assert here == PINS, "run `make environments`"


INSTALLED = {  # name -> version and requirements
    "Torch": ("2.13.0+cpu", ["nvidia-nccl==2.1", "triton==3", "sym-py"]),
    "Sym_Py": ("1.14", ["mpmath<2", "Torch", "pytest; extra == 'test'", "tomli; python_version < '3'"]),
    "mpmath": ("1.3", []),
    "pyright": ("1.1.414", ["nodeenv", "nodejs; extra == 'nodejs'"]),
    "nodeenv": ("1.12", []),
    "nodejs": ("24.19", []),
} | {name: ("1", []) for name in ("nvidia-nccl", "triton", "pytest", "tomli", "playwright")}


def test_pins_are_of_all_that_is_needed_and_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def distribution(name: str) -> SimpleNamespace:
        for known, (version, requires) in INSTALLED.items():
            if canonicalize_name(known) == canonicalize_name(name):
                return SimpleNamespace(metadata={"Name": known}, version=version, requires=requires)
        raise PackageNotFoundError(name)

    extras = {"dev": ["pyright[nodejs]"], "trackers": ["wandb"]}
    project = {"dependencies": ["torch>=2.4"], "optional-dependencies": extras}
    monkeypatch.setattr(environments, "PROJECT", project)
    monkeypatch.setattr(environments, "distribution", distribution)
    assert environments.pins() == [
        "mpmath==1.3",
        "nodeenv==1.12",
        "nodejs==24.19",
        "pyright==1.1.414",
        "Sym_Py==1.14",
        "Torch==2.13.0",
    ]


def test_a_file_is_written_when_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "CONSTRAINTS", tmp_path / "constraints.txt")
    monkeypatch.setattr(sys, "argv", ["environments.py", "pins"])
    for said in ("constraints.txt\n", ""):  # make installs anew when its time changes
        environments.main()
        assert capsys.readouterr().out == said
    assert (tmp_path / "constraints.txt").read_text().split() == environments.pins()
