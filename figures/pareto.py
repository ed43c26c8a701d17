"""Score against FLOPs of all agents.

Manual sizes, random architectures, vanilla NAS and A2D, one panel a task (claim C4).
"""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.agents import BEST, EQUAL, Kind, kinds
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import (
    GREY,
    LIGHT,
    MANUAL,
    Look,
    network_name,
    upright_name,
)
from a2d.reading.results import Results, summarize, where

SHOWS_ALSO = ("size_sweep", "stability", "distillation", "recipes")
SHOWS_ALL = ("manual", "derive")

FRONT = Look("#cccccc", "_")
STRIP = 0.4  # of a panel, for the manual sizes' names
WHITE = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}


def _sweeps(results: Results, task: str) -> dict[str, pd.DataFrame]:
    """Return a task's manual sizes by the kind whose look they have."""
    return {BEST: results.manual(task), EQUAL: results.equal_steps(task)}


def _groups(results: Results, task: str, shown: list[Kind]) -> list[tuple[str, Look, pd.DataFrame]]:
    """Return a task's groups of seeds: of manual kinds each size, of the others all."""
    sweeps, groups = _sweeps(results, task), []
    for kind in shown:
        if kind.name in sweeps:
            longer = ", equal steps" * (kind.name == EQUAL)
            for size in results.networks(task).every:
                rows = where(sweeps[kind.name], network=size)
                groups.append((network_name(size) + longer, kind.look, rows))
        else:
            groups.append((kind.name, kind.look, where(kind.rows, task=task)))
    return [group for group in groups if len(group[2])]


def _front(groups: list[tuple[str, Look, pd.DataFrame]]) -> list[tuple[float, float]]:
    """Return the means (FLOPs, score) that no other is better than in both, by their FLOPs."""
    known = [rows for _, _, rows in groups if rows["score"].notna().any()]
    means = sorted((rows["flops"].mean(), -rows["score"].mean()) for rows in known)
    front: list[tuple[float, float]] = []
    for flops, loss in means:
        if not front or -loss > front[-1][1]:
            front.append((flops, -loss))
    return front


def _panel(ax: Axes, results: Results, task: str, shown: list[Kind]) -> None:
    groups = _groups(results, task, shown)
    rows = pd.concat([results.runs.iloc[:0], *(group[2] for group in groups)])
    figures.head(ax, results.title(task), rows)
    if rows["score"].isna().all():
        figures.blank(ax, figures.not_run(rows))
        return
    steps = zip(*_front(groups), strict=True)
    ax.step(*steps, where="post", color=FRONT.color, linewidth=4, zorder=1)
    curves = [_curve(sweep) for sweep in _sweeps(results, task).values()]
    for curve in curves:
        ax.plot(
            curve["flops"], curve["score"], color=MANUAL.color, linewidth=1,
            linestyle=MANUAL.line, zorder=2,
        )  # fmt: skip
    for _, look, group in groups:
        _group(ax, look, group)
    figures.mark_diverged(ax, rows)
    figures.flops_axis(ax)
    ax.margins(x=0.1, y=0.1)
    _names(ax, curves[0])
    figures.absent(ax, {name: group for name, _, group in groups})


def _group(ax: Axes, look: Look, rows: pd.DataFrame) -> None:
    """Draw the mean of a group of seeds, and its seeds small beside it."""
    if rows["score"].notna().sum() > 1:
        ax.plot(
            rows["flops"], rows["score"], look.marker, color=look.color, markersize=3, alpha=0.4,
            zorder=2,
        )  # fmt: skip
    figures.point(ax, rows["flops"].mean(), summarize(rows), look, size=look.size, dots=False)


def _curve(sweep: pd.DataFrame) -> pd.DataFrame:
    """Return the mean FLOPs and score of every size, from small to large."""
    means = sweep.groupby("network", sort=False)[["flops", "score"]].mean()
    return means.dropna().sort_values("flops")


def _names(ax: Axes, sweep: pd.DataFrame) -> None:
    """Write manual sizes' names upright in a strip at the panel's foot, each below its mean."""
    low, high = ax.get_ylim()
    foot = low - STRIP * (high - low)
    ax.set_ylim(foot, high)
    for network, (flops, score) in zip(sweep.index, sweep.to_numpy(), strict=True):
        ax.plot([flops, flops], [foot, score], color=LIGHT, linewidth=0.7, zorder=0.9)
        ax.annotate(
            upright_name(str(network)), (flops, 0.02), xycoords=ax.get_xaxis_transform(),
            rotation=90, fontsize=6.5, color=GREY, ha="center", va="bottom", bbox=WHITE,
        )  # fmt: skip


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task."""
    tasks = list(results.study.tasks)
    shown = [kind for kind in kinds(results) if kind.credit]
    figure, axes = figures.panels(len(tasks), width=3.8, height=3.2)
    for ax, task in zip(axes, tasks, strict=True):
        _panel(ax, results, task, shown)
    figures.label_outer(axes, figures.FLOPS_AXIS, figures.SCORE_AXIS)
    sizes = {BEST: "Manual sizes", EQUAL: "Manual sizes, distilled, equal steps"}
    entries = [(sizes.get(kind.name, kind.name), kind.look) for kind in shown]
    figures.legend(figure, [*entries, ("Pareto front of the means", FRONT)], columns=3)
    sweeps = [sweep for task in tasks for sweep in _sweeps(results, task).values()]
    used = pd.concat([*sweeps, *(kind.rows for kind in shown)]).drop_duplicates("key")
    caption = (
        "Test score against FLOPs of one decision. Large markers: means over seeds, from three "
        f"seeds on with {cautions.T_INTERVALS}; small ones: single seeds, of random "
        "architectures single draws, where searched each with an architecture of its own. "
        "Filled: finally trained with distillation; hollow: without; dotted: the manual sizes. "
        "Pale grey: the front of means that none betters in both; †: a run that diverged. "
        f"{figures.behind(used)}"
    )
    said = [caption, cautions.random(used), cautions.alpha_rate(results)]
    said.append(cautions.twins(results, used))
    if not any(kind.rows["stage"].eq("derive").any() for kind in shown):
        said.append("This study plans no searched or random agents.")
    return figures.Drawing(figure, " ".join(filter(None, said)))


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
