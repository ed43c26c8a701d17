"""The architectures of a table, by names that never change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from a2d.errors import A2DError

SEPARATOR = "-"


@dataclass(frozen=True)
class Space:
    """Every cell is one of the same operators; a name holds them in order: ``conv3-skip``.

    Attributes:
        operators: names of the operators.
        cells: of every architecture.
    """

    operators: tuple[str, ...]
    cells: int

    @property
    def size(self) -> int:
        """How many architectures there are."""
        return len(self.operators) ** self.cells

    def all_places(self) -> NDArray[np.int64]:
        """Return the places of every architecture's operators, (size, cells)."""
        shape = (len(self.operators),) * self.cells
        return np.array(np.unravel_index(np.arange(self.size), shape)).T

    def name(self, index: int) -> str:
        """Return the name of an architecture by its place; raise A2DError where it is none."""
        if not 0 <= index < self.size:
            raise A2DError(f"architecture number {index}: should be 0 to {self.size - 1}")
        shape = (len(self.operators),) * self.cells
        return self.join(np.array(np.unravel_index(index, shape)))

    def join(self, places: NDArray[np.int64]) -> str:
        """Return the name of an architecture by its operators' places, (cells,)."""
        return SEPARATOR.join(self.operators[place] for place in places)

    def places(self, architecture: str) -> NDArray[np.int64]:
        """Return the places of an architecture's operators, (cells,).

        Raises:
            A2DError: the space has no such architecture; it says which it has.
        """
        names = str(architecture).split(SEPARATOR)
        if len(names) != self.cells or not set(names) <= set(self.operators):
            raise A2DError(
                f"architecture {architecture!r}: should be {self.cells} of "
                f"{', '.join(self.operators)}, joined by {SEPARATOR!r}, as in {self.name(1)}"
            )
        return np.array([self.operators.index(name) for name in names])

    def index(self, architecture: str) -> int:
        """Return the place of an architecture; raise A2DError where the space has no such."""
        shape = (len(self.operators),) * self.cells
        return int(np.ravel_multi_index(tuple(self.places(architecture)), shape))
