"""``a2d.load``: raw observations of the user's environment in, its own actions out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete, Space

import a2d
from a2d.deploy.policy import Policy
from a2d.environments.spaces import Actions
from a2d.errors import A2DError
from a2d.networks.agent import Agent
from tests.checkout import ROOT
from tests.saved_agents import save_random_agent
from tests.users_tasks import Recorder, card, register

VECTOR = np.array([0.25, -3.0])  # float64, as Recorder declares
ARMS = Box(np.array([-3.0, 0.0, 5.0]), np.array([1.0, 9.0, 5.5]), dtype=np.float64)


def recorder(
    folder: Path, action: Space[Any], seen: Box | None = None, **fields: Any
) -> tuple[Policy, Agent]:
    """Return an agent of a user's environment with these spaces: loaded, and as it was saved."""
    with register("Recorder-v0", lambda: Recorder(seen, action)):
        design = "vanilla" if fields.get("observation") == "pixels" else "mlp8"
        agent = save_random_agent(folder, card(id="Recorder-v0", **fields), design)
        return a2d.load(folder, seed=3), agent


def test_a_discrete_action_counts_from_the_start_of_its_space(tmp_path: Path) -> None:
    policy, agent = recorder(tmp_path, Discrete(5, start=7))
    for observation in np.random.default_rng(0).normal(0, 3, (20, 2)):
        logits, _ = agent.heads(torch.tensor(observation[None], dtype=torch.float32))
        action = policy.act(observation)
        assert action == 7 + int(logits.argmax()) and np.issubdtype(action.dtype, np.integer)


@pytest.mark.parametrize(
    "space", [ARMS, Box(-2, 9, (3,), np.int64), Box(-0.5, 0.1, (3,), np.float32)], ids=str
)
def test_a_continuous_action_is_the_one_that_training_would_take(
    space: Box, tmp_path: Path
) -> None:
    policy, agent = recorder(tmp_path, space)
    observations = np.random.default_rng(0).normal(0, 9, (50, 2))
    means, _ = agent.heads(torch.from_numpy(observations).float())
    wanted = Actions(card(id="Recorder-v0"), space).convert(means.detach().numpy())
    found = policy.act(observations)
    assert found.dtype == space.dtype and np.allclose(found, wanted, 1e-6, 1e-6)
    assert all(space.contains(action) for action in found)
    assert len(np.unique(found)) > 10 or space.dtype == np.int64


def test_an_image_is_taken_in_the_users_own_layout_and_scale(tmp_path: Path) -> None:
    bytes_last = Box(0, 255, (8, 12, 3), np.uint8)
    policy, agent = recorder(tmp_path, Discrete(4), bytes_last, observation="pixels")
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 12, 3), dtype=np.uint8)
    arranged = torch.from_numpy(images.transpose(0, 3, 1, 2) / 255).float()
    logits = agent.heads(arranged)[0]
    assert np.array_equal(policy.act(images), logits.argmax(1).numpy())
    assert policy.act(images[0]) == int(logits[0].argmax())


def test_vectors_are_standardised_by_the_statistics_of_training(tmp_path: Path) -> None:
    policy, agent = recorder(tmp_path, ARMS, normalize_observations=True)
    assert agent.normalizer is not None
    mean, variance = agent.normalizer.mean.numpy(), agent.normalizer.variance.numpy()
    standard = np.clip((VECTOR - mean) / np.sqrt(variance + 1e-8), -10, 10)
    means = agent.heads(torch.tensor(standard[None], dtype=torch.float32))[0]
    low, high = ARMS.low, ARMS.high
    wanted = low + (np.clip(means.detach().numpy()[0], -1, 1) + 1) / 2 * (high - low)
    assert np.allclose(policy.act(VECTOR), wanted, 1e-6)


def test_drawn_actions_are_distributed_as_the_policy(tmp_path: Path) -> None:
    policy, agent = recorder(tmp_path, Discrete(3, start=1))
    probabilities = agent(torch.tensor(VECTOR[None], dtype=torch.float32))[0].probs[0]
    drawn = policy.act(np.tile(VECTOR, (20_000, 1)), mode=False)
    shares = [(drawn == 1 + index).mean() for index in range(3)]
    assert np.allclose(shares, probabilities.detach().numpy(), atol=0.02)
    assert min(shares) > 0.02, "otherwise this says little"


def test_drawn_continuous_actions_spread_as_the_policy_does(tmp_path: Path) -> None:
    wide = Box(-100, 100, (2,), np.float64)  # so that hardly any is clipped: 100 is 1 of the agent
    policy, agent = recorder(tmp_path, wide)
    assert agent.log_deviation is not None
    agent.log_deviation.data.fill_(np.log(0.1))
    policy.policy.agent.load_state_dict(agent.state_dict())
    drawn = policy.act(np.zeros((20_000, 2)), mode=False)
    mode = policy.act(np.zeros(2))
    assert np.allclose(drawn.mean(0), mode, atol=0.5) and np.allclose(drawn.std(0), 10, rtol=0.05)


def test_another_observation_is_refused_with_the_shapes(tmp_path: Path) -> None:
    policy, _ = recorder(tmp_path, Discrete(3))
    with pytest.raises(A2DError, match=r"observations of shape \(2,\).* this one is \(3,\)"):
        policy.act(np.zeros(3))


def test_the_package_itself_is_imported_without_torch() -> None:
    code = "import sys, a2d; a2d.load; sys.exit(any(m in sys.modules for m in ('torch', 'numpy')))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
