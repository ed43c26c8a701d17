"""Searches on A2D-Bench.

What they derived among all its architectures, each trained by itself (claim C6).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from a2d.benchmark.table import Array, Table
from a2d.reading import lookups
from a2d.reading.decisions.contrasts import over_seeds
from a2d.reading.rendering import figures
from a2d.reading.rendering.cautions import T_INTERVALS
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import GREY, INK, LIGHT, PAPER, search_look
from a2d.reading.results import Results, where


def _methods(results: Results, rows: pd.DataFrame) -> list[str]:
    return [name for name in results.study.methods.search if name in set(rows["search"])]


def _ranks(ax: Axes, results: Results, trained: tuple[Table, str], rows: pd.DataFrame) -> None:
    """Draw every search's percentile, a row for each way to search, and their means."""
    methods = _methods(results, rows)[::-1]
    figures.head(ax, results.title(trained[0].cards[trained[1]]), rows)
    if not rows["percentile"].notna().any():
        figures.blank(ax, "no search that the table can judge yet")
        return
    for place, method in enumerate(methods):
        _mean(ax, place, method, where(rows, search=method)["percentile"].dropna().to_numpy())
    ax.axvline(lookups.chance(*trained), color=GREY, linewidth=0.9, linestyle=(0, (6, 3)), zorder=1)
    titles = [results.study.methods.search[method].title for method in methods]
    ax.set_yticks(range(len(methods)), titles)
    ax.set_ylim(-0.6, len(methods) - 0.4)
    ax.set_xlim(-3, 103)
    ax.set_xlabel("percentile among all architectures (dashed: chance)")


def _mean(ax: Axes, place: int, method: str, found: Array) -> None:
    """Draw one row: a pale marker for each search, and their mean with its interval."""
    if not len(found):
        return
    look, mean = search_look(method, PAPER), over_seeds("mean", found[:, None])
    ax.plot(
        found, np.full(len(found), place), look.marker, color=look.color, alpha=0.3,
        markersize=look.size, markeredgewidth=0,
    )  # fmt: skip
    if mean.known:
        ax.plot([mean.low, mean.high], [place, place], color=look.color, linewidth=1.6)
    ax.plot([mean.estimate], [place], look.marker, color=look.color, markeredgecolor=INK)


def _cloud(ax: Axes, results: Results, trained: tuple[Table, str], rows: pd.DataFrame) -> None:
    """Draw all architectures as trained by themselves, and those that were derived."""
    table, name = trained
    if not table.coverage(name).complete:
        figures.blank(ax, "no architecture trained with every seed yet")
        return
    ax.plot(table.flops(name), table.means(name), "o", color=LIGHT, markersize=3.5)
    for method in _methods(results, rows):
        look, found = search_look(method, PAPER), where(rows, search=method)
        ax.plot(
            found["flops"], found["alone"], look.marker, color=look.color, markerfacecolor="none",
            markeredgewidth=1.1,
        )  # fmt: skip
    figures.flops_axis(ax)
    ax.set_xlabel(figures.FLOPS_AXIS)
    ax.set_ylabel("mean score, trained by itself")


def draw(results: Results) -> figures.Drawing:
    """Draw, for each task, the percentiles by way to search, and all architectures by cost."""
    table, planned = lookups.published(), results.on_bench
    if planned.empty or table is None:
        message = "This study plans no such searches."
        if table is None:
            message = "The benchmark has no table yet."
        return figures.Drawing(figures.empty(message), figures.behind(planned))
    rows = lookups.look_up_all(results, table)
    names = {card: name for name, card in table.cards.items()}
    tasks = [task for task in results.study.tasks if task in names]
    figure, axes = figures.panels(2 * len(tasks), 2, 4.4, 3.1)
    for task, left, right in zip(tasks, axes[::2], axes[1::2], strict=True):
        here = where(rows, task=task)
        _ranks(left, results, (table, names[task]), here)
        _cloud(right, results, (table, names[task]), here)
    methods = results.study.methods.search
    looks = [(methods[name].title, search_look(name, PAPER)) for name in _methods(results, rows)]
    figures.legend(figure, looks)
    return figures.Drawing(figure, _caption(table, [names[task] for task in tasks], planned))


def _caption(table: Table, names: Iterable[str], planned: pd.DataFrame) -> str:
    counts = ", ".join(f"{table.coverage(name)} of {name}" for name in names)
    return (
        "Searches in a space whose architectures have all been trained by themselves, taught by "
        f"the searches' teacher, with {len(table.seeds)} seeds each ({table.title} "
        f"{table.version}: {counts}). Left: the per cent of all architectures that score no higher "
        "than what a search derived, a pale marker for each search, a full one for their mean, "
        f"with {T_INTERVALS}. Right: every "
        "architecture's mean score over the table's seeds by its FLOPs, grey; in colour those that "
        f"were derived. {figures.behind(planned)}"
    )


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
