"""Pictures from disk to arrays and back."""

import os
import stat
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from mpe_lib.errors import UserError
from mpe_lib.files import atomic

#: Common formats that Pillow decodes by itself: EPS, for one, would start Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MAX_PIXELS = 50_000_000  #: 0.8 GB while a WebP is decoded, which takes more than any other
MAX_SLOW = 1_000_000  #: pixels of what Pillow decodes in Python: BMP in runs, PPM as text or of few levels
MAX_BYTES = 200_000_000  #: of a JPEG or a WebP, four for each pixel of the largest
JPEG, WEBP = b"\xff\xd8", b"RIFF"  #: how their files begin
MAX_PARTS = 100  #: scans or EXIF blocks of a JPEG; a small file may hold thousands, and each takes its time
STRIP = 1 << 20  #: pixels converted at once

# How an upright picture lies in a file, by EXIF orientation. ImageOps.exif_transpose would also rewrite the rest of
# the EXIF block, and fail where a field that nobody needs is damaged.
_AS_STORED: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.swapaxes(0, 1),
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def read_picture(path: str | Path) -> NDArray[np.uint8]:
    """Read a photograph as it is meant to be seen: upright, 8-bit RGB.

    Grey, palette, CMYK and 16-bit pictures are converted, EXIF rotation is applied, transparency is laid over
    mid-grey, and of an animation the first frame is taken.

    Returns:
        (H, W, 3) uint8.

    Raises:
        UserError: missing, empty, not a picture, damaged, above 50 megapixels (told from the header,
            before anything is decoded), or with values that have no fixed white.
    """
    with _plain_errors(str(path)):
        _check_file(Path(path))
        with open(path, "rb") as file:
            return _decode(file, str(path))


def decode_picture(data: bytes, name: str) -> NDArray[np.uint8]:
    """The same of a picture that is in memory, an upload; `name` is what errors call it."""
    if not data:
        raise UserError(f"{name} is empty", "copy it again from its source")
    with _plain_errors(name):
        return _decode(BytesIO(data), name)


def _decode(file: BinaryIO, name: str) -> NDArray[np.uint8]:
    _check_begin(file, name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large pictures, which have our limit, and odd metadata
        with Image.open(file, formats=FORMATS) as image:
            _check_header(name, image)
            image.load()
            return _upright(image)


@contextmanager
def _plain_errors(name: str) -> Generator[None]:
    """Tell whatever reading a picture raises as a UserError."""
    try:
        yield
    except UserError:
        raise
    except PermissionError as error:
        raise UserError(f"{name} may not be read", "change its permissions") from error
    except Image.DecompressionBombError as error:  # Pillow's own limit, far above ours
        raise _too_large(name) from error
    except UnidentifiedImageError as error:
        raise UserError(f"{name} is not a picture in a known format", f"use {', '.join(FORMATS)}") from error
    except Exception as error:  # decoders raise SyntaxError, struct.error, zlib.error, ...
        raise UserError(f"{name} cannot be decoded ({error})", "copy it again from its source") from error


def write_png(path: str | Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, (H, W, 3) uint8 RGB or (H, W) grey, as PNG: whole or not at all.

    Raises:
        UserError: the folder is full, read-only or not a folder.
    """
    with atomic(path) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG")


def _check_file(path: Path) -> None:
    if not path.exists():
        raise UserError(f"{path} does not exist", "check the name")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        raise UserError(f"{path} is a folder or a device", "name a picture")
    if status.st_size == 0:
        raise UserError(f"{path} is empty", "copy it again from its source")


def _check_begin(file: BinaryIO, name: str) -> None:
    """Refuse what would take memory or time without end.

    Raises:
        UserError: a large file of a kind that is held in memory whole.
        ValueError: a JPEG of parts without end; what is counted are marks that pixels can't hold.
    """
    begin = file.read(4)
    if begin.startswith((JPEG, WEBP)) and file.seek(0, os.SEEK_END) > MAX_BYTES:
        raise UserError(f"{name} is longer than {MAX_BYTES / 1e6:g} MB", "save it again")
    file.seek(0)
    if begin.startswith(JPEG):
        content = file.read()
        if max(content.count(mark) for mark in (b"\xff\xda", b"Exif\0\0")) > MAX_PARTS:
            raise ValueError(f"more than {MAX_PARTS} scans or EXIF blocks")
        file.seek(0)


def _check_header(path: str, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path)
    if image.width * image.height > MAX_SLOW and _in_python(image):
        raise UserError(f"{path} is too large for its kind, which takes long to decode", "save it as PNG")
    # White may be 1, 255 or the largest value there is. (Pillow holds 16-bit PGM in mode "I" too.)
    if image.mode in ("F", "LAB") or (image.mode == "I" and image.format == "TIFF"):
        raise UserError(f"{path} has no 8-bit or 16-bit colours (mode {image.mode})", "save it as 8-bit PNG")


def _in_python(image: Any) -> bool:
    return any(tile[0] in Image.DECODERS for tile in image.tile)


def _too_large(path: str) -> UserError:
    return UserError(f"{path} has more than {MAX_PIXELS / 1e6:g} megapixels", "shrink it first")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # whatever the damaged block makes its parser raise, the picture itself is whole
        return 1


def _upright(image: Image.Image) -> NDArray[np.uint8]:
    """The pixels as they are meant to be seen, strip by strip: whole copies of a large picture would be gigabytes."""
    orientation = _orientation(image)
    width, height = image.size
    upright = np.empty((width, height, 3) if orientation in (5, 6, 7, 8) else (height, width, 3), np.uint8)
    stored = _AS_STORED.get(orientation, lambda upright: upright)(upright)
    step = max(1, STRIP // width)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        stored[top:bottom] = np.asarray(_to_rgb(image.crop((0, top, width, bottom))))
    return upright


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's convert would clip it at 255
        image = Image.fromarray(((np.asarray(image, np.uint32) + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        # Over mid-grey neither dark nor light hair melts into the ground, and neither does ink of any colour.
        ground = Image.new("RGBA", image.size, (128, 128, 128, 255))
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    return image.convert("RGB")
