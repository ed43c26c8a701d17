"""One architecture that a search tried, and what came of it. Nothing here imports torch."""

from __future__ import annotations

import math

from pydantic import Field

from a2d.specs.data import Frozen, later


class Trial(Frozen):
    """One candidate, tried alone."""

    operators: tuple[str, ...]
    score: float | None = Field(
        description="mean return, or minus the loss of what imitates; the higher the better. None "
        "where it diverged, no episode ended, or the budget did"
    )
    steps: int = Field(ge=0, description="environment steps that the trial took")
    reason: str | None = later(None, "why it diverged")

    @property
    def rank(self) -> float:
        """What trials are compared by: one without a score is the worst."""
        if self.score is None:
            return -math.inf
        return self.score


def best_of(trials: list[Trial]) -> Trial:
    """Return the trial with the highest score, the earliest of equals."""
    return max(trials, key=lambda trial: trial.rank)
