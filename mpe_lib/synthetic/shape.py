"""The canonical face, and where identity and action units move it."""

from collections.abc import Mapping

import numpy as np

from mpe_lib.synthetic.identity import Identity
from mpe_lib.synthetic.muscles import ACTIONS, Pull
from mpe_lib.synthetic.sheet import Map, Points, Sheet, mirror, smooth

# The right half of the picture; the left half mirrors it. The order of points is from the middle outwards.
# As 1,856 adults of UTKFace who do not smile have them on average, in the eyes of dlib.
JAW = np.array(
    [
        (0.0, 1.850), (0.304, 1.814), (0.565, 1.661), (0.793, 1.457), (0.966, 1.205),
        (1.072, 0.917), (1.125, 0.612), (1.151, 0.303), (1.160, 0.00),
    ]
)  # fmt: skip
SKULL = np.array([(1.15, -0.26), (1.11, -0.57), (1.01, -0.89), (0.84, -1.22), (0.45, -1.52), (0.0, -1.62)])
BROW = np.array([(0.181, -0.255), (0.377, -0.336), (0.583, -0.372), (0.784, -0.341), (0.934, -0.215)])
NOSE = np.array([(0, -0.03), (0, 0.165), (0, 0.357), (0, 0.551)])
NOSTRILS = np.array([(0.0, 0.755), (0.104, 0.727), (0.204, 0.698)])
EYE = np.array([0.490, 0.0])  # the pupil
# The lids meet a little outside of the points that are marked as corners.
UPPER_LID = np.array([(0.268, 0.027), (0.424, -0.077), (0.576, -0.077), (0.728, 0.006)])
LOWER_LID = np.array([(0.268, 0.027), (0.430, 0.052), (0.582, 0.058), (0.728, 0.006)])
CORNERS, THIRDS = (1, 22), (8, 16)  # of the 25 points of a lid, those that are landmarks
# Lips: the outer edge of the upper one, the two inner edges, the outer edge of the lower one.
LIPS = (
    np.array([(0, 1.000), (0.106, 0.973), (0.251, 1.018), (0.428, 1.100)]),
    np.array([(0, 1.096), (0.109, 1.088), (0.355, 1.100)]),
    np.array([(0, 1.112), (0.109, 1.102), (0.355, 1.102)]),
    np.array([(0, 1.240), (0.113, 1.229), (0.257, 1.192), (0.428, 1.102)]),
)
LIP_SHARES = (-0.25, -0.35, 0.65, 0.55)  # of the gap between the lips, which each of these edges opens
LIP_LINE = 1.103  # where closed lips meet


class Shape:
    """A person with action units: where every point of the canonical face lies."""

    def __init__(self, identity: Identity, aus: Mapping[int, float]) -> None:
        self.identity = identity
        self.aus = {au: intensity for au, intensity in aus.items() if intensity > 0}
        acting = [(ACTIONS[au], intensity) for au, intensity in self.aus.items()]
        self._pulls = [(pull, 1.0) for pull in _proportions(identity)]
        self._pulls += [(pull, intensity) for action, intensity in acting for pull in action.pulls]
        self._stretch = np.array([1 + 0.055 * identity.width, 1 + 0.06 * identity.length])
        self.upper_lid = float(
            np.clip(1.10 + 0.12 * identity.eye_size + sum(a.upper_lid * v for a, v in acting), 0, 1.6)
        )  # opening, 1 at rest
        self.lower_lid = max(0.05, 1 + sum(a.lower_lid * v for a, v in acting))
        self.gap = max(0.0, sum(a.gap * v for a, v in acting))  # between the lips, in units
        self.fullness = max(0.4, 1 + sum(a.fullness * v for a, v in acting))  # of the lips, 1 at rest

    def move(self, points: Points) -> Points:
        """Canonical positions (k, 2) or (2,) -> those of this face."""
        points = np.asarray(points, float)
        moved = points * self._stretch
        for pull, intensity in self._pulls:
            for side in pull.sides:
                offset = (points - (side * pull.at[0], pull.at[1])) / pull.spread
                weight = np.exp(-0.5 * (offset**2).sum(-1, keepdims=True))
                moved = moved + weight * (side * pull.by[0] * intensity, pull.by[1] * intensity)
        return moved

    def field(self, sheet: Sheet) -> Map:
        """The movement of every cell of a sheet, (n, n, 3): dx, dy, dz in units."""
        dx = np.broadcast_to(sheet.x * np.float32(self._stretch[0] - 1), (sheet.n, sheet.n)).copy()
        dy = np.broadcast_to((sheet.y * np.float32(self._stretch[1] - 1))[:, None], (sheet.n, sheet.n)).copy()
        dz = np.zeros((sheet.n, sheet.n), np.float32)
        for pull, intensity in self._pulls:
            for side in pull.sides:
                blob = sheet.blob(side * pull.at[0], pull.at[1], *pull.spread) * np.float32(intensity)
                for total, by in zip((dx, dy, dz), (side * pull.by[0], *pull.by[1:]), strict=True):
                    if by:
                        total += blob * np.float32(by)
        return np.dstack([dx, dy, dz])

    def lids(self, side: int) -> tuple[Points, Points]:
        """Upper and lower lid of the eye on the right (1) or left (-1), from the inner corner out, 25 points each."""
        upper, lower = smooth(UPPER_LID), smooth(LOWER_LID)
        corners = np.linspace(upper[0], upper[-1], len(upper))
        lower = corners + (lower - corners) * (1, self.lower_lid)
        upper = lower + (upper - lower) * (1, self.upper_lid)
        return self.move(upper * (side, 1)), self.move(lower * (side, 1))

    def lips(self) -> tuple[Points, Points, Points, Points]:
        """The four edges of `LIPS`, left corner to right corner, 41 points each."""
        top, upper, lower, bottom = (
            smooth(self._lip_edge(half, share), 41) for half, share in zip(LIPS, LIP_SHARES, strict=True)
        )
        return top, upper, lower, bottom

    def _lip_edge(self, half: Points, share: float) -> Points:
        """The control points of one edge: made thinner, moved, opened."""
        inner = half[:, :1] < 0.39
        fullness = np.where(inner, self.fullness, 1)
        half = np.hstack([half[:, :1], LIP_LINE + (half[:, 1:] - LIP_LINE) * fullness])
        edge = np.concatenate([mirror(half[:0:-1]), half])
        opening = np.clip(1 - (np.abs(edge[:, 0]) / 0.40) ** 2.2, 0, 1)
        return self.move(edge) + np.stack([np.zeros(len(edge)), share * self.gap * opening], 1)

    def landmarks(self) -> Points:
        """(68, 2), in dlib's order."""
        both = [(side, self.lids(side)) for side in (-1, 1)]
        eyes: list[Points] = []
        for side, (upper, lower) in both:
            above, below = upper[[CORNERS[0], *THIRDS, CORNERS[1]]], lower[[*THIRDS[::-1]]]
            eyes += [above[::-1], below[::-1]] if side < 0 else [above, below]
        # the edges' control points, left corner to right: outer above, outer below, inner above, inner below
        top, upper, lower, bottom = (self._lip_edge(h, s) for h, s in zip(LIPS, LIP_SHARES, strict=True))
        for edge in (top, upper):  # the corners that are marked lie a little inside
            edge[[0, -1]] += 0.15 * (edge[[1, -2]] - edge[[0, -1]])
        lips = [top, bottom[-2:0:-1], upper, lower[-2:0:-1]]
        jaw, brow, nostrils = self.move(JAW), self.move(BROW), self.move(NOSTRILS)
        left = [self.move(mirror(half)) for half in (JAW, BROW, NOSTRILS)]
        return np.concatenate(
            [left[0][::-1], jaw[1:], left[1][::-1], brow, self.move(NOSE), left[2][::-1], nostrils[1:], *eyes, *lips]
        )


def _proportions(i: Identity) -> list[Pull]:
    """A person's proportions, as pulls on the average face."""
    return [
        Pull((1.0, 1.20), (0.45, 0.45), (0.055 * i.jaw, 0.02 * i.jaw, 0)),
        Pull((0.35, 1.77), (0.25, 0.25), (0.05 * i.jaw, 0, 0)),
        Pull((0.0, 1.83), (0.30, 0.30), (0, 0.07 * i.chin, 0.05 * i.chin)),
        Pull((0.75, 0.90), (0.40, 0.35), (0.03 * i.cheeks, 0, 0.08 * i.cheeks)),
        Pull((0.50, 0.00), (0.18, 0.16), (0, -0.012 * i.eye_size, 0)),
        Pull((0.66, 0.00), (0.12, 0.15), (0.03 * i.eye_size, -0.022 * i.eye_tilt, 0)),
        Pull((0.31, 0.00), (0.10, 0.15), (-0.016 * i.eye_size, 0.012 * i.eye_tilt, 0)),
        Pull((0.50, -0.31), (0.45, 0.16), (0, -0.07 * i.brow_height, 0)),
        Pull((0.66, -0.35), (0.22, 0.16), (0, -0.05 * i.brow_arch, 0)),
        Pull((0.22, 0.66), (0.14, 0.16), (0.042 * i.nose_width, 0, 0)),
        Pull((0.0, 0.62), (0.30, 0.20), (0, 0.07 * i.nose_length, 0)),
        Pull((0.42, 1.11), (0.22, 0.22), (0.055 * i.mouth_width, 0, 0)),
        Pull((0.0, 1.11), (0.55, 0.24), (0, 0.09 * i.mouth_height, 0)),
        Pull((0.0, 0.95), (0.30, 0.07), (0, -0.035 * i.lip_upper, 0)),
        Pull((0.0, 1.29), (0.28, 0.09), (0, 0.045 * i.lip_lower, 0)),
    ]
