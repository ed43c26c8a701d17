"""Large rewards are learnt from at a size that suits agents, unless the card says otherwise."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from a2d.distill.request import DistillRequest
from a2d.distill.rewards import returns_size, suggested_scale
from a2d.distill.sources import check_teacher, prepare
from a2d.errors import A2DError
from a2d.runs.teachers.importing import import_teacher
from a2d.runs.teachers.store import load_imported
from a2d.specs.task import load_card
from tests.foreign_agents import linear_graph
from tests.saved_agents import save_random_agent
from tests.users_tasks import shipped

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


def asked(task: Path, teacher: Path | None = None) -> DistillRequest:
    return DistillRequest(task=str(task), steps=1, teacher=teacher and str(teacher))


def test_a_copy_of_the_card_scales_large_rewards(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paid, out = card(tmp_path, "options: {pay: -100.0}\n"), tmp_path / "out"
    sources = prepare(asked(paid), out)
    copy = sources.card(asked(paid), out)
    assert copy == out / "mine.yaml"
    assert load_card(copy).reward_scale == 0.005, "1 / 210, one digit of it"
    scaled = load_card(paid).model_copy(update={"reward_scale": 0.005})
    assert load_card(copy).identity() == scaled.identity()
    assert "agents learn from rewards × 0.005" in capsys.readouterr().err


def test_a_card_of_any_style_can_be_copied(tmp_path: Path) -> None:
    paid, out = card(tmp_path, "options: {pay: -100.0}\n"), tmp_path / "out"
    fields = yaml.safe_load(paid.read_text(encoding="utf-8")) | {"title": "Bezahlt: für '1e-07'"}
    paid.write_text(f"---\n{json.dumps(fields)}\n...\n", encoding="utf-8")
    copy = load_card(prepare(asked(paid), out).card(asked(paid), out))
    assert copy == load_card(paid).model_copy(update={"reward_scale": 0.005})


@pytest.mark.parametrize(
    "more",
    [
        "options: {pay: 0.1}\n",
        "options: {pay: 100}\nreward_scale: 1.0\n",
        "options: {pay: 100}\nclip_rewards: true\n",
    ],
)
def test_small_rewards_and_what_a_card_says_are_left_alone(tmp_path: Path, more: str) -> None:
    paid, out = card(tmp_path, more), tmp_path / "out"
    sources = prepare(asked(paid), out)
    assert sources.card(asked(paid), out) == paid and not out.exists()


def test_shipped_cards_of_small_rewards_are_learnt_as_they_are() -> None:
    assert suggested_scale(shipped("minatar-breakout")) is None


@pytest.mark.parametrize("scale", [0.5, 1.25e-5, 1e-7, 0.1 + 0.2, 1e22])
def test_students_of_a_trained_teacher_learn_from_rewards_as_it_did(
    scale: float, tmp_path: Path
) -> None:
    paid, out, teacher = card(tmp_path, ""), tmp_path / "out", tmp_path / "teacher"
    scaled = load_card(paid).model_copy(update={"reward_scale": scale})
    save_random_agent(teacher, scaled, "mlp8")
    request = asked(paid, teacher)
    sources = prepare(request, out)
    assert load_card(sources.card(request, out)).identity() == scaled.identity()
    assert sources.folder(request, out) == teacher
    check_teacher(request, sources)
    save_random_agent(teacher, scaled, "mlp16")
    with pytest.raises(A2DError, match="holds another teacher than when these runs were planned"):
        check_teacher(request, sources)


def test_a_teacher_from_elsewhere_is_imported_again_for_scaled_rewards(tmp_path: Path) -> None:
    weights = {"logits": np.ones((2, 2)), "value": np.ones((2, 1))}
    graph = linear_graph(tmp_path / "mine.onnx", weights)
    paid, out = card(tmp_path, "options: {pay: 10.0}\n"), tmp_path / "out"
    import_teacher(graph, paid, tmp_path / "teacher", accept_weak=True)
    request = asked(paid, tmp_path / "teacher")
    sources = prepare(request, out)
    folder = sources.folder(request, out)
    assert folder == out / "runs" / "teacher"
    assert load_imported(folder)[1].task.reward_scale == sources.reward_scale == 0.05
    check_teacher(request, sources)
