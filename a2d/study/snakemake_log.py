"""What Snakemake says on a terminal: a line a job in words, and failures as a person needs them.

Its own account, with every job's files, reason and command, is in its log below ``.snakemake/log``,
and on the terminal with ``--printshellcmds`` or ``--verbose``.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from snakemake_interface_logger_plugins.common import LogEvent

# What Snakemake says of its own steps, and of a failed job once more.
OWN_STEPS = (
    "Building DAG", "Using shell", "Provided cores", "Select jobs", "Execute ", "Rules claiming",
    "Reasons:", "Removing output files", "RuleException:\nCalledProcessError",
    "Exiting because a job execution failed", "WorkflowError:\nAt least one job did not complete",
)  # fmt: skip
SILENT = {
    LogEvent.WORKFLOW_STARTED, LogEvent.GROUP_INFO, LogEvent.GROUP_ERROR, LogEvent.JOB_STARTED,
    LogEvent.JOB_FINISHED, LogEvent.PROGRESS, LogEvent.RESOURCES_INFO, LogEvent.SHELLCMD,
}  # fmt: skip
AFTER_FAILURES = ("Complete log", "Elapsed time")
STATUS = re.compile(r"exit status (\d+)")  # what a run's command adds to its log
BY_SIGNAL = 128  # and more: the status of what a signal has ended
KILLED = "it ended without an error of its own; the system may have ended it for want of memory"
TAIL = 100_000  # characters of a log


class OutputSettings(Protocol):
    """Of Snakemake's settings for its output, those that matter here."""

    printshellcmds: bool
    verbose: bool


@dataclass
class Job:
    """A job of the workflow: what it is in words, its log, and what it makes."""

    words: str
    log: list[str]
    output: list[str]
    failed: bool = False


class Jobs(logging.Handler):
    """The jobs that Snakemake has spoken of, however quiet it is asked to be."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[int, Job] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Note that a job starts, again perhaps, or has failed."""
        event, number = getattr(record, "event", None), getattr(record, "jobid", None)
        if event == LogEvent.JOB_INFO and number is not None:
            self.jobs[number] = Job(
                words_of(record), _files(record, "log"), _files(record, "output")
            )
        elif event == LogEvent.JOB_ERROR and number in self.jobs:
            self.jobs[number].failed = True

    def failures(self) -> list[tuple[str, str, str]]:
        """Return what has failed: the job in words, its own error and its log.

        Of jobs that are submitted together Snakemake calls all failed; those that were done, or not
        begun, are not.
        """
        found = []
        for job in self.jobs.values():
            log = Path(job.log[0]) if job.log else None
            if job.failed and not all(Path(path).exists() for path in job.output):
                found.append((job.words, error_in(log), str(log or "no log")))
        return found


class Lines(logging.Formatter):
    """A line a job; nothing of Snakemake's own steps; everything else as it is."""

    def __init__(self, inner: logging.Formatter | None, jobs: Jobs) -> None:
        super().__init__()
        self.inner, self.jobs = inner or logging.Formatter(), jobs

    def format(self, record: logging.LogRecord) -> str:
        """Return the text, empty for what is not to be shown."""
        event, now = getattr(record, "event", None), time.strftime("%H:%M:%S")
        if event == LogEvent.JOB_INFO:
            return f"{now} {words_of(record)}"
        if event == LogEvent.JOB_ERROR:
            failed = self.jobs.jobs.get(getattr(record, "jobid", -1))
            return f"{now} failed: {failed.words if failed else words_of(record)}"
        text = record.getMessage()
        if event in SILENT or text.startswith(OWN_STEPS):
            return ""
        if text.startswith(AFTER_FAILURES) and any(job.failed for job in self.jobs.jobs.values()):
            return ""
        return self.inner.format(record)


class Terminal(logging.StreamHandler):  # type: ignore[type-arg]
    """Standard error, without empty lines for what is not shown."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record unless its text is empty."""
        if self.format(record):
            super().emit(record)


class Blocks(logging.Formatter):
    """Snakemake's own blocks of a job's files and reasons.

    It leaves them out where a job has a message.
    """

    def __init__(self, inner: logging.Formatter | None) -> None:
        super().__init__()
        self.inner = inner or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Return the text."""
        if getattr(record, "event", None) == LogEvent.JOB_INFO:
            record = logging.makeLogRecord(record.__dict__ | {"rule_msg": None})
        return self.inner.format(record)


def speak_plainly(logger: logging.Logger, settings: OutputSettings) -> Jobs:
    """Let Snakemake's logger speak to a person.

    Args:
        logger: Snakemake's.
        settings: what is asked of it; its own blocks, with ``--printshellcmds`` or ``--verbose``.

    Returns:
        The jobs it speaks of from now on.
    """
    jobs, details = Jobs(), settings.printshellcmds or settings.verbose
    for handler in list(logger.handlers):
        if isinstance(handler, logging.FileHandler) or details:
            handler.setFormatter(Blocks(handler.formatter))
        elif isinstance(handler, logging.StreamHandler):
            terminal = Terminal(handler.stream)
            terminal.setFormatter(Lines(handler.formatter, jobs))
            terminal.filters = list(handler.filters)
            logger.removeHandler(handler)
            logger.addHandler(terminal)
    logger.handlers.insert(0, jobs)  # before what shows it
    return jobs


def explain_failures(jobs: Jobs, plan: str, account: Iterable[Path]) -> str:
    """Return what to do after failures, then of each job which it is, its own error and its log.

    Args:
        jobs: of the workflow.
        plan: the command that lists what is missing.
        account: Snakemake's logs.
    """
    logs = ", ".join(map(os.path.relpath, account))
    return "\n".join(
        [
            f"a2d: some runs failed. `{plan}` lists what is missing; the same command tries that "
            "again, each run from where it stopped. To render what there is: --config "
            f"only=recorded. Snakemake's own log: {logs}",
            *("\n  ".join([f"failed: {job}", error, log]) for job, error, log in jobs.failures()),
        ]
    )


def words_of(record: logging.LogRecord) -> str:
    """Return what a job does."""
    message = getattr(record, "rule_msg", None)
    return str(message or getattr(record, "rule_name", record.getMessage()))


def _files(record: logging.LogRecord, name: str) -> list[str]:
    """Return a job's files, without what Snakemake adds to some in brackets."""
    return [str(path).split(" (")[0] for path in getattr(record, name, None) or ()]


def error_in(log: Path | None) -> str:
    """Return a failed job's own error: the last line of its log, or where native code crashed."""
    if log is None:
        return KILLED
    try:
        text = log.read_text(encoding="utf-8", errors="replace")[-TAIL:]
    except OSError:
        return KILLED
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    crashed = [line for line in lines if line.startswith("Fatal Python error")]
    ended = STATUS.fullmatch(lines[-1]) if lines else None
    if crashed:
        return crashed[-1]
    if ended is not None:
        lines.pop()
    if not lines or (ended is not None and int(ended[1]) > BY_SIGNAL):
        return KILLED  # what it said last was no error
    return lines[-1].removeprefix("a2d: ")
