"""Agents of any task with random weights, saved as `a2d train` saves a trained one."""

from __future__ import annotations

from pathlib import Path

import torch

from a2d.environments import open_environment
from a2d.networks.agent import Agent
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.agent_files import save_agent
from a2d.specs.architecture import Architecture
from a2d.specs.run import GivenAgent, ManualAgent, TrainSpec
from a2d.specs.task import TaskCard


def save_random_agent(folder: Path, card: TaskCard, design: str | Architecture) -> Agent:
    """Save an agent whose actions differ, and whose statistics are not those of the start."""
    torch.manual_seed(0)
    with open_environment(card, 8, 0) as environment:
        interface = interface_of(environment, card.normalize_observations)
        observations = torch.from_numpy(environment.reset()[0])
    agent = build_agent(design, interface)
    for weight in agent.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    agent.actor.weight.data += 0.5 * torch.randn_like(agent.actor.weight)
    if agent.normalizer is not None:
        agent.normalizer.update(observations * 4 + 2)
    chosen: ManualAgent | GivenAgent
    if isinstance(design, str):
        chosen = ManualAgent(network=design)
    else:
        chosen = GivenAgent(architecture=design)
    spec = TrainSpec(task=card, steps=3200, seed=0, agent=chosen)
    save_agent(folder, agent, spec, design, interface)
    return agent
