"""How often the intervals in tables and figures hold the truth; docs/claims.md has the numbers.

``python -m a2d.reading.decisions.coverage`` prints the table, in some minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from a2d.reading.decisions.contrasts import Array, Interval, over_seeds
from a2d.reading.decisions.simulation import LEVEL_OF_SCORES, TASKS, draw
from a2d.reading.statistics import (
    interquartile_mean,
    performance_profile,
    probability_of_improvement,
    probability_of_improvement_interval,
    stratified_bootstrap,
)

SEEDS, SHAPES = (3, 5, 10), ("normal", "skewed", "heavy")
STUDIES, RESAMPLES = 1000, 500
MANY, TIMES = 500, 40  # seeds that stand for the truth, so many times
Statistic = Callable[[Array], float]
Shown = Callable[[Array, np.random.Generator], Interval]


def _mean(scores: Array) -> float:
    return float(scores.mean())


def _t(scores: Array, generator: np.random.Generator) -> Interval:
    return over_seeds("mean", scores[:, :1])


def _share(scores: Array) -> float:
    """Return the performance profile at one threshold."""
    return float(performance_profile(scores, [LEVEL_OF_SCORES])[0])


def _bootstrap(statistic: Statistic) -> Shown:
    return lambda scores, generator: stratified_bootstrap(scores, statistic, generator, RESAMPLES)


def _halves(scores: Array) -> tuple[Array, Array]:
    """Return two methods, of which the first is better by two thirds of the seeds' spread."""
    half = scores.shape[1] // 2
    return scores[:, :half] + 0.1, scores[:, half:]


def _improvement(scores: Array) -> float:
    return probability_of_improvement(*_halves(scores))


def _improvement_interval(scores: Array, generator: np.random.Generator) -> Interval:
    return probability_of_improvement_interval(*_halves(scores), generator, RESAMPLES)


# What is shown, of how many columns of scores, its truth and its interval.
INTERVALS: dict[str, tuple[int, Statistic, Shown]] = {
    "mean of one task, t": (1, _mean, _t),
    "interquartile mean, bootstrap": (TASKS, interquartile_mean, _bootstrap(interquartile_mean)),
    "probability of improvement, bootstrap": (2 * TASKS, _improvement, _improvement_interval),
    "performance profile, bootstrap": (TASKS, _share, _bootstrap(_share)),
}


def coverage(name: str, seeds: int, shape: str, studies: int = STUDIES) -> float:
    """Return how often an interval holds the truth, of scores drawn as ``simulation.draw`` does."""
    columns, statistic, shown = INTERVALS[name]
    generator = np.random.default_rng(seeds)
    means = np.full(columns, LEVEL_OF_SCORES)
    truth = float(np.mean([statistic(draw(generator, means, MANY, shape)) for _ in range(TIMES)]))
    held = 0
    for _ in range(studies):
        interval = shown(draw(generator, means, seeds, shape), generator)
        held += interval.low <= truth <= interval.high
    return held / studies


def coverage_table(studies: int = STUDIES) -> Iterator[str]:
    """Yield a Markdown row per interval and shape: the coverage in percent by seeds."""
    yield f"| interval | scores | {' | '.join(f'{seeds} seeds' for seeds in SEEDS)} |"
    yield "| --- | --- | --- | --- | --- |"
    for name in INTERVALS:
        for shape in SHAPES:
            found = [f"{100 * coverage(name, seeds, shape, studies):.1f}" for seeds in SEEDS]
            yield f"| {name} | {shape} | {' | '.join(found)} |"


if __name__ == "__main__":
    for line in coverage_table():
        print(line, flush=True)
