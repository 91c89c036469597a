"""Follow every link of a web site in a folder: python tools/links.py FOLDER

A page, a picture or an anchor that a page names must be there, and nothing that a browser fetches by itself (scripts,
styles, fonts, pictures) may come from another host. What other hosts hold is not asked.
"""

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {"src", "srcset", "poster", "data"}  # attributes whose addresses a browser fetches by itself
FETCHING = {"link", "image", "use"}  # tags whose href it fetches too
CSS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


class Page(HTMLParser):
    """The anchors of a page, what it fetches, and where it leads."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.fetched: list[str] = []
        self.linked: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if not value:
                continue
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif name in FETCHED or (tag in FETCHING and name == "href"):
                self.fetched += [each.split()[0] for each in value.split(",")] if name == "srcset" else [value]
            elif name in ("href", "action"):
                self.linked.append(value)
            elif name == "style":
                self.fetched += addresses(value)

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.fetched += addresses(data)


def addresses(css: str) -> list[str]:
    """What a style sheet fetches."""
    return [one or other for one, other in CSS.findall(css)]


def broken(folder: Path) -> tuple[list[str], int, int]:
    """What is wrong with the links, the number of pages and that of links."""
    page = cache(Page)
    found = {path: (page(path).fetched, page(path).linked) for path in sorted(folder.rglob("*.html"))}
    sheets = {path: (addresses(path.read_text(encoding="utf-8")), []) for path in sorted(folder.rglob("*.css"))}
    problems: list[str] = []
    for path, (fetched, linked) in (found | sheets).items():
        here = path.relative_to(folder)
        problems += [f"{here}: {each}: from another host" for each in fetched if urlsplit(each).netloc]
        for address in dict.fromkeys((*fetched, *linked)):
            problems += [f"{here}: {address}: {problem}" for problem in wrong(folder, path, address, page)]
    return problems, len(found), sum(len(fetched) + len(linked) for fetched, linked in found.values())


def wrong(folder: Path, path: Path, address: str, page: Callable[[Path], Page]) -> Iterator[str]:
    """What is wrong with an address in a file of the folder, if it is not that of another host."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return
    target = path.parent / unquote(parts.path) if parts.path else path
    if parts.path.startswith("/") or not target.resolve().is_relative_to(folder.resolve()):
        yield "outside of the site"
    elif not target.is_file():
        yield "no such file"
    elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in page(target.resolve()).anchors:
        yield "no such anchor"


if __name__ == "__main__":
    problems, pages, links = broken(Path(sys.argv[1]).resolve())
    print(f"{pages} pages, {links} links, {len(problems)} of them broken")
    sys.exit("\n".join(problems) or 0)
