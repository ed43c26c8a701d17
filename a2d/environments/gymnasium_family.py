"""Any Gymnasium environment, MuJoCo's and a user's own included, stepped one after the other."""

from __future__ import annotations

from functools import cache
from typing import Any

import gymnasium
import numpy as np
from gymnasium.error import DependencyNotInstalled, UnregisteredEnv
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import TimeLimit

from a2d.console import say
from a2d.environments.contract import Contract
from a2d.environments.spaces import Actions, Observations
from a2d.environments.vector import Array, BatchedEnvironment, NativeSpaces, StepResult
from a2d.environments.wrappers import wrap
from a2d.specs.task import TaskCard, card_error

NO_LIMIT = -1  # gymnasium.make's word for it


@cache
def _say_once(message: str) -> None:
    say(f"mujoco: {message}")


def _route_mujoco_warnings() -> None:
    """Print each of MuJoCo's warnings once, instead of in ./MUJOCO_LOG.TXT for every copy.

    Not as Python's warnings: where those are errors, raising one through MuJoCo aborts the process.
    """
    try:
        import mujoco  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        return  # gymnasium.make reports better what is missing
    mujoco.set_mju_user_warning(_say_once)


def make_arguments(card: TaskCard) -> dict[str, Any]:
    """Return what ``gymnasium.make`` takes for this task."""
    options = {"id": card.id, **card.options}
    if card.max_episode_steps is not None:  # or the registered limit holds
        # Around wrappers, which may take several steps for one of the agent's, it is counted here.
        options["max_episode_steps"] = NO_LIMIT if card.wrappers else card.max_episode_steps
    return options


def make_one(card: TaskCard, **options: Any) -> gymnasium.Env[Any, Any]:
    """Build one environment, with more options than the card's if there are any.

    Raises:
        A2DError: it cannot be built; the error names the card's file and key.
    """
    try:
        arguments = {**make_arguments(card), **options}
        env = gymnasium.make(disable_env_checker=True, **arguments)
    except UnregisteredEnv as error:
        hint = "Check its spelling, or name the module that registers it under import_module"
        raise card_error(card, "id", f"Gymnasium does not know it: {error} {hint}") from error
    except (DependencyNotInstalled, ImportError) as error:
        raise card_error(card, "id", f"needs a package that is missing: {error}") from error
    except Exception as error:  # a constructor, possibly the user's, may raise anything
        problem = f"the environment cannot be built: {type(error).__name__}: {error}"
        raise card_error(card, "options" if card.options else "id", problem) from error
    return wrap(card, env)


def _limit(card: TaskCard, env: gymnasium.Env[Any, Any]) -> int | None:
    """Return the number of the agent's steps after which an episode is truncated at the latest."""
    if card.max_episode_steps is not None or env.spec is None:
        return card.max_episode_steps
    return env.spec.max_episode_steps


class GymnasiumBatch(BatchedEnvironment):
    """N environments made by ``gymnasium.make``, with spaces in the forms that networks know."""

    def __init__(self, card: TaskCard, num_envs: int, seed: int) -> None:
        if card.family == "mujoco":
            _route_mujoco_warnings()
        self.envs: list[gymnasium.Env[Any, Any]] = []
        try:
            self._make(card, num_envs, seed)
        except BaseException:
            self.close_extras()
            raise

    def _make(self, card: TaskCard, num_envs: int, seed: int) -> None:
        first = make_one(card)
        self.envs.append(first)
        limit = _limit(card, first)
        self._observe = Observations(card, first.observation_space)
        self._act = Actions(card, first.action_space)
        self._contract = Contract(self._observe.declared, self.locate)
        while len(self.envs) < num_envs:
            self.envs.append(make_one(card))
        # Steps are counted here, so that what ``step`` returns is checked before a TimeLimit
        # unpacks it.
        if not card.wrappers:
            self.envs = [env.env if type(env) is TimeLimit else env for env in self.envs]
        super().__init__(card, num_envs, self._observe.space, self._act.space, seed, limit)
        self._current = np.zeros(
            (num_envs, *self._observe.space.shape), dtype=self._observe.space.dtype
        )
        # The same memory, seen in the task's own layout.
        self._arranged = self._current
        if self._observe.channels_last:
            self._arranged = self._current.transpose(0, 2, 3, 1)

    @property
    def native(self) -> NativeSpaces:
        """The spaces that the environment declares."""
        observe, action = self._observe, self._act.inner
        assert isinstance(action, (Box, Discrete))
        return NativeSpaces(observe.declared, action, observe.channels_last)

    def _reset(self, indices: Array, seeds: list[int] | None) -> Array:
        given: list[int | None] = [*seeds] if seeds else [None] * len(indices)
        for i, seed in zip(indices, given, strict=True):
            self._arranged[i] = self._contract.reset(self.envs[i].reset(seed=seed))
        return self._current.copy()

    def _step(self, actions: Array) -> StepResult:
        rewards = np.zeros(self.num_envs, dtype=np.float32)
        terminated = np.zeros(self.num_envs, dtype=bool)
        truncated = np.zeros(self.num_envs, dtype=bool)
        unpack, arranged = self._contract.step, self._arranged
        for i, (env, action) in enumerate(zip(self.envs, self._act.convert(actions), strict=True)):
            arranged[i], rewards[i], terminated[i], truncated[i] = unpack(env.step(action))
        return self._current.copy(), rewards, terminated, truncated, {}

    def close_extras(self) -> None:
        """Close every environment; failures are reported once all have been tried."""
        errors = []
        for env in self.envs:
            try:
                env.close()
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}")
        if errors:
            say(f"closing the environments failed with {errors[0]}")
