"""The supernet: its forward pass, alpha's gradient and the distribution of its samples."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from a2d.networks.agent import Agent
from a2d.networks.costs import count_flops
from a2d.networks.interface import Interface, build_agent
from a2d.networks.supernet import Gates, Supernet, operator_flops
from a2d.search.gumbel import probabilities, sample_gates
from a2d.specs.architecture import Architecture, CellSpace
from tests.learners import supernet_agent, supernet_of

PIXELS = Interface(
    observation_shape=(3, 10, 10),
    bytes_observed=False,
    actions=4,
    continuous=False,
    normalized=False,
)
VECTORS = Interface(
    observation_shape=(5,), bytes_observed=False, actions=2, continuous=True, normalized=False
)
SPACES = [
    (PIXELS, {"cells": 4, "width": 8}),
    (PIXELS, {"cells": 3, "width": 4, "shortcut": "identity"}),
    (PIXELS, {"cells": 3, "width": 4, "shortcut": "identity", "normalization": "group"}),
    (VECTORS, {"cells": 2, "width": 8}),
    (VECTORS, {"cells": 3, "width": 8, "shortcut": "identity", "normalization": "group"}),
]
NAMES = ["pixels", "pixels-shortcut", "pixels-group", "vectors", "vectors-group"]


def stronger_weights(agent: Agent) -> Agent:
    """Give every weight a size of its own: some start at zero, and zero hides mistakes."""
    generator = torch.Generator().manual_seed(1)
    for weight in agent.parameters():
        weight.data += 0.1 * torch.randn(weight.shape, generator=generator)
    return agent


def modules(parent: nn.Module, name: str) -> Any:
    return parent.get_submodule(name)


def copy_into_derived(agent: Agent, architecture: Architecture, interface: Interface) -> Agent:
    """Return the derived network with the supernet's weights, module by module."""
    derived = build_agent(architecture, interface)
    supernet, layers = supernet_of(agent), derived.backbone
    modules(layers, "0").load_state_dict(supernet.stem.state_dict())
    for index, operator in enumerate(architecture.operators):
        cell, chosen = (
            modules(supernet, f"cells.{index}"),
            supernet.candidates.index(operator),
        )
        mine = modules(layers, str(index + 1))
        mine.operator.load_state_dict(cell.operators[chosen].state_dict())
        if cell.shortcut is not None:
            mine.shortcut.load_state_dict(cell.shortcut.state_dict())
    for name in ("trunk", "actor", "critic"):
        modules(derived, name).load_state_dict(modules(agent, name).state_dict())
    return derived


@pytest.mark.parametrize(("interface", "fields"), SPACES, ids=NAMES)
@pytest.mark.parametrize("paths", [1, 2, 9])
def test_gates_give_the_derived_networks_outputs_and_gradients(
    interface: Interface, fields: dict[str, Any], paths: int
) -> None:
    torch.manual_seed(paths)
    cells = CellSpace(**fields)
    agent = stronger_weights(supernet_agent(cells, interface))
    alpha = torch.randn(cells.cells, 9, requires_grad=True)
    gates = sample_gates(alpha, 5.0, paths)
    space = supernet_of(agent).space
    operators = tuple(supernet_of(agent).candidates[path[0]] for path in gates.paths)
    derived = copy_into_derived(
        agent, Architecture(space=space, cells=cells, operators=operators), interface
    )
    x = torch.rand(6, *interface.observation_shape)
    supernet_of(agent).gates = gates
    outputs, expected = agent.heads(x), derived.heads(x)
    for ours, theirs in zip(outputs, expected, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)
    (outputs[0].sum() + outputs[1].square().sum()).backward()
    (expected[0].sum() + expected[1].square().sum()).backward()
    shared = [
        (supernet_of(agent).stem, modules(derived.backbone, "0")),
        (agent.actor, derived.actor),
    ]
    for index, path in enumerate(gates.paths):
        chosen = modules(agent.backbone, f"cells.{index}.operators.{path[0]}")
        shared.append((chosen, modules(derived.backbone, f"{index + 1}.operator")))
    for mine, its in shared:
        for ours, theirs in zip(mine.parameters(), its.parameters(), strict=True):
            assert ours.grad is not None and theirs.grad is not None
            assert torch.allclose(ours.grad, theirs.grad, rtol=1e-3, atol=1e-5)


def test_gates_of_an_architecture_are_its_derived_network() -> None:
    cells = CellSpace(cells=3, width=4)
    agent = stronger_weights(supernet_agent(cells, PIXELS))
    architecture = supernet_of(agent).architecture([4, 8, 0])
    assert architecture.operators == ("inverted3_e5", "skip", "conv3")
    x = torch.rand(2, 3, 10, 10)
    with torch.no_grad():
        supernet_of(agent).choose(architecture)
        outputs = agent.heads(x)
        expected = copy_into_derived(agent, architecture, PIXELS).heads(x)
    assert all(
        torch.allclose(ours, theirs, atol=1e-6)
        for ours, theirs in zip(outputs, expected, strict=True)
    )


def test_other_operators_receive_no_gradient() -> None:
    agent = stronger_weights(supernet_agent(CellSpace(cells=2, width=4), PIXELS))
    gates = sample_gates(torch.zeros(2, 9, requires_grad=True), 1.0, 9)
    supernet_of(agent).gates = gates
    agent.heads(torch.rand(2, 3, 10, 10))[0].square().sum().backward()
    for cell, operator in product(range(2), range(9)):
        weights = list(modules(agent.backbone, f"cells.{cell}.operators.{operator}").parameters())
        if operator == gates.paths[cell][0]:
            assert all(
                weight.grad is not None and weight.grad.abs().sum() > 0 for weight in weights
            )
        else:
            assert all(weight.grad is None for weight in weights)


def mixture(supernet: Supernet, x: Tensor, weights: Tensor) -> Tensor:
    """Run all operators of every cell and add them with the weights (cells, 9)."""
    x = supernet.stem(x)
    for cell, row in zip(supernet.cells, weights, strict=True):
        outputs = torch.stack([operator(x) for operator in modules(cell, "operators")])
        x = torch.einsum("k,k...->...", row, outputs)
    return x


@pytest.mark.parametrize("interface", [PIXELS, VECTORS], ids=["pixels", "vectors"])
@pytest.mark.parametrize("paths", [1, 2, 9])
def test_alphas_gradient_by_finite_differences(interface: Interface, paths: int) -> None:
    temperature, cells = 2.5, 3
    agent = stronger_weights(supernet_agent(CellSpace(cells=cells, width=4), interface)).double()
    supernet = supernet_of(agent)
    x = torch.rand(4, *interface.observation_shape, dtype=torch.float64)
    alpha = torch.randn(cells, 9, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(11)
    gates = sample_gates(alpha, temperature, paths)
    supernet.gates = gates
    output = supernet(x)
    direction = torch.randn_like(output)
    (output * direction).sum().backward()

    torch.manual_seed(11)
    noise = -torch.log(torch.empty_like(alpha).exponential_())
    scores = (alpha.detach() + noise).numpy() / temperature
    relaxed = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    seen = np.argsort(-relaxed, axis=1)[:, :paths]
    hard = torch.zeros(cells, 9, dtype=torch.float64)
    hard[range(cells), seen[:, 0]] = 1.0
    expected, step = np.zeros((cells, 9)), 1e-6
    with torch.no_grad():
        for cell in range(cells):
            for k in seen[cell]:
                weights = [hard.clone(), hard.clone()]
                weights[0][cell, k] += step
                weights[1][cell, k] -= step
                up, down = (
                    (mixture(supernet, x, weight) * direction).sum().item() for weight in weights
                )
                slope = (up - down) / (2 * step)  # <dL/dy, op_k(x)>
                jacobian = relaxed[cell, k] * ((np.arange(9) == k) - relaxed[cell]) / temperature
                expected[cell] += slope * jacobian
    assert alpha.grad is not None and np.abs(expected).max() > 1e-3
    assert np.allclose(alpha.grad.numpy(), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("temperature", [0.2, 1.0, 5.0])
@pytest.mark.parametrize("paths", [1, 3])
def test_samples_follow_the_softmax_of_alpha_whatever_the_temperature(
    temperature: float, paths: int
) -> None:
    torch.manual_seed(0)
    alpha = torch.tensor([0.0, 1.0, -1.0, 0.5, 0.0, 2.0, -2.0, 0.3, 0.1])
    gates = sample_gates(alpha.repeat(20_000, 1), temperature, paths)
    counts = np.bincount([path[0] for path in gates.paths], minlength=9)
    expected = np.exp(alpha.double().numpy())
    assert stats.chisquare(counts, 20_000 * expected / expected.sum()).pvalue > 1e-3


@pytest.mark.parametrize("paths", [1, 2, 9])
def test_gates_are_one_for_the_sampled_operator_and_zero_for_distinct_others(paths: int) -> None:
    gates = sample_gates(torch.randn(50, 9, requires_grad=True), 1.0, paths)
    assert gates.weights is not None and gates.weights.requires_grad
    assert torch.allclose(gates.weights, torch.eye(paths)[0].expand(50, paths), atol=1e-6)
    assert all(len(set(path)) == paths for path in gates.paths)


def test_samples_repeat_with_torchs_seed() -> None:
    alpha = torch.zeros(14, 9)

    def draw(seed: int) -> list[list[int]]:
        torch.manual_seed(seed)
        return sample_gates(alpha, 5.0, 2).paths

    assert draw(0) == draw(0) != draw(1)


def test_probabilities_by_hand() -> None:
    alpha = torch.tensor([[0.0, math.log(2.0)], [5.0, 5.0]])
    assert torch.allclose(probabilities(alpha, 1.0), torch.tensor([[1 / 3, 2 / 3], [0.5, 0.5]]))
    odds = 2 ** (1 / 5)
    expected = torch.tensor([[1 / (1 + odds), odds / (1 + odds)], [0.5, 0.5]])
    assert torch.allclose(probabilities(alpha, 5.0), expected)
    assert torch.allclose(probabilities(torch.randn(4, 9), 0.1).sum(dim=-1), torch.ones(4))


@pytest.mark.parametrize(("interface", "fields"), SPACES, ids=NAMES)
def test_operator_flops_and_the_fixed_parts_make_the_whole(
    interface: Interface, fields: dict[str, Any]
) -> None:
    cells = CellSpace(**fields)
    agent = supernet_agent(cells, interface)
    supernet = supernet_of(agent)
    flops = operator_flops(supernet)
    x = torch.zeros(1, *interface.observation_shape)
    fixed = count_flops(supernet.stem, x)
    with torch.no_grad():
        y = supernet.stem(x)
        for cell in supernet.cells:
            shortcut = modules(cell, "shortcut") if cells.shortcut == "identity" else None
            fixed += 0 if shortcut is None else count_flops(shortcut, y)
            y = modules(cell, "operators")[0](y)
        features = agent.trunk(y)
    fixed += (
        count_flops(agent.trunk, y)
        + count_flops(agent.actor, features)
        + count_flops(agent.critic, features)
    )
    generator = np.random.default_rng(0)
    for _ in range(3):
        chosen = generator.integers(9, size=cells.cells)
        operators = tuple(supernet.candidates[k] for k in chosen)
        derived = build_agent(
            Architecture(space=supernet.space, cells=cells, operators=operators), interface
        )
        total = fixed + sum(float(flops[cell, k]) for cell, k in enumerate(chosen))
        assert count_flops(derived, x) == total


def test_without_gradient_only_the_chosen_operators_run() -> None:
    agent = stronger_weights(supernet_agent(CellSpace(cells=2, width=4), PIXELS))
    x = torch.rand(2, 3, 10, 10)
    supernet_of(agent).gates = Gates([[3], [0]], None)
    one = agent.heads(x)
    supernet_of(agent).gates = Gates([[3, 1, 2], [0, 8, 7]], None)
    two = agent.heads(x)
    supernet_of(agent).gates = Gates([[3, 1, 2], [0, 8, 7]], torch.rand(2, 3))
    with torch.no_grad():  # while acting
        three = agent.heads(x)
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(two, three, strict=True))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(one, two, strict=True))
