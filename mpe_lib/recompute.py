"""Half the memory for a quarter more time: what happens inside a step is forgotten, and done again for its gradient."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
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
        return nullcontext(), _statistics_fixed(part)

    return checkpoint(forward, *inputs, use_reentrant=False, context_fn=contexts)


@contextmanager
def _statistics_fixed(part: nn.Module) -> Generator[None]:
    """The second pass sees the same batch, which batch norm must not count twice: it counts on copies."""
    kept = [(module, name, buffer) for module in part.modules() for name, buffer in module.named_buffers(recurse=False)]
    for module, name, buffer in kept:
        setattr(module, name, buffer.clone())
    try:
        yield
    finally:
        for module, name, buffer in kept:
            setattr(module, name, buffer)
