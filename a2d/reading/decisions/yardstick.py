"""The fixed scale of a task's scores: 0 is the random policy, 1 the teacher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from a2d.reading.decisions.contrasts import Array, UndefinedEffect

CLEAR = 5.0  # standard errors by which the teacher must beat random, or noise would set the unit


@dataclass(frozen=True)
class Yardstick:
    """What the random policy and the teacher score, by task, and why other tasks have no scale."""

    random: dict[str, float]
    teacher: dict[str, float]
    problems: dict[str, str]

    @property
    def tasks(self) -> list[str]:
        """The tasks that have a scale."""
        return list(self.random)

    def apply(self, scores: ArrayLike, tasks: Sequence[str]) -> Array:
        """Return (score − random) / (teacher − random) of (seeds, tasks[, sizes or draws]).

        UndefinedEffect: a task has no scale; it says which, and why.
        """
        lacking = [f"{task}: {self.problems[task]}" for task in tasks if task in self.problems]
        if lacking:
            raise UndefinedEffect(f"no scale of scores: {'; '.join(lacking)}")
        values = np.asarray(scores, dtype=np.float64)
        shape = (1, -1) + (1,) * (values.ndim - 2)
        low = np.array([self.random[task] for task in tasks]).reshape(shape)
        high = np.array([self.teacher[task] for task in tasks]).reshape(shape)
        return (values - low) / (high - low)


def make_yardstick(
    random: Mapping[str, float | None], teacher: Mapping[str, float], error: Mapping[str, float]
) -> Yardstick:
    """Return the scale of every task of ``random``, or why it has none.

    The unit is the teacher's, whom no contrast uses: one taken from the scores that it divides
    turns their noise into effects.

    Args:
        random: the random policy's score, None where it is not known.
        teacher: the teacher's score, NaN where it is not recorded.
        error: the standard error of the teacher's test.
    """
    low, problems = {}, {}
    for task, score in random.items():
        if score is None:
            problems[task] = "its card has no random score"
        elif np.isnan(teacher[task]):
            problems[task] = "its teacher is not recorded"
        elif not teacher[task] - score > CLEAR * error[task]:
            problems[task] = (
                f"its teacher ({teacher[task]:.3g} ± {error[task]:.2g}) does not beat the random "
                f"policy ({score:.3g}) by {CLEAR:g} standard errors of its test"
            )
        else:
            low[task] = score
    return Yardstick(low, {task: teacher[task] for task in low}, problems)
