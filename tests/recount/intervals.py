"""The statistics of docs/claims.md, written anew with scipy's distributions.

What the shipped code has in closed form is found here by other ways where there are any: the
likeliest rates of the score interval by their likelihood's slope, the interaction by least squares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

Array = NDArray[np.float64]

SURE = 0.975  # of a two-sided 95 % interval, either side
DELTA = 0.1  # smallest effect of interest, of normalised scores
RATE_DELTA = 0.2  # of failure rates
FEWEST = 3  # seeds, or tasks, for an interval
TINY = 1e-12


@dataclass(frozen=True)
class Effect:
    """An estimate with its interval and p-values; NaN and 1 where there are too few runs.

    ``above`` and ``below`` are two-sided, ``within`` is of two one-sided tests against ``delta``.
    """

    name: str
    estimate: float
    delta: float
    low: float = math.nan
    high: float = math.nan
    above: float = 1.0
    below: float = 1.0
    within: float = 1.0
    power: float = math.nan
    ratio: bool = False

    @property
    def verdict(self) -> str:
        if self.within <= 0.05:
            return "equivalent"
        if self.above <= 0.05:
            return "supported"
        return "contradicted" if self.below <= 0.05 else "inconclusive"

    @property
    def p(self) -> float:
        known = {"equivalent": self.within, "supported": self.above, "contradicted": self.below}
        return known.get(self.verdict, 1.0)

    @property
    def effect(self) -> Effect:
        return self

    def row(self) -> dict[str, object]:
        """Return what the ledger's CSV says of an effect: ratios as factors."""
        shown = {"estimate": self.estimate, "low": self.low, "high": self.high}
        shown["margin"] = self.delta
        if self.ratio:
            shown = {name: math.exp(value) for name, value in shown.items()}
        return {"effect": self.name, **shown, "power": self.power, "ratio": self.ratio}


def by_t(name: str, per_task: Array, error: float, freedom: float, delta: float) -> Effect:
    """Return the effect of a t-distributed estimate, the mean of one per task."""
    estimate = float(np.mean(per_task))
    t = stats.t(freedom)
    critical = t.ppf(SURE)
    power = 1.0
    if error:
        power = float(stats.nct(freedom, delta / error).sf(critical))
    return Effect(
        name,
        estimate,
        delta,
        estimate - critical * error,
        estimate + critical * error,
        above=min(1.0, 2 * t.sf(_over(estimate, error))),
        below=min(1.0, 2 * t.cdf(_over(estimate, error))),
        within=max(t.cdf(_over(estimate - delta, error)), t.sf(_over(estimate + delta, error))),
        power=power,
    )


def _over(distance: float, error: float) -> float:
    """Return a distance in standard errors; without any error it is for sure."""
    if error:
        return distance / error
    return math.copysign(math.inf, distance) if distance else 0.0


def of_seeds(name: str, *arms: Any, delta: float = DELTA, held_out: bool = False) -> Effect:
    """Return the mean of one arm, or of the first less the second, (seeds, tasks) each.

    Tasks are fixed: Welch's variances of all tasks and arms are added, their degrees of freedom
    joined by Satterthwaite. Scores of seeds that were left out of a choice depend on each other:
    the last arm has the variance of Nadeau and Bengio (2003).
    """
    signs = (1, -1)[: len(arms)]
    means = [sign * np.mean(arm, axis=0) for sign, arm in zip(signs, arms, strict=True)]
    per_task = np.sum(means, axis=0)
    if min(map(len, arms)) < FEWEST:
        return Effect(name, float(per_task.mean()), delta)
    variances, freedoms = [], []
    for arm in arms:
        seeds, last = len(arm), arm is arms[-1]
        share = 1 / seeds + 1 / (seeds - 1) if held_out and last else 1 / seeds
        for column in np.transpose(arm):
            variances.append(share * stats.tvar(column) if np.ptp(column) else 0.0)
            freedoms.append(seeds - 1)
    total = sum(variances)
    pairs = zip(variances, freedoms, strict=True)
    joined = total**2 / sum(v**2 / f for v, f in pairs) if total else min(freedoms)
    return by_t(name, per_task, math.sqrt(total) / len(per_task), joined, delta)


def of_tasks(name: str, per_task: Any, seeds: int, delta: float = DELTA) -> Effect:
    """Return the mean of one effect per task; tasks are the units."""
    if min(len(per_task), seeds) < FEWEST:
        return Effect(name, float(np.mean(per_task)), delta)
    return by_t(name, per_task, float(stats.sem(per_task)), len(per_task) - 1, delta)


def mean_of_seeds(scores: Any) -> dict[str, float]:
    """Return a mean with its t interval, NaN of fewer than three seeds."""
    many = len(scores)
    if many < FEWEST:
        mean = float(np.mean(scores)) if many else math.nan
        return {"score": mean, "low": math.nan, "high": math.nan}
    mean, error = float(np.mean(scores)), float(stats.sem(scores))
    reach = float(stats.t(many - 1).ppf(SURE)) * error
    return {"score": mean, "low": mean - reach, "high": mean + reach}


def rates(name: str, first: Any, second: Any) -> Effect:
    """Return the difference of two rates with the score interval of Miettinen and Nurminen."""
    counts = (int(np.sum(first)), np.size(first), int(np.sum(second)), np.size(second))
    estimate = float(np.mean(first) - np.mean(second))
    found = Effect(name, estimate, RATE_DELTA)
    if min(len(first), len(second)) < FEWEST:
        return found
    critical = float(stats.norm.ppf(SURE))
    x, n, y, m = counts
    # Both arms together, with one more search that fails and one that does not.
    shared = (x + y + 1) / (n + m + 2)
    error = math.sqrt(shared * (1 - shared) * (1 / n + 1 / m))
    return replace(
        found,
        low=_crossing(counts, critical),
        high=_crossing(counts, -critical),
        above=min(1.0, 2 * stats.norm.sf(score(counts, 0.0))),
        below=min(1.0, 2 * stats.norm.cdf(score(counts, 0.0))),
        within=max(
            stats.norm.cdf(score(counts, RATE_DELTA)), stats.norm.sf(score(counts, -RATE_DELTA))
        ),
        power=float(stats.norm.cdf(RATE_DELTA / error - critical)),
    )


def _crossing(counts: tuple[int, int, int, int], level: float) -> float:
    """Return the difference of which the score is ``level``: it falls as the difference grows."""
    edge = 1 - 1e-9
    if score(counts, -edge) <= level:
        return -1.0
    if score(counts, edge) >= level:
        return 1.0
    return float(optimize.bisect(lambda d: score(counts, d) - level, -edge, edge, xtol=TINY))


def score(counts: tuple[int, int, int, int], difference: float) -> float:
    """Return the z of x/n − y/m against a true difference, by the likeliest rates that have it."""
    x, n, y, m = counts
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)

    def slope(rate: float) -> float:
        """Return the log-likelihood's slope, which falls as the rate grows."""
        other = rate + difference
        terms = ((x, other), (x - n, 1 - other), (y, rate), (y - m, 1 - rate))
        return sum(count / max(chance, TINY**2) for count, chance in terms)

    start, end = low + TINY * (high - low), high - TINY * (high - low)
    if slope(start) <= 0:
        rate = low
    elif slope(end) >= 0:
        rate = high
    else:
        rate = float(optimize.bisect(slope, start, end, xtol=1e-15))
    other = min(max(rate + difference, 0.0), 1.0)
    variance = other * (1 - other) / n + rate * (1 - rate) / m
    variance *= (n + m) / (n + m - 1)
    return _over(x / n - y / m - difference, math.sqrt(max(variance, 0.0)))
