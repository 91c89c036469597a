"""A face folder from the one real face that is always at hand: scikit-image's astronaut, in the public domain."""

from pathlib import Path

import numpy as np

from mpe_lib.faces.align import align, detect, similarity
from mpe_lib.faces.folder import row, write_table
from mpe_lib.faces.journal import Row
from mpe_lib.faces.picture import write_png
from mpe_lib.pixels import Picture

PRESENT, ABSENT = (6, 12, 25), (4, 9)  #: she smiles with parted lips and a smooth brow; the other units are unknown


def astronaut() -> Picture:
    """The photograph, (512, 512, 3) uint8: Eileen Collins, NASA."""
    import skimage.data

    return np.asarray(skimage.data.astronaut(), np.uint8)


def astronaut_folder(folder: Path, count: int = 32, seed: int = 0) -> Path:
    """A face folder of one person: her face cut out a little off centre and in other colours each time.

    Enough to see a network learn and to test with, far from enough to train one: every face is hers. Of
    eight pictures six are for training, one for validation, one for testing.

    Returns:
        `folder`.

    Raises:
        UserError: the folder can't be written.
    """
    picture = astronaut()
    (face,) = detect(picture)
    random = np.random.default_rng(seed)
    rows: list[Row] = []
    for number in range(count):
        # moving the landmarks moves the window that is cut out
        shift = random.normal(0, 2, 2)
        aligned = align(picture, face.landmarks + shift, scale=2.5)
        name = f"{number:03}.png"
        write_png(folder / name, _recolour(aligned.image, random))
        points = aligned.landmarks - similarity(face.landmarks + shift, scale=2.5)[:, :2] @ shift
        split = ("val", "test", *["train"] * 6)[number % 8]
        rows.append(row(name, points, dict.fromkeys(PRESENT, 1) | dict.fromkeys(ABSENT, 0), "astronaut", split))
    write_table(folder, rows)
    return folder


def _recolour(face: Picture, random: np.random.Generator) -> Picture:
    """Another light: each channel up to a fifth stronger or weaker."""
    return (face * random.uniform(0.8, 1.2, 3)).clip(0, 255).round().astype(np.uint8)
