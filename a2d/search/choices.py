"""What searchers by trials draw next, as pure rules. Nothing here imports torch.

Architectures are arrays (cells,): the place of every cell's operator among the candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Paths = NDArray[np.int64]


def draw_uniformly(cells: int, operators: int, generator: np.random.Generator) -> Paths:
    """Draw every cell's operator independently and uniformly."""
    return generator.integers(operators, size=cells)


def change_one_cell(paths: Paths, operators: int, generator: np.random.Generator) -> Paths:
    """Return a copy with another operator in one cell, both drawn uniformly."""
    changed = paths.copy()
    cell = generator.integers(len(paths))
    changed[cell] = (paths[cell] + generator.integers(1, operators)) % operators
    return changed


def choose_parent(
    scores: Sequence[float], population: int, tournament: int, generator: np.random.Generator
) -> int:
    """Return the place of the trial whose child is tried next (Real et al. 2019).

    It is the best of a few that are drawn from the youngest, the earliest of equals.

    Args:
        scores: of all trials in order; minus infinity where there is none.
        population: how many of the youngest may be parents.
        tournament: how many of them are drawn.
        generator: draws them.
    """
    youngest = range(len(scores))[-population:]
    drawn = generator.choice(len(youngest), size=tournament, replace=False)
    return max((youngest[place] for place in sorted(drawn)), key=lambda trial: scores[trial])
