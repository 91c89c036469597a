"""`mpe train`."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mpe_lib.cli.options import Fold, parted
from mpe_lib.cli.terminal import ALL, INTERRUPTED, counting_bar, say, tell, told, training_bar

if TYPE_CHECKING:
    from mpe_lib.config import Config
    from mpe_lib.faces.facset import Faces
    from mpe_lib.record import Summary

Sets = Annotated[
    list[str] | None, typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, as in train.lr=2e-4.")
]


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
        str | None, typer.Option(help="vgg_face_dag.pth or its address#sha256=..., for the perceptual loss of MPEGAN.")
    ] = None,
    lightcnn: Annotated[
        str | None, typer.Option(help="LightCNN_feature.pth or its address#sha256=..., for that of DICGAN.")
    ] = None,
    tracker: Annotated[str | None, typer.Option(help="tensorboard or wandb: where else to log to.")] = None,
    sets: Sets = None,
) -> None:
    """Train a network on face folders; under `accelerate launch` on several GPUs."""
    with told():
        from accelerate import PartialState

        from mpe_lib.checkpoint import Run
        from mpe_lib.config import preset as find_preset
        from mpe_lib.features import find_features
        from mpe_lib.sources import face_folders, to_train_on
        from mpe_lib.train import train as run
        from mpe_lib.weights import load

        changes: dict[str, Any] = dict(parted(text, "train.lr=2e-4") for text in sets or ())
        if updates is not None:
            changes["train.updates"] = updates
        config = find_preset(preset).replace(changes)
        begun = None if start is None else load(start)
        with counting_bar() as counted:
            public = {"vggface": vggface, "lightcnn": lightcnn}.get(config.train.features)
            compared = find_features(config.train.features, public, counted) if config.train.lambda_per else None
            sources = face_folders(faces, config.net.face_scale, counted)
        known, validation, config = to_train_on(sources, config, fold, chosen="net.face_scale" in changes)
        for warning in _warnings(config, known, validation):
            say(warning)
        if resume and Run(out).damaged():
            say(f"{out / 'last'}: damaged; going on from {out / 'previous'}")
        with training_bar() as report:
            summary = run(
                config,
                known,
                validation,
                out,
                resume=resume,
                start=begun,
                features=compared,
                tracker=tracker,
                report=report,
            )
    if PartialState().is_main_process:
        _tell_end(out, summary)
    raise SystemExit(ALL if summary.finished else INTERRUPTED)


def _warnings(config: "Config", faces: "Faces", validation: "Faces") -> Iterator[str]:
    """What can't be learned or measured with these faces, and what takes for ever on this machine."""
    from torch import ops

    from mpe_lib.machine import device

    if not len(validation):
        yield "no face in split 'val': nothing is validated, and the last network is kept"
    rates = zip(config.net.aus, faces.rates().tolist(), strict=True)
    unseen = [f"AU{au}" for au, rate in rates if math.isnan(rate)]
    if unseen and config.net.use_aus:
        yield f"{', '.join(unseen)}: not learned, for no face is labelled to show it"
    if faces.scale() is None and config.net.use_landmarks:
        yield "landmarks: not learned, for no face has any"
    if config.train.precision == "bf16" and device() == "cpu" and not ops.mkldnn._is_mkldnn_bf16_supported():
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
    damaged = f", {summary.damaged} of the faces damaged and replaced" if summary.damaged else ""
    tell(f"{out}: {best}, {summary.seconds:.0f} s{skipped}{damaged}")
