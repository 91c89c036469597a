"""What is asked of an aligned face: sharp, seen from the front, and not seen before."""

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mpe_lib.faces.folder import Rejected, Row
from mpe_lib.pixels import Picture

NOSE = 1.2  #: how far the tip stands before the outer corners of the eyes, over half their distance
#: Bits along a side of a fingerprint, and how many of all may differ. Between a photograph and its copy, shrunk to 0.7
#: and compressed anew, 19 of 576 differ (median; up to 30 in four of five), between two faces of one person, one of
#: them smiling, 33 or more, between different people 68 or more (158 people of the London and Congress portraits).
SIDE, SAME = 24, 30


def sharpness(face: Picture) -> float:
    """Variance of the Laplacian of the grey picture, which is to be 144 pixels wide.

    60 to 2600 in real portraits, 5 to 23 once they are blurred by a Gaussian of 2 pixels.
    """
    return float(cv2.Laplacian(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def yaw(landmarks: NDArray[np.float64]) -> float:
    """Degrees that a face is turned by, above 0 if its nose points to the right of the picture; (68, 2), eyes level.

    Turned, the tip of the nose moves by the sine of the angle, and the outer corners of the eyes come closer by its
    cosine. Within about 3 degrees for synthetic heads up to 40.
    """
    right, left, tip = landmarks[[36, 45, 30], 0]
    return math.degrees(math.atan2(tip - (right + left) / 2, NOSE * (left - right) / 2))


def fingerprint(face: Picture) -> str:
    """A difference hash, SIDE * SIDE bits in hex: whether the picture, made small, gets brighter to the right.

    The usual 64 bits don't tell aligned faces apart: those of different people differ in as few as one.
    """
    grey = Image.fromarray(face).convert("L").resize((SIDE + 1, SIDE), Image.Resampling.BILINEAR)
    levels = np.asarray(grey, np.int16)
    return np.packbits(levels[:, 1:] > levels[:, :-1]).tobytes().hex()


def near_duplicates(rows: Sequence[Row]) -> dict[str, Rejected]:
    """Faces that differ in at most `SAME` bits from one before them that stays, by file name."""
    if not rows:
        return {}
    marks = np.array([list(bytes.fromhex(each.mark)) for each in rows], np.uint8)
    signs = np.unpackbits(marks, axis=1).astype(np.float32) * 2 - 1
    gone: dict[str, Rejected] = {}
    for start in range(0, len(rows), 256):  # all pairs at once would need 400 MB for 10,000
        differing = (signs.shape[1] - signs[start : start + 256] @ signs[start:].T) / 2
        for one, near in enumerate(np.triu(differing <= SAME, 1), start):
            if rows[one].file_name not in gone:
                reason = f"nearly the same face as {rows[one].more['source']}"
                for two in np.flatnonzero(near).tolist():
                    same_face = rows[start + two]
                    gone.setdefault(same_face.file_name, Rejected(same_face.more["source"], reason))
    return gone
