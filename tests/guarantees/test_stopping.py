"""Requests to stop are answered by one line and 128 + signal, and nothing done is repeated."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from a2d.errors import Stopped
from a2d.files import only_process
from a2d.runs.records import Record, read_record
from a2d.runs.stopping import SIGNALS, answering, stoppable
from a2d.study.study import load_study
from tests.checkout import ROOT
from tests.contents import content_without_history
from tests.processes import environment, files_of, finish, run, start

TASK = """
import sys
import time
from pathlib import Path

import gymnasium
import numpy as np

from a2d.environments.tiny import Reach

HERE = Path(__file__).parent


def in_test_episode():
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name != "evaluate":
        frame = frame.f_back
    return frame is not None


class Slow(Reach):
    def step(self, action):
        if (HERE / "slow").exists() and in_test_episode():
            (HERE / "playing").touch()
            time.sleep(0.5)
        if (HERE / "trained").exists() and not in_test_episode():
            raise RuntimeError("is trained or replayed again")
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward + np.random.rand(), terminated, truncated, info


gymnasium.register("Slow-v0", entry_point=Slow, max_episode_steps=5)
"""
CARD = {"title": "S", "family": "gymnasium", "id": "Slow-v0", "import_module": "slow_task"}
PAUSED = """
import sys, time
from pathlib import Path

from a2d.runs import execute, execution

name, mark = sys.argv.pop(1), Path(sys.argv.pop(1))
module = execute if name in vars(execute) else execution
real = getattr(module, name)


def pause(*arguments, **options):
    mark.touch()
    time.sleep(30)
    return real(*arguments, **options)


setattr(module, name, pause)
from a2d.cli import main

main()
"""
AFTER = "a2d: stopped after training; the same command resumes with the test episodes\n"
BEFORE = "a2d: stopped; the same command continues\n"


def obey_interrupts() -> None:
    """Obey signals that the tests' shell ignores: Ctrl-C in background, hang-up under nohup."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def slow_task(folder: Path, card: str = "mine.yaml") -> dict[str, Any]:
    """Write a task with slow test episodes while a file ``slow`` exists; return its options."""
    (folder / "slow_task.py").write_text(TASK, encoding="utf-8")
    (folder / card).write_text(yaml.safe_dump(CARD), encoding="utf-8")
    variables = environment(PYTHONPATH=f"{folder}{os.pathsep}{ROOT}", A2D_CHECKPOINT_SECONDS="600")
    return {"cwd": folder, "env": variables, "preexec_fn": obey_interrupts}


def stop(
    number: int, mark: Path, code: str, arguments: list[object], **options: Any
) -> tuple[int, str]:
    """Start a command, send a signal once there is a file ``mark``, and return how it ended."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, **pipes, **options)
    end = time.monotonic() + 120
    while not mark.exists():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.01)
    process.send_signal(number)
    return finish(process)


PLAIN = "from a2d.cli import main; main()"


def command_of(kind: str, folder: Path) -> list[object]:
    own = ["--network", "mlp8"] if kind == "train" else ["--cells", 2, "--width", 8]
    return [kind, "--task", "mine.yaml", *own, "--steps", 400, "--environments", 4, "--out", folder]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return where a run of a kind lies that nothing has stopped."""
    folder = tmp_path_factory.mktemp("whole")
    options = slow_task(folder)

    @cache
    def made(kind: str) -> Path:
        assert run(*command_of(kind, folder / kind), **options) == (0, "")
        return folder / kind

    return made


def check_same(whole: Path, cut: Path) -> Record:
    """Check that two runs came to the same, and left nothing else; return the second's record."""
    records = [read_record(folder / "record.json") for folder in (whole, cut)]
    assert content_without_history(records[0]) == content_without_history(records[1])
    assert files_of(whole) == files_of(cut), "and no state is left"
    return records[1]


def check_answer(number: int, status: int, errors: str, line: str) -> None:
    if number == signal.SIGKILL:
        assert (status, errors) == (-number, "")
    else:
        assert (status, errors) == (128 + number, line)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        *(
            ("train", number)
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
        ),
        *(("search", number) for number in (signal.SIGINT, signal.SIGKILL)),
    ],
)
def test_stopped_in_test_episodes_a_run_goes_on_with_them(
    kind: str, number: signal.Signals, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    options = slow_task(tmp_path)
    (tmp_path / "slow").touch()
    check_answer(
        number,
        *stop(number, tmp_path / "playing", PLAIN, command_of(kind, tmp_path / "cut"), **options),
        AFTER,
    )
    assert not (tmp_path / "cut" / "record.json").exists()
    (tmp_path / "slow").unlink()
    (tmp_path / "trained").touch()
    status, errors = run(*command_of(kind, tmp_path / "cut"), **options)
    assert (
        status == 0
        and errors.count("\n") == 1
        and "resumes from the end of training, step 400 of 400" in errors
    )
    assert len(check_same(whole(kind), tmp_path / "cut").resumed_from) == 1


@pytest.mark.faults
@pytest.mark.parametrize(
    ("function", "line"),
    [
        ("make_environment", BEFORE),
        ("build_agent", BEFORE),
        ("save_agent", AFTER),
        ("measure_network", AFTER),
    ],
)
def test_stopped_before_or_after_training_a_run_says_so_and_goes_on(
    function: str, line: str, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    options = slow_task(tmp_path)
    arguments = [function, tmp_path / "paused", *command_of("train", tmp_path / "cut")]
    check_answer(
        signal.SIGTERM,
        *stop(signal.SIGTERM, tmp_path / "paused", PAUSED, arguments, **options),
        line,
    )
    if line == AFTER:
        (tmp_path / "trained").touch()
    assert run(*command_of("train", tmp_path / "cut"), **options)[0] == 0
    check_same(whole("train"), tmp_path / "cut")


@pytest.mark.faults
@pytest.mark.parametrize(
    ("method", "number"),
    [
        ("manual-mlp8", signal.SIGTERM),
        ("manual-mlp8", signal.SIGKILL),
        ("search-vanilla", signal.SIGINT),
    ],
)
def test_a_run_of_a_study_goes_on_with_its_test_episodes(
    method: str, number: signal.Signals, checkout: Path
) -> None:
    options = slow_task(checkout, "envs/tiny-reach.yaml")
    path = checkout / "workflow" / "scales" / "smoke.yaml"
    scale = yaml.safe_load(path.read_text(encoding="utf-8")) | {"tasks": ["tiny-reach"]}
    scale["steps"] = dict.fromkeys(("teacher", "train", "search"), 560)
    del scale["pixels"]
    path.write_text(yaml.safe_dump(scale), encoding="utf-8")
    place = next(
        run.path for run in load_study("smoke", checkout).runs.values() if run.method == method
    )
    assert run("run", place, "--results", "whole", "--runs", "runs-whole", **options) == (0, "")
    (checkout / "slow").touch()
    check_answer(
        number, *stop(number, checkout / "playing", PLAIN, ["run", place], **options), AFTER
    )
    (checkout / "slow").unlink()
    (checkout / "trained").touch()
    assert run("run", place, **options)[0] == 0
    whole, cut = (read_record(checkout / name / place) for name in ("whole", "results"))
    assert content_without_history(whole) == content_without_history(cut)


@pytest.mark.faults
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_evaluation_that_is_stopped_says_so(
    number: signal.Signals, whole: Callable[[str], Path], tmp_path: Path
) -> None:
    options = slow_task(tmp_path)
    (tmp_path / "slow").touch()
    answer = stop(number, tmp_path / "playing", PLAIN, ["evaluate", whole("train")], **options)
    check_answer(number, *answer, BEFORE)


@pytest.mark.faults
def test_who_waits_for_another_process_can_be_stopped(tmp_path: Path) -> None:
    options = slow_task(tmp_path)
    with only_process(tmp_path / "run"):
        process = start(*command_of("train", tmp_path / "run"), **options)
        assert process.stderr is not None and "waiting for it to end" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        check_answer(signal.SIGTERM, *finish(process), BEFORE)


def converted(caught: type[BaseException], into: Exception) -> None:
    """Ask this process to stop within code that converts the exceptions that it catches."""
    with stoppable("half way"):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except caught as error:
            raise into from error


@pytest.mark.parametrize(
    "caught", [BaseException, Exception], ids=["import in C", "careless environment"]
)
def test_code_that_catches_a_request_to_stop_does_not_hide_it(caught: type[BaseException]) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(Stopped, match="half way") as stopped:
        converted(caught, ImportError("multiarray failed to import"))
    assert stopped.value.signal == signal.SIGTERM
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_other_exceptions_pass() -> None:
    with pytest.raises(ImportError), stoppable("half way"):
        raise ImportError("of another cause")


def test_what_is_to_be_ignored_is_ignored() -> None:
    asked = []
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with answering(lambda number, frame: asked.append(number)):
            os.kill(os.getpid(), signal.SIGHUP)
            assert asked == []
            os.kill(os.getpid(), signal.SIGTERM)
            assert asked == [signal.SIGTERM]
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def twice_asked() -> None:
    with stoppable("outside"), answering(lambda number, frame: None):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)


def test_a_second_request_is_not_waited_for() -> None:
    process = multiprocessing.get_context("fork").Process(target=twice_asked)
    process.start()
    process.join(30)
    assert process.exitcode == 1, "ended by Stopped, not by the answer to the first"
