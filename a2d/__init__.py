"""Auto-Agent-Distiller: architecture search for deep RL agents, stabilised by a teacher."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from a2d.deploy.policy import Policy

__version__ = "0.1.0"


def load(folder: str | Path, seed: int | None = None) -> Policy:
    """Return the trained agent in a folder; its ``act`` maps raw observations to actions.

    Args:
        folder: that ``a2d train`` wrote.
        seed: of the actions that are drawn, with ``act(observation, mode=False)``.

    Raises:
        a2d.errors.A2DError: it cannot be read, or its task cannot be built.
    """
    from pathlib import Path

    from a2d.deploy.policy import load_policy  # imports torch, which takes seconds

    return load_policy(Path(folder), seed)
