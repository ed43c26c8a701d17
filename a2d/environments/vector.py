"""The one way in which every environment here is stepped and reset, whatever library it comes from.

``step`` always returns the true next observation, so at an episode's end it is the final one; the caller then
resets those environments itself. Nothing is reset behind the caller's back, and so no reset can be mistaken
for a transition (Gymnasium's ``AutoresetMode.DISABLED``).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

Array = npt.NDArray[Any]
StepResult = tuple[Array, Array, Array, Array, dict[str, Any]]


def independent_seeds(seed: int, count: int) -> list[int]:
    """Return one seed per environment, drawn from independent streams; the first do not depend on ``count``.

    Each is in 1 .. 2^31 - 1, the range that every family takes: ALE's seeds are positive 32-bit integers.
    """
    children = np.random.SeedSequence(seed).spawn(count)
    return [int(child.generate_state(1)[0]) % (2**31 - 1) + 1 for child in children]


class BatchedEnvironment(VectorEnv[Array, Array, Array]):
    """N copies of one task. Observations (N, ...), rewards (N,) float32 and unclipped, flags (N,) bool.

    ``terminated`` and ``truncated`` are never both true: an episode that ends by itself at its last allowed
    step has terminated. Whatever is returned belongs to the caller; no later call overwrites it.
    """

    single_observation_space: Box
    single_action_space: Box | Discrete

    def __init__(self, num_envs: int, observation: Box, action: Box | Discrete, seed: int) -> None:
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.DISABLED}
        self.single_observation_space = observation
        self.single_action_space = action
        self.observation_space = batch_space(observation, num_envs)
        self.action_space = batch_space(action, num_envs)
        self._first_seed: int | None = seed
        self._needs_reset = np.ones(num_envs, dtype=bool)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        """Reset all, or those where ``options["reset_mask"]`` (N,) is true; return all N observations.

        The first reset uses the seed given at construction, unless it is given another; a later one without
        a seed goes on with the same random streams. Observations outside the mask are what they were.
        """
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, dtype=bool))
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(f"reset_mask should be bool ({self.num_envs},), is {mask.dtype} {mask.shape}")
        if self._first_seed is not None and not mask.all():
            raise ResetNeeded("the first reset should reset every environment")
        seed, self._first_seed = self._first_seed if seed is None else seed, None
        indices = np.flatnonzero(mask)
        seeds = None if seed is None else [independent_seeds(seed, self.num_envs)[i] for i in indices]
        self._needs_reset[indices] = False
        return self._reset(indices, seeds), {}

    def step(self, actions: Array) -> StepResult:
        """Take one action in each environment, (N,) integers or (N, A) in -1..1."""
        if self._needs_reset.any():
            raise ResetNeeded(f"reset environments {np.flatnonzero(self._needs_reset).tolist()} first")
        observations, rewards, terminated, truncated, info = self._step(actions)
        truncated = truncated & ~terminated
        self._needs_reset = terminated | truncated
        return observations, rewards.astype(np.float32, copy=False), terminated, truncated, info

    @abstractmethod
    def _reset(self, indices: Array, seeds: list[int] | None) -> Array:
        """Reset those environments, seeding them where seeds are given; return all N observations, fresh."""

    @abstractmethod
    def _step(self, actions: Array) -> StepResult:
        """Step all environments; return fresh arrays as ``step`` does."""
