"""The one way in which every environment here is stepped and reset, whatever library it comes from.

``step`` always returns the true next observation, so at an episode's end it is the final one; the
caller then resets those environments itself. Nothing is reset behind the caller's back, and so no
reset can be mistaken for a transition (Gymnasium's ``AutoresetMode.DISABLED``).
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from a2d.console import say
from a2d.environments.watchdog import Watchdog
from a2d.errors import Diverged
from a2d.specs.task import TaskCard

Array = npt.NDArray[Any]
StepResult = tuple[Array, Array, Array, Array, dict[str, Any]]

# After so many steps of all environments without any end, a task without a limit is suspect.
ENDLESS = 2_000


def independent_seeds(seed: int, count: int) -> list[int]:
    """Return one seed per environment, drawn from independent streams.

    Each is in 1 .. 2^31 - 1, the range that every family takes: ALE's seeds are positive 32-bit
    integers. A larger ``count`` does not change the first ones.
    """
    children = np.random.SeedSequence(seed).spawn(count)
    return [int(child.generate_state(1)[0]) % (2**31 - 1) + 1 for child in children]


@dataclass(frozen=True)
class NativeSpaces:
    """The spaces of one environment as the task's own library has them, outside of this one.

    Args:
        observation: what its ``reset`` and ``step`` return.
        action: what its ``step`` takes.
        channels_last: whether its observations are images (H, W, C); here they are (C, H, W).
    """

    observation: Box
    action: Box | Discrete
    channels_last: bool = False


class BatchedEnvironment(VectorEnv[Array, Array, Array]):
    """N copies of one task.

    Observations are (N, ...), rewards (N,) float32 and unclipped, flags (N,) bool. ``terminated``
    and ``truncated`` are never both true: an episode that ends by itself at its last allowed step
    has terminated. Whatever is returned belongs to the caller; no later call overwrites it.
    """

    single_observation_space: Box
    single_action_space: Box | Discrete

    def __init__(
        self,
        card: TaskCard,
        num_envs: int,
        observation: Box,
        action: Box | Discrete,
        seed: int,
        limit: int | None = None,
    ) -> None:
        """Batch one environment's spaces; episodes are truncated after ``limit`` agent steps."""
        self.card = card
        self.num_envs = num_envs
        self.metadata = {"autoreset_mode": AutoresetMode.DISABLED, "task": card.name}
        self.metadata["max_episode_steps"] = limit
        self.single_observation_space = observation
        self.single_action_space = action
        self.observation_space = batch_space(observation, num_envs)
        self.action_space = batch_space(action, num_envs)
        self._first_seed: int | None = seed
        self._seed, self._steps = seed, 0
        self._limit = limit or np.inf
        self._elapsed = np.zeros(num_envs, dtype=np.int64)
        self._suspect = limit is None
        self._needs_reset = np.ones(num_envs, dtype=bool)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Reset all environments, or those where ``options["reset_mask"]`` (N,) is true.

        The first reset uses the seed given at construction, unless it is given another; a later one
        without a seed continues the same random streams. All N observations are returned; those
        outside the mask are unchanged.
        """
        mask = (options or {}).get("reset_mask", np.ones(self.num_envs, dtype=bool))
        if mask.shape != (self.num_envs,) or mask.dtype != np.bool_:
            raise ValueError(
                f"reset_mask should be bool ({self.num_envs},), is {mask.dtype} {mask.shape}"
            )
        if self._first_seed is not None and not mask.all():
            raise ResetNeeded("the first reset should reset every environment")
        if seed is None:
            seed = self._first_seed
        self._first_seed = None
        indices, seeds = np.flatnonzero(mask), None
        if seed is not None:
            self._seed, self._steps = seed, 0
            every = independent_seeds(seed, self.num_envs)
            seeds = [every[index] for index in indices]
        self._needs_reset[indices] = False
        self._elapsed[indices] = 0
        with Watchdog(self.card.step_limit_s, self.locate):
            observations = self._reset(indices, seeds)
        self._check("observation", observations)
        return observations, {}

    def step(self, actions: Array) -> StepResult:
        """Take one action in each environment, (N,) integers or (N, A) in -1..1.

        Raises:
            A2DError: an environment fails or hangs; the error names task, step and line.
            Diverged: a reward or an observation is not finite.
        """
        if self._needs_reset.any():
            raise ResetNeeded(
                f"reset environments {np.flatnonzero(self._needs_reset).tolist()} first"
            )
        self._steps += 1
        with Watchdog(self.card.step_limit_s, self.locate):
            observations, rewards, terminated, truncated, info = self._step(actions)
        self._check("reward", rewards)
        self._check("observation", observations)
        self._elapsed += 1
        truncated = (truncated | (self._elapsed >= self._limit)) & ~terminated
        self._needs_reset = terminated | truncated
        if self._suspect:
            self._watch_for_an_end()
        return observations, rewards.astype(np.float32, copy=False), terminated, truncated, info

    def _check(self, name: str, numbers: Array) -> None:
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            raise Diverged(f"{self.locate()}: {name} not finite")

    def _watch_for_an_end(self) -> None:
        if self._needs_reset.any():
            self._suspect = False
        elif self._steps == ENDLESS:
            self._suspect = False
            say(
                f"{self.locate()}: no episode has ended; if none ever does, "
                "limit them by the card's max_episode_steps"
            )

    @property
    def native(self) -> NativeSpaces:
        """The spaces of the task's own environment; families that change them say so."""
        return NativeSpaces(self.single_observation_space, self.single_action_space)

    def locate(self) -> str:
        """Name the task and the current step, for errors."""
        step = f"step {self._steps} of {self.num_envs} environments"
        return f"{self.card.name}: {step} after reset(seed={self._seed})"

    @abstractmethod
    def _reset(self, indices: Array, seeds: list[int] | None) -> Array:
        """Reset these environments, with seeds if given; return all N observations, fresh."""

    @abstractmethod
    def _step(self, actions: Array) -> StepResult:
        """Step all environments; return fresh arrays as ``step`` does."""
