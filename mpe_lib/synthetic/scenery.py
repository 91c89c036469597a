"""What is behind the head: background, hair that falls behind, neck and clothes."""

import cv2
import numpy as np
from numpy.random import Generator

from mpe_lib.synthetic.camera import Camera
from mpe_lib.synthetic.hair import half_width
from mpe_lib.synthetic.identity import Identity
from mpe_lib.synthetic.light import Light
from mpe_lib.synthetic.sheet import Map, ease


def scenery(i: Identity, light: Light, camera: Camera, rays: tuple[Map, Map], random: Generator) -> Map:
    """Linear RGB for every ray."""
    y = rays[1]
    x = rays[0] - np.float32(camera.turn[0] @ (0, 0, -0.25))  # the neck turns with the head, but less
    unit = float(1 / (rays[0][0, 1] - rays[0][0, 0]))  # rays in a unit
    key, ambient = (np.array(colour, np.float32) for colour in (light.key, light.ambient))
    picture = _background(x, y, random)
    if i.hair in ("long", "bob"):
        strands = 1 + 0.25 * cv2.resize(random.standard_normal((2, 60), np.float32), x.shape[::-1])
        colour = 0.20 * np.array(i.hair_colour, np.float32) * (ambient + 0.3 * key) * strands[..., None]
        _paint(picture, colour, _edge(half_width(y, i) - 0.08 - np.abs(x), 0.3 * unit))

    width = np.float32(0.72 + 0.14 * i.masculine + 0.04 * i.cheeks)  # of the neck, a cylinder
    shoulders = width * (0.3 + 0.7 * ease((y - 0.85) / 0.75)) + 0.9 * np.maximum(y - 1.85, 0) ** 1.6
    nx = np.clip(x / shoulders, -1, 1)
    nz = np.sqrt(1 - 0.96 * nx**2)
    to_light = light.direction
    below_chin = ease((y - 1.78 + np.float32(0.3 * to_light[0]) * nx) / 0.75)  # the head's shadow ends
    direct = np.clip((nx * np.float32(to_light[0]) + nz * np.float32(to_light[2]) + 0.1) / 1.1, 0, 1)
    sinews = 1 - 0.16 * np.exp(-(((np.abs(x) - 0.30 + 0.16 * (y - 2)) / 0.09) ** 2)) + 0.06 * np.exp(-((x / 0.14) ** 2))
    sky = (0.30 + 0.40 * nz) * (0.45 + 0.55 * below_chin)
    light_in = (direct * (0.12 + 0.88 * below_chin) * sinews)[..., None] * key + (sky * sinews)[..., None] * ambient
    shaded = (1 - below_chin)[..., None] * np.array([0.10, -0.02, -0.06], np.float32)  # red light comes through
    neck = i.skin.astype(np.float32) / 1.9 * light_in * (1 + shaded)
    _paint(picture, neck, _edge(shoulders - np.abs(x), 0.5 * unit) * _edge(y - 0.9, 0.2 * unit))

    cloth = random.choice([0.015, 0.10, 0.35, 0.8], p=[0.28, 0.3, 0.22, 0.2]) * np.exp(random.normal((0.1, 0, 0), 0.4))
    collar = np.float32(2.12 + random.uniform(0, 0.25)) + 0.35 * np.exp(-((x / np.float32(0.45)) ** 2))
    collar -= 0.10 * np.clip(np.abs(x) - 0.75, 0, 2)
    folds = 0.75 + 0.2 * np.cos(3 * x)
    clothes = cloth.astype(np.float32) * (0.5 * key + ambient) / 1.9 * folds[..., None]
    _paint(picture, clothes, _edge(y - collar, 0.5 * unit))
    return picture


def _background(x: Map, y: Map, random: Generator) -> Map:
    """A plain wall, or a blurred room with a few things in it."""
    if random.random() < 0.3:
        return _wall(random) * (1.1 - 0.06 * (x**2 + (y - 0.4) ** 2))[..., None]
    coarse = 0.12 * random.standard_normal((24, 24, 3), np.float32) + 0.5 * random.standard_normal(
        (24, 24, 1), np.float32
    )
    room = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), 1.6), x.shape[::-1], interpolation=cv2.INTER_CUBIC)
    picture = _wall(random) * np.exp(1.6 * room)
    for _ in range(random.integers(0, 4)):  # each on one side of an edge, mostly an upright one
        slope, at = random.normal(0, 0.3), random.choice([-1, 1]) * random.uniform(0.7, 2)
        across = (x + slope * y if random.random() < 0.8 else y + slope * x) * np.sign(at)
        _paint(picture, _wall(random), ease((across - abs(at)) * random.lognormal(0.7, 0.8) + 0.5))
    return np.clip(picture, 0.005, 1.5)


def _wall(random: Generator) -> Map:
    """What a wall sends back, linear RGB: dark, grey or bright, and now and then of a colour."""
    lit = random.choice([0.02, 0.12, 0.35, 1.0], p=[0.2, 0.3, 0.28, 0.22]) * random.lognormal(0, 0.45)
    colourful = random.choice([0.06, 0.35], p=[0.6, 0.4]) * np.array([1, 0.4, 1])  # rarely green or purple
    return (lit * np.exp(random.normal((0.15, 0, -0.05), colourful))).astype(np.float32)


def _edge(inside: Map, sharpness: float) -> Map:
    """1 where `inside` is positive."""
    return np.clip(inside * np.float32(sharpness), 0, 1)


def _paint(picture: Map, colour: Map, cover: Map) -> None:
    picture += (colour - picture) * cover[..., None]
