"""Whether stored tensors are those of a network, found out before it takes memory, and of use to it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor


def misfit(build: Callable[[], Any], shapes: Mapping[str, Sequence[int]]) -> str | None:
    """Why tensors of these shapes are not those of the network that `build` makes; None if they are."""
    with torch.device("meta"):  # where tensors have no values
        expected = {name: list(tensor.shape) for name, tensor in build().state_dict().items()}
    odd = expected.keys() ^ shapes.keys()
    if odd:
        return f"tensors do not fit its config, first '{min(odd)}'"
    for name, shape in expected.items():
        if list(shapes[name]) != shape:
            return f"'{name}' is {list(shapes[name])}, not {shape}"
    return None


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """The first tensor with a number that is none, or infinite, in words; None if there is no such tensor."""
    odd = next((name for name, tensor in tensors.items() if not tensor.isfinite().all()), None)
    return odd and f"'{odd}' holds numbers that are not finite"
