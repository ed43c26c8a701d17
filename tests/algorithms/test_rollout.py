"""What a rollout holds, against the same environments replayed with the same actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete

from a2d.algorithms.rollout import Collector, Rollout
from a2d.environments import make_environment
from a2d.errors import Diverged
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.search.gumbel import sample_gates
from a2d.specs.architecture import CellSpace
from a2d.specs.task import TaskCard, load_card
from tests.checkout import ENVS
from tests.learners import supernet_agent, supernet_of


class Pays(gymnasium.Env[Any, Any]):
    """Pays 5 and -3 in turn, or what it is told to at its third step; ends after 4 steps."""

    observation_space = Box(-9.0, 9.0, (3,), np.float32)
    action_space = Discrete(2)

    def __init__(self, third: float = 5.0, seen: float = 0.0) -> None:
        self.third, self.seen = third, seen

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return np.zeros(3, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        reward = self.third if self.steps == 3 else (5.0, -3.0)[(self.steps - 1) % 2]
        observation = np.full(3, self.seen if self.steps == 3 else self.steps, np.float32)
        return observation, reward, self.steps == 4, False, {}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    gymnasium.register("Pays-v0", entry_point=lambda **options: Pays(**options))
    yield
    del gymnasium.registry["Pays-v0"]


def card(name: str, **changes: Any) -> TaskCard:
    return load_card(ENVS / f"{name}.yaml").model_copy(update=changes)


def pays(options: dict[str, float] | None = None, **fields: Any) -> TaskCard:
    data = {
        "name": "pays",
        "title": "P",
        "family": "gymnasium",
        "id": "Pays-v0",
        "options": options or {},
    }
    return TaskCard.model_validate(data | fields)


def collecting(task: TaskCard, network: str, count: int = 3) -> tuple[Agent, Collector]:
    torch.manual_seed(0)
    environments = make_environment(task, count, 0)
    agent = build_agent(network, interface_of(environments, task.normalize_observations))
    return agent, Collector(environments, task, 0, 0.9)


def values_of(agent: Agent, observations: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return agent(torch.from_numpy(observations))[1].numpy()


def check_by_replay(task: TaskCard, agent: Agent, rollout: Rollout) -> dict[str, int]:
    """Take the rollout's actions again; return how often episodes ended and how."""
    steps, count = rollout.rewards.shape
    observations = rollout.observations.view(steps, count, *rollout.observations.shape[1:]).numpy()
    actions = rollout.actions.view(steps, count, *rollout.actions.shape[1:]).numpy()
    environments = make_environment(task, count, 0)
    current = environments.reset(seed=0)[0]
    counts = {"terminated": 0, "truncated": 0}
    for step in range(steps):
        assert np.array_equal(observations[step], current), (
            "acts on what the last step or a reset showed"
        )
        following, rewards, terminated, truncated, _ = environments.step(actions[step])
        expected = rewards.astype(np.float64)
        expected[truncated] += 0.9 * values_of(agent, following)[truncated]
        assert np.allclose(rollout.rewards[step].numpy(), expected, atol=1e-5)
        done = terminated | truncated
        assert np.array_equal(rollout.ends[step].numpy(), done)
        counts["terminated"] += int(terminated.sum())
        counts["truncated"] += int(truncated.sum())
        current = environments.reset(options={"reset_mask": done})[0] if done.any() else following
    assert np.allclose(rollout.last_values.numpy(), values_of(agent, current), atol=1e-6)
    return counts


def test_truncation_bootstraps_from_the_final_observation() -> None:
    task = card("tiny-reach")
    agent, collector = collecting(task, "mlp16")
    counts = check_by_replay(task, agent, collector.collect(agent, 60))
    assert counts == {"terminated": 0, "truncated": 2 * 3}, "Reach is cut after every 25 steps"


def test_termination_does_not_bootstrap() -> None:
    task = card("tiny-catch")
    agent, collector = collecting(task, "vanilla")
    rollout = collector.collect(agent, 80)
    counts = check_by_replay(task, agent, rollout)
    assert counts == {"terminated": 2 * 3, "truncated": 0}
    assert set(rollout.rewards.unique().tolist()) <= {-1.0, 0.0, 1.0}


def test_a_rollout_goes_on_where_the_last_one_stopped() -> None:
    task = card("tiny-reach")
    agent, collector = collecting(task, "mlp16")
    whole = collector.collect(agent, 12)
    agent, collector = collecting(task, "mlp16")
    parts = [collector.collect(agent, length) for length in (5, 7)]
    assert torch.equal(whole.observations, torch.cat([part.observations for part in parts]))
    assert torch.equal(whole.actions, torch.cat([part.actions for part in parts]))
    assert torch.equal(whole.rewards, torch.cat([part.rewards for part in parts]))


def test_the_pass_that_acted_is_the_pass_that_learns() -> None:
    agent, collector = collecting(card("tiny-catch"), "vanilla")
    rollout = collector.collect(agent, 4)
    outputs, values = agent.heads(agent.preprocess(rollout.observations))
    assert torch.allclose(rollout.outputs, outputs, atol=1e-6)
    assert torch.allclose(rollout.values, values, atol=1e-6)
    assert rollout.outputs.requires_grad and rollout.values.requires_grad
    assert not any(
        part.requires_grad for part in (rollout.actions, rollout.rewards, rollout.last_values)
    )


@pytest.mark.parametrize(("clip", "expected"), [(True, [1, -1, 1, -1]), (False, [5, -3, 5, -3])])
def test_clipping_is_for_learning_alone(clip: bool, expected: list[float]) -> None:
    agent, collector = collecting(pays(clip_rewards=clip), "mlp8")
    rollout = collector.collect(agent, 8)
    assert rollout.rewards[:, 0].tolist() == expected * 2
    assert list(collector.tracker.recent) == [4.0] * 6 and collector.tracker.mean_return == 4.0


def test_scaled_rewards_are_for_learning_alone() -> None:
    agent, collector = collecting(pays(reward_scale=0.1), "mlp8")
    rollout = collector.collect(agent, 8)
    assert torch.allclose(rollout.rewards[:, 0], torch.tensor([0.5, -0.3] * 4))
    assert collector.tracker.mean_return == 4.0


def test_tracker_knows_no_mean_before_an_episode_ended_and_keeps_the_last_hundred() -> None:
    agent, collector = collecting(pays(), "mlp8")
    collector.collect(agent, 3)
    assert collector.tracker.mean_return is None and collector.tracker.finished == 0
    collector.collect(agent, 4 * 50)
    assert collector.tracker.finished == 150 and len(collector.tracker.recent) == 100


def test_statistics_of_the_normaliser_are_those_of_what_was_acted_on() -> None:
    task = card("tiny-reach", normalize_observations=True)
    agent, collector = collecting(task, "mlp8")
    rollout = collector.collect(agent, 40)
    assert agent.normalizer is not None
    seen = rollout.observations.double().numpy()
    assert agent.normalizer.count.item() == len(seen) == 120
    assert np.allclose(agent.normalizer.mean.numpy(), seen.mean(axis=0))
    assert np.allclose(agent.normalizer.variance.numpy(), seen.var(axis=0))


def test_gates_serve_the_whole_rollout() -> None:
    task = card("tiny-reach")
    torch.manual_seed(0)
    environments = make_environment(task, 3, 0)
    agent = supernet_agent(CellSpace(cells=2, width=8), interface_of(environments, False))
    supernet_of(agent).gates = sample_gates(torch.zeros(2, 9, requires_grad=True), 5.0, 2)
    rollout = Collector(environments, task, 0, 0.9).collect(agent, 30)
    outputs, _ = agent.heads(rollout.observations)
    assert torch.allclose(rollout.outputs, outputs, atol=1e-5)
    assert not rollout.last_values.requires_grad and not rollout.rewards.requires_grad


@pytest.mark.parametrize(
    "options", [{"third": float("nan")}, {"third": float("inf")}, {"seen": float("nan")}]
)
def test_numbers_that_are_not_finite_end_the_run(options: dict[str, float]) -> None:
    agent, collector = collecting(pays(options), "mlp8")
    collector.collect(agent, 2)
    with pytest.raises(Diverged):
        collector.collect(agent, 1)


def test_an_agent_that_went_wrong_ends_the_run() -> None:
    for task, network in ((card("tiny-catch"), "vanilla"), (card("tiny-reach"), "mlp8")):
        agent, collector = collecting(task, network)
        agent.actor.bias.data.fill_(float("nan"))
        with pytest.raises(Diverged):
            collector.collect(agent, 1)
