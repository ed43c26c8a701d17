"""Statistics against hand-worked values, scipy, and the properties that define them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from a2d.reading import statistics
from a2d.reading.decisions.contrasts import Array, Interval

SIDES = st.integers(1, 6)
NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False)
TABLES = arrays(np.float64, st.tuples(SIDES, SIDES), elements=NUMBERS)
# Few distinct values, so that ties are common.
TIED_PAIRS = st.tuples(SIDES, SIDES, SIDES).flatmap(
    lambda s: st.tuples(
        *(
            arrays(np.float64, (runs, s[2]), elements=st.integers(-2, 2).map(float))
            for runs in s[:2]
        )
    )
)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def mean(scores: Array) -> float:
    return float(scores.mean())


class Recorder:
    """A statistic, the mean, that keeps what it was asked about."""

    def __init__(self) -> None:
        self.samples: list[Array] = []

    def __call__(self, scores: Array) -> float:
        self.samples.append(scores)
        return mean(scores)


def normal_scores(runs: int, tasks: int, seed: int = 7) -> Array:
    return generator(seed).normal(size=(runs, tasks))


# --- interquartile mean


def test_interquartile_mean_drops_a_quarter_at_either_end() -> None:
    scores = np.array([[100.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, -50.0]])
    assert statistics.interquartile_mean(scores) == (2 + 3 + 4 + 5) / 4


def test_interquartile_mean_of_fewer_than_four_scores_is_the_mean() -> None:
    assert statistics.interquartile_mean([[0.0, 1.0, 8.0]]) == 3.0


@given(TABLES)
def test_interquartile_mean_equals_scipys_trimmed_mean(scores: Array) -> None:
    expected = stats.trim_mean(scores.ravel(), 0.25)
    assert statistics.interquartile_mean(scores) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(TABLES)
def test_interquartile_mean_lies_between_the_extremes(scores: Array) -> None:
    result = statistics.interquartile_mean(scores)
    assert scores.min() - 1e-9 <= result <= scores.max() + 1e-9


@given(TABLES, NUMBERS, st.floats(0.1, 10))
def test_interquartile_mean_moves_with_shift_and_scale(
    scores: Array, shift: float, scale: float
) -> None:
    moved = statistics.interquartile_mean(scale * scores + shift)
    assert moved == pytest.approx(scale * statistics.interquartile_mean(scores) + shift, abs=1e-7)


# --- probability of improvement


def test_probability_of_improvement_by_hand() -> None:
    a = [[1.0, 5.0], [2.0, 5.0]]
    b = [[0.0, 5.0], [1.0, 6.0], [3.0, 7.0]]
    # Task 0: 1 > 0, 1 = 1, 2 > 0, 2 > 1 give 3.5 of 6 pairs; task 1: two ties give 1 of 6.
    assert statistics.probability_of_improvement(a, b) == pytest.approx((3.5 / 6 + 1 / 6) / 2)


@given(TIED_PAIRS)
def test_probability_of_improvement_is_mann_whitneys_u(pair: tuple[Array, Array]) -> None:
    a, b = pair
    u = stats.mannwhitneyu(a, b, axis=0, method="asymptotic").statistic
    assert statistics.probability_of_improvement(a, b) == pytest.approx(
        np.mean(u / (len(a) * len(b)))
    )


@given(TIED_PAIRS, st.integers(-3, 3))
def test_probability_of_improvement_is_complementary_and_ignores_a_shift(
    pair: tuple[Array, Array], shift: int
) -> None:
    a, b = pair
    forward = statistics.probability_of_improvement(a, b)
    assert 0.0 <= forward <= 1.0
    assert forward + statistics.probability_of_improvement(b, a) == pytest.approx(1.0)
    assert statistics.probability_of_improvement(a + shift, b + shift) == forward


def test_probability_of_improvement_interval_surrounds_its_estimate() -> None:
    a, b = normal_scores(8, 4, seed=1) + 0.5, normal_scores(6, 4, seed=2)
    result = statistics.probability_of_improvement_interval(a, b, generator())
    assert result.estimate == statistics.probability_of_improvement(a, b)
    assert 0.0 <= result.low < result.estimate < result.high <= 1.0


def test_probability_of_improvement_of_separated_methods_is_certain() -> None:
    a, b = normal_scores(5, 3) + 100, normal_scores(5, 3)
    assert statistics.probability_of_improvement_interval(a, b, generator()) == Interval(
        1.0, 1.0, 1.0
    )


# --- performance profiles


def test_performance_profile_counts_strictly_above() -> None:
    profile = statistics.performance_profile([[0.0, 1.0], [1.0, 2.0]], [-1.0, 0.0, 0.5, 1.0, 2.0])
    np.testing.assert_array_equal(profile, [1.0, 0.75, 0.75, 0.25, 0.0])


@given(TABLES, st.lists(NUMBERS, max_size=6))
def test_performance_profile_is_the_fraction_above(scores: Array, thresholds: list[float]) -> None:
    profile = statistics.performance_profile(scores, thresholds)
    assert profile == pytest.approx(
        [float((scores > threshold).mean()) for threshold in thresholds]
    )


def test_performance_profile_intervals_surround_and_fall_with_the_profile() -> None:
    scores, thresholds = normal_scores(6, 4), np.linspace(-4, 4, 17)
    bands = statistics.performance_profile_intervals(scores, thresholds, generator(), resamples=500)
    estimates = [band.estimate for band in bands]
    np.testing.assert_array_equal(estimates, statistics.performance_profile(scores, thresholds))
    assert all(0 <= band.low <= band.estimate <= band.high <= 1 for band in bands)
    assert any(band.low < band.high for band in bands)
    for bound in ([band.low for band in bands], [band.high for band in bands]):
        assert (np.diff(bound) <= 0).all()


def test_performance_profile_interval_equals_the_bootstrap_of_one_threshold() -> None:
    scores = normal_scores(6, 4)
    (band,) = statistics.performance_profile_intervals(scores, [0.2], generator())
    single = statistics.stratified_bootstrap(scores, lambda x: float((x > 0.2).mean()), generator())
    assert (band.estimate, band.low, band.high) == pytest.approx(
        (single.estimate, single.low, single.high)
    )


@pytest.mark.parametrize("thresholds", [0.5, [[0.5]], [np.nan], [np.inf]])
def test_performance_profile_rejects_bad_thresholds(thresholds: object) -> None:
    with pytest.raises(ValueError, match="thresholds"):
        statistics.performance_profile(np.ones((2, 2)), thresholds)  # type: ignore[arg-type]


# --- bootstrap


def test_bootstrap_percentiles_by_enumeration() -> None:
    # Two runs of 0 and 1: the resampled mean is 0, ½ or 1 with probability ¼, ½, ¼.
    two = [[0.0], [1.0]]
    wide = statistics.stratified_bootstrap(two, mean, generator(), confidence=0.6)
    narrow = statistics.stratified_bootstrap(two, mean, generator(), confidence=0.4)
    assert wide == Interval(0.5, 0.0, 1.0)
    assert narrow == Interval(0.5, 0.5, 0.5)


def test_bootstrap_has_the_exact_variance_of_resampled_means() -> None:
    scores = normal_scores(5, 3)
    recorder = Recorder()
    statistics.stratified_bootstrap(scores, recorder, generator(), resamples=20_000)
    expected = scores.var(axis=0).sum() / 5 / 3**2
    assert np.var([mean(sample) for sample in recorder.samples]) == pytest.approx(
        expected, rel=0.05
    )


def test_bootstrap_agrees_with_scipy_on_one_task() -> None:
    values = normal_scores(15, 1)[:, 0]
    ours = statistics.stratified_bootstrap(values[:, None], mean, generator(), resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=generator(1)
    ).confidence_interval
    assert ours.estimate == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)


def test_bootstrap_never_mixes_tasks_and_draws_each_task_independently() -> None:
    scores = np.arange(12.0).reshape(4, 3)
    recorder = Recorder()
    statistics.stratified_bootstrap(scores, recorder, generator(), resamples=200)
    stacked = np.stack(recorder.samples[:200])
    assert stacked.shape == (200, 4, 3)
    for task in range(3):
        assert set(stacked[:, :, task].ravel()) == set(scores[:, task])
    rows = (stacked - np.arange(3)) / 3
    assert np.mean(rows[:, :, 0] == rows[:, :, 1]) == pytest.approx(0.25, abs=0.06)


@given(st.integers(1, 6), st.lists(NUMBERS, min_size=1, max_size=5))
@settings(max_examples=30)
def test_bootstrap_of_constant_tasks_has_no_width(runs: int, tasks: list[float]) -> None:
    scores = np.tile(tasks, (runs, 1))
    result = statistics.stratified_bootstrap(
        scores, statistics.interquartile_mean, generator(), resamples=50
    )
    assert result.estimate == result.low == result.high


def test_one_run_gives_the_point_itself() -> None:
    scores = normal_scores(1, 5)
    result = statistics.stratified_bootstrap(scores, statistics.interquartile_mean, generator())
    point = statistics.interquartile_mean(scores)
    assert result == Interval(point, point, point)


@given(st.integers(0, 1000), st.floats(-100, 100))
@settings(max_examples=20)
def test_bootstrap_moves_with_a_shift(seed: int, shift: float) -> None:
    scores = normal_scores(5, 3)
    results = [
        statistics.stratified_bootstrap(
            table, statistics.interquartile_mean, generator(seed), resamples=100
        )
        for table in (scores, scores + shift)
    ]
    still, moved = ([result.estimate, result.low, result.high] for result in results)
    assert moved == pytest.approx([value + shift for value in still], abs=1e-9)
    assert still[1] < still[2]


def test_more_confidence_is_wider() -> None:
    scores = normal_scores(8, 3)
    narrow, wide = (
        statistics.stratified_bootstrap(scores, mean, generator(), confidence=c)
        for c in (0.5, 0.99)
    )
    assert wide.low < narrow.low < narrow.high < wide.high


def test_bootstrap_covers_the_mean_of_a_normal() -> None:
    source = generator(11)
    intervals = [
        statistics.stratified_bootstrap(source.normal(3, 2, (20, 1)), mean, source, resamples=400)
        for _ in range(1000)
    ]
    assert 0.9 <= np.mean([interval.low <= 3 <= interval.high for interval in intervals]) <= 0.98


def test_bootstrap_difference_covers_the_true_difference() -> None:
    source = generator(12)
    hits = []
    for _ in range(1000):
        a, b = source.normal(1, 1, (10, 3)), source.normal(0, 2, (20, 3))
        result = statistics.stratified_bootstrap_difference(a, b, mean, source, resamples=300)
        hits.append(result.low <= 1 <= result.high)
    assert 0.9 <= np.mean(hits) <= 0.98


def test_bootstrap_difference_is_signed_and_resamples_both_sides() -> None:
    a, b = normal_scores(6, 3, seed=1), normal_scores(9, 3, seed=2)
    constant = np.zeros((6, 3))
    both = statistics.stratified_bootstrap_difference(a, b, mean, generator())
    left = statistics.stratified_bootstrap_difference(a, constant, mean, generator())
    right = statistics.stratified_bootstrap_difference(constant, b, mean, generator())
    assert both.estimate == pytest.approx(a.mean() - b.mean())
    assert 0 < left.high - left.low < both.high - both.low
    assert 0 < right.high - right.low < both.high - both.low


def test_bootstrap_difference_of_a_method_with_itself_is_not_certain() -> None:
    scores = normal_scores(6, 3)
    result = statistics.stratified_bootstrap_difference(scores, scores, mean, generator())
    assert result.estimate == 0.0
    assert result.low < 0.0 < result.high


RANDOM: dict[str, Callable[[np.random.Generator], object]] = {
    "bootstrap": lambda g: statistics.stratified_bootstrap(normal_scores(6, 3), mean, g, 200),
    "difference": lambda g: statistics.stratified_bootstrap_difference(
        normal_scores(6, 3), normal_scores(5, 3, seed=8), mean, g, 200
    ),
    "improvement": lambda g: statistics.probability_of_improvement_interval(
        normal_scores(6, 3), normal_scores(5, 3, seed=8), g, 200
    ),
    "profile": lambda g: statistics.performance_profile_intervals(
        normal_scores(6, 3), np.linspace(-2, 2, 20), g, 200
    ),
}


@pytest.mark.parametrize("name", RANDOM)
def test_the_generator_alone_decides_the_interval(name: str) -> None:
    np.random.seed(0)
    first = RANDOM[name](generator(3))
    np.random.seed(1)
    assert RANDOM[name](generator(3)) == first
    assert RANDOM[name](generator(4)) != first
    used = generator(3)
    assert RANDOM[name](used) == first
    assert RANDOM[name](used) != first


def test_five_seeds_on_five_tasks_take_well_under_a_second() -> None:
    scores = normal_scores(5, 5)
    start = time.process_time()
    statistics.stratified_bootstrap(scores, statistics.interquartile_mean, generator())
    assert time.process_time() - start < 1.0


# --- errors

TAKES_SCORES: dict[str, Callable[[Array], object]] = {
    "interquartile_mean": statistics.interquartile_mean,
    "improvement, first": lambda x: statistics.probability_of_improvement(x, np.ones((2, 2))),
    "improvement, second": lambda x: statistics.probability_of_improvement(np.ones((2, 2)), x),
    "improvement interval": lambda x: statistics.probability_of_improvement_interval(
        x, x, generator()
    ),
    "profile": lambda x: statistics.performance_profile(x, [0.0]),
    "profile intervals": lambda x: statistics.performance_profile_intervals(x, [0.0], generator()),
    "bootstrap": lambda x: statistics.stratified_bootstrap(x, lambda _: 0.0, generator()),
    "difference": lambda x: statistics.stratified_bootstrap_difference(
        x, x, lambda _: 0.0, generator()
    ),
}


@pytest.mark.parametrize("name", TAKES_SCORES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_missing_run_is_an_error_that_says_where(name: str, bad: float) -> None:
    with pytest.raises(ValueError, match="run 1 of task 0 scored"):
        TAKES_SCORES[name](np.array([[0.0, 1.0], [bad, 2.0]]))


@pytest.mark.parametrize("name", TAKES_SCORES)
@pytest.mark.parametrize("shape", [(2,), (2, 2, 2), (0, 2), (2, 0)])
def test_scores_must_be_runs_by_tasks(name: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="runs, tasks"):
        TAKES_SCORES[name](np.zeros(shape))


def test_two_methods_must_share_their_tasks() -> None:
    a, b = np.ones((3, 2)), np.ones((3, 1))
    with pytest.raises(ValueError, match="2 and 1"):
        statistics.probability_of_improvement(a, b)
    with pytest.raises(ValueError, match="2 and 1"):
        statistics.stratified_bootstrap_difference(a, b, mean, generator())


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, -0.1, np.nan])
def test_confidence_is_a_fraction(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        statistics.stratified_bootstrap([[0.0], [1.0]], mean, generator(), confidence=confidence)


def test_at_least_one_resample() -> None:
    with pytest.raises(ValueError, match="resamples"):
        statistics.stratified_bootstrap([[0.0], [1.0]], mean, generator(), resamples=0)


def test_a_statistic_that_is_not_finite_is_an_error() -> None:
    # The quotient is finite on the scores themselves, but not on a resample without spread.
    with pytest.raises(ValueError, match="not finite"):
        statistics.stratified_bootstrap(
            np.array([[0.0], [1.0]]), lambda x: 1.0 if np.ptp(x) else np.inf, generator()
        )
