"""An agent on disk: ``agent.safetensors`` (weights, normaliser) and ``agent.json`` (all else).

Loading executes no code: safetensors holds tensors alone, the rest is validated JSON.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from a2d.errors import A2DError
from a2d.files import checksum, write_atomically
from a2d.networks.agent import Agent
from a2d.networks.interface import Interface, build_agent
from a2d.runs.agent_checks import DESCRIPTION, WEIGHTS, check_weights, read_description
from a2d.runs.sealed import write_sealed
from a2d.specs.architecture import Architecture
from a2d.specs.data import Frozen, describe_validation_error, later
from a2d.specs.run import TrainSpec


class Description(Frozen):
    """What ``agent.json`` holds."""

    spec: TrainSpec
    design: str | Architecture
    interface: Interface
    weights_sha256: str
    diverged: str | None = later(None, "why the run diverged, whose last good weights these are")


def save_agent(
    folder: Path,
    agent: Agent,
    spec: TrainSpec,
    design: str | Architecture,
    interface: Interface,
    diverged: str | None = None,
) -> None:
    """Write an agent's files into ``folder``; the description last, as it confirms the weights.

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
    write_sealed(folder / DESCRIPTION, description.model_dump(mode="json"))


def load_description(folder: Path) -> Description:
    """Read ``agent.json``.

    Raises:
        A2DError: it cannot be used; the error names the file and what is wrong in it.
    """
    data = read_description(folder)
    try:
        return Description.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, str(folder / DESCRIPTION)) from error


def load_agent(folder: Path) -> tuple[Agent, Description]:
    """Read an agent and its description.

    Raises:
        A2DError: a file is missing, damaged or does not fit; the error names it.
    """
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
