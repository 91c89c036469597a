"""A photograph in, its restored faces out."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mpe_lib.errors import UserError
from mpe_lib.faces.align import align, detect
from mpe_lib.faces.crops import CROP, central
from mpe_lib.faces.degrade import bicubic, degrade
from mpe_lib.faces.facset import ALIGNED
from mpe_lib.faces.picture import read_picture
from mpe_lib.metrics import scores
from mpe_lib.nets import Judge, System, evaluating
from mpe_lib.pixels import Picture, to_picture, to_tensor
from mpe_lib.weights import load

LR = 16  #: pixels, the side of what is restored
AT_ONCE = 8  #: faces in a batch: memory grows with them
THUMBNAIL = 64  #: pixels; a picture no larger than this is taken to be a face


@dataclass(frozen=True, eq=False)
class Restored:
    """One face: what the network saw, what it made of it, and what it believed on the way.

    Pictures are (H, W, 3) uint8. What a switched-off branch would give is None.
    """

    lr: Picture  # 16 x 16
    bicubic: Picture  # 128 x 128
    steps: tuple[Picture, ...]  # 128 x 128, one a recurrent step
    original: Picture | None  # 128 x 128; None where a face was taken at its own resolution
    enlarged_from: int | None  # side in pixels of the photograph, where the original had to be enlarged
    heatmaps: NDArray[np.float32] | None  # (68, 32, 32)
    aus: dict[int, float] | None  # probability of each action unit
    attention: NDArray[np.float32] | None  # (A, 32, 32), in the order of `aus`

    def pictures(self) -> dict[str, Picture]:
        """Everything to be seen, by name: input, bicubic, step 1, ..., original."""
        named = {"input": self.lr, "bicubic": self.bicubic}
        named |= {f"step {i}": step for i, step in enumerate(self.steps, 1)}
        return named if self.original is None else named | {"original": self.original}

    def scores(self, border: int = 0) -> dict[str, tuple[float, float]]:
        """PSNR in dB and SSIM on Y against the original, for bicubic and for each step; empty without one."""
        if self.original is None:
            return {}
        rows = {name: picture for name, picture in self.pictures().items() if name not in ("input", "original")}
        return scores(rows, self.original, border)


def restore(
    photograph: str | Path | Picture, weights: str | Path | System = "small", *, as_is: bool = False
) -> list[Restored]:
    """Every face of a photograph, largest first, from 16 x 16 pixels.

    Each face is aligned at the scale that the weights were trained at, reduced to 16 x 16, and restored;
    its 128 x 128 original comes along to compare with. A face cut off by the edge of the photograph is
    left out with a warning.

    Args:
        photograph: a file, or (H, W, 3) uint8 RGB.
        weights: as for `mpe_lib.load`, or a network.
        as_is: take faces at their own resolution, straight from the photograph to 16 x 16: for faces that
            are small to begin with. A picture of at most 64 pixels is taken to be an aligned face.

    Raises:
        UserError: an unreadable picture, or no face in it; weights that can't be loaded.
    """
    name = str(photograph) if isinstance(photograph, str | Path) else "the picture"
    picture = read_picture(photograph) if isinstance(photograph, str | Path) else photograph
    net = load(weights) if isinstance(weights, str | Path) else weights
    faces, refused = find_faces(picture, name, net.config.face_scale, as_is=as_is)
    for reason in refused:
        warnings.warn(reason, stacklevel=2)
    return restore_found(net, faces, as_is=as_is)


class Found(NamedTuple):
    """A face cut out of a picture, upright."""

    picture: Picture  # 128 x 128, or 16 x 16 as it is
    side: float  # of its square in the picture, in pixels


def find_faces(picture: Picture, name: str, scale: float, *, as_is: bool = False) -> tuple[list[Found], list[str]]:
    """The aligned faces of a picture, 128 x 128 (16 x 16 if `as_is`), and why others were refused.

    Raises:
        UserError: no colour picture of 8 bits, no face, or all refused.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise UserError(
            f"{name}: an array of {picture.dtype} and shape {picture.shape}", "give (H, W, 3) uint8, red first"
        )
    if as_is and max(picture.shape[:2]) <= THUMBNAIL:
        return [Found(_thumbnail(picture, name), picture.shape[0])], []
    marked = detect(picture, upsample=(0, 1, 2) if as_is else (0, 1))
    if not marked:
        raise UserError(f"{name}: no face found", "faces must look at the camera and be at least 40 pixels wide")
    found: list[Found] = []
    refused: list[str] = []
    for face in marked:
        try:
            if as_is:  # the window that the central 128 of 144 pixels show, at 16
                cut = align(picture, face.landmarks, scale * CROP / ALIGNED, LR)
                found.append(Found(cut.image, cut.source_side))
            else:
                cut = align(picture, face.landmarks, scale, ALIGNED)
                found.append(Found(central(cut.image), cut.source_side * CROP / ALIGNED))
        except UserError as error:
            refused.append(f"{name}: {error}")
    if not found:
        raise UserError(refused[0])
    return found, refused


def restore_found(net: System, found: Sequence[Found], *, as_is: bool = False) -> list[Restored]:
    """Restore what `find_faces` gave: reduced to 16 x 16 first, and compared with, unless `as_is`."""
    faces = [face.picture for face in found]
    if as_is:
        return restore_faces(net, faces, [None] * len(faces))
    restored = restore_faces(net, [degrade(face) for face in faces], faces)
    sides = [round(face.side) if face.side < CROP else None for face in found]
    return [replace(face, enlarged_from=side) for face, side in zip(restored, sides, strict=True)]


def restore_faces(net: System, lr: Sequence[Picture], originals: Sequence[Picture | None]) -> list[Restored]:
    """Restore 16 x 16 faces; `originals`, 128 x 128, come along for comparison where there are any."""
    if isinstance(net, Judge):
        raise UserError("these weights are of a judge, who restores nothing", "name those of a system")
    parts = [slice(i, i + AT_ONCE) for i in range(0, len(lr), AT_ONCE)]
    return [face for part in parts for face in _restore_batch(net, lr[part], originals[part])]


def _restore_batch(net: System, lr: Sequence[Picture], originals: Sequence[Picture | None]) -> list[Restored]:
    device = next(net.parameters()).device
    with evaluating(net):
        output = net(to_tensor(np.stack(lr)).to(device))
    steps = np.stack([to_picture(sr) for sr in output.sr], axis=1)  # (N, steps, 128, 128, 3)
    heatmaps = None if output.heatmaps is None else output.heatmaps[-1].float().cpu().numpy()
    probability = None if output.au_logits is None else output.au_logits.sigmoid().tolist()
    attention = None if output.attention is None else output.attention.float().cpu().numpy()
    return [
        Restored(
            lr=face,
            bicubic=bicubic(face),
            steps=tuple(steps[i]),
            original=originals[i],
            enlarged_from=None,
            heatmaps=None if heatmaps is None else heatmaps[i],
            aus=None if probability is None else dict(zip(net.config.aus, probability[i], strict=True)),
            attention=None if attention is None else attention[i],
        )
        for i, face in enumerate(lr)
    ]


def _thumbnail(picture: Picture, name: str) -> Picture:
    """A small picture as the 16 x 16 face that it is."""
    height, width = picture.shape[:2]
    if height != width or width < LR:
        raise UserError(
            f"{name}: {width} x {height} pixels is no face as it is", f"a small face is square, {LR} pixels or more"
        )
    return np.asarray(Image.fromarray(picture).resize((LR, LR), Image.Resampling.BICUBIC))
