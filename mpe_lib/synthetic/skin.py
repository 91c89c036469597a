"""The skin of a face at rest: its relief and its colour, before anything moves."""

import numpy as np
from numpy.random import Generator

from mpe_lib.synthetic.identity import Identity
from mpe_lib.synthetic.muscles import ACTIONS
from mpe_lib.synthetic.shape import JAW, SKULL, Shape
from mpe_lib.synthetic.sheet import Map, Points, Sheet, mirror, smooth

DEPTH = 1.30  # of the head from the silhouette to the plane of the forehead
# Where skin is darker, or light hardly comes: place, spread and depth of the shadow. There the mean of 4,634
# photographs (UTKFace), made 16 x 16, was darker than that of synthetic people.
SHADOWS = (
    ((0.47, 0.15), (0.20, 0.06), 0.8),  # bags under the eyes
    ((0.66, 0.07), (0.27, 0.13), 0.9),  # sockets
    ((0.64, -0.10), (0.20, 0.10), 1.1),  # upper lids
    ((0.33, -0.13), (0.11, 0.06), 0.9),  # below the inner ends of the brows
    ((0.0, -0.24), (0.20, 0.12), 0.5),  # between the brows
    ((0.20, 0.02), (0.06, 0.15), 0.9),  # beside the root of the nose
    ((0.30, 0.57), (0.11, 0.15), 0.3),  # beside its wings
    ((0.36, 0.93), (0.10, 0.10), 0.6),  # below them
    ((0.0, 0.90), (0.25, 0.08), 0.6),  # below its tip
    ((0.50, 1.00), (0.18, 0.17), 0.6),  # beside the mouth
)


def outline() -> Points:
    """The silhouette of the canonical head, a closed curve."""
    right = np.concatenate([JAW, SKULL])
    whole = np.concatenate([right, mirror(right[::-1][1:-1])])
    count = len(whole)
    closed = np.concatenate([whole[-2:], whole, whole[:3]])
    return smooth(closed, 8 * (count + 4) + 1)[16 : 16 + 8 * count + 1]


def distance(sheet: Sheet) -> Map:
    """0 at the middle of the face, 1 at the silhouette, straight on beyond."""
    centre = np.array([0.0, 0.35])
    curve = outline() - centre
    angles = np.arctan2(curve[:, 1], curve[:, 0])
    order = np.argsort(angles)
    directions = np.linspace(-np.pi, np.pi, 721)
    radii = np.interp(directions, angles[order], np.hypot(*curve.T)[order], period=2 * np.pi).astype(np.float32)
    dx, dy = sheet.X - np.float32(centre[0]), sheet.Y - np.float32(centre[1])
    direction = np.round((np.arctan2(dy, dx) + np.pi) * (720 / (2 * np.pi))).astype(np.int32)
    return np.hypot(dx, dy) / radii[direction]


def relief(sheet: Sheet, i: Identity, r: Map, random: Generator) -> Map:
    """Height of the face at rest in units, without lids and lips; `r` is `distance`."""
    blob, pair = sheet.blob, sheet.pair
    old, m = i.wrinkled, i.masculine
    z = dome(r)
    z += 0.05 * pair(0.35, -0.75, 0.4, 0.35)  # forehead
    z += _about(random, 0.035 + 0.06 * m) * pair(0.46, -0.22, 0.30, 0.085)  # brow ridge
    z += _about(random, 0.04) * blob(0, -0.17, 0.14, 0.14)
    z -= _about(random, 0.13 + 0.035 * i.eye_depth) * pair(0.55, 0.01, 0.25, 0.13)  # sockets
    z -= _about(random, 0.06) * pair(0.20, 0, 0.07, 0.12)
    z += 0.10 * pair(0.49, 0, 0.17, 0.10)  # eyeballs
    z += _nose(sheet, i)
    z += _about(random, 0.16 + 0.06 * i.cheeks) * pair(0.76, 0.57, 0.24, 0.21)  # cheekbones
    z -= _about(random, 0.05 - 0.05 * i.cheeks + 0.03 * old) * pair(0.80, 0.86, 0.20, 0.25)  # hollow of the cheeks
    z += _about(random, 0.11) * blob(0, 1.12, 0.38, 0.30)  # teeth behind the lips
    z += 0.008 * pair(0.075, 0.87, 0.03, 0.08) - 0.012 * blob(0, 0.87, 0.035, 0.07)  # philtrum
    z -= _about(random, 0.07) * blob(0, 1.43, 0.26, 0.075)  # between lip and chin
    z += _about(random, 0.13 + 0.04 * m) * blob(0, 1.65, 0.24, 0.17) + 0.02 * m * pair(0.12, 1.67, 0.10, 0.10)  # chin
    z += 0.38 * blob(0, 1.62, 0.42, 0.30)  # the lower jaw, which stands almost as far out as the forehead
    z += _about(random, 0.05 * m) * pair(0.98, 1.14, 0.16, 0.25)  # angle of the jaw
    z += 0.018 * sheet.noise(random, 0.3) + (0.004 + 0.003 * old) * sheet.noise(random, 0.13)  # no face is even
    return z - _lines(sheet, i, random)


def _about(random: Generator, value: float) -> float:
    """Around this value, by a quarter."""
    return value * float(random.normal(1, 0.25))


def dome(r: Map, swell: float = 0) -> Map:
    """The head without features, or a shell around it that is larger by the share `swell`."""
    inside = np.sqrt(np.maximum(1 - np.minimum(r, 1) ** 2.15, 0))
    return (DEPTH * (1 + swell) * inside - 0.9 * np.maximum(r - 1, 0)).astype(np.float32)


def _nose(sheet: Sheet, i: Identity) -> Map:
    """A ridge that grows downwards and ends in a tip; wings beside it, in a groove."""
    bridge = 0.05 * i.nose_bridge
    height = np.interp(
        sheet.y,
        [-0.32, -0.12, 0.10, 0.31, 0.475, 0.575, 0.655, 0.725, 0.795, 0.875],
        [0, 0.06 + bridge, 0.15 + bridge, 0.235 + 0.6 * bridge, 0.285, 0.285, 0.215, 0.11, 0.03, 0],
    )
    width = np.interp(
        sheet.y, [-0.3, -0.1, 0.1, 0.37, 0.535, 0.655, 0.785], [0.20, 0.145, 0.15, 0.165, 0.185, 0.205, 0.235]
    )
    window = np.hanning(max(3, round(0.16 * sheet.unit)) + 2)
    height = np.convolve(height, window / window.sum(), "same")  # no edges where the lines above meet
    z = height[:, None].astype(np.float32) * np.exp(-0.9 * (sheet.X / width[:, None].astype(np.float32)) ** 2)
    z += 0.115 * sheet.blob(0, 0.58, 0.095, 0.085) + 0.05 * sheet.blob(0, 0.685, 0.045, 0.045)
    z += 0.145 * sheet.pair(0.172, 0.637, 0.052, 0.058)
    groove = smooth(np.array([(0.205, 0.535), (0.252, 0.595), (0.258, 0.665), (0.225, 0.725)]))
    return z - 0.045 * sheet.stroke([groove, mirror(groove)], 0.022)


def _lines(sheet: Sheet, i: Identity, random: Generator) -> Map:
    """Depth of the lines that are there at rest; nasolabial folds and lower lids have a trace of them early."""

    def both(points: list[tuple[float, float]]) -> list[Points]:
        line = np.array(points)
        return [line, mirror(line)]

    old = i.wrinkled
    nasolabial = both([(0.28, 0.65), (0.46, 0.80), (0.58, 1.07)])
    depth = np.float32(_about(random, 0.038 + 0.045 * old)) * sheet.stroke(nasolabial, 0.040)
    depth -= (0.010 + 0.025 * old) * sheet.pair(0.52, 0.82, 0.11, 0.16)
    depth += (0.006 + 0.022 * old) * sheet.stroke(both([(0.28, 0.12), (0.47, 0.20), (0.68, 0.14)]), 0.03)
    if old > 0.1:
        forehead = [
            smooth(np.array([(-0.6, y + 0.03), (-0.2, y), (0.25, y + 0.01), (0.62, y + 0.04)]))
            for y in (-0.60, -0.74, -0.88)
        ]
        crows_feet = [
            line for a, b in ((0, -0.06), (0.04, 0.04), (0.08, 0.13)) for line in both([(0.80, a), (0.97, b)])
        ]
        depth += 0.013 * old * sheet.stroke(forehead, 0.022) + 0.014 * old * sheet.stroke(crows_feet, 0.018)
        depth += 0.022 * old * sheet.stroke(both([(0.44, 1.19), (0.50, 1.35), (0.48, 1.47)]), 0.03)
    return depth


def folds(sheet: Sheet, shape: Shape) -> Map:
    """Depth of the furrows that the action units press, deeper in old skin."""
    depth = np.zeros((sheet.n, sheet.n), np.float32)
    strength = 0.6 + 0.6 * np.clip((shape.identity.age - 20) / 45, 0, 1)
    for au, intensity in shape.aus.items():
        for furrow in ACTIONS[au].furrows:
            line = np.array(furrow.line)
            line = smooth(line, 13) if len(line) > 2 else line
            amount = np.float32(furrow.depth * intensity**1.3 * strength)
            depth += amount * sheet.stroke([line, mirror(line)], 0.8 * furrow.width)
    return depth


def pores(sheet: Sheet, i: Identity, random: Generator) -> Map:
    """Height of the finest relief."""
    fine = 0.0005 * sheet.noise(random, 0.022) + 0.0004 * sheet.noise(random, 0.04)
    return fine * np.float32(0.8 + 0.8 * i.wrinkled)


def complexion(sheet: Sheet, i: Identity, random: Generator) -> Map:
    """Albedo, (n, n, 3): blotches, redness, shadows round the eyes, freckles, moles."""
    pale, old = 1 - i.tone / 9, i.wrinkled
    blotches = 0.6 * sheet.noise(random, 0.35) + 0.5 * sheet.noise(random, 0.13) + 0.3 * sheet.noise(random, 0.05)
    albedo = i.skin.astype(np.float32) * (1 + 0.045 * blotches)[..., None]
    albedo[..., 2] *= 1 + 0.04 * sheet.noise(random, 0.2)  # sallow here, fresh there

    red = 0.55 * sheet.pair(0.62, 0.48, 0.25, 0.20) + 0.5 * sheet.blob(0, 0.59, 0.17, 0.13)
    red += 0.22 * sheet.blob(0, 1.70, 0.25, 0.15) + 0.18 * sheet.blob(0, -0.5, 0.5, 0.2)
    red = red * (0.6 + 0.25 * sheet.noise(random, 0.2)) + 0.07 * sheet.noise(random, 0.1)
    red *= np.float32(random.lognormal(0, 0.45))
    _absorb(albedo, red * np.float32((0.30 + 0.12 * i.make_up) * (0.45 + 0.55 * pale)), (-0.03, 0.75, 0.55))

    dark = np.zeros((sheet.n, sheet.n), np.float32)
    for at, spread, depth in SHADOWS:
        dark += np.float32(depth * _about(random, 1)) * (sheet.pair if at[0] else sheet.blob)(*at, *spread)
    _absorb(albedo, dark * np.float32(1.3 - 0.5 * pale + 0.2 * old), (0.31, 0.34, 0.26))

    count = int(3 + 260 * i.freckles + 50 * old)
    freckles = np.stack([random.normal(0, 0.52, count), random.normal(0.32, 0.28, count)], 1)
    spots = sheet.dots(freckles, random.uniform(0.004, 0.011, count), 0.35)
    moles = random.uniform((-0.9, 0.3), (0.9, 1.6), (random.integers(0, 4), 2))
    spots = np.maximum(spots, sheet.dots(moles, np.full(len(moles), 0.014), 0.9))
    _absorb(albedo, sheet.blur(spots, 0.007), (0.6, 0.95, 1.1))
    return albedo


def _absorb(albedo: Map, amount: Map, spectrum: tuple[float, float, float]) -> None:
    """Pigment, in place: Beer-Lambert with an absorption for each of red, green and blue."""
    albedo *= np.exp(-amount[..., None] * np.array(spectrum, np.float32))


def gloss(sheet: Sheet, i: Identity, random: Generator) -> Map:
    """How much of the light is mirrored: forehead, nose and cheeks are oily."""
    oily = 0.35 + 0.35 * sheet.blob(0, -0.55, 0.5, 0.35) + 0.5 * sheet.blob(0, 0.48, 0.12, 0.22)
    oily += 0.8 * sheet.pair(0.74, 0.57, 0.17, 0.13)
    return oily * (1 + 0.15 * sheet.noise(random, 0.06)) * np.float32(0.40 + 0.60 * (1 - i.tone / 9))
