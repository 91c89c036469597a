"""How a training went, drawn from what it wrote down."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mpe_lib.show import ACCENT, MUTED, STEPS

#: Of the terms of the loss: colour and name.
TERMS = {
    "rec": (ACCENT, "$L_{rec}$"),
    "align": ("#c2571a", "$L_{align}$"),
    "au": ("#6b4fa0", "$L_{au}$"),
    "per": ("#3f8f5f", "$L_{per}$"),
    "adv": ("#b23a63", "$L_{adv,G}$"),
    "dis": (MUTED, "$L_{adv,D}$"),
}


def learning_curves(lines: Sequence[dict[str, Any]], bicubic: float | None = None) -> Figure:
    """A training, from the lines of its metrics.jsonl: the loss terms, PSNR of every step on validation faces, and
    how much of the gradient in the branch that makes the picture comes from each term, where that was measured.

    `bicubic` is the PSNR of bicubic enlargement on the same faces, drawn as the line to beat.
    """
    shared = [line for line in lines if "sr" in line.get("gradient_shares", {})]
    scored = [line for line in lines if "psnr" in line]
    panels = 1 + bool(scored) + bool(shared)  # a judge makes no pictures
    figure = Figure(figsize=(1 + 4.4 * panels, 3.6), layout="constrained")
    left, *rest = figure.subplots(1, panels, squeeze=False)[0]
    updates = [line["update"] for line in lines]
    for name, (colour, label) in TERMS.items():
        values = [line.get(f"loss_{name}") for line in lines]
        if any(values):
            known = [np.nan if value is None else value for value in values]
            left.plot(updates, known, color=colour, label=label)
    left.set(yscale="log", xlabel="update", title="loss terms, before their weights")
    left.legend(frameon=False)
    if scored:
        _validation_scores(rest[0], scored, bicubic)
    if shared:
        _shares(rest[-1], shared)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _validation_scores(axes: Axes, scored: Sequence[dict[str, Any]], bicubic: float | None) -> None:
    """PSNR of every step, as a training goes on."""
    if bicubic is not None:
        axes.axhline(bicubic, color=MUTED, linestyle="--", label="bicubic")
    for step in range(len(scored[0]["psnr"])):
        axes.plot(
            [line["update"] for line in scored],
            [line["psnr"][step] for line in scored],
            marker="osD^v"[step % 5],
            markersize=5,
            color=STEPS[step % len(STEPS)],
            label=f"step {step + 1}",
        )
    axes.set(xlabel="update", ylabel="dB", title="PSNR on validation faces (Y, border 0)")
    axes.legend(frameon=False)


def _shares(axes: Axes, shared: Sequence[dict[str, Any]]) -> None:
    """Of each term in the gradient of the branch that makes the picture, as a training goes on."""
    for name in shared[0]["gradient_shares"]["sr"]:
        values = [line["gradient_shares"]["sr"][name] for line in shared]
        colour, label = TERMS[name]
        axes.plot([line["update"] for line in shared], values, marker=".", color=colour, label=label)
    axes.set(xlabel="update", ylim=(-0.03, 1.03), title="share of the picture's gradient, with weights")
    axes.legend(frameon=False)
