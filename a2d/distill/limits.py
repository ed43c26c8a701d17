"""What a searched network may cost, and the space that has networks of such a cost."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from a2d.deploy.operator_latency import cell_space, measure_operators
from a2d.errors import A2DError
from a2d.networks.costs import count_flops
from a2d.networks.interface import Interface, build_agent
from a2d.networks.operators import space_of
from a2d.networks.supernet import Supernet, operator_flops
from a2d.specs.architecture import PAPER_OPERATORS, CellSpace
from a2d.specs.cost_table import CostTable
from a2d.specs.data import Frozen
from a2d.specs.task import TaskCard

DEFAULT_SHARE = 0.25  # of the teacher's FLOPs
WIDTHS = (64, 32, 16, 8, 4)
ROOM = 2.0  # times the cheapest network: less leaves a search little to choose from
RANGE = 16.0  # from the first point of a front to the last one, where the space reaches so far
MS_MARGIN = 0.95  # measurements of one network differ by a few per cent


class Point(Frozen):
    """One search: its space, and its cost at most.

    ``amount`` is the limit of the whole network, in FLOPs or, with a table, in milliseconds;
    ``largest_cost`` that of the cells, by the most expensive cells'.
    """

    amount: float
    space: CellSpace
    largest_cost: float
    table: CostTable | None = None


class Range(NamedTuple):
    """Costs of one space: of its cheapest network, and of its most expensive cells."""

    space: CellSpace
    cheapest: float
    cheapest_cells: float
    dearest_cells: float
    table: CostTable | None = None

    def point(self, amount: float) -> Point:
        """Return the search whose networks cost at most ``amount``."""
        # No two costs differ by less than a FLOP, or a digit of the table: half of that lets the
        # cheapest cells be searched, which may cost nothing, and rounding forbids nothing.
        half = 0.5 if self.table is None else 0.5e-5
        cells = amount - self.cheapest + self.cheapest_cells + half
        largest = min(1.0, cells / self.dearest_cells)
        return Point(amount=amount, space=self.space, largest_cost=largest, table=self.table)


def flops_range(interface: Interface, cells: int, width: int) -> Range:
    """Count the FLOPs of the networks of one width."""
    space = cell_space(cells, width, "identity")
    names = tuple(PAPER_OPERATORS[space_of(interface.observation_shape)])
    supernet = Supernet(space, names, interface.observation_shape)
    costs = operator_flops(supernet)
    agent = build_agent(supernet.architecture(costs.argmin(dim=-1).tolist()), interface)
    cheapest = count_flops(agent, interface.blank())
    lowest, highest = costs.amin(dim=-1).sum().item(), costs.amax(dim=-1).sum().item()
    return Range(space, cheapest, lowest, highest)


def latency_range(card: TaskCard, cells: int, width: int) -> Range:
    """Measure the deployed latency of the networks of one width."""
    table = measure_operators(card, cell_space(cells, width, "identity"), "onnx")
    lowest = sum(min(cell.values()) for cell in table.cells)
    highest = sum(max(cell.values()) for cell in table.cells)
    return Range(table.space, table.rest_ms + lowest, lowest, highest, table)


def flops_points(interface: Interface, cells: int, limit: float, count: int) -> tuple[Point, ...]:
    """Return searches of at most ``limit`` FLOPs and of ever less, equally spaced by ratio."""
    ranges = cache(partial(flops_range, interface, cells))
    return tuple(
        _widest(ranges, WIDTHS, amount).point(amount) for amount in _amounts(ranges, limit, count)
    )


def latency_points(card: TaskCard, cells: int, limit: float, count: int) -> tuple[Point, ...]:
    """Return searches of at most ``limit`` milliseconds and of ever less."""
    ranges = cache(partial(latency_range, card, cells))
    widths = WIDTHS[2:]  # as wide as the study's, or narrower
    return tuple(
        _widest(ranges, widths, amount).point(amount)
        for amount in _amounts(ranges, MS_MARGIN * limit, count)
    )


def _amounts(ranges: Callable[[int], Range], limit: float, count: int) -> list[float]:
    if count == 1:
        return [limit]
    last = min(limit, max(limit / RANGE, ROOM * ranges(WIDTHS[-1]).cheapest))
    # Not a rounding below the last one, which may be the cheapest network.
    return [max(last, float(amount)) for amount in np.geomspace(limit, last, count)]


def _widest(ranges: Callable[[int], Range], widths: Sequence[int], amount: float) -> Range:
    """Return the widest space that leaves a search room below a limit.

    Args:
        ranges: of a width, counted or measured when it is first asked for.
        widths: ever narrower ones.
        amount: the limit.

    Raises:
        A2DError: even the cheapest network costs more.
    """
    for width in widths:
        if ROOM * ranges(width).cheapest <= amount:
            return ranges(width)
    narrowest = ranges(widths[-1])
    if narrowest.cheapest > amount:
        raise _no_network(narrowest, amount)
    return narrowest


def _no_network(narrowest: Range, amount: float) -> A2DError:
    """Return the error that names a limit which works."""
    if narrowest.table is None:
        asked, least = f"{math.floor(amount):,} FLOPs", f"--max-flops {narrowest.cheapest:.0f}"
    else:
        asked, least = f"{amount / MS_MARGIN:.4g} ms", least_ms(narrowest.cheapest)
    return A2DError(
        f"no network of the space costs at most {asked}; the cheapest is of width "
        f"{narrowest.space.width}: give {least} or more"
    )


def least_ms(latency: float) -> str:
    """Return the option with the least limit that a latency is within, in whole microseconds."""
    return f"--max-ms {math.ceil(1000 * latency / MS_MARGIN) / 1000:.3f}"
