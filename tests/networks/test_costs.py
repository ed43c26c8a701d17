"""FLOPs of single layers by hand; layers that are not known; latency."""

from __future__ import annotations

import time

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from a2d.errors import A2DError
from a2d.networks.costs import count_flops, count_parameters, measure_latency
from a2d.networks.interface import Interface, build_agent
from a2d.specs.architecture import Architecture, CellSpace


@pytest.mark.parametrize(
    ("layer", "shape", "flops"),
    [
        (nn.Linear(7, 5), (1, 7), 2 * 7 * 5),
        (nn.Conv2d(3, 8, 3, padding=1), (1, 3, 6, 6), 2 * 36 * 3 * 8 * 9),
        (nn.Conv2d(3, 8, 5, stride=2, padding=2), (1, 3, 7, 7), 2 * 16 * 3 * 8 * 25),
        (nn.Conv2d(8, 8, 3, padding=1, groups=8), (1, 8, 6, 6), 2 * 36 * 8 * 9),
        (nn.Conv2d(8, 4, 1, bias=False), (1, 8, 6, 6), 2 * 36 * 8 * 4),
        (
            nn.Sequential(nn.Linear(4, 4), nn.GroupNorm(2, 4), nn.Tanh(), nn.Identity()),
            (1, 4),
            2 * 16,
        ),
    ],
    ids=str,
)
def test_layers_by_hand(layer: nn.Module, shape: tuple[int, ...], flops: int) -> None:
    assert count_flops(layer, torch.zeros(shape)) == flops
    assert count_flops(layer, torch.zeros(3, *shape[1:])) == 3 * flops


@pytest.mark.parametrize("design", ["vanilla", "resnet14", "searched"])
def test_whole_agents_as_pytorch_counts_them(design: str) -> None:
    interface = Interface(
        observation_shape=(4, 10, 10),
        bytes_observed=False,
        actions=6,
        continuous=False,
        normalized=False,
    )
    operators = ("conv3", "inverted5_e5", "inverted3_e3")
    searched = Architecture(
        space="convolution", cells=CellSpace(cells=3, width=8), operators=operators
    )
    agent = build_agent(searched if design == "searched" else design, interface)
    x = torch.zeros(2, 4, 10, 10)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        agent(x)
    assert count_flops(agent, x) == counter.get_total_flops() > 0


def test_counting_inside_inference_mode_or_a_gradient_changes_nothing() -> None:
    layer = nn.Linear(7, 5)
    with torch.no_grad():
        assert count_flops(layer, torch.zeros(1, 7)) == 70
    assert count_flops(layer.train(), torch.zeros(1, 7, requires_grad=True)) == 70


@pytest.mark.parametrize("layer", [nn.LSTM(4, 4), nn.ConvTranspose2d(2, 2, 3), nn.BatchNorm2d(4)])
def test_unknown_layer_is_an_error_that_names_it(layer: nn.Module) -> None:
    with pytest.raises(A2DError, match=r"1.*not known"):
        count_flops(nn.Sequential(nn.Linear(4, 4), layer), torch.zeros(1, 4))


def test_the_normaliser_is_free() -> None:
    interface = Interface(
        observation_shape=(4,), bytes_observed=False, actions=2, continuous=True, normalized=True
    )
    plain = interface.model_copy(update={"normalized": False})
    x = torch.zeros(1, 4)
    assert count_flops(build_agent("mlp8", interface), x) == count_flops(
        build_agent("mlp8", plain), x
    )


def test_only_trainable_parameters_are_counted() -> None:
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    assert count_parameters(network) == 8 + 6
    network[1].requires_grad_(False)
    assert count_parameters(network) == 8


def advance(clock: list[float], seconds: float) -> None:
    clock[0] += seconds


def test_latency_is_in_milliseconds_and_leaves_the_threads_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads, clock = torch.get_num_threads(), [0.0]
    seen: set[int] = set()

    def call() -> None:
        seen.add(torch.get_num_threads())
        advance(clock, 0.0015)

    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    torch.set_num_threads(2)
    try:
        latency = measure_latency(call)
        assert torch.get_num_threads() == 2 and seen == {1}
    finally:
        torch.set_num_threads(threads)
    assert latency == pytest.approx((1.5, 1.5))


def test_latency_is_that_of_the_calmest_round_whatever_disturbs_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two thirds of all calls are disturbed, so that the median over all is the disturbance's."""
    calls, clock = 0, [0.0]

    def call() -> None:
        nonlocal calls
        calls += 1
        disturbed = calls <= 30 + 200  # the warm-up's calls, and the first of those that are timed
        advance(clock, 0.006 if disturbed else 0.001)

    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    latency = measure_latency(call)
    assert calls == 30 + 300
    assert latency == pytest.approx((1.0, 6.0))
