"""Differentiable search: one-level (A2D) or bi-level (DARTS-style).

Hard Gumbel-Softmax (Jang et al. 2017) with one path forward and K paths backward (reconstructed
from A3C-S, Fu et al. 2021): the forward pass runs the sampled operator alone, and alpha's gradient
sees the K likeliest operators of the relaxed sample.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from a2d.algorithms.learner import PathSearcher
from a2d.algorithms.optimizers import Adam
from a2d.errors import Diverged
from a2d.networks.supernet import Gates, Supernet, operator_costs
from a2d.search.searcher import Finding, Searcher
from a2d.specs.run import SearchSpec
from a2d.specs.search import GumbelSettings


def probabilities(alpha: Tensor, temperature: float) -> Tensor:
    """Turn architecture parameters (cells, operators) into probabilities of the same shape."""
    return torch.softmax(alpha / temperature, dim=-1)


def sample_gates(
    alpha: Tensor, temperature: float, backward_paths: int, generator: torch.Generator | None = None
) -> Gates:
    """Sample one operator per cell; draws from torch's global generator if none is given.

    The sampled operator is the largest of alpha plus Gumbel noise: its distribution is
    softmax(alpha), whatever the temperature, which shapes only the relaxation that carries the
    gradient.
    """
    gumbel = -torch.log(torch.empty_like(alpha).exponential_(generator=generator))
    relaxed = probabilities(alpha + gumbel, temperature)
    top = relaxed.topk(backward_paths, dim=-1)
    hard = torch.zeros_like(top.values)
    hard[:, 0] = 1.0
    # Exactly 1 and 0: what the sampled operator computed while acting is what it is worth in the
    # graph.
    return Gates(top.indices.tolist(), hard + (top.values - top.values.detach()))


def temperature_at(initial: float, decay: float, decays: int, progress: float) -> float:
    """Return the Gumbel-Softmax temperature at ``progress`` in 0..1, after evenly spaced decays."""
    return initial * decay ** math.floor(progress * decays)


def expected_cost(alpha: Tensor, costs: Tensor) -> Tensor:
    """Return the expected cost of a sampled architecture as a fraction of the largest, a scalar.

    Args:
        alpha: architecture parameters, (cells, operators).
        costs: of every operator, of the same shape.
    """
    # Sampling takes the argmax of alpha + Gumbel noise: its probabilities are at temperature 1.
    return (probabilities(alpha, 1.0) * costs).sum() / costs.max(dim=-1).values.sum()


class Gumbel(Searcher, PathSearcher):
    """Learns alpha (cells, operators) together with the weights; one sample for every rollout.

    One-level: both from every rollout. Bi-level: weights and alpha from rollouts in turn, so that
    alpha is judged on data its weights were not fitted to; of the same steps either gets half the
    updates.
    """

    def __init__(self, spec: SearchSpec, supernet: Supernet) -> None:
        super().__init__(spec, supernet)
        assert isinstance(spec.search, GumbelSettings)
        self.settings = spec.search
        self.costs = operator_costs(supernet, spec.search.costs)
        self.alpha = torch.zeros_like(self.costs, requires_grad=True)
        self.optimizer = Adam([self.alpha], betas=(0.5, 0.999))
        self.temperature = self.settings.temperature
        self.rollouts = 0

    def propose(self, generator: torch.Generator) -> None:
        self.rollouts += 1
        paths = self.settings.backward_paths
        self.supernet.gates = sample_gates(self.alpha, self.temperature, paths, generator)

    def parameters(self) -> list[Tensor]:
        return [self.alpha]

    def terms(self) -> dict[str, Tensor]:
        return {"cost": expected_cost(self.alpha, self.costs)}

    def coefficients(self) -> dict[str, float]:
        return {"cost": self.settings.cost_coefficient}

    def learn(self, progress: float) -> bool:
        if self.alpha.grad is None or not self.alpha.grad.isfinite().all():
            raise Diverged("the gradient of alpha is not finite")
        one_level, odd = self.settings.train_mode == "one-level", self.rollouts % 2 == 1
        if one_level or not odd:
            self.optimizer.step(self.settings.architecture_learning_rate)
        self.temperature = temperature_at(
            self.settings.temperature,
            self.settings.temperature_decay,
            self.settings.temperature_decays,
            progress,
        )
        return one_level or odd

    def watched(self) -> dict[str, float]:
        """Return how decided alpha is.

        The entropy of its softmax as a fraction of the uniform distribution's, and the largest
        probability, both averaged over cells; and the temperature.
        """
        chances = probabilities(self.alpha.detach(), 1.0)
        entropy = -(chances * chances.log()).sum(-1).mean() / math.log(chances.shape[-1])
        return {
            "alpha/entropy": float(entropy),
            "alpha/largest_probability": float(chances.max(-1).values.mean()),
            "alpha/temperature": self.temperature,
        }

    def state(self) -> dict[str, Tensor]:
        return {
            "alpha": self.alpha,
            **self.optimizer.state(),
            "rollouts": torch.tensor(self.rollouts),
            "temperature": torch.tensor(self.temperature, dtype=torch.float64),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        for name, tensor in {"alpha": self.alpha.detach(), **self.optimizer.state()}.items():
            tensor.copy_(state[name])
        self.rollouts = int(state["rollouts"])
        self.temperature = float(state["temperature"])

    def finish(self) -> Finding:
        """Keep the strongest operator of every cell."""
        strongest = self.supernet.architecture(self.alpha.argmax(dim=-1).tolist())
        return Finding(strongest, alpha=self.alpha.tolist())
