"""Converts the spaces that a Gymnasium environment declares into those that networks know."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import Space
from gymnasium.spaces import Box, Discrete

from a2d.environments.vector import Array
from a2d.environments.wrapper_advice import action_advice, observation_advice
from a2d.errors import A2DError
from a2d.specs.task import TaskCard, card_error

# Actions are float32: beyond these, whole numbers are missed, or differences are infinite.
LARGEST_INTEGER = 2.0**24
LARGEST_FLOAT = float(np.finfo(np.float32).max) / 2


def _advised(card: TaskCard, problem: str, advice: str) -> A2DError:
    between = "\n" if "\n" in advice else ". "
    return A2DError(f"{card_error(card, 'id', problem)}{between}{advice}")


def _is_image(space: Box) -> bool:
    """Whether values are bytes, or floats in 0..1, as an image's pixels are."""
    if len(space.shape) != 3:
        return False
    if space.dtype == np.uint8:
        return True
    return bool(
        np.issubdtype(space.dtype, np.floating) and space.low.min() >= 0 and space.high.max() <= 1
    )


def _channels_last(card: TaskCard, shape: tuple[int, ...]) -> bool:
    """Whether an image's shape is (H, W, C): as the card says, or as the shape shows.

    The shape shows it where the sides are equal, or both longer than there are channels, in one
    of the two readings alone.

    Raises:
        A2DError: both readings make sense, or neither.
    """
    if card.channels is not None:
        return card.channels == "last"
    first, middle, last = shape
    as_first = middle == last or first < min(middle, last)
    as_last = first == middle or last < min(first, middle)
    if as_first == as_last:
        problem = (
            f"observations of shape {shape} may be (C, H, W) or (H, W, C): say 'first' or 'last'"
        )
        raise card_error(card, "channels", problem)
    return as_last


class Observations:
    """A task's observations: vectors (D,) float32, or images (C, H, W) of bytes or floats 0..1."""

    def __init__(self, card: TaskCard, space: Space[Any]) -> None:
        if not isinstance(space, Box):
            problem = f"observations should be a Box, are a {type(space).__name__}"
            raise _advised(card, problem, observation_advice(space))
        image = _is_image(space)
        if len(space.shape) != 1 and not image:
            wanted = "(D,), or an image, (H, W, C) or (C, H, W), of uint8 or of floats in 0..1"
            problem = f"observations should be {wanted}; are {space.shape} {space.dtype}"
            raise _advised(card, problem, observation_advice(space))
        self.channels_last = image and _channels_last(card, space.shape)
        self.declared = space
        low, high = self.arrange(space.low), self.arrange(space.high)
        self.space: Box
        if image and space.dtype == np.uint8:
            self.space = Box(low, high, dtype=np.uint8)
        else:
            self.space = Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    def arrange(self, observation: Array) -> Array:
        """Return an observation with its channels first."""
        if self.channels_last:
            return observation.transpose(2, 0, 1)
        return observation


class Actions:
    """The agent's actions, indices from 0 or -1..1 per dimension, converted to the task's."""

    def __init__(self, card: TaskCard, space: Space[Any]) -> None:
        self.space: Discrete | Box
        self.inner = space
        if isinstance(space, Discrete):
            self.space = Discrete(int(space.n))
        elif isinstance(space, Box) and len(space.shape) == 1:
            self._take_bounds(card, space)
            self.space = Box(-1.0, 1.0, space.shape, np.float32)
        else:
            problem = f"actions should be Discrete or a Box (A,), are {space}"
            raise _advised(card, problem, action_advice(card, space))

    def _take_bounds(self, card: TaskCard, space: Box) -> None:
        if not space.is_bounded():
            problem = "continuous actions should be bounded, they are not"
            raise _advised(card, problem, action_advice(card, space))
        self.whole = not np.issubdtype(space.dtype, np.floating)
        self.low, self.high = space.low.astype(np.float64), space.high.astype(np.float64)
        largest = LARGEST_FLOAT
        if self.whole:
            largest = LARGEST_INTEGER
        found = max(np.abs(self.low).max(), np.abs(self.high).max())
        if found > largest:
            raise card_error(
                card,
                "id",
                f"actions of {space.dtype} should be within ±{largest:g}, reach {found:g}",
            )

    def convert(self, actions: Array) -> Array:
        """Return the task's (N,) or (N, A) actions: continuous ones clipped, whole ones rounded."""
        if isinstance(self.inner, Discrete):
            indices: Array = actions.astype(np.int64) + self.inner.start
            return indices
        middle, half = (self.high + self.low) / 2, (self.high - self.low) / 2
        # In float64, whatever the task's dtype: nothing overflows, and the bounds are met exactly.
        scaled: Array = np.clip(
            middle + half * np.clip(actions.astype(np.float64), -1, 1), self.low, self.high
        )
        if self.whole:
            scaled = np.rint(scaled)
        return scaled.astype(self.inner.dtype)
