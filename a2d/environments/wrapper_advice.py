"""Advice for a task whose spaces networks do not take: the wrapper that brings them into form."""

from __future__ import annotations

import math
from typing import Any

from gymnasium import Space
from gymnasium.spaces import Box, MultiBinary, MultiDiscrete, flatten_space

from a2d.specs.task import TaskCard

MOST_ACTIONS = 1000  # that a combination of discrete actions may be turned into
OWN = "Bring it into form by a wrapper of your own (gymnasium.ObservationWrapper or ActionWrapper)."


def _in_card(wrapper: str) -> str:
    """Return the line of a card that lays a wrapper of Gymnasium's."""
    return f"A wrapper helps; write into the card: wrappers: [{wrapper}]"


def _advice(card: TaskCard, what: str, wrapper: str, *arguments: str) -> str:
    """Return the lines that register a task wrapped, for what a card cannot say: a function."""
    made = ", ".join([f"gymnasium.make({card.id!r}, **options)", *arguments])
    return (
        "A wrapper helps. Put these lines into a module of your own, and name it under "
        f"import_module and 'mine/{what}-v0' under id:\n"
        "    import gymnasium, numpy\n"
        f"    gymnasium.register('mine/{what}-v0', "
        f"lambda **options: gymnasium.wrappers.{wrapper}({made}))"
    )


def observation_advice(space: Space[Any]) -> str:
    """Return how observations of this space become vectors or images."""
    if isinstance(space, Box) and len(space.shape) == 2:
        return _in_card(f"ReshapeObservation: {{shape: {[*space.shape, 1]}}}")
    if isinstance(space, Box) and len(space.shape) == 3 and space.is_bounded():
        return _in_card("RescaleObservation: {min_obs: 0, max_obs: 1}")
    try:
        flat = flatten_space(space)
    except NotImplementedError:
        return OWN
    if isinstance(flat, Box):
        return _in_card("FlattenObservation")
    return OWN


def action_advice(card: TaskCard, space: Space[Any]) -> str:
    """Return how actions of this space become discrete ones, or a vector."""
    if isinstance(space, MultiDiscrete):
        counts = tuple(space.nvec.ravel().tolist())
        return _combined_actions(card, space, counts, f" + {space.start.ravel().tolist()}")
    if isinstance(space, MultiBinary):
        return _combined_actions(card, space, (2,) * math.prod(space.shape), "")
    if isinstance(space, Box) and not space.is_bounded():
        bounds = f"gymnasium.spaces.Box(-1.0, 1.0, {space.shape})"
        same = "lambda action: action"
        return f"Choose bounds. {_advice(card, 'Bounded', 'TransformAction', same, bounds)}"
    if isinstance(space, Box):
        dtype = f"numpy.{space.dtype}"
        low, high = (
            f"numpy.array({side.ravel().tolist()}, {dtype})" for side in (space.low, space.high)
        )
        flat = f"gymnasium.spaces.Box({low}, {high}, dtype={dtype})"
        return _advice(
            card, "Flat", "TransformAction", f"lambda action: action.reshape({space.shape})", flat
        )
    return OWN


def _combined_actions(
    card: TaskCard, space: Space[Any], counts: tuple[int, ...], start: str
) -> str:
    """Return how combinations of discrete actions become one discrete action, if they are few."""
    if math.prod(counts) > MOST_ACTIONS:
        return OWN
    action = f"(numpy.array(numpy.unravel_index(index, {counts})){start}).reshape({space.shape})"
    number = f"gymnasium.spaces.Discrete({math.prod(counts)})"
    return _advice(card, "Discrete", "TransformAction", f"lambda index: {action}", number)
