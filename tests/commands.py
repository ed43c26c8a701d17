"""The command line, in a process of its own or in this one, and what it answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from a2d.cli import main
from tests.checkout import ROOT

CATCH = str(ROOT / "envs" / "tiny-catch.yaml")
SHORT = ("--steps", "400", "--environments", "4")


def a2d(*arguments: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from a2d.cli import main; main()", *map(str, arguments)]
    environment = {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
        "TERM": "dumb",
    }
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def succeeded(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def one_line(errors: str) -> str:
    assert errors.startswith("a2d: ") and errors.count("\n") == 1 and len(errors) < 500, errors
    return errors


def failed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 1 and done.stdout == ""
    return one_line(done.stderr)


def ended(
    arguments: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Run the command line in this process; return its exit status, output and errors."""
    monkeypatch.setattr(sys, "argv", ["a2d", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    printed = capsys.readouterr()
    assert isinstance(left.value.code, int)
    return left.value.code, printed.out, printed.err


def refusal(
    arguments: list[object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    code: int = 1,
) -> str:
    """Return the one line that a command is refused with, in this process."""
    status, out, errors = ended(arguments, monkeypatch, capsys)
    assert (status, out) == (code, ""), errors
    return one_line(errors)
