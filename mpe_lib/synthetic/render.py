"""A synthetic person: a picture whose landmarks and action units are known exactly."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mpe_lib.config import near
from mpe_lib.errors import UserError
from mpe_lib.pixels import Picture
from mpe_lib.synthetic import features, hair, skin
from mpe_lib.synthetic.camera import Camera, Pose, draw_pose
from mpe_lib.synthetic.film import Film, develop, draw_film
from mpe_lib.synthetic.identity import Identity, draw_identity
from mpe_lib.synthetic.light import Light, draw_light, shade
from mpe_lib.synthetic.muscles import ACTIONS
from mpe_lib.synthetic.scenery import scenery
from mpe_lib.synthetic.shape import EYE, Shape
from mpe_lib.synthetic.sheet import Map, Points, Sheet, Surface

CELLS = 352  # of the sheet, along a side, for a picture of 144
ZOOM = 2  # rays along a side of a pixel
# Units that faces show together: smiles, which are the most of photographs, and surprise, sorrow, anger, disgust, fear,
# contempt, talk, sleep.
SMILES = ((12,), (6, 12), (6, 12, 25), (6, 7, 12, 25), (6, 10, 12, 25), (12, 25), (12, 25, 26))
OTHERS = (
    *((1, 2, 5, 25, 26), (1, 2), (1, 4, 15), (1, 4, 15, 17), (4, 7, 23), (4, 5, 24), (9, 10), (9, 10, 17)),
    *((1, 2, 4, 5, 20, 25), (14,), (25,), (25, 26), (4, 7), (43,)),
)


@dataclass(frozen=True, eq=False)
class Synthetic:
    """A picture of a synthetic person, and what is true of it."""

    image: Picture  # (size, size, 3) uint8, RGB
    landmarks: Points  # (68, 2), in pixels
    aus: dict[int, float]  # intensity of every action unit, 0 to 1
    identity: Identity


def synthesize(
    seed: int,
    aus: Mapping[int, float] | None = None,
    identity: Identity | None = None,
    pose: Pose | None = None,
    light: Light | None = None,
    film: Film | None = None,
    size: int = 144,
    scale: float = 2.9,
    steady: bool = False,
) -> Synthetic:
    """A face from nothing; the same seed gives the same picture.

    Whatever is not given is drawn at random from the seed: hold some of it, and change the rest, to animate
    one person, to light one face anew, or to photograph it with another camera.

    Args:
        seed: 0 or more.
        aus: intensity in [0, 1] of the units that are active; {} is a face at rest.
        identity, pose, light, film: see `draw_identity`, `draw_pose`, `draw_light`, `draw_film`.
        size: side of the picture in pixels, 32 or more.
        scale: how much of the head is seen, as in `faces.align.align`.
        steady: frame the face as if it were at rest, so that an animation does not jump; alignment follows
            the corners of the mouth.

    Raises:
        UserError: a negative seed, an action unit that is not known, or an intensity outside [0, 1].
    """
    if seed < 0:
        raise UserError(f"seed={seed} is negative", "use 0 or more")
    identity = draw_identity(seed) if identity is None else identity
    aus = _checked(draw_aus(seed) if aus is None else aus)
    pose = draw_pose(seed) if pose is None else pose
    light = draw_light(seed) if light is None else light
    film = draw_film(seed) if film is None else film
    random = np.random.default_rng((seed, 6))

    sheet = Sheet(round(CELLS * max(size, 48) / 144))
    shape = Shape(identity, aus)
    surface, wet = _head(sheet, shape)
    radiance = shade(sheet, surface, light, pose.turn)
    _reflect(sheet, shape, radiance, wet, light, pose)
    _put_on_glasses(sheet, shape, radiance, surface, light)

    landmarks = _raised(sheet, surface, shape)
    framed = _raised(sheet, surface, Shape(identity, {})) if steady else landmarks
    camera = Camera(framed, pose, scale, size)
    rays = camera.rays(ZOOM)
    cells = camera.trace(sheet, surface.z, rays)
    head, alpha = (
        cv2.remap(part, *cells, cv2.INTER_LINEAR, borderMode=border)
        for part, border in ((radiance, cv2.BORDER_REPLICATE), (surface.alpha, cv2.BORDER_CONSTANT))
    )
    picture = scenery(identity, light, camera, rays, random)
    picture += (head - picture) * alpha[..., None]
    everything = dict.fromkeys(ACTIONS, 0.0) | dict(aus)
    return Synthetic(develop(picture, size, film, random), camera.see(landmarks), everything, identity)


def _raised(sheet: Sheet, surface: Surface, shape: Shape) -> Points:
    """The landmarks of a shape on the surface, (68, 3)."""
    landmarks = shape.landmarks()
    height = sheet.sample(surface.z, landmarks)
    height[:17] = np.minimum(height[:17], 0.5)  # the jaw's points lie where the face turns away
    return np.column_stack([landmarks, height])


def draw_aus(seed: int) -> dict[int, float]:
    """A face at rest, a smile, another expression, or one to three units at random, the same for the same seed."""
    random = np.random.default_rng((seed, 2))
    kind = random.random()
    if kind < 0.15:
        return {}
    some = tuple(random.choice(list(ACTIONS), random.integers(1, 4), replace=False))
    units = _one(random, SMILES) if kind < 0.7 else _one(random, OTHERS) if kind < 0.88 else some
    return {int(au): float(random.uniform(0.4, 1)) for au in units}


def _one(random: Generator, expressions: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    return expressions[random.integers(len(expressions))]


def _checked(aus: Mapping[int, float]) -> Mapping[int, float]:
    for au, intensity in aus.items():
        if au not in ACTIONS:
            raise UserError(f"no action unit {au}", near(str(au), map(str, ACTIONS)))
        if not 0 <= intensity <= 1:
            raise UserError(f"AU{au}={intensity} is no intensity", "give a number from 0 to 1")
    return aus


def _head(sheet: Sheet, shape: Shape) -> tuple[Surface, Map]:
    """The head in its own frame, frontal, everything moved; and where an eye is open."""
    i = shape.identity
    random = np.random.default_rng((i.seed, 0))
    r = skin.distance(sheet)
    inside = np.clip((1 - r) * sheet.unit + 0.5, 0, 1)
    rest = Surface(
        z=skin.relief(sheet, i, r, random) - skin.folds(sheet, shape) + skin.pores(sheet, i, random),
        albedo=skin.complexion(sheet, i, random),
        gloss=skin.gloss(sheet, i, random),
        diffusion=np.ones_like(r),
        alpha=inside,
    )
    hair.add_brows(sheet, i, random, rest)
    hair.add_beard(sheet, i, random, rest)
    features.add_ears(sheet, i.skin, rest)
    hair.add_hair(sheet, i, random, rest, r)
    surface = _moved(sheet, shape, rest)
    features.add_mouth(sheet, shape, random, surface)
    wet = features.add_eyes(sheet, shape, surface)
    features.add_nostrils(sheet, shape, surface)
    return surface, wet


def _moved(sheet: Sheet, shape: Shape, rest: Surface) -> Surface:
    """The surface after identity and action units have pulled on it.

    What lies at p came from u with p = u + field(u): a fixed point, found in six steps.
    """
    field = shape.field(sheet)
    at = np.arange(sheet.n, dtype=np.float32)
    here = np.dstack(np.meshgrid(at, at))
    flow = np.ascontiguousarray(field[..., :2]) * np.float32(sheet.unit)
    source = here - flow
    for _ in range(5):
        source = here - _look_up(flow, source)
    z, gloss, diffusion, alpha = cv2.split(
        _look_up(np.dstack([rest.z + field[..., 2], rest.gloss, rest.diffusion, rest.alpha]), source)
    )
    return Surface(z, _look_up(rest.albedo, source), gloss, diffusion, alpha)


def _look_up(values: Map, source: Map) -> Map:
    x, y = cv2.split(source)
    return cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _reflect(sheet: Sheet, shape: Shape, radiance: Map, wet: Map, light: Light, pose: Pose) -> None:
    """The key light mirrored in each eye, and a trace of the room below it."""
    x, y, _ = pose.turn.T @ np.array(light.direction)
    for side in (1, -1):
        at = shape.move(EYE * (side, 1))
        part, where = sheet.window(at, 0.5)
        spot = part.blob(at[0] + 0.045 * x, at[1] + 0.05 * y - 0.005, 0.017, 0.017)
        room = part.blob(at[0] - 0.05 * x, at[1] + 0.04, 0.03, 0.014)
        radiance[where] += (wet[where] * (0.4 * np.clip(2.2 * spot - 0.6, 0, 1) + 0.04 * room))[..., None]


def _put_on_glasses(sheet: Sheet, shape: Shape, radiance: Map, surface: Surface, light: Light) -> None:
    kind = shape.identity.glasses
    if kind == "none":
        return
    frame = features.glasses(sheet, shape)
    away = round(0.045 * sheet.unit)
    shadow = sheet.blur(np.roll(frame, (away, -away if light.direction[0] > 0 else away), (0, 1)), 0.02)
    radiance *= (1 - 0.35 * shadow)[..., None]
    metal = (0.25, 0.20, 0.12) if kind == "thin" else (0.02, 0.018, 0.018)
    radiance += (np.array(metal, np.float32) - radiance) * (0.95 * frame)[..., None]
    surface.z += (np.maximum(surface.z, 0.95) - surface.z) * (frame > 0.3)
