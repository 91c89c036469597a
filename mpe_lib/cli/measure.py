"""`mpe evaluate`, `mpe openface` and `mpe tables`."""

from pathlib import Path
from typing import Annotated

import typer

from mpe_lib.cli.options import Fold, OpenFace, Weights
from mpe_lib.cli.terminal import ALL, SOME, counting_bar, say, tell, told


def evaluate(
    faces: Annotated[list[str], typer.Option(help="A face folder, london, or synthetic:N; repeat for several.")],
    split: Annotated[str, typer.Option(help="Which faces of it.")] = "test",
    weights: Weights = "small",
    fold: Fold = None,
    border: Annotated[int, typer.Option(help="Pixels left out on every side; DIC leaves out 8.", min=0, max=32)] = 0,
    judge: Annotated[
        str | None, typer.Option(help="Weights of a judge of action units, to look at the restored faces.")
    ] = None,
    openface: OpenFace = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every figure to this file.")] = None,
) -> None:
    """Measure weights on a face folder: pictures, landmarks, action units."""
    with told():
        from mpe_lib.evaluate import evaluate as measure
        from mpe_lib.evaluate import figures_table
        from mpe_lib.faces.facset import read_all
        from mpe_lib.files import write_json
        from mpe_lib.machine import device
        from mpe_lib.memory import keep_freed_memory
        from mpe_lib.recognise import recognise, recognisers, recognition_table
        from mpe_lib.sources import face_folder, misfit
        from mpe_lib.weights import load

        keep_freed_memory()
        net = load(weights).to(device())
        asked = recognisers(judge, openface)
        with counting_bar() as counted:
            folders = [face_folder(each, net.config.face_scale, counted) for each in faces]
        tested = read_all([(folder, None) for folder in folders], split, net.config.aus, fold)
        scale = tested.scale() or net.config.face_scale
        looking = {weights: net.config.face_scale} | {by.name: by.face_scale for by in asked}
        for line in (line for name, other in looking.items() for line in misfit(scale, name, other)):
            say(line)
        figures = measure(net, tested, border)
        print(figures_table(figures))
        figures["recognised"] = []
        for by in asked:
            labelled = read_all([(folder, None) for folder in folders], split, by.aus, fold)
            with counting_bar() as counted:
                figures["recognised"].append(recognise(by, net, labelled, counted))
            print(recognition_table(figures["recognised"][-1]))
        if json_file is not None:
            write_json(json_file, figures)


def openface(
    photos: Annotated[Path, typer.Argument(metavar="DIR", help="Photographs, also in folders of it.")],
    out: Annotated[Path, typer.Option(help="The table, for mpe prepare photos --aus.")],
    openface: OpenFace = None,
) -> None:
    """Let OpenFace label photographs: a table of file_name, AU1, AU2, ... (1, 0, and nothing for unknown)."""
    with told():
        from mpe_lib.faces.photos import find_pictures
        from mpe_lib.openface import find_openface, run_openface, write_table

        program, pictures = find_openface(openface), find_pictures(photos)
        with counting_bar() as counted:
            seen = run_openface(program, list(pictures), report=counted)
        write_table(out, pictures, seen)
    for picture, problem in seen.failed.items():
        say(f"{picture}: {problem}")
    tell(
        f"{out}: {len(seen.units)} of {len(pictures)} pictures with action units, {len(seen.undetected)} without a face"
    )
    raise SystemExit(SOME if seen.failed else ALL)


def tables(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Results, as mpe sweep collects them.")],
) -> None:
    """Print Tables 1 to 4 as Markdown, as far as the results go, with the paper's figures and what may be chance."""
    with told():
        from mpe_lib.results import read_results
        from mpe_lib.tables import all_tables

        print("\n\n".join(all_tables(read_results(folder)) for folder in folders))
