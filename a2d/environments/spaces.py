"""What the networks can be fed and can answer, out of what a Gymnasium environment declares."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import Space
from gymnasium.spaces import Box, Discrete

from a2d.environments.vector import Array
from a2d.tasks import TaskCard, card_error


def _is_image(space: Box) -> bool:
    """Tell bytes, and floats within 0..1, from what cannot be taken for an image's pixels."""
    if space.dtype == np.uint8:
        return True
    return bool(np.issubdtype(space.dtype, np.floating) and space.low.min() >= 0 and space.high.max() <= 1)


class Observations:
    """Turns a task's observations into vectors (D,) float32, or images (C, H, W) of bytes or 0..1 float32."""

    def __init__(self, card: TaskCard, space: Space[Any]) -> None:
        if not isinstance(space, Box):
            raise card_error(card, "id", f"observations should be a Box, are a {type(space).__name__}")
        shape = space.shape
        self.channels_last = len(shape) == 3 and shape[2] <= 4
        channels_first = len(shape) == 3 and shape[0] < min(shape[1:])
        image = _is_image(space) and (self.channels_last or channels_first)
        if len(shape) != 1 and not image:
            wanted = "(D,), or an image (H, W, up to 4) or (C, H, W) of uint8 or of floats in 0..1"
            raise card_error(card, "id", f"observations should be {wanted}; are {shape} {space.dtype}")
        low, high = self.arrange(space.low), self.arrange(space.high)
        self.space: Box
        if image and space.dtype == np.uint8:
            self.space = Box(low, high, dtype=np.uint8)
        else:
            self.space = Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    def arrange(self, observation: Array) -> Array:
        """Return an observation with its channels first."""
        return observation.transpose(2, 0, 1) if self.channels_last else observation


class Actions:
    """Turns the agent's actions into the task's: indices from 0, or -1..1 per dimension."""

    def __init__(self, card: TaskCard, space: Space[Any]) -> None:
        self.space: Discrete | Box
        self.inner = space
        if isinstance(space, Discrete):
            self.space = Discrete(int(space.n))
        elif isinstance(space, Box) and len(space.shape) == 1:
            if not space.is_bounded():
                raise card_error(card, "id", "continuous actions should be bounded, they are not")
            self.space = Box(-1.0, 1.0, space.shape, np.float32)
        else:
            raise card_error(card, "id", f"actions should be Discrete or a Box (A,), are {space}")

    def convert(self, actions: Array) -> Array:
        """Return (N,) or (N, A) actions in the task's own terms; continuous ones are clipped first."""
        if isinstance(self.inner, Discrete):
            indices: Array = actions.astype(np.int64) + self.inner.start
            return indices
        assert isinstance(self.inner, Box)
        low, high = self.inner.low, self.inner.high
        scaled: Array = low + (np.clip(actions, -1.0, 1.0) + 1.0) * 0.5 * (high - low)
        return scaled.astype(self.inner.dtype)
