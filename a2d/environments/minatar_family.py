"""MinAtar (Young and Tian, 2019), batched: its games with sticky actions and difficulty ramping.

Trajectories equal those of ``minatar.Environment(game)`` after ``seed(s)`` and ``reset()``; all six
actions.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Discrete

from a2d.environments.vector import Array, BatchedEnvironment, NativeSpaces, StepResult
from a2d.specs.task import TaskCard, card_error

ACTIONS = 6
OPTIONS = {"sticky_action_prob": 0.1, "difficulty_ramping": True}


def make_arguments(card: TaskCard) -> dict[str, Any]:
    """Return what ``gymnasium.make`` takes for this task, once MinAtar has registered its games."""
    options = {"id": f"MinAtar/{card.id.title().replace('_', '')}-v0", **OPTIONS, **card.options}
    if card.max_episode_steps is not None:
        options["max_episode_steps"] = card.max_episode_steps
    return options


def _load_game(card: TaskCard) -> ModuleType:
    """Load the game's module from its file; the package would import Matplotlib and Seaborn too."""
    package = importlib.util.find_spec("minatar")
    if package is None or package.origin is None:
        raise card_error(card, "family", "needs the package minatar, which is not installed")
    folder = Path(package.origin).parent / "environments"
    games = sorted(path.stem for path in folder.glob("[!_]*.py"))
    if card.id not in games:
        raise card_error(card, "id", f"is not a MinAtar game; these are: {', '.join(games)}")
    spec = importlib.util.spec_from_file_location(
        f"minatar_game_{card.id}", folder / f"{card.id}.py"
    )
    assert spec is not None and spec.loader is not None  # the file was just listed
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class MinAtarBatch(BatchedEnvironment):
    """N games of MinAtar. Observations (N, C, 10, 10) float32, 0 or 1."""

    def __init__(self, card: TaskCard, num_envs: int, seed: int) -> None:
        unknown = sorted(card.options.keys() - OPTIONS.keys())
        if unknown:
            raise card_error(card, "options", f"unknown {unknown}; MinAtar's are {sorted(OPTIONS)}")
        options = OPTIONS | card.options
        self._sticky = float(options["sticky_action_prob"])
        module = _load_game(card)
        self._games = [module.Env(ramping=options["difficulty_ramping"]) for _ in range(num_envs)]
        height, width, channels = self._games[0].state_shape()
        observation = Box(0.0, 1.0, (channels, height, width), np.float32)
        # MinAtar itself has no limit.
        super().__init__(
            card, num_envs, observation, Discrete(ACTIONS), seed, card.max_episode_steps
        )
        self._states = np.zeros((num_envs, height, width, channels), dtype=bool)
        self._last_actions = [0] * num_envs

    @property
    def native(self) -> NativeSpaces:
        """The spaces of MinAtar's own environments."""
        declared = Box(0.0, 1.0, self._games[0].state_shape(), np.bool_)  # type: ignore[arg-type]
        return NativeSpaces(declared, Discrete(ACTIONS), channels_last=True)

    def _observations(self) -> Array:
        # A view with the channels first: networks want them last in memory, as the games do.
        return self._states.astype(np.float32).transpose(0, 3, 1, 2)

    def _reset(self, indices: Array, seeds: list[int] | None) -> Array:
        for k, i in enumerate(indices):
            game = self._games[i]
            if seeds is not None:
                # Before the reset: the constructor has drawn a start from an unseeded generator.
                game.random = np.random.RandomState(seeds[k])
                self._last_actions[i] = 0
            game.reset()
            self._states[i] = game.state()
        return self._observations()

    def _step(self, actions: Array) -> StepResult:
        rewards, terminated = [], []
        last, states = self._last_actions, self._states
        for i, (game, action) in enumerate(zip(self._games, actions.tolist(), strict=True)):
            if game.random.random_sample() >= self._sticky:
                last[i] = action
            reward, done = game.act(last[i])
            states[i] = game.state()
            rewards.append(reward)
            terminated.append(done)
        truncated = np.zeros(self.num_envs, dtype=bool)
        return (
            self._observations(),
            np.array(rewards, np.float32),
            np.array(terminated, bool),
            truncated,
            {},
        )
