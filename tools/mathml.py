"""For Sphinx: mathematics as MathML, which browsers typeset without a script, in the font STIX Two Math."""

import re
from importlib.metadata import distribution
from pathlib import Path

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
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
STRUT = '<mspace width="0" height="0.78em" depth="0.2em" />'  # nothing, as tall as a line
AFTER = {  # MathML: bars; a minus after a sign or a bracket is a sign too, not a difference; slashes, roots, primes
    r'<mo(?: fence="false")?(?: stretchy="false")?>(?=&#x0007C;|&#x02016;)': BAR,
    r"(>(?:&#x0003D;|&#x0002C;|&#x00028;|\[)</mo>)<mo>(?=&#x02212;)": r'\1<mo form="prefix">',
    r"<mo>(?=&#x0002F;)": '<mo lspace="0" rspace="0">',
    r"<msqrt>": f"<msqrt>{STRUT}",  # else its sign hangs below the line
    r"<msup>(<mi>[^<]+</mi>)<mi>(&#x0203[2-4];)</mi></msup>": r'<mrow>\1<mo lspace="0" rspace="0">\2</mo></mrow>',
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


def font(app: Sphinx, failure: Exception | None) -> None:
    """Letters and signs of the font, a fifth of it, beside the style sheet that names it."""
    if failure is not None:
        return
    whole = distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")
    part = Path(app.outdir) / "_static" / "STIXTwoMath.woff"
    options = subset.Options(flavor="woff", name_IDs=["*"])
    loaded = subset.load_font(str(whole), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=subset.parse_unicodes(LETTERS))
    subsetter.subset(loaded)
    keep_one_root(loaded)
    subset.save_font(loaded, str(part), options)


def keep_one_root(loaded: TTFont) -> None:
    """Only the sign that fits a line, as all of ours do: Chromium leaves room for the widest one behind every root."""
    variants = loaded["MATH"].table.MathVariants
    root = variants.VertGlyphCoverage.glyphs.index(loaded.getBestCmap()[ord("√")])
    sizes = variants.VertGlyphConstruction[root]
    sizes.MathGlyphVariantRecord, sizes.VariantCount, sizes.GlyphAssembly = sizes.MathGlyphVariantRecord[:1], 1, None


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.connect("build-finished", font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
