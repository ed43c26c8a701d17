"""Manual sizes whose last features are flattened, beside the same averaged over the image.

Flattening gives the next layer most of a network's parameters: is that what size does?
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import network_name
from a2d.reading.rendering.tables import (
    INTERVALS,
    Row,
    Table,
    build,
    lead,
    shortfall,
    summary_data,
)
from a2d.reading.rendering.text import bounds, runs, scaled, score
from a2d.reading.results import Results, summarize, where
from a2d.study.expansion import POOLED


def _pairs(results: Results) -> Iterator[tuple[str, str, pd.DataFrame, pd.DataFrame]]:
    """Yield task, network, and its runs: flattened, and pooled."""
    for task in results.study.tasks:
        trained = results.trained(task)
        for network in results.networks(task).every:
            pooled = where(trained, network=f"{network}_{POOLED}")
            if len(pooled):
                yield task, network, where(results.manual(task), network=network), pooled


def _rows(results: Results) -> Iterator[Row]:
    for task, network, flattened, pooled in _pairs(results):
        both = summarize(flattened), summarize(pooled)
        gain = lead("pooled minus flattened", pooled, flattened)
        sizes = [rows["parameters"].mean() for rows in (flattened, pooled)]
        shown = {
            "Task": results.title(task),
            "Network": network_name(network),
            "Parameters, flattened": scaled(sizes[0]),
            "pooled": scaled(sizes[1]),
            "Test score, flattened": score(both[0]),
            "Test score, pooled": score(both[1]),
            "Pooled minus flattened": bounds(gain),
            "Runs": f"{runs(both[0])}, {runs(both[1])}",
        }
        data: dict[str, Any] = {"task": task, "network": network, "lead": gain and gain.estimate}
        flat, averaged = (summary_data(each) for each in both)
        data |= {f"flattened_{name}": value for name, value in flat.items()}
        yield shown, data | {f"pooled_{name}": value for name, value in averaged.items()}


def make(results: Results) -> Table:
    """Make one row per task and size."""
    rows = [results.runs.head(0)]
    rows += [frame for _, _, *frames in _pairs(results) for frame in frames]
    caption = "Manual sizes without a teacher, their last features flattened or averaged"
    return build(caption, _rows(results), INTERVALS, shortfall(pd.concat(rows)))


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
