"""What is left of a study and how long that takes, in words and as a table of tasks by stages."""

from __future__ import annotations

import os
from collections.abc import Mapping

from a2d.specs.run import key_of, search_of
from a2d.study.plan import Plan, Planned
from a2d.study.study import Run, Study

MINUTES = SECONDS = 60


def cores_here() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def duration(hours: float) -> str:
    """Return a time in words, in the largest unit that leaves a number above one."""
    minutes = hours * MINUTES
    if minutes < 1:
        return f"{minutes * SECONDS:.0f} s"
    if minutes < 2 * MINUTES:
        return f"{minutes:.0f} min"
    return f"{hours:.1f} h" if hours < 10 else f"{hours:.0f} h"


def words(run: Run, title: str) -> str:
    """Return what people call a run of the task called ``title``."""
    return f"{run.method.replace('-', ' ')}, {title}, seed {run.spec.seed}"


def wall_hours(left: Mapping[str, float], study: Study, cores: int) -> float:
    """Estimate how long runs take side by side.

    Args:
        left: core-hours, by the run's key.
        study: of the runs.
        cores: how many runs go on at a time.

    Returns:
        Hours: all of them shared by the cores, or the longest chain of teacher, search and agent if
            that is more.
    """
    chains: dict[str, float] = {}
    for key, run in study.runs.items():  # teachers first, then searches
        if key in left:
            needed = (need for need in (run.spec.teacher, search_of(run.spec)) if need is not None)
            chains[key] = left[key] + max(
                (chains.get(key_of(need), 0.0) for need in needed), default=0.0
            )
    return max(sum(left.values()) / max(1, cores), *chains.values(), 0.0)


def summary(plan: Plan, study: Study, cores: int) -> str:
    """Return one line: how many runs are done, and how long the others take."""
    counts = [
        f"{plan.count(status)} {status}" for status in ("missing", "damaged") if plan.count(status)
    ]
    counts += [f"{len(plan.stale)} stale"] if plan.stale else []
    head = ", ".join([f"{study.name}: {plan.count('done')} of {len(plan.runs)} runs done", *counts])
    left = {
        planned.run.key: planned.hours or 0.0 for planned in plan.runs if planned.status != "done"
    }
    if not left:
        return head
    unknown = f", and {plan.unknown} runs of unknown speed" if plan.unknown else ""
    if plan.unknown == len(left):
        return f"{head}; how long they take is not known: no run of these environments is recorded"
    wall = wall_hours(left, study, cores)
    times = (
        "about "
        + (f"{duration(wall)} on {cores} cores, " if cores > 1 else "")
        + f"{duration(plan.hours)} on one"
    )
    return f"{head}; {times}{unknown}"


def table(plan: Plan, study: Study) -> list[str]:
    """Return the lines of a table: a row per task, a column per stage; done/all, and the core-hours that are left."""
    stages = list(dict.fromkeys(planned.run.stage for planned in plan.runs))
    cells = {
        (task, stage): _cell(
            [
                item
                for item in plan.runs
                if item.run.stage == stage and item.run.spec.task.name == task
            ]
        )
        for task in study.tasks
        for stage in stages
    }
    rows = [
        ["", *stages],
        *([task, *(cells[task, stage] for stage in stages)] for task in study.tasks),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _cell(runs: list[Planned]) -> str:
    """Return done/all of some runs, and the time that one core needs for the others."""
    left = [planned.hours for planned in runs if planned.status != "done"]
    known = [hours for hours in left if hours is not None]
    text = f"{len(runs) - len(left)}/{len(runs)}" if runs else "-"
    if not left:
        return text
    return f"{text}, {duration(sum(known)) if known else '?'}"
