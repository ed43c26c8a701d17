"""Runs that are killed again and again, and folders that two processes want."""

from __future__ import annotations

import random
import re
import signal
import time
from pathlib import Path

import pytest
import yaml

from a2d.runs.records import read_record
from tests.checkout import ROOT
from tests.contents import content_without_history
from tests.processes import (
    RESUMES,
    STOPPED,
    files_of,
    finish,
    run,
    start,
    vanilla,
    wait_for_checkpoints,
)

pytestmark = pytest.mark.faults
KILLS = 3


def short_card(folder: Path, task: str) -> Path:
    """A task whose episodes are short, so that its test episodes are played at once."""
    card = yaml.safe_load((ROOT / "envs" / f"{task}.yaml").read_text(encoding="utf-8"))
    path = folder / f"{task}.yaml"
    path.write_text(yaml.safe_dump(card | {"max_episode_steps": 30}), encoding="utf-8")
    return path


TASKS = [
    ("tiny-catch", 8000), ("tiny-reach", 8000), ("minatar-breakout", 4000), ("atari-pong", 800)
]  # fmt: skip
RUNS = [
    *((task, steps, kind) for task, steps in TASKS for kind in ("train", "distill", "search")),
    ("tiny-catch", 8000, "single_path"),
    ("tiny-reach", 8000, "evolution"),
    ("tiny-reach", 8000, "imitation"),
]
# Every family of tasks, and every way to train; the others are for `make test-slow`.
QUICK = {
    ("tiny-reach", "search"), ("minatar-breakout", "distill"), ("atari-pong", "train"),
    ("tiny-reach", "evolution"),
}  # fmt: skip
MARKED = [
    pytest.param(task, steps, kind, marks=[pytest.mark.slow] * ((task, kind) not in QUICK))
    for task, steps, kind in RUNS
]


@pytest.mark.parametrize(("task", "steps", "kind"), MARKED)
def test_killed_again_and_again_a_run_ends_as_if_it_had_not_been(
    task: str, steps: int, kind: str, tmp_path: Path
) -> None:
    card, draw = short_card(tmp_path, task), random.Random(f"{task} {kind}")
    network = "mlp64" if task == "tiny-reach" else "vanilla"
    command: list[object] = ["train", "--network", network, "--task", card, "--environments", 4]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    if kind != "train":
        assert run(*command, "--out", tmp_path / "teacher", "--steps", 40) == (0, "")
        command += ["--teacher", tmp_path / "teacher", "--distill", "joint"]
        command += ["--accept-weak-teacher"]
    if kind not in ("train", "distill"):
        command[:3] = ["search", "--cells", 3, "--width", 8]
    if kind in ("single_path", "evolution", "imitation"):
        command += ["--searcher", kind]
    command += ["--steps", steps, "--seed", 1]
    assert run(*command, "--out", whole) == (0, "")
    kills = resumed = 0
    while kills < KILLS:
        process = start(*command, "--out", killed)
        wait_for_checkpoints(process, killed / "checkpoint", draw.randint(1, 4))
        time.sleep(draw.uniform(0, 0.05))
        if process.poll() is not None:
            break
        number = signal.SIGKILL if kills % 2 else signal.SIGTERM
        process.send_signal(number)
        status, errors = finish(process)
        if status == 0:
            break  # it was at its end
        assert status in (-number, 128 + number)
        assert re.fullmatch(f"({RESUMES})?({STOPPED})?", errors), errors
        kills, resumed = kills + 1, resumed + (killed / "checkpoint").exists()
    assert run(*command, "--out", killed)[0] == 0
    assert kills >= 2, f"only {kills} kills: the run is too short to say anything"
    records = [read_record(folder / "record.json") for folder in (whole, killed)]
    assert content_without_history(records[0]) == content_without_history(records[1])
    assert files_of(whole) == files_of(killed), (
        "weights or architecture, bit for bit, and nothing left over"
    )
    assert len(records[1].resumed_from) == resumed == kills


def test_two_processes_do_a_run_once(tmp_path: Path) -> None:
    processes = [start(*vanilla(tmp_path / "run")) for _ in range(2)]
    (first, said), (second, told) = map(finish, processes)
    assert first == second == 0
    assert (
        "another process works on this run; waiting" in said + told
        and "nothing is repeated" in said + told
    )
    assert read_record(tmp_path / "run" / "record.json").resumed_from == ()
    assert run(*vanilla(tmp_path / "alone")) == (0, "")
    assert files_of(tmp_path / "run") == files_of(tmp_path / "alone")


def test_a_folder_that_holds_another_run_is_left_alone(tmp_path: Path) -> None:
    assert run(*vanilla(tmp_path / "run", 400)) == (0, "")
    before = files_of(tmp_path / "run")
    status, errors = run(*vanilla(tmp_path / "run", 800))
    assert (
        status == 1 and "record.json: is the record of another run; name another folder" in errors
    )
    assert files_of(tmp_path / "run") == before
