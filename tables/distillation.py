"""A fixed network under distillation, in numbers.

Taught by none, either or both of the teacher's heads (claim C3, the paper's Sec. 4.3).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import MODE_NAMES, network_name
from a2d.reading.rendering.tables import INTERVALS, Row, Table, build, shortfall, summary_data
from a2d.reading.rendering.text import bounds, runs, score
from a2d.reading.results import Results, Summary, summarize
from a2d.reading.statistics import Array, Interval, stratified_bootstrap_difference

SHOWS_ALSO = ("size_sweep",)


def _mean(scores: Array) -> float:
    return float(scores.mean())


def _lead(taught: pd.DataFrame, alone: pd.DataFrame) -> Interval | None:
    """Return the difference of mean scores with its interval, None if either has no record."""
    columns = [rows["score"].dropna().to_numpy()[:, None] for rows in (taught, alone)]
    if not all(len(column) for column in columns):
        return None
    return stratified_bootstrap_difference(columns[0], columns[1], _mean, np.random.default_rng(0))


def _rows(results: Results) -> Iterator[Row]:
    for task in results.study.tasks:
        teacher = summarize(results.teacher(task))
        yield _row(
            results, task, "Teacher", results.teacher(task)["network"].iloc[0], teacher, None, True
        )
        alone = results.fixed(task, "none")
        for mode, name in MODE_NAMES.items():
            group = results.fixed(task, mode)
            summary = summarize(group)
            lead = None
            if mode != "none":
                lead = _lead(group, alone)
            certain = summary.certain and summarize(alone).certain
            yield _row(results, task, name, results.networks(task).student, summary, lead, certain)


def _row(
    results: Results,
    task: str,
    name: str,
    network: str,
    summary: Summary,
    lead: Interval | None,
    certain: bool,
) -> Row:
    shown = {
        "Task": results.title(task),
        "Network": network_name(network),
        "Taught by": name,
        "Test score": score(summary),
        "Lead over no teacher": bounds(lead, certain),
        "Runs": runs(summary),
    }
    data = {"task": task, "network": network, "taught_by": name, **summary_data(summary)}
    return shown, data | {"lead": lead and lead.estimate}


def make(results: Results) -> Table:
    """Make one row per task and mode, after the task's teacher."""
    groups = [results.fixed(task, mode) for task in results.study.tasks for mode in MODE_NAMES]
    teachers = [results.teacher(task) for task in results.study.tasks]
    caption = "A fixed network under distillation from the teacher's actor, critic, or both"
    return build(
        caption, _rows(results), INTERVALS, shortfall(results, pd.concat([*teachers, *groups]))
    )


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
