"""How much of a difference may be chance: of the faces that were tested, and of the training."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
DRAWS = 2000


class Interval(NamedTuple):
    """An estimate with its 95% interval; NaN where there is none."""

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """Whether 0 lies outside."""
        return self.low > 0 or self.high < 0


def over_trainings(values: Array) -> Interval:
    """The mean of several trainings' figures (n,), by Student's t; of one training there is no interval."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, math.nan, math.nan)
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def over_faces(differences: Array, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The mean of paired differences (n,), by bootstrap: faces are drawn again, with replacement."""
    means = _counts(len(differences), draws, seed) @ np.asarray(differences, np.float64) / len(differences)
    return Interval(float(np.mean(differences)), *map(float, np.percentile(means, [2.5, 97.5])))


def f1_over_faces(one: Array, other: Array, labels: Array, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The difference of two mean F1 of action units, paired, by bootstrap over faces.

    Args:
        one, other: (trainings, n, A), what was said: 1 present, 0 absent. Their F1 are averaged over the trainings.
        labels: (n, A): 1, 0, or NaN for unknown. A unit without a positive is left out.
    """
    units = (labels == 1).any(0)
    said = [np.asarray(each, np.float64)[..., units] for each in (one, other)]
    known, positive = ~np.isnan(labels[:, units]), labels[:, units] == 1

    def difference(counts: Array) -> Array:
        """For each draw (draws, n): its difference."""
        means = [np.mean([_f1(each * known, positive, counts) for each in trainings], axis=0) for trainings in said]
        return means[0] - means[1]

    drawn = difference(_counts(len(labels), draws, seed))
    (value,) = difference(np.ones((1, len(labels))))
    return Interval(float(value), *map(float, np.nanpercentile(drawn, [2.5, 97.5])))


def smallest_difference(spread: float, trainings: int) -> float:
    """The least difference of two means that two standard errors tell from none, where single trainings spread by
    `spread` (a standard deviation) and each network is trained so many times."""
    return 2 * spread * math.sqrt(2 / trainings)


def _f1(said: Array, positive: Array, counts: Array) -> Array:
    """(draws,), mean over units; a unit that is nowhere in a draw is left out of it."""
    hits, all_positive = counts @ (said * positive), counts @ positive
    shown = all_positive > 0
    f1 = np.divide(2 * hits, counts @ said + all_positive, out=np.zeros_like(hits), where=shown)
    with np.errstate(invalid="ignore"):  # a draw of no positive at all
        return f1.sum(1) / shown.sum(1)


def _counts(n: int, draws: int, seed: int) -> Array:
    """(draws, n), how often each of n faces is drawn."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), draws).astype(np.float64)
