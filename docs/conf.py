"""What Sphinx must know to make the web site; tools/website.py gathers the pages and calls it."""

import dataclasses
import inspect
import re
from importlib import import_module
from typing import Any, get_args

from docutils import nodes
from sphinx.addnodes import desc_annotation
from sphinx.util.inspect import signature, stringify_signature

from mpe_lib.config.compared import AnyNet
from mpe_lib.nets import System

project = "mpe-lib"
html_title = "MPENet, explained"
author = "the mpe-lib authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "mathml"]
exclude_patterns = ["README.md", "benchmarks/README.md", "figures"]  # parts of pages

nb_execution_mode = "off"  # the lessons have their outputs
nb_merge_streams = True  # what was printed in one cell stays together
nb_render_markdown_format = "gfm"  # with tables
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]

smartquotes_action = "qe"  # quotes and dots; a dash would take the place of the hyphens of --out
default_role = "code"  # `name` in docstrings is Markdown's
autodoc_default_options = {"members": True, "member-order": "bysource", "ignore-module-all": True}
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
viewcode_follow_imported_members = False  # into Python's own modules
toc_object_entries_show_parents = "hide"

PLACE = r"~[\w.]+\."  # of a type that is named in short
ALIASES = {  # types as the code writes them; Python tells what they stand for
    r" \| ".join(rf"(?:{PLACE})?{each.__name__}" for each in get_args(System)): "~mpe_lib.nets.System",
    r" \| ".join(rf"(?:{PLACE})?{each.__name__}" for each in get_args(AnyNet)): "~mpe_lib.config.compared.AnyNet",
    rf"(?:{PLACE})?ndarray\[tuple\[(?:{PLACE})?Any, \.\.\.\], (?:{PLACE})?dtype\[([~\w.]+)\]\]": (
        r"~numpy.typing.NDArray[\1]"
    ),
}
LONGEST_VALUE = 60  # letters

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
    app.connect("autodoc-process-docstring", comment_of_constant, priority=400)  # before Napoleon
    app.connect("autodoc-process-docstring", what_is_said_of_constants)
    app.connect("autodoc-process-signature", how_it_is_made)
    app.connect("doctree-read", types_and_values)


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


COMMENTS: dict[str, list[str]] = {}  # of constants, kept from Napoleon: it takes what stands before a colon for a type


def comment_of_constant(_app: Any, what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    if what == "data":
        COMMENTS[name], lines[:] = lines[:], []


def what_is_said_of_constants(_app: Any, what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Comments in the lines of constants, as sentences."""
    if what == "data":
        said = "\n".join(COMMENTS.pop(name)).strip().rstrip(".")
        lines[:] = f"{said[:1].upper()}{said[1:]}.\n".split("\n") if said else []


def types_and_values(_app: Any, doctree: nodes.document) -> None:
    """Of fields and constants: types in short; and no value that is long, or a path of this machine."""
    for node in list(doctree.findall(desc_annotation)):
        text = node.astext()
        if text.startswith(" = ") and (len(text) > LONGEST_VALUE or "Path(" in text):
            node.parent.remove(node)
        elif short(text) != text:
            node[:] = [nodes.Text(re.sub(PLACE, "", short(text)))]


def short(types: str) -> str:
    for pattern, alias in ALIASES.items():
        types = re.sub(pattern, alias, types)
    return types


def beside(owner: type, field: str) -> str | None:
    """The comment in the line of a field, of a class or of what it is made from."""
    for each in (each for each in owner.__mro__ if each.__module__.startswith("mpe_lib")):
        comment = re.search(rf"^ +{field}: [^#\n]*# (.+)$", inspect.getsource(each), re.MULTILINE)
        if comment:
            return comment[1]
    return None


def how_it_is_made(
    _app: Any, what: str, _name: str, documented: Any, _options: Any, arguments: str | None, returns: str | None
) -> tuple[str | None, str | None]:
    """Of a class that another one's `__new__` makes, the arguments of its own `__init__`; types in short."""
    if what == "class" and arguments == "(*args, **kwargs)":
        own = signature(documented.__init__, bound_method=True)
        arguments = stringify_signature(own, show_return_annotation=False, unqualified_typehints=True)
    if arguments is not None:
        arguments = short(arguments.replace("<factory>", "..."))  # which is no Python
    return arguments, returns and short(returns)
