"""The exponential average of the weights of a network as it learns."""

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


class Average(Generic[Network]):
    """A network whose weights and statistics follow those of another: w' <- decay w' + (1 - decay) w.

    `torch.optim.swa_utils.AveragedModel` does the same, and goes through all modules by name each time, which takes
    as long as an update of a small network on a GPU.

    Attributes:
        module: the average; before the first `follow`, a copy of the network.
        count: how often it followed.
    """

    def __init__(self, net: Network, decay: float) -> None:
        self.module, self.count, self._decay = copy.deepcopy(net), 0, decay
        self.module.requires_grad_(False)
        pairs: list[tuple[Tensor, Tensor]] = [*zip(net.parameters(), self.module.parameters(), strict=True)]
        pairs += zip(net.buffers(), self.module.buffers(), strict=True)
        self._floats = [(ours, average) for ours, average in pairs if ours.is_floating_point()]
        self._counters = [(ours, average) for ours, average in pairs if not ours.is_floating_point()]

    @torch.no_grad()
    def follow(self) -> None:
        """Move toward the network's weights; the first time all the way."""
        ours, average = (list(side) for side in zip(*self._floats, strict=True))
        torch._foreach_lerp_(average, ours, 1 - self._decay if self.count else 1.0)  # pyright: ignore
        for current, behind in self._counters:
            behind.copy_(current)
        self.count += 1
