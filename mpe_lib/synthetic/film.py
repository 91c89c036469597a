"""What becomes of light in a camera, and of a photograph on its way through the web."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from mpe_lib.faces.degrade import compressed
from mpe_lib.pixels import Picture
from mpe_lib.synthetic.sheet import Map

LUMINANCE = np.array((0.2126, 0.7152, 0.0722), np.float32)
MIDDLE = 0.5  # grey, in sRGB, which contrast leaves as it is
BLACK_AND_WHITE = 0.04  # share of pictures; of UTKFace 4% have no colour


@dataclass(frozen=True)
class Film:
    """How a picture was taken; the defaults are a good camera's."""

    exposure: float = 1
    balance: tuple[float, float, float] = (1, 1, 1)  # gains of red, green and blue: what is taken for white
    saturation: float = 1.1  # 0 black and white, 1 as the scene is
    contrast: float = 1.2  # slope of the tone curve at middle grey
    blur: float = 0.45  # deviation, of lens and enlargement, in pixels of a picture of 144
    sharpening: float = 0  # by an unsharp mask
    grain: float = 0.006  # deviation of noise, of the range from black to white
    quality: int = 95  # of JPEG


def draw_film(seed: int) -> Film:
    """A camera at random, the same for the same seed.

    Spreads are those of 4,634 photographs from the web (UTKFace): of their mean brightness, their contrast and
    the balance of their colours.
    """
    random = np.random.default_rng((seed, 8))
    warm, green = random.normal((-0.01, 0), (0.075, 0.03))
    colours = float(random.lognormal(0.14, 0.17))
    return Film(
        exposure=float(random.lognormal(0, 0.24)),
        balance=(float(np.exp(warm - green)), float(np.exp(green)), float(np.exp(-warm - green))),
        saturation=colours if random.random() > BLACK_AND_WHITE else 0,
        contrast=float(random.lognormal(0.28, 0.15)),
        blur=float(random.lognormal(-0.55, 0.35)),
        sharpening=float(random.uniform(0, 0.9)) * bool(random.random() < 0.4),
        grain=float(random.uniform(0.002, 0.014)),
        quality=int(random.integers(55, 97)),
    )


def develop(radiance: Map, size: int, film: Film, random: Generator) -> Picture:
    """Linear light (h, w, 3) to a photograph of (size, size, 3) uint8."""
    picture = cv2.resize(radiance, (size, size), interpolation=cv2.INTER_AREA)
    middle = slice(round(0.28 * size), round(0.72 * size))
    brightness = max(float(picture[middle, middle].mean()), 0.02)
    # a camera lightens dark faces and darkens light ones, most of the way
    picture *= np.float32(1.05 * film.exposure * ((0.20 + 0.35 * brightness) / brightness) ** 0.7)
    picture *= np.array(film.balance, np.float32)
    grey = (picture @ LUMINANCE)[..., None]
    picture = np.maximum(grey + film.saturation * (picture - grey), 0)
    picture = _tone(picture, film.contrast)
    pixel = size / 144
    picture = cv2.GaussianBlur(picture, (0, 0), film.blur * pixel)
    if film.sharpening:
        picture += film.sharpening * (picture - cv2.GaussianBlur(picture, (0, 0), 1.2 * pixel))
    noise = random.standard_normal(picture.shape, np.float32)
    if not film.saturation:
        noise = noise[..., :1]
    return compressed(np.clip(255 * (picture + film.grain * noise) + 0.5, 0, 255).astype(np.uint8), film.quality)


def _tone(picture: Map, contrast: float) -> Map:
    """Linear light to sRGB in [0, 1]: highlights roll off, and log-odds about middle grey grow with the contrast."""
    picture = np.clip(picture * (1 + picture / 2.2) / (1 + picture), 1e-4, 0.9999)
    srgb = np.where(picture < 0.0031308, 12.92 * picture, 1.055 * picture ** (1 / 2.4) - 0.055)
    odds = srgb / (1 - srgb) * np.float32((1 - MIDDLE) / MIDDLE)
    odds = odds ** np.float32(contrast) * np.float32(MIDDLE / (1 - MIDDLE))
    return odds / (1 + odds)
