"""Telling the later steps something else than the earlier ones saw, and what each prior does to the picture."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from mpe_lib.au import attention_maps
from mpe_lib.errors import UserError
from mpe_lib.heatmaps import decode, encode
from mpe_lib.nets import MPENet, MPEOutput, evaluating
from mpe_lib.nets.mpenet import LANDMARKS

STRIDE = 4  #: pixels of the restored picture in a cell of the maps
Moves = Mapping[int, tuple[float, float]]  #: of landmarks, by their numbers: pixels to the right and down


class Effects(NamedTuple):
    """The last picture, and the same where a prior was taken away; each (3, 128, 128), not clamped."""

    own: Tensor
    without: dict[str, Tensor]  # "landmarks", "units", "AU12", ...


def steer(
    net: MPENet,
    lr: Tensor,
    units: Mapping[int, float] | None = None,
    moved: Moves | None = None,
    own: MPEOutput | None = None,
) -> MPEOutput:
    """Restore a face while the later steps are told something else.

    Args:
        net: a network with the priors that are to be replaced.
        lr: (1, 3, 16, 16), RGB in [0, 1].
        units: what step 3 is told of action units instead: from their numbers to a probability.
        moved: what step 2 is told of landmarks instead: from their numbers, 0 to 67, to (x, y) pixels of the
            restored picture by which each lies elsewhere. Attention maps follow.
        own: what the network makes of it by itself, where that is known already.

    Returns:
        What the network makes of it; heatmaps, units and attention maps are those that it was told.

    Raises:
        UserError: a unit that this network does not know, a landmark that there is not, or a network without such
            a prior.
    """
    with evaluating(net):
        seen = net(lr) if own is None else own
        given = _moved(net, seen, moved) if moved else {}
        if units:  # the others stay what step 2 makes of the landmarks that it is told
            given["au_probability"] = _told(net, net(lr, iterations=2, **given) if given else seen, units)
        if not given:
            return seen
        steered = net(lr, **given)
    logits = given["au_probability"].logit(1e-6) if units else steered.au_logits
    heatmaps = (given["heatmaps"],) if moved else steered.heatmaps
    return steered._replace(heatmaps=heatmaps, au_logits=logits)


def effects(net: MPENet, lr: Tensor) -> Effects:
    """What the last picture would be without landmarks, without any unit, and without each unit alone.

    A prior is taken away by zeros in its place, which a network has never seen of landmarks: what changes is what
    it does with the prior, and also how it takes a lack of it.

    Args:
        net: a network with at least one prior.
        lr: (1, 3, 16, 16), RGB in [0, 1].
    """
    with evaluating(net):
        own = net(lr)
        without: dict[str, Tensor] = {}
        if own.heatmaps is not None:
            without["landmarks"] = net(lr, heatmaps=torch.zeros_like(own.heatmaps[-1])).sr[-1][0]
        if own.au_logits is not None:
            # one face in many rows: without any of the units, and without each; steps 1 and 2 are the same for all
            aus = net.config.aus
            believed = own.au_logits.sigmoid()
            told = torch.cat([torch.zeros_like(believed), believed * (1 - torch.eye(len(aus), device=lr.device))])
            pictures = net(lr, au_probability=told).sr[-1]
            without |= dict(zip(["units", *(f"AU{number}" for number in aus)], pictures, strict=True))
    return Effects(own.sr[-1][0], without)


def _told(net: MPENet, own: MPEOutput, units: Mapping[int, float]) -> Tensor:
    """(1, A), its own probabilities with some replaced."""
    known = net.config.aus if own.au_logits is not None else ()
    for number in units:
        if number not in known:
            listed = ", ".join(map(str, known)) or "none"
            raise UserError(f"this network does not know AU{number}", f"it knows {listed}")
    assert own.au_logits is not None
    probability = own.au_logits.sigmoid().clone()
    for number, value in units.items():
        probability[:, known.index(number)] = value
    return probability


def _moved(net: MPENet, own: MPEOutput, moved: Moves) -> dict[str, Tensor]:
    """The heatmaps of its own landmarks, those of some elsewhere, and attention maps of the same."""
    if own.heatmaps is None:
        raise UserError("this network has no landmarks to move", "choose an MPENet")
    unknown = [number for number in moved if not 0 <= number < LANDMARKS]
    if unknown:
        raise UserError(f"there is no landmark {unknown[0]}", f"they are 0 to {LANDMARKS - 1}")
    points = decode(own.heatmaps[-1])  # (1, 68, 2), in cells
    maps = own.heatmaps[-1].clone()
    for number, (x, y) in moved.items():
        points[0, number] += points.new_tensor([x, y]) / STRIDE
        # as high as it was, for a network that is unsure makes low maps
        maps[0, number] = encode(points[:, number : number + 1], maps.shape[-1])[0, 0] * maps[0, number].max()
    given = {"heatmaps": maps}
    if own.attention is not None:
        given["attention"] = attention_maps(points, net.config.aus, maps.shape[-1])
    return given
