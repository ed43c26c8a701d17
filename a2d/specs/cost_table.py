"""What operators cost, cell by cell, as measured in milliseconds: what a search may pay for.

FLOPs need no table. A table is a part of the search's settings, so that a run's key holds it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from a2d.errors import A2DError
from a2d.files import write_text
from a2d.specs.architecture import CellSpace
from a2d.specs.data import Frozen, describe_validation_error


class CostTable(Frozen):
    """Milliseconds of every cell's operators, in one runtime on one processor."""

    task: str
    runtime: Literal["onnx", "eager"]
    processor: str
    space: CellSpace
    rest_ms: float = Field(ge=0, description="of a network whose cells all skip")
    cells: tuple[dict[str, float], ...] = Field(
        description="by operator: what the network takes longer than with a skip there"
    )

    def rows(self, operators: tuple[str, ...]) -> list[list[float]]:
        """Return the costs of these operators, (cells, operators), in their order."""
        return [[cell[name] for name in operators] for cell in self.cells]

    def check_task(self, task: str) -> None:
        """Raise ValueError where the table was measured on another task."""
        if self.task != task:
            raise ValueError(
                f"costs: the table is of the task {self.task}, not of {task}; "
                f"measure one of {task} by `a2d latency-table`"
            )

    def check(self, space: CellSpace, operators: tuple[str, ...]) -> None:
        """Raise ValueError where the table is of another space, or lacks an operator."""
        if self.space != space or len(self.cells) != space.cells:
            raise ValueError(
                f"costs: the table is of {self.space.model_dump()}, the search of "
                f"{space.model_dump()}; measure one with the same options by `a2d latency-table`"
            )
        for index, cell in enumerate(self.cells):
            lacking = [name for name in operators if name not in cell]
            if lacking:
                raise ValueError(f"costs: cell {index} of the table lacks {', '.join(lacking)}")
            if not any(cell[name] > 0 for name in operators):
                raise ValueError(f"costs: in cell {index} of the table nothing costs anything")


def read_cost_table(path: Path) -> CostTable:
    """Read a table. Raise A2DError that names the file and the key that is wrong."""
    try:
        return CostTable.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error
    except (OSError, ValueError) as error:
        raise A2DError(
            f"{path}: cannot be read as a table of costs, which `a2d latency-table` writes: {error}"
        ) from error


def write_cost_table(path: Path, table: CostTable) -> None:
    """Write a table, atomically."""
    text = table.model_dump_json(indent=1) + "\n"
    write_text(path, text)
