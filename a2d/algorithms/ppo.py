"""Proximal policy optimisation with distillation (Schulman et al. 2017).

Generalised advantages (Schulman et al. 2016), the clipped surrogate, several passes of minibatches
over every rollout, Adam with a rate that falls linearly to 0. Advantages have mean 0 and deviation
1 in every minibatch, as is usual (Andrychowicz et al. 2021).
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import torch
from torch import Tensor

from a2d.algorithms.actor_critic import ActorCritic
from a2d.algorithms.distillation import Teaching
from a2d.algorithms.learner import PathSearcher
from a2d.algorithms.losses import (
    clipped_policy_loss,
    generalized_advantages,
    standardize,
    value_loss,
)
from a2d.algorithms.optimizers import Adam
from a2d.algorithms.rollout import Collector, Rollout
from a2d.networks.agent import Agent
from a2d.networks.imported import Teacher
from a2d.specs.algorithm import DistillationSettings, PPOSettings


class _Batch(NamedTuple):
    """Steps to learn from: of a rollout (T·N, ...), or of a minibatch of it."""

    inputs: Tensor
    actions: Tensor
    log_probabilities: Tensor  # of the actions when they were played
    advantages: Tensor
    returns: Tensor
    teaching: Teaching | None

    def at(self, index: Tensor) -> _Batch:
        """Return the steps at these places."""
        inputs, actions, log_probabilities, advantages, returns, teaching = self
        if teaching is not None:
            teaching = (teaching[0][index], teaching[1][index])
        return _Batch(
            inputs[index], actions[index], log_probabilities[index], advantages[index],
            returns[index], teaching,
        )  # fmt: skip


class PPO(ActorCritic):
    """Updates an agent by several passes over every rollout."""

    def __init__(
        self,
        agent: Agent,
        settings: PPOSettings,
        distillation: DistillationSettings,
        teacher: Teacher | None,
        searcher: PathSearcher | None = None,
    ) -> None:
        optimizer = Adam(agent.parameters(), settings.adam_epsilon)
        super().__init__(agent, settings, optimizer, distillation, teacher, searcher)
        self.settings = settings
        self.orders: list[Tensor] = []

    def collect(self, collector: Collector) -> Rollout:
        """Play one rollout, without a graph, and draw the order in which it will be learnt from."""
        generator, count = collector.generator, self.settings.steps_per_update
        if self.searcher is not None:
            self.searcher.propose(generator)
        rollout = collector.collect(self.agent, self.settings.rollout_length, graph=False)
        self.orders = [
            torch.randperm(count, generator=generator, device=generator.device)
            for _ in range(self.settings.epochs)
        ]
        return rollout

    def update(self, rollout: Rollout, progress: float) -> dict[str, float]:
        """Learn from one rollout and return every loss term's mean over the minibatches.

        Raises:
            Diverged: before the weights are changed by what is not finite.
        """
        settings = self.settings
        batch = self._batch(rollout)
        sums: dict[str, float] = defaultdict(float)
        rate = settings.learning_rate * (1.0 - progress)
        searching = self.searcher is not None
        for index in (part for order in self.orders for part in order.split(settings.batch)):
            terms = self.learn(self._terms(batch.at(index)), progress, rate, keep_graph=searching)
            for name, term in terms.items():
                sums[name] += term.item()
        count = settings.epochs * settings.minibatches
        return {name: total / count for name, total in sums.items()}

    @torch.no_grad()  # what acted is fixed, a Gaussian's deviation as well
    def _batch(self, rollout: Rollout) -> _Batch:
        settings = self.settings
        policy = self.agent.distribution(rollout.outputs)
        values = rollout.values.view_as(rollout.rewards)
        advantages = generalized_advantages(
            rollout.rewards, rollout.ends, values, rollout.last_values,
            settings.discount, settings.gae_lambda,
        ).flatten()  # fmt: skip
        return _Batch(
            inputs=rollout.inputs,
            actions=rollout.actions,
            log_probabilities=policy.log_prob(rollout.actions),
            advantages=advantages,
            returns=advantages + rollout.values,
            teaching=self.distillation.teaching(rollout.observations),
        )

    def _terms(self, batch: _Batch) -> dict[str, Tensor]:
        """Return the loss terms of a minibatch by name."""
        outputs, values = self.agent.heads(batch.inputs)
        policy = self.agent.distribution(outputs)
        log_ratios = policy.log_prob(batch.actions) - batch.log_probabilities
        advantages = standardize(batch.advantages)
        terms = {
            "policy": clipped_policy_loss(log_ratios.exp(), advantages, self.settings.clip),
            "value": value_loss(values, batch.returns),
            "entropy": policy.entropy().mean(),
        }
        return terms | self.distillation.terms(policy, values, batch.teaching)
