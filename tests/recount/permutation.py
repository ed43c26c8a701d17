"""Size × task by permutation, with the additive model fitted by least squares."""

from __future__ import annotations

import numpy as np

from tests.recount.intervals import TINY, Array

PERMUTATIONS = 1999


def interaction(scores: Array) -> float:
    """Return the p-value of size × task, (seeds, tasks, sizes).

    Residuals of task + size are permuted within each task. Their draws are not the shipped code's,
    so that the two p-values agree as far as random draws do.
    """
    additive, cells = _projections(scores.shape)
    flat = scores.reshape(-1, 1)
    residuals = (flat - additive @ flat).reshape(scores.shape)
    generator = np.random.default_rng(20120)
    drawn = [_permuted(residuals, generator).ravel() for _ in range(PERMUTATIONS)]

    def f(values: Array) -> Array:
        """Return a number that grows as F does, for every column."""
        rest, within = (((values - hat @ values) ** 2).sum(axis=0) for hat in (additive, cells))
        return np.asarray((rest - within) / np.maximum(within, TINY))

    larger = (f(np.transpose(drawn)) >= f(flat)).sum()
    return float((1 + larger) / (1 + PERMUTATIONS))


def _projections(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the matrices that fit task + size, and every cell's own mean."""
    _, tasks, sizes = np.indices(shape).reshape(3, -1)
    task, size = np.eye(shape[1])[tasks], np.eye(shape[2])[sizes]
    cell = np.eye(shape[1] * shape[2])[tasks * shape[2] + sizes]
    additive = np.hstack([task, size])
    return additive @ np.linalg.pinv(additive), cell @ np.linalg.pinv(cell)


def _permuted(residuals: Array, generator: np.random.Generator) -> Array:
    mixed = np.empty_like(residuals)
    for task in range(residuals.shape[1]):
        values = generator.permutation(residuals[:, task].ravel())
        mixed[:, task] = values.reshape(residuals[:, task].shape)
    return mixed
