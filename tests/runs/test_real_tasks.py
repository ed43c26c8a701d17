"""Whole runs on the real thing: the tiny tasks are learned, Atari and MuJoCo are trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.agent_files import load_agent
from a2d.runs.execute import run_search, run_training
from a2d.runs.records import read_record, write_record
from a2d.specs.algorithm import A2CSettings
from a2d.specs.run import EvaluationSettings, ManualAgent, SearchSpec, TrainSpec
from a2d.specs.task import TaskCard, load_card
from tests.checkout import ENVS
from tests.contents import judged


def card(name: str, **changes: Any) -> TaskCard:
    return load_card(ENVS / f"{name}.yaml").model_copy(update=changes)


def spec(task: TaskCard, network: str, steps: int, episodes: int = 20, **a2c: Any) -> TrainSpec:
    return TrainSpec(
        task=task,
        steps=steps,
        seed=0,
        agent=ManualAgent(network=network),
        a2c=A2CSettings(**a2c),
        evaluation=EvaluationSettings(episodes=episodes, environments=min(episodes, 10)),
    )


# Neither is learned in so few steps with the default settings, which are those of twenty million
# steps.
def test_catch_is_learned(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"environments": 16, "rollout_length": 7, "discount": 0.9}
    settings |= {"learning_rate": 5e-4, "final_learning_rate": 5e-4}
    record = run_training(spec(card("tiny-catch"), "vanilla", 44_800, **settings), tmp_path)
    returns = [point.mean_return for point in record.curve if point.mean_return is not None]
    assert record.score > 0, "of -5 .. 5; a random agent's is -3.75"
    assert np.mean(returns[:10]) < -3 and np.mean(returns[-5:]) > 0


def test_reach_is_learned(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"environments": 8, "discount": 0.8, "learning_rate": 2e-3}
    record = run_training(spec(card("tiny-reach"), "mlp64", 40_000, **settings), tmp_path)
    assert record.score > -10, "a random agent's is -27, and the best about -4"


def test_pong_trains_searches_and_reloads(tmp_path: Path) -> None:
    task = card("atari-pong", max_episode_steps=60)
    trained = run_training(spec(task, "vanilla", 2000, episodes=2, environments=4), tmp_path)
    assert trained.status == "finished" and trained.steps_done == 2000
    assert trained.network.parameters == 882_855 and judged(trained).lengths == [60, 60]
    assert all(-21 <= score <= 21 and score == int(score) for score in judged(trained).returns)
    write_record(tmp_path / "seed0.json", trained)
    assert read_record(tmp_path / "seed0.json") == trained
    agent, _ = load_agent(tmp_path)
    environments = make_environment(task, 2, 0)
    observation = torch.from_numpy(environments.reset()[0])
    assert observation.dtype == torch.uint8 and agent(observation)[0].sample().shape == (2,)
    environments.close()
    search = SearchSpec(
        task=task, steps=80, seed=0, a2c=A2CSettings(environments=4),
        search={"space": {"cells": 3, "width": 4}},
        evaluation=EvaluationSettings(episodes=1, environments=1),
    )  # fmt: skip
    found = run_search(search, tmp_path / "search")
    assert found.search is not None and len(found.search.architecture.operators) == 3


@pytest.mark.parametrize("name", ["mujoco-half_cheetah", "mujoco-hopper"])
def test_mujoco_trains_with_its_normaliser(name: str, tmp_path: Path) -> None:
    task = card(name, max_episode_steps=100)
    record = run_training(spec(task, "mlp16", 4000, episodes=2, environments=4), tmp_path)
    assert record.status == "finished" and max(judged(record).lengths) <= 100
    agent, description = load_agent(tmp_path)
    assert description.interface.continuous and agent.normalizer is not None
    assert agent.normalizer.count.item() == 4000
    assert agent.normalizer.variance.min().item() > 0 and agent.log_deviation is not None
    inputs, actions = description.interface.observation_shape[0], description.interface.actions
    assert record.network.flops == 2 * (inputs * 16 + 16 * 16 + 16 * actions + 16)
    write_record(tmp_path / "seed0.json", record)


@pytest.mark.parametrize("cut", [True, False])
def test_a_lost_life_ends_the_return_and_not_the_episode(cut: bool) -> None:
    task = card("atari-breakout", life_loss_ends_return=cut)
    torch.manual_seed(0)
    environments, replay = (make_environment(card("atari-breakout"), 4, 1) for _ in range(2))
    agent = build_agent("vanilla", interface_of(environments, False))
    rollout = Collector(environments, task, 1, 0.99).collect(agent, 120)
    current = replay.reset(seed=1)[0]
    lives = 0
    for step in range(120):
        assert np.array_equal(rollout.observations.view(120, 4, 4, 84, 84)[step].numpy(), current)
        actions = rollout.actions.view(120, 4)[step].numpy()
        current, _, terminated, truncated, info = replay.step(actions)
        assert not terminated.any() and not truncated.any(), "all games go on"
        lives += int(info["lost_life"].sum())
        assert np.array_equal(rollout.ends[step].numpy(), info["lost_life"] & cut)
    assert lives >= 4
    environments.close()
    replay.close()
