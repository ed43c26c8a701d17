"""How often searches fail: the exact interval of a rate, the score interval of a difference."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from a2d.reading.decisions.contrasts import FEWEST, LEVEL, Contrast, checked

ABOVE_RANDOM = 3.0  # standard errors of its test by which a search must beat the random policy
RATE_MARGIN = 0.2  # smallest difference of interest: one search in five
EDGE = 1 - 1e-9


def failed(scores: ArrayLike, errors: ArrayLike, random: ArrayLike) -> NDArray[np.bool_]:
    """Return which searches fail: not above random + 3 standard errors of their own test episodes.

    ``scores`` and ``errors`` (seeds, tasks) in the task's own units, ``random`` (tasks,).
    """
    return checked(scores) <= checked(random, 1) + ABOVE_RANDOM * checked(errors)


def clopper_pearson(count: int, total: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a rate; it covers at least 95 %, whatever the rate."""
    low = special.betaincinv(count, total - count + 1, LEVEL / 2) if count else 0.0
    high = special.betaincinv(count + 1, total - count, 1 - LEVEL / 2) if count < total else 1.0
    return float(low), float(high)


def compare_rates(name: str, ours: ArrayLike, theirs: ArrayLike) -> Contrast:
    """Return rate(ours) − rate(theirs) with Miettinen and Nurminen's (1985) score interval.

    Both (seeds, tasks), true where it happened. Tasks are pooled: with as many seeds on every
    task that errs on the wide side, as a rate that differs between tasks varies less.
    """
    first, second = np.asarray(ours, dtype=bool), np.asarray(theirs, dtype=bool)
    low, high, above, below, within, power = _score_test(
        int(first.sum()), first.size, int(second.sum()), second.size
    )
    per_task = first.mean(axis=0) - second.mean(axis=0)
    if min(len(first), len(second)) < FEWEST:
        low, high, above, below, within, power = -math.inf, math.inf, 1.0, 1.0, 1.0, 0.0
    return Contrast(
        float(first.mean() - second.mean()),
        low,
        high,
        name,
        RATE_MARGIN,
        above,
        below,
        within,
        power,
        tuple(float(value) for value in per_task),
    )


@lru_cache(maxsize=100_000)
def _score_test(x: int, n: int, y: int, m: int) -> tuple[float, float, float, float, float, float]:
    """Return the interval, the p-values above, below and within, and the power."""
    reach = float(special.ndtri(1 - LEVEL / 2))

    def z(difference: float) -> float:
        return score_statistic(x, n, y, m, difference)

    low = optimize.brentq(lambda d: z(d) - reach, -EDGE, EDGE) if z(-EDGE) > reach else -1.0
    high = optimize.brentq(lambda d: z(d) + reach, -EDGE, EDGE) if z(EDGE) < -reach else 1.0
    above, below = (min(1.0, 2 * float(special.ndtr(sign * z(0.0)))) for sign in (-1, 1))
    within = float(max(special.ndtr(z(RATE_MARGIN)), special.ndtr(-z(-RATE_MARGIN))))
    shared = (x + y + 1) / (n + m + 2)
    error = math.sqrt(shared * (1 - shared) * (1 / n + 1 / m))
    return low, high, above, below, within, float(special.ndtr(RATE_MARGIN / error - reach))


def score_statistic(x: int, n: int, y: int, m: int, difference: float) -> float:
    """Return Miettinen and Nurminen's z for x/n − y/m against a true ``difference``."""
    rate = _likeliest(x, n, y, m, difference)
    other = min(max(rate + difference, 0.0), 1.0)
    total = n + m
    variance = (other * (1 - other) / n + rate * (1 - rate) / m) * total / (total - 1)
    distance = x / n - y / m - difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _likeliest(x: int, n: int, y: int, m: int, difference: float) -> float:
    """Return the likeliest rate behind y/m where that behind x/n is larger by ``difference``."""
    total, d = n + m, difference
    cubic = [total, (n + 2 * m) * d - total - x - y, (m * d - total - 2 * y) * d + x + y]
    b, c, e = cubic[1] / (3 * total), cubic[2], y * d * (1 - d)
    q = b**3 - b * c / (2 * total) + e / (2 * total)
    p = math.copysign(math.sqrt(max(b * b - c / (3 * total), 0.0)), q)
    if p == 0:
        return min(max(-b, 0.0), 1.0)
    angle = (math.pi + math.acos(min(max(q / p**3, -1.0), 1.0))) / 3
    return min(max(2 * p * math.cos(angle) - b, max(0.0, -d)), min(1.0, 1 - d))
