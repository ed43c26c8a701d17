"""Test scores of the manual sizes.

Scores of all sizes on all tasks (claim C1 and the appendix's further tasks).
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import network_name
from a2d.reading.rendering.tables import INTERVALS, STAR, Row, Table, build, shortfall, summary_data
from a2d.reading.rendering.text import runs, scaled, score
from a2d.reading.results import Results, summarize, where


def _rows(results: Results) -> Iterator[Row]:
    for task in results.study.tasks:
        sweep = results.manual(task)
        best = set(results.best_manual(task)["network"])
        for network in results.networks(task).every:
            group = where(sweep, network=network)
            summary, flops, parameters = (
                summarize(group),
                group["flops"].mean(),
                group["parameters"].mean(),
            )
            shown = {
                "Task": results.title(task),
                "Network": f"{network_name(network)} {STAR * (network in best)}".strip(),
                "FLOPs": scaled(flops),
                "Parameters": scaled(parameters),
                "Test score": score(summary),
                "Runs": runs(summary),
            }
            data = {"task": task, "network": network, "flops": flops, "parameters": parameters}
            yield shown, data | summary_data(summary)


def make(results: Results) -> Table:
    """Make one row per task and size."""
    sweep = pd.concat([results.manual(task) for task in results.study.tasks])
    caption = "Test scores of the manual sizes, trained without a teacher"
    star = f"{STAR} marks the best size of each task by mean score."
    return build(caption, _rows(results), INTERVALS, star, shortfall(sweep))


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
