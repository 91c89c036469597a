"""From a face to its 16 x 16 original and back by interpolation: Pillow's bicubic, which antialiases."""

from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from mpe_lib.pixels import Picture

FACTOR = 8  #: 128 pixels become 16


@dataclass(frozen=True)
class Degradation:
    """How a face becomes small: as networks are trained (the defaults), or as a camera may have done it."""

    antialias: bool = True  # False: OpenCV's INTER_CUBIC, which looks at 4 x 4 of 8 x 8 pixels
    blur: float = 0.0  # standard deviation in pixels of the face, before it is made small
    noise: float = 0.0  # standard deviation in levels of 255, after
    jpeg: int | None = None  # quality, 1 to 100, last; None: not compressed

    def __str__(self) -> str:
        """In words, empty for what networks are trained with."""
        words = [] if self.antialias else ["not antialiased"]
        words += [f"blur {self.blur:g} pixels"] if self.blur else []
        words += [f"noise {self.noise:g} levels"] if self.noise else []
        words += [f"JPEG {self.jpeg}"] if self.jpeg else []
        return ", ".join(words)


TRAINED = Degradation()  #: as the shipped weights were trained


def degrade(face: Picture, how: Degradation = TRAINED) -> Picture:
    """(H, W, 3) uint8 -> (H / 8, W / 8, 3) uint8, the network's input (Sec. 4.2).

    The cubic kernel is stretched by the factor, so that every pixel counts. OpenCV's INTER_CUBIC does not
    do this: it aliases, and is off by up to 100 levels. Noise is the same for the same face size.
    """
    height, width = face.shape[:2]
    if how.blur > 0:
        face = np.asarray(cv2.GaussianBlur(face, (0, 0), how.blur), np.uint8)
    if how.antialias:
        small = _resize(face, width // FACTOR, height // FACTOR)
    else:
        size = width // FACTOR, height // FACTOR
        small = np.asarray(cv2.resize(face, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    if how.noise > 0:
        noisy = small + np.random.default_rng(0).normal(0, how.noise, small.shape)
        small = noisy.clip(0, 255).round().astype(np.uint8)
    return small if how.jpeg is None else compressed(small, how.jpeg)


def compressed(picture: Picture, quality: int) -> Picture:
    """Through JPEG and back; quality 1 to 100."""
    file = BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=quality)
    return np.asarray(Image.open(file))


def bicubic(lr: Picture) -> Picture:
    """(H, W, 3) uint8 -> (8 H, 8 W, 3) uint8: the baseline of every table."""
    height, width = lr.shape[:2]
    return _resize(lr, width * FACTOR, height * FACTOR)


def _resize(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))
