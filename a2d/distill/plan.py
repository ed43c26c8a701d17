"""Every run that an answer needs, in order, with its steps and how long it takes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from a2d.distill.limits import Point
from a2d.distill.request import DistillRequest
from a2d.distill.sources import TEACHER, Sources
from a2d.errors import A2DError
from a2d.files import write_text
from a2d.specs.data import Frozen

PLAN = "plan.json"
TEACHER_SHARE, SEARCH_SHARE = 4.0, 1 / 6  # of a student's steps
Kind = Literal["teacher", "search", "student"]


class Job(Frozen):
    """One run, in a folder of its name.

    A student is a manual ``network``, or else what its ``search`` derived or, if ``random``, a
    random architecture of the same cost.
    """

    name: str
    kind: Kind
    row: str = Field(description="whose score it is a part of")
    seed: int
    steps: int
    network: str | None = None
    search: str | None = None
    random: bool = False
    after: tuple[str, ...] = ()
    seconds: float = Field(0.0, description="estimated")

    @property
    def alike(self) -> str:
        """What all runs share whose networks cost as much as this one's."""
        return self.network or self.search or self.name


class Plan(Frozen):
    """What is asked for, and the runs that come of it; a folder's plan does not change."""

    request: DistillRequest
    task: dict[str, Any] = Field(description="the identity of the card that is asked for")
    sources: Sources
    points: tuple[Point, ...]
    jobs: tuple[Job, ...]

    def job(self, name: str) -> Job:
        """Return the job of this name."""
        return next(job for job in self.jobs if job.name == name)

    def point(self, search: str) -> Point:
        """Return what a search is of."""
        return self.points[search_names(len(self.points)).index(search)]

    def rows(self) -> dict[str, list[Job]]:
        """Return the students by row, in order."""
        found: dict[str, list[Job]] = {}
        for job in self.jobs:
            if job.kind == "student":
                found.setdefault(job.row, []).append(job)
        return found


def search_names(points: int) -> list[str]:
    """Return the names of the searches, the one of the largest limit first."""
    if points == 1:
        return ["search"]
    return [f"search-{place + 1}" for place in range(points)]


class Steps(NamedTuple):
    """Environment steps of a run of each kind; what is no searched network has the search's too."""

    teacher: int
    search: int
    student: int

    @property
    def control(self) -> int:
        return self.student + self.search

    @staticmethod
    def of(student: int, each: int) -> Steps:
        """Return those that belong to a student's, rounded up to whole updates of ``each``."""

        def whole(number: float) -> int:
            return each * max(1, math.ceil(number / each))

        return Steps(whole(TEACHER_SHARE * student), whole(SEARCH_SHARE * student), whole(student))


def lay_out(
    request: DistillRequest, teacher: str | None, manual: tuple[str, ...], steps: Steps
) -> tuple[Job, ...]:
    """Return all runs, those that others need first.

    Args:
        request: as asked.
        teacher: the network to train as the teacher; None where one is given.
        manual: the networks to set beside what is found.
        steps: of each kind of run.
    """
    jobs: list[Job] = []
    if teacher is not None:
        made: dict[str, Any] = {"network": teacher, "steps": steps.teacher, "seed": request.seed}
        jobs.append(Job(name=TEACHER, kind="teacher", row=TEACHER, **made))
    taught = tuple(job.name for job in jobs)
    searched: dict[str, Any] = {"kind": "search", "steps": steps.search, "seed": request.seed + 1}
    names, first = search_names(request.points), taught
    for name in names:
        jobs.append(Job(name=name, row=name, after=first, **searched))
        if request.max_ms is not None:  # it measures latencies: nothing else may run then
            first = (name,)
    for seed in range(request.seed + 2, request.seed + 2 + request.seeds):
        for name in names:
            jobs += _searched(name, seed, steps, first if request.max_ms is not None else (name,))
        made = {"kind": "student", "seed": seed, "steps": steps.control, "after": first}
        jobs += [
            Job(name=f"{network}-seed{seed}", row=network, network=network, **made)
            for network in manual
        ]
    return tuple(jobs)


def _searched(search: str, seed: int, steps: Steps, after: tuple[str, ...]) -> Iterator[Job]:
    """Yield the students of one search: what it found, and a random network of the same cost."""
    made: dict[str, Any] = {"kind": "student", "seed": seed, "search": search, "after": after}
    for kind, count in (("a2d", steps.student), ("random", steps.control)):
        row = search.replace("search", kind)
        yield Job(name=f"{row}-seed{seed}", row=row, steps=count, random=kind == "random", **made)


def wall_seconds(jobs: tuple[Job, ...], left: dict[str, float], cores: int) -> float:
    """Return how long jobs take side by side, each started as soon as a core is free.

    Args:
        jobs: in order.
        left: seconds that each still takes, by name; one that is absent has ended.
        cores: how many run at once.
    """
    ends: dict[str, float] = {}
    free = [0.0] * cores
    for job in jobs:
        if job.name not in left:
            continue
        core = min(range(cores), key=free.__getitem__)
        ready = max((ends.get(name, 0.0) for name in job.after), default=0.0)
        free[core] = ends[job.name] = max(free[core], ready) + left[job.name]
    return max(free)


def read_plan(out: Path) -> Plan | None:
    """Return the plan of a folder, if it has one. Raise A2DError where it cannot be read."""
    path = out / PLAN
    try:
        return Plan.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        raise A2DError(
            f"{path}: cannot be read as a plan; name another folder with --out"
        ) from error


def write_plan(out: Path, plan: Plan) -> None:
    """Write the plan, atomically."""
    text = plan.model_dump_json(indent=1) + "\n"
    write_text(out / PLAN, text)


def describe(plan: Plan) -> Iterator[str]:
    """Yield a line for every kind of run."""
    groups: dict[str, list[Job]] = {}
    for job in plan.jobs:
        groups.setdefault(job.row, []).append(job)
    width = max(map(len, groups))
    for row, jobs in groups.items():
        count = f"{len(jobs)} × " if len(jobs) > 1 else ""
        seconds = sum(job.seconds for job in jobs)
        yield f"  {row:<{width}}  {count}{jobs[0].steps:,} steps, about {seconds:.0f} s"
