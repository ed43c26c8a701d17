"""The optimisers against ``torch.optim``, bit by bit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from a2d.algorithms.optimizers import Adam, RMSProp, clip_gradients


def weights_of(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shapes = [(4, 3), (5,), (2, 3, 3, 3)]
    return [torch.randn(shape, generator=generator).requires_grad_() for shape in shapes]


def give_gradients(weights: list[Tensor], step: int) -> None:
    """Set gradients that depend on the step; every third weight has none at every second step."""
    generator = torch.Generator().manual_seed(step)
    for index, weight in enumerate(weights):
        gradient = torch.randn(weight.shape, generator=generator)
        weight.grad = None if index == 2 and step % 2 else gradient


def test_rmsprop_equals_torchs_also_where_weights_have_no_gradient() -> None:
    ours, theirs = weights_of(0), weights_of(0)
    optimizer, reference = RMSProp(ours, 0.99, 1e-5), torch.optim.RMSprop(theirs, 1.0, 0.99, 1e-5)
    for step in range(6):
        rate = 0.01 / (step + 1)
        reference.param_groups[0]["lr"] = rate
        give_gradients(ours, step)
        give_gradients(theirs, step)
        optimizer.step(rate)
        reference.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.999)])
def test_adam_equals_torchs(betas: tuple[float, float]) -> None:
    ours, theirs = weights_of(3), weights_of(3)
    optimizer = Adam(ours, 1e-5, betas)
    reference = torch.optim.Adam(theirs, 0.02, betas, eps=1e-5)
    for step in range(6):
        give_gradients(ours, step)
        give_gradients(theirs, step)
        if step % 2:  # what a supernet's path leaves out
            ours[1].grad = theirs[1].grad = None
        optimizer.step(0.02)
        reference.step()
        assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))
    assert optimizer.steps.tolist() == [6, 3, 3]


@pytest.mark.parametrize("max_norm", [0.5, 1e3])
def test_clipping_equals_torchs(max_norm: float) -> None:
    ours, theirs = weights_of(2), weights_of(2)
    give_gradients(ours, 0)
    give_gradients(theirs, 0)
    norm = clip_gradients([weight.grad for weight in ours if weight.grad is not None], max_norm)
    assert torch.equal(norm, nn.utils.clip_grad_norm_(theirs, max_norm))
    for a, b in zip(ours, theirs, strict=True):
        assert a.grad is not None and b.grad is not None and torch.equal(a.grad, b.grad)
