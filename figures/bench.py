"""Searches on A2D-Bench.

What they derived among all its architectures, each trained alone (claim C6).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from a2d.benchmark.table import Table
from a2d.reading.lookups import look_up_all, published
from a2d.reading.rendering import figures
from a2d.reading.rendering.cautions import T_INTERVALS
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import GREY, INK, LIGHT, PAPER, search_look
from a2d.reading.results import Results, summarize, where

CHANCE = 50  # the percentile of an architecture drawn at random, but for half its own rank


def _methods(results: Results, rows: pd.DataFrame) -> list[str]:
    return [name for name in results.study.methods.search if name in set(rows["search"])]


def _ranks(ax: Axes, results: Results, rows: pd.DataFrame) -> None:
    """Draw every search's percentile, a row for each way to search, and their means."""
    methods = _methods(results, rows)
    figures.head(ax, "What each search derived", rows)
    for place, method in enumerate(reversed(methods)):
        look = search_look(method, PAPER)
        found = where(rows, search=method)["percentile"].dropna()
        ax.plot(
            found, np.full(len(found), place), look.marker, color=look.color, alpha=0.35,
            markeredgewidth=0,
        )  # fmt: skip
        mean = summarize(where(rows, search=method).assign(score=rows["percentile"])).score
        if mean is None:
            continue
        if mean.known:
            ax.plot([mean.low, mean.high], [place, place], color=look.color, linewidth=1.6)
        ax.plot([mean.estimate], [place], look.marker, color=look.color, markeredgecolor=INK)
    ax.axvline(CHANCE, color=GREY, linewidth=0.9, linestyle=(0, (6, 3)), zorder=1)
    titles = [results.study.methods.search[method].title for method in reversed(methods)]
    ax.set_yticks(range(len(methods)), titles)
    ax.set_ylim(-0.6, len(methods) - 0.4)
    ax.set_xlim(-2, 102)
    ax.set_xlabel("percentile among all architectures (dashed: chance)")


def _cloud(ax: Axes, results: Results, table: Table, rows: pd.DataFrame) -> None:
    """Draw all architectures as trained alone, and those that were derived."""
    task = next(name for name, card in table.cards.items() if card in set(rows["task"]))
    means = table.means(task)
    ax.plot(table.flops(task), means, "o", color=LIGHT, markersize=3.5, markeredgewidth=0)
    for method in _methods(results, rows):
        look, found = search_look(method, PAPER), where(rows, search=method)
        ax.plot(
            found["flops"], found["alone"], look.marker, color=look.color, markerfacecolor="none",
            markeredgewidth=1.1,
        )  # fmt: skip
    ax.set_title("Among all architectures", loc="left", fontweight="bold", color=INK)
    figures.flops_axis(ax)
    ax.set_xlabel(figures.FLOPS_AXIS)
    ax.set_ylabel("mean score, trained alone")


def draw(results: Results) -> figures.Drawing:
    """Draw the percentiles of every way to search, and all architectures by cost and score."""
    table, planned = published(), results.on_bench
    if planned.empty or table is None:
        message = (
            "This study plans no such searches." if planned.empty else "There is no table yet."
        )
        return figures.Drawing(figures.empty(message), figures.behind(planned))
    rows = look_up_all(results, table)
    figure, axes = figures.panels(2, 2, 4.4, 3.4)
    _ranks(axes[0], results, rows)
    _cloud(axes[1], results, table, rows)
    methods = results.study.methods.search
    figures.legend(
        figure,
        [(methods[name].title, search_look(name, PAPER)) for name in _methods(results, rows)],
    )
    counts = ", ".join(
        f"{table.coverage(task)} of {task}"
        for task, card in table.cards.items()
        if card in set(rows["task"])
    )
    caption = (
        "Searches in a space whose architectures have all been trained alone, with "
        f"{len(table.seeds)} seeds each ({table.title} {table.version}: {counts}). Left: per cent "
        "of all architectures that score no higher than what a search derived, a pale marker for "
        f"each search, a full one for their mean, with {T_INTERVALS}. Right: every architecture's "
        "mean score over the table's seeds by its FLOPs, grey; in colour those that were derived. "
        f"{figures.behind(planned)}"
    )
    return figures.Drawing(figure, caption)


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
