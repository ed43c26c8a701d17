"""A surrogate of the table: a Gaussian process's upper confidence bound. Needs scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel

from a2d.benchmark.searchers import Problem, Trial

NOISE = 0.5  # variance between trainings of one architecture, by that of all scores
LENGTH = 2.0  # of the kernel; two architectures that differ in one cell are sqrt(2) apart


class Surrogate:
    """Trains the architecture, of those not yet trained, that may well be the best (UCB).

    Architectures are seen as one-hot vectors (cells × operators). The first few are drawn
    uniformly.
    """

    first, deviations = 8, 1.0

    def __init__(self, problem: Problem, generator: np.random.Generator) -> None:
        self.problem, self.generator = problem, generator
        space = problem.space
        one_hot = np.eye(len(space.operators))
        self.features = one_hot[space.all_places()].reshape(space.size, -1)
        self.process = GaussianProcessRegressor(
            RBF(LENGTH) + WhiteKernel(NOISE), optimizer=None, normalize_y=True
        )
        self.asked = np.zeros(space.size, dtype=bool)
        self.seen: list[int] = []
        self.scores: list[float] = []

    def ask(self) -> tuple[str, int]:
        if len(self.seen) < self.first or self.asked.all():
            return self.problem.draw(self.generator), self.problem.steps
        self.process.fit(self.features[self.seen], self.scores)
        means, spreads = self.process.predict(self.features, return_std=True)
        promise = np.where(self.asked, -np.inf, means + self.deviations * spreads)
        return self.problem.space.name(int(promise.argmax())), self.problem.steps

    def tell(self, trial: Trial) -> None:
        index = self.problem.space.index(trial.architecture)
        self.asked[index] = True
        if trial.score is not None:
            self.seen.append(index)
            self.scores.append(trial.score)
