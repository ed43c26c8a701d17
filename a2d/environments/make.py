"""From a task's card to its environments. A card's every mistake is found here, before any training."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from a2d.environments.atari_family import AtariBatch
from a2d.environments.guard import guard
from a2d.environments.gymnasium_family import GymnasiumBatch
from a2d.environments.minatar_family import MinAtarBatch
from a2d.environments.vector import BatchedEnvironment
from a2d.errors import A2DError, Diverged
from a2d.tasks import Family, TaskCard, card_error

FAMILIES: dict[Family, Callable[[TaskCard, int, int], BatchedEnvironment]] = {
    "tiny": GymnasiumBatch,
    "mujoco": GymnasiumBatch,
    "gymnasium": GymnasiumBatch,
    "minatar": MinAtarBatch,
    "atari": AtariBatch,
}


def _import(card: TaskCard) -> None:
    assert card.import_module is not None
    try:
        importlib.import_module(card.import_module)
    except Exception as error:  # a user's module may raise anything
        problem = f"cannot be imported: {type(error).__name__}: {error}"
        raise card_error(card, "import_module", problem) from error


def make_environment(card: TaskCard, num_envs: int, seed: int) -> BatchedEnvironment:
    """Return ``num_envs`` copies of the card's task, each with a random stream of its own made from ``seed``.

    The first ``reset()`` uses ``seed``. Observations are (N, D) float32, (N, C, H, W) float32 in 0..1, or
    (N, C, H, W) uint8 in 0..255; actions are (N,) integers or (N, A) in -1..1. See ``BatchedEnvironment``.
    Raise A2DError that names the card's file and key where the card cannot be used.
    """
    if card.life_loss_ends_return and card.family != "atari":
        raise card_error(card, "life_loss_ends_return", "only the family 'atari' tells lost lives")
    with guard(card.step_limit_s, lambda: f"{card.name}: making {num_envs} environments"):
        if card.import_module is not None:
            _import(card)
        environment = FAMILIES[card.family](card, num_envs, seed)
    found = "pixels" if len(environment.single_observation_space.shape) == 3 else "vectors"
    if found != card.observation:
        raise card_error(card, "observation", f"the environment's observations are {found}")
    if card.normalize_observations and len(environment.single_observation_space.shape) != 1:
        raise card_error(card, "normalize_observations", "is for vectors; these observations are images")
    return environment


def check_card(card: TaskCard) -> None:
    """Build the task, reset it and take one step; raise A2DError that names file and key if that fails."""
    from a2d.seeds import seed_global_streams  # brings PyTorch, which environments alone do not need

    seed_global_streams(0)
    environment = make_environment(card, num_envs=2, seed=0)
    environment.action_space.seed(0)
    try:
        environment.reset()
        environment.step(environment.action_space.sample())
    except (A2DError, Diverged) as error:
        raise card_error(card, "id", f"fails at its first steps: {error}") from error
    finally:
        environment.close()
