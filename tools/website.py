"""Build the web site and follow its links: python tools/website.py [FOLDER], by default into out/site.

The pages are in docs/; lessons, cards of weights, results and README stay where they are. All are gathered in a folder
as they lie in the repository, so that their links hold, and Sphinx makes pages of them. Nothing is downloaded.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from lessons import COLAB, code, tags
from links import broken
from nbformat import NotebookNode, v4
from sphinx.cmd.build import main as sphinx

from mpe_lib.results import read_results
from mpe_lib.tables import all_tables

ROOT = Path(__file__).parents[1]
BESIDE = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")  # pages that stand where people look for them
PAGES = ("README.md", *BESIDE, "benchmarks/README.md", "figures/*.*", "figures/*/*.*", "mpe_lib/weights/**/*.md")
BADGE = re.compile(r"!\[([^\]]+)\]\(https:[^)]+\)\n?")  # a picture that another host would have to draw
WIDGET = "application/vnd.jupyter.widget-view+json"
CONTROLS = "*Here are controls to play with, where the lesson runs.*"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "out" / "site")
    folder = parser.parse_args().folder
    build(folder)
    problems, pages, links = broken(folder)
    print(f"{folder}: {pages} pages, {links} links, {len(problems)} of them broken")
    sys.exit("\n".join(problems) or 0)


def build(folder: Path) -> None:
    """Every page anew; a warning is an error."""
    if folder.exists() and any(folder.iterdir()) and not (folder / ".buildinfo").exists():
        sys.exit(f"{folder} holds something else than a site of Sphinx: name another folder")
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        source, read = Path(temporary) / "source", Path(temporary) / "read"
        gather(source)
        if sphinx(["-q", "-W", "--keep-going", "-j", "auto", "-d", str(read), str(source), str(folder)]):
            sys.exit("the site has not been built")
    for template in (folder / "_static").glob("*-macros.html"):  # no page: the theme leaves its own templates there
        template.unlink()


def gather(source: Path) -> None:
    """What the pages are made of, in one folder."""
    shutil.copytree(ROOT / "docs", source)
    for path in (path for pattern in PAGES for path in ROOT.glob(pattern)):
        target = source / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    readme = source / "README.md"
    readme.write_text(BADGE.sub(r"\1", readme.read_text(encoding="utf-8")), encoding="utf-8")
    for page in source.glob("*.md"):  # here the folder docs/ is no other one
        page.write_text(re.sub(r"\]\((docs|\.\.)/", "](", page.read_text(encoding="utf-8")), encoding="utf-8")
    for card in source.glob("mpe_lib/**/*.md"):
        card.write_text(card.read_text(encoding="utf-8").replace("../docs/", "../"), encoding="utf-8")
    (source / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        nbformat.write(lesson(path), source / "notebooks" / path.name)
    for name in ("systems", "ablations"):
        tables = whole_intervals(all_tables(read_results(ROOT / "figures" / "results" / name)))
        (source / "figures" / f"{name}.md").write_text(tables, encoding="utf-8")
    command = [sys.executable, "-m", "typer", "mpe_lib.cli", "utils", "docs", "--name", "mpe", "--title", "Commands"]
    said = subprocess.run(command, check=True, cwd=ROOT, capture_output=True, text=True).stdout
    (source / "commands.md").write_text(whole_sentences(said), encoding="utf-8")


def whole_intervals(tables: str) -> str:
    """Tables whose intervals are not broken into lines."""
    return re.sub(r"(?<=\d) (±|to) (?=[-+\d])", "\u00a0\\1\u00a0", tables)


def whole_sentences(commands: str) -> str:
    """The pages of the commands; typer cuts what a list says of each at 45 characters."""

    def said(entry: re.Match[str]) -> str:
        section = re.search(rf"^#+ `[\w ]*\b{entry[2]}`\n+(.+)$", commands, re.MULTILINE)
        return f"{entry[1]}{section[1]}" if section else entry[0]

    return re.sub(r"^(\* `([\w-]+)`: ).+\.\.\.$", said, commands, flags=re.MULTILINE)


def lesson(path: Path) -> NotebookNode:
    """A lesson with its outputs, as a page can show it: without badges and controls."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = BADGE.sub(r"\1", notebook.cells[0].source)
    for cell in code(notebook):
        outputs = [each for each in cell.outputs if WIDGET not in each.get("data", {})]
        if len(outputs) < len(cell.outputs):
            outputs.append(v4.new_output("display_data", {"text/markdown": CONTROLS}))
        cell.outputs = outputs
        said = [each.metadata.get("image/jpeg", {}).get("alt") for each in outputs if "metadata" in each]
        if COLAB in tags(cell):
            cell.metadata["tags"] = ["remove-cell"]  # from the page, not from the notebook that can be downloaded
        cell.metadata["mystnb"] = {"image": {"alt": next(filter(None, said), "")}}  # MyST-NB looks for it here only
    return notebook


if __name__ == "__main__":
    main()
