"""Searchers that are judged by the table, behind one small interface: ``ask`` and ``tell``.

A searcher of your own is any class with these two methods that is made of a ``Problem`` and a
generator; ``a2d bench --searcher my_module:MySearcher`` finds it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, Protocol

import numpy as np

from a2d.benchmark.space import Space
from a2d.errors import A2DError
from a2d.search.choices import change_one_cell, choose_parent, draw_uniformly


class Problem(NamedTuple):
    """What a searcher knows before its first question.

    ``steps``: of a whole training; a shorter one has a multiple of ``every`` steps.
    """

    space: Space
    steps: int
    every: int

    def shortened(self, share: float) -> int:
        """Return a share of a whole training in steps, at least one point of a curve."""
        return self.every * max(1, round(share * self.steps / self.every))

    def draw(self, generator: np.random.Generator) -> str:
        """Draw an architecture, every cell's operator independently and uniformly."""
        space = self.space
        return space.join(draw_uniformly(space.cells, len(space.operators), generator))


class Trial(NamedTuple):
    """One answer: the mean return of an architecture after some steps.

    ``score`` is None where no episode had ended, or the table lacks the architecture.
    """

    architecture: str
    steps: int
    score: float | None

    @property
    def rank(self) -> float:
        """What trials are compared by: one without a score is the worst."""
        if self.score is None:
            return -math.inf
        return self.score


class Searcher(Protocol):
    """What a simulation asks of a searcher, in turns."""

    def ask(self) -> tuple[str, int] | None:
        """Return the architecture to train next, and up to how many steps; None ends the search."""

    def tell(self, trial: Trial) -> None:
        """Take the answer to the last question."""


MakeSearcher = Callable[[Problem, np.random.Generator], Searcher]


class RandomSearch:
    """Trains architectures that are drawn uniformly."""

    def __init__(self, problem: Problem, generator: np.random.Generator) -> None:
        self.problem, self.generator = problem, generator

    def ask(self) -> tuple[str, int]:
        return self.problem.draw(self.generator), self.problem.steps

    def tell(self, trial: Trial) -> None:
        """Nothing is learnt of it."""


class Evolution:
    """Regularised evolution (Real et al. 2019), by the rule of ``a2d search``'s."""

    population, tournament = 16, 4

    def __init__(self, problem: Problem, generator: np.random.Generator) -> None:
        self.problem, self.generator = problem, generator
        self.trials: list[Trial] = []

    def ask(self) -> tuple[str, int]:
        problem, generator = self.problem, self.generator
        if len(self.trials) < self.population:
            return problem.draw(generator), problem.steps
        ranks = [trial.rank for trial in self.trials]
        parent = self.trials[choose_parent(ranks, self.population, self.tournament, generator)]
        places = problem.space.places(parent.architecture)
        child = change_one_cell(places, len(problem.space.operators), generator)
        return problem.space.join(child), problem.steps

    def tell(self, trial: Trial) -> None:
        if trial.score is not None:
            self.trials.append(trial)


class SuccessiveHalving:
    """Trains many for a short while and the best third of them on, twice (Jamieson 2016).

    Then it begins again with new ones.
    """

    first, keep, rounds = 27, 3, 3

    def __init__(self, problem: Problem, generator: np.random.Generator) -> None:
        self.problem, self.generator = problem, generator
        self.round, self.waiting, self.trials = self.rounds, list[str](), list[Trial]()

    def ask(self) -> tuple[str, int]:
        if not self.waiting:
            self._next_round()
        share = self.keep ** float(self.round + 1 - self.rounds)
        return self.waiting[0], self.problem.shortened(share)

    def _next_round(self) -> None:
        self.round, space = self.round + 1, self.problem.space
        if self.round >= self.rounds or not self.trials:
            count = min(self.first, space.size)
            drawn = self.generator.choice(space.size, count, replace=False)
            self.round, self.waiting = 0, [space.name(index) for index in drawn]
        else:
            best = sorted(self.trials, key=lambda trial: -trial.rank)
            kept = best[: math.ceil(len(best) / self.keep)]
            self.waiting = [trial.architecture for trial in kept]
        self.trials = []

    def tell(self, trial: Trial) -> None:
        self.waiting.pop(0)
        if trial.score is not None:
            self.trials.append(trial)


# By name, where they are: those of other packages are imported only when they are asked for.
SEARCHERS = {
    "random": "a2d.benchmark.searchers:RandomSearch",
    "evolution": "a2d.benchmark.searchers:Evolution",
    "halving": "a2d.benchmark.searchers:SuccessiveHalving",
    "surrogate": "a2d.benchmark.surrogate:Surrogate",
    "optuna": "a2d.benchmark.optuna:OptunaSearcher",
}


def load_searcher(name: str) -> MakeSearcher:
    """Return a searcher by its name, or by ``module:Class`` of the working folder or a package.

    Raises:
        A2DError: there is no such.
    """
    module, _, attribute = SEARCHERS.get(name, name).partition(":")
    if not (module and attribute):
        raise A2DError(
            f"searcher {name!r}: should be one of {', '.join(SEARCHERS)}, or module:Class"
        )
    if name not in SEARCHERS and "" not in sys.path:
        sys.path.append("")
    try:
        found: MakeSearcher = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        hint = "; pip install 'a2d[searchers]'" if name in SEARCHERS else ""
        raise A2DError(f"searcher {name!r}: {error}{hint}") from error
    except AttributeError as error:
        raise A2DError(f"searcher {name!r}: {module} has no {attribute}") from error
    if not callable(found):
        raise A2DError(f"searcher {name!r}: is no class or function that makes a searcher")
    return found
