"""The way of a batch through a network, there and back, as two CUDA graphs.

A GPU does an update of a small batch faster than its processor can tell it, kernel by kernel, what to do. Recorded
once, the two lists of kernels are told in one go each.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as tree  # pyright: ignore[reportPrivateUsage]

from mpe_lib.nets import MPEOutput, System


def graphed(net: System, picture: Tensor, *, bf16: bool) -> Callable[[Tensor], MPEOutput]:
    """The network in training mode, recorded for batches like this one.

    Each answer can be followed back once, and holds until the next one is asked for. Recording moves the statistics
    of batch norm.

    Args:
        net: on a GPU; its parameters must stay where they are.
        picture: a batch, whose shape and layout all others have.
        bf16: by autocast.
    """
    # recorded on a stream of its own, which newer versions warn about at each update
    warn: Any = getattr(torch.autograd.graph, "set_warn_on_accumulate_grad_stream_mismatch", None)
    if warn is not None:
        warn(False)
    flat = _Flat(net, bf16=bf16)
    recorded: Any = torch.cuda.make_graphed_callables(flat, (picture,), allow_unused_input=True)

    def answer(picture: Tensor) -> MPEOutput:
        return flat.shaped(recorded(picture))

    return answer


class _Flat(nn.Module):
    """A network that answers with a tuple of tensors, as a graph must."""

    def __init__(self, net: System, *, bf16: bool) -> None:
        super().__init__()
        self._net, self._bf16 = net, bf16
        self._shape: Any = None

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        # each weight is cast anew wherever it is used: a cache would outlive the recording
        with torch.autocast("cuda", torch.bfloat16, cache_enabled=False) if self._bf16 else nullcontext():
            leaves, self._shape = tree.tree_flatten(self._net(picture))
        self._known = [leaf is not None for leaf in leaves]
        return tuple(leaf for leaf in leaves if leaf is not None)

    def shaped(self, leaves: tuple[Tensor, ...]) -> MPEOutput:
        """The tensors as what the network answered with."""
        rest = iter(leaves)
        return tree.tree_unflatten([next(rest) if known else None for known in self._known], self._shape)
