"""Learners as runs build them."""

from __future__ import annotations

from a2d.algorithms.a2c import A2C
from a2d.networks.agent import Agent
from a2d.networks.interface import Interface, build_agent, build_supernet_agent
from a2d.networks.operators import space_of
from a2d.networks.supernet import Supernet
from a2d.search.gumbel import Gumbel
from a2d.specs.architecture import PAPER_OPERATORS, CellSpace
from a2d.specs.run import ManualAgent, SearchSpec, TrainSpec


def searching_learner(
    spec: SearchSpec, interface: Interface, teacher: Agent | None = None
) -> tuple[A2C, Gumbel]:
    """Return the learner of a supernet, and the searcher that chooses its architectures."""
    candidates = spec.search.operators(spec.space)
    agent = build_supernet_agent(spec.search.space, candidates, interface)
    assert isinstance(agent.backbone, Supernet)
    searcher = Gumbel(spec, agent.backbone)
    return A2C(agent, spec.a2c, spec.distillation, teacher, searcher), searcher


def learner_of(
    spec: TrainSpec | SearchSpec, interface: Interface, teacher: Agent | None = None
) -> A2C:
    """Return the learner of a run."""
    if isinstance(spec, SearchSpec):
        return searching_learner(spec, interface, teacher)[0]
    assert isinstance(spec.agent, ManualAgent)
    agent = build_agent(spec.agent.network, interface)
    return A2C(agent, spec.a2c, spec.distillation, teacher)


def supernet_agent(cells: CellSpace, interface: Interface) -> Agent:
    """Return an agent around a supernet of the paper's operators."""
    space = space_of(interface.observation_shape)
    return build_supernet_agent(cells, tuple(PAPER_OPERATORS[space]), interface)


def supernet_of(agent: Agent) -> Supernet:
    """Return the supernet that an agent is around."""
    assert isinstance(agent.backbone, Supernet)
    return agent.backbone
