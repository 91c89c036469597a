"""What the playground shows, from a face and what was chosen: rows of pictures and bars, no widgets."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from mpe_lib import show
from mpe_lib.au import CATALOGUE
from mpe_lib.errors import UserError
from mpe_lib.faces.crops import CROP
from mpe_lib.faces.degrade import bicubic
from mpe_lib.heatmaps import decode
from mpe_lib.metrics import psnr, ssim
from mpe_lib.nets import MPENet, MPEOutput, System
from mpe_lib.photograph import restore_faces
from mpe_lib.pixels import Picture, to_picture, to_tensor
from mpe_lib.steer import STRIDE, Moves, effects, steer

BICUBIC = "bicubic"  #: compared with networks, and none
CLEAR = 64  #: levels of 255: a difference to the original that is drawn in the brightest colour


class Panel(NamedTuple):
    """A picture with a name above and what is known of it below."""

    title: str
    picture: Picture
    below: str = ""
    large: bool = False


class Bars(NamedTuple):
    """Values from 0 to 1 by name; `before` is what they were without what was chosen."""

    title: str
    values: dict[str, float]
    before: dict[str, float] | None = None


class View(NamedTuple):
    """Everything on the page, and in a sentence what is to be seen."""

    said: str
    rows: list[list[Panel | Bars]]


class Face(NamedTuple):
    """What is looked at."""

    name: str
    original: Picture  # 128 x 128
    lr: Picture  # 16 x 16, what networks are given


def restored(net: System, face: Face) -> View:
    """What a network makes of a face, and what it believes on the way."""
    (result,) = restore_faces(net, [face.lr], [face.original])
    scores, last = result.scores(), f"step {len(result.steps)}"
    first: list[Panel | Bars] = [
        Panel(name, picture, _scored(scores[name]) if name in scores else "" if name != "input" else "16 x 16 pixels")
        for name, picture in result.pictures().items()
    ]
    change = _distance(result.steps[-1], face.original)
    second: list[Panel | Bars] = [Panel(f"{last}, how far off", show.heat(change, CLEAR), _levels(change))]
    if result.heatmaps is not None:
        points = _points(torch.from_numpy(result.heatmaps)[None])
        strongest = result.heatmaps.max(0)
        second += [
            Panel("landmarks", show.marked(result.steps[0], points), "found in step 1"),
            Panel("heatmaps", show.overlay(result.steps[0], strongest / max(strongest.max(), 1e-6)), "of 68 landmarks"),
        ]
    if result.attention is not None and result.aus is not None:
        present = [value >= 0.5 for value in result.aus.values()]
        maps = result.attention[present].max(0) if any(present) else np.zeros_like(result.attention[0])
        named = ", ".join(f"AU{number}" for number, value in result.aus.items() if value >= 0.5)
        second.append(Panel("attention maps", show.overlay(result.steps[-1], maps), f"of {named or 'no unit'}"))
    if result.aus is not None:
        second.append(Bars("action units, seen in step 2", _named(result.aus)))
    gain = scores[last][0] - scores[BICUBIC][0]
    return View(f"{last.capitalize()} is {abs(gain):.2f} dB {_ahead(gain)} bicubic.", [first, second])


def steered(net: System, face: Face, own: MPEOutput, units: Mapping[int, float], moved: Moves) -> View:
    """What changes in the later steps when they are told something else.

    Args:
        net: an MPENet.
        face: what is looked at.
        own: what the network makes of it by itself, see `unsteered`.
        units, moved: what it is told, as for `steer`.
    """
    net = _with_priors(net)
    told = steer(net, to_tensor(face.lr[None]), units, moved, own)
    rows: list[list[Panel | Bars]] = []
    said: list[str] = []
    for step in range(len(own.sr) - 1, 0, -1):
        before, after = (to_picture(of.sr[step])[0] for of in (own, told))
        if step == len(own.sr) - 1 or moved:  # units do not reach step 2
            change = _distance(after, before)
            rows.append(
                [
                    Panel(f"step {step + 1}, by itself", before, _scored(_scores(before, face.original))),
                    Panel(f"step {step + 1}, as told", after, _scored(_scores(after, face.original))),
                    Panel("difference", _heat(change), _levels(change)),
                ]
            )
            said.append(f"step {step + 1} changes by {change.mean():.2f} of 255 levels, by {change.max():.0f} at most")
    rows[0] += _told(net, told, own, moved)
    if not (units or moved):
        return View("Nothing is told yet: move a slider of a unit, or a landmark.", rows)
    words = [f"AU{number} {value:.2f}" for number, value in units.items()]
    words += [f"{len(moved)} landmark{'s' if len(moved) > 1 else ''} elsewhere"] if moved else []
    return View(f"Told {', '.join(words)}: {'; '.join(reversed(said))}.", rows)


def unsteered(net: System, face: Face) -> MPEOutput:
    """What a network with priors makes of a face by itself."""
    return steer(_with_priors(net), to_tensor(face.lr[None]))


def following(net: System, face: Face, own: MPEOutput, moved: Moves) -> MPEOutput:
    """The same where landmarks lie elsewhere, before it is told anything of units."""
    return steer(_with_priors(net), to_tensor(face.lr[None]), moved=moved, own=own) if moved else own


def beliefs(net: System, own: MPEOutput) -> dict[int, float]:
    """The probability of each unit that it sees."""
    logits = own.au_logits
    return {} if logits is None else dict(zip(_with_priors(net).config.aus, logits.sigmoid()[0].tolist(), strict=True))


def explained(net: System, face: Face) -> View:
    """Which prior moved which pixels of the last step."""
    net = _with_priors(net)
    found = effects(net, to_tensor(face.lr[None]))
    own = to_picture(found.own)
    changes = {name: _distance(to_picture(without), own) for name, without in found.without.items()}
    groups = {name: changes[name] for name in ("landmarks", "units") if name in changes}
    first: list[Panel | Bars] = [Panel("with all priors", own, _scored(_scores(own, face.original)))]
    for name, change in groups.items():
        moved = _heat(change)
        first.append(Panel(f"by {name}", moved, _levels(change)))
    if len(groups) == 2:
        first.append(Panel("by which more", _whose(own, *groups.values()), "blue: landmarks, orange: units"))
    singles = {name: change for name, change in changes.items() if name not in groups}
    most = max([1.0, *(float(change.max()) for change in singles.values())])
    second: list[Panel | Bars] = [Panel(name, show.heat(each, most), _levels(each)) for name, each in singles.items()]
    said = ", ".join(f"without {name} by {each.mean():.2f}" for name, each in groups.items())
    rows = [first, second] if second else [first]
    return View(f"With zeros in place of a prior the last step changes, {said} of 255 levels on average.", rows)


def compared(one: tuple[str, Picture], other: tuple[str, Picture], face: Face, wipe: float) -> View:
    """Two pictures of the face laid over each other, the first seen left of `wipe`, a share of the width."""
    edge = round(wipe * CROP)
    both = np.where(np.arange(CROP)[None, :, None] < edge, one[1], other[1])
    if 0 < edge < CROP:
        both[:, edge] = 255
    apart = _distance(one[1], other[1])
    sides: list[Panel | Bars] = [
        Panel(f"{name}, {side}", picture, _scored(_scores(picture, face.original)))
        for (name, picture), side in ((one, "left"), (other, "right"))
    ]
    between = Panel("their difference", _heat(apart), _levels(apart))
    wiped = Panel(f"{one[0]} | {other[0]}", both, f"the line is at {wipe:.0%}", large=True)
    ahead = _scores(one[1], face.original)[0] - _scores(other[1], face.original)[0]
    said = f"{one[0]} is {abs(ahead):.2f} dB {_ahead(ahead)} {other[0]} on this face."
    return View(said, [[wiped], [*sides, between, Panel("original", face.original)]])


def last_picture(net: System | None, face: Face) -> Picture:
    """What a network makes of a face in the end; bicubic enlargement, if it is none."""
    if net is None:
        return bicubic(face.lr)
    return restore_faces(net, [face.lr], [face.original])[0].steps[-1]


def _with_priors(net: System) -> MPENet:
    if not isinstance(net, MPENet) or not (net.config.use_landmarks or net.config.use_aus):
        raise UserError("this network has no priors that could be replaced", "choose an MPENet, as small is")
    return net


def _told(net: MPENet, told: MPEOutput, own: MPEOutput, moved: Moves) -> list[Panel | Bars]:
    """The priors as they were told."""
    parts: list[Panel | Bars] = []
    if told.heatmaps is not None and moved:
        points = _points(told.heatmaps[-1])
        parts.append(Panel("landmarks, as told", show.marked(to_picture(own.sr[0])[0], points)))
    if told.au_logits is not None and own.au_logits is not None:
        after, before = (
            _named(dict(zip(net.config.aus, logits.sigmoid()[0].tolist(), strict=True)))
            for logits in (told.au_logits, own.au_logits)
        )
        parts.append(Bars("action units, as told", after, before))
    return parts


def _whose(picture: Picture, landmarks: NDArray[np.float64], units: NDArray[np.float64]) -> Picture:
    """Blue where landmarks moved a pixel more than units did, each of its own most, orange where units did."""
    shares = [change / max(change.max(), 1.0) for change in (landmarks, units)]
    colours = np.where((shares[0] >= shares[1])[..., None], (64, 150, 255), (255, 150, 32))
    alpha = np.sqrt(np.maximum(*shares))[..., None]
    grey = picture.mean(2, keepdims=True) * 0.6
    mixed: NDArray[np.float64] = grey * (1 - alpha) + colours * alpha
    return mixed.round().astype(np.uint8)


def _points(heatmaps: torch.Tensor) -> NDArray[np.float64]:
    """(1, 68, S, S) -> (68, 2), in pixels of the picture."""
    return decode(heatmaps)[0].numpy() * STRIDE + (STRIDE - 1) / 2


def _heat(change: NDArray[np.float64]) -> Picture:
    """A change whose largest value, if it is a level at least, is brightest."""
    return show.heat(change, max(float(change.max()), 1.0))


def _ahead(decibels: float) -> str:
    return "ahead of" if decibels >= 0 else "behind"


def _distance(one: Picture, other: Picture) -> NDArray[np.float64]:
    """(128, 128), in levels, a mean over the colours."""
    return np.abs(one.astype(float) - other).mean(-1)


def _levels(change: NDArray[np.float64]) -> str:
    return f"{change.mean():.2f} of 255 levels, at most {change.max():.0f}"


def _scores(picture: Picture, original: Picture) -> tuple[float, float]:
    return psnr(picture[None], original[None]).item(), ssim(picture[None], original[None]).item()


def _scored(scores: tuple[float, float]) -> str:
    return f"{scores[0]:.2f} dB, SSIM {scores[1]:.3f}"


def _named(aus: Mapping[int, float]) -> dict[str, float]:
    return {CATALOGUE[number].title: value for number, value in aus.items()}
