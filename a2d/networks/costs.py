"""What a network costs: FLOPs, parameters, and latency at batch 1 on one thread.

One multiply-accumulate counts as two FLOPs. Convolutions and matrix products are counted;
activations, normalisations and additions are not, as is usual in the literature.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from a2d.errors import A2DError
from a2d.networks.manual import AveragePool
from a2d.networks.normalizer import Normalizer

COUNTED = (nn.Conv2d, nn.Linear)
FREE = (nn.ReLU, nn.Tanh, nn.Identity, nn.Flatten, nn.GroupNorm, AveragePool, Normalizer)
LATENCY_ROUNDS, LATENCY_CALLS = 15, 20  # calls of each round
LATENCY_PAUSE_S = 0.01  # between rounds, so that no one disturbance meets them all
LATENCY_WARM_UP = 30


class Latency(NamedTuple):
    """Milliseconds per call: lowest median of the rounds, and 99th percentile of all calls.

    Other load can only add to a call's time, so the lowest median is nearest to the network's own
    latency. The percentile is mostly such noise: records keep it, and nothing shows it.
    """

    median_ms: float
    p99_ms: float


def count_flops(network: nn.Module, *inputs: Any) -> int:
    """Return the FLOPs of one forward call.

    Raises:
        A2DError: the network holds a layer whose cost this count does not know.
    """
    for name, layer in network.named_modules():
        if next(layer.children(), None) is None and not isinstance(layer, (*COUNTED, *FREE)):
            raise A2DError(
                f"layer {name or 'itself'}: the FLOPs of {type(layer).__name__} are not known"
            )
    flops = 0

    def count(layer: nn.Module, inputs: object, output: Tensor) -> None:
        nonlocal flops
        assert isinstance(layer.weight, Tensor)
        flops += 2 * output.numel() * layer.weight[0].numel()

    hooks = [
        layer.register_forward_hook(count)
        for layer in network.modules()
        if isinstance(layer, COUNTED)
    ]
    try:
        with torch.no_grad():
            network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return flops


def count_parameters(network: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


def measure_latency(call: Callable[[], object]) -> Latency:
    """Time ``call`` on one thread, after a warm-up, in rounds with pauses between them."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in range(LATENCY_WARM_UP):
            call()
        durations = np.array([_round(call) for _ in range(LATENCY_ROUNDS)]) * 1e3
    finally:
        torch.set_num_threads(threads)
    return Latency(float(np.median(durations, axis=1).min()), float(np.percentile(durations, 99)))


def _round(call: Callable[[], object]) -> list[float]:
    """Return the seconds that each call of one round takes."""
    time.sleep(LATENCY_PAUSE_S)
    durations = []
    for _ in range(LATENCY_CALLS):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return durations
