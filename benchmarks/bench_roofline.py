"""An update against its roofline: its products at the best speed that they reach alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from statistics import median

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor, nn

from a2d.networks.agent import Agent
from a2d.networks.costs import count_flops
from a2d.networks.layers import Convolution, Dense
from benchmarks.engines import median_seconds, note, ours, train_spec

REPETITIONS = 15
ROUNDS = 12
UPDATES = 8

Product = Convolution | Dense


@pytest.mark.parametrize("network", ["vanilla", "resnet14", "resnet38"])
def test_update_against_roofline(benchmark: BenchmarkFixture, network: str) -> None:
    spec = train_spec("minatar-breakout", network, 64)
    advance, learner = ours(spec, still=True)
    advance(UPDATES)
    acting, learning = spec.a2c.environments, spec.a2c.steps_per_update
    before = ideal_seconds(learner.agent, acting, learning)
    benchmark.pedantic(advance, (UPDATES,), rounds=ROUNDS, warmup_rounds=1)  # type: ignore[no-untyped-call]
    ideal = (before + ideal_seconds(learner.agent, acting, learning)) / 2
    seconds = median_seconds(benchmark) / UPDATES
    flops = update_flops(learner.agent, acting, learning)
    note(
        benchmark,
        network=network,
        gflops=flops / seconds / 1e9,
        best_gflops=flops / ideal / 1e9,
        steps_per_second=learning / seconds,
        best_steps_per_second=learning / ideal,
        ratio=ideal / seconds,
    )


def products_of(agent: Agent, batch: int) -> list[tuple[Product, Tensor, Tensor]]:
    """Return every product of a forward pass with input and output, in calling order."""
    calls: list[tuple[Product, Tensor, Tensor]] = []

    def keep(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, (Convolution, Dense))
        calls.append((layer, inputs[0].clone(), output.clone()))

    hooks = [
        layer.register_forward_hook(keep)
        for layer in agent.modules()
        if isinstance(layer, (Convolution, Dense))
    ]
    with torch.no_grad():
        agent(torch.rand(batch, *agent.observation_shape))
    for hook in hooks:
        hook.remove()
    return calls


def ideal_seconds(agent: Agent, acting: int, learning: int) -> float:
    """Return the time of an update's products alone, each at its best batch size and memory layout.

    Args:
        agent: for images.
        acting: N; the products run on N observations for every step, and once more for the last
            values.
        learning: T·N, the observations of the backward pass.
    """
    forward = zip(*(_forward_seconds(agent, batch) for batch in (acting, learning)), strict=True)
    backward = zip(*(_backward_seconds(agent, batch) for batch in (acting, learning)), strict=True)
    return (learning + acting) * sum(map(min, forward)) + learning * sum(map(min, backward))


def update_flops(agent: Agent, acting: int, learning: int) -> float:
    """Return the FLOPs of an update's products; the first layer passes no gradient on."""
    flops = [count_flops(layer, x) for layer, x, _ in products_of(agent, 1)]
    return (learning + acting) * sum(flops) + learning * (2 * sum(flops) - flops[0])


def _forward_seconds(agent: Agent, batch: int) -> list[float]:
    """Return every product's seconds per observation."""
    return [_best(layer.product, (x,)) for layer, x, _ in products_of(agent, batch)]


def _backward_seconds(agent: Agent, batch: int) -> list[float]:
    """Return products' seconds per observation for gradients; the first has none by its input."""
    return [
        _best(partial(layer.product_gradients, to_input=index > 0), (torch.randn_like(output), x))
        for index, (layer, x, output) in enumerate(products_of(agent, batch))
    ]


def _best(call: Callable[..., object], inputs: tuple[Tensor, ...]) -> float:
    """Return the call's seconds per observation in the better of two layouts of its inputs."""
    images = inputs[0].ndim == 4
    seconds = []
    for layout in (torch.contiguous_format, torch.channels_last)[: 2 if images else 1]:
        given = [x.contiguous(memory_format=layout) for x in inputs]
        times = []
        with torch.no_grad():
            for _ in range(REPETITIONS):
                start = time.perf_counter()
                call(*given)
                times.append(time.perf_counter() - start)
        seconds.append(median(times) / len(inputs[0]))
    return min(seconds)
