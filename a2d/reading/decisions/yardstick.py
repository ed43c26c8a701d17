"""A fixed scale per task: 0 is the random policy, 1 a reference that no contrast uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from a2d.reading.decisions.contrasts import Array, UndefinedEffect, checked

CLEAR = 5.0  # standard errors by which the reference must beat random, or noise would set the unit


@dataclass(frozen=True)
class Yardstick:
    """Scores of the random policy and of the reference, (tasks,) each."""

    random: Array
    reference: Array

    def apply(self, scores: ArrayLike) -> Array:
        """Return (score − random) / (reference − random) of (seeds, tasks[, sizes or draws])."""
        values = np.asarray(scores, dtype=np.float64)
        shape = (1, -1) + (1,) * (values.ndim - 2)
        random, reference = self.random.reshape(shape), self.reference.reshape(shape)
        return (values - random) / (reference - random)


def make_yardstick(random: ArrayLike, reference: ArrayLike, error: ArrayLike) -> Yardstick:
    """Return the scale of every task from the reference's score and its standard error, (tasks,).

    The reference is the teacher, or manual agents of seeds that no contrast uses: a unit taken
    from the scores it divides turns their noise into effects.
    UndefinedEffect: a reference that is not clear of random.
    """
    low, high = checked(random, 1), checked(reference, 1)
    unclear = high - low <= CLEAR * checked(error, 1)
    if unclear.any():
        tasks = ", ".join(str(index) for index in np.flatnonzero(unclear))
        raise UndefinedEffect(
            f"the reference does not beat the random policy by {CLEAR:g} standard errors "
            f"on the tasks at {tasks}: their scores have no unit"
        )
    return Yardstick(low, high)
