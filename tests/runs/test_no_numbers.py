"""What is no number ends a run, and is recorded with the last state that could still act."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box
from pydantic import ValidationError

from a2d.runs.agent_files import load_agent
from a2d.runs.execute import run_search, run_training
from a2d.runs.records import Record, read_record, write_record
from a2d.specs.algorithm import A2CSettings
from a2d.specs.run import (
    key_of,
)
from a2d.specs.task import TaskCard
from a2d.study.plan import Speeds
from a2d.study.study import Run
from tests.contents import judged
from tests.runs_in_a_moment import CATCH, REACH, moody, registered_moody, searching, training
from tests.users_tasks import Walk, card, register


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    with registered_moody():
        yield


def check_diverged(record: Record, folder: Path, steps: int) -> None:
    assert record.status == "diverged" and record.reason and record.steps_done == steps
    assert len(judged(record).returns) == 4 and np.isfinite(judged(record).returns).all()
    write_record(folder / "record.json", record)
    assert read_record(folder / "record.json") == record
    agent, _ = load_agent(folder)
    assert all(value.isfinite().all() for value in agent.state_dict().values())
    outputs, values = agent.heads(torch.zeros(2, *agent.observation_shape))
    assert outputs.isfinite().all() and values.isfinite().all(), (
        "the last state that could still act"
    )


@pytest.mark.parametrize("card", [CATCH, REACH], ids=["pixels", "vectors"])
@pytest.mark.parametrize("rate", [1e10, 1e30])
def test_an_absurd_learning_rate_diverges_and_is_recorded(
    card: TaskCard, rate: float, tmp_path: Path
) -> None:
    spec = training(card, a2c=A2CSettings(environments=4, learning_rate=rate))
    record = run_training(spec, tmp_path)
    assert record.steps_done < spec.steps
    check_diverged(record, tmp_path, record.steps_done)


@pytest.mark.parametrize("rate", [1e10, 1e30])
def test_a_search_that_diverges_is_recorded(rate: float, tmp_path: Path) -> None:
    record = run_search(
        searching(CATCH, a2c=A2CSettings(environments=4, learning_rate=rate)), tmp_path
    )
    assert record.status == "diverged" and np.isfinite(judged(record).returns).all()
    assert record.search is not None and record.search.alpha is not None
    assert np.isfinite(record.search.alpha).all()
    write_record(tmp_path / "record.json", record)


@pytest.mark.parametrize("number", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(("good", "steps"), [(23, 80), (13, 40)])
def test_a_reward_that_is_no_number_diverges_and_is_recorded(
    number: str, good: int, steps: int, tmp_path: Path
) -> None:
    # An evaluation takes 12 steps in each environment, so that its rewards are sound.
    record = run_training(training(moody(good, number)), tmp_path)
    check_diverged(record, tmp_path, steps)
    assert judged(record).returns == [6.0] * 4 and len(record.curve) == steps // 20


@pytest.mark.parametrize(("good", "steps"), [(0, 0), (7, 20)])
def test_a_run_whose_test_episodes_give_no_numbers_either_has_no_score(
    good: int, steps: int, tmp_path: Path
) -> None:
    record = run_training(training(moody(good, "nan")), tmp_path)
    assert record.status == "diverged" and record.steps_done == steps
    reasons = (record.reason or "").split("; test episodes: ")
    assert all(
        f"moody: step {good + 1} of " in reason and "reward not finite" in reason
        for reason in reasons
    )
    assert len(reasons) == 2
    assert record.evaluation is None and np.isnan(record.score)
    write_record(tmp_path / "record.json", record)
    assert read_record(tmp_path / "record.json") == record


def test_a_run_whose_network_overflows_in_test_episodes_has_no_score(tmp_path: Path) -> None:
    spec = training(card(id="Walk-v0", observation="pixels"))
    space, made = Box(0, 1, (1, 8, 8), np.float32), 0

    def walk() -> Walk:
        nonlocal made
        made += 1
        huge = made > spec.algorithm.environments  # of the test episodes
        return Walk(space=space, observation=grow if huge else same)

    with register("Walk-v0", walk):
        record = run_training(spec, tmp_path)
    assert record.status == "diverged" and record.steps_done == spec.steps
    assert record.reason == "test episodes: the network's outputs are not finite"
    assert record.evaluation is None
    write_record(tmp_path / "record.json", record)
    assert read_record(tmp_path / "record.json") == record
    load_agent(tmp_path)


def same(observation: np.ndarray) -> np.ndarray:
    return observation


def grow(observation: np.ndarray) -> np.ndarray:
    """Return the largest finite numbers, which overflow in a sum."""
    return np.full_like(observation, np.finfo(np.float32).max)


def test_a_task_whose_first_observation_is_no_number_diverges_at_once(tmp_path: Path) -> None:
    record = run_training(training(moody(-1, "1")), tmp_path)
    assert (
        record.status == "diverged"
        and record.steps_done == 0
        and record.evaluation is None
        and record.curve == []
    )
    assert record.reason is not None and record.reason.count("moody: step 0 of ") == 2
    write_record(tmp_path / "record.json", record)
    assert read_record(tmp_path / "record.json") == record


def test_a_finished_record_without_a_score_is_refused(tmp_path: Path) -> None:
    record = run_training(training(), tmp_path)
    with pytest.raises(ValidationError, match="needs an evaluation"):
        Record.model_validate(record.model_dump() | {"evaluation": None})


def test_a_run_that_diverged_at_once_does_not_spoil_the_plan(tmp_path: Path) -> None:
    spec = training(a2c=A2CSettings(environments=4, learning_rate=1e-9))
    record = run_training(spec, tmp_path).model_copy(
        update={"status": "diverged", "steps_done": 0, "curve": []}
    )
    run = Run("smoke", "manual", "manual-mlp8", spec, key=key_of(spec))
    hours = Speeds([record]).hours(run)
    assert hours is None or np.isfinite(hours)
