"""Return during the search.

Every seed is a line: one panel per task and way to search (claims C2, C3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from a2d.reading.decisions.contrasts import FEWEST
from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.agents import rows_of, ways_to_search
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import GREY, INK, Look, search_look, search_name
from a2d.reading.rendering.text import number
from a2d.reading.results import Results, where

ARTIFACT = "figures/search_stability"
SHOWS_ALSO = ("equal_steps",)

Grid = npt.NDArray[np.object_]  # of panels, (tasks, ways to search)
FEW = 3  # columns up to which panels are wide
RANDOM = "random"  # the name of the level of a random policy
HEADROOM = 0.17  # of a panel, for the spread
WIDEST = 5  # ways to search side by side; more stand below each other, the tasks side by side


def _panel(ax: Axes, results: Results, rows: pd.DataFrame, look: Look) -> None:
    """Draw one way to search on one task: its seeds, their mean, and their scores at the end."""
    if rows.empty:
        ax.set_axis_off()
        return
    ax.set_title(figures.tally(rows), loc="left", fontsize=7, color=GREY)
    found = rows[rows["score"].notna()]
    if not len(found):
        figures.blank(ax, figures.not_run(rows))
        return
    own = [key for key in found["key"] if cautions.plays_itself(results, key)]
    curves = results.curves[results.curves["key"].isin(own)].dropna()
    for _, run in found.iterrows():
        _seed(ax, where(curves, key=run["key"]), run, look)
    figures.mean_curve(ax, results.curves, own, replace(look, line="-"), band=False)
    end = float(rows["steps"].max())
    figures.steps_axis(ax, end)
    ax.set_xlim(-0.04 * end, 1.12 * end)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.text(
        0.04, 0.96, _spread(found["score"]), transform=ax.transAxes, fontsize=7, va="top",
        color=INK, bbox=box,
    )  # fmt: skip


def _spread(scores: pd.Series) -> str:
    """Return the scores' standard deviation, or so few scores themselves."""
    if len(scores) >= FEWEST:
        return f"sd of test scores {number(scores.std(ddof=1), 2)}"
    return f"test scores {', '.join(number(score) for score in scores)}"


def _seed(ax: Axes, curve: pd.DataFrame, run: pd.Series, look: Look) -> None:
    """Draw one search: its curve, a dagger if it diverged, and its test score on the right."""
    ax.plot(curve["step"], curve["mean_return"], color=look.color, linewidth=0.7, alpha=0.6)
    ax.plot(
        [run["steps"] * 1.06],
        [run["score"]],
        look.marker,
        color=look.color,
        markersize=4.5,
        markerfacecolor="none",
        markeredgewidth=0.9,
    )
    if run["state"] == "diverged" and len(curve):
        figures.dagger(ax, curve["step"].iloc[-1], curve["mean_return"].iloc[-1])


def _share(axes: Sequence[Axes], results: Results, task: str, upright: bool) -> None:
    """Give a task's panels one y axis, numbered on the first or all, and the random level.

    ``upright``: they stand below each other.
    """
    drawn = [ax for ax in axes if ax.lines]
    random = results.study.tasks[task].random_score
    if random is not None and drawn:
        narrow = upright and len(results.study.tasks) > FEW
        for ax in drawn:
            figures.level(ax, random.value, RANDOM if narrow and ax is drawn[-1] else "")
        if not narrow:
            drawn[-1].annotate(
                RANDOM, (1, random.value), xycoords=drawn[-1].get_yaxis_transform(), fontsize=7,
                xytext=(3, 0), textcoords="offset points", va="center", color=GREY,
            )  # fmt: skip
    limits = [ax.get_ylim() for ax in drawn]
    for ax in drawn:
        low, high = min(low for low, _ in limits), max(high for _, high in limits)
        ax.set_ylim(low, high + HEADROOM * (high - low))
        ax.tick_params(axis="y", labelleft=upright or ax is drawn[0])


def _grid(tasks: int, ways: int) -> tuple[Figure, Grid]:
    """Return a figure and its panels, (tasks, ways)."""
    if ways <= WIDEST:
        figure, axes = figures.panels(tasks * ways, ways, 2.6 if ways <= FEW else 1.8, 1.85)
        return figure, np.array(axes).reshape(tasks, ways)
    figure, axes = figures.panels(tasks * ways, tasks, 2.6 if tasks <= FEW else 1.9, 1.5)
    return figure, np.array(axes).reshape(ways, tasks).T


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task and way to search."""
    searches, tasks = where(rows_of(results, ARTIFACT), stage="search"), list(results.study.tasks)
    ways = ways_to_search(searches, results.study.methods)
    if not ways:
        return figures.Drawing(
            figures.empty("This study plans no searches."), figures.behind(searches)
        )
    figure, grid = _grid(len(tasks), len(ways))
    for (task, (method, recipe)), ax in zip(product(tasks, ways), grid.ravel(), strict=True):
        rows = where(searches, task=task, search=method, recipe=recipe)
        _panel(ax, results, rows, search_look(method, recipe))
    for task, axes in zip(tasks, grid, strict=True):
        _share(axes, results, task, upright=len(ways) > WIDEST)
    names = [search_name(results.study.methods, *way).replace(", ", ",\n") for way in ways]
    _label(grid, [results.title(task) for task in tasks], names)
    figure.supxlabel(figures.STEPS_AXIS, fontsize=8.5, color=INK)
    said = [_caption(searches), cautions.imitation(results, searches)]
    said += [cautions.bi_level(searches), cautions.alpha_rate(results)]
    return figures.Drawing(figure, " ".join(filter(None, said)))


def _label(grid: Grid, tasks: list[str], names: list[str]) -> None:
    """Name the rows of panels on their left and the columns above them."""
    heads, sides, above, beside = grid[0], grid[:, 0], names, tasks
    if len(names) > WIDEST:
        heads, sides, above, beside = grid[:, 0], grid[0], tasks, names
    size = 8.5 if len(above) <= WIDEST else 7.5  # the name of a task may be wider than its panel
    for ax, name in zip(heads, above, strict=True):
        ax.annotate(
            name, (0, 1), xycoords="axes fraction", xytext=(0, 16),
            textcoords="offset points", fontsize=size, fontweight="bold", color=INK,
        )  # fmt: skip
    for ax, name in zip(sides, beside, strict=True):
        ax.set_ylabel(f"{name}\n{figures.SHORT_RETURN_AXIS}")


def _caption(searches: pd.DataFrame) -> str:
    return (
        "Return of recent training episodes during the search, of paths sampled from the "
        "supernet: every seed a thin line, their mean a thick one (as far as all seeds go); †: "
        "where a search diverged. Markers at the right: test score of the supernet along its "
        "strongest path, one a seed; sd: their standard deviation over seeds; dashed: a random "
        "policy. The panels of a task share their y axis; there is none where a task has no such "
        "searches. "
        f"{figures.behind(searches.drop_duplicates('key'), intervals=False)}"
    )


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
