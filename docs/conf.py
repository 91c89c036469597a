"""What Sphinx must know to make the web site; tools/website.py gathers the pages and calls it."""

project = "mpe-lib"
html_title = "MPENet, explained"
author = "The mpe-lib authors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode", "mathml"]
exclude_patterns = ["README.md", "benchmarks/README.md", "figures"]  # parts of pages

nb_execution_mode = "off"  # the lessons have their outputs
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
