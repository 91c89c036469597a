"""Eyes, mouth, nostrils, ears and glasses, on a face that has moved."""

import numpy as np
from numpy.random import Generator

from mpe_lib.synthetic.shape import EYE, Shape
from mpe_lib.synthetic.sheet import Map, Points, Sheet, Surface, darken, mirror, smooth, tint

IRIS, PUPIL = 0.097, 0.040  # radii in units
TOOTH = np.array([0.72, 0.66, 0.56], np.float32)
OPEN = 0.03  # units between lips that are seen as apart


def add_ears(sheet: Sheet, skin: Points, surface: Surface) -> None:
    """Two ears behind the silhouette, at rest."""
    right = np.array(
        [(1.10, -0.10), (1.20, -0.20), (1.31, -0.14), (1.31, 0.12), (1.25, 0.36), (1.17, 0.52), (1.09, 0.48)]
    )
    for side in (1, -1):
        edge = right * (side, 1)
        ear = sheet.polygon(smooth(np.concatenate([edge, edge[:1]]), 60), 0.008) * (1 - surface.alpha)
        rim, pit = sheet.stroke([smooth(edge, 40)], 0.022), sheet.blob(side * 1.18, 0.12, 0.05, 0.13)
        tint(surface.albedo, skin * (1.02, 0.80, 0.78), ear)
        darken(surface.albedo, 0.45 * pit * ear)
        surface.z += ear * (0.15 + 0.06 * rim - 0.05 * pit - surface.z)
        np.maximum(surface.alpha, ear, out=surface.alpha)


def add_nostrils(sheet: Sheet, shape: Shape, surface: Surface) -> None:
    """Two dark holes, which lean towards the tip."""
    for side in (1, -1):
        line = shape.move(np.array([(0.066, 0.688), (0.104, 0.696), (0.140, 0.698)]) * (side, 1))
        hole = np.minimum(1.2 * sheet.stroke([smooth(line, 9)], 0.013), 1)
        tint(surface.albedo, 0.10 * shape.identity.skin * (1.3, 0.7, 0.6), 0.9 * hole)
        surface.z -= 0.03 * hole
        surface.gloss *= 1 - hole


# ---- mouth


def add_mouth(sheet: Sheet, shape: Shape, random: Generator, surface: Surface) -> None:
    """Lips, and teeth and tongue where they are apart."""
    i = shape.identity
    top, upper_edge, lower_edge, bottom = shape.lips()
    sheet, where = sheet.window((top[0] + bottom[-1]) / 2 + (bottom[20] - top[20]) * (0, 0.1), 1.7)
    surface = surface.window(where)
    upper = sheet.polygon(np.concatenate([top, upper_edge[::-1]]))
    lower = sheet.polygon(np.concatenate([lower_edge, bottom[::-1]]))
    lips = np.minimum(upper + lower, 1)
    wrinkles = sheet.noise(random, 0.022, 0.2)

    middle, half = (top[0, 0] + top[-1, 0]) / 2, (top[-1, 0] - top[0, 0]) / 2
    fading = np.clip(1 - (np.abs(sheet.x - middle) / half) ** 16, 0, 1).astype(np.float32)
    tint(surface.albedo, _lip_colour(shape), (0.80 + 0.15 * i.make_up) * sheet.blur(lips, 0.014) * fading)
    surface.albedo *= (1 + 0.05 * wrinkles * lips)[..., None]
    darken(surface.albedo, np.float32(0.34 - 0.18 * (1 - i.tone / 9)) * upper)  # it looks down
    surface.z += np.float32(0.036 * (1 + 0.2 * i.lip_upper)) * sheet.blur(upper, 0.035) * upper
    surface.z += np.float32(0.060 * (1 + 0.2 * i.lip_lower)) * sheet.blur(lower, 0.05) * lower
    surface.z -= 0.0022 * wrinkles * lips
    surface.gloss += lips * (0.15 + 0.45 * i.make_up - 0.3 * surface.gloss)

    closed = 1 - min(shape.gap / 0.05, 1)
    seam = sheet.stroke([((upper_edge + lower_edge) / 2)[1:-1]], 0.011)
    left, right = (sheet.blob(x, y, 0.06, 0.032) for x, y in (top[0], top[-1]))
    darken(surface.albedo, 0.72 * (0.25 + 0.75 * closed) * seam)
    darken(surface.albedo, 0.5 * (left + right))
    surface.z -= 0.05 * closed * seam + 0.03 * (left + right)
    if float((lower_edge - upper_edge)[:, 1].max()) >= OPEN:
        _add_inside(sheet, shape, upper_edge, lower_edge, surface)


def _lip_colour(shape: Shape) -> Points:
    i = shape.identity
    pale = 1 - i.tone / 9
    natural = i.skin * (pale * np.array([0.68, 0.38, 0.42]) + (1 - pale) * np.array([1.10, 0.68, 0.76]))
    painted = np.array([0.42, 0.07, 0.08]) * (0.6 + 0.4 * pale)
    return natural + 0.55 * i.make_up**2 * (painted - natural)


def _add_inside(sheet: Sheet, shape: Shape, upper_edge: Points, lower_edge: Points, surface: Surface) -> None:
    """The upper teeth hang behind the upper lip, the tongue lies behind the lower one; wide open, lower teeth show."""
    hole = sheet.polygon(np.concatenate([upper_edge, lower_edge[::-1]]))
    middle = len(upper_edge) // 2
    x, above, below = upper_edge[middle, 0], upper_edge[middle, 1], lower_edge[middle, 1]
    across = ((sheet.x - x) / 0.36).astype(np.float32)  # -1 to 1 over the teeth
    between = 0.22 * np.exp(-((np.sin(np.pi * 4.3 * np.minimum(np.abs(across), 1) ** 0.9) / 0.16) ** 2))
    shade = (1 - between) * np.sqrt(np.clip(1.05 - across**2, 0.04, 1))  # of an arch of teeth
    i = shape.identity
    colour = TOOTH * np.float32((1 - 0.08 * np.clip((i.age - 30) / 40, 0, 1)) * (1 - 0.04 * i.tone))

    inside = np.broadcast_to(np.array([0.09, 0.018, 0.018], np.float32), surface.albedo.shape).copy()
    # a lip that is lifted, or pulled to the side, bares more of the teeth behind it
    shown = 0.095 + 0.04 * max(shape.aus.get(12, 0), shape.aus.get(10, 0), shape.aus.get(20, 0))
    down = sheet.Y - np.float32(above + shown) - 0.03 * across**2
    teeth = 1 - np.clip((down + 0.005 * np.cos(26 * across)) * 0.8 * sheet.unit, 0, 1)
    teeth = teeth * np.clip((1.02 - np.abs(across)) * 12, 0, 1)
    inside += (colour * shade[:, None] - inside) * (0.96 * teeth)[..., None]
    if shape.gap > 0.12:
        tongue = np.minimum(sheet.blob(x, below + 0.03, 0.2, 0.075), 1)
        tint(inside, (0.38, 0.12, 0.11), 0.9 * tongue * (1 - teeth))
    if shape.gap > 0.2:
        up = sheet.Y - np.float32(below - 0.055) - 0.05 * across**2
        row = np.clip(0.5 * up * sheet.unit, 0, 1) * np.clip((0.72 - np.abs(across)) * 12, 0, 1)
        inside += (0.75 * colour * (1 - between)[:, None] - inside) * (0.85 * row)[..., None]
    inside *= np.clip(1.5 * sheet.blur(hole, 0.04) - 0.35, 0.12, 1)[..., None]  # dark towards the edges

    surface.albedo += (inside - surface.albedo) * hole[..., None]
    surface.z -= 0.02 * hole
    surface.diffusion *= 1 - hole
    surface.gloss += hole * (0.5 * teeth - surface.gloss)


# ---- eyes


def add_eyes(sheet: Sheet, shape: Shape, surface: Surface) -> Map:
    """Lids, eyeballs and lashes; returns where an eye is open, 1 inside."""
    i = shape.identity
    gaze = np.random.default_rng((i.seed, 5)).normal(0, 0.012, 2)
    wet = np.zeros((sheet.n, sheet.n), np.float32)
    for side in (1, -1):
        upper, lower = shape.lids(side)
        part, where = sheet.window((upper[0] + upper[-1]) / 2, 0.9)
        eye = surface.window(where)
        _add_lids(part, shape, upper, lower, eye)
        if float((lower - upper)[:, 1].max()) > 0.015:
            wet[where] += _add_eyeball(part, shape, side, gaze, upper, lower, eye)
        _add_lashes(part, shape, side, upper, lower, eye)
    return wet


def _add_lids(sheet: Sheet, shape: Shape, upper: Points, lower: Points, surface: Surface) -> None:
    """The crease above the upper lid, its bulge and paint, and the rim of the lower one."""
    i = shape.identity
    rise = 0.050 + 0.055 * i.lid_fold + 0.03 * max(0.0, 1 - shape.upper_lid)
    arch = np.sin(np.linspace(0.35, np.pi - 0.15, len(upper))) ** 0.7
    fold = upper - np.stack([np.zeros(len(upper)), rise * arch], 1)
    crease = sheet.stroke([fold], 0.016)
    lid = sheet.blur(sheet.polygon(np.concatenate([fold, upper[::-1]])), 0.02)
    surface.z += 0.030 * lid - np.float32(0.030 * (0.4 + 0.6 * i.lid_fold)) * crease
    darken(surface.albedo, 0.20 * crease)
    if i.make_up > 0.55:
        paint = np.array([0.45, 0.64, 0.64], np.float32) * np.float32(i.make_up - 0.4)
        surface.albedo *= 1 - lid[..., None] * paint
    surface.z += 0.018 * sheet.stroke([lower + np.array([0, 0.014])], 0.011)


def _add_eyeball(
    sheet: Sheet,
    shape: Shape,
    side: int,
    gaze: Points,
    upper: Points,
    lower: Points,
    surface: Surface,
) -> Map:
    """A sphere with iris and pupil, in the shadow of the upper lid; returns where it is seen."""
    i = shape.identity
    opening = sheet.polygon(np.concatenate([upper, lower[::-1]]))
    x, y = shape.move(EYE * (side, 1)) + gaze
    dx, dy = sheet.X - np.float32(x), sheet.Y - np.float32(y)
    away = np.hypot(dx, dy)
    white = np.array([0.58, 0.54, 0.51], np.float32) * np.float32(1 - 0.065 * i.tone)
    ball = np.broadcast_to(white, surface.albedo.shape).copy()
    ball *= 1 - (np.minimum(np.abs(dx) / 0.2, 1) ** 2)[..., None] * np.array([0.12, 0.30, 0.30], np.float32)
    caruncle = sheet.blob(upper[0, 0] + 0.018 * side, upper[0, 1] + 0.006, 0.02, 0.016)
    tint(ball, (0.45, 0.20, 0.17), np.minimum(1.2 * caruncle, 0.9))

    angle = np.arctan2(dy, dx)
    spokes = 0.5 * np.sin(23 * angle + 2 * np.sin(7 * angle)) + 0.3 * np.sin(41 * angle)
    iris = np.array(i.iris, np.float32) * (1 + 0.22 * spokes)[..., None]
    iris *= (0.45 + 0.50 * np.clip(0.6 * dy / IRIS + 0.3, 0, 1))[..., None]  # light falls in from above
    iris *= (1 - 0.72 * np.clip((away / IRIS - 0.72) / 0.28, 0, 1) ** 2)[..., None]  # dark rim
    ball += (iris - ball) * np.clip((IRIS - away) * 0.8 * sheet.unit + 0.5, 0, 1)[..., None]
    darken(ball, 0.97 * np.clip((PUPIL - away) * 0.8 * sheet.unit + 0.5, 0, 1))
    darken(ball, 0.80 * sheet.stroke([upper + np.array([0, 0.012])], 0.040))
    darken(ball, 0.25 * sheet.stroke([lower], 0.016))

    surface.albedo += (ball - surface.albedo) * opening[..., None]
    corners = float(np.median(sheet.sample(surface.z, np.stack([upper[0], upper[-1]]))))
    sphere = np.sqrt(np.maximum(0.28**2 - away**2, 0)) + 0.02 * np.maximum(1 - (away / IRIS) ** 2, 0)
    surface.z += (sphere + np.float32(corners - 0.22) - surface.z) * opening
    surface.diffusion *= 1 - opening
    surface.gloss *= 1 - opening
    return opening


def _add_lashes(sheet: Sheet, shape: Shape, side: int, upper: Points, lower: Points, surface: Surface) -> None:
    i = shape.identity
    feminine = 1 - i.masculine
    width = 0.014 + 0.006 * i.make_up
    line = 0.4 * sheet.stroke([upper], width) + 0.6 * sheet.stroke([upper[10:]], width)  # thicker outwards
    darken(surface.albedo, (0.60 + 0.30 * feminine) * line)
    lift = -1 if shape.upper_lid > 0.2 else 1  # the lashes of a closed eye point down
    hairs: list[Points] = []
    for t in np.linspace(0.15, 1, 16):
        root = upper[int(t * (len(upper) - 1))]
        tip = np.array([side * (0.06 * t - 0.012), lift * (0.045 + 0.02 * t)]) * (0.45 + 0.75 * feminine)
        hairs.append(np.stack([root, root + tip]))
    darken(surface.albedo, (0.55 + 0.25 * feminine) * sheet.pen(hairs, 0, 0.8))
    darken(surface.albedo, 0.22 * sheet.stroke([lower[4:]], 0.010))


# ---- glasses


def glasses(sheet: Sheet, shape: Shape) -> Map:
    """Where the frame is, 1 on it; zeros without glasses."""
    kind = shape.identity.glasses
    if kind == "none":
        return np.zeros((sheet.n, sheet.n), np.float32)
    power, rx, ry = (1.0, 0.345, 0.30) if kind == "round" else (0.5, 0.375, 0.25)
    turn = np.linspace(0, 2 * np.pi, 49)
    cos, sin = np.cos(turn), np.sin(turn)
    rim = np.stack([rx * np.sign(cos) * np.abs(cos) ** power, ry * np.sign(sin) * np.abs(sin) ** power], 1)
    right, left = (shape.move(np.array([0.50 * side, 0.04])) for side in (1, -1))
    bridge = (left + right) / 2 + np.array([(-0.165, -0.03), (0, -0.08), (0.165, -0.03)])
    temple = np.array([(0.36, -0.06), (0.66, -0.06)])
    temples = [right + temple, left + mirror(temple)]
    return sheet.pen([right + rim, left + rim, bridge, *temples], 0.016 if kind == "thin" else 0.028)
