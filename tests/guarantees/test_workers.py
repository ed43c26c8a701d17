"""A test that takes its worker along, in real runs with the options of the Makefile."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.checkout import ROOT

pytestmark = pytest.mark.faults
WITHIN = 60.0  # seconds
DEATHS = {
    "abort": "os.abort()",
    "kill": "os.kill(os.getpid(), signal.SIGKILL)",
    "exit": "os._exit(0)",
    "child": "fork(); os.abort()",
    "hang": "fork(); time.sleep(600)",
}
FILE = """
import multiprocessing, os, pathlib, signal, time

def fork():
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    child.start()
    pathlib.Path(__file__).with_suffix(".child").write_text(str(child.pid))

def test_before(): pass
def test_that_dies(): {death}
def test_after(): pass
"""


def options() -> list[str]:
    """Return what the Makefile gives to pytest."""
    asked = ["make", "--no-print-directory", "--eval", "options:; @echo $(PARALLEL)", "options"]
    text = subprocess.run(
        asked, cwd=ROOT, capture_output=True, text=True, check=True, timeout=WITHIN
    ).stdout
    assert "--numprocesses" in text
    return text.split()


def lives(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return False


@pytest.mark.parametrize(
    ("death", "files"), [*((death, 1) for death in DEATHS), ("abort", 3), ("child", 3)]
)
def test_a_worker_that_dies_fails_the_run_at_once_with_its_tests_name(
    death: str, files: int, tmp_path: Path
) -> None:
    paths = [tmp_path / f"test_{number}.py" for number in range(files)]
    for path in paths:
        path.write_text(FILE.format(death=DEATHS[death]), encoding="utf-8")
    start = time.monotonic()
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        "pyproject.toml",
        *options(),
        "-o",
        "faulthandler_timeout=5",
        *map(str, paths),
    ]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=2 * WITHIN
    )
    assert time.monotonic() - start < WITHIN
    assert ended.returncode != 0
    assert "crashed while running" in ended.stdout and "test_that_dies" in ended.stdout
    for child in tmp_path.glob("*.child"):
        assert not lives(int(child.read_text(encoding="utf-8")))
