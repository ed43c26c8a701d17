"""What searches see.

How decided a search is, what its gradient says beside noise, what the cost alone explains, and
whether seeds agree on the rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from a2d.reading import signal
from a2d.reading.rendering.agents import rows_of, ways_to_search
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import search_name
from a2d.reading.rendering.tables import Row, Table, build, shortfall
from a2d.reading.rendering.text import number
from a2d.reading.results import Results, where
from a2d.runs.records import Record, SearchOutcome
from a2d.specs.run import SearchSpec

ARTIFACT = "tables/search_signal"
SHOWS_ALSO = ("search_methods", "recipes", "equal_steps")
MEANING = (
    "Preferences are alpha, or the mean score of the trials that had an operator in a cell. "
    "Entropy: of alpha's softmax, by that of a uniform choice (1 is undecided). Largest: the mean "
    "over cells of the largest probability. t: root mean square over alpha's entries of the task "
    "gradient's mean by its standard error, which is about 1 for pure noise where updates are "
    "independent, as A2C's are; PPO takes many from one rollout's paths, which inflates it. By "
    "cost: share of the differences within cells that the operators' FLOPs explain (R²). "
    "Agreement: correlation between seeds of what cost does not explain, mean over all pairs of "
    "seeds."
)
UNSAID = (
    "What searches of the first recordings did not say, t and the operators' FLOPs, is not shown, "
    "nor the agreement, which needs them."
)


def _searched(results: Results, rows: pd.DataFrame) -> list[Record]:
    found = [results.records[key] for key in rows["key"] if key in results.records]
    return [record for record in found if record.search is not None]


def _measures(records: list[Record]) -> dict[str, float]:
    """Return the means over seeds; NaN for what the records do not say."""
    measures: dict[str, list[float]] = {"entropy": [], "largest": [], "t": [], "by_cost": []}
    residuals = []
    for record in records:
        assert isinstance(record.spec, SearchSpec)
        assert isinstance(record.search, SearchOutcome)
        found = record.search
        if found.alpha is not None:
            measures["entropy"].append(signal.entropy_share(found.alpha))
            measures["largest"].append(float(signal.probabilities(found.alpha).max(axis=1).mean()))
        if found.gradient_t is not None:
            measures["t"].append(signal.root_mean_square(found.gradient_t))
        if found.operator_flops is not None:
            names = record.spec.search.operators(record.spec.space)
            preferred = signal.preferences(found, names)
            residual, share = signal.without_cost(preferred, found.operator_flops)
            residuals.append(residual)
            measures["by_cost"].append(share)
    means = {name: float(np.mean(each)) if each else np.nan for name, each in measures.items()}
    return means | {"agreement": signal.agreement(residuals)}


def _rows(results: Results, searches: pd.DataFrame) -> Iterator[Row]:
    for task in results.study.tasks:
        rows = where(searches, task=task)
        for method, recipe in ways_to_search(rows, results.study.methods):
            records = _searched(results, where(rows, search=method, recipe=recipe))
            yield _row(results, task, method, recipe, records)


def _row(results: Results, task: str, method: str, recipe: str, records: list[Record]) -> Row:
    found = _measures(records)
    shown = {
        "Task": results.title(task),
        "Search": search_name(results.study.methods, method, recipe),
        "Entropy": number(found["entropy"], 2),
        "Largest": number(found["largest"], 2),
        "t": number(found["t"], 2),
        "By cost": number(found["by_cost"], 2),
        "Agreement": number(found["agreement"], 2),
        "Searches": str(len(records)),
    }
    return shown, {"task": task, "search": method, "recipe": recipe, **found, "n": len(records)}


def make(results: Results) -> Table:
    """Make one row per task and way to search."""
    searches = where(rows_of(results, ARTIFACT), stage="search")
    used, rows = searches.drop_duplicates("key"), list(_rows(results, searches))
    found = pd.DataFrame([data for _, data in rows], columns=["n", "by_cost"])
    unsaid = bool((found["by_cost"].isna() & (found["n"] > 0)).any())
    return build("What searches see", rows, MEANING, unsaid * UNSAID, shortfall(used))


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
