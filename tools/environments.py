"""Write what installs the package elsewhere, out of pyproject.toml, which alone says what it needs.

python tools/environments.py conda   environment.yml, and binder/environment.yml for Binder
python tools/environments.py pins    constraints.txt: the versions that are installed here, of all that it needs
"""

import argparse
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CONSTRAINTS = ROOT / "constraints.txt"

CONDA_NAMES = {"dlib-bin": "dlib", "opencv-python-headless": "py-opencv", "matplotlib": "matplotlib-base"}
NOT_ON_CONDA = {"face_recognition_models"}
CUDA = re.compile("nvidia-|cuda-|triton$")  # comes with PyTorch's CUDA build, which says itself which versions


@dataclass(frozen=True)
class Environment:
    """A conda environment: its file, the comment that it begins with, and what is special in it."""

    file: Path
    about: str
    torch: str
    torch_note: str = ""
    opencv_build: str = ""

    def write(self) -> str:
        """The file's text."""
        needed = [Requirement(text) for text in PROJECT["dependencies"] + PROJECT["optional-dependencies"]["notebooks"]]
        on_conda = [each for each in needed if each.name not in NOT_ON_CONDA]
        lines = [*self.about.splitlines(), "name: mpe", "channels:", "  - conda-forge", "  - nodefaults"]
        lines += ["dependencies:", f"  - python={oldest_python()}", "  - pip"]
        lines += [f"  - {self.spec(each)}" for each in on_conda]
        lines += ["  - pip:"]
        lines += [f"      - {each.name}{versions(each)}" for each in needed if each not in on_conda]
        return "\n".join(lines) + "\n"

    def spec(self, requirement: Requirement) -> str:
        """What conda calls it: `numpy>=1.26`; with a build after spaces, `py-opencv >=4.9,<5 headless*`."""
        name = CONDA_NAMES.get(requirement.name, requirement.name.lower())
        if name == "torch":
            return self.torch + versions(requirement) + self.torch_note
        if name == "py-opencv" and self.opencv_build:
            return f"{name} {versions(requirement)} {self.opencv_build}"
        return name + versions(requirement)


ENVIRONMENTS = (
    Environment(
        ROOT / "environment.yml",
        """\
# conda env create -f environment.yml && conda activate mpe && pip install --no-deps -e .
# The last step is separate, because an environment file cannot say --no-deps: without it pip would put dlib-bin
# over conda's dlib. Written by `make environments` out of pyproject.toml.""",
        torch="pytorch",
        torch_note=" # conda takes the CUDA build where it sees a GPU",
    ),
    Environment(
        ROOT / "binder" / "environment.yml",
        """\
# environment.yml for Binder, which has no GPU and no display; postBuild installs mpe_lib.
# Written by `make environments` out of pyproject.toml.""",
        torch="pytorch-cpu",
        opencv_build="headless*",
    ),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["conda", "pins"])
    if parser.parse_args().what == "conda":
        texts = {each.file: each.write() for each in ENVIRONMENTS}
    else:
        texts = {CONSTRAINTS: "".join(f"{pin}\n" for pin in pins())}
    for file, text in texts.items():
        if not file.exists() or file.read_text(encoding="utf-8") != text:  # else make would install anew
            file.write_text(text, encoding="utf-8")
            print(file.relative_to(ROOT))


def oldest_python() -> str:
    """3.11 of >=3.11, for repo2docker ignores a version that is not exact."""
    (bound,) = re.findall(r">=\s*([\d.]+)", PROJECT["requires-python"])
    return bound


def versions(requirement: Requirement) -> str:
    """The lower bound first: >=4.9,<5."""
    return ",".join(sorted(map(str, requirement.specifier), reverse=True))


def pins() -> list[str]:
    """NAME==VERSION of what the package needs with all its extras, directly or not, and is installed here."""
    extras = [text for texts in PROJECT["optional-dependencies"].values() for text in texts]
    found = installed(PROJECT["dependencies"] + extras)
    return [f"{found[name].metadata['Name']}=={public_version(found[name])}" for name in sorted(found)]


def public_version(found: Distribution) -> str:
    """Without +cpu."""
    return Version(found.version).public


def installed(wanted: Iterable[str]) -> dict[str, Distribution]:
    """What requirements lead to, directly or not, as far as it is installed here."""
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    left = [Requirement(text) for text in wanted]
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) in seen or CUDA.match(name):
            continue
        seen.add(str(requirement))
        try:
            found[name] = distribution(requirement.name)
        except PackageNotFoundError:  # wandb, unless somebody wants it
            continue
        left += needs(found[name].requires or [], requirement.extras)
    return found


def needs(requires: Iterable[str], extras: Iterable[str]) -> list[Requirement]:
    """What a distribution requires here, if it is wanted with these extras."""
    known = [Requirement(text) for text in requires]
    environments = [{"extra": extra} for extra in ("", *extras)]
    return [each for each in known if not each.marker or any(map(each.marker.evaluate, environments))]


if __name__ == "__main__":
    main()
