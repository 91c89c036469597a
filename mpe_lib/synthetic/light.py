"""Light on a surface: a key light with its shadow, the sky, and the spreading of light in skin."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mpe_lib.synthetic.sheet import Map, Sheet, Surface

REACH = (0.05, 0.09, 0.14, 0.20, 0.28, 0.38, 0.50, 0.65)  # heights above the surface at which a shadow is looked for
SPREAD = (0.050, 0.022, 0.014)  # of red, green and blue light in skin, in units
WRAP = (0.20, 0.10, 0.06)  # how far each reaches round into the shade
# What people are photographed in: how often; degrees to the side (deviation) and above; strength of key and sky.
KINDS = (
    (0.45, 40, (5, 40), (1.5, 2.6), (0.45, 0.9)),  # lamps and windows
    (0.25, 10, (-2, 15), (1.8, 2.6), (0.4, 0.8)),  # flash
    (0.15, 60, (35, 65), (0.5, 1.0), (1.2, 1.8)),  # an overcast sky
    (0.15, 60, (15, 50), (2.5, 3.5), (0.2, 0.5)),  # the sun, a spot
)
BOUNCE = np.array([0.24, 0.19, 0.16], np.float32)  # share of the key light that clothes and floor send up


@dataclass(frozen=True)
class Light:
    """Directions are those of the camera: x right, y down, z towards the viewer."""

    direction: tuple[float, float, float]  # from the face to the key light, of length 1
    key: tuple[float, float, float]  # its strength, RGB
    ambient: tuple[float, float, float]  # of the light from everywhere


def draw_light(seed: int) -> Light:
    """A light of one of the `KINDS`, the same for the same seed."""
    random = np.random.default_rng((seed, 3))
    _, side, heights, strengths, skies = KINDS[random.choice(len(KINDS), p=[kind[0] for kind in KINDS])]
    around, above = np.radians(random.normal(0, side)), np.radians(random.uniform(*heights))
    direction = (
        float(np.sin(around) * np.cos(above)),
        float(-np.sin(above)),
        float(np.cos(around) * np.cos(above)),
    )
    warm, cool = float(random.normal(0, 0.09)), float(random.normal(0.05, 0.14))
    key, sky = float(random.uniform(*strengths)), float(random.uniform(*skies))
    return Light(
        direction,
        (key * (1 + warm), key, key * (1 - warm)),
        (sky * (1 - 0.7 * cool), sky, sky * (1 + cool)),
    )


def shade(sheet: Sheet, surface: Surface, light: Light, turn: NDArray[np.float64]) -> Map:
    """The light that the surface sends back, linear RGB; `turn` rotates the head to the camera."""
    key, ambient = (np.array(colour, np.float32) for colour in (light.key, light.ambient))
    # the head stays, light and viewer turn round it
    to_light, viewer, up = (
        (turn.T @ np.array(vector)).astype(np.float32) for vector in (light.direction, (0, 0, 1), (0, -1, 0))
    )
    normal = _normals(sheet, surface.z)
    facing = _dot(normal, to_light)
    shadow, hollow = _shadow(sheet, surface.z, to_light), _hollows(sheet, surface.z)

    lit = 1 - 0.85 * shadow
    direct = np.dstack([np.clip((facing + wrap) / (1 + wrap), 0, 1) * lit for wrap in WRAP])
    upwards = _dot(normal, up)
    sky = (0.70 + 0.30 * upwards) * (0.55 + 0.45 * normal[2]) * hollow
    floor = 0.5 * (1 - upwards) * hollow
    light_in = direct * key + sky[..., None] * ambient + floor[..., None] * (BOUNCE * key)
    spread = np.dstack([sheet.blur(np.ascontiguousarray(light_in[..., c]), width) for c, width in enumerate(SPREAD)])
    light_in += (spread - light_in) * (0.75 * surface.diffusion)[..., None]

    fresnel = surface.gloss * (0.035 + 0.5 * (1 - np.clip(_dot(normal, viewer), 0, 1)) ** 5)
    between = (to_light + viewer) / np.linalg.norm(to_light + viewer)
    mirrored = np.clip(_dot(normal, between), 0, 1)
    sheen = (1.43 * mirrored**14 + 2.1 * mirrored**45) * np.clip(3 * facing, 0, 1) * (1 - shadow)
    radiance = surface.albedo * light_in / 1.9
    radiance += (0.605 * fresnel * sheen)[..., None] * key + (0.175 * fresnel * hollow)[..., None] * ambient
    return np.maximum(radiance, 0)


def _normals(sheet: Sheet, z: Map) -> tuple[Map, Map, Map]:
    slope_x, slope_y = (cv2.Sobel(z, cv2.CV_32F, dx, dy, ksize=3, scale=sheet.unit / 8) for dx, dy in ((1, 0), (0, 1)))
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    return -slope_x / length, -slope_y / length, 1 / length


def _dot(normal: tuple[Map, Map, Map], vector: Map) -> Map:
    return normal[0] * vector[0] + normal[1] * vector[1] + normal[2] * vector[2]


def _shadow(sheet: Sheet, z: Map, to_light: Map) -> Map:
    """1 where the surface on the way to the light rises above the ray; the farther it is, the softer."""
    half = cv2.resize(z, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    across, down = (float(v) / max(float(to_light[2]), 0.15) * sheet.unit / 2 for v in to_light[:2])
    hidden = np.zeros_like(half)
    for height in REACH:
        shift = np.array([[1, 0, across * height], [0, 1, down * height]], np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        passed = cv2.warpAffine(half, shift, half.shape[::-1], flags=flags, borderValue=-3)
        np.maximum(hidden, (passed - half - height) / (0.06 + 0.25 * height), out=hidden)
    return cv2.resize(cv2.GaussianBlur(np.clip(hidden, 0, 1), (0, 0), 1.2), (sheet.n, sheet.n))


def _hollows(sheet: Sheet, z: Map) -> Map:
    """How much of the sky is seen: less where the surroundings are higher."""
    z = np.maximum(z, -0.3)
    near, far = (np.maximum(sheet.blur(z, width) - z, 0) for width in (0.10, 0.28))
    return np.clip(1 - 1.6 * near - 0.7 * far, 0.25, 1)
