"""A fixed network under distillation, in numbers.

Taught by none, either or both of the teacher's heads (claim C3, the paper's Sec. 4.3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from a2d.reading.decisions.contrasts import Interval
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import MODE_NAMES, network_name
from a2d.reading.rendering.tables import (
    INTERVALS,
    Row,
    Table,
    build,
    lead,
    shortfall,
    summary_data,
)
from a2d.reading.rendering.text import bounds, number, runs, score
from a2d.reading.results import Results, Summary, summarize

SHOWS_ALSO = ("size_sweep",)
SHOWS_ALL = ("teacher",)
ERROR = "±, of a teacher: the standard error over its own test episodes."


def _rows(results: Results) -> Iterator[Row]:
    for task in results.study.tasks:
        teacher = results.teacher(task)
        summary, error = summarize(teacher), float(teacher["error"].iloc[0])
        network = teacher["network"].iloc[0]
        shown, data = _row(results, task, "Teacher", network, summary, None)
        if math.isfinite(error):
            shown = {**shown, "Test score": f"{shown['Test score']} ± {number(error, 2)}"}
        yield shown, data
        alone = results.fixed(task, "none")
        for mode, name in MODE_NAMES.items():
            group = results.fixed(task, mode)
            summary = summarize(group)
            gain = None
            if mode != "none":
                gain = lead("lead over no teacher", group, alone)
            yield _row(results, task, name, results.networks(task).student, summary, gain)


def _row(
    results: Results,
    task: str,
    name: str,
    network: str,
    summary: Summary,
    gain: Interval | None,
) -> Row:
    shown = {
        "Task": results.title(task),
        "Network": network_name(network),
        "Taught by": name,
        "Test score": score(summary),
        "Lead over no teacher": bounds(gain),
        "Runs": runs(summary),
    }
    data = {"task": task, "network": network, "taught_by": name, **summary_data(summary)}
    return shown, data | {"lead": gain and gain.estimate}


def make(results: Results) -> Table:
    """Make one row per task and mode, after the task's teacher."""
    groups = [results.fixed(task, mode) for task in results.study.tasks for mode in MODE_NAMES]
    teachers = [results.teacher(task) for task in results.study.tasks]
    caption = "A fixed network under distillation from the teacher's actor, critic, or both"
    said = (ERROR, INTERVALS, shortfall(pd.concat([*teachers, *groups])))
    return build(caption, _rows(results), *said)


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
