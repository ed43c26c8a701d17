"""The supernet: every cell holds all candidate operators; a searcher chooses one for each rollout.

The forward pass runs the chosen operators alone. Others may take part in the backward pass, so that
a gradient of their gates says what they would have been worth.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from a2d.networks.costs import count_flops
from a2d.networks.layers import Tape
from a2d.networks.operators import (
    CellShape,
    build_operator,
    cell_shapes,
    image_size_of,
    shortcut,
    space_of,
    stem,
)
from a2d.specs.architecture import OPERATORS, Architecture, CellSpace, Operator
from a2d.specs.cost_table import CostTable


class Gates(NamedTuple):
    """One sampled architecture. ``paths`` (cells, K): operators, the sampled one first.

    ``weights`` (cells, K): worth 1 for the sampled operator and 0 for the others, with the gradient
    of the relaxed sample.
    """

    paths: list[list[int]]
    weights: Tensor | None


class _Gated(torch.autograd.Function):
    """The operators' outputs weighted by their gates, of which the first is 1, the others 0."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, output: Tensor, *others: Tensor) -> Tensor:
        ctx.save_for_backward(output, *others)
        return output.view_as(output)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        by_weights = torch.stack([(gradient * output).sum() for output in ctx.saved_tensors])
        return by_weights, gradient, *[None] * (len(ctx.saved_tensors) - 1)


class SearchableCell(nn.Module):
    """All operators of one cell, of which a call runs the gated ones."""

    def __init__(self, operators: list[Operator], shape: CellShape, cells: CellSpace) -> None:
        super().__init__()
        self.operators = nn.ModuleList(
            build_operator(operator, shape, cells.normalization) for operator in operators
        )
        self.shortcut = shortcut(shape, cells)

    def forward(self, x: Tensor, paths: list[int], weights: Tensor | None) -> Tensor:
        """Run the sampled path; the other paths only pass their outputs to alpha's gradient."""
        output: Tensor = self.operators[paths[0]](x)
        if weights is not None:
            # Their gates are worth 0, so neither their weights nor their inputs receive a gradient.
            with Tape.aside():
                others = [self.operators[path](x) for path in paths[1:]]
            output = _Gated.apply(weights, output, *others)  # type: ignore[no-untyped-call]
        if self.shortcut is None:
            return output
        return output + self.shortcut(x)


class Supernet(nn.Module):
    """A stem and searchable cells; a call runs the architecture that ``gates`` holds.

    Args:
        cells: what is fixed.
        candidates: the names of every cell's operators; gates count in this order.
        observation_shape: (C, H, W) or (D,).
    """

    def __init__(
        self, cells: CellSpace, candidates: tuple[str, ...], observation_shape: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.cell_space = cells
        self.candidates = candidates
        self.observation_shape = observation_shape
        self.space = space_of(observation_shape)
        self.stem = stem(self.space, cells, observation_shape)
        operators = [OPERATORS[self.space][name] for name in candidates]
        shapes = cell_shapes(self.space, cells, image_size_of(observation_shape))
        self.cells = nn.ModuleList(SearchableCell(operators, shape, cells) for shape in shapes)
        self.gates = Gates([[0]] * cells.cells, None)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, *observation_shape) to the last cell's output, along the gates' architecture.

        Only where gradients are wanted do other operators than the chosen ones take part.
        """
        x, (paths, weights) = self.stem(x), self.gates
        if weights is None or not torch.is_grad_enabled():
            for cell, path in zip(self.cells, paths, strict=True):
                x = cell(x, path, None)
            return x
        for cell, path, weight in zip(self.cells, paths, weights, strict=True):
            x = cell(x, path, weight)
        return x

    def choose(self, architecture: Architecture) -> None:
        """Let calls run one architecture, without gradient of its gates."""
        chosen = [[self.candidates.index(name)] for name in architecture.operators]
        self.gates = Gates(chosen, None)

    def searchable_cells(self) -> Iterator[SearchableCell]:
        """Yield the cells in order."""
        for cell in self.cells:
            assert isinstance(cell, SearchableCell)
            yield cell

    def architecture(self, paths: Sequence[int]) -> Architecture:
        """Return the architecture of one operator per cell, each by its place in ``candidates``."""
        chosen = tuple(self.candidates[path] for path in paths)
        return Architecture(space=self.space, cells=self.cell_space, operators=chosen)


def operator_costs(supernet: Supernet, table: CostTable | None) -> Tensor:
    """Return every operator's cost, (cells, operators): a table's milliseconds, or else FLOPs."""
    if table is None:
        return operator_flops(supernet)
    return torch.tensor(table.rows(supernet.candidates), device=next(supernet.parameters()).device)


def operator_flops(supernet: Supernet) -> Tensor:
    """Return every operator's FLOPs for one observation, (cells, operators), on its device."""
    x = torch.zeros(1, *supernet.observation_shape, device=next(supernet.parameters()).device)
    rows = []
    with torch.no_grad():
        x = supernet.stem(x)
        for cell in supernet.searchable_cells():
            rows.append([float(count_flops(operator, x)) for operator in cell.operators])
            x = cell.operators[0](x)
    return torch.tensor(rows, device=x.device)
