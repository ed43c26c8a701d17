"""A fixed network under distillation.

Learning curves, taught by none, either or both of the teacher's heads (claim C3).
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from matplotlib.axes import Axes

from a2d.reading.rendering import cautions, figures
from a2d.reading.rendering.command import figure_command
from a2d.reading.rendering.style import GREY, MODE_NAMES, MODES, network_name
from a2d.reading.results import Results, summarize

SHOWS_ALSO = ("size_sweep",)
SHOWS_ALL = ("teacher",)

LOOKS = {mode: replace(look, filled=mode != "none") for mode, look in MODES.items()}


def _panel(ax: Axes, results: Results, task: str) -> None:
    groups = {mode: results.fixed(task, mode) for mode in LOOKS}
    rows = pd.concat(groups.values())
    figures.head(ax, f"{results.title(task)}\n{network_name(results.networks(task).student)}", rows)
    if rows["score"].isna().all():
        figures.blank(ax, figures.not_run(rows))
        return
    end = float(rows["steps"].max())
    for index, (mode, group) in enumerate(groups.items()):
        # Test scores stand beside the curves, apart from each other.
        _mode(ax, results, group, mode, end * (1.055 + 0.05 * index))
    teacher = results.teacher(task)
    if teacher["score"].notna().any():
        name = network_name(results.networks(task).teacher)
        figures.level(ax, teacher["score"].mean(), f"teacher, {name}")
    ax.axvline(end * 1.015, color=GREY, linewidth=0.6)
    ax.set_xlim(-0.02 * end, end * 1.25)
    figures.steps_axis(ax, end)
    named = {MODE_NAMES[mode]: group for mode, group in groups.items()}
    figures.absent(ax, {**named, "Teacher": teacher})


def _mode(ax: Axes, results: Results, group: pd.DataFrame, mode: str, x: float) -> None:
    """Draw one mode: mean curve, band, and at ``x`` the mean test score (†: a run diverged)."""
    summary = summarize(group)
    if summary.score is None:
        return
    figures.mean_curve(
        ax, results.curves, list(group.loc[group["score"].notna(), "key"]), LOOKS[mode]
    )
    figures.point(ax, x, summary, LOOKS[mode], size=6)
    if summary.diverged:
        figures.dagger(ax, x, summary.score.estimate)


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task."""
    tasks = list(results.study.tasks)
    rows = pd.concat([results.fixed(task, mode) for task in tasks for mode in LOOKS])
    planned = [mode for mode in LOOKS if mode in set(rows["distillation"])]
    figure, axes = figures.panels(len(tasks))
    for ax, task in zip(axes, tasks, strict=True):
        _panel(ax, results, task)
    figures.label_outer(axes, figures.STEPS_AXIS, figures.RETURN_AXIS)
    figures.legend(figure, [(MODE_NAMES[mode], LOOKS[mode]) for mode in planned], lines=True)
    unplanned = ", ".join(MODE_NAMES[mode] for mode in LOOKS if mode not in planned)
    caption = (
        "Learning curves of a fixed network, distilled from neither, one or both of the teacher's "
        "heads: mean over seeds of the return of recent training episodes, bands from the lowest "
        "to the highest seed. Right of the vertical line: mean test scores, from three seeds on "
        f"with {cautions.T_INTERVALS}, of two seeds with a dot for each (hollow: no teacher; †: "
        f"a run diverged); dashed: the teacher's test score. {figures.behind(rows)}"
    )
    if unplanned:
        caption += f" Not part of this study: {unplanned}."
    return figures.Drawing(figure, caption)


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
