"""Checkpoints: whole or refused, and a run that is taken up is the run it would have been."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import signal
import time
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Discrete
from hypothesis import given
from hypothesis import strategies as st

from a2d.algorithms.rollout import Collector
from a2d.environments import make_environment
from a2d.errors import A2DError, Stopped
from a2d.files import only_process
from a2d.networks.interface import build_agent, interface_of
from a2d.runs.checkpoint import (
    SECONDS_VARIABLE,
    Checkpoint,
    Damaged,
    read_checkpoint,
    write_checkpoint,
)
from a2d.runs.progress_bar import Reporter
from a2d.runs.training import Training
from a2d.runs.workflow_process import WORKFLOW_VARIABLE, name_process
from a2d.specs.algorithm import A2CSettings
from a2d.specs.run import ManualAgent, SearchSpec, TrainSpec
from a2d.specs.task import TaskCard, load_card
from tests.checkout import ENVS
from tests.learners import learner_of
from tests.traps import Trap

IDENTITY = {"run": "a run", "code": "some code"}
KILLS = 50


def tensors_of(number: int, size: int = 3) -> dict[str, torch.Tensor]:
    return {"weights": torch.full((size,), float(number)), "steps": torch.tensor(number)}


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    awkward = torch.tensor([float("nan"), float("inf"), -0.0, 1e-45, 0.1], dtype=torch.float64)
    images = torch.rand(2, 3, 4, 5).contiguous(memory_format=torch.channels_last)
    tensors = {
        "a": awkward,
        "b": images,
        "c": torch.arange(5, dtype=torch.uint8),
        "d": torch.tensor(True),
    }
    notes = {"curve": [[1, None], [2, 0.1 + 0.2]], "title": "Brücke „β“"}
    write_checkpoint(tmp_path / "checkpoint", tensors, notes)
    read, read_notes = read_checkpoint(tmp_path / "checkpoint")
    assert read_notes == notes and read.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert read[name].numpy().tobytes() == tensor.contiguous().numpy().tobytes(), name


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans())
def test_damage_anywhere_is_noticed(
    place: float, bit: int, cut: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("damage") / "checkpoint"
    write_checkpoint(path, tensors_of(1), {"steps": 1})
    data = bytearray(path.read_bytes())
    index = int(place * len(data))
    if cut:
        del data[index:]
    else:
        data[index] ^= 1 << bit
    path.write_bytes(data)
    with pytest.raises(Damaged):
        read_checkpoint(path)


def test_a_pickle_is_refused_and_nothing_in_it_runs(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(pickle.dumps(Trap(tmp_path / "executed")))
    with pytest.raises(Damaged):
        read_checkpoint(tmp_path / "checkpoint")
    assert not (tmp_path / "executed").exists()


def save_for_ever(path: Path) -> None:
    number = read_checkpoint(path)[1]["number"] if path.exists() else 0
    while True:
        number += 1
        write_checkpoint(path, tensors_of(number, size=300_000), {"number": number})


def test_killed_at_any_point_of_a_save_an_earlier_or_later_whole_one_is_there(
    tmp_path: Path,
) -> None:
    path, draw, latest = tmp_path / "checkpoint", random.Random(0), 0
    kills = 0
    # How many meet a save depends on how busy the disk is: go on until as many as wanted did.
    while kills < KILLS or len(list(tmp_path.iterdir())) <= KILLS / 2:
        kills += 1
        assert kills <= 6 * KILLS, "hardly any was killed in the midst of a save"
        process = multiprocessing.get_context("fork").Process(target=save_for_ever, args=(path,))
        process.start()
        while not path.exists():
            time.sleep(0.001)
        time.sleep(draw.uniform(0.01, 0.05))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        tensors, notes = read_checkpoint(path)
        number = notes["number"]
        assert (
            number >= latest
            and int(tensors["steps"]) == number
            and set(tensors["weights"].tolist()) == {number}
        )
        latest = number
    with only_process(tmp_path):
        assert {file.name for file in tmp_path.iterdir()} == {"checkpoint", ".lock"}, (
            "what they left is cleared"
        )


def card(name: str) -> TaskCard:
    return load_card(ENVS / f"{name}.yaml")


def spec_of(task: str, kind: str) -> TrainSpec | SearchSpec:
    settings = A2CSettings(environments=4, rollout_length=5)
    observed = card(task)
    network = "vanilla" if observed.observation == "pixels" else "mlp16"
    base: dict[str, Any] = {"task": observed, "steps": 20 * 12, "seed": 0, "a2c": settings}
    plain = TrainSpec(**base, agent=ManualAgent(network=network))
    if kind != "train":
        base |= {"teacher": plain, "distillation": {"mode": "joint"}}
    if kind == "distill":
        return TrainSpec(**base, agent=ManualAgent(network=network))
    if kind == "search":
        return SearchSpec(
            **base, search={"space": {"cells": 3, "width": 8}, "train_mode": "bi-level"}
        )
    return plain


def start(spec: TrainSpec | SearchSpec) -> Training:
    torch.manual_seed(3)
    environments = make_environment(spec.task, spec.a2c.environments, 5)
    interface = interface_of(environments, spec.task.normalize_observations)
    teacher = None
    if spec.teacher is not None:
        assert isinstance(spec.teacher, TrainSpec)
        assert isinstance(spec.teacher.agent, ManualAgent)
        teacher = build_agent(spec.teacher.agent.network, interface)
    learner = learner_of(spec, interface, teacher)
    return Training(spec, learner, Collector(environments, spec.task, 7, spec.a2c.discount))


def advance(training: Training, until: int) -> Training:
    with Reporter("", training.spec.steps) as reporter:
        while training.updates < until:
            training.update(reporter)
    return training


def content(training: Training) -> tuple[dict[str, bytes], dict[str, Any]]:
    tensors, notes = training.state()
    del notes["seconds"]
    return {
        name: tensor.detach().contiguous().numpy().tobytes() for name, tensor in tensors.items()
    }, notes


@pytest.mark.parametrize("kind", ["train", "distill", "search"])
@pytest.mark.parametrize(
    "task",
    ["tiny-catch", "tiny-reach", "minatar-space_invaders", "mujoco-half_cheetah", "atari-breakout"],
)
def test_a_run_that_is_taken_up_is_the_run_it_would_have_been(
    task: str, kind: str, tmp_path: Path
) -> None:
    spec = spec_of(task, kind)
    whole = content(advance(start(spec), spec.updates))
    stopped, path = start(spec), tmp_path / "checkpoint"
    for until in (5, 8):  # taken up twice, each time in a new run
        write_checkpoint(path, *advance(stopped, until).state())
        torch.manual_seed(until)
        stopped = start(spec)
        stopped.restore(*read_checkpoint(path))
        assert stopped.updates == until
    assert content(advance(stopped, spec.updates)) == whole


def test_a_replay_can_be_stopped(tmp_path: Path) -> None:
    spec = spec_of("tiny-catch", "train")
    state = advance(start(spec), 3).state()
    with saved(tmp_path) as checkpoint:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Stopped, match="stopped at step 60"):
            start(spec).restore(*state, lambda: checkpoint.stop_if_asked("step 60"))


class Fickle(gymnasium.Env[Any, Any]):
    """Draws from a generator that no seed reaches."""

    observation_space = Box(-1.0, 1.0, (3,), np.float32)
    action_space = Discrete(2)
    generator = np.random.default_rng(0)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        return self.generator.uniform(-1, 1, 3).astype(np.float32), {}

    def step(self, action: Any) -> Any:
        return self.generator.uniform(-1, 1, 3).astype(np.float32), 1.0, False, False, {}


def test_an_environment_that_does_not_repeat_itself_is_told() -> None:
    gymnasium.register("Fickle-v0", entry_point=lambda **_: Fickle())
    try:
        fickle = {"name": "fickle", "title": "F", "family": "gymnasium", "id": "Fickle-v0"}
        spec = TrainSpec(
            task=fickle,
            steps=200,
            seed=0,
            a2c={"environments": 4},
            agent={"network": "mlp8"} | KIND,
        )
        state = advance(start(spec), 2).state()
        with pytest.raises(A2DError, match=r"fickle: .*elsewhere.*cannot resume"):
            start(spec).restore(*state)
    finally:
        del gymnasium.registry["Fickle-v0"]


KIND = {"kind": "manual"}


def saved(folder: Path) -> Checkpoint:
    checkpoint = Checkpoint(folder, IDENTITY)
    checkpoint.save(tensors_of(4), {"steps": 4})
    return checkpoint


def test_only_a_state_of_the_same_run_and_code_is_gone_on_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Checkpoint(tmp_path, IDENTITY).load() is None
    saved(tmp_path)
    found = Checkpoint(tmp_path, IDENTITY).load()
    assert found is not None and found[1]["steps"] == 4 and capsys.readouterr().err == ""
    assert Checkpoint(tmp_path, {**IDENTITY, "code": "other", "numpy": "9"}).load() is None
    assert (
        "checkpoint: was made with another code, numpy; the run starts again"
        in capsys.readouterr().err
    )
    with pytest.raises(A2DError, match="checkpoint: belongs to another run"):
        Checkpoint(tmp_path, {**IDENTITY, "run": "another"}).load()
    (tmp_path / "checkpoint").write_bytes((tmp_path / "checkpoint").read_bytes()[:-1])
    assert Checkpoint(tmp_path, IDENTITY).load() is None
    assert (
        "checkpoint: its checksum does not match its content; the run starts again"
        in capsys.readouterr().err
    )


def test_the_interval_comes_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not saved(tmp_path).due()
    monkeypatch.setenv(SECONDS_VARIABLE, "0")
    assert saved(tmp_path).due()
    for wrong in ("soon", "-1", "nan", "inf"):
        monkeypatch.setenv(SECONDS_VARIABLE, wrong)
        with pytest.raises(A2DError, match=f"{SECONDS_VARIABLE}={wrong}"):
            Checkpoint(tmp_path, IDENTITY)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_answered_once_the_state_is_saved(
    number: signal.Signals, tmp_path: Path
) -> None:
    before = signal.getsignal(number)
    with saved(tmp_path) as checkpoint:
        checkpoint.stop_if_asked("step 1")
        os.kill(os.getpid(), number)
        assert checkpoint.due()
        assert signal.getsignal(number) == before, "a second one ends the process"
        with pytest.raises(
            Stopped, match="stopped at step 4; the same command resumes there"
        ) as stopped:
            checkpoint.stop_if_asked("step 4")
        assert stopped.value.signal == number
    assert signal.getsignal(number) == before


def test_a_run_stops_when_its_workflow_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    process.start()
    assert process.pid is not None
    monkeypatch.setenv(WORKFLOW_VARIABLE, name_process(process.pid))
    checkpoint = saved(tmp_path)
    assert not checkpoint.due()
    process.kill()
    while not checkpoint.due():  # nobody has asked how it ended, so the system still lists it
        time.sleep(0.001)
    process.join()
    with pytest.raises(Stopped):
        checkpoint.stop_if_asked("step 4")
