"""The names of an agent's two files, and whether they are what was written. Nothing here imports torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from a2d.errors import A2DError
from a2d.files import checksum, digest

WEIGHTS = "agent.safetensors"
DESCRIPTION = "agent.json"


def check_weights(folder: Path, claimed: object) -> None:
    """Raise A2DError where an agent's weights are not those that its description vouches for."""
    path = folder / WEIGHTS
    if not path.is_file():
        raise A2DError(f"{path}: is missing; train the agent again")
    if checksum(path) != claimed:
        raise A2DError(
            f"{path}: is damaged (its checksum is not the one in {DESCRIPTION}); train it again"
        )


def read_description(folder: Path) -> dict[str, Any]:
    """Return the data of ``agent.json``, not yet validated. Raise A2DError where it is not what was written."""
    path = folder / DESCRIPTION
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        claimed = data.pop("sha256", None)
        damaged = claimed != digest(data)
    except OSError as error:
        raise A2DError(
            f"{path}: cannot be read ({error.strerror}); it describes a trained agent"
        ) from error
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise A2DError(f"{path}: cannot be read as an agent's description: {error}") from error
    if damaged:
        raise A2DError(
            f"{path}: is damaged (its checksum does not match its content); train the agent again"
        )
    return data


def check_bundle(folder: Path) -> None:
    """Raise A2DError where an agent's description, or its weights, are not what was written."""
    check_weights(folder, read_description(folder).get("weights_sha256"))
