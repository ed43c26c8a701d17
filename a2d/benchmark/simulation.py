"""Searches played on the table: a clock of environment steps, and what is found by when.

A search sees one training seed; what it finds is judged by the others, which it has not seen.
"""

from __future__ import annotations

from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from a2d.benchmark.searchers import MakeSearcher, Problem, Searcher, Trial
from a2d.benchmark.table import Array, Table, percentiles_among
from a2d.errors import A2DError

FREE_QUESTIONS = 1000  # in a row, for what the table lacks, before a search is ended


class Simulation(NamedTuple):
    """One search, question by question.

    Attributes:
        clock: environment steps spent, (questions,).
        incumbents: the architecture that would be kept, (questions,).
        regrets: the best mean return of the task less the incumbent's, (questions,).
        percentiles: the per cent of the task's architectures that return no more, (questions,).
    """

    clock: NDArray[np.int64]
    incumbents: list[str]
    regrets: Array
    percentiles: Array

    def at(self, steps: int) -> tuple[float, float]:
        """Return regret and percentile at a time; NaN before the first answer."""
        place = int(np.searchsorted(self.clock, steps, side="right")) - 1
        if place < 0:
            return float("nan"), float("nan")
        return float(self.regrets[place]), float(self.percentiles[place])


def simulate(table: Table, task: str, make: MakeSearcher, budget: int, seed: int = 0) -> Simulation:
    """Play a search until it ends, or its next question would take more than its budget.

    A search ends that asks nothing, or a thousand times in a row for what the table lacks. A
    question costs the steps it asks for, less those that the same training has had, so that one
    that was stopped early goes on from there; the same question again costs all of them again. What
    the table lacks is free and has no score.

    Args:
        table: with at least two architectures of the task that were trained with every seed.
        task: one of the table's.
        make: of a searcher, given a problem and a generator.
        budget: environment steps.
        seed: of the search. Seeds in a row see the table's training seeds in turn.

    Raises:
        A2DError: the budget is less than one training, or the table has too little of the task, or
            the searcher asks for what the table cannot hold.
    """
    judge = _Judge(table, task, seed)
    check_budget(table, budget)
    problem = Problem(table.space, table.steps, table.every)
    searcher = make(problem, np.random.default_rng([seed, 1]))
    return _play(searcher, judge, budget)


def check_budget(table: Table, budget: int) -> None:
    """Raise A2DError where a budget is less than one training."""
    if budget < table.steps:
        raise A2DError(f"budget {budget:,}: is less than one training's {table.steps:,} steps")


def exhaust(table: Table, task: str, seed: int) -> Simulation:
    """Return what is kept once every architecture is trained, with the training seed that is seen.

    Noise alone is left: no search can be expected to do better. Arguments and errors as of
    ``simulate``.
    """
    judge = _Judge(table, task, seed)
    best = int(np.where(judge.there, judge.scores, -np.inf).argmax())
    return judge.simulation([judge.coverage.complete * table.steps], [best])


def _play(searcher: Searcher, judge: _Judge, budget: int) -> Simulation:
    spent, free, trained = 0, 0, dict[str, int]()
    clock, incumbents, best = list[int](), list[int](), None
    while free < FREE_QUESTIONS and (question := searcher.ask()) is not None:
        architecture, steps = _checked(question)
        trial = judge.answer(architecture, steps)
        if not judge.has(architecture):
            free += 1
            searcher.tell(trial)
            continue
        before = trained.get(architecture, 0)
        cost = steps - before if before < steps else steps
        if spent + cost > budget:
            break
        spent, free, trained[architecture] = spent + cost, 0, max(before, steps)
        searcher.tell(trial)
        best = _better(best, trial)
        clock.append(spent)
        incumbents.append(judge.index(best.architecture))
    if best is None:
        raise A2DError(
            f"the search ended without any answer of the table, which has {judge.coverage}"
        )
    return judge.simulation(clock, incumbents)


def _checked(question: object) -> tuple[str, int]:
    """Return a searcher's question; raise A2DError where it is none."""
    match question:
        case (str() as architecture, Integral() as steps):
            return architecture, int(steps)
    raise A2DError(
        "ask() should return an architecture's name and a number of steps, or None to end the "
        f"search; it returned {question!r}"
    )


def _better(best: Trial | None, trial: Trial) -> Trial:
    """Return the one to keep: longer trained, then higher; the earlier of equals."""
    if best is None or (trial.steps, trial.rank) > (best.steps, best.rank):
        return trial
    return best


class _Judge:
    """Answers a search from one training seed, and judges what it keeps by the others."""

    def __init__(self, table: Table, task: str, seed: int) -> None:
        place, there = table.place(task), table.complete(task)
        self.coverage = table.coverage(task)
        if len(table.seeds) < 2 or self.coverage.complete < 2:
            raise A2DError(
                f"{task}: a search needs two architectures or more that were trained with every "
                f"seed, and two seeds; the table has {self.coverage}"
            )
        if seed < 0:
            raise A2DError(f"seed {seed}: should be 0 or more")
        shown = seed % len(table.seeds)
        self.table, self.there = table, there
        self.scores, self.curves = table.scores[place, :, shown], table.curves[place, :, shown]
        unseen = np.delete(table.scores[place], shown, axis=1).mean(axis=1)
        self.means, self.ordered = unseen, np.sort(unseen[there])

    def index(self, architecture: str) -> int:
        return self.table.space.index(architecture)

    def has(self, architecture: str) -> bool:
        return bool(self.there[self.index(architecture)])

    def answer(self, architecture: str, steps: int) -> Trial:
        """Return the trial. Raise A2DError where it is not one of the table's questions."""
        index, done = self.index(architecture), self.table.check_steps(steps)
        if not self.there[index]:
            return Trial(architecture, done, None)
        value = self.curves[index, done // self.table.every - 1]
        if done == self.table.steps:
            value = self.scores[index]
        return Trial(architecture, done, None if np.isnan(value) else float(value))

    def simulation(self, clock: list[int], incumbents: list[int]) -> Simulation:
        means = self.means[incumbents]
        return Simulation(
            np.array(clock),
            [self.table.space.name(index) for index in incumbents],
            self.ordered[-1] - means,
            percentiles_among(self.ordered, means),
        )
