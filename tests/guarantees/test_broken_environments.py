"""Environments that hang, crash, or swallow what should end them."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
import yaml

from a2d.runs.records import read_record
from tests.checkout import ROOT
from tests.processes import environment, finish, run, start, wait_for_checkpoints
from tests.small_study import FAULTY

pytestmark = pytest.mark.faults

HANGING = FAULTY.replace(
    'raise RuntimeError("motor 3 is hot")', "import time; time.sleep(600)"
).replace('"distilled-mlp16-critic" in " ".join(sys.argv)', "True")


def test_an_environment_that_catches_every_interruption_is_ended_too(tmp_path: Path) -> None:
    catch = (
        "while True:\n                try: time.sleep(60)\n"
        "                except BaseException: pass"
    )
    text = HANGING.replace("import time; time.sleep(600)", f"import time\n            {catch}")
    (tmp_path / "faulty_task.py").write_text(text, encoding="utf-8")
    (tmp_path / "broken").touch()
    card = {
        "title": "S",
        "family": "gymnasium",
        "id": "Faulty-v0",
        "import_module": "faulty_task",
        "step_limit_s": 1,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    options = {"cwd": tmp_path, "env": environment(PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")}
    status, errors = run("check", "mine.yaml", **options)
    assert status == 1 and "step 1 of 1 environments" in errors
    assert "catches what should end it" in errors


def test_an_environment_that_crashes_the_process_is_told_by_file_and_line(tmp_path: Path) -> None:
    crash = FAULTY.replace(
        'raise RuntimeError("motor 3 is hot")', "import ctypes; ctypes.string_at(0)"
    )
    text = crash.replace('"distilled-mlp16-critic" in " ".join(sys.argv)', "True")
    (tmp_path / "faulty_task.py").write_text(text, encoding="utf-8")
    (tmp_path / "broken").touch()
    card = {"title": "C", "family": "gymnasium", "id": "Faulty-v0", "import_module": "faulty_task"}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    process = start(
        "check",
        "mine.yaml",
        cwd=tmp_path,
        env=environment(PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}"),
    )
    _, errors = process.communicate()
    assert process.returncode == -signal.SIGSEGV
    assert re.search(r'Segmentation fault(.|\n)*faulty_task\.py", line \d+ in step', errors), errors


def test_a_hanging_environment_ends_with_a_message_and_keeps_the_state(tmp_path: Path) -> None:
    (tmp_path / "faulty_task.py").write_text(HANGING, encoding="utf-8")
    card = {
        "title": "H",
        "family": "gymnasium",
        "id": "Faulty-v0",
        "import_module": "faulty_task",
        "step_limit_s": 1,
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    arguments = [
        "train",
        "--task",
        "mine.yaml",
        "--network",
        "mlp64",
        "--out",
        "out",
        "--steps",
        40_000,
    ]
    options = {"cwd": tmp_path, "env": environment(PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")}
    process = start(*arguments, "--environments", 8, **options)
    wait_for_checkpoints(process, tmp_path / "out" / "checkpoint", 3)
    (tmp_path / "broken").touch()
    status, errors = finish(process)
    place = r"mine: step \d+ of 8 environments after reset\(seed=\d+\)"
    assert status == 1 and re.match(
        rf"a2d: {place}: the environment hangs for more than 1 s .*faulty_task\.py", errors
    )
    (tmp_path / "broken").unlink()
    status, errors = run(*arguments, "--environments", 8, **options)
    assert status == 0 and "resumes from step" in errors
    assert len(read_record(tmp_path / "out" / "record.json").resumed_from) == 1
