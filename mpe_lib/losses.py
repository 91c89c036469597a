"""The objective, term by term (Eq. 5-12), and the weighted sum (Eq. 13)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from mpe_lib.config import TrainConfig
from mpe_lib.faces.crops import Sample
from mpe_lib.heatmaps import encode
from mpe_lib.nets.compared.wavelet import wavelet_loss
from mpe_lib.nets.mpenet import MPEOutput

#: Errors of pictures, by name.
ERRORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"l2": F.mse_loss, "l1": F.l1_loss, "wavelet": wavelet_loss}


def reconstruction_loss(sr: Sequence[Tensor], hr: Tensor, error: str = "l2") -> Tensor:
    """The error of every step's picture, averaged over the steps (Eq. 9, where it is squared)."""
    return torch.stack([ERRORS[error](step, hr) for step in sr]).mean()


def alignment_loss(stacks: Sequence[Tensor], target: Tensor) -> Tensor:
    """Squared error of the heatmaps of each stack, averaged over the stacks (Eq. 5).

    Args:
        stacks: (N, 68, S, S) each.
        target: (N, 68, S, S); faces whose maps hold a NaN, the unknown ones, cost nothing.
    """
    known = ~target.isnan().flatten(1).any(1)  # (N,)
    target = target.nan_to_num()  # a NaN times 0 would be one
    errors = torch.stack([((maps - target) ** 2).flatten(1).mean(1) for maps in stacks])  # (stacks, N)
    return (errors.mean(0) * known).mean()


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


def au_loss(logits: Tensor, labels: Tensor, weights: Tensor, *, dice: bool = True) -> Tensor:
    """Cross-entropy plus Dice (Eq. 8)."""
    entropy = cross_entropy_loss(logits, labels, weights)
    return entropy + dice_loss(logits, labels, weights) if dice else entropy


def perceptual_loss(sr: Tensor, hr: Tensor, features: Callable[[Tensor], Tensor], error: str = "l2") -> Tensor:
    """The error of the features of two pictures (Eq. 10, where it is squared), averaged over their elements.

    Args:
        sr, hr: (N, 3, H, W).
        features: a frozen network; VGG-Face's relu5_3 in the paper.
        error: "l2", or "l1" (DICGAN).
    """
    return ERRORS[error](features(sr), features(hr))


def adversarial_loss(fake: Tensor) -> Tensor:
    """-log D(G(lr)), averaged over faces (Eq. 11): the generator's share; small where the discriminator is taken in.

    Args:
        fake: (N,), the discriminator's logits of restored faces.
    """
    return F.softplus(-fake).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """-log D(hr) - log(1 - D(G(lr))), averaged over faces (Eq. 12); 2 log 2 for one that can't tell them apart.

    Args:
        real, fake: (N,), its logits of photographs and of restored faces, which pass no gradient to the generator.
    """
    return F.softplus(-real).mean() + F.softplus(fake).mean()


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
    per: Tensor | None = None  # None: not MPEGAN
    adv: Tensor | None = None
    dis: Tensor | None = None  # the discriminator's own loss, Eq. 12; no part of the sum

    def known(self) -> dict[str, Tensor]:
        """Those that were computed, by name."""
        return {name: term for name, term in self._asdict().items() if term is not None}

    def weighted(self, config: TrainConfig) -> dict[str, Tensor]:
        """The parts of the sum."""
        factors = {
            "rec": 1.0,
            "align": config.lambda_align,
            "au": config.lambda_au,
            "per": config.lambda_per,
            "adv": config.lambda_adv,
        }
        return {name: factors[name] * term for name, term in self.known().items() if name in factors}


def mpe_loss(
    output: MPEOutput,
    target: Sample,
    weights: Tensor,
    config: TrainConfig,
    *,
    features: Callable[[Tensor], Tensor] | None = None,
    discriminator: Callable[[Tensor], Tensor] | None = None,
) -> LossTerms:
    """L_rec + lambda_align L_align + lambda_au L_au, and for MPEGAN + lambda_per L_per + lambda_adv L_adv (Eq. 13).

    Args:
        output: of the network for `target.lr`.
        target: a batch.
        weights: (A,), from `au_weights`.
        config: holds the lambdas.
        features, discriminator: of MPEGAN; they see the last step's picture only.
    """
    rec = reconstruction_loss(output.sr, target.hr, config.error) if output.sr else target.hr.new_zeros(())
    align = au = rec.new_zeros(())
    if output.heatmaps is not None:
        size = output.heatmaps[-1].shape[-1]
        stride = target.hr.shape[-1] // size
        align = alignment_loss([maps.float() for maps in output.heatmaps], encode(target.landmarks / stride, size))
    if output.au_logits is not None:
        au = au_loss(output.au_logits.float(), target.aus, weights, dice=config.dice)
    per = None if features is None else perceptual_loss(output.sr[-1], target.hr, features, config.error)
    adv = None if discriminator is None else adversarial_loss(discriminator(output.sr[-1]))
    terms = LossTerms(rec, rec, align, au, per, adv)
    return terms._replace(total=torch.stack(list(terms.weighted(config).values())).sum())
