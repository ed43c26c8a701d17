"""Differentiable architecture search inside the actor-critic: one-level (A2D) or bi-level (DARTS-style)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from a2d.algorithms.a2c import Learner
from a2d.algorithms.losses import weighted_sum
from a2d.algorithms.optimizers import Adam, forget_gradients
from a2d.algorithms.rollout import Rollout
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.supernet import (
    Gates,
    Supernet,
    operator_flops,
    probabilities,
    sample_gates,
    strongest_gates,
)
from a2d.specs.architecture import Architecture
from a2d.specs.run import SearchSpec


def temperature_at(initial: float, decay: float, decays: int, progress: float) -> float:
    """Return the Gumbel-Softmax temperature at ``progress`` in 0..1, after evenly spaced decays."""
    return initial * decay ** math.floor(progress * decays)


def expected_cost(alpha: Tensor, flops: Tensor) -> Tensor:
    """Return the expected FLOPs of a sampled architecture as a fraction of the dearest one's, a scalar.

    Args:
        alpha: architecture parameters, (cells, operators).
        flops: of every operator, of the same shape.
    """
    # Sampling takes the argmax of alpha + Gumbel noise: its probabilities are those at temperature
    # 1.
    return (probabilities(alpha, 1.0) * flops).sum() / flops.max(dim=-1).values.sum()


class SearchLearner(Learner):
    """Learns the supernet's weights and alpha from rollouts, one sampled architecture per rollout.

    One-level: both from every rollout. Bi-level: weights and alpha from rollouts in turn, so that
    alpha is judged on data its weights were not fitted to; of the same steps either gets half the
    updates.
    """

    def __init__(self, agent: Agent, spec: SearchSpec, teacher: Agent | None) -> None:
        super().__init__(agent, spec.a2c, spec.distillation, teacher)
        assert isinstance(agent.backbone, Supernet)
        self.supernet = agent.backbone
        self.search = spec.search
        self.flops = operator_flops(self.supernet, agent.observation_shape)
        self.alpha = torch.zeros_like(self.flops, requires_grad=True)
        self.architecture_optimizer = Adam(
            self.alpha, spec.search.architecture_learning_rate, betas=(0.5, 0.999)
        )
        self.temperature = spec.search.temperature
        self.rollouts = 0

    def gates(self, generator: torch.Generator | None = None) -> tuple[Gates, ...]:
        return (sample_gates(self.alpha, self.temperature, self.search.backward_paths, generator),)

    def state(self) -> dict[str, Tensor]:
        optimizer = self.architecture_optimizer
        return super().state() | {
            "alpha": self.alpha,
            "alpha.mean": optimizer.mean,
            "alpha.square": optimizer.square,
            "alpha.steps": torch.tensor(optimizer.steps),
            "rollouts": torch.tensor(self.rollouts),
            "temperature": torch.tensor(self.temperature, dtype=torch.float64),
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        super().restore(state)
        optimizer = self.architecture_optimizer
        own = {
            "alpha": self.alpha.detach(),
            "alpha.mean": optimizer.mean,
            "alpha.square": optimizer.square,
        }
        for name, tensor in own.items():
            tensor.copy_(state[name])
        optimizer.steps = int(state["alpha.steps"])
        self.rollouts = int(state["rollouts"])
        self.temperature = float(state["temperature"])

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        terms = {**self.terms(rollout), "cost": expected_cost(self.alpha, self.flops)}
        coefficients = {**self.coefficients(progress), "cost": self.search.cost_coefficient}
        forget_gradients([self.alpha])
        self.backward(weighted_sum(terms, coefficients))
        if self.alpha.grad is None or not self.alpha.grad.isfinite().all():
            raise Diverged("the gradient of alpha is not finite")
        one_level = self.search.train_mode == "one-level"
        if one_level or self.rollouts % 2 == 0:
            self.step_weights(progress)
        if one_level or self.rollouts % 2 == 1:
            self.architecture_optimizer.step(self.alpha.grad)
        self.rollouts += 1
        self.temperature = temperature_at(
            self.search.temperature,
            self.search.temperature_decay,
            self.search.temperature_decays,
            progress,
        )
        return {name: term.item() for name, term in terms.items()}

    def strongest(self) -> Gates:
        """Return the gates of the architecture that would be derived now."""
        return strongest_gates(self.alpha.detach())

    def derive(self) -> Architecture:
        """Return the architecture of the strongest operators."""
        return self.supernet.derive(self.alpha.detach())
