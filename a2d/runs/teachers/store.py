"""An imported teacher in a folder: a copy of its file, and what it is known by."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from gymnasium.spaces import Box, Discrete
from pydantic import ValidationError

from a2d.errors import A2DError
from a2d.files import checksum, write_atomically
from a2d.networks.imported import ImportedAgent, Policy
from a2d.networks.interface import Interface
from a2d.runs.agent_checks import IMPORTED
from a2d.runs.sealed import read_sealed, write_sealed
from a2d.runs.teachers.onnx_model import OnnxPolicy
from a2d.runs.teachers.stable_baselines import check_fit, read_policy
from a2d.specs.data import Frozen, describe_validation_error
from a2d.specs.task import TaskCard
from a2d.specs.teacher import ImportedTeacher, Source

FILES: dict[Source, str] = {"stable-baselines3": "policy.zip", "onnx": "policy.onnx"}
NORMALIZER = "normalizer.npz"
ZIP = b"PK\x03\x04"


class Description(Frozen):
    """What ``teacher.json`` holds; ``low`` and ``high`` bound the environment's own actions."""

    spec: ImportedTeacher
    interface: Interface
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()

    def action(self) -> Box | Discrete:
        """Return the environment's own space of actions."""
        if not self.interface.continuous:
            return Discrete(self.interface.actions)
        return Box(np.array(self.low), np.array(self.high), dtype=np.float64)


def describe(spec: ImportedTeacher, interface: Interface, action: Box | Discrete) -> Description:
    """Return the description of a teacher of a task with this space of actions."""
    if isinstance(action, Discrete):
        return Description(spec=spec, interface=interface)
    low, high = (tuple(side.astype(float).tolist()) for side in (action.low, action.high))
    return Description(spec=spec, interface=interface, low=low, high=high)


def source_of(path: Path) -> Source:
    """Return what a file is, by its first bytes."""
    with path.open("rb") as file:
        return "stable-baselines3" if file.read(len(ZIP)) == ZIP else "onnx"


def open_policy(
    source: Source, path: Path, normalizer: Path | None, interface: Interface
) -> Policy:
    """Read a policy's file.

    Raises:
        A2DError: it cannot be used, or does not fit the task.
    """
    if source == "stable-baselines3":
        policy = read_policy(path, normalizer)
        check_fit(policy, interface.observation_shape)
        return policy
    if normalizer is not None:
        raise A2DError("--normalizer is for agents of stable-baselines3; a graph holds its own")
    return OnnxPolicy(path)


def save_imported(
    folder: Path, description: Description, path: Path, normalizer: Path | None
) -> None:
    """Copy a teacher's files into ``folder``; the description last, as it confirms them."""
    name = FILES[description.spec.source]
    write_atomically(folder / name, lambda temporary: shutil.copyfile(path, temporary))
    if normalizer is not None:
        copied = normalizer
        write_atomically(folder / NORMALIZER, lambda temporary: shutil.copyfile(copied, temporary))
    write_sealed(folder / IMPORTED, description.model_dump(mode="json"))


def read_imported(folder: Path) -> Description:
    """Return what a teacher is known by; raise A2DError if that, or a file of it, is damaged."""
    data = read_sealed(folder / IMPORTED, "an imported teacher's description", "import it again")
    try:
        description = Description.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, str(folder / IMPORTED)) from error
    spec = description.spec
    files = [(folder / FILES[spec.source], spec.checksum)]
    if spec.normalizer is not None:
        files.append((folder / NORMALIZER, spec.normalizer))
    for file, claimed in files:
        if not file.is_file() or checksum(file) != claimed:
            raise A2DError(f"{file}: is missing, or not what was imported; import it again")
    return description


def load_imported(folder: Path) -> tuple[ImportedAgent, ImportedTeacher]:
    """Read an imported teacher; nothing in its files is executed.

    Raises:
        A2DError: a file is missing, damaged or does not fit; the error names it.
    """
    description = read_imported(folder)
    spec, interface = description.spec, description.interface
    normalizer = None if spec.normalizer is None else folder / NORMALIZER
    policy = open_policy(spec.source, folder / FILES[spec.source], normalizer, interface)
    scale = spec.task.reward_scale
    return ImportedAgent(policy, interface, description.action(), scale), spec


def copy_imported(folder: Path, out: Path, card: TaskCard) -> None:
    """Import a teacher once more, for another card of the task that it plays.

    Args:
        folder: of the teacher.
        out: a new folder.
        card: which may differ from its own in how rewards are learnt from.

    Raises:
        A2DError: a file of the teacher is missing or damaged.
    """
    description = read_imported(folder)
    spec = description.spec.model_copy(update={"task": card})
    normalizer = None if spec.normalizer is None else folder / NORMALIZER
    copy = description.model_copy(update={"spec": spec})
    save_imported(out, copy, folder / FILES[spec.source], normalizer)
