"""Searches on A2D-Bench.

Where what they derived stands among all its architectures, each trained by itself (claim C6).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from a2d.benchmark.quality import FEWEST, judge_task
from a2d.benchmark.table import Table as TrainedTable
from a2d.reading import lookups
from a2d.reading.decisions.contrasts import Interval, over_seeds
from a2d.reading.rendering.cautions import T_INTERVALS
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.tables import Row, Table, build, shortfall
from a2d.reading.rendering.text import bounds, number, scaled
from a2d.reading.results import Results, where

MEANING = (
    "Every architecture of the space has been trained by itself, taught by the searches' teacher. "
    "Percentile: the per cent of them that score no higher than what a search derived; chance is "
    "their mean, a little above 50. Trained by itself: its mean score over the table's seeds. "
    "Cost percentile: the per cent that have no more FLOPs. Lead at equal "
    "FLOPs: of the percentile over the mean one of all other architectures whose FLOPs differ by "
    "at most 10 %; this control was added when the results had been seen. Rank correlation "
    "(Spearman's) of what a search thought of architectures with what they score so: of all by "
    "the sum of their operators' alpha, or only of those that it tried, by its trials' scores. "
    "Means over searches, with "
    f"{T_INTERVALS} in brackets."
)


def _mean(rows: pd.DataFrame, column: str) -> Interval:
    """Return a column's mean over the searches for which it is known, NaN of none."""
    known = rows[column].dropna().to_numpy()
    if not len(known):
        return Interval(math.nan, -math.inf, math.inf)
    lowest, highest = lookups.LIMITS.get(column, (-math.inf, math.inf))
    return over_seeds(column, known[:, None]).clipped(lowest, highest)


def _row(name: str, rows: pd.DataFrame) -> tuple[dict[str, str], dict[str, object]]:
    columns = ("percentile", "alone", "cost", "lead_at_cost", "correlation")
    found = {column: _mean(rows, column) for column in columns}
    recorded = int(rows["score"].notna().sum())
    shown = {
        "Search": name,
        "Percentile": bounds(found["percentile"]),
        "Trained by itself": bounds(found["alone"]),
        "FLOPs": scaled(rows["flops"].mean()),
        "Cost percentile": bounds(found["cost"]),
        "Lead at equal FLOPs": bounds(found["lead_at_cost"]),
        "Rank correlation": bounds(found["correlation"]),
        "Searches": f"{recorded} of {len(rows)}",
    }
    data: dict[str, object] = {"flops": rows["flops"].mean(), "n": recorded, "planned": len(rows)}
    for column, interval in found.items():
        low, high = (interval.low, interval.high) if interval.known else (math.nan, math.nan)
        data |= {column: interval.estimate, f"{column}_low": low, f"{column}_high": high}
    return shown, data


def _rows(results: Results, looked_up: pd.DataFrame) -> Iterator[Row]:
    methods = results.study.methods.search
    for task in results.study.tasks:
        for method in methods:
            rows = where(looked_up, task=task, search=method)
            if len(rows):
                shown, data = _row(methods[method].title, rows)
                named = {"Task": results.title(task)} | shown
                yield named, {"task": task, "search": method} | data


def _table(trained: TrainedTable, name: str) -> str:
    """Say what the table holds of a task, and how much its scores say."""
    there = f"{trained.title} {trained.version} has {trained.coverage(name)} of {name}"
    if trained.coverage(name).complete < FEWEST:
        return f"{there}."
    means, quality = trained.means(name), judge_task(trained, name)
    return (
        f"{there}, their means over {len(trained.seeds)} seeds from {number(np.nanmin(means))} to "
        f"{number(np.nanmax(means))}; rank correlation between two seeds "
        f"{number(quality.between_seeds, 2)}."
    )


def make(results: Results) -> Table:
    """Make one row per way to search."""
    trained, used = lookups.published(), results.on_bench
    looked_up, tables = lookups.look_up_all(results, trained), ["There is no table yet."]
    if trained is not None:
        cards = set(used["task"])
        tables = [_table(trained, task) for task, card in trained.cards.items() if card in cards]
    return build(
        "Searches on A2D-Bench",
        _rows(results, looked_up),
        MEANING,
        *tables * bool(len(used)),
        shortfall(used),
    )


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
