"""Training against stable-baselines3's, and search against training ResNet-14, on one thread."""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmarks.engines import in_turns, note, ours, sb3, search_spec, train_spec

BREAKOUT = "minatar-breakout"

pytestmark = pytest.mark.filterwarnings("default")  # MuJoCo's and SB3's are not ours to fix


@pytest.mark.parametrize(
    ("task", "network", "environments"),
    [
        (BREAKOUT, "vanilla", 64),
        (BREAKOUT, "resnet14", 64),
        (BREAKOUT, "resnet20", 64),
        (BREAKOUT, "resnet14_w8", 32),  # the study's small sizes, as it trains them
        (BREAKOUT, "resnet8_w8", 32),
        (BREAKOUT, "resnet8_w4", 32),
        ("atari-pong", "vanilla", 16),
        ("atari-pong", "resnet14", 16),
        ("mujoco-half_cheetah", "mlp64", 16),
    ],
)
def test_training_against_stable_baselines3(
    benchmark: BenchmarkFixture, task: str, network: str, environments: int
) -> None:
    spec = train_spec(task, network, environments)
    with sb3(spec) as reference:
        in_turns(benchmark, ours(spec)[0], reference, seconds=1.0 if "atari" in task else 0.5)
    note(benchmark, task=task, network=network, steps_per_update=spec.a2c.steps_per_update)


@pytest.mark.parametrize("paths", [1, 2])
@pytest.mark.parametrize("cells", [6, 14])
def test_search_against_training(benchmark: BenchmarkFixture, cells: int, paths: int) -> None:
    spec = search_spec(BREAKOUT, cells, paths, 64)
    # Every update samples another architecture: rounds long enough to average over many.
    in_turns(benchmark, ours(spec)[0], ours(train_spec(BREAKOUT, "resnet14", 64))[0], seconds=3.0)
    note(benchmark, cells=cells, paths=paths, steps_per_update=spec.a2c.steps_per_update)
