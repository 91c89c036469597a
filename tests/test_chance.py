"""Intervals by hand, against SciPy's own bootstrap, and on data whose truth is known."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import bootstrap

from mpe_lib import chance
from mpe_lib.chance import f1_over_faces, over_faces, over_trainings, smallest_difference
from mpe_lib.metrics import au_scores

RANDOM = np.random.default_rng(0)


def test_three_trainings_by_hand() -> None:
    """t of 2 degrees of freedom is 4.303; the deviation of 1, 2, 3 is 1."""
    value, low, high = over_trainings(np.array([1.0, 2.0, 3.0]))
    assert value == 2
    assert high - value == value - low == pytest.approx(4.3027 / math.sqrt(3), abs=1e-3)


def test_one_training_has_no_interval() -> None:
    value, low, high = over_trainings(np.array([28.2]))
    assert value == 28.2
    assert math.isnan(low)
    assert math.isnan(high)


def test_faces_as_scipy_draws_them() -> None:
    differences = RANDOM.standard_normal(200) + 0.1
    ours = over_faces(differences, draws=20_000)
    theirs = bootstrap((differences,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert ours.value == pytest.approx(differences.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.005)
    assert over_faces(differences) == over_faces(differences)  # drawn alike each time


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = [over_faces(RANDOM.standard_normal(100), 500) for _ in range(400)]
    assert 0.91 < np.mean([each.low < 0 < each.high for each in held]) < 0.98


def test_f1_is_that_of_the_metrics() -> None:
    labels = RANDOM.choice([0.0, 1.0, np.nan], (60, 5), p=[0.5, 0.3, 0.2])
    labels[:, 4] = np.where(np.isnan(labels[:, 4]), np.nan, 0)  # never shown: left out
    one, other = (RANDOM.integers(0, 2, (2, 60, 5)).astype(float) for _ in range(2))

    def mean(said: np.ndarray) -> float:
        return float(
            np.mean([np.nanmean(au_scores(torch.from_numpy(each), torch.from_numpy(labels))[0]) for each in said])
        )

    value, low, high = f1_over_faces([(one, other, labels)])
    assert value == pytest.approx(mean(one) - mean(other))
    assert low < value < high
    assert f1_over_faces([(one, one, labels)]) == (0, 0, 0)
    # of two folds it is the mean of theirs
    folds = [(one[:, :20], other[:, :20], labels[:20]), (one[:, 20:], other[:, 20:], labels[20:])]
    apart = [f1_over_faces([fold]).value for fold in folds]
    assert f1_over_faces(folds).value == pytest.approx(np.mean(apart))


def test_f1_in_one_draw_by_hand() -> None:
    """Of two faces each with one of two units, a draw may be one face twice: then the other's unit is left out."""
    labels = np.array([[1.0, 0.0], [0.0, 1.0]])
    right, wrong = labels[None], np.zeros((1, 2, 2))
    assert f1_over_faces([(right, wrong, labels)]) == (1, 1, 1)


def test_f1_of_units_that_nobody_shows() -> None:
    nothing = np.full((3, 2), np.nan)
    assert np.isnan(f1_over_faces([(np.zeros((1, 3, 2)), np.ones((1, 3, 2)), nothing)])).all()


def test_many_faces_are_drawn_in_parts() -> None:
    parts = [counts.shape for counts in chance._counts(2**20, 5, 0)]
    assert parts == [(2, 2**20), (2, 2**20), (1, 2**20)]


def test_the_smallest_difference_by_hand() -> None:
    """t of 8 degrees of freedom is 2.306: four networks of three trainings each; with very many it is 1.96."""
    assert smallest_difference(0.05, 3, 4) == pytest.approx(2.306 * 0.05 * math.sqrt(2 / 3), rel=1e-3)
    assert smallest_difference(0.05, 2000, 4) == pytest.approx(1.96 * 0.05 * math.sqrt(1 / 1000), rel=1e-3)
