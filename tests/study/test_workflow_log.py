"""What is printed of jobs: a line each; of a failed one its name, its own error and its log."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.logging import DefaultFormatter
from snakemake_interface_logger_plugins.common import LogEvent

from a2d.study.snakemake_log import KILLED, Jobs, error_in, speak_plainly


@pytest.fixture
def logger() -> logging.Logger:
    """A logger with a handler as Snakemake's."""
    found = logging.Logger("like Snakemake's", logging.INFO)
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(DefaultFormatter())
    found.addHandler(handler)
    return found


def output(verbose: bool = False) -> SimpleNamespace:
    return SimpleNamespace(printshellcmds=False, verbose=verbose)


def said(logger: logging.Logger) -> str:
    stream = next(
        handler.stream for handler in logger.handlers if isinstance(handler, logging.StreamHandler)
    )
    text: str = stream.getvalue()
    return text


def start(logger: logging.Logger, number: int, words: str | None, folder: Path) -> None:
    fields: dict[str, Any] = {
        "event": LogEvent.JOB_INFO,
        "jobid": number,
        "rule_msg": words,
        "rule_name": "train",
        "local": True,
        "input": [],
        "output": [str(folder / f"{number}.json")],
        "log": [str(folder / f"{number}.log")],
        "benchmark": None,
        "wildcards": {},
        "reason": "a long reason",
        "resources": {},
        "priority": 0,
        "threads": 1,
        "is_checkpoint": False,
    }
    logger.info("Rule: train", extra=fields)


def fail(logger: logging.Logger, number: int) -> None:
    logger.error(
        "Error in rule", extra={"event": LogEvent.JOB_ERROR, "jobid": number, "rule_name": "train"}
    )
    logger.error('RuleException:\nCalledProcessError in file "manual.smk", line 20:\nCommand ...')


def test_jobs_are_lines_and_failures_three(logger: logging.Logger, tmp_path: Path) -> None:
    jobs = speak_plainly(logger, output())
    logger.info("Building DAG of jobs...")
    for number in range(5):
        start(logger, number, f"run {number}", tmp_path)
    start(logger, 5, None, tmp_path)
    (tmp_path / "1.log").write_text(
        "a2d: noted\na2d: tiny: step 1: motor 3 is hot\n", encoding="utf-8"
    )
    fail(logger, 1)
    fail(logger, 2)
    start(logger, 2, "run 2", tmp_path)  # tried again
    fail(logger, 3)  # was submitted together with one that failed
    (tmp_path / "3.json").touch()
    fail(logger, 4)
    logger.info("Complete log(s): x")
    logger.error("MissingInputException: something else")
    lines = said(logger).splitlines()
    assert [line.partition(" ")[2] for line in lines[:6]] == [
        *(f"run {number}" for number in range(5)),
        "train",
    ]
    assert [line.partition(" ")[2] for line in lines[6:]] == [
        "failed: run 1",
        "failed: run 2",
        "run 2",
        "failed: run 3",
        "failed: run 4",
        "something else",
    ]
    assert jobs.failures() == [
        ("run 1", "tiny: step 1: motor 3 is hot", str(tmp_path / "1.log")),
        ("run 4", KILLED, str(tmp_path / "4.log")),
    ]


def test_details_are_snakemakes_own_blocks(logger: logging.Logger, tmp_path: Path) -> None:
    jobs = speak_plainly(logger, output(verbose=True))
    start(logger, 0, "run 0", tmp_path)
    assert "reason: a long reason" in said(logger) and str(tmp_path / "0.json") in said(logger)
    assert jobs.jobs[0].words == "run 0"


def test_a_quiet_snakemake_stays_quiet_and_failures_are_known(
    logger: logging.Logger, tmp_path: Path
) -> None:
    logger.handlers[0].addFilter(lambda record: False)
    jobs = speak_plainly(logger, output())
    start(logger, 0, "run 0", tmp_path)
    fail(logger, 0)
    assert said(logger) == "" and [words for words, _, _ in jobs.failures()] == ["run 0"]


@pytest.mark.parametrize(
    ("log", "error"),
    [
        ("a2d: x: cannot be written (disk full)\n\n", "x: cannot be written (disk full)"),
        ("Traceback (most recent call last):\n  File y\nValueError: 3\n", "ValueError: 3"),
        (
            "Fatal Python error: Segmentation fault\n\nThread:\n  File z\n",
            "Fatal Python error: Segmentation fault",
        ),
        ("a2d: x: is wrong\nexit status 1\n", "x: is wrong"),
        ("a2d: runs/x/checkpoint: resumes from step 40 of 80\nexit status 137\n", KILLED),
        ("a2d: mine: step 9: no episode has ended; if none ever does\nexit status 137\n", KILLED),
        ("Fatal Python error: Aborted\n  File z\nexit status 134\n", "Fatal Python error: Aborted"),
        ("exit status 137\n", KILLED),
        ("", KILLED),
        ("\xff\xfe broken", "\xff\xfe broken"),
    ],
)
def test_a_jobs_own_error_is_the_last_it_says(log: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "log").write_text(log, encoding="utf-8")
    assert error_in(tmp_path / "log") == error


def test_a_job_without_a_log_has_no_error_of_its_own(tmp_path: Path) -> None:
    assert error_in(None) == error_in(tmp_path / "nowhere") == KILLED
    assert Jobs().failures() == []
