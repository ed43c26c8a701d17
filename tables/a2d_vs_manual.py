"""A2D against manual and random agents.

The best manual agent, random architectures, and what earns the credit (claim C4).
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from a2d.reading.rendering import cautions
from a2d.reading.rendering.agents import BEST, kinds
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import network_name
from a2d.reading.rendering.tables import INTERVALS, Row, Table, build, shortfall, summary_data
from a2d.reading.rendering.text import number, runs, scaled, score
from a2d.reading.results import Results, best_size, summarize, where

SHOWS_ALSO = ("size_sweep", "search_methods", "stability", "distillation", "recipes")
SHOWS_ALL = ("manual", "derive")

COSTS = ("flops", "parameters", "latency_ms", "deployed_ms")


def _groups(results: Results, task: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield every kind of agent's name, with its size if it is a manual one, and its runs."""
    for kind in kinds(results):
        rows = where(kind.rows, task=task)
        sizes = [network_name(network) for network in rows["network"].head(1) if network]
        if kind.credit and (len(rows) or kind.name == BEST):
            yield ", ".join([kind.name, *sizes]), rows


def _yardstick(results: Results, task: str) -> pd.DataFrame:
    """Return the manual agents that A2D is measured by: of equal steps, where they are planned."""
    longer = results.equal_steps(task)
    return best_size(longer) if len(longer) else results.best_manual(task)


def _rows(results: Results) -> Iterator[Row]:
    for task in results.study.tasks:
        best = _yardstick(results, task)["flops"].mean()
        for name, rows in _groups(results, task):
            summary, costs = summarize(rows), {column: rows[column].mean() for column in COSTS}
            shown = {
                "Task": results.title(task),
                "Agent": name,
                "Test score": score(summary),
                "FLOPs": scaled(costs["flops"]),
                "FLOPs / manual": number(costs["flops"] / best, 2),
                "Parameters": scaled(costs["parameters"]),
                "Eager [ms]": number(costs["latency_ms"]),
                "Deployed [ms]": number(costs["deployed_ms"]),
                "Runs": runs(summary),
            }
            yield shown, {"task": task, "agent": name, **costs, **summary_data(summary)}


def make(results: Results) -> Table:
    """Make one row per task and kind of agent."""
    used = pd.concat([rows for task in results.study.tasks for _, rows in _groups(results, task)])
    meaning = (
        "What the claims call A2D is searched and finally trained with joint distillation. What "
        "has a teacher in only one of the two, or none, and random architectures, show what earns "
        "the credit, as far as the scale plans them. 'Equal steps': trained for as many as A2D's "
        "search and the training of its result together. Costs are means "
        "over seeds; 'FLOPs / manual' is by those of the best manual size, of equal steps where "
        "such are planned."
    )
    said = (
        meaning,
        cautions.a2d(results),
        cautions.random(used),
        cautions.latency(results),
        cautions.alpha_rate(results),
        cautions.twins(results, used),
        INTERVALS,
    )
    caption = "A2D against manual and random agents"
    return build(caption, _rows(results), *said, shortfall(used))


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
