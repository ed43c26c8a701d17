"""Environments as users write them, correct and faulty, and cards of these and of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from a2d.specs.task import TaskCard, load_card
from tests.checkout import ENVS


def shipped(name: str, **changes: Any) -> TaskCard:
    return load_card(ENVS / f"{name}.yaml").model_copy(update=changes)


def card(**fields: Any) -> TaskCard:
    return TaskCard.model_validate({"name": "mine", "title": "T", "family": "gymnasium", **fields})


@contextmanager
def register(id: str, entry_point: Callable[..., Any], **options: Any) -> Iterator[None]:
    """Let Gymnasium know an environment for a while."""
    gymnasium.register(id, entry_point=entry_point, **options)
    try:
        yield
    finally:
        del gymnasium.registry[id]


class Recorder(gymnasium.Env[Any, Any]):
    """A user's environment with any spaces; its observation is the last action it was given."""

    def __init__(self, observation: Any = None, action: Any = None, broken: bool = False) -> None:
        self.observation_space = observation or Box(-9.0, 9.0, (2,), np.float64)
        self.action_space = action or Box(
            np.array([-4.0, 0.0]), np.array([4.0, 1.0]), dtype=np.float64
        )
        self.broken = broken
        self.actions: list[Any] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.observation_space.seed(seed)
        return self.observation_space.sample(), {}

    def step(self, action: Any) -> Any:
        if self.broken:
            raise RuntimeError("it broke")
        self.actions.append(action)
        observation = self.observation_space.sample()
        if self.observation_space.shape == np.shape(action):
            observation = action
        return observation, 100 * float(np.sum(action)), False, False, {}


def recorder(**options: Any) -> TaskCard:
    return card(id="Recorder-v0", options=options)


class Walk(gymnasium.Env[Any, Any]):
    """Episodes of some steps of reward 1, whose observations and results a test may exchange.

    Args:
        steps: of an episode; None for one without an end.
        returned: what ``step`` and ``reset`` make of what they would return.
    """

    observation_space: Box = Box(-1.0, 1.0, (3,), np.float32)
    action_space = Discrete(2)

    def __init__(
        self,
        steps: int | None = 8,
        observation: Callable[[np.ndarray], Any] = lambda observation: observation,
        step: Callable[[tuple[Any, ...]], Any] = lambda result: result,
        reset: Callable[[tuple[Any, ...]], Any] = lambda result: result,
        space: Box | None = None,
    ) -> None:
        self.steps, self.observation = steps, observation
        self.step_result, self.reset_result = step, reset
        self.observation_space = space or self.observation_space

    def _look(self) -> Any:
        shape, dtype = self.observation_space.shape, self.observation_space.dtype
        return self.observation(self.np_random.uniform(0, 1, shape).astype(dtype))

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.taken = 0
        return self.reset_result((self._look(), {}))

    def step(self, action: Any) -> Any:
        self.taken += 1
        return self.step_result((self._look(), 1.0, self.taken == self.steps, False, {}))
