"""Environments stepped alone, at random: training on one core cannot be faster."""

from __future__ import annotations

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from a2d.environments import make_environment
from a2d.specs.task import load_task
from benchmarks.engines import ENVS, median_seconds, note

pytestmark = pytest.mark.filterwarnings("default")  # MuJoCo's are not ours to fix


@pytest.mark.parametrize(
    ("task", "count", "steps"),
    [
        ("tiny-catch", 64, 100),
        ("minatar-breakout", 64, 200),
        ("minatar-space_invaders", 64, 100),
        ("mujoco-half_cheetah", 16, 200),
        ("atari-pong", 16, 20),
    ],
)
def test_stepping(benchmark: BenchmarkFixture, task: str, count: int, steps: int) -> None:
    environments = make_environment(load_task(task, ENVS), count, 0)
    environments.reset()
    environments.action_space.seed(0)
    actions = [np.asarray(environments.action_space.sample()) for _ in range(steps)]

    def step() -> None:
        for action in actions:
            _, _, terminated, truncated, _ = environments.step(action)
            done = terminated | truncated
            if done.any():
                environments.reset(options={"reset_mask": done})

    benchmark.pedantic(step, rounds=10, warmup_rounds=1)  # type: ignore[no-untyped-call]
    note(benchmark, task=task, steps_per_second=count * steps / median_seconds(benchmark))
