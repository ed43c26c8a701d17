"""Uniform single-path sampling, then evolution over the shared weights (SPOS, Guo et al. 2020)."""

from __future__ import annotations

import torch

from a2d.algorithms.learner import PathSearcher
from a2d.networks.supernet import Gates
from a2d.search.evolution import Evolution


class SinglePath(Evolution, PathSearcher):
    """Trains the supernet along uniformly drawn paths; trials then play with its weights."""

    def propose(self, generator: torch.Generator) -> None:
        cells, operators = self.costs.shape
        drawn = torch.randint(operators, (cells, 1), generator=generator, device=generator.device)
        self.supernet.gates = Gates(drawn.tolist(), None)
