"""Processes side by side: how one ended that failed is one line, whatever has ended it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from a2d.distill.crew import Crew
from a2d.distill.plan import PLAN, Job
from a2d.errors import A2DError


def failure(out: Path, end: Callable[[Crew], None] = lambda crew: None) -> str:
    """Return the error of a job in a folder without a plan; ``end`` is called while it runs."""
    crew = Crew(out, 1, lambda: end(crew))
    with pytest.raises(A2DError) as raised:
        crew.work([Job(name="teacher", kind="teacher", row="teacher", seed=0, steps=1)])
    return str(raised.value)


def kill(crew: Crew) -> None:
    for each in crew.active.values():
        each.process.kill()


def test_a_process_that_is_killed_has_died(tmp_path: Path) -> None:
    log = tmp_path / "runs" / "teacher" / "log.txt"
    said = failure(tmp_path, kill)
    assert said == f"teacher: its process died (Killed); see {log}; the same command resumes"


def test_a_process_that_fails_unexpectedly_has_died_and_its_log_says_why(tmp_path: Path) -> None:
    assert failure(tmp_path).startswith("teacher: its process died (exit status 1); see ")
    log = (tmp_path / "runs" / "teacher" / "log.txt").read_text(encoding="utf-8")
    assert "AssertionError" in log


def test_a_mistake_that_can_be_corrected_is_told(tmp_path: Path) -> None:
    (tmp_path / PLAN).write_text("{", encoding="utf-8")
    assert failure(tmp_path).startswith(f"teacher: {tmp_path / PLAN}: cannot be read as a plan")
