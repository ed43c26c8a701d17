"""What searchers by trials share: draws within a limit of cost, a history, and its best."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from a2d.errors import A2DError
from a2d.networks.supernet import Supernet, operator_costs, operator_flops
from a2d.search.choices import Paths, change_one_cell, draw_uniformly
from a2d.search.searcher import Finding, Searcher
from a2d.search.trial import Trial, best_of
from a2d.seeds import stream_seed
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec
from a2d.specs.search import TrialSettings


class TrialSearcher(Searcher):
    """Tries one architecture after the other; a subclass says which, by ``next_paths``.

    What is tried next depends on the seed and on the trials so far, and on nothing else.
    """

    def __init__(self, spec: SearchSpec, supernet: Supernet) -> None:
        super().__init__(spec, supernet)
        assert isinstance(spec.search, TrialSettings)
        self.flops = operator_flops(supernet).cpu().numpy()  # (cells, operators)
        costs = operator_costs(supernet, spec.search.costs).cpu().numpy()
        self.costs = costs / costs.max(axis=1).sum()  # by the most expensive architecture's
        self.largest_cost = spec.search.largest_cost
        self.trials: list[Trial] = []
        cheapest = self.costs.min(axis=1).sum()
        if cheapest > self.largest_cost:
            raise A2DError(
                f"largest_cost: {self.largest_cost} is less than the cheapest architecture's "
                f"{cheapest:.3g}"
            )

    @abstractmethod
    def next_paths(self, generator: np.random.Generator) -> Paths:
        """Return the operators to try next, whatever they cost."""

    def draw(self, generator: np.random.Generator) -> Paths:
        """Draw every cell's operator independently and uniformly."""
        cells, operators = self.costs.shape
        return draw_uniformly(cells, operators, generator)

    def change(self, trial: Trial, generator: np.random.Generator) -> Paths:
        """Return a trial's operators with another one in one cell, all others alike."""
        return change_one_cell(self.paths_of(trial), self.costs.shape[1], generator)

    def paths_of(self, trial: Trial) -> Paths:
        """Return the places of a trial's operators."""
        return np.array([self.supernet.candidates.index(name) for name in trial.operators])

    def ask(self) -> Architecture:
        """Return the architecture to try next."""
        stream = f"trial {len(self.trials)}"
        generator = np.random.default_rng(stream_seed(self.spec.seed, self.spec.kind, stream))
        paths = self._affordable(self.next_paths(generator), generator)
        return self.supernet.architecture(paths.tolist())

    def _affordable(self, paths: Paths, generator: np.random.Generator) -> Paths:
        """Give random cells random cheaper operators until the architecture is within the limit."""
        cells = np.arange(len(paths))
        while self.costs[cells, paths].sum() > self.largest_cost:
            costs = self.costs[cells, paths]
            cell = generator.choice(np.flatnonzero(costs > self.costs.min(axis=1)))
            paths[cell] = generator.choice(np.flatnonzero(self.costs[cell] < costs[cell]))
        return paths

    def tell(self, trial: Trial) -> None:
        """Take one trial's result; given all trials of a run again, it is where it was."""
        self.trials.append(trial)

    def finish(self) -> Finding:
        """Return the best trial's architecture; one that was drawn where a search tried none."""
        if self.trials:
            paths = self.paths_of(best_of(self.trials))
            found = self.supernet.architecture(paths.tolist())
        else:
            found = self.ask()
        return Finding(found, operator_flops=self.flops.tolist(), trials=tuple(self.trials))
