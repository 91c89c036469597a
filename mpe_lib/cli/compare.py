"""`mpe compare`."""

import os
from pathlib import Path
from typing import Annotated

import typer

from mpe_lib.cli.terminal import say, tell, told
from mpe_lib.errors import UserError


def compare(
    photos: Annotated[
        list[str], typer.Argument(metavar="FACE...", help="Photographs; astronaut; or person:5, a synthetic one.")
    ],
    out: Annotated[Path, typer.Option(help="The picture, a PNG.")],
    weights: Annotated[
        list[str],
        typer.Option(help="Shipped weights, a file, or the folder of a run, perhaps with a name: DIC=dic-small."),
    ],
    differences: Annotated[bool, typer.Option("--differences", help="Also how far each is from the original.")] = False,
) -> None:
    """Draw the same faces by several networks, beside input, bicubic and original."""
    with told():
        from mpe_lib.compare import compare as by_each
        from mpe_lib.compare import originals
        from mpe_lib.files import atomic
        from mpe_lib.machine import device
        from mpe_lib.memory import keep_freed_memory
        from mpe_lib.show import compared
        from mpe_lib.sources import misfit
        from mpe_lib.weights import load

        places = dict(map(_named, weights))
        if len(places) < len(weights):
            raise UserError("two networks have the same name", "name them, as in --weights DIC=runs/dic/run")
        if out.suffix.lower() != ".png":
            raise UserError(f"--out {out} is no PNG by its name", "call it something.png")
        keep_freed_memory()
        named = {name: load(place).to(device()) for name, place in places.items()}
        scale = min(net.config.face_scale for net in named.values())
        for name, net in named.items():
            for line in misfit(scale, name, net.config.face_scale):
                say(line)
        faces = by_each(named, originals(photos, scale))
        with atomic(out) as temporary:
            compared(list(faces.values()), differences=differences).savefig(temporary, dpi=110)
    for face, one in faces.items():
        scores = ", ".join(f"{name} {decibel:.2f} dB" for name, (decibel, _) in one.scores().items())
        tell(f"{face}: {scores}")


def _named(text: str) -> tuple[str, str]:
    """What a network is to be called, and its weights."""
    name, equals, place = text.partition("=")
    return (name, place) if equals and not os.path.exists(text) else (Path(text).name, text)
