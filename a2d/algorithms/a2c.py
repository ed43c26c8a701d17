"""Synchronous advantage actor-critic with distillation: returns, named terms, one weighted sum.

Mnih et al. (2016) for the algorithm, in its synchronous form; RMSProp as in PyTorch, with epsilon
outside the square root (the original A3C had it inside).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from a2d.algorithms.learner import PathSearcher
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


def part_of(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors whose names begin with ``prefix``, named by the rest."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in state.items()
        if name.startswith(prefix)
    }


def freeze(teacher: Agent) -> Agent:
    """Return the teacher in evaluation mode, without gradients."""
    return teacher.eval().requires_grad_(False)


class A2C:
    """Updates an agent from rollouts; a ``Learner``.

    Args:
        agent: the student, changed in place.
        settings: of the actor-critic.
        distillation: which of the teacher's heads teach.
        teacher: moved to the agent's device; None where nothing is distilled.
        searcher: chooses the architectures of a supernet's agent; None for a fixed network.
    """

    def __init__(
        self,
        agent: Agent,
        settings: A2CSettings,
        distillation: DistillationSettings,
        teacher: Agent | None,
        searcher: PathSearcher | None = None,
    ) -> None:
        self.agent = agent
        self.searcher = searcher
        self.settings = settings
        self.distillation = distillation
        self.teacher = None if teacher is None else freeze(teacher).to(agent.device)
        self.weights = list(agent.parameters())
        self.optimizer = RMSProp(self.weights, settings.rmsprop_decay, settings.rmsprop_epsilon)

    def gates(self, generator: torch.Generator | None = None) -> tuple[Gates, ...]:
        """Draw what the agent's next rollout is called with; nothing for a fixed network."""
        return () if self.searcher is None else (self.searcher.propose(generator),)

    def state(self) -> dict[str, Tensor]:
        """Return all that learning changes, by name; weights and means are the learner's own, not copies."""
        tensors = {f"agent.{name}": tensor for name, tensor in self.agent.state_dict().items()}
        tensors |= {f"squares.{index}": each for index, each in enumerate(self.optimizer.squares)}
        if self.searcher is not None:
            tensors |= {f"searcher.{name}": each for name, each in self.searcher.state().items()}
        return tensors

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take up the state of a learner of the same run."""
        self.agent.load_state_dict(part_of(state, "agent."))
        for index, squares in enumerate(self.optimizer.squares):
            squares.copy_(state[f"squares.{index}"])
        if self.searcher is not None:
            self.searcher.restore(part_of(state, "searcher."))

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        """Learn from one rollout and return every loss term's value.

        Raises:
            Diverged: before any weight is changed.
        """
        terms, coefficients = self.terms(rollout), self.coefficients(progress)
        if self.searcher is not None:
            terms |= self.searcher.terms()
            coefficients |= self.searcher.coefficients()
        self.backward(weighted_sum(terms, coefficients))
        if self.searcher is None or self.searcher.learn(progress):
            self.optimizer.step(learning_rate(self.settings, progress))
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
