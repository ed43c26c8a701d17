"""What the benchmarks compare: trainings that advance by some updates, timed in turns."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from stable_baselines3.common.env_util import make_atari_env
from stable_baselines3.common.vec_env import VecEnv, VecFrameStack, VecNormalize, VecTransposeImage

from a2d.algorithms.a2c import A2C
from a2d.algorithms.rollout import Collector
from a2d.environments import BatchedEnvironment, make_environment
from a2d.environments.vector import Array, StepResult
from a2d.networks.interface import build_agent, build_supernet_agent, interface_of
from a2d.networks.layers import Layer
from a2d.networks.supernet import Supernet
from a2d.runs.process import THREADS, prepare
from a2d.search.gumbel import Gumbel
from a2d.specs.algorithm import A2CSettings
from a2d.specs.architecture import CellSpace
from a2d.specs.run import ManualAgent, SearchSpec, TrainSpec
from a2d.specs.search import GumbelSettings
from a2d.specs.task import TaskCard, load_task
from benchmarks.agreement import fresh_agent, sb3_environments, sb3_model

ENVS = Path(__file__).parent.parent / "envs"
UPDATES = 10**6  # of a whole training; only its first are played
PROGRESS = 0.1
WARM_UP = 2

Advance = Callable[[int], None]


def train_spec(task: str, network: str, environments: int) -> TrainSpec:
    """Return a manual network's training with the library's default settings."""
    settings = A2CSettings(environments=environments)
    steps = UPDATES * settings.steps_per_update
    card = load_task(task, ENVS)
    return TrainSpec(
        task=card, steps=steps, seed=0, a2c=settings, agent=ManualAgent(network=network)
    )


def search_spec(task: str, cells: int, paths: int, environments: int) -> SearchSpec:
    """Return a search with the library's default settings but its size and K."""
    settings = A2CSettings(environments=environments)
    search = GumbelSettings(space=CellSpace(cells=cells), backward_paths=paths)
    steps = UPDATES * settings.steps_per_update
    return SearchSpec(task=load_task(task, ENVS), steps=steps, seed=0, a2c=settings, search=search)


class StillEnvironment(BatchedEnvironment):
    """Shows the same observations at no cost, so that only network and learner are timed."""

    def __init__(self, like: BatchedEnvironment) -> None:
        super().__init__(
            like.card, like.num_envs, like.single_observation_space, like.single_action_space, 0
        )
        self._shown = like.reset(seed=0)[0]

    def _reset(self, indices: Array, seeds: list[int] | None) -> Array:
        return self._shown

    def _step(self, actions: Array) -> StepResult:
        ends = np.zeros(self.num_envs, dtype=bool)
        return self._shown, np.ones(self.num_envs, dtype=np.float32), ends, ends, {}


def ours(spec: TrainSpec | SearchSpec, still: bool = False) -> tuple[Advance, A2C]:
    """Return our training, and its learner; ``still`` leaves out the environments' time."""
    prepare()
    torch.manual_seed(spec.seed)
    environments = make_environment(spec.task, spec.a2c.environments, 0)
    interface = interface_of(environments, spec.task.normalize_observations)
    searcher = None
    if isinstance(spec, SearchSpec):
        candidates = spec.search.operators(spec.space)
        agent = build_supernet_agent(spec.search.space, candidates, interface)
        assert isinstance(agent.backbone, Supernet)
        searcher = Gumbel(spec, agent.backbone)
    else:
        assert isinstance(spec.agent, ManualAgent)
        agent = build_agent(spec.agent.network, interface)
    learner = A2C(agent, spec.a2c, spec.distillation, None, searcher)
    played = StillEnvironment(environments) if still else environments
    collector = Collector(played, spec.task, 0, spec.a2c.discount)

    def advance(updates: int) -> None:
        for _ in range(updates):
            learner.update(learner.collect(collector), PROGRESS)

    return advance, learner


@contextmanager
def sb3(spec: TrainSpec) -> Iterator[Advance]:
    """Yield stable-baselines3's A2C on the same network, with its environments, buffer, losses.

    It has a process to itself, as its users would run it: what ours asks of the memory allocator is
    ours alone.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve_sb3, args=(spec, there), daemon=True)
    process.start()
    there.close()  # so that a process that died is an error here, and nobody waits for it

    def advance(updates: int) -> None:
        here.send(updates)
        assert here.recv() == updates

    yield advance
    here.send(0)
    process.join()


def _serve_sb3(spec: TrainSpec, connection: Connection) -> None:
    """Advance by as many updates as are asked for, until none are."""
    torch.set_num_threads(THREADS)
    agent = fresh_agent(spec)
    for layer in agent.modules():
        if isinstance(layer, Layer):
            layer.forward = layer.output  # type: ignore[method-assign]  # PyTorch's gradients, as SB3's users have
    model = sb3_model(
        agent, _sb3_environments(spec.task, spec.a2c.environments), spec.a2c, UPDATES, 0
    )
    model.learn(spec.a2c.steps_per_update)
    while updates := connection.recv():
        model.learn(updates * spec.a2c.steps_per_update, reset_num_timesteps=False)
        connection.send(updates)


def _sb3_environments(card: TaskCard, count: int) -> VecEnv:
    """Return the task as SB3's own tools make it."""
    if card.family == "atari":
        name = f"ALE/{card.id.title().replace('_', '')}-v5"
        options = {"frameskip": 1, "repeat_action_probability": 0.0}
        return VecTransposeImage(
            VecFrameStack(make_atari_env(name, count, seed=0, env_kwargs=options), 4)
        )
    environments = sb3_environments(card, count)
    if card.normalize_observations:
        return VecNormalize(environments, norm_reward=False)
    return environments


def in_turns(
    benchmark: BenchmarkFixture,
    measured: Advance,
    reference: Advance,
    seconds: float = 0.5,
    rounds: int = 12,
) -> None:
    """Time both in turns, ``rounds`` times; the ratio is the median over rounds.

    Taking turns makes both feel the same load of a shared machine. ``extra_info`` gets ``seconds``
    and ``reference_seconds``, per update, and ``ratio``, how many times as fast the measured one
    is.
    """
    updates = {advance: _updates_for(advance, seconds) for advance in (measured, reference)}
    times: dict[Advance, list[float]] = {measured: [], reference: []}

    def timed(advance: Advance) -> None:
        start = time.perf_counter()
        advance(updates[advance])
        times[advance].append((time.perf_counter() - start) / updates[advance])

    setup = partial(timed, reference)
    benchmark.pedantic(timed, (measured,), setup=setup, rounds=rounds, warmup_rounds=1)  # type: ignore[no-untyped-call]
    # The warm-up's round counts for neither.
    pairs = list(zip(times[reference][-rounds:], times[measured][-rounds:], strict=True))
    note(
        benchmark,
        seconds=median(mine for _, mine in pairs),
        reference_seconds=median(other for other, _ in pairs),
        ratio=median(other / mine for other, mine in pairs),
    )


def _updates_for(advance: Advance, seconds: float) -> int:
    advance(WARM_UP)
    start = time.perf_counter()
    advance(WARM_UP)
    return max(1, round(seconds * WARM_UP / (time.perf_counter() - start)))


def median_seconds(benchmark: BenchmarkFixture) -> float:
    """Return the median of the rounds that were measured."""
    assert benchmark.stats is not None
    return float(benchmark.stats.stats.median)


def note(benchmark: BenchmarkFixture, **numbers: Any) -> None:
    """Keep numbers beside the benchmark's own."""
    benchmark.extra_info.update(numbers)
