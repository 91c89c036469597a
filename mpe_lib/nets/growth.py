"""A network that begins as a smaller one that has learnt (Net2Net, Chen et al. 2016, with zeros for its copies)."""

import dataclasses
from typing import Any

from torch import Tensor, nn

from mpe_lib.config import NetConfig
from mpe_lib.errors import UserError
from mpe_lib.nets.mpenet import MPENet

SIZES = ("channels", "groups", "hourglass_width", "au_width")  #: what may grow
FREE = ("detach_priors", "init", "face_scale")  #: what changes no weight's meaning


def begin_as(net: MPENet, start: MPENet) -> None:
    """Let `net` compute what `start` computes, of which it may be a wider copy.

    The channels of `start` become the first of `net`'s. The others keep the weights that they have, but nothing
    that came over hears them yet: the weights on their way are zero. Their gradient is not, so that the first
    update opens these ways, and the second teaches what lies behind them.

    Raises:
        UserError: `start` is larger, or has other branches or action units.
    """
    _check(net.config, start.config)
    smaller = dict(start.named_modules())
    for name, module in net.named_modules():
        if name not in smaller:
            continue  # in a group that `start` does not have
        theirs = dict(_own_tensors(smaller[name]))
        for key, ours in _own_tensors(module):
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) and key == "weight":
                inputs, outputs = (0, 1) if isinstance(module, nn.ConvTranspose2d) else (1, 0)
                parts = [
                    _maps(name, tensor.shape[inputs], config.channels)
                    for tensor, config in ((theirs[key], start.config), (ours, net.config))
                ]
                _place(theirs[key].transpose(outputs, 0), ours.transpose(outputs, 0), *parts)
            else:  # biases, slopes, the statistics of batch norm
                ours[tuple(slice(size) for size in theirs[key].shape)] = theirs[key]


def _check(wide: NetConfig, narrow: NetConfig) -> None:
    """Raises UserError: a network of `narrow` is no part of one of `wide`."""
    for name, theirs in dataclasses.asdict(narrow).items():
        ours = getattr(wide, name)
        if not _fits(name, theirs, ours):
            raise UserError(
                f"the weights to start with have {name}={theirs}, which does not go into {name}={ours}",
                "choose the preset that they were made by, or one that is larger",
            )


def _fits(name: str, theirs: Any, ours: Any) -> bool:
    """Whether a part of the larger network can be as in the smaller one."""
    if name == "iterations":  # later steps share the weights of the third
        return min(theirs, 3) == min(ours, 3)
    return name in FREE or (theirs <= ours if name in SIZES else theirs == ours)


def _own_tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    """The module's parameters and buffers, not its children's; views of them that can be written to."""
    own: list[tuple[str, Any]] = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return [(key, tensor.detach()) for key, tensor in own]


def _maps(name: str, inputs: int, channels: int) -> list[int]:
    """The widths of the feature maps that a layer sees side by side."""
    if not name.startswith("perb."):
        return [inputs]
    count = inputs // channels
    if name.startswith("perb.fusions."):
        count = min(count, 2)  # shallow features and state; what follows is the prior
    return [channels] * count + [inputs - count * channels]


def _place(theirs: Tensor, ours: Tensor, their_maps: list[int], our_maps: list[int]) -> None:
    """Write (O, I, ...) into the first outputs of a larger one, map by map; these hear nothing else."""
    ours[: len(theirs)] = 0
    sources, targets = theirs.split(their_maps, 1), ours[: len(theirs)].split(our_maps, 1)
    for source, target in zip(sources, targets, strict=False):
        target[:, : source.shape[1]] = source
