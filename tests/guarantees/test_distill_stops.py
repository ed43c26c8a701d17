"""A stopped or killed `a2d distill` goes on where it was, and comes to the same runs."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from a2d.runs.records import read_record
from tests.checkout import ROOT
from tests.contents import content_without_history
from tests.processes import environment, finish, run, start

REACH = ROOT / "envs" / "tiny-reach.yaml"
QUICK = (
    "--steps", "10k", "--seeds", "1", "--cores", "2", "--algorithm", "a2c", "--accept-weak-teacher",
    "--set", "search.trials=3", "search.trial_updates=3", "evaluation.episodes=4",
    "evaluation.environments=2",
)  # fmt: skip
OPTIONS: dict[str, Any] = {"env": environment(A2D_CHECKPOINT_SECONDS="0.5")}


def command(out: Path) -> list[object]:
    return ["distill", "--task", REACH, "--out", out, *QUICK]


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)


def wait_until_stopped(log: Path) -> None:
    """Wait for the teacher's own process, which saves its state also where its parent is killed."""
    end = time.monotonic() + 60
    while "a2d: stopped" not in log.read_text(encoding="utf-8"):
        assert time.monotonic() < end, log.read_text(encoding="utf-8")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, testrun_uid: str) -> Path:
    """The folder of a plan that nobody has stopped, the same for all of pytest's processes.

    Whichever asks second waits for the first, and repeats nothing.
    """
    out = tmp_path_factory.getbasetemp().parent / f"whole-{testrun_uid}"
    assert run(*command(out), **OPTIONS)[0] == 0
    return out


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_plan_goes_on_and_comes_to_the_same_runs(
    number: signal.Signals, whole: Path, tmp_path: Path
) -> None:
    process = start(*command(tmp_path), start_new_session=True, **OPTIONS)
    teacher = tmp_path / "runs" / "teacher"
    wait_for(teacher / "checkpoint", process)
    process.send_signal(number)
    status, errors = finish(process)
    if number == signal.SIGINT:
        assert status == 128 + number
        assert errors.splitlines()[-1] == "a2d: stopped; the same command continues"
    wait_until_stopped(teacher / "log.txt")
    check_resumed(whole, tmp_path)


@pytest.mark.faults
def test_a_plan_that_was_killed_while_it_was_made_is_made_again(
    whole: Path, tmp_path: Path
) -> None:
    process = start(*command(tmp_path), **OPTIONS)
    wait_for(tmp_path / ".lock", process)
    process.kill()
    finish(process)
    assert not (tmp_path / "plan.json").exists()
    copied = tmp_path / "runs" / "teacher"  # as a request with a teacher from elsewhere would
    copied.mkdir(parents=True)
    (copied / "teacher.json").write_text("{}", encoding="utf-8")
    check_resumed(whole, tmp_path)


def check_resumed(whole: Path, out: Path) -> None:
    """Give the command again, and compare what its runs have come to."""
    assert run(*command(out), **OPTIONS)[0] == 0
    for path in sorted(whole.glob("runs/*/record.json")):
        other = read_record(out / path.relative_to(whole))
        assert content_without_history(other) == content_without_history(read_record(path))
