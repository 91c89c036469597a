"""pyproject.toml, constraints.txt and the two conda environments say the same."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = [Requirement(text) for text in PROJECT["dependencies"]]
EXTRAS = {name: [Requirement(text) for text in texts] for name, texts in PROJECT["optional-dependencies"].items()}
PINS = (ROOT / "constraints.txt").read_text().split()

ENVIRONMENTS = {"environment.yml": "pytorch", "binder/environment.yml": "pytorch-cpu"}
CONDA_NAMES = {"dlib-bin": "dlib", "opencv-python-headless": "py-opencv", "matplotlib": "matplotlib-base"}
# name, versions, and a build after spaces: `numpy>=1.26`, `py-opencv >=4.9,<5 headless*`
CONDA_SPEC = re.compile(r"([a-z0-9_-]+) ?((?:[<>]=?|==?)[0-9.]+(?:,[<>]=?[0-9.]+)*)?(?: [a-z0-9_]+\*)?")


def specs(file: str) -> dict[str, SpecifierSet]:
    """Name -> versions of everything an environment file asks for, `pip:` part included."""
    *conda, last = yaml.safe_load((ROOT / file).read_text())["dependencies"]
    found: dict[str, SpecifierSet] = {}
    for text in conda:
        match = CONDA_SPEC.fullmatch(text)
        assert match, f"{file}: odd spec {text!r}"
        # conda's single = means "starts with"
        found[match[1]] = SpecifierSet(re.sub(r"^=(?!=)(.*)", r"==\1.*", match[2] or ""))
    for requirement in map(Requirement, last["pip"]):
        found[canonicalize_name(requirement.name)] = requirement.specifier
    return found


@pytest.mark.parametrize("file", ENVIRONMENTS)
def test_environment_has_what_the_package_and_the_notebooks_need(file: str):
    found = specs(file)
    names = CONDA_NAMES | {"torch": ENVIRONMENTS[file]}
    wanted = {
        names.get(name := canonicalize_name(requirement.name), name): requirement.specifier
        for requirement in CORE + EXTRAS["notebooks"]
    }
    assert {name: found.get(name) for name in wanted} == wanted
    assert found.keys() - wanted.keys() == {"python", "pip"}


@pytest.mark.parametrize("file", ENVIRONMENTS)
def test_environment_python_is_one_that_repo2docker_and_the_package_accept(file: str):
    dependencies = yaml.safe_load((ROOT / file).read_text())["dependencies"]
    (python,) = (text for text in dependencies if str(text).startswith("python"))
    assert re.fullmatch(r"python=\d+\.\d+", python), "repo2docker ignores any other form"
    assert Version(python.partition("=")[2]) in SpecifierSet(PROJECT["requires-python"])


def test_constraints_are_sorted_exact_public_versions():
    for pin in PINS:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", pin), pin
    names = [canonicalize_name(pin.partition("==")[0]) for pin in PINS]
    assert names == sorted(set(names))
    assert canonicalize_name(PROJECT["name"]) not in names


@pytest.mark.parametrize("requirement", [*CORE, *EXTRAS["notebooks"], *EXTRAS["sweep"], *EXTRAS["dev"]], ids=str)
def test_constraints_pin_an_allowed_version(requirement: Requirement):
    pins = {canonicalize_name(name): version for name, _, version in (pin.partition("==") for pin in PINS)}
    assert Version(pins[canonicalize_name(requirement.name)]) in requirement.specifier
