"""Statistics over a (runs × tasks) array of scores: rows are seeds, columns are tasks.

Pure functions; whatever is random takes a numpy ``Generator``. A missing or diverged run must be
decided on by the caller: NaN and infinity raise ``ValueError``, never drop a row.

The methods are those of Agarwal et al. 2021, 'Deep Reinforcement Learning at the Edge of the
Statistical Precipice', for the figure of all tasks alone. Percentile intervals are too narrow for
few runs (docs/claims.md says by how much), so that no claim is decided by them, and means have
t intervals (``a2d.reading.decisions.contrasts``).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from a2d.reading.decisions.contrasts import Array, Interval

Statistic = Callable[[Array], float]
"""Maps scores (runs, tasks) to one number."""


def interquartile_mean(scores: ArrayLike) -> float:
    """Return the mean of the middle half of all scores (runs, tasks), pooled over runs and tasks.

    Drops ⌊n/4⌋ of the n scores at either end, so that fewer than four are simply averaged. Scores
    of different tasks must share a scale (see ``Yardstick``). ValueError: not 2-D, empty or not
    finite. Source: Agarwal et al. 2021, section 4.3.
    """
    ordered = np.sort(_checked(scores), axis=None)
    cut = ordered.size // 4
    return float(ordered[cut : ordered.size - cut].mean())


def probability_of_improvement(a: ArrayLike, b: ArrayLike) -> float:
    """Return P(X > Y) for random runs X of ``a`` and Y of ``b`` on one task, averaged over tasks.

    ``a`` (n, tasks), ``b`` (m, tasks). On each task it is Mann–Whitney's U / (n·m), ties counted ½.
    ValueError: not 2-D, empty, not finite, or different numbers of tasks.
    Source: Agarwal et al. 2021, section 4.3.
    """
    x, y = _checked_pair(a, b)
    return float((0.5 + 0.5 * np.sign(x[:, None, :] - y[None, :, :])).mean())


def performance_profile(scores: ArrayLike, thresholds: ArrayLike) -> Array:
    """Return the fraction of runs × tasks that score above each threshold: (thresholds,).

    ``scores`` (runs, tasks), ``thresholds`` (thresholds,) in the same units. ValueError: other
    shapes, or a value that is not finite. Source: Agarwal et al. 2021, section 4.2 (run-score
    distributions).
    """
    levels = np.asarray(thresholds, dtype=np.float64)
    if levels.ndim != 1 or not np.isfinite(levels).all():
        raise ValueError(f"thresholds must be one row of finite numbers, not {levels}")
    ordered = np.sort(_checked(scores), axis=None)
    return (ordered.size - np.searchsorted(ordered, levels, side="right")) / ordered.size


def stratified_bootstrap(
    scores: ArrayLike,
    statistic: Statistic,
    generator: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Return the percentile bootstrap interval of ``statistic``, with runs resampled per task.

    ``scores`` (runs, tasks). With one run the interval is the point itself. ValueError: scores
    not 2-D, empty or not finite, a statistic that is not finite, resamples < 1, or confidence
    outside (0, 1). Source: Agarwal et al. 2021, section 4.1.
    """
    values = _checked(scores)
    replicates = np.array([statistic(sample) for sample in _resample(values, generator, resamples)])
    return _percentile_interval(statistic(values), replicates, confidence)


def stratified_bootstrap_difference(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic,
    generator: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Return the interval of statistic(a) − statistic(b) for two methods on the same tasks.

    ``a`` (n, tasks), ``b`` (m, tasks): both are resampled as in ``stratified_bootstrap``,
    independently of each other. ValueError: as there, or different numbers of tasks.
    """

    def difference(x: Array, y: Array) -> float:
        return statistic(x) - statistic(y)

    return _two_sample_interval(a, b, difference, generator, resamples, confidence)


def probability_of_improvement_interval(
    a: ArrayLike,
    b: ArrayLike,
    generator: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval:
    """Return ``probability_of_improvement`` and its interval, resampled as in the difference.

    ``a`` (n, tasks), ``b`` (m, tasks). When every run of one method beats every run of the other
    the interval is a point, however few the runs. ValueError: as in
    ``stratified_bootstrap_difference``.
    """
    return _two_sample_interval(a, b, probability_of_improvement, generator, resamples, confidence)


def performance_profile_intervals(
    scores: ArrayLike,
    thresholds: ArrayLike,
    generator: np.random.Generator,
    resamples: int = 2000,
    confidence: float = 0.95,
) -> list[Interval]:
    """Return ``performance_profile`` with an interval for each threshold.

    The bands are pointwise, not simultaneous. ``scores`` (runs, tasks), ``thresholds``
    (thresholds,). All thresholds share the same resamples, so the bounds fall with the threshold as
    the profile does. ValueError: as in the two functions combined here.
    """
    values = _checked(scores)
    profile = performance_profile(values, thresholds)
    samples = _resample(values, generator, resamples)
    replicates = np.array([performance_profile(sample, thresholds) for sample in samples])
    return [
        _percentile_interval(p, r, confidence) for p, r in zip(profile, replicates.T, strict=True)
    ]


def _checked(scores: ArrayLike) -> Array:
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(
            f"scores must be (runs, tasks) and not empty, not of the shape {values.shape}"
        )
    if not np.isfinite(values).all():
        run, task = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            f"run {run} of task {task} scored {values[run, task]}: decide what it counts as"
        )
    return values


def _checked_pair(a: ArrayLike, b: ArrayLike) -> tuple[Array, Array]:
    x, y = _checked(a), _checked(b)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"the two methods must share their tasks, but have {x.shape[1]} and {y.shape[1]}"
        )
    return x, y


def _resample(values: Array, generator: np.random.Generator, resamples: int) -> Array:
    """Draw (resamples, runs, tasks): for every task its own runs, with replacement."""
    if resamples < 1:
        raise ValueError(f"resamples must be at least 1, not {resamples}")
    rows = generator.integers(values.shape[0], size=(resamples, *values.shape))
    return np.take_along_axis(values[None], rows, axis=1)


def _two_sample_interval(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Callable[[Array, Array], float],
    generator: np.random.Generator,
    resamples: int,
    confidence: float,
) -> Interval:
    x, y = _checked_pair(a, b)
    pairs = zip(_resample(x, generator, resamples), _resample(y, generator, resamples), strict=True)
    return _percentile_interval(
        statistic(x, y), np.array([statistic(p, q) for p, q in pairs]), confidence
    )


def _percentile_interval(estimate: float, replicates: Array, confidence: float) -> Interval:
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence must lie between 0 and 1, not {confidence}")
    if not (np.isfinite(estimate) and np.isfinite(replicates).all()):
        raise ValueError("the statistic is not finite on these scores or on a resample of them")
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(replicates, [tail, 1.0 - tail])
    return Interval(float(estimate), float(low), float(high))
