"""Random architectures whose cost matches another's: the control for whatever a search finds."""

from __future__ import annotations

import math

import numpy as np

from a2d.networks.interface import Interface
from a2d.networks.supernet import Supernet, operator_costs
from a2d.seeds import stream_seed
from a2d.specs.architecture import Architecture, sample_architecture
from a2d.specs.cost_table import CostTable

MATCH_TOLERANCE = 0.1
MATCH_DRAWS = 2000

Costs = list[dict[str, float]]  # of every cell: FLOPs by operator


def random_design(
    target: Architecture,
    candidates: tuple[str, ...],
    interface: Interface,
    seed: int,
    draw: int = 0,
    table: CostTable | None = None,
) -> Architecture:
    """Draw a random architecture of the candidates whose cells have about the target's FLOPs.

    Or, where a table is given, its milliseconds. Of one seed there are several ``draw``s.
    """
    names = tuple(dict.fromkeys([*candidates, *target.operators]))
    supernet = Supernet(target.cells, names, interface.observation_shape)
    rows = operator_costs(supernet, table).tolist()
    costs = [dict(zip(names, row, strict=True)) for row in rows]
    stream = ["random architecture", *([f"draw {draw}"] if draw else [])]
    generator = np.random.default_rng(stream_seed(seed, *stream))
    return match_flops(target, candidates, costs, generator)


def match_flops(
    target: Architecture, candidates: tuple[str, ...], costs: Costs, generator: np.random.Generator
) -> Architecture:
    """Draw uniform architectures until one's cells have the target's FLOPs to within 10 %.

    Where none of 2000 draws has, the closest of them is taken.

    Args:
        target: the architecture to match.
        candidates: the operators to draw from.
        costs: FLOPs of every cell's operators.
        generator: draws the architectures.
    """

    def flops(architecture: Architecture) -> float:
        return sum(cell[name] for cell, name in zip(costs, architecture.operators, strict=True))

    wanted = flops(target)
    closest, distance = target, math.inf
    for _ in range(MATCH_DRAWS):
        drawn = sample_architecture(target.space, target.cells, candidates, generator)
        if abs(flops(drawn) - wanted) < distance:
            closest, distance = drawn, abs(flops(drawn) - wanted)
        if distance <= MATCH_TOLERANCE * wanted:
            break
    return closest
