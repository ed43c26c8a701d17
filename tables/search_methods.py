"""Search methods.

Searched and derived scores, their spread over seeds, FLOPs and cost (claims C2 and C3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from a2d.reading.decisions.contrasts import FEWEST
from a2d.reading.rendering import cautions
from a2d.reading.rendering.agents import rows_of, ways_to_search
from a2d.reading.rendering.command import table_command
from a2d.reading.rendering.style import search_name
from a2d.reading.rendering.tables import INTERVALS, Row, Table, build, shortfall, summary_data
from a2d.reading.rendering.text import ABSENT, number, runs, scaled, score
from a2d.reading.results import Results, summarize, where

ARTIFACT = "tables/search_methods"
SHOWS_ALSO = ("a2d_vs_manual", "equal_steps")
SHOWS_ALL = ("teacher",)
TRAINED = {"derived": "none", "distilled": "joint"}  # how what was searched is finally trained


def _trained(rows: pd.DataFrame) -> dict[str, str]:
    """Return the final trainings, modes by name, that are planned."""
    planned = where(rows, stage="derive", random="", budget="train")
    modes = set(planned["distillation"])
    return {name: mode for name, mode in TRAINED.items() if mode in modes}


def _spread(rows: pd.DataFrame) -> float:
    """Return the standard deviation over seeds; NaN for fewer than two."""
    return float(rows["score"].std(ddof=1))


def _shown_spread(rows: pd.DataFrame) -> str:
    """Return the spread as shown: of fewer than three scores it would say nothing."""
    return number(_spread(rows)) if rows["score"].count() >= FEWEST else ABSENT


def _share(results: Results, task: str, rows: pd.DataFrame) -> float:
    """Return the mean score as a share of the teacher's lead over the random policy."""
    if task not in results.yardstick.tasks:
        return math.nan
    return float(results.yardstick.apply([[rows["score"].mean()]], [task])[0, 0])


def _rows(results: Results, rows: pd.DataFrame) -> Iterator[Row]:
    modes = _trained(rows)
    for task in results.study.tasks:
        searches = where(rows, task=task, stage="search")
        for method, recipe in ways_to_search(searches, results.study.methods):
            same = where(rows, task=task, search=method, recipe=recipe)
            yield _row(results, task, method, recipe, same, modes)


def _row(
    results: Results,
    task: str,
    method: str,
    recipe: str,
    same: pd.DataFrame,
    modes: dict[str, str],
) -> Row:
    searched, trained = where(same, stage="search"), where(same, stage="derive", budget="train")
    groups = {"searched": searched}
    groups |= {name: where(trained, distillation=mode) for name, mode in TRAINED.items()}
    summaries = {name: summarize(rows) for name, rows in groups.items()}
    share = _share(results, task, searched)
    shown = {
        "Task": results.title(task),
        "Search": search_name(results.study.methods, method, recipe),
        "Searched score": score(summaries["searched"]),
        "Of the teacher's lead": number(share, 2),
        "Searched spread": _shown_spread(searched),
    }
    for name in modes:
        shown[f"{name.capitalize()} score"] = score(summaries[name])
        shown[f"{name.capitalize()} spread"] = _shown_spread(groups[name])
    shown |= {
        "FLOPs": scaled(searched["flops"].mean()),
        "Skips": number(searched["skips"].mean(), 2),
        "Steps": scaled(searched["steps_done"].mean()),
        "Core-minutes": number(60 * searched["core_hours"].mean(), 2),
        "Searches": runs(summaries["searched"]),
        **{f"{name.capitalize()} runs": runs(summaries[name]) for name in modes},
    }
    data: dict[str, object] = {"task": task, "search": method, "recipe": recipe}
    for name, rows in groups.items():
        data |= {f"{name}_{key}": value for key, value in summary_data(summaries[name]).items()}
        data[f"{name}_spread"] = _spread(rows)
    costs = ("flops", "skips", "steps_done", "core_hours")
    return shown, data | {"share": share} | {column: searched[column].mean() for column in costs}


def make(results: Results) -> Table:
    """Make one row per task and way to search."""
    rows = rows_of(results, ARTIFACT)
    shown = rows[rows["search"] != ""].drop_duplicates("key")
    used = shown[shown["distillation"].isin(["", "none", "joint"])]
    meaning = (
        "Searched score: the supernet along its strongest path; of the teacher's lead over the "
        "random policy it has this share. Derived score: that architecture, trained from scratch "
        "without a teacher; distilled score: with joint distillation. Spread: standard deviation "
        "over seeds, from three on. FLOPs of one decision of the derived agent, skips among its "
        "cells, steps and core-minutes of one search: means over seeds."
    )
    said = (
        meaning,
        cautions.imitation(results, used),
        cautions.bi_level(used),
        cautions.alpha_rate(results),
        cautions.twins(results, used),
        INTERVALS,
    )
    return build("Search methods", _rows(results, rows), *said, shortfall(used))


if __name__ == "__main__":
    table_command(__file__, make, __doc__)
