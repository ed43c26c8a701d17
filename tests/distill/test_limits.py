"""Limits of cost: every network that a search may try is within them."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from a2d.distill.limits import MS_MARGIN, Point, flops_points, flops_range, latency_points
from a2d.distill.runs import _within
from a2d.environments import open_environment
from a2d.errors import A2DError
from a2d.networks.costs import count_flops
from a2d.networks.interface import Interface, build_agent, interface_of
from a2d.networks.operators import space_of
from a2d.networks.supernet import Supernet, operator_flops
from a2d.search.searcher import make_searcher
from a2d.search.trial_searcher import TrialSearcher
from a2d.specs.architecture import (
    OPERATORS,
    PAPER_OPERATORS,
    Architecture,
    CellSpace,
    sample_architecture,
)
from a2d.specs.cost_table import CostTable
from a2d.specs.run import SearchSpec
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


def search(task: str, point: Point) -> SearchSpec:
    """Return a search of what a point allows, as the command asks for it."""
    options = {"kind": "evolution", "space": point.space, "costs": point.table}
    return SearchSpec(
        task=shipped(task), steps=32_000, seed=0,
        search={**options, "largest_cost": point.largest_cost, "trials": 10},
    )  # fmt: skip


def searched(task: str, point: Point) -> Architecture:
    spec, seen = search(task, point), interface(task)
    supernet = Supernet(point.space, spec.search.operators(spec.space), seen.observation_shape)
    searcher = make_searcher(spec, supernet)
    assert isinstance(searcher, TrialSearcher)
    return searcher.ask()


def named(error: pytest.ExceptionInfo[A2DError], option: str) -> float:
    """Return the limit that a refusal says works."""
    found = re.search(rf"give {option} ([\d.]+) or more$", str(error.value))
    assert found is not None, error.value
    return float(found[1])


@pytest.mark.parametrize(
    ("task", "cells"), [("tiny-reach", 3), ("tiny-catch", 6), ("minatar-breakout", 6)]
)
@pytest.mark.parametrize("count", [1, 3])
def test_a_limit_below_every_network_is_refused_with_one_that_works(
    task: str, cells: int, count: int
) -> None:
    seen = interface(task)
    with pytest.raises(A2DError, match="costs at most 50 FLOPs; the cheapest is of width 4") as no:
        flops_points(seen, cells, 50, count)
    least = named(no, "--max-flops")
    for point in flops_points(seen, cells, least, count):
        agent = build_agent(searched(task, point), seen)
        assert count_flops(agent, seen.blank()) == least
    with pytest.raises(A2DError, match=f"at most {least - 1:,.0f} FLOPs"):
        flops_points(seen, cells, least - 0.25, count)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> CostTable:
    """What operators cost on tiny-reach, the same each time."""
    space = CellSpace(cells=3, width=4, shortcut="identity")
    row = dict.fromkeys(OPERATORS["dense"], 0.001) | {"skip": 0.0}
    table = CostTable(
        task="tiny-reach", runtime="onnx", processor="A", space=space, rest_ms=0.01234,
        cells=(row,) * 3,
    )  # fmt: skip
    monkeypatch.setattr("a2d.distill.limits.measure_operators", lambda *_: table)
    return table


@pytest.mark.parametrize("limit", [0.001, 0.0129])
@pytest.mark.parametrize("count", [1, 3])
def test_a_limit_in_milliseconds_is_refused_with_one_that_works(
    limit: float, count: int, measured: CostTable
) -> None:
    """The second one is above what the cheapest takes, but by less than measurements differ."""
    with pytest.raises(A2DError, match=f"costs at most {limit} ms; the cheapest") as no:
        latency_points(shipped("tiny-reach"), 3, limit, count)
    assert named(no, "--max-ms") == 0.013
    for point in latency_points(shipped("tiny-reach"), 3, 0.013, count):
        assert searched("tiny-reach", point).operators == ("skip",) * 3


@pytest.mark.parametrize("count", [1, 3])
def test_exactly_what_the_cheapest_takes_is_within_the_limit(
    count: int, measured: CostTable
) -> None:
    for point in latency_points(shipped("tiny-reach"), 3, measured.rest_ms / MS_MARGIN, count):
        assert searched("tiny-reach", point).operators == ("skip",) * 3


def test_a_search_that_is_measured_above_its_limit_names_one_that_works(
    measured: CostTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    (point,) = latency_points(shipped("tiny-reach"), 3, 0.1, 1)
    outcome = SimpleNamespace(architecture=searched("tiny-reach", point), trials=())
    record: Any = SimpleNamespace(search=outcome, spec=search("tiny-reach", point))
    taken = SimpleNamespace(deployed=SimpleNamespace(high_ms=0.097))
    monkeypatch.setattr("a2d.distill.runs.measure_costs", lambda *_: taken)
    with pytest.raises(A2DError, match=r"none of 1 candidates .* 0\.1 ms; .* at 0\.097 ms") as no:
        _within(point, record)
    assert named(no, "--max-ms") * MS_MARGIN >= 0.097


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
