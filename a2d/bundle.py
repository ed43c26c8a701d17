"""An agent on disk: ``agent.safetensors`` (weights, normaliser) and ``agent.json`` (all else).

Loading executes no code: safetensors holds tensors alone, the rest is validated JSON.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, Space
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from a2d.architecture import Architecture, CellSpace
from a2d.errors import A2DError
from a2d.files import checksum, digest, write_atomically
from a2d.integrity import DESCRIPTION, WEIGHTS, check_weights, read_description
from a2d.networks.agent import BYTE_SCALE, Agent, build_backbone
from a2d.networks.supernet import Supernet
from a2d.normalizer import Normalizer
from a2d.spec import TrainSpec
from a2d.tasks import Frozen, describe_validation_error


class Interface(Frozen):
    """The spaces of one environment, as plain data."""

    observation_shape: tuple[int, ...]
    bytes_observed: bool
    actions: int
    continuous: bool
    normalized: bool

    def spaces(self) -> tuple[Box, Space[Any]]:
        dtype, high = (np.uint8, 255) if self.bytes_observed else (np.float32, np.inf)
        observation = Box(0 if self.bytes_observed else -np.inf, high, self.observation_shape, dtype)
        action = Box(-1.0, 1.0, (self.actions,), np.float32) if self.continuous else Discrete(self.actions)
        return observation, action

    def blank(self) -> Tensor:
        """Return a batch of one observation of zeros."""
        return torch.zeros(1, *self.observation_shape, dtype=torch.uint8 if self.bytes_observed else torch.float32)

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


class Description(Frozen):
    """What ``agent.json`` holds."""

    spec: TrainSpec
    design: str | Architecture
    interface: Interface
    weights_sha256: str
    diverged: str | None = None  # why the run did, whose last good weights these are


def _around(backbone: nn.Module, interface: Interface) -> Agent:
    observation, action = interface.spaces()
    normalizer = Normalizer(interface.observation_shape[0]) if interface.normalized else None
    return Agent(backbone, observation, action, normalizer)


def build_agent(design: str | Architecture, interface: Interface) -> Agent:
    """Build an agent with fresh weights, drawn from torch's global generator."""
    return _around(build_backbone(design, interface.observation_shape), interface)


def build_supernet_agent(cells: CellSpace, interface: Interface) -> Agent:
    """Build an agent around a supernet; it is called with gates as well."""
    return _around(Supernet(cells, interface.observation_shape), interface)


def save_agent(
    folder: Path,
    agent: Agent,
    spec: TrainSpec,
    design: str | Architecture,
    interface: Interface,
    diverged: str | None = None,
) -> None:
    """Write an agent's bundle into ``folder``; the description last, so that it vouches for the weights.

    Args:
        folder: made if it is not there.
        agent: whose weights are saved.
        spec: of the run that trained it.
        design: its network.
        interface: of its task.
        diverged: why the run diverged, if it did.
    """
    tensors = {name: tensor.contiguous() for name, tensor in agent.state_dict().items()}
    write_atomically(folder / WEIGHTS, lambda path: path.write_bytes(save(tensors)))
    weights = checksum(folder / WEIGHTS)
    description = Description(spec=spec, design=design, interface=interface, weights_sha256=weights, diverged=diverged)
    data = description.model_dump(mode="json", exclude=set() if diverged else {"diverged"})
    text = json.dumps({**data, "sha256": digest(data)}, indent=1)
    write_atomically(folder / DESCRIPTION, lambda path: path.write_text(text, encoding="utf-8"))


def load_description(folder: Path) -> Description:
    """Read ``agent.json``. Raise A2DError naming the file and what is wrong in it."""
    data = read_description(folder)
    try:
        return Description.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, str(folder / DESCRIPTION)) from error


def load_agent(folder: Path) -> tuple[Agent, Description]:
    """Read a bundle. Raise A2DError naming the file that is missing, damaged or does not fit."""
    description = load_description(folder)
    check_weights(folder, description.weights_sha256)
    path = folder / WEIGHTS
    agent = build_agent(description.design, description.interface)
    try:
        agent.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise A2DError(f"{path}: does not fit the network that {DESCRIPTION} describes: {error}") from error
    return agent, description
