"""A run that diverged is kept, and is taken neither for a success nor for a teacher."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import pytest

from a2d.files import digest
from a2d.runs.records import read_record
from tests.commands import SHORT, ended, one_line, refusal

UNSTABLE = """
import gymnasium

from a2d.environments.tiny import Reach


class Unstable(Reach):
    life = 0

    def step(self, action):
        self.life += 1
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward if self.life < 40 else float("nan"), terminated, truncated, info


gymnasium.register("Unstable-v0", entry_point=Unstable, max_episode_steps=5)
"""


@pytest.fixture
def unstable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A task whose 40th reward is no number; test episodes end before."""
    (tmp_path / "unstable_task.py").write_text(UNSTABLE, encoding="utf-8")
    card = {
        "title": "U",
        "family": "gymnasium",
        "id": "Unstable-v0",
        "import_module": "unstable_task",
    }
    (tmp_path / "mine.yaml").write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    sys.modules.pop("unstable_task", None)
    gymnasium.registry.pop("Unstable-v0", None)


TRAIN_UNSTABLE = ["train", "--task", "mine.yaml", "--network", "mlp8", *SHORT, "--out"]
SEARCH_UNSTABLE = ["search", "--task", "mine.yaml", *SHORT, "--out"]


@pytest.mark.parametrize("command", [TRAIN_UNSTABLE, SEARCH_UNSTABLE], ids=["train", "search"])
def test_a_run_that_diverged_is_no_success(
    command: list[object],
    unstable: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    said = refusal([*command, "out"], monkeypatch, capsys, code=3)
    assert said.startswith(
        "a2d: out: the run diverged at step 140 of 400 (mine: step 40 of 4 environments"
    )
    assert "not finite" in said and "kept are its record and the last good weights, score -" in said
    assert read_record(unstable / "out" / "record.json").status == "diverged"
    status, out, errors = ended([*command, "out"], monkeypatch, capsys)
    assert (
        (status, out) == (3, "")
        and "nothing is repeated" in errors
        and "diverged at step 140" in errors
    )


def test_an_agent_that_diverged_is_no_teacher_and_can_be_evaluated(
    unstable: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusal([*TRAIN_UNSTABLE, "out"], monkeypatch, capsys, code=3)
    taught = ["student", "--teacher", "out", "--distill", "joint"]
    for command in (TRAIN_UNSTABLE, SEARCH_UNSTABLE):
        text = refusal([*command, *taught], monkeypatch, capsys)
        assert "out: no teacher, because its own training diverged (mine: step 40" in text
    assert not (unstable / "student").exists()
    status, played, errors = ended(["evaluate", "out"], monkeypatch, capsys)
    assert status == 0 and played.startswith("mean return ")
    assert "this agent's training diverged (mine: step 40" in one_line(errors)
    forget_divergence(unstable / "out" / "agent.json")
    text = refusal([*TRAIN_UNSTABLE, *taught], monkeypatch, capsys)
    assert "no teacher" in text, "the record beside an older agent says it"
    (unstable / "out" / "record.json").unlink()
    assert ended(["evaluate", "out"], monkeypatch, capsys) == (0, played, ""), (
        "nothing says it any more"
    )


def forget_divergence(path: Path) -> None:
    """Rewrite an agent's description as it was before it could say that its run diverged."""
    data = json.loads(path.read_text(encoding="utf-8"))
    del data["sha256"], data["diverged"]
    path.write_text(json.dumps({**data, "sha256": digest(data)}), encoding="utf-8")
