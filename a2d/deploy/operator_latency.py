"""What every operator adds to a network's latency, cell by cell: a table that a search pays by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from pydantic import ValidationError

from a2d.deploy.latency import deployed_call, eager_call, measure, open_task
from a2d.networks.interface import build_agent
from a2d.networks.operators import space_of
from a2d.runs.process import THREADS
from a2d.runs.provenance import collect_provenance
from a2d.specs.architecture import OPERATORS, Architecture, CellSpace
from a2d.specs.cost_table import CostTable
from a2d.specs.data import describe_validation_error
from a2d.specs.task import TaskCard

SKIP = "skip"
Place = tuple[int, str]  # a cell and its operator
REST: Place = (-1, SKIP)  # the network whose cells all skip


def cell_space(cells: int, width: int, shortcut: str) -> CellSpace:
    """Return the space that options ask for. Raise A2DError where there is none."""
    asked = {"cells": cells, "width": width, "shortcut": shortcut}
    try:
        return CellSpace.model_validate(asked)
    except ValidationError as error:
        raise describe_validation_error(error, "a2d latency-table") from error


def measure_operators(
    card: TaskCard, cells: CellSpace, runtime: Literal["onnx", "eager"]
) -> CostTable:
    """Measure all operators in every cell of a network that skips in all others.

    In place, because a runtime merges layers, and a layer's time depends on those beside it. All
    networks take turns. What noise makes cheaper than a skip costs nothing.
    """
    task = open_task(card)
    space = space_of(task.interface.observation_shape)
    operators = tuple(OPERATORS[space])
    calls: dict[Place, Callable[[], object]] = {}
    places = [(cell, name) for cell in range(cells.cells) for name in operators if name != SKIP]
    for cell, name in [REST, *places]:
        chosen = [SKIP] * cells.cells
        chosen[cell] = name
        design = Architecture(space=space, cells=cells, operators=tuple(chosen))
        agent = build_agent(design, task.interface).eval()
        if runtime == "onnx":
            calls[cell, name] = deployed_call(agent, task.spaces)
        else:
            calls[cell, name] = eager_call(agent, task.interface)
    spreads = measure(calls)
    rest = spreads[REST].median_ms
    costs = {place: max(0.0, spreads[place].median_ms - rest) for place in places}
    rows = tuple(
        {name: round(costs.get((cell, name), 0.0), 5) for name in operators}
        for cell in range(cells.cells)
    )
    return CostTable(
        task=card.name,
        runtime=runtime,
        processor=collect_provenance(THREADS).processor,
        space=cells,
        rest_ms=rest,
        cells=rows,
    )
