"""Networks against counts made by hand: sizes, parameters, FLOPs, layouts, distributions."""

from __future__ import annotations

import math
from copy import deepcopy
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn
from torch.distributions import Categorical, Independent

from a2d.errors import A2DError
from a2d.networks.agent import Agent
from a2d.networks.costs import count_flops, count_parameters
from a2d.networks.interface import Interface, build_agent
from a2d.networks.manual import manual_backbone
from a2d.specs.architecture import (
    MANUAL_NETWORKS,
    OPERATORS,
    PAPER_OPERATORS,
    PAPER_RESNETS,
    Architecture,
    CellSpace,
    Space,
    sample_architecture,
)

ATARI = Interface(
    observation_shape=(4, 84, 84),
    bytes_observed=True,
    actions=6,
    continuous=False,
    normalized=False,
)
MINATAR = ATARI.model_copy(update={"observation_shape": (6, 10, 10), "bytes_observed": False})
MUJOCO = Interface(
    observation_shape=(17,), bytes_observed=False, actions=3, continuous=True, normalized=True
)
VECTORS = MUJOCO.model_copy(update={"continuous": False, "normalized": False})
PIXELS_CONTINUOUS = MINATAR.model_copy(update={"continuous": True})


def observe(interface: Interface, batch: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (batch, *interface.observation_shape)
    if interface.bytes_observed:
        return torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    return torch.rand(shape, generator=generator)


def architecture(space: Space, seed: int = 0, **fields: Any) -> Architecture:
    return sample_architecture(
        space, CellSpace(**fields), tuple(PAPER_OPERATORS[space]), np.random.default_rng(seed)
    )


def conv(inputs: int, outputs: int, kernel: int, pixels: int) -> np.ndarray:
    """Parameters and FLOPs of a convolution with ``pixels`` outputs a channel."""
    weights = inputs * outputs * kernel**2
    return np.array([weights + outputs, 2 * weights * pixels])


def linear(inputs: int, outputs: int) -> np.ndarray:
    return conv(inputs, outputs, 1, 1)


def heads(features: int, actions: int) -> np.ndarray:
    return linear(features, 256) + linear(256, actions) + linear(256, 1)


def costs_of(agent: Agent, interface: Interface) -> list[int]:
    return [count_parameters(agent), count_flops(agent, observe(interface, 1))]


def test_costs_of_the_vanilla_network_by_hand() -> None:
    layers = (
        conv(4, 32, 8, 20 * 20) + conv(32, 64, 4, 9 * 9) + conv(64, 64, 3, 7 * 7) + heads(3136, 6)
    )
    assert costs_of(build_agent("vanilla", ATARI), ATARI) == layers.tolist()
    layers = (
        conv(6, 32, 3, 10 * 10) + conv(32, 64, 3, 5 * 5) + conv(64, 64, 3, 3 * 3) + heads(576, 6)
    )
    assert costs_of(build_agent("vanilla", MINATAR), MINATAR) == layers.tolist()


@pytest.mark.parametrize(
    "network", [*PAPER_RESNETS, "resnet8_w4", "resnet20_w8", "resnet14_pooled"]
)
@pytest.mark.parametrize(
    ("interface", "stem", "sizes"),
    [(ATARI, 42, (21, 11, 6)), (MINATAR, 10, (10, 5, 3))],
    ids=["84", "10"],
)
def test_costs_of_resnets_by_hand(
    network: str, interface: Interface, stem: int, sizes: tuple[int, int, int]
) -> None:
    depth, *rest = network.removeprefix("resnet").split("_")
    blocks, first = (int(depth) - 2) // 6, 16
    if rest and rest[0].startswith("w"):
        first = int(rest[0].removeprefix("w"))
    total = conv(interface.observation_shape[0], first, 3, stem**2)
    for (size_in, size), (inputs, width) in zip(
        pairwise((stem, *sizes)), pairwise((first, first, 2 * first, 4 * first)), strict=True
    ):
        total += conv(inputs, width, 3, size**2) + (2 * blocks - 1) * conv(width, width, 3, size**2)
        if size_in != size or inputs != width:
            total += conv(inputs, width, 1, size**2)
    kept = 1 if rest == ["pooled"] else sizes[-1] ** 2
    total += heads(4 * first * kept, 6)
    assert costs_of(build_agent(network, interface), interface) == total.tolist()


def test_a_single_convolution_by_hand() -> None:
    layers = conv(6, 16, 3, 10 * 10) + heads(16 * 100, 6)
    assert costs_of(build_agent("conv16", MINATAR), MINATAR) == layers.tolist()


def test_pooling_averages_the_features_that_a_dense_layer_would_see_one_by_one() -> None:
    pooled, plain = (build_agent(name, MINATAR) for name in ("resnet14_pooled", "resnet14"))
    pooled.backbone.load_state_dict(plain.backbone.state_dict())
    observation = torch.rand(5, *MINATAR.observation_shape)
    features = plain.backbone(observation)
    assert torch.allclose(pooled.backbone(observation), features.flatten(2).mean(dim=2), atol=1e-6)


@pytest.mark.parametrize("network", PAPER_RESNETS)
def test_depth_in_the_name_counts_convolutions_and_the_hidden_layer(network: str) -> None:
    agent = build_agent(network, MINATAR)
    kernels = [
        layer.kernel_size for layer in agent.backbone.modules() if isinstance(layer, nn.Conv2d)
    ]
    hidden = [layer for layer in agent.trunk.modules() if isinstance(layer, nn.Linear)]
    assert (
        kernels.count((3, 3)) + len(hidden)
        == int(network.removeprefix("resnet"))
        == 6 * PAPER_RESNETS[network].blocks + 2
    )


def test_costs_of_an_mlp_by_hand() -> None:
    layers = linear(17, 64) + linear(64, 64) + linear(64, 3) + linear(64, 1)
    agent = build_agent("mlp64", MUJOCO)
    found = count_parameters(agent)
    assert found == layers[0] + 3, "and one deviation per action"
    assert count_flops(agent, observe(MUJOCO, 1)) == layers[1]


@pytest.mark.parametrize(
    ("interface", "design"),
    [
        *product((ATARI, MINATAR, PIXELS_CONTINUOUS), ("vanilla", "resnet14")),
        *product((MINATAR,), MANUAL_NETWORKS["pixels"]),
        *product((MUJOCO, VECTORS), MANUAL_NETWORKS["vectors"]),
        (MINATAR, architecture("convolution", width=8)),
        (ATARI, architecture("convolution", cells=3, width=4)),
        (MUJOCO, architecture("dense", cells=4)),
        (VECTORS, architecture("dense", cells=2)),
    ],
    ids=str,
)
def test_every_network_gives_a_policy_and_a_value(
    interface: Interface, design: str | Architecture
) -> None:
    agent = build_agent(design, interface)
    policy, values = agent(observe(interface))
    actions = policy.sample()
    assert values.shape == policy.log_prob(actions).shape == policy.entropy().shape == (5,)
    if interface.continuous:
        assert isinstance(policy, Independent) and actions.shape == (5, interface.actions)
        assert torch.equal(policy.stddev, torch.ones(5, interface.actions))
        assert policy.mean.abs().max() < 0.5
    else:
        assert isinstance(policy, Categorical) and actions.shape == (5,)
        assert (policy.probs - 1 / interface.actions).abs().max() < 0.1, "nearly uniform at first"
    (values.sum() + policy.log_prob(actions).sum()).backward()
    assert all(
        weight.grad is not None and weight.grad.isfinite().all() for weight in agent.parameters()
    )


def pixels(height: int, width: int) -> Interface:
    return Interface(
        observation_shape=(3, height, width),
        bytes_observed=True,
        actions=4,
        continuous=False,
        normalized=False,
    )


@pytest.mark.parametrize(
    ("height", "width"), [(84, 30), (30, 84), (39, 40), (210, 3), (5, 1), (1, 1), (3, 3), (2, 41)]
)
@pytest.mark.parametrize(
    "design",
    [
        "vanilla",
        "resnet14",
        *(
            Architecture(space="convolution", cells=cells, operators=(operator,) * 3)
            for cells in (
                CellSpace(cells=3, width=4, shortcut="identity"),
                CellSpace(cells=3, width=8, normalization="group"),
            )
            for operator in ("conv5", "inverted3_e1", "inverted5_e1", "skip")
        ),
    ],
    ids=str,
)
def test_images_of_any_sides(design: str | Architecture, height: int, width: int) -> None:
    """Every side is shrunk by its own length, and gradients flow, whatever the sides."""
    agent = build_agent(design, pixels(height, width))
    x = agent.preprocess(torch.randint(0, 256, (2, 3, height, width), dtype=torch.uint8))

    def shrunk(side: int) -> int:
        if design == "vanilla" and side >= 40:
            return (((side - 8) // 4 + 1 - 4) // 2 + 1) - 2
        times = 3 if side >= 40 and design != "vanilla" else 1
        return math.ceil(math.ceil(side / 2) / 2) if times == 1 else math.ceil(side / 16)

    with torch.no_grad():
        assert agent.backbone(x).shape[2:] == (shrunk(height), shrunk(width))
    outputs, values = agent.heads(x)
    (outputs.square().sum() + values.sum()).backward()
    assert all(
        weight.grad is not None and weight.grad.isfinite().all() for weight in agent.parameters()
    )


@pytest.mark.parametrize(
    ("space", "interface"), [("dense", VECTORS), ("convolution", pixels(2, 2))]
)
def test_groups_of_a_single_value_are_refused(space: Space, interface: Interface) -> None:
    for width, normalization in ((8, "group"), (4, "none")):
        fitting = architecture(space, cells=3, width=width, normalization=normalization)
        assert build_agent(fitting, interface)(observe(interface, 1))[1].isfinite().all()
    with pytest.raises(A2DError, match=r"normalization 'group' at width 4: .* width of 8 or more"):
        build_agent(architecture(space, cells=3, width=4, normalization="group"), interface)


def test_an_oblong_image_costs_what_its_pixels_cost_by_hand() -> None:
    """84 → 20 → 9 → 7 high by kernels 8, 4, 3; 30 → 30 → 15 → 8 wide by kernels 3, 3, 3."""
    features = 64 * 7 * 8
    macs = 20 * 30 * 32 * 3 * 8 * 3 + 9 * 15 * 64 * 32 * 4 * 3 + 7 * 8 * 64 * 64 * 3 * 3
    macs += features * 256 + 256 * 4 + 256
    interface = pixels(84, 30)
    assert count_flops(build_agent("vanilla", interface), interface.blank()) == 2 * macs


def test_bytes_are_scaled_and_floats_are_not() -> None:
    agent = build_agent("vanilla", ATARI)
    images = observe(ATARI)
    x = agent.preprocess(images)
    assert x.dtype == torch.float32 and torch.allclose(x * 255, images.float())
    assert agent.preprocess(
        torch.full((1, 4, 84, 84), 255, dtype=torch.uint8)
    ).max().item() == pytest.approx(1)
    floats = observe(MINATAR)
    assert torch.equal(build_agent("vanilla", MINATAR).preprocess(floats), floats)


def test_vectors_are_standardised_where_the_task_asks() -> None:
    agent, plain = build_agent("mlp8", MUJOCO), build_agent("mlp8", VECTORS)
    assert plain.normalizer is None and agent.normalizer is not None
    agent.normalizer.update(torch.randn(400, 17) * 4 + 7)
    batch = torch.randn(100, 17) * 4 + 7
    x = agent.preprocess(batch)
    assert x.mean().abs() < 0.2 and abs(x.std().item() - 1) < 0.2
    assert torch.equal(plain.preprocess(batch), batch)


@pytest.mark.parametrize(
    "design",
    [
        "vanilla",
        "resnet14",
        architecture("convolution", cells=6, shortcut="identity", normalization="group"),
    ],
)
def test_memory_layout_changes_no_result(design: str | Architecture) -> None:
    agent = build_agent(design, MINATAR)
    first = next(layer for layer in agent.modules() if isinstance(layer, nn.Conv2d))
    assert first.weight.is_contiguous(memory_format=torch.channels_last)
    contiguous = deepcopy(agent)
    for weight in contiguous.parameters():
        weight.data = weight.data.contiguous()
    x = observe(MINATAR)
    with torch.no_grad():
        for ours, theirs in zip(agent.heads(agent.preprocess(x)), contiguous.heads(x), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)


def test_residual_branches_start_at_zero() -> None:
    deep = build_agent("resnet38", MINATAR)
    x = torch.rand(2, 6, 10, 10)
    with torch.no_grad():
        stem = deep.backbone[1](deep.backbone[0](x))  # type: ignore[index]
        first_block = deep.backbone[2](stem)  # type: ignore[index]
    assert torch.equal(first_block, stem)


@pytest.mark.parametrize(
    ("network", "shape"),
    [("resnet15", (4, 84, 84)), ("mlp64", (4, 84, 84)), ("vanilla", (17,)), ("", (17,))],
)
def test_unfit_network_is_told_with_those_that_fit(network: str, shape: tuple[int, ...]) -> None:
    with pytest.raises(A2DError, match="resnet14" if len(shape) == 3 else "mlp64"):
        manual_backbone(network, shape)


@pytest.mark.parametrize(
    ("interface", "design"),
    [(MINATAR, architecture("dense")), (MUJOCO, architecture("convolution"))],
)
def test_architecture_of_another_space_is_told(interface: Interface, design: Architecture) -> None:
    with pytest.raises(A2DError, match=r"dense|convolution"):
        build_agent(design, interface)


@pytest.mark.parametrize(
    "changes",
    [
        {"operators": ("skip", "conv7")},
        {"operators": ("skip",)},
        {"space": "dense"},
        {"cells": {"cells": 0}},
    ],
)
def test_impossible_architecture_is_refused(changes: dict[str, Any]) -> None:
    good = {"space": "convolution", "cells": {"cells": 2}, "operators": ("skip", "conv5")}
    assert Architecture.model_validate(good).skips() == 1
    with pytest.raises(ValidationError):
        Architecture.model_validate(good | changes)


def test_sampled_architectures_are_uniform_and_reproducible() -> None:
    first, again = (architecture("convolution", seed=3, cells=900) for _ in range(2))
    assert first == again != architecture("convolution", seed=4, cells=900)
    counts = [first.operators.count(name) for name in OPERATORS["convolution"]]
    assert (
        min(counts) > 65 and max(counts) < 135
    )  # of 100 each; more than 3.5 deviations away is a fault
