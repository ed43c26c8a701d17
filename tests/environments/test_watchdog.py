"""An environment that hangs or fails ends the run with an error that names task, step and place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from a2d.environments import BatchedEnvironment, make_environment
from a2d.errors import A2DError, Diverged
from a2d.specs.task import TaskCard

LIMIT = 0.1  # seconds, where something hangs
PATIENCE = 60.0  # seconds, elsewhere: a slow garbage collection is not to look like it


def compute() -> None:
    while True:
        pass


def compute_whatever_happens() -> None:
    while True:
        try:
            compute()
        except Exception:
            continue


def stop_as_ctrl_z_does() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def fail() -> None:
    raise KeyError("the robot's arm")


TROUBLES: dict[str, Callable[[], object]] = {
    "computes": compute,
    "catches": compute_whatever_happens,
    "waits": lambda: time.sleep(60),
    "locks": lambda: threading.Event().wait(60),
    "stops": stop_as_ctrl_z_does,
    "fails": fail,
    "leaves": lambda: sys.exit(0),
    "works": lambda: None,
}


class Troubled(gymnasium.Env[Any, Any]):
    """Does something at its third step, or at its second reset, which is that after two steps."""

    observation_space = Box(-1.0, 1.0, (3,), np.float32)
    action_space = Discrete(2)

    def __init__(
        self, step: str = "works", reset: str = "works", seen: str = "0", make: str = "works"
    ) -> None:
        TROUBLES[make]()
        self.trouble, self.reset_trouble, self.seen = TROUBLES[step], TROUBLES[reset], float(seen)
        self.resets = self.steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.resets += 1
        if self.resets == 2:
            self.reset_trouble()
        return np.full(3, self.seen, np.float32), {}

    def step(self, action: Any) -> Any:
        self.steps += 1
        if self.steps == 3:
            self.trouble()
        return np.zeros(3, np.float32), 1.0, self.steps % 2 == 0, False, {}


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    gymnasium.register("Troubled-v0", entry_point=lambda **options: Troubled(**options))
    yield
    del gymnasium.registry["Troubled-v0"]


def troubled(limit: float = PATIENCE, /, **options: str) -> BatchedEnvironment:
    data = {
        "name": "troubled",
        "title": "T",
        "family": "gymnasium",
        "id": "Troubled-v0",
        "step_limit_s": limit,
    }
    return make_environment(TaskCard.model_validate(data | {"options": options}), 2, seed=7)


def play(environments: BatchedEnvironment) -> None:
    environments.reset()
    for _ in range(4):
        done = environments.step(np.zeros(2, np.int64))[2]
        if done.any():
            environments.reset(options={"reset_mask": done})


def test_what_works_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGALRM)
    play(troubled())
    assert (
        signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        and signal.getsignal(signal.SIGALRM) == before
    )


@pytest.mark.parametrize(
    ("trouble", "file"),
    [
        ("computes", "test_watchdog"),
        ("catches", "test_watchdog"),
        ("waits", "test_watchdog"),
        ("locks", "threading"),
    ],
)
@pytest.mark.parametrize(("where", "step"), [("step", 3), ("reset", 2)])
def test_what_hangs_is_ended(trouble: str, file: str, where: str, step: int) -> None:
    before, start = signal.getsignal(signal.SIGALRM), time.monotonic()
    place = rf"troubled: step {step} of 2 environments after reset\(seed=7\)"
    problem = (
        r"the environment hangs for more than 0\.1 s \(the card's step_limit_s\), "
        rf"at .*/{file}\.py:\d+"
    )
    with pytest.raises(A2DError, match=f"{place}: {problem}"):
        play(troubled(LIMIT, **{where: trouble}))
    assert LIMIT <= time.monotonic() - start < 30
    assert (
        signal.getitimer(signal.ITIMER_REAL) == (0, 0)
        and signal.getsignal(signal.SIGALRM) == before
    )


def test_a_process_that_was_stopped_does_not_hang() -> None:
    wake = f"while sleep 2; do kill -CONT {os.getpid()}; done"
    start = time.monotonic()
    with subprocess.Popen(["sh", "-c", wake]) as waking:
        try:
            play(troubled(0.5, step="stops"))
        finally:
            waking.kill()
    assert time.monotonic() - start > 1.6, "its time was over long before"


@pytest.mark.parametrize(("where", "step"), [("step", 3), ("reset", 2)])
def test_what_fails_tells_its_own_error(where: str, step: int) -> None:
    line = fail.__code__.co_firstlineno + 1
    problem = rf'fails with KeyError: "the robot\'s arm", at .*test_watchdog\.py:{line}'
    with pytest.raises(
        A2DError, match=rf"troubled: step {step} .*\(seed=7\): the environment {problem}"
    ) as caught:
        play(troubled(**{where: "fails"}))
    assert isinstance(caught.value.__cause__, KeyError)


def test_what_leaves_the_process_is_told() -> None:
    with pytest.raises(
        A2DError, match=r"troubled: step 3 .*: the environment fails with SystemExit: 0, at "
    ):
        play(troubled(step="leaves"))


def test_what_hangs_while_it_is_made_is_ended() -> None:
    with pytest.raises(
        A2DError,
        match=r"troubled: making 2 environments: the environment hangs for more than 0\.1 s",
    ):
        troubled(LIMIT, make="waits")


@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_first_observation_that_is_no_number_is_told(number: str) -> None:
    with pytest.raises(Diverged, match=r"troubled: step 0 .*\(seed=7\): observation not finite"):
        troubled(seen=number).reset()


def test_outside_the_main_thread_there_is_no_limit() -> None:
    errors: list[BaseException] = []

    def try_it() -> None:
        try:
            play(troubled())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=try_it)
    thread.start()
    thread.join()
    assert errors == []
