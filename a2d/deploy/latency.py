"""Latency of one decision, eager and deployed, of many networks side by side on one thread.

Eager PyTorch's latency at batch 1 counts layers; that of a runtime which compiles the graph follows
the arithmetic. The networks take turns, so that a disturbance of the machine meets all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from importlib.metadata import version
from typing import NamedTuple, TypeVar

import numpy as np
import torch

from a2d.deploy.export import open_session, to_onnx
from a2d.deploy.policy import NativePolicy
from a2d.environments import open_environment
from a2d.environments.vector import NativeSpaces
from a2d.networks.agent import Agent
from a2d.networks.costs import count_flops, count_parameters
from a2d.networks.interface import Interface, build_agent, interface_of
from a2d.runs.latencies import Latencies, NetworkLatency, Spread
from a2d.runs.process import THREADS
from a2d.runs.provenance import collect_provenance
from a2d.seeds import seed_global_streams
from a2d.specs.architecture import Architecture
from a2d.specs.task import TaskCard

ROUNDS = 21
CALLS, WARM_UP = 20, 5  # of every network in every round; the first bring it back into the cache
Design = str | Architecture
Name = TypeVar("Name", bound=Hashable)


class Task(NamedTuple):
    """What is needed of a task to build networks for it."""

    interface: Interface
    spaces: NativeSpaces


def open_task(card: TaskCard) -> Task:
    """Build the task's environment and return what it is like."""
    seed_global_streams(0)
    with open_environment(card, 1, 0) as environment:
        return Task(interface_of(environment, card.normalize_observations), environment.native)


def eager_call(agent: Agent, interface: Interface) -> Callable[[], object]:
    """Return one decision in eager PyTorch."""
    observation = interface.blank()

    def act() -> None:
        with torch.inference_mode():
            agent(observation)

    return act


def deployed_call(agent: Agent, spaces: NativeSpaces) -> Callable[[], object]:
    """Return one decision in ONNX Runtime, as a program without PyTorch makes it."""
    run = open_session(to_onnx(NativePolicy(agent, spaces))).run
    declared = spaces.observation
    inputs = {
        "observation": np.zeros((1, *declared.shape), declared.dtype),
        "noise": np.zeros((1, agent.actor.out_features), np.float32),
    }
    return lambda: run(["action"], inputs)


def measure(calls: Mapping[Name, Callable[[], object]], rounds: int = ROUNDS) -> dict[Name, Spread]:
    """Time all calls in turns, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    medians: dict[Name, list[float]] = {name: [] for name in calls}
    try:
        for _ in range(rounds):
            for name, call in calls.items():
                medians[name].append(_median_ms(call))
    finally:
        torch.set_num_threads(threads)
    return {name: _spread(found) for name, found in medians.items()}


def _median_ms(call: Callable[[], object]) -> float:
    for _ in range(WARM_UP):
        call()
    durations = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return float(np.median(durations)) * 1e3


def _spread(medians: list[float]) -> Spread:
    low, median, high = (round(float(q), 5) for q in np.quantile(medians, (0.25, 0.5, 0.75)))
    return Spread(median_ms=median, low_ms=low, high_ms=high)


class Costs(NamedTuple):
    """What one decision of a network costs."""

    flops: int
    parameters: int
    eager: Spread
    deployed: Spread


def measure_costs(card: TaskCard, design: Design) -> Costs:
    """Count and measure what a network costs on a task."""
    task = open_task(card)
    agent = build_agent(design, task.interface).eval()
    found = measure(
        {
            "eager": eager_call(agent, task.interface),
            "deployed": deployed_call(agent, task.spaces),
        }
    )
    flops = count_flops(agent, task.interface.blank())
    return Costs(flops, count_parameters(agent), found["eager"], found["deployed"])


def measure_networks(networks: Iterable[tuple[TaskCard, Design]]) -> Latencies:
    """Measure networks with random weights, side by side."""
    tasks: dict[str, Task] = {}
    calls: dict[tuple[str, Design, str], Callable[[], object]] = {}
    for card, design in networks:
        if card.name not in tasks:
            tasks[card.name] = open_task(card)
        task = tasks[card.name]
        agent = build_agent(design, task.interface).eval()
        calls[card.name, design, "eager"] = eager_call(agent, task.interface)
        calls[card.name, design, "deployed"] = deployed_call(agent, task.spaces)
    spreads = measure(calls)
    here = collect_provenance(THREADS)
    return Latencies(
        processor=here.processor,
        cores=here.cores,
        versions={
            **{name: here.versions[name] for name in ("python", "torch", "numpy")},
            "onnxruntime": version("onnxruntime"),
        },
        rounds=ROUNDS,
        networks=tuple(
            NetworkLatency(
                task=task,
                design=design,
                eager=spreads[task, design, "eager"],
                deployed=spreads[task, design, "deployed"],
            )
            for task, design, runtime in calls
            if runtime == "eager"
        ),
    )
