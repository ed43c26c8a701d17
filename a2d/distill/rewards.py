"""Rewards of a size that agents can learn from.

A value's error grows with the square of the returns, and would drown the policy's gradient, with
which it shares a network. Cards have a ``reward_scale`` for that; where one says nothing, returns
are measured, as other libraries do while they train, but once.
"""

from __future__ import annotations

import math

import numpy as np

from a2d.environments import open_environment
from a2d.seeds import seed_global_streams, stream_seed
from a2d.specs.task import TaskCard

ENVIRONMENTS, STEPS = 10, 300
DISCOUNT = 0.99
LARGE = 3.0  # returns of the size of MinAtar's and Atari's, clipped, are learnt as they are


def suggested_scale(card: TaskCard) -> float | None:
    """Return a scale, of one digit, that makes large returns about one.

    None where returns are not large, or the card says how rewards are learnt from.
    """
    if card.clip_rewards or "reward_scale" in card.model_fields_set:
        return None
    size = returns_size(card)
    return None if size <= LARGE else float(f"{1 / size:.0e}")


def returns_size(card: TaskCard) -> float:
    """Return the root mean square of a random policy's discounted returns, summed up so far."""
    seed = stream_seed(0, "size of returns")
    seed_global_streams(seed)
    running, squares = np.zeros(ENVIRONMENTS), []
    with open_environment(card, ENVIRONMENTS, seed) as environments:
        environments.action_space.seed(seed)
        environments.reset(seed=seed)
        for _ in range(STEPS):
            action = environments.action_space.sample()
            _, rewards, terminated, truncated, _ = environments.step(action)
            running = DISCOUNT * running + rewards
            squares.append(float(np.mean(running**2)))
            done = terminated | truncated
            if done.any():
                environments.reset(options={"reset_mask": done})
                running[done] = 0.0
    return math.sqrt(float(np.mean(squares)))
