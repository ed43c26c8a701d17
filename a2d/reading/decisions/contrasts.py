"""One effect with its calibrated 95 % interval, its p-values, and what they let us say.

Over seeds, tasks are fixed: what is said holds of these tasks. Over tasks, they are a random
factor: each task's mean counts as one observation, and what is said holds of tasks like them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
Verdict = Literal["supported", "contradicted", "equivalent", "inconclusive"]

LEVEL = 0.05  # intervals cover 1 − LEVEL; p-values are compared with LEVEL itself
FEWEST = 3  # seeds, or tasks, below which there is no interval
SCORE_MARGIN = 0.1  # smallest effect of interest: a tenth of the way from random to the reference


class UndefinedEffect(Exception):
    """The effect cannot be computed from these runs; the message says why."""


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval; where too few runs allow none, its bounds are infinite."""

    estimate: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def clipped(self, lowest: float, highest: float) -> Interval:
        """Return it cut to what the estimate can be at all; without bounds it stays so."""
        if not self.known:
            return self
        return Interval(self.estimate, max(self.low, lowest), min(self.high, highest))


@dataclass(frozen=True)
class Contrast(Interval):
    """One effect, positive where it speaks for the claim, and its 95 % interval.

    ``above`` and ``below`` are two-sided p-values against zero, each for its own direction;
    ``within`` that of two one-sided tests against ±``margin``. ``power`` is the chance of an
    interval above zero were the effect ``margin``.
    ``ratio``: the effect is the logarithm of one, and is said as a factor.
    """

    name: str
    margin: float
    above: float
    below: float
    within: float
    power: float
    per_task: tuple[float, ...] = ()
    ratio: bool = False

    @property
    def verdict(self) -> Verdict:
        """What the effect says alone; one surely smaller than the margin is 'equivalent'."""
        if self.within <= LEVEL:
            return "equivalent"
        if self.above <= LEVEL:
            return "supported"
        return "contradicted" if self.below <= LEVEL else "inconclusive"

    @property
    def p(self) -> float:
        """The p-value behind the verdict; 1 where there is none."""
        known = {"equivalent": self.within, "supported": self.above, "contradicted": self.below}
        return known.get(self.verdict, 1.0)

    @property
    def effect(self) -> Contrast:
        """The effect behind the verdict: this one."""
        return self

    @property
    def shown(self) -> str:
        """The estimate with its interval, as '+0.12 [+0.05, +0.19]' or '×1.8 [×1.6, ×2.0]'."""
        if not self.known:
            return self.show(self.estimate)
        return f"{self.show(self.estimate)} [{self.show(self.low)}, {self.show(self.high)}]"

    @property
    def power_shown(self) -> str:
        """The power, and the effect that it is for."""
        return f"{self.power:.0%} for {self.show(self.margin)}"

    def show(self, value: float) -> str:
        """Return a value of this effect's kind: a difference with its sign, or a factor."""
        if self.ratio:
            return f"×{math.exp(value):.2f}"
        return f"{value:+.2f}".replace("-", "−")


def checked(scores: ArrayLike, axes: int = 2) -> Array:
    """Return scores as floats. ValueError: other axes, empty, or a value that is not finite."""
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != axes or values.size == 0:
        raise ValueError(f"expected {axes} axes and some values, not the shape {values.shape}")
    if not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise ValueError(f"the value at {place} is {values[place]}: decide what it counts as")
    return values


def over_seeds(
    name: str,
    ours: ArrayLike,
    theirs: ArrayLike | None = None,
    *,
    margin: float = SCORE_MARGIN,
    held_out: bool = False,
) -> Contrast:
    """Return mean(ours) − mean(theirs), averaged over tasks that are fixed; seeds are the units.

    Both (seeds, tasks), with seeds of their own. Welch's t per task, joined by Satterthwaite's
    degrees of freedom. ``held_out``: the last array's values were scored on seeds left out of a
    choice; they depend on each other through it, so its variance is Nadeau and Bengio's (2003).
    """
    arms = [checked(ours)] if theirs is None else [checked(ours), checked(theirs)]
    per_task = arms[0].mean(axis=0)
    if theirs is not None:
        per_task = per_task - arms[1].mean(axis=0)
    if min(len(arm) for arm in arms) < FEWEST:
        return _unbounded(name, per_task, margin)
    variances, freedoms = [], []
    for arm in arms:
        seeds = len(arm)
        factor = 1 / seeds + (1 / (seeds - 1) if held_out and arm is arms[-1] else 0)
        variances.append(arm.var(axis=0, ddof=1) * factor)
        freedoms.append(np.full(arm.shape[1], seeds - 1.0))
    variance, freedom = np.concatenate(variances), np.concatenate(freedoms)
    total = float(variance.sum())
    joined = total**2 / float((variance**2 / freedom).sum()) if total > 0 else freedom.min()
    return from_t(name, per_task, math.sqrt(total) / len(per_task), float(joined), margin)


def over_tasks(
    name: str, per_task: ArrayLike, *, seeds: int, margin: float = SCORE_MARGIN
) -> Contrast:
    """Return the mean of one effect per task, (tasks,), with a t interval; tasks are the units.

    ``seeds`` stand behind every task's effect; fewer than three have no interval here either.
    """
    values = checked(per_task, 1)
    if min(len(values), seeds) < FEWEST:
        return _unbounded(name, values, margin)
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return from_t(name, values, error, len(values) - 1.0, margin)


def from_t(name: str, per_task: Array, error: float, freedom: float, margin: float) -> Contrast:
    """Return the contrast of an estimate whose error has ``freedom`` degrees of freedom."""
    estimate = float(per_task.mean())
    reach = float(special.stdtrit(freedom, 1 - LEVEL / 2)) * error

    def tail(distance: float) -> float:
        """Return the chance that noise alone lies so far above zero."""
        return float(special.stdtr(freedom, -_ratio(distance, error)))

    return Contrast(
        estimate,
        estimate - reach,
        estimate + reach,
        name,
        margin,
        above=min(1.0, 2 * tail(estimate)),
        below=min(1.0, 2 * tail(-estimate)),
        within=max(tail(margin - estimate), tail(margin + estimate)),
        power=power_of_t(margin, error, freedom),
        per_task=tuple(float(value) for value in per_task),
    )


def power_of_t(effect: float, error: float, freedom: float) -> float:
    """Return the chance that the 95 % interval lies above zero, were this the true effect."""
    if error == 0:
        return 1.0
    critical = special.stdtrit(freedom, 1 - LEVEL / 2)
    return 1.0 - float(special.nctdtr(freedom, effect / error, critical))


def _unbounded(name: str, per_task: Array, margin: float) -> Contrast:
    return Contrast(
        float(per_task.mean()),
        -math.inf,
        math.inf,
        name,
        margin,
        above=1.0,
        below=1.0,
        within=1.0,
        power=0.0,
        per_task=tuple(float(value) for value in per_task),
    )


def _ratio(distance: float, error: float) -> float:
    if error > 0:
        return distance / error
    return math.copysign(math.inf, distance) if distance else 0.0
