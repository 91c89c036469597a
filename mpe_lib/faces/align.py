"""Faces in a photograph: found, marked with 68 landmarks, and cut out upright (Sec. 4.2).

Coordinates are pixels, x to the right and y down, and name pixel centres, as dlib and OpenCV have it: (0, 0)
is the middle of the first pixel, and a picture W pixels wide reaches from -0.5 to W - 0.5.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mpe_lib.errors import UserError

MIN_SCORE = 0.3  #: of a detection: a false one in the astronaut, once doubled, scores 0.12
MAX_SIDE = 2000  #: of the copy that faces are searched in: memory and time grow with its area
DOUBLED = 1000  #: pixels: doubling a longer picture, where no face is found, takes seconds
MAX_OUTSIDE = 0.1  #: share of an aligned square that may have to be invented
FACE, PATCH = 400, 600  #: pixels: a face box, and what surrounds it, where the landmarks are found


@dataclass(frozen=True, eq=False)
class Face:
    """A face that was found in a picture."""

    box: tuple[float, float, float, float]  # left, top, right, bottom: its outer edges
    score: float  # of the detector, >= MIN_SCORE
    landmarks: NDArray[np.float64]  # (68, 2)


@dataclass(frozen=True, eq=False)
class Aligned:
    """A face that was cut out upright."""

    image: NDArray[np.uint8]  # (size, size, 3) RGB
    landmarks: NDArray[np.float64]  # (68, 2) in pixels of the image
    source_side: float  # side of the square in pixels of the picture: below `size` the face was enlarged


def detect(picture: NDArray[np.uint8], upsample: Iterable[int] = (0, 1)) -> list[Face]:
    """Find frontal faces and their landmarks, the largest first.

    `picture` is (H, W, 3) uint8 RGB. `upsample` says how often to double it before searching; the next entry
    is tried only if the one before found nothing. A face must be about 80 pixels wide at 0, 40 at 1, in a
    copy with a longer side of at most MAX_SIDE.

    Raises:
        UserError: the landmark model is not installed.
    """
    height, width = picture.shape[:2]
    zoom = min(1.0, MAX_SIDE / max(height, width))
    copy_size = max(1, round(width * zoom)), max(1, round(height * zoom))
    copy = cv2.resize(picture, copy_size, interpolation=cv2.INTER_AREA)
    faces: list[Face] = []
    for doublings in upsample:
        for box, score in zip(*_detector().run(copy, doublings, MIN_SCORE)[:2], strict=True):
            edges = (box.left(), box.top(), box.right() + 1, box.bottom() + 1)
            left, top, right, bottom = (edge / zoom - 0.5 for edge in edges)
            landmarks = _mark(picture, left, top, right - left)
            faces.append(Face((left, top, right, bottom), score, landmarks))
        if faces:
            break
    return sorted(faces, key=lambda face: face.box[2] - face.box[0], reverse=True)


def detect_largest(picture: NDArray[np.uint8]) -> Face | None:
    """The largest face, None if there is none; a copy of a long picture is not doubled to find it."""
    found = detect(picture, upsample=(0, 1) if max(picture.shape) <= DOUBLED else (0,))
    return found[0] if found else None


def similarity(landmarks: NDArray[np.float64], scale: float = 2.9, size: int = 144) -> NDArray[np.float64]:
    """Return the (2, 3) matrix from pixels of the picture to pixels of the aligned face.

    The line between the eye centres becomes level. The square around the middle of {eye centres, nose tip,
    mouth corners}, `scale` times as wide as their larger extent, becomes `size` pixels wide; 2.9 is the
    published geometry of the BP4D and DISFA crops.

    Raises:
        UserError: landmarks that are not finite, or eyes less than a pixel apart.
    """
    right_eye, left_eye = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    eye_distance = math.dist(right_eye, left_eye)
    if not (np.isfinite(landmarks).all() and eye_distance >= 1):
        raise UserError("the landmarks are no face: not finite, or eyes in one place", "mark the face again")
    cos, sin = (left_eye - right_eye) / eye_distance
    turn = np.array([[cos, sin], [-sin, cos]])
    turned = np.stack([right_eye, left_eye, *landmarks[[30, 48, 54]]]) @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    zoom = size / (scale * (high - low).max())
    shift = (size - 1) / 2 - zoom * (low + high) / 2
    return np.column_stack([zoom * turn, shift])


def align(picture: NDArray[np.uint8], landmarks: NDArray[np.float64], scale: float = 2.9, size: int = 144) -> Aligned:
    """Cut a face out of a picture, upright and antialiased, the edge of the picture repeated outside it.

    `picture` is (H, W, 3) uint8 RGB, `landmarks` (68, 2); see `similarity` for `scale` and `size`.

    Raises:
        UserError: more than a tenth of the square is outside the picture, or landmarks that are no face.
    """
    matrix = similarity(landmarks, scale, size)
    outside = 1 - _covered(matrix, size, picture)
    if outside > MAX_OUTSIDE:
        raise UserError(
            f"{outside:.0%} of the square around the face is outside the picture",
            "use a photograph with more room around the face",
        )
    return Aligned(_cut(picture, matrix, size), _transform(matrix, landmarks), size / _zoom(matrix))


def landmark_model() -> Path:
    """Return the path of dlib's 68-point model; it and its training data (300-W) exclude commercial use.

    Raises:
        UserError: face_recognition_models, which carries it, is not installed.
    """
    try:
        # Found without importing the package, which would need pkg_resources: recent setuptools lack it.
        package = distribution("face_recognition_models")
    except PackageNotFoundError as error:
        raise UserError("dlib's landmark model is missing", "pip install face_recognition_models") from error
    folder = Path(str(package.locate_file("face_recognition_models/models")))
    return folder / "shape_predictor_68_face_landmarks.dat"


@cache
def _detector() -> dlib.fhog_object_detector:
    return dlib.get_frontal_face_detector()


@cache
def _predictor() -> dlib.shape_predictor:
    model = landmark_model()
    try:
        return dlib.shape_predictor(str(model))
    except RuntimeError as error:
        remedy = "pip install --force-reinstall face_recognition_models"
        raise UserError(f"{model} is missing or damaged", remedy) from error


def _mark(picture: NDArray[np.uint8], left: float, top: float, side: float) -> NDArray[np.float64]:
    """Return the landmarks (68, 2) of the face in a square box, found in a patch that makes it FACE wide.

    dlib rounds landmarks to whole pixels and compares single ones: in the picture itself the first would tilt
    small faces, and the second would follow the grain of large ones.
    """
    zoom, margin = FACE / side, (PATCH - FACE) // 2
    matrix = np.array([[zoom, 0, margin - 0.5 - zoom * left], [0, zoom, margin - 0.5 - zoom * top]])
    patch = _cut(picture, matrix, PATCH)
    box = dlib.rectangle(margin, margin, margin + FACE - 1, margin + FACE - 1)
    points = [(point.x, point.y) for point in _predictor()(patch, box).parts()]
    return _transform(_inverse(matrix), np.array(points, np.float64))


def _cut(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Resample the square that a similarity takes to (size, size, 3), edges repeated."""
    # warpAffine has no antialiasing and wants fewer than 32767 pixels a side: so it turns the surroundings of
    # the square at their own resolution, and Pillow, which averages over what it drops, shrinks the result.
    square = _transform(_inverse(matrix), _corners(size, size))
    last = np.array(picture.shape[1::-1]) - 1
    left, top = (np.floor(square.min(axis=0)) - 2).clip(0, last).astype(int)  # cubic reads two pixels around
    right, bottom = (np.ceil(square.max(axis=0)) + 2).clip(0, last).astype(int)
    full = max(size, round(size / _zoom(matrix)))
    turn = matrix[:, :2] * full / size
    shift = (matrix[:, 2] + matrix[:, :2] @ (left, top) + 0.5) * full / size - 0.5
    turned = cv2.warpAffine(
        picture[top : bottom + 1, left : right + 1],
        np.column_stack([turn, shift]),
        (full, full),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    shrunk = Image.fromarray(turned).resize((size, size), Image.Resampling.BICUBIC)
    return np.array(shrunk)


def _covered(matrix: NDArray[np.float64], size: int, picture: NDArray[np.uint8]) -> float:
    """Return the share of the aligned square that the picture covers."""
    height, width = picture.shape[:2]
    outline = _transform(matrix, _corners(width, height))
    area, _ = cv2.intersectConvexConvex(outline.astype(np.float32), _corners(size, size).astype(np.float32))
    return area / size**2


def _corners(width: int, height: int) -> NDArray[np.float64]:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5


def _transform(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points @ matrix[:, :2].T + matrix[:, 2]


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.invertAffineTransform(matrix), np.float64)


def _zoom(matrix: NDArray[np.float64]) -> float:
    return math.hypot(*matrix[:, 0])
