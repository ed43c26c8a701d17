"""Regularised evolution: every trial trains one architecture from scratch (Real et al. 2019)."""

from __future__ import annotations

import numpy as np

from a2d.networks.supernet import Supernet
from a2d.search.choices import Paths, choose_parent
from a2d.search.trial_searcher import TrialSearcher
from a2d.specs.run import SearchSpec
from a2d.specs.search import EvolvingSettings


class Evolution(TrialSearcher):
    """Tries random architectures, then children of good ones among the youngest.

    A child differs in one cell from the best of a few that are drawn from the population.
    """

    def __init__(self, spec: SearchSpec, supernet: Supernet) -> None:
        super().__init__(spec, supernet)
        assert isinstance(spec.search, EvolvingSettings)
        self.settings = spec.search

    def next_paths(self, generator: np.random.Generator) -> Paths:
        if len(self.trials) < self.settings.population:
            return self.draw(generator)
        ranks = [trial.rank for trial in self.trials]
        settings = self.settings
        parent = choose_parent(ranks, settings.population, settings.tournament, generator)
        return self.change(self.trials[parent], generator)
