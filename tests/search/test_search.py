"""The search: its schedule, its cost, what moves when, and the control of random architectures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from a2d.algorithms.a2c import A2C
from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.errors import Diverged
from a2d.networks.agent import derived_backbone
from a2d.networks.costs import count_flops
from a2d.networks.interface import interface_of
from a2d.search.gumbel import Gumbel, expected_cost, temperature_at
from a2d.search.matched import MATCH_DRAWS, match_flops, random_design
from a2d.specs.architecture import PAPER_OPERATORS, Architecture, CellSpace, sample_architecture
from a2d.specs.run import SearchSpec
from a2d.specs.task import load_card
from tests.checkout import ENVS
from tests.learners import searching_learner


def test_temperature_schedule_by_hand() -> None:
    def at(progress: float) -> float:
        return temperature_at(5.0, 0.98, 200, progress)

    assert at(0.0) == at(0.0049) == 5.0
    assert at(0.00501) == pytest.approx(4.9)
    assert at(0.5) == pytest.approx(5 * 0.98**100) == pytest.approx(0.66310, abs=1e-5)
    assert at(1.0) == pytest.approx(5 * 0.98**200)
    assert temperature_at(5.0, 0.98, 0, 1.0) == 5.0
    assert temperature_at(3.0, 0.5, 2, 0.75) == 1.5


def test_expected_cost_by_hand() -> None:
    flops = torch.tensor([[10.0, 30.0, 0.0], [5.0, 0.0, 1.0]])
    even = expected_cost(torch.zeros(2, 3), flops)
    assert even.item() == pytest.approx((40 / 3 + 6 / 3) / 35)
    alpha = torch.tensor([[0.0, np.log(2.0), 0.0], [0.0, 0.0, 0.0]])
    assert expected_cost(alpha, flops).item() == pytest.approx(((10 + 60) / 4 + 2) / 35)
    costliest = torch.tensor([[0.0, 99.0, 0.0], [99.0, 0.0, 0.0]])
    assert expected_cost(costliest, flops).item() == pytest.approx(1.0)
    assert expected_cost(99 * torch.eye(3)[[2, 1]], flops).item() < 1e-6


def test_gradient_of_the_expected_cost_by_hand() -> None:
    flops = torch.rand(3, 9) * 100
    alpha = torch.randn(3, 9, requires_grad=True)
    expected_cost(alpha, flops).backward()
    p = torch.softmax(alpha.detach(), dim=-1)
    mean = (p * flops).sum(dim=-1, keepdim=True)
    assert alpha.grad is not None
    assert torch.allclose(
        alpha.grad, p * (flops - mean) / flops.max(dim=-1).values.sum(), atol=1e-6
    )


def searching(
    task: str = "tiny-reach", environments: int = 4, **search: Any
) -> tuple[A2C, Gumbel, Collector]:
    torch.manual_seed(0)
    settings = {"space": {"cells": 2, "width": 8}, **search}
    card = load_card(ENVS / f"{task}.yaml")
    a2c = {"environments": environments}
    spec = SearchSpec(task=card, steps=environments * 500, seed=0, a2c=a2c, search=settings)
    batch = make_environment(card, environments, 0)
    interface = interface_of(batch, card.normalize_observations)
    learner, searcher = searching_learner(spec, interface)
    return learner, searcher, Collector(batch, card, 0, spec.a2c.discount)


def one_update(
    learner: A2C, searcher: Gumbel, collector: Collector, progress: float = 0.0
) -> tuple[bool, bool]:
    """Return whether the weights and alpha moved."""
    weights = [weight.detach().clone() for weight in learner.weights]
    alpha = searcher.alpha.detach().clone()
    learner.update(learner.collect(collector), progress)
    moved = not all(torch.equal(a, b) for a, b in zip(weights, learner.weights, strict=True))
    return moved, not torch.equal(alpha, searcher.alpha)


def test_one_level_moves_weights_and_alpha_together() -> None:
    learner, searcher, collector = searching()
    assert [one_update(learner, searcher, collector) for _ in range(4)] == [(True, True)] * 4


def test_bi_level_moves_them_in_turn() -> None:
    learner, searcher, collector = searching(train_mode="bi-level")
    assert [one_update(learner, searcher, collector) for _ in range(5)] == [
        (True, False), (False, True), (True, False), (False, True), (True, False)
    ]  # fmt: skip


def test_weights_of_operators_off_the_path_stay() -> None:
    learner, searcher, collector = searching(backward_paths=9)
    rollout = learner.collect(collector)
    before = {
        name: weight.detach().clone() for name, weight in searcher.supernet.named_parameters()
    }
    learner.update(rollout, 0.0)
    for name, weight in searcher.supernet.named_parameters():
        part = name.split(".")
        chosen = part[0] == "stem" or int(part[3]) == searcher.supernet.gates.paths[int(part[1])][0]
        assert chosen or torch.equal(weight, before[name])


def test_alphas_step_is_adams_at_its_own_rate() -> None:
    learner, searcher, collector = searching(architecture_learning_rate=0.05, backward_paths=9)
    one_update(learner, searcher, collector)
    assert searcher.alpha.grad is not None
    touched = searcher.alpha.grad.abs() > 1e-5
    assert touched.any()
    # Adam's first step is the rate times the gradient's sign.
    assert torch.allclose(
        searcher.alpha[touched], -0.05 * searcher.alpha.grad[touched].sign(), atol=1e-4
    )


def test_temperature_follows_the_progress() -> None:
    learner, searcher, collector = searching(temperature_decays=10, temperature_decay=0.5)
    assert searcher.temperature == 5.0
    one_update(learner, searcher, collector, progress=0.35)
    assert searcher.temperature == 5.0 * 0.5**3


def test_terms_and_coefficients_hold_the_cost() -> None:
    learner, searcher, collector = searching(cost_coefficient=3.0)
    terms = learner.update(learner.collect(collector), 0.0)
    assert terms.keys() == {"policy", "value", "entropy", "cost"}
    assert terms["cost"] == pytest.approx(expected_cost(torch.zeros(2, 9), searcher.costs).item())


def test_cost_in_the_objective_is_lambda_times_the_fraction() -> None:
    grads: list[Tensor] = []
    for coefficient in (0.0, 1000.0):
        learner, searcher, collector = searching(cost_coefficient=coefficient)
        one_update(learner, searcher, collector)
        assert searcher.alpha.grad is not None
        grads.append(searcher.alpha.grad)
    alpha = torch.zeros(2, 9, requires_grad=True)
    (cost,) = torch.autograd.grad(expected_cost(alpha, searcher.costs), alpha)
    assert torch.allclose(grads[1] - grads[0], 1000 * cost, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("task", ["tiny-catch", "tiny-reach"])
def test_a_strong_lambda_drives_alpha_to_cheap_operators(task: str) -> None:
    learner, searcher, collector = searching(
        task, cost_coefficient=1000.0, architecture_learning_rate=0.1
    )
    before = expected_cost(searcher.alpha.detach(), searcher.costs).item()
    for _ in range(40):
        one_update(learner, searcher, collector)
    assert expected_cost(searcher.alpha.detach(), searcher.costs).item() < 0.3 * before
    architecture = searcher.finish().architecture
    assert architecture.skips() == 2 and architecture.operators == ("skip", "skip")


def test_derive_takes_the_strongest() -> None:
    _, searcher, _ = searching()
    with torch.no_grad():
        searcher.alpha[0, 3] = 1e-3
        searcher.alpha[1] = torch.arange(9.0)
    names = list(PAPER_OPERATORS["dense"])
    found = searcher.finish()
    assert found.architecture.operators == (names[3], "skip")
    assert found.alpha == searcher.alpha.tolist() and found.trials == ()


def test_a_gradient_that_is_not_finite_changes_nothing() -> None:
    learner, searcher, collector = searching()
    rollout = learner.collect(collector)
    weights = [weight.detach().clone() for weight in learner.weights]
    with pytest.raises(Diverged):
        learner.update(rollout._replace(rewards=rollout.rewards * float("nan")), 0.0)
    assert all(torch.equal(a, b) for a, b in zip(weights, learner.weights, strict=True))
    assert torch.equal(searcher.alpha, torch.zeros(2, 9))


@pytest.mark.parametrize("seed", range(4))
def test_random_architectures_match_the_flops_of_the_cells(seed: int) -> None:
    cells, shape = CellSpace(cells=4, width=8), (3, 10, 10)
    names = tuple(PAPER_OPERATORS["convolution"])
    target = sample_architecture("convolution", cells, names, np.random.default_rng(100 + seed))
    batch = make_environment(load_card(ENVS / "tiny-catch.yaml"), 1, 0)
    interface = interface_of(batch, False).model_copy(update={"observation_shape": shape})

    def flops(architecture: Architecture) -> int:
        cells = derived_backbone(architecture, shape)[1:]
        x = torch.zeros(1, 8, *stem_output)
        return count_flops(cells, x)

    stem_output = derived_backbone(target, shape)[0](torch.zeros(1, *shape)).shape[2:]
    drawn = [random_design(target, names, interface, other) for other in (seed, seed, 77)]
    assert drawn[0] == drawn[1] != drawn[2], "its seed alone decides"
    assert all(abs(flops(found) - flops(target)) <= 0.1 * flops(target) for found in drawn)
    assert all(found.cells == cells and found.space == "convolution" for found in drawn)


def test_random_architectures_are_drawn_from_the_searchs_candidates() -> None:
    cells, names = CellSpace(cells=6, width=8), ("conv3", "skip")
    interface = interface_of(make_environment(load_card(ENVS / "tiny-catch.yaml"), 1, 0), False)
    target = Architecture(space="convolution", cells=cells, operators=("conv5", *["skip"] * 5))
    drawn = {random_design(target, names, interface, seed).operators for seed in range(5)}
    assert len(drawn) > 1 and set().union(*drawn) == {"conv3", "skip"}


def test_where_no_draw_matches_the_closest_is_taken() -> None:
    cells, names = CellSpace(cells=14), tuple(PAPER_OPERATORS["dense"])
    target = Architecture(space="dense", cells=cells, operators=("dense_relu",) * 14)
    costs = [dict.fromkeys(names, 1.0) | {"dense_relu": 100.0}] * 14
    found = match_flops(target, names, costs, np.random.default_rng(5))
    generator = np.random.default_rng(5)
    best = max(
        sample_architecture("dense", cells, names, generator).operators.count("dense_relu")
        for _ in range(MATCH_DRAWS)
    )
    assert found.operators.count("dense_relu") == best < 12
