"""How much a task's scores say: how far seeds agree, and how early they do."""

from __future__ import annotations

from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np

from a2d.benchmark.table import Array, Table

FEWEST = 3  # architectures that a correlation needs
SHARES = (0.25, 0.5, 0.75)  # of a training


class Quality(NamedTuple):
    """Rank correlations over architectures (Spearman's), means over pairs of seeds.

    Attributes:
        between_seeds: of one seed's scores with another's: what one training says of another. True
            means would correlate with one seed's scores by about its square root.
        of_means: of the mean over all seeds with that of as many others, by Spearman and Brown.
        by_share: of training returns after a share of the steps with another seed's scores.
    """

    between_seeds: float
    of_means: float
    by_share: dict[float, float]


class Stability(NamedTuple):
    """How far ranks stay when trainings are planned longer.

    Rank correlations with the mean scores of the table's other seeds, over the same architectures.

    Attributes:
        architectures: how many.
        longer: of the longer trainings' mean scores.
        same: of the table's own, of the longer ones' seeds: what there is to be had.
    """

    architectures: int
    longer: float
    same: float


def rank_correlation(first: Array, second: Array) -> float:
    """Return Spearman's correlation of two rows of numbers; equal ones share their ranks' mean.

    NaN for fewer than three, or where one row does not differ.
    """
    if len(first) < FEWEST:
        return float("nan")
    x, y = _ranks(first), _ranks(second)
    spread = float(np.sqrt(((x**2).sum()) * ((y**2).sum())))
    return float((x * y).sum()) / spread if spread > 0 else float("nan")


def _ranks(values: Array) -> Array:
    """Return the ranks of some numbers, less their mean."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return np.asarray(ranks - ranks.mean())


def judge_task(table: Table, task: str) -> Quality:
    """Return how much a task's scores say, over the architectures that have every seed."""
    place, there = table.place(task), table.complete(task)
    scores, curves = table.scores[place][there], table.curves[place][there]
    seeds = range(len(table.seeds))
    pairs = [rank_correlation(scores[:, a], scores[:, b]) for a, b in combinations(seeds, 2)]
    between, count = float(np.mean(pairs)), len(table.seeds)
    by_share = {}
    for share in SHARES:
        early = curves[:, :, round(share * curves.shape[2]) - 1]
        found = [rank_correlation(early[:, a], scores[:, b]) for a, b in permutations(seeds, 2)]
        by_share[share] = float(np.mean(found))
    return Quality(between, count * between / (1 + (count - 1) * between), by_share)


def judge_longer(table: Table, longer: Table, task: str) -> Stability:
    """Return how far a task's ranks stay, over the architectures that both have with every seed."""
    there = table.complete(task) & longer.complete(task)
    scores = table.scores[table.place(task)][there]
    own = np.isin(table.seeds, longer.seeds)
    others, after = scores[:, ~own].mean(axis=1), longer.means(task)[there]
    same = rank_correlation(scores[:, own].mean(axis=1), others)
    return Stability(int(there.sum()), rank_correlation(after, others), same)
