"""`mpe restore`."""

from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mpe_lib.cli.options import Weights
from mpe_lib.cli.terminal import ALL, NONE, SOME, say, tell, told
from mpe_lib.errors import UserError

if TYPE_CHECKING:
    from mpe_lib.photograph import Restored


def restore(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photographs with faces.")],
    out: Annotated[Path, typer.Option(help="The folder that receives a sheet and single pictures of each face.")],
    weights: Weights = "small",
    as_is: Annotated[bool, typer.Option("--as-is", help="Take small faces at their own resolution.")] = False,
) -> None:
    """Restore every face of every photograph from 16 x 16 pixels."""
    with told():
        from mpe_lib.faces.picture import read_picture
        from mpe_lib.files import refused_for_good
        from mpe_lib.machine import device
        from mpe_lib.memory import keep_freed_memory
        from mpe_lib.photograph import find_faces, restore_found
        from mpe_lib.weights import load

        keep_freed_memory()
        net = load(weights).to(device())
    done = failed = 0
    for photo, folder in zip(photos, _folders(photos, out), strict=True):
        try:
            faces, refused = find_faces(read_picture(photo), str(photo), net.config.face_scale, as_is=as_is)
            for reason in refused:
                say(reason)
            for number, face in enumerate(restore_found(net, faces, as_is=as_is), 1):
                _write(folder, f"face{number}", face)
                tell(f"{photo} face {number}: {_scores(face)} -> {folder}/face{number}_sheet.png")
            done += 1
            failed += bool(refused)
        except UserError as error:
            say(str(error))
            failed += 1
            if refused_for_good(error):
                break
    raise SystemExit(ALL if not failed else SOME if done else NONE)


def _folders(photos: list[Path], out: Path) -> Iterator[Path]:
    """A folder for each photograph, by its name; a number keeps equal names apart."""
    taken: set[str] = set()
    for photo in photos:
        stem = photo.stem.strip(".") or "photo"  # of "...png" it is "..", which is no folder for it
        names = chain([stem], (f"{stem}-{number}" for number in count(2)))
        name = next(name for name in names if name not in taken)
        taken.add(name)
        yield out / name


def _write(folder: Path, name: str, face: "Restored") -> None:
    """The sheet of a face and its single pictures."""
    from mpe_lib.faces.picture import write_png
    from mpe_lib.files import atomic
    from mpe_lib.show import sheet

    for what, picture in face.pictures().items():
        write_png(folder / f"{name}_{what.replace(' ', '')}.png", picture)
    with atomic(folder / f"{name}_sheet.png") as temporary:
        sheet(face).savefig(temporary, dpi=110)


def _scores(face: "Restored") -> str:
    """PSNR (Y, border 0) of each picture in a line."""
    scores = face.scores()
    if not scores:
        return "taken as it is, nothing to compare with"
    return ", ".join(f"{name} {psnr:.2f} dB" for name, (psnr, _) in scores.items())
