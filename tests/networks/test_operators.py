"""Operators and cells against counts made by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest
import torch

from a2d.errors import A2DError
from a2d.networks.costs import count_flops
from a2d.networks.operators import Cell, CellShape, build_operator, cell_shapes
from a2d.specs.architecture import (
    OPERATORS,
    PAPER_OPERATORS,
    CellSpace,
    Operator,
)


@pytest.mark.parametrize("operator", OPERATORS["convolution"])
@pytest.mark.parametrize("normalization", ["none", "group"])
def test_convolutional_operators_keep_and_shrink(operator: str, normalization: Any) -> None:
    for inputs, outputs, stride, size in (
        (8, 8, 1, 10),
        (8, 16, 2, 10),
        (8, 16, 1, 5),
        (8, 8, 2, 11),
    ):
        built = build_operator(
            OPERATORS["convolution"][operator], CellShape(inputs, outputs, stride), normalization
        )
        side = math.ceil(size / stride)
        assert built(torch.rand(2, inputs, size, size)).shape == (2, outputs, side, side)
        assert count_flops(built, torch.rand(1, inputs, size, size)) == flops_by_hand(
            operator, inputs, outputs, stride, size
        )


def flops_by_hand(operator: str, inputs: int, outputs: int, stride: int, size: int) -> int:
    """Twice the multiply-accumulates of a convolutional operator."""
    before, after = size**2, math.ceil(size / stride) ** 2
    if operator == "skip":
        return 0 if inputs == outputs and stride == 1 else 2 * after * inputs * outputs
    name, _, expansion = operator.partition("_e")
    kernel = int(name[-1])
    if not expansion:
        return 2 * after * inputs * outputs * kernel**2
    hidden = inputs * int(expansion)
    return 2 * (before * inputs * hidden + after * hidden * kernel**2 + after * hidden * outputs)


@pytest.mark.parametrize("operator", OPERATORS["dense"])
@pytest.mark.parametrize("normalization", ["none", "group"])
def test_dense_operators_keep_the_width(operator: str, normalization: Any) -> None:
    built = build_operator(OPERATORS["dense"][operator], CellShape(8, 8), normalization)
    assert built(torch.rand(3, 8)).shape == (3, 8)
    expansion = int(operator.rpartition("_e")[2]) if "_e" in operator else 0
    macs = 0 if operator == "skip" else 2 * 8 * 8 * expansion if expansion else 8 * 8
    assert count_flops(built, torch.rand(1, 8)) == 2 * macs


def test_nine_distinct_operators_per_space() -> None:
    for space, operators in PAPER_OPERATORS.items():
        assert len(operators) == len(set(operators.values())) == 9
        assert operators.items() <= OPERATORS[space].items()


def test_every_operator_can_be_built_and_one_of_an_unknown_kind_is_refused() -> None:
    for operators in OPERATORS.values():
        for operator in operators.values():
            build_operator(operator, CellShape(8, 8), "none")
    with pytest.raises(A2DError, match=r"kind 'maxpool' cannot be built.*inverted"):
        build_operator(Operator("maxpool", kernel=3), CellShape(8, 8), "none")  # type: ignore[arg-type]


@pytest.mark.parametrize("cells", [1, 2, 3, 6, 14])
def test_layout_of_cells(cells: int) -> None:
    for size, final in ((84, (21, 11, 6)), (10, (10, 5, 3))):
        shapes = cell_shapes("convolution", CellSpace(cells=cells, width=8), (size, size))
        assert len(shapes) == cells and shapes[0].inputs == 8
        assert all(a.outputs == b.inputs for a, b in pairwise(shapes))
        widths = [shape.outputs for shape in shapes]
        assert sorted(set(widths)) == [8, 16, 32][: min(cells, 3)] and widths == sorted(widths)
        side = math.ceil(size / (2 if size == 84 else 1))
        for shape in shapes:
            assert shape.stride in ((1, 1), (2, 2))
            side = math.ceil(side / 2) if shape.stride == (2, 2) else side
        assert side == final[min(cells, 3) - 1]
        if cells >= 3:
            counts = [widths.count(width) for width in (8, 16, 32)]
            assert max(counts) - min(counts) <= 1
    assert cell_shapes("dense", CellSpace(cells=cells, width=8), None) == [CellShape(8, 8)] * cells


def test_shortcut_adds_the_cells_input() -> None:
    cells = CellSpace(cells=1, width=8, shortcut="identity")
    x = torch.rand(2, 8, 6, 6)
    keep = Cell(OPERATORS["convolution"]["conv3"], CellShape(8, 8), cells)
    assert torch.allclose(keep(x), keep.operator(x) + x)
    shrink = Cell(OPERATORS["convolution"]["conv3"], CellShape(8, 16, 2), cells)
    assert shrink.shortcut is not None
    assert torch.allclose(shrink(x), shrink.operator(x) + shrink.shortcut(x))
