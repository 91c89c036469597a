"""For Sphinx: mathematics as MathML, which browsers typeset without a script, in the font STIX Two Math."""

import re
from importlib.metadata import distribution
from pathlib import Path

from docutils import nodes
from fontTools import subset
from latex2mathml.converter import convert
from sphinx.application import Sphinx

LETTERS = "U+20-7E,U+A0-FF,U+300-338,U+370-3FF,U+2000-22FF,U+2308-230B,U+2A00-2AFF,U+1D400-1D7FF"
BEFORE = {  # LaTeX: space before the number of an equation, and around log and ln, but not before a bracket
    r"\\tag\{(\w+)\}": r"\\qquad(\1)",
    r"(?<=[\w})])\s*(?=\\(?:log|ln)(?![a-z]))": r"\\,",
    r"(\\(?:log|ln)(?:_\{\w+\})?)(?![a-z_])(?=\s*[A-Za-z0-9\\])": r"\1\\,",
    r"(?<=\d)\{,\}(?=\d)": r"\\text{,}",
}
BAR = '<mo stretchy="false" lspace="0" rspace="0">'  # stays small and close
AFTER = {  # MathML: bars; and a minus after a sign or an opening bracket is a sign too, not a difference
    r'<mo(?: fence="false")?(?: stretchy="false")?>(?=&#x0007C;|&#x02016;)': BAR,
    r"(>(?:&#x0003D;|&#x0002C;|&#x00028;|\[)</mo>)<mo>(?=&#x02212;)": r'\1<mo form="prefix">',
}


def mathml(latex: str, display: str) -> str:
    for pattern, mended in BEFORE.items():
        latex = re.sub(pattern, mended, latex)
    markup = convert(latex, display=display)
    for pattern, mended in AFTER.items():
        markup = re.sub(pattern, mended, markup)
    return markup


def inline(visitor: nodes.NodeVisitor, node: nodes.math) -> None:
    visitor.body.append(mathml(node.astext(), "inline"))
    raise nodes.SkipNode


def block(visitor: nodes.NodeVisitor, node: nodes.math_block) -> None:
    visitor.body.append(f'<div class="math">{mathml(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def font(app: Sphinx, _: Exception | None) -> None:
    """Letters and signs of the font, a fifth of it, beside the style sheet that names it."""
    whole = distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")
    part = Path(app.outdir) / "_static" / "STIXTwoMath.woff"
    subset.main([str(whole), f"--unicodes={LETTERS}", "--name-IDs=*", f"--output-file={part}", "--flavor=woff"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("build-finished", font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
