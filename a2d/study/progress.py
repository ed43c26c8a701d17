"""How far the runs of a workflow are, read from their files, so wherever they run."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from a2d.errors import A2DError
from a2d.runs.progress_bar import read_status
from a2d.runs.records import read_record
from a2d.study.forecast import duration, wall_hours
from a2d.study.plan import Speeds, sound_records
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace

SECONDS, MOST_SECONDS = 30.0, 600.0
LISTED = 4


class Tracker:
    """The runs that a workflow set out to do.

    Args:
        study: what they are of.
        workspace: where they are done.
        wanted: each run, and the record that ends it.
        cores: how many runs are trained side by side.

    ``speeds`` are those of recorded runs, and of this workflow's as they end.
    """

    def __init__(
        self, study: Study, workspace: Workspace, wanted: Iterable[tuple[Run, Path]], cores: int
    ) -> None:
        self.study, self.workspace, self.cores = study, workspace, cores
        self.speeds = Speeds([])
        self.left = [(run, path, _moment(path)) for run, path in wanted]
        self.done: list[Run] = []

    def line(self) -> str:
        """Return how much is done, how long the rest takes, and at which step runs are."""
        self._collect()
        runs = [run for run, _, _ in self.left]
        steps = {run.key: read_status(self.workspace.agent_folder(run.spec)) for run in runs}
        hours = {run.key: self.speeds.hours(run) for run in runs}
        parts = {run.key: (steps[run.key] or 0) / run.spec.steps for run in runs}
        spent = sum(self.speeds.hours(run) or 0.0 for run in self.done)
        spent += sum((hours[key] or 0.0) * part for key, part in parts.items())
        rest = {key: (found or 0.0) * (1 - parts[key]) for key, found in hours.items()}
        unknown = sum(found is None for found in hours.values())
        text = f"{len(self.done)} of {len(self.done) + len(self.left)} runs done"
        if unknown < len(hours):
            wall = wall_hours(rest, self.study, self.cores)
            text += f", {duration(spent)} of {duration(spent + sum(rest.values()))} of computing"
            text += f"; about {duration(wall)} left on {self.cores} core{'s' * (self.cores > 1)}"
        if unknown:
            text += f"; {unknown} runs of unknown speed"
        return f"{text}{self._now(steps)}"

    def _collect(self) -> None:
        """Move runs that have ended to those that are done, and learn their speed."""
        left = []
        for run, path, before in self.left:
            if _moment(path) in (None, before):  # what is made again was there
                left.append((run, path, before))
                continue
            self.done.append(run)
            with suppress(A2DError):  # the workflow says so when it builds on it
                self.speeds.add(read_record(path))
        self.left = left

    def _now(self, steps: dict[str, int | None]) -> str:
        """Return which runs are in progress, and at which step."""
        shown = [
            f"{self.study.describe(run)} (step {steps[run.key]:,} of {run.spec.steps:,})"
            for run, _, _ in self.left
            if steps[run.key] is not None
        ]
        if not shown:
            return ""
        more = [f"{len(shown) - LISTED} more"] if len(shown) > LISTED else []
        return "; now " + "; ".join([*shown[:LISTED], *more])


def _moment(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


class Progress:
    """A line about a workflow's runs: at once, then every half minute, later less often.

    Args:
        tracker: of the runs; nothing is printed where there are none.
        recorded: folder of the records from which speeds are known.
    """

    def __init__(self, tracker: Tracker, recorded: Path) -> None:
        self.tracker, self.recorded = tracker, recorded
        self.ended = threading.Event()

    def start(self) -> None:
        """Print from a thread of this process, which ends with it."""
        if self.tracker.left:
            threading.Thread(target=self._print, name="progress", daemon=True).start()

    def stop(self) -> None:
        """Print no more."""
        self.ended.set()

    def _print(self) -> None:
        self.tracker.speeds = Speeds(sound_records(self.recorded))
        start = time.monotonic()
        while not self.ended.is_set():
            print(f"a2d: {self.tracker.line()}", file=sys.stderr, flush=True)
            if not self.tracker.left:
                return  # what is rendered now takes seconds
            self.ended.wait(min(MOST_SECONDS, max(SECONDS, (time.monotonic() - start) / 10)))
