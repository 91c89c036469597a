"""The commands that make face folders: `mpe prepare synthetic | photos | bp4d | disfa`, `mpe fetch london`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mpe_lib.cli.terminal import counting_bar, tell, told

if TYPE_CHECKING:
    from mpe_lib.faces.recordings import Layout

prepare = typer.Typer(help="Make a face folder.")

Scale = Annotated[float, typer.Option(help="How much of the head is seen; 2.9 as published.", min=1.5, max=4)]
HeldOut = Annotated[
    int, typer.Option(help="Subjects of each fold's training parts that validate; the paper has none.", min=0)
]
Seed = Annotated[int, typer.Option(help="Other people validate for another seed.", min=0)]


@prepare.command("synthetic")
def prepare_synthetic(
    out: Annotated[Path, typer.Option(help="The face folder.")],
    count: Annotated[int, typer.Option(help="Pictures in all.", min=1)] = 1000,
    people: Annotated[int, typer.Option(help="People, each on as many pictures.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Other people and pictures for another seed.", min=0)] = 0,
    rates: Annotated[
        str, typer.Option(help="How often each action unit occurs: balanced, bp4d or disfa.")
    ] = "balanced",
    scale: Scale = 2.9,
) -> None:
    """People from nothing, whose landmarks and action units are known. Interrupted, the same command goes on."""
    with told():
        from mpe_lib.synthetic.people import prepare_synthetic as make

        with counting_bar() as report:
            make(out, count, people, seed=seed, rates=rates, scale=scale, report=report)
    tell(f"{out}: {count} faces of {people} people")


@prepare.command("photos")
def prepare_photos(
    photos: Annotated[Path, typer.Argument(metavar="DIR", help="Photographs, also in folders of it.")],
    out: Annotated[Path, typer.Option(help="The face folder.")],
    scale: Scale = 2.9,
    min_side: Annotated[int, typer.Option(help="Least side of the square around the face, in pixels.", min=1)] = 96,
    min_sharpness: Annotated[
        float, typer.Option(help="Least variance of the Laplacian; blurred is below 25.", min=0)
    ] = 25,
    max_yaw: Annotated[float, typer.Option(help="Most degrees turned to a side.", min=0, max=90)] = 30,
    subjects: Annotated[
        str, typer.Option(help="Who is who: file (nobody twice), folder (its name), or a column of --table.")
    ] = "file",
    table: Annotated[Path | None, typer.Option(help="CSV: file_name, subjects, and split if it decides.")] = None,
    aus: Annotated[Path | None, typer.Option(help="CSV: file_name, AU1, AU2, ... (1, 0, 9 unknown).")] = None,
    seed: Annotated[int, typer.Option(help="Other people in each split for another seed.", min=0)] = 0,
) -> None:
    """The largest face of each photograph, else why not in rejected.csv. Interrupted, the same command goes on."""
    with told():
        from mpe_lib.faces.photos import prepare_photos as make

        with counting_bar() as report:
            made = make(
                photos,
                out,
                scale=scale,
                min_side=min_side,
                min_sharpness=min_sharpness,
                max_yaw=max_yaw,
                subjects=subjects,
                table=table,
                aus=aus,
                seed=seed,
                report=report,
            )
    listed = f" ({out / 'rejected.csv'})" if made.rejected or made.duplicates else ""
    tell(f"{out}: {made.faces} faces, {made.rejected} rejected, {made.duplicates} duplicates{listed}")


@prepare.command("bp4d")
def prepare_bp4d(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="BP4D: F001/T1/2440.jpg and F001_T1.csv in it.")],
    out: Annotated[Path, typer.Option(help="The face folder.")],
    scale: Scale = 2.9,
    held_out: HeldOut = 2,
    seed: Seed = 0,
) -> None:
    """The faces of BP4D's labelled frames, in three folds. Interrupted, the same command goes on."""
    with told():
        from mpe_lib.faces.bp4d import BP4D

        _prepare(BP4D, source, out, scale, held_out, seed)


@prepare.command("disfa")
def prepare_disfa(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="DISFA: LeftVideoSN001_comp.avi and SN001_au1.txt in it.")
    ],
    out: Annotated[Path, typer.Option(help="The face folder.")],
    scale: Scale = 2.9,
    held_out: HeldOut = 2,
    seed: Seed = 0,
) -> None:
    """The faces of DISFA's labelled frames, in three folds. Interrupted, the same command goes on."""
    with told():
        from mpe_lib.faces.disfa import DISFA

        _prepare(DISFA, source, out, scale, held_out, seed)


def _prepare(layout: "Layout", source: Path, out: Path, scale: float, held_out: int, seed: int) -> None:
    """Fill the folder; tell what became of the data set, and how often its action units occur."""
    from mpe_lib.faces.recordings import prepare_recordings
    from mpe_lib.occurrence import occurrence_table

    with counting_bar() as report:
        made = prepare_recordings(layout, source, out, scale=scale, held_out=held_out, seed=seed, report=report)
    tell(f"{out}: {made.faces} faces" + (f"; what is lost is in {out / 'rejected.csv'}" if made.lost else ""))
    for kind, count in made.lost.items():
        print(f"{count:8} {kind}")
    print("\n".join(occurrence_table(out, layout.name)))


fetch = typer.Typer(help="Download faces.")


@fetch.command("london")
def fetch_london(
    out: Annotated[
        Path | None, typer.Option(help="The face folder; unless given, one that --faces london finds.")
    ] = None,
    scale: Annotated[float, typer.Option(help="How much of the head is seen; 2.9 is too much.", min=1.5, max=4)] = 2.5,
) -> None:
    """204 photographs of 102 people, under CC BY 4.0, to test with. Interrupted, the same command goes on."""
    with told():
        from mpe_lib.faces.facset import read_faces
        from mpe_lib.faces.london import CREDIT
        from mpe_lib.faces.london import fetch_london as get

        print(CREDIT, end="", flush=True)
        with counting_bar() as report:
            folder = get(out, scale=scale, report=report)
        count = len(read_faces(folder, "test", ()))
    listed = f" ({folder / 'rejected.csv'} has the rest)" if (folder / "rejected.csv").is_file() else ""
    tell(f"{folder}: {count} faces{listed}, for mpe evaluate --faces {folder if out else 'london'}")
