"""One cell of a table: a network trained and measured, and everything that its figures depend on."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mpe_lib.checkpoint import Run
from mpe_lib.config import Config, preset
from mpe_lib.errors import UserError
from mpe_lib.evaluate import evaluate, prior_effects
from mpe_lib.faces.facset import Faces, read_all
from mpe_lib.features import find_features
from mpe_lib.files import atomic
from mpe_lib.machine import commit, describe, device
from mpe_lib.memory import keep_freed_memory
from mpe_lib.nets import MPENet, System
from mpe_lib.recognise import recognise, recognisers
from mpe_lib.record import Progress
from mpe_lib.sources import face_folders, to_train_on
from mpe_lib.train import train
from mpe_lib.weights import load

RESULT = "result.json"  #: of a cell, in its folder
BORDERS = (0, 8)  #: pixels left out on every side: none, and DIC's


@dataclass(frozen=True)
class Experiment:
    """What is trained and measured, and on what."""

    name: str  # of its row in a table
    preset: str
    faces: Sequence[str]  # as `mpe train --faces` has them
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])  # to the preset, as in {"train.lr": 2e-4}
    seed: int = 0
    fold: int | None = None
    start: str | None = None  # weights to begin with
    judge: str | None = None  # weights of a judge of action units
    openface: str | None = None  # OpenFace's program
    features: str | None = None  # file or address of those that a perceptual loss needs, where they are not our own

    def config(self) -> Config:
        """The network's and its training's."""
        return preset(self.preset).replace({**self.changes, "train.seed": self.seed})


def run(experiment: Experiment, folder: Path, report: Callable[[Progress], None] = lambda _: None) -> dict[str, Any]:
    """Train a network, unless it was trained before, measure it, and leave `result.json`.

    Args:
        experiment: what to do.
        folder: receives the training, in run/, and the result. Interrupted, the same call goes on.
        report: told of every update.

    Returns:
        The result, as `measure` gives it.

    Raises:
        UserError: as `mpe_lib.train` and `mpe_lib.evaluate`.
    """
    recognisers(experiment.judge, experiment.openface)  # before hours of training are in vain
    config = experiment.config()
    read_all(face_folders(experiment.faces, config.net.face_scale), "test", (), experiment.fold)
    net = trained(experiment, folder / "run", report)
    keep_freed_memory()
    result = measure(experiment, net.to(device()), Run(folder / "run").summary())
    write_result(result, folder / RESULT)
    return result


def trained(experiment: Experiment, folder: Path, report: Callable[[Progress], None] = lambda _: None) -> System:
    """The network of an experiment, trained in a folder unless it was before.

    Raises:
        UserError: the folder holds a training of another config, or on other faces.
    """
    config = experiment.config()
    sources = face_folders(experiment.faces, config.net.face_scale)
    known, validation, config = to_train_on(
        sources, config, experiment.fold, chosen="net.face_scale" in experiment.changes
    )
    if not Run(folder).finished(config, known.fingerprint()):
        features = find_features(config.train.features, experiment.features) if config.train.lambda_per else None
        begun = None if experiment.start is None else _ended(experiment.start)
        resume = any((folder / name).is_dir() for name in ("last", "previous"))
        train(config, known, validation, folder, resume=resume, start=begun, features=features, report=report)
    return load(folder)


def _ended(start: str) -> System:
    """The network to begin with.

    Raises:
        UserError: none, or that of a run that has not come to its end.
    """
    if os.path.isdir(start) and not os.path.isfile(Path(start) / "summary.json"):
        raise UserError(f"{start}: has not been trained to its end", "run it first")
    return load(start)


def measure(experiment: Experiment, net: System, summary: Mapping[str, Any]) -> dict[str, Any]:
    """Every figure of a trained network, with what it depends on, as plain types for JSON.

    Returns:
        name, preset, changes, seed, fold, start; budget {updates, batch, faces, seconds}, the seconds of the last
        process that trained; train and test {faces, n, fingerprint}, train also damaged, how many of n can't be
        read; parameters; commit, machine: where it was measured; figures, as `evaluate` has them, and border 8, the
        same without faces; priors, as `prior_effects` has them, of MPENet; recognised, a list of what `recognise`
        gives.
    """
    config = experiment.config()
    folders = face_folders(experiment.faces, config.net.face_scale)

    def read(split: str, aus: tuple[int, ...]) -> Faces:
        return read_all(folders, split, aus, experiment.fold)

    tested = read("test", net.config.aus)
    asked = recognisers(experiment.judge, experiment.openface)
    figures, inner = (evaluate(net, tested, border) for border in BORDERS)
    del inner["faces"]
    t = config.train
    return {
        "name": experiment.name,
        "preset": experiment.preset,
        "changes": dict(experiment.changes),
        "seed": experiment.seed,
        "fold": experiment.fold,
        "start": None if experiment.start is None else Path(experiment.start).resolve().parent.name,
        "budget": {
            "updates": t.updates,
            "batch": t.batch,
            "faces": t.updates * t.batch,
            "seconds": round(summary["seconds"]),
        },
        "train": _described(folders, read("train", ())) | {"damaged": summary.get("damaged", 0)},
        "test": _described(folders, read("test", ())),
        "parameters": sum(each.numel() for each in net.parameters()),
        "commit": commit(),
        "machine": describe(),
        "figures": figures,
        f"border {BORDERS[1]}": inner,
        "priors": prior_effects(net, tested) if isinstance(net, MPENet) else None,
        "recognised": [recognise(by, net, read("test", by.aus)) for by in asked],
    }


def write_result(result: Mapping[str, Any], path: Path) -> None:
    """A field a line, for a list of faces is read by no one."""
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in result.items())
    with atomic(path) as temporary:
        temporary.write_text(f"{{\n{lines}\n}}\n")


def _described(folders: Sequence[tuple[Path, float | None]], faces: Faces) -> dict[str, Any]:
    return {"faces": [folder.name for folder, _ in folders], "n": len(faces), "fingerprint": faces.fingerprint()}
