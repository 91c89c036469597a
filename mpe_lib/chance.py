"""How much of a difference may be chance: of the faces that were tested, and of the training."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
DRAWS = 2000  #: of the bootstrap


class Interval(NamedTuple):
    """An estimate with its 95% interval; NaN where there is none."""

    value: float
    low: float
    high: float


def over_trainings(values: Array) -> Interval:
    """The mean of several trainings' figures (n,), by Student's t; of one training there is no interval."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, math.nan, math.nan)
    half = float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)))
    return Interval(mean, mean - half, mean + half)


def over_faces(differences: Array, draws: int = DRAWS, seed: int = 0) -> Interval:
    """The mean of paired differences (n,), by bootstrap: faces are drawn again, with replacement.

    They count as independent of each other, which frames of one video are not: there it is too narrow.
    """
    values = np.asarray(differences, np.float64) / len(differences)
    means = np.concatenate([counts @ values for counts in _counts(len(values), draws, seed)])
    return Interval(float(np.mean(differences)), *map(float, np.percentile(means, [2.5, 97.5])))


def f1_over_faces(folds: Sequence[tuple[Array, Array, Array]], draws: int = DRAWS, seed: int = 0) -> Interval:
    """The difference of two mean F1 of action units, paired, by bootstrap over the faces of each fold.

    Args:
        folds: of each what was said by the one and by the other, (trainings, n, A), 1 present, 0 absent, whose F1 are
            averaged over the trainings; and the labels, (n, A): 1, 0, or NaN for unknown. A unit without a positive is
            left out. The mean is taken over the folds.

    Returns:
        NaN where no unit has a positive.
    """
    found = [_f1_differences(*fold, draws, seed + number) for number, fold in enumerate(folds)]
    value, drawn = (np.mean(parts, axis=0) for parts in zip(*found, strict=True))
    if np.isnan(drawn).all():
        return Interval(math.nan, math.nan, math.nan)
    return Interval(float(value), *map(float, np.nanpercentile(drawn, [2.5, 97.5])))


def smallest_difference(spread: float, trainings: int, networks: int) -> float:
    """The least difference of two networks' means that is told from none, 95 times of 100.

    Args:
        spread: of single trainings of a network, a standard deviation, pooled over the networks.
        trainings: of each network, two or more.
        networks: how many `spread` is pooled over: it is no better known than they and their trainings allow.
    """
    from scipy.stats import t

    return float(t.ppf(0.975, networks * (trainings - 1))) * spread * math.sqrt(2 / trainings)


def _f1_differences(one: Array, other: Array, labels: Array, draws: int, seed: int) -> tuple[float, Array]:
    """The difference as it is, and of each draw."""
    units = (labels == 1).any(0)
    said = [np.asarray(each, np.float64)[..., units] for each in (one, other)]
    known, positive = ~np.isnan(labels[:, units]), labels[:, units] == 1

    def difference(counts: Array) -> Array:
        """For each draw (draws, n): its difference."""
        means = [np.mean([_f1(each * known, positive, counts) for each in trainings], axis=0) for trainings in said]
        return means[0] - means[1]

    (value,) = difference(np.ones((1, len(labels))))
    return float(value), np.concatenate([difference(counts) for counts in _counts(len(labels), draws, seed)])


def _f1(said: Array, positive: Array, counts: Array) -> Array:
    """(draws,), mean over units; a unit that is nowhere in a draw is left out of it."""
    hits, all_positive = counts @ (said * positive), counts @ positive
    shown = all_positive > 0
    f1 = np.divide(2 * hits, counts @ said + all_positive, out=np.zeros_like(hits), where=shown)
    with np.errstate(invalid="ignore"):  # a draw of no positive at all
        return f1.sum(1) / shown.sum(1)


def _counts(n: int, draws: int, seed: int) -> Iterator[Array]:
    """Parts of (draws, n), how often each of n faces is drawn; small ones, for a test set may have 50,000."""
    random, share = np.random.default_rng(seed), np.full(n, 1 / n)
    at_once = max(1, 2**21 // n)
    for first in range(0, draws, at_once):
        yield random.multinomial(n, share, min(at_once, draws - first)).astype(np.float64)
