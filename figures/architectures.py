"""The searched architectures.

Cell by cell: one row per search and seed, one panel a task (claim C4).
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.agents import rows_of, ways_to_search
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
from a2d.reading.rendering.text import number, scaled
from a2d.reading.results import Results, where
from a2d.specs.architecture import OPERATORS, Architecture, Operator
from a2d.specs.run import SearchSpec

ARTIFACT = "figures/architectures"
SHOWS_ALSO = ("a2d_vs_manual", "recipes", "equal_steps")

CELL, ROW = 0.34, 0.2  # inches
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
# Of what stands in a row, which is never wider than the rows' names and the panel.
INSIDE: dict[str, Any] = {"va": "center", "in_layout": False}
DAGGERS = {"diverged": "†"}  # by a run's status
MEANING = (
    "What every search derived: the strongest operator of each cell, from input (left) to heads "
    "(right), one row per seed. At a row's end: FLOPs per decision, and the test score of the "
    "derived agent after final training without a teacher (plain) and with joint distillation "
    "(distilled); blank where the study plans no such agent. Hatched: a search without a sound "
    "record."
)


def _derived(results: Results, searches: pd.DataFrame) -> pd.DataFrame:
    """Return the planned agents whose scores stand at the rows' ends, with their ``source``."""
    planned = where(results.runs, stage="derive", random="")
    planned = planned.assign(source=planned["key"].map(results.study.sources))
    return planned[planned["source"].isin(searches["key"])]


def _numbers(derived: pd.DataFrame) -> list[str]:
    """Return the columns of numbers that this study can fill."""
    planned = set(derived["distillation"])
    return [column for column in NUMBERS if column == "flops" or column in planned]


def _cells(results: Results, key: str) -> int:
    spec = results.study.runs[key].spec
    assert isinstance(spec, SearchSpec)  # only searches are drawn
    return spec.search.space.cells


def _blocks(ax: Axes, y: float, architecture: Architecture) -> None:
    colors = [operator_color(operator) for operator in architecture.chosen()]
    boxes = [Rectangle((x + 0.03, y - 0.42), 0.94, 0.84) for x in range(len(colors))]
    drawn = PatchCollection(boxes, facecolors=colors, edgecolors=LIGHT, linewidths=0.5, zorder=1)
    ax.add_collection(drawn, autolim=False)  # one artist a row: thousands take seconds
    for x, (color, operator) in enumerate(zip(colors, architecture.chosen(), strict=True)):
        sign, ink = operator_sign(operator), ink_on(color)
        ax.text(x + 0.5, y, sign, ha="center", fontsize=6.5, color=ink, **INSIDE)


def _missing(ax: Axes, y: float, cells: int, state: str) -> None:
    ax.add_patch(Rectangle((0.03, y - 0.42), cells - 0.06, 0.84, **HATCH))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(cells / 2, y, state, ha="center", va="center", fontsize=6.5, color=GREY, bbox=box)


def _row(ax: Axes, results: Results, row: pd.Series, y: float) -> None:
    """Draw one search: its seed and its cells."""
    record = results.records.get(row["key"])
    seed = f"{row['seed']}{DAGGERS.get(row['state'], '')}"
    ax.text(-0.15, y, seed, ha="right", fontsize=6.5, color=GREY, **INSIDE)
    if record is None or record.search is None:
        _missing(ax, y, _cells(results, row["key"]), str(row["state"]))
    else:
        _blocks(ax, y, record.search.architecture)


def _ends(rows: pd.DataFrame, derived: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return what stands at the ends of rows, by the search's key and the column."""
    flops = zip(rows["key"], rows["flops"], strict=True)
    ends = {key: {"flops": scaled(value)} for key, value in flops}
    agents = derived[derived["source"].isin(rows["key"])]
    columns = (agents[name] for name in ("source", "distillation", "score", "state"))
    for source, column, score, state in zip(*columns, strict=True):
        ends[source][column] = number(score) + DAGGERS.get(state, "")
    return ends


def _panel(
    ax: Axes, results: Results, rows: pd.DataFrame, cells: int, derived: pd.DataFrame
) -> None:
    """Draw one task's rows from the top."""
    places = {column: cells + STEP * place for place, column in enumerate(_numbers(derived), 1)}
    y, names, methods, ends = 1.0, {}, results.study.methods, _ends(rows, derived)
    for search, recipe in ways_to_search(rows, methods):
        seeds = where(rows, search=search, recipe=recipe).sort_values("seed")
        name = search_name(methods, search, recipe).replace(", ", ",\n")
        names[name] = y + (len(seeds) - 1) / 2
        for _, row in seeds.iterrows():
            _row(ax, results, row, y)
            for column, x in places.items():
                text = ends[row["key"]].get(column, "")
                ax.text(x, y, text, ha="right", fontsize=7, color=INK, **INSIDE)
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
    ax.set_xlim(-0.1, cells + STEP * len(places) + 0.1)
    ax.set_ylim(y - 0.4, -1)


def _operator_patch(operator: Operator) -> Patch:
    label = f"{operator_sign(operator)}  {operator_name(operator)}"
    return Patch(facecolor=operator_color(operator), edgecolor=LIGHT, label=label)


def _candidates(results: Results, rows: pd.DataFrame) -> dict[str, Operator]:
    """Return the operators that the recorded searches choose from, by name."""
    found: dict[str, Operator] = {}
    for key in rows["key"]:
        record, spec = results.records.get(key), results.study.runs[key].spec
        if record is not None and record.search and isinstance(spec, SearchSpec):
            space = record.search.architecture.space
            found |= {name: OPERATORS[space][name] for name in spec.search.operators(space)}
    return found


def _legend(results: Results, rows: pd.DataFrame) -> list[list[Patch]]:
    """Return columns of patches: plain operators, skip and what is missing; then residuals."""
    plain, residuals = [], defaultdict(list)
    operators = _candidates(results, rows).values()
    for operator in operators:
        if operator.expansion is not None:
            residuals[operator.kernel, operator.activation].append(_operator_patch(operator))
        elif operator.kind != "skip":
            plain.append(_operator_patch(operator))
    plain += [_operator_patch(operator) for operator in operators if operator.kind == "skip"]
    if rows["score"].isna().any():
        plain.append(Patch(label="search not recorded", **HATCH))
    groups = list(residuals.values())
    # Two columns of residuals: those for images, if there are any, stand above those for vectors.
    sides = (list(chain.from_iterable(groups[side::2])) for side in (0, 1))
    return [plain, *filter(None, sides)]


def _in_columns(columns: list[list[Patch]]) -> list[Patch]:
    """Return the patches of a legend that is filled column by column, blank where one is short."""
    longest, nothing = max(map(len, columns)), Patch(facecolor="none", edgecolor="none", label=" ")
    return [
        patch for column in columns for patch in [*column, *[nothing] * (longest - len(column))]
    ]


def _panels(results: Results, searches: pd.DataFrame, cells: float) -> tuple[Figure, list[Axes]]:
    """Return a figure of a panel per task, as high as the rows need of tasks side by side."""
    heights = []
    for task in results.study.tasks:
        rows = where(searches, task=task)
        gaps = GAP * len(ways_to_search(rows, results.study.methods))
        heights.append(ROW * (len(rows) + gaps + 1.6) + 0.3)
    columns = min(2, len(heights))
    ratios = [max(heights[start : start + columns]) for start in range(0, len(heights), columns)]
    width = max(CELL * cells + MARGIN, LEGEND / columns)
    mean = sum(ratios) / len(ratios)
    return figures.panels(len(heights), columns, width, mean, height_ratios=ratios)


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task."""
    searches, tasks = where(rows_of(results, ARTIFACT), stage="search"), list(results.study.tasks)
    if not len(searches):
        return figures.Drawing(
            figures.empty("This study plans no searches."), figures.behind(searches)
        )
    cells = max(_cells(results, key) for key in searches["key"])
    derived = _derived(results, searches)
    figure, axes = _panels(results, searches, cells + STEP * len(_numbers(derived)))
    for ax, task in zip(axes, tasks, strict=True):
        rows = where(searches, task=task)
        figures.head(ax, results.title(task), rows)
        _panel(ax, results, rows, cells, derived)
    tight: dict[str, Any] = {
        "fontsize": {1: 6}.get(len(tasks), 7.5),
        "handlelength": 1.4,
        "columnspacing": 1.2,
    }
    columns = _legend(results, searches)
    handles = _in_columns(columns)
    figure.legend(handles=handles, loc="outside lower center", ncols=len(columns), **tight)
    behind = figures.behind(searches.drop_duplicates("key"), intervals=False)
    said = [MEANING, behind, cautions.bi_level(searches)]
    said += [cautions.alpha_rate(results), cautions.twins(results, derived)]
    return figures.Drawing(figure, " ".join(filter(None, said)))


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
