"""Learning curves of fixed networks taught by none, either or both of the teacher's heads (claim C3)."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from a2d.rendering import figures
from a2d.rendering.command import figure_command
from a2d.rendering.style import GREY, MODE_NAMES, MODES, network_name
from a2d.results import Results, summarize


def _panel(ax: Axes, results: Results, task: str) -> None:
    groups = {mode: results.fixed(task, mode) for mode in MODES}
    rows = pd.concat(groups.values())
    figures.head(ax, f"{results.title(task)}, {network_name(results.networks(task).student)}", rows)
    if rows["score"].isna().all():
        figures.blank(ax, figures.not_run(rows))
        return
    ends = rows["steps"].max()
    for index, (mode, group) in enumerate(groups.items()):
        keys = list(group.loc[group["score"].notna(), "key"])
        figures.mean_curve(ax, results.curves, keys, MODES[mode])
        # Test scores stand beside the curves, apart from each other.
        figures.point(ax, ends * (1.05 + 0.045 * index), summarize(group), MODES[mode], size=6)
    teacher = summarize(results.teacher(task))
    if teacher.score is not None:
        figures.level(ax, teacher.score.estimate, "teacher")
    ax.axvline(ends * 1.015, color=GREY, linewidth=0.6)
    figures.steps_axis(ax, ends)
    figures.absent(ax, {MODE_NAMES[mode]: group for mode, group in groups.items()})


def draw(results: Results) -> figures.Drawing:
    """Draw one panel per task."""
    tasks = list(results.study.tasks)
    rows = pd.concat([results.fixed(task, mode) for task in tasks for mode in MODES])
    figure, axes = figures.panels(len(tasks))
    for ax, task in zip(axes, tasks, strict=True):
        _panel(ax, results, task)
    figures.label_outer(axes, figures.STEPS_AXIS, figures.RETURN_AXIS)
    figures.legend(figure, [(MODE_NAMES[mode], look) for mode, look in MODES.items()], lines=True)
    caption = (
        "Learning curves of a fixed network, distilled from neither, one or both of the teacher's heads: mean over "
        "seeds of the return of recent training episodes, bands from the lowest to the highest seed. Right of the "
        f"line: test scores with 95 % bootstrap intervals; dashed: the teacher's. {figures.behind(rows)}"
    )
    return figures.Drawing(figure, caption)


if __name__ == "__main__":
    figure_command(__file__, draw, __doc__)
