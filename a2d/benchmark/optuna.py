"""Optuna's samplers as searchers. Needs Optuna."""

from __future__ import annotations

import numpy as np
import optuna
from optuna.samplers import BaseSampler, TPESampler

from a2d.benchmark.searchers import Problem, Trial


class OptunaSearcher:
    """Trains what one of Optuna's samplers suggests: every cell is a categorical parameter.

    A subclass with another ``sampler`` is a searcher of its own.
    """

    def __init__(self, problem: Problem, generator: np.random.Generator) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.problem = problem
        sampler = self.sampler(int(generator.integers(2**31)))
        self.study = optuna.create_study(direction="maximize", sampler=sampler)

    def sampler(self, seed: int) -> BaseSampler:
        """Return the sampler: Optuna's default, tree-structured Parzen estimators."""
        return TPESampler(seed=seed)

    def ask(self) -> tuple[str, int]:
        self.trial, space = self.study.ask(), self.problem.space
        names = [f"cell{cell}" for cell in range(space.cells)]
        chosen = [self.trial.suggest_categorical(name, space.operators) for name in names]
        places = np.array([space.operators.index(operator) for operator in chosen])
        return space.join(places), self.problem.steps

    def tell(self, trial: Trial) -> None:
        if trial.score is None:
            self.study.tell(self.trial, state=optuna.trial.TrialState.FAIL)
        else:
            self.study.tell(self.trial, trial.score)
