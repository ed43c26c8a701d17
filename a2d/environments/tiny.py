"""Two tasks of our own that an agent learns in seconds: one of pixels, one of continuous control.

Importing this module registers them with Gymnasium, just as a user's own module does.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from a2d.environments.vector import Array

Step = tuple[Array, float, bool, bool, dict[str, Any]]


class Catch(gymnasium.Env[Array, np.int64]):
    """Catch falling balls with a paddle: +1 each, -1 for a miss (bsuite, Osband et al., 2020).

    Observations (2, 8, 8) float32: the ball's cell, the paddle's cell. Actions: left, stay, right.
    A ball starts in a random column of the top row and falls one row a step; the episode ends after
    some balls.
    """

    SIZE = 8

    def __init__(self, balls: int = 5) -> None:
        self.balls = balls
        self.observation_space = Box(0.0, 1.0, (2, self.SIZE, self.SIZE), np.float32)
        self.action_space = Discrete(3)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start with the paddle in the middle and the first ball at the top."""
        super().reset(seed=seed)
        self._left = self.balls
        self._paddle = self.SIZE // 2
        self._drop()
        return self._observe(), {}

    def step(self, action: np.int64) -> Step:
        """Move the paddle, then let the ball fall; where it lands, reward and drop the next one."""
        self._paddle = min(max(self._paddle + int(action) - 1, 0), self.SIZE - 1)
        self._row += 1
        if self._row < self.SIZE - 1:
            return self._observe(), 0.0, False, False, {}
        reward = 1.0 if self._column == self._paddle else -1.0
        self._left -= 1
        if self._left > 0:  # otherwise the final observation shows where the last ball landed
            self._drop()
        return self._observe(), reward, self._left == 0, False, {}

    def _drop(self) -> None:
        self._row, self._column = 0, int(self.np_random.integers(self.SIZE))

    def _observe(self) -> Array:
        board = np.zeros((2, self.SIZE, self.SIZE), dtype=np.float32)
        board[0, self._row, self._column] = 1.0
        board[1, self.SIZE - 1, self._paddle] = 1.0
        return board


class Reach(gymnasium.Env[Array, Array]):
    """Push a point to a target; the reward is minus the distance left. Never terminates.

    Observations (4,) float32: the point's x and y, the target's x and y, all in -1..1. Actions
    (2,): the push, in -0.2..0.2 per axis. Only the registered limit ends an episode, so that
    truncation is exercised.
    """

    def __init__(self) -> None:
        self.observation_space = Box(-1.0, 1.0, (4,), np.float32)
        self.action_space = Box(-0.2, 0.2, (2,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Put point and target at random places."""
        super().reset(seed=seed)
        self._state = self.np_random.uniform(-1.0, 1.0, 4).astype(np.float32)
        return self._state.copy(), {}

    def step(self, action: Array) -> Step:
        """Move the point by the action, within the square."""
        self._state[:2] = np.clip(self._state[:2] + action, -1.0, 1.0)
        distance = float(np.linalg.norm(self._state[:2] - self._state[2:]))
        return self._state.copy(), -distance, False, False, {}


gymnasium.register("a2d/Catch-v0", entry_point="a2d.environments.tiny:Catch")
gymnasium.register("a2d/Reach-v0", entry_point="a2d.environments.tiny:Reach", max_episode_steps=25)
