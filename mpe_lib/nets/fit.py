"""Whether stored tensors are those of a network, found out before it takes memory."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch


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
