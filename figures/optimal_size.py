"""Score against FLOPs of the manual sizes.

One panel a task, the optimum marked (claim C1).
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import INK, MANUAL, network_name, upright_name
from a2d.reading.results import Results, summarize, where

NAMES = 0.35  # of a panel's height, for the name above the highest interval


def _panel(ax: Axes, results: Results, task: str) -> None:
    sweep = results.manual(task)
    figures.head(ax, results.title(task), sweep)
    if sweep["score"].isna().all():
        figures.blank(ax, figures.not_run(sweep))
        return
    best = results.best_manual(task)["network"].iloc[0]
    sizes = {network: where(sweep, network=network) for network in results.networks(task).every}
    means = [
        (rows["flops"].mean(), rows["score"].mean())
        for rows in sizes.values()
        if rows["score"].notna().any()
    ]
    ax.plot(*zip(*means, strict=True), color=MANUAL.color, linewidth=1, linestyle=MANUAL.line)
    for network, rows in sizes.items():
        _size(ax, network, rows, network == best)
    figures.mark_diverged(ax, sweep)
    random = results.study.tasks[task].random_score
    if random is not None:
        figures.level(ax, random.value, "random")
    figures.absent(ax, {network_name(network): rows for network, rows in sizes.items()})
    figures.flops_axis(ax)
    ax.margins(x=0.12, y=0.12)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + NAMES * (high - low))


def _size(ax: Axes, network: str, rows: pd.DataFrame, best: bool) -> None:
    """Draw one size: dots for seeds, mean with interval, name, and a star if it is the best."""
    summary = summarize(rows)
    if summary.score is None:
        return
    flops = rows["flops"].mean()
    if summary.recorded > 1:
        ax.plot(
            rows["flops"],
            rows["score"],
            ".",
            color=MANUAL.color,
            alpha=0.45,
            markersize=5,
            zorder=2,
        )
    figures.point(ax, flops, summary, MANUAL, dots=False)
    if best:
        ax.plot(
            [flops], [summary.score.estimate], "*", color="#d55e00", markersize=15,
            markeredgecolor="white", zorder=5,
        )  # fmt: skip
    top = max(summary.score.estimate, rows["score"].max())
    if summary.score.known:
        top = max(top, summary.score.high)
    # Upright, because neighbouring sizes can be close.
    ax.annotate(
        upright_name(network), (flops, top), textcoords="offset points", xytext=(0, 8),
        rotation=90, ha="center", va="bottom", fontsize=7, color=INK,
    )  # fmt: skip


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task."""
    tasks = list(results.study.tasks)
    rows = pd.concat([results.manual(task) for task in tasks])
    figure, axes = figures.panels(len(tasks), width=3.8)
    for ax, task in zip(axes, tasks, strict=True):
        _panel(ax, results, task)
    figures.label_outer(axes, figures.FLOPS_AXIS, figures.SCORE_AXIS)
    caption = (
        "Test score against FLOPs for manually designed networks of growing size, trained without "
        f"a teacher. Crosses: mean over seeds, from three seeds on with {cautions.T_INTERVALS}; "
        "dots: single seeds; star: the best size of the task by mean score; dashed: a random "
        f"policy. {figures.behind(rows)}"
    )
    return figures.Drawing(figure, caption)


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
