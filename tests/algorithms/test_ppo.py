"""PPO: its pieces by hand, its update against a plain one, and what it learns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Independent, Normal

from a2d.algorithms.losses import (
    clipped_policy_loss,
    generalized_advantages,
    n_step_returns,
    standardize,
)
from a2d.algorithms.ppo import PPO
from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.execute import run_search, run_training
from a2d.search.gumbel import Gumbel
from a2d.specs.algorithm import DistillationSettings, PPOSettings
from a2d.specs.run import ManualAgent, SearchSpec, TrainSpec, key_of
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.learners import supernet_agent, supernet_of

SMALL = PPOSettings(environments=4, rollout_length=8, epochs=2, minibatches=4)


def make(task: str, network: str, settings: PPOSettings) -> tuple[PPO, Collector]:
    torch.manual_seed(0)
    card = load_card(ENVS / f"{task}.yaml")
    environments = make_environment(card, settings.environments, 0)
    agent = build_agent(network, interface_of(environments, card.normalize_observations))
    learner = PPO(agent, settings, DistillationSettings(), None)
    generator = torch.Generator().manual_seed(1)
    return learner, Collector(environments, card, 0, settings.discount, generator)


def test_advantages_by_hand() -> None:
    rewards, values = torch.tensor([[1.0], [2.0], [4.0]]), torch.tensor([[10.0], [20.0], [30.0]])
    ends = torch.tensor([[False], [True], [False]])
    found = generalized_advantages(rewards, ends, values, torch.tensor([40.0]), 0.5, 0.25)
    last = 4 + 0.5 * 40 - 30  # -6
    middle = 2.0 - 20  # the episode ends: nothing follows
    first = 1 + 0.5 * 20 - 10 + 0.5 * 0.25 * middle
    assert found.flatten().tolist() == [first, middle, last]


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_advantages_at_the_ends_of_lambda(decay: float) -> None:
    generator = torch.Generator().manual_seed(0)
    rewards, values = torch.rand(7, 3, generator=generator), torch.rand(7, 3, generator=generator)
    ends = torch.rand(7, 3, generator=generator) < 0.3
    last = torch.rand(3, generator=generator)
    found = generalized_advantages(rewards, ends, values, last, 0.9, decay)
    if decay == 1.0:
        expected = n_step_returns(rewards, ends, last, 0.9) - values
    else:
        expected = rewards + 0.9 * torch.cat([values[1:], last[None]]) * ~ends - values
    assert torch.allclose(found, expected, atol=1e-6)


def test_the_surrogate_by_hand() -> None:
    ratios = torch.tensor([0.5, 0.5, 1.5, 1.5, 1.1])
    advantages = torch.tensor([2.0, -2.0, 2.0, -2.0, 2.0])
    # The worse of the ratio and the clipped ratio: 1.0, -1.6, 2.4, -3.0, 2.2.
    assert clipped_policy_loss(ratios, advantages, 0.2).item() == pytest.approx(-0.2)


def test_standardized_values_have_mean_zero_and_deviation_one() -> None:
    found = standardize(torch.tensor([1.0, 2.0, 6.0, 7.0]))
    assert found.mean().item() == pytest.approx(
        0, abs=1e-6
    ) and found.std().item() == pytest.approx(1)


def policy_of(agent: Agent, outputs: Tensor) -> Distribution:
    if agent.log_deviation is None:
        return Categorical(logits=outputs)
    return Independent(Normal(outputs, agent.log_deviation.exp().expand_as(outputs)), 1)


def plain_update(agent: Agent, rollout: Any, orders: list[Tensor], settings: PPOSettings) -> None:
    """Do the update step by step with PyTorch's own optimiser and clipping."""
    optimizer = torch.optim.Adam(
        agent.parameters(), settings.learning_rate, eps=settings.adam_epsilon
    )
    with torch.no_grad():
        outputs, values = agent.heads(rollout.inputs)
        before = policy_of(agent, outputs).log_prob(rollout.actions)
    count, length = rollout.rewards.shape[1], rollout.rewards.shape[0]
    rewards, ends = rollout.rewards.numpy(), rollout.ends.numpy()
    estimates = np.vstack([values.view(length, count).numpy(), rollout.last_values.numpy()])
    advantages = np.zeros((length + 1, count))
    for step in range(length - 1, -1, -1):
        going = 1.0 - ends[step]
        error = rewards[step] + settings.discount * estimates[step + 1] * going - estimates[step]
        decay = settings.discount * settings.gae_lambda
        advantages[step] = error + decay * going * advantages[step + 1]
    advantage = torch.tensor(advantages[:-1].flatten(), dtype=torch.float32)
    target = advantage + values
    size = count * length // settings.minibatches
    for order in orders:
        for part in range(settings.minibatches):
            chosen = order[part * size : (part + 1) * size]
            outputs, values = agent.heads(rollout.inputs[chosen])
            policy = policy_of(agent, outputs)
            ratio = (policy.log_prob(rollout.actions[chosen]) - before[chosen]).exp()
            scaled = advantage[chosen]
            scaled = (scaled - scaled.mean()) / (scaled.std() + 1e-8)
            bounded = ratio.clamp(1 - settings.clip, 1 + settings.clip)
            loss = -torch.minimum(ratio * scaled, bounded * scaled).mean()
            loss = loss + settings.value_coefficient * (values - target[chosen]).square().mean()
            loss = loss - settings.entropy_coefficient * policy.entropy().mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(agent.parameters(), settings.max_gradient_norm)
            optimizer.step()


@pytest.mark.parametrize(
    ("task", "network"),
    [("tiny-catch", "vanilla"), ("gymnasium-cartpole", "mlp16"), ("tiny-reach", "mlp16")],
)
def test_an_update_equals_a_plain_one(task: str, network: str) -> None:
    learner, collector = make(task, network, SMALL)
    plain, _ = make(task, network, SMALL)
    rollout = learner.collect(collector)
    assert not rollout.outputs.requires_grad, "a rollout of many steps keeps no graph"
    plain_update(plain.agent, rollout, learner.orders, SMALL)
    learner.update(rollout, 0.0)
    for ours, theirs in zip(learner.agent.parameters(), plain.agent.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=2e-5)


def test_every_pass_sees_every_step_once_in_an_order_of_its_own() -> None:
    learner, collector = make("gymnasium-cartpole", "mlp16", SMALL)
    learner.collect(collector)
    assert [sorted(order.tolist()) for order in learner.orders] == [list(range(32))] * 2
    assert not torch.equal(*learner.orders)


def test_the_rate_falls_to_zero() -> None:
    learner, collector = make("gymnasium-cartpole", "mlp16", SMALL)
    before = [weight.detach().clone() for weight in learner.agent.parameters()]
    learner.update(learner.collect(collector), 1.0)
    assert all(map(torch.equal, before, learner.agent.parameters()))


def spec_of(**changes: Any) -> TrainSpec:
    fields: dict[str, Any] = {
        "task": load_card(ENVS / "gymnasium-cartpole.yaml"),
        "steps": 20480,
        "seed": 3,
        "agent": ManualAgent(network="mlp64"),
        "ppo": PPOSettings(environments=8, rollout_length=64, learning_rate=3e-3),
    }
    return TrainSpec(**fields | changes)


def test_it_learns(tmp_path: Path) -> None:
    assert run_training(spec_of(), tmp_path).score > 80  # random: 22


def test_it_distils_and_searches(tmp_path: Path) -> None:
    teacher = spec_of(steps=512)
    run_training(teacher, tmp_path / "teacher")
    taught = {"teacher": teacher, "distillation": DistillationSettings(mode="joint")}
    agent = build_agent("mlp64", interface_of(make_environment(teacher.task, 1, 0), False))
    record = run_training(spec_of(steps=1024, **taught), tmp_path / "student", agent)
    assert {"actor_distillation", "critic_distillation"} <= record.loss_terms.keys()
    for kind in ("gumbel", "single_path", "evolution"):
        settings: dict[str, Any] = {"kind": kind, "space": {"cells": 2, "width": 8}}
        if kind == "evolution":
            settings |= {"trials": 2}
        search = SearchSpec(
            task=teacher.task, steps=2048, seed=0, ppo=spec_of().ppo, search=settings, **taught
        )
        found = run_search(search, tmp_path / kind, agent).search
        assert found is not None and len(found.architecture.operators) == 2
        if found.alpha is not None:
            assert np.ptp(found.alpha) > 0, "alpha learns"


def test_its_settings_stand_in_the_key_and_those_of_the_other_algorithm_do_not() -> None:
    other = {"a2c": {"environments": 1}}
    assert key_of(spec_of(**other)) == key_of(spec_of())
    assert key_of(spec_of(ppo=PPOSettings(clip=0.1), steps=2048)) != key_of(
        spec_of(ppo=PPOSettings(), steps=2048)
    )
    assert key_of(spec_of(ppo=None)) != key_of(spec_of())


def test_minibatches_must_divide_the_rollout() -> None:
    with pytest.raises(ValueError, match=r"minibatches \(5\) must divide .* \(32\)"):
        PPOSettings(environments=4, rollout_length=8, minibatches=5)
    with pytest.raises(ValueError, match=r"minibatches \(32\) of one step"):
        PPOSettings(environments=4, rollout_length=8, minibatches=32)


def test_bi_level_takes_turns_by_rollouts_not_by_minibatches() -> None:
    task = load_card(ENVS / "gymnasium-cartpole.yaml")
    spec = SearchSpec(
        task=task, steps=3200, seed=0, ppo=SMALL,
        search={"train_mode": "bi-level", "space": {"cells": 2, "width": 8}},
    )  # fmt: skip
    environments = make_environment(task, SMALL.environments, 0)
    interface = interface_of(environments, False)
    agent = supernet_agent(spec.search.space, interface)
    searcher = Gumbel(spec, supernet_of(agent))
    learner = PPO(agent, SMALL, spec.distillation, None, searcher)
    collector = Collector(environments, task, 0, 0.99, torch.Generator().manual_seed(0))
    moved = []
    for _ in range(4):
        before = searcher.alpha.detach().clone(), learner.weights[0].detach().clone()
        learner.update(learner.collect(collector), 0.0)
        after = searcher.alpha, learner.weights[0]
        moved.append([not torch.equal(old, new) for old, new in zip(before, after, strict=True)])
    assert moved == [[False, True], [True, False]] * 2  # alpha, weights
