"""The same faces by several networks: the paper's Figures 2 and 3."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mpe_lib.errors import UserError
from mpe_lib.faces.astronaut import astronaut
from mpe_lib.faces.crops import central
from mpe_lib.faces.degrade import bicubic, degrade
from mpe_lib.faces.picture import read_picture
from mpe_lib.metrics import scores
from mpe_lib.nets import System
from mpe_lib.photograph import find_faces, restore_faces
from mpe_lib.pixels import Picture

PERSON = "person:"  #: with a seed behind it, a synthetic one


class Compared(NamedTuple):
    """One face, by each network."""

    lr: Picture  # 16 x 16
    restored: dict[str, Picture]  # 128 x 128, bicubic first
    original: Picture  # 128 x 128

    def scores(self) -> dict[str, tuple[float, float]]:
        """PSNR in dB and SSIM on Y, border 0."""
        return scores(self.restored, self.original)

    def differences(self) -> dict[str, Picture]:
        """How far each is from the original, the mean over the colours, as grey (Fig. 3).

        One scale for all: black is equal, white what one pixel in two hundred exceeds.
        """
        maps = {name: np.abs(picture.astype(float) - self.original).mean(-1) for name, picture in self.restored.items()}
        white = max(float(np.quantile(list(maps.values()), 0.995)), 1.0)
        levels = {name: np.clip(255 * each / white, 0, 255).round().astype(np.uint8) for name, each in maps.items()}
        return {name: each[..., None].repeat(3, -1) for name, each in levels.items()}


def originals(sources: Sequence[str], scale: float) -> dict[str, Picture]:
    """Aligned faces of 128 x 128 pixels, by name.

    Args:
        sources: photographs, of which the largest face counts; "astronaut"; or "person:5", a synthetic person by
            the seed.
        scale: how much of the head is seen, see `align`.

    Raises:
        UserError: a picture without a face, or a seed that is no number.
    """
    return {source: _original(source, scale) for source in sources}


def compare(networks: Mapping[str, System], faces: Mapping[str, Picture]) -> dict[str, Compared]:
    """The last picture that each network makes of each face, from 16 x 16 pixels.

    Args:
        networks: by the names that they are to be shown under.
        faces: originals, 128 x 128, by name.
    """
    lr, hr = [degrade(face) for face in faces.values()], list(faces.values())
    restored = {name: restore_faces(net, lr, hr) for name, net in networks.items()}
    return {
        face: Compared(
            lr[i], {"bicubic": bicubic(lr[i])} | {name: of[i].steps[-1] for name, of in restored.items()}, hr[i]
        )
        for i, face in enumerate(faces)
    }


def _original(source: str, scale: float) -> Picture:
    if source.startswith(PERSON):
        from mpe_lib.synthetic import synthesize

        seed = source.removeprefix(PERSON)
        if not re.fullmatch("[0-9]{1,9}", seed):
            raise UserError(f"{source}: '{seed}' is no seed", f"write a whole number, as in {PERSON}5")
        return central(synthesize(int(seed), scale=scale).image)
    picture = astronaut() if source == "astronaut" else read_picture(source)
    found, _ = find_faces(picture, source, scale)
    return found[0].picture
