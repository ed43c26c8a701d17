"""What a search saw: entropies, costs and agreement by hand."""

from __future__ import annotations

import numpy as np
import pytest

from a2d.reading import signal
from a2d.runs.records import SearchOutcome
from a2d.search.trial import Trial
from a2d.specs.architecture import Architecture, CellSpace

NAMES = ("conv3", "conv5", "skip")
FLOPS = [[1.0, 3.0, 0.0], [2.0, 6.0, 0.0]]


def outcome(**changes: object) -> SearchOutcome:
    cells = CellSpace(cells=2)
    architecture = Architecture(space="convolution", cells=cells, operators=("conv3", "skip"))
    return SearchOutcome(**({"architecture": architecture, "alpha": None, "skips": 1} | changes))


def test_entropy_is_one_where_nothing_is_decided_and_falls_to_zero() -> None:
    assert signal.entropy_share(np.zeros((4, 9))) == pytest.approx(1)
    assert signal.entropy_share([[800.0, 0.0, 0.0]]) == 0
    half = signal.entropy_share([[0.0, 0.0, -1e9]])
    assert half == pytest.approx(np.log(2) / np.log(3))


def test_a_t_of_noise_is_one() -> None:
    draws = np.random.default_rng(0).normal(size=(2000, 6, 9))
    t = draws.mean(axis=0) / (draws.std(axis=0, ddof=1) / np.sqrt(2000))
    assert signal.root_mean_square(t) == pytest.approx(1, abs=0.3)


def test_trials_prefer_an_operator_by_the_mean_of_those_that_had_it() -> None:
    tried = [(("conv3", "skip"), 4.0), (("conv3", "conv5"), 2.0), (("skip", "skip"), 1.0)]
    trials = [Trial(operators=names, score=score, steps=1) for names, score in tried]
    trials.append(Trial(operators=("conv5", "conv5"), score=None, steps=1))
    found = signal.preferences(outcome(trials=tuple(trials)), NAMES)
    expected = [[3.0, np.nan, 1.0], [np.nan, 2.0, 2.5]]
    assert np.array_equal(found, expected, equal_nan=True)


def test_what_follows_cost_is_explained_by_it_wholly() -> None:
    preferred = 5.0 - 0.3 * np.array(FLOPS) + np.array([[2.0], [-7.0]])  # cells may differ
    residuals, share = signal.without_cost(preferred, FLOPS)
    assert share == pytest.approx(1) and np.abs(residuals).max() < 1e-12


def test_what_has_nothing_to_do_with_cost_is_left() -> None:
    preferred = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    preferred[0] += np.array([0.0, 0.0, 0.2])
    residuals, share = signal.without_cost(preferred, FLOPS)
    x = np.array([[-1 / 3, 5 / 3, -4 / 3], [-2 / 3, 10 / 3, -8 / 3]])
    y = preferred - preferred.mean(axis=1, keepdims=True)
    correlation = (x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum())
    assert share == pytest.approx(correlation**2)
    assert (residuals * x).sum() == pytest.approx(0, abs=1e-12)


def test_unknown_entries_take_no_part() -> None:
    preferred = np.array([[1.0, np.nan, 0.0], [0.0, 2.0, 1.0]])
    residuals, share = signal.without_cost(preferred, FLOPS)
    assert np.isnan(residuals[0, 1]) and 0 <= share <= 1


def test_seeds_agree_by_the_mean_correlation_of_pairs() -> None:
    one, two = np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 4.0, 6.0]])
    opposite = -one
    assert signal.agreement([one, two]) == pytest.approx(1)
    assert signal.agreement([one, two, opposite]) == pytest.approx((1 - 1 - 1) / 3)
    assert np.isnan(signal.agreement([one])) and np.isnan(signal.agreement([one, one * 0]))
