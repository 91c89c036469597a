"""Options that several commands take."""

from typing import Annotated

import typer

from mpe_lib.errors import UserError

Weights = Annotated[str, typer.Option(help="Shipped weights by name, a safetensors file, or the folder of a run.")]
Fold = Annotated[int | None, typer.Option(help="Of BP4D and DISFA: 1 tests on P3, 2 on P2, 3 on P1.", min=1, max=3)]
OpenFace = Annotated[
    str | None,
    typer.Option(help="OpenFace's FaceLandmarkImg or its folder; auto: from the variable OPENFACE, or PATH."),
]


def parted(text: str, example: str) -> tuple[str, str]:
    """NAME=VALUE of --set, apart."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set {text} has no value", f"write it as in --set {example}")
    return name, value
