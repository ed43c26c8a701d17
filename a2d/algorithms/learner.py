"""What training asks of a learner, and a learner of a searcher that it trains a supernet for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor

from a2d.algorithms.distillation import Teaching
from a2d.algorithms.rollout import Collector, Rollout
from a2d.networks.agent import Agent


class Learner(Protocol):
    """Updates an agent from rollouts."""

    agent: Agent

    def collect(self, collector: Collector) -> Rollout:
        """Play one rollout."""

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        """Learn from one rollout, at ``progress`` in 0..1; return every loss term's value.

        Raises:
            Diverged: before a weight is changed by what is not finite.
        """

    def imitate(self, observations: Tensor, teaching: Teaching) -> dict[str, float]:
        """Learn from what a teacher said of observations (N, ...); return every term's value.

        Raises:
            Diverged: before a weight is changed by what is not finite.
        """

    def watched(self) -> dict[str, float]:
        """Return what only TensorBoard shows beside the terms, by name."""

    def state(self) -> dict[str, Tensor]:
        """Return all that learning changes, by name; the learner's own tensors, not copies."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a learner of the same run."""


class PathSearcher(ABC):
    """What a learner asks of a searcher that chooses a supernet's architectures while it learns."""

    @abstractmethod
    def propose(self, generator: torch.Generator) -> None:
        """Choose the architecture of the next rollout, the supernet's ``gates``."""

    def parameters(self) -> list[Tensor]:
        """Return what is learnt by the gradients of the loss."""
        return []

    def terms(self) -> dict[str, Tensor]:
        """Return loss terms of the searcher's own, by name."""
        return {}

    def coefficients(self) -> dict[str, float]:
        """Return the coefficients by the names of the terms."""
        return {}

    def learn(self, progress: float) -> bool:
        """Learn from the gradients of the loss; return whether the weights learn from them too.

        Raises:
            Diverged: before anything is changed.
        """
        return True

    def watched(self) -> dict[str, float]:
        """Return what only TensorBoard shows of the search, by name."""
        return {}

    def state(self) -> dict[str, Tensor]:
        """Return all that learning changes, by name."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a searcher of the same run."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
