"""What a search saw: how decided it is, and how much of that is cost, noise, or shared by seeds.

A search's preferences are a matrix (cells, operators): alpha of a differentiable search, or the
mean score of the trials that had an operator in a cell, NaN where none had.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from a2d.reading.decisions.contrasts import Array
from a2d.runs.records import SearchOutcome

FEWEST = 3  # entries that a correlation needs


def preferences(search: SearchOutcome, candidates: Sequence[str]) -> Array:
    """Return a search's preferences, (cells, operators), operators in the candidates' order."""
    if search.alpha is not None:
        return np.array(search.alpha)
    scored = [trial for trial in search.trials if trial.score is not None]
    cells = len(search.architecture.operators)
    sums, counts = np.zeros((cells, len(candidates))), np.zeros((cells, len(candidates)))
    places = {name: index for index, name in enumerate(candidates)}
    for trial in scored:
        chosen = [places[name] for name in trial.operators]
        sums[np.arange(cells), chosen] += trial.rank
        counts[np.arange(cells), chosen] += 1
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def probabilities(alpha: ArrayLike) -> Array:
    """Return softmax over operators of alpha, (cells, operators)."""
    shifted = np.asarray(alpha, dtype=np.float64)
    powers = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def entropy_share(alpha: ArrayLike) -> float:
    """Return the mean entropy of a cell's choice by that of a uniform one: 1 is undecided."""
    chances = probabilities(alpha)
    entropies = -(chances * np.log(np.maximum(chances, np.finfo(float).tiny))).sum(axis=-1)
    return float(entropies.mean() / np.log(chances.shape[-1]))


def root_mean_square(t: ArrayLike) -> float:
    """Return the root mean square of the t of alpha's task gradient; pure noise has about 1."""
    values = np.asarray(t, dtype=np.float64)
    return float(np.sqrt((values**2).mean()))


def _centred(matrix: Array) -> Array:
    """Return a matrix less every cell's mean: only differences within a cell choose."""
    return matrix - np.nanmean(matrix, axis=1, keepdims=True)


def without_cost(preferred: ArrayLike, flops: ArrayLike) -> tuple[Array, float]:
    """Remove from preferences what operators' FLOPs explain, linearly, within cells.

    Both (cells, operators). Returns the residuals and the share of the variance explained (R²; NaN
    where preferences do not differ).
    """
    values = np.asarray(preferred, dtype=np.float64)
    costs = np.where(np.isnan(values), np.nan, np.asarray(flops, dtype=np.float64))
    y, x = _centred(values), _centred(costs)
    known = ~np.isnan(y)
    squares = float((x[known] ** 2).sum())
    slope = float((x[known] * y[known]).sum()) / squares if squares > 0 else 0.0
    residuals, total = y - slope * x, float((y[known] ** 2).sum())
    if total == 0:
        return residuals, float("nan")
    return residuals, 1 - float((residuals[known] ** 2).sum()) / total


def agreement(residuals: Sequence[Array]) -> float:
    """Return the mean correlation between seeds' matrices, over all pairs; NaN below two seeds."""
    found = [_correlation(first, second) for first, second in combinations(residuals, 2)]
    known = [value for value in found if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _correlation(first: Array, second: Array) -> float:
    both = ~(np.isnan(first) | np.isnan(second))
    if both.sum() < FEWEST or first[both].std() == 0 or second[both].std() == 0:
        return float("nan")
    return float(np.corrcoef(first[both], second[both])[0, 1])
