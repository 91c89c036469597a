"""The web site: built whole, every link followed, every lesson and module in it, nothing of another host."""

import os
import pkgutil
import re
import subprocess
import sys
from html import escape
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from links import broken

import mpe_lib

pytest.importorskip("sphinx", reason="Sphinx comes with the extra docs")
mathml = import_module("mathml").mathml

ROOT = Path(__file__).parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MODULES = ["mpe_lib", *(module.name for module in pkgutil.walk_packages(mpe_lib.__path__, "mpe_lib."))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `make docs` makes it, which fails at a warning or at a broken link; once for all processes of xdist."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, built = shared / "site", shared / "site.built"
    with FileLock(shared / "site.lock"):
        if not built.exists():
            done = subprocess.run([sys.executable, ROOT / "tools/website.py", folder], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            assert re.search(r"\d{3} pages, \d{5} links, 0 of them broken", done.stdout)
            built.touch()
    return folder


@pytest.fixture(scope="module")
def text(site: Path) -> dict[str, str]:
    """The pages by their addresses."""
    return {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_lessons_are_in_it_and_solutions_are_not(text: dict[str, str]) -> None:
    assert {name for name in text if name.startswith("notebooks/")} == {f"notebooks/{p.stem}.html" for p in LESSONS}


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_shows_its_pictures_and_no_badge(path: Path, text: dict[str, str]) -> None:
    page = text[f"notebooks/{path.stem}.html"]
    cells = nbformat.read(path, 4).cells
    outputs = [each for cell in cells for each in cell.get("outputs", [])]
    named = sum(len(re.findall(r"!\[[^\]]+\]\(\.\./", cell.source)) for cell in cells if cell.cell_type == "markdown")
    shown = re.findall(r'<img alt="([^"]*)" src="\.\./_images/', page)
    assert len(shown) == named + sum("image/jpeg" in output.get("data", {}) for output in outputs)
    assert all(shown)
    assert "badge" not in page
    assert "open on Binder" in page


def test_every_public_module_is_in_the_reference(text: dict[str, str]) -> None:
    reference = "".join(page for name, page in text.items() if name.startswith("library/"))
    missing = [name for name in MODULES if "__" not in name and f'id="module-{name}"' not in reference]
    assert missing == []


def test_the_reference_says_what_the_code_says(text: dict[str, str]) -> None:
    network = re.sub(r"<[^>]+>", "", text["library/nets.html"])
    assert "class mpe_lib.nets.mpenet.MPENet(config: NetConfig)" in network
    assert "one (N, 3, 128, 128) a step, near [0, 1] but not clamped" in network  # said beside a field
    assert not [name for name, page in text.items() if name.startswith("library/") and "Alias for field" in page]
    reference = {name: re.sub(r"<[^>]+>", "", page) for name, page in text.items() if name.startswith("library/")}
    faces, choices, measuring = (reference[f"library/{name}.html"] for name in ("faces", "choices", "measuring"))
    assert "degrade(face: NDArray[uint8], how: Degradation = TRAINED) &#x2192; NDArray[uint8]" in faces
    assert "evaluate(net: System, faces: Faces, border: int = 0)" in measuring
    long = r"(?<!alias of )ndarray\[|SRCNNConfig \| VDSRConfig"
    assert not [name for name, page in reference.items() if re.search(long, page)]
    assert "MIN_SCORE = 0.3#\nOf a detection: a false one in the astronaut, once doubled, scores 0.12." in faces
    assert "PRESETS: dict[str, Config]#\nNetworks with their trainings." in choices  # and not their values
    assert not [name for name, page in reference.items() if re.search(r"Raises \w+Error:|PosixPath", page)]
    commands = re.sub(r"<[^>]+>", "", text["commands.html"])
    assert "restore: Restore every face of every photograph from 16 x 16 pixels." in commands  # in the list of them


def test_every_card_and_every_benchmark_is_in_it(text: dict[str, str]) -> None:
    cards = [path.relative_to(ROOT).with_suffix(".html") for path in ROOT.glob("mpe_lib/weights/**/*.md")]
    assert [card for card in cards if card.as_posix() not in text] == []
    commands = [path.read_text().split("\n")[0].split()[2] for path in ROOT.glob("figures/benchmarks/*.txt")]
    assert [command for command in commands if f"$ python {command}" not in text["benchmarks.html"]] == []
    figures = [path.read_text().split("\n")[0] for path in ROOT.glob("figures/reliability/*.txt")]
    pages = text["reliability.html"] + text["responsible_use.html"]
    assert [command for command in figures if escape(command, quote=False) not in pages] == []


def test_tables_are_those_of_the_results(text: dict[str, str]) -> None:
    for title in ("Table 1", "Table 2, in percent, action units recognised by judge", "Table 3, MPENet", "Table 4"):
        assert f"<strong>{title}" in text["results.html"]


def test_equations_are_typeset(text: dict[str, str]) -> None:
    page = text["notebooks/11_mpegan.html"]
    assert page.count("<math") > 30
    assert "\\lambda" not in re.sub(r'alt="[^"]*"', "", page)


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"|x|", '<mo stretchy="false" lspace="0" rspace="0">&#x0007C;</mo><mi>x</mi>'),
        (r"a = -1", '<mo>&#x0003D;</mo><mo form="prefix">&#x02212;</mo>'),
        (r"a - 1", "<mi>a</mi><mo>&#x02212;</mo>"),
        (r"y \log p", '<mspace width="0.167em" /><mi>log</mi><mspace width="0.167em" />'),
        (r"\log_{10} p", "<msub><mi>log</mi>"),
        (r"a/b", '<mi>a</mi><mo lspace="0" rspace="0">&#x0002F;</mo><mi>b</mi>'),
        (r"x' + y", '<mrow><mi>x</mi><mo lspace="0" rspace="0">&#x02032;</mo></mrow><mo>'),
        (r"\sqrt n", '<msqrt><mspace width="0" height="0.78em" depth="0.2em" /><mi>n</mi></msqrt>'),
        (r"L \tag{13}", '<mspace width="2em" /><mo stretchy="false">&#x00028;</mo><mn>13</mn>'),
    ],
)
def test_mathematics_has_its_spaces(latex: str, expected: str) -> None:
    assert expected in mathml(latex, "inline")


@pytest.mark.parametrize(
    ("markup", "problem"),
    [
        ('<a href="b.html">', "no such file"),
        ('<a href="#b">', "no such anchor"),
        ('<a href="a%20c.html#d">', "no such anchor"),
        ('<img src="b.png">', "no such file"),
        ('<a href="../a.html">', "outside of the site"),
        ('<a href="/a.html">', "outside of the site"),
        ('<script src="https://example.org/a.js"></script>', "from another host"),
        ('<script src="//example.org/a.js"></script>', "from another host"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "from another host"),
        ('<img srcset="a.html 1x, https://example.org/a.png 2x">', "from another host"),
        ('<style>@import "https://example.org/a.css";</style>', "from another host"),
        ('<p style="background: url(b.png)">', "no such file"),
    ],
)
def test_a_broken_link_is_found(markup: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(f'<p id="c">{markup}')
    (tmp_path / "a c.html").write_text('<p id="c">')
    (found,) = broken(tmp_path)[0]
    assert found.startswith("a.html: ")
    assert found.endswith(problem)


def test_links_that_are_right_are_let_be(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face { src: url(data:font/woff2;base64,AA) } p { color: red }")
    links = '<a href="#c"><a href="a.html?q=1#c"><a href="https://example.org/"><img src="data:image/png;base64,AA">'
    (tmp_path / "a.html").write_text(f'<link href="a.css"><p id="c">{links}')
    assert broken(tmp_path) == ([], 1, 5)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("architecture", "Where to add"),
        ("reliability", "Hostile input"),
        ("CONTRIBUTING", "Review list of a lesson"),
        ("CHANGELOG", "Unreleased"),
        ("SECURITY", "What is promised"),
        ("licences", "Dependencies"),
    ],
)
def test_who_works_on_it_finds_the_pages_for_that(name: str, title: str, text: dict[str, str]) -> None:
    page = text[f"{name}.html"]
    assert re.search(rf"<h[23]>{title}<", page)
    assert f'href="{name}.html"' in text["index.html"]
