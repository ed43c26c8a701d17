"""Any Gymnasium environment, MuJoCo's and a user's own among them, one after the other in this process."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import DependencyNotInstalled, UnregisteredEnv

from a2d.environments.spaces import Actions, Observations
from a2d.environments.vector import Array, BatchedEnvironment, StepResult
from a2d.tasks import TaskCard, card_error


@cache
def _tell(message: str) -> None:
    print(f"mujoco: {message}", file=sys.stderr)


def _route_mujoco_warnings() -> None:
    """Tell each of MuJoCo's warnings once, not in lines of ./MUJOCO_LOG.TXT for every copy.

    Not as Python's warnings: where those are errors, raising one through MuJoCo aborts the process.
    """
    try:
        import mujoco  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return  # gymnasium.make tells better what is missing
    mujoco.set_mju_user_warning(_tell)


def _make_one(card: TaskCard) -> gymnasium.Env[Any, Any]:
    """Build one environment; whatever goes wrong in its constructor is told as the card's mistake."""
    # Without a limit of its own the card leaves the one the environment is registered with.
    limit = {} if card.max_episode_steps is None else {"max_episode_steps": card.max_episode_steps}
    try:
        return gymnasium.make(card.id, disable_env_checker=True, **limit, **card.options)
    except UnregisteredEnv as error:
        hint = "Check its spelling, or name the module that registers it under import_module"
        raise card_error(card, "id", f"Gymnasium does not know it: {error} {hint}") from error
    except (DependencyNotInstalled, ImportError) as error:
        raise card_error(card, "id", f"needs a package that is missing: {error}") from error
    except Exception as error:  # a constructor, possibly the user's, may raise anything
        key = "options" if card.options else "id"
        problem = f"the environment cannot be built: {type(error).__name__}: {error}"
        raise card_error(card, key, problem) from error


class GymnasiumBatch(BatchedEnvironment):
    """N environments made by ``gymnasium.make``, their spaces brought into the forms the networks know."""

    def __init__(self, card: TaskCard, num_envs: int, seed: int) -> None:
        if card.family == "mujoco":
            _route_mujoco_warnings()
        first = _make_one(card)
        self._observe = Observations(card, first.observation_space)
        self._act = Actions(card, first.action_space)
        self._envs = [first] + [_make_one(card) for _ in range(num_envs - 1)]
        super().__init__(card, num_envs, self._observe.space, self._act.space, seed)
        self._current = np.zeros((num_envs, *self._observe.space.shape), dtype=self._observe.space.dtype)

    def _reset(self, indices: Array, seeds: list[int] | None) -> Array:
        for k, i in enumerate(indices):
            observation, _ = self._envs[i].reset(seed=None if seeds is None else seeds[k])
            self._current[i] = self._observe.arrange(observation)
        return self._current.copy()

    def _step(self, actions: Array) -> StepResult:
        rewards = np.zeros(self.num_envs, dtype=np.float32)
        terminated = np.zeros(self.num_envs, dtype=bool)
        truncated = np.zeros(self.num_envs, dtype=bool)
        for i, action in enumerate(self._act.convert(actions)):
            observation, rewards[i], terminated[i], truncated[i], _ = self._envs[i].step(action)
            self._current[i] = self._observe.arrange(observation)
        return self._current.copy(), rewards, terminated, truncated, {}

    def close_extras(self) -> None:
        """Close every environment."""
        for env in self._envs:
            env.close()
