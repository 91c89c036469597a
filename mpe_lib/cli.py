"""The command line: `mpe restore`, `mpe train`, `mpe evaluate`. Heavy imports wait until a command needs them."""

import json
import math
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from io import TextIOWrapper
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from mpe_lib.errors import UserError

if TYPE_CHECKING:
    from mpe_lib.photograph import Restored
    from mpe_lib.train import Progress

ALL, SOME, NONE = 0, 1, 2  # exit codes: how many of the pictures succeeded; a wrong call is NONE too
INTERRUPTED = 130

app = typer.Typer(help="Faces from 16 x 16 to 128 x 128 pixels: restore, train, evaluate.", add_completion=False)

Weights = Annotated[str, typer.Option(help="Shipped weights by name, a safetensors file, or the folder of a run.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, as in train.lr=2e-4.")
]


def main() -> None:
    """Run the command line; a wrong call is told in one line, as every other error is."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be no text
    try:
        raise SystemExit(app(standalone_mode=False))
    except Exception as error:
        told = getattr(error, "format_message", None)  # click's errors have it, and typer has a click of its own
        if told is None:
            raise
        command = getattr(getattr(error, "ctx", None), "command_path", "mpe")
        _fail(f"{told().rstrip('.')}; see {command} --help")


@app.command()
def restore(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photographs with faces.")],
    out: Annotated[Path, typer.Option(help="The folder that receives a sheet and single pictures of each face.")],
    weights: Weights = "small",
    as_is: Annotated[bool, typer.Option("--as-is", help="Take small faces at their own resolution.")] = False,
) -> None:
    """Restore every face of every photograph from 16 x 16 pixels."""
    with _told():
        from mpe_lib.faces.picture import read_picture
        from mpe_lib.photograph import find_faces, restore_found
        from mpe_lib.weights import load

        net = load(weights).to(_device())
    done = failed = 0
    for photo, folder in zip(photos, _folders(photos, out), strict=True):
        try:
            faces, refused = find_faces(read_picture(photo), str(photo), net.config.face_scale, as_is=as_is)
            for reason in refused:
                _say(reason)
            for number, face in enumerate(restore_found(net, faces, as_is=as_is), 1):
                _write(folder, f"face{number}", face)
                print(f"{photo} face {number}: {_scores(face)} -> {folder}/face{number}_sheet.png", flush=True)
            done += 1
            failed += bool(refused)
        except UserError as error:
            _say(str(error))
            failed += 1
    raise SystemExit(ALL if not failed else SOME if done else NONE)


@app.command()
def train(
    faces: Annotated[list[Path], typer.Option(help="A face folder, london, or synthetic:N; repeat for several.")],
    out: Annotated[Path, typer.Option(help="The folder of the run.")],
    preset: Annotated[str, typer.Option(help="tiny, small, base or paper.")] = "small",
    updates: Annotated[int | None, typer.Option(help="Optimiser steps; the preset's unless given.", min=1)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    sets: Sets = None,
) -> None:
    """Train a network on face folders."""
    with _told():
        from accelerate import PartialState

        from mpe_lib.config import preset as find_preset
        from mpe_lib.faces.facset import read_all
        from mpe_lib.sources import face_folder
        from mpe_lib.train import train as run

        changes: dict[str, Any] = dict(_field(text) for text in sets or ())
        if updates is not None:
            changes["train.updates"] = updates
        config = find_preset(preset).replace(changes)
        with _counting() as counted:
            folders = [face_folder(each, config.net.face_scale, counted) for each in faces]
        known, validation = (read_all(folders, split, config.net.aus) for split in ("train", "val"))
        scale = known.scale()
        config = config.replace({"net.face_scale": scale} | changes)
        if not _fits(scale, config.net.face_scale):
            raise UserError(f"net.face_scale={config.net.face_scale}, but the faces are cut at {scale}", "leave it out")
        rates = zip(config.net.aus, known.rates().tolist(), strict=True)
        unseen = [f"AU{au}" for au, rate in rates if math.isnan(rate)]
        if unseen and config.net.use_aus:
            _say(f"{', '.join(unseen)}: not learned, for no face is labelled to show it")
        with _progress_bar() as report:
            summary = run(config, known, validation, out, resume=resume, report=report)
    if PartialState().is_main_process:
        if summary.finished:
            best = f"best {summary.best_psnr:.2f} dB (Y, border 0) after update {summary.best_update}"
            print(f"{out}: {best}, {summary.seconds:.0f} s")
        else:
            _say(f"stopped after update {summary.update}, nothing lost; go on with the same command and --resume")
    raise SystemExit(ALL if summary.finished else INTERRUPTED)


@app.command()
def evaluate(
    faces: Annotated[list[Path], typer.Option(help="A face folder, london, or synthetic:N; repeat for several.")],
    split: Annotated[str, typer.Option(help="Which faces of it.")] = "test",
    weights: Weights = "small",
    border: Annotated[int, typer.Option(help="Pixels left out on every side; DIC leaves out 8.", min=0, max=32)] = 0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every figure to this file.")] = None,
) -> None:
    """Measure weights on a face folder: pictures, landmarks, action units."""
    with _told():
        from mpe_lib.evaluate import evaluate as measure
        from mpe_lib.evaluate import figures_table
        from mpe_lib.faces.facset import read_all
        from mpe_lib.files import atomic
        from mpe_lib.sources import face_folder
        from mpe_lib.weights import load

        net = load(weights).to(_device())
        with _counting() as counted:
            folders = [face_folder(each, net.config.face_scale, counted) for each in faces]
        tested = read_all(folders, split, net.config.aus)
        if not _fits(tested.scale(), net.config.face_scale):
            _say(f"the faces are cut at scale {tested.scale()}, the weights were trained at {net.config.face_scale}")
        figures = measure(net, tested, border)
        print(figures_table(figures))
        if json_file is not None:
            with atomic(json_file) as temporary:
                temporary.write_text(json.dumps(figures, indent=2) + "\n")


prepare = typer.Typer(help="Make a face folder.", no_args_is_help=False)
app.add_typer(prepare, name="prepare")


@prepare.command("synthetic")
def prepare_synthetic(
    out: Annotated[Path, typer.Option(help="The face folder.")],
    count: Annotated[int, typer.Option(help="Pictures in all.", min=1)] = 1000,
    people: Annotated[int, typer.Option(help="People, each on as many pictures.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Other people and pictures for another seed.", min=0)] = 0,
    rates: Annotated[
        str, typer.Option(help="How often each action unit occurs: balanced, bp4d or disfa.")
    ] = "balanced",
    scale: Annotated[float, typer.Option(help="How much of the head is seen; 2.9 as published.", min=1.5, max=4)] = 2.9,
) -> None:
    """People from nothing, whose landmarks and action units are known. Interrupted, the same command goes on."""
    with _told():
        from mpe_lib.synthetic.people import prepare_synthetic as make

        with _counting() as report:
            make(out, count, people, seed=seed, rates=rates, scale=scale, report=report)
    print(f"{out}: {count} faces of {people} people")


@prepare.command("photos")
def prepare_photos(
    photos: Annotated[Path, typer.Argument(metavar="DIR", help="Photographs, also in folders of it.")],
    out: Annotated[Path, typer.Option(help="The face folder.")],
    scale: Annotated[float, typer.Option(help="How much of the head is seen; 2.9 as published.", min=1.5, max=4)] = 2.9,
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
    with _told():
        from mpe_lib.faces.photos import prepare_photos as make

        limits: dict[str, Any] = {"scale": scale, "min_side": min_side, "min_sharpness": min_sharpness}
        with _counting() as report:
            made = make(
                photos,
                out,
                **limits,
                max_yaw=max_yaw,
                subjects=subjects,
                table=table,
                aus=aus,
                seed=seed,
                report=report,
            )
    listed = f" ({out / 'rejected.csv'})" if made.rejected or made.duplicates else ""
    print(f"{out}: {made.faces} faces, {made.rejected} rejected, {made.duplicates} duplicates{listed}")


fetch = typer.Typer(help="Download faces.", no_args_is_help=False)
app.add_typer(fetch, name="fetch")


@fetch.command("london")
def fetch_london(
    out: Annotated[
        Path | None, typer.Option(help="The face folder; unless given, one that --faces london finds.")
    ] = None,
    scale: Annotated[float, typer.Option(help="How much of the head is seen; 2.9 is too much.", min=1.5, max=4)] = 2.5,
) -> None:
    """204 photographs of 102 people, under CC BY 4.0, to test with. Interrupted, the same command goes on."""
    with _told():
        from mpe_lib.faces.facset import read_faces
        from mpe_lib.faces.london import CREDIT
        from mpe_lib.faces.london import fetch_london as get

        print(CREDIT, end="", flush=True)
        with _counting() as report:
            folder = get(out, scale=scale, report=report)
        count = len(read_faces(folder, "test", ()))
    listed = f" ({folder / 'rejected.csv'} has the rest)" if (folder / "rejected.csv").is_file() else ""
    print(f"{folder}: {count} faces{listed}, for mpe evaluate --faces {folder if out else 'london'}")


def _device() -> str:
    """Where to compute: a GPU if there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _fits(scale: float, other: float) -> bool:
    """Whether faces cut at one scale are of use to a network of the other."""
    return abs(scale / other - 1) < 0.03


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


def _field(text: str) -> tuple[str, str]:
    """FIELD=VALUE, apart."""
    name, equals, value = text.partition("=")
    if not equals:
        raise UserError(f"--set {text} has no value", "write it as in --set train.lr=2e-4")
    return name, value


@contextmanager
def _progress_bar() -> Generator["Callable[[Progress], None]"]:
    """A bar with the loss terms, faces per second and time left; validation figures as lines above it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (
        BarColumn(20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[terms]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]} left"),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None, terms="", left="?")

        def report(progress: "Progress") -> None:
            losses = " ".join(f"{name} {value.item():.4g}" for name, value in progress.terms._asdict().items())
            terms = f"{losses}  {progress.faces_per_second:.1f} faces/s"
            left = str(timedelta(seconds=round(progress.seconds_left)))
            bar.update(task, completed=progress.update, total=progress.updates, terms=terms, left=left)
            if progress.psnr is not None:
                steps = " ".join(f"{value:.2f}" for value in progress.psnr)
                line = f"update {progress.update}: PSNR by step {steps} dB (Y, border 0), {losses}"
                console.print(line, highlight=False, soft_wrap=True)

        yield report


@contextmanager
def _counting() -> Generator["Callable[[int, int], None]"]:
    """A bar with what is done and the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _told() -> Generator[None]:
    """A UserError in the block ends the program with its line, and so does Ctrl-C."""
    try:
        yield
    except UserError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _say("stopped; go on with the same command")
        raise SystemExit(INTERRUPTED) from None


def _say(line: str) -> None:
    print(f"mpe: {line}", file=sys.stderr, flush=True)


def _fail(line: str) -> NoReturn:
    _say(line)
    raise SystemExit(NONE)


if __name__ == "__main__":
    main()
