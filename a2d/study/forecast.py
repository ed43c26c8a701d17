"""What is left of a study and how long that takes, in words and as a table of tasks by stages."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping

from a2d.specs.run import key_of, teacher_run_of
from a2d.study.plan import Plan, Planned
from a2d.study.study import Study

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


def wall_hours(left: Mapping[str, float], study: Study, cores: int) -> float:
    """Estimate how long runs take side by side.

    Args:
        left: core-hours, by the run's key.
        study: of the runs.
        cores: how many runs are trained side by side.

    Returns:
        Hours: all of them shared by the cores, or the longest chain of teacher, search and agent if
            that is more.
    """
    chains: dict[str, float] = {}
    for key, run in study.runs.items():  # teachers first, then searches
        if key in left:
            teacher = teacher_run_of(run.spec)
            needed = [study.sources.get(key), None if teacher is None else key_of(teacher)]
            before = [chains.get(need, 0.0) for need in needed if need is not None]
            chains[key] = left[key] + max(before, default=0.0)
    return max(sum(left.values()) / max(1, cores), *chains.values(), 0.0)


def summary(plan: Plan, study: Study, cores: int) -> str:
    """Return one line: how many runs are done, and how long the others take."""
    counts = {status: plan.count(status) for status in ("missing", "damaged")}
    counts["stale"] = len(plan.stale)
    parts = [f"{study.name}: {plan.count('done')} of {len(plan.runs)} runs done"]
    parts += [f"{count} {status}" for status, count in counts.items() if count]
    times = _times(plan, study, cores)
    return "; ".join([", ".join(parts), *times])


def _times(plan: Plan, study: Study, cores: int) -> list[str]:
    """Return how long the runs take that are not done; nothing where all are."""
    left = {item.run.key: item.hours or 0.0 for item in plan.runs if item.status != "done"}
    if not left:
        return []
    if plan.unknown == len(left):
        return ["how long they take is not known: no run of these environments is recorded"]
    text = f"{duration(plan.hours)} on one"
    if cores > 1:
        text = f"{duration(wall_hours(left, study, cores))} on {cores} cores, {text}"
    if plan.unknown:
        text += f", and {plan.unknown} runs of unknown speed"
    return [f"about {text}"]


def table(plan: Plan, study: Study) -> list[str]:
    """Return a table's lines: a row a task, a column a stage; done/all, core-hours left."""
    places = defaultdict(list)
    for item in plan.runs:
        places[item.run.spec.task.name, item.run.stage].append(item)
    stages = list(dict.fromkeys(item.run.stage for item in plan.runs))
    rows = [["", *stages]]
    rows += [[task, *(_cell(places[task, stage]) for stage in stages)] for task in study.tasks]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = (zip(row, widths, strict=True) for row in rows)
    return ["  ".join(f"{cell:{width}}" for cell, width in row).rstrip() for row in padded]


def _cell(runs: list[Planned]) -> str:
    """Return done/all of some runs, and the time that one core needs for the others."""
    if not runs:
        return "-"
    left = [planned.hours for planned in runs if planned.status != "done"]
    text = f"{len(runs) - len(left)}/{len(runs)}"
    if not left:
        return text
    known = [hours for hours in left if hours is not None]
    return f"{text}, {duration(sum(known)) if known else '?'}"
