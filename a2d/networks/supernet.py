"""The supernet: every cell holds all nine operators; alpha, kept apart from the weights, chooses.

Hard Gumbel-Softmax (Jang et al. 2017) with one path forward and K paths backward (reconstructed
from A3C-S, Fu et al. 2021): the forward pass runs the sampled operator alone, and alpha's gradient
sees the K likeliest operators of the relaxed sample.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    projection,
    space_of,
    stem,
)
from a2d.specs.architecture import OPERATORS, Architecture, CellSpace, Space


class Gates(NamedTuple):
    """One sampled architecture. ``paths`` (cells, K): operators, the sampled one first.

    ``weights`` (cells, K): worth 1 for the sampled operator and 0 for the others, with the gradient
    of the relaxed sample.
    """

    paths: list[list[int]]
    weights: Tensor | None

    def sampled(self) -> Gates:
        """Return the gates of the sampled operators alone, without gradient."""
        return Gates([path[:1] for path in self.paths], None)


def probabilities(alpha: Tensor, temperature: float) -> Tensor:
    """Turn architecture parameters (cells, operators) into probabilities of the same shape."""
    return torch.softmax(alpha / temperature, dim=-1)


def sample_gates(
    alpha: Tensor, temperature: float, backward_paths: int, generator: torch.Generator | None = None
) -> Gates:
    """Sample one operator per cell; draws from torch's global generator if none is given.

    The sampled operator is the largest of alpha plus Gumbel noise: its distribution is
    softmax(alpha), whatever the temperature, which shapes only the relaxation that carries the
    gradient.
    """
    gumbel = -torch.log(torch.empty_like(alpha).exponential_(generator=generator))
    relaxed = probabilities(alpha + gumbel, temperature)
    top = relaxed.topk(backward_paths, dim=-1)
    hard = torch.zeros_like(top.values)
    hard[:, 0] = 1.0
    # Exactly 1 and 0: what the sampled operator computed while acting is what it is worth in the
    # graph.
    return Gates(top.indices.tolist(), hard + (top.values - top.values.detach()))


def strongest_gates(alpha: Tensor) -> Gates:
    """Return the derived architecture as gates without gradient."""
    return Gates(alpha.argmax(dim=-1, keepdim=True).tolist(), None)


class _Gated(torch.autograd.Function):
    """The sum of operators' outputs weighted by their gates, of which the first is 1 and the others 0."""

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

    def __init__(self, space: Space, shape: CellShape, cells: CellSpace) -> None:
        super().__init__()
        self.operators = nn.ModuleList(
            build_operator(operator, space, shape, cells.normalization)
            for operator in OPERATORS[space]
        )
        self.shortcut = projection(space, shape) if cells.shortcut == "identity" else None

    def forward(self, x: Tensor, paths: list[int], weights: Tensor | None) -> Tensor:
        """Run the sampled path; the other paths only pass their outputs to alpha's gradient."""
        output: Tensor = self.operators[paths[0]](x)
        if weights is not None:
            # Their gates are worth 0, so neither their weights nor their inputs receive a gradient.
            with Tape.aside():
                others = [self.operators[path](x) for path in paths[1:]]
            output = _Gated.apply(weights, output, *others)  # type: ignore[no-untyped-call]
        return output if self.shortcut is None else output + self.shortcut(x)


class Supernet(nn.Module):
    """A stem and searchable cells, called with a batch and the gates of one architecture."""

    def __init__(self, cells: CellSpace, observation_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.cell_space = cells
        self.space = space_of(observation_shape)
        self.stem = stem(self.space, cells, observation_shape)
        shapes = cell_shapes(self.space, cells, image_size_of(observation_shape))
        self.cells = nn.ModuleList(SearchableCell(self.space, shape, cells) for shape in shapes)

    def forward(self, x: Tensor, gates: Gates) -> Tensor:
        """Map (N, *observation_shape) to the last cell's output."""
        x = self.stem(x)
        for index, cell in enumerate(self.cells):
            x = cell(x, gates.paths[index], None if gates.weights is None else gates.weights[index])
        return x

    def searchable_cells(self) -> Iterator[SearchableCell]:
        """Yield the cells in order."""
        for cell in self.cells:
            assert isinstance(cell, SearchableCell)
            yield cell

    def derive(self, alpha: Tensor) -> Architecture:
        """Keep the strongest operator of every cell."""
        names = OPERATORS[self.space]
        chosen = tuple(names[index] for index in alpha.argmax(dim=-1).tolist())
        return Architecture(space=self.space, cells=self.cell_space, operators=chosen)


def operator_flops(supernet: Supernet, observation_shape: tuple[int, ...]) -> Tensor:
    """Return every operator's FLOPs for one observation, (cells, operators), on the supernet's device."""
    x = torch.zeros(1, *observation_shape, device=next(supernet.parameters()).device)
    rows = []
    with torch.no_grad():
        x = supernet.stem(x)
        for cell in supernet.searchable_cells():
            rows.append([float(count_flops(operator, x)) for operator in cell.operators])
            x = cell.operators[-1](x)
    return torch.tensor(rows, device=x.device)
