"""Score during the search, every seed a line: one column per way to search, one row per task (claims C2, C3)."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.axes import Axes

from a2d.rendering import figures
from a2d.rendering.command import figure_command
from a2d.rendering.style import GREY, INK, search_look, search_name
from a2d.rendering.text import number
from a2d.results import Results, where

TITLE_WIDTH = 20  # characters


def _panel(ax: Axes, results: Results, rows: pd.DataFrame, method: str, recipe: str) -> None:
    """Draw one way to search on one task: its seeds, their mean, and the searched scores at the end."""
    look = search_look(method, recipe)
    ax.set_title(figures.tally(rows), loc="right", fontsize=7, color=GREY)
    found = rows[rows["score"].notna()]
    if not len(found):
        figures.blank(ax, figures.not_run(rows))
        return
    for _, run in found.iterrows():
        curve = where(results.curves, key=run["key"])
        ax.plot(curve["step"], curve["mean_return"], color=look.color, linewidth=0.8, alpha=0.75)
        ax.plot([run["steps"] * 1.06], [run["score"]], look.marker, color=look.color, markersize=4, clip_on=False,
                markerfacecolor="white" if run["state"] == "diverged" else look.color)  # fmt: skip
        if run["state"] == "diverged":
            figures.dagger(ax, run["steps"] * 1.06, run["score"])
    figures.mean_curve(ax, results.curves, list(found["key"]), look, band=False)
    figures.steps_axis(ax, float(rows["steps"].max()))
    if len(found) > 1:
        spread = f"sd of scores {number(found['score'].std(ddof=1), 2)}"
        ax.text(0.03, 0.97, spread, transform=ax.transAxes, fontsize=7, va="top", color=INK)


def draw(results: Results) -> figures.Drawing:
    """Draw one row of panels per task."""
    searches = where(results.runs, stage="search")
    methods = list(searches[["search", "recipe"]].drop_duplicates().itertuples(index=False, name=None))
    if not methods:
        return figures.Drawing(figures.empty("This study plans no searches."), figures.behind(searches))
    methods.sort(key=lambda pair: (list(results.study.methods.recipes).index(pair[1])))
    tasks = list(results.study.tasks)
    width = 1.75 if len(methods) > 3 else 2.6
    figure, axes = figures.panels(len(methods) * len(tasks), len(methods), width, 1.85, sharex="row", sharey="row")
    for index, ax in enumerate(axes):
        task, (method, recipe) = tasks[index // len(methods)], methods[index % len(methods)]
        _panel(ax, results, where(searches, task=task, search=method, recipe=recipe), method, recipe)
        if index < len(methods):
            name = textwrap.fill(search_name(results.study.methods, method, recipe), TITLE_WIDTH)
            ax.annotate(name, (0, 1.16), xycoords="axes fraction", fontsize=8.5, fontweight="bold", color=INK)
        if index % len(methods) == 0:
            ax.set_ylabel(f"{results.title(task)}\n{figures.SHORT_RETURN_AXIS}")
    figure.supxlabel(figures.STEPS_AXIS, fontsize=8.5, color=INK)
    caption = (
        "Return during the search, of paths sampled from the supernet: every seed a thin line, their mean a thick one. "
        "Markers at the right: test score of the supernet along its strongest path, one a seed (hollow: diverged); "
        f"sd: their standard deviation over seeds. {figures.behind(searches)}"
    )
    return figures.Drawing(figure, caption)


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
