"""A network measured on a face folder: pictures, landmarks and action units, and what its priors do."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from mpe_lib.faces.crops import CROP, CentreCrops, Sample
from mpe_lib.faces.degrade import bicubic
from mpe_lib.faces.facset import Faces
from mpe_lib.files import finite
from mpe_lib.heatmaps import decode
from mpe_lib.metrics import au_scores, landmark_error, psnr, ssim
from mpe_lib.nets import Judge, MPENet, MPEOutput, System, evaluating
from mpe_lib.pixels import to_picture

BATCH = 8  #: faces that go through a network together


def evaluate(net: System, faces: Faces, border: int = 0) -> dict[str, Any]:
    """Every figure of a network on these faces, as plain types for JSON; None where one can't be had.

    Args:
        net: of any mode; it is measured in eval mode.
        faces: read with the network's action units.
        border: pixels left out on every side for PSNR and SSIM.

    Returns:
        n, border; bicubic {psnr, ssim}; steps, a list of the same; landmark_nme; au {f1, accuracy,
        per_au {AUn: {f1, accuracy, positives, n}}}; means over faces, F1 and accuracy over units. faces {psnr, ssim},
        each a list by picture (bicubic, then the steps) of a list by face.

    Raises:
        UserError: a face can't be read; without it the figures would be those of another test set.
    """
    quality: list[Tensor] = []  # each (1 + steps, 2, n): PSNR and SSIM of bicubic and of every step
    nme: list[Tensor] = []
    probability: list[Tensor] = []
    for batch in _batches(faces):  # only figures are kept: a test set may have 50,000 faces
        output = forward(net, batch)
        hr = to_picture(batch.hr)
        restored = [np.stack([bicubic(lr) for lr in to_picture(batch.lr)]), *map(to_picture, output.sr)]
        quality.append(torch.stack([torch.stack([f(sr, hr, border) for f in (psnr, ssim)]) for sr in restored]))
        if output.heatmaps is not None:
            nme.append(_landmark_error(output.heatmaps[-1], batch))
        if output.au_logits is not None:
            probability.append(output.au_logits.sigmoid())
    of_faces = torch.cat(quality, -1)  # (1 + steps, 2, n)
    baseline, *steps = (
        {"psnr": finite(decibel), "ssim": finite(similarity)} for decibel, similarity in of_faces.mean(-1).tolist()
    )
    return {
        "n": len(faces),
        "border": border,
        "bicubic": baseline,
        "steps": steps,
        "landmark_nme": finite(torch.cat(nme).nanmean().item()) if nme else None,
        "au": au_figures(net.config.aus, torch.cat(probability), faces) if probability else _NO_AUS,
        "faces": {
            what: [[finite(round(score, 4)) for score in of_picture] for of_picture in of_faces[:, i].tolist()]
            for i, what in enumerate(("psnr", "ssim"))
        },
    }


def figures_table(figures: Mapping[str, Any]) -> str:
    """What `evaluate` measured, as text."""
    named = {"bicubic": figures["bicubic"]} | {f"step {i}": step for i, step in enumerate(figures["steps"], 1)}
    known = {name: [math.nan if row[f] is None else row[f] for f in ("psnr", "ssim")] for name, row in named.items()}
    rows = {name: (decibel, similarity) for name, (decibel, similarity) in known.items()}
    lines = [f"{figures['n']} faces", quality_table(rows, figures["border"])]
    if figures["landmark_nme"] is not None:
        lines.append(f"landmark error {figures['landmark_nme']:.4f} of the distance of the outer eye corners")
    for au, row in figures["au"]["per_au"].items():
        positives = f"positive {row['positives']} of {row['n']}"
        lines.append(f"{au:8} F1 {percent(row['f1'])}  accuracy {percent(row['accuracy'])}  {positives}")
    if figures["au"]["per_au"]:
        mean = figures["au"]
        lines.append(f"{'AU mean':8} F1 {percent(mean['f1'])}  accuracy {percent(mean['accuracy'])}")
    return "\n".join(lines)


def quality_table(rows: Mapping[str, tuple[float, float]], border: int = 0) -> str:
    """PSNR and SSIM on Y by name as text; the first row is the baseline that the gains of the others refer to."""
    baseline, base = next(iter(rows.items()))
    lines = [f"{f'border {border}':10}{'PSNR dB':>9}{'SSIM':>9}{'over ' + baseline:>18}"]
    for name, (decibel, similarity) in rows.items():
        gain = f"{decibel - base[0]:+.2f} dB {similarity - base[1]:+.4f}" if len(lines) > 1 else ""
        lines.append(f"{name:10}{decibel:9.2f}{similarity:9.4f}{gain:>18}".rstrip())
    return "\n".join(lines)


def prior_effects(net: MPENet, faces: Faces, seed: int = 0) -> dict[str, float]:
    """What the priors do: step 3's PSNR with its own priors, and its change when one is taken away or swapped.

    Each prior in turn is replaced by zeros and by that of another face, drawn at random.

    Returns:
        dB under "own", and the change in dB under "<prior> zero" and "<prior> other's"; only of priors in use.
    """

    def quality(output: MPEOutput, batch: Sample) -> Tensor:
        return psnr(to_picture(output.sr[-1]), to_picture(batch.hr))

    scores: dict[str, list[Tensor]] = defaultdict(list)
    for batch in _batches(faces.take(np.random.default_rng(seed).permutation(len(faces)))):
        own = forward(net, batch)
        given = {
            "heatmaps": None if own.heatmaps is None else own.heatmaps[-1],
            "au_probability": None if own.au_logits is None else own.au_logits.sigmoid(),
            "attention": own.attention,
        }
        scores["own"].append(quality(own, batch))
        for name, prior in given.items():
            if prior is not None:
                for how, other in (("zero", torch.zeros_like(prior)), ("other's", prior.roll(1, 0))):
                    scores[f"{name} {how}"].append(quality(forward(net, batch, **{name: other}), batch))
    means = {name: torch.cat(parts).mean().item() for name, parts in scores.items()}
    return {name: mean if name == "own" else mean - means["own"] for name, mean in means.items()}


def au_probabilities(net: MPENet | Judge, faces: Faces) -> Tensor:
    """(n, A), the probability of each action unit on each face, in the network's order.

    Raises:
        ValueError: a network without action units.
    """
    if not net.config.use_aus:
        raise ValueError("this network detects no action units")
    logits = [forward(net, batch).au_logits for batch in _batches(faces)]
    return torch.cat([part.sigmoid() for part in logits if part is not None])


def _batches(faces: Faces) -> "DataLoader[Sample]":
    return DataLoader(CentreCrops(faces), batch_size=BATCH)


def forward(net: System, batch: Sample, **priors: Tensor) -> MPEOutput:
    """The network's output, on the CPU."""
    device = next(net.parameters()).device
    with evaluating(net):
        seen = batch.hr if isinstance(net, Judge) else batch.lr
        out: MPEOutput = net(seen.to(device), **{name: maps.to(device) for name, maps in priors.items()})
    return MPEOutput(
        tuple(sr.cpu() for sr in out.sr),
        None if out.heatmaps is None else tuple(maps.cpu() for maps in out.heatmaps),
        None if out.au_logits is None else out.au_logits.cpu(),
        None if out.attention is None else out.attention.cpu(),
    )


def _landmark_error(maps: Tensor, batch: Sample) -> Tensor:
    return landmark_error(decode(maps) * (CROP / maps.shape[-1]), batch.landmarks)


_NO_AUS: dict[str, Any] = {"f1": None, "accuracy": None, "per_au": {}}


def au_figures(aus: tuple[int, ...], probability: Tensor, faces: Faces) -> dict[str, Any]:
    """F1 and accuracy, per unit and mean, against the labels that the faces have."""
    labels = torch.from_numpy(faces.aus)
    f1, accuracy = au_scores(probability, labels)
    per_au = {
        f"AU{au}": {
            "f1": finite(f1[i]),
            "accuracy": finite(accuracy[i]),
            "positives": int((labels[:, i] == 1).sum()),
            "n": int((~labels[:, i].isnan()).sum()),
        }
        for i, au in enumerate(aus)
    }
    return {"f1": _mean(f1), "accuracy": _mean(accuracy), "per_au": per_au}


def percent(value: float | None) -> str:
    return "  n/a" if value is None else f"{100 * value:5.1f}"


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    """The mean of what is known, None if nothing is."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
