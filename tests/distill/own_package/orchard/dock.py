"""A boat of some mass is driven to a place where it should lie still."""

from typing import Any

import gymnasium
import numpy as np

STEP = 0.15


class Dock(gymnasium.Env):
    """Place, velocity and goal (6 numbers); thrust in -2..2 along both axes."""

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-10.0, 10.0, (6,), np.float64)
        self.action_space = gymnasium.spaces.Box(-2.0, 2.0, (2,), np.float32)

    def _see(self) -> np.ndarray:
        return np.clip(np.concatenate([self.place, self.velocity, self.goal]), -10, 10)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.place = self.np_random.uniform(-2, 2, 2)
        self.velocity = np.zeros(2)
        self.goal = self.np_random.uniform(-2, 2, 2)
        return self._see(), {}

    def step(self, action: np.ndarray) -> Any:
        thrust = np.clip(np.asarray(action, float), -2, 2)
        self.velocity = 0.9 * self.velocity + STEP * thrust
        self.place = np.clip(self.place + STEP * self.velocity, -5, 5)
        distance = float(np.linalg.norm(self.place - self.goal))
        reward = -distance - 0.02 * float(thrust @ thrust)
        return self._see(), reward, False, False, {}
