"""An architecture is plain data: which operator stands in each cell (``arch.json``)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError, field_validator, model_validator

from a2d.errors import A2DError, nearest
from a2d.files import write_text
from a2d.specs.data import Frozen, describe_validation_error

Space = Literal["convolution", "dense"]
Shortcut = Literal["none", "identity"]
Normalization = Literal["none", "group"]
Activation = Literal["relu", "tanh"]

WIDTH_STEP = 4
STAGE_WIDTHS = (1, 2, 4)  # channels of the three stages of a ResNet, and of a row of cells


@dataclass(frozen=True)
class Operator:
    """What a cell may compute, as plain data.

    Attributes:
        kind: how it is built; ``a2d.networks.operators`` has a builder for each kind.
        kernel: side of its filters in pixels; None for vectors.
        activation: None where it has none.
        expansion: hidden channels or units by those it is given; None where it has no hidden layer.
    """

    kind: Literal["convolution", "dense", "inverted", "skip"]
    kernel: int | None = None
    activation: Activation | None = None
    expansion: int | None = None


def _convolutions(kernels: tuple[int, ...]) -> dict[str, Operator]:
    return {f"conv{kernel}": Operator("convolution", kernel, "relu") for kernel in kernels}


def _inverted(kernels: tuple[int, ...], expansions: tuple[int, ...]) -> dict[str, Operator]:
    return {
        f"inverted{kernel}_e{expansion}": Operator("inverted", kernel, "relu", expansion)
        for kernel in kernels
        for expansion in expansions
    }


def _dense(activations: tuple[Activation, ...]) -> dict[str, Operator]:
    return {f"dense_{name}": Operator("dense", activation=name) for name in activations}


def _inverted_dense(
    activations: tuple[Activation, ...], expansions: tuple[int, ...]
) -> dict[str, Operator]:
    return {
        f"inverted_{name}_e{expansion}": Operator("inverted", None, name, expansion)
        for name in activations
        for expansion in expansions
    }


# The paper's nine operators for images, and their analogue for vectors, where the choice of the
# kernel becomes the choice of the activation. What a search chooses from where it names no others.
PAPER_OPERATORS: dict[Space, dict[str, Operator]] = {
    "convolution": {
        **_convolutions((3, 5)),
        **_inverted((3, 5), (1, 3, 5)),
        "skip": Operator("skip"),
    },
    "dense": {
        **_dense(("relu", "tanh")),
        **_inverted_dense(("relu", "tanh"), (1, 3, 5)),
        "skip": Operator("skip"),
    },
}

# Every operator by its name in an ``arch.json``; those that are not the paper's are added here.
OPERATORS: dict[Space, dict[str, Operator]] = {
    "convolution": {**PAPER_OPERATORS["convolution"]},
    "dense": {**PAPER_OPERATORS["dense"]},
}


@dataclass(frozen=True)
class ResNet:
    """A ResNet as plain data.

    Attributes:
        blocks: basic blocks of each of its three stages; its depth is 6 blocks + 2.
        width: channels of the stem and the first stage.
        pooled: whether its last features are averaged over the image instead of flattened.
    """

    blocks: int
    width: int = 16
    pooled: bool = False


# Networks designed by hand, by the kind of observation they fit. The paper's have sixteen channels;
# small images also get narrow ones.
PAPER_RESNETS = {f"resnet{6 * blocks + 2}": ResNet(blocks) for blocks in (2, 3, 6, 12)}
NARROW_RESNETS = {
    f"resnet{6 * blocks + 2}_w{width}": ResNet(blocks, width)
    for blocks, width in ((1, 4), (1, 8), (2, 8), (3, 8), (6, 8))
}
RESNETS = PAPER_RESNETS | NARROW_RESNETS
RESNETS |= {f"{name}_pooled": replace(resnet, pooled=True) for name, resnet in RESNETS.items()}
CONVOLUTION_CHANNELS = {"conv16": 16}  # the field's usual network for MinAtar: one convolution
MLP_UNITS = {f"mlp{units}": units for units in (8, 16, 32, 64, 128, 256)}
MANUAL_NETWORKS = {
    "pixels": ("vanilla", *CONVOLUTION_CHANNELS, *RESNETS),
    "vectors": tuple(MLP_UNITS),
}


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
        check_names(self.operators, self.space)
        if len(self.operators) != self.cells.cells:
            raise ValueError(f"{len(self.operators)} operators for {self.cells.cells} cells")
        return self

    def chosen(self) -> list[Operator]:
        """Return every cell's operator as a value."""
        return [OPERATORS[self.space][name] for name in self.operators]

    def skips(self) -> int:
        """Return how many cells chose skip: differentiable search tends to collapse to it."""
        return sum(operator.kind == "skip" for operator in self.chosen())


def check_names(names: tuple[str, ...], space: Space) -> None:
    """Raise ValueError where a name is no operator of the space."""
    for index, name in enumerate(names):
        if name not in OPERATORS[space]:
            known = ", ".join(OPERATORS[space])
            raise ValueError(f"operators[{index}] is {name!r}; the {space} space has {known}")


def sample_architecture(
    space: Space, cells: CellSpace, candidates: tuple[str, ...], generator: np.random.Generator
) -> Architecture:
    """Draw every cell's operator independently and uniformly from the candidates' names."""
    draws = generator.integers(len(candidates), size=cells.cells)
    operators = tuple(candidates[draw] for draw in draws)
    return Architecture(space=space, cells=cells, operators=operators)


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
    write_text(path, text)
