"""Checks what an environment returns against what it declares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from gymnasium.spaces import Box

from a2d.environments.vector import Array
from a2d.errors import A2DError

FLAGS = (bool, np.bool_)
NUMBERS = (float, int, np.floating, np.integer, np.bool_)


def _describe(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array {value.shape} of {value.dtype}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if value is None:
        return "None"
    return f"{type(value).__name__} {value!r:.40}"


class Contract:
    """Checks and unpacks what ``reset`` and ``step`` return; takes less than a microsecond a step.

    Bounds are not checked; ``a2d check`` does that.

    Args:
        space: the observation space that the environment declares.
        locate: names the task and the current step, for errors.
    """

    def __init__(self, space: Box, locate: Callable[[], str]) -> None:
        self._shape, self._dtype = space.shape, space.dtype
        self._locate = locate

    def reset(self, result: Any) -> Array:
        """Return the observation of a reset.

        Raises:
            A2DError: it is not what was declared.
        """
        if not isinstance(result, tuple) or len(result) != 2 or not isinstance(result[1], dict):
            self._refuse(
                "reset()",
                "return two, the observation and a dict of information",
                _describe(result),
            )
        return self.observation(result[0])

    def step(self, result: Any) -> tuple[Array, float, bool, bool]:
        """Return observation, reward, terminated and truncated.

        Raises:
            A2DError: they are not what was declared.
        """
        if not isinstance(result, tuple) or len(result) != 5:
            self._refuse(
                "step()",
                "return five: observation, reward, terminated, truncated, info",
                _describe(result),
            )
        observation, reward, terminated, truncated, info = result
        if type(reward) is not float and not self._is_number(reward):
            self._refuse("reward", "be a number", _describe(reward))
        if type(terminated) not in FLAGS:
            self._refuse("terminated", "be True or False", _describe(terminated))
        if type(truncated) not in FLAGS:
            self._refuse("truncated", "be True or False", _describe(truncated))
        if type(info) is not dict and not isinstance(info, dict):
            self._refuse("info", "be a dict", _describe(info))
        return self.observation(observation), reward, terminated, truncated

    def observation(self, value: Any) -> Array:
        """Return an observation as an array of the declared shape.

        Raises:
            A2DError: it has another shape, or numbers that the declared dtype cannot hold.
        """
        if type(value) is np.ndarray and value.dtype is self._dtype and value.shape == self._shape:
            return value  # nearly always
        try:
            array = np.asarray(value)
        except ValueError:  # a list of lists of unequal lengths
            self._refuse("observation", self._declared(), _describe(value))
        if array.shape != self._shape or (array.dtype != self._dtype and not self._holds(array)):
            found = array
            if array.dtype.kind not in "fiub":
                found = value
            self._refuse("observation", self._declared(), _describe(found))
        return array

    def _declared(self) -> str:
        return f"be an array {self._shape} of {self._dtype}, as declared"

    def _holds(self, array: Array) -> bool:
        """Whether the declared dtype holds these numbers, if perhaps with less precision."""
        if not np.can_cast(array.dtype, self._dtype, "same_kind"):
            return False
        return self._dtype.kind not in "iu" or np.array_equal(array.astype(self._dtype), array)

    @staticmethod
    def _is_number(value: Any) -> bool:
        if isinstance(value, np.ndarray):
            return value.shape == () and value.dtype.kind in "fiub"
        return isinstance(value, NUMBERS)

    def _refuse(self, what: str, rule: str, found: str) -> NoReturn:
        raise A2DError(
            f"{self._locate()}: the environment's {what} should {rule}, but it gave {found}"
        )
