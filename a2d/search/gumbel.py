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
from a2d.networks.supernet import Gates, Supernet, operator_costs, operator_flops
from a2d.search.searcher import ENTROPY, Finding, Searcher
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


class Moments:
    """Mean and spread of what a tensor of this shape is at every update."""

    def __init__(self, like: Tensor) -> None:
        self.count = torch.zeros((), dtype=torch.float64, device=like.device)
        self.sum = torch.zeros_like(like, dtype=torch.float64)
        self.squares = torch.zeros_like(self.sum)

    def add(self, value: Tensor) -> None:
        self.count += 1
        self.sum += value
        self.squares += value.double() ** 2

    def t(self) -> Tensor:
        """Return mean / (standard deviation / sqrt(updates)) of every entry; 0 without a spread."""
        if self.count < 2:
            return torch.zeros_like(self.sum)
        variance = (self.squares - self.sum**2 / self.count) / (self.count - 1)
        t = self.sum / torch.sqrt(self.count * variance.clamp(min=0))
        return torch.where(t.isfinite(), t, 0.0)

    def state(self) -> dict[str, Tensor]:
        return {f"gradient.{name}": tensor for name, tensor in vars(self).items()}


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
        self.seen = Moments(self.alpha)
        self.generator: torch.Generator | None = None

    def propose(self, generator: torch.Generator) -> None:
        self.rollouts += 1
        self.generator = generator
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
            self._see_task(self.alpha.grad)
            self.optimizer.step(self.settings.architecture_learning_rate)
        self.temperature = temperature_at(
            self.settings.temperature,
            self.settings.temperature_decay,
            self.settings.temperature_decays,
            progress,
        )
        return one_level or odd

    def _see_task(self, gradient: Tensor) -> None:
        """Keep the moments of the task's own part of a gradient; make it noise for the control."""
        cost = self.settings.cost_coefficient * expected_cost(self.alpha, self.costs)
        (of_cost,) = torch.autograd.grad(cost, self.alpha)
        of_task = gradient - of_cost
        if self.settings.task_gradient == "noise":
            coin = torch.rand((), generator=self.generator, device=gradient.device)
            of_task *= torch.where(coin < 0.5, -1.0, 1.0)
            gradient.copy_(of_task + of_cost)
        self.seen.add(of_task)

    def watched(self) -> dict[str, float]:
        """Return how decided alpha is.

        The entropy of its softmax as a fraction of the uniform distribution's, and the largest
        probability, both averaged over cells; and the temperature.
        """
        chances = probabilities(self.alpha.detach(), 1.0)
        entropy = -(chances * chances.log()).sum(-1).mean() / math.log(chances.shape[-1])
        return {
            ENTROPY: float(entropy),
            "alpha/largest_probability": float(chances.max(-1).values.mean()),
            "alpha/temperature": self.temperature,
        }

    def state(self) -> dict[str, Tensor]:
        return {
            "alpha": self.alpha,
            **self.optimizer.state(),
            **self.seen.state(),
            "rollouts": torch.tensor(self.rollouts),
            "temperature": torch.tensor(self.temperature, dtype=torch.float64),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        tensors = {"alpha": self.alpha.detach(), **self.optimizer.state(), **self.seen.state()}
        for name, tensor in tensors.items():
            tensor.copy_(state[name])
        self.rollouts = int(state["rollouts"])
        self.temperature = float(state["temperature"])

    def finish(self) -> Finding:
        """Keep the strongest operator of every cell."""
        strongest = self.supernet.architecture(self.alpha.argmax(dim=-1).tolist())
        return Finding(
            strongest,
            alpha=self.alpha.tolist(),
            gradient_t=self.seen.t().tolist(),
            operator_flops=operator_flops(self.supernet).tolist(),
        )
