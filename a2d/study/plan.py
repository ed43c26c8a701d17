"""What a scale asks for, what of it is recorded, and what the rest will cost."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from a2d.errors import A2DError
from a2d.runs.records import Record, find_records, read_record, without_collector
from a2d.study.study import Run, Study
from a2d.study.workspace import Workspace

Status = Literal["done", "missing", "damaged"]
SECONDS_PER_HOUR = 3600


@dataclass(frozen=True)
class Planned:
    """One run of the scale and where it stands.

    ``hours`` are core-hours; None where no speed is known.
    """

    run: Run
    status: Status
    hours: float | None


@dataclass(frozen=True)
class Plan:
    """All runs of a scale, and the records that belong to none of them any more."""

    runs: list[Planned]
    stale: list[Path]

    def count(self, status: Status) -> int:
        return sum(planned.status == status for planned in self.runs)

    @property
    def hours(self) -> float:
        """Core-hours of what is to be done, as far as speeds are known."""
        return sum(planned.hours or 0.0 for planned in self.runs if planned.status != "done")

    @property
    def unknown(self) -> int:
        """How many of the runs to be done have no known speed."""
        return sum(planned.hours is None for planned in self.runs if planned.status != "done")


class Speeds:
    """Seconds per environment step, as recorded, from the most to the least specific likeness."""

    def __init__(self, records: list[Record]) -> None:
        self.seconds: dict[tuple[str, ...], list[float]] = defaultdict(list)
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Learn from one more record."""
        for likeness in self._likenesses(
            record.spec.task.name, record.spec.task.family, _design(record.spec)
        ):
            self.seconds[likeness].append(record.timing.wall_s / max(1, record.steps_done))

    @staticmethod
    def _likenesses(task: str, family: str, design: str) -> list[tuple[str, ...]]:
        return [("task", task, design), ("family", family, design), ("family", family)]

    def hours(self, run: Run) -> float | None:
        """Estimate a run's core-hours from the median of the likest recorded runs."""
        task = run.spec.task
        for likeness in self._likenesses(task.name, task.family, _design(run.spec)):
            if self.seconds[likeness]:
                return median(self.seconds[likeness]) * run.spec.steps / SECONDS_PER_HOUR
        return None


def _design(spec: object) -> str:
    agent = getattr(spec, "agent", None)
    if agent is None:
        return "search"
    return str(getattr(agent, "network", "searched"))


def scan_records(folder: Path) -> dict[Path, Record | None]:
    """Read every record below ``folder``; None for one that is damaged, or whose key is stale."""
    records: dict[Path, Record | None] = {}
    with without_collector():
        for path in find_records(folder):
            try:
                records[path] = read_record(path)
            except A2DError:
                records[path] = None
    return records


def sound_records(folder: Path) -> list[Record]:
    """Read every record below ``folder`` that is neither damaged nor stale."""
    return [record for record in scan_records(folder).values() if record is not None]


def _status(run: Run, workspace: Workspace, records: dict[Path, Record | None]) -> Status:
    path = workspace.record(run)
    if path in records:
        return "damaged" if records[path] is None else "done"
    return "done" if workspace.find(run) else "missing"


def make_plan(study: Study, workspace: Workspace, recorded: Path | None = None) -> Plan:
    """Compare a study with the records there are.

    Args:
        study: what is asked for.
        workspace: where its records lie.
        recorded: another folder of records, from which speeds are known as well.
    """
    records = scan_records(workspace.results)
    known = [record for record in records.values() if record is not None]
    if recorded is not None and recorded.resolve() != workspace.results.resolve():
        known += sound_records(recorded)
    speeds = Speeds(known)
    planned = [
        Planned(run, _status(run, workspace, records), speeds.hours(run))
        for run in study.runs.values()
    ]
    wanted = {workspace.record(run) for run in study.runs.values()}
    own = workspace.results / study.name
    return Plan(
        planned, [path for path in records if path not in wanted and path.is_relative_to(own)]
    )
