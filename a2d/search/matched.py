"""Random architectures whose FLOPs match those of another: the control for whatever a search finds."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from a2d.networks.costs import count_flops
from a2d.networks.interface import Interface, build_agent
from a2d.networks.supernet import Supernet, operator_flops
from a2d.seeds import stream_seed
from a2d.specs.architecture import OPERATORS, Architecture, sample_architecture

MATCH_TOLERANCE = 0.1
MATCH_DRAWS = 2000


def random_design(target: Architecture, interface: Interface, seed: int) -> Architecture:
    """Draw a random architecture of the target's space with about the FLOPs of its agent."""
    agent = build_agent(target, interface)
    supernet = Supernet(target.cells, interface.observation_shape)
    generator = np.random.default_rng(stream_seed(seed, "random architecture"))
    total = count_flops(agent, interface.blank())
    return match_flops(
        target, operator_flops(supernet, interface.observation_shape), total, generator
    )


def match_flops(
    target: Architecture, flops: Tensor, total: int, generator: np.random.Generator
) -> Architecture:
    """Draw uniform architectures until one's cells differ from the target's by at most 10 % of ``total``.

    That is 10 % of the whole agent's FLOPs, heads and all, and so more than 10 % of the cells' own.
    Where none is in 2000 draws, the closest of them is taken.

    Args:
        target: the architecture to match.
        flops: of every operator, (cells, operators).
        total: FLOPs of the target's whole agent.
        generator: draws the architectures.
    """
    names = OPERATORS[target.space]

    def cost(architecture: Architecture) -> float:
        return sum(
            float(flops[cell, names.index(name)])
            for cell, name in enumerate(architecture.operators)
        )

    wanted = cost(target)
    closest, distance = target, math.inf
    for _ in range(MATCH_DRAWS):
        drawn = sample_architecture(target.space, target.cells, generator)
        if abs(cost(drawn) - wanted) < distance:
            closest, distance = drawn, abs(cost(drawn) - wanted)
        if distance <= MATCH_TOLERANCE * total:
            break
    return closest
