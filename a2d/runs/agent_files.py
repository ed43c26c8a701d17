"""An agent on disk: ``agent.safetensors`` (weights, normaliser) and ``agent.json`` (all else).

Loading executes no code: safetensors holds tensors alone, the rest is validated JSON.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from a2d.errors import A2DError
from a2d.files import checksum, digest, write_atomically
from a2d.networks.agent import Agent
from a2d.networks.interface import Interface, build_agent
from a2d.runs.agent_checks import DESCRIPTION, WEIGHTS, check_weights, read_description
from a2d.specs.architecture import Architecture
from a2d.specs.data import Frozen, describe_validation_error
from a2d.specs.run import TrainSpec


class Description(Frozen):
    """What ``agent.json`` holds."""

    spec: TrainSpec
    design: str | Architecture
    interface: Interface
    weights_sha256: str
    diverged: str | None = None  # why the run did, whose last good weights these are


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
    description = Description(
        spec=spec, design=design, interface=interface, weights_sha256=weights, diverged=diverged
    )
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
        raise A2DError(
            f"{path}: does not fit the network that {DESCRIPTION} describes: {error}"
        ) from error
    return agent, description
