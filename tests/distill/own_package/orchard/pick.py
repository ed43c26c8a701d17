"""An orchard seen from the side: apples fall, stones as well; a basket moves below."""

from typing import Any

import gymnasium
import numpy as np

SIZE, BASKET = 10, 3
APPLE, STONE = 0, 1


class Pick(gymnasium.Env):
    """Images (10, 10, 3): apples, stones, the basket. +1 for an apple, -1 for a stone caught."""

    def __init__(self, length: int = 80) -> None:
        self.length = length
        self.observation_space = gymnasium.spaces.Box(0, 255, (SIZE, SIZE, 3), np.uint8)
        self.action_space = gymnasium.spaces.Discrete(3)

    def _see(self) -> np.ndarray:
        image = np.zeros((SIZE, SIZE, 3), np.uint8)
        for row, column, kind in self.falling:
            image[row, column, kind] = 255
        image[SIZE - 1, self.basket : self.basket + BASKET, 2] = 255
        return image

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.time = 0
        self.falling: list[tuple[int, int, int]] = []
        self.basket = int(self.np_random.integers(SIZE - BASKET + 1))
        return self._see(), {}

    def step(self, action: int) -> Any:
        self.time += 1
        self.basket = int(np.clip(self.basket + int(action) - 1, 0, SIZE - BASKET))
        self.falling = [(row + 1, column, kind) for row, column, kind in self.falling]
        reward = 0.0
        for row, column, kind in self.falling:
            if row == SIZE - 1 and self.basket <= column < self.basket + BASKET:
                reward += 1.0 if kind == APPLE else -1.0
        self.falling = [thing for thing in self.falling if thing[0] < SIZE - 1]
        if self.time % 4 == 1:
            kind = APPLE if self.np_random.random() < 0.7 else STONE
            self.falling.append((0, int(self.np_random.integers(SIZE)), kind))
        return self._see(), reward, self.time >= self.length, False, {}
