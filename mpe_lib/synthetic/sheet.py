"""A sheet over the canonical face, and what can be drawn on it."""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[Any]  # (n, n) or (n, n, 3), float32
Points = NDArray[np.float64]  # (k, 2), x and y in units


class Sheet:
    """A square grid; positions and widths are in units of the canonical face.

    The unit is the distance between the pupils, (0, 0) lies between them, x points right and y down.

    Args:
        n: cells along a side.
        left, top: the corner.
        side: length of a side.
    """

    def __init__(self, n: int, left: float = -1.9, top: float = -1.45, side: float = 3.8) -> None:
        self.n, self.left, self.top, self.side = n, left, top, side
        self.unit = n / side  # cells in a unit
        self.x = (left + (np.arange(n) + 0.5) / self.unit).astype(np.float32)
        self.y = (top + (np.arange(n) + 0.5) / self.unit).astype(np.float32)
        self.X, self.Y = np.meshgrid(self.x, self.y)

    def window(self, centre: Points, side: float) -> tuple["Sheet", tuple[slice, slice]]:
        """A part of the sheet about `centre`, cell on cell, and where it lies: what is small is drawn on less."""
        n = round(side * self.unit)
        column, row = (int(np.clip(round(at - n / 2), 0, self.n - n)) for at in self.cells(centre))
        part = Sheet(n, self.left + column / self.unit, self.top + row / self.unit, n / self.unit)
        return part, (slice(row, row + n), slice(column, column + n))

    def cells(self, points: Points) -> Points:
        """Positions in cells."""
        return (np.asarray(points) - (self.left, self.top)) * self.unit - 0.5

    def blob(self, x: float, y: float, sx: float, sy: float) -> Map:
        """A Gaussian of height 1."""
        return np.outer(_gauss(self.y, y, sy), _gauss(self.x, x, sx))

    def pair(self, x: float, y: float, sx: float, sy: float) -> Map:
        """A Gaussian at x and its mirror image at -x."""
        return np.outer(_gauss(self.y, y, sy), _gauss(self.x, x, sx) + _gauss(self.x, -x, sx))

    def polygon(self, points: Points, softness: float = 0) -> Map:
        """1 inside, 0 outside."""
        mask = np.zeros((self.n, self.n), np.uint8)
        cv2.fillPoly(mask, [self._fixed(points)], 255, cv2.LINE_AA, 4)
        return self.blur(mask.astype(np.float32) / 255, softness)

    def stroke(self, lines: list[Points], width: float) -> Map:
        """1 along the lines, falling to 0 across them as a Gaussian of deviation `width`."""
        return np.minimum(1.6 * self.blur(self.pen(lines, 1.2 * width), width), 1)

    def pen(self, lines: list[Points], width: float, strength: float = 1) -> Map:
        """Lines of sharp edges, at least one cell wide."""
        mask = np.zeros((self.n, self.n), np.uint8)
        thickness = max(1, round(width * self.unit))
        cv2.polylines(
            mask, [self._fixed(line) for line in lines], False, round(255 * strength), thickness, cv2.LINE_AA, 4
        )
        return mask.astype(np.float32) / 255

    def dots(self, points: Points, radii: NDArray[np.float64], strength: float) -> Map:
        """Discs with radii in units; where two overlap the later one counts."""
        mask = np.zeros((self.n, self.n), np.float32)
        for (x, y), radius in zip(self._fixed(points), radii * self.unit * 16, strict=True):
            cv2.circle(mask, (int(x), int(y)), int(radius), strength, -1, cv2.LINE_AA, 4)
        return mask

    def blur(self, values: Map, width: float) -> Map:
        """Gaussian blur of deviation `width`; a wide one works on a reduced copy."""
        sigma = width * self.unit
        if sigma < 0.3:
            return values
        reduce = int(sigma // 3)
        if reduce < 2:
            return cv2.GaussianBlur(values, (0, 0), sigma)
        small = cv2.resize(values, (self.n // reduce, self.n // reduce), interpolation=cv2.INTER_AREA)
        return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / reduce), (self.n, self.n))

    def noise(self, random: np.random.Generator, width: float, height: float | None = None) -> Map:
        """Smooth noise of mean 0 and deviation near 1, with features of this size."""
        across, down = (max(2, int(self.side / size)) + 3 for size in (width, height or width))
        coarse = random.standard_normal((down, across), np.float32)
        return cv2.resize(coarse, (self.n, self.n), interpolation=cv2.INTER_CUBIC)

    def sample(self, values: Map, points: Points) -> Points:
        """Values at positions, (k,)."""
        x, y = self.cells(points).astype(np.float32).T[:, None]
        return cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0].astype(float)

    def _fixed(self, points: Points) -> NDArray[np.int32]:
        """Cells in sixteenths, as OpenCV draws between cells."""
        return np.round(self.cells(points) * 16).astype(np.int32)


@dataclass
class Surface:
    """What light meets on a sheet; the parts of a face are added to it in place."""

    z: Map  # height in units
    albedo: Map  # (n, n, 3), linear RGB
    gloss: Map
    diffusion: Map  # 1 skin, in which light spreads; 0 hair, eyes, teeth
    alpha: Map  # 1 where there is a head at all

    def window(self, where: tuple[slice, slice]) -> "Surface":
        """A part, which shares its memory with the whole."""
        parts = (self.z, self.albedo, self.gloss, self.diffusion, self.alpha)
        return Surface(*(part[where] for part in parts))


def _gauss(at: Map, centre: float, deviation: float) -> Map:
    return np.exp(-0.5 * ((at - np.float32(centre)) / np.float32(deviation)) ** 2)


def ease(t: Map) -> Map:
    """0 below 0, 1 above 1, between them without a corner."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def smooth(points: Points, count: int = 25) -> Points:
    """`count` points of the Catmull-Rom spline through these."""
    p = np.asarray(points, float)
    p = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    t = np.linspace(0, len(p) - 3, count)
    k = np.minimum(t.astype(int), len(p) - 4)
    t = (t - k)[:, None]
    a, b, c, d = (p[k + j] for j in range(4))
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)


def mirror(points: Points) -> Points:
    """The other half of the face."""
    return points * np.array([-1.0, 1.0])


def tint(albedo: Map, colour: NDArray[np.float64] | tuple[float, float, float], mask: Map) -> None:
    """Paint, in place: `albedo` (n, n, 3) takes on the colour where `mask` is 1."""
    albedo += (np.asarray(colour, np.float32) - albedo) * mask[..., None]


def darken(albedo: Map, mask: Map) -> None:
    """Shade, in place: 1 is black."""
    albedo *= (1 - mask)[..., None]
