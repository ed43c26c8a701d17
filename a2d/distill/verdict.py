"""What students keep of their teacher, with intervals, and one plain sentence about it.

A score is set against two others: the random policy's is 0 %, the teacher's 100 %. So it means the
same where returns are negative.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import stdtrit

from a2d.reading.decisions.contrasts import FEWEST, over_seeds
from a2d.runs.scores import LEVEL, RANDOM_EPISODES, Score
from a2d.specs.data import Frozen

Kind = Literal["teacher", "a2d", "random", "manual"]


class Estimate(NamedTuple):
    """A mean, the variance of that mean, and its degrees of freedom."""

    mean: float
    variance: float
    freedom: float

    @property
    def margin(self) -> float:
        """How far the 95 % interval reaches to either side, by Student's t."""
        if self.variance == 0:
            return 0.0
        return float(stdtrit(self.freedom, (1 + LEVEL) / 2)) * math.sqrt(self.variance)


class Interval(Frozen):
    """An estimate; without bounds where two seeds, or diverged ones, allow none."""

    mean: float
    low: float | None = None
    high: float | None = None

    def text(self, scale: float = 1.0, digits: int = 2, unit: str = "") -> str:
        """Return it as '0.97 (0.91 to 1.02)', or '97 % (91 to 102)'."""
        mean = f"{_rounded(scale * self.mean, digits)}{unit}"
        if self.low is None or self.high is None:
            return mean
        low, high = (_rounded(scale * side, digits) for side in (self.low, self.high))
        return f"{mean} ({low} to {high})"


def _rounded(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}"  # no '-0'


class Row(Frozen):
    """Networks of one kind that were trained alike, or the teacher.

    ``scores``: of every seed, None where a run diverged so that it has none. Costs are means over
    the networks; None where they are not known. ``found``: how many of random networks are the one
    that the search has found.
    """

    name: str
    title: str
    kind: Kind
    seeds: tuple[int, ...]
    scores: tuple[float | None, ...]
    score: Interval | None
    kept: Interval | None
    flops: float | None
    share: float | None
    parameters: float | None
    eager_ms: float | None
    deployed_ms: float | None
    diverged: int = 0
    search: str | None = None
    found: int = 0


def estimate(returns: Sequence[Sequence[float]]) -> Estimate | None:
    """Return the mean score of some runs; None where there is no run.

    Of one run, the variance is that of its episodes; of two, it is not known (NaN).

    Args:
        returns: of the test episodes of every run.
    """
    if not returns:
        return None
    samples = [math.fsum(each) / len(each) for each in returns]
    if len(returns) == 1:
        samples = list(returns[0])
    count = len(samples)
    mean = math.fsum(samples) / count
    if count < FEWEST:
        return Estimate(mean, math.nan, 1.0)
    return Estimate(mean, float(np.var(samples, ddof=1)) / count, count - 1.0)


def chance_of(score: Score) -> Estimate | None:
    """Return the random policy's score as an estimate; None where it is unknown."""
    if math.isnan(score.mean):
        return None
    freedom = RANDOM_EPISODES - 1.0
    error = score.margin / float(stdtrit(freedom, (1 + LEVEL) / 2))
    return Estimate(score.mean, error**2, freedom)


def interval(found: Estimate) -> Interval:
    """Return an estimate with its 95 % interval, if that is known."""
    if math.isnan(found.variance):
        return Interval(mean=found.mean)
    return Interval(mean=found.mean, low=found.mean - found.margin, high=found.mean + found.margin)


def kept(student: Estimate, teacher: Estimate, chance: Estimate) -> Interval | None:
    """Return the share of the teacher's lead over a random policy that students have.

    All three are measured with an error, which goes into the interval by the delta method, with
    Welch and Satterthwaite's degrees of freedom. None where the teacher has no lead, by intervals
    that do not touch: shares of nearly nothing mean nothing.
    """
    lead = teacher.mean - chance.mean
    if not teacher.mean - teacher.margin > chance.mean + chance.margin:
        return None
    share = (student.mean - chance.mean) / lead
    parts = [
        (student.variance / lead**2, student.freedom),
        (teacher.variance * share**2 / lead**2, teacher.freedom),
        (chance.variance * (1 - share) ** 2 / lead**2, chance.freedom),
    ]
    return interval(_sum(share, parts))


def difference(a: Sequence[float], b: Sequence[float]) -> Interval | None:
    """Return mean(a) − mean(b) by Welch's t interval; None for fewer than three seeds of either."""
    if min(len(a), len(b)) < FEWEST:
        return None
    found = over_seeds("difference", np.array(a)[:, None], np.array(b)[:, None])
    return Interval(mean=found.estimate, low=found.low, high=found.high)


def _sum(mean: float, parts: Sequence[tuple[float, float]]) -> Estimate:
    variance = math.fsum(part for part, _ in parts)
    below = math.fsum(part**2 / freedom for part, freedom in parts)
    return Estimate(mean, variance, variance**2 / below if below else 1.0)


def sentence(row: Row, random: Row, manual: Sequence[Row], teacher: Row) -> str:
    """Return what a searched network keeps, beside what the others of the same teacher keep."""
    lead = " of its teacher's lead over a random policy" if row.kept is not None else ""
    same = f" ({random.found} of {len(random.seeds)} are the one found)" if random.found else ""
    parts = [
        f"{row.title} {_keeps(row, 's')}{lead}{_costs(row, teacher)}",
        f"random architectures of the same cost{same} {_keeps(random)}{_gain(row, random)}",
        *(
            f"{each.title}, made by hand, {_keeps(each, 's')}{_costs(each, teacher)}"
            for each in manual
        ),
    ]
    better = [each.title for each in cheaper_and_as_good(row, manual)]
    if better:
        parts.append(f"so that {' or '.join(better)} scores no less on average, for less")
    if row.kept is None:
        parts.append("no share of the teacher's lead is said, as it has none that is sure")
    return "; ".join(parts) + "."


def _keeps(row: Row, ending: str = "") -> str:
    """Return what a row keeps or, without a teacher's lead, scores; ``ending``: of the verb."""
    diverged = f" ({row.diverged} of {len(row.seeds)} diverged)" if row.diverged else ""
    if row.kept is not None:
        return f"keep{ending} {row.kept.text(100, 0, ' %')}{diverged}"
    if row.score is not None:
        return f"score{ending} {row.score.text()}{diverged}"
    return f"{'has' if ending else 'have'} no score{diverged}"


def _costs(row: Row, teacher: Row) -> str:
    """Return what a row costs of what its teacher does, in FLOPs and deployed latency."""
    costs = []
    if row.share is not None:
        costs.append(f"{100 * row.share:.{1 if row.share < 0.1 else 0}f} % of the teacher's FLOPs")
    elif row.flops is not None:
        costs.append(f"{row.flops:,.0f} FLOPs")
    if row.deployed_ms is not None and teacher.deployed_ms is not None:
        costs.append(f"{100 * row.deployed_ms / teacher.deployed_ms:.0f} % of its latency")
    return f" at {' and '.join(costs)}" if costs else ""


def _gain(row: Row, random: Row) -> str:
    """Say what the search itself has gained, as far as the seeds can tell."""
    if None in (*row.scores, *random.scores):
        return ", which cannot be compared"
    ours, theirs = ([s for s in each.scores if s is not None] for each in (row, random))
    found = difference(ours, theirs)
    if found is None or found.low is None or found.high is None:
        return ", and so few seeds cannot tell which is better"
    if found.low > 0:
        return ", which is less"
    if found.high < 0:
        return ", which is more: the search has done harm"
    return f", no difference that {min(len(ours), len(theirs))} seeds can show"


def cheaper_and_as_good(row: Row, manual: Sequence[Row]) -> list[Row]:
    """Return the networks made by hand that score as much on average and cost less."""
    if row.score is None or row.flops is None:
        return []
    return [
        each
        for each in manual
        if each.score is not None
        and each.flops is not None
        and each.score.mean >= row.score.mean
        and each.flops < row.flops
    ]
