"""Return during the search.

Every seed is a line: one column per way to search, one row per task (claims C2, C3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import GREY, INK, Look, search_look, search_name
from a2d.reading.rendering.text import number
from a2d.reading.results import Results, where

HEADROOM = 0.17  # of a panel, for the spread


def _methods(results: Results, searches: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the planned ways to search, (method, recipe), in ``workflow/methods.yaml``'s order."""
    planned = set(searches[["search", "recipe"]].itertuples(index=False, name=None))
    methods = results.study.methods
    return [
        (method, recipe)
        for recipe in methods.recipes
        for method in methods.search
        if (method, recipe) in planned
    ]


def _panel(ax: Axes, results: Results, rows: pd.DataFrame, look: Look) -> None:
    """Draw one way to search on one task: its seeds, their mean, and their scores at the end."""
    ax.set_title(figures.tally(rows), loc="left", fontsize=7, color=GREY)
    found = rows[rows["score"].notna()]
    if not len(found):
        figures.blank(ax, figures.not_run(rows))
        return
    for _, run in found.iterrows():
        _seed(ax, where(results.curves, key=run["key"]).dropna(), run, look)
    figures.mean_curve(ax, results.curves, list(found["key"]), replace(look, line="-"), band=False)
    end = float(rows["steps"].max())
    figures.steps_axis(ax, end)
    ax.set_xlim(-0.04 * end, 1.12 * end)
    if len(found) > 1:
        spread = f"sd of test scores {number(found['score'].std(ddof=1), 2)}"
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
        ax.text(
            0.04, 0.96, spread, transform=ax.transAxes, fontsize=7, va="top", color=INK, bbox=box
        )


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


def _row(axes: Sequence[Axes], results: Results, task: str) -> None:
    """Give a task's panels one y axis, numbered on the first, and the level of a random policy."""
    axes[0].set_ylabel(f"{results.title(task)}\n{figures.SHORT_RETURN_AXIS}")
    drawn = [ax for ax in axes if ax.lines]
    random = results.study.tasks[task].random_score
    if random is not None and drawn:
        for ax in drawn:
            figures.level(ax, random.value, "")
        drawn[-1].annotate(
            "random", (1, random.value), xycoords=drawn[-1].get_yaxis_transform(), fontsize=7,
            xytext=(3, 0), textcoords="offset points", va="center", color=GREY,
        )  # fmt: skip
    limits = [ax.get_ylim() for ax in drawn]
    for ax in drawn:
        low, high = min(low for low, _ in limits), max(high for _, high in limits)
        ax.set_ylim(low, high + HEADROOM * (high - low))
        ax.tick_params(axis="y", labelleft=ax is drawn[0])


def draw(results: Results) -> figures.Drawing:
    """Draw one row of panels per task."""
    searches, tasks = where(results.labelled, stage="search"), list(results.study.tasks)
    methods = _methods(results, searches)
    if not methods:
        return figures.Drawing(
            figures.empty("This study plans no searches."), figures.behind(searches)
        )
    columns, width = len(methods), 2.6
    if columns > 3:
        width = 1.8
    figure, axes = figures.panels(columns * len(tasks), columns, width, 1.85)
    for index, ax in enumerate(axes):
        task, (method, recipe) = tasks[index // columns], methods[index % columns]
        look, rows = (
            search_look(method, recipe),
            where(searches, task=task, search=method, recipe=recipe),
        )
        _panel(ax, results, rows, look)
        if index < columns:
            name = search_name(results.study.methods, method, recipe).replace(", ", ",\n")
            ax.annotate(
                name, (0, 1), xycoords="axes fraction", xytext=(0, 16),
                textcoords="offset points", fontsize=8.5, fontweight="bold", color=INK,
            )  # fmt: skip
    for index, task in enumerate(tasks):
        _row(axes[index * columns : (index + 1) * columns], results, task)
    figure.supxlabel(figures.STEPS_AXIS, fontsize=8.5, color=INK)
    said = [_caption(searches), cautions.bi_level(searches), cautions.alpha_rate(results)]
    return figures.Drawing(figure, " ".join(filter(None, said)))


def _caption(searches: pd.DataFrame) -> str:
    return (
        "Return of recent training episodes during the search, of paths sampled from the "
        "supernet: every seed a thin line, their mean a thick one (as far as all seeds go); †: "
        "where a search diverged. Markers at the right: test score of the supernet along its "
        "strongest path, one a seed; sd: their standard deviation over seeds; dashed: a random "
        "policy. The panels of a task share their y axis. "
        f"{figures.behind(searches.drop_duplicates('key'), intervals=False)}"
    )


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
