"""Our A2C against stable-baselines3's, update by update, from the same weights.

RMSProp's first step hardly depends on the size of a gradient, so that gradients are compared as
well, and several updates in a row. The learning curves of whole runs are compared in
``benchmarks/agreement.py``.
"""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from stable_baselines3 import A2C
from stable_baselines3.common.preprocessing import preprocess_obs
from torch import Tensor

import a2d.environments.vector
from a2d.algorithms import a2c
from a2d.algorithms.rollout import Collector, Rollout
from a2d.environments import make_environment
from a2d.networks.agent import Agent
from a2d.runs.progress_bar import Reporter
from a2d.runs.training import Training
from a2d.specs.algorithm import A2CSettings, DistillationSettings
from a2d.specs.run import ManualAgent, TrainSpec
from a2d.specs.task import load_task
from benchmarks.agreement import (
    AgentFeatures,
    CurveCallback,
    fresh_agent,
    sb3_environments,
    sb3_model,
    take_heads,
)
from tests.checkout import ENVS

LIMIT = 15  # steps, so short that episodes are truncated as well as terminated
SEED = 7


def spec_of(task: str, network: str, updates: int, rollout_length: int) -> TrainSpec:
    card = load_task(task, ENVS).model_copy(update={"max_episode_steps": LIMIT})
    settings = A2CSettings(environments=8, rollout_length=rollout_length)
    steps = updates * settings.steps_per_update
    return TrainSpec(
        task=card, steps=steps, seed=0, a2c=settings, agent=ManualAgent(network=network)
    )


def collector_of(spec: TrainSpec) -> Collector:
    environments = make_environment(spec.task, spec.a2c.environments, SEED)
    return Collector(environments, spec.task, SEED, spec.a2c.discount)


def twins(spec: TrainSpec) -> tuple[a2c.A2C, A2C, Agent]:
    """Return our learner, SB3's model, and the agent whose layers SB3 trains."""
    agent = fresh_agent(spec)
    theirs = deepcopy(agent)
    environments = sb3_environments(spec.task, spec.a2c.environments)
    model = sb3_model(theirs, environments, spec.a2c, spec.updates, SEED)
    return a2c.A2C(agent, spec.a2c, DistillationSettings(), None), model, theirs


def fill(model: A2C, rollout: Rollout) -> None:
    """Put our rollout, whose rewards hold the bootstrap of truncations, into SB3's buffer."""
    steps, count = rollout.rewards.shape
    observations, actions = (
        part.view(steps, count, *part.shape[1:]).numpy()
        for part in (rollout.observations, rollout.actions)
    )
    values, ends = rollout.values.detach().view(steps, count), rollout.ends.numpy()
    starts = np.concatenate([np.zeros((1, count)), ends[:-1]])
    model.rollout_buffer.reset()
    for t in range(steps):
        reward = rollout.rewards[t].numpy()
        model.rollout_buffer.add(
            observations[t], actions[t], reward, starts[t], values[t], torch.zeros(count)
        )
    model.rollout_buffer.compute_returns_and_advantage(rollout.last_values, ends[-1])


def gradients(*modules: torch.nn.Module) -> dict[str, Tensor]:
    found = {}
    for index, module in enumerate(modules):
        for name, weight in module.named_parameters():
            assert weight.grad is not None
            found[f"{index}.{name}"] = weight.grad.clone()
    return found


def parts(agent: Agent) -> tuple[torch.nn.Module, ...]:
    return agent.backbone, agent.trunk, agent.actor, agent.critic


@pytest.mark.parametrize(
    ("task", "network"), [("gymnasium-cartpole", "mlp64"), ("minatar-breakout", "vanilla")]
)
def test_an_update_equals_sb3s(task: str, network: str) -> None:
    spec = spec_of(task, network, updates=4, rollout_length=2 * LIMIT)
    learner, model, theirs = twins(spec)
    collector = collector_of(spec)
    for update in range(spec.updates):
        rollout = collector.collect(learner.agent, spec.a2c.rollout_length)
        assert 0 < rollout.ends.float().mean() < 1
        fill(model, rollout)
        learner.update(rollout, update / spec.updates)
        model._update_current_progress_remaining(update + 1, spec.updates)
        model.train()
        heads = (model.policy.action_net, model.policy.value_net)
        found, expected = gradients(*parts(learner.agent)), gradients(*parts(theirs)[:2], *heads)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
        take_heads(theirs, model)
        torch.testing.assert_close(
            learner.agent.state_dict(), theirs.state_dict(), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("task", "network", "updates"),
    [("gymnasium-cartpole", "mlp64", 200), ("minatar-breakout", "vanilla", 5)],
)
def test_a_whole_training_equals_sb3s(
    monkeypatch: pytest.MonkeyPatch, task: str, network: str, updates: int
) -> None:
    """Each acts in its own environments; equal seeds and equal draws make equal episodes.

    Few updates with ReLUs: in the long run rounding switches a unit in one of the two, and they
    part.
    """
    monkeypatch.setattr(  # as SB3 seeds its environments
        a2d.environments.vector,
        "independent_seeds",
        lambda seed, count: [seed + i for i in range(count)],
    )
    spec = spec_of(task, network, updates, rollout_length=5)
    learner, model, theirs = twins(spec)
    collector = collector_of(spec)
    training = Training(spec, learner, collector)
    torch.manual_seed(SEED)
    with Reporter("", spec.steps) as reporter:
        while training.updates < spec.updates:
            training.update(reporter)
    ours = training.progress
    torch.manual_seed(SEED)
    callback = CurveCallback(spec.updates)
    model.learn(spec.steps, callback)
    assert collector.tracker.finished > spec.a2c.environments
    assert [point.step for point in ours.curve] == [point.step for point in callback.curve]
    assert [point.mean_return for point in ours.curve] == [
        point.mean_return for point in callback.curve
    ]
    take_heads(theirs, model)
    torch.testing.assert_close(
        learner.agent.state_dict(), theirs.state_dict(), rtol=1e-4, atol=1e-5
    )


def test_sb3s_network_sees_an_image_of_bytes_as_ours_does() -> None:
    agent = fresh_agent(spec_of("atari-pong", "vanilla", 1, 5))
    space = Box(0, 255, (4, 84, 84), np.uint8)
    images = torch.randint(0, 256, (3, 4, 84, 84), dtype=torch.uint8)
    theirs = preprocess_obs(images, space, normalize_images=False)
    assert isinstance(theirs, Tensor)
    features = AgentFeatures(space, agent)(theirs)
    assert torch.allclose(features, agent.trunk(agent.backbone(agent.preprocess(images))))
