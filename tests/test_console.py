"""Standard streams that are closed, broken, full or plain ASCII, of real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from a2d.console import finish, say
from a2d.runs.records import read_record
from tests.checkout import ROOT

CATCH = str(ROOT / "envs" / "tiny-catch.yaml")
A2D = [sys.executable, "-c", "from a2d.cli import main; main()"]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0"}
TORCH_NEEDS_ASCII = pytest.mark.skipif(
    not sys.prefix.isascii(),
    reason="in an ASCII locale PyTorch itself is imported from ASCII folders only",
)
COMMANDS = (
    "check", "settings", "train", "search", "random", "evaluate", "costs", "run", "plan", "compare",
    "teacher import",
)  # fmt: skip


def closing(*numbers: int) -> Callable[[], None]:
    """Return what closes these streams in a process that is to be started, as ``2>&-`` does."""

    def close() -> None:
        for number in numbers:
            os.close(number)

    return close


def a2d(
    *arguments: object, closed: tuple[int, ...] = (), variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "100",
        "TERM": "dumb",
    } | (variables or {})
    return subprocess.run(
        [*A2D, *map(str, arguments)],
        cwd=ROOT,
        env=environment,
        preexec_fn=closing(*closed),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_can_be_read_on_an_ascii_terminal(command: str) -> None:
    done = a2d(*command.split(), "--help", variables=ASCII)
    assert (
        done.returncode == 0
        and done.stderr == ""
        and done.stdout.isascii()
        and "Usage" in done.stdout
    )
    if command == "train":
        assert "environments x" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param(ASCII, marks=TORCH_NEEDS_ASCII, id="locale"),
        pytest.param({"PYTHONIOENCODING": "ascii"}, id="variable"),
    ],
)
def test_errors_can_be_read_on_an_ascii_terminal(variables: dict[str, str]) -> None:
    done = a2d(
        "train",
        "--task",
        CATCH,
        "--network",
        "vanilla",
        "--out",
        "x",
        "--algorithm",
        "ppo",
        "--set",
        "ppo.minibatches=7",
        variables=variables,
    )
    assert (
        done.returncode == 1
        and done.stderr.isascii()
        and "environments x rollout_length" in done.stderr
    )


@pytest.mark.parametrize("closed", [(2,), (1,), (0, 1, 2)], ids=str)
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("--help",), 0),
        (("plan", "--scale", "smoke"), 0),
        (("plan", "--scale", "none"), 1),
        (("plan", "--none"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_no_command_needs_a_stream(
    arguments: tuple[str, ...], status: int, closed: tuple[int, ...]
) -> None:
    done = a2d(*arguments, closed=closed)
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr
    assert status == 0 or done.stdout == "", "what is meant for standard error goes nowhere else"
    assert done.stdout or 1 in closed or status


def test_a_run_trains_with_every_stream_closed_and_is_the_same_run(tmp_path: Path) -> None:
    for name, closed in (("open", ()), ("closed", (0, 1, 2))):
        arguments = ["--task", CATCH, "--network", "vanilla", "--steps", 40, "--environments", 4]
        done = a2d("train", *arguments, "--out", tmp_path / name, closed=closed)
        assert done.returncode == 0, done.stderr
        assert bool(done.stdout) == (name == "open")
    agents = [(tmp_path / name / "agent.safetensors").read_bytes() for name in ("open", "closed")]
    assert agents[0] == agents[1]


@TORCH_NEEDS_ASCII
def test_a_task_of_any_name_is_recorded_in_an_ascii_locale(tmp_path: Path) -> None:
    card = tmp_path / "tâche.yaml"
    card.write_bytes(Path(CATCH).read_bytes())
    arguments = [
        "--task",
        card,
        "--network",
        "vanilla",
        "--steps",
        40,
        "--environments",
        4,
        "--out",
        tmp_path / "out",
    ]
    done = a2d("train", *arguments, variables=ASCII)
    assert (done.returncode, done.stderr) == (0, "")
    assert read_record(tmp_path / "out" / "record.json").spec.task.name == "tâche"


NUMBERS = """
import os, sys
from a2d.console import prepare_streams
prepare_streams()
found = open(sys.argv[1], "w")
assert found.fileno() > 2, found.fileno()
os.write(2, b"what native code tells")
print("nowhere")
"""


def test_no_file_takes_the_number_of_a_closed_stream(tmp_path: Path) -> None:
    command = [sys.executable, "-c", NUMBERS, str(tmp_path / "file")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, preexec_fn=closing(0, 1, 2), check=False)
    assert done.returncode == 0 and (tmp_path / "file").read_bytes() == b""


@pytest.mark.parametrize(
    "unbuffered", [{}, {"PYTHONUNBUFFERED": "1"}], ids=["at the end", "at once"]
)
def test_a_reader_that_has_left_is_no_failure_of_ours(unbuffered: dict[str, str]) -> None:
    environment = {"PYTHONPATH": str(ROOT), **unbuffered}
    command = [*A2D, "plan", "--scale", "smoke"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_output_that_cannot_be_written_is_told() -> None:
    environment = {"PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w") as full:
        command = [*A2D, "plan", "--scale", "smoke"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (
        done.returncode == 1 and done.stderr == b"a2d: a stream or file: No space left on device\n"
    )


def test_nobody_hears_and_the_work_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", buffering=1) as broken:
        monkeypatch.setattr(sys, "stderr", broken)
        say("to nobody")
        os.dup2(os.open(os.devnull, os.O_WRONLY), broken.fileno())  # or closing it would fail
    say("to a closed one")
    monkeypatch.setattr(sys, "stderr", None)
    say("to none")


def test_a_bar_needs_no_standard_error() -> None:
    code = (
        "import sys; sys.stderr = None; from a2d.runs.progress_bar import Reporter; "
        "Reporter('x', 2).advance(1)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )


def test_letters_that_ascii_lacks_are_written_in_others() -> None:
    path = "λ × — \udcc3 é"
    assert path.encode("ascii", "plain") == rb"lambda x -- \udcc3 \xe9"
    assert finish(0) == 0 and finish(3) == 3
