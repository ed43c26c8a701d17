"""Every family of environments, on the real thing: resets, seeds, rewards."""

from __future__ import annotations

import importlib
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode

from a2d.environments import BatchedEnvironment, make_environment
from a2d.environments.vector import independent_seeds
from tests.checkout import ENVS
from tests.users_tasks import shipped

FAMILIES = [
    "tiny-catch",
    "tiny-reach",
    "gymnasium-cartpole",
    "minatar-breakout",
    "minatar-seaquest",
    "mujoco-hopper",
    "atari-pong",
]
MINATAR = ["asterix", "breakout", "freeway", "seaquest", "space_invaders"]


def random_actions(environment: BatchedEnvironment, steps: int, seed: int = 0) -> list[np.ndarray]:
    environment.action_space.seed(seed)
    return [environment.action_space.sample() for _ in range(steps)]


def advance(environment: BatchedEnvironment, actions: np.ndarray) -> list[np.ndarray]:
    """Take a step, reset what ended; return all that was seen, the current observations last."""
    observations, rewards, terminated, truncated, _ = environment.step(actions)
    done = terminated | truncated
    current = environment.reset(options={"reset_mask": done})[0] if done.any() else observations
    return [observations, rewards, terminated, truncated, current]


def play(environment: BatchedEnvironment, steps: int, **reset: Any) -> list[np.ndarray]:
    """Return everything that is seen in so many random steps."""
    seen = [environment.reset(**reset)[0]]
    for actions in random_actions(environment, steps):
        seen += advance(environment, actions)
    environment.close()
    return seen


def same(a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", FAMILIES)
def test_contract_of_shapes_and_dtypes(name: str) -> None:
    environment = make_environment(shipped(name), 3, seed=0)
    assert environment.metadata["autoreset_mode"] is AutoresetMode.DISABLED
    before, _ = environment.reset()
    kept = before.copy()
    for actions in random_actions(environment, 3):
        observations, rewards, terminated, truncated, info = environment.step(actions)
        assert rewards.shape == (3,) and rewards.dtype == np.float32
        assert (
            terminated.shape == truncated.shape == (3,)
            and terminated.dtype == truncated.dtype == bool
        )
        assert environment.observation_space.contains(observations)
        assert observations.dtype == (np.uint8 if name.startswith("atari") else np.float32)
        assert observations.ndim in (2, 4)
        assert ("lost_life" in info) == name.startswith("atari")
    assert np.array_equal(before, kept), "a later step wrote into an observation returned earlier"
    environment.close()


@pytest.mark.parametrize("name", FAMILIES)
def test_same_seed_same_trajectory_and_other_seeds_differ(name: str) -> None:
    steps = 80 if name == "atari-pong" else 120

    def run(seed: int) -> list[np.ndarray]:
        return play(make_environment(shipped(name), 2, seed), steps)

    first = run(0)
    assert same(first, run(0)), "seed 0 is a seed like any other"
    assert not same(first, run(1))


@pytest.mark.parametrize("name", FAMILIES)
def test_seeded_reset_equals_construction_and_starts_over(name: str) -> None:
    constructed = play(make_environment(shipped(name), 2, seed=5), 30)
    environment = make_environment(shipped(name), 2, seed=6)
    environment.reset()
    for actions in random_actions(environment, 10, seed=1):
        advance(environment, actions)
    assert same(constructed, play(environment, 30, seed=5))


def test_independent_seeds() -> None:
    seeds = [set(independent_seeds(seed, 64)) for seed in range(20)]
    assert all(len(some) == 64 for some in seeds)
    assert len(set.union(*seeds)) == 20 * 64, "adjacent seeds share nothing"
    assert independent_seeds(7, 3) == independent_seeds(7, 9)[:3]
    assert all(0 < seed < 2**31 for some in seeds for seed in some)


@pytest.mark.parametrize("name", FAMILIES)
def test_copies_start_apart_and_an_unseeded_reset_continues_the_stream(name: str) -> None:
    environment = make_environment(shipped(name), 8, seed=0)
    starts = [environment.reset()[0] for _ in range(3)]
    if name == "minatar-seaquest":  # always starts the same, its randomness comes later
        assert np.array_equal(starts[0], starts[1])
    else:
        assert not all(np.array_equal(starts[0][0], other) for other in starts[0][1:])
        assert not np.array_equal(starts[0], starts[1])
    environment.close()


@pytest.mark.parametrize("name", FAMILIES)
def test_partial_reset_touches_only_the_masked(name: str) -> None:
    environment = make_environment(shipped(name), 4, seed=3)
    untouched = make_environment(shipped(name), 4, seed=3)
    environment.reset()
    untouched.reset()
    mask = np.array([True, False, True, False])
    actions = random_actions(environment, 14)
    for action in actions[:6]:
        before = advance(environment, action)[-1]
        advance(untouched, action)
    after, _ = environment.reset(options={"reset_mask": mask})
    assert np.array_equal(after[~mask], before[~mask])
    assert not np.array_equal(after[mask], before[mask])
    for action in actions[6:]:
        for ours, theirs in zip(
            advance(environment, action), advance(untouched, action), strict=True
        ):
            assert np.array_equal(ours[~mask], theirs[~mask])
    environment.close()
    untouched.close()


def test_reset_mask_is_not_consumed_and_is_checked() -> None:
    environment = make_environment(shipped("tiny-reach"), 2, seed=0)
    options = {"reset_mask": np.array([True, False])}
    with pytest.raises(ResetNeeded, match="first reset"):
        environment.reset(options=options)
    with pytest.raises(ResetNeeded):
        environment.step(np.zeros((2, 2)))
    environment.reset()
    environment.reset(options=options)
    assert "reset_mask" in options
    with pytest.raises(ValueError, match="reset_mask"):
        environment.reset(options={"reset_mask": np.array([1, 0])})


def test_reach_truncates_with_its_final_observation() -> None:
    environment = make_environment(shipped("tiny-reach"), 2, seed=0)
    observations, _ = environment.reset()
    push = np.ones((2, 2), dtype=np.float32)
    for step in range(1, 26):
        observations, _, terminated, truncated, _ = environment.step(push)
        assert not terminated.any() and truncated.all() == (step == 25)
    assert np.allclose(observations[:, :2], 1.0), "the pushed point, not a fresh start"
    with pytest.raises(ResetNeeded, match=r"\[0, 1\]"):
        environment.step(push)
    first = environment.reset(options={"reset_mask": np.array([True, False])})[0]
    assert np.array_equal(first[1], observations[1]) and not np.array_equal(
        first[0], observations[0]
    )
    with pytest.raises(ResetNeeded, match=r"\[1\]"):
        environment.step(push)


def test_cartpole_terminates_when_it_falls_and_truncates_at_the_limit() -> None:
    environment = make_environment(shipped("gymnasium-cartpole"), 1, seed=0)
    observations, _ = environment.reset()
    done = np.array([False])
    while not done.any():
        observations, _, done, truncated, _ = environment.step(np.ones(1, dtype=np.int64))
    assert (
        abs(observations[0, 2]) > 0.2095 and not truncated.any()
    )  # 12 degrees: the pole that fell
    short = make_environment(shipped("gymnasium-cartpole", max_episode_steps=3), 1, seed=0)
    short.reset()
    flags = [short.step(np.array([i % 2]))[2:4] for i in range(3)]
    assert [(bool(a[0]), bool(b[0])) for a, b in flags] == [
        (False, False),
        (False, False),
        (False, True),
    ]


def test_termination_at_the_limit_is_not_a_truncation() -> None:
    environment = make_environment(shipped("tiny-catch", max_episode_steps=35), 1, seed=0)
    environment.reset()
    for _ in range(35):  # five balls of seven steps
        _, rewards, terminated, truncated, _ = environment.step(np.ones(1, dtype=np.int64))
    assert terminated.all() and not truncated.any() and abs(rewards[0]) == 1.0


@pytest.mark.parametrize(
    ("name", "options"), [("minatar-seaquest", {}), ("atari-pong", {"noop_max": 5})]
)
def test_card_limit_truncates_after_that_many_agent_steps(
    name: str, options: dict[str, Any]
) -> None:
    environment = make_environment(shipped(name, max_episode_steps=7, options=options), 2, seed=0)
    environment.reset()
    stay = np.zeros(2, dtype=np.int64)
    truncations = [environment.step(stay)[3] for _ in range(4)]
    environment.reset(options={"reset_mask": np.array([False, True])})
    truncations += [environment.step(stay)[3] for _ in range(3)]
    assert not np.any(truncations[:-1]) and truncations[-1].tolist() == [True, False]
    environment.close()


def test_tiny_tasks_reward_what_they_promise() -> None:
    catch = make_environment(shipped("tiny-catch"), 4, seed=0)
    observations, _ = catch.reset()
    total = np.zeros(4)
    for _ in range(35):
        ball, paddle = (observations[:, channel].max(axis=1).argmax(axis=1) for channel in (0, 1))
        observations, rewards, terminated, _, _ = catch.step(np.sign(ball - paddle) + 1)
        total += rewards
    assert terminated.all() and (total == 5).all()
    reach = make_environment(shipped("tiny-reach"), 4, seed=0)
    observations, _ = reach.reset()
    for _ in range(25):
        observations, rewards, *_ = reach.step((observations[:, 2:] - observations[:, :2]) * 5)
    assert np.allclose(rewards, 0, atol=1e-5)


@pytest.mark.parametrize("game", MINATAR)
def test_minatar_equals_the_packages_own_environment(game: str) -> None:
    theirs_of = importlib.import_module("minatar").Environment
    ours = make_environment(shipped(f"minatar-{game}"), 2, seed=4)
    theirs = [theirs_of(game) for _ in range(2)]
    for env, seed in zip(theirs, independent_seeds(4, 2), strict=True):
        env.seed(seed)
        env.reset()
    observations, _ = ours.reset()
    for actions in random_actions(ours, 600):
        states = np.stack([env.state() for env in theirs])
        assert np.array_equal(observations, states.transpose(0, 3, 1, 2))
        observations, rewards, terminated, _, _ = ours.step(actions)
        results = [env.act(int(action)) for env, action in zip(theirs, actions, strict=True)]
        assert rewards.tolist() == [reward for reward, _ in results]
        assert terminated.tolist() == [done for _, done in results]
        if terminated.any():
            for i in np.flatnonzero(terminated):
                theirs[i].reset()
            observations, _ = ours.reset(options={"reset_mask": terminated})


def test_minatar_needs_no_plotting_library() -> None:
    code = (
        "import sys; from pathlib import Path; from a2d.environments import make_environment;"
        "from a2d.specs.task import load_card;"
        f"make_environment(load_card(Path({str(ENVS / 'minatar-breakout.yaml')!r})), 1, 0);"
        "assert not {'matplotlib', 'seaborn', 'ale_py', 'mujoco', 'torch'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ENVS.parent)


def test_breakout_tells_lost_lives_and_plays_on() -> None:
    environment = make_environment(shipped("atari-breakout"), 8, seed=0)
    environment.reset()
    lost = np.zeros(8, dtype=int)
    alive = np.ones(8, dtype=bool)
    for actions in random_actions(environment, 1200):
        _, _, terminated, truncated, info = environment.step(actions)
        lost += info["lost_life"] & alive
        assert not (info["lost_life"] & terminated).any() and not truncated.any()
        alive &= ~terminated
        if terminated.any():
            environment.reset(options={"reset_mask": terminated})
        if not alive.any():
            break
    assert (lost[~alive] == 4).all() and not alive.any(), (
        "five lives: four lost on the way, the fifth ends it"
    )
    environment.close()


def test_ale_rewards_are_not_clipped() -> None:
    environment = make_environment(shipped("atari-qbert"), 4, seed=0)
    environment.reset()
    rewards = np.concatenate(
        [advance(environment, actions)[1] for actions in random_actions(environment, 60)]
    )
    assert set(rewards.tolist()) >= {0.0, 25.0}, "a cube of another colour is worth 25"
    environment.close()


@pytest.mark.parametrize("name", ["tiny-reach", "mujoco-hopper"])
def test_continuous_actions_are_clipped(name: str) -> None:
    def one_step(action: float) -> np.ndarray:
        environment = make_environment(shipped(name), 1, seed=0)
        environment.reset()
        observations = environment.step(np.full_like(environment.action_space.sample(), action))[0]
        environment.close()
        return observations

    assert np.array_equal(one_step(1.0), one_step(7.0)) and np.array_equal(
        one_step(-1.0), one_step(-9.0)
    )
    assert not np.array_equal(one_step(1.0), one_step(0.5))
