"""Every picture is read as it looks; what is none is refused in one line that names the file."""

import contextlib
import io
import os
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from mpe_lib.errors import UserError
from mpe_lib.faces import picture as module
from mpe_lib.faces.picture import decode_picture, read_picture, write_png

Array = NDArray[np.uint8]

RAMP = np.linspace(0, 255, 24 * 32).reshape(24, 32).astype(np.uint8)
COLOURS = np.dstack([RAMP, RAMP[::-1], RAMP[:, ::-1]])


def encoded(image: Image.Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, **options)  # type: ignore[arg-type]
    return file.getvalue()


def distance(a: Array, b: Array) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


# ---- pictures that are read


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"format": "PNG"}),
        ("RGB", {"format": "BMP"}),
        ("RGB", {"format": "PPM"}),
        ("RGB", {"format": "TIFF", "compression": "tiff_lzw"}),
        ("RGB", {"format": "WEBP", "lossless": True}),
        ("RGBA", {"format": "PNG"}),
        ("RGBA", {"format": "WEBP", "lossless": True}),
        ("CMYK", {"format": "TIFF"}),
    ],
)
def test_a_colour_picture_is_read_to_the_bit(tmp_path: Path, mode: str, options: dict[str, object]) -> None:
    (tmp_path / "picture").write_bytes(encoded(Image.fromarray(COLOURS).convert(mode), **options))
    read = read_picture(tmp_path / "picture")
    assert read.dtype == np.uint8
    assert read.flags.writeable
    np.testing.assert_array_equal(read, COLOURS)


@pytest.mark.parametrize("mode", ["RGB", "CMYK"])
def test_a_jpeg_is_read_to_a_few_levels(tmp_path: Path, mode: str) -> None:
    smooth = np.asarray(Image.fromarray(COLOURS).resize((128, 96)))
    jpeg = encoded(Image.fromarray(smooth).convert(mode), format="JPEG", quality=95, subsampling=0)
    (tmp_path / "picture.jpg").write_bytes(jpeg)
    assert np.abs(read_picture(tmp_path / "picture.jpg").astype(int) - smooth).mean() < 2


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_grey_becomes_three_equal_channels(tmp_path: Path, mode: str) -> None:
    Image.fromarray(RAMP).convert(mode).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "grey.png"), np.dstack([RAMP] * 3))


def test_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(RAMP > 127).save(tmp_path / "fax.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "fax.png")[..., 0], (RAMP > 127) * np.uint8(255))


@pytest.mark.parametrize("suffix", ["png", "gif"])
def test_a_palette_is_looked_up(tmp_path: Path, suffix: str) -> None:
    few = Image.fromarray(COLOURS).quantize(16)
    few.save(tmp_path / f"few.{suffix}")
    np.testing.assert_array_equal(read_picture(tmp_path / f"few.{suffix}"), np.asarray(few.convert("RGB")))


@pytest.mark.parametrize("suffix", ["png", "pgm", "tif"])
def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    values = np.array([[0, 257, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / f"deep.{suffix}")
    assert read_picture(tmp_path / f"deep.{suffix}")[0].tolist() == [[v] * 3 for v in (0, 1, 128, 255)]


@pytest.mark.parametrize("suffix", ["png", "ppm", "tif"])
def test_16_bit_colour_is_scaled_and_not_clipped(tmp_path: Path, suffix: str) -> None:
    cv2.imwrite(str(tmp_path / f"deep.{suffix}"), COLOURS[..., ::-1].astype(np.uint16) * 257)
    assert distance(read_picture(tmp_path / f"deep.{suffix}"), COLOURS) <= 1


def test_transparency_is_laid_over_mid_grey(tmp_path: Path) -> None:
    red = np.array([[[200, 0, 0, alpha] for alpha in (0, 128, 255)]], np.uint8)
    Image.fromarray(red).save(tmp_path / "alpha.png")
    assert read_picture(tmp_path / "alpha.png")[0].tolist() == [[128] * 3, [164, 64, 64], [200, 0, 0]]


@pytest.mark.parametrize(("mode", "key"), [("1", 0), ("L", 0), ("P", 0), ("RGB", (0, 0, 0))])
def test_a_transparent_colour_is_laid_over_mid_grey(tmp_path: Path, mode: str, key: object) -> None:
    image = Image.new("L", (2, 1))
    image.putpixel((1, 0), 255)
    image.convert(mode).save(tmp_path / "key.png", transparency=key)
    assert read_picture(tmp_path / "key.png").tolist() == [[[128] * 3, [255] * 3]]


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda stored: stored),
        (2, lambda stored: stored[:, ::-1]),
        (3, lambda stored: stored[::-1, ::-1]),
        (4, lambda stored: stored[::-1]),
        (5, lambda stored: stored.swapaxes(0, 1)),
        (6, lambda stored: np.rot90(stored, -1)),
        (7, lambda stored: stored[::-1, ::-1].swapaxes(0, 1)),
        (8, lambda stored: np.rot90(stored)),
        (9, lambda stored: stored),
    ],
)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_exif_orientation(tmp_path: Path, suffix: str, orientation: int, upright: Callable[[Array], Array]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(COLOURS).save(tmp_path / f"turned.{suffix}", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / f"turned.{suffix}"), upright(COLOURS))


@pytest.mark.parametrize(("damaged_byte", "shape"), [(6, (24, 32, 3)), (29, (32, 24, 3))])
def test_damaged_exif_does_not_spoil_the_picture(tmp_path: Path, damaged_byte: int, shape: tuple[int, ...]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x011A] = 72.0  # resolution: byte 29 is its type
    block = bytearray(exif.tobytes())
    block[damaged_byte] = 0
    Image.fromarray(COLOURS).save(tmp_path / "turned.png", exif=bytes(block))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(tmp_path / "turned.png").shape == shape


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF", "MPO"])
def test_the_first_frame_of_several(tmp_path: Path, form: str) -> None:
    red, blue = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    (tmp_path / "film").write_bytes(encoded(red, format=form, save_all=True, append_images=[blue]))
    assert distance(read_picture(tmp_path / "film"), np.asarray(red)) <= 2


# ---- what is refused


def refusal(path: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_picture(path)
    line = str(caught.value)
    assert str(path).replace("\0", "\\x00") in line
    assert "\n" not in line
    return line


def test_no_file_to_read(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not a picture")
    os.mkfifo(tmp_path / "pipe.png")
    assert "does not exist" in refusal(tmp_path / "missing.png")
    assert "does not exist" in refusal(tmp_path / "text.png" / "below.png")
    assert "does not exist" in refusal(tmp_path / "nul\0.png")
    assert "a folder" in refusal(tmp_path)
    assert "a device" in refusal(tmp_path / "pipe.png")
    assert "is empty" in refusal(tmp_path / "empty.png")
    assert "not a picture" in refusal(tmp_path / "text.png")
    assert "name too long" in refusal(tmp_path / ("n" * 300))


def test_an_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError

    Image.fromarray(COLOURS).save(tmp_path / "private.png")
    monkeypatch.setattr(Image, "open", refuse)  # root, which tests may run as, is refused nowhere
    assert "permissions" in refusal(tmp_path / "private.png")


def test_a_format_outside_the_list_is_refused(tmp_path: Path) -> None:
    Image.fromarray(COLOURS).save(tmp_path / "drawing.eps")
    assert "not a picture in a known format" in refusal(tmp_path / "drawing.eps")


@pytest.mark.parametrize("mode", ["F", "I", "LAB"])
def test_values_without_a_fixed_white_are_refused(tmp_path: Path, mode: str) -> None:
    Image.new(mode, (2, 2)).save(tmp_path / "science.tif")
    assert f"mode {mode}" in refusal(tmp_path / "science.tif")


@pytest.mark.parametrize(("width", "height"), [(10_000, 5_001), (20_000, 20_000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_from_its_header(tmp_path: Path, width: int, height: int) -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + header + pixels + chunk(b"IEND", b""))
    assert "more than 50 megapixels" in refusal(tmp_path / "bomb.png")


def test_the_limit_itself_is_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 6)
    Image.new("RGB", (3, 2)).save(tmp_path / "six.png")
    Image.new("RGB", (7, 1)).save(tmp_path / "seven.png")
    assert read_picture(tmp_path / "six.png").shape == (2, 3, 3)
    assert "more than" in refusal(tmp_path / "seven.png")


FORMS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF")
ENCODED = {form: encoded(Image.fromarray(COLOURS), format=form) for form in FORMS}


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_a_truncated_picture_is_refused(folder: Path, form: str, data: st.DataObject) -> None:
    whole = ENCODED[form]
    kept = data.draw(st.integers(0, len(whole) - 30))  # the last bytes may only say that the file ends
    (folder / "cut").write_bytes(whole[:kept])
    refusal(folder / "cut")


@given(st.sampled_from(FORMS), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1))
@settings(max_examples=200)
def test_a_damaged_picture_is_read_or_refused(folder: Path, form: str, damage: list[tuple[int, int]]) -> None:
    content = bytearray(ENCODED[form])
    for position, value in damage:
        content[position % len(content)] = value
    (folder / "damaged").write_bytes(content)
    with contextlib.suppress(UserError):
        assert read_picture(folder / "damaged").shape[2] == 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")  # one for all examples of a property


# ---- writing


@pytest.mark.parametrize("picture", [COLOURS, RAMP, COLOURS[:1, :1], COLOURS[::-1, ::2]])
def test_what_is_written_is_read_back(tmp_path: Path, picture: Array) -> None:
    write_png(tmp_path / "picture", picture)
    expected = picture if picture.ndim == 3 else np.dstack([picture] * 3)
    np.testing.assert_array_equal(read_picture(tmp_path / "picture"), expected)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_png(tmp_path / "picture.png", COLOURS.astype(np.complex128))  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == []


def test_a_picture_in_memory_is_read_like_a_file(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(256, size=(20, 30, 3), dtype=np.uint8)
    write_png(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(decode_picture((tmp_path / "a.png").read_bytes(), "upload"), picture)


@pytest.mark.parametrize(
    ("data", "says"), [(b"", "me.jpg is empty"), (b"nothing", "me.jpg is not a picture"), (None, "me.jpg cannot be")]
)
def test_a_bad_picture_in_memory_is_called_by_its_name(data: bytes | None, says: str, tmp_path: Path) -> None:
    if data is None:
        write_png(tmp_path / "a.png", np.random.default_rng(0).integers(256, size=(64, 64, 3), dtype=np.uint8))
        data = (tmp_path / "a.png").read_bytes()[:5000]
    with pytest.raises(UserError, match=says):
        decode_picture(data, "me.jpg")
