"""RMSProp and Adam, with the arithmetic of ``torch.optim`` operation by operation.

``torch.optim`` imports PyTorch's compiler when it is first used, which takes as long as a short
run's training, and calls one operation after the other for every weight; these call each once for
all weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Protocol

import torch
from torch import Tensor


def forget_gradients(weights: Iterable[Tensor]) -> None:
    """Leave the weights without gradients."""
    for weight in weights:
        weight.grad = None


def clip_gradients(gradients: list[Tensor], max_norm: float) -> Tensor:
    """Scale gradients in place to a joint norm of at most ``max_norm``; return what it was."""
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    # A tiny addition, as in torch.nn.utils.clip_grad_norm_, keeps the factor finite.
    torch._foreach_mul_(gradients, (max_norm / (norm + 1e-6)).clamp(max=1.0))
    return norm


class Optimizer(Protocol):
    """Moves weights along their gradients."""

    def state(self) -> dict[str, Tensor]:
        """Return all that ``step`` changes besides the weights, by name; no copies."""

    def step(self, learning_rate: float) -> None:
        """Move the weights; those without a gradient stay, and their means too."""


class RMSProp:
    """RMSProp with epsilon outside the square root.

    Args:
        weights: changed in place by ``step``.
        decay: of the running mean of squared gradients.
        epsilon: added to its root.
    """

    def __init__(self, weights: Iterable[Tensor], decay: float, epsilon: float) -> None:
        self.weights = list(weights)
        self.decay = decay
        self.epsilon = epsilon
        self.squares = [torch.zeros_like(weight) for weight in self.weights]

    def state(self) -> dict[str, Tensor]:
        """Return the means of squares by name."""
        return {f"squares.{index}": square for index, square in enumerate(self.squares)}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the weights along their gradients; those without one stay, and their means too."""
        learned = [index for index, weight in enumerate(self.weights) if weight.grad is not None]
        weights, squares = (
            [tensors[index] for index in learned] for tensors in (self.weights, self.squares)
        )
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        torch._foreach_mul_(squares, self.decay)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - self.decay)
        roots = torch._foreach_sqrt(squares)
        torch._foreach_add_(roots, self.epsilon)
        torch._foreach_addcdiv_(weights, gradients, roots, -learning_rate)


class Adam:
    """Adam (Kingma and Ba, 2015), bias-corrected for every weight by its own number of steps.

    Args:
        weights: changed in place by ``step``.
        epsilon: added to the root of the squares' mean.
        betas: decays of the running means of gradients and of their squares.
    """

    def __init__(
        self,
        weights: Iterable[Tensor],
        epsilon: float = 1e-8,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        self.weights = list(weights)
        self.epsilon = epsilon
        self.betas = betas
        self.means = [torch.zeros_like(weight) for weight in self.weights]
        self.squares = [torch.zeros_like(weight) for weight in self.weights]
        self.steps = torch.zeros(len(self.weights), dtype=torch.int64)

    def state(self) -> dict[str, Tensor]:
        """Return all that ``step`` changes besides the weights, by name."""
        named = {f"means.{index}": mean for index, mean in enumerate(self.means)}
        named |= {f"squares.{index}": square for index, square in enumerate(self.squares)}
        return named | {"steps": self.steps}

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the weights along their gradients; those without one stay, and their means too."""
        learned = [index for index, weight in enumerate(self.weights) if weight.grad is not None]
        self.steps[learned] += 1
        weights, means, squares = (
            [tensors[index] for index in learned]
            for tensors in (self.weights, self.means, self.squares)
        )
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        first, second = self.betas
        torch._foreach_lerp_(means, gradients, 1 - first)
        torch._foreach_mul_(squares, second)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - second)
        roots = torch._foreach_sqrt(squares)
        steps = self.steps[learned].tolist()
        torch._foreach_div_(roots, [math.sqrt(1 - second**count) for count in steps])
        torch._foreach_add_(roots, self.epsilon)
        rates = [-learning_rate / (1 - first**count) for count in steps]
        torch._foreach_addcdiv_(weights, means, roots, rates)
