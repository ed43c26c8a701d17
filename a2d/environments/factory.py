"""From a task's card to its environments; mistakes in a card are found here, before training."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gymnasium.spaces import Box

from a2d.environments import atari_family, gymnasium_family, minatar_family
from a2d.environments.atari_family import AtariBatch
from a2d.environments.gymnasium_family import GymnasiumBatch
from a2d.environments.minatar_family import MinAtarBatch
from a2d.environments.vector import BatchedEnvironment
from a2d.environments.watchdog import Watchdog
from a2d.environments.wrappers import wrapper_error
from a2d.errors import A2DError
from a2d.specs.task import Family, TaskCard, card_error

FAMILIES: dict[Family, Callable[[TaskCard, int, int], BatchedEnvironment]] = {
    "tiny": GymnasiumBatch,
    "mujoco": GymnasiumBatch,
    "gymnasium": GymnasiumBatch,
    "minatar": MinAtarBatch,
    "atari": AtariBatch,
}


NATIVE: dict[Family, Callable[[TaskCard], dict[str, Any]]] = {
    "tiny": gymnasium_family.make_arguments,
    "mujoco": gymnasium_family.make_arguments,
    "gymnasium": gymnasium_family.make_arguments,
    "minatar": minatar_family.make_arguments,
    "atari": atari_family.make_arguments,
}


def native_arguments(card: TaskCard) -> dict[str, Any]:
    """Return what ``gymnasium.make_vec`` takes for the task in a program without this library.

    Once the environment is registered: by the card's ``import_module``, ``ale_py`` or
    ``minatar.gym.register_envs()``.
    """
    return NATIVE[card.family](card)


def _add_own_folders(card: TaskCard) -> None:
    """Add the card's folder and the working folder to the end of Python's search path.

    They stay, because a module may import its neighbours later.
    """
    folders = [Path.cwd()]
    if card.path is not None:
        folders.insert(0, card.path.parent.resolve())
    for folder in folders:
        if str(folder) not in sys.path:
            sys.path.append(str(folder))


def _import(card: TaskCard) -> None:
    assert card.import_module is not None
    _add_own_folders(card)
    importlib.invalidate_caches()  # it may just have been written
    try:
        importlib.import_module(card.import_module)
    except Exception as error:  # a user's module may raise anything
        problem = f"cannot be imported: {type(error).__name__}: {error}"
        if isinstance(error, ModuleNotFoundError) and error.name == card.import_module:
            problem += (
                "; it should be installed, or lie beside the card or in the working folder, "
                f"{Path.cwd()}"
            )
        raise card_error(card, "import_module", problem) from error


def make_environment(card: TaskCard, num_envs: int, seed: int) -> BatchedEnvironment:
    """Return ``num_envs`` copies of the card's task, each with its own random stream.

    The first ``reset()`` uses ``seed``. Observations are (N, D) float32, (N, C, H, W) float32 in
    0..1, or (N, C, H, W) uint8 in 0..255; actions are (N,) integers or (N, A) in -1..1. See
    ``BatchedEnvironment``. The caller closes it; ``open_environment`` does so by itself.

    Raises:
        A2DError: the card cannot be used; the error names its file and key.
    """
    if card.life_loss_ends_return and card.family != "atari":
        raise card_error(
            card, "life_loss_ends_return", "only the family 'atari' reports lost lives"
        )
    if card.channels is not None and card.family in ("atari", "minatar"):
        raise card_error(card, "channels", f"the family {card.family!r} has one layout, known here")
    if card.wrappers and card.family in ("atari", "minatar"):
        raise wrapper_error(card, f"the family {card.family!r} is not Gymnasium's, and takes none")
    with Watchdog(card.step_limit_s, lambda: f"{card.name}: making {num_envs} environments"):
        if card.import_module is not None:
            _import(card)
        environment = FAMILIES[card.family](card, num_envs, seed)
    try:
        _check_observation(card, environment.single_observation_space)
    except A2DError:
        environment.close()
        raise
    return environment


def _check_observation(card: TaskCard, space: Box) -> None:
    found = {1: "vectors", 3: "pixels"}[len(space.shape)]
    if found != card.observation:
        raise card_error(card, "observation", f"the environment's observations are {found}")
    if card.normalize_observations and found != "vectors":
        raise card_error(
            card, "normalize_observations", "is for vectors; these observations are images"
        )
    if card.channels is not None and found != "pixels":
        raise card_error(card, "channels", "is for images; these observations are vectors")


@contextmanager
def open_environment(card: TaskCard, num_envs: int, seed: int) -> Iterator[BatchedEnvironment]:
    """Make environments as ``make_environment`` does, and close them at the end."""
    environment = make_environment(card, num_envs, seed)
    try:
        yield environment
    finally:
        environment.close()
