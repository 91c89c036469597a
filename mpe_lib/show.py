"""Pictures of faces: Figures of matplotlib, and pictures with something painted on them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, FigureBase
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from mpe_lib.au import CATALOGUE
from mpe_lib.compare import Compared
from mpe_lib.faces.align import Face
from mpe_lib.photograph import Restored
from mpe_lib.pixels import Picture

INK, ACCENT, MUTED = "#22303c", "#0b6e99", "#9aa5ae"  #: colours of text, of what matters, of what does not
STEPS = ("#e0992f", "#3f8f5f", ACCENT)  #: colours of the three pictures of a network
POINT, FIRST_EYE = "#ffd24a", "#3fa9ff"  #: colours of landmarks, and of 36-41 among them


def sheet(face: Restored) -> Figure:
    """A restored face with all that led to it: input, bicubic, steps, original; heatmaps, attention maps, AUs."""
    branches = [branch for branch in (face.heatmaps, face.aus) if branch is not None]
    if not branches:
        figure = Figure(figsize=_size(len(face.pictures()), 3.1), layout="constrained")
        _pictures(figure, face)
        return figure
    heights = (5.7, 3.8)[: len(branches)]
    figure = Figure(figsize=(10.6, sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), 3, height_ratios=heights)
    _pictures(figure.add_subfigure(grid[0, :2]), face)
    if face.aus is not None:
        _aus(figure.add_subfigure(grid[0, 2]), face.aus)
    if face.heatmaps is not None:
        _heatmaps(figure.add_subfigure(grid[-1, 0] if face.aus else grid[0, 2]), face.steps[0], face.heatmaps)
    if face.aus is not None and face.attention is not None:
        maps = dict(zip(face.aus, face.attention, strict=True))
        _attention(figure.add_subfigure(grid[-1, 1:]), face.steps[-1], maps)
    return figure


def rows(faces: Mapping[str, Restored]) -> Figure:
    """Restored faces one below the other, each under its name: input, bicubic, steps, original."""
    width, height = _size(max(len(face.pictures()) for face in faces.values()), 3.1)
    figure = Figure(figsize=(width, (height + 0.5) * len(faces)), layout="constrained")
    for part, (name, face) in zip(figure.subfigures(len(faces), 1, squeeze=False)[:, 0], faces.items(), strict=True):
        _pictures(part, face)
        part.suptitle(name, fontsize=13, fontweight="bold", color=INK, parse_math=False)
    return figure


def row(pictures: Mapping[str, Picture], points: Mapping[str, NDArray[Any]] | None = None) -> Figure:
    """Pictures side by side at one size, each under its name; `points` (68, 2) go on the picture of that name.

    From five on they stand in two rows or more, so that they can be seen from the last bench.
    """
    figure = Figure(figsize=_size(len(pictures)), layout="constrained")
    for axes, (name, picture) in zip(_cells(figure, len(pictures)), pictures.items(), strict=True):
        draw_picture(axes, picture, name)
        if points and name in points:
            _points(axes, points[name])
            axes.set(xlim=(-0.5, picture.shape[1] - 0.5), ylim=(picture.shape[0] - 0.5, -0.5))
    return figure


def compared(faces: Sequence[Compared], *, differences: bool = False) -> Figure:
    """Faces by several networks: input, every network's, original, with PSNR and SSIM (Fig. 2).

    Several faces take a row each, under the names; one face takes as many as keep its pictures large. With
    `differences` each row has another one below, how far each is from the original (Fig. 3).
    """
    pictures = len(faces[0].restored) + 2
    columns, lines = _layout(pictures, 5) if len(faces) == 1 else (pictures, 1)
    tall = 1 + differences
    figure = Figure(
        figsize=(1.75 * columns, (2.0 + 1.75 * differences) * lines * len(faces) + 0.3 * lines),
        layout=ConstrainedLayoutEngine(w_pad=0.01, h_pad=0.03, wspace=0, hspace=0.02),
    )
    grid = figure.subplots(tall * lines * len(faces), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for number, (face, own) in enumerate(zip(faces, np.split(grid, len(faces)), strict=True)):
        _compared(own[::tall].ravel(), face, named=number == 0)
        if differences:
            maps = {"input": None} | face.differences()
            for axes, map_ in zip(own[1::tall].ravel(), maps.values(), strict=False):
                if map_ is None:
                    axes.text(1, 0.5, "difference\nto the original", fontsize=12, color=INK, ha="right", va="center")
                else:
                    draw_picture(axes, map_, "")
    return figure


def _compared(cells: NDArray[Any], face: Compared, named: bool) -> None:
    """One face's pictures, each over its scores; the best, or those as good in what is printed, bold."""
    scores = face.scores()
    printed = {name: f"{psnr:.2f}" for name, (psnr, _) in scores.items()}
    best = max(printed.values(), key=float)
    pictures = {"input": face.lr} | face.restored | {"original": face.original}
    for axes, (name, picture) in zip(cells, pictures.items(), strict=False):
        draw_picture(axes, picture, name if named else "")
        text = f"{printed[name]} / {scores[name][1]:.3f}" if name in scores else ""
        label = "dB / SSIM" if name == "input" else text
        weight = "bold" if printed.get(name) == best else "normal"
        axes.set_xlabel(label, fontsize=12, color=INK, weight=weight, labelpad=2)


def contact(pictures: Sequence[Picture], names: Sequence[str] = (), columns: int = 10) -> Figure:
    """Many pictures of one size in rows, each under its name if there are names."""
    rows, side, tall = -(-len(pictures) // columns), 1.7 if names else 1.3, 1.3 if names else 1.0
    figure = Figure(figsize=(side * columns, side * tall * rows))
    top = 1 - (0.46 / figure.get_figheight() if names else 0.004)  # two lines of a name
    figure.subplots_adjust(0.004, 0.004, 0.996, top, 0.02, 0.28 if names else 0.02)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for number, (axes, picture) in enumerate(zip(grid, pictures, strict=False)):
        axes.imshow(picture, interpolation="lanczos")
        if names:
            axes.set_title(names[number], fontsize=11, color=INK, pad=2, parse_math=False)
    return figure


def photograph(picture: Picture, faces: Sequence[Face]) -> Figure:
    """A photograph with a box around each face that was found, and the largest of them with its 68 points."""
    figure = Figure(figsize=(10 if faces else 5, 5), layout="constrained")
    axes, *beside = figure.subplots(1, 2 if faces else 1, squeeze=False)[0]
    draw_picture(axes, picture, f"{len(faces)} face{'' if len(faces) == 1 else 's'} found")
    for face in faces:
        left, top, right, bottom = face.box
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor="white", linewidth=1.5))
    for close in beside:
        largest = max(faces, key=lambda face: face.box[2] - face.box[0])
        (left, top), (right, bottom) = largest.landmarks.min(axis=0), largest.landmarks.max(axis=0)
        around = 0.2 * max(right - left, bottom - top)
        draw_picture(close, picture, "68 landmarks")
        _points(close, largest.landmarks, 5)
        close.set(xlim=(left - around, right + around), ylim=(bottom + around, top - around))
    return figure


def overlay(picture: Picture, heat: NDArray[np.float32], strength: float = 0.75) -> Picture:
    """A map in [0, 1] laid over a picture, warm where it is high.

    Args:
        picture: (H, W, 3) uint8.
        heat: (S, S), stretched to the picture; values outside [0, 1] are cut.
        strength: how much of the picture the map hides where it is 1.
    """
    import cv2

    height, width = picture.shape[:2]
    alpha = strength * np.clip(cv2.resize(heat, (width, height)), 0, 1)[..., None]
    grey = picture.mean(axis=2, keepdims=True) * 0.75  # the face steps back, the map stands out
    warm = np.array([255, 176, 32])
    return np.round(grey * (1 - alpha) + warm * alpha).astype(np.uint8)


def heat(values: NDArray[Any], most: float) -> Picture:
    """A map as a picture of its own, from black over red to pale yellow.

    Args:
        values: (H, W), 0 or more.
        most: what is brightest; what is above it is too.
    """
    from matplotlib import colormaps

    return (255 * colormaps["inferno"](np.clip(values / most, 0, 1))[..., :3]).round().astype(np.uint8)


def marked(picture: Picture, landmarks: NDArray[Any], zoom: int = 3) -> Picture:
    """A picture `zoom` times as large, with a dot on each of its (68, 2) landmarks, blue on the first eye."""
    import cv2

    large = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_NEAREST)
    for number, (x, y) in enumerate(landmarks):
        red, green, blue = (int(255 * part) for part in to_rgb(FIRST_EYE if 36 <= number < 42 else POINT))
        at = (round(zoom * (x + 0.5) - 0.5), round(zoom * (y + 0.5) - 0.5))
        cv2.circle(large, at, zoom, (red, green, blue), -1, cv2.LINE_AA)
    return np.asarray(large, np.uint8)


def describe(figure: Figure) -> str:
    """A figure in words, its own: titles, axes and legends of each part, for those who can't see it."""
    parts: list[str] = [figure.get_suptitle(), *(part.get_suptitle() for part in figure.subfigs)]
    legends = list(figure.legends)
    for axes in figure.axes:
        title = axes.get_title() or " ".join(text.get_text() for text in axes.texts)
        names = [text for text in (axes.get_ylabel(), axes.get_xlabel()) if text]
        parts.append(": ".join(text for text in (title, " against ".join(names)) if text))
        legends += [legend for legend in (axes.get_legend(),) if legend]
    entries = [text.get_text() for legend in legends for text in legend.get_texts()]
    parts.append(", ".join(dict.fromkeys(entries)))
    return "; ".join(" ".join(part.split()) for part in parts if part)


def _layout(count: int, most: int = 4) -> tuple[int, int]:
    """Columns, at most so many, and rows for so many pictures, as full as can be."""
    rows = -(-count // most)
    return -(-count // rows), rows


def _size(count: int, tall: float = 2.9) -> tuple[float, float]:
    """Of a figure with so many pictures, inches."""
    columns, rows = _layout(count)
    return 2.6 * columns, tall * rows


def _cells(figure: FigureBase, count: int) -> list[Axes]:
    """So many places for pictures, row by row."""
    columns, rows = _layout(count)
    return [figure.add_subplot(rows, columns, number + 1) for number in range(count)]


def _pictures(figure: FigureBase, face: Restored) -> None:
    """Input, bicubic, every step, original, with PSNR and SSIM under what can be scored."""
    named, scores = face.pictures(), face.scores()
    for axes, (name, picture) in zip(_cells(figure, len(named)), named.items(), strict=True):
        draw_picture(axes, picture, f"{name}, {picture.shape[1]} x {picture.shape[0]}" if name == "input" else name)
        if name in scores:
            psnr, ssim = scores[name]
            axes.set_xlabel(f"{psnr:.2f} dB   SSIM {ssim:.3f}", fontsize=12, color=INK)
        elif name == "input" and scores:
            axes.set_xlabel("scores on Y, border 0", fontsize=12, color=INK)
        elif name == "original" and face.enlarged_from is not None:
            axes.set_xlabel(f"enlarged, from {face.enlarged_from} pixels", fontsize=12, color=INK)


def _heatmaps(figure: FigureBase, picture: Picture, heatmaps: NDArray[np.float32]) -> None:
    strongest = heatmaps.max(axis=0)
    heat = strongest / max(strongest.max(), 1e-6)  # a net that is unsure makes low maps
    draw_picture(figure.subplots(), overlay(picture, heat), f"68 heatmaps, highest {strongest.max():.2f}, of step 1")


def _attention(figure: FigureBase, picture: Picture, maps: dict[int, NDArray[np.float32]]) -> None:
    """One small face an action unit, with its attention map."""
    columns = 4
    grid = figure.subplots(-(-len(maps) // columns), columns, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for axes, (au, attention) in zip(grid, maps.items(), strict=False):
        draw_picture(axes, overlay(picture, attention), f"AU{au}")
    figure.suptitle("AU attention maps", fontsize=12, color=INK)


def _aus(figure: FigureBase, aus: dict[int, float]) -> None:
    axes = figure.subplots()
    named = {CATALOGUE[au].title: value for au, value in aus.items()}
    draw_bars(axes, named, "AU probabilities,\nof step 2", size=12)


def draw_bars(axes: Axes, values: Mapping[str, float], title: str, size: int = 9) -> None:
    """Bars of probabilities by name, the present ones strong."""
    colours = [ACCENT if value >= 0.5 else MUTED for value in values.values()]
    axes.barh(list(values), list(values.values()), color=colours)
    beside = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # on the line at 0.5, not on the bar
    for y, value in enumerate(values.values()):
        axes.text(value + 0.02, y, f"{value:.2f}", va="center", fontsize=size - 2, color=INK, bbox=beside)
    axes.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.2), xticks=(0, 0.5, 1))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False, labelsize=size - 2)
    axes.set_title(title, fontsize=size, color=INK)


def _points(axes: Axes, landmarks: NDArray[Any], size: float = 4) -> None:
    """Dots with a rim, which are seen on light and on dark skin; those of the first eye larger."""
    for points, colour, large in ((landmarks, POINT, size), (landmarks[36:42], FIRST_EYE, 1.5 * size)):
        axes.plot(
            *points.T, "o", color=colour, markeredgecolor=INK, markeredgewidth=0.6, markersize=large, clip_on=True
        )


def draw_picture(axes: Axes, picture: Picture, title: str, size: int = 12) -> None:
    """A picture and its name, without a frame."""
    axes.imshow(picture, interpolation="nearest")
    axes.set_axis_on()
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=size, color=INK, parse_math=False)  # it may be the name of a file
