"""A teacher from elsewhere, as plain data: what it is known by, and what it was measured to score.

Nothing here says how it was trained, because that is not known.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from a2d.specs.data import Frozen
from a2d.specs.task import TaskCard

Source = Literal["stable-baselines3", "onnx", "callable"]


class ImportedTeacher(Frozen):
    """What a run's record says of a teacher that no run here has trained."""

    kind: Literal["imported"] = "imported"
    source: Source
    task: TaskCard
    checksum: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of its file or, of a callable, of its answers to observations",
    )
    normalizer: str | None = Field(
        None,
        pattern="^[0-9a-f]{64}$",
        description="SHA-256 of the file of statistics that standardise its observations",
    )
    values: bool = Field(description="whether it has values, so that its critic can teach")
    discount: float | None = Field(None, description="of its values, where its file says so")
    returns: tuple[float, ...] = Field(
        min_length=1, description="unclipped, of the test episodes that it played when imported"
    )

    def identity(self) -> dict[str, Any]:
        """Return what changes a result; what its file says, or was measured, is in no key."""
        data = self.model_dump(mode="json", exclude={"discount", "returns"})
        return {**data, "task": self.task.identity()}

    def check_mode(self, mode: str) -> None:
        """Raise ValueError where a head should teach that it does not have."""
        if not self.values and mode in ("critic", "joint"):
            raise ValueError(
                f"distillation mode {mode!r}: the teacher has no values, so that only its actor "
                "can teach: 'actor'"
            )
