"""Action units recognised in restored pictures, which tells how much of their detail is right (Table 2)."""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mpe_lib.config import AUS
from mpe_lib.errors import UserError
from mpe_lib.evaluate import au_figures, forward, percent
from mpe_lib.faces.crops import CentreCrops
from mpe_lib.faces.degrade import bicubic
from mpe_lib.faces.facset import Faces
from mpe_lib.machine import device
from mpe_lib.nets import Judge, System, evaluating
from mpe_lib.openface import AUS as KNOWN_TO_OPENFACE
from mpe_lib.openface import find_openface, run_openface
from mpe_lib.pixels import Picture, to_picture, to_tensor
from mpe_lib.weights import load

BATCH = 16  #: faces that go through a network together
CHUNK = 512  #: faces that a recogniser gets together: OpenFace takes seconds to start


class Recognition(NamedTuple):
    """What was recognised in n pictures."""

    said: Tensor  # (n, A): 1 present, 0 absent
    detected: Tensor  # (n,): whether a face was found at all; where none was, all units are absent
    failed: Tensor  # (n,): whether the recogniser broke down at it, which counts as no face


class Recogniser(Protocol):
    """Who recognises action units in pictures of faces."""

    name: str
    aus: tuple[int, ...]  # that it knows, A of them

    @property
    def face_scale(self) -> float | None:
        """The scale of the faces that it knows, None where it knows any."""
        ...

    def __call__(self, pictures: Picture) -> Recognition:
        """Of (n, 128, 128, 3) uint8."""
        ...


class ByJudge:
    """The project's own: a ResNet-18 that was trained on originals."""

    def __init__(self, judge: Judge, name: str) -> None:
        self._judge, self.aus, self.face_scale = judge, judge.config.aus, judge.config.face_scale
        self.name = name if name == "judge" else f"judge {name}"

    def __call__(self, pictures: Picture) -> Recognition:
        device = next(self._judge.parameters()).device
        said: list[Tensor] = []
        with evaluating(self._judge):
            for start in range(0, len(pictures), BATCH):
                logits = self._judge(to_tensor(pictures[start : start + BATCH]).to(device)).au_logits
                said.append((logits.cpu().sigmoid() >= 0.5).float())
        whole = torch.ones(len(pictures), dtype=torch.bool)
        return Recognition(torch.cat(said), whole, ~whole)


class ByOpenFace:
    """OpenFace 2, the field's usual one. AU24 is not among what it knows, so BP4D's mean is over 11 units."""

    name = "OpenFace"
    aus = tuple(au for au in AUS if au in KNOWN_TO_OPENFACE)
    face_scale = None  # it aligns them itself

    def __init__(self, program: Path) -> None:
        self._program = program

    def __call__(self, pictures: Picture) -> Recognition:
        from mpe_lib.faces.picture import write_png

        with tempfile.TemporaryDirectory() as folder:
            files = [Path(folder) / f"{number}.png" for number in range(len(pictures))]
            for file, picture in zip(files, pictures, strict=True):
                write_png(file, picture)
            seen = run_openface(self._program, files)
        said = [[float(seen.units.get(file, {}).get(au, 0)) for au in self.aus] for file in files]
        detected, failed = ([file in which for file in files] for which in (seen.units, seen.failed))
        return Recognition(torch.tensor(said), torch.tensor(detected), torch.tensor(failed))


def recognisers(judge: str | None = None, openface: str | None = None) -> list[Recogniser]:
    """Those that are asked for: a judge by its weights, OpenFace by its place or "auto".

    Raises:
        UserError: weights that are of no judge, or no OpenFace.
    """
    asked: list[Recogniser] = []
    if judge is not None:
        net = load(judge)
        if not isinstance(net, Judge):
            raise UserError(f"{judge}: weights of {net.config.system}, not of a judge", "take those called judge")
        asked.append(ByJudge(net.to(device()), judge))
    if openface is not None:
        asked.append(ByOpenFace(find_openface(openface)))
    return asked


def recognise(
    by: Recogniser, net: System, faces: Faces, report: Callable[[int, int], None] = lambda done, total: None
) -> dict[str, Any]:
    """What is recognised in restored faces, in the originals, and in bicubic enlargements, against the labels.

    Args:
        by: who recognises.
        net: of any mode.
        faces: read with the units of `by`.
        report: told the faces done and all of them.

    Returns:
        A dictionary of by; of labels, for each unit a text with a sign for each face, 0, 1, or ? for unknown; and of
        pictures by name ("bicubic", "step 1", ..., "original"), of each detected, a share, failed, a number, f1,
        accuracy and per_au as `evaluate` has them, and said, texts like the labels'.
    """
    found: dict[str, list[Recognition]] = defaultdict(list)
    done = 0
    for pictures in _chunks(net, faces):
        for name, some in pictures.items():
            found[name].append(by(some))
        done += len(pictures["original"])
        report(done, len(faces))
    of_all = {name: Recognition(*map(torch.cat, zip(*parts, strict=True))) for name, parts in found.items()}
    labels = {f"AU{au}": faces.aus[:, i] for i, au in enumerate(by.aus)}
    return {
        "by": by.name,
        "labels": {
            unit: "".join("?" if np.isnan(of) else str(int(of)) for of in column) for unit, column in labels.items()
        },
        "pictures": {
            name: {
                "detected": detected.float().mean().item(),
                "failed": int(failed.sum()),
                **au_figures(by.aus, said, faces),
                "said": {unit: "".join(str(int(of)) for of in said[:, i].tolist()) for i, unit in enumerate(labels)},
            }
            for name, (said, detected, failed) in of_all.items()
        },
    }


def recognition_table(recognition: Mapping[str, Any]) -> str:
    """What `recognise` found, as text."""
    lines = [f"{recognition['by']:24}{'AU F1':>8}{'accuracy':>10}{'faces found':>13}"]
    for name, table in recognition["pictures"].items():
        figures = f"{percent(table['f1']):>8}{percent(table['accuracy']):>10}{percent(table['detected']):>13}"
        lines.append(f"{name:24}{figures}")
        if table["failed"]:
            lines.append(f"  broke down at {table['failed']} of them, which count as no face")
    return "\n".join(lines)


def _chunks(net: System, faces: Faces) -> Iterator[dict[str, Picture]]:
    """Pictures by name, in 8 bits as a file has them, of some faces after the others."""
    for start in range(0, len(faces), CHUNK):
        some = faces.take(np.arange(start, min(start + CHUNK, len(faces))))
        parts: dict[str, list[Picture]] = defaultdict(list)
        for batch in DataLoader(CentreCrops(some), batch_size=BATCH):
            parts["bicubic"].append(np.stack([bicubic(lr) for lr in to_picture(batch.lr)]))
            for number, sr in enumerate(forward(net, batch).sr, 1):
                parts[f"step {number}"].append(to_picture(sr))
            parts["original"].append(to_picture(batch.hr))
        yield {name: np.concatenate(pictures) for name, pictures in parts.items()}
