"""``a2d check``: try a task for some seconds and describe what was found."""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from gymnasium import Env, Space
from gymnasium.spaces import Box
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers import TransformObservation

from a2d.environments.factory import open_environment
from a2d.environments.gymnasium_family import GymnasiumBatch
from a2d.environments.vector import Array, BatchedEnvironment
from a2d.environments.watchdog import Watchdog
from a2d.errors import A2DError, Diverged
from a2d.seeds import seed_global_streams
from a2d.specs.task import DEFAULT_EPISODE_LIMIT, TaskCard, card_error

STEPS, SECONDS = 1_000, 3.0  # of random play, whichever is over first
SEED_SHARE = 10  # a tenth of them is played twice with one seed, and once with another
# Of Gymnasium's warnings, what is no matter here: wrappers, and bounds that are brought into -1..1
# or not used.
IRRELEVANT = ("unwrapped version", "symmetric and normalized", "infinity")
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def check_card(card: TaskCard) -> list[str]:
    """Try the task for some seconds and return what was found out, a line each.

    Raises:
        A2DError: it cannot be made, or does not do what it declares; the error names file and key.
    """
    seed_global_streams(0)
    with open_environment(card, 1, 0) as environment:
        environment.action_space.seed(0)
        try:
            played, lengths = _play(environment)
            lines = [*_describe(environment), _describe_episodes(environment, played, lengths)]
            lines += _compare_seeds(environment, max(1, played // SEED_SHARE))
            if isinstance(environment, GymnasiumBatch):
                lines += _ask_gymnasium(environment)
        except (A2DError, Diverged) as error:
            raise card_error(card, "id", f"fails when tried: {error}") from error
    return lines


def _describe(environment: BatchedEnvironment) -> Iterator[str]:
    observation, action = environment.single_observation_space, environment.single_action_space
    if len(observation.shape) == 3:
        channels, height, width = observation.shape
        size = f"{channels} channels of {height} × {width}"
        yield f"observation: an image, {size} {observation.dtype}"
    else:
        yield f"observation: a vector of {observation.shape[0]} numbers"
    if isinstance(action, Box):
        yield f"actions: {action.shape[0]} continuous"
    else:
        yield f"actions: {action.n} discrete"
    if environment.card.wrappers and isinstance(environment, GymnasiumBatch):
        names = ", ".join(wrapper.name for wrapper in environment.card.wrappers)
        inner = environment.envs[0].unwrapped
        yield f"after the wrappers {names}; the environment's own are {_own(inner)}"


def _own(env: Env[Any, Any]) -> str:
    return f"{env.observation_space} and {env.action_space}"


def _advance(environment: BatchedEnvironment) -> tuple[Array, Array, bool]:
    """Take a random step and reset what ended; return what the step gave."""
    observation, reward, terminated, truncated, _ = environment.step(
        environment.action_space.sample()
    )
    done = terminated | truncated
    if done.any():
        environment.reset(options={"reset_mask": done})
    return observation, reward, bool(done.any())


def _play(environment: BatchedEnvironment) -> tuple[int, list[int]]:
    """Play at random; return the number of steps and the lengths of the episodes.

    Raises:
        A2DError: an observation is outside the declared bounds.
    """
    bounds = environment.single_observation_space
    _check_bounds(bounds, environment.reset(seed=0)[0][0], 0)
    lengths: list[int] = []
    start, steps = time.monotonic(), 0
    while steps < STEPS and time.monotonic() < start + SECONDS:
        observation, _, done = _advance(environment)
        steps += 1
        _check_bounds(bounds, observation[0], steps)
        if done:
            lengths.append(steps - sum(lengths))
    return steps, lengths


def _describe_episodes(environment: BatchedEnvironment, steps: int, lengths: list[int]) -> str:
    if lengths:
        shortest, longest = min(lengths), max(lengths)
        length = f"{longest:,}"
        if shortest < longest:
            length = f"{shortest:,} to {longest:,}"
        return f"episodes: {length} steps long, {len(lengths)} seen in {steps:,} random steps"
    unseen = f"episodes: no end was seen in {steps:,} random steps"
    limit = environment.metadata["max_episode_steps"]
    if limit is not None:
        return f"{unseen}; they are truncated after {limit:,} (max_episode_steps)"
    cut = f"test episodes are cut after {DEFAULT_EPISODE_LIMIT:,} steps"
    return f"{unseen}; if there is none, set max_episode_steps: without it {cut}"


def _check_bounds(bounds: Box, observation: Array, step: int) -> None:
    outside = np.flatnonzero((observation < bounds.low) | (observation > bounds.high))
    if len(outside):
        at = np.unravel_index(outside[0], bounds.shape)
        declared = f"declared are {bounds.low[at]:g} to {bounds.high[at]:g}"
        name = f"observation {[int(index) for index in at]}"
        raise A2DError(f"step {step}: the environment's {name} is {observation[at]:g}, {declared}")


def _trajectory(environment: BatchedEnvironment, seed: int, steps: int) -> Array:
    environment.action_space.seed(0)
    seen = [environment.reset(seed=seed)[0].ravel()]
    for _ in range(steps):
        observation, reward, _ = _advance(environment)
        seen += [observation.ravel(), reward]
    return np.concatenate(seen)


def _compare_seeds(environment: BatchedEnvironment, steps: int) -> Iterator[str]:
    first = _trajectory(environment, 0, steps)
    if not np.array_equal(first, _trajectory(environment, 0, steps)):
        raise A2DError(
            "the same seed and actions gave different results, so that its runs cannot be "
            "resumed or repeated; the environment should draw from its own generator, "
            "self.np_random, which reset(seed=...) seeds"
        )
    if np.array_equal(first, _trajectory(environment, 1, steps)):
        yield (
            f"note: {steps} steps with seeds 0 and 1 were the same; "
            "this is right only if nothing in the task is random"
        )


def _ask_gymnasium(environment: GymnasiumBatch) -> list[str]:
    """Run Gymnasium's own checker on the environment; return its warnings as notes."""
    # Observations are copied, as in every run: an environment may overwrite them later.
    copying = TransformObservation(environment.envs[0], deepcopy, None)
    problem = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with Watchdog(environment.card.step_limit_s, lambda: "Gymnasium's checker"):
            try:
                _check_type(copying.reset(seed=0)[0], copying.observation_space)
                check_env(copying, skip_render_check=True, skip_close_check=True)
            except A2DError:
                raise
            except Exception as error:  # of the environment's code too
                problem = _first_line(error)
    notes = dict.fromkeys(_first_line(warning.message) for warning in caught)
    relevant = [note for note in notes if not any(word in note for word in IRRELEVANT)]
    if problem is not None:
        raise A2DError("; ".join([f"Gymnasium's checker refuses it: {problem}", *relevant]))
    return [f"note: {note}" for note in relevant]


def _check_type(observation: Any, declared: Space[Any]) -> None:
    """Refuse a dtype that a run would round; Gymnasium's checker names it less clearly."""
    assert declared.dtype is not None  # that of a Box
    if isinstance(observation, np.ndarray) and not np.can_cast(observation.dtype, declared.dtype):
        found = f"is of {observation.dtype}, declared is {declared.dtype}"
        raise A2DError(f"the environment's observation {found}")


def _first_line(message: Exception | Warning | str) -> str:
    text = COLOURS.sub("", str(message)).strip().removeprefix("WARN: ")
    return (text or type(message).__name__).splitlines()[0]
