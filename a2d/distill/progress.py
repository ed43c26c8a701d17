"""How far a plan is: one line, written over on a terminal, every half minute elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from a2d.distill.plan import Job, Plan, wall_seconds
from a2d.distill.sources import RUNS
from a2d.runs.progress_bar import read_status
from a2d.study.forecast import duration

LINE_S, TERMINAL_S = 30.0, 1.0
HOUR_S = 3600.0


class Progress:
    """Watches jobs by the files that they write.

    Args:
        plan: of the jobs.
        out: the folder of all runs.
        cores: how many run side by side.
        before: names of those that had ended before.
    """

    def __init__(self, plan: Plan, out: Path, cores: int, before: set[str]) -> None:
        self.plan, self.out, self.cores, self.before = plan, out, cores, before
        self.terminal = sys.stderr is not None and sys.stderr.isatty()
        self.shown = -LINE_S
        self.longest = 0

    def watch(self, spent: Mapping[str, float], active: Mapping[str, float]) -> None:
        """Show the line if it is time to.

        Args:
            spent: seconds of each job that has ended.
            active: seconds since each job under way has started.
        """
        now = time.monotonic()
        if now - self.shown < (TERMINAL_S if self.terminal else LINE_S):
            return
        self.shown = now
        self._write(f"a2d: {self.line(spent, active)}", "\r" if self.terminal else "\n")

    def close(self) -> None:
        """Leave the line on a terminal."""
        if self.terminal and self.longest:
            self._write("", "\r")

    def line(self, spent: Mapping[str, float], active: Mapping[str, float]) -> str:
        """Return how much is done, how long the rest takes, and at which step runs are."""
        steps = {name: read_status(self.out / RUNS / name) for name in active}
        jobs = [job for job in self.plan.jobs if job.name not in self.before]
        parts = {job.name: self._part(job, spent, steps) for job in jobs}
        expected = sum(job.seconds * parts[job.name] for job in jobs)
        pace = 1.0
        if expected > 0:
            pace = (sum(spent.values()) + sum(active.values())) / expected
        left = {
            job.name: pace * job.seconds * (1 - parts[job.name])
            for job in jobs
            if job.name not in spent
        }
        everything = sum(job.seconds for job in self.plan.jobs)
        known = sum(job.seconds for job in self.plan.jobs if job.name in self.before)
        ended = len(self.before) + len(spent)
        text = (
            f"{ended} of {len(self.plan.jobs)} runs done, "
            f"{(known + expected) / everything:.0%} of the computing; "
            f"about {duration(wall_seconds(self.plan.jobs, left, self.cores) / HOUR_S)} left"
        )
        now = [
            f"{job.name} (step {steps[job.name]:,} of {job.steps:,})"
            for job in jobs
            if steps.get(job.name) is not None
        ]
        return f"{text}; now {', '.join(now)}" if now else text

    def _part(self, job: Job, spent: Mapping[str, float], steps: Mapping[str, int | None]) -> float:
        if job.name in spent:
            return 1.0
        return min(1.0, (steps.get(job.name) or 0) / job.steps)

    def _write(self, text: str, end: str) -> None:
        padded = text.ljust(self.longest)
        self.longest = len(text)
        with suppress(OSError, ValueError):
            print(padded, end=end, file=sys.stderr, flush=True)
