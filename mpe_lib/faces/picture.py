"""Pictures from disk to arrays and back."""

import stat
import warnings
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from mpe_lib.errors import UserError
from mpe_lib.files import atomic

#: Common formats that Pillow decodes by itself: EPS, for one, would start Ghostscript.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
MAX_PIXELS = 100_000_000  #: of a picture that is opened

# What undoes each EXIF orientation. ImageOps.exif_transpose would also rewrite the rest of the EXIF block,
# and fail where a field that nobody needs is damaged.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_picture(path: str | Path) -> NDArray[np.uint8]:
    """Read a photograph as it is meant to be seen: upright, 8-bit RGB.

    Grey, palette, CMYK and 16-bit pictures are converted, EXIF rotation is applied, transparency is laid over
    mid-grey, and of an animation the first frame is taken.

    Returns:
        (H, W, 3) uint8.

    Raises:
        UserError: missing, empty, not a picture, damaged, above 100 megapixels (told from the header,
            before anything is decoded), or with values that have no fixed white.
    """
    return _decode(Path(path), str(path))


def decode_picture(data: bytes, name: str) -> NDArray[np.uint8]:
    """The same of a picture that is in memory, an upload; `name` is what errors call it."""
    if not data:
        raise UserError(f"{name} is empty", "copy it again from its source")
    return _decode(BytesIO(data), name)


def _decode(source: Path | BytesIO, path: str) -> NDArray[np.uint8]:
    try:
        if isinstance(source, Path):
            _check_file(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of large pictures, which have our limit, and odd metadata
            with Image.open(source, formats=FORMATS) as image:
                _check_header(path, image)
                image.load()
                return np.array(_to_rgb(image))
    except UserError:
        raise
    except PermissionError as error:
        raise UserError(f"{path} may not be read", "change its permissions") from error
    except Image.DecompressionBombError as error:  # Pillow's own limit, far above ours
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        raise UserError(f"{path} is not a picture in a known format", f"use {', '.join(FORMATS)}") from error
    except Exception as error:  # decoders raise SyntaxError, struct.error, zlib.error, ...
        raise UserError(f"{path} cannot be decoded ({error})", "copy it again from its source") from error


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


def _check_header(path: str, image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path)
    # White may be 1, 255 or the largest value there is. (Pillow holds 16-bit PGM in mode "I" too.)
    if image.mode in ("F", "LAB") or (image.mode == "I" and image.format == "TIFF"):
        raise UserError(f"{path} has no 8-bit or 16-bit colours (mode {image.mode})", "save it as 8-bit PNG")


def _too_large(path: str) -> UserError:
    return UserError(f"{path} has more than {MAX_PIXELS / 1e6:g} megapixels", "shrink it first")


def _orientation(image: Image.Image) -> int:
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # whatever the damaged block makes its parser raise, the picture itself is whole
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    orientation = _orientation(image)
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's convert would clip it at 255
        image = Image.fromarray(((np.asarray(image, np.uint32) + 128) // 257).astype(np.uint8))
    if image.has_transparency_data:
        # Over mid-grey neither dark nor light hair melts into the ground, and neither does ink of any colour.
        ground = Image.new("RGBA", image.size, (128, 128, 128, 255))
        image = Image.alpha_composite(ground, image.convert("RGBA"))
    image = image.convert("RGB")
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image
