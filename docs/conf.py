"""What Sphinx must know to make the web site; tools/website.py gathers the pages and calls it."""

import dataclasses
import inspect
import re
from importlib import import_module
from typing import Any

from sphinx.util.inspect import signature, stringify_signature

project = "mpe-lib"
html_title = "MPENet, explained"
author = "The mpe-lib authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "mathml"]
exclude_patterns = ["README.md", "benchmarks/README.md", "figures"]  # parts of pages

nb_execution_mode = "off"  # the lessons have their outputs
nb_merge_streams = True  # what was printed in one cell stays together
nb_render_markdown_format = "gfm"  # with tables
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

default_role = "code"  # `name` in docstrings is Markdown's
autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
toc_object_entries_show_parents = "hide"

html_theme = "sphinx_book_theme"
html_theme_options = {"navbar_persistent": [], "collapse_navbar": True, "show_toc_level": 2}
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_favicon = "_static/favicon.svg"


def setup(app: Any) -> None:
    app.connect("autodoc-process-docstring", what_is_said_beside)
    app.connect("autodoc-process-docstring", what_is_said_of_fields)
    app.connect("autodoc-process-signature", how_it_is_made)


def what_is_said_beside(_app: Any, _what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Of a field of a NamedTuple, the comment in its line, in place of "Alias for field number 0"."""
    if lines and lines[0].startswith("Alias for field number"):
        module, owner, field = name.rsplit(".", 2)
        comment = beside(getattr(import_module(module), owner), field)
        lines[:] = [comment] if comment else []


def what_is_said_of_fields(_app: Any, what: str, _name: str, documented: Any, _options: Any, lines: list[str]) -> None:
    """Of a dataclass, the comments in the lines of its fields, as its parameters."""
    if what != "class" or not dataclasses.is_dataclass(documented):
        return
    said = {field.name: beside(documented, field.name) for field in dataclasses.fields(documented)}
    new = [f":param {name}: {comment}" for name, comment in said.items() if comment]
    if new and not any(line.startswith(":param") for line in lines):
        lines += [*new, ""]


def beside(owner: type, field: str) -> str | None:
    """The comment in the line of a field, of a class or of what it is made from."""
    for each in owner.__mro__[:-1]:
        comment = re.search(rf"^ +{field}: [^#\n]*# (.+)$", inspect.getsource(each), re.MULTILINE)
        if comment:
            return comment[1]
    return None


def how_it_is_made(
    _app: Any, what: str, _name: str, documented: Any, _options: Any, arguments: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Of a class that another one's `__new__` makes, the arguments of its own `__init__`."""
    if what == "class" and arguments == "(*args, **kwargs)":
        own = signature(documented.__init__, bound_method=True)
        arguments = stringify_signature(own, show_return_annotation=False, unqualified_typehints=True)
    if arguments is not None:
        arguments = arguments.replace("<factory>", "...")  # which is no Python
    return arguments, returns
