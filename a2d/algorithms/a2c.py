"""Synchronous advantage actor-critic with distillation: one loss and one step for every rollout.

Mnih et al. (2016) for the algorithm, in its synchronous form; RMSProp as in PyTorch, with epsilon
outside the square root (the original A3C had it inside).
"""

from __future__ import annotations

from torch import Tensor

from a2d.algorithms.actor_critic import ActorCritic
from a2d.algorithms.learner import PathSearcher
from a2d.algorithms.losses import n_step_returns, policy_loss, value_loss
from a2d.algorithms.optimizers import RMSProp
from a2d.algorithms.rollout import Collector, Rollout
from a2d.networks.agent import Agent
from a2d.networks.imported import Teacher
from a2d.specs.algorithm import A2CSettings, DistillationSettings


def learning_rate(settings: A2CSettings, progress: float) -> float:
    """Return the rate at ``progress`` in 0..1: held for the first half, then linear to its end."""
    decay = max(0.0, 2 * progress - 1)
    return settings.learning_rate + decay * (settings.final_learning_rate - settings.learning_rate)


class A2C(ActorCritic):
    """Updates an agent from rollouts, whose one pass through the network acts and learns."""

    def __init__(
        self,
        agent: Agent,
        settings: A2CSettings,
        distillation: DistillationSettings,
        teacher: Teacher | None,
        searcher: PathSearcher | None = None,
    ) -> None:
        optimizer = RMSProp(agent.parameters(), settings.rmsprop_decay, settings.rmsprop_epsilon)
        super().__init__(agent, settings, optimizer, distillation, teacher, searcher)
        self.settings = settings

    def collect(self, collector: Collector) -> Rollout:
        """Play one rollout, with the graph of the pass that acted."""
        if self.searcher is not None:
            self.searcher.propose(collector.generator)
        return collector.collect(self.agent, self.settings.rollout_length)

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        """Learn from one rollout and return every loss term's value.

        Raises:
            Diverged: before any weight is changed.
        """
        rate = learning_rate(self.settings, progress)
        terms = self.learn(self.terms(rollout), progress, rate)
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
        teaching = self.distillation.teaching(rollout.observations)
        return terms | self.distillation.terms(policy, rollout.values, teaching)
