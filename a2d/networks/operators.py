"""The operators of a cell, for images and for vectors, and the layout of cells in a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from a2d.errors import A2DError
from a2d.networks.layers import Activation, Convolution, Dense, Layer, Sides
from a2d.networks.manual import ImageSize, stage_strides
from a2d.specs.architecture import STAGE_WIDTHS, CellSpace, Normalization, Operator, Space

GROUPS = 4
ACTIVATION_LAYERS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}


@dataclass(frozen=True)
class CellShape:
    """A cell's place in the network: channels (or units) in and out, and its stride."""

    inputs: int
    outputs: int
    stride: Sides = 1

    @property
    def preserves(self) -> bool:
        return self.inputs == self.outputs and self.stride in (1, (1, 1))


def cell_shapes(space: Space, cells: CellSpace, image_size: ImageSize | None) -> list[CellShape]:
    """Return every cell's shape: three equal stages for images, one width for vectors.

    With fewer than three cells the last stages are absent.

    Raises:
        A2DError: normalisation would leave nothing of a group of one value.
    """
    single = image_size is None or max(image_size) <= 2
    if cells.normalization == "group" and cells.width == GROUPS and single:
        raise A2DError(
            f"normalization 'group' at width {GROUPS}: groups of a single value carry nothing "
            f"here; use a width of {2 * GROUPS} or more, or normalization 'none'"
        )
    if space == "dense" or image_size is None:
        return [CellShape(cells.width, cells.width)] * cells.cells
    strides = stage_strides(image_size)[1:]
    shapes, inputs, previous = [], cells.width, -1
    for index in range(cells.cells):
        stage = index * len(STAGE_WIDTHS) // max(cells.cells, len(STAGE_WIDTHS))
        outputs = cells.width * STAGE_WIDTHS[stage]
        shapes.append(CellShape(inputs, outputs, strides[stage] if stage != previous else (1, 1)))
        inputs, previous = outputs, stage
    return shapes


def projection(shape: CellShape) -> nn.Module:
    """Return the cheapest map between the cell's shapes: nothing, or a 1×1 convolution.

    Cells of vectors all have one width.
    """
    if shape.preserves:
        return nn.Identity()
    return Convolution(shape.inputs, shape.outputs, 1, shape.stride)


class InvertedResidual(nn.Module):
    """Expand, transform, project; with a residual connection where the shape allows.

    Sandler et al. (2018).

    ``hidden`` ends with the transformation, ``project`` maps to the cell's output shape.
    """

    def __init__(
        self, hidden: nn.Sequential, project: Layer, norm: nn.GroupNorm | None, residual: bool
    ) -> None:
        super().__init__()
        self.hidden = hidden
        self.project = project
        self.norm = norm
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        add = x if self.residual else None
        if self.norm is None:
            return self.project(self.hidden(x), add)
        output = self.norm(self.project(self.hidden(x)))
        if add is None:
            return output
        return output + add


def _norm(normalization: Normalization, channels: int) -> nn.GroupNorm | None:
    if normalization == "group":
        return nn.GroupNorm(GROUPS, channels)
    return None


def _activated(layer: Layer, norm: nn.Module | None, activation: Activation) -> list[nn.Module]:
    """Return the layer with its activation, and the normalisation in between if there is one."""
    if norm is None:
        layer.activation = activation
        return [layer]
    return [layer, norm, ACTIVATION_LAYERS[activation]()]


def _skip(operator: Operator, shape: CellShape, normalization: Normalization) -> nn.Module:
    return projection(shape)


def _convolution(operator: Operator, shape: CellShape, normalization: Normalization) -> nn.Module:
    assert operator.kernel is not None and operator.activation is not None
    layer = Convolution(shape.inputs, shape.outputs, operator.kernel, shape.stride)
    norm = _norm(normalization, shape.outputs)
    return nn.Sequential(*_activated(layer, norm, operator.activation))


def _dense(operator: Operator, shape: CellShape, normalization: Normalization) -> nn.Module:
    assert operator.activation is not None
    layer = Dense(shape.inputs, shape.outputs)
    norm = _norm(normalization, shape.outputs)
    return nn.Sequential(*_activated(layer, norm, operator.activation))


def _inverted(operator: Operator, shape: CellShape, normalization: Normalization) -> nn.Module:
    assert operator.activation is not None and operator.expansion is not None
    hidden = shape.inputs * operator.expansion
    if operator.kernel is None:
        expand: Layer = Dense(shape.inputs, hidden)
        inner = _activated(expand, _norm(normalization, hidden), operator.activation)
        project: Layer = Dense(hidden, shape.outputs)
        return InvertedResidual(nn.Sequential(*inner), project, None, shape.preserves)
    depthwise = Convolution(hidden, hidden, operator.kernel, shape.stride, groups=hidden)
    inner = [
        *_activated(
            Convolution(shape.inputs, hidden, 1), _norm(normalization, hidden), operator.activation
        ),
        *_activated(depthwise, _norm(normalization, hidden), operator.activation),
    ]
    project = Convolution(hidden, shape.outputs, 1)
    norm = _norm(normalization, shape.outputs)
    return InvertedResidual(nn.Sequential(*inner), project, norm, shape.preserves)


BUILDERS: dict[str, Callable[[Operator, CellShape, Normalization], nn.Module]] = {
    "convolution": _convolution,
    "dense": _dense,
    "inverted": _inverted,
    "skip": _skip,
}


def build_operator(operator: Operator, shape: CellShape, normalization: Normalization) -> nn.Module:
    """Build one operator between the cell's shapes. Raise A2DError for an unknown kind."""
    if operator.kind not in BUILDERS:
        raise A2DError(
            f"operators of kind {operator.kind!r} cannot be built; a2d/networks/operators.py has "
            f"builders for {', '.join(BUILDERS)}"
        )
    return BUILDERS[operator.kind](operator, shape, normalization)


def shortcut(shape: CellShape, cells: CellSpace) -> nn.Module | None:
    """Return the shortcut around a cell; None where the space has none."""
    if cells.shortcut == "identity":
        return projection(shape)
    return None


class Cell(nn.Module):
    """One operator, with the shortcut around it where the space has one."""

    def __init__(self, operator: Operator, shape: CellShape, cells: CellSpace) -> None:
        super().__init__()
        self.operator = build_operator(operator, shape, cells.normalization)
        self.shortcut = shortcut(shape, cells)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, inputs, ...) to (N, outputs, ...)."""
        output: Tensor = self.operator(x)
        if self.shortcut is None:
            return output
        return output + self.shortcut(x)


def stem(space: Space, cells: CellSpace, observation_shape: tuple[int, ...]) -> nn.Module:
    """Return the fixed layer before the cells."""
    if space == "dense":
        return Dense(observation_shape[0], cells.width, "tanh")
    channels, height, width = observation_shape
    return Convolution(
        channels, cells.width, 3, stage_strides((height, width))[0], activation="relu"
    )


def space_of(observation_shape: tuple[int, ...]) -> Space:
    """Images are searched with convolutions, vectors with dense operators."""
    if len(observation_shape) == 3:
        return "convolution"
    return "dense"


def image_size_of(observation_shape: tuple[int, ...]) -> ImageSize | None:
    """Return height and width of images (C, H, W), or None for vectors (D,)."""
    if len(observation_shape) == 3:
        return observation_shape[1:]
    return None
