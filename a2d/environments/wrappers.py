"""A card's ``wrappers``: Gymnasium's own, by name, laid around an environment in order."""

from __future__ import annotations

import inspect
from difflib import get_close_matches
from typing import Any

import gymnasium
import numpy as np

from a2d.errors import A2DError
from a2d.specs.task import TaskCard, Wrapper, card_error

# Those that would break what holds here for every environment, and what to do instead.
REFUSED = {
    "Autoreset": "it resets the environment by itself, and here the caller does that",
    "NormalizeObservation": "its statistics would start anew in every test; the card's "
    "normalize_observations keeps them with the agent",
    "NormalizeReward": "scores would be of changed rewards; the card's clip_rewards leaves scores",
    "ClipReward": "scores would be of changed rewards; the card's clip_rewards leaves scores",
    "TransformReward": "scores would be of changed rewards; the card's clip_rewards leaves scores",
    "TransformObservation": "no card can hold the function that it needs; a module of yours can",
    "TransformAction": "no card can hold the function that it needs; a module of yours can",
    "RecordVideo": "it records every copy of the environment, in training too",
    "HumanRendering": "it shows every copy of the environment, in training too",
}


def wrap(card: TaskCard, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    """Return the environment in the card's wrappers, the first one innermost.

    Raises:
        A2DError: one is unknown or refused, or its arguments are wrong; the environment is closed.
    """
    try:
        for wrapper in card.wrappers:
            env = _lay(card, wrapper, env)
    except BaseException:
        env.close()
        raise
    return env


def _lay(card: TaskCard, wrapper: Wrapper, env: gymnasium.Env[Any, Any]) -> gymnasium.Env[Any, Any]:
    kind = _find(card, wrapper.name)
    signature = inspect.signature(kind)
    try:
        signature.bind(env, **wrapper.arguments)
        arguments = {
            name: _value(value, signature.parameters[name], env)
            for name, value in wrapper.arguments.items()
        }
        return kind(env, **arguments)
    except Exception as error:  # wrappers assert, and raise what they like
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        takes = ", ".join(str(each) for each in list(signature.parameters.values())[1:])
        raise wrapper_error(
            card, f"{wrapper.name} cannot be laid: {problem}; it takes ({takes})"
        ) from error


def _find(card: TaskCard, name: str) -> type[gymnasium.Wrapper[Any, Any, Any, Any]]:
    """Return a class of ``gymnasium.wrappers`` by its name, and nothing else from there."""
    names = [each for each in gymnasium.wrappers.__all__ if each not in {"vector", *REFUSED}]
    if name in REFUSED:
        raise wrapper_error(card, f"{name} is not taken: {REFUSED[name]}")
    if name in names:
        try:
            kind = getattr(gymnasium.wrappers, name)
        except ImportError as error:
            raise wrapper_error(card, f"{name} needs a package: {error}") from error
        if inspect.isclass(kind) and issubclass(kind, gymnasium.Wrapper):
            return kind
    near = get_close_matches(name, names, n=3, cutoff=0.4)
    known = f"the nearest: {', '.join(near)}" if near else f"there are {', '.join(names)}"
    raise wrapper_error(card, f"gymnasium.wrappers has no {name!r}; {known}")


def _value(value: Any, parameter: inspect.Parameter, env: gymnasium.Env[Any, Any]) -> Any:
    """Return a card's value in the type that a wrapper checks for: an array, or a tuple."""
    if "ndarray" in str(parameter.annotation) and value is not None:
        space = env.action_space if "action" in parameter.name else env.observation_space
        floating = space.dtype is not None and np.issubdtype(space.dtype, np.floating)
        return np.asarray(value, dtype=space.dtype if floating else np.float32)[()]
    if isinstance(value, list):
        return tuple(value)
    return value


def wrapper_error(card: TaskCard, problem: str) -> A2DError:
    """Return the error of a card's ``wrappers``, whose value would be too long to repeat."""
    return A2DError(str(card_error(card, "wrappers", problem)).rpartition(" (got ")[0])
