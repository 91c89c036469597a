"""Draw the modules of mpe_lib in layers, as their imports have them: python tools/architecture.py [FILE]

By default into figures/architecture.png. The picture holds, as its description, what it was drawn from, so that a test
can tell whether it is still true.
"""

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "figures" / "architecture.png"
INK, BAND, ARROW = "#22303c", "#eceff1", "#0b6e99"
WIDE, LEFT, RIGHT = 16.0, 1.85, 15.7  # inches: of the picture, and where its boxes begin and end
MARGIN, GAP, BETWEEN, MORE = 0.25, 0.45, 0.42, 0.07  # around all, between boxes, between layers, for each arrow there
LINE, LETTER, LINES = 0.245, 0.1, 2  # height of a line, width of a letter, lines in a box if there is room
Imports = Mapping[str, set[str]]  # by module, the modules that it imports; without mpe_lib in front


class Part(NamedTuple):
    """Modules that belong together: a box of the picture."""

    title: str
    modules: tuple[str, ...]  # their names, or patterns of them

    def holds(self, module: str) -> bool:
        return any(fnmatchcase(module, pattern) for pattern in self.modules)


# From the top. A part may import what stands in a lower layer, and nothing beside it.
LAYERS: dict[str, tuple[Part, ...]] = {
    "entrances": (
        Part("notebooks", ("lesson", "checking", "differences", "playground", "playground.*")),
        Part("command line", ("cli", "cli.*")),
    ),
    "results": (
        Part("tables", ("experiment", "sweep", "cluster", "results", "chance", "paper", "tables")),
        Part("pictures", ("show", "curves", "compare", "diagram")),
    ),
    "a network at work": (
        Part(
            "train",
            (
                *("train", "learner", "record", "checkpoint", "validation"),
                *("average", "graphed", "recompute", "occurrence"),
            ),
        ),
        Part("measure", ("evaluate", "recognise", "openface")),
        Part("restore", ("photograph", "steer")),
    ),
    "what it needs": (
        Part("machine", ("machine", "memory", "jupyter")),
        Part("weights", ("weights",)),
        Part("losses and metrics", ("losses", "features", "metrics")),
        Part("sources", ("sources", "synthetic", "synthetic.*")),
    ),
    "networks and faces": (
        Part("networks", ("nets", "nets.*")),
        Part("faces", ("faces", "faces.*")),
    ),
    "choices and maps": (
        Part("choices", ("config", "config.*")),
        Part("units and landmarks", ("au", "heatmaps")),
    ),
    "ground": (Part("files and errors", ("errors", "files", "pixels", "download")),),
}


def read_imports(package: Path = ROOT / "mpe_lib") -> Imports:
    """What each module imports of the package, at its top or inside a function; not what only a type checker sees.

    The package itself is left out: it looks its names up when they are asked for, and no module may ask it.
    """
    files = {_name(path.relative_to(package)): path for path in sorted(package.rglob("*.py"))}
    del files[""]
    found: dict[str, set[str]] = {}
    for module, path in files.items():
        named = _imported(ast.parse(path.read_text(encoding="utf-8")), package.name)
        found[module] = {_home(name, files) for name in named} - {module}
    return found


def _name(path: Path) -> str:
    """a/b.py is the module a.b, a/__init__.py the module a."""
    return ".".join(path.with_suffix("").parts).removesuffix("__init__").removesuffix(".")


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Everything of the package that a module names, as in nets.MPENet."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "mpe_lib imports by whole names"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.removeprefix(f"{package}.") for name in names if name.startswith(f"{package}."))
        yield from _imported(node, package)


def _home(name: str, modules: Mapping[str, Path]) -> str:
    """The module of a name that it holds: nets for nets.MPENet."""
    while name not in modules:
        assert "." in name, f"{name}: in no module"
        name = name.rpartition(".")[0]
    return name


def parts() -> dict[str, int]:
    """The layer of each part by its title, counted from the top."""
    return {part.title: number for number, layer in enumerate(LAYERS.values()) for part in layer}


def part_of(module: str) -> str:
    """The title of the only part that holds a module."""
    (title,) = [part.title for layer in LAYERS.values() for part in layer if part.holds(module)]
    return title


def between_parts(imports: Imports) -> dict[str, set[str]]:
    """What each part imports of the others."""
    found: dict[str, set[str]] = {title: set() for title in parts()}
    for module, others in imports.items():
        found[part_of(module)] |= {part_of(other) for other in others} - {part_of(module)}
    return found


def upward(imports: Imports) -> list[str]:
    """Imports that do not lead to a lower layer, or to the same part; there should be none."""
    layer = parts()
    pairs = [(module, other) for module, others in imports.items() for other in sorted(others)]
    homes = [(module, other, part_of(module), part_of(other)) for module, other in pairs]
    return [f"{module} imports {other}" for module, other, own, its in homes if own != its and layer[its] <= layer[own]]


def arrows(imports: Imports) -> dict[str, list[str]]:
    """The imports between parts that do not follow from others: the arrows of the picture."""
    direct = between_parts(imports)
    reached: dict[str, set[str]] = {}
    for title in TopologicalSorter(direct).static_order():  # raises CycleError
        reached[title] = direct[title].union(*(reached[other] for other in direct[title]))
    return {
        title: sorted(other for other in others if not any(other in reached[via] for via in others))
        for title, others in direct.items()
    }


def description(imports: Imports) -> str:
    """Everything that the picture says."""
    modules = {title: sorted(module for module in imports if part_of(module) == title) for title in parts()}
    return json.dumps({"layers": list(LAYERS), "parts": modules, "arrows": arrows(imports)})


class Box(NamedTuple):
    """A part in the picture; lengths in inches, y downwards."""

    left: float
    top: float
    width: float
    height: float
    lines: list[str]

    @property
    def bottom(self) -> float:
        return self.top + self.height


def layout(imports: Imports) -> dict[str, Box]:
    """Where the parts stand, each as wide as its words need."""
    boxes: dict[str, Box] = {}
    top, links, layers = MARGIN, arrows(imports), parts()
    for number, layer in enumerate(LAYERS.values()):
        words = [said(part, imports) for part in layer]
        needs = [
            max(sum(len(word) + 2 for word in each) / LINES, len(part.title) * 1.4)
            for part, each in zip(layer, words, strict=True)
        ]
        room = RIGHT - LEFT - GAP * (len(layer) - 1)
        widths = [room * need / sum(needs) for need in needs]
        texts = [wrap("  ".join(each), int((width - 0.25) / LETTER)) for width, each in zip(widths, words, strict=True)]
        height = 0.55 + LINE * max(map(len, texts))
        left = LEFT
        for part, width, lines in zip(layer, widths, texts, strict=True):
            boxes[part.title] = Box(left, top, width, height, lines)
            left += width + GAP
        below = sum(layers[other] > number for part in links if layers[part] <= number for other in links[part])
        top += height + BETWEEN + MORE * below
    return boxes


def said(part: Part, imports: Imports) -> list[str]:
    """The modules of a part, those of a package after its name: au, nets/, mpenet, compared/, dic."""
    return _listed([module for module in sorted(imports) if part.holds(module)])


def _listed(modules: list[str]) -> list[str]:
    packages = list(dict.fromkeys(module.partition(".")[0] for module in modules if "." in module))
    words = [module for module in modules if "." not in module and module not in packages]
    for package in packages:
        inside = [module.removeprefix(f"{package}.") for module in modules if module.startswith(f"{package}.")]
        words += [f"{package}/", *_listed(inside)]
    return words


def route(
    boxes: Mapping[str, Box], links: Mapping[str, list[str]], source: str, target: str
) -> list[tuple[float, float]]:
    """The corners of an arrow, which passes layers between the two where there is no box."""
    layer = parts()
    one, other = boxes[source], boxes[target]
    leaving = sorted(links[source], key=lambda each: middle(boxes[each]))
    coming = sorted((each for each in links if target in links[each]), key=lambda each: middle(boxes[each]))
    start = one.left + one.width * (leaving.index(target) + 1) / (len(leaving) + 1)
    end = other.left + other.width * (coming.index(source) + 1) / (len(coming) + 1)
    way = [(start, one.bottom)]
    for number in range(layer[source] + 1, layer[target]):
        row = [box for part, box in boxes.items() if layer[part] == number]
        free = [LEFT - GAP / 2, *(box.left + box.width + GAP / 2 for box in row)]
        x = min(free, key=lambda each: abs(each - way[-1][0]) + abs(each - end))
        way += [(x, row[0].top), (x, row[0].bottom)]
    return [*way, (end, other.top)]


def middle(box: Box) -> float:
    return box.left + box.width / 2


def draw(imports: Imports) -> Figure:
    """Boxes in layers, and an arrow for each import between them that does not follow from others."""
    boxes, links = layout(imports), arrows(imports)
    high = max(box.bottom for box in boxes.values()) + MARGIN
    figure = Figure(figsize=(WIDE, high), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDE), ylim=(high, 0))
    axes.axis("off")
    for name, layer in LAYERS.items():
        first = boxes[layer[0].title]
        rest = {"linewidth": 0, "facecolor": BAND, "zorder": 0}
        axes.add_patch(Rectangle((0.1, first.top - 0.12), WIDE - 0.2, first.height + 0.24, **rest))
        words = "\n".join(wrap(name, 11))
        axes.text(0.25, first.top + first.height / 2, words, fontsize=14, color=INK, va="center", style="italic")
    for source, others in links.items():
        for target in others:
            way = route(boxes, links, source, target)
            axes.plot(*zip(*way, strict=True), color=ARROW, linewidth=1.8, zorder=1, solid_joinstyle="round")
            head = {"arrowstyle": "-|>,head_width=0.3,head_length=0.6", "color": ARROW, "shrinkA": 0, "shrinkB": 0}
            axes.annotate("", way[-1], way[-2], arrowprops=head, zorder=1)
    for part, box in boxes.items():
        look = {"facecolor": "white", "edgecolor": INK, "linewidth": 1.3, "zorder": 2}
        axes.add_patch(Rectangle((box.left, box.top), box.width, box.height, **look))
        axes.text(box.left + 0.12, box.top + 0.24, part, fontsize=15, weight="bold", color=INK, va="center")
        lines = "\n".join(box.lines)
        axes.text(box.left + 0.12, box.top + 0.44, lines, fontsize=13, color=INK, va="top", linespacing=1.35)
    return figure


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE
    imports = read_imports()
    sys.exit("\n".join(upward(imports))) if upward(imports) else None
    draw(imports).savefig(target, dpi=110, metadata={"Description": description(imports)})


if __name__ == "__main__":
    main()
