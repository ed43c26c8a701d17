"""What an agent sees and does, as plain data, and agents built to fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, Space
from gymnasium.vector import VectorEnv
from torch import Tensor, nn

from a2d.networks.agent import BYTE_SCALE, Agent, build_backbone
from a2d.networks.normalizer import Normalizer
from a2d.networks.supernet import Supernet
from a2d.specs.architecture import Architecture, CellSpace
from a2d.specs.data import Frozen


class Interface(Frozen):
    """The spaces of one environment, as plain data."""

    observation_shape: tuple[int, ...]
    bytes_observed: bool
    actions: int
    continuous: bool
    normalized: bool

    def spaces(self) -> tuple[Box, Space[Any]]:
        dtype, high = (np.uint8, 255) if self.bytes_observed else (np.float32, np.inf)
        observation = Box(
            0 if self.bytes_observed else -np.inf, high, self.observation_shape, dtype
        )
        action = (
            Box(-1.0, 1.0, (self.actions,), np.float32)
            if self.continuous
            else Discrete(self.actions)
        )
        return observation, action

    def blank(self) -> Tensor:
        """Return a batch of one observation of zeros."""
        return torch.zeros(
            1, *self.observation_shape, dtype=torch.uint8 if self.bytes_observed else torch.float32
        )

    @staticmethod
    def of(observation: Space[Any], action: Space[Any], normalized: bool) -> Interface:
        """Describe the spaces of one environment of a vector."""
        assert isinstance(observation, Box)
        assert isinstance(action, (Box, Discrete))
        return Interface(
            observation_shape=observation.shape,
            bytes_observed=observation.dtype == np.uint8,
            actions=math.prod(action.shape) if isinstance(action, Box) else int(action.n),
            continuous=isinstance(action, Box),
            normalized=normalized,
        )

    @staticmethod
    def of_agent(agent: Agent) -> Interface:
        """Describe what an agent is made for."""
        return Interface(
            observation_shape=agent.observation_shape,
            bytes_observed=agent.scale == BYTE_SCALE,
            actions=agent.actor.out_features,
            continuous=agent.log_deviation is not None,
            normalized=agent.normalizer is not None,
        )


def interface_of(environments: VectorEnv, normalized: bool) -> Interface:
    """Describe what an agent of these environments sees and does."""
    return Interface.of(
        environments.single_observation_space, environments.single_action_space, normalized
    )


def _agent_around(backbone: nn.Module, interface: Interface) -> Agent:
    observation, action = interface.spaces()
    normalizer = Normalizer(interface.observation_shape[0]) if interface.normalized else None
    return Agent(backbone, observation, action, normalizer)


def build_agent(design: str | Architecture, interface: Interface) -> Agent:
    """Build an agent with fresh weights, drawn from torch's global generator."""
    return _agent_around(build_backbone(design, interface.observation_shape), interface)


def build_supernet_agent(
    cells: CellSpace, candidates: tuple[str, ...], interface: Interface
) -> Agent:
    """Build an agent around a supernet, which runs one of its architectures at a time."""
    return _agent_around(Supernet(cells, candidates, interface.observation_shape), interface)
