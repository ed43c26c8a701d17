"""The names of an agent's two files, and whether they are what was written. Nothing here imports torch."""

from __future__ import annotations

import json
from pathlib import Path

from a2d.errors import A2DError
from a2d.files import checksum

WEIGHTS = "agent.safetensors"
DESCRIPTION = "agent.json"


def check_weights(folder: Path, claimed: object) -> None:
    """Raise A2DError where an agent's weights are not those that its description vouches for."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise A2DError(f"{path}: is missing; train the agent again")
    if checksum(path) != claimed:
        raise A2DError(f"{path}: is damaged (its checksum is not the one in {DESCRIPTION}); train it again")


def check_bundle(folder: Path) -> None:
    """Raise A2DError where an agent's description cannot be read, or does not vouch for its weights."""
    path = folder / DESCRIPTION
    try:
        claimed = json.loads(path.read_text(encoding="utf-8"))["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise A2DError(f"{path}: cannot be read as an agent's description: {error}") from error
    check_weights(folder, claimed)
