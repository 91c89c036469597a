"""Where the head is seen: its turn and its projection."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mpe_lib.faces.align import similarity
from mpe_lib.synthetic.sheet import Map, Points, Sheet

PIVOT = np.array([0.0, 0.5, -0.4])  # the head turns round this point, in the unit of the canonical face
DISTANCE = 18.0  # of the camera from it
BEHIND = -0.35  # height of what is not the head


@dataclass(frozen=True)
class Pose:
    """Degrees: yaw to the side, pitch up and down, roll to the shoulder."""

    yaw: float = 0
    pitch: float = 0
    roll: float = 0

    @property
    def turn(self) -> NDArray[np.float64]:
        """(3, 3), from the head to the camera."""
        (cy, cp, cr), (sy, sp, sr) = (f(np.radians([self.yaw, self.pitch, self.roll])) for f in (np.cos, np.sin))
        yaw = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
        pitch = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        roll = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        return roll @ pitch @ yaw


def draw_pose(seed: int) -> Pose:
    """Mostly frontal, turned by at most 20 degrees, nodding by at most 12; the same for the same seed."""
    most = np.array([20, 12, 12])
    yaw, pitch, roll = np.clip(np.random.default_rng((seed, 4)).normal(0, (7.5, 6, 3)), -most, most)
    return Pose(float(yaw), float(pitch), float(roll))


class Camera:
    """A head of some pose, framed as `faces.align` frames a photograph.

    Args:
        landmarks: (68, 3), of the head that is framed.
        pose: of the head.
        scale: see `faces.align.similarity`.
        size: side of the picture in pixels.
    """

    def __init__(self, landmarks: Points, pose: Pose, scale: float, size: int) -> None:
        self.turn, self.size = pose.turn, size
        seen = np.stack(self._project(*landmarks.T), 1)
        self._frame = similarity(1000 * seen, scale, size) * (1000, 1000, 1)  # it wants eyes some pixels apart

    def see(self, points: Points) -> Points:
        """Points of the head (k, 3) -> their pixels (k, 2)."""
        return np.stack(self._project(*points.T), 1) @ self._frame[:, :2].T + self._frame[:, 2]

    def rays(self, zoom: int) -> tuple[Map, Map]:
        """x and y on the plane through the pivot for every pixel of a picture `zoom` times as large."""
        at = (np.arange(self.size * zoom, dtype=np.float32) + 0.5) / zoom - 0.5
        x, y = np.meshgrid(at, at)
        (a, b, c), (d, e, f) = np.linalg.inv(np.vstack([self._frame, [0, 0, 1]]))[:2].astype(np.float32)
        return a * x + b * y + c, d * x + e * y + f

    def trace(self, sheet: Sheet, z: Map, rays: tuple[Map, Map]) -> tuple[Map, Map]:
        """Which cell of the sheet each ray meets, x and y (h, w), found by Newton's steps from the plane."""
        z = sheet.blur(np.maximum(z, BEHIND), 0.012)
        (a, b), (c, d) = np.linalg.inv(self.turn[:2, :2]).astype(np.float32)
        x, y = rays[0].copy(), rays[1].copy()
        for _ in range(7):
            height = cv2.remap(z, *_cells(sheet, x, y), cv2.INTER_LINEAR, borderValue=BEHIND)
            seen_x, seen_y = self._project(x, y, height)
            dx, dy = rays[0] - seen_x, rays[1] - seen_y
            x += 0.9 * (a * dx + b * dy)
            y += 0.9 * (c * dx + d * dy)
        return _cells(sheet, x, y)

    def _project(self, x: Map, y: Map, z: Map) -> tuple[Map, Map]:
        """Perspective, onto the plane through the pivot."""
        turn, pivot = self.turn.astype(x.dtype), PIVOT.astype(x.dtype)
        x, y, z = x - pivot[0], y - pivot[1], z - pivot[2]
        right, down, near = (row[0] * x + row[1] * y + row[2] * z for row in turn)
        enlarged = DISTANCE / (DISTANCE - near)
        return right * enlarged + pivot[0], down * enlarged + pivot[1]


def _cells(sheet: Sheet, x: Map, y: Map) -> tuple[Map, Map]:
    return (x - np.float32(sheet.left)) * sheet.unit - 0.5, (y - np.float32(sheet.top)) * sheet.unit - 0.5
