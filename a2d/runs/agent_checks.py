"""The names of an agent's two files, and checks that they are intact; imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from a2d.errors import A2DError
from a2d.files import checksum
from a2d.runs.sealed import read_sealed

WEIGHTS = "agent.safetensors"
DESCRIPTION = "agent.json"
IMPORTED = "teacher.json"  # in place of both, of a teacher from elsewhere


def check_weights(folder: Path, claimed: object) -> None:
    """Raise A2DError if an agent's weights do not have the checksum that its description holds."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise A2DError(f"{path}: is missing; train the agent again")
    if checksum(path) != claimed:
        raise A2DError(
            f"{path}: is damaged (its checksum is not the one in {DESCRIPTION}); train it again"
        )


def read_description(folder: Path) -> dict[str, Any]:
    """Return the data of ``agent.json``, not yet validated.

    Raises:
        A2DError: it is not what was written.
    """
    return read_sealed(folder / DESCRIPTION, "a trained agent's description", "train it again")


def check_agent_files(folder: Path) -> None:
    """Raise A2DError if an agent's description, or its weights, are not what was written."""
    check_weights(folder, read_description(folder).get("weights_sha256"))
