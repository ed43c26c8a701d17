"""A run watches the process that asked for it, and mistakes no other for it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from a2d.errors import A2DError
from a2d.runs.workflow_process import WORKFLOW_VARIABLE, is_gone, name_process
from tests.checkout import ROOT

GONE = 2**22 + 1  # beyond the largest process number of Linux


def test_a_process_is_known_until_it_ends() -> None:
    process = subprocess.Popen(["sleep", "60"])
    name = name_process(process.pid)
    assert not is_gone(name)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # ended, and still listed
    assert is_gone(name)
    process.wait()
    assert is_gone(name)


def test_a_later_process_of_the_same_number_is_another() -> None:
    name = name_process(os.getpid())
    assert not is_gone(name)
    earlier = re.sub(r":(\d+)@", lambda start: f":{int(start[1]) - 1}@", name)
    assert earlier != name and is_gone(earlier)


@pytest.mark.parametrize(
    "elsewhere", ["@node7pid:[4026531836]", "@" + os.uname().nodename + "pid:[1]"]
)
def test_nothing_is_said_of_a_process_on_another_machine_or_in_another_container(
    elsewhere: str,
) -> None:
    assert not is_gone(re.sub("@.*", elsewhere, name_process(os.getpid())))
    assert not is_gone(f"{GONE}:7{elsewhere}")


def test_a_run_of_another_machines_workflow_goes_on(tmp_path: Path) -> None:
    task = ROOT / "envs" / "tiny-catch.yaml"
    command = [
        sys.executable,
        "-c",
        "from a2d.cli import main; main()",
        "train",
        "--task",
        str(task),
    ]
    command += [
        "--network",
        "vanilla",
        "--steps",
        "400",
        "--environments",
        "4",
        "--out",
        str(tmp_path / "run"),
    ]
    variables = {**os.environ, WORKFLOW_VARIABLE: f"{GONE}:7@node7pid:[4026531836]"}
    done = subprocess.run(
        command, env=variables, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "record.json").exists()


def test_a_name_that_no_workflow_gave_is_refused() -> None:
    with pytest.raises(A2DError, match=f"{WORKFLOW_VARIABLE}=12 or so: .*unset it"):
        is_gone("12 or so")
