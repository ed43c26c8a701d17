"""The tests of claims: each is registered under its function's name, which an experiment gives.

Every test answers with an effect and its 95 % interval. To add one, write a function with
``@claim_test`` here, and its name as ``test`` of a claim in ``workflow/experiments/``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from a2d.reading.results import FEWEST, Results, Yardstick, make_yardstick, matrix, where
from a2d.reading.statistics import (
    Array,
    Interval,
    interquartile_mean,
    probability_of_improvement,
    probability_of_improvement_interval,
    stratified_bootstrap,
    stratified_bootstrap_difference,
)

Outcome = Literal["supported", "contradicted", "inconclusive"]
CERTAIN = 2  # seeds below which none can be left out, and none spread


class UndefinedEffect(Exception):
    """The effect cannot be computed from these scores; the message says why."""


@dataclass(frozen=True)
class Finding:
    """What a test measured.

    Args:
        effect: with its interval.
        outcome: by the test's rule alone.
        detail: what was seen, in words.
    """

    effect: Interval
    outcome: Outcome
    detail: str


Measure = Callable[[Results], Finding]
Needs = Callable[[Results], list[pd.DataFrame]]


@dataclass(frozen=True)
class Test:
    """One test.

    Args:
        measure: the test itself.
        needs: the planned runs that it needs, a frame for each part of it.
        effect: what its effect is, in words.
    """

    measure: Measure
    needs: Needs
    effect: str


TESTS: dict[str, Test] = {}


def claim_test(effect: str, needs: Needs) -> Callable[[Measure], Measure]:
    """Register a test of a claim under its function's name."""

    def register(measure: Measure) -> Measure:
        TESTS[measure.__name__] = Test(measure, needs, effect)
        return measure

    return register


def _generator() -> np.random.Generator:
    return np.random.default_rng(0)


def _tasks(results: Results) -> list[str]:
    return list(results.study.tasks)


def _sweeps(results: Results) -> list[pd.DataFrame]:
    return [
        where(results.manual(task), network=network)
        for task in _tasks(results)
        for network in results.networks(task).every
    ]


def _searches(results: Results, method: str) -> pd.DataFrame:
    return where(results.runs, stage="search", search=method, recipe="paper")


def _fixed(results: Results, mode: str) -> pd.DataFrame:
    return pd.concat([results.fixed(task, mode) for task in _tasks(results)])


def _a2d(results: Results) -> pd.DataFrame:
    """Return A2D's agents: searched and trained with joint distillation, the paper's recipe."""
    return where(results.runs, stage="derive", search="joint", recipe="paper", distillation="joint")


def _best_manual(results: Results) -> pd.DataFrame:
    return pd.concat([results.best_manual(task) for task in _tasks(results)])


def _sweep(results: Results, task: str) -> Array:
    """Return the scores of a task's manual sizes, (seeds, sizes) from small to large."""
    rows = results.manual(task)
    return np.hstack(
        [matrix(where(rows, network=size), [task]) for size in results.networks(task).every]
    )


def _yardstick(results: Results) -> Yardstick:
    yardstick = make_yardstick(results)
    if yardstick.problems:
        raise UndefinedEffect(
            "; ".join(f"{task}: {why}" for task, why in yardstick.problems.items())
        )
    return yardstick


def _searches_compared(results: Results) -> list[pd.DataFrame]:
    return [_searches(results, method) for method in ("vanilla", "joint")]


def _heads_and_sweeps(results: Results) -> list[pd.DataFrame]:
    return [*(_fixed(results, mode) for mode in ("actor", "critic", "joint")), *_sweeps(results)]


def _a2d_and_sweeps(results: Results) -> list[pd.DataFrame]:
    return [_a2d(results), *_sweeps(results)]


def _judge(effect: Interval, null: float = 0.0, also: bool = True) -> Outcome:
    """Apply the usual rule: above ``null`` supports if ``also`` holds, below contradicts."""
    if effect.low > null and also:
        return "supported"
    return "contradicted" if effect.high < null else "inconclusive"


def _mean(scores: Array) -> float:
    return float(scores.mean())


def _spread(scores: Array) -> float:
    """Return the standard deviation over seeds (n − 1 in the denominator), averaged over tasks."""
    return float(scores.std(axis=0, ddof=1).mean())


def _show(effect: Interval, seeds: int) -> str:
    if seeds < FEWEST:
        return f"{effect.estimate:+.2f}".replace("-", "−")
    return f"{effect.estimate:+.2f} [{effect.low:+.2f}, {effect.high:+.2f}]".replace("-", "−")


def held_out_lead(sweep: Array) -> Array:
    """Return, for every seed, how far the size that the other seeds find best leads the largest.

    Args:
        sweep: scores, (seeds, sizes), from small to large.

    Returns:
        Leads, (seeds,), as a fraction of the range of mean scores.

    Raises:
        UndefinedEffect: fewer than two seeds, or all sizes score the same.
    """
    if len(sweep) < CERTAIN:
        raise UndefinedEffect("with one seed none can be left out")
    means = sweep.mean(axis=0)
    if np.ptp(means) == 0:
        raise UndefinedEffect("all sizes have the same mean score")
    others = (sweep.sum(axis=0) - sweep) / (len(sweep) - 1)
    chosen = sweep[np.arange(len(sweep)), others.argmax(axis=1)]
    return (chosen - sweep[:, -1]) / np.ptp(means)


@claim_test("held-out lead over the largest size, as a share of the range", _sweeps)
def interior_optimum(results: Results) -> Finding:
    """C1: an optimal size exists and differs between tasks."""
    sweeps = {task: _sweep(results, task) for task in _tasks(results)}
    leads = np.column_stack([held_out_lead(sweep) for sweep in sweeps.values()])
    effect = stratified_bootstrap(leads, _mean, _generator())
    best = {
        task: results.networks(task).every[int(sweep.mean(axis=0).argmax())]
        for task, sweep in sweeps.items()
    }
    names = ", ".join(f"{network} on {results.title(task)}" for task, network in best.items())
    detail = f"best sizes by the mean of all seeds (★ in the sweep): {names}"
    if effect.estimate < 0:
        detail += (
            "; the effect is negative all the same, as it scores the size that the other seeds "
            "find best on a seed that had no part in the choice, where the largest size scored "
            "higher on average: the seeds disagree"
        )
    return Finding(effect, _judge(effect, also=len(set(best.values())) > 1), detail)


@claim_test("spread over seeds, vanilla − joint, as a share of the range", _searches_compared)
def larger_spread(results: Results) -> Finding:
    """C2: vanilla search varies more between seeds than joint."""
    vanilla, joint = (
        matrix(_searches(results, method), _tasks(results)) for method in ("vanilla", "joint")
    )
    if len(vanilla) < CERTAIN:
        raise UndefinedEffect("one seed has no spread")
    extent = np.ptp(np.vstack([vanilla, joint]), axis=0)
    if (extent == 0).any():
        raise UndefinedEffect("all searches of a task score the same")
    vanilla, joint = vanilla / extent, joint / extent
    effect = stratified_bootstrap_difference(vanilla, joint, _spread, _generator())
    return Finding(
        effect,
        _judge(effect),
        f"spread {_spread(vanilla):.2f} (vanilla), {_spread(joint):.2f} (joint)",
    )


@claim_test("normalised IQM, joint − the better single head", _heads_and_sweeps)
def joint_beats_either(results: Results) -> Finding:
    """C3: both heads together teach better than either alone."""
    tasks, yardstick = _tasks(results), _yardstick(results)
    joint = yardstick.apply(matrix(_fixed(results, "joint"), tasks), tasks)
    effects = {}
    for mode in ("actor", "critic"):
        alone = yardstick.apply(matrix(_fixed(results, mode), tasks), tasks)
        effects[mode] = stratified_bootstrap_difference(
            joint, alone, interquartile_mean, _generator()
        )
    outcomes = {_judge(effect) for effect in effects.values()}
    # Both must support; one is enough to contradict.
    outcome: Outcome = "contradicted" if "contradicted" in outcomes else "inconclusive"
    outcome = "supported" if outcomes == {"supported"} else outcome
    detail = ", ".join(
        f"joint − {mode}-only {_show(effect, len(joint))}" for mode, effect in effects.items()
    )
    return Finding(min(effects.values(), key=lambda effect: effect.estimate), outcome, detail)


@claim_test("normalised IQM, A2D − best manual size", _a2d_and_sweeps)
def dominates_manual(results: Results) -> Finding:
    """C4: A2D scores higher than the best manual size, with fewer FLOPs."""
    tasks, yardstick = _tasks(results), _yardstick(results)
    a2d, manual = _a2d(results), _best_manual(results)
    scores = [yardstick.apply(matrix(rows, tasks), tasks) for rows in (a2d, manual)]
    effect = stratified_bootstrap_difference(scores[0], scores[1], interquartile_mean, _generator())
    logs = [np.log(matrix(rows, tasks, "flops")).mean() for rows in (a2d, manual)]
    ratio = float(np.exp(logs[0] - logs[1]))
    return Finding(effect, _judge(effect, also=ratio < 1), f"A2D needs {ratio:.2f} times the FLOPs")


@claim_test("probability that A2D beats the best manual size", _a2d_and_sweeps)
def general_improvement(results: Results) -> Finding:
    """C5: A2D improves on the best manual size on every task."""
    tasks = _tasks(results)
    a2d, manual = matrix(_a2d(results), tasks), matrix(_best_manual(results), tasks)
    effect = probability_of_improvement_interval(a2d, manual, _generator())
    own = [probability_of_improvement(a2d[:, [i]], manual[:, [i]]) for i in range(len(tasks))]
    detail = ", ".join(
        f"{results.title(task)} {value:.2f}" for task, value in zip(tasks, own, strict=True)
    )
    return Finding(effect, _judge(effect, 0.5, also=min(own) >= 0.5), f"per task: {detail}")
