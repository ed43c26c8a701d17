"""The test score: unclipped returns of whole episodes, the same number from every environment."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from gymnasium.vector import VectorEnv
from torch import Tensor

from a2d.console import say
from a2d.errors import Diverged
from a2d.networks.agent import draw
from a2d.networks.imported import Teacher
from a2d.specs.task import DEFAULT_EPISODE_LIMIT

Array = npt.NDArray[Any]
Choice = Literal["sampled", "mode"]  # of a policy's actions: drawn, or the likeliest


class Episodes(NamedTuple):
    """Unclipped return and length (agent steps) of every evaluated episode.

    ``steps``: those of all environments, of episodes that do not count as well.
    """

    returns: list[float]
    lengths: list[int]
    steps: int


def evaluate(
    agent: Teacher,
    environments: VectorEnv,
    episodes: int,
    seed: int,
    *,
    longest: float = math.inf,
    choice: Choice = "sampled",
) -> Episodes:
    """Play ``episodes`` episodes, as ``play`` does; ``choice`` says which actions of a policy.

    Raises:
        Diverged: an output of the network, a reward or an observation is not finite.
    """
    generator = torch.Generator().manual_seed(seed)

    def act(observation: Array) -> Array:
        return choose(agent, observation, choice, generator)

    return play(act, environments, episodes, seed, longest=longest)


@torch.no_grad()
def choose(
    agent: Teacher, observation: Array, choice: Choice, generator: torch.Generator | None = None
) -> Array:
    """Return an agent's actions, (N,) or (N, A), for a batch of observations.

    Raises:
        Diverged: the network's outputs are not finite.
    """
    # The critic takes no part here, and a teacher from elsewhere may have none.
    outputs, _ = agent.heads(agent.preprocess(torch.from_numpy(observation)))
    if not outputs.isfinite().all():
        raise Diverged("the network's outputs are not finite")
    policy = agent.distribution(outputs)
    action: Tensor = policy.mode if choice == "mode" else draw(policy, generator)
    return action.numpy()


def play(
    act: Callable[[Array], Array],
    environments: VectorEnv,
    episodes: int,
    seed: int,
    *,
    longest: float = math.inf,
) -> Episodes:
    """Play ``episodes`` episodes with the actions (N,) or (N, A) that ``act`` returns.

    Every environment plays the same number of them, because counting the first that end would
    favour short ones. ``episodes`` must be a multiple of the number of environments. The caller
    seeds the global generators before it makes the environments. Where the task has no limit,
    episodes are cut at the default one, and that is reported: they may have no end. After
    ``longest`` steps of each environment those that have ended are returned, fewer than asked
    for.
    """
    bound: float = DEFAULT_EPISODE_LIMIT
    if environments.metadata.get("max_episode_steps"):
        bound = np.inf
    quota = episodes // environments.num_envs

    observation = environments.reset(seed=seed)[0]
    running, length = np.zeros(environments.num_envs), np.zeros(environments.num_envs, dtype=int)
    played: list[list[tuple[float, int]]] = [[] for _ in range(environments.num_envs)]
    steps = 0
    while min(map(len, played)) < quota and steps < longest:
        steps += 1
        try:
            observation, reward, terminated, truncated, _ = environments.step(act(observation))
        except Diverged as reason:
            reason.steps = steps * environments.num_envs
            raise
        running += reward
        length += 1
        cut = length >= bound
        done = terminated | truncated | cut
        for index in np.flatnonzero(done):
            if len(played[index]) < quota:
                played[index].append((float(running[index]), int(length[index])))
        if done.any():
            observation = environments.reset(options={"reset_mask": done})[0]
            running[done], length[done] = 0.0, 0
    if any(taken >= bound for games in played for _, taken in games):
        _report_cut(environments)
    flat = [episode for environment in played for episode in environment]
    returns, lengths = [result for result, _ in flat], [length for _, length in flat]
    return Episodes(returns, lengths, steps * environments.num_envs)


def _report_cut(environments: VectorEnv) -> None:
    say(
        f"{environments.metadata['task']}: test episodes without an end were cut after "
        f"{DEFAULT_EPISODE_LIMIT:,} steps, their returns so far count; "
        "the card's max_episode_steps sets a limit"
    )
