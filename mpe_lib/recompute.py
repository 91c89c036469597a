"""Half the memory for a third more arithmetic: what happens inside a step is forgotten, and redone for its gradient."""

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from torch import nn
from torch.utils.checkpoint import checkpoint

from mpe_lib.nets import MPENet


def recompute_parts(net: MPENet) -> None:
    """Let the parts of `net` keep their inputs only; parameters, outputs and gradients stay the same."""
    parts: tuple[Any, ...] = (net.perb, net.reconstruct, net.align, net.detect)
    for part in parts:
        if part is not None:
            part.forward = partial(_recomputed, part, part.forward)


def _recomputed(part: nn.Module, forward: Any, *inputs: Any) -> Any:
    """Run a part's forward so; in eval mode or without gradients nothing is kept anyway."""

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _StatisticsFixed(part)

    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)


class _StatisticsFixed(AbstractContextManager[None]):
    """The second pass sees the same batch, which batch norm must not count twice: it counts on copies.

    Entered anew for each gradient that is asked of one pass, as when the shares of the losses are measured.
    """

    def __init__(self, part: nn.Module) -> None:
        self._kept = [
            (module, name, buffer) for module in part.modules() for name, buffer in module.named_buffers(recurse=False)
        ]

    def __enter__(self) -> None:
        for module, name, buffer in self._kept:
            setattr(module, name, buffer.clone())

    def __exit__(self, *_: object) -> None:
        for module, name, buffer in self._kept:
            setattr(module, name, buffer)
