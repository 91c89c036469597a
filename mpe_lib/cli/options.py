"""Options that several commands take."""

from typing import Annotated

import typer

Weights = Annotated[str, typer.Option(help="Shipped weights by name, a safetensors file, or the folder of a run.")]
Fold = Annotated[int | None, typer.Option(help="Of BP4D and DISFA: 1 tests on P3, 2 on P2, 3 on P1.", min=1, max=3)]
OpenFace = Annotated[
    str | None,
    typer.Option(help="OpenFace's FaceLandmarkImg or its folder; auto: from the variable OPENFACE, or PATH."),
]
