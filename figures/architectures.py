"""The searched architectures.

Cell by cell: one row per search and seed, one panel a task (claim C4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Patch, Rectangle

from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.artifacts import runs_of
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import (
    GREY,
    INK,
    LIGHT,
    ink_on,
    operator_color,
    operator_name,
    operator_sign,
    search_name,
)
from a2d.reading.rendering.text import ABSENT, number, scaled
from a2d.reading.results import Results, where
from a2d.specs.architecture import OPERATORS, Architecture
from a2d.specs.run import SearchSpec, key_of, search_of

SHOWS_ALSO = ("a2d_vs_manual", "recipes")

CELL, ROW = 0.34, 0.24  # inches
GAP = 0.45  # between two ways to search, in rows
NUMBERS = {"flops": "FLOPs", "none": "score,\nplain", "joint": "score,\ndistilled"}
STEP = 1.75  # from one column of numbers to the next, in cells
MARGIN = 2.1  # inches for the names on the left
LEGEND = 5.5  # inches that the legend of all nine operators needs
HATCH: dict[str, Any] = {
    "facecolor": "#fafafa",
    "edgecolor": LIGHT,
    "hatch": "////",
    "linewidth": 0.5,
}
DAGGERS = {"diverged": "†"}  # by a run's status
MEANING = (
    "What every search derived: the strongest operator of each cell, from input (left) to heads "
    "(right), one row per seed. At a row's end: FLOPs per decision, and the test score of the "
    "derived agent after final training without a teacher (plain) and with joint distillation "
    "(distilled); blank where the study plans no such agent. Hatched: a search without a sound "
    "record."
)


def _searches(results: Results) -> pd.DataFrame:
    """Return the searches that this figure shows, the paper's recipe first, methods as listed."""
    keys = [run.key for run in runs_of(results.study, "figures/architectures")]
    rows, methods = (
        where(results.runs[results.runs["key"].isin(keys)], stage="search"),
        results.study.methods,
    )
    order = rows.assign(
        recipe_order=rows["recipe"].map(list(methods.recipes).index),
        method_order=rows["search"].map(list(methods.search).index),
    ).sort_values(["recipe_order", "method_order", "seed"], kind="stable")
    return rows.loc[order.index]


def _agents(results: Results, search: str) -> Iterator[tuple[str, str]]:
    """Yield how each planned agent of a search (its key) is finally trained, and its score."""
    for run in results.study.runs.values():
        source = search_of(run.spec)
        if source is None or not run.factors.get("search") or key_of(source) != search:
            continue
        record, text = results.records.get(run.key), ABSENT
        if record is not None:
            text = number(record.score) + DAGGERS.get(record.status, "")
        yield run.factors["distillation"], text


def _derived(results: Results, searches: pd.DataFrame) -> pd.DataFrame:
    """Return the planned agents whose scores stand at the rows' ends."""
    planned = where(results.runs, stage="derive", random="")
    sources = {run.key: search_of(run.spec) for run in results.study.runs.values()}
    shown = set(searches["key"])
    found = [
        key
        for key in planned["key"]
        if (source := sources[key]) is not None and key_of(source) in shown
    ]
    return planned[planned["key"].isin(found)]


def _numbers(results: Results, searches: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that this study can fill."""
    planned = {mode for key in searches["key"] for mode, _ in _agents(results, key)}
    return [column for column in NUMBERS if column == "flops" or column in planned]


def _cells(results: Results, key: str) -> int:
    spec = results.study.runs[key].spec
    assert isinstance(spec, SearchSpec)  # only searches are drawn
    return spec.search.space.cells


def _blocks(ax: Axes, y: float, architecture: Architecture) -> None:
    for x, operator in enumerate(architecture.operators):
        color = operator_color(operator)
        ax.add_patch(
            Rectangle(
                (x + 0.03, y - 0.42), 0.94, 0.84, facecolor=color, edgecolor=LIGHT, linewidth=0.5
            )
        )
        ax.text(
            x + 0.5,
            y,
            operator_sign(operator),
            ha="center",
            va="center",
            fontsize=6.5,
            color=ink_on(color),
        )


def _missing(ax: Axes, y: float, cells: int, state: str) -> None:
    ax.add_patch(Rectangle((0.03, y - 0.42), cells - 0.06, 0.84, **HATCH))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(cells / 2, y, state, ha="center", va="center", fontsize=6.5, color=GREY, bbox=box)


def _row(ax: Axes, results: Results, row: pd.Series, y: float, places: dict[str, float]) -> None:
    """Draw one search: its seed, its cells, and the derived agents' numbers at the end."""
    record, flops = results.records.get(row["key"]), ABSENT
    seed = f"{row['seed']}{DAGGERS.get(row['state'], '')}"
    ax.text(-0.15, y, seed, ha="right", va="center", fontsize=6.5, color=GREY)
    if record is None or record.search is None:
        _missing(ax, y, _cells(results, row["key"]), str(row["state"]))
    else:
        _blocks(ax, y, record.search.architecture)
    if record is not None:
        flops = scaled(record.network.flops)
    for column, text in {"flops": flops, **dict(_agents(results, row["key"]))}.items():
        if column in places:
            ax.text(places[column], y, text, ha="right", va="center", fontsize=7, color=INK)


def _panel(ax: Axes, results: Results, rows: pd.DataFrame, cells: int, numbers: list[str]) -> None:
    """Draw one task's rows from the top."""
    places = {column: cells + STEP * (place + 1) for place, column in enumerate(numbers)}
    y, names = 1.0, {}
    for (search, recipe), seeds in rows.groupby(["search", "recipe"], sort=False):
        names[search_name(results.study.methods, str(search), str(recipe))] = (
            y + (len(seeds) - 1) / 2
        )
        for _, row in seeds.iterrows():
            _row(ax, results, row, y, places)
            y += 1
        y += GAP
    heads = [(x, NUMBERS[column], "right") for column, x in places.items()]
    for x, title, side in [*heads, (-0.15, "seed", "right"), (0.03, "first to last cell", "left")]:
        ax.text(x, 0.4, title, ha=side, va="bottom", fontsize=6.5, color=GREY)
    ax.set_yticks(list(names.values()), list(names))
    ax.tick_params(axis="y", length=0, pad=16)
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.set_xlim(-0.1, cells + STEP * len(numbers) + 0.1)


def _operator_patch(operator: str) -> Patch:
    label = f"{operator_sign(operator)}  {operator_name(operator)}"
    return Patch(facecolor=operator_color(operator), edgecolor=LIGHT, label=label)


def _legend(results: Results, rows: pd.DataFrame) -> list[Patch]:
    """Return three columns of patches: plain operators, skip and missing; inverted residuals."""
    records = [results.records.get(key) for key in rows["key"]]
    found = [
        record.search.architecture.space
        for record in records
        if record is not None and record.search
    ]
    columns: list[list[Patch]] = [[], [], []]
    for operators in (OPERATORS[space] for space in OPERATORS if space in found):
        # Two plain operators, three inverted residuals of either kind, and skip, which both spaces
        # share.
        for column, chosen in zip(
            columns, (operators[:2], operators[2:5], operators[5:8]), strict=True
        ):
            column += map(_operator_patch, chosen)
    if found:
        columns[0].append(_operator_patch("skip"))
    if rows["score"].isna().any():
        columns[0].append(Patch(label="search not recorded", **HATCH))
    if not found:
        return columns[0]
    longest, nothing = max(map(len, columns)), Patch(facecolor="none", edgecolor="none", label=" ")
    return [
        patch for column in columns for patch in [*column, *[nothing] * (longest - len(column))]
    ]


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task."""
    searches, tasks = _searches(results), list(results.study.tasks)
    if not len(searches):
        return figures.Drawing(
            figures.empty("This study plans no searches."), figures.behind(searches)
        )
    cells = max(_cells(results, key) for key in searches["key"])
    numbers, ways = _numbers(results, searches), searches[["search", "recipe"]].drop_duplicates()
    # Every task has the same searches.
    height = len(where(searches, task=tasks[0])) + GAP * len(ways)
    width = max(CELL * (cells + STEP * len(numbers)) + MARGIN, LEGEND / min(2, len(tasks)))
    figure, axes = figures.panels(len(tasks), 2, width, ROW * (height + 1.6) + 0.3)
    for ax, task in zip(axes, tasks, strict=True):
        rows = where(searches, task=task)
        figures.head(ax, results.title(task), rows)
        _panel(ax, results, rows, cells, numbers)
        ax.set_ylim(height + 0.6, -1)
    tight: dict[str, Any] = {
        "fontsize": {1: 6}.get(len(tasks), 7.5),
        "handlelength": 1.4,
        "columnspacing": 1.2,
    }
    figure.legend(handles=_legend(results, searches), loc="outside lower center", ncols=3, **tight)
    said = [MEANING, figures.behind(searches, intervals=False), cautions.bi_level(searches)]
    said += [cautions.alpha_rate(results), cautions.twins(results, _derived(results, searches))]
    return figures.Drawing(figure, " ".join(filter(None, said)))


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
