"""Synchronous advantage actor-critic with distillation: rollout, returns, named terms, one weighted sum.

Mnih et al. (2016) for the algorithm, in its synchronous form; RMSProp as in PyTorch, with epsilon
outside the square root (the original A3C had it inside).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from a2d.algorithms.losses import (
    actor_distillation,
    critic_distillation,
    n_step_returns,
    policy_loss,
    value_loss,
    weighted_sum,
)
from a2d.algorithms.optimizers import RMSProp, clip_gradients, forget_gradients
from a2d.algorithms.rollout import Rollout
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.supernet import Gates
from a2d.specs.run import A2CSettings, DistillationSettings


def learning_rate(settings: A2CSettings, progress: float) -> float:
    """Return the rate at ``progress`` in 0..1: held for the first half, then linear to its final value."""
    decay = max(0.0, 2 * progress - 1)
    return settings.learning_rate + decay * (settings.final_learning_rate - settings.learning_rate)


def distillation_scale(settings: DistillationSettings, progress: float) -> float:
    """Return the factor of both distillation coefficients at ``progress`` in 0..1."""
    return 1.0 - progress if settings.schedule == "annealed" else 1.0


def freeze(teacher: Agent) -> Agent:
    """Return the teacher in evaluation mode, without gradients."""
    return teacher.eval().requires_grad_(False)


class Learner:
    """Updates an agent from rollouts.

    Args:
        agent: the student, changed in place.
        settings: of the actor-critic.
        distillation: which of the teacher's heads teach.
        teacher: moved to the agent's device; None where nothing is distilled.
    """

    def __init__(
        self,
        agent: Agent,
        settings: A2CSettings,
        distillation: DistillationSettings,
        teacher: Agent | None,
    ) -> None:
        self.agent = agent
        self.settings = settings
        self.distillation = distillation
        self.teacher = None if teacher is None else freeze(teacher).to(agent.device)
        self.weights = list(agent.parameters())
        self.optimizer = RMSProp(self.weights, settings.rmsprop_decay, settings.rmsprop_epsilon)

    def gates(self, generator: torch.Generator | None = None) -> tuple[Gates, ...]:
        """Draw what the agent's next rollout is called with; nothing for a fixed network."""
        return ()

    def state(self) -> dict[str, Tensor]:
        """Return all that learning changes, by name; weights and means are the learner's own, not copies."""
        weights = {f"agent.{name}": tensor for name, tensor in self.agent.state_dict().items()}
        return weights | {
            f"squares.{index}": tensor for index, tensor in enumerate(self.optimizer.squares)
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a learner of the same run."""
        named = {
            name.removeprefix("agent."): tensor
            for name, tensor in state.items()
            if name.startswith("agent.")
        }
        self.agent.load_state_dict(named)
        for index, squares in enumerate(self.optimizer.squares):
            squares.copy_(state[f"squares.{index}"])

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        """Learn from one rollout and return every loss term's value.

        Raises:
            Diverged: before any weight is changed.
        """
        terms = self.terms(rollout)
        loss = weighted_sum(terms, self.coefficients(progress))
        self.backward(loss)
        self.step_weights(progress)
        return {name: term.item() for name, term in terms.items()}

    def terms(self, rollout: Rollout) -> dict[str, Tensor]:
        """Return the loss terms by name."""
        policy = self.agent.distribution(rollout.outputs)
        returns = n_step_returns(
            rollout.rewards, rollout.ends, rollout.last_values, self.settings.discount
        )
        targets = returns.flatten()
        terms = {
            "policy": policy_loss(policy, rollout.actions, targets - rollout.values.detach()),
            "value": value_loss(rollout.values, targets),
            "entropy": policy.entropy().mean(),
        }
        if self.teacher is not None:
            with torch.no_grad():
                teacher_policy, teacher_values = self.teacher(rollout.observations)
            if self.distillation.teaches("actor"):
                terms["actor_distillation"] = actor_distillation(teacher_policy, policy)
            if self.distillation.teaches("critic"):
                terms["critic_distillation"] = critic_distillation(teacher_values, rollout.values)
        return terms

    def coefficients(self, progress: float) -> dict[str, float]:
        """Return the coefficients by the names of the terms."""
        scale = distillation_scale(self.distillation, progress)
        coefficients = {
            "policy": 1.0,
            "value": self.settings.value_coefficient,
            "entropy": -self.settings.entropy_coefficient,
        }
        if self.distillation.teaches("actor"):
            coefficients["actor_distillation"] = scale * self.distillation.actor_coefficient
        if self.distillation.teaches("critic"):
            coefficients["critic_distillation"] = scale * self.distillation.critic_coefficient
        return coefficients

    def backward(self, loss: Tensor) -> None:
        """Compute clipped gradients, or raise Diverged."""
        forget_gradients(self.weights)
        loss.backward()
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        norm = clip_gradients(gradients, self.settings.max_gradient_norm)
        if not (math.isfinite(loss.item()) and math.isfinite(norm.item())):
            raise Diverged(f"loss {loss.item():g}, gradient norm {norm.item():g}")

    def step_weights(self, progress: float) -> None:
        """Move the weights along their gradients at the scheduled rate."""
        self.optimizer.step(learning_rate(self.settings, progress))
