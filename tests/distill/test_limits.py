"""Limits of cost: every network that a search may try is within them."""

from __future__ import annotations

import numpy as np
import pytest

from a2d.distill.limits import Point, flops_points, flops_range, latency_points
from a2d.environments import open_environment
from a2d.errors import A2DError
from a2d.networks.costs import count_flops
from a2d.networks.interface import Interface, build_agent, interface_of
from a2d.networks.operators import space_of
from a2d.networks.supernet import Supernet, operator_flops
from a2d.specs.architecture import PAPER_OPERATORS, Architecture, sample_architecture
from tests.users_tasks import shipped


def interface(task: str) -> Interface:
    card = shipped(task)
    with open_environment(card, 1, 0) as environment:
        return interface_of(environment, card.normalize_observations)


def drawn(point: Point, seen: Interface, count: int = 60) -> list[tuple[Architecture, float]]:
    """Return random networks of a point's space, and their cells' cost by the dearest ones'."""
    space = space_of(seen.observation_shape)
    names = tuple(PAPER_OPERATORS[space])
    supernet = Supernet(point.space, names, seen.observation_shape)
    rows = operator_flops(supernet).numpy()
    generator = np.random.default_rng(0)
    found = [sample_architecture(space, point.space, names, generator) for _ in range(count)]
    return [
        (
            each,
            sum(cell[names.index(name)] for cell, name in zip(rows, each.operators, strict=True))
            / rows.max(axis=1).sum(),
        )
        for each in found
    ]


@pytest.mark.parametrize(
    ("task", "cells", "limit"),
    [
        ("minatar-breakout", 6, 1_500_000),
        ("minatar-breakout", 6, 250_000),
        ("tiny-reach", 3, 2_000),
        ("tiny-reach", 3, 100),
    ],
)
def test_a_search_may_try_what_costs_at_most_the_limit_and_nothing_else(
    task: str, cells: int, limit: int
) -> None:
    seen = interface(task)
    (point,) = flops_points(seen, cells, limit, 1)
    for architecture, cost in drawn(point, seen):
        counted = count_flops(build_agent(architecture, seen), seen.blank())
        assert (cost <= point.largest_cost) == (counted <= limit), architecture.operators


def test_the_widest_space_is_taken_whose_cheapest_network_has_room_below_the_limit() -> None:
    seen = interface("minatar-breakout")
    cheapest = {width: flops_range(seen, 6, width).cheapest for width in (4, 8, 16)}
    assert cheapest[4] < cheapest[8] < cheapest[16]
    widths = [
        flops_points(seen, 6, limit, 1)[0].space.width
        for limit in (2 * cheapest[16], 2 * cheapest[16] - 1, 2 * cheapest[8] - 1, cheapest[4])
    ]
    assert widths == [16, 8, 4, 4]


def test_a_limit_below_every_network_is_refused() -> None:
    with pytest.raises(A2DError, match=r"costs at most 50 FLOPs; the cheapest, of width 4, costs"):
        flops_points(interface("tiny-reach"), 3, 50, 1)


def test_a_front_has_ever_smaller_limits_of_equal_ratio() -> None:
    points = flops_points(interface("minatar-breakout"), 6, 1_600_000, 3)
    amounts = [point.amount for point in points]
    assert amounts[0] == pytest.approx(1_600_000)
    assert amounts[0] / amounts[1] == pytest.approx(amounts[1] / amounts[2])
    assert amounts[2] >= 2 * flops_range(interface("minatar-breakout"), 6, 4).cheapest


def test_a_limit_in_milliseconds_is_paid_by_a_measured_table() -> None:
    (point,) = latency_points(shipped("tiny-reach"), 3, 1.0, 1)
    assert point.table is not None and point.table.space == point.space
    assert point.largest_cost == 1.0 and point.amount < 1.0, "all is within a millisecond"
    with pytest.raises(A2DError, match=r"at most 1e-05 ms; the cheapest"):
        latency_points(shipped("tiny-reach"), 3, 1e-5, 1)
