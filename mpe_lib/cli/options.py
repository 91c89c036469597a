"""Options that several commands take, and where a command computes."""

from typing import Annotated

import typer

Weights = Annotated[str, typer.Option(help="Shipped weights by name, a safetensors file, or the folder of a run.")]
Fold = Annotated[int | None, typer.Option(help="Of BP4D and DISFA: 1 tests on P3, 2 on P2, 3 on P1.", min=1, max=3)]
OpenFace = Annotated[
    str | None,
    typer.Option(help="OpenFace's FaceLandmarkImg or its folder; auto: from the variable OPENFACE, or PATH."),
]


def device() -> str:
    """Where to compute: a GPU if there is one, else a CPU that is made ready for it."""
    import torch

    from mpe_lib.memory import keep_freed_memory

    keep_freed_memory()
    return "cuda" if torch.cuda.is_available() else "cpu"


def fits(scale: float, other: float) -> bool:
    """Whether faces cut at one scale are of use to a network of the other."""
    return abs(scale / other - 1) < 0.03
