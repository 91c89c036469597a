"""The command line: `mpe restore`, `mpe train`, `mpe evaluate`. Heavy imports wait until a command needs them."""

import json
import math
import sys
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mpe_lib.cli_faces import fetch, prepare
from mpe_lib.errors import UserError
from mpe_lib.terminal import ALL, INTERRUPTED, NONE, SOME, counting_bar, fail, say, told, training_bar

if TYPE_CHECKING:
    from mpe_lib.config import Config
    from mpe_lib.faces.facset import Faces
    from mpe_lib.nets import Judge
    from mpe_lib.photograph import Restored
    from mpe_lib.record import Summary

app = typer.Typer(help="Faces from 16 x 16 to 128 x 128 pixels: restore, train, evaluate.", add_completion=False)

Weights = Annotated[str, typer.Option(help="Shipped weights by name, a safetensors file, or the folder of a run.")]
Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, as in train.lr=2e-4.")
]
Fold = Annotated[int | None, typer.Option(help="Of BP4D and DISFA: 1 tests on P3, 2 on P2, 3 on P1.", min=1, max=3)]


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
        fail(f"{told().rstrip('.')}; see {command} --help")


@app.command()
def restore(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO...", help="Photographs with faces.")],
    out: Annotated[Path, typer.Option(help="The folder that receives a sheet and single pictures of each face.")],
    weights: Weights = "small",
    as_is: Annotated[bool, typer.Option("--as-is", help="Take small faces at their own resolution.")] = False,
) -> None:
    """Restore every face of every photograph from 16 x 16 pixels."""
    with told():
        from mpe_lib.faces.picture import read_picture
        from mpe_lib.photograph import find_faces, restore_found
        from mpe_lib.weights import load

        net = load(weights).to(_device())
    done = failed = 0
    for photo, folder in zip(photos, _folders(photos, out), strict=True):
        try:
            faces, refused = find_faces(read_picture(photo), str(photo), net.config.face_scale, as_is=as_is)
            for reason in refused:
                say(reason)
            for number, face in enumerate(restore_found(net, faces, as_is=as_is), 1):
                _write(folder, f"face{number}", face)
                print(f"{photo} face {number}: {_scores(face)} -> {folder}/face{number}_sheet.png", flush=True)
            done += 1
            failed += bool(refused)
        except UserError as error:
            say(str(error))
            failed += 1
    raise SystemExit(ALL if not failed else SOME if done else NONE)


@app.command()
def train(
    faces: Annotated[
        list[str],
        typer.Option(help="A face folder, london, or synthetic:N; several may have weights, as in utk@3."),
    ],
    out: Annotated[Path, typer.Option(help="The folder of the run.")],
    preset: Annotated[
        str, typer.Option(help="tiny, small, base or paper; mpegan; or another system, as dic-small.")
    ] = "small",
    updates: Annotated[int | None, typer.Option(help="Optimiser steps; the preset's unless given.", min=1)] = None,
    start: Annotated[
        str | None, typer.Option(help="Weights to begin with, of the same network or a smaller one.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    fold: Fold = None,
    vggface: Annotated[
        str | None, typer.Option(help="vgg_face_dag.pth or its address, for the perceptual loss of MPEGAN.")
    ] = None,
    lightcnn: Annotated[
        str | None, typer.Option(help="LightCNN_feature.pth or its address, for that of DICGAN.")
    ] = None,
    tracker: Annotated[str | None, typer.Option(help="tensorboard or wandb: where else to log to.")] = None,
    sets: Sets = None,
) -> None:
    """Train a network on face folders; under `accelerate launch` on several GPUs."""
    with told():
        from accelerate import PartialState

        from mpe_lib.checkpoint import Run
        from mpe_lib.config import preset as find_preset
        from mpe_lib.faces.facset import read_all
        from mpe_lib.features import find_features
        from mpe_lib.sources import face_folders
        from mpe_lib.train import train as run
        from mpe_lib.weights import load

        changes: dict[str, Any] = dict(_field(text) for text in sets or ())
        if updates is not None:
            changes["train.updates"] = updates
        config = find_preset(preset).replace(changes)
        begun = None if start is None else load(start)
        with counting_bar() as counted:
            public = {"vggface": vggface, "lightcnn": lightcnn}.get(config.train.features)
            compared = find_features(config.train.features, public, counted) if config.train.lambda_per else None
            sources = face_folders(faces, config.net.face_scale, counted)
        known = read_all(sources, "train", config.net.aus, fold)
        validation = read_all(sources, "val", config.net.aus, fold, needed=False)
        config = _cut_as(known, config, chosen="net.face_scale" in changes)
        for warning in _warnings(config, known, validation):
            say(warning)
        if resume and Run(out).damaged():
            say(f"{out / 'last'}: damaged; going on from {out / 'previous'}")
        options: dict[str, Any] = {"start": begun, "features": compared, "tracker": tracker}
        with training_bar() as report:
            summary = run(config, known, validation, out, resume=resume, report=report, **options)
    if PartialState().is_main_process:
        _tell_end(out, summary)
    raise SystemExit(ALL if summary.finished else INTERRUPTED)


@app.command()
def evaluate(
    faces: Annotated[list[str], typer.Option(help="A face folder, london, or synthetic:N; repeat for several.")],
    split: Annotated[str, typer.Option(help="Which faces of it.")] = "test",
    weights: Weights = "small",
    fold: Fold = None,
    border: Annotated[int, typer.Option(help="Pixels left out on every side; DIC leaves out 8.", min=0, max=32)] = 0,
    judge: Annotated[
        str | None, typer.Option(help="Weights of a judge of action units, to look at the restored faces.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write every figure to this file.")] = None,
) -> None:
    """Measure weights on a face folder: pictures, landmarks, action units."""
    with told():
        from mpe_lib.evaluate import evaluate as measure
        from mpe_lib.evaluate import figures_table, judged, judged_table
        from mpe_lib.faces.facset import read_all
        from mpe_lib.files import atomic
        from mpe_lib.sources import face_folder
        from mpe_lib.weights import load

        net = load(weights).to(_device())
        with counting_bar() as counted:
            folders = [face_folder(each, net.config.face_scale, counted) for each in faces]
        tested = read_all([(folder, None) for folder in folders], split, net.config.aus, fold)
        scale = tested.scale() or net.config.face_scale
        if not _fits(scale, net.config.face_scale):
            say(f"the faces are cut at scale {scale}, the weights were trained at {net.config.face_scale}")
        figures = measure(net, tested, border)
        print(figures_table(figures))
        if judge is not None:
            judging = _judge(judge)
            labelled = read_all([(folder, None) for folder in folders], split, judging.config.aus, fold)
            figures["judged"] = {"judge": judge, "pictures": judged(judging, net, labelled)}
            print(judged_table(figures["judged"]))
        if json_file is not None:
            with atomic(json_file) as temporary:
                temporary.write_text(json.dumps(figures, indent=2) + "\n")


app.add_typer(prepare, name="prepare")
app.add_typer(fetch, name="fetch")


def _device() -> str:
    """Where to compute: a GPU if there is one, else a CPU that is made ready for it."""
    import torch

    from mpe_lib.memory import keep_freed_memory

    keep_freed_memory()
    return "cuda" if torch.cuda.is_available() else "cpu"


def _judge(weights: str) -> "Judge":
    """Raises UserError: these are no judge's weights."""
    from mpe_lib.nets import Judge
    from mpe_lib.weights import load

    judge = load(weights)
    if not isinstance(judge, Judge):
        raise UserError(
            f"{weights}: weights of {judge.config.system}, not of a judge", "train one: --preset judge-small"
        )
    return judge.to(_device())


def _cut_as(faces: "Faces", config: "Config", *, chosen: bool) -> "Config":
    """The config for faces of the scale that these were cut at.

    Raises:
        UserError: another scale was chosen.
    """
    scale = faces.scale()
    if scale is None:
        return config
    if chosen and not _fits(scale, config.net.face_scale):
        raise UserError(f"net.face_scale={config.net.face_scale}, but the faces are cut at {scale}", "leave it out")
    return config if chosen else config.replace({"net.face_scale": scale})


def _warnings(config: "Config", faces: "Faces", validation: "Faces") -> Iterator[str]:
    """What can't be learned or measured with these faces, and what takes for ever on this machine."""
    from torch import ops

    if not len(validation):
        yield "no face in split 'val': nothing is validated, and the last network is kept"
    rates = zip(config.net.aus, faces.rates().tolist(), strict=True)
    unseen = [f"AU{au}" for au, rate in rates if math.isnan(rate)]
    if unseen and config.net.use_aus:
        yield f"{', '.join(unseen)}: not learned, for no face is labelled to show it"
    if faces.scale() is None and config.net.use_landmarks:
        yield "landmarks: not learned, for no face has any"
    if config.train.precision == "bf16" and _device() == "cpu" and not ops.mkldnn._is_mkldnn_bf16_supported():
        yield "bf16 takes many times as long as fp32 on this processor; use --set train.precision=fp32"


def _tell_end(out: Path, summary: "Summary") -> None:
    """How a training ended."""
    if not summary.finished:
        say(f"stopped after update {summary.update}, nothing lost; go on with the same command and --resume")
        return
    best = "the last network is kept"
    if summary.best_psnr is not None:
        best = f"best {summary.best_psnr:.2f} dB (Y, border 0) after update {summary.best_update}"
    skipped = f", {summary.skipped} updates skipped" if summary.skipped else ""
    print(f"{out}: {best}, {summary.seconds:.0f} s{skipped}")


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


if __name__ == "__main__":
    main()
