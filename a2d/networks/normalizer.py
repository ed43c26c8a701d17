"""Running standardisation of vector observations, saved inside the agent's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLIP = 10.0
EPSILON = 1e-8


class Normalizer(nn.Module):
    """Mean and variance over all observations seen in training (Chan et al. 1979, parallel)."""

    mean: Tensor
    variance: Tensor
    count: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        # float64: the count grows to millions, and float32 would stop adding.
        self.register_buffer("mean", torch.zeros(size, dtype=torch.float64))
        self.register_buffer("variance", torch.ones(size, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def update(self, observations: Tensor) -> None:
        """Take a batch (N, D) into the statistics."""
        batch = observations.double()
        size, mean = batch.shape[0], batch.mean(dim=0)
        total = self.count + size
        difference = mean - self.mean
        squares = (
            self.variance * self.count
            + batch.var(dim=0, correction=0) * size
            + difference**2 * self.count * size / total
        )
        # New tensors, not in-place: graphs of this rollout may still hold the old ones.
        self.mean = self.mean + difference * size / total
        self.variance = squares / total
        self.count = total

    def standardize(self, observations: Tensor) -> Tensor:
        """Map (N, D) to zero mean and unit variance, clipped to ±10, as float32."""
        scaled = (observations.double() - self.mean) / (self.variance + EPSILON).sqrt()
        return scaled.clamp(-CLIP, CLIP).float()
