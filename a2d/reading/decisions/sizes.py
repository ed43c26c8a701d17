"""C1: every task has a best size between the ends, and it differs between tasks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from a2d.reading.decisions.contrasts import (
    FEWEST,
    LEVEL,
    Array,
    Contrast,
    UndefinedEffect,
    checked,
    over_seeds,
    over_tasks,
)
from a2d.reading.decisions.verdicts import Decision, all_of

PERMUTATIONS = 999
ENDS = 2


def choose_held_out(sweep: ArrayLike) -> NDArray[np.intp]:
    """Return, for every seed and task, the size that the task's other seeds score highest.

    ``sweep`` (seeds, tasks, sizes) → (seeds, tasks). UndefinedEffect: fewer than two seeds.
    """
    scores = checked(sweep, 3)
    if len(scores) < 2:
        raise UndefinedEffect("with one seed none can be left out")
    return np.asarray((scores.sum(axis=0) - scores).argmax(axis=-1))


def take(sweep: Array, sizes: NDArray[np.intp]) -> Array:
    """Return the scores of the chosen ``sizes``, (seeds, tasks)."""
    whole = np.broadcast_to(sizes, sweep.shape[:2])
    return np.asarray(np.take_along_axis(sweep, whole[..., None], axis=-1)[..., 0])


def optimal_size(sweep: ArrayLike, permutations: int = PERMUTATIONS) -> Decision:
    """Decide C1 from the normalised scores of manual sizes.

    ``sweep`` is (seeds, tasks, sizes), from small to large. Three leads, held out: of the best
    size between the ends over the smallest, and over the largest (t over tasks, over seeds where
    there are fewer than three); and of the size that a task's own seeds choose over the one that
    all other tasks choose (over seeds). Supported only if all three lie above zero and size × task
    interact. UndefinedEffect: fewer than three sizes.
    """
    scores = checked(sweep, 3)
    if scores.shape[2] <= ENDS:
        raise UndefinedEffect("fewer than three sizes have none between the ends")
    best = take(scores[:, :, 1:-1], choose_held_out(scores[:, :, 1:-1]))
    parts = [
        _lead("the best size between the ends over the smallest", best - scores[:, :, 0]),
        _lead("the best size between the ends over the largest", best - scores[:, :, -1]),
    ]
    if scores.shape[1] == 1:
        return all_of("An optimal size, on one task", parts)
    parts.append(own_size(scores))
    chance = interaction(scores, permutations)
    decision = all_of("An optimal size that differs between tasks", parts, gate=chance)
    return decision.noting(f"Size × task: p = {chance:.3f} (at most {LEVEL} is asked).")


def own_size(scores: Array) -> Contrast:
    """Return the lead of a task's own choice, held out, over the other tasks' common choice."""
    means = scores.mean(axis=0)
    common = (means.sum(axis=0) - means).argmax(axis=-1)
    lead = take(scores, choose_held_out(scores)) - take(scores, common)
    return over_seeds("a task's own best size over the other tasks'", lead, held_out=True)


def _lead(name: str, leads: Array) -> Contrast:
    if leads.shape[1] < FEWEST:
        return over_seeds(name, leads, held_out=True)
    return over_tasks(name, leads.mean(axis=0), seeds=len(leads))


def interaction(sweep: ArrayLike, permutations: int = PERMUTATIONS) -> float:
    """Return the p-value of size × task by permutation; ``sweep`` (seeds, tasks, sizes).

    Residuals of the additive model (task + size) are permuted within each task (Freedman and
    Lane, 1983), so that tasks may differ in spread; the statistic is the share that
    the interaction explains, which orders as its F does.
    """
    scores = checked(sweep, 3)
    seeds, tasks, sizes = scores.shape
    residuals = (scores - _additive(scores[None])[0]).transpose(1, 0, 2).reshape(tasks, -1)
    generator = np.random.default_rng(0)
    shuffled = np.broadcast_to(residuals, (permutations, *residuals.shape))
    shuffled = generator.permuted(shuffled, axis=-1)
    drawn = shuffled.reshape(permutations, tasks, seeds, sizes).transpose(0, 2, 1, 3)
    observed = _share(scores[None])[0]
    return float((1 + (_share(drawn) >= observed).sum()) / (1 + permutations))


def _additive(scores: Array) -> Array:
    """Return the fit of task + size to (studies, seeds, tasks, sizes)."""
    task, size = scores.mean(axis=(1, 3), keepdims=True), scores.mean(axis=(1, 2), keepdims=True)
    return np.asarray(task + size - scores.mean(axis=(1, 2, 3), keepdims=True))


def _share(scores: Array) -> Array:
    """Return the interaction's share of what task + size leave unexplained, per study."""
    additive = _additive(scores)
    cells = scores.mean(axis=1, keepdims=True)
    between = scores.shape[1] * ((cells - additive) ** 2).sum(axis=(1, 2, 3))
    unexplained = ((scores - additive) ** 2).sum(axis=(1, 2, 3))
    return np.divide(between, unexplained, out=np.zeros_like(between), where=unexplained > 0)
