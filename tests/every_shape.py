"""Run forward and backward once in every shape that networks here have, for ``test_memory``.

Reads one interface a line, as JSON, from its input.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from a2d.networks.agent import BYTE_SCALE, Agent
from a2d.networks.interface import Interface, build_agent
from a2d.networks.layers import Tape
from a2d.networks.operators import space_of
from a2d.search.gumbel import sample_gates
from a2d.specs.architecture import MANUAL_NETWORKS, OPERATORS, Architecture, CellSpace, Space
from tests.learners import supernet_agent, supernet_of

WIDTHS = (4, 8, 12, 16)
CELLS = 6  # two in each stage: one that changes channels and size, one that keeps them
SETTINGS = (
    {"shortcut": "none", "normalization": "none"},
    {"shortcut": "identity", "normalization": "group"},
)
STEPS, COUNT = 2, 3


def cell_spaces(space: Space) -> Iterator[CellSpace]:
    for width in WIDTHS:
        for settings in SETTINGS:
            if space == "dense" and width == 4 and settings["normalization"] == "group":
                continue  # refused
            yield CellSpace(cells=CELLS, width=width, **settings)


def learn(agent: Agent) -> None:
    """Act and learn as training does, then as anyone who calls an agent and ``backward``."""
    observations = torch.rand(STEPS * COUNT, *agent.observation_shape)
    x = agent.preprocess((observations * 255).byte() if agent.scale == BYTE_SCALE else observations)
    tape = Tape(STEPS)
    for part in x.split(COUNT):
        with tape.record():
            agent.heads(part)
    with tape.replay():
        _backward(agent.heads(x))
    _backward(agent.heads(x))


def _backward(heads: tuple[Tensor, Tensor]) -> None:
    sum(head.square().sum() for head in heads).backward(retain_graph=True)  # type: ignore[union-attr]


def main() -> None:
    """Run all; operators once per image size, since only the stem sees the channels."""
    torch.set_num_threads(1)
    sizes = set()
    for line in sys.stdin:
        interface = Interface.model_validate_json(line)
        shape = interface.observation_shape
        space = space_of(shape)
        networks = MANUAL_NETWORKS["pixels" if space == "convolution" else "vectors"]
        operators = OPERATORS[space] if shape[1:] not in sizes else ("skip",)
        sizes.add(shape[1:])
        found = (
            Architecture(space=space, cells=cells, operators=(operator,) * CELLS)
            for cells in cell_spaces(space) for operator in operators
        )  # fmt: skip
        designs: Iterator[str | Architecture] = chain(networks, found)
        for design in designs:
            learn(build_agent(design, interface))
        for cells in cell_spaces(space):
            alpha = torch.zeros(CELLS, len(OPERATORS[space]), requires_grad=True)
            agent = supernet_agent(cells, interface)
            supernet_of(agent).gates = sample_gates(alpha, 1.0, 2)
            learn(agent)
        print(*shape, flush=True)


if __name__ == "__main__":
    main()
