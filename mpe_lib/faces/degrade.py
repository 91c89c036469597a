"""From a face to its 16 x 16 original and back by interpolation: Pillow's bicubic, which antialiases."""

import numpy as np
from PIL import Image

from mpe_lib.pixels import Picture

FACTOR = 8


def degrade(face: Picture) -> Picture:
    """(H, W, 3) uint8 -> (H / 8, W / 8, 3) uint8, the network's input (Sec. 4.2).

    The cubic kernel is stretched by the factor, so that every pixel counts. OpenCV's INTER_CUBIC does not
    do this: it aliases, and is off by up to 100 levels.
    """
    height, width = face.shape[:2]
    return _resize(face, width // FACTOR, height // FACTOR)


def bicubic(lr: Picture) -> Picture:
    """(H, W, 3) uint8 -> (8 H, 8 W, 3) uint8: the baseline of every table."""
    height, width = lr.shape[:2]
    return _resize(lr, width * FACTOR, height * FACTOR)


def _resize(picture: Picture, width: int, height: int) -> Picture:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))
