"""A task that gives no numbers ends every command that plays it with a line, and status 3."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from gymnasium.spaces import Box

from tests.commands import ended
from tests.foreign_agents import linear_graph
from tests.runs_in_a_moment import moody, registered_moody
from tests.saved_agents import save_random_agent
from tests.users_tasks import Walk, card, register


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with registered_moody():
        yield


def moody_card(folder: Path, good: int, **more: Any) -> Path:
    """Write the card of a task whose rewards are numbers for so many steps."""
    path = folder / "moody.yaml"
    asked = moody(good, "nan").model_dump(exclude_defaults=True, exclude={"name"})
    path.write_text(yaml.safe_dump({**asked, **more}), encoding="utf-8")
    return path


def ends_diverged(
    words: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """Return the last line of a command that diverges."""
    status, out, errors = ended(words, monkeypatch, capsys)
    assert (status, out) == (3, ""), errors
    last = errors.splitlines()[-1]
    assert last.startswith("a2d: diverged: ") and "`a2d check`" in last
    return last


@pytest.mark.parametrize(
    ("good", "more"),
    [(5, {}), (5, {"clip_rewards": True}), (230, {})],
    ids=["the size of returns", "the length of episodes", "speed"],
)
def test_a_plan_is_not_made(
    good: int,
    more: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    words: list[object] = [
        "distill",
        "--task",
        moody_card(tmp_path, good, **more),
        "--steps",
        "40k",
    ]
    last = ends_diverged([*words, "--out", tmp_path / "out"], monkeypatch, capsys)
    assert f"moody: step {good + 1} of " in last and "reward not finite" in last
    assert not (tmp_path / "out").exists()


def test_an_absurd_learning_rate_makes_no_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words: list[object] = ["distill", "--task", moody_card(tmp_path, 10**9), "--steps", "40k"]
    words += ["--out", tmp_path / "out", "--set", "ppo.learning_rate=1e30"]
    ends_diverged(words, monkeypatch, capsys)


def without_reward(result: tuple[Any, ...]) -> tuple[Any, ...]:
    observation, _, *ends = result
    return (observation, np.nan, *ends)


@pytest.mark.parametrize("words", [["export", "--out", "it.onnx"], ["play", "--video", "it.mp4"]])
def test_no_graph_and_no_video_is_written(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, option, name = words
    task = card(id="Walk-v0", observation="pixels")
    space = Box(0, 1, (1, 8, 8), np.float32)
    with register("Walk-v0", lambda: Walk(space=space, step=without_reward)):
        save_random_agent(tmp_path / "agent", task, "vanilla")
        last = ends_diverged(
            [command, tmp_path / "agent", option, tmp_path / name], monkeypatch, capsys
        )
    assert "mine: step 1 of " in last and "reward not finite" in last
    assert [path.name for path in tmp_path.iterdir()] == ["agent"]


def test_no_score_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    task = card(id="Walk-v0", observation="pixels")
    space = Box(0, 1, (1, 8, 8), np.float32)
    with register("Walk-v0", lambda: Walk(space=space, step=without_reward)):
        save_random_agent(tmp_path / "agent", task, "vanilla")
        words = ["evaluate", tmp_path / "agent", "--episodes", "2"]
        assert "reward not finite" in ends_diverged(words, monkeypatch, capsys)


def test_no_teacher_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = linear_graph(tmp_path / "mine.onnx", {"logits": np.ones((3, 2))})
    words = [
        "teacher",
        "import",
        graph,
        "--task",
        moody_card(tmp_path, -1),
        "--out",
        tmp_path / "out",
    ]
    assert "observation not finite" in ends_diverged(words, monkeypatch, capsys)
