"""Large rewards are learnt from at a size that suits agents, unless the card says otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from a2d.distill.rewards import card_to_learn, returns_size
from a2d.specs.task import load_card
from tests.checkout import ROOT

TASK = """
import gymnasium
import numpy as np

class Paid(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1, 1, (2,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, pay=1.0):
        self.pay = pay

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.time += 1
        return np.zeros(2, np.float32), self.pay, self.time == 3, False, {}

gymnasium.register("Paid-v0", Paid)
"""
CARD = """
title: Paid
family: gymnasium
id: Paid-v0
import_module: paid_task
observation: vectors
"""


def card(folder: Path, more: str) -> Path:
    (folder / "paid_task.py").write_text(TASK, encoding="utf-8")
    path = folder / "mine.yaml"
    path.write_text(CARD + more, encoding="utf-8")
    return path


def test_the_size_of_returns_is_of_rewards_summed_up_with_a_discount(tmp_path: Path) -> None:
    paid = load_card(card(tmp_path, "options: {pay: -100.0}\n"))
    sums = np.array([-100, -199, -297.01])  # of an episode of three steps
    assert returns_size(paid) == pytest.approx(np.sqrt((sums**2).mean()))


def test_a_copy_of_the_card_scales_large_rewards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paid, out = card(tmp_path, "options: {pay: -100.0}\n"), tmp_path / "out"
    copy = card_to_learn(paid, out)
    assert copy == out / "mine.yaml"
    assert load_card(copy).reward_scale == 0.005, "1 / 210, one digit of it"
    scaled = load_card(paid).model_copy(update={"reward_scale": 0.005})
    assert load_card(copy).identity() == scaled.identity()
    assert "agents learn from rewards × 0.005" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more", ["options: {pay: 0.1}\n", "options: {pay: 100}\nreward_scale: 1.0\n",
             "options: {pay: 100}\nclip_rewards: true\n"],
)  # fmt: skip
def test_small_rewards_and_what_a_card_says_are_left_alone(tmp_path: Path, more: str) -> None:
    paid = card(tmp_path, more)
    assert card_to_learn(paid, tmp_path / "out") == paid
    assert not (tmp_path / "out").exists()


def test_shipped_cards_of_small_rewards_are_learnt_as_they_are(tmp_path: Path) -> None:
    breakout = ROOT / "envs" / "minatar-breakout.yaml"
    assert card_to_learn(breakout, tmp_path) == breakout
