"""An architecture is plain data: which operator stands in each cell (``arch.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from a2d.errors import A2DError, nearest
from a2d.files import write_atomically
from a2d.specs.data import Frozen, describe_validation_error

Space = Literal["convolution", "dense"]
Shortcut = Literal["none", "identity"]
Normalization = Literal["none", "group"]

WIDTH_STEP = 4
KERNELS = (3, 5)
ACTIVATIONS = ("relu", "tanh")
EXPANSIONS = (1, 3, 5)

# The paper's nine operators for images, and their analogue for vectors, where the choice of the
# kernel becomes the choice of the activation.
OPERATORS: dict[str, tuple[str, ...]] = {
    "convolution": (
        *(f"conv{kernel}" for kernel in KERNELS),
        *(f"inverted{kernel}_e{expansion}" for kernel in KERNELS for expansion in EXPANSIONS),
        "skip",
    ),
    "dense": (
        *(f"dense_{activation}" for activation in ACTIVATIONS),
        *(
            f"inverted_{activation}_e{expansion}"
            for activation in ACTIVATIONS
            for expansion in EXPANSIONS
        ),
        "skip",
    ),
}


# Networks designed by hand, from small to large, by the kind of observation they fit.
RESNET_BLOCKS = {"resnet14": 2, "resnet20": 3, "resnet38": 6, "resnet74": 12}
MLP_UNITS = {f"mlp{units}": units for units in (8, 16, 32, 64, 128, 256)}
MANUAL_NETWORKS = {"pixels": ("vanilla", *RESNET_BLOCKS), "vectors": tuple(MLP_UNITS)}


class CellSpace(Frozen):
    """What is fixed before the search: the cells' number, width, shortcut and normalisation."""

    cells: int = Field(14, ge=1, description="the paper's summary counts 14 searchable cells")
    width: int = Field(
        16,
        ge=4,
        description="channels of the first stage, or units of a dense layer; a multiple of 4",
    )
    shortcut: Shortcut = Field(
        "none", description="'identity' adds every cell's input to its output"
    )
    normalization: Normalization = Field(
        "none", description="'group' puts GroupNorm inside the operators"
    )

    @field_validator("width")
    @classmethod
    def check_width(cls, width: int) -> int:
        if width % WIDTH_STEP:
            raise ValueError(
                f"should be a multiple of {WIDTH_STEP}; the nearest: {nearest(width, WIDTH_STEP)}"
            )
        return width


class Architecture(Frozen):
    """One network of the search space: all that is needed to build it, given the task's spaces."""

    space: Space
    cells: CellSpace
    operators: tuple[str, ...]

    @model_validator(mode="after")
    def check_operators(self) -> Architecture:
        known = OPERATORS[self.space]
        for index, operator in enumerate(self.operators):
            if operator not in known:
                raise ValueError(
                    f"operators[{index}] is {operator!r}; the {self.space} space has {known}"
                )
        if len(self.operators) != self.cells.cells:
            raise ValueError(f"{len(self.operators)} operators for {self.cells.cells} cells")
        return self

    def skips(self) -> int:
        """Return how many cells chose skip: differentiable search tends to collapse to it."""
        return sum(operator == "skip" for operator in self.operators)


def sample_architecture(
    space: Space, cells: CellSpace, generator: np.random.Generator
) -> Architecture:
    """Draw every cell's operator independently and uniformly."""
    draws = generator.integers(len(OPERATORS[space]), size=cells.cells)
    return Architecture(
        space=space, cells=cells, operators=tuple(OPERATORS[space][draw] for draw in draws)
    )


def load_architecture(path: Path) -> Architecture:
    """Read an ``arch.json``. Raise A2DError naming the file and the key that is wrong."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Architecture.model_validate(data)
    except ValidationError as error:
        raise describe_validation_error(error, str(path)) from error
    except (OSError, ValueError, RecursionError) as error:
        raise A2DError(f"{path}: cannot be read as an architecture: {error}") from error


def write_architecture(path: Path, architecture: Architecture) -> None:
    """Write an ``arch.json``, atomically."""
    text = architecture.model_dump_json(indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
