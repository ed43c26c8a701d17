"""The claims, task by task.

What every part of a claim's test says of each task alone, and without it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from a2d.reading.by_task import ByTask, by_task
from a2d.reading.decisions.verdicts import Decision, Part
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.tables import Table, effect_data
from a2d.reading.rendering.text import ABSENT
from a2d.reading.results import Results

MEANING = (
    "Each task's column has what the part says of this task alone: a difference of normalised "
    "scores, of shares or of percentile points, or a factor. Range: the estimates of all tasks but "
    "one. What has parts itself may be decided by another one on every task, so no estimate stands "
    "beside it. Otherwise without: the tasks without which the verdict would be another, and "
    "which. Added on 2026-11-27, when the study was partly recorded; it decides nothing, and no "
    "verdict here is corrected for the number of claims. A claim appears once all its runs are "
    "recorded, and measured where it is of latencies."
)


def _shown(results: Results, row: ByTask) -> dict[str, str]:
    shown = {
        "Claim": "" if row.part else row.claim.claim,
        "Verdict, uncorrected": row.whole.verdict,
        "Part": f"· {row.part}" if row.part else row.claim.statement,
    }
    for task in results.study.tasks:
        found = row.alone.get(task) if _one_effect(row) else None
        shown[results.title(task)] = ABSENT if found is None else _estimate(found)
    return shown | {"Range": _range(row), "Otherwise without": _otherwise(results, row)}


def _one_effect(row: ByTask) -> bool:
    """Whether it is the same effect on every task."""
    return not isinstance(row.whole, Decision)


def _estimate(part: Part) -> str:
    return part.effect.show(part.effect.estimate)


def _range(row: ByTask) -> str:
    """Return the lowest and the highest estimate without one task."""
    ordered = sorted(row.without.values(), key=lambda part: part.effect.estimate)
    if not (_one_effect(row) and ordered):
        return ABSENT
    return f"{_estimate(ordered[0])} to {_estimate(ordered[-1])}"


def _otherwise(results: Results, row: ByTask) -> str:
    others = [
        f"{results.title(task)} ({found.verdict})"
        for task, found in row.without.items()
        if found.verdict != row.whole.verdict
    ]
    return ", ".join(others) or ABSENT


def _data(row: ByTask) -> Iterator[dict[str, object]]:
    """Yield a line per task, of plain numbers."""
    for task, found in row.without.items():
        alone = row.alone.get(task)
        numbers = effect_data(found.effect)
        yield {
            "claim": row.claim.claim,
            "part": row.part or "claim",
            "task": task,
            "verdict": found.verdict,
            "effect": found.effect.name,
            "alone": None if alone is None else effect_data(alone.effect)["estimate"],
            **{name: numbers.get(name) for name in ("estimate", "low", "high")},
        }


def make(results: Results) -> Table:
    """Make one row per claim and part; the CSV has one for each task that is left out."""
    rows = by_task(results)
    return Table(
        "The claims, task by task",
        pd.DataFrame([_shown(results, row) for row in rows]),
        pd.DataFrame([line for row in rows for line in _data(row)]),
        (MEANING,),
    )


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
