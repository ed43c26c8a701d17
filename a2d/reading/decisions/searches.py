"""C2 and C3: whether searches fail or scatter without a teacher, and what teaches best."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from a2d.reading.decisions.contrasts import (
    FEWEST,
    Array,
    Contrast,
    UndefinedEffect,
    checked,
    over_seeds,
    over_tasks,
)
from a2d.reading.decisions.rates import clopper_pearson, compare_rates
from a2d.reading.decisions.verdicts import Decision, all_of, any_of

RANK_MARGIN = 10.0  # smallest lead of interest, in percentile points
SPREAD_MARGIN = math.log(1.5)  # smallest ratio of interest: a spread half as large again


def less_stable(
    searches: tuple[str, str],
    failures: ArrayLike,
    other_failures: ArrayLike,
    derived: ArrayLike,
    other_derived: ArrayLike,
) -> Decision:
    """Decide whether one search fails more often than another, or scatters more where both learn.

    ``searches`` names them; ``failures`` (see ``rates.failed``) and scores of the ``derived``
    agents, (seeds, tasks) each; a task's unit cancels out. C2 compares vanilla with joint; C3's
    'stabilises' each single head with joint.
    """
    first, second = np.asarray(failures, dtype=bool), np.asarray(other_failures, dtype=bool)
    parts = [compare_rates("share of failed searches", first, second)]
    scores, others = checked(derived), checked(other_derived)
    both = (first.mean(axis=0) < 0.5) & (second.mean(axis=0) < 0.5)
    scattered = both & (scores.std(axis=0) > 0) & (others.std(axis=0) > 0)
    if scattered.sum() >= FEWEST:
        parts.append(spread(scores[:, scattered], others[:, scattered]))
    name = "The {} search is less stable than the {} one".format(*searches)
    rates = zip(searches, map(_rate, (first, second)), strict=True)
    words = ", ".join(f"{search} {rate}" for search, rate in rates)
    return any_of(name, parts).noting(
        f"No better than the random policy: {words}; on {both.sum()} tasks more than half of both "
        "are better."
    )


def spread(scores: Array, others: Array) -> Contrast:
    """Return the log ratio of standard deviations over seeds, with t over tasks."""
    ratios = np.log(scores.std(axis=0, ddof=1) / others.std(axis=0, ddof=1))
    seeds = min(len(scores), len(others))
    found = over_tasks("spread of the derived scores", ratios, seeds=seeds, margin=SPREAD_MARGIN)
    return replace(found, ratio=True)


def teachable(teacher: ArrayLike, untaught: ArrayLike) -> NDArray[np.bool_]:
    """Return on which tasks the teacher beats the untaught student's mean.

    ``teacher`` (tasks,), ``untaught`` (seeds, tasks).

    UndefinedEffect: on none.
    """
    tasks = checked(teacher, 1) > checked(untaught).mean(axis=0)
    if not tasks.any():
        raise UndefinedEffect("the teacher beats the untaught student on no task")
    return tasks


def both_heads(
    joint: ArrayLike,
    actor: ArrayLike,
    critic: ArrayLike,
    tasks: ArrayLike,
    stabilises: Sequence[Decision] = (),
) -> Decision:
    """Decide C3: joint beats actor-only and critic-only on ``tasks``, and ``stabilises``.

    Normalised scores, (seeds, tasks); seeds are the units. ``tasks``: see ``teachable``;
    ``stabilises``: of every head whether its search is less stable, see ``less_stable``.
    """
    kept = np.asarray(tasks, dtype=bool)
    scores, heads = checked(joint)[:, kept], {"actor": actor, "critic": critic}
    parts = [
        over_seeds(f"joint − {head}-only", scores, checked(alone)[:, kept])
        for head, alone in heads.items()
    ]
    return all_of("Both heads teach better than either", [*parts, *stabilises])


def finds_better(joint: ArrayLike, cost_only: ArrayLike, vanilla: ArrayLike) -> Decision:
    """Decide C6: what joint searches derive stands higher than chance, cost alone and vanilla.

    Each (searches, tasks): the percentile of what was derived among all architectures of the
    benchmark, less that of one drawn at random. Searches are the units.
    """
    ranks = checked(joint)
    parts = [over_seeds("joint − chance", ranks, margin=RANK_MARGIN)]
    for name, others in (("cost only", cost_only), ("vanilla", vanilla)):
        parts.append(over_seeds(f"joint − {name}", ranks, checked(others), margin=RANK_MARGIN))
    return all_of("Joint searches find better architectures", parts)


def _rate(failures: NDArray[np.bool_]) -> str:
    count = f"{failures.sum()} of {failures.size}"
    if len(failures) < FEWEST:
        return count
    low, high = clopper_pearson(int(failures.sum()), failures.size)
    return f"{count} [{low:.2f}, {high:.2f}]"
