"""Specs of runs that end in a moment, and an environment that spoils them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

from a2d.specs.algorithm import A2CSettings
from a2d.specs.run import (
    EvaluationSettings,
    ManualAgent,
    SearchSpec,
    TrainSpec,
)
from a2d.specs.task import TaskCard, load_card
from tests.checkout import ENVS

CATCH, REACH = (load_card(ENVS / f"tiny-{name}.yaml") for name in ("catch", "reach"))
SHORT = EvaluationSettings(episodes=4, environments=2)


class Moody(gymnasium.Env[Any, Any]):
    """Pays 1 a step, ``then`` after ``good`` steps of its life; observes NaN if ``good`` < 0."""

    observation_space = Box(-1.0, 1.0, (3,), np.float32)
    action_space = Discrete(2)

    def __init__(self, good: int, then: str) -> None:
        self.good, self.then, self.life = good, float(then), 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.np_random.uniform(-1, 1, 3).astype(np.float32) + (
            np.nan if self.good < 0 else 0
        ), {}

    def step(self, action: Any) -> Any:
        self.steps, self.life = self.steps + 1, self.life + 1
        reward = 1.0 if self.life <= self.good else self.then
        return (
            self.np_random.uniform(-1, 1, 3).astype(np.float32),
            reward,
            self.steps == 6,
            False,
            {},
        )


@contextmanager
def registered_moody() -> Iterator[None]:
    """Let cards have ``Moody-v0``."""
    gymnasium.register("Moody-v0", entry_point=lambda **options: Moody(**options))
    yield
    del gymnasium.registry["Moody-v0"]


def moody(good: int, then: str) -> TaskCard:
    return TaskCard.model_validate(
        {"name": "moody", "title": "M", "family": "gymnasium", "id": "Moody-v0"}
        | {"options": {"good": good, "then": then}}
    )


def training(card: TaskCard = REACH, seed: int = 0, **fields: Any) -> TrainSpec:
    network = "vanilla" if card.observation == "pixels" else "mlp8"
    base: dict[str, Any] = {
        "task": card, "steps": 400, "seed": seed, "a2c": A2CSettings(environments=4),
        "evaluation": SHORT, "agent": ManualAgent(network=network),
    }  # fmt: skip
    return TrainSpec(**base | fields)


def searching(card: TaskCard = REACH, seed: int = 0, **fields: Any) -> SearchSpec:
    base: dict[str, Any] = {
        "task": card, "steps": 200, "seed": seed, "a2c": A2CSettings(environments=4),
        "evaluation": SHORT, "search": {"space": {"cells": 2, "width": 8}},
    }  # fmt: skip
    return SearchSpec(**base | fields)
