"""The objective: reconstruction, alignment and action units (Eq. 5-9), and their weighted sum (Eq. 13)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mpe_lib.config import TrainConfig
from mpe_lib.faces.crops import Sample
from mpe_lib.heatmaps import encode
from mpe_lib.nets.mpenet import MPEOutput


def reconstruction_loss(sr: Sequence[Tensor], hr: Tensor) -> Tensor:
    """Squared error of every step's picture, averaged over the steps (Eq. 9)."""
    return torch.stack([F.mse_loss(step, hr) for step in sr]).mean()


def alignment_loss(stacks: Sequence[Tensor], target: Tensor) -> Tensor:
    """Squared error of the heatmaps of each stack, averaged over the stacks (Eq. 5).

    Args:
        stacks: (N, 68, S, S) each.
        target: (N, 68, S, S); faces whose maps hold a NaN, the unknown ones, are left out.
    """
    known = ~target.isnan().flatten(1).any(1)  # (N,)
    target = target.nan_to_num()  # a NaN times 0 would be one
    errors = torch.stack([((maps - target) ** 2).flatten(1).mean(1) for maps in stacks])  # (stacks, N)
    return (errors.mean(0) * known).sum() / known.sum().clamp(min=1)


def au_weights(rates: Tensor) -> Tensor:
    """Weights that lift the rare: w_i = n (1 / r_i) / sum_j (1 / r_j), with mean 1 (Sec. 3.1).

    Args:
        rates: (A,), how often each unit occurs, in (0, 1]; NaN for a unit that never does: its weight is 0, for
            there is nothing to learn of it, and it is left out of n and of the sum.

    Raises:
        ValueError: a rate outside (0, 1].
    """
    occurs = ~rates.isnan()
    if not ((rates[occurs] > 0) & (rates[occurs] <= 1)).all():
        raise ValueError(f"occurrence rates must lie in (0, 1], got {rates.tolist()}")
    inverse = torch.where(occurs, 1 / rates, 0)
    return occurs.sum() * inverse / inverse.sum().clamp(min=1)


def cross_entropy_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Weighted multi-label cross-entropy (Eq. 6), summed over units, averaged over faces.

    The paper prints y-hat log y-hat where cross-entropy needs y log y-hat; this is cross-entropy.

    Args:
        logits: (N, A).
        labels: (N, A): 1 present, 0 absent, NaN unknown (left out).
        weights: (A,).
    """
    known, y = _known(labels)
    loss = F.binary_cross_entropy_with_logits(logits, y, reduction="none")
    return (weights * known * loss).sum(1).mean()


def dice_loss(logits: Tensor, labels: Tensor, weights: Tensor, epsilon: float = 1.0) -> Tensor:
    """Weighted Dice loss of each face and unit (Eq. 7), summed over units, averaged over faces.

    Arguments as for `cross_entropy_loss`; `epsilon` smooths, so that a rightly absent unit costs nothing.
    """
    known, y = _known(labels)
    p = logits.sigmoid()
    loss = 1 - (2 * y * p + epsilon) / (y**2 + p**2 + epsilon)
    return (weights * known * loss).sum(1).mean()


def au_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy plus Dice (Eq. 8)."""
    return cross_entropy_loss(logits, labels, weights) + dice_loss(logits, labels, weights)


def _known(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which labels are known, and the labels with 0 where they are not."""
    unknown = labels.isnan()
    return ~unknown, labels.masked_fill(unknown, 0.0)


class LossTerms(NamedTuple):
    """The terms of Eq. 13 before their weights, and the weighted sum; 0 where a branch is switched off."""

    total: Tensor
    rec: Tensor
    align: Tensor
    au: Tensor


def mpe_loss(output: MPEOutput, target: Sample, weights: Tensor, config: TrainConfig) -> LossTerms:
    """L_rec + lambda_align L_align + lambda_au L_au (Eq. 13 with lambda_per = lambda_adv = 0).

    Args:
        output: of the network for `target.lr`.
        target: a batch.
        weights: (A,), from `au_weights`.
        config: holds the two lambdas.
    """
    rec = reconstruction_loss(output.sr, target.hr)
    align = au = rec.new_zeros(())
    if output.heatmaps is not None:
        size = output.heatmaps[-1].shape[-1]
        stride = target.hr.shape[-1] // size
        align = alignment_loss([maps.float() for maps in output.heatmaps], encode(target.landmarks / stride, size))
    if output.au_logits is not None:
        au = au_loss(output.au_logits.float(), target.aus, weights)
    return LossTerms(rec + config.lambda_align * align + config.lambda_au * au, rec, align, au)
