"""Regularised evolution: every trial trains one architecture from scratch (Real et al. 2019)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from a2d.errors import A2DError
from a2d.networks.supernet import Supernet, operator_flops
from a2d.search.searcher import Finding, Searcher
from a2d.search.trial import Trial, best_of
from a2d.seeds import stream_seed
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec
from a2d.specs.search import TrialSettings

Paths = NDArray[np.int64]  # (cells,): the place of every cell's operator among the candidates


class Evolution(Searcher):
    """Tries random architectures, then children of good ones among the youngest.

    A child differs from its parent in one cell. What is tried next depends on the seed and on the
    trials so far, and on nothing else.
    """

    def __init__(self, spec: SearchSpec, supernet: Supernet) -> None:
        super().__init__(spec, supernet)
        assert isinstance(spec.search, TrialSettings)
        self.settings = spec.search
        flops = operator_flops(supernet).cpu().numpy()
        self.costs = flops / flops.max(axis=1).sum()
        self.trials: list[Trial] = []
        if self.costs.min(axis=1).sum() > self.settings.largest_cost:
            raise A2DError(
                f"largest_cost: {self.settings.largest_cost} is less than the cheapest "
                f"architecture's {self.costs.min(axis=1).sum():.3g}"
            )

    def ask(self) -> Architecture:
        stream = f"trial {len(self.trials)}"
        generator = np.random.default_rng(stream_seed(self.spec.seed, self.spec.kind, stream))
        if len(self.trials) < self.settings.population:
            paths = generator.integers(self.costs.shape[1], size=self.costs.shape[0])
        else:
            paths = self._child(generator)
        return self.supernet.architecture(self._affordable(paths, generator).tolist())

    def _child(self, generator: np.random.Generator) -> Paths:
        """Change one cell's operator of the best of a few that are drawn from the population."""
        youngest = self.trials[-self.settings.population :]
        drawn = generator.choice(len(youngest), size=self.settings.tournament, replace=False)
        parent = best_of([youngest[index] for index in sorted(drawn)])
        paths = np.array([self.supernet.candidates.index(name) for name in parent.operators])
        cell = generator.integers(len(paths))
        # Another operator than the parent's, all others alike.
        paths[cell] = (paths[cell] + generator.integers(1, self.costs.shape[1])) % self.costs.shape[
            1
        ]
        return paths

    def _affordable(self, paths: Paths, generator: np.random.Generator) -> Paths:
        """Give random cells random cheaper operators until the architecture is within the limit."""
        cells = np.arange(len(paths))
        while self.costs[cells, paths].sum() > self.settings.largest_cost:
            costs = self.costs[cells, paths]
            cell = generator.choice(np.flatnonzero(costs > self.costs.min(axis=1)))
            paths[cell] = generator.choice(np.flatnonzero(self.costs[cell] < costs[cell]))
        return paths

    def tell(self, trial: Trial) -> None:
        self.trials.append(trial)

    def finish(self) -> Finding:
        chosen = best_of(self.trials).operators
        paths = [self.supernet.candidates.index(name) for name in chosen]
        return Finding(self.supernet.architecture(paths), trials=tuple(self.trials))
